"""Signals and a lost display end a run in order; twice Ctrl-C ends it at once, in order too."""

from __future__ import annotations

import ctypes
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import images
from support.display import Display, display_server
from support.limits import limit
from support.stopping import DRIVER, end, started

from engine.render import frame_recorder
from engine.runtime import open_device, runtime
from engine.vk.instance import Instance
from engine.vk.timeline import FrameSlots
from viewer.arguments import Options
from viewer.guard import Guard
from viewer.main import main
from viewer.run.headless import HeadlessFrames
from viewer.run.scene_opening import opened
from viewer.window.window import Window

import glfw  # isort: skip

pytestmark = pytest.mark.gpu


@pytest.fixture
def instances(monkeypatch: pytest.MonkeyPatch) -> list[Instance]:
    """Every instance that is opened."""
    found: list[Instance] = []

    def noted(*arguments: Any, **given: Any) -> Instance:
        found.append(Instance(*arguments, **given))
        return found[-1]

    monkeypatch.setattr(open_device, "Instance", noted)
    return found


def press(
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    function: str,
    times: int = 1,
    *,
    call: int = 10,
    number: int = signal.SIGINT,
) -> None:
    """Press Ctrl-C so often, or send another signal, inside of a function, the tenth time it is called."""
    real, calls = getattr(place, function), []

    def pressed(*arguments: Any, **given: Any) -> Any:
        calls.append(function)
        for _ in range(times if len(calls) == call else 0):
            os.kill(os.getpid(), number)
        return real(*arguments, **given)

    monkeypatch.setattr(place, function, pressed)


def view(*arguments: str | Path) -> int:
    return main(["scenes/cube.hu", "--size", "64x48", "--frames", "1000", "--validate", *map(str, arguments)])


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_the_scene_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    instances: list[Instance],
    capsys: pytest.CaptureFixture[str],
    times: int,
) -> None:
    report = tmp_path / "report.json"
    press(monkeypatch, frame_recorder.FrameRecorder, "_draw", times, call=2)
    assert view("--headless", "--report", report) == 130
    assert [(instance.handles.left_behind, len(instance.messages)) for instance in instances] == [(0, 0)]
    if times == 1:
        assert json.loads(report.read_text())["frames"] < 1000
    else:
        assert capsys.readouterr().err == "stopped\n"
        assert not report.exists()


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_the_window_is_recorded(
    monkeypatch: pytest.MonkeyPatch, instances: list[Instance], display: Display, times: int
) -> None:
    from viewer.run.presenter import Presenter

    press(monkeypatch, Presenter, "_barrier", times)
    assert view() == 130
    assert [(instance.handles.left_behind, len(instance.messages)) for instance in instances] == [(0, 0)]


@pytest.mark.parametrize("windowed", [False, True], ids=["headless", "window"])
def test_a_signal_while_a_frame_waits_for_the_device_submits_no_more(
    monkeypatch: pytest.MonkeyPatch, instances: list[Instance], display: Display, windowed: bool
) -> None:
    taken: list[int] = []
    before: list[int] = []
    real = FrameSlots.wait, FrameSlots.take

    def wait(slots: FrameSlots, slot: int) -> None:
        real[0](slots, slot)
        if len(taken) == 3 and not before:
            before.extend(taken)
            os.kill(os.getpid(), signal.SIGINT)

    def take(slots: FrameSlots, slot: int) -> None:
        taken.append(slot)
        real[1](slots, slot)

    monkeypatch.setattr(FrameSlots, "wait", wait)
    monkeypatch.setattr(FrameSlots, "take", take)
    assert view(*(() if windowed else ("--headless",))) == 130
    assert taken == before
    assert [(instance.handles.left_behind, len(instance.messages)) for instance in instances] == [(0, 0)]


def test_frames_are_drawn_again_after_a_run_that_a_signal_has_ended(
    monkeypatch: pytest.MonkeyPatch, instances: list[Instance]
) -> None:
    with monkeypatch.context() as patch:
        press(patch, FrameSlots, "wait")
        assert view("--headless") == 130
    options = Options(scene=Path("scenes/cube.hu"), size=(64, 48), frames=1000, headless=True)
    with opened(options) as (scene, library):
        frames = HeadlessFrames(scene, library, options)
        try:
            frames.runtime.load()
            assert [frames.step().drawn for _ in range(4)] == [True] * 4
        finally:
            frames.close()


