"""The lines of the tool tip that a mouse finds at a place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, middle

from viewer.session.session import Rectangle

FRAMES = 20
"""A mouse that stays for so many frames waits long enough for a tool tip."""


def tip_at(mouse: Mouse, draw: Callable[[], None], box: Rectangle | tuple[float, float]) -> list[str]:
    """Point at a place, or the middle of a rectangle, and return the lines that are shown after a moment."""
    lines: list[str] = []
    write = imgui.text_unformatted

    def noted(text: str) -> None:
        if imgui.internal.get_current_window().name.startswith("##Tooltip"):
            lines.append(text)
        write(text)

    imgui.get_io().add_mouse_pos_event(-1, -1)
    mouse.frame(draw)
    imgui.get_io().add_mouse_pos_event(*(middle(box) if len(box) == 4 else box))
    for _ in range(FRAMES):
        mouse.frame(draw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imgui, "text_unformatted", noted)
        mouse.frame(draw)
    return lines
