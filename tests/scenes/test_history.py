"""Claims about images with a history: passes read what the last frame has left, whatever comes between."""

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
    ColorTarget,
    ComputePass,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    Sampler,
    Samples,
    StorageWrite,
    previous_name,
)
from engine.plan import Format, ShaderStage
from engine.plan.text.why import why_text
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

COUNT = ImageDecl("count", Format.R32G32B32A32_SFLOAT, Extent(scale=0.5), history=True)
SHOWN = ImageDecl("shown", Format.R32G32B32A32_SFLOAT, Extent(scale=0.5))
NEAREST = Sampler(nearest=True)

ADD = """#version 450
layout(set = 0, binding = 0) uniform sampler2D last;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    vec4 before = texture(last, uv);
    colour = vec4(before.r + 1.0, 2.0 * before.g + 1.0, gl_FragCoord.x < 4.0 ? 1.0 : before.b, 1.0);
}
"""
WRITE = """#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform sampler2DArray last;
layout(set = 0, binding = 1, rgba32f) uniform writeonly image2DArray now;
void main() {
    ivec3 at = ivec3(gl_GlobalInvocationID), size = imageSize(now);
    if (at.x < size.x && at.y < size.y)
        imageStore(now, at, texelFetch(last, at, 0) + vec4(float(1 + at.z), 0.0, 0.0, 0.0));
}
"""
COPY = """#version 450
layout(set = 0, binding = 0) uniform sampler2D now;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = texture(now, uv); }
"""
COPY_LAYERS = """#version 450
layout(set = 0, binding = 0) uniform sampler2DArray now;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = vec4(texture(now, vec3(uv, 0)).r, texture(now, vec3(uv, 1)).r, 0.0, 1.0); }
"""
SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none }] }
    thing: { features: [{ @type: KIND }] }
} }
"""


class Counter(Feature):
    """Counts frames in each texel, and shows the number in an image that can be read back."""

    type_name = "counter"
    image = COUNT
    shaders: ClassVar = {"add.fs": ADD, "copy.fs": COPY, "write.cs": WRITE, "copyLayers.fs": COPY_LAYERS}

    def passes(self, rows):
        add = FullscreenPass(
            "add",
            color=(ColorTarget(self.image),),
            reads=(ImageRead(self.image, "last", NEAREST, previous=True),),
            shader="counter/add.fs",
        )
        return self.copied("counter/copy.fs"), add

    def copied(self, shader):
        return FullscreenPass(
            "copy",
            color=(ColorTarget(SHOWN),),
            reads=(ImageRead(self.image, "now", NEAREST),),
            shader=shader,
        )


class Sampled(Counter):
    """The same with an image of several samples, of which the average is kept."""

    image = replace(COUNT, samples=Samples.FRAME, format=Format.R16G16B16A16_SFLOAT, extent=Extent())


class Layered(Counter):
    """The same with two layers, which a compute shader writes: the second counts twice as fast."""

    image = replace(COUNT, layers=2)

    def passes(self, rows):
        write = ComputePass(
            "write",
            reads=(ImageRead(self.image, "last", NEAREST, stages=ShaderStage.COMPUTE, previous=True),),
            writes=(StorageWrite(self.image, "now"),),
            threads=self.image,
            shader="counter/write.cs",
        )
        return write, self.copied("counter/copyLayers.fs")


@contextmanager
def opened(folder: Path, feature: Feature, outputs=(PICTURE, SHOWN)) -> Iterator[Runtime]:
    """A scene with such a feature, under validation."""
    (folder / "scene.hu").write_text(SCENE.replace("KIND", feature.type_name))
    registry = discover()
    registry.register(feature)
    scene = load_scene(folder / "scene.hu", registry)
    options = RuntimeOptions(size=(32, 16), validate=True, trials=False, outputs=outputs)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        yield runtime


def first_frame(runtime: Runtime) -> None:
    """Draw until one frame was drawn."""
    runtime.load()
    while not runtime.frame().drawn:
        pass


def counts(runtime: Runtime, channel: int = 0) -> set[float]:
    """The different numbers in what is shown."""
    return set(np.asarray(runtime.read_pixels(SHOWN))[:, :, channel].ravel().tolist())


@pytest.mark.parametrize("feature", [Counter(), Sampled()], ids=["one sample", "several samples"])
def test_each_frame_reads_what_the_last_one_has_drawn_and_the_first_one_zeros(
    tmp_path: Path, feature: Feature
) -> None:
    with opened(tmp_path, feature) as runtime:
        first_frame(runtime)
        for number in range(1, 6):
            assert counts(runtime) == {number}
            assert counts(runtime, 1) == {2**number - 1}
            runtime.frame()
        for _ in range(4):  # without a look between: two frames are in flight
            runtime.frame()
        assert counts(runtime) == {10}
        assert [str(one.message) for one in runtime.problems if one.code != "feature.absent"] == []


def test_layers_that_a_compute_shader_writes_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path, Layered()) as runtime:
        first_frame(runtime)
        for number in range(1, 5):
            assert (counts(runtime), counts(runtime, 1)) == ({number}, {2 * number})
            runtime.frame()


class Unseen:
    """A presenter without a target, as while a window is minimized."""

    def acquire(self):
        return None


def test_frames_that_are_not_drawn_keep_what_the_last_drawn_one_left(tmp_path: Path) -> None:
    with opened(tmp_path, Counter()) as runtime:
        first_frame(runtime)
        for number in range(2, 7):
            for _ in range(number % 3):
                assert not runtime.frame(Unseen()).drawn
            runtime.frame()
            assert counts(runtime) == {number}


def test_a_frame_of_another_size_begins_with_zeros(tmp_path: Path) -> None:
    with opened(tmp_path, Counter()) as runtime:
        first_frame(runtime)
        runtime.frame()
        assert counts(runtime) == {2}
        runtime.resize(48, 20)
        first_frame(runtime)
        assert counts(runtime) == {1}
        assert counts(runtime, 2) == {0.0, 1.0}
        runtime.resize(32, 16)
        first_frame(runtime)
        assert counts(runtime) == {1}
        runtime.frame()
        assert counts(runtime) == {2}


def test_what_is_kept_is_planned_twice_never_aliased_and_explained(tmp_path: Path) -> None:
    with opened(tmp_path, Counter()) as runtime:
        first_frame(runtime)
        plan, keys = runtime.plan, runtime.plan.requirements.keys
        for name in ("count", previous_name("count")):
            place = plan.memory.subresource_table.row(keys.transient(name))
            assert not plan.memory.resource(int(place["resource"]))["aliased"]
            assert plan.terms[int(place["terms"])].lifetime is None
            assert "kept for the next frame" in why_text(plan, name)
            assert "counter on 'thing'" in why_text(plan, name)
        assert runtime.memory.live_bytes == plan.planned_bytes
        thing = runtime.tableau["thing"].counter
        thing.active = False
        runtime.settle()
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes
        assert keys.transient("count") not in runtime.plan.memory
        thing.active = True
        first_frame(runtime)
        assert counts(runtime) == {1}
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes


class Trail(Feature):
    """A bar one texel wide moves right; what the last frame showed of it is there at half its brightness."""

    type_name = "trail"
    shaders: ClassVar = {
        "trail.fs": """#version 450
