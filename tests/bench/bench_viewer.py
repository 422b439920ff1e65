"""What a window costs: at rest, to its first frame, and in packing the triangles of its panels."""

import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Row
from imgui_bundle import imgui

if TYPE_CHECKING:
    from support.all_panels import AllPanels

    from engine.plan.model.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
SCENE = "scenes/cube.hu"
FRAMES = 300
BLOCKS = 100_000
OBJECTS, MODELS = 20_000, 5
SORT = "a numpy sort of 100,000 random numbers"
IDLE_S = 5.0
STARTS = 5
NEW_PLANS = 9


def rows() -> Iterable[Row]:
    """An idle window and its start beside a run without one; packing of 100,000 blocks in map and table."""
    sys.path.append(str(ROOT / "tests"))
    packing = _packing()
    yield Row("viewer.pack", packing, "ms", aim="<= 0.5 ms a frame", holds=packing <= 0.5)
    with tempfile.TemporaryDirectory() as folder:
        yield from _panels(Path(folder))
    from support.display import display_server

    with tempfile.TemporaryDirectory() as folder, display_server(Path(folder)) as (_, display):
        os.environ["DISPLAY"] = display.name
        os.environ["XDG_CONFIG_HOME"] = folder
        share = _idle_share() * 100
        yield Row("viewer.idle", share, "% of a core", aim="<= 2 %", holds=share <= 2.0)
        window, headless = (_start(extra, folder) for extra in ((), ("--headless",)))
    yield Row(
        "viewer.start",
        window,
        "s",
        "the same without a window",
        headless,
        aim="<= 1.3 x headless",
        holds=window <= 1.3 * headless,
    )


def _panels(folder: Path) -> Iterator[Row]:
    """A frame of panels with 20,000 objects and 100,000 blocks: in their places, and none behind another."""
    import numpy as np
    from support.all_panels import all_panels
    from support.many_models import many_models
    from support.plans import large_plan

    numbers = np.random.default_rng(1).random(100_000)
    sort = _median(lambda: np.sort(numbers))
    scene = many_models(ROOT, folder / "tree", MODELS, OBJECTS)
    for name, side_by_side in (("panels_docked", False), ("panels_side_by_side", True)):
        plan = large_plan(BLOCKS)
        with all_panels(scene, lambda _, plan=plan: plan, side_by_side=side_by_side) as panels:
            panels.frame(10)
            took = _median(panels.frame)
            aim, holds = ("<= 2 ms a frame", took <= 2.0) if not side_by_side else ("", None)
            yield Row(f"viewer.{name}", took, "ms", SORT, sort, aim=aim, holds=holds)
            if side_by_side:
                continue
            for title in panels.workspace.panels:
                panels.workspace.show(title, shown=False)
            panels.frame(4)
            hidden = _median(panels.frame)
            yield Row("viewer.panels_hidden", hidden, "ms", "a frame with those in their places", took)
            plans = [large_plan(BLOCKS) for _ in range(NEW_PLANS)]  # kept: to free one takes a while
            new = iter(plans)

            def renew(panels: "AllPanels" = panels, new: "Iterator[Plan]" = new) -> None:
                panels.session.runtime.plan = next(new)
                panels.frame()

            renewed = _median(renew, NEW_PLANS)
            yield Row(
                "viewer.hidden_new_plan",
                renewed,
                "ms",
                "a frame in which nothing is new",
                hidden,
                aim="<= 1.5 x: hidden panels cost nothing",
                holds=renewed <= 1.5 * hidden,
            )


def _packing() -> float:
    """Milliseconds for packing what map and table of 100,000 blocks draw."""
    from support.mouse import Mouse, drawn, session_of, workspace_of
    from support.plans import large_plan

    from engine.tableau.tableau import Tableau
    from viewer.panels.memory.map_panel import MapPanel
    from viewer.panels.memory.plan_models import SharedModels
    from viewer.panels.memory.table.table_panel import TablePanel
    from viewer.panels.panel import Dock, Placed
    from viewer.ui.draw_lists import INDEX_BYTES, VERTEX_BYTES, Space, pack

    mouse, session = Mouse(), session_of(Tableau(), large_plan(BLOCKS))
    models = SharedModels(session)
    panels = [Placed(MapPanel(session, models), Dock.BOTTOM), Placed(TablePanel(session, models), Dock.RIGHT)]
    draw = drawn(workspace_of(session, panels), session)
    for _ in range(5):
        mouse.frame(draw)
    data = imgui.get_draw_data()
    vertices = ctypes.create_string_buffer(data.total_vtx_count * VERTEX_BYTES)
    indices = ctypes.create_string_buffer(data.total_idx_count * INDEX_BYTES)
    space = Space(
        ctypes.addressof(vertices), ctypes.addressof(indices), data.total_vtx_count, data.total_idx_count
    )
    packed = _median(lambda: pack(data, space))
    imgui.destroy_context(mouse.context)
    return packed


def _median(call: Callable[[], object], count: int = FRAMES) -> float:
    times = []
    for _ in range(count):
        start = time.thread_time()
        call()
        times.append((time.thread_time() - start) * 1e3)
    return statistics.median(times)


def _idle_share() -> float:
    """The share of a core that a window takes in which nothing changes, with all panels side by side."""
    from support.all_panels import tiled

    from viewer.arguments import Options
    from viewer.run.scene_opening import opened
    from viewer.run.windowed import WindowFrames

    options = Options(scene=ROOT / SCENE, size=(1280, 720), validate=False)
    with opened(options) as (scene, library):
        frames = WindowFrames(scene, library, options)
        panels = frames.workspace.panels
        frames.session.preferences = replace(frames.session.preferences, layout=tiled(panels.values()))
        try:
            for title in panels:
                frames.workspace.show(title)
            calm = time.monotonic()
            while time.monotonic() < calm + 1.0:
                if frames.step() is not None:
                    calm = time.monotonic()
            began, cpu = time.monotonic(), time.process_time()
            while time.monotonic() < began + IDLE_S:
                frames.step()
            return (time.process_time() - cpu) / (time.monotonic() - began)
        finally:
            frames.close()


def _start(extra: tuple[str, ...], folder: str) -> float:
    """Seconds of CPU, of all threads, to the first frame of a process; the median of a few.

    What Python compiles is kept in `folder`; the first process, which compiles, does not count.
    """
    options = ["--frames", "1", "--size", "640x400", "--no-validate", "--no-live", *extra]
    code = (
        "import sys, time; from viewer.main import main; from viewer.run import run\n"
        "note = run.FrameClock.note\n"
        "def noted(self, facts):\n"
        "    drawn = note(self, facts)\n"
        "    if drawn: print(time.process_time())\n"
        "    return drawn\n"
        "run.FrameClock.note = noted\n"
        f"main({[SCENE, *options]!r})"
    )
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    times = []
    for _ in range(STARTS + 1):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment)
        times.append(float(done.stdout.split()[0]))
    return statistics.median(times[1:])
