"""Claims about scenes of very many new assets: frames go on while it is worked out what they draw with."""

from __future__ import annotations

import pytest
from support import images

from engine.planning import scene as planning
from engine.runtime import runtime as running
from engine.testing import open_scene

pytestmark = pytest.mark.gpu


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new asset is one of many, and a frame learns one."""
    monkeypatch.setattr(planning, "FEW_ASSETS", 0)
    monkeypatch.setattr(running, "PREPARE_MS", 0.0)


def test_a_scene_that_is_learnt_over_frames_is_drawn_as_one_that_is_learnt_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        scene.step()
        picture = scene.host.runtime.read_pixels()
    monkeypatch.setattr(planning, "FEW_ASSETS", 0)
    monkeypatch.setattr(running, "PREPARE_MS", 0.0)
    with open_scene("scenes/cube.hu", size=(64, 48), settle=False) as scene:
        runtime = scene.host.runtime
        facts = [runtime.frame() for _ in range(2)]
        assert [(each.drawn, each.settled) for each in facts] == [(False, False)] * 2
        assert runtime.plan is None
        runtime.settle()
        runtime.frame()
        images.assert_same(runtime.read_pixels(), picture)


def test_frames_show_what_there_was_until_new_assets_are_known(one_by_one: None) -> None:
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        scene.step()
        runtime, tableau = scene.host.runtime, scene.tableau
        before, plan = runtime.read_pixels(), runtime.plan
        tableau["cube"].shadowCaster.active = False
        runtime.settle()
        assert runtime.plan is not plan  # nothing new is drawn: planned at once
        runtime.planner._collector.invalidate()
        tableau["cube"].shadowCaster.active = True
        shown = []
        for _ in range(20):
            facts = runtime.frame()
            shown.append(facts.drawn)
            if facts.settled:
                break
        assert all(shown)
        assert len(shown) > 2
        runtime.frame()
        # Models are drawn in the order in which they became known, which shows where two of them meet.
        images.assert_same(runtime.read_pixels(), before, share=0.005)
