"""Builds the requirements of features and passes: for assets, and for images and buffers of frames."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from engine.assets import AssetRef, EnvironmentFacts, Facts, IndicesFacts, TextureFacts, VerticesFacts
from engine.graph import BufferLifetime, DeclarationError, ImageLifetime, Samples
from engine.humon import with_article
from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    QueueKind,
    Stage,
)

if TYPE_CHECKING:
    from engine.assets import AssetLibrary

SAMPLED_USE = QueueUse(QueueKind.GRAPHICS, Access.SHADER_SAMPLED_READ, Stage.FRAGMENT_SHADER)
FALLBACK_PRIORITY = 1000
"""Of assets that are drawn until others have arrived: they arrive first, and are never left out."""
_VERTEX_USE = QueueUse(QueueKind.GRAPHICS, Access.VERTEX_ATTRIBUTE_READ, Stage.VERTEX_ATTRIBUTE_INPUT)
_INDEX_USE = QueueUse(QueueKind.GRAPHICS, Access.INDEX_READ, Stage.INDEX_INPUT)


def not_for(function: str, asset: AssetRef, library: AssetLibrary, wanted: str) -> DeclarationError:
    """Return the error of a function of ours that a feature has called with an asset of another type."""
    record = library.record(asset)
    return DeclarationError(
        f"it calls `{function}` for {record.label}, which is {with_article(str(record.type))}, not {wanted}",
        f"call it for {wanted} alone, or let the asset field take no other `types`",
    )


_Kind = TypeVar("_Kind", bound=Facts)


def _facts(function: str, asset: AssetRef, library: AssetLibrary, kind: type[_Kind], wanted: str) -> _Kind:
    """Return the facts of an asset. Raises DeclarationError where it is of another type."""
    try:
        facts = library.facts(asset)
    except KeyError:
        facts = None
    if not isinstance(facts, kind):
        raise not_for(function, asset, library, wanted)
    return facts


def vertices_requirement(vertices: AssetRef, library: AssetLibrary, priority: int = 0) -> Requirement:
    """Return the requirement for vertices to draw.

    They are aligned to their stride, so that meshes of one format are drawn from one bound buffer.
    """
    facts = _facts("vertices_requirement", vertices, library, VerticesFacts, "vertices")
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
    _facts("indices_requirement", indices, library, IndicesFacts, "indices")
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
    facts = _facts("texture_requirement", texture, library, TextureFacts, "a texture")
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
    facts = _facts("environment_requirement", environment, library, EnvironmentFacts, "an environment")
    return Requirement(
        key=library.usable(environment).key,
        kind=Kind.IMAGE,
        shape=ImageShape(Format.R16G16B16A16_SFLOAT, facts.side, facts.side, facts.mip_levels, cube=True),
        usage=ImageUsage.SAMPLED,
        uses=(SAMPLED_USE,),
        contents=Contents.CACHE,
        priority=priority,
    )


# Remembered, as most are the same from plan to plan, and the same objects are compared at once.


@lru_cache(maxsize=1024)
def image_requirement(key: int, lifetime: ImageLifetime, size: tuple[int, int], samples: int) -> Requirement:
    """Return the requirement for an image of a frame whose picture has this size and so many samples.

    What is read in later frames has no lifetime, so that it shares its memory with nothing.
    """
    image = lifetime.image
    width, height = image.extent.resolve(size)
    uses = []
    if lifetime.usage & ImageUsage.DEPTH_STENCIL_ATTACHMENT:
        access, stage = Access.DEPTH_STENCIL_ATTACHMENT_WRITE, Stage.LATE_FRAGMENT_TESTS
        uses.append(QueueUse(QueueKind.GRAPHICS, access, stage))
    if lifetime.usage & ImageUsage.COLOR_ATTACHMENT:
        access, stage = Access.COLOR_ATTACHMENT_WRITE, Stage.COLOR_ATTACHMENT_OUTPUT
        uses.append(QueueUse(QueueKind.GRAPHICS, access, stage))
    if lifetime.usage & ImageUsage.STORAGE:
        access = Access.SHADER_STORAGE_READ | Access.SHADER_STORAGE_WRITE
        uses.append(QueueUse(QueueKind.GRAPHICS, access, Stage.COMPUTE_SHADER))
    if lifetime.usage & ImageUsage.SAMPLED:
        uses.append(SAMPLED_USE)
    if lifetime.usage & ImageUsage.TRANSFER_SRC:
        uses.append(QueueUse(QueueKind.GRAPHICS, Access.TRANSFER_READ, Stage.COPY))
    return Requirement(
        key=key,
        kind=Kind.IMAGE,
        shape=ImageShape(
            image.format,
            width,
            height,
            image.mip_levels,
            samples if image.samples is Samples.FRAME else 1,
            image.cube,
        ),
        usage=lifetime.usage,
        uses=tuple(uses),
        dedicated=Dedicated.PREFER,
        contents=Contents.ZERO if lifetime.kept else Contents.UNDEFINED,
        lifetime=None if lifetime.kept or lifetime.rests else (lifetime.first, lifetime.last),
        copies=1 if image.cube else image.layers,
    )


@lru_cache(maxsize=1024)
def buffer_requirement(key: int, life: BufferLifetime) -> Requirement:
    """Return the requirement for a buffer that shaders of a frame write."""
    access = Access.SHADER_STORAGE_READ | Access.SHADER_STORAGE_WRITE
    if life.usage & BufferUsage.INDIRECT_BUFFER:
        access |= Access.INDIRECT_COMMAND_READ
    if life.usage & BufferUsage.INDEX_BUFFER:
        access |= Access.INDEX_READ
    return Requirement(
        key=key,
        kind=Kind.BUFFER,
        size=life.buffer.size,
        alignment=16,
        usage=life.usage,
        uses=(QueueUse(QueueKind.GRAPHICS, access, life.stages),),
        # Mesa 22.3 draws nothing with indices that begin behind the start of their VkBuffer.
        dedicated=Dedicated.YES if life.usage & BufferUsage.INDEX_BUFFER else Dedicated.NO,
        contents=Contents.ZERO if life.buffer.persists else Contents.UNDEFINED,
    )
