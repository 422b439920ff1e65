"""Coarser levels of detail of a triangle list, made of the vertices that it has.

Edges are contracted one after the other, those first that change the surface least (Garland and Heckbert,
"Surface Simplification Using Quadric Error Metrics", 1997), by `opengl_decimate`. Each contraction keeps one
of the two vertices as it is, and seams of normals and texture coordinates keep their lines. So a level is a
list of indices into the same vertices, with all of their attributes, weights of bones and morph targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.assets.importers.blend_weights import INDICES, MORE_WEIGHTS, WEIGHTS
from engine.assets.importers.detail.deviation import Deviation, Surface, columns, deviation
from engine.assets.importers.detail.ordering import is_crowded, ordered_triangles
from engine.assets.importers.detail.packages import SIMPLIFYING, load
from engine.assets.importers.detail.picture_slides import Picture, areas_of, picture_of
from engine.assets.importers.mesh_source import SourceLod
from engine.assets.importers.morph.source import COUNT_BITS, MORPH, SourceDeltas
from engine.assets.limits import MAX_SIMPLIFIED_INDICES
from engine.assets.records import Simplify

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NORMAL, _COLOR, _COORDINATES = "normal", "color", "uv_"
_ROUNDED = 1e-6
"""Parts of the diagonal of a mesh by which rounding takes vertices apart."""

_FEWER = 0.9
"""A level that has not at least a tenth less triangles than the one before is not worth its memory."""

_FREE_STEPS = 1 << 24
"""Of contractions, each of which looks at all triangles around: a cone of 4,000 takes seconds."""


@dataclass(frozen=True, slots=True)
class CoarseLevel:
    """A coarser level: its indices, int64[n], and how far it is from the mesh at most, in metres."""

    indices: Ints
    error: float


@dataclass(frozen=True, slots=True)
class Simplified:
    """The levels that were made, from fine to coarse; where there is none, why, and what helps."""

    levels: tuple[CoarseLevel, ...]
    reason: str = ""
    hint: str = ""


def simplified(lod: SourceLod, morph: SourceDeltas | None, settings: Simplify, *, order: bool) -> Simplified:
    """Return coarser levels of a triangle list. With `order` their triangles are in an order quick to
    draw.
    """
    count = len(lod.indices)
    package = load(SIMPLIFYING)
    if package is None:
        hint = f"install it: pip install 'diorama[import]', or pip install {SIMPLIFYING}"
        return Simplified(
            (), f"the package '{SIMPLIFYING}', which makes coarser levels, is not installed", hint
        )
    if count > MAX_SIMPLIFIED_INDICES:
        most = MAX_SIMPLIFIED_INDICES // 3
        return Simplified(
            (), f"{count // 3} triangles are not simplified: at most {most} are", "divide the mesh"
        )
    positions = np.ascontiguousarray(lod.attributes["pos"], np.float32)
    alike = np.unique(positions.view("V12"), return_inverse=True)[1].reshape(-1)
    if is_crowded(alike[lod.indices], _FREE_STEPS):
        return Simplified((), "too many of its triangles meet at one place", "divide them, or the mesh")
    diagonal = float(np.linalg.norm(np.ptp(positions.astype(np.float64), axis=0)))
    carried = {"POSITION": positions, **dict(_seams(lod))}
    options = package.SimplifyOptions(target_ratio=settings.ratio, placement="endpoint", lock_seams=True)
    try:
        sequence = package.collapse_sequence(carried, lod.indices.astype(np.uint32), options)
    except package.DecimateError as error:
        return Simplified((), f"the mesh cannot be made coarser: {error}", "remove `simplify`")
    surface, used = _surface(lod, morph, alike), np.unique(lod.indices.astype(np.int64))
    levels: list[CoarseLevel] = []
    triangles, share, worst = count // 3, 1.0, Deviation()
    for _ in range(settings.levels):
        share *= settings.ratio
        places, roots, points, corners = sequence.state(sequence.steps_for(target_ratio=share))
        if not len(points) or len(points) > triangles * _FEWER:
            reason = f"its {triangles} triangles cannot be made fewer without another shape or other seams"
            return Simplified(tuple(levels), reason, "remove `simplify`")
        of = roots[np.asarray(sequence.vertex_point, np.int64)[used]]
        worst = max(worst, deviation(surface, used, of, corners, points))
        apart = np.linalg.norm(places[points] - surface.positions[corners], axis=2).max()
        worst = max(worst, Deviation(float(apart) if apart > _ROUNDED * diagonal else 0.0))
        if worst.metres > settings.error * diagonal:
            off = worst.of.format(f"{worst.metres / diagonal:.2g} of its size")
            reason = (
                f"with {len(points)} of {count // 3} triangles {off}, more than the error {settings.error:g}"
            )
            return Simplified(tuple(levels), reason, "give `simplify` a larger error, or a larger ratio")
        indices = corners.reshape(-1).astype(np.int64)
        levels.append(CoarseLevel(ordered_triangles(indices) if order else indices, worst.metres))
        triangles = len(points)
    return Simplified(tuple(levels))


def _seams(lod: SourceLod) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield the attributes at whose jumps a mesh has seams, by names that are known to the package."""
    for number, (name, values) in enumerate(lod.attributes.items()):
        if name not in ("pos", MORPH, INDICES, WEIGHTS, MORE_WEIGHTS):
            known = f"TEXCOORD_{number}" if name.startswith(_COORDINATES) else name
            yield known, np.ascontiguousarray(values, np.float32)


