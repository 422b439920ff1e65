"""Plans that are spread over quick frames are those made at once, and no frame has most of the work."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import pytest
from support.limits import limit
from support.sampling import Sample, amount
from support.scenes import CUBE

from engine.assets import open_library
from engine.graph import SCENE_COLOR
from engine.plan.text.requirement_text import requirement_text
from engine.render.frame_recorder import NotDrawn
from engine.render.pipelines import pipelines, prepared_pipelines
from engine.render.pipelines.pipeline_description import create_pipeline
from engine.runtime import first_plan, spread_plan
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

FRAMES = 40
"""More than a plan is spread over."""


@contextmanager
def opened(*, spreads: bool) -> Iterator[Runtime]:
    scene = load_scene(CUBE)
    options = RuntimeOptions(size=(64, 64), validate=True, spreads=spreads)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        runtime.settle()
        yield runtime
        runtime.wait()
        assert not len(runtime.instance.messages)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every frame is a quick one, and does one step."""
    monkeypatch.setattr(spread_plan, "QUICK_S", 1e9)
    monkeypatch.setattr(spread_plan, "SHARE_MS", 0.0)
    monkeypatch.setattr(spread_plan, "BUSY", 0.0)


def draw(runtime: Runtime) -> list[int]:
    """Draw until all is settled; returns how many calls of Python and C each frame made."""
    calls: list[int] = []

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        calls[-1] += event in ("call", "c_call")

    until = time.monotonic() + limit(30)
    while time.monotonic() < until:  # frames go on while pipelines are made
        calls.append(0)
        sys.setprofile(count)
        try:
            settled = runtime.frame().settled
        finally:
            sys.setprofile(None)
        if settled and len(calls) > 3:
            return calls
    raise AssertionError("the plan was not carried out")


def requested(runtime: Runtime) -> list[str]:
    """What features request, by line, wherever it lies."""
    assert runtime.plan is not None
    text = re.sub(r"(alloc|resIdx|offset|range): *(\d+|\[.*?\])", "", requirement_text(runtime.plan))
    return sorted(text.splitlines())


def test_switches_that_are_spread_end_in_the_plans_and_pictures_of_those_that_are_not(
    quick: None, sample: Sample
) -> None:
    with opened(spreads=True) as spread, opened(spreads=False) as at_once:
        for seed in sample.seeds(1, 8):
            rng = np.random.default_rng(seed)
            for _ in range(amount(6, 20)):
                name, feature = (("cube", "shadowCaster"), ("cube", "visibleModel"), ("ground", ""))[
                    int(rng.integers(3))
                ]
                frames = int(rng.integers(0, 9))
                for runtime in (spread, at_once):
                    one = runtime.tableau[name]
                    switched = getattr(one, feature) if feature else one
                    switched.active = not switched.active
                    for _ in range(frames):  # the next switch may come in the middle of a plan
                        runtime.frame()
            for runtime in (spread, at_once):
                runtime.settle()
                runtime.frame()
                assert runtime.plan is not None
                assert runtime.memory.live_bytes == runtime.plan.planned_bytes
            assert requested(spread) == requested(at_once)
            np.testing.assert_array_equal(spread.read_pixels(), at_once.read_pixels())


def test_no_frame_of_a_switch_has_most_of_its_calls(quick: None) -> None:
    with opened(spreads=True) as spread, opened(spreads=False) as at_once:
        for _ in range(3):
            most: list[int] = []
            for runtime in (spread, at_once):
                caster = runtime.tableau["cube"].shadowCaster
                caster.active = not caster.active
                most.append(max(draw(runtime)))
        assert most[0] < 0.7 * most[1]


def test_a_plan_is_made_at_once_where_frames_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread_plan, "QUICK_S", 0.0)
    with opened(spreads=True) as runtime:
        plan = runtime.plan
        runtime.tableau["cube"].shadowCaster.active = False
        runtime.frame()
        assert runtime.plan is not plan


