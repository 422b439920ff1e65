"""Textures: decoding, mip chains in linear light, and hostile pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFile
from support.pictures import file_of, jpeg_claiming, png_claiming

from engine.assets import ColorSpace, TextureFacts, TextureFormat
from engine.assets.importers.mips import fill_mips, full_chain
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.humon import InputError

LINEAR, SRGB = TextureSettings(ColorSpace.LINEAR), TextureSettings(ColorSpace.SRGB)


def mip_chain(texels: npt.NDArray[np.uint8], levels: int, space: ColorSpace) -> list[npt.NDArray[np.uint8]]:
    height, width = texels.shape[:2]
    shapes = [(max(1, height >> level), max(1, width >> level), 4) for level in range(1, levels)]
    chain = [texels, *(np.zeros(shape, np.uint8) for shape in shapes)]
    fill_mips(chain, space)
    return chain


def code_of(data: bytes, settings: TextureSettings = LINEAR) -> str:
    with pytest.raises(InputError) as caught:
        import_texture(data, "a.png", settings)
    return caught.value.problems[0].code


def levels_of(data: bytes, settings: TextureSettings) -> list[npt.NDArray[np.uint8]]:
    imported = import_texture(data, "a.png", settings)
    facts = imported.facts
    assert isinstance(facts, TextureFacts)
    assert len(facts.mip_offsets) == facts.mip_levels
    assert facts.size == len(imported.data)
    levels = []
    for level, offset in enumerate(facts.mip_offsets):
        width, height = max(1, facts.width >> level), max(1, facts.height >> level)
        part = np.frombuffer(imported.data, np.uint8, width * height * 4, offset)
        levels.append(part.reshape(height, width, 4))
    return levels


def test_texels_are_unchanged_and_followed_by_the_full_chain() -> None:
    texels = np.random.default_rng(1).integers(0, 256, (4, 8, 4), np.uint8)
    levels = levels_of(file_of(texels), LINEAR)
    assert [level.shape[:2] for level in levels] == [(4, 8), (2, 4), (1, 2), (1, 1)]
    np.testing.assert_array_equal(levels[0], texels)
    mean = texels.reshape(2, 2, 4, 2, 4).mean(axis=(1, 3))
    assert np.abs(levels[1].astype(float) - mean).max() <= 0.51


def test_one_mip_level_is_only_the_picture() -> None:
    texels = np.zeros((256, 256, 4), np.uint8)
    imported = import_texture(file_of(texels), "a.png", TextureSettings(ColorSpace.LINEAR, 1))
    assert len(imported.data) == 262144


def test_colours_are_averaged_in_linear_light_and_alpha_is_not() -> None:
    texels = np.array([[[0, 0, 0, 0], [255, 255, 255, 255]]], np.uint8)
    as_colour = levels_of(file_of(texels), SRGB)[1][0, 0]
    as_numbers = levels_of(file_of(texels), LINEAR)[1][0, 0]
    assert as_colour.tolist() == [188, 188, 188, 128]
    assert as_numbers.tolist() == [128, 128, 128, 128]


@given(st.integers(0, 255), st.sampled_from(ColorSpace), st.integers(1, 9), st.integers(1, 9))
def test_a_uniform_picture_stays_uniform_in_all_levels(
    value: int, space: ColorSpace, width: int, height: int
) -> None:
    texels = np.full((height, width, 4), value, np.uint8)
    for level in mip_chain(texels, full_chain(width, height), space):
        assert (level == value).all()


def test_every_texel_of_an_odd_side_has_equal_weight() -> None:
    texels = np.zeros((1, 5, 4), np.uint8)
    for at in range(5):
        lit = texels.copy()
        lit[0, at] = 250
        level = mip_chain(lit, 2, ColorSpace.LINEAR)[1]
        assert level.shape == (1, 2, 4)
        assert abs(int(level[0, :, 0].astype(int).sum()) - 100) <= 1


def test_the_format_follows_the_color_space() -> None:
    data = file_of(np.zeros((2, 2, 4), np.uint8))
    for settings, form in ((SRGB, TextureFormat.R8G8B8A8_SRGB), (LINEAR, TextureFormat.R8G8B8A8_UNORM)):
        facts = import_texture(data, "a.png", settings).facts
        assert isinstance(facts, TextureFacts)
        assert facts.format is form


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1"])
def test_every_kind_of_png_becomes_four_channels(mode: str) -> None:
    texels = np.full((4, 4, 3), 255, np.uint8)
    assert levels_of(file_of(texels, mode=mode), LINEAR)[0][0, 0].tolist() == [255, 255, 255, 255]


def test_sixteen_bit_grey_is_narrowed_not_clipped() -> None:
    data = file_of(np.full((2, 2), 0x8080, np.uint16))
    assert levels_of(data, LINEAR)[0][0, 0].tolist() == [128, 128, 128, 255]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_files_are_read(mode: str) -> None:
    data = file_of(np.full((16, 24, 3), 128, np.uint8), "JPEG", mode)
    level = levels_of(data, LINEAR)[0]
    assert level.shape == (16, 24, 4)
    assert np.abs(level[..., :3].astype(int) - 128).max() <= 2


def test_a_huge_png_is_rejected_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("pixels were decoded"))
    assert code_of(png_claiming(60_000, 60_000)) == "texture.size"
    assert code_of(png_claiming(0xFFFFFFFF, 0xFFFFFFFF)) == "texture.size"
    assert code_of(png_claiming(16384, 16384)) == "texture.size"


def test_a_huge_jpeg_is_rejected_by_its_header() -> None:
    assert code_of(jpeg_claiming(65535, 65535)) == "texture.size"


@pytest.mark.parametrize("size", [(0, 4), (4, 0), (0, 0)])
def test_a_picture_without_pixels_is_an_error(size: tuple[int, int]) -> None:
    assert code_of(png_claiming(*size)) == "texture.size"


def test_other_formats_are_rejected() -> None:
    gif = file_of(np.zeros((4, 4, 3), np.uint8), "GIF")
    assert code_of(gif) == "texture.format"
    assert code_of(b"") == "texture.format"
    assert code_of(b"not a picture") == "texture.format"


def test_more_levels_than_possible_are_an_error() -> None:
    data = file_of(np.zeros((4, 4, 4), np.uint8))
    assert code_of(data, TextureSettings(ColorSpace.LINEAR, 4)) == "texture.mips"


NOISE = np.random.default_rng(7).integers(0, 256, (24, 24, 3), np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@given(data=st.data())
def test_a_damaged_picture_is_an_input_error_or_a_picture(kind: str, data: st.DataObject) -> None:
    content = bytearray(file_of(NOISE, kind))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    areas = {"texture"}
    try:
        import_texture(bytes(content), "a.png", LINEAR)
    except InputError as error:
        areas = {problem.code.partition(".")[0] for problem in error.problems}
    assert areas == {"texture"}


def test_a_truncated_png_is_an_error() -> None:
    content = file_of(NOISE)
    assert code_of(content[: len(content) // 2]) == "texture.decode"
    assert code_of(content[:20]) == "texture.decode"
