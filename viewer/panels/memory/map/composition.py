"""The quads of a map or a treemap: rectangles, hatching of what is free, and lanes of what is aliased."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s
from viewer.panels.memory.map.map_picture import NO_TILE, MapPicture
from viewer.panels.memory.map.quads import Corners, hatching, packed_colors, rectangles
from viewer.panels.memory.map.tile_colors import MapPalette, Presence, Rgb, TileColors
from viewer.panels.memory.map.tiles import TileState
from viewer.panels.memory.map.treemap import Boxes, Treemap
from viewer.panels.memory.map.viewport import RowLayout, Viewport

MOST_LANES = 6
"""Owners of aliased bytes that get a lane of their own."""
_MOST_ALIASED = 64
"""Aliased rectangles that are drawn in lanes, at most."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Hatching: lines that rise or fall to the right, some points apart (in units of the text's size)."""

    color: Rgb
    gap: float
    falling: bool = False


def patterns(palette: MapPalette) -> dict[TileState, Pattern]:
    """The hatching of each state that has one; used bytes have none."""
    return {
        TileState.FREE: Pattern(_lighter(palette.free), 0.7),
        TileState.FREE_IN_PAGE: Pattern(_lighter(palette.free), 0.35),
        TileState.WAITING: Pattern(_lighter(palette.waiting), 0.35),
        TileState.PADDING: Pattern(_lighter(palette.padding), 0.35, falling=True),
        TileState.LEAVING: Pattern(_lighter(palette.leaving), 0.7, falling=True),
    }


@dataclass(eq=False)
class QuadList:
    """Collects quads with their colours."""

    corners: list[Corners]
    colors: list[NDArray[np.uint32]]

    @staticmethod
    def empty() -> QuadList:
        """Nothing yet."""
        return QuadList([], [])

    def add(self, corners: Corners, color: NDArray[np.uint32] | Rgb, alpha: int = 255) -> None:
        """Add quads in one colour, or each in its own."""
        if isinstance(color, tuple):
            one = packed_colors(np.array([color], np.uint8), alpha)
            color = np.repeat(one, len(corners))
        self.corners.append(corners)
        self.colors.append(color)

    def joined(self) -> tuple[Corners, NDArray[np.uint32]]:
        """All of them: corners and packed colours."""
        none = np.zeros((0, 4, 2), np.float32), np.zeros(0, np.uint32)
        return np.concatenate([none[0], *self.corners]), np.concatenate([none[1], *self.colors])


def compose_map(
    picture: MapPicture,
    colors: TileColors,
    layout: RowLayout,
    viewport: Viewport,
    palette: MapPalette,
    *,
    unit: float,
    presence: NDArray[np.uint8] | None,
    codes: NDArray[np.integer],
    category_colors: tuple[Rgb, ...],
    old: tuple[Int64s, Int64s] | None,
) -> tuple[Corners, NDArray[np.uint32]]:
    """The quads of a map, relative to its corner; `unit` is the size of the text in points.

    `old` are ranges of bytes that are still resident, but no longer wanted there: a band below.
    """
    inset = max(1.0, unit * 0.12)
    top = layout.tops[picture.row] - viewport.scroll + inset
    bottom = top + layout.row_height - 2 * inset
    made = QuadList.empty()
    made.add(rectangles(picture.left, top, picture.right, bottom), packed_colors(picture.color))
    exact = picture.tile != NO_TILE
    _hatch_states(made, picture, colors, palette, (top, bottom), exact, unit)
    boxes = np.stack((picture.left, top, picture.right, bottom), axis=1)
    _draw_lanes(made, picture.tile, boxes, colors, codes, category_colors)
    if presence is not None:
        place = colors.tiles.place[picture.tile]
        flying = exact & (place >= 0) & (presence[place] == Presence.IN_FLIGHT)
        _hatch(made, picture, (top, bottom), flying, Pattern(palette.in_flight, 0.5), unit)
    if old is not None and len(old[0]):
        _draw_old(made, colors, layout, viewport, palette, old, unit)
    return made.joined()


def compose_treemap(
    found: Treemap,
    colors: TileColors,
    palette: MapPalette,
    unit: float,
    codes: NDArray[np.integer],
    category_colors: tuple[Rgb, ...],
) -> tuple[Corners, NDArray[np.uint32]]:
    """The quads of a treemap, relative to its corner; `codes` and `category_colors` as for `compose_map`."""
    made = QuadList.empty()
    boxes = _shrunk(found.boxes, 1.0)
    made.add(rectangles(*boxes.T), packed_colors(found.color))
    state = colors.tiles.states[np.maximum(found.tile, 0)]
    for of, pattern in patterns(palette).items():
        at = np.flatnonzero((found.tile >= 0) & (state == of))
        left, top, right, bottom = boxes[at].T
        gap, line = pattern.gap * unit, _line(unit)
        corners, _ = hatching(left, top, right, bottom, gap, line, falling=pattern.falling)
        made.add(corners, pattern.color, 160)
    _draw_lanes(made, found.tile, boxes, colors, codes, category_colors)
    outer = found.outer
    for side in _frame(outer, max(1.0, unit * 0.08)):
        made.add(side, palette.ground)
    return made.joined()


