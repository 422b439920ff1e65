"""Claims about images of real scenes that stay where they are while others come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from support.random_scenes import profile
from support.scenes import ROOT

from engine.assets import open_library
from engine.graph.view_mode import OUTLINED_PICTURE
from engine.plan.model.memory_plan import Address
from engine.plan.model.plan import Plan
from engine.planning.offline import settled_frame
from engine.planning.scene import ScenePlanner
from engine.scene import Scene, load_scene

SIZE = (1280, 720)
SCENES = ("cube", "tableau", "lod", "morph")
PROFILES = ("lavapipe", "discrete-window", "nvidia-h200")
every_scene = pytest.mark.parametrize("name", SCENES)
every_device = pytest.mark.parametrize("device", PROFILES)


@contextmanager
def planned(name: str, device: str) -> Iterator[tuple[Scene, ScenePlanner, Plan]]:
    scene = load_scene(ROOT / f"scenes/{name}.hu")
    with open_library(scene.dbs) as library:
        planner, needs = settled_frame(scene, library, profile(device), SIZE)
        yield scene, planner, planner.plan(needs)


def addresses(plan: Plan) -> dict[str, Address]:
    """Where each image and buffer of the frame lies, by name."""
    keys = plan.requirements.keys
    known = {name: keys.transient(name) for name in keys.transients}
    return {name: plan.address(key) for name, key in known.items() if key in plan.memory}


@every_scene
@every_device
def test_switching_all_shadow_casters_creates_and_frees_their_maps_alone(name: str, device: str) -> None:
    with planned(name, device) as (scene, planner, before):
        casters = scene.tableau.tables["shadowCaster"]
        rows = np.arange(len(casters), dtype=np.int32)
        last = before
        for _ in range(2):
            for on in (False, True):
                casters.set_flag("active", rows, on)
                plan = planner.plan(planner.needs(), last)
                was, now = addresses(last), addresses(plan)
                changed = {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
                assert {key.partition(".")[0] for key in changed} == {"shadowMap", "shadow", "frame"}
                last = plan
        assert last.planned_bytes == before.planned_bytes


@every_scene
@every_device
def test_the_first_object_that_is_chosen_moves_no_image(name: str, device: str) -> None:
    with planned(name, device) as (scene, planner, before):
        models = scene.tableau.tables["visibleModel"]
        chosen = np.array([scene.tableau[models.path(0)].row], np.int32)
        planner.choose(chosen)
        planner.watch(frozenset({OUTLINED_PICTURE.name}))
        plan = planner.plan(planner.needs(), before)
        was, now = addresses(before), addresses(plan)
        assert {key: now[key] for key in was} == was
        images = {key for key in now.keys() - was.keys() if not key.endswith(".absent")}
        assert {"chosenMask", "outlinedPicture"} <= images
        two_pictures = 9 * SIZE[0] * SIZE[1]  # of 8-bit colours, and what the device adds
        assert plan.planned_bytes - before.planned_bytes < two_pictures