def test_frames_draw_what_they_drew_until_a_spread_plan_is_there(quick: None) -> None:
    with opened(spreads=True) as runtime:
        before, plan = runtime.read_pixels(), runtime.plan
        runtime.tableau["cube"].shadowCaster.active = False
        runtime.frame()
        assert runtime.plan is plan
        assert not runtime.frame().settled
        runtime.settle()
        assert runtime.plan is not plan
        runtime.frame()
        assert not np.array_equal(runtime.read_pixels(), before)


def test_the_last_picture_can_be_read_while_the_images_of_the_next_are_not_there(quick: None) -> None:
    with opened(spreads=True) as runtime:
        picture = runtime.read_pixels()
        for change in (
            lambda: runtime.planner.watch(frozenset({SCENE_COLOR.name})),
            lambda: runtime.resize(96, 32),
        ):
            change()
            waited = 0
            for _ in range(FRAMES):
                runtime.frame()
                if not runtime.renderer.ready:  # it has taken a plan with other images
                    waited += 1
                    assert runtime.read_pixels().shape == (64, 64, 4)
                    assert runtime.size != (64, 64) or np.array_equal(runtime.read_pixels(), picture)
            assert waited
        assert runtime.read_pixels().shape == (32, 96, 4)


def test_no_picture_is_read_where_none_was_drawn() -> None:
    scene = load_scene(CUBE)
    with (
        open_library(scene.dbs) as library,
        Runtime(scene, library, RuntimeOptions(size=(64, 64))) as runtime,
    ):
        with pytest.raises(NotDrawn, match="no frame has been drawn into 'picture'"):
            runtime.read_pixels()
        runtime.load()
        with pytest.raises(NotDrawn, match="no frame has been drawn into 'picture'"):
            runtime.read_pixels()
        runtime.frame()
        assert runtime.read_pixels().any()
        runtime.resize(32, 32)
        runtime.load()  # the picture that was drawn is gone, and the new one is not drawn yet
        with pytest.raises(NotDrawn, match="draw one first"):
            runtime.read_pixels()
        with pytest.raises(NotDrawn, match="'sceneColor'"):
            runtime.read_pixels(SCENE_COLOR)


