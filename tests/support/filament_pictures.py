"""Runs Filament in a process of its own, and reads its pictures; scenes that are seen as they are there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.filament import EYE, FOV_Y, PITCH
from support.limits import limit

from engine.assets.files import FileGate
from engine.assets.importers.environment.cube_map import reduced
from engine.assets.importers.environment.light_picture import read_light_pictures
from engine.humon import write
from engine.scene.models.opening import model_scene


def filament_pictures(
    root: Path, folder: Path, glb: bytes, size: tuple[int, int], seconds: Sequence[float] = ()
) -> npt.NDArray[np.float64]:
    """Return Filament's pictures of a model under the sky of sky.hu, float64[n, height, width, 3].

    There is one for each time of its clip, or one. Skips the test where there is no Filament.
    """
    pytest.importorskip("filly", reason="filly is packaged for x86-64 alone")
    content = (root / "assets/builtin/environment/sky.hdr").read_bytes()
    sky, model, pictures = (str(folder / name) for name in ("sky.npy", "model.glb", "pictures.npy"))
    np.save(sky, reduced(read_light_pictures(content, "sky.hdr")[0].pixels, 256, 512))
    Path(model).write_bytes(glb)
    script = str(root / "tests/support/filament.py")
    command = [sys.executable, script, model, sky, pictures, *map(str, (*size, *seconds))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit(250), check=False)
    if "BackendError" in done.stderr:
        pytest.skip("there is no OpenGL driver for Filament")
    assert done.returncode == 0, done.stderr
    return np.load(pictures)[..., :3].astype(float)


def same_view(model: Path) -> Path:
    """Write a scene around a model file beside it, with the camera and the light of Filament's pictures."""
    (model.parent / "assets").mkdir(exist_ok=True)
    values = model_scene(model, FileGate(model.parent), model.name).values
    shown = values["tableau"]["objects"]
    del shown["sun"]
    shown["sky"]["features"][0]["visible"] = True
    lens = {"@type": "camera", "fovY": FOV_Y, "toneMapping": "none"}
    shown["camera"] = {"translation": list(EYE), "euler": [PITCH, 0, 0], "features": [lens]}
    path = model.with_suffix(".hu")
    path.write_text(write(values), encoding="utf-8")
    return path
