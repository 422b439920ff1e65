"""KTX 2 files: texels of every order are read, what is not read is refused by its name, 16 bits and sRGB."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support.ktx2_files import ktx

from engine.assets.cache.facts import TextureFacts
from engine.assets.formats import ColorSpace, TextureFormat, level_sizes
from engine.assets.importers.pictures import ktx2
from engine.assets.importers.pictures.format_names import format_name
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.humon import InputError, Problem

BLOCKS = {
    131: TextureFormat.BC1_RGB_UNORM_BLOCK,
    134: TextureFormat.BC1_RGBA_SRGB_BLOCK,
    135: TextureFormat.BC2_UNORM_BLOCK,
    136: TextureFormat.BC2_SRGB_BLOCK,
    137: TextureFormat.BC3_UNORM_BLOCK,
    139: TextureFormat.BC4_UNORM_BLOCK,
    141: TextureFormat.BC5_UNORM_BLOCK,
    145: TextureFormat.BC7_UNORM_BLOCK,
}


def read(data: bytes, settings: TextureSettings) -> tuple[npt.NDArray[np.uint8], TextureFacts]:
    made = import_texture(data, "a.ktx2", settings)
    assert isinstance(made.facts, TextureFacts)
    return np.frombuffer(made.data, np.uint8), made.facts


def problem_of(data: bytes) -> Problem:
    with pytest.raises(InputError) as caught:
        import_texture(data, "a.ktx2", TextureSettings(ColorSpace.SRGB))
    (problem,) = caught.value.problems
    return problem


ORDERS = {
    15: (0,),
    22: (0, 1),
    23: (0, 1, 2),
    29: (0, 1, 2),
    30: (2, 1, 0),
    36: (2, 1, 0),
    44: (2, 1, 0, 3),
    50: (2, 1, 0, 3),
}
"""Which channel a file has in each place."""


@pytest.mark.parametrize("scheme", [0, 2, 3])
@pytest.mark.parametrize(("number", "order"), ORDERS.items())
def test_texels_of_every_order_become_rgba_in_all_levels(
    number: int, order: tuple[int, ...], scheme: int
) -> None:
    rng = np.random.default_rng(number)
    wanted = [rng.integers(0, 256, (high, wide, 4), np.uint8) for wide, high in level_sizes(6, 5, 3)]
    stored = [np.ascontiguousarray(level[..., order]).tobytes() for level in wanted]
    for level in wanted:
        if len(order) < 4:
            level[..., 3] = 255
        if len(order) == 2:
            level[..., 2] = 0
        if len(order) == 1:
            level[..., 1:3] = level[..., :1]
    for space in ColorSpace:
        data, facts = read(ktx(number, stored, 6, 5, scheme), TextureSettings(space))
        has_levels = space is ColorSpace.LINEAR or "SRGB" in format_name(number)
        assert facts.format is TextureFormat.R8G8B8A8_UNORM.in_space(space)
        assert facts.mip_levels == 3
        kept = wanted if has_levels else wanted[:1]
        assert bytes(data[: sum(level.size for level in kept)]) == b"".join(level.tobytes() for level in kept)


@pytest.mark.parametrize(
    ("number", "dtype", "form"),
    [
        (84, "<u2", TextureFormat.R16G16B16A16_UNORM),
        (90, "<f2", TextureFormat.R16G16B16A16_SFLOAT),
        (106, "<f4", TextureFormat.R32G32B32A32_SFLOAT),
    ],
)
def test_three_wide_channels_get_an_alpha_of_one(number: int, dtype: str, form: TextureFormat) -> None:
    texels = np.arange(24).reshape(2, 4, 3).astype(dtype)
    data, facts = read(ktx(number, [texels.tobytes()], 4, 2), TextureSettings(ColorSpace.LINEAR, 1))
    assert facts.format is form
    found = data[: facts.size].view(form.dtype).reshape(2, 4, 4)
    assert (found[..., :3] == texels).all()
    assert (found[..., 3] == (0xFFFF if dtype == "<u2" else 1)).all()


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (157, "VK_FORMAT_ASTC_4x4_UNORM_BLOCK (157)"),
        (158, "VK_FORMAT_ASTC_4x4_SRGB_BLOCK (158)"),
        (147, "VK_FORMAT_ETC2_R8G8B8_UNORM_BLOCK (147)"),
        (140, "VK_FORMAT_BC4_SNORM_BLOCK (140)"),
        (122, "VK_FORMAT_B10G11R11_UFLOAT_PACK32 (122)"),
        (123, "VK_FORMAT_E5B9G9R9_UFLOAT_PACK32 (123)"),
        (1000054000, "VK_FORMAT_PVRTC1_2BPP_UNORM_BLOCK_IMG (1000054000)"),
        (1000066000, "VK_FORMAT_ASTC_4x4_SFLOAT_BLOCK"),
        (999, "VkFormat 999, which Vulkan does not have"),
    ],
)
def test_a_format_that_is_not_read_is_named(number: int, name: str) -> None:
    problem = problem_of(ktx(number, [bytes(64)], 4, 4))
    assert problem.code == "texture.format"
    assert name in problem.message
    assert "ktx create" in problem.help


def test_a_refusal_lists_exactly_the_formats_that_are_read() -> None:
    problem = problem_of(ktx(157, [bytes(64)], 4, 4))
    listed = set()
    for group in problem.help.partition(": ")[2].split("; "):
        heads, _, kinds = group.removesuffix(")").partition(" (")
        listed |= {f"{head}_{kind}" for head in heads.split(", ") for kind in kinds.split(" or ")}
    read_numbers = set()
    for number in range(1, 185):
        try:
            import_texture(ktx(number, [b""], 4, 4), "a.ktx2", TextureSettings(ColorSpace.LINEAR))
        except InputError as error:
            if error.problems[0].code != "texture.format":
                read_numbers.add(number)
    names = {format_name(number).split(" ")[0] for number in read_numbers}
    assert listed == {name.removeprefix("VK_FORMAT_").removesuffix("_BLOCK") for name in names}
    assert {"B8G8R8A8_SRGB", "R8_SRGB", "R32G32B32A32_SFLOAT", "BC6H_UFLOAT", "BC2_SRGB"} <= listed


def test_every_format_that_is_read_has_the_name_of_its_own() -> None:
    for number, form in ktx2._FORMATS.items():
        assert format_name(number) == f"VK_FORMAT_{form.name} ({number})"


def test_another_supercompression_is_named_with_the_format() -> None:
    problem = problem_of(ktx(37, [bytes(64)], 4, 4, 1))
    assert "VK_FORMAT_R8G8B8A8_UNORM (37), supercompressed by scheme 1 (BasisLZ)" in problem.message
    assert "zstd" in problem.help


@pytest.mark.parametrize("scheme", [0, 2])
@pytest.mark.parametrize(("number", "form"), BLOCKS.items())
def test_blocks_of_every_kind_open_with_their_levels(number: int, form: TextureFormat, scheme: int) -> None:
    rng = np.random.default_rng(number)
    levels = [rng.bytes(form.level_bytes(*size)) for size in level_sizes(12, 8, 4)]
    space = ColorSpace.SRGB if form.is_srgb else ColorSpace.LINEAR
    data, facts = read(ktx(number, levels, 12, 8, scheme), TextureSettings(space))
    assert (facts.format, facts.mip_levels) == (form, 4)
    assert bytes(data[: facts.size]) == b"".join(levels)


def linear(steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("kind", ["png", "ktx2"])
def test_sixteen_bit_colours_are_taken_for_srgb(kind: str) -> None:
    """In a slot of colours they become light where they stay 16 bits; as 8 bits they stay sRGB."""
    grey = np.linspace(0, 0xFFFF, 64).astype("<u2").reshape(8, 8)
    if kind == "png":
        stream = io.BytesIO()
        Image.fromarray(grey).save(stream, "PNG")
        data = stream.getvalue()
    else:
        data = ktx(70, [grey.tobytes()], 8, 8)
    deep, facts = read(data, TextureSettings(ColorSpace.SRGB, 1, TextureFormat.R16_UNORM))
    light = deep[: facts.size].view("<u2").reshape(8, 8)
    assert np.abs(light / 0xFFFF - linear(grey / 0xFFFF)).max() < 1e-4
    plain, facts = read(data, TextureSettings(ColorSpace.SRGB, 1))
    assert facts.format is TextureFormat.R8G8B8A8_SRGB
    assert np.abs(plain[: facts.size].reshape(8, 8, 4)[..., 0] - grey / 257).max() <= 0.51
    numbers, facts = read(data, TextureSettings(ColorSpace.LINEAR, 1, TextureFormat.R16_UNORM))
    assert bytes(numbers[: facts.size]) == grey.tobytes()
