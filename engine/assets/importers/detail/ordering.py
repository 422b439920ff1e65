"""Puts triangles in an order in which a GPU finds vertices in its cache, and vertices in that of their use.

That is done by `meshopt`, after Forsyth, "Linear-Speed Vertex Cache Optimisation", 2006. Vertices that no
triangle uses come last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.importers.detail.packages import ORDERING, load
from engine.assets.importers.mesh_source import SourceLod

LEAST_INDICES = 768
"""Meshes of fewer indices stay as they are: a GPU draws 256 triangles at once."""

_UNUSED = 0xFFFF_FFFF
_FREE_STEPS = 1 << 26


def ordered(lod: SourceLod) -> SourceLod:
    """Return a level of detail, a triangle list, with triangles and vertices in an order that is quick to
    draw.
    """
    meshopt = load(ORDERING)
    if meshopt is None or not _is_worth_ordering(lod.indices) or len(lod.indices) % 3:
        return lod
    indices, places, used = meshopt.reorder_mesh(lod.indices.astype(np.uint32), True, False)
    vertices = np.empty(lod.count, np.int64)
    is_used = np.zeros(lod.count, np.bool_)
    is_used[: len(places)] = places != _UNUSED  # as many as the highest index says
    vertices[places[is_used[: len(places)]]] = np.flatnonzero(is_used)
    vertices[used:] = np.flatnonzero(~is_used)
    return replace(
        lod,
        attributes={name: values[vertices] for name, values in lod.attributes.items()},
        indices=indices,
        numbers=vertices if lod.numbers is None else lod.numbers[vertices],
    )


def ordered_triangles(indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the triangles of a list in an order that is quick to draw; the vertices stay where they are."""
    meshopt = load(ORDERING)
    if meshopt is None or not _is_worth_ordering(indices):
        return indices
    found, places, used = meshopt.reorder_mesh(indices.astype(np.uint32), True, False)
    vertices = np.empty(used, np.int64)
    is_used = places != _UNUSED
    vertices[places[is_used]] = np.flatnonzero(is_used)
    triangles: npt.NDArray[np.int64] = vertices[found]
    return triangles


def is_crowded(indices: npt.NDArray[np.integer[Any]], free_steps: int) -> bool:
    """Whether so many triangles meet at vertices that work on all those around each triangle takes long.

    That is more than 64 steps for each index, besides so many that are free: 6 where a surface is even, and
    as many as there are triangles at the tip of a cone.
    """
    uses = np.bincount(indices)
    return int(uses @ uses) > free_steps + 64 * len(indices)


def _is_worth_ordering(indices: npt.NDArray[np.integer[Any]]) -> bool:
    return len(indices) >= LEAST_INDICES and not is_crowded(indices, _FREE_STEPS)
