"""A device that is lost while the viewer runs: the scene is restored and the run continues."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import images
from support.sampling import Sample

from engine.cli.exits import ExitCode
from engine.cli.stop_signals import stop_signals
from engine.runtime import open_device
from engine.runtime.runtime import Runtime
from engine.vk.device import Device
from engine.vk.errors import Result
from engine.vk.faults import faults
from engine.vk.instance import Instance
from viewer.arguments import Options
from viewer.main import main, make_frames
from viewer.run.headless import HeadlessFrames
from viewer.run.run import run
from viewer.run.scene_opening import opened

pytestmark = pytest.mark.gpu

LOST = Result.DEVICE_LOST
SMALL = ("scenes/cube.hu", "--headless", "--size", "64x48")
LOSES_THE_DEVICE = """
import contextlib

from engine.testing import assert_no_upload, assert_same_pixels
from engine.vk.errors import Result
from engine.vk.faults import faults

def lost(**where):
    return faults.injected(1, Result.DEVICE_LOST, **where)

"""


def lose_after(patch: pytest.MonkeyPatch, *calls: int) -> None:
    """Lose the first devices that are opened, one after the other: each after so many of its calls."""
    call, left = Device.call, [*calls]

    def counted(device: Device, *arguments: Any, **given: Any) -> Result:
        if "left" not in vars(device) and left:
            vars(device)["left"] = left.pop(0)
        if vars(device).get("left") == 0 and not device.lost:
            with faults.injected(1, LOST):
                return call(device, *arguments, **given)
        vars(device)["left"] = vars(device).get("left", 0) - 1
        return call(device, *arguments, **given)

    patch.setattr(Device, "call", counted)


def opened_instances(patch: pytest.MonkeyPatch) -> list[Instance]:
    """List every instance that is opened from now on."""
    found: list[Instance] = []

    def noted(*arguments: Any, **given: Any) -> Instance:
        found.append(Instance(*arguments, **given))
        return found[-1]

    patch.setattr(open_device, "Instance", noted)
    return found


class Ended:
    """One finished run of the viewer: exit code, messages, picture and report."""

    def __init__(self, code: int, reported: str, folder: Path) -> None:
        self.code, self.reported = code, reported
        self.lines = reported.splitlines()
        self._folder = folder

    @property
    def picture(self) -> images.Picture:
        return images.load(self._folder / "picture.png")

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self._folder / "report.json").read_text())


View = Callable[..., Ended]


@pytest.fixture(autouse=True)
def no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget a signal that another test in this process was ended by."""
    monkeypatch.setattr(stop_signals, "number", 0)


