"""Claims about `--sequence`: which files are written, what they show, and what a failure gets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image
from support import images
from support.display import Display

from engine.graph import SCENE_COLOR
from engine.storage.radiance import radiance_bytes
from engine.testing import open_scene
from viewer.main import main
from viewer.numbered_files import NumberedFiles
from viewer.run import run
from viewer.run.device_recovery import RecoveringFrames

pytestmark = pytest.mark.gpu

SCENE = "scenes/turntable.hu"
SIZE = (64, 48)


def view(*arguments: str) -> int:
    return main([SCENE, "--size", "64x48", *arguments])


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGBA"))


def test_each_picture_shows_its_frame(tmp_path: Path) -> None:
    files = str(tmp_path / "a##.png")
    assert view("--headless", "--frames", "3", "--time", "1", "--fps", "2", "--sequence", files) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a00.png", "a01.png", "a02.png"]
    with open_scene(SCENE, size=SIZE) as scene:
        for number in range(3):
            scene.clock.set(1.0 + number / 2)
            images.assert_same(read(tmp_path / f"a0{number}.png"), np.asarray(scene.frame()))


def test_a_window_writes_the_same_pictures(tmp_path: Path, display: Display) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    line = ["--frames", "2", "--fps", "2", "--sequence"]
    assert view(*line, str(tmp_path / "a/#.png")) == 0
    assert view("--headless", *line, str(tmp_path / "b/#.png")) == 0
    for number in range(2):
        first, second = (read(tmp_path / name / f"{number}.png") for name in ("a", "b"))
        images.assert_same(first, second)


def test_floats_are_the_light_of_the_scene(tmp_path: Path) -> None:
    for suffix in ("exr", "hdr"):
        line = ["--headless", "--frames", "1", "--set", "sun.light.intensity=30"]
        assert view(*line, "--sequence", str(tmp_path / f"#.{suffix}")) == 0
    with OpenEXR.File(str(tmp_path / "0.exr")) as file:
        light = file.channels()["RGBA"].pixels
    assert light.shape == (48, 64, 4)
    assert light.dtype == np.float16
    assert light[..., :3].max() > 2.0  # far beyond white
    assert set(np.unique(light[..., 3])) >= {0.0, 1.0}  # nothing above the horizon, all of the ground
    assert not light[..., :3][light[..., 3] == 0].any()
    stored = (tmp_path / "0.hdr").read_bytes()
    assert stored == radiance_bytes(light[..., :3].astype(np.float32))
    assert SCENE_COLOR.format.name == "R16G16B16A16_SFLOAT"


def made_during_the_run(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have a folder in the way of the second picture once the run has begun."""
    save = run.save_numbered

    def spoiled(files: NumberedFiles, number: int, frames: RecoveringFrames) -> None:
        if number == 1:
            folder.mkdir()
        save(files, number, frames)

    monkeypatch.setattr(run, "save_numbered", spoiled)


def test_a_picture_that_cannot_be_written_ends_the_run_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_during_the_run(monkeypatch, tmp_path / "1.png")
    assert view("--headless", "--frames", "3", "--sequence", str(tmp_path / "#.png")) == 2
    assert f"error[output.write]: cannot write {tmp_path}/1.png" in capsys.readouterr().err
    assert (tmp_path / "0.png").exists()
    assert not (tmp_path / "2.png").exists()


def test_a_float_picture_that_cannot_be_written_ends_the_run_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_during_the_run(monkeypatch, tmp_path / "1.hdr")
    assert view("--headless", "--frames", "2", "--sequence", str(tmp_path / "#.hdr")) == 2
    assert f"error[capture.write]: {tmp_path}/1.hdr cannot be written" in capsys.readouterr().err


def test_a_folder_in_the_way_of_a_picture_is_refused_before_any_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "1.png").mkdir()
    assert view("--headless", "--frames", "3", "--sequence", str(tmp_path / "#.png")) == 2
    assert f"error[output.folder]: cannot write {tmp_path}/1.png: it is a folder" in capsys.readouterr().err
    assert not (tmp_path / "0.png").exists()


def test_frames_that_are_not_drawn_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(run, "save_numbered", lambda files, number, frames: written.append(number))
    assert view("--headless", "--frames", "4", "--sequence", str(tmp_path / "#.png")) == 0
    assert written == [0, 1, 2, 3]
