"""Packs a mesh source into the bytes of vertices, indices and bones.

Layouts follow the seed's numbers: attributes in order, each aligned to 4 bytes; 16-bit indices; bones of
34 bytes (u16 parent, then as f32 quaternion x y z w, translation x y z, uniform scale).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.assets.cache.facts import IndicesFacts, SkeletonFacts, VerticesFacts
from engine.assets.codes import AssetCode
from engine.assets.formats import IndexFormat, Topology, VertexFormat
from engine.assets.importers import Imported
from engine.assets.importers.mesh_source import MeshSource, SourceLod
from engine.assets.importers.surface_frames import smooth_normals, tangents_of, triangles_of
from engine.assets.limits import MAX_VERTICES
from engine.humon import failure, suggestion

BONE = np.dtype([("parent", "<u2"), ("rotation", "<f4", 4), ("translation", "<f4", 3), ("scale", "<f4")])
"""One bone in the cache: 34 bytes, packed."""

NORMAL, TANGENT = "normal", "tangent"
"""The attributes that are made where a source lacks them."""

ATTRIBUTE_ALIGNMENT = 4
"""Alignment of every vertex attribute, in bytes."""

_MAX_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class VertexSettings:
    """How to pack vertices: the attributes in order, the level of detail, weights and bones to check.

    Normals and tangents that the source lacks are made of its primitives.
    """

    vertex_format: tuple[tuple[str, VertexFormat], ...]
    lod: int = 0
    num_blend_weights: int = 0
    num_bones: int = 0
    topology: Topology = Topology.TRIANGLE_LIST


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How to pack indices, and whether their vertices have tangents, for which some may have been split."""

    index_format: IndexFormat
    topology: Topology = Topology.TRIANGLE_LIST
    lod: int = 0
    tangents: bool = False


