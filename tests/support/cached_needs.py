"""Requirements for cached buffers and textures, and their sources, for tests of schedules."""

from __future__ import annotations

import numpy as np
from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys, asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind

DEVICE = profile("unified")
DB = asset_key(1, 0)
MIPS = ImageShape(Format.R8G8B8A8_UNORM, 8, 8, 4)


def buffer(index: int, size: int = 64, **more: object) -> Requirement:
    return Requirement(
        **{
            "key": DB + index,
            "kind": Kind.BUFFER,
            "size": size,
            "usage": BufferUsage.VERTEX_BUFFER,
            "contents": Contents.CACHE,
            **more,
        }
    )


def texture(index: int, shape: ImageShape = MIPS) -> Requirement:
    return Requirement(DB + index, Kind.IMAGE, shape=shape, usage=ImageUsage.SAMPLED, contents=Contents.CACHE)


def needs(*rows: Requirement, keys: Keys | None = None) -> Coalesced:
    table = RequirementTable(keys)
    for row in rows:
        table.add(row, table.requesters.add("visibleModel", "cube"))
    return coalesce(table)


def packed(*rows: Requirement, db: int = 1, gap: int = 0) -> Sources:
    """Sources one after another in a cache, `gap` bytes apart."""
    sizes = [tight_bytes(r.shape) if r.shape else r.size for r in rows]
    offsets = np.cumsum([0] + [s + gap for s in sizes])[:-1]
    return Sources.of([r.key for r in rows], db, offsets, sizes)


def fresh(rows: list[Requirement], policy: Policy = Policy(), gap: int = 0, device=DEVICE) -> Schedule:  # noqa: B008
    plan = make_plan(needs(*rows), device, None, policy)
    return make_schedule(Resident(), plan, packed(*rows, gap=gap))


def kinds(schedule: Schedule) -> list[str]:
    return [type(step).__name__ for step in schedule.steps]


def of(schedule: Schedule, kind: type) -> list:
    return [step for step in schedule.steps if isinstance(step, kind)]


def settled(rows: list[Requirement], policy: Policy = Policy()) -> tuple[Plan, Resident, Keys]:  # noqa: B008
    """A plan, a resident state that has reached it, and the keys of both."""
    keys = Keys()
    plan = make_plan(needs(*rows, keys=keys), DEVICE, None, policy)
    return plan, Resident.settled_at(plan), keys
