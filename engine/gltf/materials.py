"""Reads materials: metallic-roughness with the extensions that are supported, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from engine.gltf.codes import GltfCode
from engine.gltf.item import Item

Vector = tuple[float, ...]


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

    @property
    def is_moved(self) -> bool:
        """Whether the coordinates are not used as they are."""
        return (self.offset, self.rotation, self.scale) != ((0.0, 0.0), 0.0, (1.0, 1.0))

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
    """Read an element of `materials`. Raises InputError: `gltf.value`, `gltf.reference`."""
    textures: dict[str, TextureUse] = {}
    base = item.get("pbrMetallicRoughness") or Item(item.document, {}, item.path)
    _texture(base, "baseColorTexture", textures)
    _texture(base, "metallicRoughnessTexture", textures)
    normal = _texture(item, "normalTexture", textures)
    occlusion = _texture(item, "occlusionTexture", textures)
    _texture(item, "emissiveTexture", textures)
    strength = _extension(item, "KHR_materials_emissive_strength").number_or("emissiveStrength", 1.0, 0.0)
    specular = _extension(item, "KHR_materials_specular")
    _texture(specular, "specularTexture", textures)
    _texture(specular, "specularColorTexture", textures)
    coat = _extension(item, "KHR_materials_clearcoat")
    _texture(coat, "clearcoatTexture", textures)
    _texture(coat, "clearcoatRoughnessTexture", textures)
    coat_normal = _texture(coat, "clearcoatNormalTexture", textures)
    mode = item.get("alphaMode")
    double_sided = item.get("doubleSided")
    return GltfMaterial(
        name=item.name,
        base_color=base.vector_or("baseColorFactor", (1.0, 1.0, 1.0, 1.0), 0.0, 1.0),
        metallic=base.number_or("metallicFactor", 1.0, 0.0, 1.0),
        roughness=base.number_or("roughnessFactor", 1.0, 0.0, 1.0),
        normal_scale=normal.number_or("scale", 1.0),
        occlusion_strength=occlusion.number_or("strength", 1.0, 0.0, 1.0),
        emissive=tuple(value * strength for value in item.vector_or("emissiveFactor", (0.0,) * 3, 0.0, 1.0)),
        cover=Cover.OPAQUE if mode is None else Cover(mode.choice(*Cover)),
        cutoff=item.number_or("alphaCutoff", 0.5, 0.0),
        double_sided=double_sided is not None and double_sided.boolean(),
        unlit=item.extension("KHR_materials_unlit") is not None,
        ior=_ior(_extension(item, "KHR_materials_ior")),
        specular=specular.number_or("specularFactor", 1.0, 0.0, 1.0),
        specular_color=specular.vector_or("specularColorFactor", (1.0, 1.0, 1.0), 0.0),
        clearcoat=coat.number_or("clearcoatFactor", 0.0, 0.0, 1.0),
        clearcoat_roughness=coat.number_or("clearcoatRoughnessFactor", 0.0, 0.0, 1.0),
        clearcoat_normal_scale=coat_normal.number_or("scale", 1.0),
        textures=textures,
    )


def _ior(extension: Item) -> float:
    """Return the index of refraction: 1 or more, or 0, which reflects everything (KHR_materials_ior)."""
    value = extension.number_or("ior", 1.5, 0.0)
    if 0.0 < value < 1.0:
        raise extension.required("ior").failure(GltfCode.VALUE, f"{value:g} is below 1, and not 0")
    return value


def _extension(item: Item, name: str) -> Item:
    """Return an extension of a material, an empty one where it is absent."""
    return item.extension(name) or Item(item.document, {}, item.path)


def _texture(holder: Item, key: str, textures: dict[str, TextureUse]) -> Item:
    """Note the texture `key`, and return its object, an empty one where it is absent."""
    info = holder.get(key)
    if info is None:
        return Item(holder.document, {}, holder.path)
    texture = info.required("index").reference("textures")
    given = info.get("texCoord")
    coordinates = 0 if given is None else given.integer(0, 255)
    moved = info.extension("KHR_texture_transform")
    if moved is None:
        textures[key] = TextureUse(texture, coordinates)
        return info
    other = moved.get("texCoord")
    textures[key] = TextureUse(
        texture,
        coordinates if other is None else other.integer(0, 255),
        moved.vector_or("offset", (0.0, 0.0)),
        math.remainder(moved.number_or("rotation", 0.0), math.tau),
        moved.vector_or("scale", (1.0, 1.0)),
    )
    return info
