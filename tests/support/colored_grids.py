"""Wavy grids that face +z, whose vertices have colours, and materials that read them, for scenes of panes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from support.grids import grid
from support.panes import FORMAT, shader_and_mesh_rows

SIDE = 7
SOURCE = "assets/builtin/material/fullMaterial.{}.glsl"
SHADER = f"{{{{ @type: shader name: {{}} source: {SOURCE} stage: {{}}_shader_bit }}}}\n"
FULL = SHADER.format("fullVs", "vs", "vertex") + SHADER.format("fullFs", "fs", "fragment")
"""The shaders that read colours of vertices."""


def full(name: str, fields: str, mesh: str = "pane") -> str:
    """A material that reads colours of vertices, and a model of the same name."""
    return (
        f"{{ @type: material name: {name} shaders: [fullVs fullFs] {fields} }}\n"
        f"{{ @type: model name: {name} mesh: {mesh} material: {name} }}\n"
    )


def _rows(values: np.ndarray[Any, Any]) -> str:
    """Vectors in Humon."""
    return " ".join("[" + " ".join(f"{x:.6g}" for x in row) + "]" for row in values)


def write_grid(folder: Path, name: str, alpha: np.ndarray[Any, Any]) -> None:
    """Write a wavy grid of a square metre that faces +z; `alpha` [SIDE + 1, SIDE + 1] is of its vertices."""
    lod = grid(SIDE, seed=3)
    u, height, v = lod.attributes["pos"].T
    index = np.rint(u * SIDE).astype(int), np.rint(v * SIDE).astype(int)
    colors = np.stack((*np.ones((3, len(u))), alpha[index]), axis=1)
    pos, normal = np.stack((u - 0.5, 0.5 - v, height), axis=1), np.tile((0.0, 0.0, 1.0), (len(u), 1))
    uv = _rows(np.stack((u, v), axis=1))
    triangles = _rows(lod.indices.reshape(-1, 3))
    columns = {"pos": _rows(pos), "normal": _rows(normal), "color": _rows(colors)}
    columns |= dict.fromkeys(("uv_albedo", "uv_normal", "uv_tangent", "uv_roughness"), uv)
    vertices = " ".join(f"{column}: [{values}]" for column, values in columns.items())
    text = f"mesh: {{ name: {name} vertices: {{ {vertices} }} indices: [{triangles}] }}"
    (folder / f"{name}.mesh.hu").write_text(text)


def grid_rows(name: str) -> str:
    """The records of such a grid."""
    return "\n".join(
        shader_and_mesh_rows(name, f"{name}.mesh.hu", f"{FORMAT} [color r32g32b32a32_sfloat]")[2:]
    )
