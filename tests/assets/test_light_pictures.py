"""Pictures of light: read as they are written, refused where they lie, and within the memory requested."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from support.ktx2_files import ktx
from support.lights import NONE, RLE, ZIP, ZIPS, attribute, exr, hdr
from support.sampling import Sample

from engine.assets.importers.environment.light import LARGEST
from engine.assets.importers.environment.light_picture import LightPicture, read_light_pictures
from engine.humon import InputError, Problem, Severity
from engine.storage.radiance import radiance_bytes

OpenEXR = pytest.importorskip("OpenEXR")


def light(data: bytes) -> np.ndarray:
    return read_light_pictures(data, "sky.hdr")[0].pixels


def problem_of(data: bytes) -> Problem:
    with pytest.raises(InputError) as caught:
        light(data)
    (problem,) = caught.value.problems
    assert str(problem.position) == "sky.hdr"
    assert problem.help or problem.code == "texture.size"
    return problem


def random_light(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise of several orders of magnitude, with areas of one value."""
    rng = np.random.default_rng(seed)
    made = (10.0 ** rng.uniform(-3, 3, (height, width, 1)) * rng.random((height, width, 3))).astype(
        np.float32
    )
    made[:, width // 3 : width // 2] = 0.25
    return made


@pytest.mark.parametrize("width", [1, 7, 8, 127, 128, 300])
def test_radiance_files_are_read_to_the_precision_of_their_mantissas(width: int) -> None:
    given = random_light(5, width)
    found = light(radiance_bytes(given))
    assert found.dtype == np.float32
    assert (np.abs(found - given) <= given.max(axis=2, keepdims=True) / 128).all()


def test_white_is_exact() -> None:
    assert (light(radiance_bytes(np.ones((2, 8, 3), np.float32))) == 1.0).all()


def test_old_runs_repeat_the_pixel_before_them() -> None:
    red, blue = bytes([128, 0, 0, 129]), bytes([0, 0, 128, 130])
    found = light(hdr("-Y 2 +X 300", red + bytes([1, 1, 1, 43, 1, 1, 1, 2]) + blue + bytes([1, 1, 1, 43])))
    assert (found.reshape(-1, 3)[:556] == [1.0, 0.0, 0.0]).all()
    assert (found.reshape(-1, 3)[556:] == [0.0, 0.0, 2.0]).all()


@pytest.mark.parametrize(
    ("resolution", "first"),
    [("-Y 1 +X 2", 0), ("+Y 1 +X 2", 0), ("-Y 1 -X 2", 1), ("-Y 2 +X 1", 0), ("+Y 2 +X 1", 1)],
)
def test_rows_and_columns_may_be_stored_backwards(resolution: str, first: int) -> None:
    pixels = [[128, 0, 0, 129], [0, 128, 0, 129]]
    assert light(hdr(resolution, bytes(pixels[0] + pixels[1]))).reshape(-1, 3)[0, first] == 1.0


def test_what_all_pixels_were_multiplied_by_is_taken_back() -> None:
    assert light(hdr("-Y 1 +X 1", bytes([128, 0, 0, 129]), "EXPOSURE=2", "EXPOSURE= 4.0"))[0, 0, 0] == 0.125


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"", "environment.format", "neither Radiance HDR, OpenEXR, KTX 2 nor PNG"),
        (b"\xff\xd8\xff\xe0", "environment.format", "neither Radiance HDR, OpenEXR, KTX 2 nor PNG"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 1 +X 1\n", "environment.format", "32-bit_rle_xyze"),
        (b"#?RADIANCE\nEXPOSURE=0\n\n", "texture.decode", "EXPOSURE"),
        (b"#?RADIANCE\nEXPOSURE=much\n\n", "texture.decode", "EXPOSURE"),
        (b"#?RADIANCE\nno end", "texture.decode", "within its header"),
        (hdr("+X 2 -Y 1", bytes(8)), "texture.decode", "no resolution in rows"),
        (hdr("-Y 0 +X 1", b""), "texture.size", "1 x 0 pixels"),
        (hdr("-Y 16384 +X 16384", b""), "texture.size", "too many"),
        (hdr("-Y 1 +X 99999", b""), "texture.size", "too many"),
        (hdr("-Y 4096 +X 8192", b"\2\2\x20\0" + bytes(600)), "texture.decode", "header claims 8192 x 4096"),
        (hdr("-Y 1 +X 2", bytes(4)), "texture.decode", "after 1 of 2 pixels"),
        (hdr("-Y 1 +X 2", bytes([1, 1, 1, 2])), "texture.decode", "before its first one"),
        (hdr("-Y 1 +X 9", bytes(4) + bytes([1, 1, 1, 7])), "texture.decode", "after 8 of 9 pixels"),
        (hdr("-Y 1 +X 8", b"\2\2\0\x08" + b"\x89\0" * 4 + bytes(9)), "texture.decode", "too long"),
        (hdr("-Y 1 +X 8", b"\2\2\0\x08" + bytes(12)), "texture.decode", "empty run"),
        (hdr("-Y 1 +X 8", b"\2\2\0\x08" + b"\x88\0" * 3 + b"\x08\0"), "texture.decode", "within a row"),
        (
            hdr("-Y 2 +X 8", b"\2\2\0\x08" + b"\x88\0" * 4 + b"\2\2\0\x09" + bytes(20)),
            "texture.decode",
            "no row of 8",
        ),
    ],
)
def test_damaged_radiance_files_are_refused(data: bytes, code: str, message: str) -> None:
    problem = problem_of(data)
    assert (problem.code, message in problem.message) == (code, True), problem.message


