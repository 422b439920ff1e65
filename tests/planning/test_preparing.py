"""Claims about a planner of a scene: what it learns ahead of a plan, and features that it switches off."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.random_scenes import profile

from engine.assets import open_library
from engine.feature import Feature, Registry, discover
from engine.graph import ClearPass, DepthTarget, ImageDecl, Pass
from engine.humon import Problem
from engine.plan import Format
from engine.planning.ahead import new_assets
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene


@pytest.fixture
def planner(cube) -> ScenePlanner:
    scene, library = cube
    return ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))


@pytest.mark.parametrize("beyond", [0, 1])
def test_assets_are_learnt_ahead_where_they_are_more_than_a_few(planner, monkeypatch, beyond):
    count = len(planner._collector.unknown())
    assert count >= 3
    monkeypatch.setattr(new_assets, "FEW_ASSETS", count - beyond)
    assert planner.prepare(0.0) is not bool(beyond)
    assert planner.has_many is bool(beyond)
    assert len(planner._collector.unknown()) == count - beyond


def test_assets_are_learnt_one_by_one_where_there_is_no_time_and_at_once_where_there_is(
    cube, planner, monkeypatch
):
    monkeypatch.setattr(new_assets, "FEW_ASSETS", 0)
    count = len(planner._collector.unknown())
    for left in range(count - 1, -1, -1):
        assert not planner.prepare(0.0)
        assert len(planner._collector.unknown()) == left
    while not planner.prepare(0.0):
        pass
    learnt = {name: table.recipes for name, table in planner._passes._tables.items()}
    assert all(len(recipes.batches) for recipes in learnt.values())
    needs = planner.needs()
    assert not planner.has_many
    assert {name: table.recipes for name, table in needs.tables.items()} == learnt
    scene, library = cube
    quick = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))
    assert not quick.prepare(1e6)
    assert quick._collector.unknown() == []


class Declared(Feature):
    """A feature with the passes that a test gives it."""

    type_name = "added"
    declared: tuple[Pass, ...] = ()
    fails = False

    def passes(self, rows):
        if self.fails:
            raise RuntimeError("no passes")
        return self.declared


@pytest.fixture
def with_feature(root, monkeypatch):
    """A planner of the cube scene with an active feature more, and the scene."""
    monkeypatch.chdir(root)
    feature, known = Declared(), discover()
    scene = load_scene(Path("scenes/cube.hu"), Registry([feature, *(known[name] for name in known)]))
    scene.tableau.add_object("more", features={"added": {}})
    with open_library(scene.dbs) as library:
        yield (
            ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48)),
            scene,
            feature,
        )


def depth_pass(name: str, image: ImageDecl) -> Pass:
    return ClearPass(name, depth=DepthTarget(image))


def test_a_feature_without_passes_changes_no_graph(with_feature):
    planner, scene, _ = with_feature
    assert [compiled.declaration.name for compiled in planner.needs().graph.passes] == [
        "shadow",
        "forward",
        "toneMap",
    ]
    assert scene.tableau.warnings == []


def test_a_feature_whose_passes_contradict_others_is_switched_off_and_the_rest_goes_on(with_feature):
    planner, scene, feature = with_feature
    wrong = ImageDecl("shadowMap", Format.R8_UNORM)
    feature.declared = (
        depth_pass("added", wrong),
        depth_pass("again", ImageDecl("shadowMap", Format.D32_SFLOAT)),
    )
    needs = planner.needs()
    assert [compiled.declaration.name for compiled in needs.graph.passes] == ["shadow", "forward", "toneMap"]
    (warning,) = scene.tableau.warnings
    assert "added on 'more' is switched off" in warning.message
    assert not len(scene.tableau.tables["added"].rows_active())
    assert planner.needs().graph is planner.needs().graph


def test_a_feature_that_raises_instead_of_naming_its_passes_is_switched_off(with_feature):
    planner, scene, feature = with_feature
    feature.fails = True
    needs = planner.needs()
    assert [compiled.declaration.name for compiled in needs.graph.passes] == ["shadow", "forward", "toneMap"]
    (warning,) = scene.tableau.warnings
    assert "no passes" in warning.message


def test_the_same_passes_have_the_same_graph_and_others_another(with_feature):
    planner, scene, feature = with_feature
    first = planner.needs().graph
    scene.tableau["cube"].translation = (1, 2, 3)
    assert planner.needs().graph is first
    feature.declared = (depth_pass("added", ImageDecl("depthOfIt", Format.D32_SFLOAT)),)
    assert planner.needs().graph is first  # it is asked again only where a row has changed
    scene.tableau["more"].added.enabled = False
    assert planner.stale()
    more = planner.needs()
    assert more.graph is not first
    names = [compiled.declaration.name for compiled in more.graph.passes]
    assert sorted(names) == ["added", "forward", "shadow", "toneMap"]
    assert more.tables.keys() == {"shadow", "forward"}  # no feature draws in the new pass
    key = planner.keys.transient("depthOfIt")
    assert "added on 'more'" in planner.plan(more).why(key)


def test_a_problem_is_listed_once(planner):
    one, other = Problem("material.shader", "one"), Problem("material.shader", "other")
    for problem in (one, other, one):
        planner._reported.add(problem)
    assert planner.problems == (one, other)


@pytest.mark.parametrize("freezes", [False, True])
def test_what_is_learnt_of_many_assets_is_frozen_where_the_program_says_so(planner, monkeypatch, freezes):
    frozen: list[int] = []
    monkeypatch.setattr("engine.planning.scene.gc.freeze", lambda: frozen.append(1))
    monkeypatch.setattr(new_assets, "FEW_ASSETS", 0)
    planner.freezes = freezes
    while not planner.prepare(1000.0):
        pass
    assert bool(frozen) == freezes
