"""Claims about images of the frame that are watched: every layer, level and sample of them can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from support.scenes import ROOT
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import (
    PICTURE,
    SCENE_COLOR,
    SCENE_DEPTH,
    ColorTarget,
    ComputePass,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    Pass,
    Sampler,
    Samples,
    StorageWrite,
    previous_name,
)
from engine.plan import Format
from engine.render.frame_recorder import NotDrawn
from engine.runtime.frame_images import Combined, can_fetch
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.vk.facts import facts

pytestmark = pytest.mark.gpu

SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none }] }
    thing: { features: [{ @type: KIND }] }
} }
"""
FILL = """#version 450
layout(location = 0) in vec2 uv;
layout(location = 0) out VALUE colour;
void main() { colour = VALUE(0.25, 0.5, 1.0, 1.0) * VALUE(SCALE); }
"""
ADD = """#version 450
layout(set = 0, binding = 0) uniform sampler2D last;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = texture(last, uv) + vec4(1.0); }
"""
LAYERS = """#version 450
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0, rgba32f) uniform writeonly KIND now;
void main() {
    ivec3 at = ivec3(gl_GlobalInvocationID), size = ivec3(imageSize(now).xy, 6);
    if (at.x < size.x && at.y < size.y)
        imageStore(now, at, vec4(at.z, LEVEL, at.xy));
}
"""
NEAREST = Sampler(nearest=True)


class Made(Feature):
    """Draws into images that nobody reads."""

    type_name = "made"
    in_every_frame = True
    shaders: ClassVar[dict[str, str]] = {}

    def __init__(self, passes: Sequence[Pass], **shaders: str) -> None:
        super().__init__()
        self._passes = tuple(passes)
        type(self).shaders = {name.replace("_", "."): text for name, text in shaders.items()}

    def passes(self, rows):
        return self._passes


@contextmanager
def opened(scene: Path, feature: Feature | None = None) -> Iterator[Runtime]:
    """A scene with such a feature, under validation."""
    registry = discover()
    if feature is not None:
        registry.register(feature)
    loaded = load_scene(scene, registry)
    options = RuntimeOptions(size=(32, 16), validate=True, trials=False)
    with open_library(loaded.dbs) as library, shared_runtime(loaded, library, options) as runtime:
        yield runtime
        assert [one.message for one in runtime.problems if one.code != "feature.absent"] == []


def scene_of(folder: Path, feature: Feature) -> Path:
    path = folder / "scene.hu"
    path.write_text(SCENE.replace("KIND", feature.type_name))
    return path


def watch(runtime: Runtime, *images: str) -> list[ImageDecl]:
    """Watch images of the frame until a frame with them was drawn; return their declarations."""
    runtime.planner.watch(frozenset(images))
    runtime.load()
    for _ in range(2):
        while not runtime.frame().drawn:
            pass
    return [runtime.renderer.graph.image(name).image for name in images]


def test_every_sample_of_colour_and_depth_is_read_and_what_they_are_together() -> None:
    with opened(ROOT / "scenes/cube.hu") as runtime:
        names = ("sceneColor", "sceneColorSamples", "sceneDepth", "sceneDepthSamples")
        color, color_samples, depth, depth_samples = watch(runtime, *names)
        count = runtime.needs.samples
        assert count == 4
        base = runtime.device.handles.counts()
        for image, resolved in ((color_samples, color), (depth_samples, depth)):
            every = np.stack([runtime.read_pixels(image, sample=number) for number in range(count)])
            assert (every.min(0) == runtime.read_pixels(image, sample=Combined.LEAST)).all()
            assert (every.max(0) == runtime.read_pixels(image, sample=Combined.GREATEST)).all()
            assert (every.min(0) != every.max(0)).any(), "edges go through texels"
            average = runtime.read_pixels(image, sample=Combined.AVERAGE)
            assert np.allclose(average, every.astype(np.float64).mean(0), atol=2e-3)
            shown = runtime.read_pixels(SCENE_COLOR if resolved is color else SCENE_DEPTH)
            assert (shown == runtime.read_pixels(resolved)).all()
            assert shown.dtype == every.dtype
            assert shown.shape == every[0].shape
            expected = every[0] if resolved is depth else average
            assert np.allclose(shown, expected, atol=2e-3)
        for number in (count, -4):
            with pytest.raises(ValueError, match=f"sample {number} of 4"):
                runtime.read_pixels(color_samples, sample=number)
        assert runtime.device.handles.counts() == base
        watch(runtime)
        with pytest.raises(NotDrawn, match="sceneColorSamples"):
            runtime.read_pixels(color_samples)


def test_a_large_image_is_read_in_bands_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(ROOT / "scenes/cube.hu") as runtime:
        (image,) = watch(runtime, "sceneColorSamples")
        whole = runtime.read_pixels(image, sample=1)
        monkeypatch.setattr("engine.runtime.frame_images._MOST_BYTES", 5 * 32 * 16)
        assert (runtime.read_pixels(image, sample=1) == whole).all()


