"""Packs a mesh source into the bytes of vertices, indices and bones.

Layouts follow the seed's numbers: attributes in order, each aligned to 4 bytes; 16-bit indices; bones of
34 bytes (u16 parent, then as f32 quaternion x y z w, translation x y z, uniform scale).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.cache.facts import IndexLevel, IndicesFacts, SkeletonFacts, VerticesFacts
from engine.assets.codes import AssetCode
from engine.assets.formats import IndexFormat, Topology, VertexFormat
from engine.assets.importers import Imported
from engine.assets.importers.blend_weights import INDICES, MORE_WEIGHTS, WEIGHTS, BlendLayout, with_room
from engine.assets.importers.detail.ordering import ordered
from engine.assets.importers.detail.simplifying import simplified
from engine.assets.importers.mesh_source import MeshSource, SourceLod
from engine.assets.importers.surface_frames import smooth_normals, tangents_of, triangles_of
from engine.assets.limits import MAX_VERTICES
from engine.assets.records import Simplify
from engine.humon import Place, Problem, Severity, failure, suggestion

BONE = np.dtype([("parent", "<u2"), ("rotation", "<f4", 4), ("translation", "<f4", 3), ("scale", "<f4")])
"""One bone in the cache: 34 bytes, packed."""

BOUND_BONE = np.dtype(("<f4", (3, 4)))
"""One bone of a skin in the cache: the first rows of the matrix, for columns, from the mesh to the bone."""

NORMAL, TANGENT = "normal", "tangent"
"""The attributes that are made where a source lacks them."""

FIRST_WEIGHTS = 4
"""How many blend weights stand in the first of two attributes."""

MOST_BONES = 2.0**53
"""What is above it in a source is no number of a bone in any format."""

WEIGHT_TOLERANCE = 1e-3
"""By how much the weights of a vertex may miss the sum 1 without a warning."""

ATTRIBUTE_ALIGNMENT = 4
"""Alignment of every vertex attribute, in bytes."""

_MAX_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class VertexSettings:
    """How to pack vertices: the attributes in order, the level of detail, weights and bones to check.

    Normals and tangents that the source lacks are made of its primitives. With `order`, the package that does
    so, vertices are in an order that is quick to draw; all parts of a level of detail must have the same.
    With `widens` numbers of bones get a wider format where they take one.
    """

    vertex_format: tuple[tuple[str, VertexFormat], ...]
    lod: int = 0
    num_blend_weights: int = 0
    num_bones: int = 0
    topology: Topology = Topology.TRIANGLE_LIST
    order: str = ""
    widens: bool = False


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How to pack indices, and whether their vertices have tangents, for which some may have been split.

    `order` is that of the vertices. With `simplify` coarser levels are made, by the package `simplifier`, and
    follow the indices. With `widens` they get 32 bits where 16 do not suffice.
    """

    index_format: IndexFormat
    topology: Topology = Topology.TRIANGLE_LIST
    lod: int = 0
    tangents: bool = False
    order: str = ""
    simplify: Simplify | None = None
    simplifier: str = ""
    widens: bool = False


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

    Weights are divided by their sum, with a warning where that is not 1.
    Raises InputError: `mesh.lod`, `mesh.attribute` (missing, or of another width), `mesh.range` (does not
    fit its format) and `mesh.skin` (a bone that does not exist, weights all zero or negative).
    """
    wanted = frozenset(name for name, _ in settings.vertex_format)
    lod = with_frames(source, _lod(source, settings.lod, settings.order), wanted, settings.topology)
    if settings.widens and source.joints and INDICES in lod.attributes:
        highest = min(int(lod.attributes[INDICES].max()), source.joints - 1)
        settings = replace(settings, vertex_format=with_room(settings.vertex_format, highest))
    lod, warnings = _with_skin(lod, settings, len(source.bones) or source.joints)
    offsets, stride = vertex_layout(settings.vertex_format)
    packed = np.zeros((lod.count, stride), np.uint8)
    for (name, form), offset in zip(settings.vertex_format, offsets, strict=True):
        values = _converted(source, lod, name, form)
        packed[:, offset : offset + form.size] = values.view(np.uint8).reshape(lod.count, form.size)
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
    return Imported(packed.tobytes(), facts, (*source.warnings, *warnings))


def pack_indices(source: MeshSource, settings: IndexSettings) -> Imported:
    """Pack the indices. Raises InputError `mesh.count` or `mesh.range`."""
    index_format, topology = settings.index_format, settings.topology
    level = _lod(source, settings.lod, settings.order)
    indices = level.indices
    node = level.index_node
    if len(indices) % topology.group or len(indices) < topology.min_indices:
        message = f"{len(indices)} indices are no {topology.value}: it takes a multiple of {topology.group}"
        raise failure(
            AssetCode.MESH_COUNT, message, node, "give the other corners, or choose another `topology`"
        )
    if settings.tangents:
        level = with_frames(source, level, frozenset({TANGENT}), topology)
        indices = level.indices
    if settings.widens and int(indices.max()) >= 0xFFFF:
        index_format = IndexFormat.UINT32
    if index_format is IndexFormat.UINT16 and int(indices.max()) >= 0xFFFF:
        message = f"index {int(indices.max())} does not fit into 16 bits (0xffff is primitive restart)"
        raise failure(AssetCode.MESH_RANGE, message, node, "use indexFormat: uint32")
    highest = int(indices.max())
    levels: tuple[IndexLevel, ...] = ()
    warnings = source.warnings
    if settings.simplify is not None and topology is Topology.TRIANGLE_LIST:
        indices, levels, warning = _with_levels(source, level, settings)
        warnings = (*warnings, *warning)
    facts = IndicesFacts(len(indices), index_format, topology, highest, settings.lod, levels)
    return Imported(indices.astype(index_format.dtype).tobytes(), facts, warnings)


def _with_levels(
    source: MeshSource, level: SourceLod, settings: IndexSettings
) -> tuple[npt.NDArray[Any], tuple[IndexLevel, ...], tuple[Problem, ...]]:
    """Return the indices of a level of detail and of coarser ones, what these are, and why there is none."""
    assert settings.simplify is not None
    made = simplified(level, source.morph, settings.simplify, order=bool(settings.order))
    if not made.levels:
        message = f"no coarser level is made: {made.reason}"
        warning = Problem(AssetCode.MESH_SIMPLIFY, message, help=made.hint, severity=Severity.WARNING)
        return level.indices, (), (warning,)
    parts = [level.indices, *(one.indices for one in made.levels)]
    errors = [0.0, *(one.error for one in made.levels)]
    ends = np.cumsum([len(part) for part in parts])
    levels = tuple(
        IndexLevel(int(end) - len(part), len(part), error)
        for part, end, error in zip(parts, ends, errors, strict=True)
    )
    return np.concatenate(parts), levels, ()


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
    triangles = triangles_of(lod.indices.astype(np.int64, copy=False), topology)
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
    positions = np.asarray(attributes["pos"], np.float64)
    if NORMAL not in attributes:
        attributes[NORMAL], nodes[NORMAL] = smooth_normals(positions, triangles), lod.nodes["pos"]
    if TANGENT not in lacking:
        return replace(lod, attributes=attributes, nodes=nodes)
    uv = attributes.get("uv_normal", attributes.get("uv_albedo"))
    if topology is not Topology.TRIANGLE_LIST or uv is None or uv.shape[1] != 2:
        message = "the mesh source has no 'tangent', which is made of a triangle_list with 'uv_normal'"
        advice = "give the attribute, or take it out of the vertex format"
        raise failure(AssetCode.MESH_ATTRIBUTE, message, source.node, advice)
    normals, corners = np.asarray(attributes[NORMAL], np.float64), lod.indices.astype(np.int64, copy=False)
    made = tangents_of(positions, normals, np.asarray(uv, np.float64), corners)
    if len(made.vertices) > MAX_VERTICES:
        message = f"with tangents the mesh has {len(made.vertices)} vertices; at most {MAX_VERTICES} are read"
        raise failure(
            AssetCode.MESH_SIZE, message, lod.nodes["pos"], "divide the mesh, or leave out `makeTangents`"
        )
    attributes = {name: values[made.vertices] for name, values in attributes.items()}
    attributes[TANGENT], nodes[TANGENT] = made.tangents, lod.nodes["pos"]
    numbers = None if lod.numbers is None else lod.numbers[made.vertices]
    return SourceLod(attributes, made.indices, nodes, lod.index_node, len(made.vertices), numbers)


def _lod(source: MeshSource, index: int, order: str) -> SourceLod:
    if index >= len(source.lods):
        message = f"the mesh source has {len(source.lods)} levels of detail; number {index} is requested"
        raise failure(
            AssetCode.MESH_LOD,
            message,
            source.node,
            "levels are counted from 0: give the source another level, or leave this one out",
        )
    if not order:
        return source.lods[index]
    if index not in source.ordered:
        source.ordered[index] = ordered(source.lods[index])
    return source.ordered[index]


def _converted(source: MeshSource, lod: SourceLod, name: str, form: VertexFormat) -> npt.NDArray[np.generic]:
    values = lod.attributes.get(name)
    if values is None:
        message = f"the mesh source has no attribute '{name}'"
        raise failure(AssetCode.MESH_ATTRIBUTE, message, source.node, suggestion(name, lod.attributes))
    node = lod.nodes[name]
    if values.shape[1] != form.components:
        message = f"'{name}' has {values.shape[1]} numbers per vertex, {form.value} takes {form.components}"
        raise failure(
            AssetCode.MESH_ATTRIBUTE,
            message,
            node,
            "choose a format with as many channels, or give as many numbers",
        )
    low, high = _bounds(form)
    if values.min() < low or values.max() > high:
        reach = f"'{name}' ranges from {values.min():g} to {values.max():g}"
        message = f"{reach}; {form.value} takes {low:g} to {high:g}"
        raise failure(
            AssetCode.MESH_RANGE,
            message,
            node,
            "choose a format of larger numbers, such as one of 32-bit floats",
        )
    if form.kind in ("uint", "sint") and (values != np.floor(values)).any():
        raise failure(
            AssetCode.MESH_RANGE,
            f"'{name}' has fractions; {form.value} takes whole numbers",
            node,
            "round them, or choose a format of floats",
        )
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


def _with_skin(lod: SourceLod, settings: VertexSettings, bones: int) -> tuple[SourceLod, tuple[Problem, ...]]:
    """Return a level of detail with its blend weights as vertices hold them, and what is wrong with them.

    Weights must not be negative and not all zero, and bones must exist. The vertex format says how many there
    are: of more the largest are used, with a warning where that is seen. More than four weights are divided
    between two attributes, and one number for each weight is packed into channels.
    """
    names = dict(settings.vertex_format)
    attributes, nodes = dict(lod.attributes), dict(lod.nodes)
    warnings: tuple[Problem, ...] = ()
    given = attributes.get(WEIGHTS) if WEIGHTS in names else None
    if given is not None:
        parts = [given, *(attributes[name] for name in (MORE_WEIGHTS,) if name in attributes)]
        weights, node = np.concatenate(parts, axis=1), nodes[WEIGHTS]
        count = weights.shape[1]
        sums = weights.sum(axis=1, keepdims=True)
        if weights.min() < 0 or sums.min() <= 0:
            message = "the weights of a vertex must not be negative, and not all zero"
            raise failure(
                AssetCode.MESH_SKIN,
                message,
                node,
                "let the weights of each vertex be 0 or more, and their sum 1",
            )
        if np.abs(sums - 1.0).max() > WEIGHT_TOLERANCE:
            worst = int(np.abs(sums - 1.0).argmax())
            number = worst if lod.numbers is None else int(lod.numbers[worst])
            message = f"the weights of vertex {number} add up to {sums[worst, 0]:g}; they are divided by it"
            hint = "give weights with the sum 1"
            warnings = (node.document.problem(AssetCode.MESH_SKIN, message, node, hint, Severity.WARNING),)
            weights = weights / sums
        layout = BlendLayout.of(settings.vertex_format)
        given_bones = attributes.get(INDICES)
        if layout is not None and given_bones is not None and given_bones.shape[1] == count != layout.weights:
            fitted = _with_as_many(weights, given_bones, layout.weights)
            if (
                count > layout.weights
                and (least := float(fitted[0].sum(axis=1).min())) < 1 - WEIGHT_TOLERANCE
            ):
                message = (
                    f"the source has {count} weights per vertex, and the vertex format {layout.weights}: "
                    f"the largest are used, which have at least {least:.2f} of the sum"
                )
                hint = "let `frameWeights`, `frameWeights2` and `frameIdxs` have as many as the source"
                problem = node.document.problem(AssetCode.MESH_SKIN, message, node, hint, Severity.WARNING)
                warnings = (*warnings, problem)
            weights, attributes[INDICES] = fitted
            weights, count = weights / weights.sum(axis=1, keepdims=True), layout.weights
        attributes[WEIGHTS] = weights
        if MORE_WEIGHTS in names and count > FIRST_WEIGHTS:
            attributes[WEIGHTS], attributes[MORE_WEIGHTS] = np.split(weights, [FIRST_WEIGHTS], axis=1)
            nodes[MORE_WEIGHTS] = node
    layout = BlendLayout.of(settings.vertex_format)
    if layout is not None and INDICES in attributes and (settings.num_blend_weights or bones):
        attributes[INDICES] = _bone_channels(attributes[INDICES], layout, bones or settings.num_bones, nodes)
    return replace(lod, attributes=attributes, nodes=nodes), warnings


def _with_as_many(
    weights: npt.NDArray[np.float64], bones: npt.NDArray[np.float64], count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return so many weights of each vertex with their bones: the largest, or all, and 0 after them."""
    if count > weights.shape[1]:
        more = ((0, 0), (0, count - weights.shape[1]))
        return np.pad(weights, more), np.pad(bones, more)
    largest = np.sort(np.argsort(-weights, axis=1, kind="stable")[:, :count], axis=1)
    return np.take_along_axis(weights, largest, axis=1), np.take_along_axis(bones, largest, axis=1)


