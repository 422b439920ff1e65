"""BC6H blocks of a KTX 2 file are the half floats that they stand for, and draw as such."""

from __future__ import annotations

import io
import struct

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support.ktx2_files import ktx

from engine.assets.formats import ColorSpace, TextureFormat
from engine.assets.importers.blocks.bc6h import decode_bc6h
from engine.assets.importers.texture import TextureSettings, import_texture

UNSIGNED, SIGNED = 143, 144


def decoded(blocks: bytes, width: int, height: int, *, is_signed: bool = False) -> npt.NDArray[np.float32]:
    found = np.zeros((height, width, 3), np.float32)
    for rows, texels in decode_bc6h(blocks, width, height, is_signed=is_signed):
        found[rows] = texels
    return found


def by_pillow(blocks: bytes, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Texels as Pillow decodes them: 8 bits, of numbers from 0 to 1."""
    head = struct.pack("<7I44x", 124, 0x81007, height, width, len(blocks), 0, 1)
    form = struct.pack("<2I4s5I5I", 32, 4, b"DX10", 0, 0, 0, 0, 0, 0x1000, 0, 0, 0, 0)
    data = b"DDS " + head + form + struct.pack("<5I", 95, 3, 0, 1, 0) + blocks
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_random_blocks_of_all_modes_are_those_of_another_decoder() -> None:
    """Two decoders agree on each texel; they round mixed end points apart by the last bit."""
    blocks = np.random.default_rng(3).bytes(256 * 256)
    found, other = decoded(blocks, 256, 256), by_pillow(blocks, 256, 256)
    assert np.isfinite(found).all()
    assert found.max() > 60_000
    assert np.abs(np.floor(np.clip(found, 0, 1) * 255) - other).max() <= 1
    assert len({block & 31 for block in blocks[::16]}) == 32


def block_of(first: tuple[int, int, int], second: tuple[int, int, int], indices: int = 0) -> bytes:
    """A block of the mode with two end points of 10 bits each."""
    value, at = 3, 5
    for number in (*first, *second):
        value |= (number & 1023) << at
        at += 10
    return (value | indices << 65).to_bytes(16, "little")


def test_a_block_of_two_end_points_goes_from_one_to_the_other() -> None:
    ends = block_of((0, 1023, 0), (1023, 0, 0), int("".join(f"{n:x}" for n in range(15, 0, -1)), 16) << 3)
    found = decoded(ends, 4, 4).reshape(16, 3)
    assert found[0].tolist() == [0, 65504, 0]
    assert found[-1].tolist() == [65504, 0, 0]
    assert (np.diff(found[:, 0]) > 0).all()
    assert (found[:, 2] == 0).all()


def test_signed_end_points_are_negative() -> None:
    found = decoded(block_of((-511, 511, 0), (-511, 511, 0)), 4, 4, is_signed=True)
    assert (found == [-65504, 65504, 0]).all()


def test_a_signed_difference_may_pass_zero() -> None:
    """The mode of 11 bits with differences: 0 and 0 - 1 are nearly alike."""
    value = 7 | ((1 << 9) - 1) << 35  # red of the second end point is one less
    found = decoded((value | ((1 << 63) - 1) << 65).to_bytes(16, "little"), 4, 4, is_signed=True)
    assert found[3, 3, 0] < 0
    assert np.abs(found).max() < 0.01


@pytest.mark.parametrize("scheme", [0, 2, 3])
@pytest.mark.parametrize("space", list(ColorSpace))
def test_a_ktx2_file_of_bc6h_becomes_16_bit_floats(scheme: int, space: ColorSpace) -> None:
    blocks = np.random.default_rng(5).bytes(3 * 2 * 16)
    made = import_texture(ktx(UNSIGNED, [blocks], 10, 7, scheme), "a.ktx2", TextureSettings(space, 1))
    assert made.facts.format is TextureFormat.R16G16B16A16_SFLOAT
    texels = np.frombuffer(made.data, np.float16, 10 * 7 * 4).reshape(7, 10, 4)
    assert np.array_equal(texels[..., :3], decoded(blocks, 10, 7).astype(np.float16))
    assert (texels[..., 3] == 1).all()


def test_levels_of_signed_bc6h_stay_and_one_alone_makes_the_others() -> None:
    ends = [(-100, 0, 50), (-50, 0, 25), (-25, 0, 12)]
    levels = [block_of(one, one) * (4 if one is ends[0] else 1) for one in ends]
    made = import_texture(ktx(SIGNED, levels, 8, 8), "a.ktx2", TextureSettings(ColorSpace.LINEAR))
    assert made.facts.mip_levels == 3
    texels = np.frombuffer(made.data, np.float16).reshape(-1, 4)
    for found, level in zip(np.split(texels, [64, 80]), levels, strict=True):
        assert (found[:, :3] == decoded(level[:16], 4, 4, is_signed=True)[0, 0].astype(np.float16)).all()
    alone = import_texture(ktx(SIGNED, levels[:1], 8, 8), "a.ktx2", TextureSettings(ColorSpace.LINEAR))
    assert alone.facts.mip_levels == 4
    texels = np.frombuffer(alone.data, np.float16).reshape(-1, 4)
    assert (texels[:85] == texels[0]).all()
    assert texels[0, 0] < 0