def _surface(lod: SourceLod, morph: SourceDeltas | None, places: Ints) -> Surface:
    """Return what of a level of detail is seen; `places` are one number for all vertices at one place."""
    given = {name: np.asarray(values, np.float64) for name, values in lod.attributes.items()}
    positions, triangles = given["pos"], lod.indices.astype(np.int64).reshape(-1, 3)
    pictures: list[Picture] = []
    deltas: tuple[Doubles, ...] = ()
    for name, values in given.items():
        if name.startswith(_COORDINATES):
            for first in range(0, values.shape[1] - 1, 2):
                made = picture_of(positions, values[:, first : first + 2], triangles, places)
                is_other = not any(np.array_equal(made.lengths, other.lengths) for other in pictures)
                if made.lengths.any() and is_other:
                    pictures.append(made)
    if morph is not None and MORPH in given:
        deltas = tuple(_target_deltas(given[MORPH][:, 0].astype(np.int64), morph))
    bones, weights = np.zeros((lod.count, 0), np.int64), np.zeros((lod.count, 0))
    if INDICES in given and WEIGHTS in given:
        weights = columns([given[name] for name in (WEIGHTS, MORE_WEIGHTS) if name in given], lod.count)
        bones = given[INDICES].astype(np.int64)
        if bones.shape != weights.shape:  # packed by hand: alike where the numbers are
            bones = np.broadcast_to(_codes(bones)[:, None], weights.shape)
        weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-20)
    none = np.zeros((lod.count, 0))
    return Surface(
        positions,
        areas_of(positions, triangles),
        tuple(pictures),
        deltas,
        given.get(_NORMAL, none),
        given.get(_COLOR, none),
        bones,
        weights,
    )


def _target_deltas(codes: Ints, morph: SourceDeltas) -> Iterator[Doubles]:
    """Yield what each morph target of weight 1 adds to the positions of vertices, [n, 3]."""
    counts = codes & ((1 << COUNT_BITS) - 1)
    vertex = np.repeat(np.arange(len(codes)), counts)
    ends = np.cumsum(counts)
    rows = np.repeat(codes >> COUNT_BITS, counts) + np.arange(len(vertex)) - np.repeat(ends - counts, counts)
    for target in range(len(morph.names)):
        moved = morph.targets[rows] == target
        if moved.any():
            deltas = np.zeros((len(codes), 3))
            deltas[vertex[moved]] = morph.deltas[rows[moved], :3]
            yield deltas


def _codes(rows: Ints) -> Ints:
    """Return one number for each row, equal for equal rows."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
