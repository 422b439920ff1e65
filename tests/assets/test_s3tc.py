"""BC1, BC2 and BC3 blocks stand for the texels that another decoder finds, in any order of colours."""

from __future__ import annotations

import io
import struct

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support.ktx2_files import ktx

from engine.assets.cache.facts import TextureFacts
from engine.assets.formats import ColorSpace, TextureFormat
from engine.assets.importers.texture import TextureSettings, import_texture

FOUR_CC = {133: b"DXT1", 135: b"DXT3", 137: b"DXT5"}
SIZE = 64


def by_pillow(blocks: bytes, kind: bytes) -> npt.NDArray[np.uint8]:
    head = struct.pack("<7I44x", 124, 0x81007, SIZE, SIZE, len(blocks), 0, 1)
    form = struct.pack("<2I4s5I5I", 32, 4, kind, 0, 0, 0, 0, 0, 0x1000, 0, 0, 0, 0)
    return np.asarray(Image.open(io.BytesIO(b"DDS " + head + form + blocks)).convert("RGBA"))


def blocks_of(number: int) -> bytes:
    """Random blocks, some of one colour twice: both orders of colours, all indices and steps of alpha."""
    rng = np.random.default_rng(number)
    blocks = rng.integers(0, 256, (SIZE * SIZE // 16, 8 if number == 133 else 16), np.uint8)
    colours = blocks[:, -8:]
    colours[::7, 2:4] = colours[::7, :2]
    return blocks.tobytes()


@pytest.mark.parametrize("number", FOUR_CC)
def test_random_blocks_have_the_texels_of_another_decoder(number: int) -> None:
    blocks = blocks_of(number)
    settings = TextureSettings(ColorSpace.LINEAR, 1, TextureFormat.R8G8B8A8_UNORM)
    made = import_texture(ktx(number, [blocks], SIZE, SIZE), "a.ktx2", settings)
    found = np.frombuffer(made.data, np.uint8).reshape(SIZE, SIZE, 4).astype(int)
    other = by_pillow(blocks, FOUR_CC[number])
    assert np.abs(found - other)[..., :3].max() <= 1  # they round the steps between two colours apart
    most = 1 if number == 137 else 0
    assert np.abs(found - other)[..., 3].max() <= most
    assert found[..., 3].min() < 255


def test_blocks_stay_as_they_are_beside_what_stands_in_for_them() -> None:
    blocks = blocks_of(135)
    made = import_texture(ktx(135, [blocks], SIZE, SIZE), "a.ktx2", TextureSettings(ColorSpace.LINEAR, 1))
    assert isinstance(made.facts, TextureFacts)
    assert made.facts.format is TextureFormat.BC2_UNORM_BLOCK
    assert bytes(made.data[: made.facts.size]) == blocks
    stand_in = np.frombuffer(made.data, np.uint8)[-SIZE * SIZE * 4 :].reshape(SIZE, SIZE, 4)
    assert (stand_in[..., 3] == by_pillow(blocks, b"DXT3")[..., 3]).all()


def test_alpha_of_bc2_is_the_nearest_of_sixteen_steps() -> None:
    texels = np.zeros((16, 16, 4), np.uint8)
    texels[..., 3] = np.arange(256).reshape(16, 16)
    stream = io.BytesIO()
    Image.fromarray(texels).save(stream, "PNG")
    settings = TextureSettings(ColorSpace.LINEAR, 1, TextureFormat.BC2_UNORM_BLOCK)
    made = import_texture(stream.getvalue(), "a.png", settings)
    blocks = ktx(135, [bytes(made.data[:256])], 16, 16)
    plain = TextureSettings(ColorSpace.LINEAR, 1, TextureFormat.R8G8B8A8_UNORM)
    found = np.frombuffer(import_texture(blocks, "a.ktx2", plain).data, np.uint8).reshape(16, 16, 4)
    assert (found[..., 3] == np.rint(np.arange(256) / 17).reshape(16, 16) * 17).all()
