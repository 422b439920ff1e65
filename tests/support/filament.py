"""Pictures by Filament (the package filly) of a model under an environment, made in a process of their own.

    python tests/support/filament.py MODEL.glb SKY.npy PICTURES.npy WIDTH HEIGHT [SECONDS ...]

With seconds there is a picture for each, in which the first clip of the model is at that time. The camera is
that of scenes/sky.hu, light is not tone mapped, and a white environment is shown as white.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

EXPOSURE = 1 / (1.2 * 2**15)
"""Of Filament's camera at 15 EV."""
EYE, PITCH, FOV_Y = (0.0, 0.3, 15.5), -1.0, 30.0
_RINGS, _SLICES = 64, 128


@dataclass(frozen=True)
class Sphere:
    """A sphere of radius 1: where it is, and its material."""

    place: tuple[float, float, float]
    colour: tuple[float, float, float, float]
    metallic: float
    roughness: float
    extensions: Mapping[str, object] = field(default_factory=dict)


def spheres_glb(spheres: Sequence[Sphere]) -> bytes:
    """Return spheres as a binary glTF file."""
    down, around = np.meshgrid(
        np.linspace(0, np.pi, _RINGS + 1), np.linspace(0, 2 * np.pi, _SLICES + 1), indexing="ij"
    )
    axes = np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)
    normals = np.stack(axes, axis=-1).astype("<f4").reshape(-1, 3)
    wide = _SLICES + 1
    first = (np.arange(_RINGS)[:, None] * wide + np.arange(_SLICES)).ravel()
    upper = np.stack((first, first + wide, first + 1), axis=-1)[_SLICES:]
    lower = np.stack((first + 1, first + wide, first + wide + 1), axis=-1)[:-_SLICES]
    corners = np.concatenate((upper, lower)).astype("<u4")
    data = normals.tobytes() + corners.tobytes()
    materials = [
        {
            "pbrMetallicRoughness": {
                "baseColorFactor": one.colour,
                "metallicFactor": one.metallic,
                "roughnessFactor": one.roughness,
            },
            "extensions": dict(one.extensions),
        }
        for one in spheres
    ]
    primitive = {"attributes": {"POSITION": 0, "NORMAL": 0}, "indices": 1}
    document = {
        "asset": {"version": "2.0"},
        "extensionsUsed": sorted({name for one in spheres for name in one.extensions}),
        "scene": 0,
        "scenes": [{"nodes": list(range(len(spheres)))}],
        "nodes": [{"mesh": n, "translation": one.place} for n, one in enumerate(spheres)],
        "meshes": [{"primitives": [{**primitive, "material": n}]} for n in range(len(spheres))],
        "materials": materials,
        "buffers": [{"byteLength": len(data)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": normals.nbytes},
            {"buffer": 0, "byteOffset": normals.nbytes, "byteLength": corners.nbytes},
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(normals),
                "type": "VEC3",
                "min": [-1, -1, -1],
                "max": [1, 1, 1],
            },
            {"bufferView": 1, "componentType": 5125, "count": corners.size, "type": "SCALAR"},
        ],
    }
    if not document["extensionsUsed"]:
        del document["extensionsUsed"]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(data))
    return (
        head
        + struct.pack("<I4s", len(text), b"JSON")
        + text
        + struct.pack("<I4s", len(data), b"BIN\0")
        + data
    )


def outlines(
    spheres: Sequence[Sphere], width: int, height: int, share: float = 0.985
) -> npt.NDArray[np.bool_]:
    """Return which pixels each sphere covers, without its outermost ones: bool[spheres, height, width]."""
    pitch = np.radians(PITCH)
    forward, up = np.array([0, np.sin(pitch), -np.cos(pitch)]), np.array([0, np.cos(pitch), np.sin(pitch)])
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    scale = height / 2 / np.tan(np.radians(FOV_Y / 2))
    found = []
    for one in spheres:
        away = np.array(one.place) - EYE
        depth = away @ forward
        x, y = width / 2 + scale * away[0] / depth, height / 2 - scale * (away @ up) / depth
        found.append((columns - x) ** 2 + (rows - y) ** 2 < (share * scale / depth) ** 2)
    return np.array(found)


def main(model: str, sky: str, pictures: str, width: str, height: str, *seconds: str) -> None:
    """Draw pictures: uint8[n, height, width, 4]."""
    import filly

    pitch = np.radians(PITCH)
    with filly.Renderer() as renderer:
        scene = renderer.create_scene()
        loaded = scene.load(model)
        scene.environment = renderer.create_environment(np.load(sky))
        scene.environment_intensity, scene.environment_visible = 1 / EXPOSURE, True
        scene.environment_rotation_deg = 180
        scene.tone_mapping, scene.msaa, scene.shadows, scene.ssao = "linear", 4, False, False
        camera = renderer.create_camera()
        camera.set_perspective(fov_y_deg=FOV_Y, near=0.05, far=1000)
        camera.position = EYE
        camera.look_at((EYE[0], EYE[1] + np.sin(pitch), EYE[2] - np.cos(pitch)))
        scene.camera = camera
        target = renderer.create_render_target(width=int(width), height=int(height))
        drawn = []
        for time in seconds or (None,):
            if time is not None:
                loaded.apply_animation(0, float(time), loop=False)
            renderer.render(scene, target)
            drawn.append(np.array(target.read()))
        np.save(pictures, np.stack(drawn))


if __name__ == "__main__":
    main(*sys.argv[1:])