@pytest.fixture
def view(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> View:
    def call(*arguments: str | Path) -> Ended:
        written = ("--screenshot", tmp_path / "picture.png", "--report", tmp_path / "report.json")
        code = main([*map(str, (*SMALL, *written, *arguments))])
        return Ended(code, capsys.readouterr().err, tmp_path)

    return call


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> images.Picture:
    """The picture where no device is lost."""
    path = tmp_path_factory.mktemp("whole") / "picture.png"
    assert main([*SMALL, "--screenshot", str(path)]) == ExitCode.DONE
    return images.load(path)


def script(folder: Path, text: str) -> tuple[str, Path]:
    path = folder / "script.py"
    path.write_text(LOSES_THE_DEVICE + text)
    return "--script", path


def test_whichever_call_loses_the_device_the_picture_is_the_same_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: Sample
) -> None:
    picture, report = tmp_path / "picture.png", tmp_path / "report.json"
    options = Options(
        Path(SMALL[0]), headless=True, size=(64, 48), screenshot=picture, report=report, validate=False
    )
    with opened(options) as (scene, library):
        run(options, lambda: make_frames(scene, library, options))
        shown = picture.read_bytes()
        made = silent = 0
        for nth in sample.calls(30):
            made += 1
            picture.unlink()
            with faults.injected(nth, LOST) as injected:
                assert run(options, lambda: make_frames(scene, library, options)) == ExitCode.DONE
            assert picture.read_bytes() == shown, f"call {nth}"
            facts = json.loads(report.read_text())
            assert facts["live_objects_after_close"] == 0, f"call {nth}"
            assert facts["frames"] == facts["settled_at_frame"] == 1
            reported = capsys.readouterr().err.splitlines()
            assert facts["warnings"] == reported
            # A wait for finished work, or saving pipelines while closing, reports no loss.
            assert len(reported) == 1 or (not reported and nth > 60)
            silent += not reported
            if not injected.hits:
                break
    assert nth > 80
    assert silent < max(3, made // 3)


def test_a_loss_is_reported_once_with_the_last_call_and_the_recovery(view: View) -> None:
    with faults.injected(9, LOST, function="vkQueueSubmit2"):
        done = view("--frames", "12")
    assert done.code == 0
    (reported,) = done.lines
    assert reported.startswith("warning[device.lost]: the device was lost, and the scene is restored (1 of")
    last = r"frame \d+|memory steps from \d+ of \d+"
    assert re.search(rf"vkQueueSubmit2: DEVICE_LOST \(last begun: ({last})\)$", reported)
    assert done.report["warnings"] == [reported]
    assert done.report["validation"] == {"enabled": True, "messages": 0}
    assert done.report["plan"]["planned_bytes"] == done.report["plan"]["live_bytes"]


@pytest.mark.parametrize("nth", [1, 5, 12])
def test_as_many_frames_are_drawn_as_were_requested(view: View, whole: images.Picture, nth: int) -> None:
    with faults.injected(nth, LOST, function="vkQueueSubmit2") as injected:
        done = view("--frames", "12")
    assert injected.hits == 1
    assert done.report["frames"] == 12
    assert done.report["settled_at_frame"] <= 12
    images.assert_same(done.picture, whole, levels=0)


@pytest.mark.parametrize("calls", [(60, 1), (70, 30), (70, 55), (20, 0), (70, 30, 1)])
def test_a_loss_while_the_scene_is_restored_counts_again(
    view: View, whole: images.Picture, monkeypatch: pytest.MonkeyPatch, calls: tuple[int, ...]
) -> None:
    lose_after(monkeypatch, *calls)
    done = view("--frames", "12")
    assert done.code == 0
    assert [f"({n} of at most 3 times)" in reported for n, reported in enumerate(done.lines, 1)] == [
        True
    ] * len(calls)
    assert done.report["frames"] == 12
    assert done.report["live_objects_after_close"] == 0
    images.assert_same(done.picture, whole, levels=0)


@pytest.mark.parametrize("calls", [(75, 75, 75, 75), (75, 0, 0, 0), (3, 3, 3, 3)])
def test_the_fourth_loss_ends_the_run_with_4_and_reports_the_number_of_recoveries(
    view: View, monkeypatch: pytest.MonkeyPatch, calls: tuple[int, ...]
) -> None:
    instances = opened_instances(monkeypatch)
    lose_after(monkeypatch, *calls)
    done = view("--frames", "12")
    assert done.code == ExitCode.DEVICE_LOST
    assert [line.partition(":")[0] for line in done.lines] == ["warning[device.lost]"] * 3 + [
        "error[device.lost]"
    ]
    assert "was lost and did not come back" in done.lines[-1]
    assert "the scene had been restored 3 times" in done.lines[-1]
    assert [instance.handles.left_behind for instance in instances] == [0, 0, 0, 0]


def test_a_device_that_is_not_back_yet_is_tried_again(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reset the first attempt may find no device at all."""
    reopen, attempts = Runtime.reopen, []

    def reopen_too_early(runtime: Runtime) -> None:
        attempts.append(len(attempts))
        refused = Result.INITIALIZATION_FAILED if len(attempts) < 3 else Result.SUCCESS
        function = ("vkEnumeratePhysicalDevices", "vkCreateDevice", "")[len(attempts) - 1]
        with faults.injected(1, refused, function=function):
            reopen(runtime)

    lose_after(monkeypatch, 75)
    monkeypatch.setattr(Runtime, "reopen", reopen_too_early)
    done = view("--frames", "12")
    assert (done.code, len(attempts), len(done.lines)) == (0, 3, 3)
    assert done.report["live_objects_after_close"] == 0


def test_switches_size_and_budget_are_kept(view: View, tmp_path: Path) -> None:
    text = """
def run(scene):
    scene["cube"].shadowCaster.active = False
    scene["camera"].translation = (2.0, 1.0, 3.0)
    scene.resize(80, 60)
    scene.limit_budget(24 << 20)
    scene.settle()
    shown = scene.frame()
    for function in ("vkQueueSubmit2", "vkGetSemaphoreCounterValue", "vkWaitSemaphores"):
        with lost(function=function) as injected:
            again = scene.frame()
        assert injected.hits == 1
        assert_same_pixels(again, shown, levels=0, share=0)
        assert scene.memory.live == scene.memory.planned
        assert scene.profile.budget(0) == 24 << 20
        assert scene.size == (80, 60)
        assert "shadowMap" not in scene.memory
"""
    done = view(*script(tmp_path, text))
    assert done.code == 0, done.reported
    assert len(done.lines) == 3
    assert done.picture.shape[:2] == (60, 80)
    assert done.report["live_objects_after_close"] == 0


def test_a_script_counts_its_own_steps_and_not_those_of_the_recovery(view: View, tmp_path: Path) -> None:
    text = """
def run(scene):
    with assert_no_upload(scene):
        with lost(function="vkQueueSubmit2"):
            scene.step(count=3)
        scene["cube"].shadowCaster.enabled = False
        scene.frame()
    before = scene.schedule.done
    scene["cube"].visibleModel.active = False
    scene["cube"].shadowCaster.active = False
    scene.settle()
    scene["cube"].visibleModel.active = True
    scene.settle()
    assert scene.schedule.done.bytes_uploaded > before.bytes_uploaded
    assert len(scene.frames) == scene.frames[-1].number
"""
    done = view(*script(tmp_path, text))
    assert done.code == 0, done.reported
    assert len(done.lines) == 1


def test_no_script_can_go_on_after_the_last_loss(view: View, tmp_path: Path) -> None:
    text = """
def run(scene):
    with faults.injected(1, Result.DEVICE_LOST, function="vkQueueSubmit2", onwards=True):
        while True:
            with contextlib.suppress(Exception):
                scene.frame()
"""
    done = view(*script(tmp_path, text))
    assert done.code == ExitCode.DEVICE_LOST
    assert len(done.lines) == 4
    assert "script.raised" not in done.reported


def test_the_last_loss_may_come_in_the_frame_after_a_script(view: View, tmp_path: Path) -> None:
    text = """
lasts = contextlib.ExitStack()

def run(scene):
    lasts.enter_context(lost(function="vkQueueSubmit2", onwards=True))
"""
    try:
        done = view(*script(tmp_path, text))
    finally:
        with faults.injected(0, LOST):  # ends the injection that the script began
            pass
    assert done.code == ExitCode.DEVICE_LOST
    assert len(done.lines) == 4


def test_a_recording_holds_the_changes_and_nothing_of_the_loss(view: View, tmp_path: Path) -> None:
    text = """
def run(scene):
    scene["cube"].shadowCaster.active = False
    with lost(function="vkQueueSubmit2"):
        scene.settle()
    scene["cube"].visibleModel.enabled = False
    scene.step()
"""
    recorded = tmp_path / "test_recorded.py"
    done = view(*script(tmp_path, text), "--record", recorded)
    assert done.code == 0, done.reported
    assert len(done.lines) == 1
    written = recorded.read_text()
    assert written.index("shadowCaster.active = False") < written.index("visibleModel.enabled = False")
    assert written.count("shadowCaster.active") == 1
    assert "device.lost" not in written


def test_a_device_that_is_lost_while_the_run_closes_costs_nothing(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = HeadlessFrames.close

    def lose_and_close(frames: HeadlessFrames) -> None:
        frames.runtime.frame()
        with faults.injected(1, LOST, function="vkDeviceWaitIdle"):
            close(frames)

    monkeypatch.setattr(HeadlessFrames, "close", lose_and_close)
    done = view()
    assert done.code == 0
    assert "the device was lost while it was closed: vkDeviceWaitIdle: DEVICE_LOST" in done.reported
    assert done.report["warnings"] == done.lines
    assert done.report["live_objects_after_close"] == 0