def _hatch_states(
    made: QuadList,
    picture: MapPicture,
    colors: TileColors,
    palette: MapPalette,
    span: tuple[NDArray[np.float64], NDArray[np.float64]],
    exact: NDArray[np.bool_],
    unit: float,
) -> None:
    state = colors.tiles.states[picture.tile]
    for of, pattern in patterns(palette).items():
        _hatch(made, picture, span, exact & (state == of), pattern, unit)


def _hatch(
    made: QuadList,
    picture: MapPicture,
    span: tuple[NDArray[np.float64], NDArray[np.float64]],
    where: NDArray[np.bool_],
    pattern: Pattern,
    unit: float,
) -> None:
    """Hatch rectangles that are wide enough for a line to be seen."""
    gap = pattern.gap * unit
    at = np.flatnonzero(where & (picture.right - picture.left >= gap))
    top, bottom = span
    corners, _ = hatching(
        picture.left[at], top[at], picture.right[at], bottom[at], gap, _line(unit), falling=pattern.falling
    )
    made.add(corners, pattern.color, 160)


def _draw_lanes(
    made: QuadList,
    tile: NDArray[np.integer],
    boxes: NDArray[np.floating],
    colors: TileColors,
    codes: NDArray[np.integer],
    category_colors: tuple[Rgb, ...],
) -> None:
    """Divide aliased rectangles among their owners, in lanes below each other; a negative tile is none."""
    tiles = colors.tiles
    shared = (tile >= 0) & (tiles.states[np.maximum(tile, 0)] == TileState.ALIASED)
    for at in np.flatnonzero(shared)[:_MOST_ALIASED].tolist():
        owners = tiles.owners(int(tile[at]))[:MOST_LANES]
        x0, top, x1, bottom = (float(side) for side in boxes[at])
        edges = np.linspace(top, bottom, len(owners) + 1)
        left, right = np.full(len(owners), x0), np.full(len(owners), x1)
        own = np.array([category_colors[int(codes[owner])] for owner in owners], np.uint8).reshape(-1, 3)
        made.add(rectangles(left, edges[:-1], right, edges[1:] - 1.0), packed_colors(own))


def _draw_old(
    made: QuadList,
    colors: TileColors,
    layout: RowLayout,
    viewport: Viewport,
    palette: MapPalette,
    old: tuple[Int64s, Int64s],
    unit: float,
) -> None:
    """Draw ranges as a band at the lower edge of their row; those of one column of points only once."""
    bases = colors.tiles.places.bases
    row = np.searchsorted(bases, old[0], side="right") - 1
    left = np.clip((old[0] - bases[row] - viewport.origin) / viewport.scale, 0, viewport.width)
    right = np.clip((old[1] - bases[row] - viewport.origin) / viewport.scale, 0, viewport.width)
    y = layout.tops[row] - viewport.scroll
    seen = (right > left) & (y + layout.row_height > 0) & (y < viewport.height)
    left, right, row = np.floor(left[seen]), np.ceil(right[seen]), row[seen]
    columns = np.unique(np.stack([row.astype(np.float64), left, right], axis=1), axis=0)
    row, left, right = columns[:, 0].astype(np.int64), columns[:, 1], columns[:, 2]
    bottom = layout.tops[row] - viewport.scroll + layout.row_height - max(1.0, unit * 0.12)
    band = unit * 0.3
    made.add(rectangles(left, bottom - band, right, bottom), palette.leaving)
    corners, _ = hatching(left, bottom - band, right, bottom, unit * 0.35, _line(unit), falling=True)
    made.add(corners, _lighter(palette.leaving))


def _shrunk(boxes: Boxes, by: float) -> Boxes:
    """Boxes with a line between neighbours, where they are wide enough for one."""
    made = boxes.copy()
    for low, high in ((0, 2), (1, 3)):
        wide = made[:, high] - made[:, low] > 3 * by
        made[wide, high] -= by
    return made


def _frame(boxes: Boxes, width: float) -> list[Corners]:
    """The right and lower edges of boxes, as rectangles."""
    left, top, right, bottom = boxes.T
    return [
        rectangles(right - width, top, right, bottom),
        rectangles(left, bottom - width, right, bottom),
    ]


def _line(unit: float) -> float:
    return max(1.0, unit * 0.09)


def _lighter(color: Rgb) -> Rgb:
    """A colour for lines on another: lighter than a dark one, darker than a light one."""
    red, green, blue = color
    toward = 255 if red + green + blue < 3 * 140 else 0
    return tuple(round(v + (toward - v) * 0.35) for v in color)  # type: ignore[return-value]
