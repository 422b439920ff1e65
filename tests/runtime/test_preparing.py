"""Claims about scenes of very many new assets: frames go on while it is worked out what they draw with."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from support import images
from support.limits import limit

from engine.planning.ahead import new_assets
from engine.render.pipelines import pipelines, prepared_pipelines
from engine.render.pipelines.pipeline_description import create_pipeline
from engine.runtime import first_plan
from engine.runtime import runtime as running
from engine.testing import open_scene

pytestmark = pytest.mark.gpu


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new asset is one of many, and a frame learns one."""
    monkeypatch.setattr(new_assets, "FEW_ASSETS", 0)
    monkeypatch.setattr(running, "PREPARE_MS", 0.0)


def test_a_scene_that_is_learnt_over_frames_is_drawn_as_one_that_is_learnt_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        scene.step()
        picture = scene.host.runtime.read_pixels()
    monkeypatch.setattr(new_assets, "FEW_ASSETS", 0)
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


def test_no_frame_makes_a_pipeline_of_the_first_plan_of_many_assets(
    one_by_one: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_frames: list[str] = []
    makers: set[threading.Thread] = set()

    def noted(*arguments: Any, **options: Any) -> Any:
        in_frames.append(options["name"])
        return create_pipeline(*arguments, **options)

    def beside(*arguments: Any, **options: Any) -> Any:
        makers.add(threading.current_thread())
        return create_pipeline(*arguments, **options)

    monkeypatch.setattr(first_plan, "PATIENCE_S", limit(60))
    monkeypatch.setattr(pipelines, "create_pipeline", noted)
    monkeypatch.setattr(prepared_pipelines, "create_pipeline", beside)
    with open_scene("scenes/cube.hu", size=(64, 48), settle=False) as scene:
        scene.host.runtime.settle()
        assert scene.host.runtime.frame().drawn
        assert in_frames == []
    assert len(makers) == 1
    assert threading.main_thread() not in makers


def test_a_driver_that_compiles_slowly_does_not_keep_the_first_frame_back(
    one_by_one: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = threading.Event()

    def slowly(*arguments: Any, **options: Any) -> Any:
        assert allowed.wait(limit(60))
        return create_pipeline(*arguments, **options)

    monkeypatch.setattr(first_plan, "PATIENCE_S", 0.0)
    monkeypatch.setattr(prepared_pipelines, "create_pipeline", slowly)
    with open_scene("scenes/cube.hu", size=(64, 48), settle=False) as scene:
        scene.host.runtime.settle()
        assert scene.host.runtime.frame().drawn
        allowed.set()
