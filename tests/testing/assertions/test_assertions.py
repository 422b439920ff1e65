"""Claims about assertions: each fails where it must, with a message that explains the failure.

The messages are here in full, as people read them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from engine.testing import (
    MIB,
    Box,
    OpenedScene,
    assert_changed,
    assert_changed_only_inside,
    assert_color,
    assert_freed,
    assert_looks_same,
    assert_memory,
    assert_no_growth,
    assert_no_hitch,
    assert_no_upload,
    assert_not_planned,
    assert_nothing_live,
    assert_plan_rows,
    assert_planned,
    assert_problems,
    assert_same_pixels,
    assert_same_plan,
    assert_schedule,
    assert_usages,
    open_scene,
)
from engine.testing.scene.frame import Frame

SHADOW_WHY = "light on 'sun' at scenes/cube.hu:32:19", "shadowCaster on 'cube' at scenes/cube.hu:13:19"


@pytest.fixture
def cube() -> Iterator[OpenedScene]:
    with open_scene("scenes/cube.hu", profile="unified") as scene:
        yield scene


@pytest.fixture(autouse=True)
def in_the_checkout(root, monkeypatch):
    monkeypatch.chdir(root)


def said(check: Callable[..., object], *arguments: object, **named: object) -> str:
    with pytest.raises(AssertionError) as caught:
        check(*arguments, **named)
    return str(caught.value)


def grey(width: int = 40, height: int = 30, level: int = 100) -> Frame:
    return Frame.of(np.full((height, width, 4), level, np.uint8))


def test_what_is_not_planned_is_reported_with_its_nearest_name_and_all_there_is(cube):
    text = said(assert_planned, cube, "shadowmap")
    assert text.startswith("'shadowmap' is not in the plan (did you mean shadowMap?), which has:\n")
    assert "\n    assetDb0 vertices 'plane'\n" in text


def test_a_name_of_two_rows_is_refused_with_both(cube):
    text = said(assert_planned, cube, "plane")
    assert text.splitlines() == [
        "'plane' is the name of more than one row:",
        "    assetDb0 indices 'plane'",
        "    assetDb0 vertices 'plane'",
    ]


def test_other_terms_of_a_row_are_reported_one_by_one_with_its_requesters(cube):
    text = said(
        assert_planned,
        cube,
        "shadowMap",
        usages=["sampled_bit", "storage_bit"],
        kind="buffer",
        heap=1,
        max_bytes=MIB,
        why="rain",
    )
    assert text.splitlines()[:8] == [
        "shadowMap is planned with other properties:",
        "    usages: lacks storage_bit",
        "    usages: has depth_stencil_attachment_bit too",
        "    kind: expected buffer, is image",
        "    heap: expected 1, is 0",
        "    bytes: expected at most 1.00 MiB, takes 16.00 MiB (16777216)",
        "    why: no requester contains 'rain'",
        "requested by:",
    ]
    assert {f"    {why}" for why in SHADOW_WHY} <= set(text.splitlines())


def test_what_is_planned_and_should_not_be_is_reported_with_its_bytes_and_who_requests(cube):
    text = said(assert_not_planned, cube, "shadowMap")
    assert text.splitlines()[:3] == [
        "shadowMap is in the plan (16.00 MiB), requested by:",
        *(f"    {why}" for why in SHADOW_WHY),
    ]


def test_other_rows_of_the_plan_are_reported_by_name(cube):
    assert said(assert_plan_rows, cube, pipelines=["forward/0", "toneMap", "fog/0"]).splitlines() == [
        "the plan has other rows:",
        "    missing pipelines: fog/0",
        "    unexpected pipelines: shadow/0",
    ]


def test_a_different_plan_text_is_reported_line_by_line_with_the_place(cube):
    text = cube.plan_text
    cube["cube"].shadowCaster.active = False
    lines = said(assert_same_plan, cube, text).splitlines()
    assert lines[0] == "the plans differ (- expected, + actual):"
    assert "- plannedBytes: " in lines[1]
    assert "@ memoryPlan > memoryType 0" in lines
    assert any(re.fullmatch(r"- allocation \d \(shadowMap\) is gone \(\d+ lines\)", line) for line in lines)
    assert "@ memoryPlan > memoryType 1 > allocation 0 > resource 0 > assetDb0 vertices #2" in lines
    assert "+ why: [\"visibleModel on 'cube' at scenes/cube.hu:12:19\"]" in lines


def test_memory_over_a_limit_is_reported_with_the_excess_and_the_largest(cube):
    text = said(assert_memory, cube, peak=MIB, heaps={0: 2 * MIB})
    assert text.startswith("the scene exceeds its memory limits:\n    peak memory: ")
    assert "bytes over)" in text
    assert "    heap 0: " in text
    assert f"   16.00 MiB  shadowMap, for {', '.join(SHADOW_WHY)}" in text


def test_a_plain_assert_on_memory_shows_what_is_there(cube):
    text = repr(cube.memory)
    assert text.startswith("<memory: live ")
    assert "largest: shadowMap 16.00 MiB" in text


def test_another_heap_than_there_is_is_refused(cube):
    assert said(assert_memory, cube, heaps={7: 0}) == "there is no heap 7: the device has 1"


def test_other_usages_are_reported_bit_by_bit(cube):
    assert "    usages: has transfer_dst_bit, transfer_src_bit too" in said(
        assert_usages, cube, "#8", "sampled_bit"
    )


def test_what_was_not_freed_is_reported_with_what_was(cube):
    before = cube.memory
    cube["cube"].shadowCaster.active = False
    cube.settle()
    text = said(assert_freed, before, cube.memory, "shadowMap", "sceneColor", only=True, at_least=20 * MIB)
    lines = text.splitlines()
    assert lines[1] == "    sceneColor (0.59 MiB) is still there"
    gone = "frame.cascade.0", "shadow.draws", "shadow.commands"
    for line, name in zip(lines[2:5], gone, strict=True):
        assert re.fullmatch(rf"    {re.escape(name)} \(\d+ bytes\) is gone too", line)
    assert lines[5:8] == [
        "    16.00 MiB were freed, expected at least 20.00 MiB",
        "freed were:",
        "    shadowMap: 16.00 MiB",
    ]


def test_growth_is_reported_with_what_is_new(cube):
    cube["cube"].shadowCaster.active = False

    def grow() -> None:
        with assert_no_growth(cube):
            cube["cube"].shadowCaster.active = True

    text = said(grow)
    assert text.startswith("memory or objects grew over the block:\n")
    assert "\n    live memory grew by 16.00 MiB: " in text
    assert "    shadowMap is new: 16.00 MiB" in text
    assert "    1 more live objects of type allocation" in text


def test_a_second_upload_is_reported_asset_by_asset(cube):
    def fetch_again() -> None:
        with assert_no_upload(cube):
            cube["cube"].active = False
            cube.settle()
            cube["cube"].active = True

    lines = said(fetch_again).splitlines()
    assert lines[0] == "1.33 MiB were uploaded, expected none:"
    assert "    assetDb0 texture2d #8: 0.33 MiB" in lines


def test_a_schedule_that_does_more_is_reported_with_its_steps(cube):
    cube["cube"].active = False
    cube.settle()
    cube["cube"].active = True
    lines = said(assert_schedule, cube, bytes_uploaded=0, max_steps=1, uploads={"shadowMap"}).splitlines()
    assert lines[:2] == [
        "the schedule is not as expected:",
        "    uploads 1.33 MiB, at most 0 bytes expected",
    ]
    assert "    does not upload shadowMap" in lines
    assert any(line.startswith("its steps: ") for line in lines)


def test_pictures_that_differ_are_reported_with_share_box_and_worst_pixel():
    changed = grey()
    changed[5:10, 4:8] = (130, 90, 100, 255)
    assert said(assert_same_pixels, changed, grey()).splitlines() == [
        "the pictures differ: 20 of 1200 pixels (1.667%) differ, by up to 30 of 255, "
        "all of them in x 4 y 5 width 4 height 5",
        "    allowed are 2 levels, and more in 0.100% of the pixels",
        "    most at x 4, y 5: expected (100, 100, 100), is (130, 90, 100)",
    ]
    assert_same_pixels(changed, grey(), box=Box(10, 10, 20, 20))
    mask = np.ones((30, 40), bool)
    mask[5:10, 4:8] = False
    assert_same_pixels(changed, grey(), mask=mask)
    assert "the mask is 3x3 pixels, the pictures 40x30" in said(
        assert_same_pixels, changed, grey(), mask=np.ones((3, 3), bool)
    )


def test_pictures_of_two_sizes_are_reported_with_both():
    text = said(assert_same_pixels, grey(20, 10), grey())
    assert text == "the pictures have different sizes: 20x10, expected 40x30"


def test_a_lost_colour_channel_is_no_picture_alike():
    picture = Frame.of(np.dstack([np.full((30, 40), level, np.uint8) for level in (200, 60, 20, 255)]))
    lost = picture.copy()
    lost[..., 0] = 0
    assert "100.000%" in said(assert_same_pixels, lost, picture)
    assert "100.000%" in said(assert_looks_same, lost, picture)


def test_a_picture_that_should_have_changed_says_it_has_not():
    assert said(assert_changed, grey(), grey()).startswith("the picture has not changed: 0 of 1200 pixels")
    assert " inside x 1..4, y 2..5: " in said(assert_changed, grey(), grey(), box=Box(1, 2, 4, 4))


def test_a_change_outside_the_box_is_reported_with_where():
    changed = grey()
    changed[2:4, 2:4] = changed[20, 30] = (255, 255, 255, 255)
    assert said(assert_changed_only_inside, changed, grey(), Box(0, 0, 10, 10)).splitlines() == [
        "the picture has changed outside the box x 0..9, y 0..9: 1 of 1100 pixels (0.091%) differ, "
        "by up to 155 of 255, all of them in x 30 y 20 width 1 height 1",
        "    most at x 30, y 20: expected (100, 100, 100), is (255, 255, 255)",
    ]
    assert "has not changed inside" in said(assert_changed_only_inside, changed, grey(), Box(12, 12, 4, 4))


def test_what_looks_different_is_reported_with_where_and_how_much():
    changed = grey()
    changed[10:20, 10:20] = (160, 100, 100, 255)
    lines = said(assert_looks_same, changed, grey()).splitlines()
    assert lines[0].startswith("the pictures do not look the same: ")
    assert lines[1].startswith("    most at x 1")


def test_noise_that_the_eye_does_not_see_looks_the_same_and_is_not_the_same():
    noisy = grey().astype(int)
    noisy[..., :3] += np.random.default_rng(1).integers(-4, 5, (30, 40, 3))
    noisy = noisy.astype(np.uint8)
    assert_looks_same(noisy, grey())
    said(assert_same_pixels, noisy, grey())


def test_a_colour_that_is_nowhere_is_reported_with_the_most_common_ones():
    assert said(assert_color, grey(), (255, 0, 255)).splitlines() == [
        "0.000% of the pixels have the colour #ff00ff, within 24 levels; expected 1.000% to 100.000%",
        "    where: nowhere",
        "    the most common colours there, about: #686868 100.0%",
    ]
    assert "where: x 0..39, y 0..29" in said(assert_color, grey(), (100, 100, 100), at_least=0, at_most=0)


def test_a_box_beyond_the_picture_is_refused():
    with pytest.raises(ValueError, match=r"the box x 30\.\.49, y 0\.\.9 is not inside a picture of 40x30"):
        assert_color(grey(), (0, 0, 0), box=Box(30, 0, 20, 10))


def test_missing_and_unexpected_problems_are_both_reported(faults):
    copy = faults.copy("scenes/cube.hu")
    (copy.parents[1] / "assets/builtin/material/brick-normal.png").unlink()
    with open_scene(copy, profile="unified") as scene:
        text = said(assert_problems, scene, "scene.tableau", ("asset.broken", "brick-albedo"))
        assert_problems(scene, ("asset.broken", "brick-normal"))
        assert_problems(scene, "asset.broken")
        assert said(assert_problems, scene).startswith("reported, but not expected:\n")
    assert text.startswith(
        "expected, but not reported:\n"
        "    scene.tableau\n"
        "    asset.broken with 'brick-albedo'\n"
        "reported, but not expected:\n"
    )
    assert "warning[asset.broken]: texture2d #9 is broken and replaced" in text


@pytest.mark.gpu
def test_a_hitch_is_reported_with_its_frame_and_the_median():
    with open_scene("scenes/cube.hu") as scene:
        scene.step(count=10)
        frames = [replace(frame, cpu_ms=2.0) for frame in scene.frames]
    frames[6] = replace(frames[6], cpu_ms=9.0)
    assert said(assert_no_hitch, frames).splitlines() == [
        "1 of 10 frames took longer than 4.00 ms (1.5 x the median of 2.00 ms, and 1.0 ms), cpu time:",
        "    frame 7: 9.00 ms, 4.5 x the median",
    ]
    assert_no_hitch(frames[:6])
    with pytest.raises(ValueError, match="3 frames are too few"):
        assert_no_hitch(frames[:3])


def test_memory_that_outlives_its_scene_is_reported(cube, monkeypatch):
    live = cube.memory.live
    with monkeypatch.context() as kept:
        kept.setattr(type(cube.host), "close", lambda self: None)
        assert said(assert_nothing_live, cube) == (
            f"{live / MIB:.2f} MiB are still live after the scene was closed"
        )


@pytest.mark.gpu
def test_an_object_that_outlives_its_scene_is_reported_by_its_name():
    from engine.vk.structs import new

    scene = open_scene("scenes/cube.hu", size=(32, 24), own_device=True)
    device = scene.host.runtime.device
    device.create("Fence", new("VkFenceCreateInfo"), name="forgotten", why="this test")
    assert "Fence 'forgotten' (this test)" in said(assert_nothing_live, scene)
