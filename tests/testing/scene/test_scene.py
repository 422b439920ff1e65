"""Claims about the scene under test: settling, isolation, checks on closing, texts of failures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from support.texture_requests import NORMAL, ROUGHNESS, TANGENT, TextureRequests

from engine.plan.requirements.requirements import Requirement
from engine.plan.terms.errors import PlanError
from engine.plan.terms.vocabulary import BufferUsage, Kind
from engine.testing import (
    NotSettled,
    OpenedScene,
    assert_no_upload,
    assert_nothing_live,
    assert_same_pixels,
    assert_same_plan,
    assert_silent,
    open_scene,
)
from engine.testing.scene.shared_devices import close_devices, lease_device
from engine.vk.binding import NULL
from engine.vk.messages import Message, MessageType, Severity
from engine.vk.structs import new


class Restless:
    """Requests another buffer each time, so that the plan never stays the same."""

    requester = "restless"

    def __init__(self, keys) -> None:
        self._keys = keys
        self._version = 0

    @property
    def version(self) -> int:
        self._version += 1
        return self._version

    def requirements(self) -> Iterable[Requirement]:
        size = 256 * (1 + self._version % 7)
        key = self._keys.transient("restless")
        yield Requirement(key, Kind.BUFFER, size, usage=BufferUsage.STORAGE_BUFFER)


def test_a_scene_that_has_too_few_frames_lists_the_steps_still_open():
    with open_scene("scenes/cube.hu", profile="unified", settle=False, paging_cycles=1) as scene:
        with pytest.raises(NotSettled) as caught:
            scene.settle(max_frames=1)
        lines = str(caught.value).splitlines()
        assert lines[0].startswith("the scene has not settled after 1 frames: ")
        assert lines[0].endswith(" steps are open")
        transfers = [line for line in lines if line.startswith("    transfer ")]
        assert {line.split()[1] for line in transfers} <= {"builtin", "assetDb0"}
        assert any("bytes)" in line for line in transfers)
        assert scene.settle() > 0


@pytest.mark.parametrize("device", [{"profile": "discrete-window", "check_bytes": True}, {}])
def test_compaction_is_reported_and_then_carried_out_on_every_device(device: dict[str, Any]):
    with open_scene("scenes/cube.hu", **device) as scene:
        host = scene.host
        library, planner = (
            (host._library, host._planner) if device else (host.runtime.library, host.runtime.planner)
        )
        texture_requests = TextureRequests(planner, library)
        scene["cube"].visibleModel.active = scene["cube"].shadowCaster.active = False
        scene.settle()
        for textures in ((NORMAL, TANGENT), (NORMAL, TANGENT, ROUGHNESS), (NORMAL, ROUGHNESS)):
            texture_requests.request(*textures)
            if len(textures) == 3:
                with pytest.raises(PlanError, match="a schedule is in progress"):
                    scene.compaction()
            scene.settle()
        live = scene.memory.live
        found = scene.compaction()
        assert found.gain >= 256 * 256 * 4
        assert found.moves == 1
        scene.settle()
        assert scene.memory.live == live
        assert scene.compact().gain == found.gain
        assert scene.settle() > 0
        assert scene.memory.live == scene.memory.planned == live - found.gain
        assert scene.schedule.bytes_moved == found.moved
        assert scene.compact().moves == 0


@pytest.mark.gpu
def test_a_scene_that_never_settles_fails_after_so_many_frames():
    with open_scene("scenes/cube.hu") as scene:
        scene.host.runtime.add_overlay(Restless(scene.host.runtime.planner.keys))
        with pytest.raises(NotSettled, match="its plan changes in every frame"):
            scene.settle(max_frames=5)


@pytest.mark.gpu
def test_scenes_share_one_device_and_each_finds_it_as_the_first_did():
    pictures = []
    for _ in range(2):
        with open_scene("scenes/cube.hu") as scene:
            device = scene.host.runtime.device
            pictures.append(scene.frame())
        with open_scene("scenes/cube.hu", settings=["sun.light.intensity=9"]) as other:
            assert other.host.runtime.device is device
            other["cube"].translation = (9.0, 9.0, 9.0)
            other.resize(100, 50)
            other.step(count=3)
    assert_same_pixels(*pictures, levels=0, share=0)


@pytest.mark.gpu
def test_two_scenes_can_be_open_at_once_on_one_device():
    with open_scene("scenes/cube.hu") as one, open_scene("scenes/cube.hu") as two:
        two["cube"].active = False
        two.settle()
        assert one.memory.live > two.memory.live
        assert_same_pixels(one.frame(), one.frame(), levels=0, share=0)
        assert_nothing_live(two)


@pytest.mark.gpu
def test_what_a_scene_leaves_on_the_device_fails_its_close_and_ends_the_device():
    scene = open_scene("scenes/cube.hu", validate=False)
    device = scene.host.runtime.device
    info = new("VkSemaphoreCreateInfo")
    device.create("Semaphore", info, name="forgotten", why="a test")
    with pytest.raises(
        AssertionError, match=r"left Vulkan objects behind:\n    Semaphore 'forgotten' \(a test\)"
    ):
        scene.close()
    assert device.handle == NULL
    with open_scene("scenes/cube.hu", validate=False) as scene:
        assert scene.host.runtime.device is not device


@pytest.mark.gpu
def test_an_error_inside_takes_precedence_over_one_of_closing():
    def fail() -> None:
        with open_scene("scenes/cube.hu", validate=False) as scene:
            scene.host.runtime.device.create("Semaphore", new("VkSemaphoreCreateInfo"), name="forgotten")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


@pytest.mark.gpu
def test_a_device_of_ones_own_is_closed_with_its_scene():
    with open_scene("scenes/cube.hu", own_device=True, validate=False) as scene:
        device = scene.host.runtime.device
    assert device.handle == NULL
    assert device.instance.handles.left_behind == 0


@pytest.mark.gpu
def test_closed_devices_are_opened_again():
    lease = lease_device("", False)
    assert lease.release() == []
    close_devices()
    with open_scene("scenes/cube.hu", validate=False) as scene:
        assert scene.host.runtime.device is not lease.device


@pytest.mark.gpu
def test_validated_and_unvalidated_runs_give_the_same_plan_text():
    with open_scene("scenes/cube.hu", validate=False) as scene:
        text = scene.plan_text
    with open_scene("scenes/cube.hu", validate=True) as scene:
        assert_same_plan(scene, text)


@pytest.mark.gpu
def test_a_frame_shows_as_a_picture_and_its_parts_as_numbers():
    with open_scene("scenes/cube.hu") as scene:
        frame = scene.frame()
    assert frame.shape == (240, 320, 4)
    assert frame.dtype == np.uint8
    assert frame._repr_png_().startswith(b"\x89PNG")
    assert frame[:20, :20]._repr_png_().startswith(b"\x89PNG")
    assert frame[0, 0]._repr_png_() is None
    assert (frame.astype(float) / 2)._repr_png_() is None


def test_names_in_memory_may_be_short_and_a_wrong_one_is_answered_with_the_nearest():
    with open_scene("scenes/cube.hu", profile="unified") as scene:
        memory = scene.memory
    assert memory["vertices plane"] == memory["assetDb0 vertices 'plane'"]
    assert "shadowMap" in memory
    with pytest.raises(KeyError, match="did you mean shadowMap"):
        memory["shadowmap"]
    with pytest.raises(
        KeyError, match="'plane' may be assetDb0 vertices 'plane' or assetDb0 indices 'plane'"
    ):
        memory["plane"]
    assert {row.name for row in memory.of("ground")} >= {"assetDb0 vertices 'plane'", "sceneColor"}


def test_a_window_is_not_opened_from_here():
    with pytest.raises(ValueError, match="python -m viewer SCENE --script"):
        open_scene("scenes/cube.hu", headless=False)


@pytest.mark.gpu
def test_a_scene_that_is_not_closed_is_closed_with_a_warning():
    scene = open_scene("scenes/cube.hu", validate=False)
    device = scene.host.runtime.device
    assert repr(scene).startswith("<scene cube.hu on llvmpipe") or "cube.hu on" in repr(scene)
    with pytest.warns(ResourceWarning, match=r"<scene cube\.hu on .*, 320x240> was not closed"):
        del scene
    lease = lease_device("", False)
    assert lease.device is device
    assert lease.shared.users == 1
    assert lease.release() == []


@pytest.mark.gpu
def test_what_the_validation_layers_say_fails_its_scene_and_not_the_next():
    with open_scene("scenes/cube.hu", validate=False) as early:
        scene = open_scene("scenes/cube.hu", validate=False)
        messages = scene.host.runtime.instance.messages
        kind = MessageType.VALIDATION
        messages.all.append(Message(Severity.ERROR, kind, "VUID-made-up", "that was wrong", ()))
        with pytest.raises(AssertionError) as caught:
            assert_silent(scene)
        assert str(caught.value).splitlines() == [
            "the validation layers reported:",
            "    error VUID-made-up: that was wrong",
        ]
        with pytest.raises(AssertionError, match="the validation layers reported:\n    error VUID-made-up"):
            scene.close()
        with open_scene("scenes/cube.hu", validate=False) as following:
            assert_silent(following)
        messages.all.clear()
        assert early.messages == ()


@pytest.mark.gpu
def test_uploads_are_reported_by_name_on_a_device_too():
    with open_scene("scenes/cube.hu", settle=False) as scene:
        with pytest.raises(AssertionError, match=r"assetDb0 vertices #2: 1632 bytes"):
            fetch_again(scene)
        assert scene.schedule.done.bytes_uploaded > 0


def fetch_again(scene: OpenedScene) -> None:
    with assert_no_upload(scene):
        scene["cube"].active = False
        scene.settle()
        scene["cube"].active = True


def test_a_step_moves_the_clock_and_a_paused_clock_stays(root):
    with open_scene(root / "scenes" / "cube.hu", profile="nvidia-h200") as scene:
        scene.step()
        assert scene.time == 1 / 60
        scene.step(0.5, 2)
        assert scene.time == 1 / 60 + 0.5 + 0.5
        scene.clock.paused = True
        scene.step(3.0)
        assert scene.time == 1 / 60 + 1.0
        scene.clock.set(8.0)
        assert scene.time == 8.0
