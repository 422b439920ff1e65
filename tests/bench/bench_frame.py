"""The cost of opening and drawing `scenes/cube.hu` headless, compared with pygfx drawing one cube."""

import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from harness import Row

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

ROOT = Path(__file__).resolve().parents[2]
SCENE = ROOT / "scenes" / "cube.hu"
PEER = Path(__file__).parent / "peers" / "pygfx_cube.py"
OPENINGS = 7
FRAMES = 2000
SAMPLES = 200
MIB = 1 << 20


def rows() -> Iterable[Row]:
    """First frame, steady CPU per frame, growth of memory, allocations per frame."""
    _view("--frames", "1")  # cooks, and fills the pipeline cache
    yield _first_frame()
    report = _view("--frames", str(FRAMES))
    driver = f"{report['device']['name']} {report['device']['driver']}"
    cpu = report["cpu_ms"]["p50"]
    yield Row(
        "frame.cube_cpu", cpu, "ms", "the aim itself", 1.0, aim="<= 1 ms", holds=cpu <= 1.0, driver=driver
    )
    yield _switched(driver)
    yield _reused(driver)
    yield from _steady(driver)
    yield from _many(driver)
    yield _one_mip_level(driver)


def _switched(driver: str) -> Row:
    """Switch a shadow ten times: the slowest frame of those that plan beside the median of all."""
    from engine.testing import open_scene

    with open_scene(SCENE) as scene:
        scene.step(count=12)
        first = len(scene.frames)
        for _ in range(10):
            scene["cube"].shadowCaster.active = not scene["cube"].shadowCaster.active
            scene.step(count=4)
        times = [frame.cpu_ms for frame in scene.frames[first:]]
    slowest, median = max(times), statistics.median(times)
    return Row(
        "frame.switch_shadow",
        slowest,
        "ms",
        "the median of these frames",
        median,
        aim="<= 1.5 x the median and 40 ms",
        holds=slowest <= 1.5 * median + 40,
        driver=driver,
    )


