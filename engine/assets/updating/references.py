"""The references between the records of a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.assets.records import Asset, AssetRef, Material, Mesh, Model

Mapped = Callable[[AssetRef], AssetRef]


def references_of(asset: Asset) -> Iterator[AssetRef]:
    """Yield the assets that a record is made of; vertices, indices and skeletons are made of none."""
    if isinstance(asset, Model):
        yield from (asset.mesh, asset.material)
    elif isinstance(asset, Mesh):
        for lod in asset.lods:
            yield from (lod.vertices, lod.indices)
        yield from (ref for ref in (asset.skeleton, asset.targets) if ref is not None)
    elif isinstance(asset, Material):
        yield from asset.shaders
        yield from asset.textures.values()


def with_references(asset: Asset, mapped: Mapped) -> Asset:
    """Return a record with other references to what it is made of."""
    if isinstance(asset, Model):
        return replace(asset, mesh=mapped(asset.mesh), material=mapped(asset.material))
    if isinstance(asset, Mesh):
        lods = tuple(
            replace(lod, vertices=mapped(lod.vertices), indices=mapped(lod.indices)) for lod in asset.lods
        )
        skeleton = None if asset.skeleton is None else mapped(asset.skeleton)
        targets = None if asset.targets is None else mapped(asset.targets)
        return replace(asset, lods=lods, skeleton=skeleton, targets=targets)
    if isinstance(asset, Material):
        textures = {slot: mapped(texture) for slot, texture in asset.textures.items()}
        return replace(asset, shaders=tuple(map(mapped, asset.shaders)), textures=textures)
    return asset
