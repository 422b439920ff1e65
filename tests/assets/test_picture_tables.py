"""Claims about what formats of pictures require and decoders do without, and how its lack is reported."""

from __future__ import annotations

import io
import re
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support import pictures
from support.pictures import CHANNELS, chunk, file_of, header, png, png_of
from support.sampling import Sample

from engine.assets import ColorSpace
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.humon import InputError

GREY, COLOUR, PALETTE, GREY_ALPHA = 0, 2, 3, 4
RED_GREEN = chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0]))
ALPHAS = chunk(b"tRNS", bytes([255, 64]))


def texels_of(data: bytes) -> list[list[int]]:
    imported = import_texture(data, "a.png", TextureSettings(ColorSpace.LINEAR, 1))
    return np.frombuffer(imported.data, np.uint8).reshape(-1, 4).tolist()


def refusal_of(data: bytes) -> str:
    """The message with which a picture is refused."""
    with pytest.raises(InputError) as caught:
        texels_of(data)
    (problem,) = caught.value.problems
    assert problem.code == "texture.decode"
    assert problem.help
    return problem.message


def data_of(*rows: bytes) -> bytes:
    """The chunk IDAT of rows that are not filtered."""
    return chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))


def test_a_palette_that_is_whole_is_read() -> None:
    assert texels_of(png_of([[0, 1]], 8, PALETTE, RED_GREEN)) == [[255, 0, 0, 255], [0, 255, 0, 255]]
    found = texels_of(png_of([[0, 1]], 1, PALETTE, RED_GREEN, ALPHAS))
    assert found == [[255, 0, 0, 255], [0, 255, 0, 64]]


@pytest.mark.parametrize(
    ("depth", "before", "message"),
    [
        (8, (), "no chunk PLTE before its pixels"),
        (1, (), "no chunk PLTE before its pixels"),
        (8, (chunk(b"PLTE", bytes(4)),), "PLTE at byte 33 has 4 bytes"),
        (8, (chunk(b"PLTE", b""),), "PLTE at byte 33 has 0 bytes"),
        (8, (chunk(b"PLTE", bytes(257 * 3)),), "PLTE at byte 33 has 771 bytes"),
        (1, (chunk(b"PLTE", bytes(9)),), "PLTE at byte 33 has 9 bytes: those of 1 to 2 colours"),
        (8, (RED_GREEN, RED_GREEN), "several chunks PLTE"),
        (8, (RED_GREEN[:-1] + b"x",), "PLTE at byte 33 is damaged: its checksum is wrong"),
        (8, (RED_GREEN, chunk(b"tRNS", bytes(3))), "tRNS at byte 51 has 3 alphas for 2 colours"),
        (8, (RED_GREEN, ALPHAS, ALPHAS), "several chunks tRNS"),
        (8, (ALPHAS, RED_GREEN), "tRNS at byte 33 is not between the palette and the pixels"),
        (8, (RED_GREEN, ALPHAS[:-1] + b"x"), "tRNS at byte 51 is damaged: its checksum is wrong"),
    ],
)
def test_a_palette_that_is_none_is_refused(depth: int, before: tuple[bytes, ...], message: str) -> None:
    assert message in refusal_of(png_of([[0, 1]], depth, PALETTE, *before))


def test_a_palette_behind_the_pixels_is_refused() -> None:
    data = png(header(2, 1, 8, PALETTE), data_of(b"\0\1"), RED_GREEN)
    assert "no chunk PLTE before its pixels" in refusal_of(data)


@pytest.mark.parametrize(
    ("depth", "row", "highest"), [(8, [0, 2], 2), (2, [0, 1, 2, 3], 3), (4, [15, 1], 15)]
)
def test_a_pixel_beyond_its_palette_is_refused(depth: int, row: list[int], highest: int) -> None:
    message = refusal_of(png_of([row], depth, PALETTE, RED_GREEN, ALPHAS))
    assert message == f"a pixel has the colour {highest} of a palette of 2, counted from 0"


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("depth", "kind"), [(8, GREY), (1, GREY), (16, COLOUR), (16, GREY_ALPHA)])
def test_pixels_that_lack_a_row_are_refused_and_black_ones_are_not(
    depth: int, kind: int, interlaced: bool
) -> None:
    """A picture of 9 x 6 pixels that are all 0, in seven passes where it is interlaced."""
    head = header(9, 6, depth, kind, interlaced)
    passes = [(2, 1), (1, 1), (3, 1), (2, 2), (5, 1), (4, 3), (9, 3)] if interlaced else [(9, 6)]
    lines = [1 + -(-wide * depth * CHANNELS[kind] // 8) for wide, high in passes for _ in range(high)]
    packed = zlib.compress(bytes(sum(lines)))
    assert len(texels_of(png(head, chunk(b"IDAT", packed)))) == 54
    assert len(texels_of(png(head, chunk(b"IDAT", packed[:4]), chunk(b"IDAT", packed[4:])))) == 54
    message = refusal_of(png(head, chunk(b"IDAT", zlib.compress(bytes(sum(lines[:-1]))))))
    assert f"has {sum(lines[:-1])} bytes of pixels" in message
    assert f"9 x 6 pixels take {sum(lines)}" in message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(header(2, 1, 8, GREY)), "the file can hold 0"),
        (png(header(2, 1, 8, GREY), data_of(b"\1\2"))[:-12], "without its last chunk IEND"),
        (png(header(2, 1, 8, GREY), data_of(b"\1\2")[:-1] + b"x"), "IDAT at byte 33 is damaged"),
        (png(header(2, 1, 8, GREY)[:-1] + b"x", data_of(b"\1\2")), "IHDR at byte 8 is damaged"),
        (png(header(2, 1, 8, GREY), chunk(b"ABCD", b"?"), data_of(b"\1\2")), "chunk ABCD at byte 33"),
    ],
    ids=["no IDAT", "no IEND", "IDAT", "IHDR", "critical"],
)
def test_chunks_that_must_be_there_and_known_are_asked_for(data: bytes, message: str) -> None:
    assert message in refusal_of(data)


