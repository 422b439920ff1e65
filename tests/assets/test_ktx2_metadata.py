"""Metadata of KTX 2 files: a picture that lies another way is turned, and swizzled channels are in place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from support.ktx2_files import ktx

from engine.assets.cache.facts import TextureFacts
from engine.assets.formats import ColorSpace, TextureFormat, level_sizes
from engine.assets.importers.blocks.levels import decode_level
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.humon import InputError, Problem, Severity

WIDTH, HEIGHT, LEVELS = 10, 6, 3
SIZES = level_sizes(WIDTH, HEIGHT, LEVELS)
DOWN = {"rd": False, "ru": True, "ld": False, "lu": True}
LINEAR = TextureSettings(ColorSpace.LINEAR)

PLAIN = {
    9: TextureFormat.R8_UNORM,
    16: TextureFormat.R8G8_UNORM,
    37: TextureFormat.R8G8B8A8_UNORM,
    97: TextureFormat.R16G16B16A16_SFLOAT,
    100: TextureFormat.R32_SFLOAT,
}
BLOCKS = {
    131: TextureFormat.BC1_RGB_UNORM_BLOCK,
    135: TextureFormat.BC2_UNORM_BLOCK,
    139: TextureFormat.BC4_UNORM_BLOCK,
    141: TextureFormat.BC5_UNORM_BLOCK,
    145: TextureFormat.BC7_UNORM_BLOCK,
}


def read(
    data: bytes, settings: TextureSettings = LINEAR
) -> tuple[list[npt.NDArray[np.generic]], TextureFacts, tuple[Problem, ...]]:
    """Levels of a file, its facts and the warnings."""
    made = import_texture(data, "a.ktx2", settings)
    facts = made.facts
    assert isinstance(facts, TextureFacts)
    form = facts.format
    levels = []
    sizes = level_sizes(facts.width, facts.height, facts.mip_levels)
    for at, (wide, high) in zip(facts.mip_offsets, sizes, strict=True):
        part = np.frombuffer(made.data, np.uint8)[at : at + form.level_bytes(wide, high)]
        levels.append(part if form.block else part.view(form.dtype).reshape(high, wide, form.channels))
    return levels, facts, made.warnings


def turned(texels: npt.NDArray[np.generic], orientation: str) -> npt.NDArray[np.generic]:
    rows = texels[::-1] if orientation[1] == "u" else texels
    return rows[:, ::-1] if orientation[0] == "l" else rows


@pytest.mark.parametrize("orientation", DOWN)
@pytest.mark.parametrize(("number", "form"), PLAIN.items())
def test_every_level_of_texels_is_turned(number: int, form: TextureFormat, orientation: str) -> None:
    rng = np.random.default_rng(number)
    stored = [
        rng.integers(0, 256, (high, wide, form.channels), np.uint8).astype(form.dtype) for wide, high in SIZES
    ]
    parts = [level.tobytes() for level in stored]
    file = ktx(number, parts, WIDTH, HEIGHT, 2, metadata={"KTXorientation": orientation})
    levels, facts, warnings = read(file)
    assert (facts.format, facts.mip_levels, warnings) == (form, LEVELS, ())
    for found, level in zip(levels, stored, strict=True):
        assert (found == turned(level, orientation)).all()


@pytest.mark.parametrize("orientation", ["ru", "lu"])
@pytest.mark.parametrize(("number", "form"), BLOCKS.items())
def test_blocks_that_lie_another_way_become_the_texels_that_they_stand_for(
    number: int, form: TextureFormat, orientation: str
) -> None:
    rng = np.random.default_rng(number)
    parts = [rng.bytes(form.level_bytes(*size)) for size in SIZES]
    levels, facts, _ = read(ktx(number, parts, WIDTH, HEIGHT, metadata={"KTXorientation": orientation}))
    assert (facts.format, facts.mip_levels) == (form.plain, LEVELS)
    for found, part, (wide, high) in zip(levels, parts, SIZES, strict=True):
        texels = np.empty((high, wide, form.channels), np.uint8)
        decode_level(part, form, wide, high, texels, "a")
        assert (found == turned(texels, orientation)).all()
    same, facts, _ = read(ktx(number, parts, WIDTH, HEIGHT, metadata={"KTXorientation": "rd"}))
    assert facts.format is form
    assert b"".join(level.tobytes() for level in same) == b"".join(parts)


def test_a_turned_picture_of_half_floats_in_blocks_is_turned() -> None:
    parts = [np.random.default_rng(5).bytes(16 * 3 * 2)]
    plain, facts, _ = read(ktx(143, parts, WIDTH, HEIGHT))
    up, _, _ = read(ktx(143, parts, WIDTH, HEIGHT, metadata={"KTXorientation": "ru"}))
    assert facts.format is TextureFormat.R16G16B16A16_SFLOAT
    assert (up[0] == plain[0][::-1]).all()
    assert np.asarray(plain[0], np.float32).std() > 0


SWIZZLES = [
    (37, "rgba", "rgba"),
    (37, "bgra", "bgra"),
    (37, "gr01", "gr01"),
    (44, "rgba", "rgba"),
    (23, "bbb1", "bbb1"),
    (9, "r001", "r001"),
    (16, "rrrg", "rrrg"),
    (131, "bgr1", "bgr1"),
    (141, "rrrg", "rrrg"),
]
OF_FILE = {37: "rgba", 44: "bgra", 23: "rgb", 9: "r", 16: "rg", 131: "rgba", 141: "rg"}


@pytest.mark.parametrize(("number", "swizzle", "wanted"), SWIZZLES)
def test_channels_are_where_the_swizzle_puts_them(number: int, swizzle: str, wanted: str) -> None:
    rng = np.random.default_rng(number)
    channels = OF_FILE[number]
    if number in BLOCKS:
        form = BLOCKS[number]
        part = rng.bytes(form.level_bytes(WIDTH, HEIGHT))
        stored = np.empty((HEIGHT, WIDTH, form.channels), np.uint8)
        decode_level(part, form, WIDTH, HEIGHT, stored, "a")
    else:
        stored = rng.integers(0, 256, (HEIGHT, WIDTH, len(channels)), np.uint8)
        part = stored.tobytes()
    levels, facts, _ = read(ktx(number, [part], WIDTH, HEIGHT, 2, metadata={"KTXswizzle": swizzle}))
    assert facts.format is TextureFormat.R8G8B8A8_UNORM
    for place, letter in enumerate(wanted):
        there = levels[0][..., place]
        if letter in "01":
            assert (there == 255 * int(letter)).all()
        else:
            assert (there == stored[..., channels.index(letter)]).all()


@pytest.mark.parametrize(("number", "swizzle"), [(9, "rrr1"), (16, "rg01"), (139, "rrr1"), (145, "rgba")])
def test_a_swizzle_that_is_how_devices_read_the_format_changes_nothing(number: int, swizzle: str) -> None:
    form = {**PLAIN, **BLOCKS}[number]
    part = np.random.default_rng(number).bytes(form.level_bytes(WIDTH, HEIGHT))
    levels, facts, _ = read(ktx(number, [part], WIDTH, HEIGHT, metadata={"KTXswizzle": swizzle}))
    assert facts.format is form
    assert levels[0].tobytes() == part


def test_grey_and_alpha_of_a_swizzle_are_two_channels() -> None:
    stored = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 2), np.uint8)
    file = ktx(16, [stored.tobytes()], WIDTH, HEIGHT, metadata={"KTXswizzle": "rrrg"})
    levels, _, _ = read(file, TextureSettings(ColorSpace.LINEAR, 1, TextureFormat.R8G8_UNORM))
    assert (levels[0] == stored).all()


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("KTXorientation", "S=r,T=d", "'rd'"),
        ("KTXorientation", "rdi", "'rd'"),
        ("KTXorientation", "", "'rd'"),
        ("KTXswizzle", "rgbx", "'rrr1'"),
        ("KTXswizzle", "rgba0", "'rrr1'"),
    ],
)
def test_metadata_that_are_not_known_are_left_out_with_a_warning(key: str, value: str, hint: str) -> None:
    stored = np.random.default_rng(2).bytes(4 * WIDTH * HEIGHT)
    levels, _, warnings = read(ktx(37, [stored], WIDTH, HEIGHT, metadata={"KTXwriter": "me", key: value}))
    assert levels[0].tobytes() == stored
    (warning,) = warnings
    assert (warning.code, warning.severity) == ("texture.metadata", Severity.WARNING)
    assert f"{key} '{value}'" in warning.message
    assert hint in warning.help


@pytest.mark.parametrize(
    "metadata",
    [
        b"\x40\0\0\0KTXorientation\0ru\0",
        b"\xff\xff\xff\xffKTXorientation\0ru\0",
        bytes(8),
        b"\x01\0",
    ],
)
def test_damaged_metadata_are_an_error_with_their_byte(metadata: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read(ktx(37, [bytes(4 * WIDTH * HEIGHT)], WIDTH, HEIGHT, metadata=metadata))
    (problem,) = caught.value.problems
    assert problem.code == "texture.decode"
    assert "metadata" in problem.message
    assert "at byte 104" in problem.message
    assert problem.help


def test_metadata_beyond_the_file_are_an_error() -> None:
    file = bytearray(ktx(37, [bytes(4 * WIDTH * HEIGHT)], WIDTH, HEIGHT, metadata={"KTXwriter": "me"}))
    file[60:64] = b"\xff\xff\xff\x7f"
    with pytest.raises(InputError) as caught:
        read(bytes(file))
    assert caught.value.problems[0].code == "texture.decode"
