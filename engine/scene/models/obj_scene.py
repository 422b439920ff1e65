"""Describes an OBJ file as assets and objects: a model for what each object draws with each material."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.assets.importers.models.map_coordinates import UNLESS_GIVEN
from engine.assets.importers.models.obj_materials import ObjMaterials
from engine.assets.importers.models.obj_parts import coordinates_of
from engine.gltf.naming import Given, Names
from engine.humon import Problem
from engine.obj import ObjFile, ObjMaterial, ObjPart
from engine.scene.models.description import Box, ModelFile, Plain
from engine.scene.models.gltf_materials import with_shaders
from engine.scene.models.keeping import Wrong, keep_wrong

MODEL = "model"
"""The object that all parts are below."""

_TOPOLOGIES = {"triangles": "triangle_list", "lines": "line_list", "points": "point_list"}
_SLOTS = ("albedo", "emissive", "normal", "roughness")
_COLORS = ("albedo", "emissive")


def describe_obj(
    file: ObjFile,
    materials: ObjMaterials,
    source: str,
    db: str,
    earlier: ModelFile | None = None,
) -> ModelFile:
    """Return the assets and objects of an OBJ file and its materials.

    `source` is its name beside the text that will name it, `db` the name of the database that is made. What
    is broken is left out, or as in an `earlier` version of the file.
    """
    found, wrong = _describe(file, materials, source, db, earlier, {})
    if earlier is None or not wrong.is_any:
        return found
    # what is not there now may have had a name that another asset would get
    found, wrong = _describe(file, materials, source, db, earlier, earlier.names)
    return keep_wrong(found, earlier, wrong)


def _describe(
    file: ObjFile,
    materials: ObjMaterials,
    source: str,
    db: str,
    earlier: ModelFile | None,
    earlier_names: Mapping[str, Given],
) -> tuple[ModelFile, Wrong]:
    """Return the assets and objects of a file, and what is wrong in it.

    Assets have the names of an earlier version, by type, where they are those of that.
    """
    folder = posixpath.dirname(source)
    records: dict[str, str] = {}
    textures: dict[tuple[str, str], str] = {}
    names = Names()
    material_names, texture_names = (Names(earlier_names.get(kind, {})) for kind in ("material", "texture2d"))
    assets: list[Plain] = []
    triangles: dict[str, int] = {}
    below: Plain = {}
    wrong, missing = Wrong(), list[Problem]()
    known = {(one["@type"], one["name"]) for one in (() if earlier is None else earlier.assets)}
    numbered = sorted(enumerate((*file.parts, *file.lost)), key=lambda each: each[1].line)
    for number, part in numbered:
        name = names.free(part.name, "part")
        features = [{"@type": "visibleModel", "asset": [db, name]}, {"@type": "shadowCaster"}]
        if part.fault is not None:
            wrong.meshes[name] = f"/parts/{number}"
        if number >= len(file.parts):
            if ("model", name) in known:
                below[name] = {"features": features}
            continue
        material = materials.by_name.get(part.material, ObjMaterial(part.material))
        if part.material not in records:
            records[part.material] = material_names.of(part.material, part.material, "material")
            slots = {}
            for slot in _SLOTS:
                if slot in material.textures:
                    key = material.textures[slot], "srgb" if slot in _COLORS else "linear"
                    if key not in textures:
                        textures[key] = texture_names.of(key, Path(key[0]).stem, "picture")
                        picture = posixpath.join(folder, key[0])
                        assets.append(_texture(picture, key[1], textures[key]))
                    slots[slot] = textures[key]
            if ("material", records[part.material]) in known:
                missing += material.missing
            assets.append(_material(material, records[part.material], slots))
        if part.material in materials.lost or not material.is_whole or material.missing:
            wrong.materials.add(name)
            wrong.records.add(records[part.material])
        assets.append({"@type": "model", "name": name, "mesh": name, "material": records[part.material]})
        triangles[name] = len(part.corners) // 3 if part.topology == "triangles" else 0
        assets += _mesh(part, number, name, source, material, has_colors=file.colors is not None)
        below[name] = {"features": features}
    used = np.unique(np.concatenate([part.corners[:, 0] for part in file.parts]))
    box = Box.around(file.positions[used])
    objects: Plain = {MODEL: {"objects": below}}
    problems = (*materials.problems, *file.warnings, *missing)
    given = {"material": material_names.given, "texture2d": texture_names.given}
    return ModelFile(with_shaders(assets), objects, box, False, problems, triangles, names=given), wrong


def _texture(file: str, space: str, name: str) -> Plain:
    return {"@type": "texture2d", "name": name, "source": file, "colorSpace": space}


def _material(material: ObjMaterial, name: str, slots: Plain) -> Plain:
    """Return the record of a material; without a normal map and others, these slots stay empty."""
    color = [*(_linear(value) for value in material.diffuse), material.alpha]
    # A map of metal is a part of itself where there is no factor for it.
    metallic = 1.0 if "metallic" in material.textures and not material.metallic else material.metallic
    parameters: Plain = {"baseColor": color, "metallic": metallic, "roughness": material.roughness}
    parameters["occlusionStrength"] = 0.0
    if any(material.emissive):
        parameters["emissive"] = [_linear(value) for value in material.emissive]
    record: Plain = {"@type": "material", "name": name, "shaders": [], "textures": slots}
    record["parameters"] = parameters
    if material.alpha < 1.0 or "alpha" in material.textures:
        record["alphaMode"] = "blend"
    return record


def _mesh(
    part: ObjPart, number: int, name: str, source: str, material: ObjMaterial, *, has_colors: bool
) -> list[Plain]:
    topology = _TOPOLOGIES[part.topology]
    form = [["pos", "r32g32b32_sfloat"], ["normal", "r32g32b32_sfloat"]]
    form += [[uv, "r32g32_sfloat"] for uv in coordinates_of(material)]
    if part.topology != "triangles" and (part.corners[:, 2] < 0).any():
        del form[1]
    if "normal" in material.textures and part.topology == "triangles":
        form.append(["tangent", "r32g32b32a32_sfloat"])
    if has_colors:
        form.append(["color", "r32g32b32a32_sfloat"])
    lod = {"topology": topology, "vertices": name, "indices": name}
    mesh: Plain = {"@type": "mesh", "name": name, "source": source, "part": f"/parts/{number}"}
    read = {uv: (*place.scale, *place.offset) for uv, place in coordinates_of(material).items()}
    if read != dict(UNLESS_GIVEN):
        mesh["coordinates"] = {uv: list(numbers) for uv, numbers in read.items()}
    mesh["lods"] = [lod]
    wide = "uint16" if len(part.corners) <= 0xFFFF else "uint32"
    return [
        mesh,
        {"@type": "vertices", "name": name, "source": name, "vertexFormat": form},
        {"@type": "indices", "name": name, "source": name, "indexFormat": wide},
    ]


def _linear(value: float) -> float:
    """Return the linear value of an sRGB one (IEC 61966-2-1)."""
    return float(f"{value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4:.6g}")
