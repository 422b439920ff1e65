"""Claims about maps of plug-ins that are left out: what their shaders read is drawn in that frame."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, FeatureRows, FrameView, discover
from engine.graph import (
    SCENE_COLOR,
    ColorTarget,
    DrawPass,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    Pass,
)
from engine.plan import Format
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

MAP = ImageDecl("probeMap", Format.R8G8B8A8_UNORM, Extent(width=16, height=16), clear=(0.0, 0.0, 0.0, 0.0))
OF_ALL = """#version 450
#include "draws.glsl"
layout(location = 0) out vec4 colour;
void main() {
    vec3 sum = vec3(0.0);
    for (int i = 0; i < 5; ++i) sum += abs(instances.placement[i][3].xyz);
    colour = vec4(sum / 10.0, 1.0);
}
"""
SHOW = """#version 450
layout(set = 0, binding = 0) uniform sampler2D probe;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = texture(probe, uv); }
"""
SCENE = """version: 1
tableau: { name: t  objects: {
    cube: { features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    other: { translation: [1 0 0] }
    camera: { translation: [0 0 4]  features: [{ @type: camera  toneMapping: none }] }
    sun: { features: [{ @type: light }] }
    probe: { features: [{ @type: probe }] }
} }
"""


class Probe(Feature):
    """Draws models into a map, with colours of the places of all objects, and shows it."""

    type_name = "probe"
    shaders: ClassVar = {"ofAll.fs": OF_ALL, "show.fs": SHOW}

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """The map, and the picture of it."""
        shaders = ("shadow", "probe/ofAll.fs")
        read = ImageRead(MAP, "probe")
        return (
            DrawPass(
                "probe",
                draws="visibleModel",
                color=(ColorTarget(MAP),),
                shaders=shaders,
                views=("probe",),
            ),
            FullscreenPass("shown", color=(ColorTarget(SCENE_COLOR),), reads=(read,), shader="probe/show.fs"),
        )

    def views(self, frame: FrameView) -> dict[str, dict[str, list[list[float]]]]:
        """Towards -z, 4 m wide."""
        return {"probe": {"viewProjection": [[0.5, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 0, 0], [0, 0, 0.5, 1]]}}


def test_a_map_follows_places_of_other_objects_that_its_fragment_shader_reads(tmp_path: Path) -> None:
    (tmp_path / "scene.hu").write_text(SCENE)
    registry = discover()
    registry.register(Probe())
    scene = load_scene(tmp_path / "scene.hu", registry)
    options = RuntimeOptions(size=(32, 16), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        for _ in range(2):
            runtime.frame()
        assert runtime.renderer.reused == {"probe"}
        scene.tableau["other"].translation = (5.0, 3.0, 0.0)
        runtime.frame()
        found = runtime.read_pixels()
        runtime.renderer._record_again()
        runtime.frame()
        assert np.array_equal(found, runtime.read_pixels())
        runtime.frame()
        assert runtime.renderer.reused == {"probe"}
        assert runtime.problems == ()
