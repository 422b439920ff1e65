"""Reading a large `.glb`, and a saved texture among many: what it costs a frame, and how soon it shows.

Reading is compared with reading the file's bytes and copying each accessor once; both run in processes of
their own, whose peak memory is compared with the size of the file.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterable
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

ROOT = Path(__file__).resolve().parents[2]
VERTICES = 2_500_000
TEXTURES = (1000, 10_000)
SAVES = 5

READ = """
import sys, time
start = time.perf_counter()
with open(sys.argv[1], "rb") as file:
    data = file.read()
if sys.argv[2] == "ours":
    from engine.gltf import read_gltf, read_primitive
    start = time.perf_counter()
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    found = read_primitive(read_gltf(data, "big.glb", None).at("/meshes/0/primitives/0"))
    found = [values.copy() for values in found.attributes.values()] + [found.indices.copy()]
else:
    import numpy
    start = time.perf_counter()
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    found = numpy.frombuffer(data, numpy.uint8).copy()
print(time.perf_counter() - start)
"""

PEAK = """
import sys
from engine.gltf import read_gltf, read_primitive

def most():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

before = most()
with open(sys.argv[1], "rb") as file:
    data = file.read()
found = read_primitive(read_gltf(data, "big.glb", None).at("/meshes/0/primitives/0"))
print(most() - before)
"""


def rows() -> Iterable[Row]:
    """The rows of reading, then those of a save."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "big.glb")
        size = _write_glb(path)
        ours, floor = (min(_seconds(path, which) for _ in range(3)) for which in ("ours", "floor"))
        aim = "<= 1.5 x reading the bytes and copying them"
        yield Row(
            "import.read_glb",
            ours * 1e3,
            "ms",
            "bytes and a copy",
            floor * 1e3,
            aim=aim,
            holds=ours <= 1.5 * floor,
        )
        peak = float(_run(PEAK, str(path)))
        yield Row(
            "import.read_glb_memory",
            peak / 1e6,
            "MB",
            "the file",
            size / 1e6,
            aim="<= 2 x",
            holds=peak <= 2 * size,
        )
        for textures in TEXTURES:
            yield from _saves(Path(folder, str(textures)), textures)


def _write_glb(path: Path) -> int:
    """Write triangles of 90 MB: positions, normals, coordinates and indices; return its bytes."""
    random = np.random.default_rng(1)
    parts = [
        random.random((VERTICES, 3), np.float32),
        np.tile(np.array([0, 0, 1], np.float32), (VERTICES, 1)),
        random.random((VERTICES, 2), np.float32),
        np.arange(VERTICES // 3 * 3, dtype=np.uint32),
    ]
    views, accessors, at = [], [], 0
    for part, kind in zip(parts, ("VEC3", "VEC3", "VEC2", "SCALAR"), strict=True):
        views.append({"buffer": 0, "byteOffset": at, "byteLength": part.nbytes})
        code = 5125 if kind == "SCALAR" else 5126
        accessors.append(
            {"bufferView": len(accessors), "componentType": code, "type": kind, "count": len(part)}
        )
        at += part.nbytes
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    root = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": at}],
        "bufferViews": views,
        "accessors": accessors,
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3}]}],
        "nodes": [{"mesh": 0}],
    }
    text = json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    with path.open("wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 28 + len(text) + at))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", at, b"BIN\0"))
        for part in parts:
            file.write(part.tobytes())
    return path.stat().st_size


def _seconds(path: Path, which: str) -> float:
    return float(_run(READ, str(path), which))


def _run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout


def _saves(folder: Path, textures: int) -> Iterable[Row]:
    """Save one of many textures several times, while frames are drawn."""
    (folder / "assets").mkdir(parents=True)
    for number in range(textures):
        _picture(folder / f"assets/t{number}.png", number)
    sun = "sun: { euler: [-50 -30 0]  features: [{ @type: light }] }"
    text = textured_cubes(textures, "assets/t{}.png", more=sun)
    (folder / "scene.hu").write_text(text, encoding="utf-8")
    scene = load_scene(folder / "scene.hu")
    with open_library(scene.dbs) as library:
        options = RuntimeOptions(size=(64, 64), validate=False, freezes=True)  # as the viewer does
        with Runtime(scene, library, options) as runtime, LiveAssets(runtime) as live:
            runtime.settle()
            idle = float(np.median([runtime.frame().cpu_ms for _ in range(50)]))
            longest = 0.0
            for save in range(SAVES):
                _picture(folder / "assets/t7.png", 1000 + save)
                reloads = live.reloads
                while live.reloads == reloads:
                    before = time.thread_time()
                    runtime.frame()
                    live.poll()
                    longest = max(longest, (time.thread_time() - before) * 1e3)
                runtime.settle()
            waits = [shown.milliseconds for shown in live.shown]
            cooked = float(np.median([shown.cooked_ms for shown in live.shown]))
    yield Row(
        f"import.save_of_{textures}",
        longest,
        "ms",
        "a frame at rest",
        idle,
        aim="<= 2 ms",
        holds=longest <= 2.0,
    )
    shown = float(np.median(waits))
    yield Row(
        f"import.save_of_{textures}_shown",
        shown,
        "ms",
        "cooked aside",
        cooked,
        aim="<= 150 ms after settling",
        holds=shown <= 150.0,
    )


def _picture(path: Path, seed: int) -> None:
    colours = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
    other = path.with_suffix(".tmp")
    Image.fromarray(colours).save(other, "PNG")
    shutil.move(other, path)
