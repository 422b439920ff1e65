"""What assets need when features draw them: vertices, indices and textures as requirements."""

from __future__ import annotations

from collections.abc import Iterator

from engine.assets import AssetLibrary, AssetRef, Material, Mesh, Model
from engine.feature import Drawable
from engine.plan.formats import Format
from engine.plan.requirements import ImageShape, QueueUse, Requirement
from engine.plan.vocabulary import Access, BufferUsage, Contents, ImageUsage, Kind, QueueKind, Stage

_VERTEX_USE = QueueUse(QueueKind.GRAPHICS, Access.VERTEX_ATTRIBUTE_READ, Stage.VERTEX_ATTRIBUTE_INPUT)
_INDEX_USE = QueueUse(QueueKind.GRAPHICS, Access.INDEX_READ, Stage.INDEX_INPUT)
_SAMPLED_USE = QueueUse(QueueKind.GRAPHICS, Access.SHADER_SAMPLED_READ, Stage.FRAGMENT_SHADER)

_MESH_PRIORITY = 1


def mesh_of(asset: AssetRef, library: AssetLibrary) -> Mesh:
    """Return the mesh that a reference to a model or a mesh means, or the placeholder of a broken one."""
    record = library.record(library.usable(asset))
    if isinstance(record, Model):
        record = library.record(library.usable(record.mesh))
    assert isinstance(record, Mesh)
    return record


def mesh_requirements(asset: AssetRef, library: AssetLibrary) -> Iterator[Requirement]:
    """Ask for vertices and indices of the mesh's finest level.

    Vertices are aligned to their stride, so that meshes of one format are drawn from one bound buffer.
    """
    lod = mesh_of(asset, library).lods[0]
    vertices, indices = library.usable(lod.vertices), library.usable(lod.indices)
    yield Requirement(
        key=vertices.key,
        kind=Kind.BUFFER,
        size=library.source(vertices).size,
        alignment=library.facts(vertices).stride,
        usage=BufferUsage.VERTEX_BUFFER,
        uses=(_VERTEX_USE,),
        contents=Contents.CACHE,
        priority=_MESH_PRIORITY,
    )
    yield Requirement(
        key=indices.key,
        kind=Kind.BUFFER,
        size=library.source(indices).size,
        alignment=4,
        usage=BufferUsage.INDEX_BUFFER,
        uses=(_INDEX_USE,),
        contents=Contents.CACHE,
        priority=_MESH_PRIORITY,
    )


def material_requirements(asset: AssetRef, library: AssetLibrary) -> Iterator[Requirement]:
    """Ask for every texture of a model's material."""
    model = library.record(library.usable(asset))
    assert isinstance(model, Model)
    material = library.record(library.usable(model.material))
    assert isinstance(material, Material)
    for texture in material.textures.values():
        texture = library.usable(texture)
        facts = library.facts(texture)
        yield Requirement(
            key=texture.key,
            kind=Kind.IMAGE,
            shape=ImageShape(Format[facts.format.name], facts.width, facts.height, facts.mip_levels),
            usage=ImageUsage.SAMPLED,
            uses=(_SAMPLED_USE,),
            contents=Contents.CACHE,
        )


def mesh_drawables(asset: AssetRef, library: AssetLibrary) -> Iterator[Drawable]:
    """Draw the mesh's finest level, with the model's material where the reference is to a model."""
    record = library.record(library.usable(asset))
    lod = mesh_of(asset, library).lods[0]
    yield Drawable(
        library.usable(lod.vertices),
        library.usable(lod.indices),
        lod.topology.name,
        library.usable(record.material) if isinstance(record, Model) else None,
    )
