"""TIFF files have the texels that were written, in every order of samples; those that lie are errors."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFile
from support.pictures import damaged, file_of
from support.tiffs import PALETTE, tiff_of

from engine.assets.formats import ColorSpace, TextureFormat
from engine.assets.importers.pictures import tiff, tiff_parts
from engine.assets.importers.pictures.runs import unpack_bits, unpack_lzw
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.humon import InputError

RNG = np.random.default_rng(5)
NOISE = RNG.integers(0, 256, (21, 37, 4), np.uint8)
DEEP = RNG.integers(0, 1 << 16, (21, 37, 4), np.uint16)
FLOATS = RNG.normal(size=(21, 37, 4)).astype(np.float32)
WIDE = TextureFormat.R16G16B16A16_UNORM
FLOAT = TextureFormat.R32G32B32A32_SFLOAT


def texels_of(data: bytes, form: TextureFormat | None = None) -> npt.NDArray[Any]:
    imported = import_texture(data, "a.tif", TextureSettings(ColorSpace.LINEAR, 1, form))
    facts = imported.facts
    assert facts.format is (form or facts.format)
    found = np.frombuffer(imported.data, np.uint8, facts.size).view(facts.format.dtype)
    return found.reshape(facts.height, facts.width, -1)


def code_of(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        texels_of(data)
    (problem,) = caught.value.problems
    assert problem.help
    assert str(problem.position) == "a.tif"
    return str(problem.code)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1"])
def test_files_of_another_program_have_its_texels(mode: str, compression: str) -> None:
    texels = NOISE[..., :3] if mode == "P" else NOISE
    expected = np.asarray(Image.fromarray(texels).convert(mode).convert("RGBA"))
    found = texels_of(file_of(texels, "TIFF", mode, compression=compression))
    np.testing.assert_array_equal(found, expected)


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"order": ">"},
    {"rows": 4},
    {"tile": (16, 16)},
    {"planar": True, "rows": 5},
    {"planar": True, "tile": (16, 16), "deflate": True},
    {"deflate": True, "predictor": 2, "rows": 8},
    {"deflate": True, "predictor": 2, "order": ">", "tile": (32, 16)},
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_samples_of_16_bits_are_exact_in_every_layout(layout: dict[str, Any], channels: int) -> None:
    samples = DEEP[..., :channels]
    found = texels_of(tiff_of(samples, **layout), WIDE)
    colours = samples[..., :3] if channels >= 3 else samples[..., :1].repeat(3, axis=-1)
    alpha = samples[..., -1] if channels in (2, 4) else np.full(samples.shape[:2], 0xFFFF)
    np.testing.assert_array_equal(found[..., :3], colours)
    np.testing.assert_array_equal(found[..., 3], alpha)
    np.testing.assert_allclose(texels_of(tiff_of(samples, **layout))[..., :3], colours / 257, atol=0.5)


@pytest.mark.parametrize("layout", [*LAYOUTS[:6], {"predictor": 3, "deflate": True}])
@pytest.mark.parametrize("size", [2, 4])
def test_floats_are_exact_in_every_layout(layout: dict[str, Any], size: int) -> None:
    samples = FLOATS.astype(f"<f{size}")
    np.testing.assert_array_equal(texels_of(tiff_of(samples, **layout), FLOAT), samples.astype(np.float32))


def test_floats_are_16_bit_floats_unless_another_format_is_given() -> None:
    found = texels_of(tiff_of(FLOATS))
    np.testing.assert_array_equal(found, FLOATS.astype(np.float16))


def test_orientation_changes_no_texel() -> None:
    for orientation in range(1, 9):
        np.testing.assert_array_equal(texels_of(tiff_of(NOISE, tags={"orientation": orientation})), NOISE)


def reversed_bits(part: bytes) -> bytes:
    """Bytes with the bits of each in the other order."""
    return np.packbits(np.unpackbits(np.frombuffer(part, np.uint8)), bitorder="little").tobytes()


@pytest.mark.parametrize("layout", [{}, {"rows": 4}, {"planar": True, "tile": (16, 16), "deflate": True}])
def test_bits_of_bytes_may_be_in_the_other_order(layout: dict[str, Any]) -> None:
    data = tiff_of(NOISE, **layout, tags={"fill": 2}, damage=reversed_bits)
    np.testing.assert_array_equal(texels_of(data), NOISE)


def test_bits_in_the_other_order_are_those_that_another_program_reads() -> None:
    data = tiff_of(NOISE[..., :1], tags={"fill": 2})
    with Image.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(texels_of(data)[..., 0], np.asarray(picture))


def test_white_may_be_zero_and_colours_may_be_multiplied_by_alpha() -> None:
    inverted = texels_of(tiff_of(NOISE[..., :1], tags={"colours": 0}))
    np.testing.assert_array_equal(inverted[..., 0], 255 - NOISE[..., 0])
    plain = np.array([[[100, 50, 200, 255], [100, 50, 200, 128], [9, 9, 9, 0]]], np.uint8)
    multiplied = plain.copy()
    multiplied[..., :3] = np.rint(plain[..., :3] * (plain[..., 3:] / 255.0))
    found = texels_of(tiff_of(multiplied, tags={"extra": 1}))
    assert np.abs(found[0, :2].astype(int) - plain[0, :2]).max() <= 1
    unseen = texels_of(tiff_of(plain, tags={"extra": 0}))
    assert (unseen[..., 3] == 255).all()


GOOD = tiff_of(NOISE, rows=4)
LIES: list[tuple[bytes, str]] = [
    (GOOD[:4], "texture.decode"),
    (GOOD[: len(GOOD) // 2], "texture.decode"),
    (b"II+\0" + GOOD[4:], "texture.format"),
    (GOOD[:4] + struct.pack("<I", 1 << 31) + GOOD[8:], "texture.decode"),
    (tiff_of(NOISE, tags={"width": 0}), "texture.size"),
    (tiff_of(NOISE, tags={"height": 0}), "texture.size"),
    (tiff_of(NOISE, tags={"width": 60_000, "height": 60_000}), "texture.decode"),
    (tiff_of(NOISE, tags={"width": 1 << 31}), "texture.decode"),
    (tiff_of(NOISE, tags={"height": 22}), "texture.decode"),
    (tiff_of(NOISE, rows=4, tags={"rows": 0}), "texture.decode"),
    (tiff_of(NOISE, rows=4, tags={"rows": 5}), "texture.decode"),
    (tiff_of(NOISE, tags={"offsets": 1 << 30}), "texture.decode"),
    (tiff_of(NOISE, tags={"sizes": (1 << 32) - 1}), "texture.decode"),
    (tiff_of(NOISE, tags={"sizes": (5, 5)}), "texture.decode"),
    (tiff_of(NOISE, tile=(16, 16), tags={"tile_width": 0}), "texture.decode"),
    (tiff_of(NOISE, tile=(16, 16), tags={"tile_height": 1 << 30}), "texture.decode"),
    (tiff_of(NOISE, deflate=True, damage=lambda part: part[: len(part) // 2]), "texture.decode"),
    (tiff_of(NOISE, deflate=True, damage=lambda part: bytes(len(part))), "texture.decode"),
    (tiff_of(NOISE, tags={"compression": 5}, damage=lambda part: b"\xff" * 99), "texture.decode"),
    (tiff_of(NOISE, tags={"compression": 32773}, damage=lambda part: bytes(200)), "texture.decode"),
    (tiff_of(NOISE, tags={"compression": 7}), "texture.format"),
    (tiff_of(NOISE, tags={"fill": 3}), "texture.decode"),
    (tiff_of(NOISE, tags={"bits": (8, 8, 16, 8)}), "texture.format"),
    (tiff_of(NOISE, tags={"bits": (12,) * 4}), "texture.format"),
    (tiff_of(NOISE, tags={"colours": 5}), "texture.format"),
    (tiff_of(NOISE, tags={"kind": (2,) * 4}), "texture.format"),
    (tiff_of(NOISE, tags={"predictor": 3}), "texture.format"),
    (tiff_of(NOISE, tags={"planes": 3}), "texture.format"),
    (tiff_of(NOISE, tags={"samples": 0}), "texture.decode"),
    (tiff_of(NOISE, tags={"samples": 1 << 20}), "texture.decode"),
    (tiff_of(NOISE[..., :1], tags={"colours": PALETTE, "palette": (1, 2, 3)}), "texture.decode"),
    (tiff_of(NOISE[..., :1], tags={"colours": PALETTE}), "texture.decode"),
]


@pytest.mark.parametrize(("data", "code"), LIES)
def test_a_file_that_lies_is_an_error(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_parts, "_decoded", lambda *_: pytest.fail("a part was decoded"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("a part was decoded"))
    assert code_of(tiff_of(NOISE, deflate=True, tags={"width": 16384, "height": 16384})) == "texture.decode"
    assert code_of(tiff_of(np.zeros((8, 8, 1), np.uint8), tags={"width": 8000, "height": 8000})) == (
        "texture.decode"
    )
    big = tiff_of(np.zeros((1, 16385, 1), np.uint8), deflate=True)
    assert code_of(big) == "texture.size"


def test_as_many_tags_and_parts_as_the_limits_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = tiff_of(NOISE, rows=3)
    monkeypatch.setattr(tiff, "MAX_TIFF_PARTS", 7)
    texels_of(data)
    monkeypatch.setattr(tiff, "MAX_TIFF_PARTS", 6)
    assert code_of(data) == "texture.decode"
    monkeypatch.setattr(tiff, "MAX_TIFF_PARTS", 7)
    monkeypatch.setattr(tiff, "MAX_TIFF_TAGS", 3)
    assert code_of(data) == "texture.decode"


def test_only_problems_escape_from_damaged_files_and_nothing_is_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    kinds = [
        tiff_of(NOISE, rows=4),
        tiff_of(DEEP, tile=(16, 16), deflate=True, order=">"),
        tiff_of(FLOATS, planar=True, deflate=True, predictor=3),
        file_of(NOISE[..., :3], "TIFF", compression="tiff_lzw"),
        file_of(NOISE[..., :3], "TIFF", "P", compression="packbits"),
    ]
    codes = set()
    for number in range(400):
        try:
            texels_of(damaged(RNG, kinds[number % len(kinds)]))
        except InputError as error:
            codes.update(problem.code for problem in error.problems)
    assert (
        {"texture.decode", "texture.format"} <= codes <= {"texture.decode", "texture.format", "texture.size"}
    )
    assert capfd.readouterr() == ("", "")


def lzw(*codes: int) -> memoryview:
    """Codes of 9 bits, as parts of fewer than 254 have them."""
    bits = "".join(f"{code:09b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    return memoryview(int(bits, 2).to_bytes(len(bits) // 8, "big"))


@pytest.mark.parametrize(
    ("codes", "content"),
    [
        ((256, 7, 258, 259, 257), [7] * 6),  # codes that stand for what is just being read
        ((7, 8, 258, 260, 257), [7, 8, 7, 8, 7, 8, 7]),  # not cleared at the start
        ((256, 1, 2, 256, 256, 3, 258), [1, 2, 3, 3, 3]),
    ],
)
def test_codes_of_lzw_stand_for_what_was_read_before(codes: tuple[int, ...], content: list[int]) -> None:
    assert list(unpack_lzw(lzw(*codes), len(content))) == content


@pytest.mark.parametrize("shape", [(20, 15_000), (500, 600)])
def test_tables_of_lzw_grow_to_4096_codes_and_are_cleared(shape: tuple[int, int]) -> None:
    few = RNG.integers(0, 3, shape, np.uint8)
    for texels in (few, np.zeros_like(few), few * (few.cumsum(axis=1, dtype=np.uint8) // 64)):
        found = texels_of(file_of(texels, "TIFF", compression="tiff_lzw"))
        np.testing.assert_array_equal(found[..., 0], texels)


@pytest.mark.parametrize(
    ("unpack", "part", "message"),
    [
        (unpack_lzw, lzw(256, 7, 260), "code 260 is not in its table after 1 bytes"),
        (unpack_lzw, lzw(256, 258), "code 258 is not in its table after 0 bytes"),
        (unpack_lzw, lzw(256, 7, 257, 8), "it ends after 1 bytes, and should have 3"),
        (unpack_lzw, lzw(256, 7), "it ends after 1 bytes, and should have 3"),
        (unpack_lzw, lzw(*[256] * 100, 1, 2, 3), "its table is cleared too often for 3 bytes"),
        (unpack_lzw, memoryview(b""), "it ends after 0 bytes, and should have 3"),
        (unpack_bits, memoryview(b"\1ab\x80\5"), "it ends after 2 bytes, and should have 3"),
        (unpack_bits, memoryview(b""), "it ends after 0 bytes, and should have 3"),
    ],
)
def test_damage_of_a_part_is_named(
    unpack: Callable[[memoryview, int], bytearray], part: memoryview, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        unpack(part, 3)


def test_packed_bytes_are_runs_and_copies() -> None:
    assert unpack_bits(memoryview(b"\1ab\x80\xfec\0d and more"), 6) == b"abcccd"
