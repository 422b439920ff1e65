"""Pictures that lie, are damaged or hold more than texels: decoded right, or refused at no cost of memory."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support import pictures
from support.ktx2_files import ktx
from support.lights import NONE, exr
from support.pictures import chunk, file_of, header, jpeg_claiming, png, png_of
from support.sampling import Sample
from support.skies import radiance_bytes
from support.tiffs import tiff_of

from engine.assets import ColorSpace, TextureFacts
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.assets.limits import MAX_JPEG_SCANS
from engine.humon import InputError, Problem

PIXEL = [[200, 100, 50], [1, 2, 3]]
GREY, COLOUR, PALETTE = 0, 2, 3
BOMB = zlib.compress(bytes(8 << 20))


def texels_of(data: bytes) -> npt.NDArray[np.uint8]:
    imported = import_texture(data, "a.png", TextureSettings(ColorSpace.LINEAR, 1))
    assert isinstance(imported.facts, TextureFacts)
    return np.frombuffer(imported.data, np.uint8).reshape(imported.facts.height, imported.facts.width, 4)


def problem_of(data: bytes) -> Problem:
    with pytest.raises(InputError) as caught:
        texels_of(data)
    (problem,) = caught.value.problems
    assert str(problem.position) == "a.png"
    return problem


def refused(data: bytes, message: str = "") -> None:
    problem = problem_of(data)
    assert problem.code == "texture.decode"
    assert problem.help
    assert message in problem.message


@pytest.mark.parametrize(
    ("depth", "kind", "row", "key", "alphas"),
    [
        (1, GREY, [0, 1], [1], [255, 0]),
        (2, GREY, [0, 1, 2, 3], [2], [255, 255, 0, 255]),
        (4, GREY, [3, 15], [3], [0, 255]),
        (4, GREY, [3, 15], [0xF3], [0, 255]),
        (8, GREY, [7, 8], [7], [0, 255]),
        (16, GREY, [0x8000, 0x8001, 0xFFFF], [0x8000], [0, 255, 255]),
        (8, COLOUR, [1, 2, 3, 1, 2, 4], [1, 2, 3], [0, 255]),
        (16, COLOUR, [0x80FF, 65535, 255, 1, 2, 3], [0x80FF, 65535, 255], [0, 255]),
        (16, COLOUR, [0x80FF, 65535, 255, 0x80FE, 65535, 255], [0x80FF, 65535, 255], [0, 255]),
        (16, COLOUR, [0x80FF, 65535, 255, 0x81FF, 65535, 255], [0x80FF, 65535, 255], [0, 255]),
    ],
)
def test_only_the_texels_of_the_transparent_colour_have_alpha_zero(
    depth: int, kind: int, row: list[int], key: list[int], alphas: list[int]
) -> None:
    data = png_of([row], depth, kind, chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)))
    assert texels_of(data)[0, :, 3].tolist() == alphas
    most = (1 << depth) - 1
    bright = texels_of(data)[0, :, :3].ravel() if kind == COLOUR else texels_of(data)[0, :, 0]
    assert np.abs(bright.astype(float) - np.array(row) * 255 / most).max() < 1


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_palette_has_an_alpha_for_each_colour(depth: int) -> None:
    colours = chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60]))
    data = png_of([[1, 0]], depth, PALETTE, colours, chunk(b"tRNS", bytes([77])))
    assert texels_of(data)[0].tolist() == [[40, 50, 60, 255], [10, 20, 30, 77]]


def test_the_transparent_colour_is_found_in_interlaced_rows() -> None:
    samples = np.random.default_rng(3).integers(0, 4, (11, 13))
    key = chunk(b"tRNS", struct.pack(">H", 2))
    passes = (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    )
    rows = b""
    for top, left, down, right in passes:
        for row in samples[top::down, left::right]:
            bits = "".join(f"{sample:02b}" for sample in row)
            bits += "0" * (-len(bits) % 8)
            rows += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""
    data = png(header(13, 11, 2, GREY, interlaced=True), key, chunk(b"IDAT", zlib.compress(rows)))
    texels = texels_of(data)
    np.testing.assert_array_equal(texels[..., 0], samples * 85)
    np.testing.assert_array_equal(texels[..., 3], np.where(samples == 2, 0, 255))


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"tEXt", b"Comment\0" + bytes(2 << 20)),
        chunk(b"zTXt", b"Comment\0\0" + BOMB) * 40,
        chunk(b"iTXt", b"Comment\0\1\0\0\0" + BOMB),
        chunk(b"iCCP", b"profile\0\0" + BOMB),
        chunk(b"eXIf", b"II*\0" + bytes(60)),
        chunk(b"tEXt", b"no end") + chunk(b"gAMA", b"1") + chunk(b"pHYs", b"") + chunk(b"sRGB", b""),
        chunk(b"acTL", struct.pack(">II", 1 << 30, 0)) + chunk(b"fcTL", bytes(26)),
        chunk(b"tEXt", b"a\0b")[:-1] + b"?",
    ],
    ids=[
        "text",
        "compressed texts",
        "international text",
        "profile",
        "Exif",
        "short",
        "animation",
        "checksum",
    ],
)
def test_metadata_changes_nothing(extra: bytes) -> None:
    assert texels_of(png_of([[*PIXEL[0], *PIXEL[1]]], 8, COLOUR, extra))[0, :, :3].tolist() == PIXEL


def test_an_animation_is_its_default_picture() -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "lime")]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    assert (texels_of(file.getvalue()) == [255, 0, 0, 255]).all()
    for kind, code in (("GIF", "texture.format"), ("WEBP", "texture.decode")):
        frames[0].save(file := io.BytesIO(), kind, save_all=True, append_images=frames[1:])
        assert problem_of(file.getvalue()).code == code


def test_orientation_and_further_pictures_of_a_jpeg_are_ignored() -> None:
    wide = np.full((8, 24, 3), 128, np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert texels_of(file_of(wide, "JPEG", exif=exif.tobytes())).shape == (8, 24, 4)
    file = io.BytesIO()
    Image.fromarray(wide).save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (50, 50))])
    assert texels_of(file.getvalue()).shape == (8, 24, 4)
    broken = file.getvalue().replace(b"MPF\0MM", b"MPF\0??")
    assert texels_of(broken).shape == (8, 24, 4)


def test_a_picture_with_two_headers_is_refused() -> None:
    rows = chunk(b"IDAT", zlib.compress(b"\0\1\2\3\0\1\2\3"))
    refused(png(header(1, 2, 8, COLOUR), header(9, 9, 8, COLOUR), rows), "second header at byte 33")
    data = file_of(np.zeros((8, 8, 3), np.uint8), "JPEG")
    at = data.find(b"\xff\xc0")
    frame = data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
    refused(data[:at] + frame + data[at:], "second frame header")


@pytest.mark.parametrize(
    "data",
    [
        jpeg_claiming(8191, 8191),
        pictures.png_claiming(8192, 8192),
        pictures.png_claiming(8192, 8192, bytes(1 << 20)),
        png(header(16384, 4096, 1, GREY), chunk(b"IDAT", zlib.compress(b"\0"))),
    ],
)
def test_a_size_that_the_file_cannot_hold_is_refused(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("the picture was opened"))
    refused(data, "the file can hold")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 1}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_blank_picture_is_never_taken_for_a_lie(mode: str, options: dict[str, int]) -> None:
    blank = np.full((500, 1000, 3), 128, np.uint8)
    assert texels_of(file_of(blank, "JPEG", mode, **options)).shape == (500, 1000, 4)
    assert texels_of(file_of(blank, "PNG", mode, compress_level=9)).shape == (500, 1000, 4)
    assert texels_of(file_of(blank, "PNG", "1", compress_level=9)).shape == (500, 1000, 4)


def test_a_jpeg_of_too_many_scans_is_refused() -> None:
    data = file_of(np.zeros((8, 8, 3), np.uint8), "JPEG", progressive=True)
    scan = data[data.find(b"\xff\xda") : -2]
    refused(data[:-2] + scan * MAX_JPEG_SCANS + data[-2:], "scans")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(header(1, 1, 3, COLOUR)), "unknown colour type 2, depth 3"),
        (png(header(1, 1, 8, 5)), "colour type 5"),
        (pictures.SIGNATURE + chunk(b"IDAT", b""), "begin with its header"),
        (pictures.SIGNATURE, "begin with its header"),
        (png_of([[1]], 8, GREY, chunk(b"tRNS", b"\0")), "tRNS at byte 33 is damaged"),
        (png(header(1, 1, 8, GREY), b"\0\0\0\0\0\0\0\0\0\0\0\0"), "without a name at byte 33"),
        (png(header(1, 1, 8, GREY), b"\xff\0\0\0IDAT"), "ends within its chunk IDAT at byte 33"),
        (png(header(1, 1, 8, GREY), chunk(b"IDAT", b"x" * 9)), "cannot be decoded"),
        (file_of(np.zeros((8, 8, 3), np.uint8), "JPEG")[:200], "ends within its headers"),
        (b"\xff\xd8\xff\xe0\0\2abcd", "no segment at byte 6"),
        (b"\xff\xd8\xff\xda\0\2", "no frame header"),
    ],
)
def test_damage_is_named_with_its_place(data: bytes, message: str) -> None:
    refused(data, message)


def test_a_four_colour_jpeg_has_the_colours_it_was_made_of() -> None:
    texels = np.zeros((16, 16, 3), np.uint8)
    texels[:] = (200, 60, 30)
    plain = file_of(texels, "JPEG", "CMYK", quality=95)
    assert np.abs(texels_of(plain)[..., :3].astype(int) - texels).max() <= 4
    luma = np.asarray(Image.fromarray(255 - texels).convert("YCbCr"))
    inks = Image.fromarray(np.concatenate((255 - luma, np.zeros((16, 16, 1), np.uint8)), 2), "CMYK")
    inks.save(file := io.BytesIO(), "JPEG", quality=95)
    at = file.getvalue().find(b"Adobe") + 11
    assert file.getvalue()[at] == 0  # the transform of that segment; 2 is YCCK
    ycck = file.getvalue()[:at] + b"\2" + file.getvalue()[at + 1 :]
    assert np.abs(texels_of(ycck)[..., :3].astype(int) - texels).max() <= 4


def test_damaged_pictures_give_texels_or_an_input_error_and_nothing_is_printed(
    sample: Sample, capfd: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    for seed in sample.seeds(60, 2000):
        rng = np.random.default_rng(seed)
        files = pictures.originals(rng)
        data = pictures.damaged(rng, files[int(rng.integers(len(files)))])
        try:
            texels_of(data)
            counts["texels"] += 1
        except InputError as error:
            counts[error.problems[0].code] += 1
    assert capfd.readouterr() == ("", "")
    sample.drawn.append(str(dict(counts)))
    assert set(counts) <= {"texels", "texture.decode", "texture.format", "texture.size"}
    assert min(counts["texels"], counts["texture.decode"]) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.timeout(240)
def test_importing_any_format_takes_at_most_four_times_the_picture(tmp_path: Path, sample: Sample) -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 256, (767, 768, 4), np.uint8)
    deep = rng.integers(0, 1 << 16, noise.shape, np.uint16)
    light = rng.random((767, 768, 3), np.float32)
    planes = {name: np.ascontiguousarray(light[..., channel]) for channel, name in enumerate("RGB")}
    key = np.concatenate((np.zeros((767, 1), np.uint8), noise.reshape(767, -1)[:, :2304].repeat(2, 1)), 1)
    extra = chunk(b"tRNS", bytes(6)), chunk(b"tEXt", b"a\0b")
    rows = np.concatenate(
        (np.zeros((767, 1), np.uint8), deep.astype(">u2").view(np.uint8).reshape(767, -1)), 1
    )
    png16 = png(header(768, 767, 16, 6), chunk(b"IDAT", zlib.compress(rows.tobytes(), 0)))
    encoders = {
        "PNG": lambda: file_of(noise, compress_level=0),
        "PNG, grey": lambda: file_of(noise[..., 0]),
        "PNG, 16 bits to 8": lambda: png(
            header(768, 767, 16, COLOUR), *extra, chunk(b"IDAT", zlib.compress(key.tobytes(), 0))
        ),
        "PNG, 16 bits": lambda: png16,
        "PNG, one channel of 16 bits": lambda: png16,
        "PNG, two channels": lambda: file_of(noise),
        "PNG to bc7": lambda: file_of(noise),
        "PNG to bc5": lambda: file_of(noise),
        "PNG to bc4": lambda: file_of(noise[..., 0]),
        "JPEG": lambda: file_of(noise[..., :3], "JPEG"),
        "JPEG, progressive": lambda: file_of(noise[..., :3], "JPEG", progressive=True, subsampling=0),
        "JPEG, four colours": lambda: file_of(noise[..., :3], "JPEG", "CMYK", progressive=True),
        "WebP": lambda: file_of(noise[..., :3], "WEBP"),
        "WebP with alpha": lambda: file_of(noise, "WEBP"),
        "WebP without loss": lambda: file_of(noise[..., :3], "WEBP", lossless=True),
        "WebP without loss, as large as its texels": lambda: file_of(noise, "WEBP", lossless=True),
        "TIFF": lambda: tiff_of(noise, rows=64),
        "TIFF of one strip": lambda: tiff_of(deep, deflate=True, predictor=2),
        "TIFF of tiles": lambda: tiff_of(deep, tile=(768, 768), planar=True, deflate=True),
        "TIFF of floats": lambda: tiff_of(deep.astype(np.float32), deflate=True, predictor=3),
        "TIFF, LZW": lambda: file_of(noise, "TIFF", compression="tiff_lzw"),
        "KTX 2": lambda: pictures.ktx2_of(noise),
        "KTX 2 of BGRA": lambda: ktx(44, [noise.tobytes()], noise.shape[1], noise.shape[0], 2),
        "KTX 2 upside down": lambda: ktx(
            37, [noise.tobytes()], noise.shape[1], noise.shape[0], 2, metadata={"KTXorientation": "ru"}
        ),
        "KTX 2 of BC6H": lambda: ktx(143, [noise.tobytes()[: 1024 * 1024]], 1024, 1023, 2),
        "OpenEXR": lambda: exr(planes),
        "OpenEXR, not compressed": lambda: exr(planes, NONE),
        "OpenEXR, read by the package": lambda: exr_by_package(planes),
        "HDR": lambda: radiance_bytes(light),
    }
    formats = {
        "PNG, 16 bits": "r16g16b16a16_unorm",
        "PNG, one channel of 16 bits": "r16_unorm",
        "PNG, two channels": "r8g8_unorm",
        "PNG to bc7": "bc7_unorm_block",
        "PNG to bc5": "bc5_unorm_block",
        "PNG to bc4": "bc4_unorm_block",
        "TIFF of one strip": "r16g16b16a16_unorm",
        "TIFF of tiles": "r16g16b16a16_sfloat",
        "TIFF of floats": "r32g32b32a32_sfloat",
    }
    names = [list(encoders)[index] for index in sample.of(range(len(encoders)), 8)]
    ratios = pictures.peak_ratios({name: encoders[name]() for name in names}, tmp_path, formats)
    assert all(0.1 < ratio <= 4 for ratio in ratios.values()), ratios


def exr_by_package(planes: dict[str, np.ndarray]) -> bytes:
    """An OpenEXR file of PIZ."""
    openexr = pytest.importorskip("OpenEXR")
    stream = io.BytesIO()
    openexr.File({"compression": openexr.PIZ_COMPRESSION, "type": openexr.scanlineimage}, planes).write(
        stream
    )
    return stream.getvalue()


@pytest.mark.parametrize("has_loss", [True, False])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_webp_picture_has_its_texels_and_is_opaque_where_it_has_no_alpha(
    channels: int, has_loss: bool
) -> None:
    texels = np.full((40, 1500, 4), (200, 60, 30, 90), np.uint8)
    texels[:, 750:, :3] = 20, 90, 220
    found = texels_of(file_of(texels[..., :channels], "WEBP", lossless=not has_loss))
    wanted = texels if channels == 4 else texels | np.array([0, 0, 0, 255], np.uint8)
    assert np.abs(found.astype(int) - wanted)[:, ::100].max() <= (8 if has_loss else 0)
