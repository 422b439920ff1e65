"""A primitive of a glTF file as a mesh source: its attributes under the names that shaders have for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.importers.blend_weights import INDICES, WEIGHTS
from engine.assets.importers.mesh_source import MeshSource, SourceLod
from engine.assets.importers.models.flat_normals import flat_normals
from engine.assets.importers.models.map_coordinates import (
    AS_IN_FILE,
    PLACE,
    UNLESS_GIVEN,
    MapCoordinates,
)
from engine.assets.importers.morph.source import SourceTarget, gather
from engine.gltf import (
    Draws,
    Gltf,
    GltfMaterial,
    Item,
    Primitive,
    TextureUse,
    read_material,
    read_primitive,
    read_weights,
)
from engine.gltf.codes import GltfCode
from engine.gltf.naming import Names
from engine.humon import Place, ProblemCollector

Values = npt.NDArray[Any]

_READ_WITH: Mapping[str, tuple[str, ...]] = {
    "uv_albedo": ("baseColorTexture",),
    "uv_normal": ("normalTexture",),
    "uv_roughness": ("metallicRoughnessTexture",),
    "uv_emissive": ("emissiveTexture",),
    "uv_occlusion": ("occlusionTexture",),
    "uv_clearcoat": ("clearcoatTexture", "clearcoatRoughnessTexture"),
    "uv_clearcoatNormal": ("clearcoatNormalTexture",),
    "uv_specular": ("specularTexture", "specularColorTexture"),
}
"""The textures of a material, by their fields in glTF, that are read with the coordinates of an attribute."""


def coordinates_of(material: GltfMaterial) -> dict[str, tuple[TextureUse, ...]]:
    """Return the textures whose coordinates each attribute has: one, or two that are read elsewhere."""
    found = {}
    for name, fields in _READ_WITH.items():
        uses = [material.textures[field] for field in fields if field in material.textures]
        if uses:
            alike = all(use.is_read_as(uses[0]) for use in uses)
            found[name] = (uses[0],) if alike else tuple(uses)
    return found


def map_coordinates(material: GltfMaterial) -> MapCoordinates:
    """Return what the attributes of coordinates are made of for a material, `uv_albedo` always."""
    found = dict(UNLESS_GIVEN)
    for name, uses in coordinates_of(material).items():
        places = [_numbers(use) for use in uses]
        is_short = len(places) == 1 and places[0][len(AS_IN_FILE) :] == (0.0, 0.0)
        found[name] = places[0][: len(AS_IN_FILE)] if is_short else tuple(chain.from_iterable(places))
    return tuple(sorted(found.items()))


def _numbers(use: TextureUse) -> tuple[float, ...]:
    return (*use.scale, *use.offset, use.rotation, float(use.coordinates))


_NO_WEIGHTS: tuple[float, ...] = ()
_SETS = 2
_STAND_INS: Mapping[str, tuple[float, ...]] = {
    "COLOR_0": (1.0, 1.0, 1.0, 1.0),
    "NORMAL": (0.0, 1.0, 0.0),
    "TANGENT": (1.0, 0.0, 0.0, 1.0),
}
"""What stands in for attributes that cannot be read."""

_SKINNING = ("JOINTS_", "WEIGHTS_")


def primitive_source(gltf: Gltf, place: Item, coordinates: MapCoordinates | None = None) -> MeshSource:
    """Return the mesh source that a primitive is, with these coordinates, or those of its material.

    Raises InputError: those of `read_primitive`, and `gltf.value` for coordinates that are not finite.
    """
    with gltf.noting() as notes:
        primitive = read_primitive(place)
        read = map_coordinates(_material(place)) if coordinates is None else coordinates
        attributes = _attributes(primitive, read)
        weights = gltf.attempt(lambda: _weights(primitive), _NO_WEIGHTS)
    indices: npt.NDArray[Any] = primitive.indices
    corners: npt.NDArray[Any] | None = None
    if "normal" not in attributes and primitive.draws is Draws.TRIANGLES:
        corners = indices
        attributes = {name: values[corners] for name, values in attributes.items()}
        attributes["normal"] = flat_normals(attributes["pos"])
        indices = np.arange(len(corners), dtype=np.uint32)
    nodes: dict[str, Place] = dict.fromkeys(attributes, place.required("attributes"))
    lod = SourceLod(attributes, indices, nodes, place.get("indices") or place, len(attributes["pos"]))
    problems = ProblemCollector()
    morph = gather([lod], [_targets(primitive, corners, weights)], problems, place)
    joints = gltf.joints.get(int(place.path[1]), 0)
    warnings = (*notes.warnings, *problems.warnings)
    return MeshSource((lod,), (), place, warnings, morph, joints, tuple(notes.faults))


def _mesh_of(primitive: Primitive) -> Item:
    """Return the mesh that a primitive is a part of."""
    return primitive.item.document.root.required("meshes").element(int(primitive.item.path[1]))


def _weights(primitive: Primitive) -> tuple[float, ...]:
    """Return the weights that a mesh gives its morph targets. Raises InputError."""
    return read_weights(_mesh_of(primitive))


def _targets(
    primitive: Primitive, corners: npt.NDArray[Any] | None, weights: tuple[float, ...]
) -> tuple[SourceTarget, ...]:
    """Return the morph targets of a primitive; `corners` are its vertices where each corner has its own.

    Those without one of the `weights` have 0.
    """
    extras = _mesh_of(primitive).get("extras")
    given = extras.value.get("targetNames") if extras is not None and isinstance(extras.value, dict) else None
    names = Names()
    found = []
    for number, target in enumerate(primitive.targets):
        wanted = given[number] if isinstance(given, list) and number < len(given) else ""
        deltas = np.zeros((primitive.count, 9), np.float32)
        for place, part in enumerate(("POSITION", "NORMAL", "TANGENT")):
            if part in target:
                deltas[:, 3 * place : 3 * place + 3] = target[part]
        if corners is not None:
            deltas = deltas[corners]
        vertices = np.flatnonzero(deltas.any(axis=1))
        name = names.free(wanted if isinstance(wanted, str) else "", f"target{number}")
        weight = weights[number] if number < len(weights) else 0.0
        found.append(
            SourceTarget(name, weight, vertices, deltas[vertices].astype(np.float64), primitive.item)
        )
    return tuple(found)


def _attributes(primitive: Primitive, coordinates: MapCoordinates) -> dict[str, Values]:
    given = _complete(primitive)
    found: dict[str, Values] = {"pos": given["POSITION"]}
    if "NORMAL" in given:
        found["normal"] = given["NORMAL"]
        if "TANGENT" in given:
            found["tangent"] = given["TANGENT"]
    for name, numbers in coordinates or UNLESS_GIVEN:
        parts = (numbers[start : start + PLACE] for start in range(0, len(numbers), PLACE))
        each = [_coordinates(primitive, given, part) for part in parts]
        found[name] = each[0] if len(each) == 1 else np.concatenate(each, axis=1)
    if "COLOR_0" in given:
        found["color"] = _with_alpha(given["COLOR_0"])
    joints = [given[f"JOINTS_{number}"] for number in range(_SETS) if f"JOINTS_{number}" in given]
    weights = [given[f"WEIGHTS_{number}"] for number in range(_SETS) if f"WEIGHTS_{number}" in given]
    if joints and len(joints) == len(weights):
        found[INDICES] = joints[0] if len(joints) == 1 else np.concatenate(joints, axis=1)
        found[WEIGHTS] = weights[0] if len(weights) == 1 else np.concatenate(weights, axis=1)
    return found


def _complete(primitive: Primitive) -> dict[str, Values]:
    """Return the attributes, with others for those that the file has and that cannot be read.

    The format of the vertices, which is made without reading them, has a place for these. Colours are white.
    Normals and tangents of triangles are made, those of points and lines are axes. Vertices follow the first
    joint, with which the mesh stays as it is.
    """
    found = dict(primitive.attributes)
    named = [name for name, _ in primitive.item.required("attributes").members()]
    lost = [name for name in named if name not in found]
    unpaired = [name for name in named if name.startswith(_SKINNING) and _partner(name) not in named]
    for name in unpaired:
        done = "the mesh stays as it is" if name.endswith("_0") else "it moves nothing"
        message = f"there is {name} without {_partner(name)}; {done}"
        primitive.item.required("attributes").warn(GltfCode.MESH, message)
        found.pop(name, None)
        if name.startswith("JOINTS_"):  # which the format has a place for
            found |= {one: _alike((0, 0, 0, 0), primitive.count) for one in (name, _partner(name))}
    if any(name.startswith(_SKINNING) for name in lost) or any(name.endswith("_0") for name in unpaired):
        for number in (number for number in range(_SETS) if f"JOINTS_{number}" in named):
            found[f"JOINTS_{number}"] = _alike((0, 0, 0, 0), primitive.count)
            found[f"WEIGHTS_{number}"] = _alike((float(number == 0), 0.0, 0.0, 0.0), primitive.count)
    for name, value in _STAND_INS.items():
        if name in lost and (name == "COLOR_0" or primitive.draws is not Draws.TRIANGLES):
            found[name] = _alike(value, primitive.count)
    return found


def _partner(name: str) -> str:
    """Return the attribute that there must be beside joints or weights."""
    kind, _, number = name.partition("_")
    return f"{'WEIGHTS' if kind == 'JOINTS' else 'JOINTS'}_{number}"


def _alike(value: tuple[float, ...], count: int) -> Values:
    """Return an attribute that is the same at each vertex."""
    return np.broadcast_to(np.array(value, np.float32), (count, len(value)))


def _material(place: Item) -> GltfMaterial:
    """Return the material that a primitive has in the file."""
    given = place.get("material")
    item = None if given is None else place.document.attempt(lambda: given.reference("materials"), None)
    return GltfMaterial() if item is None else read_material(item)


def _coordinates(primitive: Primitive, given: Mapping[str, Values], numbers: tuple[float, ...]) -> Values:
    """Return coordinates [vertices, 2] as numbers of `MapCoordinates` say; zeros without their set.

    Raises InputError `gltf.value` where they are not finite.
    """
    scale, offset = numbers[:2], numbers[2:4]
    rotation, number = numbers[4:] or (0.0, 0.0)
    values = given.get(f"TEXCOORD_{int(number)}")
    if values is None:
        return np.broadcast_to(np.zeros(2, np.float32), (len(given["POSITION"]), 2))
    if (*scale, *offset) == AS_IN_FILE and not rotation:
        return values
    sine, cosine = math.sin(rotation), math.cos(rotation)
    turned = np.array([[cosine, -sine], [sine, cosine]]) * np.array(scale)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        moved: Values = (values @ turned + np.array(offset)).astype(np.float32)
    if not np.isfinite(moved).all():
        message = "the texture transform takes coordinates beyond 32-bit floats"
        raise primitive.item.failure(GltfCode.VALUE, message, "give it a smaller scale and offset")
    return moved


def _with_alpha(colors: Values) -> Values:
    if colors.shape[1] == 4:
        return colors
    return np.concatenate([colors, np.ones((len(colors), 1), np.float32)], axis=1)
