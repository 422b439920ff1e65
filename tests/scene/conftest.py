"""A registry of small features, and files written for a test."""

import pytest

from engine.feature import Feature, Registry
from engine.scene import load_scene
from engine.tableau.schema import (
    angle_field,
    asset_field,
    bool_field,
    choice_field,
    color_field,
    float_field,
    int_field,
    text_field,
)

ASSETS = """assetDb: {
    name: assetDb0
    assets: [
        { @type: model  name: cube  mesh: cube  material: brick }
        { @type: mesh  name: cube  source: cube.hu
          lods: [ { topology: triangle_list  vertices_adbi: 2  indices_adbi: 3 } ] }
        { @type: vertices  source_adbi: 1  vertexFormat: [ [pos r32g32b32_sfloat] ] }
        { @type: indices  source_adbi: 1  indexFormat: uint16 }
        { @type: material  name: brick  shader_adbis: [5] }
        { @type: shader  source: a.vs.glsl  stage: vertex_shader_bit  entryPoint: main }
    ]
}
"""


class VisibleModel(Feature):
    """Seen."""

    type_name = "visibleModel"
    fields = (asset_field("asset", types=("model",)),)


class ShadowCaster(Feature):
    """Casts."""

    type_name = "shadowCaster"
    requires = ("visibleModel",)
    fields = (asset_field("asset", types=("mesh", "model")), float_field("bias", 1.0, minimum=0, maximum=16))


class Light(Feature):
    """Shines."""

    type_name = "light"
    fields = (
        float_field("intensity", 3.0, minimum=0),
        color_field("color", (1, 1, 1)),
        angle_field("cone", 45, minimum=1, maximum=179),
        choice_field("kind", "directional", choices=("directional", "point")),
        int_field("samples", 4, minimum=1, maximum=64),
        bool_field("soft", True),
        text_field("note"),
        asset_field("cookie", types=("model",), default=("assetDb0", "cube")),
    )


@pytest.fixture
def registry():
    return Registry([VisibleModel(), ShadowCaster(), Light()])


@pytest.fixture
def write(tmp_path):
    """Write a file below a project root and return its path."""
    (tmp_path / "assets").mkdir()

    def write(text, name="scenes/a.hu"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def load(write, registry, monkeypatch, tmp_path):
    """Load a scene from its text; positions name `scenes/a.hu`."""
    monkeypatch.chdir(tmp_path)

    def load(text, name="scenes/a.hu"):
        return load_scene(write(text, name), registry)

    return load
