"""Builds the requirements of features and passes for assets: vertices, indices, textures, environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.assets import AssetRef, EnvironmentFacts, TextureFacts, VerticesFacts
from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Access, BufferUsage, Contents, ImageUsage, Kind, QueueKind, Stage

if TYPE_CHECKING:
    from engine.assets import AssetLibrary

SAMPLED_USE = QueueUse(QueueKind.GRAPHICS, Access.SHADER_SAMPLED_READ, Stage.FRAGMENT_SHADER)
_VERTEX_USE = QueueUse(QueueKind.GRAPHICS, Access.VERTEX_ATTRIBUTE_READ, Stage.VERTEX_ATTRIBUTE_INPUT)
_INDEX_USE = QueueUse(QueueKind.GRAPHICS, Access.INDEX_READ, Stage.INDEX_INPUT)


def vertices_requirement(vertices: AssetRef, library: AssetLibrary, priority: int = 0) -> Requirement:
    """Return the requirement for vertices to draw.

    They are aligned to their stride, so that meshes of one format are drawn from one bound buffer.
    """
    facts = library.facts(vertices)
    assert isinstance(facts, VerticesFacts)
    return Requirement(
        key=vertices.key,
        kind=Kind.BUFFER,
        size=library.source(vertices).size,
        alignment=facts.stride,
        usage=BufferUsage.VERTEX_BUFFER,
        uses=(_VERTEX_USE,),
        contents=Contents.CACHE,
        priority=priority,
    )


def indices_requirement(indices: AssetRef, library: AssetLibrary, priority: int = 0) -> Requirement:
    """Return the requirement for indices to draw."""
    return Requirement(
        key=indices.key,
        kind=Kind.BUFFER,
        size=library.source(indices).size,
        alignment=4,
        usage=BufferUsage.INDEX_BUFFER,
        uses=(_INDEX_USE,),
        contents=Contents.CACHE,
        priority=priority,
    )


def texture_requirement(texture: AssetRef, library: AssetLibrary, priority: int = 0) -> Requirement:
    """Return the requirement for a texture to sample in fragment shaders."""
    facts = library.facts(texture)
    assert isinstance(facts, TextureFacts)
    return Requirement(
        key=texture.key,
        kind=Kind.IMAGE,
        shape=ImageShape(Format[facts.format.name], facts.width, facts.height, facts.mip_levels),
        usage=ImageUsage.SAMPLED,
        uses=(SAMPLED_USE,),
        contents=Contents.CACHE,
        priority=priority,
    )


def environment_requirement(environment: AssetRef, library: AssetLibrary, priority: int = 0) -> Requirement:
    """Return the requirement for the cube of an environment to sample in fragment shaders."""
    facts = library.facts(environment)
    assert isinstance(facts, EnvironmentFacts)
    return Requirement(
        key=library.usable(environment).key,
        kind=Kind.IMAGE,
        shape=ImageShape(Format.R16G16B16A16_SFLOAT, facts.side, facts.side, facts.mip_levels, cube=True),
        usage=ImageUsage.SAMPLED,
        uses=(SAMPLED_USE,),
        contents=Contents.CACHE,
        priority=priority,
    )
