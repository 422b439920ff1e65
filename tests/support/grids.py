"""Wavy grids of triangles as levels of detail, their vertices and triangles in random order."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.importers.mesh_source import MeshSource, SourceLod
from engine.assets.importers.morph.source import SourceDeltas
from engine.humon import parse

PLACE = parse("mesh: { }", "grid.hu").root
SIDE = 20


def grid(side: int = SIDE, waves: float = 0.05, seed: int = 1, **more: npt.NDArray[Any]) -> SourceLod:
    """A grid of side x side quads on a square metre, with waves of this height and `more` attributes.

    The vertices lie row by row, and are then shuffled, as are the triangles.
    """
    rng = np.random.default_rng(seed)
    v, u = np.meshgrid(*(np.linspace(0.0, 1.0, side + 1),) * 2, indexing="ij")
    height = waves * np.sin(6 * u) * np.cos(5 * v)
    slopes = -waves * 6 * np.cos(6 * u) * np.cos(5 * v), waves * 5 * np.sin(6 * u) * np.sin(5 * v)
    normals = np.stack((slopes[0], np.ones_like(u), slopes[1]), axis=-1).reshape(-1, 3)
    attributes = {
        "pos": np.stack((u, height, v), axis=-1).reshape(-1, 3),
        "normal": normals / np.linalg.norm(normals, axis=1, keepdims=True),
        "uv_albedo": np.stack((u, v), axis=-1).reshape(-1, 2),
        **more,
    }
    at = np.arange(side * (side + 1)).reshape(side, side + 1)[:, :-1].ravel()
    quads = np.stack((at, at + side + 1, at + 1, at + 1, at + side + 1, at + side + 2), axis=-1)
    triangles = rng.permutation(quads.reshape(-1, 3))
    places = rng.permutation(len(attributes["pos"]))
    shuffled = {name: values[np.argsort(places)] for name, values in attributes.items()}
    nodes = dict.fromkeys(shuffled, PLACE)
    return SourceLod(shuffled, places[triangles].reshape(-1), nodes, PLACE, len(places))


def uv_sphere(segments: int) -> SourceLod:
    """A sphere of radius 1 with half as many rings; each segment has its own vertex at both poles."""
    rings, wide = segments // 2, segments + 1
    ring, segment = np.divmod(np.arange((rings + 1) * wide), wide)
    is_pole = (ring == 0) | (ring == rings)
    down, around = np.pi * ring / rings, 2 * np.pi * (segment % segments) / segments
    out = np.where(is_pole, 0.0, np.sin(down))
    pos = np.stack((out * np.cos(around), np.cos(down), out * np.sin(around)), axis=1)
    uv = np.stack(((segment + 0.5 * is_pole) / segments, ring / rings), axis=1)
    at = np.arange(rings * wide).reshape(rings, wide)[:, :-1]
    upper = np.stack((at, at + 1, at + wide), axis=-1)[1:]
    upper_pole = np.stack((at, at + wide + 1, at + wide), axis=-1)[:1]
    lower = np.stack((at + 1, at + wide + 1, at + wide), axis=-1)[1:-1]
    triangles = np.concatenate([part.reshape(-1, 3) for part in (upper_pole, upper, lower)])
    used, indices = np.unique(triangles, return_inverse=True)
    attributes = {"pos": pos[used], "normal": pos[used], "uv_albedo": uv[used]}
    return SourceLod(attributes, indices.reshape(-1), dict.fromkeys(attributes, PLACE), PLACE, len(used))


def source_of(lod: SourceLod, morph: SourceDeltas | None = None) -> MeshSource:
    """A mesh source of this level of detail."""
    return MeshSource((lod,), (), PLACE, (), morph)


def corner_rows(lod: SourceLod, indices: npt.NDArray[np.integer] | None = None) -> npt.NDArray[np.float64]:
    """All attributes of the corners of each triangle, the least corner first, in a sorted list."""
    values = np.concatenate([np.asarray(each, np.float64) for each in lod.attributes.values()], axis=1)
    rows = values[lod.indices if indices is None else indices].reshape(-1, 3, values.shape[1])
    first = np.array([min(range(3), key=lambda k, row=row: tuple(row[k])) for row in rows])
    turned = np.stack([rows[np.arange(len(rows)), (first + k) % 3] for k in range(3)], axis=1)
    flat = turned.reshape(len(rows), -1)
    return flat[np.lexsort(flat.T)]


def transformed_per_triangle(indices: npt.NDArray[np.integer], cache: int = 16) -> float:
    """Return how many vertices are transformed for each triangle of a list (ACMR): 3 at most, 0.5 at best.

    The cache holds so many vertices, and the first that came is the first that goes.
    """
    came: dict[int, int] = {}
    missed = 0
    for vertex in indices.tolist():
        if came.get(vertex, -1 - cache) < missed - cache:
            came[vertex] = missed
            missed += 1
    return missed * 3 / max(len(indices), 1)
