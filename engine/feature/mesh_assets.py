"""Requirements and drawables of meshes and materials, for features that draw them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.assets import AlphaMode, AssetLibrary, AssetRef, IndicesFacts, Material, Mesh, Model
from engine.feature import Drawable
from engine.feature.requirement_builders import (
    indices_requirement,
    not_for,
    texture_requirement,
    vertices_requirement,
)
from engine.plan import Requirement

_MESH_PRIORITY = 1


def mesh_of(asset: AssetRef, library: AssetLibrary, function: str = "mesh_of") -> Mesh:
    """Return the mesh of a reference to a model or mesh, or the placeholder of a broken one.

    Raises DeclarationError for another asset, with the name of the function that a feature has called.
    """
    record = library.record(library.usable(asset))
    if isinstance(record, Model):
        record = library.record(record.mesh)
    if not isinstance(record, Mesh):
        raise not_for(function, asset, library, "a mesh or model")
    return record


def mesh_requirements(asset: AssetRef, library: AssetLibrary) -> Iterator[Requirement]:
    """Request vertices and indices of all levels of detail of the mesh."""
    for lod in mesh_of(asset, library, "mesh_requirements").lods:
        yield vertices_requirement(library.usable(lod.vertices), library, _MESH_PRIORITY)
        yield indices_requirement(library.usable(lod.indices), library, _MESH_PRIORITY)


def material_requirements(asset: AssetRef, library: AssetLibrary) -> Iterator[Requirement]:
    """Request every texture of a model's material."""
    model = library.record(library.usable(asset))
    if not isinstance(model, Model):
        raise not_for("material_requirements", asset, library, "a model")
    material = library.record(model.material)
    assert isinstance(material, Material)
    for texture in material.textures.values():
        yield texture_requirement(texture, library)


def alpha_requirements(asset: AssetRef, library: AssetLibrary) -> Iterator[Requirement]:
    """Request the albedo texture of a model's material, where its alpha may be less than 1."""
    model = library.record(library.usable(asset))
    if isinstance(model, Model):
        material = library.record(model.material)
        assert isinstance(material, Material)
        if material.alpha_mode is not AlphaMode.OPAQUE and "albedo" in material.textures:
            yield texture_requirement(material.textures["albedo"], library)


def mesh_drawables(asset: AssetRef, library: AssetLibrary) -> Iterator[Drawable]:
    """Draw the mesh in one of its levels of detail, with the model's material if it is that of a model."""
    record = library.record(library.usable(asset))
    material = record.material if isinstance(record, Model) else None
    lods = mesh_of(asset, library, "mesh_drawables").lods
    for level, lod in enumerate(lods):
        vertices, indices = library.usable(lod.vertices), library.usable(lod.indices)
        facts = library.facts(indices)
        assert isinstance(facts, IndicesFacts)
        whole = Drawable(vertices, indices, lod.topology.name, material)
        if len(lods) > 1:
            part = (0, facts.finest) if facts.levels else None
            yield replace(whole, level=level, screen_size=lod.screen_size, part=part)
        elif facts.levels:
            for number, made in enumerate(facts.levels):
                yield replace(whole, level=number, error=made.error, part=(made.first, made.count))
        else:
            yield whole
