"""Claims about scenes whose objects are added and removed: requesters of removed objects are dropped."""

from __future__ import annotations

import pytest
from support.random_scenes import profile

from engine.assets import AssetLibrary
from engine.planning.scene import ScenePlanner
from engine.scene import Scene
from engine.testing import OpenedScene, assert_no_upload, open_scene


def come_and_go(scene: OpenedScene, name: str) -> None:
    """An object like the cube appears and is removed again, each time for a plan or longer."""
    model = {"asset": scene["cube"].visibleModel["asset"]}
    came = scene.tableau.add_object(name, None, translation=(1, 0, 0), features={"visibleModel": model})
    scene.settle()
    scene.tableau.remove(came)
    scene.settle()


@pytest.mark.parametrize("budget", [None, 22 << 20])
def test_removed_requesters_are_dropped_and_the_plan_stays_the_same(
    monkeypatch: pytest.MonkeyPatch, budget: int | None
) -> None:
    monkeypatch.setattr("engine.planning.scene.MAX_REMOVED_REQUESTERS", 8)
    with open_scene("scenes/cube.hu", profile="unified", size=(320, 240), budget=budget) as scene:
        planner = scene.host._planner  # type: ignore[attr-defined]
        come_and_go(scene, "first")
        text, known = scene.plan_text, len(planner._requests.table.requesters)
        tables = [planner._requests.table]
        with assert_no_upload(scene):
            for number in range(40):
                come_and_go(scene, f"object {number}")
                tables += [] if planner._requests.table is tables[-1] else [planner._requests.table]
                assert len(planner._requests.table.requesters) < known + 30
        assert len(tables) > 3
        assert scene.plan_text == text


@pytest.mark.parametrize("kept", range(20, 24))
def test_requirements_are_rebuilt_when_more_requesters_are_gone_than_may_stay(
    cube: tuple[Scene, AssetLibrary], monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr("engine.planning.scene.MAX_REMOVED_REQUESTERS", kept)
    scene, library = cube
    tableau = scene.tableau
    planner = ScenePlanner(tableau, scene.registry, library, profile("unified"), (64, 48))
    model, table, rebuilt = tableau["cube"].visibleModel["asset"], planner.needs().requirements, 0
    for number in range(40):
        came = tableau.add_object(f"object {number}", features={"visibleModel": {"asset": model}})
        rows = sum(len(columns) for columns in tableau.tables.values())
        too_many = len(table.requesters) > kept + 2 * rows
        before, table = table, planner.needs().requirements
        assert (table is not before) == too_many
        rebuilt += too_many
        tableau.remove(came)
    assert rebuilt > 0
