"""Scenes of upright panes of 1 m with materials of their own, seen straight from the front."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

FORMAT = (
    "[pos r32g32b32_sfloat] [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat] [uv_normal r32g32_sfloat]"
    " [uv_tangent r32g32_sfloat] [uv_roughness r32g32_sfloat]"
)
CORNERS = "[[0 1] [1 1] [1 0] [0 0]]"
PANE = f"""mesh: {{ name: pane
    vertices: {{
        pos: [[-0.5 -0.5 0] [0.5 -0.5 0] [0.5 0.5 0] [-0.5 0.5 0]]
        normal: [[0 0 1] [0 0 1] [0 0 1] [0 0 1]]
        uv_albedo: {CORNERS}  uv_normal: {CORNERS}  uv_tangent: {CORNERS}  uv_roughness: {CORNERS}
    }}
    indices: [[0 1 2] [0 2 3]]
}}
"""
FACING = """    camera: { features: [{ @type: camera  projection: orthographic  height: 2  toneMapping: none
        antialiasing: none  background: [0 0 0] }] }
"""
"""A camera in which a pane at the origin takes half the height of the picture."""
LIT = "    sun: { features: [{ @type: light  intensity: 3  sky: [0 0 0]  ground: [0 0 0] }] }\n"


def shader_and_mesh_rows(mesh: str, source: str, vertex_format: str = FORMAT) -> list[str]:
    """Return records of the default shaders `vs` and `fs`, and of a mesh with its vertices and indices."""
    rows = [
        f"{{ @type: shader name: {name} source: assets/builtin/material/defaultMaterial.{name}.glsl"
        f" stage: {stage}_shader_bit }}"
        for name, stage in (("vs", "vertex"), ("fs", "fragment"))
    ]
    return [
        *rows,
        f"{{ @type: mesh name: {mesh} source: {source}"
        f" lods: [{{ topology: triangle_list vertices: {mesh} indices: {mesh} }}] }}",
        f"{{ @type: vertices name: {mesh} source: {mesh} vertexFormat: [{vertex_format}] }}",
        f"{{ @type: indices name: {mesh} source: {mesh} indexFormat: uint16 }}",
    ]


class Panes:
    """A project with the default shaders, a pane, and small pictures."""

    def __init__(self, root: Path, folder: Path) -> None:
        """`root` is the checkout, of which shaders are copied into `folder`."""
        self.folder = folder
        for part in ("material", "shader"):
            shutil.copytree(root / "assets/builtin" / part, folder / "assets/builtin" / part)
        (folder / "pane.mesh.hu").write_text(PANE)
        self._pictures: list[str] = []

    def picture(self, name: str, texels: npt.ArrayLike) -> None:
        """Add a texture of this name, uint8[height, width, 4]."""
        Image.fromarray(np.asarray(texels, np.uint8)).save(self.folder / f"{name}.png")
        self._pictures.append(name)

    def scene(
        self, materials: Mapping[str, str], objects: str, assets: str = "", vertex_format: str = FORMAT
    ) -> Path:
        """Write a scene: `materials` are the fields of each beside its shaders, with a model of its name."""
        rows = shader_and_mesh_rows("pane", "pane.mesh.hu", vertex_format)
        rows += [f"{{ @type: texture2d name: {name} source: {name}.png }}" for name in self._pictures]
        for name, fields in materials.items():
            rows.append(f"{{ @type: material name: {name} shaders: [vs fs] {fields} }}")
            rows.append(f"{{ @type: model name: {name} mesh: pane material: {name} }}")
        path = self.folder / "scene.hu"
        listed = "\n".join(rows)
        path.write_text(
            f"assetDb: {{ name: db cacheFile: db.ogCache assets: [\n{listed}\n{assets} ] }}\n"
            f"tableau: {{ objects: {{\n{FACING}{objects}}} }}\n"
        )
        return path


def pane(name: str, model: str, more: str = "") -> str:
    """Return an object that shows a model."""
    return f"    {name}: {{ {more} features: [{{ @type: visibleModel  asset: [db {model}] }}] }}\n"
