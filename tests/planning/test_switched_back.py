"""A feature that is switched off and on again leaves images as large as before, and off none of its own."""

from __future__ import annotations

import numpy as np
from support.random_scenes import profile
from support.scenes import ROOT

from engine.assets import open_library
from engine.plan.model.plan import Plan
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene

SIZE = (1280, 720)
"""Large enough that the images of the frame share memory."""


def frame_bytes(plan: Plan) -> int:
    """The bytes of allocations of large images; blocks and pages of others keep room for what comes back."""
    images = plan.memory.resources["allocation"][plan.memory.resources["layers"] > 0]
    allocations = plan.memory.allocation_table.rows(np.unique(images).astype(np.int64))
    return int(allocations["size"][allocations["own"]].sum())


def all_bytes(plan: Plan) -> int:
    """The bytes of all allocations, with the room that pages keep."""
    return int(plan.memory.allocations["size"].sum())


def test_every_feature_of_the_tableau_takes_the_bytes_of_images_that_a_fresh_plan_takes() -> None:
    scene = load_scene(ROOT / "scenes/tableau.hu")
    tableau, device = scene.tableau, profile("discrete-window")
    with open_library(scene.dbs) as library:

        def planner() -> ScenePlanner:
            return ScenePlanner(tableau, scene.registry, library, device, SIZE)

        kept = planner()
        tableau.update_world()
        plan = opened = kept.plan(kept.needs(), None)
        assert plan.memory.resources["aliased"].any()
        for feature, table in tableau.tables.items():
            for active in (False, True):
                table.set_flag("active", np.flatnonzero(table.object >= 0), active)
                plan = kept.plan(kept.needs(), plan)
                fresh = planner()
                assert frame_bytes(plan) == frame_bytes(fresh.plan(fresh.needs(), None)), (feature, active)
            assert frame_bytes(plan) == frame_bytes(opened), feature
            assert all_bytes(plan) == all_bytes(opened), feature
