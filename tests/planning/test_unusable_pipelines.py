"""Claims about plans while pipelines may not be drawn with: the placeholder stands in, without a trace."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.one_bad import make_project
from support.random_scenes import profile

from engine.assets import open_library
from engine.plan.model.plan import Plan
from engine.plan.terms.drawing_rows import PipelineRow
from engine.plan.text.plan_text import plan_text
from engine.planning.draw.recipes import BUILTIN_DB
from engine.planning.draw.shading import ShaderSet
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene


class Trials:
    """Answers that a test decides about; builtin shaders are usable."""

    def __init__(self) -> None:
        self.version = 0
        self.are_usable = False
        self.asked: list[PipelineRow] = []

    def usable(
        self, row: PipelineRow, offsets: Sequence[int], shading: ShaderSet, drawn: PipelineRow
    ) -> bool:
        self.asked.append(row)
        return self.are_usable or all(shader >> 32 == BUILTIN_DB for shader in row.shaders)

    def end(self) -> None:
        self.are_usable, self.version = True, self.version + 1


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("unusable") / "project")


def numberless(plan: Plan) -> str:
    """The text of a plan without numbers of shader sets and pipelines, which count up."""
    return re.sub(r"(forward|shadow)(/|\.materials\.)\d+", r"\1\2", plan_text(plan))


def materials(planner: ScenePlanner) -> dict[str, set[str]]:
    """The labels of the materials that each pass draws with."""
    found = {}
    for name, table in planner.needs().tables.items():
        used = enumerate(table.in_use.materials)
        found[name] = {table.recipes.materials[s][m].label for s, row in used for m in row.tolist()}
    return found


def test_the_placeholder_stands_in_until_a_pipeline_is_usable_and_leaves_no_trace(project: Path) -> None:
    scene, trials, size = load_scene(project), Trials(), (64, 48)
    with open_library(scene.dbs) as library:
        about = scene.tableau, scene.registry, library, profile("unified"), size
        planner = ScenePlanner(*about, trials=trials)
        assert materials(planner)["forward"] == {"material 'placeholder'"}
        waiting = planner.plan(planner.needs())
        assert not planner.stale()
        assert planner.problems == ()
        asked = len(trials.asked)
        assert {row.pass_name for row in trials.asked} == {"forward", "shadow", "toneMap"}
        trials.end()
        assert planner.stale()
        assert materials(planner)["forward"] == {"material 'good'", "material 'bad'"}
        assert len(trials.asked) > asked
        after = numberless(planner.plan(planner.needs()))
        assert not planner.stale()
        fresh = ScenePlanner(*about)
        assert after == numberless(fresh.plan(fresh.needs()))
        assert after != numberless(waiting)
        trials.version += 1
        trials.asked.clear()
        assert numberless(planner.plan(planner.needs())) == after
        assert {row.pass_name for row in trials.asked} == {"toneMap"}, "no model is asked about again"


def test_needs_of_before_can_be_restored_with_what_is_usable_now(project: Path) -> None:
    scene, trials = load_scene(project), Trials()
    with open_library(scene.dbs) as library:
        about = scene.tableau, scene.registry, library, profile("unified"), (64, 48)
        planner = ScenePlanner(*about, trials=trials)
        before = planner.needs()
        drawn = before.tables["forward"].assets.copy()
        scene.tableau["bad"].visibleModel.active = False
        trials.end()
        planner.needs()
        before.restore()
        np.testing.assert_array_equal(before.tables["forward"].assets, drawn)
        scene.tableau["bad"].visibleModel.active = True
        assert materials(planner)["forward"] == {"material 'good'", "material 'bad'"}


def test_pipelines_of_another_state_are_asked_about_before_they_are_drawn_with(project: Path) -> None:
    scene, trials = load_scene(project), Trials()
    with open_library(scene.dbs) as library:
        before = profile("unified")
        planner = ScenePlanner(scene.tableau, scene.registry, library, before, (64, 48), trials=trials)
        trials.end()
        assert materials(planner)["forward"] == {"material 'good'", "material 'bad'"}
        trials.are_usable = False
        limits = replace(before.limits, framebuffer_sample_counts=1)
        planner.profile = replace(before, limits=limits)
        assert planner.samples == 1
        assert materials(planner)["forward"] == {"material 'placeholder'"}
