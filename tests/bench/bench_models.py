"""A model with 15 textures from the start of a process to its written picture, beside pygfx.

The model is made here; the environment variable `DIORAMA_MODEL` names another one, whose folder is copied.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from harness import Row
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PEER = Path(__file__).parent / "peers/pygfx_model.py"
PEER_NEEDS = ("pygfx", "gltflib", "imageio")
OPENINGS = 5
OBJECTS = 5
SIDE = 512
"""Pixels of the side of a texture."""
GRID = 100
"""Quads along each direction of a sphere."""
SLOTS = ("baseColor", "metallicRoughness", "normal")


def rows() -> Iterable[Row]:
    """Opened without a cache and with one, in turns with the peer."""
    missing = [name for name in PEER_NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        yield Row("models.cold", aim="<= 1.0 x pygfx", skipped=f"not installed: {', '.join(missing)}")
        return
    with TemporaryDirectory() as folder:
        model = _model(Path(folder, "model"))
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/python"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as where it is installed
        cold, warm, theirs = [], [], []
        for _ in range(OPENINGS + 1):
            for cache in model.parent.glob("*.ogCache*"):
                cache.unlink()
            cold.append(_ours(model, environment))
            warm.append(_ours(model, environment))
            theirs.append(_seconds([str(PEER), str(model), f"{folder}/theirs.png"], environment))
        least = [min(times[1:]) for times in (cold, warm, theirs)]  # the first ones compile Python's modules
    yield _row("cold", least[0], least[2], 1.0)
    yield _row("warm", least[1], least[2], 0.3)


def _row(name: str, ours: float, theirs: float, limit: float) -> Row:
    return Row(
        f"models.{name}",
        ours,
        "s",
        "pygfx loads and draws it",
        theirs,
        aim=f"<= {limit} x pygfx",
        holds=ours <= limit * theirs,
    )


def _ours(model: Path, environment: dict[str, str]) -> float:
    picture = str(model.parent / "ours.png")
    options = ["--headless", "--size", "1280x720", "--no-validate", "--screenshot", picture]
    return _seconds(["-m", "viewer", str(model), *options], environment)


def _seconds(arguments: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def _model(folder: Path) -> Path:
    """Return the model: of `DIORAMA_MODEL` or made here, in a folder of its own."""
    given = os.environ.get("DIORAMA_MODEL")
    if given is not None:
        shutil.copytree(Path(given).parent, folder, ignore=shutil.ignore_patterns("*.ogCache*"))
        return folder / Path(given).name
    folder.mkdir()
    sphere = _sphere()
    (folder / "model.bin").write_bytes(b"".join(part.tobytes() for part in sphere))
    views, accessors, at = [], [], 0
    for part in sphere:
        views.append({"buffer": 0, "byteOffset": at, "byteLength": part.nbytes})
        accessors.append(_accessor(len(views) - 1, part))
        at += part.nbytes
    images = [f"{name}{number}.png" for number in range(OBJECTS) for name in SLOTS]
    for seed, image in enumerate(images):
        _picture(folder / image, seed)
    root = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": at, "uri": "model.bin"}],
        "bufferViews": views,
        "accessors": accessors,
        "images": [{"uri": image} for image in images],
        "textures": [{"source": number} for number in range(len(images))],
        "materials": [_material(3 * number) for number in range(OBJECTS)],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2},
                        "indices": 3,
                        "material": number,
                    }
                ]
            }
            for number in range(OBJECTS)
        ],
        "nodes": [{"mesh": number, "translation": [2.2 * number, 0, 0]} for number in range(OBJECTS)],
        "scenes": [{"nodes": list(range(OBJECTS))}],
        "scene": 0,
    }
    path = folder / "model.gltf"
    path.write_text(json.dumps(root), encoding="utf-8")
    return path


def _sphere() -> list[np.ndarray]:
    """Positions, normals, coordinates and indices of a sphere."""
    v, u = np.meshgrid(np.linspace(0, 1, GRID + 1), np.linspace(0, 1, GRID + 1), indexing="ij")
    around, down = 2 * np.pi * u, np.pi * v
    axes = (np.cos(around) * np.sin(down), np.cos(down), np.sin(around) * np.sin(down))
    points = np.stack(axes, axis=-1).reshape(-1, 3).astype(np.float32)
    coordinates = np.stack((u, v), axis=-1).reshape(-1, 2).astype(np.float32)
    corner = (np.arange(GRID)[:, None] * (GRID + 1) + np.arange(GRID)).ravel()
    quads = np.stack(
        (corner, corner + 1, corner + GRID + 1, corner + 1, corner + GRID + 2, corner + GRID + 1)
    )
    return [points, points, coordinates, quads.T.ravel().astype(np.uint32)]


def _accessor(view: int, part: np.ndarray) -> dict[str, object]:
    kind = "SCALAR" if part.ndim == 1 else f"VEC{part.shape[1]}"
    code = 5125 if part.dtype == np.uint32 else 5126
    found: dict[str, object] = {"bufferView": view, "componentType": code, "type": kind, "count": len(part)}
    if view == 0:
        found |= {"min": part.min(axis=0).tolist(), "max": part.max(axis=0).tolist()}
    return found


def _material(first: int) -> dict[str, object]:
    surface = {"baseColorTexture": {"index": first}, "metallicRoughnessTexture": {"index": first + 1}}
    return {"pbrMetallicRoughness": surface, "normalTexture": {"index": first + 2}}


def _picture(path: Path, seed: int) -> None:
    """Write smooth noise, which takes about as much as a painted texture."""
    coarse = np.random.default_rng(seed).integers(96, 160, (SIDE // 4, SIDE // 4, 3), np.uint8)
    noise = np.random.default_rng(seed + 100).integers(-2, 3, (SIDE, SIDE, 3))
    smooth = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    Image.fromarray(np.clip(smooth + noise, 0, 255).astype(np.uint8)).save(path, "PNG")
