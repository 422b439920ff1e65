"""What the map of memory is drawn with: made again only when something that it shows has changed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.panels.memory.map.color_modes import Coloring, ColorMode, coloring
from viewer.panels.memory.map.composition import compose_map, compose_treemap
from viewer.panels.memory.map.map_picture import NO_TILE, MapPicture, map_picture
from viewer.panels.memory.map.quads import Corners
from viewer.panels.memory.map.tile_colors import MapPalette, TileColors
from viewer.panels.memory.map.treemap import Treemap, treemap
from viewer.panels.memory.map.viewport import RowLayout, Viewport
from viewer.panels.memory.plan_models import PlanModels
from viewer.panels.memory.resident_overlay import ResidentOverlay, layered

_NAMED_WIDTH = 5.0
"""Times the size of the text: how wide a block must be to show its name."""
_MOST_NAMES = 200


@dataclass(slots=True)
class MapChoices:
    """What the user has chosen: the colours and the layers that are laid over each other."""

    mode: ColorMode = ColorMode.USAGE
    wanted: bool = True
    current: bool = True
    in_flight: bool = True
    is_treemap: bool = False
    only: int | None = None
    """The id of the only allocation in the treemap; None: all."""


@dataclass(frozen=True, eq=False)
class NamedBox:
    """A block that is large enough for its name: x0 y0 x1 y1 from the corner of the map."""

    box: tuple[float, float, float, float]
    text: str
    color: tuple[int, int, int]


@dataclass(eq=False)
class Drawn:
    """What was made for one state: quads, names, and what lies where."""

    corners: Corners
    colors: NDArray[np.uint32]
    names: list[NamedBox] = field(default_factory=list)
    treemap: Treemap | None = None


class MapState:
    """The colours of the present models, and the picture of the present view."""

    def __init__(self) -> None:
        self.choices = MapChoices()
        self.viewport = Viewport()
        self.layout = RowLayout.of(np.zeros(0, np.int32), 1.0, 1.0)
        self._coloring: tuple[tuple[object, ...], Coloring] | None = None
        self._colors: tuple[tuple[object, ...], TileColors] | None = None
        self._drawn: tuple[tuple[object, ...], Drawn] | None = None

    def lay_out(self, models: PlanModels, unit: float) -> None:
        """Give every allocation its row; `unit` is the size of the text in points."""
        self.layout = RowLayout.of(models.places.heaps, round(unit * 1.7), round(unit * 1.7))

    def coloring(self, models: PlanModels, palette: MapPalette) -> Coloring:
        """The colours of the chosen mode."""
        state = (models, self.choices.mode, palette)
        if self._coloring is None or self._coloring[0] != state:
            found = coloring(self.choices.mode, models.plan, models.tiles, models.requests, palette)
            self._coloring = state, found
        return self._coloring[1]

    def colors(self, models: PlanModels, overlay: ResidentOverlay, palette: MapPalette) -> TileColors:
        """The colour of each tile with the chosen layers."""
        found = self.coloring(models, palette)
        state = (found, overlay, *self._layers(), palette)
        if self._colors is None or self._colors[0] != state:
            colors = TileColors.of(
                models.tiles,
                found.codes,
                found.colors,
                palette,
                self._presence(overlay),
                wanted=self.choices.wanted,
            )
            self._colors = state, colors
        return self._colors[1]

    def drawn(
        self, models: PlanModels, overlay: ResidentOverlay, palette: MapPalette, unit: float
    ) -> tuple[Drawn, bool]:
        """What to draw, and whether it was made just now."""
        colors, choices, view = self.colors(models, overlay, palette), self.choices, self.viewport
        where = (view.width, view.height, view.origin, view.scale, view.scroll)
        state = (colors, *where, choices.is_treemap, choices.only, unit)
        if self._drawn is not None and self._drawn[0] == state:
            return self._drawn[1], False
        if choices.is_treemap:
            made = self._treemap(models, colors, palette, unit)
        else:
            made = self._map(models, overlay, colors, palette, unit)
        self._drawn = state, made
        return made, True

    def _layers(self) -> tuple[bool, bool, bool]:
        return self.choices.wanted, self.choices.current, self.choices.in_flight

    def _presence(self, overlay: ResidentOverlay) -> NDArray[np.uint8] | None:
        wanted, current, in_flight = self._layers()
        return layered(overlay, wanted=wanted, current=current, in_flight=in_flight)

    def _map(
        self,
        models: PlanModels,
        overlay: ResidentOverlay,
        colors: TileColors,
        palette: MapPalette,
        unit: float,
    ) -> Drawn:
        rows = self.layout.visible(self.viewport.scroll, self.viewport.height)
        picture = map_picture(colors, rows, self.viewport)
        found = self.coloring(models, palette)
        corners, packed = compose_map(
            picture,
            colors,
            self.layout,
            self.viewport,
            palette,
            unit=unit,
            presence=self._presence(overlay) if self.choices.in_flight else None,
            codes=found.codes,
            category_colors=found.colors,
            old=(overlay.old_begin, overlay.old_end) if self.choices.current else None,
        )
        return Drawn(corners, packed, self._map_names(models, picture, colors, unit))

    def _map_names(
        self, models: PlanModels, picture: MapPicture, colors: TileColors, unit: float
    ) -> list[NamedBox]:
        """The names of wide blocks."""
        wide = (picture.tile != NO_TILE) & (picture.right - picture.left >= _NAMED_WIDTH * unit)
        place = models.tiles.place[picture.tile]
        names = []
        for at in np.flatnonzero(wide & (place >= 0))[:_MOST_NAMES].tolist():
            top = float(self.layout.tops[picture.row[at]]) - self.viewport.scroll
            left, right = float(picture.left[at]), float(picture.right[at])
            box = (left, top, right, top + self.layout.row_height)
            names.append(_named(models, colors, int(picture.tile[at]), box))
        return names

    def _treemap(self, models: PlanModels, colors: TileColors, palette: MapPalette, unit: float) -> Drawn:
        rows = np.arange(len(models.places.allocations))
        only = self.choices.only
        row = None if only is None else models.places.allocation_row(only)
        if row is None:
            self.choices.only = None
        else:
            rows = np.array([row])
        found = treemap(colors, rows, self.viewport.width, self.viewport.height, least=unit * unit / 8)
        names = []
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        large = (sides[:, 0] >= _NAMED_WIDTH * unit) & (sides[:, 1] >= 1.3 * unit) & (found.tile >= 0)
        for at in np.flatnonzero(large)[:_MOST_NAMES].tolist():
            tile = int(found.tile[at])
            if models.tiles.place[tile] >= 0:
                left, top, right, bottom = (float(side) for side in found.boxes[at])
                names.append(_named(models, colors, tile, (left, top, right, bottom)))
        kinds = self.coloring(models, palette)
        corners, packed = compose_treemap(found, colors, palette, unit, kinds.codes, kinds.colors)
        return Drawn(corners, packed, names, found)


def _named(
    models: PlanModels, colors: TileColors, tile: int, box: tuple[float, float, float, float]
) -> NamedBox:
    key = int(models.places.subresources["key"][models.tiles.place[tile]])
    red, green, blue = (int(v) for v in colors.colors[tile])
    return NamedBox(box, models.plan.requirements.keys.name(key), (red, green, blue))
