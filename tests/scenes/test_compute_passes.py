"""Claims about passes that compute: into buffers that persist, and into images, for passes that draw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import images
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import (
    SCENE_COLOR,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    PrimitivePass,
    Sampler,
    StorageWrite,
)
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.formats import Format
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.tableau.schema import float_field

pytestmark = pytest.mark.gpu

MOVE = """#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) uniform Frame { float step; } frame;
layout(set = 0, binding = 1, std430) buffer Dots { float at[]; } dots;
void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < dots.at.length()) dots.at[i] += frame.step * float(i + 1);
}
"""
DOT_VERTEX = """#version 450
layout(set = 0, binding = 0, std430) readonly buffer Dots { float at[]; } dots;
layout(location = 0) out vec4 tint;
void main() {
    vec2 corner = vec2(gl_VertexIndex == 1 || gl_VertexIndex > 3, gl_VertexIndex == 2 || gl_VertexIndex == 3
                       || gl_VertexIndex == 5);
    vec2 low = vec2(dots.at[gl_InstanceIndex], float(gl_InstanceIndex) / 4.0);
    tint = vec4(gl_InstanceIndex % 2, 1, 0, 1);
    gl_Position = vec4(2.0 * (low + corner * vec2(0.125, 0.25)) - 1.0, 0.5, 1.0);
}
"""
DOT_FRAGMENT = """#version 450
layout(location = 0) in vec4 tint;
layout(location = 0) out vec4 colour;
void main() { colour = tint; }
"""
WAVE = """#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0, rgba16f) uniform writeonly image2D wave;
void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy), size = imageSize(wave);
    if (at.x < size.x && at.y < size.y)
        imageStore(wave, at, vec4((vec2(at) + 0.5) / vec2(size), 0.0, 1.0));
}
"""
SHOW = """#version 450
layout(set = 0, binding = 0) uniform sampler2D wave;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = texture(wave, uv); }
"""
SCENE = """version: 1
assetDb: { name: own  assets: [
    { @type: shader  name: move  source: move.cs.glsl  stage: compute_shader_bit }
    { @type: shader  name: dotVertex  source: dot.vs.glsl  stage: vertex_shader_bit }
    { @type: shader  name: dotFragment  source: dot.fs.glsl  stage: fragment_shader_bit }
    { @type: shader  name: wave  source: wave.cs.glsl  stage: compute_shader_bit }
    { @type: shader  name: show  source: show.fs.glsl  stage: fragment_shader_bit }
] }
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none }] }
    thing: { features: [{ @type: FEATURE  }] }
} }
"""
SOURCES = {
    "move.cs.glsl": MOVE,
    "dot.vs.glsl": DOT_VERTEX,
    "dot.fs.glsl": DOT_FRAGMENT,
    "wave.cs.glsl": WAVE,
    "show.fs.glsl": SHOW,
}
DOTS = BufferDecl("dots", 16, persists=True)
IMAGE = ImageDecl("wave", Format.R16G16B16A16_SFLOAT)


class Dots(Feature):
    """Four bars that move to the right, each faster than the one above."""

    type_name = "dots"
    fields = (float_field("step", 0.0625, help="parts of the picture for each frame"),)
    written = BufferUse(DOTS, "dots", writes=True, stages=ShaderStage.COMPUTE)
    drawn = BufferUse(DOTS, "dots", stages=ShaderStage.VERTEX)

    def passes(self, rows):
        return (
            PrimitivePass(
                "bars",
                color=(ColorTarget(SCENE_COLOR),),
                buffers=(self.drawn,),
                shaders=("own/dotVertex", "own/dotFragment"),
                vertices=6,
                instances=4,
            ),
            ComputePass("move", buffers=(self.written,), shader="own/move", threads=(4, 1, 1)),
        )

    def frame_values(self, frame):
        rows = frame.enabled("dots")
        return {"step": rows["step"][0] if len(rows) else 0.0}


class Wave(Feature):
    """Fills the picture with a ramp that a compute shader has written."""

    type_name = "wave"

    def passes(self, rows):
        return (
            FullscreenPass(
                "show",
                color=(ColorTarget(SCENE_COLOR),),
                reads=(ImageRead(IMAGE, "wave", Sampler(nearest=True)),),
                shader="own/show",
            ),
            ComputePass("ramp", shader="own/wave", threads=IMAGE, writes=(StorageWrite(IMAGE, "wave"),)),
        )


@contextmanager
def opened(folder: Path, feature: Feature, sources=SOURCES, *, trials: bool = False) -> Iterator[Runtime]:
    """A scene with one such feature, with validation."""
    for name, text in sources.items():
        (folder / name).write_text(text)
    (folder / "scene.hu").write_text(SCENE.replace("FEATURE", feature.type_name))
    registry = discover()
    registry.register(feature)
    scene = load_scene(folder / "scene.hu", registry)
    options = RuntimeOptions(size=(64, 64), validate=True, trials=trials)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as made:
        yield made


def faults(runtime: Runtime) -> list[str]:
    """The messages of what is wrong, beside that the scene has neither models nor light."""
    return [str(one.message) for one in runtime.problems if one.code != "feature.absent"]


def bars(picture: np.ndarray) -> list[int]:
    """The first column of the bar in each quarter of a picture, in sixteenths of its width."""
    return [int(np.flatnonzero(picture[8 + 16 * n, :, 1] > 128)[0]) // 4 for n in range(4)]


def test_what_a_compute_pass_keeps_in_a_buffer_is_drawn_and_changed_frame_by_frame(tmp_path: Path) -> None:
    with opened(tmp_path, Dots()) as runtime:
        runtime.settle()
        thing = runtime.tableau["thing"].dots
        first = bars(runtime.read_pixels())
        assert first[1] == 2 * first[0] > 0
        runtime.frame()
        assert np.diff([first, bars(runtime.read_pixels())], axis=0).tolist() == [[1, 2, 3, 4]]
        thing.step = 0.0
        runtime.frame()
        rest = runtime.read_pixels()
        runtime.frame()
        images.assert_same(runtime.read_pixels(), rest)
        plan = runtime.plan
        assert plan is not None
        assert plan.planned_bytes == runtime.memory.live_bytes
        (row,) = (row for row in plan.pipelines if row.pass_name == "move")
        assert row.state is None
        assert '"move"' in str(plan) or "name: move" in str(plan)
        thing.active = False
        runtime.settle()
        assert runtime.plan is not None
        assert {row.pass_name for row in runtime.plan.pipelines} == {"toneMap"}
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes < plan.planned_bytes
        thing.active, thing.step = True, 0.0625
        runtime.settle()
        again = bars(runtime.read_pixels())
        assert again[1] == 2 * again[0] < 8  # it begins again
        assert faults(runtime) == []


def test_an_image_that_a_compute_pass_writes_is_read_by_a_later_one(tmp_path: Path) -> None:
    with opened(tmp_path, Wave()) as runtime:
        runtime.settle()
        encoded = runtime.read_pixels()[..., :2] / 255
        light = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
        ramp = (np.arange(64) + 0.5) / 64
        assert abs(light[:, :, 0] - ramp).max() < 0.01
        assert abs(light[:, :, 1] - ramp[:, None]).max() < 0.01
        runtime.resize(96, 40)
        runtime.settle()
        assert runtime.read_pixels()[20, 95, 0] > 250
        assert faults(runtime) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("move.cs.glsl", "buffer Dots", "readonly buffer Dots", ""),
        (
            "dot.vs.glsl",
            "readonly buffer",
            "buffer",
            "the pass bars needs shader 'dotVertex', which is broken",
        ),
        (
            "dot.vs.glsl",
            "layout(location = 0) out",
            "layout(location = 0) in vec3 pos;\nlayout(location = 0) out",
            "reads the vertex attributes 'pos', and this pass draws no mesh",
        ),
        (
            "dot.fs.glsl",
            "void main",
            "layout(set = 0, binding = 1) uniform sampler2D x;\nvoid main",
            "binds 'x' in set 0",
        ),
        ("move.cs.glsl", "dots", "spots", "'move' binds 'spots' in set 0"),
    ],
)
def test_a_shader_that_does_not_fit_its_pass_costs_its_feature(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    changed = SOURCES[name].replace(old, new)
    if name == "move.cs.glsl" and not message:
        changed = changed.replace("dots.at[i] += frame.step * float(i + 1)", "if (dots.at[i] > 1.0) return")
    with opened(tmp_path, Dots(), {**SOURCES, name: changed}) as runtime:
        runtime.settle()
        found = faults(runtime)
        assert bool(found) is bool(message)
        assert not found or any(message in text for text in found), found
        assert sum("is switched off" in text for text in found) == bool(message)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"threads": (0, 1, 1)}, "runs (0, 1, 1) threads"),
        ({"threads": (70_000, 1, 1)}, "runs (70000, 1, 1) threads"),
        ({"shader": "own/none"}, "none"),
        ({"shader": "own/show"}, "shader 'show' is a fragment shader, which this pass has no use for"),
        ({"buffers": ()}, "binds 'dots' in set 0, which this pass does not provide"),
    ],
)
def test_a_compute_pass_that_is_wrong_costs_its_feature(tmp_path: Path, changed, message: str) -> None:
    class Wrong(Dots):
        """Four bars, with one thing wrong."""

        type_name = "wrong"

        def passes(self, rows):
            return tuple(replace(p, **changed) if p.name == "move" else p for p in super().passes(rows))

    with opened(tmp_path, Wrong()) as runtime:
        runtime.settle()
        assert any(message in text for text in faults(runtime)), faults(runtime)
        assert runtime.frame().drawn


@pytest.mark.parametrize("feature", [Dots(), Wave()], ids=["buffer", "image"])
def test_compute_shaders_of_a_scene_are_tried_before_a_frame_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feature: Feature
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with opened(tmp_path, feature, trials=True) as runtime:
        runtime.settle()
        assert faults(runtime) == []
        assert runtime.read_pixels()[..., :2].any()
        assert runtime.trials.started == 1
