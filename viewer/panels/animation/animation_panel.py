"""The panel of the scene's time, with the objects that move with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from imgui_bundle import imgui

from engine.assets import AssetRef
from engine.assets.cache.facts import AnimationFacts
from engine.feature import Feature
from engine.tableau import NO_ASSET
from engine.tableau.clock import LATEST
from viewer.panels import parts, sliders, widgets
from viewer.session.commands import Command
from viewer.session.links import FeatureLink
from viewer.session.session import Session
from viewer.ui import style

if TYPE_CHECKING:
    from engine.feature import Registry
    from engine.tableau import FeatureTable

SPEEDS = (-4.0, 4.0)
_UNKNOWN_S = 4.0
"""The seconds of a loop where a feature moves objects and does not say for how long."""
_TABLE = (
    imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
)
_STRETCH = imgui.TableColumnFlags_.width_stretch.value
_FIXED = imgui.TableColumnFlags_.width_fixed.value


ANIMATION, SPIN = "animation", "spin"


@dataclass(frozen=True, slots=True)
class Loop:
    """The seconds of the scene after which what moves begins again, 0 if nothing moves.

    Without `repeats`, it is at its end then.
    """

    seconds: float = 0.0
    repeats: bool = True

    @staticmethod
    def of(loops: list[Loop]) -> Loop:
        """Return the longest of those that repeat, or of all where none does."""
        moving = [loop for loop in loops if loop.seconds]
        repeating = [loop for loop in moving if loop.repeats]
        return max(repeating or moving, key=lambda loop: loop.seconds, default=Loop())

    def start(self, time: float) -> float:
        """Return when the loop began in which a time lies, in seconds."""
        return math.floor(time / self.seconds) * self.seconds if self.repeats else 0.0


class AnimationPanel:
    """Moves the clock of the tableau; the frame loop does, too, unless it is paused."""

    title = "animation"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._clock = session.runtime.tableau.clock
        self._dragged: float | None = None  # where the loop begins in which the slider is held
        self._clips: tuple[tuple[int, int, int], Loop, list[tuple[str, int, str, float]]] | None = None
        session.commands.add(
            Command("Play", "Scene", self.toggle, ("Ctrl+Space",), is_checked=lambda: not self._clock.paused),
            Command("Next frame of the animation", "Scene", lambda: self._step(1), ("Ctrl+.",)),
            Command("Frame before of the animation", "Scene", lambda: self._step(-1), ("Ctrl+,",)),
            Command("Back to the start of time", "Scene", lambda: self._clock.set(0.0)),
        )

    def toggle(self) -> None:
        """Pause the clock, or let it run again."""
        self._clock.paused = not self._clock.paused
        self._session.wake()

    def draw(self) -> None:
        """Draw into the current window."""
        self._transport()
        loop, clips = self._found()
        if loop.seconds:
            self._scrubber(loop)
        self._list(clips)

    def _scrubber(self, loop: Loop) -> None:
        """The slider of the present loop, and the time that goes on beside it."""
        clock = self._clock
        start = loop.start(clock.time) if self._dragged is None else self._dragged
        number = f", loop {round(start / loop.seconds) + 1:,}" if loop.repeats else ""
        text = f"of {loop.seconds:.2f} s, time {clock.time:,.2f} s{number}"
        room, gap = imgui.get_content_region_avail().x, imgui.get_style().item_spacing.x
        imgui.set_next_item_width(max(room * 0.5, room - gap - imgui.calc_text_size(f"{text}00").x))
        shown = min(max(clock.time - start, 0.0), loop.seconds)
        moved, seconds = sliders.slide_float("##time", shown, 0.0, loop.seconds, "%.3f s")
        self._session.places["time"] = widgets.item_box()
        self._dragged = start if imgui.is_item_active() else None
        if moved:
            clock.paused = True
            clock.set(min(start + seconds, LATEST))
        imgui.same_line()
        widgets.cut(text, style.QUIET)

    def _step(self, frames: int) -> None:
        self._clock.paused = True
        self._clock.step(frames * self._clock.frame_time)

    def _transport(self) -> None:
        clock = self._clock
        buttons: tuple[tuple[str, str, str, Callable[[], None]], ...] = (
            ("|<", "start", "back to the start of time", lambda: clock.set(0.0)),
            ("<", "step back", "a frame back", lambda: self._step(-1)),
            ("play" if clock.paused else "pause", "play", "Ctrl+Space", self.toggle),
            (">", "step", "a frame on", lambda: self._step(1)),
        )
        for number, (label, name, tip, run) in enumerate(buttons):
            if number:
                parts.flows(parts.button_width(label))
            if parts.button(self._session, f"animation {name}", label, tip):
                run()
        width = min(imgui.get_font_size() * 9, imgui.get_content_region_avail().x)
        parts.flows(width)
        imgui.set_next_item_width(width)
        moved, speed = sliders.slide_float("##speed", clock.speed, *SPEEDS, "speed %.2f x")
        if moved:
            clock.speed = speed
        if imgui.is_item_clicked(imgui.MouseButton_.right):
            clock.speed = 1.0
        widgets.tooltip(("right click for 1 x",))
        parts.flows(imgui.get_font_size() * 4)
        widgets.cut(f"{1.0 / clock.frame_time:.0f} frames a second of the scene", style.QUIET)

    def _found(self) -> tuple[Loop, list[tuple[str, int, str, float]]]:
        """The loop of what moves, and the features that move objects.

        These are type, row, what they play, and duration in seconds (0: without end).
        """
        runtime = self._session.runtime
        tableau, library = runtime.tableau, runtime.library
        version = tableau.structure_version, tableau.values_version, library.version
        if self._clips is not None and self._clips[0] == version:
            return self._clips[1:]
        clips: list[tuple[str, int, str, float]] = []
        loops: list[Loop] = []
        for name, table in tableau.tables.items():
            if name not in (ANIMATION, SPIN) and not _moves(runtime.registry, name):
                continue
            rows = np.flatnonzero((table.object >= 0) & table.flags("effective_active"))
            own = [(name, row, *self._plays(table, row)) for row in rows.tolist()]
            clips += own
            is_on = table.flags("effective_enabled")
            loops += [_loop(table, row, duration) for _, row, _, duration in own if is_on[row]]
        self._clips = version, Loop.of(loops), clips
        return self._clips[1:]

    def _plays(self, table: FeatureTable, row: int) -> tuple[str, float]:
        """What a feature plays, and for how many seconds."""
        library, names, duration = self._session.runtime.library, [], 0.0
        for spec in table.schema.asset_fields:
            key = int(table.column(spec.name)[row])
            if key == NO_ASSET:
                continue
            ref = AssetRef.from_key(key)
            names.append(library.unreplaced(ref).label)
            if not library.is_broken(ref):
                facts = library.facts(ref)
                duration = max(duration, facts.duration if isinstance(facts, AnimationFacts) else 0.0)
        return " and ".join(names), duration

    def _list(self, clips: list[tuple[str, int, str, float]]) -> None:
        if not clips:
            widgets.cut("nothing moves by itself: no active `animation` or `spin`", style.QUIET)
            return
        if not self._found()[0].seconds:
            widgets.cut("nothing moves now: all below is not enabled, or at speed 0", style.QUIET)
        if not widgets.begin_table("clips", 3, _TABLE):
            return
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("object", _STRETCH)
        imgui.table_setup_column("plays", _STRETCH)
        imgui.table_setup_column("duration", _FIXED, imgui.calc_text_size("duration ").x)
        widgets.table_headers(2)
        clipper = imgui.ListClipper()
        clipper.begin(len(clips))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                name, row, plays, duration = clips[index]
                imgui.table_next_row()
                imgui.table_next_column()
                path = self._session.runtime.tableau.tables[name].path(row)
                if widgets.link(widgets.fitting(path, imgui.get_content_region_avail().x), f"clip{index}"):
                    self._session.links.follow(FeatureLink(name, row))
                imgui.table_next_column()
                widgets.cut(plays or name, style.QUIET if not plays else style.TEXT)
                imgui.table_next_column()
                widgets.right_aligned(f"{duration:.2f} s" if duration else "-")
        imgui.end_table()


def _loop(table: FeatureTable, row: int, duration: float) -> Loop:
    """What one feature plays: a clip of so many seconds at its speed, or a whole turn."""
    if table.type_name == ANIMATION:
        speed, repeats = abs(float(table.column("speed")[row])), bool(table.column("loop")[row])
    elif table.type_name == SPIN:
        speed, repeats, duration = abs(float(table.column("speed")[row])), True, 360.0
    else:
        speed, repeats, duration = 1.0, True, duration or _UNKNOWN_S
    return Loop(min(duration / speed, LATEST) if speed else 0.0, repeats)


def _moves(registry: Registry, name: str) -> bool:
    """Whether features of a type move objects with the time."""
    return name in registry and type(registry[name]).animate is not Feature.animate