def test_no_frame_makes_a_pipeline_of_a_spread_plan_and_all_draw_on_while_one_is_made(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, in_frames = threading.Event(), list[str]()

    def noted(*arguments: Any, **options: Any) -> Any:
        in_frames.append(options["name"])
        return create_pipeline(*arguments, **options)

    def slowly(*arguments: Any, **options: Any) -> Any:
        assert allowed.wait(limit(60))
        return create_pipeline(*arguments, **options)

    monkeypatch.setattr(first_plan, "PATIENCE_S", limit(60))
    monkeypatch.setattr(pipelines, "create_pipeline", noted)
    monkeypatch.setattr(prepared_pipelines, "create_pipeline", slowly)
    with opened(spreads=True) as runtime:
        in_frames.clear()
        before, plan = runtime.read_pixels(), runtime.plan
        runtime.tableau["cube"].shadowCaster.active = False
        try:
            for _ in range(FRAMES):
                assert runtime.frame().drawn
            assert runtime.plan is plan
        finally:
            allowed.set()
        runtime.settle()
        runtime.frame()
        assert runtime.plan is not plan
        assert not np.array_equal(runtime.read_pixels(), before)
        assert in_frames == []


@pytest.mark.parametrize(("interval", "milliseconds"), [(0.0005, 0.8), (0.0167, 10.855), (0.5, 39.0)])
@pytest.mark.parametrize("others", [0.0, 0.004])
def test_plans_and_all_else_take_two_thirds_of_the_time_from_frame_to_frame(
    interval: float, milliseconds: float, others: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(spreads=True) as runtime:
        now, cpu = time.perf_counter(), time.thread_time()
        monkeypatch.setattr(time, "perf_counter", lambda: now)
        monkeypatch.setattr(time, "thread_time", lambda: cpu)
        for _ in range(spread_plan.RECENT + 1):
            runtime.frame()
            now, cpu = now + interval, cpu + others  # between frames, as panels take
        runtime.frame()
        left = 1e3 * (runtime.spread.until - cpu)
        assert left == pytest.approx(max(milliseconds - 1e3 * others, 0.8), rel=1e-3)


def test_what_is_done_between_frames_beside_them_leaves_the_next_one_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with opened(spreads=True) as runtime:
        now, cpu = time.perf_counter(), time.thread_time()
        monkeypatch.setattr(time, "perf_counter", lambda: now)
        monkeypatch.setattr(time, "thread_time", lambda: cpu)
        for _ in range(spread_plan.RECENT + 1):
            runtime.frame()
            now += 0.02
            with runtime.spread.between_frames():
                cpu += 0.01
        runtime.frame()
        assert 1e3 * (runtime.spread.until - cpu) == pytest.approx(13.0, rel=1e-3)


def test_a_plan_that_is_wanted_is_made_between_frames_and_the_next_one_draws_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spread_plan, "LONGEST_S", limit(30))
    with opened(spreads=True) as runtime:
        caster = runtime.tableau["cube"].shadowCaster
        for active in (False, True):  # so that no pipeline is missing
            caster.active = active
            runtime.settle()
        before, plan = runtime.read_pixels(), runtime.plan
        now = time.perf_counter()
        monkeypatch.setattr(time, "perf_counter", lambda: now)
        for _ in range(spread_plan.RECENT):
            now += limit(30)
            runtime.frame()
        caster.active = False
        runtime.spread.want()
        while runtime.plan is plan:
            assert runtime.spread.hasten()
        runtime.frame()
        assert not np.array_equal(runtime.read_pixels(), before)


def test_a_plan_that_must_not_be_spread_is_left_to_its_frame() -> None:
    with opened(spreads=True) as runtime:
        plan = runtime.plan
        time.sleep(0.05)
        runtime.frame()
        runtime.tableau["cube"].shadowCaster.active = False
        runtime.spread.want()
        runtime.spread.forbid()
        assert not runtime.spread.hasten()
        runtime.frame()
        assert runtime.plan is not plan


def test_frames_that_take_long_for_a_while_give_plans_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each would be as long as the one before, which was long because of steps."""
    with opened(spreads=True) as runtime:
        now, cpu = time.perf_counter(), time.thread_time()
        monkeypatch.setattr(time, "perf_counter", lambda: now)
        monkeypatch.setattr(time, "thread_time", lambda: cpu)
        for number in range(2 * spread_plan.RECENT):
            now += 0.0167 if number < spread_plan.RECENT or number % 2 else 0.05
            runtime.frame()
        assert 1e3 * (runtime.spread.until - cpu) == pytest.approx(10.855, rel=1e-3)


def test_a_feature_whose_rows_grow_is_drawn_as_before_until_its_plan_is_there(quick: None) -> None:
    """A spot light has one shadow map, and a point light six."""
    with opened(spreads=True) as spread, opened(spreads=False) as at_once:
        for runtime in (spread, at_once):
            runtime.tableau["sun"].translation = (-1.0, 1.5, 1.5)
            runtime.tableau["sun"].light.intensity = 60.0
        for kind in ("spot", "point", "directional", "point"):
            before = spread.read_pixels()
            for runtime in (spread, at_once):
                light = runtime.tableau["sun"].light
                light.kind, light.shadows = kind, "on"
            spread.frame()
            assert spread.spread.is_busy
            if kind == "point":
                np.testing.assert_array_equal(spread.read_pixels(), before)
            for runtime in (spread, at_once):
                runtime.settle()
                runtime.frame()
                assert "feature.failed" not in {problem.code for problem in runtime.problems}
            np.testing.assert_array_equal(spread.read_pixels(), at_once.read_pixels())
            assert not np.array_equal(spread.read_pixels(), before)
