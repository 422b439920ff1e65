"""The recipes to cook a database: one for all assets that are made alike, in the order of the cache."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from engine.assets.files import relative_name
from engine.assets.formats import AlphaMode, ColorSpace, TextureFormat, Topology
from engine.assets.importers.detail import packages
from engine.assets.records import (
    Animation,
    Asset,
    AssetDb,
    AssetRef,
    AssetType,
    Environment,
    Indices,
    Lod,
    Material,
    Mesh,
    Model,
    MorphTargets,
    Shader,
    Skeleton,
    Texture2d,
    Vertices,
)

IMPORTER_VERSIONS: Mapping[AssetType, int] = {
    AssetType.VERTICES: 8,
    AssetType.INDICES: 6,
    AssetType.SKELETON: 1,
    AssetType.SHADER: 4,
    AssetType.TEXTURE2D: 5,
    AssetType.ENVIRONMENT: 3,
    AssetType.ANIMATION: 3,
    AssetType.MORPH_TARGETS: 2,
}
"""Incremented when an importer makes other bytes or facts of the same source, which invalidates caches."""

_PARAMETERS: Mapping[AssetType, tuple[str, ...]] = {
    AssetType.VERTICES: ("format", "lod", "weights", "bones", "topology", "part", "order", "coordinates"),
    AssetType.INDICES: (
        "format",
        "topology",
        "lod",
        "tangents",
        "part",
        "order",
        "simplify",
        "simplifier",
        "coordinates",
    ),
    AssetType.SKELETON: ("part",),
    AssetType.SHADER: ("stage", "entry_point"),
    AssetType.TEXTURE2D: (
        "color_space",
        "format",
        "blocks",
        "channel",
        "directions",
        "mip_levels",
        "part",
    ),
    AssetType.ENVIRONMENT: ("more",),
    AssetType.ANIMATION: ("data", "part"),
    AssetType.MORPH_TARGETS: ("part",),
}
"""Import parameters of each type, in the order of the settings in `_way_to_make`.

