"""Buffers, textures and attachments that tests of the planner place, each with a requester of its own."""

from __future__ import annotations

from engine.humon import Position
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind

SHAPE = ImageShape(Format.R8G8B8A8_SRGB, 64, 64, 7)
DEPTH = ImageShape(Format.D32_SFLOAT, 1024, 1024)


def buffer(key: int, size: int = 1000, **more: object) -> Requirement:
    given = {"usage": BufferUsage.VERTEX_BUFFER, "contents": Contents.CACHE, **more}
    return Requirement(key, Kind.BUFFER, size, **given)


def texture(key: int, shape: ImageShape = SHAPE) -> Requirement:
    return Requirement(key, Kind.IMAGE, shape=shape, usage=ImageUsage.SAMPLED, contents=Contents.CACHE)


def attachment(key: int, shape: ImageShape = DEPTH, **more: object) -> Requirement:
    usage = ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
    return Requirement(key, Kind.IMAGE, shape=shape, usage=usage, **more)


def needs(*requirements: Requirement, keys: Keys | None = None) -> Coalesced:
    table = RequirementTable(keys)
    for index, requirement in enumerate(requirements):
        place = Position("scenes/test.hu", index + 1, 5)
        table.add(requirement, table.requesters.add("visibleModel", f"object{index}", place))
    return coalesce(table)
