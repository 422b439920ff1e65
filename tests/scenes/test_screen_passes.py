"""Claims about features whose passes run for every texel: they read, blend, come and go like any other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support import images

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import SCENE_COLOR, SCENE_DEPTH, ColorTarget, FullscreenPass, ImageRead, Sampler
from engine.plan.terms.drawing import Blend
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.tableau.schema import float_field

pytestmark = pytest.mark.gpu

FOG = """#version 450
layout(set = 0, binding = 0) uniform Frame { float fogDensity; } frame;
layout(set = 0, binding = 1) uniform sampler2D depth;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    float d = texture(depth, uv).r;  // reversed: near / distance, 0 where nothing is
    float part = d > 0.0 ? 1.0 - exp(-frame.fogDensity * 0.05 / d) : 1.0;
    colour = vec4(vec3(0.0, 0.5, 0.0) * part, part);
}
"""
SCENE = """version: 1
assetDb: { name: weather  assets: [
    { @type: shader  name: fog  source: fog.fs.glsl  stage: fragment_shader_bit }
] }
tableau: { name: t  objects: {
    cube: { translation: [0 0 -2]  features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: WAY }] }
    sun: { features: [{ @type: light }] }
    air: { features: [{ @type: fog  density: 100 }] }
} }
"""


class Fog(Feature):
    """Fills the air with green fog."""

    type_name = "fog"
    fields = (float_field("density", 1.0, minimum=0.0, help="how dense it is"),)

    def passes(self, rows):
        return (
            FullscreenPass(
                "fog",
                color=(ColorTarget(SCENE_COLOR, Blend.PREMULTIPLIED),),
                reads=(ImageRead(SCENE_DEPTH, "depth", Sampler(nearest=True)),),
                shader="weather/fog",
            ),
        )

    def frame_values(self, frame):
        rows = frame.enabled("fog")
        return {"fogDensity": rows["density"][0] if len(rows) else 0.0}


@contextmanager
def opened(folder: Path, shader: str, antialiasing: str, *, trials: bool = False) -> Iterator[Runtime]:
    """A scene in fog, whose pass has this shader."""
    (folder / "fog.fs.glsl").write_text(shader)
    (folder / "scene.hu").write_text(SCENE.replace("WAY", antialiasing))
    registry = discover()
    registry.register(Fog())
    scene = load_scene(folder / "scene.hu", registry)
    with open_library(scene.dbs) as library:
        made = Runtime(scene, library, RuntimeOptions(size=(96, 64), validate=True, trials=trials))
        try:
            made.settle()
            yield made
        finally:
            made.close()
        assert [str(message) for message in made.instance.messages.all] == []


@pytest.fixture(params=["msaa4", "none"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    with opened(tmp_path, FOG, request.param) as made:
        yield made
        assert made.problems == ()


def picture(runtime: Runtime) -> np.ndarray:
    runtime.settle()
    runtime.frame()
    return runtime.read_pixels()


def is_air(picture: np.ndarray) -> np.ndarray:
    """Where a picture is the green of the fog, give or take a level."""
    return (abs(picture[:, :, :3].astype(int) - (0, 188, 0)) <= 1).all(axis=2)


def test_a_pass_over_the_screen_reads_what_was_drawn_and_blends_over_it(runtime: Runtime) -> None:
    dense = picture(runtime)
    assert is_air(dense).all()  # whatever is seen is far in such fog
    fog = runtime.tableau["air"].fog
    fog.density = 0.3
    thin = picture(runtime)
    assert is_air(thin)[2, 2]
    assert not is_air(thin)[32, 48]
    fog.density = 0.0
    clear = picture(runtime)
    assert abs(clear[32, 48].astype(int) - thin[32, 48]).max() > 4
    assert is_air(clear)[2, 2]  # where nothing is there is air alone


def test_it_is_gone_from_plan_and_picture_while_inactive_and_comes_back(runtime: Runtime) -> None:
    before, plan = picture(runtime), runtime.plan
    assert plan is not None
    assert "fog" in [row.name for row in plan.pipelines]
    runtime.tableau["air"].fog.active = False
    without = picture(runtime)
    assert runtime.plan is not None
    assert "fog" not in [row.name for row in runtime.plan.pipelines]
    assert runtime.memory.live_bytes == runtime.plan.planned_bytes
    assert len(runtime.plan.memory.subresources) < len(plan.memory.subresources)
    assert not (without == before).all()
    runtime.tableau["air"].fog.active = True
    images.assert_same(picture(runtime), before)


def test_a_shader_that_ends_the_driver_costs_its_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    deadly = FOG.replace("void main() {", "float huge[2147483647];\nvoid main() { huge[int(uv.x)] = uv.y;")
    deadly = deadly.replace("part);", "part + huge[int(uv.y)]);")
    with opened(tmp_path, deadly, "none", trials=True) as runtime:
        shown = picture(runtime)
        (problem,) = runtime.problems
        assert problem.code in {"shader.trial", "shader.pipeline"}
        runtime.tableau["air"].fog.active = False
        images.assert_same(picture(runtime), shown)


def test_a_constant_says_whether_what_a_pass_reads_is_there(tmp_path: Path) -> None:
    asking = FOG.replace("void main", "layout(constant_id = 3) const bool hasDepth = false;\nvoid main")
    asking = asking.replace("colour = ", "colour = !hasDepth ? vec4(0.5, 0.0, 0.0, 1.0) : ")
    with opened(tmp_path, asking, "none") as runtime:
        assert is_air(picture(runtime)).all()
        row = next(row for row in runtime.plan.pipelines if row.pass_name == "fog")
        assert row.constants == (("hasDepth", 1),)
        runtime.tableau["cube"].visibleModel.active = False  # nothing writes depth any more
        red = picture(runtime)
        assert (abs(red[:, :, :3].astype(int) - (188, 0, 0)) <= 1).all()
        row = next(row for row in runtime.plan.pipelines if row.pass_name == "fog")
        assert row.constants == ()
