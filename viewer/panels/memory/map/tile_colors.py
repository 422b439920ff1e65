"""The colours of tiles, as columns that can be summed over any range of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s
from viewer.panels.memory.map.places import NO_PLACE
from viewer.panels.memory.map.tiles import Tiles, TileState

Rgb = tuple[int, int, int]
PALE = 0.72
"""How much of the ground is mixed into the colour of what is not resident."""


class Presence(IntEnum):
    """Whether the bytes that the plan wants at a place are there."""

    RESIDENT = 0
    IN_FLIGHT = 1
    MISSING = 2


@dataclass(frozen=True, slots=True)
class MapPalette:
    """The colours of a map, each as 0 to 255; a theme gives them.

    `categories` follow each other in order; more than these share `other`. `ramp` are the ends of a scale.
    """

    ground: Rgb
    categories: tuple[Rgb, ...]
    other: Rgb
    ramp: tuple[Rgb, Rgb]
    padding: Rgb
    free: Rgb
    waiting: Rgb
    leaving: Rgb
    in_flight: Rgb

    def of_state(self, state: TileState) -> Rgb:
        """The colour of bytes that belong to no key."""
        return {
            TileState.PADDING: self.padding,
            TileState.WAITING: self.waiting,
            TileState.LEAVING: self.leaving,
        }.get(state, self.free)

    def steps(self, count: int) -> tuple[Rgb, ...]:
        """`count` colours (at least 2) from one end of the ramp to the other."""
        low, high = (np.array(end, float) for end in self.ramp)
        shares = np.linspace(0.0, 1.0, count)[:, None]
        mixed = np.rint(low + (high - low) * shares).astype(int)
        return tuple((int(r), int(g), int(b)) for r, g, b in mixed)


@dataclass(frozen=True, eq=False)
class TileColors:
    """One colour for each tile, and sums of colours times bytes, so that any range has its exact mean.

    `colors` is uint8[n, 3]; `sums` is int64[n + 1, 3]: of all tiles before tile i.
    """

    tiles: Tiles
    colors: NDArray[np.uint8]
    sums: Int64s

    @staticmethod
    def of(
        tiles: Tiles,
        codes: NDArray[np.integer],
        colors: Sequence[Rgb],
        palette: MapPalette,
        presence: NDArray[np.uint8] | None = None,
        *,
        wanted: bool = True,
    ) -> TileColors:
        """Colour the tiles of places by `colors[codes]` and all others by what they are.

        `presence` (Presence of each place; None: all are resident) pales what is missing and marks what is
        in flight. Without `wanted`, what is missing is drawn as ground.
        """
        table = np.zeros((len(colors) + len(TileState), 3), np.uint8)
        table[: len(colors)] = np.array(colors, np.uint8).reshape(-1, 3)
        for state in TileState:
            table[len(colors) + state] = palette.of_state(state)
        belongs = (tiles.states == TileState.USED) | (tiles.states == TileState.ALIASED)
        at = np.flatnonzero(belongs & (tiles.place != NO_PLACE))
        chosen = tiles.states.astype(np.int64) + len(colors)
        chosen[at] = codes[tiles.place[at]]
        found = table[chosen]
        if presence is not None:
            state_of = presence[tiles.place[at]]
            missing, flying = at[state_of == Presence.MISSING], at[state_of == Presence.IN_FLIGHT]
            found[missing] = _mixed(found[missing], palette.ground, PALE if wanted else 1.0)
            found[flying] = _mixed(found[flying], palette.in_flight, 0.5)
        return TileColors(tiles, found, _sums(found, tiles.sizes))

    def between(self, positions: Int64s) -> Int64s:
        """Sums of colours times bytes before each position on the line of all bytes: int64[n, 3]."""
        if not len(self.tiles):
            return np.zeros((len(positions), 3), np.int64)
        at = np.searchsorted(self.tiles.starts, positions, side="right") - 1
        at = np.clip(at, 0, len(self.tiles) - 1)
        inside = positions - self.tiles.starts[at]
        return self.sums[at] + inside[:, None] * self.colors[at]

    @property
    def nbytes(self) -> int:
        """Bytes of the columns."""
        return self.colors.nbytes + self.sums.nbytes


def _mixed(colors: NDArray[np.uint8], other: Rgb, share: float) -> NDArray[np.uint8]:
    mixed = np.rint(colors * (1.0 - share) + np.array(other, float) * share)
    return mixed.astype(np.uint8)


def _sums(colors: NDArray[np.uint8], sizes: Int64s) -> Int64s:
    sums = np.zeros((len(colors) + 1, 3), np.int64)
    np.cumsum(colors * sizes[:, None], axis=0, out=sums[1:])
    return sums