def test_ctrl_c_at_the_end_of_a_script(tmp_path: Path, instances: list[Instance]) -> None:
    script = tmp_path / "script.py"
    script.write_text("import os, signal\ndef run(scene):\n    os.kill(os.getpid(), signal.SIGINT)\n")
    assert view("--headless", "--script", script) == 130
    assert [(instance.handles.left_behind, len(instance.messages)) for instance in instances] == [(0, 0)]


@pytest.mark.parametrize("function", ["load", "frame"])
def test_a_signal_before_the_first_frame_is_drawn_leaves_a_picture_of_what_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, instances: list[Instance], function: str
) -> None:
    report, picture = tmp_path / "report.json", tmp_path / "picture.png"
    press(monkeypatch, runtime.Runtime, function, call=1, number=signal.SIGTERM)
    options = ["--size", "64x48", "--headless", "--report", str(report), "--screenshot", str(picture)]
    assert main(["scenes/cube.hu", *options]) == 143
    facts = json.loads(report.read_text())
    assert facts["frames_drawn"] == 1
    assert facts["live_objects_after_close"] == 0
    assert images.load(picture).shape == (48, 64, 4)


def test_signals_while_everything_is_closed_do_not_tear_it(
    monkeypatch: pytest.MonkeyPatch, instances: list[Instance]
) -> None:
    press(monkeypatch, runtime.Runtime, "close", call=1, times=3)
    assert main(["scenes/cube.hu", "--size", "64x48", "--headless"]) == 130
    assert [(instance.handles.left_behind, len(instance.messages)) for instance in instances] == [(0, 0)]


def test_a_lost_display_ends_the_run_with_its_files_written(root: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("picture.png", "report.json", "recording.py", "script.py")]
    picture, report, recording, script = files
    script.write_text("def run(scene):\n    scene.step()\n    print('drawn', flush=True)\n", encoding="utf-8")
    options = ["--screenshot", picture, "--report", report, "--record", recording, "--script", script]
    with display_server(tmp_path) as (server, display):
        size = ("--size", "64x48", "--validate")
        with started(root, "viewer", "scenes/cube.hu", *size, *options, DISPLAY=display.name) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "drawn\n"
            server.kill()
            ended = end(child)
    assert ended.code == 3
    assert ended.err.startswith("error[display.lost]: "), ended.err
    assert images.load(picture).shape == (48, 64, 4)
    assert json.loads(report.read_text())["live_objects_after_close"] == 0
    assert json.loads(report.read_text())["validation"]["messages"] == 0
    assert "def run(scene" in recording.read_text()


def test_a_terminal_that_hangs_up_ends_the_run_with_its_files_written(root: Path, tmp_path: Path) -> None:
    report, script = tmp_path / "report.json", tmp_path / "script.py"
    script.write_text(
        "def run(scene):\n    scene.step()\n    print('drawn', flush=True)\n    scene.step(count=100_000)\n",
        encoding="utf-8",
    )
    command = ["viewer", "scenes/cube.hu", "--headless", "--script", script, "--report", report]
    terminal, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, str(DRIVER), "--", *map(str, command)],
        cwd=root,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    with open(terminal, "rb", buffering=0) as screen:
        assert b"drawn" in screen.read(100)
    assert child.wait(limit(60)) == 129
    assert json.loads(report.read_text())["live_objects_after_close"] == 0


def test_a_request_that_the_x_server_refuses_is_reported_once_and_ends_nothing(
    display: Display, capsys: pytest.CaptureFixture[str]
) -> None:
    with Window("diorama tests", (64, 48), Guard(lambda name, message: None)) as window:
        xlib, connection = ctypes.CDLL("libX11.so.6"), ctypes.cast(glfw.get_x11_display(), ctypes.c_void_p)
        for _ in range(2):
            xlib.XDestroyWindow(connection, ctypes.c_ulong(1))
            xlib.XSync(connection, 0)
        window.poll()
    assert (
        capsys.readouterr().err == "warning[display.error]: the X server refused request 4.0 with error 3\n"
    )
