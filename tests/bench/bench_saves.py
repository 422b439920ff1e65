"""A save while frames are drawn: what it costs them, and how soon it shows.

Among many textures one is saved as fast as frames come. Then a texture of 1024 x 1024, a shader that all
materials include and a value of the tableau are saved at a display's rate, among a hundred and a thousand.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from harness import Row
from PIL import Image
from support.textured_cubes import textured_cubes

from engine.assets import open_library
from engine.runtime.live_assets import LiveAssets
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from viewer.run.scene_opening import SWITCH_S

ROOT = Path(__file__).resolve().parents[2]
BUILTIN = ROOT / "assets/builtin"
TEXTURES = (1000, 10_000)
PACED = (100, 1000)
SAVES = 5
REST = 50
MOST_FRAMES = 2000
HERTZ = 60
LARGE = 1024
"""Pixels of the side of the large texture; the others have 16."""
LIMITS_MS = {"texture": 150.0, "shader": 400.0, "value": 100.0}
"""From when a file has settled until the frame that shows it."""
SUN = "sun: { euler: [-50 -30 0]  features: [{ @type: light }] }"
NUMBER = 7
"""The texture that is saved."""


def rows() -> Iterable[Row]:
    """As fast as frames come, then at a display's rate."""
    sys.setswitchinterval(SWITCH_S)  # as the viewer does
    with TemporaryDirectory() as folder:
        for textures in TEXTURES:
            yield from _fast(Path(folder, str(textures)), textures)
        for textures in PACED:
            yield from _paced(Path(folder, f"paced{textures}"), textures)


def _fast(folder: Path, textures: int) -> Iterable[Row]:
    """Save one of many textures several times."""
    with _live(folder, textures) as (runtime, live):
        idle = float(np.median([runtime.frame().cpu_ms for _ in range(REST)]))
        longest = 0.0
        for save in range(SAVES):
            _picture(folder / f"assets/t{NUMBER}.png", 1000 + save)
            reloads = live.reloads
            while live.reloads == reloads:
                before = time.thread_time()
                runtime.frame()
                live.poll()
                longest = max(longest, (time.thread_time() - before) * 1e3)
            runtime.settle()
        waits = [shown.milliseconds for shown in live.shown]
        cooked = float(np.median([shown.cooked_ms for shown in live.shown]))
        driver = _driver(runtime)
    yield Row(
        f"saves.of_{textures}",
        longest,
        "ms",
        "a frame at rest",
        idle,
        aim="<= 2 ms of CPU",
        holds=longest <= 2.0,
        driver=driver,
    )
    yield _shown(f"of_{textures}", waits, cooked, LIMITS_MS["texture"], driver)


def _paced(folder: Path, textures: int) -> Iterable[Row]:
    """Save a large texture, a shader and a value of the tableau at a display's rate."""
    with _live(folder, textures) as (runtime, live):
        rest = statistics.median(_intervals(runtime, live, REST))
        for name, save in (("texture", _save_texture), ("shader", _save_shader), ("value", _save_value)):
            longest, first = 0.0, len(live.shown)
            for number in range(SAVES):
                reloads = live.reloads
                save(folder, number)
                times = []
                while live.reloads == reloads:
                    times += _intervals(runtime, live, 1)
                    if len(times) > MOST_FRAMES:
                        raise RuntimeError(f"the {name} is not shown after {len(times)} frames")
                longest = max(longest, *times, *_intervals(runtime, live, REST // 2))
            shown = list(live.shown)[first:]
            driver = _driver(runtime)
            cooked = statistics.median(one.cooked_ms for one in shown)
            waits = [one.milliseconds for one in shown]
            yield _shown(f"{name}_among_{textures}", waits, cooked, LIMITS_MS[name], driver)
            yield Row(
                f"saves.{name}_among_{textures}_pace",
                longest,
                "ms",
                f"the median interval at rest, {HERTZ} Hz",
                rest,
                aim="<= 1.5 x the median",
                holds=longest <= 1.5 * rest,
                driver=driver,
            )


def _shown(name: str, waits: list[float], cooked: float, limit: float, driver: str) -> Row:
    shown = statistics.median(waits)
    return Row(
        f"saves.{name}_shown",
        shown,
        "ms",
        "cooked aside",
        cooked,
        aim=f"<= {limit:g} ms after settling",
        holds=shown <= limit,
        driver=driver,
    )


@contextmanager
def _live(folder: Path, textures: int) -> Iterator[tuple[Runtime, LiveAssets]]:
    """Draw a scene of so many textured cubes, and watch it; its shaders are files of its own."""
    (folder / "assets").mkdir(parents=True)
    for part in ("material", "shader"):
        shutil.copytree(BUILTIN / part, folder / part, ignore=shutil.ignore_patterns("*.png"))
    for number in range(textures):
        _picture(folder / f"assets/t{number}.png", number)
    text = textured_cubes(textures, "assets/t{}.png", more=SUN)
    text = text.replace("builtin:material/", "material/")
    (folder / "scene.hu").write_text(text, encoding="utf-8")
    scene = load_scene(folder / "scene.hu")
    with open_library(scene.dbs) as library:
        options = RuntimeOptions(size=(64, 64), validate=False, freezes=True, spreads=True)  # as the viewer
        with Runtime(scene, library, options) as runtime, LiveAssets(runtime) as live:
            runtime.settle()
            yield runtime, live


def _intervals(runtime: Runtime, live: LiveAssets, count: int) -> list[float]:
    """Milliseconds of so many frames: each is shown at the first refresh after it is ready."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        runtime.frame()
        live.poll()
        refreshes = int((time.perf_counter() - began) * HERTZ) + 1
        time.sleep(max(began + refreshes / HERTZ - time.perf_counter(), 0.0))
        times.append((time.perf_counter() - began) * 1e3)
    return times


def _save_texture(folder: Path, number: int) -> None:
    _picture(folder / f"assets/t{NUMBER}.png", 2000 + number, LARGE)


def _save_shader(folder: Path, number: int) -> None:
    path = folder / "material/surface.fs.glsl"
    text = path.read_text(encoding="utf-8")
    assert "sum, cover)" in text
    _replace(path, text.replace("sum, cover)", f"0.9{number} * sum, cover)", 1))


def _save_value(folder: Path, number: int) -> None:
    path = folder / "scene.hu"
    now, then = (f"euler: [-{50 + one} -30 0]" for one in (number, number + 1))
    text = path.read_text(encoding="utf-8")
    assert text.count(now) == 1
    _replace(path, text.replace(now, then))


def _picture(path: Path, seed: int, side: int = 16) -> None:
    colours = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    other = path.with_suffix(".tmp")
    Image.fromarray(colours).save(other, "PNG")
    os.replace(other, path)


def _replace(path: Path, text: str) -> None:
    other = path.with_suffix(".tmp")
    other.write_text(text, encoding="utf-8")
    os.replace(other, path)


def _driver(runtime: Runtime) -> str:
    return f"{runtime.device.adapter.name} {runtime.device.adapter.driver}"
