"""`--record` in a real window, with a real mouse: the script reaches the same end state."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support import images
from support.display import Display
from support.limits import limit

from engine.testing import open_scene
from engine.testing.hu.test_files import read_tests
from engine.testing.scripts.script import load_script
from viewer.arguments import Options
from viewer.main import main, make_frames
from viewer.run.scene_opening import opened

pytestmark = pytest.mark.gpu

SIZE = (400, 270)


def record(path: Path, display: Display) -> tuple[np.ndarray, dict[str, list[float]], bool]:
    """Switch the shadow off with a click and orbit by a drag; return the last picture, and what it shows."""
    options = Options(scene=Path("scenes/cube.hu"), size=SIZE, record=path)
    with opened(options) as (scene, library):
        frames = make_frames(scene, library, options)
        window = frames._frames  # the frames that are recorded
        runtime = frames.runtime

        def draw(count: int) -> None:
            for _ in range(count):
                frames.step()

        def settle() -> None:
            deadline = time.monotonic() + limit(20)
            frames.step()
            while not runtime.memory.settled:
                assert time.monotonic() < deadline
                frames.step()

        try:
            settle()
            draw(5)
            number, _ = display.window("Diorama")
            x0, y0, x1, y1 = window.session.places["switch cube/shadowCaster/active"]
            display.move_mouse(number, (x0 + x1) / 2, (y0 + y1) / 2)
            draw(3)
            display.press()
            draw(3)
            display.release()
            deadline = time.monotonic() + limit(20)
            while scene.tableau["cube"].shadowCaster.active:
                assert time.monotonic() < deadline
                frames.step()
            x0, y0, x1, y1 = window.workspace.area
            left, top = (x0 + x1) / 2 - 20, (y0 + y1) / 2 - 40
            display.move_mouse(number, left, top)
            draw(3)
            display.press()
            for step in range(1, 8):
                draw(2)
                display.move_mouse(number, left + 4 * step, top + 9 * step)
            draw(4)
            display.release()
            draw(4)
            settle()
            picture = runtime.read_pixels()
            camera = scene.tableau["camera"]
            place = {"translation": camera.translation.tolist(), "rotation": camera.rotation.tolist()}
            return picture, place, scene.tableau["cube"].shadowCaster.active
        finally:
            frames.close()


@pytest.mark.parametrize("name", ["test_recorded.py", "recorded.test.hu"])
def test_the_script_replays_what_a_mouse_did_in_a_window(display: Display, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    picture, place, active = record(path, display)
    assert not active
    assert not np.allclose(place["translation"], [1.7, 1.5, 2.9], atol=0.05)
    with open_scene("scenes/cube.hu", size=SIZE) as scene:
        if name.endswith(".py"):
            load_script(path)(scene)
        else:
            from engine.testing.hu.playback import Playback

            (test,) = read_tests(path)
            assert test.size == SIZE
            for step in test.steps:
                step.run(Playback(scene))
        assert scene["camera"].translation.tolist() == place["translation"]
        assert scene["camera"].rotation.tolist() == place["rotation"]
        assert scene["cube"].shadowCaster.active is False
        assert "shadowMap" not in scene.memory
        images.assert_same(scene.frame(), picture)


@pytest.mark.parametrize("name", ["test_still.py", "still.test.hu"])
def test_a_recording_is_a_test_that_pytest_collects_and_passes(tmp_path: Path, root: Path, name: str) -> None:
    given = ["--headless", "--size", "64x48", "--frames", "3", "--set", "cube.shadowCaster.active=false"]
    assert main([str(root / "scenes/cube.hu"), *given, "--record", str(tmp_path / name)]) == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "engine.testing.plugin", name],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "cube.shadowCaster.active" in (tmp_path / name).read_text()


def test_a_file_name_without_a_script_suffix_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from viewer.arguments import parse

    with pytest.raises(SystemExit) as ended:
        parse(["scenes/cube.hu", "--record", "work.txt"])
    assert ended.value.code == 2
    assert "'work.txt' ends neither in .py nor in .test.hu" in capsys.readouterr().err
