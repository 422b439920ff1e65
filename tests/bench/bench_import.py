"""Reading a large `.glb`: its time and its memory.

Reading is compared with reading the file's bytes and copying each accessor once; both run in processes of
their own, whose peak memory is compared with the size of the file.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from harness import Row

ROOT = Path(__file__).resolve().parents[2]
VERTICES = 2_500_000

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
    """Time and peak memory."""
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
