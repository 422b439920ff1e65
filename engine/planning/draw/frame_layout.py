"""The Frame blocks of shader sets, each in a ring of its own; equal blocks of a view share one.

Blocks of push constants with values of features are filled in the same way, and are in no ring.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, Member, ShaderFacts
from engine.planning.draw.blocks import WORD, Block, Field
from engine.planning.draw.ring_names import RingNames

Members = dict[str, dict[Field, list[int]]]
"""Where the blocks that have a member start, by its name and layout."""

MAX_PLACES = 256
"""Kinds of values whose places are kept for a layout."""

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""Members, each with the shape of its value."""

Places = list[tuple[Field, str | None, npt.NDArray[np.intp], npt.NDArray[np.intp]]]
"""For a member (None: for the floats of all members) a field of its type, words of all blocks, and which of
the numbers each word holds."""


class FrameLayout:
    """The Frame blocks that the shader sets of a frame declare, each once for every view that it is used in.

    Their values are packed one behind the other.

    Attributes
    ----------
    starts : dict of (str, Block) to int
        Where the block of each view begins, in bytes: Frame blocks, then blocks of push constants.
    size : int
        Bytes of all of them.
    """

    def __init__(
        self,
        blocks: Iterable[tuple[str, Block]],
        names: RingNames | None = None,
        pushed: Iterable[tuple[str, Block]] = (),
    ) -> None:
        self._names = names or RingNames()
        self._in_rings, self._pushed = tuple(dict.fromkeys(blocks)), tuple(dict.fromkeys(pushed))
        self._rings: list[tuple[str, int, int]] | None = None
        self._packed: npt.NDArray[np.uint8] | None = None
        self._parts: dict[str, npt.NDArray[np.uint8]] = {}
        self.starts: dict[tuple[str, Block], int] = {}
        self._places: dict[object, Places] = {}
        self.size = 0
        for view, block in (*self._in_rings, *self._pushed):
            if (view, block) not in self.starts:
                self.starts[view, block] = self.size
                self.size += -(-block.size // 16) * 16

    def __eq__(self, other: object) -> bool:
        if other is self or not isinstance(other, FrameLayout):
            return other is self
        return self._in_rings == other._in_rings and self._pushed == other._pushed

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def members(self) -> Mapping[str, Members]:
        """Where the members of the blocks of each view lie."""
        found: dict[str, Members] = {}
        for (view, block), start in self.starts.items():
            of_view = found.setdefault(view, {})
            for name, field in block.fields.items():
                of_view.setdefault(name, {}).setdefault(field, []).append(start)
        return found

    @cached_property
    def all_members(self) -> Members:
        """Where the members of the blocks of all views lie."""
        found: Members = {}
        for of_view in self.members.values():
            for name, fields in of_view.items():
                for field, starts in fields.items():
                    found.setdefault(name, {}).setdefault(field, []).extend(starts)
        return found

    def places(self, view: str | None, shapes: Shapes) -> Places:
        """Return where the numbers of members with values of these shapes go in the blocks of a view.

        None stands for all views. They are worked out once. Raises ValueError for more than members hold.
        """
        found = self._places.get((view, shapes))
        if found is None:
            if len(self._places) >= MAX_PLACES:
                self._places.clear()
            members = self.all_members if view is None else self.members.get(view, {})
            found = self._places[view, shapes] = _places(members, shapes)
        return found

    def rings(self, packed: npt.NDArray[np.uint8] | None) -> Mapping[str, npt.NDArray[np.uint8]]:
        """Return the part of `packed`, uint8[size], for the ring of each block; nothing for None.

        The parts are the same objects as long as `packed` is.
        """
        if packed is None:
            return {}
        if packed is not self._packed:
            if self._rings is None:
                self._rings = [
                    (self._names.frame(view, block), start, start + block.size)
                    for view, block in self._in_rings
                    for start in (self.starts[view, block],)
                ]
            self._parts = {name: packed[start:end] for name, start, end in self._rings}
            self._packed = packed
        return self._parts

    def pushed(self, packed: npt.NDArray[np.uint8] | None) -> Mapping[tuple[str, Block], bytes]:
        """Return the part of `packed`, uint8[size], of each block of push constants in its view."""
        if packed is None or not self._pushed:
            return {}
        starts = ((key, self.starts[key]) for key in self._pushed)
        return {key: packed[start : start + key[1].size].tobytes() for key, start in starts}


def frame_members(library: AssetLibrary) -> tuple[Member, ...]:
    """Return the members of frame.glsl, as the builtin shaders declare them."""
    facts = library.facts(library.find("builtin", "default.vs", ("shader",)))
    if not isinstance(facts, ShaderFacts):
        return ()
    return next((row.members for row in facts.reflection.bindings if row.name == "frame"), ())


def _places(members: Members, shapes: Shapes) -> Places:
    floats: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]] = []
    found: Places = []
    of_floats: Field | None = None
    begin = 0
    for member, shape in shapes:
        count = math.prod(shape)
        for field, starts in members[member].items():
            words = np.concatenate([start // WORD + field.words(member, shape) for start in starts])
            which = np.tile(np.arange(count), len(starts))
            if field.dtype == np.float32:
                of_floats = field
                floats.append((words, begin + which))
            else:
                found.append((field, member, words, which))
        begin += count
    if of_floats is not None:
        to, which = (np.concatenate(part) for part in zip(*floats, strict=True))
        found.append((of_floats, None, to, which))
    return found