def vertex_layout(vertex_format: tuple[tuple[str, VertexFormat], ...]) -> tuple[tuple[int, ...], int]:
    """Return the byte offset of each attribute, and the stride in bytes."""
    offsets = []
    end = 0
    for _, form in vertex_format:
        offsets.append(end)
        end += -(-form.size // ATTRIBUTE_ALIGNMENT) * ATTRIBUTE_ALIGNMENT
    return tuple(offsets), end


def pack_vertices(source: MeshSource, settings: VertexSettings) -> Imported:
    """Interleave the attributes in `settings`.

    Raises InputError: `mesh.lod`, `mesh.attribute` (missing, or of another width), `mesh.range` (does not
    fit its format) and `mesh.skin` (a bone that does not exist, weights all zero or negative).
    """
    wanted = frozenset(name for name, _ in settings.vertex_format)
    lod = with_frames(source, _lod(source, settings.lod), wanted, settings.topology)
    offsets, stride = vertex_layout(settings.vertex_format)
    packed = np.zeros((lod.count, stride), np.uint8)
    for (name, form), offset in zip(settings.vertex_format, offsets, strict=True):
        values = _converted(source, lod, name, form)
        packed[:, offset : offset + form.size] = values.view(np.uint8).reshape(lod.count, form.size)
    _check_skin(lod, settings, len(source.bones))
    positions = lod.attributes["pos"].astype(np.float32)
    low, high = positions.min(axis=0).tolist(), positions.max(axis=0).tolist()
    facts = VerticesFacts(
        count=lod.count,
        stride=stride,
        offsets=offsets,
        vertex_format=settings.vertex_format,
        minimum=(low[0], low[1], low[2]),
        maximum=(high[0], high[1], high[2]),
        lod=settings.lod,
    )
    return Imported(packed.tobytes(), facts, source.warnings)


def pack_indices(source: MeshSource, settings: IndexSettings) -> Imported:
    """Pack the indices. Raises InputError `mesh.count` or `mesh.range`."""
    index_format, topology = settings.index_format, settings.topology
    level = _lod(source, settings.lod)
    indices = level.indices
    node = level.index_node
    if len(indices) % topology.group or len(indices) < topology.min_indices:
        message = f"{len(indices)} indices are no {topology.value}: it takes a multiple of {topology.group}"
        raise failure(AssetCode.MESH_COUNT, message, node)
    if settings.tangents:
        indices = with_frames(source, level, frozenset({TANGENT}), topology).indices
    if index_format is IndexFormat.UINT16 and int(indices.max()) >= 0xFFFF:
        message = f"index {int(indices.max())} does not fit into 16 bits (0xffff is primitive restart)"
        raise failure(AssetCode.MESH_RANGE, message, node, "use indexFormat: uint32")
    facts = IndicesFacts(len(indices), index_format, topology, int(indices.max()), settings.lod)
    return Imported(indices.astype(index_format.dtype).tobytes(), facts, source.warnings)


def pack_skeleton(source: MeshSource) -> Imported:
    """Pack the bones. Raises InputError `mesh.bone` if there are none."""
    if not source.bones:
        raise failure(
            AssetCode.MESH_BONE, "the mesh source has no bones", source.node, "add `bones: [ ... ]`"
        )
    packed = np.zeros(len(source.bones), BONE)
    for row, bone in zip(packed, source.bones, strict=True):
        row["parent"], row["scale"] = bone.parent, bone.scale
        row["rotation"], row["translation"] = bone.rotation, bone.translation
    facts = SkeletonFacts(len(source.bones), tuple(bone.name for bone in source.bones))
    return Imported(packed.tobytes(), facts, source.warnings)


def with_frames(source: MeshSource, lod: SourceLod, wanted: frozenset[str], topology: Topology) -> SourceLod:
    """Return a level of detail with the normals and tangents among the `wanted` attributes that it lacks.

    Tangents are made of triangle lists, by `uv_normal` or else `uv_albedo`; a vertex may be split for them.
    Attributes that cannot be made are not added. Raises InputError `mesh.attribute`, `mesh.size`.
    """
    lacking = {name for name in (NORMAL, TANGENT) if name in wanted and name not in lod.attributes}
    triangles = triangles_of(lod.indices, topology)
    given = lod.attributes.get(NORMAL)
    if not lacking or not len(triangles) or (given is not None and given.shape[1] != 3):
        return lod
    known = source.completed.get((id(lod), TANGENT in lacking))
    if known is None:
        known = _with_frames(source, lod, triangles, topology, lacking)
        source.completed[id(lod), TANGENT in lacking] = known
    return known


def _with_frames(
    source: MeshSource,
    lod: SourceLod,
    triangles: npt.NDArray[np.int64],
    topology: Topology,
    lacking: set[str],
) -> SourceLod:
    attributes, nodes = dict(lod.attributes), dict(lod.nodes)
    positions = attributes["pos"]
    if NORMAL not in attributes:
        attributes[NORMAL], nodes[NORMAL] = smooth_normals(positions, triangles), lod.nodes["pos"]
    if TANGENT not in lacking:
        return replace(lod, attributes=attributes, nodes=nodes)
    uv = attributes.get("uv_normal", attributes.get("uv_albedo"))
    if topology is not Topology.TRIANGLE_LIST or uv is None or uv.shape[1] != 2:
        message = "the mesh source has no 'tangent', which is made of a triangle_list with 'uv_normal'"
        advice = "give the attribute, or take it out of the vertex format"
        raise failure(AssetCode.MESH_ATTRIBUTE, message, source.node, advice)
    made = tangents_of(positions, attributes[NORMAL], uv, lod.indices)
    if len(made.vertices) > MAX_VERTICES:
        message = f"with tangents the mesh has {len(made.vertices)} vertices; at most {MAX_VERTICES} are read"
        raise failure(AssetCode.MESH_SIZE, message, lod.nodes["pos"])
    attributes = {name: values[made.vertices] for name, values in attributes.items()}
    attributes[TANGENT], nodes[TANGENT] = made.tangents, lod.nodes["pos"]
    return SourceLod(attributes, made.indices, nodes, lod.index_node, len(made.vertices))


def _lod(source: MeshSource, index: int) -> SourceLod:
    if index >= len(source.lods):
        message = f"the mesh source has {len(source.lods)} levels of detail; number {index} is requested"
        raise failure(AssetCode.MESH_LOD, message, source.node)
    return source.lods[index]


def _converted(source: MeshSource, lod: SourceLod, name: str, form: VertexFormat) -> npt.NDArray[np.generic]:
    values = lod.attributes.get(name)
    if values is None:
        message = f"the mesh source has no attribute '{name}'"
        raise failure(AssetCode.MESH_ATTRIBUTE, message, source.node, suggestion(name, lod.attributes))
    node = lod.nodes[name]
    if values.shape[1] != form.components:
        message = f"'{name}' has {values.shape[1]} numbers per vertex, {form.value} takes {form.components}"
        raise failure(AssetCode.MESH_ATTRIBUTE, message, node)
    low, high = _bounds(form)
    if values.min() < low or values.max() > high:
        reach = f"'{name}' ranges from {values.min():g} to {values.max():g}"
        message = f"{reach}; {form.value} takes {low:g} to {high:g}"
        raise failure(AssetCode.MESH_RANGE, message, node)
    if form.kind in ("uint", "sint") and (values != np.floor(values)).any():
        raise failure(AssetCode.MESH_RANGE, f"'{name}' has fractions; {form.value} takes whole numbers", node)
    if form.kind in ("unorm", "snorm"):
        values = np.rint(values * np.iinfo(form.dtype).max)
    return np.ascontiguousarray(values.astype(form.dtype))


def _bounds(form: VertexFormat) -> tuple[float, float]:
    if form.kind == "unorm":
        return 0.0, 1.0
    if form.kind == "snorm":
        return -1.0, 1.0
    if form.kind == "sfloat":
        largest = _MAX_FLOAT32 if form.bits == 32 else 65504.0
        return -largest, largest
    info = np.iinfo(form.dtype)
    return float(info.min), float(info.max)


def _check_skin(lod: SourceLod, settings: VertexSettings, bones: int) -> None:
    """Check that weights are not negative and not all zero, and that bone indices exist.

    With fewer channels than weights, each channel holds several indices, the first in its lowest bits: two
    weights and one 8-bit channel are two indices of 4 bits.
    """
    names = dict(settings.vertex_format)
    weights = lod.attributes.get("frameWeights") if "frameWeights" in names else None
    if weights is not None:
        if settings.num_blend_weights and weights.shape[1] != settings.num_blend_weights:
            message = (
                f"{weights.shape[1]} weights per vertex, but numBlendWeights is {settings.num_blend_weights}"
            )
            raise failure(AssetCode.MESH_SKIN, message, lod.nodes["frameWeights"])
        if weights.min() < 0 or weights.sum(axis=1).min() <= 0:
            message = "the weights of a vertex must not be negative, and not all zero"
            raise failure(AssetCode.MESH_SKIN, message, lod.nodes["frameWeights"])
    if "frameIdxs" not in names or not settings.num_blend_weights:
        return
    form = names["frameIdxs"]
    shared = max(1, settings.num_blend_weights // form.components)
    bits = form.bits // shared
    channels = lod.attributes["frameIdxs"].astype(np.int64)
    known = bones or settings.num_bones
    for part in range(shared):
        highest = int(((channels >> (bits * part)) & ((1 << bits) - 1)).max())
        if highest >= known:
            message = f"a vertex has bone {highest}, but there are {known}"
            raise failure(AssetCode.MESH_SKIN, message, lod.nodes["frameIdxs"])
