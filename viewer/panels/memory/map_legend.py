"""The legend of the map: what its colours and patterns stand for, with bytes."""

from __future__ import annotations

from viewer.panels.memory import legend
from viewer.panels.memory.map.color_modes import Coloring
from viewer.panels.memory.map.composition import Pattern, patterns
from viewer.panels.memory.map.tile_colors import PALE, MapPalette, Presence, Rgb
from viewer.panels.memory.map.tiles import STATE_NAMES, Tiles, TileState
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.session.session import Session

_ABOUT = {
    TileState.ALIASED: "Resources that are never live at once share these bytes: a lane for each.",
    TileState.PADDING: "Lost to alignment, or to what the driver rounds up.",
    TileState.FREE: "Between the resources of a block: the next small resource may lie here.",
    TileState.FREE_IN_PAGE: "Between the assets of a page: the next asset of its kind may lie here.",
    TileState.WAITING: "The page is mostly free: its assets are moved and its memory is freed soon.",
    TileState.LEAVING: "In no plan any more: freed once the frames that may use it are complete.",
}


def draw_map_legend(
    session: Session,
    coloring: Coloring,
    tiles: Tiles,
    overlay: ResidentOverlay,
    palette: MapPalette,
    lines: int,
) -> None:
    """Draw what bytes are, then what they are used for; what has no bytes is left out.

    It takes all its lines, whatever is in it: so the map keeps its height while a scene loads.
    """
    entries = [*_categories(coloring), *_states(tiles, overlay, palette)]
    legend.draw(session, "memory legend", entries, lines)


def _categories(coloring: Coloring) -> list[legend.Entry]:
    is_scale = "" in coloring.labels
    sizes = coloring.sizes.tolist()
    return [
        legend.Entry(color, None, label, 0 if is_scale else size, label)
        for color, label, size in zip(coloring.colors, coloring.labels, sizes, strict=True)
        if size or is_scale
    ]


def _states(tiles: Tiles, overlay: ResidentOverlay, palette: MapPalette) -> list[legend.Entry]:
    hatched = patterns(palette)
    sizes = tiles.state_bytes.tolist()
    entries = []
    for state in (each for each in TileState if each is not TileState.USED):
        if sizes[state]:
            about, pattern = _ABOUT[state], hatched.get(state)
            color = palette.of_state(state) if pattern is not None else palette.other
            entries.append(legend.Entry(color, pattern, STATE_NAMES[state], sizes[state], about))
    flying, missing = overlay.bytes[Presence.IN_FLIGHT], overlay.bytes[Presence.MISSING]
    old = int((overlay.old_end - overlay.old_begin).sum())
    for color, pattern, name, size, about in (
        (palette.other, Pattern(palette.in_flight, 0.5), "in flight", flying, "Is being transferred."),
        (_pale(palette), None, "wanted (pale)", missing, "The plan wants it; it is not resident yet."),
        (
            palette.leaving,
            hatched[TileState.LEAVING],
            "old (band)",
            old,
            "Resident where the plan wants something else: the band at the lower edge.",
        ),
    ):
        if size:
            entries.append(legend.Entry(color, pattern, name, size, about))
    return entries


def _pale(palette: MapPalette) -> Rgb:
    """A colour as it is where the bytes are missing."""
    red, green, blue = (round(a + (b - a) * PALE) for a, b in zip(palette.other, palette.ground, strict=True))
    return red, green, blue
