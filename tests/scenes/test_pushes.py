"""Claims about push constants: passes give them by name, for all views or each, or features do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import (
    PICTURE,
    SCENE_COLOR,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    PrimitivePass,
    PushValue,
    Sampler,
)
from engine.humon import parse
from engine.plan import Format, ShaderStage
from engine.plan.text.plan_text import plan_text
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.tableau.schema import float_field

pytestmark = pytest.mark.gpu

FILL = """#version 450
layout(push_constant) uniform Push { vec2 place; layout(offset = 16) vec3 tint; int count; float gain; } push;
layout(location = 0) out vec4 colour;
void main() { colour = vec4(push.tint * float(push.count) * push.gain, push.place.x + push.place.y); }
"""
SHOW = """#version 450
layout(set = 0, binding = 0) uniform sampler2DArray layers;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = texture(layers, vec3(uv, uv.x < 0.5 ? 0 : 1)); }
"""
DOT = """#version 450
layout(push_constant) uniform Push { layout(offset = 32) vec2 low; vec2 high; } push;
layout(set = 0, binding = 0, std430) readonly buffer Sizes { float value[]; } sizes;
void main() {
    vec2 corner = vec2(gl_VertexIndex == 1 || gl_VertexIndex > 3, gl_VertexIndex == 2 || gl_VertexIndex == 3
                       || gl_VertexIndex == 5);
    gl_Position = vec4(2.0 * mix(push.low, push.high, corner) * sizes.value[0] - 1.0, 0.5, 1.0);
}
"""
DOT_COLOUR = """#version 450
layout(push_constant) uniform Push { float gain; } push;
layout(location = 0) out vec4 colour;
void main() { colour = vec4(0.0, 0.0, push.gain, 1.0); }
"""
SIZE = """#version 450
layout(local_size_x = 1) in;
layout(push_constant) uniform Push { float size; } push;
layout(set = 0, binding = 0, std430) buffer Sizes { float value[]; } sizes;
void main() { sizes.value[0] = push.size; }
"""
SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none }] }
    thing: { features: [{ @type: KIND  gain: 0.5 }] }
} }
"""
LAYERS = ImageDecl("layers", Format.R32G32B32A32_SFLOAT, Extent(width=4, height=4), layers=2)
SHOWN = ImageDecl("shown", Format.R32G32B32A32_SFLOAT, Extent(width=8, height=4))
SIZES = BufferDecl("sizes", 16)


class Pushed(Feature):
    """Fills two layers with colours of its own, and a quarter of the picture with blue."""

    type_name = "pushed"
    fields = (float_field("gain", 1.0),)
    shaders: ClassVar = {
        "fill.fs": FILL,
        "show.fs": SHOW,
        "dot.vs": DOT,
        "dot.fs": DOT_COLOUR,
        "size.cs": SIZE,
    }
    given: ClassVar = (
        PushValue("tint", views=((1.0, 0.25, 0.0), (0.0, 0.5, 1.0))),
        PushValue("count", (4,)),
        PushValue("place", (0.25, 0.5)),
        PushValue("gain"),
    )

    def passes(self, rows):
        own = self.type_name
        fill = FullscreenPass(
            "fill", color=(ColorTarget(LAYERS),), views=("", ""), pushes=self.given, shader=f"{own}/fill.fs"
        )
        show = FullscreenPass(
            "show",
            color=(ColorTarget(SHOWN),),
            reads=(ImageRead(LAYERS, "layers", Sampler(nearest=True)),),
            shader=f"{own}/show.fs",
        )
        size = ComputePass(
            "size",
            buffers=(BufferUse(SIZES, "sizes", writes=True, stages=ShaderStage.COMPUTE),),
            pushes=(PushValue("size", (0.5,)),),
            shader=f"{own}/size.cs",
        )
        dot = PrimitivePass(
            "dot",
            color=(ColorTarget(SCENE_COLOR),),
            buffers=(BufferUse(SIZES, "sizes", stages=ShaderStage.VERTEX),),
            pushes=(PushValue("low", (0.0, 0.0)), PushValue("high", (1.0, 1.0)), PushValue("gain")),
            shaders=(f"{own}/dot.vs", f"{own}/dot.fs"),
            vertices=6,
        )
        return fill, show, size, dot

    def frame_values(self, frame):
        rows = frame.enabled(self.type_name)
        return {"gain": rows["gain"][0] if len(rows) else 0.0}


