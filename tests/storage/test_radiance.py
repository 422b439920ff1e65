"""Radiance files say what was written, by a decoder of their own that knows nothing of the encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.memory.device.problems import WrongArray
from engine.storage.capture import CaptureError, write_float, write_hdr
from engine.storage.radiance import radiance_bytes


def decoded(data: bytes) -> np.ndarray:
    """Decode a Radiance file texel by texel: float64[height, width, 3]."""
    header, _, rest = data.partition(b"\n\n")
    assert header.startswith(b"#?RADIANCE")
    assert b"FORMAT=32-bit_rle_rgbe" in header
    size, _, body = rest.partition(b"\n")
    words = size.split()
    assert words[0::2] == [b"-Y", b"+X"]
    height, width = int(words[1]), int(words[3])
    if not 8 <= width <= 0x7FFF:
        assert len(body) == height * width * 4
        return linear(np.frombuffer(body, np.uint8).reshape(height, width, 4))
    at, texels = 0, np.zeros((height, 4, width), np.uint8)
    for row in range(height):
        assert body[at : at + 4] == bytes((2, 2, width >> 8, width & 0xFF))
        at += 4
        for plane in range(4):
            x = 0
            while x < width:
                count = body[at]
                if count > 128:
                    count -= 128
                    texels[row, plane, x : x + count] = body[at + 1]
                    at += 2
                else:
                    assert count, "an empty packet"
                    texels[row, plane, x : x + count] = list(body[at + 1 : at + 1 + count])
                    at += 1 + count
                x += count
            assert x == width, "a packet runs over the row"
    assert at == len(body)
    return linear(texels.transpose(0, 2, 1))


def linear(texels: np.ndarray) -> np.ndarray:
    scale = np.where(texels[..., 3] > 0, 2.0 ** (texels[..., 3].astype(float) - 136), 0.0)
    return texels[..., :3] * scale[..., None]


def assert_close(seen: np.ndarray, meant: np.ndarray) -> None:
    """Each value is cut, by less than one step of the 8 bits that the brightest channel has."""
    step = np.maximum(meant.max(axis=-1, keepdims=True).astype(float), 1e-37) / 128
    assert seen.shape == meant.shape
    assert (seen <= meant).all()
    assert (meant - seen < step).all()


@pytest.mark.parametrize("width", [1, 7, 8, 127, 128, 129, 300, 0x7FFF, 0x8000])
def test_pictures_come_back_as_they_were_but_for_the_last_bits(width: int) -> None:
    colors = np.exp2(np.random.default_rng(width).uniform(-20, 20, (3, width, 3))).astype(np.float32)
    assert_close(decoded(radiance_bytes(colors)), colors)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 300)), min_size=1, max_size=12))
def test_runs_of_every_length_are_encoded_and_decoded(runs: list[tuple[int, int]]) -> None:
    row = np.repeat(np.array([level for level, _ in runs]), [count for _, count in runs])
    colors = np.stack([row / 4, row / 8, row * 64], axis=-1)[None].astype(np.float32)
    seen = decoded(radiance_bytes(colors))
    assert_close(seen, colors)


def test_equal_rows_take_little_room() -> None:
    assert len(radiance_bytes(np.ones((100, 1000, 3), np.float32))) < 100 * 80 + 100


def test_black_the_smallest_and_the_largest_values_stay_in_range() -> None:
    colors = np.array([[[0, 0, 0], [1e-45, 0, 0], [3.4e38, 1, 0], [1, 0.5, 0.25]]], np.float32)
    seen = decoded(radiance_bytes(colors))
    assert seen[0, 0].tolist() == seen[0, 1].tolist() == [0, 0, 0]
    assert seen[0, 2, 0] > 1.6e38
    assert seen[0, 3].tolist() == [1, 0.5, 0.25]


@pytest.mark.parametrize("name", ["a.hdr", "a.HDR"])
def test_a_name_that_ends_in_hdr_holds_a_radiance_file(tmp_path: Path, name: str) -> None:
    grey = np.linspace(0, 8, 40, dtype=np.float16).reshape(4, 10)
    write_float(tmp_path / name, grey)
    assert_close(decoded((tmp_path / name).read_bytes()), np.repeat(grey[..., None], 3, axis=-1))


def test_a_name_that_ends_in_exr_holds_an_openexr_file_and_others_are_refused(tmp_path: Path) -> None:
    picture = np.ones((4, 10, 3), np.float32)
    write_float(tmp_path / "a.exr", picture)
    assert (tmp_path / "a.exr").read_bytes()[:4] == bytes((0x76, 0x2F, 0x31, 0x01))
    with pytest.raises(CaptureError, match=r"capture\.format.*\n.*\.hdr or \.exr"):
        write_float(tmp_path / "a.tif", picture)
    assert [path.name for path in tmp_path.iterdir()] == ["a.exr"]


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (np.full((2, 9, 3), -1, np.float32), "negative"),
        (np.full((2, 9, 3), np.inf, np.float32), "infinities"),
        (np.full((2, 9, 3), np.nan, np.float32), "NaN"),
        (np.ones((2, 9, 4), np.float32), "channels, not 4"),
        (np.ones((2, 9, 3), np.uint8), "float16 or float32"),
    ],
)
def test_what_rgbe_cannot_hold_is_refused_and_nothing_is_written(
    tmp_path: Path, picture: np.ndarray, why: str
) -> None:
    with pytest.raises(WrongArray, match=why):
        write_hdr(tmp_path / "a.hdr", picture)
    assert not list(tmp_path.iterdir())
