"""Textures of one, two and four channels, of 8 and 16 bits and floats: texels, mips, stand-ins, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support.lights import exr
from support.pictures import chunk, file_of, png_of
from support.projects import TRIANGLE_DB, Project

from engine.assets import AssetRef, TextureFacts, open_library
from engine.assets.cache.facts import stand_in_facts
from engine.assets.formats import ColorSpace, TextureFormat, level_offsets
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.assets.recipes import recipes_of
from engine.humon import InputError
from engine.plan.profile.device_profile import OPTIONAL_TEXTURES
from engine.plan.terms.formats import Format
from engine.storage.radiance import radiance_bytes

RNG = np.random.default_rng(8)
DEEP = RNG.integers(0, 1 << 16, (6, 9, 4), np.uint16)
PNG_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}


def deep_png(channels: int, *before: bytes) -> bytes:
    return png_of(DEEP[..., :channels].reshape(6, -1).tolist(), 16, PNG_KINDS[channels], *before)


def level_of(
    data: bytes, form: TextureFormat, space: ColorSpace = ColorSpace.LINEAR, level: int = 0, channel: int = 0
) -> npt.NDArray[Any]:
    settings = TextureSettings(space, None, form, channel=channel)
    imported = import_texture(data, "a.png", settings)
    assert isinstance(imported.facts, TextureFacts)
    return level_in(imported.data, imported.facts, level)


def level_in(data: bytes | memoryview, facts: TextureFacts, level: int) -> npt.NDArray[Any]:
    width, height = max(1, facts.width >> level), max(1, facts.height >> level)
    start = facts.mip_offsets[level]
    part = np.frombuffer(data, np.uint8)[start : start + facts.format.level_bytes(width, height)]
    return part.view(facts.format.dtype).reshape(height, width, facts.format.channels)


def problem_of(data: bytes, form: TextureFormat, space: ColorSpace = ColorSpace.LINEAR) -> str:
    with pytest.raises(InputError) as caught:
        level_of(data, form, space)
    assert caught.value.problems[0].help
    return str(caught.value.problems[0].code)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_of_a_png_are_exact(channels: int) -> None:
    found = level_of(deep_png(channels), TextureFormat.R16G16B16A16_UNORM)
    colours = DEEP[..., :3] if channels >= 3 else DEEP[..., :1].repeat(3, axis=-1)
    alpha = DEEP[..., channels - 1] if channels in (2, 4) else np.full(DEEP.shape[:2], 0xFFFF)
    np.testing.assert_array_equal(found[..., :3], colours)
    np.testing.assert_array_equal(found[..., 3], alpha)


def test_a_transparent_colour_of_16_bits_is_found_exactly() -> None:
    key = DEEP[2, 3, :3].astype(">u2").tobytes()
    found = level_of(deep_png(3, chunk(b"tRNS", key)), TextureFormat.R16G16B16A16_UNORM)
    assert np.argwhere(found[..., 3] == 0).tolist() == [[2, 3]]


def test_few_channels_are_those_of_the_picture() -> None:
    rgba = (DEEP >> 8).astype(np.uint8)
    data = file_of(rgba)
    np.testing.assert_array_equal(level_of(data, TextureFormat.R8_UNORM), rgba[..., :1])
    np.testing.assert_array_equal(level_of(data, TextureFormat.R8_UNORM, channel=1), rgba[..., 1:2])
    np.testing.assert_array_equal(level_of(data, TextureFormat.R8G8_UNORM), rgba[..., :2])
    grey = file_of(rgba[..., 0])
    np.testing.assert_array_equal(level_of(grey, TextureFormat.R8_UNORM)[..., 0], rgba[..., 0])
    two = level_of(deep_png(2), TextureFormat.R16G16_UNORM)
    np.testing.assert_array_equal(two, DEEP[..., :2])


def test_colours_become_linear_light_where_a_format_has_no_srgb() -> None:
    data = file_of(np.full((2, 2, 4), 188, np.uint8))
    light = ((188 / 255 + 0.055) / 1.055) ** 2.4
    for form, unit in (
        (TextureFormat.R16G16B16A16_UNORM, 65535),
        (TextureFormat.R16G16B16A16_SFLOAT, 1),
        (TextureFormat.R32G32B32A32_SFLOAT, 1),
    ):
        texel = level_of(data, form, ColorSpace.SRGB)[0, 0].astype(float) / unit
        np.testing.assert_allclose(texel, [light, light, light, 188 / 255], rtol=1e-3)


@pytest.mark.parametrize("form", [form for form in TextureFormat if not form.block], ids=str)
def test_every_level_is_the_mean_of_the_one_before(form: TextureFormat) -> None:
    deep = RNG.integers(0, 1 << 16, (8, 16, 4), np.uint16)
    data = png_of(deep.reshape(8, -1).tolist(), 16, 6)
    finest = level_of(data, form).astype(np.float64)
    coarse = level_of(data, form, level=1).astype(np.float64)
    if form.is_srgb:
        return  # its colours are averaged in linear light: tests/assets/test_texture.py
    means = finest.reshape(4, 2, 8, 2, form.channels).mean(axis=(1, 3))
    np.testing.assert_allclose(coarse, means, atol=2e-3 if form.is_float else 0.51)
    assert level_of(data, form, level=4).shape == (1, 1, form.channels)


@pytest.mark.parametrize("form", [TextureFormat.R16_UNORM, TextureFormat.R32_SFLOAT])
def test_every_texel_of_an_odd_side_has_equal_weight(form: TextureFormat) -> None:
    for at in range(5):
        row = np.zeros((1, 5), np.uint16)
        row[0, at] = 50_000
        sums = level_of(png_of(row.tolist(), 16, 0), form, level=1).astype(float).sum()
        assert sums / (65535 if form.is_float is False else 1) == pytest.approx(20_000 / 65535, abs=2e-5)


def test_what_does_not_fit_a_format_is_an_error() -> None:
    light = file_of(np.ones((4, 4), np.float32), "TIFF", "F")
    grey = file_of(np.zeros((4, 4), np.uint8))
    for form in (TextureFormat.R8_UNORM, TextureFormat.R16_UNORM, TextureFormat.BC7_UNORM_BLOCK):
        assert problem_of(light, form) == "texture.format"
    for form in (TextureFormat.R8_UNORM, TextureFormat.R8G8_UNORM, TextureFormat.BC5_UNORM_BLOCK):
        assert problem_of(grey, form, ColorSpace.SRGB) == "texture.format"


def test_floats_that_are_no_light_become_finite() -> None:
    texels = np.array([[np.nan, np.inf, -np.inf, 1e30]], np.float32)
    data = file_of(texels, "TIFF", "F")
    assert level_of(data, TextureFormat.R16_SFLOAT)[0, :, 0].tolist() == [0, 65504, -65504, 65504]
    for level in range(3):
        assert np.isfinite(level_of(data, TextureFormat.R32_SFLOAT, level=level)).all()


def test_pictures_of_light_are_textures_of_floats() -> None:
    light = np.array([[[0.5, 2.0, 40.0], [0, 0, 1]]], np.float32)
    channels = {name: light[..., number] for number, name in enumerate("RGB")}
    for data in (radiance_bytes(light), exr(channels)):
        imported = import_texture(data, "a.exr", TextureSettings(ColorSpace.SRGB))
        assert isinstance(imported.facts, TextureFacts)
        assert imported.facts.format is TextureFormat.R16G16B16A16_SFLOAT
        texels = level_in(imported.data, imported.facts, 0)
        np.testing.assert_allclose(texels[..., :3], light, rtol=0.01, atol=1e-3)
        assert (texels[..., 3] == 1).all()
        assert problem_of(data, TextureFormat.R8G8B8A8_UNORM) == "texture.format"
        assert problem_of(data[: len(data) - 6], TextureFormat.R16_SFLOAT) == "texture.decode"


WITH_STAND_IN = [form for form in TextureFormat if form.stand_in is not None]


def test_the_formats_with_a_stand_in_are_those_that_a_device_may_lack() -> None:
    assert {form.name for form in WITH_STAND_IN} == {form.name for form in OPTIONAL_TEXTURES}
    assert {form.name for form in TextureFormat} <= set(Format.__members__)


@pytest.mark.parametrize("form", WITH_STAND_IN, ids=str)
def test_the_stand_in_of_a_format_has_nearly_its_texels(form: TextureFormat) -> None:
    rgba = np.zeros((6, 9, 4), np.uint8)
    rgba[..., 0], rgba[..., 1], rgba[..., 3] = np.arange(9) * 20, np.arange(6)[:, None] * 30, 255
    imported = import_texture(file_of(rgba), "a.png", TextureSettings(ColorSpace.LINEAR, None, form))
    assert isinstance(imported.facts, TextureFacts)
    facts = stand_in_facts(imported.facts)
    begin = len(imported.data) - facts.size
    assert begin % 16 == 0
    found = level_in(imported.data[begin:], facts, 0).astype(float)
    unit = 1 if facts.format.is_float else 255
    np.testing.assert_allclose(found / unit, rgba[..., : form.channels] / 255, atol=6e-4)
    assert imported.facts.size == level_offsets(form, 9, 6, 4)[-1]


def formats_of(project: Project, text: str) -> dict[str, tuple[TextureFormat | None, TextureFormat | None]]:
    recipes = recipes_of(project.db(text))
    return {
        recipe.asset.name: (recipe.parameters["format"], recipe.parameters["blocks"])
        for recipe in recipes.values()
        if "blocks" in recipe.parameters
    }


SLOTS = """assetDb: { name: slots  compressTextures: true  assets: [
    { @type: shader  name: vs  source: ../assets/plain.vs.glsl  stage: vertex_shader_bit }
    { @type: material  name: m  shaders: [vs]  textures: { albedo: a  normal: n  occlusion: o  roughness: r
        clearcoat: c  clearcoatRoughness: c  tangent: t  emissive: e  specular: s } }
    { @type: texture2d  name: a  source: ../assets/a.png }
    { @type: texture2d  name: n  source: ../assets/n.png }
    { @type: texture2d  name: o  source: ../assets/o.png }
    { @type: texture2d  name: r  source: ../assets/r.png }
    { @type: texture2d  name: c  source: ../assets/c.png }
    { @type: texture2d  name: t  source: ../assets/t.png  compress: false }
    { @type: texture2d  name: e  source: ../assets/e.png  format: bc1 }
    { @type: texture2d  name: s  source: ../assets/s.png  format: r16_unorm }
] }"""


def test_slots_choose_the_blocks_of_textures_that_are_compressed(project: Project) -> None:
    assert formats_of(project, SLOTS) == {
        "a": (None, TextureFormat.BC7_SRGB_BLOCK),
        "n": (None, TextureFormat.BC5_UNORM_BLOCK),
        "o": (None, TextureFormat.BC4_UNORM_BLOCK),
        "r": (None, TextureFormat.BC7_UNORM_BLOCK),
        "c": (None, TextureFormat.BC7_UNORM_BLOCK),  # red for one slot, green for the other
        "t": (None, None),
        "e": (TextureFormat.BC1_RGBA_SRGB_BLOCK, None),
        "s": (TextureFormat.R16_UNORM, None),
    }
    plain = formats_of(project, SLOTS.replace("compressTextures: true", ""))
    assert plain["a"] == plain["n"] == plain["o"] == (None, None)
    few = SLOTS.replace("compressTextures: true", "").replace("n.png", "n.png  compress: true")
    own = formats_of(project, few)
    assert own["n"] == (None, TextureFormat.BC5_UNORM_BLOCK)


def test_only_textures_of_normal_slots_are_directions(project: Project) -> None:
    recipes = recipes_of(
        project.db(SLOTS.replace("roughness: r", "roughness: r  clearcoatNormal: n"))
    ).values()
    found = {recipe.asset.name for recipe in recipes if recipe.parameters.get("directions")}
    assert found == {"n"}
    shared = recipes_of(project.db(SLOTS.replace("roughness: r", "roughness: n"))).values()
    assert not any(recipe.parameters.get("directions") for recipe in shared)


def test_one_cache_serves_devices_with_and_without_a_format(project: Project) -> None:
    text = TRIANGLE_DB.replace("name: picture", "name: picture  format: bc7")
    db = project.db(text)
    with open_library([db]) as library:
        ref = library.find(db.name, "picture", ("texture2d",))
        other = library.find(db.name, "bumps", ("texture2d",))
        facts, there = library.facts(ref), library.source(ref)
        assert isinstance(facts, TextureFacts)
        assert facts.format is TextureFormat.BC7_SRGB_BLOCK
        assert there.size == facts.size
        before = rows_of(library.ranges())
        assert before[ref.key] == (there.offset, there.size)
        library.use_formats(["BC7_SRGB_BLOCK"])
        without = library.facts(ref)
        assert isinstance(without, TextureFacts)
        assert without.format is TextureFormat.R8G8B8A8_SRGB
        after = rows_of(library.ranges())
        assert after[ref.key][1] == without.size > facts.size
        assert after[ref.key][0] == library.source(ref).offset > there.offset + there.size - 1
        assert after[other.key] == before[other.key]
        assert library.source(AssetRef(other.db, other.index)).size == before[other.key][1]
        library.use_formats([])
        assert rows_of(library.ranges()) == before
    with open_library([db]) as again:
        assert again.cooked == 0


def test_texels_are_read_whatever_the_device_has(project: Project) -> None:
    db = project.db(TRIANGLE_DB.replace("name: picture", "name: picture  format: bc7"))
    with open_library([db]) as library:
        ref = library.find(db.name, "picture", ("texture2d",))
        facts, texels = library.read_texels(ref)
        assert facts.format is TextureFormat.R8G8B8A8_SRGB
        assert len(texels) == facts.size
        library.use_formats(["BC7_SRGB_BLOCK"])
        assert library.read_texels(ref) == (facts, texels)
        plain = library.find(db.name, "bumps", ("texture2d",))
        assert library.read_texels(plain) == (library.facts(plain), library.read(plain))


def rows_of(ranges: npt.NDArray[np.int64]) -> dict[int, tuple[int, int]]:
    return {key: (offset, size) for key, _, offset, size in ranges.tolist()}
