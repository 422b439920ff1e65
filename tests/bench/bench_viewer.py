"""What a window costs: at rest, to its first frame, and in packing the triangles of its panels."""

import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from harness import Row
from imgui_bundle import imgui

ROOT = Path(__file__).resolve().parents[2]
SCENE = "scenes/cube.hu"
FRAMES = 300
BLOCKS = 100_000
IDLE_S = 5.0
STARTS = 5


def rows() -> Iterable[Row]:
    """An idle window and its start beside a run without one; packing of 100,000 blocks in map and table."""
    sys.path.append(str(ROOT / "tests"))
    packing = _packing()
    yield Row("viewer.pack", packing, "ms", aim="<= 0.5 ms a frame", holds=packing <= 0.5)
    from support.display import display_server

    with tempfile.TemporaryDirectory() as folder, display_server(Path(folder)) as (_, display):
        os.environ["DISPLAY"] = display.name
        os.environ["XDG_CONFIG_HOME"] = folder
        share = _idle_share() * 100
        yield Row("viewer.idle", share, "% of a core", aim="<= 2 %", holds=share <= 2.0)
        window, headless = (_start(extra) for extra in ((), ("--headless",)))
    yield Row(
        "viewer.start",
        window,
        "s",
        "the same without a window",
        headless,
        aim="<= 1.3 x headless",
        holds=window <= 1.3 * headless,
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


def _median(call: Callable[[], object]) -> float:
    times = []
    for _ in range(FRAMES):
        start = time.thread_time()
        call()
        times.append((time.thread_time() - start) * 1e3)
    return statistics.median(times)


def _idle_share() -> float:
    """The share of a core that a window takes in which nothing changes."""
    from viewer.arguments import Options
    from viewer.run.scene_opening import opened
    from viewer.run.windowed import WindowFrames

    options = Options(scene=ROOT / SCENE, size=(640, 400), validate=False)
    with opened(options) as (scene, library):
        frames = WindowFrames(scene, library, options)
        try:
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


def _start(extra: tuple[str, ...]) -> float:
    """Seconds of CPU, of all threads, of a process that draws one frame; the median of a few."""
    command = [sys.executable, "-m", "viewer", SCENE, "--frames", "1", "--size", "640x400", *extra]
    command += ["--no-validate", "--no-live"]
    times = []
    for _ in range(STARTS):
        before = os.times()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        after = os.times()
        times.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    return statistics.median(times)