def test_a_truncated_radiance_file_is_refused() -> None:
    whole = radiance_bytes(random_light(5, 40))
    assert len(whole) > 700
    for length in range(0, 700, 13):
        problem_of(whole[:length])


@pytest.mark.parametrize("compression", [NONE, RLE, ZIPS, ZIP])
@pytest.mark.parametrize("kind", ["<f2", "<f4"])
def test_exr_files_are_read_exactly(compression: int, kind: str) -> None:
    given = random_light(37, 53).astype(kind)
    planes = {name: given[..., n].copy() for n, name in enumerate("RGB")}
    planes["A"] = np.ones((37, 53), "<f4")
    assert np.array_equal(light(exr(planes, compression, top=-3)), given.astype(np.float32))


def test_exr_files_of_another_writer_are_read_exactly(tmp_path) -> None:
    given, path = random_light(20, 31), str(tmp_path / "a.exr")
    for compression in (
        OpenEXR.NO_COMPRESSION,
        OpenEXR.RLE_COMPRESSION,
        OpenEXR.ZIPS_COMPRESSION,
        OpenEXR.ZIP_COMPRESSION,
    ):
        header = {"compression": compression, "type": OpenEXR.scanlineimage}
        with OpenEXR.File(header, {"RGB": given}) as file:
            file.write(path)
        assert np.array_equal(light((tmp_path / "a.exr").read_bytes()), given)


def test_grey_exr_files_are_white_light() -> None:
    found = light(exr({"Y": np.array([[0.5, 2.0]], "<f4")}))
    assert found.tolist() == [[[0.5] * 3, [2.0] * 3]]


GREY = {"Y": np.ones((3, 4), "<f4")}
OFFSETS = len(exr(GREY, NONE)) - 3 * (8 + 16) - 3 * 8


def with_offset(value: int) -> bytes:
    data = bytearray(exr(GREY, NONE))
    data[OFFSETS : OFFSETS + 8] = value.to_bytes(8, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (exr(GREY)[:4], "texture.decode", "within its headers"),
        (exr(GREY, flags=2 | 0x200), "texture.decode", "in tiles, cannot be read"),
        (exr(GREY, flags=2 | 0x1000), "environment.format", "several parts"),
        (exr(GREY, flags=3), "environment.format", "version 3"),
        (
            exr(GREY, NONE).replace(
                attribute("compression", "compression", b"\0"), attribute("compression", "compression", b"\4")
            ),
            "texture.decode",
            "compressed with PIZ, cannot be read",
        ),
        (exr({"X": GREY["Y"]}), "environment.format", "the channels X"),
        (
            exr(GREY, NONE).replace(b"compression\0comp", b"compressiom\0comp"),
            "texture.decode",
            "no attribute 'compression'",
        ),
        (exr(GREY, NONE)[:-1], "texture.decode", "damaged block"),
        (with_offset(1 << 40), "texture.decode", "within its headers"),
        (with_offset((1 << 64) - 1), "texture.decode", "within its headers"),
        (with_offset(8), "texture.decode", "damaged block"),
        (
            exr(GREY).replace(b"Y\0\2\0\0\0\0\0\0\0\1\0\0\0", b"Y\0\2\0\0\0\0\0\0\0\2\0\0\0"),
            "environment.format",
            "not stored for every pixel",
        ),
    ],
)
def test_damaged_exr_files_are_refused(data: bytes, code: str, message: str) -> None:
    problem = problem_of(data)
    assert (problem.code, message in problem.message) == (code, True), problem.message


