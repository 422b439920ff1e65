"""Texels of every format that a frame can draw into become numbers, however they are packed."""

from __future__ import annotations

import numpy as np
import pytest

from engine.memory.texels import as_copied, copied_bytes, unpacked
from engine.plan.terms.formats import Format
from engine.vk.errors import FormatNotSupported

WORDS = [
    (Format.D24_UNORM_S8_UINT, 0xAB_FF_FF_FF, [1.0]),  # stencil, or nothing, lies in the high bits
    (Format.X8_D24_UNORM_PACK32, 0xCD_80_00_00, [0x80_00_00 / 0xFF_FF_FF]),
    (Format.D32_SFLOAT_S8_UINT, 0x3E_80_00_00, [0.25]),
    (Format.A2B10G10R10_UNORM_PACK32, 2 << 30 | 1023 << 20 | 512 << 10 | 1, [1 / 1023, 512 / 1023, 1, 2 / 3]),
    (Format.B10G11R11_UFLOAT_PACK32, 0x1E0 << 22 | 0x400 << 11 | 0x3A0, [0.75, 2.0, 1.0]),
    (Format.B10G11R11_UFLOAT_PACK32, 0x3E0 << 22 | 0x001 << 11 | 0x7BF, [65024, 2**-20, np.inf]),
    (Format.B8G8R8A8_UNORM, 0x04_03_02_01, [3, 2, 1, 4]),
    (Format.R8G8B8A8_UINT, 0x04_03_02_01, [1, 2, 3, 4]),
    (Format.R16G16_SNORM, 0xFF_FF_00_02, [2, -1]),
]


@pytest.mark.parametrize(("form", "word", "expected"), WORDS)
def test_packed_texels_are_unpacked(form: Format, word: int, expected: list[float]) -> None:
    assert copied_bytes(form) == 4
    found = unpacked(np.full(6, word, np.uint32).view(np.uint8), form, 2, 3)
    assert found.shape == ((2, 3, len(expected)) if len(expected) > 1 else (2, 3))
    assert np.allclose(found[1, 2], expected, rtol=1e-6)


def test_compressed_texels_are_no_numbers() -> None:
    with pytest.raises(FormatNotSupported, match="BC7"):
        unpacked(np.zeros(16, np.uint8), Format.BC7_UNORM_BLOCK, 4, 4)


@pytest.mark.parametrize("form", [one for one, _, _ in WORDS if "INT" not in one.name.split("_")[1]])
def test_what_a_shader_reads_becomes_what_a_copy_has(form: Format) -> None:
    read = np.tile(np.float32([0.25, 0.5, 1.0, 1.0]), (2, 3, 1))
    data = np.zeros(6, np.uint32).view(np.uint8)
    copy, found = unpacked(data, form, 2, 3), as_copied(read, form)
    assert (found.shape, found.dtype) == (copy.shape, copy.dtype)


def test_shaders_read_light_and_copies_have_srgb() -> None:
    light = np.float32([[[0.0, 0.002, 0.2158605, 0.5]]])
    assert as_copied(light, Format.R8G8B8A8_SRGB).tolist() == [[[0, 7, 128, 128]]]
    assert as_copied(light, Format.R8G8B8A8_UNORM).tolist() == [[[0, 1, 55, 128]]]
    assert as_copied(-light, Format.R8G8B8A8_SNORM).tolist() == [[[0, 0, -27, -64]]]
    assert as_copied(light, Format.R16_SFLOAT).dtype == np.float16
