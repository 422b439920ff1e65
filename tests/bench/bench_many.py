"""Scenes of thousands of objects, all of them casting shadows: of different models, and of one.

CPU times are those of the render thread (`time.thread_time`). Each stands beside a fixed sort in numpy in the
same run, so that a ratio can be compared between machines.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from harness import Row

from engine.assets import open_library
from engine.memory.streaming.manager import Pace
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import Scene, load_scene

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.many_models import many_models  # noqa: E402

DIFFERENT = (1_000, 5_000, 10_000)
EQUAL = (10_000, 100_000, 1_000_000)
MOST_IN_SOFTWARE = 100_000
SIZE = (320, 240)
SMALL = (64, 48)
"""A picture that a software driver draws faster than a display shows it."""
REPEATS = 5
FRAMES_TO_REST = 64
"""After so many frames in which nothing changes, pages that are mostly free have been returned."""
IDLE_MS = 0.1
"""Frames that take less only wait for threads: nothing is drawn yet."""
REFERENCE = "a numpy sort of 100,000 random numbers"
_NUMBERS = np.random.default_rng(1).random(100_000)


def rows() -> Iterable[Row]:
    """All rows, the scenes of different models first."""
    costs, is_software = {}, True
    for count in DIFFERENT:
        with opened_different(count) as run:
            costs[count] = measured(run)
            is_software = run.runtime.profile.device_type == "cpu"
            yield from run.rows
            idle_and_pace = costs[count]["static"] + 2 * Pace().milliseconds
            arriving = float(np.percentile([each for each in run.arriving if each > IDLE_MS], 99))
            yield beside(
                f"many.different_{count}_arriving_p99", arriving, idle_and_pace if count == 10_000 else None
            )
            yield from rows_of(f"many.different_{count}", costs[count], count, is_software=is_software)
            if count == DIFFERENT[0]:
                yield culled(run)
    first, last = costs[DIFFERENT[0]], costs[DIFFERENT[-1]]
    for name in ("static", "camera", "enabled", "active"):
        ratio = last[name] / first[name]
        what = f"the same with {DIFFERENT[0]:,} different models"
        aim = "<= 1.5 x, at ten times as many"
        yield Row(f"many.growth_{name}", last[name], "ms", what, first[name], aim=aim, holds=ratio <= 1.5)
    for count in EQUAL:
        if count > MOST_IN_SOFTWARE and is_software:
            why = "a software driver takes ten seconds to draw a million instances"
            yield Row(f"many.equal_{count}_camera", aim="<= 2 ms", skipped=why)
            continue
        with opened_equal(count) as run:
            yield from rows_of(f"many.equal_{count}", measured(run), count, is_software=is_software)
    yield from first_frames()
    yield from cube_caster()


AIMS: dict[tuple[str, int], dict[str, float]] = {
    ("different", 10_000): {
        "static": 0.4,
        "camera": 0.6,
        "enabled": 0.6,
        "active": 3.0,
        "active_100": 25.0,
    },
    ("equal", 100_000): {"camera": 0.6, "one_moves": 0.6, "enabled": 0.6, "active": 3.0, "all_move": 6.0},
    ("equal", 1_000_000): {"camera": 2.0, "enabled": 2.0},
}
"""The promised milliseconds by kind and number."""


@dataclass
class Run:
    """An open scene, the rows that opening it gave, and the milliseconds of each frame until it was there."""

    scene: Scene
    runtime: Runtime
    rows: list[Row] = field(default_factory=list)
    arriving: list[float] = field(default_factory=list)

    def cost(self, change: Callable[[int], object], repeats: int = REPEATS) -> float:
        """Median milliseconds of the render thread for a change and the frame after it."""
        return statistics.median(self.costs(change, repeats))

    def costs(self, change: Callable[[int], object], repeats: int) -> list[float]:
        """Milliseconds of the render thread for each of several changes, with the frame after it."""
        times = []
        for number in range(repeats):
            begin = time.thread_time()
            change(number)
            self.runtime.frame()
            times.append((time.thread_time() - begin) * 1e3)
            self.settle()
        return times

    def calls(self, change: Callable[[], object]) -> int:
        """How many functions of Python and of C are called for a change and the frame after it."""
        count = 0

        def note(_frame: object, event: str, _arg: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            change()
            self.runtime.frame()
        finally:
            sys.setprofile(None)
        self.settle()
        self.runtime.frame()
        return count

    def rest(self) -> None:
        """Draw until all boxes are measured: culling takes a few thousand in each frame."""
        needs = self.runtime.needs
        assert needs is not None
        while any(table.block_boxes.is_behind for table in needs.tables.values()):
            self.runtime.frame()
        self.runtime.wait()

    def settle(self) -> list[float]:
        """Draw until memory is settled; return the milliseconds of each frame."""
        times = []
        self.runtime.wait()
        while not self.runtime.memory.settled:
            begin = time.thread_time()
            self.runtime.frame()
            times.append((time.thread_time() - begin) * 1e3)
            self.runtime.wait()
        return times


def reference() -> float:
    """Milliseconds of a fixed piece of numpy."""
    times = []
    for _ in range(REPEATS):
        begin = time.thread_time()
        np.sort(_NUMBERS)
        times.append((time.thread_time() - begin) * 1e3)
    return statistics.median(times)


@contextmanager
def opened(scene: Scene, *, spreads: bool = False, size: tuple[int, int] = SIZE) -> Iterator[Run]:
    """Open a scene as the viewer does, which `spreads` plans over frames besides."""
    options = RuntimeOptions(size=size, validate=False, freezes=True, spreads=spreads)
    with open_library(scene.dbs) as library:
        gc.freeze()
        try:
            with Runtime(scene, library, options) as runtime:
                yield Run(scene, runtime)
        finally:
            gc.unfreeze()


@contextmanager
def opened_different(count: int) -> Iterator[Run]:
    """A scene of so many different models, settled; its rows have what opening it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = many_models(ROOT, Path(folder) / "tree", count)
        open_library(load_scene(path).dbs).close()
        wall, begin = time.perf_counter(), time.thread_time()
        scene = load_scene(path)
        load = time.thread_time() - begin
        with opened(scene) as run:
            frames, is_settled = [], False
            while not is_settled:
                begin = time.thread_time()
                facts = run.runtime.frame()
                frames.append((time.thread_time() - begin) * 1e3)
                is_settled = facts.settled and facts.drawn
            settled = time.perf_counter() - wall
            area = f"many.different_{count}"
            at_5000 = count == 5_000
            run.arriving = frames
            run.rows = [
                beside(f"{area}_load", load * 1e3, 1000.0 if at_5000 else None),
                beside(f"{area}_settled", settled * 1e3, 2500.0 if at_5000 else None),
                beside(f"{area}_longest_frame", max(frames), 8.0 if at_5000 else None),
            ]
            yield run


