"""A thousand lights in clusters beside four that reach every pixel, in the same scene and run.

`scenes/lights.hu` at 640 x 480 without antialiasing, its shadows on: the time of whole frames, waited for.
The floor is what light costs at all: the same scene with four lamps whose range holds everything. How many
lamps reach a point is counted from their places, over the ground between them.
"""

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from harness import Row

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import Scene, load_scene

ROOT = Path(__file__).resolve().parents[2]
SIZE = (640, 480)
FRAMES = 5
FLOOR_LIGHTS = 4


def rows() -> Iterable[Row]:
    """The ratio of the two frames."""
    many, driver, reached = _frame_s(0)
    few, _, _ = _frame_s(FLOOR_LIGHTS)
    yield Row(
        "lights.thousand",
        many * 1e3,
        "ms",
        f"four lamps that reach everything (of the thousand {reached:.1f} reach a point on average)",
        few * 1e3,
        aim="<= 2 x",
        holds=many <= 2 * few,
        driver=driver,
    )


def _frame_s(kept: int) -> tuple[float, str, float]:
    """Return the seconds of a frame with so many lamps that reach everything, or with all as they are."""
    scene = load_scene(ROOT / "scenes" / "lights.hu")
    scene.apply_setting("camera.camera.antialiasing=none")
    lamps = _lamps(scene)
    reached = _reached(scene, lamps)
    if kept:
        for row in lamps[kept:]:
            scene.tableau.remove(scene.tableau.handle(row))
        for row in lamps[:kept]:
            scene.tableau.handle(row).light.range = 500.0
    options = RuntimeOptions(size=SIZE, validate=False)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        runtime.settle()
        runtime.frame()
        runtime.wait()
        times = []
        for _ in range(FRAMES):
            start = time.perf_counter()
            runtime.frame()
            runtime.wait()
            times.append(time.perf_counter() - start)
        driver = f"{runtime.device.adapter.name}"
    return min(times), driver, reached


def _lamps(scene: Scene) -> list[int]:
    tableau = scene.tableau
    return [row for row in range(len(tableau.parent)) if tableau.path(row).startswith("lamp")]


def _reached(scene: Scene, lamps: list[int]) -> float:
    """Return how many lamps reach a point of the floor between them, on average."""
    scene.tableau.update_world()
    places = scene.tableau.world(np.array(lamps))[:, 3, :3]
    reach = float(scene.tableau.handle(lamps[0]).light.range)
    low, high = places.min(axis=0), places.max(axis=0)
    x, z = np.meshgrid(np.linspace(low[0], high[0], 60), np.linspace(low[2], high[2], 40))
    points = np.stack((x.ravel(), np.zeros(x.size), z.ravel()), axis=1)
    distance = np.linalg.norm(points[:, None] - places[None], axis=2)
    return float((distance < reach).sum(axis=1).mean())