def _reused(driver: str) -> Row:
    """A frame that reuses the shadow map while the camera moves, beside one in which a caster moves, too."""
    from engine.testing import open_scene

    times: dict[bool, list[float]] = {False: [], True: []}
    with open_scene(SCENE, size=(320, 180)) as scene:
        scene.settle()
        runtime = scene.host.runtime
        for number in range(2 * SAMPLES):
            draws = bool(number // 10 % 2)
            scene["camera"].translation = (1.7, 1.5 + number % 2 / 1000, 2.9)
            if draws:
                scene["cube"].translation = (0, 0.5 + number % 2 / 1000, 0)
            begin = time.process_time()
            runtime.frame()
            runtime.wait()
            times["shadow" not in runtime.renderer.reused].append((time.process_time() - begin) * 1e3)
    reused, drawn = (statistics.median(times[draws]) for draws in (False, True))
    return Row(
        "frame.reused_shadow_map",
        reused,
        "ms",
        "CPU of the process for the same frame with a caster that moves",
        drawn,
        aim="< 1 x on a software driver",
        holds=reused < drawn,
        driver=driver,
    )


def _first_frame() -> Row:
    ours = [_view("--frames", "1") for _ in range(OPENINGS)]
    value = statistics.median(report["first_frame_s"] for report in ours)
    driver = f"{ours[0]['device']['name']} {ours[0]['device']['driver']}"
    aim = "<= import, building and first frame of one cube in pygfx"
    if importlib.util.find_spec("pygfx") is None:
        return Row(
            "frame.first_frame",
            aim=aim,
            driver=driver,
            skipped=f"pygfx is not installed (ours: {value:.3f} s)",
        )
    theirs = [json.loads(_run(sys.executable, str(PEER)))["start_to_frame_s"] for _ in range(OPENINGS)]
    peer = statistics.median(theirs)
    return Row(
        "frame.first_frame",
        value,
        "s",
        "pygfx: import, build, first frame of one cube",
        peer,
        aim=aim,
        holds=value <= peer,
        driver=driver,
    )


def _steady(driver: str) -> Iterable[Row]:
    """Draw many frames in this process and watch its memory and the device's allocations."""
    process = psutil.Process()
    scene = load_scene(SCENE)
    library = open_library(scene.dbs)
    with Runtime(scene, library, RuntimeOptions(size=(64, 64), validate=False)) as runtime:
        runtime.settle()
        for _ in range(200):
            runtime.frame()
        before, allocations = process.memory_info().rss, runtime.instance.handles.counts()["DeviceMemory"]
        seen = set()
        for _ in range(FRAMES):
            runtime.frame()
            seen.add(runtime.instance.handles.counts()["DeviceMemory"])
        grown = (process.memory_info().rss - before) / MIB
    library.close()
    yield Row(
        "frame.memory_growth",
        grown,
        "MiB",
        f"resident memory after {FRAMES} more frames",
        aim="<= 1 MiB",
        holds=grown <= 1.0,
        driver=driver,
    )
    yield Row(
        "frame.allocations",
        float(len(seen | {allocations}) - 1),
        "changes",
        f"VkDeviceMemory count over {FRAMES} frames",
        aim="0",
        holds=seen == {allocations},
        driver=driver,
    )


def _many(driver: str) -> Iterable[Row]:
    """Draw cube.hu with many more cubes: the first frame of 10,000, and what a frame of 100,000 costs."""
    begun = time.perf_counter()
    with _cubes(10_000) as (runtime, _, _):
        runtime.load()
        runtime.frame()
        runtime.wait()
        first = time.perf_counter() - begun
    yield Row(
        "frame.first_10k",
        first,
        "s",
        "the aim itself",
        0.5,
        aim="<= 0.5 s",
        holds=first <= 0.5,
        driver=driver,
    )
    with _cubes(100_000) as (runtime, rows, places):
        runtime.load()
        runtime.frame()
        still = _cpu_us(runtime, lambda: None) / len(rows)
        tableau = runtime.tableau
        moving = _cpu_us(runtime, lambda: tableau.set_transforms(rows, translation=places + 0.001)) / len(
            rows
        )
    for name, value, aim in (("frame.static_100k", still, 0.1), ("frame.moving_100k", moving, 0.5)):
        yield Row(
            name,
            value,
            "us/object",
            "the aim itself",
            aim,
            aim=f"<= {aim} us of main-thread CPU per object and frame",
            holds=value <= aim,
            driver=driver,
        )


def _one_mip_level(driver: str) -> Row:
    """Draw 100 cubes and the ground whose textures have one mip level, beside the full chains of cube.hu."""

    def frame_s(scene: Path) -> float:
        with _cubes(100, scene, (320, 240)) as (runtime, _, _):
            runtime.load()
            times = []
            for _ in range(9):
                begun = time.perf_counter()
                runtime.frame()
                runtime.wait()
                times.append(time.perf_counter() - begun)
        return statistics.median(times)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "assets", folder / "assets")
        shutil.copytree(ROOT / "scenes", folder / "scenes", ignore=shutil.ignore_patterns("*.ogCache*"))
        db = folder / "scenes" / "cube.assets.hu"
        text = db.read_text(encoding="utf-8")
        db.write_text(text.replace(".png\n", ".png  mipLevels: 1\n"), encoding="utf-8")
        value, reference = frame_s(folder / "scenes" / "cube.hu"), frame_s(SCENE)
    return Row(
        "frame.one_mip_level",
        value * 1e3,
        "ms",
        "the full chains of the same textures",
        reference * 1e3,
        aim="<= 2 x the full chains",
        holds=value <= 2 * reference,
        driver=driver,
    )


@contextmanager
def _cubes(
    count: int, path: Path = SCENE, size: tuple[int, int] = (64, 64)
) -> Iterator[tuple[Runtime, np.ndarray, np.ndarray]]:
    """Open cube.hu with `count` more brick cubes: the runtime, their rows and their places."""
    scene = load_scene(path)
    places = np.indices((100, 100, -(-count // 10_000))).reshape(3, -1).T[:count].astype(np.float32) * 2
    rows = scene.tableau.add_objects(translation=places)
    scene.tableau.add_feature("visibleModel", rows, {"asset": scene.asset("assetDb0", "cube", ("model",))})
    with open_library(scene.dbs) as library:
        options = RuntimeOptions(size=size, validate=False)
        with Runtime(scene, library, options) as runtime:
            yield runtime, rows, places


def _cpu_us(runtime: Runtime, change: Callable[[], object]) -> float:
    """Median microseconds of this thread's CPU time for a change and the frame after it."""
    times = []
    for _ in range(9):
        begun = time.thread_time()
        change()
        runtime.frame()
        times.append(time.thread_time() - begun)
    return statistics.median(times) * 1e6


def _view(*arguments: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        scene = (str(SCENE), "--headless", "--no-validate", "--size", "640x480", "--report", str(report))
        _run(sys.executable, "-m", "viewer", *scene, *arguments)
        return json.loads(report.read_text())


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout
