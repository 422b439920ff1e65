"""Plans with everything that a map of memory shows: pages, blocks, rings, cubes and aliased transients."""

from __future__ import annotations

from functools import cache

import numpy as np
from support.random_scenes import SMALL, World, needs, profile

from engine.plan.model.memory_plan import RESOURCE
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import ImageUsage, Kind
from viewer.panels.memory.map.tile_colors import MapPalette

PALETTE = MapPalette(
    ground=(20, 20, 24),
    categories=((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178)),
    other=(150, 150, 150),
    ramp=((30, 60, 120), (240, 220, 90)),
    padding=(90, 40, 40),
    free=(40, 44, 52),
    waiting=(120, 100, 40),
    leaving=(120, 60, 60),
    in_flight=(255, 255, 255),
)
ATTACHMENT = ImageUsage.COLOR_ATTACHMENT | ImageUsage.SAMPLED


@cache
def random_plan(seed: int, count: int = 60) -> Plan:
    """The second of two plans of a random scene, so that pages and blocks have holes."""
    rng = np.random.default_rng(seed)
    world = World.make(rng, count)
    device = profile("nvidia-h200")
    first = make_plan(needs(rng, world, 0.9), device, policy=SMALL)
    return make_plan(needs(rng, world, 0.5), device, first, policy=SMALL)


def aliased_plan() -> Plan:
    """Three attachments of one frame, of which two are never live at once and share their bytes."""
    table = RequirementTable()
    requester = table.requesters.add("frame", "camera")
    shape = ImageShape(Format.R8G8B8A8_UNORM, 256, 256)
    for name, lifetime in (("first", (0, 1)), ("second", (2, 3)), ("always", None)):
        key = table.keys.transient(name)
        table.add(Requirement(key, Kind.IMAGE, shape=shape, usage=ATTACHMENT, lifetime=lifetime), requester)
    plan = make_plan(coalesce(table), profile("nvidia-h200"))
    assert plan.memory.resources["aliased"].sum() == 2, RESOURCE
    return plan
