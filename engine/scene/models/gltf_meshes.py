"""The mesh assets of a glTF file as plain values: a mesh with vertices and indices for each primitive."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from engine.assets.importers.models.gltf_primitives import coordinates_of, map_coordinates
from engine.gltf import GltfCode, GltfMaterial, Item, targets_of
from engine.humon import InputError

Plain = dict[str, Any]

_POINTS, _LINES, _TRIANGLES = "point_list", "line_list", "triangle_list"
_TOPOLOGIES = (_POINTS, _LINES, _LINES, _LINES, _TRIANGLES, _TRIANGLES, _TRIANGLES)
_LIST = 4
"""The mode of a primitive that is a list of triangles."""

_LARGEST_SHORT = 0xFFFF
_PAIR, _TRIPLE, _QUAD = "r32g32_sfloat", "r32g32b32_sfloat", "r32g32b32a32_sfloat"
_JOINTS = re.compile(r"JOINTS_([0-9]+)")
_MAX_SETS = 2


@dataclass(frozen=True, slots=True)
class SkinUse:
    """The skin that bends a mesh: the name of its skeleton, and the number of its joints."""

    skeleton: str
    joints: int


def mesh_records(
    primitive: Item, name: str, source: str, material: GltfMaterial, skin: SkinUse | None
) -> list[Plain]:
    """Return the records of a mesh, its vertices and its indices, all of this name."""
    lod: Plain = {"topology": topology_of(primitive), "vertices": name, "indices": name}
    part = "".join(f"/{step}" for step in primitive.path)
    mesh: Plain = {"@type": "mesh", "name": name, "source": source, "part": part}
    mesh["coordinates"] = {uv: list(numbers) for uv, numbers in map_coordinates(material)}
    mesh["lods"] = [lod]
    if skin is not None and _weights(primitive):
        mesh["skeleton"] = skin.skeleton
    form = vertex_format(primitive, material, skin)
    targets: list[Plain] = []
    if targets_of(primitive):
        mesh["targets"] = name
        targets = [{"@type": "morphTargets", "name": name, "source": name}]
    return [
        mesh,
        *targets,
        {"@type": "vertices", "name": name, "source": name, "vertexFormat": form},
        {"@type": "indices", "name": name, "source": name, "indexFormat": _index_format(primitive, form)},
    ]


def warn_of_coordinates(primitive: Item, material: GltfMaterial) -> None:
    """Warn of textures that are read with sets of coordinates which a primitive does not have."""
    attributes = primitive.required("attributes")
    absent: dict[str, list[str]] = {}
    for key, use in material.textures.items():
        name = f"TEXCOORD_{use.coordinates}"
        if name not in attributes.value:
            absent.setdefault(name, []).append(key)
    for name, keys in absent.items():
        message = (
            f"there is no {name} for the material's {', '.join(keys)}: one texel of it is drawn everywhere"
        )
        attributes.warn(GltfCode.MESH, message, "export the mesh with its texture coordinates")


def topology_of(primitive: Item) -> str:
    """Return the topology that a primitive has when it is cooked: strips, fans and loops become lists."""
    mode = primitive.get("mode")
    return _TRIANGLES if mode is None else _TOPOLOGIES[mode.integer(0, len(_TOPOLOGIES) - 1)]


def triangle_count(primitive: Item) -> int:
    """Return how many triangles a primitive has; strips and fans of n corners have n - 2, broken ones 0."""
    if topology_of(primitive) != _TRIANGLES:
        return 0
    try:
        corners = _corner_count(primitive)
    except InputError:  # reported when it is imported
        return 0
    mode = primitive.get("mode")
    return corners // 3 if mode is None or mode.integer(0) == _LIST else max(corners - 2, 0)


def _corner_count(primitive: Item) -> int:
    indices = primitive.get("indices")
    numbers = primitive.required("attributes").required("POSITION") if indices is None else indices
    return numbers.reference("accessors").required("count").integer(1)


def vertex_format(primitive: Item, material: GltfMaterial, skin: SkinUse | None) -> list[list[str]]:
    """Return the attributes that a primitive is packed with, each with its format."""
    attributes = dict(primitive.required("attributes").members())
    form = [["pos", _TRIPLE]]
    is_surface = topology_of(primitive) == _TRIANGLES
    if is_surface or "NORMAL" in attributes:
        form.append(["normal", _TRIPLE])
    form += uv_attributes(material)
    if "normalTexture" in material.textures and _can_have_tangents(attributes, is_surface=is_surface):
        form.append(["tangent", _QUAD])
    if "COLOR_0" in attributes:
        form.append(["color", _QUAD])
    weights = _weights(primitive) if skin is not None else 0
    if skin is not None and weights:
        form.append(["frameIdxs", _bone_format(weights, skin.joints)])
        form.append(["frameWeights", _QUAD])
        form += [["frameWeights2", _QUAD]] * (weights > 4)
    if targets_of(primitive):
        form.append(["morph", "r32_uint"])
    return form


def _can_have_tangents(attributes: Container[str], *, is_surface: bool) -> bool:
    """Whether tangents are there or can be made; points and lines have those that go with their normals."""
    if is_surface:
        return "TANGENT" in attributes or "TEXCOORD_0" in attributes
    return "TANGENT" in attributes and "NORMAL" in attributes


def uv_attributes(material: GltfMaterial) -> list[list[str]]:
    """Return the attributes of coordinates that a material reads, each with its format.

    Those of colours stand in for those that are the same, and are always there.
    """
    first = material.textures.get("baseColorTexture")
    found = [["uv_albedo", _PAIR]]
    for name, uses in coordinates_of(material).items():
        if len(uses) > 1:
            found.append([name, _QUAD])
        elif name != "uv_albedo" and (first is None or not uses[0].is_read_as(first)):
            found.append([name, _PAIR])
    return found


def _weights(primitive: Item) -> int:
    """Return how many joints move each vertex: four for each set, of two sets at most."""
    sets = [name for name, _ in primitive.required("attributes").members() if _JOINTS.fullmatch(name)]
    return 4 * min(len(sets), _MAX_SETS)


def _bone_format(weights: int, joints: int) -> str:
    """Return the format of frameIdxs: four channels, each with the joints of one weight or of two."""
    bits = (8 if joints <= 1 << 8 else 16) * (weights // 4)
    return f"r{bits}g{bits}b{bits}a{bits}_uint"


def _index_format(primitive: Item, form: list[list[str]]) -> str:
    """Return 16 bits where they suffice; vertices may be split until each corner has one.

    They are for normals of flat triangles and for tangents, where the file has none.
    """
    attributes = primitive.required("attributes")
    count = attributes.required("POSITION").reference("accessors").required("count").integer(1)
    makes_tangents = "TANGENT" not in attributes.value and ["tangent", _QUAD] in form
    if "NORMAL" not in attributes.value or makes_tangents:
        count = max(count, 3 * triangle_count(primitive))
    return "uint16" if count <= _LARGEST_SHORT else "uint32"
