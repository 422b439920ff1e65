"""Claims about steady frames: without changes no plan, with a moved object no plan, with a resize no leak."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.testing import (
    OpenedScene,
    assert_changed,
    assert_no_growth,
    assert_no_upload,
    assert_problems,
    assert_same_pixels,
    assert_silent,
    open_scene,
)

pytestmark = pytest.mark.gpu


@pytest.fixture
def cube() -> Iterator[OpenedScene]:
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        yield scene


def test_planned_bytes_are_live_bytes_once_settled(cube):
    assert cube.memory.live == cube.memory.planned == sum(heap.live for heap in cube.memory.heaps)


def test_the_peak_includes_the_staging_that_was_freed(cube):
    memory, uploaded = cube.memory, cube.schedule.done.bytes_uploaded
    assert memory.peak >= memory.live + uploaded > memory.live > 0


def test_every_byte_has_a_why(cube):
    assert all(row.why for row in cube.memory.assets.values())
    owned = set(cube.plan.memory.subresources["resource"].tolist())
    assert owned == set(cube.plan.memory.resources["id"].tolist())


def test_a_whole_scene_reports_nothing(cube):
    cube.step(count=3)
    assert_problems(cube)
    assert_silent(cube)


def test_a_still_scene_makes_no_plan_and_runs_no_step(cube):
    cube.step(count=2)
    plan, done = cube.plan, cube.schedule.done
    with assert_no_growth(cube):
        cube.step(count=10)
    assert cube.plan is plan
    assert cube.schedule.done == done


def test_a_moved_object_changes_the_picture_and_not_the_plan(cube):
    shown, plan = cube.frame(), cube.plan
    cube["cube"].translation = (0.4, 0.5, 0.0)
    assert_changed(cube.frame(), shown, share=0.05)
    assert cube.plan is plan
    cube["cube"].translation = (0.0, 0.5, 0.0)
    assert_same_pixels(cube.frame(), shown, levels=0, share=0)


def test_fifty_sizes_leave_nothing_behind(cube):
    shown = cube.frame()
    with assert_no_growth(cube):
        for width in range(100, 150):
            cube.resize(width, 80)
            cube.step()
        assert cube.frame().shape == (80, 149, 4)
        cube.resize(64, 48)
    assert_same_pixels(cube.frame(), shown, levels=0, share=0)


def test_another_size_uploads_nothing_again(cube):
    with assert_no_upload(cube):
        cube.resize(200, 160)


def test_switching_a_shadow_ten_times_ends_as_it_began(cube):
    """`tests/bench/bench_frame.py` measures what it costs the frames."""

    def switch(times: int) -> None:
        for _ in range(times):
            cube["cube"].shadowCaster.active = not cube["cube"].shadowCaster.active
            cube.step(count=4)
        cube.settle()

    shown, planned = cube.frame(), cube.memory.planned
    switch(2)
    cube.frame()
    with assert_no_growth(cube):
        switch(10)
        assert_same_pixels(cube.frame(), shown, levels=0, share=0)
    assert cube.memory.planned == cube.memory.live == planned


def test_time_advances_only_by_steps(cube):
    cube.frame()
    assert cube.time == 0.0
    cube.step(0.25, count=4)
    assert cube.time == pytest.approx(1.0)


def test_two_runs_of_one_script_draw_the_same_frames():
    pictures = []
    for _ in range(2):
        with open_scene("scenes/cube.hu", size=(64, 48), seed=7) as scene:
            for _ in range(3):
                scene["cube"].translation = (*scene.random.uniform(-0.3, 0.3, 2), 0.0)
                scene.step()
            pictures.append(scene.frame())
    assert_same_pixels(*pictures, levels=0, share=0)