def segments(data: bytes) -> list[tuple[int, bytes]]:
    """The segments of a JPEG file before its pixels, each with its marker; the last is all of the scan."""
    found: list[tuple[int, bytes]] = []
    at = 2
    while True:
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            return [*found, (marker, data[at:])]
        found.append((marker, data[at:end]))
        at = end


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
@pytest.mark.parametrize("marker", [0xC4, 0xDB], ids=["Huffman", "quantization"])
def test_a_jpeg_without_one_of_its_tables_is_refused(options: dict[str, Any], marker: int) -> None:
    ramp = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    parts = segments(file_of(ramp, "JPEG", **options))
    for number, (found, _) in enumerate(parts):
        left = [part for at, (_, part) in enumerate(parts) if at != number]
        if found == marker:
            message = refusal_of(b"\xff\xd8" + b"".join(left))
            if marker == 0xC4 and "progressive" not in options:
                assert "the JPEG file has no Huffman table " in message


def test_a_tiff_without_its_palette_is_refused() -> None:
    palette: npt.NDArray[np.uint8] = np.array([[0, 1]], np.uint8)
    file = io.BytesIO()
    picture = Image.fromarray(palette, "P")
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.save(file, "TIFF")
    data = file.getvalue()
    assert texels_of(data) == [[255, 0, 0, 255], [0, 255, 0, 255]]
    tag = (320).to_bytes(2, "little") + (3).to_bytes(2, "little")
    assert data.count(tag) == 1
    other = (40000).to_bytes(2, "little") + (3).to_bytes(2, "little")
    assert refusal_of(data.replace(tag, other)) == "the palette of the TIFF file has 0 numbers"


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_a_webp_without_its_picture_is_refused(options: dict[str, Any]) -> None:
    data = file_of(np.full((32, 32, 4), (200, 60, 30, 90), np.uint8), "WEBP", **options)
    extended = b"VP8X" + (10).to_bytes(4, "little") + b"\x10\0\0\0" + bytes([31, 0, 0, 31, 0, 0])
    refusal_of(b"RIFF" + (4 + len(extended)).to_bytes(4, "little") + b"WEBP" + extended)
    refusal_of(data[:-9])


def test_png_pixels_that_are_damaged_are_reported_otherwise_than_missing_ones() -> None:
    head, packed = header(2, 2, 8, GREY), zlib.compress(b"\0\1\2\0\3\4", 0)
    cut = png(head, chunk(b"IDAT", packed[:-7]))
    assert refusal_of(cut).endswith("has 3 bytes of pixels once they are decompressed; 2 x 2 pixels take 6")
    changed = png(head, chunk(b"IDAT", packed[:2] + b"?" + packed[3:]))
    assert "compressed pixels are damaged after 0 of 6 bytes" in refusal_of(changed)
    filtered = png(head, chunk(b"IDAT", zlib.compress(b"\11\1\2\0\3\4")))
    assert refusal_of(filtered) == "the picture cannot be decoded: its pixels are damaged"


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
def test_a_jpeg_that_is_cut_off_is_reported_otherwise_than_a_damaged_one(options: dict[str, Any]) -> None:
    data = file_of(np.random.default_rng(3).integers(0, 256, (32, 32, 3), np.uint8), "JPEG", **options)
    for end in (len(data) - 1, len(data) - 2, len(data) - 200):
        message = refusal_of(data[:end])
        assert message == f"the JPEG file is cut off: it ends after {end} bytes, within its pixels"
    parts = [part for marker, part in segments(data) if marker != 0xDB]
    damaged = b"\xff\xd8" + b"".join(parts)
    assert refusal_of(damaged) == "the picture cannot be decoded: its tables or pixels are damaged"


@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_a_webp_that_is_cut_off_is_reported_otherwise_than_a_damaged_one(options: dict[str, Any]) -> None:
    data = file_of(np.random.default_rng(3).integers(0, 256, (32, 32, 3), np.uint8), "WEBP", **options)
    for end in (len(data) - 1, len(data) - 100):
        message = f"the WebP file is cut off: it ends after {end} bytes, and has {len(data)} by its header"
        assert refusal_of(data[:end]) == message
    size = (len(data) - 108).to_bytes(4, "little")
    damaged = data[:4] + size + data[8:-100]
    assert refusal_of(damaged) == "the picture cannot be decoded: its headers or pixels are damaged"


_FOREIGN = re.compile(r"codec|Error|stream|decoder|invalid|truncated|cannot identify|\bNone\b|<| -\d")


def test_what_is_wrong_with_damaged_pictures_is_said_in_words_of_our_own(sample: Sample) -> None:
    said: set[str] = set()
    for seed in sample.seeds(60, 2000):
        rng = np.random.default_rng(seed)
        files = pictures.originals(rng)
        try:
            texels_of(pictures.damaged(rng, files[int(rng.integers(len(files)))]))
        except InputError as error:
            said |= {problem.message for problem in error.problems}
    assert said
    assert [message for message in said if _FOREIGN.search(message)] == []