`coordinates` are those of the mesh, None without any, and empty where nothing follows from them.
"""

TANGENT = "tangent"
"""The vertex attribute for which vertices may be split."""

_SourceLevel: TypeAlias = tuple[Path, str, int]
"""A level of detail of a source: the file, the part of it, and the number of the level."""

COLOR_SLOTS = frozenset({"albedo", "emissive", "specularColor"})
"""Slots of colour textures, which are sRGB unless their colorSpace differs."""

_NORMAL_SLOTS = frozenset({"normal", "clearcoatNormal"})
"""Slots whose shaders compute the third number of a direction from the other two."""

_CHANNEL_OF = {"occlusion": 0, "clearcoat": 0, "clearcoatRoughness": 1}
"""The only channel that is read of the textures in these slots."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make the bytes of an asset: its source and the import parameters by name.

    `more` are the sources after the first one: of an environment of six faces, and the numbers of an
    animation. `identity` is a digest of asset
    type, importer version, source path and parameters. `asset` is the first of those that are made in this
    way.
    """

    asset: Asset
    source: Path
    parameters: Mapping[str, Any]
    identity: str
    more: tuple[Path, ...] = ()

    @property
    def part(self) -> str:
        """The JSON pointer of what it is made of in a model file, empty for other sources."""
        part: str = self.parameters.get("part", "")
        return part

    @property
    def is_compiled(self) -> bool:
        """Whether the result depends on the version of a compiler."""
        return self.asset.type is AssetType.SHADER


def recipes_of(db: AssetDb) -> dict[int, Recipe]:
    """Return the recipe of each asset with data, by its index; assets that are made alike share one.

    Assets that are used together are adjacent.
    """
    slots, kept = _slots(db), _kept_orders(db)
    recipes: dict[int, Recipe] = {}
    made: dict[object, Recipe] = {}
    for asset in _in_order_of_use(db):
        if asset.has_data:
            way = _way_to_make(db, asset, slots, kept)
            if way not in made:
                made[way] = _recipe(db, asset, *way)
            recipes[asset.ref.index] = made[way]
    return recipes


def _in_order_of_use(db: AssetDb) -> list[Asset]:
    """Return all assets, each followed by those that it references, otherwise in the order of the text."""
    seen: dict[int, Asset] = {}

    def visit(asset: Asset) -> None:
        if asset.ref.index not in seen:
            seen[asset.ref.index] = asset
            for ref in _references(asset):
                visit(db[ref])

    for asset in db.assets:
        if isinstance(asset, Model | Mesh | Material):
            visit(asset)
    for asset in db.assets:
        visit(asset)
    return list(seen.values())


def _references(asset: Asset) -> Iterable[AssetRef]:
    if isinstance(asset, Model):
        return (asset.mesh, asset.material)
    if isinstance(asset, Mesh):
        parts = [part for lod in asset.lods for part in (lod.vertices, lod.indices)]
        return [*parts, *(part for part in (asset.skeleton, asset.targets) if part is not None)]
    if isinstance(asset, Material):
        return (*asset.shaders, *asset.textures.values())
    return ()


def _way_to_make(
    db: AssetDb, asset: Asset, slots: Mapping[int, frozenset[str]], kept: frozenset[_SourceLevel]
) -> tuple[AssetType, Path, tuple[Any, ...]]:
    """Return type, source and settings of an asset with data; equal for assets that are made alike."""
    if isinstance(asset, Shader):
        return asset.type, asset.source, (asset.stage, asset.entry_point)
    if isinstance(asset, Texture2d):
        used_in = slots.get(asset.ref.index, frozenset())
        made_of, is_normal = _texels_of(db, asset, used_in), bool(used_in) and used_in <= _NORMAL_SLOTS
        return asset.type, asset.source, (*made_of, is_normal, asset.mip_levels, asset.part)
    if isinstance(asset, Environment):
        more = tuple(relative_name(source, db.root) for source in asset.sources[1:])
        return asset.type, asset.sources[0], (more,)
    if isinstance(asset, Animation):
        data = None if asset.data is None else relative_name(asset.data, db.root)
        return asset.type, asset.source, (data, asset.part)
    assert isinstance(asset, Vertices | Indices | Skeleton | MorphTargets)
    if isinstance(asset, MorphTargets):
        mesh = db[asset.source]
        assert isinstance(mesh, Mesh)
        return asset.type, mesh.source, (mesh.part,)
    if isinstance(asset, Skeleton):
        mesh = db[asset.source]
        assert isinstance(mesh, Mesh)
        return asset.type, mesh.source, (asset.part,)
    mesh, number, lod = _level(db, asset)
    order = "" if (mesh.source, mesh.part, number) in kept else packages.identity_of(packages.ORDERING)
    if isinstance(asset, Indices):
        simplifier = packages.identity_of(packages.SIMPLIFYING) if mesh.simplify is not None else ""
        has_tangents = _has_tangents(db, lod)
        of_level = asset.index_format, lod.topology, number, has_tangents, mesh.part, order
        # Tangents are those of coordinates, and coarser levels have their seams.
        read = mesh.coordinates if has_tangents or mesh.simplify is not None else ()
        return asset.type, mesh.source, (*of_level, mesh.simplify, simplifier, read)
    skin = lod.num_blend_weights, lod.num_bones
    made = asset.vertex_format, number, *skin, lod.topology, mesh.part, order, mesh.coordinates
    return asset.type, mesh.source, made


def _kept_orders(db: AssetDb) -> frozenset[_SourceLevel]:
    """Return the levels of detail of sources whose triangles and vertices stay in the order of the source.

    That are those which blend, as triangles are drawn in their order, and those which are drawn as lines,
    points or strips, too.
    """
    blending = {
        asset.mesh.index
        for asset in db.assets
        if isinstance(asset, Model)
        and isinstance(material := db[asset.material], Material)
        and material.alpha_mode is AlphaMode.BLEND
    }
    kept: set[_SourceLevel] = set()
    for mesh in db.assets:
        if isinstance(mesh, Mesh):
            for lod in mesh.lods:
                if lod.topology is not Topology.TRIANGLE_LIST or mesh.ref.index in blending:
                    for part in (db[lod.vertices], db[lod.indices]):
                        assert isinstance(part, Vertices | Indices)
                        of, number, _ = _level(db, part)
                        kept.add((of.source, of.part, number))
    return frozenset(kept)


def source_level(db: AssetDb, asset: Vertices | Indices) -> tuple[tuple[Path, str], int, bool]:
    """Return the source and part that vertices or indices are made of, and the number of its level of detail.

    The third is whether vertices may be split there for tangents.
    """
    mesh, number, lod = _level(db, asset)
    return (mesh.source, mesh.part), number, _has_tangents(db, lod)


def _has_tangents(db: AssetDb, lod: Lod) -> bool:
    """Whether the vertices of a level of detail have tangents, for which the importer may split some."""
    vertices = db[lod.vertices]
    return isinstance(vertices, Vertices) and TANGENT in dict(vertices.vertex_format)


def _recipe(db: AssetDb, asset: Asset, kind: AssetType, source: Path, settings: tuple[Any, ...]) -> Recipe:
    parameters = dict(zip(_PARAMETERS[kind], settings, strict=True))
    name = relative_name(source, db.root)
    described = [kind.value, IMPORTER_VERSIONS[kind], name, parameters]
    text = json.dumps(described, sort_keys=True, separators=(",", ":"), default=asdict)
    identity = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    more = asset.sources[1:] if isinstance(asset, Environment) else ()
    if isinstance(asset, Animation) and asset.data is not None:
        more = (asset.data,)
    return Recipe(asset, source, parameters, identity, more)


def _level(db: AssetDb, asset: Vertices | Indices) -> tuple[Mesh, int, Lod]:
    """Return the mesh of vertices or indices, and its level of detail that uses them.

    That is the finest one where none uses them.
    """
    mesh = db[asset.source]
    assert isinstance(mesh, Mesh)
    for number, lod in enumerate(mesh.lods):
        if asset.ref.index in (lod.vertices.index, lod.indices.index):
            return mesh, number, lod
    return mesh, 0, mesh.lods[0]


def _slots(db: AssetDb) -> Mapping[int, frozenset[str]]:
    """Return the slots that each texture is used in, by its index: references may be of several versions."""
    found: dict[int, set[str]] = defaultdict(set)
    for asset in db.assets:
        if isinstance(asset, Material):
            for slot, ref in asset.textures.items():
                found[ref.index].add(slot)
    return {index: frozenset(slots) for index, slots in found.items()}


def _texels_of(
    db: AssetDb, asset: Texture2d, slots: frozenset[str]
) -> tuple[ColorSpace, TextureFormat | None, TextureFormat | None, int]:
    """Return a texture's colour space, its format, the blocks to compress it to, and its first channel.

    Without a colorSpace it is that of the slots it is used in; without a format it is that of the source.
    The first channel is the one that a texture of one channel has.
    """
    is_color = bool(slots & COLOR_SLOTS) or (asset.format is not None and asset.format.is_srgb)
    space = asset.color_space or (ColorSpace.SRGB if is_color else ColorSpace.LINEAR)
    channels = {_CHANNEL_OF.get(slot, -1) for slot in slots}
    channel = 1 if channels == {1} else 0
    if asset.format is not None:
        return space, asset.format.in_space(space), None, channel
    compresses = db.compress_textures if asset.compress is None else asset.compress
    if not compresses:
        return space, None, None, channel
    block = TextureFormat.BC7_UNORM_BLOCK
    if space is ColorSpace.LINEAR and slots:
        if slots <= _NORMAL_SLOTS:
            block = TextureFormat.BC5_UNORM_BLOCK
        elif len(channels) == 1 and channels != {-1}:
            block = TextureFormat.BC4_UNORM_BLOCK
    return space, None, block.in_space(space), channel
