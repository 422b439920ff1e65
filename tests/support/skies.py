"""Scenes of spheres with materials of their own under skies of their own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from support.panes import shader_and_mesh_rows

from engine.storage.radiance import radiance_bytes

CAMERA = "camera: { translation: [0 0 4] features: [{ @type: camera  fovY: 45  toneMapping: none }] }"
"""A camera whose picture is as high as 3.3 m at the origin, looking along -z."""
BACKGROUND = (92, 99, 108)
"""What a picture shows where nothing is, and no sky."""


def sides(**colours: tuple[float, float, float]) -> npt.NDArray[np.float32]:
    """A picture of all directions, black but for colours towards px, nx, py, ny, pz and nz."""
    rows = 32
    down = (np.arange(rows) + 0.5)[:, None] * np.pi / rows
    around = (np.arange(2 * rows) + 0.5)[None, :] * np.pi / rows - np.pi
    axes = np.stack(
        (np.sin(down) * np.sin(around), np.cos(down) + 0 * around, -np.sin(down) * np.cos(around)), -1
    )
    made = np.zeros((rows, 2 * rows, 3), np.float32)
    for name, colour in colours.items():
        along = axes[..., "xyz".index(name[1])]
        made[(along if name[0] == "p" else -along) > 0.7] = colour
    return made


class Skies:
    """A project with the default shaders, a sphere of radius 1, and skies."""

    def __init__(self, root: Path, folder: Path) -> None:
        """`root` is the checkout, of which assets are copied into `folder`."""
        self.folder = folder
        builtin = folder / "assets" / "builtin"
        for part in ("material", "shader"):
            shutil.copytree(root / "assets/builtin" / part, builtin / part)
        for name in ("mesh/sphere.hu", "texture/white.png"):
            (builtin / name).parent.mkdir(exist_ok=True)
            shutil.copy(root / "assets/builtin" / name, builtin / name)
        self._skies: list[str] = []

    def sky(self, name: str, light: npt.NDArray[np.float32] | bytes) -> None:
        """Add an environment of this name: float32[height, width, 3], or the bytes of a file."""
        content = light if isinstance(light, bytes) else radiance_bytes(light)
        (self.folder / f"{name}.hdr").write_bytes(content)
        self._skies.append(name)

    def scene(
        self, materials: Mapping[str, str], objects: str, camera: str = CAMERA, assets: str = ""
    ) -> Path:
        """Write a scene: `materials` are the parameters of each, with a model of its name."""
        rows = shader_and_mesh_rows("ball", "assets/builtin/mesh/sphere.hu")
        rows.append("{ @type: texture2d name: white source: assets/builtin/texture/white.png }")
        rows += [f"{{ @type: environment name: {name} source: {name}.hdr }}" for name in self._skies]
        for name, parameters in materials.items():
            textures = "textures: { roughness: white }"
            rows.append(
                f"{{ @type: material name: {name} shaders: [vs fs] {textures}"
                f" parameters: {{ {parameters} }} }}"
            )
            rows.append(f"{{ @type: model name: {name} mesh: ball material: {name} }}")
        path = self.folder / "scene.hu"
        listed = "\n".join([*rows, assets])
        path.write_text(
            f"assetDb: {{ name: db cacheFile: db.ogCache assets: [\n{listed}\n] }}\n"
            f"tableau: {{ objects: {{\n{camera}\n{objects}\n}} }}\n"
        )
        return path


def skybox(name: str, asset: str, more: str = "") -> str:
    """Return an object with a skybox."""
    return f"{name}: {{ features: [{{ @type: skybox  asset: [db {asset}]  {more} }}] }}"


def ball(name: str, model: str, more: str = "") -> str:
    """Return an object that shows a model."""
    return f"{name}: {{ {more} features: [{{ @type: visibleModel  asset: [db {model}] }}] }}"
