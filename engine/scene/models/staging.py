"""Stages a model file: a camera that frames it, light, and a sky, as the text of a scene file."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.scene.models.description import Box, ModelFile, Plain
from engine.scene.models.gltf_materials import SHADERS

FOV_Y = 35.0
"""Vertical field of view of the camera, in degrees."""

_FROM = (-14.0, 32.0)
"""From where the camera looks: degrees down, and to the right of the front, +Z (glTF 2.0, 3.4)."""

_MARGIN = 1.02
_BACKGROUND = (0.3, 0.32, 0.35)
_SUN = {"color": [1.0, 0.96, 0.9], "intensity": 2.5}
_FARTHEST_SHADOW = 1e6
_SUN_FROM = (-50.0, -35.0)
_SKY = "builtin:environment/sky.hdr"
SKY_ASSET = "sky"


@dataclass(frozen=True, slots=True)
class Sky:
    """A sky that was chosen for a model: the database that has it, or the `source` of a record to make."""

    database: str = ""
    source: str = ""


def scene_values(
    model: ModelFile, name: str, cache: str, *, compress: bool = False, sky: Sky | None = None
) -> Plain:
    """Return the values of a scene file with a database and a tableau, both called `name`, around a model.

    `cache` is what the name of the cache begins with. `compress` has the textures of the database made into
    blocks. A `sky` that was chosen is seen, and is the only light beside those of the model; the usual one is
    neither.
    """
    used = {shader for record in model.assets for shader in record.get("shaders", ())}
    shaders = [
        {"@type": "shader", "name": name, "source": source, "stage": stage}
        for name, (source, stage) in SHADERS.items()
        if name in used
    ]
    skies = [] if sky is not None and sky.database else [sky_record(sky.source if sky else _SKY)]
    seen: Plain = {"@type": "skybox", "asset": [sky.database if sky and sky.database else name, SKY_ASSET]}
    if sky is None:
        seen |= {"intensity": 0.3 if model.has_lights else 1.0, "visible": False}
    objects: Plain = {**model.objects, "camera": _camera(model.box), "sky": {"features": [seen]}}
    if not model.has_lights and sky is None:
        objects["sun"] = _sun(model.box)
    how: Plain = {"compressTextures": True} if compress else {}
    return {
        "version": 1,
        "assetDb": database_values(name, cache, [*model.assets, *shaders, *skies], **how),
        "tableau": {"name": name, "objects": objects},
    }


def database_values(name: str, cache: str, assets: list[Plain], **how: object) -> Plain:
    """Return the values of a database with these records; the name of its cache begins with `cache`."""
    return {"name": name, "cacheFile": f"{cache}.ogCache", **how, "assets": assets}


def sky_record(source: str) -> Plain:
    """Return the record of a sky."""
    return {"@type": "environment", "name": SKY_ASSET, "source": source}


def _camera(box: Box) -> Plain:
    """Return a camera that sees the whole box, from the front, a little above and to the right."""
    center, radius = _sphere(box)
    distance = radius * _MARGIN / math.sin(math.radians(FOV_Y / 2))
    pitch, yaw = (math.radians(angle) for angle in _FROM)
    towards = np.array([math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    near = max((distance - radius) * 0.05, distance * 1e-4, 1e-4)
    feature: Plain = {
        "@type": "camera",
        "fovY": FOV_Y,
        "near": _rounded(near),
        "background": list(_BACKGROUND),
    }
    return {
        "translation": [_rounded(value) for value in (center + towards * distance).tolist()],
        "euler": [*_FROM, 0.0],
        "features": [feature],
    }


def _sun(box: Box) -> Plain:
    _, radius = _sphere(box)
    feature: Plain = {
        "@type": "light",
        "kind": "directional",
        **_SUN,
        "shadowDistance": min(max(1.0, _rounded(radius * 8)), _FARTHEST_SHADOW),
    }
    return {"euler": [*_SUN_FROM, 0.0], "features": [feature]}


def _sphere(box: Box) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], float]:
    """Return the centre and radius of the sphere around a box; of an empty one, a metre around the origin."""
    if box.is_empty:
        return np.zeros(3), 1.0
    size = float(np.linalg.norm(box.high - box.low)) / 2
    return (box.low + box.high) / 2, max(size, 1e-3)


def _rounded(value: float) -> float:
    """Return a number with four digits, as people write them."""
    return float(f"{value:.4g}")
