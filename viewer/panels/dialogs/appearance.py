"""How the window looks: theme, colours and size of the interface, kept in the preferences."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from viewer.session.commands import Command
from viewer.session.preferences import SCALES
from viewer.session.session import Session
from viewer.ui import style

STEP = 1.1
"""How much larger or smaller one step makes the interface."""


def appearance_commands(session: Session) -> list[Command]:
    """Return the commands that change the appearance."""

    def choose(theme: str, *, safe: bool) -> None:
        session.preferences = replace(session.preferences, theme=theme, safe_colors=safe)
        style.choose(theme, safe=safe)
        session.wake()

    def switch_theme() -> None:
        now = session.preferences
        choose("dark" if now.theme == "light" else "light", safe=now.safe_colors)

    def switch_safe() -> None:
        now = session.preferences
        choose(now.theme, safe=not now.safe_colors)

    def scale(factor: float) -> None:
        wanted = min(session.preferences.scale, session.largest_scale) * factor if factor else 1.0
        low, high = SCALES
        session.preferences = replace(session.preferences, scale=round(max(low, min(high, wanted)), 3))
        session.wake()

    command = partial(Command, menu="View", needs_scene=False)
    return [
        command("Light theme", run=switch_theme, is_checked=lambda: session.preferences.theme == "light"),
        command(
            "Colours without red and green",
            run=switch_safe,
            is_checked=lambda: session.preferences.safe_colors,
        ),
        command("Larger interface", run=lambda: scale(STEP), keys=("Ctrl+=",)),
        command("Smaller interface", run=lambda: scale(1 / STEP), keys=("Ctrl+-",)),
        command("Usual size of the interface", run=lambda: scale(0.0), keys=("Ctrl+0",)),
    ]