@contextmanager
def opened_equal(count: int) -> Iterator[Run]:
    """A scene of so many objects of one model, settled."""
    with tempfile.TemporaryDirectory() as folder:
        scene = load_scene(many_models(ROOT, Path(folder) / "tree", 1, 1))
        tableau = scene.tableau
        number = np.arange(count - 1)
        places = np.stack((number % 100 * 2 - 100, number // 10_000 % 100 * 2, -(number // 100 % 100) * 2), 1)
        # Small, so that a software driver's time for pixels does not make the benchmark last an hour.
        made = tableau.add_objects(translation=places.astype(np.float32), scale=np.full(3, 0.02, np.float32))
        for feature in ("visibleModel", "shadowCaster"):
            tableau.add_feature(feature, made, {"asset": scene.asset("db", "o0", ("model",))})
        with opened(scene) as run:
            run.runtime.settle()
            for _ in range(FRAMES_TO_REST):
                run.runtime.frame()
            run.rest()
            yield run


def measured(run: Run) -> dict[str, float]:
    """Milliseconds of a frame after each kind of change, by name."""
    tableau = run.scene.tableau
    camera, one = tableau["camera"], tableau["o0"]
    everything = tableau.rows()
    there, some = np.array(tableau.translation[everything]), everything[:100]
    changes: dict[str, Callable[[int], object]] = {
        "static": lambda _: None,
        "camera": lambda i: setattr(camera, "translation", (i * 0.1, 4, 5)),
        "one_moves": lambda i: setattr(one, "translation", (i * 0.1, 0, -5)),
        "enabled": lambda i: setattr(one.visibleModel, "enabled", bool(i % 2)),
        "active": lambda i: setattr(one.visibleModel, "active", bool(i % 2)),
        "caster": lambda i: setattr(one.shadowCaster, "active", bool(i % 2)),
        "active_100": lambda i: tableau.set_flag("active", some, bool(i % 2)),
        "all_move": lambda i: tableau.set_transforms(everything, translation=there + i * 0.01),
    }
    found = {}
    for name, change in changes.items():
        found[name] = run.cost(change)
        if name == "active_100":
            tableau.set_flag("active", some, True)
            run.runtime.settle()
        run.rest()
    found["back"] = back(run)
    return found


def back(run: Run) -> float:
    """The longest frame, in milliseconds, from the one after the plan until a switched object is drawn again.

    At least one frame is counted, with whatever the plan has left to it.
    """
    one = run.scene.tableau["o0"]
    one.active = False
    run.runtime.settle()
    run.rest()
    one.active = True
    run.runtime.frame()
    times, is_settled = [], False
    while not is_settled:
        begin = time.thread_time()
        is_settled = run.runtime.frame().settled
        times.append((time.thread_time() - begin) * 1e3)
    return max(times)


def rows_of(area: str, costs: dict[str, float], count: int, *, is_software: bool) -> Iterator[Row]:
    """A row for each kind of change."""
    kind = area.split(".")[1].split("_")[0]
    aims = AIMS.get((kind, count), {})
    for name, cost in costs.items():
        aim = (
            (3.0 if is_software else 1.5) * costs["static"]
            if name == "back" and (kind, count) == ("different", 10_000)
            else aims.get(name)
        )
        yield beside(f"{area}_{name}", cost, aim)


def culled(run: Run) -> Row:
    """The time of a frame in which each view draws what it sees, beside one that draws everything."""
    renderer, times = run.runtime.renderer, []
    for least in (0, None):
        renderer._cull_from = least
        one = []
        for _ in range(REPEATS + 2):
            begin = time.perf_counter()
            run.runtime.frame()
            run.runtime.wait()
            one.append((time.perf_counter() - begin) * 1e3)
        times.append(statistics.median(one[2:]))
    name, what = f"many.different_{DIFFERENT[0]}_culled_frame", "the same frame without culling"
    return Row(name, times[0], "ms", what, times[1], aim="less", holds=times[0] < times[1])


def first_frames() -> Iterator[Row]:
    """From the text of a scene of equal objects to its first frame, with warm caches, and how that grows."""
    seconds = {}
    for count, aim in ((10_000, 0.5), (100_000, 2.0)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "equal.hu"
            path.write_text(equal_text(count))
            for _ in range(2):  # the second time is warm
                begin = time.perf_counter()
                with opened(load_scene(path)) as run:
                    run.runtime.load()
                    run.runtime.frame()
                    run.runtime.wait()
                    seconds[count] = time.perf_counter() - begin
        yield beside(f"many.equal_{count}_first_frame", seconds[count] * 1e3, aim * 1e3)
    few, many = seconds.values()
    what = "the same of 10,000 objects"
    yield Row(
        "many.growth_first_frame",
        many,
        "s",
        what,
        few,
        aim="<= 12 x, at ten times as many",
        holds=many <= 12 * few,
    )


def equal_text(count: int) -> str:
    """A scene of so many objects with one model, in a field before the camera."""
    model = "features: [{ @type: visibleModel  asset: [builtin placeholder] }]"
    places = ((i % 100 * 2 - 100, i // 10_000 * 2, -(i // 100 % 100) * 2) for i in range(count))
    rows = (f"o{i}: {{ translation: [{x} {y} {z}]  {model} }}" for i, (x, y, z) in enumerate(places))
    camera = "camera: { translation: [0 4 5]  features: [{ @type: camera  antialiasing: none }] }"
    objects = "\n".join((camera, *rows))
    return f"version: 1\ntableau: {{ name: t  objects: {{\n{objects}\n}} }}\n"


def cube_caster() -> Iterator[Row]:
    """Switch the shadow of `cube.hu` off and on: the median and the slowest of the frames that plan.

    Then what does not depend on the machine's load: how many calls of Python and of C such frames make.
    """
    with opened(load_scene(ROOT / "scenes" / "cube.hu")) as run:
        run.runtime.settle()
        tableau = run.scene.tableau
        caster, camera = tableau["cube"].shadowCaster, tableau["camera"]
        costs = run.costs(lambda i: setattr(caster, "active", bool(i % 2)), 41)
        run.costs(lambda i: setattr(camera, "translation", (i * 0.1, 2, 5)), 3)
        counts = {
            "on": run.calls(lambda: setattr(caster, "active", True)),
            "off": run.calls(lambda: setattr(caster, "active", False)),
            "camera": run.calls(lambda: setattr(camera, "translation", (1, 2, 5))),
            "disabled": run.calls(lambda: setattr(tableau["cube"].visibleModel, "enabled", False)),
        }
    yield beside("many.cube_caster", statistics.median(costs), 2.5)
    yield beside("many.cube_caster_slowest", max(costs), 4.0)
    longest = list(spread_switches(41))
    yield beside("many.cube_caster_spread", statistics.median(longest), 2.5)
    yield beside("many.cube_caster_spread_slowest", max(longest), 4.0)
    for name, count in counts.items():
        yield Row(f"many.cube_calls_{name}", count, "calls")


def spread_switches(count: int) -> Iterator[float]:
    """Yield for each switch of that shadow the longest frame until it shows, where plans are spread."""
    with opened(load_scene(ROOT / "scenes" / "cube.hu"), spreads=True, size=SMALL) as run:
        run.runtime.settle()
        caster = run.scene.tableau["cube"].shadowCaster
        for number in range(count):
            for _ in range(3):  # frames follow one another, as in a window
                run.runtime.frame()
            caster.active = bool(number % 2)
            times, is_settled = [], False
            while not is_settled:
                begin = time.thread_time()
                is_settled = run.runtime.frame().settled
                times.append((time.thread_time() - begin) * 1e3)
            yield max(times)


def beside(name: str, value: float, aim: float | None) -> Row:
    """A row beside the reference, with the promised milliseconds if there are any."""
    promise = "" if aim is None else f"<= {aim:g} ms"
    return Row(
        name, value, "ms", REFERENCE, reference(), aim=promise, holds=None if aim is None else value <= aim
    )
