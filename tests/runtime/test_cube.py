"""Claims about `scenes/cube.hu`, drawn without a display: picture, memory, switches, silence."""

import numpy as np
import pytest
from support.scenes import running

pytestmark = pytest.mark.gpu

SHADOW_MAP_BYTES = 2048 * 2048 * 4


@pytest.fixture(scope="module")
def cube():
    """A settled runtime of the scene that tests leave as they found it."""
    with running() as runtime:
        yield runtime


def picture(runtime) -> np.ndarray:
    for _ in range(2):
        runtime.frame()
    return runtime.read_pixels()[..., :3].astype(int)


def test_planned_bytes_are_live_bytes_after_settle(cube):
    assert cube.memory.live_bytes == cube.plan.planned_bytes > SHADOW_MAP_BYTES
    assert cube.memory.live_bytes == sum(row["size"] for row in cube.memory.live().allocations)


def test_every_byte_has_a_why(cube):
    plan = cube.plan
    for row in plan.memory.subresources:
        assert plan.why(int(row["key"]))
    owned = set(plan.memory.subresources["resource"].tolist())
    assert owned == set(plan.memory.resources["id"].tolist())


def test_the_picture_shows_a_red_brick_cube_on_a_ground_below_an_empty_background(cube):
    shown = picture(cube)
    height, width, _ = shown.shape
    middle = shown[height // 2 - 20 : height // 2 + 20, width // 2 - 20 : width // 2 + 20]
    assert middle[..., 0].mean() > 1.3 * middle[..., 2].mean()  # bricks are red
    assert middle.std(axis=(0, 1)).max() > 8  # and have joints
    top = shown[:4]
    assert top.std(axis=(0, 1)).max() < 1  # nothing there


def test_shadow_disabled_is_gone_and_keeps_its_memory(cube):
    lit, live = picture(cube), cube.memory.live_bytes
    cube.tableau["cube"].shadowCaster.enabled = False
    without = picture(cube)
    assert cube.memory.live_bytes == live
    brighter = (without - lit).sum(axis=2)
    assert (brighter > 60).mean() > 0.01  # a region of the ground
    assert (brighter < -12).mean() < 0.001  # and nothing got darker
    cube.tableau["cube"].shadowCaster.enabled = True
    assert np.array_equal(picture(cube), lit)


def test_shadow_inactive_is_gone_and_gives_its_memory_back_while_frames_go_on(cube):
    lit, live = picture(cube), cube.memory.live_bytes
    cube.tableau["cube"].shadowCaster.active = False
    assert cube.frame().drawn
    cube.settle()
    assert live - cube.memory.live_bytes >= SHADOW_MAP_BYTES
    assert cube.memory.live_bytes == cube.plan.planned_bytes
    assert ((picture(cube) - lit).sum(axis=2) > 60).mean() > 0.01
    cube.tableau["cube"].shadowCaster.active = True
    cube.settle()
    assert cube.memory.live_bytes == live
    assert np.array_equal(picture(cube), lit)


def test_a_model_inactive_is_gone_and_comes_back(cube):
    shown = picture(cube)
    cube.tableau["cube"].active = False
    cube.settle()
    gone = picture(cube)
    assert np.abs(gone - shown).max() > 60
    cube.tableau["cube"].active = True
    cube.settle()
    assert np.array_equal(picture(cube), shown)


def test_everything_inactive_draws_the_background_and_keeps_one_picture(cube):
    shown = picture(cube)
    cube.tableau.active = False
    cube.settle()
    assert picture(cube).std(axis=(0, 1)).max() == 0
    assert cube.memory.live_bytes < 4 << 20
    cube.tableau.active = True
    cube.settle()
    assert np.array_equal(picture(cube), shown)


def test_a_still_frame_makes_no_plan_and_records_nothing(cube):
    picture(cube)
    plan, steps = cube.plan, cube.memory.statistics.steps
    made = cube.device.vk.vkBeginCommandBuffer
    calls = []
    cube.device.vk.vkBeginCommandBuffer = lambda *arguments: calls.append(arguments) or made(*arguments)
    try:
        for _ in range(10):
            cube.frame()
    finally:
        cube.device.vk.vkBeginCommandBuffer = made
    assert cube.plan is plan
    assert cube.memory.statistics.steps == steps
    assert calls == []


def test_moving_an_object_changes_the_picture_and_records_nothing(cube):
    shown, plan = picture(cube), cube.plan
    handle = cube.tableau["cube"]
    before = tuple(handle.translation)
    handle.translation = (before[0] + 0.4, before[1], before[2])
    assert np.abs(picture(cube) - shown).max() > 60
    assert cube.plan is plan
    handle.translation = before
    assert np.array_equal(picture(cube), shown)


def test_device_memory_does_not_change_over_frames(cube):
    picture(cube)
    before = cube.instance.handles.counts()
    for _ in range(50):
        cube.frame()
    assert cube.instance.handles.counts() == before


def test_resizing_changes_the_picture_and_leaks_nothing(cube):
    cube.settle()
    shown, counts, live = picture(cube), cube.instance.handles.counts(), cube.memory.live_bytes
    for width in range(100, 150):
        cube.resize(width, 80)
        cube.frame()
    cube.settle()
    assert picture(cube).shape == (80, 149, 3)
    cube.resize(320, 240)
    cube.settle()
    assert np.array_equal(picture(cube), shown)
    assert cube.instance.handles.counts() == counts
    assert cube.memory.live_bytes == live


def withdraw(runtime, *assets: tuple[str, str | int]) -> None:
    """Take published assets away, as if they were still on their way."""
    keys = [runtime.library.find("assetDb0", name, (kind,)).key for kind, name in assets]
    runtime.memory.published.withdraw(np.array(keys, np.int64))


def test_until_a_texture_arrives_the_builtin_one_of_its_slot_is_drawn():
    with running() as runtime:
        bricks = picture(runtime)
        withdraw(runtime, ("texture2d", 8))
        plain = picture(runtime)
        assert runtime.renderer.draws.instances == 3
    middle = np.s_[100:140, 140:180]
    assert bricks[middle][..., 0].mean() > 1.3 * bricks[middle][..., 2].mean()
    assert abs(plain[middle][..., 0].mean() - plain[middle][..., 2].mean()) < 0.2 * plain[middle].mean()
    assert plain[middle].mean() > bricks[middle].mean()


def test_until_a_mesh_arrives_the_placeholder_is_drawn_with_the_objects_material():
    with running() as runtime:
        bricks = picture(runtime)
        withdraw(runtime, ("vertices", 2))
        placeholder = picture(runtime)
        assert runtime.renderer.draws.instances == 3
    different = (np.abs(placeholder - bricks).max(axis=2) > 8).mean()
    assert different < 0.02  # the placeholder is a unit cube too, and so is ours
