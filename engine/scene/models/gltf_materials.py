"""The materials and textures of a glTF file as plain values of an assetDb."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.assets.files import FileRejectedError
from engine.gltf import Cover, GltfMaterial, Item, Sampling, TextureUse, file_of, image_of, sampling_of
from engine.gltf.naming import Names
from engine.humon import Code, ProblemCollector

Plain = dict[str, Any]
Find = Callable[[str], bool]
_Key = tuple[int, Sampling, str, bool]
"""A texture: its image, how it is sampled, its colour space, and whether that is not as the file means it."""


_SLOTS = {
    "baseColorTexture": "albedo",
    "normalTexture": "normal",
    "metallicRoughnessTexture": "roughness",
    "emissiveTexture": "emissive",
    "occlusionTexture": "occlusion",
    "clearcoatTexture": "clearcoat",
    "clearcoatRoughnessTexture": "clearcoatRoughness",
    "clearcoatNormalTexture": "clearcoatNormal",
    "specularTexture": "specular",
    "specularColorTexture": "specularColor",
}
_DEFAULT, _FULL = ("shading_vs", "shading_fs"), ("full_vs", "full_fs")
SHADERS: Mapping[str, tuple[str, str]] = {
    "shading_vs": ("builtin:material/defaultMaterial.vs.glsl", "vertex_shader_bit"),
    "shading_fs": ("builtin:material/defaultMaterial.fs.glsl", "fragment_shader_bit"),
    "full_vs": ("builtin:material/fullMaterial.vs.glsl", "vertex_shader_bit"),
    "full_fs": ("builtin:material/fullMaterial.fs.glsl", "fragment_shader_bit"),
}
"""The shaders of all materials: source and stage by name."""

_COLORS = frozenset({"albedo", "emissive", "specularColor"})
_BEYOND_DEFAULT = frozenset(
    (
        *("ior", "specular", "specularColor", "clearcoat", "clearcoatRoughness"),
        *("clearcoatNormal", "clearcoatNormalScale"),
    )
)
"""Slots and parameters that the shaders of the full material alone read."""


def with_shaders(records: Iterable[Plain]) -> list[Plain]:
    """Return the records of a file, its materials with the shaders for them and for what is drawn with them.

    Vertices have the names of their models.
    """
    found = list(records)
    colored = {
        record["name"]
        for record in found
        if record["@type"] == "vertices" and any(name == "color" for name, _ in record["vertexFormat"])
    }
    painted = {
        record["material"] for record in found if record["@type"] == "model" and record["name"] in colored
    }
    return [
        {**record, "shaders": _shaders_for(record, has_colors=record["name"] in painted)}
        if record["@type"] == "material"
        else record
        for record in found
    ]


def _shaders_for(record: Plain, *, has_colors: bool) -> list[str]:
    """Return the names of the shaders that a material needs, also for meshes with vertex colours."""
    used = record["parameters"].keys() | record["textures"].keys()
    is_full = has_colors or record.get("unlit", False) or not used.isdisjoint(_BEYOND_DEFAULT)
    return list(_FULL if is_full else _DEFAULT)


class Textures:
    """The texture records of a file: one for each image as it is sampled and decoded."""

    def __init__(self, source: str, find: Find, names: Names) -> None:
        """`source` is the name of the file; `find` says whether the file of an image is there, and raises
        FileRejectedError for one that must not be used.

        `names` gives the names of records.
        """
        self._find = find
        self.records: list[Plain] = []
        self._names = names
        self.wrong: set[str] = set()
        """The names of those that are sampled otherwise than the file means."""
        self._known: dict[_Key, str] = {}
        self._source = source

    def without_broken(
        self, material: GltfMaterial, problems: ProblemCollector, *, must_exist: bool
    ) -> GltfMaterial:
        """Return a material without the textures that have no image that may be used; adds their problems.

        With `must_exist` also those without the file of the image.
        """
        good = {}
        for key, use in material.textures.items():
            with problems.catching():
                self.name_of(use, _SLOTS[key])
                file = file_of(image_of(use.texture)) if must_exist else None
                if file is not None and not self._find(file):
                    message, hint = f"'{file}' does not exist", "give the path of the picture"
                    raise image_of(use.texture).failure(Code.FILE_MISSING, message, hint)
                good[key] = use
        return replace(material, textures=good)

    def name_of(self, use: TextureUse, slot: str) -> str:
        """Return the name of the record of a texture in a slot, added where it is new."""
        faults = use.texture.document.notes.faults
        known = len(faults)
        image, sampling = image_of(use.texture), sampling_of(use.texture)
        space = "srgb" if slot in _COLORS else "linear"
        key = image.index, sampling, space, len(faults) > known
        if key not in self._known:
            self._known[key] = self._add(image, sampling, key)
        if len(faults) > known:
            self.wrong.add(self._known[key])
        return self._known[key]

    def _add(self, image: Item, sampling: Sampling, key: _Key) -> str:
        file = file_of(image)
        if file is not None:
            try:
                self._find(file)
            except FileRejectedError as error:
                raise image.failure(error.code, error.reason, error.help) from error
        wanted = image.name or (file or "").rpartition("/")[2].rpartition(".")[0]
        name, (_, _, space, _) = self._names.of(key, wanted, f"image{image.index}"), key
        record: Plain = {"@type": "texture2d", "name": name}
        if file is None:
            record |= {"source": self._source, "part": f"/images/{image.index}"}
        else:
            record["source"] = posixpath.join(posixpath.dirname(self._source), file)
        record["colorSpace"] = space
        if sampling.wrap != ("repeat", "repeat"):
            record["wrap"] = list(sampling.wrap)
        if sampling.nearest:
            record["filter"] = "nearest"
        if not sampling.mips:
            record["mipLevels"] = 1
        self.records.append(record)
        return name


def material_record(material: GltfMaterial, name: str, textures: Textures) -> Plain:
    """Return the record of a material, without shaders; what is as glTF has it by default is left out."""
    uses = material.textures
    slots = {slot: textures.name_of(uses[use], slot) for use, slot in _SLOTS.items() if use in uses}
    packed, occlusion = uses.get("metallicRoughnessTexture"), uses.get("occlusionTexture")
    strength = material.occlusion_strength
    if occlusion is None:
        strength = 0.0  # the red channel of the roughness map means nothing
    elif packed is not None and slots["occlusion"] == slots["roughness"] and occlusion.is_read_as(packed):
        del slots["occlusion"]  # it is the red channel of the roughness map
    record: Plain = {"@type": "material", "name": name, "shaders": [], "textures": slots}
    record["parameters"] = _parameters(material, strength)
    if material.cover is not Cover.OPAQUE:
        record["alphaMode"] = material.cover.value.lower()
    if material.cover is Cover.MASK:
        record["alphaCutoff"] = min(material.cutoff, 1.0)
        if material.cutoff > 1.0:  # which no alpha reaches
            record["parameters"]["baseColor"] = [*material.base_color[:3], 0.0]
    if material.double_sided:
        record["doubleSided"] = True
    if material.unlit:
        record["unlit"] = True
    return record


def _parameters(material: GltfMaterial, occlusion_strength: float) -> Plain:
    usual = GltfMaterial()
    found: Plain = {"occlusionStrength": occlusion_strength}
    for name, value, default in (
        ("baseColor", material.base_color, usual.base_color),
        ("metallic", material.metallic, usual.metallic),
        ("roughness", material.roughness, usual.roughness),
        ("normalScale", material.normal_scale, usual.normal_scale),
        ("emissive", material.emissive, usual.emissive),
        ("ior", material.ior, usual.ior),
        ("specular", material.specular, usual.specular),
        ("specularColor", material.specular_color, usual.specular_color),
        ("clearcoat", material.clearcoat, usual.clearcoat),
        ("clearcoatRoughness", material.clearcoat_roughness, usual.clearcoat_roughness),
        ("clearcoatNormalScale", material.clearcoat_normal_scale, usual.clearcoat_normal_scale),
    ):
        if value != default:
            found[name] = list(value) if isinstance(value, tuple) else value
    return found
