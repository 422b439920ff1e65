"""A plan of one page of a hundred textures, of which a few are active."""

from __future__ import annotations

from collections.abc import Iterable

from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import asset_key
from engine.plan.terms.vocabulary import Contents, ImageUsage, Kind

SHAPE = ImageShape(Format.R8G8B8A8_SRGB, 256, 256, 9)


def sparse_page(active: Iterable[int] = (7,)) -> Plan:
    """The plan after all textures but the `active` ones were switched off."""
    table = RequirementTable()
    requesters = [table.requesters.add("visibleModel", f"object{index}") for index in range(100)]
    for index, requester in enumerate(requesters):
        common = {"usage": ImageUsage.SAMPLED, "contents": Contents.CACHE}
        table.add(Requirement(asset_key(1, index), Kind.IMAGE, shape=SHAPE, **common), requester)
    full = make_plan(coalesce(table), profile("nvidia-h200"))
    table.remove([requesters[index] for index in set(range(100)) - set(active)])
    return make_plan(coalesce(table), full.profile, full)
