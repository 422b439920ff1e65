"""Why a key is in memory: every requester with its object and line, none of them cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.random_scenes import profile

from engine.assets import open_library
from engine.feature.pass_requesters import PASS_REQUESTERS
from engine.plan.model.plan import Plan
from engine.planning.scene import ScenePlanner
from engine.scene import Scene, load_scene
from viewer.panels.memory.why_model import WhyModel, WhyRow

COUNT = 700


def rows_of(model: WhyModel) -> list[WhyRow]:
    return [model.row(index) for index in range(model.count)]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Plan]:
    """COUNT cubes that cast shadows, so that passes count most of their requesters only."""
    scene = load_scene(Path("scenes/cube.hu"))
    row = scene.tableau["cube"].row
    extra = scene.tableau.add_objects(names=[f"copy {number}" for number in range(COUNT - 1)])
    for name, table in list(scene.tableau.tables.items()):
        if table.row_of(row) is not None:
            values = {spec.name: table.column(spec.name)[table.row_of(row)] for spec in table.schema.fields}
            scene.tableau.add_feature(name, extra, values)
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("lavapipe"), (64, 48))
        return scene, planner.plan(planner.needs())


def test_all_requesters_of_an_asset_are_there_with_their_objects(many: tuple[Scene, Plan]) -> None:
    scene, plan = many
    keys = plan.memory.subresources["key"].tolist()
    key = max(keys, key=lambda each: len(plan.requirements.requested.requesters_of(each)))
    model = WhyModel(plan, scene.tableau, key)
    rows = rows_of(model)
    assert model.count >= COUNT
    assert len({row.object_path for row in rows}) == COUNT
    for row in rows:
        assert row.object_row is not None
        assert scene.tableau.path(row.object_row) == row.object_path
        assert scene.tableau.tables[row.feature].row_of(row.object_row) == row.feature_row


def test_objects_that_a_pass_only_counts_are_listed_too(many: tuple[Scene, Plan]) -> None:
    scene, plan = many
    key = plan.requirements.keys.transient("shadowMap")
    named = plan.requirements.requested.requesters_of(key)
    assert len(named) < COUNT  # the plan counts most of them
    assert PASS_REQUESTERS < COUNT
    casters = [row for row in rows_of(WhyModel(plan, scene.tableau, key)) if row.feature == "shadowCaster"]
    assert len(casters) == len({row.object_path for row in casters}) == COUNT


def test_an_object_that_is_a_group_by_itself_is_listed() -> None:
    scene = load_scene(Path("scenes/cube.hu"))
    table = scene.tableau.tables["shadowCaster"]
    caster = {"asset": scene.tableau["cube"].shadowCaster["asset"]}
    for number in range(PASS_REQUESTERS + 1 - len(table.rows_active())):
        scene.tableau.add_object(f"copy{number}", None, features={"shadowCaster": caster})
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("lavapipe"), (64, 48))
        plan = planner.plan(planner.needs())
        key = plan.requirements.keys.transient("shadowMap")
        rows = rows_of(WhyModel(plan, scene.tableau, key))
    casters = [row.object_path for row in rows if row.feature == "shadowCaster"]
    assert len(casters) == len(set(casters)) == PASS_REQUESTERS + 1
    assert "" not in casters


def test_a_search_finds_objects_features_and_lines(many: tuple[Scene, Plan]) -> None:
    scene, plan = many
    model = WhyModel(plan, scene.tableau, plan.requirements.keys.transient("shadowMap"))
    while not model.texts.prepare(1000.0):
        pass
    found = [model.row(int(index)) for index in model.search(("shadowcaster", "copy 69"))]
    expected = {"copy 69", *(f"copy {number}" for number in range(690, COUNT - 1))}
    assert {row.object_path for row in found} == expected
    lines = [model.row(int(index)) for index in model.search(("cube.hu:",))]
    assert lines
    assert all(row.file.endswith("cube.hu") and row.line > 0 for row in lines)
    assert len(model.search(())) == model.count
    assert len(model.search(("nothing",))) == 0


def test_an_object_that_is_gone_is_no_link(many: tuple[Scene, Plan]) -> None:
    scene, plan = many
    key = plan.requirements.keys.transient("shadowMap")
    model = WhyModel(plan, scene.tableau, key)
    path = next(row.object_path for row in rows_of(model) if row.object_path.startswith("copy"))
    scene.tableau.remove(path)
    scene.tableau.flush()
    row = next(row for row in rows_of(model) if row.object_row is None and row.object_path)
    assert row.feature_row is None
