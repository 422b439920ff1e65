"""What the map is coloured by: usage, feature, object, asset, kind, age or fragmentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan import Plan
from engine.plan.requirements.requesters import NO_OBJECT
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.map.tile_colors import MapPalette, Rgb
from viewer.panels.memory.map.tiles import Tiles, TileState
from viewer.panels.memory.request_columns import NOBODY, SEVERAL, SEVERAL_OBJECTS, RequestColumns

STEPS = 8
"""Colours of a scale."""
Codes = NDArray[np.int64]


class ColorMode(StrEnum):
    """What places are coloured by, as the panel writes it."""

    USAGE = "usage"
    FEATURE = "feature"
    OBJECT = "object"
    ASSET = "asset"
    KIND = "kind"
    AGE = "age"
    FRAGMENTATION = "fragmentation"


@dataclass(frozen=True, eq=False)
class Coloring:
    """Colours of places: `codes` (int64, one for each place) are indices of `colors` and `labels`.

    `sizes` are the bytes of all places with each code.
    """

    codes: Codes
    colors: tuple[Rgb, ...]
    labels: tuple[str, ...]
    sizes: Int64s


_USAGES: tuple[tuple[str, Kind, int], ...] = (
    ("vertices", Kind.BUFFER, BufferUsage.VERTEX_BUFFER),
    ("indices", Kind.BUFFER, BufferUsage.INDEX_BUFFER),
    ("indirect commands", Kind.BUFFER, BufferUsage.INDIRECT_BUFFER),
    ("uniforms", Kind.BUFFER, BufferUsage.UNIFORM_BUFFER),
    ("storage buffers", Kind.BUFFER, BufferUsage.STORAGE_BUFFER),
    ("depth attachments", Kind.IMAGE, ImageUsage.DEPTH_STENCIL_ATTACHMENT),
    ("colour attachments", Kind.IMAGE, ImageUsage.COLOR_ATTACHMENT),
    ("storage images", Kind.IMAGE, ImageUsage.STORAGE),
    ("textures", Kind.IMAGE, ImageUsage.SAMPLED),
)
"""The usages that have colours of their own; a place has the colour of the first that it has."""
_STAGING = "staging"
USAGES = (*(name for name, _, _ in _USAGES), _STAGING, "copies only")
"""What places are coloured as by their usage: the numbers of `usage_codes` are indices of it."""


def coloring(
    mode: ColorMode, plan: Plan, tiles: Tiles, requests: RequestColumns, palette: MapPalette
) -> Coloring:
    """Colour all places of a plan."""
    return _MODES[mode](plan, tiles, requests, palette)


def _usage(plan: Plan, tiles: Tiles, requests: RequestColumns, palette: MapPalette) -> Coloring:
    places = tiles.places
    codes = usage_codes(*usage_bits(plan, places))
    codes[places.planned_count :] = USAGES.index(_STAGING)
    return _named(places, codes, USAGES, palette)


def usage_codes(usage: NDArray[np.int64], kind: NDArray[np.int8]) -> Codes:
    """For usage bits and Kind of places the index in USAGES; none of these is staging."""
    codes = np.full(len(usage), len(USAGES) - 1, np.int64)
    for number, (_, of_kind, bit) in reversed(list(enumerate(_USAGES))):
        codes[(kind == of_kind) & (usage & int(bit) != 0)] = number
    return codes


def _kind(plan: Plan, tiles: Tiles, requests: RequestColumns, palette: MapPalette) -> Coloring:
    places = tiles.places
    codes = places.resources["kind"][places.resource_of].astype(np.int64)
    codes[places.planned_count :] = 2
    return _named(places, codes, ["buffers", "images", _STAGING], palette)


def _feature(plan: Plan, tiles: Tiles, requests: RequestColumns, palette: MapPalette) -> Coloring:
    places = tiles.places
    found = requests.features(places.subresources["key"].astype(np.int64))
    names = requests.requesters.features
    codes = np.where(found == SEVERAL, len(names), np.where(found == NOBODY, len(names) + 1, found))
    codes[places.planned_count :] = len(names) + 2
    return _named(places, codes, [*names, "several features", "nobody", _STAGING], palette, grows=True)


def _object(plan: Plan, tiles: Tiles, requests: RequestColumns, palette: MapPalette) -> Coloring:
    places = tiles.places
    keys = places.subresources["key"].astype(np.int64)
    found = requests.objects(keys)
    found[places.planned_count :] = NO_OBJECT
    values, codes = np.unique(found, return_inverse=True)
    first = np.zeros(len(values), np.int64)
    first[codes[::-1]] = np.arange(len(places))[::-1]  # a place that has each value

    def name(value: int) -> str:
        if values[value] == SEVERAL_OBJECTS:
            return "several objects"
        if values[value] == NO_OBJECT:
            return "no object"
        requester = int(requests.requester(keys[first[value] : first[value] + 1])[0])
        return requests.requirements.requesters[requester].object_path

    return _largest(places, codes.astype(np.int64), name, len(values), palette)


def _asset(plan: Plan, tiles: Tiles, requests: RequestColumns, palette: MapPalette) -> Coloring:
    places, keys = tiles.places, plan.requirements.keys

    def name(row: int) -> str:
        return keys.name(int(places.subresources["key"][row]))

    return _largest(places, np.arange(len(places)), name, len(places), palette)


def _age(plan: Plan, tiles: Tiles, requests: RequestColumns, palette: MapPalette) -> Coloring:
    """By the order in which resources were made: ids grow and are never given twice."""
    places = tiles.places
    count = max(len(places.resources), 1)
    codes = places.resource_of.astype(np.int64) * STEPS // count
    labels = ["made first", *[""] * (STEPS - 2), "made last"]
    return _scaled(places, codes, labels, palette)


def _fragmentation(plan: Plan, tiles: Tiles, requests: RequestColumns, palette: MapPalette) -> Coloring:
    places = tiles.places
    scores = fragmentation(tiles)
    row = places.row_of_resource[places.resource_of]
    codes = np.minimum((scores[row] * STEPS).astype(np.int64), STEPS - 1)
    labels = ["free in one piece", *[""] * (STEPS - 2), "free in many pieces"]
    return _scaled(places, codes, labels, palette)


_MODES: dict[ColorMode, Callable[[Plan, Tiles, RequestColumns, MapPalette], Coloring]] = {
    ColorMode.USAGE: _usage,
    ColorMode.FEATURE: _feature,
    ColorMode.OBJECT: _object,
    ColorMode.ASSET: _asset,
    ColorMode.KIND: _kind,
    ColorMode.AGE: _age,
    ColorMode.FRAGMENTATION: _fragmentation,
}


def fragmentation(tiles: Tiles) -> NDArray[np.float64]:
    """For each allocation the share of its free bytes that lie outside of its largest free range: 0 to 1."""
    places = tiles.places
    is_free = np.isin(tiles.states, [TileState.FREE, TileState.FREE_IN_PAGE, TileState.WAITING])
    count = len(places.allocations)
    row = np.searchsorted(places.bases, tiles.starts[:-1][is_free], side="right") - 1
    size = tiles.sizes[is_free]
    total, largest = np.bincount(row, size, count), np.zeros(count)
    np.maximum.at(largest, row, size)
    return np.where(total > 0, 1.0 - largest / np.maximum(total, 1), 0.0)


def usage_bits(plan: Plan, places: Places) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """(usage bits, Kind) of each place: bits of its terms where it is planned, of the buffer for staging."""
    at = places.resource_of
    usage = places.resources["usage"][at].astype(np.int64)
    of_terms = np.array([terms.usage for terms in plan.terms.entries] or [0], np.int64)
    planned = places.planned_count
    usage[:planned] = of_terms[places.subresources["terms"][:planned]]
    return usage, places.resources["kind"][at]


def _named(
    places: Places, codes: Codes, names: Sequence[str], palette: MapPalette, *, grows: bool = False
) -> Coloring:
    """Colour a few names, each always alike; those without bytes are left out of the legend.

    Where the list of names `grows`, colours follow from the names, not from their numbers.
    """
    sizes = _sizes(places, codes, len(names))
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    ranks = used[np.argsort(-sizes[used], kind="stable")]
    number = np.zeros(len(names), np.int64)
    number[ranks] = np.arange(len(ranks))
    if grows or len(names) > len(palette.categories):
        return _limited(number[codes], sizes[ranks], lambda rank: names[int(ranks[rank])], palette)
    colors = tuple(palette.categories[name] for name in ranks.tolist())
    return Coloring(number[codes], colors, tuple(names[name] for name in ranks.tolist()), sizes[ranks])


def _largest(
    places: Places, codes: Codes, name: Callable[[int], str], count: int, palette: MapPalette
) -> Coloring:
    """Colour the largest of many values by themselves and all others alike."""
    sizes = _sizes(places, codes, count)
    ranks = np.argsort(-sizes, kind="stable")
    number = np.empty(count, np.int64)
    number[ranks] = np.arange(count)
    return _limited(number[codes], sizes[ranks], lambda rank: name(int(ranks[rank])), palette)


def _limited(codes: Codes, sizes: Int64s, name: Callable[[int], str], palette: MapPalette) -> Coloring:
    """Colours for the first ranks; the last colour stands for all others."""
    most = len(palette.categories)
    labels = [name(rank) for rank in range(min(len(sizes), most))]
    colors = stable_colors(labels, palette)
    if len(sizes) <= most:
        return Coloring(codes, colors, tuple(labels), sizes)
    labels.append(f"{len(sizes) - most:,} other{'s' * (len(sizes) - most > 1)}")
    shown = np.append(sizes[:most], sizes[most:].sum())
    return Coloring(np.minimum(codes, most), (*colors, palette.other), tuple(labels), shown)


def stable_colors(labels: Sequence[str], palette: MapPalette) -> tuple[Rgb, ...]:
    """A colour for each of at most as many labels as there are; most keep theirs when others come or go."""
    free = list(range(len(palette.categories)))
    chosen = []
    for label in labels:
        wanted = crc32(label.encode("utf-8", "surrogatepass")) % len(palette.categories)
        at = min(free, key=lambda color: (color - wanted) % len(palette.categories))
        free.remove(at)
        chosen.append(palette.categories[at])
    return tuple(chosen)


def _scaled(places: Places, codes: Codes, labels: Sequence[str], palette: MapPalette) -> Coloring:
    return Coloring(codes, palette.steps(STEPS), tuple(labels), _sizes(places, codes, STEPS))


def _sizes(places: Places, codes: Codes, count: int) -> Int64s:
    begin, used, _ = places.ranges
    return np.bincount(codes, used - begin, count).astype(np.int64)