@contextmanager
def opened(folder: Path, feature: Feature, *, trials: bool = False) -> Iterator[Runtime]:
    """A scene with such a feature, under validation."""
    (folder / "scene.hu").write_text(SCENE.replace("KIND", feature.type_name))
    registry = discover()
    registry.register(feature)
    scene = load_scene(folder / "scene.hu", registry)
    options = RuntimeOptions(size=(32, 16), validate=True, trials=trials, outputs=(PICTURE, SHOWN))
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        yield runtime


def halves(runtime: Runtime) -> list[list[float]]:
    """The colours that the two layers have."""
    shown = np.asarray(runtime.read_pixels(SHOWN))
    assert (shown[:, :4] == shown[0, 0]).all()
    assert (shown[:, 4:] == shown[0, 7]).all()
    return [shown[0, 0].tolist(), shown[0, 7].tolist()]


@pytest.mark.parametrize("trials", [False, True])
def test_shaders_get_the_values_of_their_pass_in_each_view_and_those_of_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with opened(tmp_path, Pushed(), trials=trials) as runtime:
        assert [str(one.message) for one in runtime.problems if one.code != "feature.absent"] == []
        assert halves(runtime) == [[2.0, 0.5, 0.0, 0.75], [0.0, 1.0, 2.0, 0.75]]
        blue = runtime.read_pixels()[:, :, 2]
        assert (abs(blue[:8, :16].astype(int) - 188) <= 1).all()  # 0.5 in sRGB
        assert (blue[8:, 16:] == blue[15, 31]).all()
        plan, thing = runtime.plan, runtime.tableau["thing"].pushed
        for gain in (1.0, 0.25):
            thing.gain = gain
            runtime.frame()
            assert halves(runtime)[0] == [4 * gain, gain, 0.0, 0.75]
        assert runtime.plan is plan


def test_the_plan_prints_the_push_constants_of_a_pipeline(tmp_path: Path) -> None:
    with opened(tmp_path, Pushed()) as runtime:
        rows = {row.pass_name: row.push for row in runtime.plan.pipelines}
        assert rows["show"] is None
        assert rows["fill"].stages == ShaderStage.FRAGMENT
        assert rows["fill"].bytes == 36
        assert rows["fill"].members == (("place", 0), ("tint", 16), ("count", 28), ("gain", 32))
        assert rows["dot"].stages == ShaderStage.VERTEX | ShaderStage.FRAGMENT
        assert rows["dot"].members == (("gain", 0), ("low", 32), ("high", 40))
        assert rows["size"].stages == ShaderStage.COMPUTE
        text = plan_text(runtime.plan)
        (dot,) = (
            row
            for row in parse(text, "plan.hu").root["featureDb"]["pipelinePlan"]
            if "dot" in row["name"].text
        )
        assert [stage.text for stage in dot["pushConstants"]["stages"]] == ["vertex_bit", "fragment_bit"]
        assert dot["pushConstants"]["bytes"].text == "48"


class Forgetful(Pushed):
    """Gives its shaders all but one push constant."""

    type_name = "forgetful"
    given = Pushed.given[1:]


class Twice(Pushed):
    """Gives a push constant twice."""

    type_name = "twice"
    given = (*Pushed.given, PushValue("count", (1,)))


class Unfit(Pushed):
    """Gives a push constant for fewer views than its pass has."""

    type_name = "unfit"
    given = (replace(Pushed.given[0], views=((1.0, 1.0, 1.0),)), *Pushed.given[1:])


@pytest.mark.parametrize(
    ("feature", "message", "advice"),
    [
        (Forgetful(), "reads the push constant 'tint', which this pass does not give", "add a PushValue"),
        (Twice(), "fill gives the push constant count twice", ""),
        (Unfit(), "fill gives tint for 1 views and has 2", ""),
    ],
)
def test_push_constants_that_nobody_gives_or_that_do_not_fit_cost_their_feature(
    tmp_path: Path, feature: Feature, message: str, advice: str
) -> None:
    with opened(tmp_path, feature) as runtime:
        (problem,) = (one for one in runtime.problems if one.code == "feature.failed")
        assert message in str(problem.message)
        assert advice in problem.help
        assert problem.position is not None
        assert (problem.position.line, problem.position.column) == (4, 27)
        assert runtime.frame().drawn
