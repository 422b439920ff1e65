"""Packs morph targets as shaders read them: 32 bytes for each vertex that a target moves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.assets.cache.facts import MorphTargetsFacts, VerticesFacts
from engine.assets.codes import AssetCode
from engine.assets.importers import Imported
from engine.assets.importers.mesh_source import MeshSource
from engine.assets.importers.morph.source import COUNT_BITS, MORPH
from engine.humon import failure

DELTA = np.dtype([("position", "<f4", 3), ("target", "<u4"), ("turns", "<f2", 8)])
"""What a target adds to a vertex: to its position in metres, and to normal and tangent, in 16-bit floats."""


def pack_targets(source: MeshSource) -> Imported:
    """Pack the targets of all levels of detail. Raises InputError `mesh.target` where nothing moves."""
    found = source.morph
    if found is None or not len(found.deltas):
        message = "the mesh source has no morph target that moves a vertex"
        hint = "let a target move a vertex, or leave the targets out"
        raise failure(AssetCode.MESH_TARGET, message, source.node, hint)
    packed = np.zeros(len(found.deltas), DELTA)
    packed["position"], packed["target"] = found.deltas[:, :3], found.targets
    packed["turns"][:, :6] = found.deltas[:, 3:]
    low, high = extents(packed, len(found.names))
    facts = MorphTargetsFacts(len(packed), found.names, found.weights, _rows(low), _rows(high))
    return Imported(packed.tobytes(), facts, source.warnings)


def extents(
    packed: npt.NDArray[np.void], targets: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the least and the most, float32[targets, 3] each, that targets add to positions, 0 included."""
    low, high = np.zeros((2, targets, 3), np.float32)
    order = np.argsort(packed["target"], kind="stable")
    of, positions = packed["target"][order], packed["position"][order]
    starts = np.flatnonzero(np.diff(of, prepend=np.uint32(0xFFFFFFFF)))
    low[of[starts]] = np.minimum(np.minimum.reduceat(positions, starts), 0.0)
    high[of[starts]] = np.maximum(np.maximum.reduceat(positions, starts), 0.0)
    return low, high


def vertex_deltas(facts: VerticesFacts, content: bytes) -> tuple[npt.NDArray[np.int64], ...] | None:
    """Return the first delta of each vertex and how many it has, int64[n] each; None without targets."""
    names = [name for name, _ in facts.vertex_format]
    if MORPH not in names:
        return None
    offset = facts.offsets[names.index(MORPH)]
    codes = np.ndarray((facts.count,), "<u4", content, offset, (facts.stride,)).astype(np.int64)
    return codes >> COUNT_BITS, codes & ((1 << COUNT_BITS) - 1)


def _rows(values: npt.NDArray[np.float32]) -> tuple[tuple[float, float, float], ...]:
    return tuple((x, y, z) for x, y, z in values.tolist())
