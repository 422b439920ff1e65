"""The panel of the scene's time, with the objects that move with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from imgui_bundle import imgui

from engine.assets import AssetRef
from engine.assets.cache.facts import AnimationFacts
from engine.tableau import NO_ASSET
from viewer.panels import sliders, widgets
from viewer.session.commands import Command
from viewer.session.links import FeatureLink
from viewer.session.session import Session
from viewer.ui import style

if TYPE_CHECKING:
    from engine.tableau import FeatureTable

SPEEDS = (-4.0, 4.0)
_SHORTEST_S = 4.0
"""The scrubber spans so many seconds at least."""
_TABLE = (
    imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
)
_STRETCH = imgui.TableColumnFlags_.width_stretch.value
_FIXED = imgui.TableColumnFlags_.width_fixed.value


class AnimationPanel:
    """Moves the clock of the tableau; the frame loop does, too, unless it is paused."""

    title = "animation"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._clock = session.runtime.tableau.clock
        self._latest = 0.0
        """The latest time that was shown: the slider reaches it when the clock is set back."""
        self._clips: tuple[tuple[int, int, int], list[tuple[str, int, str, float]]] | None = None
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
        clips = self._found()
        self._latest = max(self._latest, self._clock.time)
        end = max([_SHORTEST_S, self._latest, *(duration for *_, duration in clips)])
        imgui.set_next_item_width(-1)
        moved, seconds = sliders.slide_float("##time", self._clock.time, 0.0, end, "%.3f s")
        self._session.places["time"] = widgets.item_box()
        if moved:
            self._clock.paused = True
            self._clock.set(seconds)
        self._list(clips)

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
        for label, name, tip, run in buttons:
            if imgui.button(f"{label}##{name}"):
                run()
            self._session.places[f"animation {name}"] = widgets.item_box()
            widgets.tooltip((tip,))
            imgui.same_line()
        imgui.set_next_item_width(imgui.get_font_size() * 9)
        moved, speed = sliders.slide_float("##speed", clock.speed, *SPEEDS, "speed %.2f x")
        if moved:
            clock.speed = speed
        if imgui.is_item_clicked(imgui.MouseButton_.right):
            clock.speed = 1.0
        widgets.tooltip(("right click for 1 x",))
        imgui.same_line()
        widgets.cut(f"{1.0 / clock.frame_time:.0f} frames a second of the scene", style.QUIET)

    def _found(self) -> list[tuple[str, int, str, float]]:
        """The features that move objects: type, row, what they play, duration in seconds (0: without end)."""
        tableau, library = self._session.runtime.tableau, self._session.runtime.library
        version = tableau.structure_version, tableau.values_version, library.version
        if self._clips is not None and self._clips[0] == version:
            return self._clips[1]
        clips: list[tuple[str, int, str, float]] = []
        for name in ("animation", "spin"):
            table = tableau.tables.get(name)
            if table is not None:
                rows = np.flatnonzero((table.object >= 0) & table.flags("effective_active"))
                clips += [(name, row, *self._plays(table, row)) for row in rows.tolist()]
        self._clips = version, clips
        return clips

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
        if not imgui.begin_table("clips", 3, _TABLE):
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