layout(set = 0, binding = 0) uniform Frame { float barPlace; } frame;
layout(set = 0, binding = 1) uniform sampler2D last;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    bool here = floor(gl_FragCoord.x) == frame.barPlace;
    colour = here ? vec4(1.0) : texture(last, uv) * 0.5;
}
""",
        "copy.fs": COPY,
    }
    image = ImageDecl("trail", Format.R16G16B16A16_SFLOAT, history=True)
    shown = replace(SHOWN, extent=Extent())

    def passes(self, rows):
        show = FullscreenPass(
            "show",
            color=(ColorTarget(SCENE_COLOR),),
            reads=(ImageRead(self.image, "now", NEAREST),),
            shader="trail/copy.fs",
        )
        blend = FullscreenPass(
            "trail",
            color=(ColorTarget(self.image),),
            reads=(ImageRead(self.image, "last", NEAREST, previous=True),),
            shader="trail/trail.fs",
        )
        return show, replace(show, name="copy", color=(ColorTarget(self.shown),)), blend

    def frame_values(self, frame):
        return {"barPlace": round(frame.time * 60)}


def test_a_trail_fades_behind_what_moves(tmp_path: Path) -> None:
    with opened(tmp_path, Trail(), (PICTURE, Trail.shown)) as runtime:
        runtime.load()
        clock = runtime.tableau.clock
        clock.set(3 / 60)
        while not runtime.frame().drawn:
            pass
        for place in range(4, 9):
            clock.set(place / 60)
            runtime.frame()
        row = np.asarray(runtime.read_pixels(Trail.shown))[5, :, 0].tolist()
        assert row == [0] * 3 + [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1] + [0] * 23
        picture = runtime.read_pixels()[5, :10, 0].tolist()
        assert picture[8] == 255
        assert picture[:3] == [picture[9]] * 3
        assert sorted(picture[3:9]) == picture[3:9]
