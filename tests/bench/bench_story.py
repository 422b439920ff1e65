"""The last shadow caster switched while frames are drawn: the longest frame beside those at rest."""

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from harness import Row

from engine.runtime.runtime import Runtime
from viewer.arguments import Options
from viewer.run.scene_opening import opened, runtime_options

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = Options(scene=ROOT / "scenes/cube.hu", size=(640, 400), validate=False)
WINDOW = (960, 600)
REST = 60
STORIES = 2
FRAMES = 12
"""Frames after each press: the schedule is carried out in fewer."""
HERTZ = 60


def rows() -> Iterable[Row]:
    """Headless as fast as frames come, and at a display's rate; in a window with the panels of memory."""
    options = replace(runtime_options(OPTIONS), spreads=True)
    with opened(OPTIONS) as (scene, library), Runtime(scene, library, options) as runtime:
        runtime.settle()
        driver = f"{runtime.device.adapter.name} {runtime.device.adapter.driver}"

        def draw() -> None:
            runtime.frame()

        yield _row("headless", _story(runtime, draw), "<= 1.5 x the median", driver, limit=1.5)
        paced = _story(runtime, _paced(draw))
        yield _row("display_rate", paced, f"<= 1.5 x the median at {HERTZ} Hz", driver, limit=1.5)
    aim = "<= 3 x the median"
    if shutil.which("Xvfb") is None:
        yield Row("story.window", aim=aim, driver=driver, skipped="Xvfb is not installed")
        return
    sys.path.append(str(ROOT / "tests"))
    from support.display import display_server

    with tempfile.TemporaryDirectory() as folder, display_server(Path(folder)) as (_, display):
        os.environ |= {"DISPLAY": display.name, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        yield _row("window", _in_window(), aim, driver, limit=3.0)


def _row(name: str, times: tuple[float, float], aim: str, driver: str, limit: float) -> Row:
    longest, median = times
    return Row(
        f"story.{name}",
        longest,
        "ms",
        "the median frame at rest",
        median,
        aim=aim,
        holds=longest <= limit * median,
        driver=driver,
    )


def _story(runtime: Runtime, draw: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of the longest frame in which something is switched, and the median of those at rest."""
    caster = runtime.tableau["cube"].shadowCaster
    for _ in range(2):  # its pipelines are made
        caster.active = not caster.active
        _frames(draw, FRAMES)
    rest = _frames(draw, REST)
    presses = []
    for _ in range(2 * STORIES):
        caster.active = not caster.active
        presses.append(max(_frames(draw, FRAMES)))
        if not runtime.memory.settled:
            raise RuntimeError(f"the schedule was not carried out in {FRAMES} frames")
    return max(presses), statistics.median(rest)


def _frames(draw: Callable[[], object], count: int) -> list[float]:
    """Milliseconds from the end of each frame to that of the next."""
    times, last = [], time.perf_counter()
    for _ in range(count):
        draw()
        now = time.perf_counter()
        times.append((now - last) * 1e3)
        last = now
    return times


def _paced(draw: Callable[[], object]) -> Callable[[], None]:
    """Draw at a display's rate: a frame that is ready in time is shown at the next refresh."""
    began = time.perf_counter()

    def shown() -> None:
        draw()
        now = time.perf_counter()
        refresh = began + (int((now - began) * HERTZ) + 1) / HERTZ
        time.sleep(max(refresh - time.perf_counter(), 0.0))

    return shown


def _in_window() -> tuple[float, float]:
    from viewer.run.windowed import WindowFrames

    options = replace(OPTIONS, size=WINDOW)
    with opened(options) as (scene, library):
        frames = WindowFrames(scene, library, options)
        try:

            def draw() -> None:
                frames.session.wake()
                frames.step()

            for title in ("memory", "schedule"):
                frames.workspace.show(title)
            while frames.runtime.plan is None or not frames.runtime.memory.settled:
                draw()
            return _story(frames.runtime, draw)
        finally:
            frames.close()
