"""Small projects in temporary folders: an `assets` folder, a scene folder, pictures, meshes, shaders."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.assets import AssetDb, read_asset_db
from engine.assets.cook import cook_database
from engine.humon import parse

VERTEX_GLSL = """#version 450
layout(location = 0) in vec3 pos;
layout(location = 1) in vec3 normal;
layout(location = 0) out vec3 shade;
layout(set = 0, binding = 0) uniform Frame { mat4 viewProjection; vec4 tint[2]; } frame;
void main() {
    shade = normal * frame.tint[1].xyz;
    gl_Position = frame.viewProjection * vec4(pos, 1.0);
}
"""
FRAGMENT_GLSL = """#version 450
layout(location = 0) in vec3 shade;
layout(location = 0) out vec4 colour;
layout(set = 1, binding = 0) uniform sampler2DArray albedo;
layout(set = 1, binding = 1) uniform sampler2DArray normal;
void main() { colour = vec4(shade, 1.0) * texture(albedo, vec3(0.5)) * texture(normal, vec3(0.5)).a; }
"""
TRIANGLE_HU = """mesh: {
    vertices: {
        pos: [[0 0 0] [1 0 0] [0 1 0]]
        normal: [[0 0 1] [0 0 1] [0 0 1]]
    }
    indices: [0 1 2]
    bones: [{ name: root }]
}
"""
TRIANGLE_DB = """assetDb: {
    name: db
    assets: [
        { @type: model  name: thing  mesh: thing  material: plain }
        { @type: mesh  name: thing  source: ../assets/thing.hu
            lods: [{ topology: triangle_list  vertices: thing  indices: thing  numBones: 1 }] }
        { @type: vertices  name: thing  source: thing
            vertexFormat: [[pos r32g32b32_sfloat] [normal r32g32b32_sfloat]] }
        { @type: indices  name: thing  source: thing  indexFormat: uint16 }
        { @type: material  name: plain  shaders: [vs fs]  textures: { albedo: picture  normal: bumps } }
        { @type: shader  name: vs  source: ../assets/plain.vs.glsl  stage: vertex_shader_bit }
        { @type: shader  name: fs  source: ../assets/plain.fs.glsl  stage: fragment_shader_bit }
        { @type: texture2d  name: picture  source: ../assets/picture.png }
        { @type: texture2d  name: bumps  source: ../assets/bumps.png }
    ]
}
"""


class Project:
    """A project with one database, `scenes/db.hu`, that draws a triangle with two textures."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "assets").mkdir(parents=True)
        (root / "scenes").mkdir()
        self.write("assets/thing.hu", TRIANGLE_HU)
        self.write("assets/plain.vs.glsl", VERTEX_GLSL)
        self.write("assets/plain.fs.glsl", FRAGMENT_GLSL)
        self.picture("assets/picture.png", np.full((8, 4, 4), (200, 100, 50, 255), np.uint8))
        self.picture("assets/bumps.png", np.full((2, 2, 4), (128, 128, 255, 255), np.uint8))
        self.write("scenes/db.hu", TRIANGLE_DB)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file with an older modification time."""
        path = self.root / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.age(path)
        return path

    def picture(self, name: str, texels: npt.NDArray[np.uint8]) -> Path:
        """Write a PNG file."""
        path = self.root / name
        Image.fromarray(texels).save(path)
        self.age(path)
        return path

    def age(self, path: Path, seconds: float = 60.0) -> None:
        """Move the mtime into the past, a little further for every call."""
        past = time.time_ns() - int(seconds * 1e9)
        os.utime(path, ns=(past, past))

    def db(self, text: str | None = None, number: int = 1) -> AssetDb:
        """Read the database with this number, after replacing its text where one is given."""
        path = self.root / "scenes" / "db.hu"
        if text is not None:
            path.write_text(text, encoding="utf-8")
        found = read_asset_db(parse(path.read_bytes(), "scenes/db.hu"), path, number)
        assert found is not None
        return found


class Cooks:
    """Cooks a project's database repeatedly, and returns what was imported."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.imported: list[str] = []

    def __call__(self, text: str | None = None) -> int:
        with_labels: list[str] = []
        cooked = cook_database(
            self.project.db(text), progress=lambda done, total, label: with_labels.append(label)
        )
        self.imported = with_labels[1:]
        cooked.image.close()
        return cooked.cooked