def test_an_exr_header_is_believed_if_its_data_can_hold_so_much() -> None:
    small = exr({"Y": np.zeros((1, 4096), "<f4")}, ZIP)
    grown = small.replace(b"\xff\x0f\0\0\0\0\0\0", b"\xff\x0f\0\0\xff\x0f\0\0")
    assert "header claims 4096 x 4096" in problem_of(grown).message


@pytest.mark.parametrize("kind", ["hdr", "exr none", "exr rle", "exr zip"])
def test_only_input_errors_escape_from_damaged_files(kind: str, sample: Sample) -> None:
    for seed in sample.seeds(20, 600):
        check_damaged(kind, seed)


def check_damaged(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = random_light(9, 24, seed)
    planes = {name: given[..., n].copy() for n, name in enumerate("RGB")}
    made = {"hdr": lambda: radiance_bytes(given), "exr none": lambda: exr(planes, NONE)}
    made |= {"exr rle": lambda: exr(planes, RLE), "exr zip": lambda: exr(planes, ZIP)}
    data = bytearray(made[kind]())
    for at in rng.integers(0, min(len(data), 400 if seed % 2 else len(data)), 4):
        data[at] = rng.integers(256)
    try:
        found = light(bytes(data[: rng.integers(1, len(data) + 1)] if seed % 3 == 0 else data))
    except InputError:
        return
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_png_files_are_decoded_from_srgb() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.array([[[0, 188, 255]]], np.uint8)).save(stream, "PNG")
    found = light(stream.getvalue())
    assert found[0, 0] == pytest.approx([0.0, 0.5029, 1.0], abs=1e-4)


def picture_of(numbers: list[float]) -> LightPicture:
    given = np.array(numbers, "<f4").reshape(1, -1)
    return read_light_pictures(exr({"Y": given}, NONE), "sky.exr")[0]


def test_pixels_that_are_no_light_are_replaced_and_reported_once() -> None:
    found = picture_of([1.0, np.nan, -2.0, np.inf, -np.inf, 1e30, -0.0])
    assert found.pixels[0, :, 0].tolist() == [1.0, 0.0, 0.0, LARGEST, 0.0, LARGEST, 0.0]
    (problem,) = found.warnings
    assert (problem.code, problem.severity) == ("environment.values", Severity.WARNING)
    assert problem.message.startswith("4 pixels are no light")
    assert "the first at column 1, row 0" in problem.message
    assert problem.help


def test_a_picture_of_light_alone_is_not_reported() -> None:
    assert picture_of([0.0, 1.0, 7e4]).warnings == ()


@pytest.mark.parametrize("kind", ["hdr", "old hdr", "exr", "ktx2"])
def test_reading_takes_the_memory_that_it_requests(kind: str) -> None:
    """The picture of 12 bytes a pixel and some rows; more where single pixels are repeated or texels wide."""
    given = random_light(512, 1024)
    asked: list[int] = []
    if kind == "exr":
        data = exr({name: given[..., n].copy() for n, name in enumerate("RGB")}, ZIP)
    elif kind == "hdr":
        data = radiance_bytes(given)
    elif kind == "ktx2":
        data = ktx(109, [np.concatenate((given, given[..., :1]), axis=-1).tobytes()], 1024, 512, 3)
    else:
        data = hdr("-Y 512 +X 1024", bytes([128, 0, 0, 129]) * 100_000 + bytes([1, 1, 1, 255]) * 3)
    read_light_pictures(data, "warm")
    tracemalloc.start()
    read_light_pictures(data, "sky", asked.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(asked) == {"old hdr": 48, "ktx2": 76}.get(kind, 12) * 512 * 1024
    assert peak <= 2 * sum(asked)
