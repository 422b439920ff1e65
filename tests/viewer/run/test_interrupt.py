"""Ctrl-C while a frame is being recorded: once ends after it, twice at once, and both in order."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.display import Display

from engine.render import frame_recorder
from engine.runtime import runtime
from engine.vk.instance import Instance
from viewer.main import main

pytestmark = pytest.mark.gpu


@pytest.fixture
def instances(monkeypatch: pytest.MonkeyPatch) -> list[Instance]:
    """Every instance that is opened."""
    found: list[Instance] = []

    def noted(*arguments: Any, **given: Any) -> Instance:
        found.append(Instance(*arguments, **given))
        return found[-1]

    monkeypatch.setattr(runtime, "Instance", noted)
    return found


def press(monkeypatch: pytest.MonkeyPatch, place: Any, function: str, times: int) -> None:
    """Press Ctrl-C so often inside of a function, the tenth time that it is called."""
    real, calls = getattr(place, function), []

    def pressed(*arguments: Any, **given: Any) -> Any:
        calls.append(function)
        for _ in range(times if len(calls) == 10 else 0):
            os.kill(os.getpid(), signal.SIGINT)
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
    press(monkeypatch, frame_recorder.FrameRecorder, "_barriers", times)
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


def test_ctrl_c_at_the_end_of_a_script(tmp_path: Path, instances: list[Instance]) -> None:
    script = tmp_path / "script.py"
    script.write_text("import os, signal\ndef run(scene):\n    os.kill(os.getpid(), signal.SIGINT)\n")
    assert view("--headless", "--script", script) == 130
    assert [(instance.handles.left_behind, len(instance.messages)) for instance in instances] == [(0, 0)]
