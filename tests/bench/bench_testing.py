"""The cost of a scene test: opening, drawing and closing, compared with a frame; a plan only; a hundred."""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from harness import Row

ROOT = Path(__file__).resolve().parents[2]
SCENE = ROOT / "scenes" / "cube.hu"
ROUNDS = 15
TESTS = 100
SUITE = f"""
import pytest
from engine.testing import open_scene

@pytest.mark.parametrize("number", range({TESTS}))
def test_cube(number):
    with open_scene({str(SCENE)!r}, size=(320, 240)) as scene:
        assert scene.frame().shape == (240, 320, 4)
"""


def rows() -> Iterable[Row]:
    """One live test, one plan-only test, a hundred live ones on two workers."""
    from engine.testing import open_scene

    with open_scene(SCENE) as scene:
        scene.frame()  # cooks, and fills the pipeline cache
        driver = scene.driver
        frame = _median(scene.frame)
    whole = _median(_one_test)
    yield Row(
        "testing.live_cube",
        whole,
        "ms",
        "drawing that frame (320x240) again",
        frame,
        aim="<= 6 x",
        holds=whole <= 6 * frame,
        driver=driver,
    )
    plan_only = _median(_plan_only, time.process_time)  # one thread; a busy machine does not count
    yield Row(
        "testing.plan_only",
        plan_only,
        "ms",
        "the aim itself, of CPU time",
        30.0,
        aim="<= 30 ms",
        holds=plan_only <= 30,
    )
    yield _parallel(driver)


def _one_test() -> None:
    from engine.testing import open_scene

    with open_scene(SCENE) as scene:
        scene.frame()


def _plan_only() -> None:
    from engine.testing import MIB, open_scene

    with open_scene(SCENE, profile="unified") as scene:
        assert scene.memory.peak <= 512 * MIB


def _parallel(driver: str) -> Row:
    """Run a suite of live tests with pytest-xdist, from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_hundred.py").write_text(SUITE)
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--rootdir", folder, folder]
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        taken = time.perf_counter() - begun
    if not re.search(rf"\b{TESTS} passed", done.stdout):
        raise RuntimeError(done.stdout + done.stderr)
    return Row(
        "testing.hundred_on_two",
        taken,
        "s",
        "the aim itself",
        60.0,
        aim="< 60 s",
        holds=taken < 60,
        driver=driver,
    )


def _median(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the median milliseconds of a call, after one that is not counted."""
    call()
    times = []
    for _ in range(ROUNDS):
        begun = clock()
        call()
        times.append((clock() - begun) * 1e3)
    return statistics.median(times)
