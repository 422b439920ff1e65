"""What-ifs of 10,000 objects, events of the timeline, snapshots of 100,000 blocks; all without a GPU.

CPU times are those of the thread that draws.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import bench_plan
import numpy as np
from harness import Row

from engine.assets import open_library
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.profile.profile_file import read_profile
from engine.plan.requirements.coalesce import coalesce
from engine.plan.schedule.schedule import Schedule
from engine.planning.scene import ScenePlanner
from engine.planning.what_if.twin_planner import Press
from engine.planning.what_if.what_if import BUDGET_MS, Wanted, WhatIf
from engine.runtime.observation import Cause
from engine.scene import load_scene
from viewer.panels.history.delta_rows import DeltaRows
from viewer.panels.history.files.snapshot_file import write_snapshot
from viewer.panels.history.files.snapshot_reader import read_snapshot
from viewer.panels.history.memory_delta import delta
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.history.snapshots import Snapshot
from viewer.panels.history.timeline import Timeline

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.many_models import many_models  # noqa: E402

OBJECTS, MODELS, BLOCKS = 10_000, 50, 100_000
REPEATS = 9
FRAME_MS = 1000 / 60
EVENT_BYTES = 16 << 10
"""What an event in which a model leaves may take: a thousand of them fit into the timeline's 16 MiB."""


def rows() -> Iterable[Row]:
    """What-ifs and the timeline, then snapshots."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _scene(Path(folder))
        yield from _snapshots(Path(folder))


def _scene(folder: Path) -> Iterator[Row]:
    scene = load_scene(many_models(ROOT, folder / "tree", MODELS, OBJECTS))
    with open_library(scene.dbs) as library:
        profile = read_profile(ROOT / "assets" / "profiles" / "nvidia-h200.json")
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile, (1280, 720))
        scene.tableau.update_world()
        plan = planner.plan(planner.needs())
        gc.freeze()  # as the viewer does
        what_if = WhatIf(scene.tableau, lambda: planner, lambda: Wanted(plan, plan), lambda: plan)
        objects = [scene.tableau[f"o{number}"].row for number in range(REPEATS + 1)]
        first = _outcome(what_if, objects[0])
        yield Row(
            "history.what_if_first_longest_step",
            first[1],
            "ms",
            aim=f"<= one frame of {FRAME_MS:.1f} ms, once",
            holds=first[1] <= FRAME_MS,
        )
        found = [_outcome(what_if, row) for row in objects[1:]]
        total, longest = (statistics.median(column) for column in zip(*found, strict=True))
        pressed, events = [], Timeline(lambda plan, cause: ("a switch",))
        events.planned(0, plan, Schedule(plan, (), 0, 0), Cause.SCENE)
        noted = []
        for number in range(REPEATS):
            one = scene.tableau[f"o{number}"]
            begin = time.thread_time()
            one.visibleModel.active = False
            plan = planner.plan(planner.needs(), plan)
            pressed.append((time.thread_time() - begin) * 1e3)
            all_of_it = np.arange(objects[number], OBJECTS, MODELS, dtype=np.int32)
            scene.tableau.set_flag("active", all_of_it, False)
            plan = planner.plan(planner.needs(), plan)
            begin = time.thread_time()
            events.planned(number, plan, Schedule(plan, (), 0, 0), Cause.SCENE)
            noted.append((time.thread_time() - begin) * 1e3)
        real = statistics.median(pressed)
        what = "needs and plan of the press itself"
        yield Row(
            "history.what_if_10k",
            total,
            "ms",
            what,
            real,
            aim="<= 4 x the press, over several frames",
            holds=total <= 4 * real,
        )
        yield Row(
            "history.what_if_10k_longest_step",
            longest,
            "ms",
            what,
            real,
            aim=f"<= {BUDGET_MS:g} ms between two frames",
            holds=longest <= BUDGET_MS,
        )
        sizes = [event.nbytes for event in events.events[1:]]
        size = statistics.median(sizes)
        yield Row(
            "history.timeline_event",
            size,
            "bytes",
            "the plan's own rows",
            _plan_bytes(plan),
            aim=f"<= {EVENT_BYTES:,} bytes",
            holds=size <= EVENT_BYTES,
        )
        took = statistics.median(noted)
        yield Row("history.timeline_note", took, "ms", aim="<= 0.5 ms", holds=took <= 0.5)
        gc.unfreeze()


def _outcome(what_if: WhatIf, row: int) -> tuple[float, float]:
    """CPU milliseconds of one what-if, and of its longest step."""
    press = Press("active", False, (row,), "visibleModel")
    what_if.press(press)
    begin = time.thread_time()
    while what_if.advance():
        pass
    total = (time.thread_time() - begin) * 1e3
    found = what_if.press(press)
    assert found is not None
    assert found.change is not None
    return total, found.longest_ms


def _plan_bytes(plan: Plan) -> int:
    memory = plan.memory
    return sum(rows.nbytes for rows in (memory.allocations, memory.resources, memory.subresources))


def _snapshots(folder: Path) -> Iterator[Row]:
    table, _ = bench_plan.scene(BLOCKS)
    plan = make_plan(coalesce(table), bench_plan.DEVICE)
    keys = len(plan.memory.subresources)
    taken = _median(lambda: MemoryImage.of(plan))
    yield Row("history.snapshot_100k_take", taken, "ms", aim="<= 8 ms", holds=taken <= 8)
    image = MemoryImage.of(plan)
    half = MemoryImage(
        image.allocations, image.resources, image.places[keys // 4 :], image.device, image.names
    )
    compared = _median(lambda: delta(image, half).sizes)
    yield Row("history.delta_100k", compared, "ms", aim="<= 50 ms, once", holds=compared <= 50)
    view = DeltaRows(delta(image, half))
    view.set_search("asset")
    while not view.is_searched:
        view.refresh()
    letters = iter(f"{number}" for number in range(REPEATS))
    keystroke = _median(lambda: view.set_search(next(letters)))
    yield Row("history.search_100k", keystroke, "ms", aim="<= 8 ms a keystroke", holds=keystroke <= 8)
    snapshot = Snapshot("bench", "bench", 0, image, plan.planned_bytes)
    path = folder / "bench.snapshot.hu"
    begin = time.thread_time()
    write_snapshot(path, snapshot)
    written = time.thread_time() - begin
    begin = time.thread_time()
    again = read_snapshot(path)
    read = time.thread_time() - begin
    assert np.array_equal(again.image.places, image.places)
    yield Row("history.snapshot_100k_write", written, "s", aim="<= 3 s of CPU time", holds=written <= 3)
    yield Row("history.snapshot_100k_read", read, "s", aim="<= 3 s of CPU time", holds=read <= 3)
    size = path.stat().st_size / keys
    yield Row("history.snapshot_file", size, "bytes/block", aim="<= 200 bytes", holds=size <= 200)


def _median(run: Callable[[], object]) -> float:
    """Median milliseconds of CPU time of several runs."""
    times = []
    for _ in range(REPEATS):
        begin = time.thread_time()
        run()
        times.append((time.thread_time() - begin) * 1e3)
    return statistics.median(times)
