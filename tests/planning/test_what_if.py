"""What a switch would change is what it changes when it is pressed, and planning it changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.many_models import many_models
from support.random_scenes import profile
from support.scenes import ROOT
from support.switches import all_switches

from engine.assets import AssetLibrary, open_library
from engine.plan.model.plan import Plan
from engine.plan.model.plan_change import plan_change
from engine.plan.terms.policy import MIB
from engine.planning.scene import ScenePlanner
from engine.planning.what_if.twin_planner import Press
from engine.planning.what_if.what_if import OtherDevice, Outcome, Wanted, WhatIf
from engine.scene import Scene, load_scene

PROFILE = profile("discrete-window")
SIZE = (64, 48)


class Drawn:
    """A scene that is planned as a runtime plans it, with what-ifs beside it."""

    def __init__(self, scene: Scene, library: AssetLibrary, device=PROFILE) -> None:
        self.scene, self.tableau = scene, scene.tableau
        self.planner = ScenePlanner(scene.tableau, scene.registry, library, device, SIZE)
        self.tableau.update_world()
        self.plan: Plan | None = None
        self.what_if = WhatIf(scene.tableau, lambda: self.planner, self.wanted, lambda: self.plan)
        self.replan()

    def wanted(self) -> Wanted:
        return Wanted(self.plan, self.plan)

    def replan(self) -> Plan:
        before = self.plan
        self.plan = self.planner.plan(self.planner.needs(), before)
        return self.plan

    def outcome(self, press: Press) -> Outcome:
        self.what_if.press(press)
        while self.what_if.advance():
            pass
        found = self.what_if.press(press)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def tableau_scene() -> Iterator[Drawn]:
    scene = load_scene(ROOT / "scenes/tableau.hu")
    with open_library(scene.dbs) as library:
        yield Drawn(scene, library)


def test_every_switch_of_a_scene_changes_what_was_foreseen(tableau_scene: Drawn) -> None:
    seen = 0
    for first in all_switches(tableau_scene.tableau):
        for press in (first, replace(first, value=not first.value)):
            foreseen = tableau_scene.outcome(press)
            before = tableau_scene.plan
            press.apply(tableau_scene.tableau)
            after = tableau_scene.replan()
            assert foreseen.change is not None
            assert foreseen.plan is not None
            assert foreseen.change.bytes == after.planned_bytes - before.planned_bytes, press
            assert foreseen.change.allocations == len(after.memory.allocations) - len(
                before.memory.allocations
            )
            real = plan_change(before, after)
            assert foreseen.change.usages == real.usages
            assert foreseen.change.heap_bytes == real.heap_bytes
            assert foreseen.change.waiting_bytes == real.waiting_bytes
            for table in ("allocations", "resources", "subresources"):
                mine, theirs = (getattr(plan.memory, table) for plan in (foreseen.plan, after))
                assert np.array_equal(mine, theirs), (press, table)
            seen += foreseen.change.bytes != 0
    assert seen > 8, "switches change bytes"


def test_what_is_foreseen_changes_nothing_that_is_drawn(tableau_scene: Drawn) -> None:
    tableau, plan = tableau_scene.tableau, tableau_scene.plan
    versions = tableau.structure_version, tableau.values_version, tableau.world_version
    tables = {name: table.version for name, table in tableau.tables.items()}
    text = str(plan)
    row = tableau["cube"].row
    assert tableau_scene.outcome(Press("active", False, (row,), "shadowCaster")).change.bytes < 0
    assert versions == (tableau.structure_version, tableau.values_version, tableau.world_version)
    assert tables == {name: table.version for name, table in tableau.tables.items()}
    assert not tableau_scene.planner.stale()
    assert tableau_scene.plan is plan
    assert str(plan) == text
    assert tableau["cube"].shadowCaster.active


def test_a_texture_that_loses_a_use_names_the_bit(tableau_scene: Drawn) -> None:
    row = tableau_scene.tableau["cube"].row
    found = tableau_scene.outcome(Press("active", False, (row,)))
    assert found.change is not None
    assert len(found.change.lost)
    assert found.change.lost_bytes > 0
    assert not len(found.change.gained)


def test_an_outcome_of_an_earlier_plan_is_dropped(tableau_scene: Drawn) -> None:
    row = tableau_scene.tableau["cube"].row
    press = Press("active", False, (row,), "shadowCaster")
    tableau_scene.outcome(press)
    tableau_scene.tableau["groundPlane"].active = False
    assert tableau_scene.what_if.press(press) is None, "the scene has changed"
    assert tableau_scene.what_if.advance(), "it waits for the next plan"
    assert tableau_scene.what_if.press(press) is None
    tableau_scene.replan()
    foreseen = tableau_scene.outcome(press).change
    tableau_scene.tableau["groundPlane"].active = True
    tableau_scene.replan()
    assert foreseen is not None


def test_work_is_done_in_steps_and_another_press_drops_what_was_begun(tableau_scene: Drawn) -> None:
    row = tableau_scene.tableau["cube"].row
    one, other = (Press("active", False, (row,), name) for name in ("shadowCaster", "visibleModel"))
    tableau_scene.what_if.press(None)
    tableau_scene.what_if.press(one)
    calls = 1
    while tableau_scene.what_if.advance(0.0):
        calls += 1
        assert calls < 100
    assert calls > 2, "no step does all of it"
    tableau_scene.what_if.press(other)
    tableau_scene.what_if.advance(0.0)
    assert tableau_scene.what_if.press(one) is None
    assert tableau_scene.outcome(one).change.bytes != tableau_scene.outcome(other).change.bytes
    assert tableau_scene.what_if.press(None) is None
    assert not tableau_scene.what_if.is_working


def test_the_twin_follows_switches_fields_and_objects(root: Path, tmp_path: Path) -> None:
    scene = load_scene(many_models(root, tmp_path / "tree", 4, 9))
    with open_library(scene.dbs) as library:
        drawn = Drawn(scene, library)
        tableau = drawn.tableau
        rng = np.random.default_rng(3)
        models = [scene.asset("db", f"o{i}", ("model",)) for i in range(4)]
        for number in range(24):
            name = f"o{rng.integers(9)}"
            kind = number % 4
            if kind == 0:
                tableau[name].visibleModel.active = not tableau[name].visibleModel.active
            elif kind == 1:
                tableau[name].visibleModel.asset = models[int(rng.integers(4))]
            elif kind == 2:
                tableau.add_object(f"new{number}", features={"visibleModel": {"asset": models[number % 4]}})
            else:
                tableau[name].active = not tableau[name].active
            drawn.replan()
            press = Press("active", bool(rng.integers(2)), (tableau[f"o{rng.integers(9)}"].row,))
            foreseen = drawn.outcome(press)
            before = drawn.plan
            press.apply(tableau)
            assert drawn.replan().planned_bytes - before.planned_bytes == foreseen.change.bytes, number


def test_a_press_that_does_not_fit_says_so(root: Path, tmp_path: Path) -> None:
    scene = load_scene(many_models(root, tmp_path / "tree", 3))
    with open_library(scene.dbs) as library:
        roomy = Drawn(scene, library)
        tableau = roomy.tableau
        tableau.active = False
        roomy.replan()
        tight = PROFILE.limited(roomy.plan.planned_bytes + 1024)
        drawn = Drawn(scene, library, tight)
        found = drawn.outcome(Press("active", True))
        assert found.error is not None
        assert found.error.code == "plan.budget"
        assert not tableau.active
        assert drawn.outcome(Press("enabled", False)).change.is_nothing


def test_another_device_is_planned_as_it_would_be(tableau_scene: Drawn) -> None:
    scene = tableau_scene.scene
    for device in (PROFILE.limited(64 * MIB), profile("unified")):
        other = OtherDevice(tableau_scene.tableau, tableau_scene.planner, device)
        while other.advance():
            pass
        with open_library(scene.dbs) as library:
            alone = ScenePlanner(scene.tableau, scene.registry, library, device, SIZE)
            plan = alone.plan(alone.needs())
        assert other.outcome is not None
        assert other.outcome.plan is not None
        assert other.outcome.plan.planned_bytes == plan.planned_bytes
        assert len(other.outcome.plan.memory.allocations) == len(plan.memory.allocations)
    assert not tableau_scene.planner.stale()