FORMATS = [
    (Format.R8G8B8A8_UNORM, "vec4", "1", [64, 128, 255, 255]),
    (Format.R8G8B8A8_SRGB, "vec4", "1", [137, 188, 255, 255]),
    (Format.B8G8R8A8_UNORM, "vec4", "1", [64, 128, 255, 255]),
    (Format.R8G8B8A8_SNORM, "vec4", "-0.6", [-19, -38, -76, -76]),
    (Format.R8_UNORM, "vec4", "1", 64),
    (Format.R16G16_SFLOAT, "vec4", "8", [2.0, 4.0]),
    (Format.R32G32B32A32_SFLOAT, "vec4", "-3", [-0.75, -1.5, -3.0, -3.0]),
    (Format.A2B10G10R10_UNORM_PACK32, "vec4", "0.6", [153 / 1023, 307 / 1023, 614 / 1023, 2 / 3]),
    (Format.B10G11R11_UFLOAT_PACK32, "vec4", "6", [1.5, 3.0, 6.0]),
    (Format.R16G16B16A16_UINT, "uvec4", "60000", [0, 0, 60000, 60000]),
    (Format.R8G8B8A8_UINT, "uvec4", "200", [0, 0, 200, 200]),
    (Format.R32_SINT, "ivec4", "-7", 0),
]


@pytest.mark.parametrize(
    ("form", "value", "scale", "expected"), FORMATS, ids=lambda one: getattr(one, "name", "")
)
def test_images_of_every_format_are_read_alike_with_one_sample_and_with_several(
    tmp_path: Path, form: Format, value: str, scale: str, expected: object
) -> None:
    image = ImageDecl("filled", form, samples=Samples.FRAME, clear=(0.0, 0.0, 0.0, 0.0))
    one, other = replace(image, name="single", samples=Samples.ONE), "filledSamples"
    shader = FILL.replace("VALUE", value).replace("SCALE", scale)
    feature = Made(
        [
            FullscreenPass(name, color=(ColorTarget(of),), shader="made/fill.fs")
            for name, of in (("several", image), ("single", one))
        ],
        fill_fs=shader,
    )
    with opened(scene_of(tmp_path, feature), feature) as runtime:
        limits = facts(runtime.device)["limits"]
        if not can_fetch(limits, form, runtime.planner.samples):
            pytest.skip("shaders of this device read no such image")
        found = watch(runtime, "single", "filled", other)
        for of in found:
            texels = runtime.read_pixels(of)
            assert texels.shape[:2] == (16, 32)
            assert np.allclose(
                texels, np.asarray(expected), rtol=1e-3, atol=1 if texels.dtype == np.uint8 else 1e-6
            )
            assert texels.dtype == runtime.read_pixels(found[0]).dtype
        if value != "vec4":
            with pytest.raises(ValueError, match="sample -1"):
                runtime.read_pixels(found[2], sample=Combined.AVERAGE)


def test_layers_and_levels_are_read_one_at_a_time(tmp_path: Path) -> None:
    image = ImageDecl("many", Format.R32G32B32A32_SFLOAT, Extent(width=16, height=8), layers=3, mip_levels=3)
    passes = [
        ComputePass(
            f"level{level}",
            writes=(StorageWrite(image, "now", level=level),),
            threads=image,
            shader=f"made/level{level}.cs",
        )
        for level in range(3)
    ]
    text = LAYERS.replace("KIND", "image2DArray")
    feature = Made(passes, **{f"level{n}_cs": text.replace("LEVEL", str(n)) for n in range(3)})
    with opened(scene_of(tmp_path, feature), feature) as runtime:
        (found,) = watch(runtime, "many")
        for layer in range(3):
            for level in range(3):
                texels = runtime.read_pixels(found, layer, level)
                assert texels.shape == (8 >> level, 16 >> level, 4)
                assert (texels[..., :2] == (layer, level)).all()
                assert texels[-1, -1, 2:].tolist() == [(16 >> level) - 1, (8 >> level) - 1]


@pytest.mark.parametrize("samples", Samples)
def test_an_image_with_a_history_is_read_as_it_is_and_as_it_was(tmp_path: Path, samples: Samples) -> None:
    image = ImageDecl("count", Format.R16G16B16A16_SFLOAT, samples=samples, history=True)
    read = ImageRead(image, "last", NEAREST, previous=True)
    feature = Made(
        [FullscreenPass("add", color=(ColorTarget(image),), reads=(read,), shader="made/add.fs")], add_fs=ADD
    )
    with opened(scene_of(tmp_path, feature), feature) as runtime:
        names = ["count", previous_name("count")] + ["countSamples"] * (samples is Samples.FRAME)
        found = watch(runtime, *names)
        first = float(runtime.read_pixels(found[0])[0, 0, 0])
        assert first >= 1
        for number in range(3):
            for of, before in zip(found, (0, 1, 0), strict=False):
                assert (runtime.read_pixels(of) == first + number - before).all(), of.name
            runtime.frame()


def test_names_of_no_image_have_no_effect() -> None:
    with opened(ROOT / "scenes/cube.hu") as runtime:
        watch(runtime)
        plan = runtime.plan
        runtime.planner.watch(frozenset({"nothing", "nothingSamples", "picture"}))
        runtime.frame()
        assert runtime.plan.planned_bytes == plan.planned_bytes
        assert SCENE_COLOR.name in {life.image.name for life in runtime.renderer.graph.images}
        with pytest.raises(NotDrawn):
            runtime.read_pixels(SCENE_DEPTH)
        assert runtime.read_pixels(PICTURE).shape == (16, 32, 4)
