"""What features give of their rows for shaders: the rows of their buffers, and places of parts of passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, FrameView, Registry
from engine.feature.fault import RAISED, Raised
from engine.feature.frame import Reads
from engine.planning.draw.ring_names import ColumnRing
from engine.planning.draw.sorted_draws import Placed
from engine.planning.problems.declared import (
    NoRoomError,
    by_names,
    check_buffers,
    check_columns,
    checked_places,
)
from engine.planning.value_words import packed_rows

Columns = dict[str, npt.NDArray[np.uint8]]
Given = dict[str, npt.NDArray[Any]]
Places = npt.NDArray[np.float64]
_NOWHERE: Places = np.zeros((0, 3))


class RowValues:
    """Asks features for their rows again where something that they read has changed.

    `columns` are the rows of each ring, uint8[count, bytes], and `places` where the parts of passes are,
    float64[n, 3] by feature: the same arrays while they last. `late` are features with more rows than the
    frame was planned for: what they gave last stays, and they are asked in every frame.
    """

    def __init__(self, registry: Registry, guard: Callable[[Feature, Raised], None]) -> None:
        """`guard` is called with a feature whose code raises or whose rows do not fit."""
        self.columns: Columns = {}
        self.places: Mapping[str, Places] = {}
        self.late: frozenset[str] = frozenset()
        self._registry = registry
        self._guard = guard
        self._rings: Mapping[str, ColumnRing] = {}
        self._placed: Mapping[str, Placed] = {}
        self._asked: tuple[str, ...] = ()  # features with buffers in the rings, or with parts
        self._kept: dict[str, Reads] = {}  # by feature
        self._given: dict[str, Given] = {}  # by ring, before they were packed

    def follow(self, rings: Mapping[str, ColumnRing], placed: Mapping[str, Placed]) -> bool:
        """Follow the rings and the placed passes of a frame; return whether they are the ones before.

        What is in a ring is kept while the ring is the same.
        """
        is_same = rings is self._rings and placed == self._placed
        if rings is not self._rings:
            same = {name for name, ring in rings.items() if self._rings.get(name) == ring}
            self.columns = {name: rows for name, rows in self.columns.items() if name in same}
            for name, ring in rings.items():
                if name not in same:
                    self._kept.pop(self._registry.buffers[ring.buffer].type_name, None)
        if placed != self._placed:
            placing = {of.feature for of in placed.values()}
            self.places = {name: places for name, places in self.places.items() if name in placing}
            for name in placing:
                self._kept.pop(name, None)
        if not is_same:
            fillers = (self._registry.buffers[ring.buffer].type_name for ring in rings.values())
            self._rings, self._placed = rings, placed
            self._asked = tuple(dict.fromkeys((*fillers, *(of.feature for of in placed.values()))))
        return is_same

    def forget(self) -> None:
        """Ask all features again."""
        self._kept = {}

    @property
    def reads(self) -> Iterable[Reads]:
        """What was read for all that is kept."""
        return self._kept.values()

    def ask(self, now: FrameView, view: Callable[[], FrameView], is_current: Callable[[], bool]) -> bool:
        """Ask the features of which something may have changed; return whether there were any.

        `now` is what is compared with what they read, and `view` makes one for a feature to read.
        `is_current` says whether the frame was planned for what they give now.
        """
        were_late, late = self.late, set[str]()
        asked = False
        for name in self._asked:
            kept = self._kept.get(name)
            if kept is None or name in were_late or not kept.hold(now):
                asked = True
                if not self._take(self._registry[name], view(), is_current):
                    late.add(name)
        self.late = frozenset(late)
        return asked

    def _take(self, feature: Feature, frame: FrameView, is_current: Callable[[], bool]) -> bool:
        """Take all that a feature gives, or return False where there is no room for it yet.

        Rows are zeros, and parts nowhere, where it raises.
        """
        name = feature.type_name
        rings = [ring for ring, of in self._rings.items() if of.buffer in feature.buffers]
        parts = [of.parts for of in self._placed.values() if of.feature == name]
        try:
            made, given = self._filled(feature, frame, rings) if rings else ({}, {})
            places = checked_places(feature.places(frame), min(parts)) if parts else _NOWHERE
        except RAISED as error:
            is_late = isinstance(error, NoRoomError) and not is_current()
            if not is_late:
                self._guard(feature, error)
            known = self.columns if is_late else {}
            made = {ring: known.get(ring, self._zeros(ring)) for ring in rings}
            given = {ring: self._given.get(ring, {}) if is_late else {} for ring in rings}
            places = self.places.get(name, _NOWHERE) if is_late else _NOWHERE
            places = places if len(places) <= min(parts, default=0) else _NOWHERE
        else:
            is_late = False
        self._kept[name] = frame.reads
        self.columns |= made
        self._given |= given
        if parts and (name not in self.places or not np.array_equal(self.places[name], places)):
            self.places = {**self.places, name: places}
        return not is_late

    def _filled(
        self, feature: Feature, frame: FrameView, rings: Iterable[str]
    ) -> tuple[Columns, dict[str, Given]]:
        """Return the packed rows of a feature's rings, and what it gave for them; not of those as before.

        Raises DeclarationError, and what its code raises.
        """
        made: Columns = {}
        columns_of: dict[str, Given] = {}
        values = by_names(feature.buffer_values(frame), "buffer_values")
        check_buffers(values, feature.buffers, "buffer_values")
        for name in rings:
            ring = self._rings[name]
            given = values.get(ring.buffer, {})
            try:
                columns = {member: np.asarray(column) for member, column in given.items()}
                if name in self.columns and self._is_given(name, columns):
                    continue
                made[name] = packed_rows(ring, columns)
            except (ValueError, TypeError, OverflowError, AttributeError):
                check_columns(given, ring.buffer, ring.block, ring.count)
                raise
            columns_of[name] = columns
        return made, columns_of

    def _zeros(self, name: str) -> npt.NDArray[np.uint8]:
        ring = self._rings[name]
        return np.zeros((ring.count, ring.block.size), np.uint8)

    def _is_given(self, name: str, columns: Given) -> bool:
        """Whether a ring holds the very arrays that are frozen: what a feature keeps is packed once."""
        known = self._given.get(name)
        return (
            known is not None
            and bool(columns)
            and known.keys() == columns.keys()
            and all(known[member] is given and not given.flags.writeable for member, given in columns.items())
        )
