"""Scenes of a mesh that is made for a test, seen flat from the front, before a wall that takes its shadow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import numpy as np
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

SIZE = 120
PLAIN_FORM = "[pos r32g32b32_sfloat] [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat]"
_SHADERS = "".join(
    f"{{ @type: shader  name: {stage}  stage: {kind}_shader_bit"
    f"   source: material/defaultMaterial.{stage}.glsl }}"
    for stage, kind in (("vs", "vertex"), ("fs", "fragment"))
)


def rows(values: np.ndarray) -> str:
    """Numbers [n, m] as Humon."""
    return "[" + " ".join("[" + " ".join(f"{n:.6f}" for n in row) + "]" for row in values) + "]"


def copy_builtin(folder: Path) -> None:
    """Copy what the assets of `flat_scene` are made of."""
    source = Path("assets/builtin").resolve()
    for part in ("material", "shader"):
        copytree(source / part, folder / part, ignore=ignore_patterns("*.png"))
    copy(source / "mesh/plane.hu", folder)


def flat_scene(name: str, mesh: str, form: str, assets: str, camera: str, objects: str) -> str:
    """Return the text of a scene with the model `name` of the file `name`.hu, and the model `wall`.

    `mesh` are further fields of the mesh, `form` further attributes of its vertices; a camera at `camera`
    sees 4 m, white on black.
    """
    return f"""version: 1
assetDb: {{ name: own  assets: [
    {_SHADERS}
    {{ @type: mesh  name: {name}  source: {name}.hu  {mesh}
        lods: [{{ topology: triangle_list  vertices: {name}  indices: {name} }}] }}
    {{ @type: vertices  name: {name}  source: {name}  vertexFormat: [{PLAIN_FORM} {form}] }}
    {{ @type: indices  name: {name}  source: {name}  indexFormat: uint16 }}
    {{ @type: material  name: plain  shaders: [vs fs]  doubleSided: true
        parameters: {{ emissive: [1 1 1] }} }}
    {{ @type: model  name: {name}  mesh: {name}  material: plain }}
    {{ @type: mesh  name: plane  source: plane.hu
        lods: [{{ topology: triangle_list  vertices: plane  indices: plane }}] }}
    {{ @type: vertices  name: plane  source: plane  vertexFormat: [{PLAIN_FORM}] }}
    {{ @type: indices  name: plane  source: plane  indexFormat: uint16 }}
    {{ @type: material  name: white  shaders: [vs fs] }}
    {{ @type: model  name: wall  mesh: plane  material: white }}
    {assets}
] }}
tableau: {{ name: t  objects: {{
    camera: {{ {camera}  features: [
        {{ @type: camera  projection: orthographic  height: 4  background: [0 0 0]
            toneMapping: none  antialiasing: none }}] }}
    {objects}
}} }}
"""


@contextmanager
def drawn(path: Path) -> Iterator[Runtime]:
    """Draw a scene, which is settled; validation must be silent."""
    scene = load_scene(path)
    options = RuntimeOptions(size=(SIZE, SIZE), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as made:
        made.settle()
        yield made


def seen(runtime: Runtime) -> np.ndarray:
    """Which pixels show the mesh, bool[SIZE, SIZE]."""
    runtime.settle()
    runtime.frame()
    return np.asarray(runtime.read_pixels()[:, :, 0] > 128)


def covered_by(triangles: np.ndarray) -> np.ndarray:
    """Which pixels have their middle in a triangle [n, corner, xyz], as a flat scene shows it."""
    side = 4.0 / SIZE
    x, y = np.meshgrid((np.arange(SIZE) + 0.5) * side - 2.0, 3.0 - (np.arange(SIZE) + 0.5) * side)
    found = np.zeros((SIZE, SIZE), np.bool_)
    for corners in triangles[:, :, :2]:
        edges = np.roll(corners, -1, axis=0) - corners
        sides = [e[0] * (y - c[1]) - e[1] * (x - c[0]) for c, e in zip(corners, edges, strict=True)]
        found |= np.all([s >= 0 for s in sides], axis=0) | np.all([s <= 0 for s in sides], axis=0)
    return found


def assert_alike(one: np.ndarray, other: np.ndarray, apart: int = 6) -> None:
    """Assert that two masks are not empty and differ in at most `apart` pixels."""
    assert one.any()
    assert other.any()
    assert int((one != other).sum()) <= apart