def _bone_channels(
    values: npt.NDArray[np.float64], layout: BlendLayout, bones: int, nodes: Mapping[str, Place]
) -> npt.NDArray[np.float64]:
    """Return the numbers of bones in channels. Raises InputError `mesh.skin` for a bone that is not there."""
    channels = values.clip(-MOST_BONES, MOST_BONES).astype(np.int64)
    is_each = values.shape[1] == layout.weights
    if not is_each and values.shape[1] != -(-layout.weights // layout.per_channel):
        return values  # the format does not fit either, which is reported with it
    numbers = channels if is_each else layout.unpack(channels)
    highest = int(numbers.max())
    if highest >= bones:
        message = f"a vertex has bone {highest}, but there are {bones}"
        hint = f"bones are numbered from 0 to {bones - 1}" if bones else "give the mesh source `bones`"
        raise failure(AssetCode.MESH_SKIN, message, nodes[INDICES], hint)
    if not is_each or layout.per_channel == 1:
        return values
    if highest >> layout.bits:
        message = f"bone {highest} does not fit into the {layout.bits} bits that a weight has in frameIdxs"
        hint = "give frameIdxs a wider format"
        raise failure(AssetCode.MESH_SKIN, message, nodes[INDICES], hint)
    return layout.pack(channels).astype(np.float64)
