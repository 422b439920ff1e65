"""Claims about values that a plug-in's shader reads and nobody gives: they are zero, and it is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, FeatureRows, FrameView, discover
from engine.graph import PICTURE, ColorTarget, FullscreenPass, Pass, PushValue
from engine.humon import Severity
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

FRAGMENT = """#version 450
layout(set = 0, binding = 0, std140) uniform Frame { vec4 camraPosition; vec4 glowColor; vec4 sunny; } frame;
layout(push_constant) uniform Push { vec4 strength; } push;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = frame.camraPosition + frame.glowColor + frame.sunny + push.strength; }
"""
SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { translation: [0 0 4]  features: [{ @type: camera }] }
    glow: { features: [{ @type: glow }] }
} }
"""


class Glow(Feature):
    """Reads what it gives, what nobody gives, and a value of the camera by a wrong name."""

    type_name = "glow"
    shaders: ClassVar = {"glow.fs": FRAGMENT}
    gives: ClassVar[Mapping[str, tuple[float, ...]]] = {"glowColor": (0.0, 0.0, 0.0, 1.0)}

    def passes(self, rows: FeatureRows) -> tuple[Pass, ...]:
        """Its picture, in place of the scene's."""
        return (
            FullscreenPass(
                "glow",
                color=(ColorTarget(PICTURE),),
                after=("toneMap",),
                shader="glow/glow.fs",
                pushes=(PushValue("strength"),),
            ),
        )

    def frame_values(self, frame: FrameView) -> Mapping[str, tuple[float, ...]]:
        """What it has to give."""
        return self.gives


@pytest.mark.parametrize(
    ("more", "lacking"),
    [
        (
            {},
            {
                "camraPosition": "did you mean 'cameraPosition'?",
                "sunny": "return it",
                "strength": "return it",
            },
        ),
        ({"sunny": (1.0,) * 4, "strength": (1.0,) * 4}, {"camraPosition": "did you mean"}),
        ({"sunny": (1.0,) * 4, "strength": (1.0,) * 4, "camraPosition": (1.0,) * 4}, {}),
    ],
)
def test_what_a_shader_reads_and_nobody_gives_is_named_with_its_shader_and_what_is_near(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, tuple[float, ...]],
    lacking: dict[str, str],
) -> None:
    monkeypatch.setattr(Glow, "gives", {"glowColor": (0.0, 0.0, 0.0, 1.0), **more})
    path = tmp_path / "scene.hu"
    path.write_text(SCENE)
    registry = discover()
    registry.register(Glow())
    scene = load_scene(path, registry)
    options = RuntimeOptions(size=(8, 8), validate=True)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        runtime.frame()
        found = [one for one in runtime.problems if one.code == "shader.value"]
        assert len(found) == len(lacking)
        for name, hint in lacking.items():
            (problem,) = (one for one in found if f"'{name}'" in one.message)
            assert "glow.fs" in problem.message
            assert hint in problem.help
            assert problem.severity is Severity.WARNING
        runtime.tableau["glow"].glow.active = False
        runtime.settle()
        assert not [one for one in runtime.problems if one.code == "shader.value"]
