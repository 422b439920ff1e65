"""A part of an OBJ file as a mesh source: what one object draws with one material."""

from __future__ import annotations

import numpy as np

from engine.assets.importers.mesh_source import MeshSource, SourceLod
from engine.assets.importers.models.flat_normals import flat_normals
from engine.assets.importers.models.map_coordinates import UNLESS_GIVEN, MapCoordinates
from engine.gltf.codes import GltfCode
from engine.humon import InputError, Place, Position, Problem
from engine.obj import ObjFile, ObjMaterial, ObjPlace, UvPlace

_MAPS = ("albedo", "emissive", "normal", "roughness")


def coordinates_of(material: ObjMaterial) -> dict[str, UvPlace]:
    """Return what the maps of a material are read with: `uv_albedo`, and others for those that differ."""
    first = material.placed.get("albedo", UvPlace())
    found = {"uv_albedo": first}
    for what in _MAPS:
        place = material.placed.get(what, UvPlace())
        if what in material.textures and place != first:
            found[f"uv_{what}"] = place
    return found


def obj_source(file: ObjFile, pointer: str, coordinates: MapCoordinates = UNLESS_GIVEN) -> MeshSource:
    """Return the mesh source of a part, `/parts/N`, with these coordinates.

    Those of which all was left out have the numbers after all others. Raises InputError for one of them, and
    `gltf.reference` without a part.
    """
    number = pointer.removeprefix("/parts/")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    lost = int(number) - len(file.parts) if is_number else -1
    if 0 <= lost < len(file.lost) and (fault := file.lost[lost].fault) is not None:
        raise InputError(fault)
    if not is_number or lost >= 0:
        message = f"there is no {pointer} in the file: it has {len(file.parts)} parts, /parts/0 and on"
        hint = "write `part:` with the number of a part, from 0"
        raise InputError(Problem(GltfCode.REFERENCE, message, Position(file.lines.name), help=hint))
    part = file.parts[int(number)]
    corners = part.corners
    used = [True, bool((corners[:, 1] >= 0).all()), bool((corners[:, 2] >= 0).all())]
    has_normals, is_flat = used[2], part.topology == "triangles" and not used[2] and not part.smooth
    kept = corners[:, used]
    if is_flat:
        vertices, indices = kept, np.arange(len(kept))
    else:
        vertices, inverse = np.unique(kept, axis=0, return_inverse=True)
        indices = inverse.reshape(-1)
    places = vertices[:, 0]
    attributes = {"pos": file.positions[places].astype(np.float32)}
    if has_normals:
        attributes["normal"] = _unit(file.normals[vertices[:, -1]]).astype(np.float32)
    elif is_flat:
        attributes["normal"] = flat_normals(attributes["pos"])
    for name, read_with in coordinates:
        attributes[name] = np.zeros((len(vertices), 2), np.float32)
        if used[1]:
            read = file.coordinates[vertices[:, 1]] * read_with[:2] + read_with[2:]
            attributes[name][:] = read * (1.0, -1.0) + (0.0, 1.0)
    if file.colors is not None:
        colors = _linear(file.colors[places]).astype(np.float32)
        attributes["color"] = np.concatenate([colors, np.ones((len(colors), 1), np.float32)], axis=1)
    place = ObjPlace(file.lines, part.line)
    nodes: dict[str, Place] = dict.fromkeys(attributes, place)
    faults = () if part.fault is None else (part.fault,)
    lod = SourceLod(attributes, indices, nodes, place, len(vertices))
    return MeshSource((lod,), (), place, faults=faults)


def _unit(
    vectors: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return vectors [n, 3] of length 1; upwards where one has none."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 0.0, vectors / np.where(length > 0.0, length, 1.0), (0.0, 1.0, 0.0))


def _linear(
    colors: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the linear values of sRGB colours (IEC 61966-2-1), which those of OBJ files are taken for."""
    known = np.clip(colors, 0.0, 1.0)
    return np.where(known <= 0.04045, known / 12.92, ((known + 0.055) / 1.055) ** 2.4)
