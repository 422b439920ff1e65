"""Switching back and forth makes drawings and requests once; what a frame needs is the same as at first."""

from __future__ import annotations

from support.random_scenes import profile

from engine.planning.needs import PassNeeds
from engine.planning.scene import ScenePlanner


def planner_of(cube) -> tuple[ScenePlanner, object]:
    scene, library = cube
    caster = scene.tableau["cube"].shadowCaster
    return ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48)), caster


def test_a_switch_that_is_switched_back_draws_with_the_same_objects(cube, monkeypatch):
    planner, caster = planner_of(cube)
    first, wanted = planner.needs(), None
    for active in (False, True):
        caster.active = active
        wanted = planner.needs()
        assert (wanted.drawings == first.drawings) is active
    assert wanted is not None
    assert (wanted.frame, wanted.columns) == (first.frame, first.columns)
    assert wanted.frame is first.frame
    monkeypatch.setattr(PassNeeds, "add_images", lambda *_: 1 / 0)
    for active in (False, True, False):
        caster.active = active
        planner.needs()


def test_requests_after_switching_back_are_those_of_a_planner_that_begins(cube):
    planner, caster = planner_of(cube)
    for active in (False, True, False, True):
        caster.active = active
        needs = planner.needs()
    rows = needs.requirements.requests()
    fresh = planner_of(cube)[0].needs()
    others = fresh.requirements.requests()
    names = [
        sorted(map(n.requirements.keys.name, r["key"].tolist())) for n, r in ((needs, rows), (fresh, others))
    ]
    assert names[0] == names[1]
    assert sorted(rows["size"].tolist()) == sorted(others["size"].tolist())


def test_another_size_of_the_picture_is_another_frame(cube):
    planner, _ = planner_of(cube)
    first = planner.needs()
    planner.size = (128, 96)
    assert planner.needs().size == (128, 96)
    planner.size = (64, 48)
    again = planner.needs()
    assert again.requirements.requests()["size"].sum() > 0
    assert again.frame is first.frame
