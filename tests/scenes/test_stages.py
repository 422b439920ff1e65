"""Claims about the stages of a pass with different blocks: each reads what it declares, or it is reported."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import PICTURE, ColorTarget, PrimitivePass
from engine.humon import Problem
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

CORNERS = """#version 450
#include "frame.glsl"
void main() {
    vec2 corner = vec2(gl_VertexIndex == 1, gl_VertexIndex == 2) * 4.0 - 1.0;
    gl_Position = vec4(corner * sign(frame.targetSize.x), 0.5, 1.0);
}
"""
FILL = """#version 450
layout(set = 0, binding = BINDING) uniform Frame { vec4 OWN; } frame;
layout(location = 0) out vec4 colour;
void main() { colour = frame.stagesColor; }
"""
SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none }] }
    thing: { features: [{ @type: stages }] }
} }
"""


class Stages(Feature):
    """Fills the picture with a colour that the fragment stage alone declares."""

    type_name = "stages"
    shaders: ClassVar = {"corners.vs": CORNERS, "fill.fs": FILL}

    def passes(self, rows):
        return (
            PrimitivePass(
                "fillWhole",
                color=(ColorTarget(PICTURE),),
                after=("toneMap",),
                shaders=("stages/corners.vs", "stages/fill.fs"),
                vertices=3,
            ),
        )

    def frame_values(self, frame):
        return {"stagesColor": [1.0, 0.0, 1.0, 1.0]}


def drawn(folder: Path, fragment: str) -> tuple[np.ndarray, list[Problem]]:
    """The pixel in the middle of a frame with this fragment shader, and what is wrong."""
    (folder / "scene.hu").write_text(SCENE)
    feature, registry = Stages(), discover()
    feature.shaders = {**Stages.shaders, "fill.fs": fragment}
    registry.register(feature)
    scene = load_scene(folder / "scene.hu", registry)
    options = RuntimeOptions(size=(8, 8), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        pixel = runtime.read_pixels()[4, 4]
        assert [str(message) for message in runtime.instance.messages.all] == []
    return pixel, scene.tableau.warnings


@pytest.mark.parametrize("binding", [0, 3])
def test_a_stage_reads_its_own_members_of_a_block_behind_those_of_the_other_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, binding: int
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fragment = FILL.replace("BINDING", str(binding))
    _, (problem,) = drawn(tmp_path, fragment.replace("OWN", "stagesColor"))
    assert problem.code == "feature.failed"
    assert "where 'viewProjection' lies in another" in problem.message
    offset = problem.help.partition("write ")[2].partition(" before")[0]
    pixel, problems = drawn(tmp_path, fragment.replace("vec4 OWN", f"{offset} vec4 stagesColor"))
    assert problems == []
    assert pixel.tolist()[:3] == [255, 0, 255]
