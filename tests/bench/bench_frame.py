"""What opening and drawing `scenes/cube.hu` headless costs, beside pygfx drawing one cube."""

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness import Row

ROOT = Path(__file__).resolve().parents[2]
SCENE = ROOT / "scenes" / "cube.hu"
PEER = Path(__file__).parent / "peers" / "pygfx_cube.py"
OPENINGS = 7
FRAMES = 2000
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
    yield from _steady(driver)


def _first_frame() -> Row:
    ours = [_view("--frames", "1") for _ in range(OPENINGS)]
    value = statistics.median(report["first_frame_s"] for report in ours)
    driver = f"{ours[0]['device']['name']} {ours[0]['device']['driver']}"
    aim = "<= import, building and first frame of one cube in pygfx"
    if importlib.util.find_spec("pygfx") is None:
        return Row(
            "frame.first_frame", aim=aim, driver=driver, skipped=f"pygfx is not installed (ours: {value:.3f} s)"
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
    import psutil

    from engine.assets import open_library
    from engine.runtime.options import RuntimeOptions
    from engine.runtime.runtime import Runtime
    from engine.scene import load_scene

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
