"""The recipes to cook a database: one per asset with data, in the order of the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.assets.files import relative_name
from engine.assets.formats import ColorSpace, TextureFormat
from engine.assets.records import (
    Asset,
    AssetDb,
    AssetRef,
    AssetType,
    Indices,
    Lod,
    Material,
    Mesh,
    Model,
    Shader,
    Skeleton,
    Texture2d,
    Vertices,
)

IMPORTER_VERSIONS: Mapping[AssetType, int] = {
    AssetType.VERTICES: 1,
    AssetType.INDICES: 1,
    AssetType.SKELETON: 1,
    AssetType.SHADER: 1,
    AssetType.TEXTURE2D: 1,
}
"""Incremented when an importer makes other bytes or facts of the same source, which invalidates caches."""

COLOR_SLOTS = frozenset({"albedo", "emissive"})
"""Slots of colour textures, which are sRGB unless their colorSpace differs."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make the bytes of one asset: its source and the import parameters as plain values.

    `identity` is a digest of asset type, importer version, source path and parameters.
    """

    asset: Asset
    source: Path
    parameters: Mapping[str, Any]
    identity: str

    @property
    def is_compiled(self) -> bool:
        """Whether the result depends on the version of a compiler."""
        return self.asset.type is AssetType.SHADER


def recipes_of(db: AssetDb) -> tuple[Recipe, ...]:
    """Return the recipes of a database; assets that are used together are adjacent."""
    spaces = _color_spaces(db)
    return tuple(_recipe(db, asset, spaces) for asset in in_order_of_use(db) if asset.type.has_data)


def in_order_of_use(db: AssetDb) -> list[Asset]:
    """Return all assets, each followed by those that it references, otherwise in the order of the text."""
    seen: dict[AssetRef, Asset] = {}

    def visit(ref: AssetRef) -> None:
        if ref not in seen:
            seen[ref] = db[ref]
            for other in _references(db[ref]):
                visit(other)

    for asset in db.assets:
        if isinstance(asset, Model | Mesh | Material):
            visit(asset.ref)
    for asset in db.assets:
        visit(asset.ref)
    return list(seen.values())


def _references(asset: Asset) -> Iterator[AssetRef]:
    if isinstance(asset, Model):
        yield from (asset.mesh, asset.material)
    elif isinstance(asset, Mesh):
        for lod in asset.lods:
            yield from (lod.vertices, lod.indices)
        if asset.skeleton is not None:
            yield asset.skeleton
    elif isinstance(asset, Material):
        yield from asset.shaders
        yield from asset.textures.values()


def _recipe(db: AssetDb, asset: Asset, spaces: Mapping[AssetRef, ColorSpace]) -> Recipe:
    if isinstance(asset, Vertices | Indices | Skeleton):
        mesh = db[asset.source]
        assert isinstance(mesh, Mesh)
        source, parameters = mesh.source, _mesh_parameters(asset, mesh)
    elif isinstance(asset, Shader):
        source = asset.source
        parameters = {"stage": asset.stage.value, "entry_point": asset.entry_point}
    else:
        assert isinstance(asset, Texture2d)
        source = asset.source
        parameters = {"color_space": spaces[asset.ref].value, "mip_levels": asset.mip_levels}
    name = relative_name(source, db.root)
    described = [asset.type.value, IMPORTER_VERSIONS[asset.type], name, parameters]
    text = json.dumps(described, sort_keys=True, separators=(",", ":"))
    identity = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return Recipe(asset, source, parameters, identity)


def _mesh_parameters(asset: Vertices | Indices | Skeleton, mesh: Mesh) -> dict[str, Any]:
    if isinstance(asset, Skeleton):
        return {}
    number, lod = _lod_of(asset, mesh)
    if isinstance(asset, Indices):
        return {"format": asset.index_format.value, "topology": lod.topology.value, "lod": number}
    return {
        "format": [[name, form.value] for name, form in asset.vertex_format],
        "lod": number,
        "weights": lod.num_blend_weights,
        "bones": lod.num_bones,
    }


def _lod_of(asset: Vertices | Indices, mesh: Mesh) -> tuple[int, Lod]:
    """Return the level of detail of the mesh that uses these vertices or indices, else the finest."""
    for number, lod in enumerate(mesh.lods):
        if asset.ref in (lod.vertices, lod.indices):
            return number, lod
    return 0, mesh.lods[0]


def _color_spaces(db: AssetDb) -> dict[AssetRef, ColorSpace]:
    """Return each texture's colorSpace, by default that of the slots it is used in."""
    in_color_slots = {
        ref
        for asset in db.assets
        if isinstance(asset, Material)
        for slot, ref in asset.textures.items()
        if slot in COLOR_SLOTS
    }
    spaces = {}
    for asset in db.assets:
        if isinstance(asset, Texture2d):
            is_color = asset.ref in in_color_slots or asset.format is TextureFormat.R8G8B8A8_SRGB
            spaces[asset.ref] = asset.color_space or (ColorSpace.SRGB if is_color else ColorSpace.LINEAR)
    return spaces
