"""Reads materials: metallic-roughness with the extensions that are supported, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from engine.gltf.codes import GltfCode
from engine.gltf.item import Item, Members, Vector


class Cover(StrEnum):
    """How a material covers what is behind it."""

    OPAQUE = "OPAQUE"
    MASK = "MASK"
    BLEND = "BLEND"


@dataclass(frozen=True, slots=True)
class TextureUse:
    """A texture in a material: its item, the set of coordinates, and how those are moved.

    Coordinates are scaled, turned by radians counter-clockwise around their origin, then moved
    (KHR_texture_transform).
    """

    texture: Item
    coordinates: int = 0
    offset: Vector = (0.0, 0.0)
    rotation: float = 0.0
    scale: Vector = (1.0, 1.0)

    def is_read_as(self, other: TextureUse) -> bool:
        """Whether both have the same coordinates."""
        return self._place == other._place

    @property
    def _place(self) -> tuple[object, ...]:
        return self.coordinates, self.offset, self.rotation, self.scale


@dataclass(frozen=True, slots=True)
class GltfMaterial:
    """The values of a material, by default those of glTF; textures by the names of their fields.

    Factors are linear. `emissive` is multiplied by its strength.
    """

    name: str = ""
    base_color: Vector = (1.0, 1.0, 1.0, 1.0)
    metallic: float = 1.0
    roughness: float = 1.0
    normal_scale: float = 1.0
    occlusion_strength: float = 1.0
    emissive: Vector = (0.0, 0.0, 0.0)
    cover: Cover = Cover.OPAQUE
    cutoff: float = 0.5
    double_sided: bool = False
    unlit: bool = False
    ior: float = 1.5
    specular: float = 1.0
    specular_color: Vector = (1.0, 1.0, 1.0)
    clearcoat: float = 0.0
    clearcoat_roughness: float = 0.0
    clearcoat_normal_scale: float = 1.0
    textures: dict[str, TextureUse] = field(default_factory=dict)


def read_material(item: Item) -> GltfMaterial:
    """Read an element of `materials`. A value or texture that is wrong is as if absent, with a warning."""
    textures: dict[str, TextureUse] = {}
    values = Members(item.document.attempt(item.as_object, None))
    base = values.inner("pbrMetallicRoughness")
    _texture(base, "baseColorTexture", textures)
    _texture(base, "metallicRoughnessTexture", textures)
    normal = _texture(values, "normalTexture", textures)
    occlusion = _texture(values, "occlusionTexture", textures)
    _texture(values, "emissiveTexture", textures)
    strength = values.extension("KHR_materials_emissive_strength").number("emissiveStrength", 1.0, 0.0)
    specular = values.extension("KHR_materials_specular")
    _texture(specular, "specularTexture", textures)
    _texture(specular, "specularColorTexture", textures)
    coat = values.extension("KHR_materials_clearcoat")
    _texture(coat, "clearcoatTexture", textures)
    _texture(coat, "clearcoatRoughnessTexture", textures)
    coat_normal = _texture(coat, "clearcoatNormalTexture", textures)
    return GltfMaterial(
        name=item.name,
        base_color=base.vector("baseColorFactor", (1.0, 1.0, 1.0, 1.0), 0.0, 1.0),
        metallic=base.number("metallicFactor", 1.0, 0.0, 1.0),
        roughness=base.number("roughnessFactor", 1.0, 0.0, 1.0),
        normal_scale=normal.number("scale", 1.0),
        occlusion_strength=occlusion.number("strength", 1.0, 0.0, 1.0),
        emissive=tuple(value * strength for value in values.vector("emissiveFactor", (0.0,) * 3, 0.0, 1.0)),
        cover=values.read("alphaMode", lambda mode: Cover(mode.choice(*Cover)), Cover.OPAQUE),
        cutoff=values.number("alphaCutoff", 0.5, 0.0),
        double_sided=values.read("doubleSided", Item.boolean, False),
        unlit=values.extension("KHR_materials_unlit").is_given,
        ior=values.extension("KHR_materials_ior").read("ior", _ior, 1.5),
        specular=specular.number("specularFactor", 1.0, 0.0, 1.0),
        specular_color=specular.vector("specularColorFactor", (1.0, 1.0, 1.0), 0.0),
        clearcoat=coat.number("clearcoatFactor", 0.0, 0.0, 1.0),
        clearcoat_roughness=coat.number("clearcoatRoughnessFactor", 0.0, 0.0, 1.0),
        clearcoat_normal_scale=coat_normal.number("scale", 1.0),
        textures=textures,
    )


def _ior(item: Item) -> float:
    """Return the index of refraction: 1 or more, or 0, which reflects everything (KHR_materials_ior)."""
    value = item.number(0.0)
    if 0.0 < value < 1.0:
        raise item.failure(GltfCode.VALUE, f"{value:g} is below 1, and not 0")
    return value


def _set(item: Item) -> int:
    """Return the number of a set of coordinates."""
    return item.integer(0, 255)


def _texture(values: Members, key: str, textures: dict[str, TextureUse]) -> Members:
    """Note the texture `key`, and return its members."""
    info = values.inner(key)
    item = info.item
    if item is None:
        return info
    texture = item.document.attempt(lambda: item.required("index").reference("textures"), None)
    if texture is not None:
        coordinates = info.read("texCoord", _set, 0)
        moved = info.extension("KHR_texture_transform")
        textures[key] = TextureUse(
            texture,
            moved.read("texCoord", _set, coordinates),
            moved.vector("offset", (0.0, 0.0)),
            math.remainder(moved.number("rotation", 0.0), math.tau),
            moved.vector("scale", (1.0, 1.0)),
        )
    return info
