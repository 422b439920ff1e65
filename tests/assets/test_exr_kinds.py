"""OpenEXR files of every kind that artists save: read as they are, or refused with what they are."""

from __future__ import annotations

import errno
import io
import signal
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from support.lights import NONE, RLE, ZIP, attribute, exr
from support.projects import TRIANGLE_DB, Project
from support.sampling import Sample

from engine.assets import open_library
from engine.assets.formats import ColorSpace
from engine.assets.importers.environment import openexr_package, openexr_worker
from engine.assets.importers.environment.light_picture import read_light_pictures
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.assets.tools.tool_process import ToolResult
from engine.humon import InputError, Problem

OpenEXR = pytest.importorskip("OpenEXR")
EXACT = ("NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "HTJ2K256", "HTJ2K32")
COARSE = {"B44": 0.04, "B44A": 0.04, "DWAA": 0.04, "DWAB": 0.04}
"""Compressions that change pixels, and by how much those of a smooth picture of up to 4."""


def light(data: bytes) -> np.ndarray:
    return read_light_pictures(data, "sky.exr")[0].pixels


def problem_of(data: bytes) -> Problem:
    with pytest.raises(InputError) as caught:
        light(data)
    (problem,) = caught.value.problems
    assert str(problem.position) == "sky.exr"
    assert problem.help
    return problem


def smooth(height: int = 70, width: int = 131) -> np.ndarray:
    """A smooth picture of 16-bit floats."""
    y, x = np.mgrid[0:height, 0:width]
    planes = np.stack((x / width, y / height, (x + y) / (width + height)), axis=2) * 4
    return planes.astype(np.float16)


def written(channels: Mapping[str, np.ndarray], compression: str, tiled: bool = False, **more: Any) -> bytes:
    """A file that the package OpenEXR writes."""
    header: dict[str, Any] = {
        "compression": getattr(OpenEXR, f"{compression}_COMPRESSION"),
        "type": OpenEXR.tiledimage if tiled else OpenEXR.scanlineimage,
        **more,
    }
    if tiled:
        header["tiles"] = OpenEXR.TileDescription()
        header["tiles"].xSize, header["tiles"].ySize = 64, 32
    stream = io.BytesIO()
    OpenEXR.File(header, dict(channels)).write(stream)
    return stream.getvalue()


@pytest.mark.parametrize("tiled", [False, True], ids=["lines", "tiles"])
@pytest.mark.parametrize("compression", [*EXACT, *COARSE])
def test_every_compression_is_read_in_lines_and_tiles(compression: str, tiled: bool) -> None:
    given = smooth()
    found = light(written({"RGB": given}, compression, tiled))
    assert np.abs(found - given).max() <= COARSE.get(compression, 0.0)


def test_a_texture_of_piz_has_its_pixels() -> None:
    given = smooth(8, 16)
    made = import_texture(written({"RGB": given}, "PIZ"), "a.exr", TextureSettings(ColorSpace.SRGB, 1))
    assert made.facts.format == "r16g16b16a16_sfloat"
    texels = np.frombuffer(made.data, np.float16).reshape(8, 16, 4)
    assert np.array_equal(texels[..., :3], given)
    assert (texels[..., 3] == 1).all()


@pytest.mark.parametrize("compression", ["ZIP", "PIZ"])
def test_channels_of_every_type_are_read(compression: str) -> None:
    given = smooth()
    red, green = given[..., 0].copy(), given[..., 1].astype(np.float32) / 3
    blue = np.arange(red.size, dtype=np.uint32).reshape(red.shape) // 7
    found = light(written({"R": red, "G": green, "B": blue, "A": green, "Z": blue}, compression))
    for number, plane in enumerate((red, green, blue)):
        assert np.array_equal(found[..., number], plane.astype(np.float32))


@pytest.mark.parametrize("compression", ["ZIP", "PIZ"])
def test_luminance_alone_is_grey(compression: str) -> None:
    grey = smooth()[..., 0].copy()
    found = light(written({"Y": grey}, compression))
    assert np.array_equal(found, np.repeat(grey[..., None], 3, axis=2).astype(np.float32))


def with_subsampled_chroma() -> bytes:
    data = exr({name: np.ones((4, 4), "<f4") for name in ("BY", "RY", "Y")}, NONE)
    for name in (b"BY", b"RY"):
        full = name + b"\0" + struct.pack("<IIII", 2, 0, 1, 1)
        assert full in data
        data = data.replace(full, name + b"\0" + struct.pack("<IIII", 2, 0, 2, 2))
    return data


def window(left: int, top: int, right: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)


@pytest.mark.parametrize("compression", ["NO", "ZIP", "PIZ"])
@pytest.mark.parametrize(("left", "top"), [(0, 0), (5, 7), (-9, -3), (100, -40)])
def test_the_display_window_is_what_is_shown(compression: str, left: int, top: int) -> None:
    """What the data window lacks is black, and what lies outside of the display window is cut off."""
    given = smooth(70, 131)
    data = written(
        {"RGB": given},
        compression,
        dataWindow=window(left, top, left + 130, top + 69),
        displayWindow=window(0, 0, 139, 79),
    )
    expected = np.zeros((80, 140, 3), np.float32)
    rows, columns = np.mgrid[0:70, 0:131]
    is_shown = (rows + top >= 0) & (rows + top < 80) & (columns + left >= 0) & (columns + left < 140)
    expected[rows[is_shown] + top, columns[is_shown] + left] = given[is_shown]
    assert np.array_equal(light(data), expected)


@pytest.mark.parametrize("compression", ["ZIP", "PIZ"])
def test_windows_may_begin_at_negative_places(compression: str) -> None:
    given, place = smooth(), window(-200, -100, -70, -31)
    data = written({"RGB": given}, compression, dataWindow=place, displayWindow=place)
    assert np.array_equal(light(data), given)


def with_levels(mode: int) -> tuple[bytes, np.ndarray]:
    """Tiles of 8 x 8, with mip levels (1) or rip levels (2) of 12, 6, 3 and 1 pixels a side."""
    finest = np.arange(144, dtype="<f4").reshape(12, 12)
    pairs = [(n, n) for n in range(4)] if mode == 1 else [(x, y) for y in range(4) for x in range(4)]
    box = struct.pack("<4i", 0, 0, 11, 11)
    head = (
        struct.pack("<II", 20000630, 2 | 0x200)
        + attribute("channels", "chlist", b"Y\0" + struct.pack("<IIII", 2, 0, 1, 1) + b"\0")
        + attribute("compression", "compression", bytes([NONE]))
        + attribute("dataWindow", "box2i", box)
        + attribute("displayWindow", "box2i", box)
        + attribute("lineOrder", "lineOrder", b"\0")
        + attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
        + attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0))
        + attribute("screenWindowWidth", "float", struct.pack("<f", 1))
        + attribute("tiles", "tiledesc", struct.pack("<IIB", 8, 8, mode))
        + b"\0"
    )
    tiles = []
    for across, down in pairs:
        wide, high = 12 >> across, 12 >> down
        plane = finest[:high, :wide] + 1000 * (across + down)
        for y in range(0, high, 8):
            for x in range(0, wide, 8):
                texels = plane[y : y + 8, x : x + 8].tobytes()
                tiles.append(struct.pack("<4iI", x // 8, y // 8, across, down, len(texels)) + texels)
    starts = np.cumsum([len(head) + 8 * len(tiles), *(len(tile) for tile in tiles[:-1])])
    return head + struct.pack(f"<{len(tiles)}Q", *starts.tolist()) + b"".join(tiles), finest


@pytest.mark.parametrize("mode", [1, 2], ids=["mip", "rip"])
def test_of_tiles_with_levels_the_finest_is_read(mode: int) -> None:
    data, finest = with_levels(mode)
    assert np.array_equal(light(data)[..., 0], finest)


def test_several_parts_are_refused_with_their_names() -> None:
    parts = [
        OpenEXR.Part({"name": name, "type": OpenEXR.scanlineimage}, {"RGB": smooth(4, 6)}, name)
        for name in ("beauty", "depth", "a", "b", "c", "d")
    ]
    stream = io.BytesIO()
    OpenEXR.File(parts).write(stream)
    problem = problem_of(stream.getvalue())
    assert problem.code == "environment.format"
    assert "several parts: 'beauty', 'depth', 'a', 'b', 'c'" in problem.message
    assert "'d'" not in problem.message
    for length in (9, 60, 300):
        assert problem_of(stream.getvalue()[:length]).code == "texture.decode"


@pytest.mark.parametrize("kind", ["deepscanline", "deeptile"])
def test_deep_images_are_refused_by_that_name(kind: str) -> None:
    pixels = np.empty((4, 6), object)
    for number in range(pixels.size):
        pixels.flat[number] = np.ones(number % 3, np.float16)
    header = {"type": getattr(OpenEXR, kind), "compression": OpenEXR.ZIPS_COMPRESSION}
    if kind == "deeptile":
        header["tiles"] = OpenEXR.TileDescription()
    stream = io.BytesIO()
    OpenEXR.File(header, dict.fromkeys("RGBZ", pixels)).write(stream)
    problem = problem_of(stream.getvalue())
    assert (problem.code, "deep pixels" in problem.message) == ("environment.format", True)


def points_of_light() -> np.ndarray:
    """Pixels that are as bright as suns, or dark, beside others that are 0."""
    rng = np.random.default_rng(4)
    light = np.exp(rng.normal(0, 4, (64, 64, 3))).clip(0, 60_000)
    return np.where(rng.random((64, 64, 3)) < 0.5, 0, light).astype(np.float16)


@pytest.mark.parametrize("compression", COARSE)
@pytest.mark.parametrize("level", [None, 300.0])
def test_what_a_compression_makes_negative_of_black_is_black(compression: str, level: float | None) -> None:
    more = {} if level is None else {"dwaCompressionLevel": level}
    data = written({"RGB": points_of_light()}, compression, **more)
    as_stored = OpenEXR.File(io.BytesIO(data), separate_channels=True).channels()
    assert min(as_stored[name].pixels.min() for name in "RGB") < 0
    found = read_light_pictures(data, "sky.exr")[0]
    assert found.warnings == ()
    assert found.pixels.min() == 0


@pytest.mark.parametrize("compression", ["ZIP", "PIZ", *COARSE])
def test_what_is_negative_beyond_the_compression_is_reported(compression: str) -> None:
    given = smooth()
    given[3, 5] = -0.25 if compression in COARSE else -1e-4
    (warning,) = read_light_pictures(written({"RGB": given}, compression), "sky.exr")[0].warnings
    assert warning.code == "environment.values"
    assert "pixel" in warning.message


GREY = {"Y": np.ones((3, 4), "<f4")}


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (
            exr(GREY, NONE).replace(
                attribute("compression", "compression", b"\0"),
                attribute("compression", "compression", b"\x63"),
            ),
            "environment.format",
            "compressed with method 99",
        ),
        (exr(GREY, NONE).replace(b"Y\0\2\0", b"Y\0\7\0"), "environment.format", "type 7"),
        (
            exr({"view.R": GREY["Y"], "view.G": GREY["Y"]}),
            "environment.format",
            "the channels view.G, view.R",
        ),
    ],
)
def test_what_is_not_read_is_named(data: bytes, code: str, message: str) -> None:
    problem = problem_of(data)
    assert (problem.code, message in problem.message) == (code, True), problem.message


def test_subsampled_chroma_is_refused_with_its_channel() -> None:
    problem = problem_of(with_subsampled_chroma())
    assert problem.code == "environment.format"
    assert "'BY' of the OpenEXR file is not stored for every pixel" in problem.message


def test_a_display_window_beside_the_pixels_is_refused() -> None:
    data = written({"RGB": smooth()}, "ZIP", displayWindow=window(500, 500, 600, 600))
    assert "within its display window" in problem_of(data).message


def test_a_display_window_of_too_many_pixels_is_refused() -> None:
    data = written({"RGB": smooth()}, "ZIP", displayWindow=window(0, 0, 99_999, 10))
    assert problem_of(data).code == "texture.size"


def test_without_the_package_the_compression_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openexr_package, "find_spec", lambda name: None)
    for data, words in (
        (written({"RGB": smooth()}, "PIZ"), "compressed with PIZ,"),
        (written({"RGB": smooth()}, "ZIP", True), "compressed with ZIP, in tiles,"),
    ):
        problem = problem_of(data)
        assert (problem.code, words in problem.message) == ("texture.package", True), problem.message
        assert "pip install" in problem.help
    light(written({"RGB": smooth()}, "ZIP"))


def test_a_process_without_memory_or_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written({"RGB": smooth(512, 512)}, "PIZ")
    with monkeypatch.context() as patch:
        patch.setattr(openexr_package, "EXR_SECONDS", 0.01)
        problem = problem_of(data)
    assert (problem.code, "took longer than 0.01 s" in problem.message) == ("texture.time", True)
    with monkeypatch.context() as patch:
        patch.setattr(openexr_package, "run_tool", lambda *_, **__: ToolResult(-signal.SIGKILL, ""))
        problem = problem_of(data)
    assert (problem.code, "stopped by the system" in problem.message) == ("texture.time", True)
    monkeypatch.setattr(openexr_package, "EXR_BYTES", 1 << 20)
    problem = problem_of(data)
    assert (problem.code, "take 1 MiB" in problem.message) == ("texture.size", True), problem.message


def test_a_file_that_took_too_long_is_tried_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.root / "assets/sky.exr").write_bytes(written({"RGB": smooth(32, 64)}, "PIZ"))
    rows = "{ @type: environment  name: sky  source: ../assets/sky.exr }\n] }"
    db = project.db(TRIANGLE_DB.replace("    ]\n}\n", rows))
    with monkeypatch.context() as patch:
        patch.setattr(openexr_package, "EXR_SECONDS", 0.01)
        with open_library([db]) as library:
            (problem,) = library.problems
            assert "took longer than 0.01 s" in problem.message
    with open_library([db]) as library:  # no source has changed
        assert not library.problems
        assert library.cooked == 1


def test_a_full_disk_is_no_damage_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written({"RGB": smooth(512, 512)}, "PIZ")

    def ended(*_: object, **__: object) -> ToolResult:
        return ToolResult(openexr_worker.NO_ROOM, "")

    monkeypatch.setattr(openexr_package, "run_tool", ended)
    problem = problem_of(data)
    assert (problem.code, "no room" in problem.message) == ("texture.memory", True), problem.message

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(openexr_package, "run_tool", full)
    problem = problem_of(data)
    assert problem.code == "texture.memory"


@pytest.mark.parametrize("kind", ["PIZ", "DWAA", "B44", "tiles"])
def test_damage_of_what_the_package_reads_is_an_input_error(kind: str, sample: Sample) -> None:
    for seed in sample.seeds(2, 100):
        rng = np.random.default_rng(seed)
        data = bytearray(
            written({"RGB": smooth(40, 50)}, "PIZ" if kind == "tiles" else kind, kind == "tiles")
        )
        for at in rng.integers(0, min(len(data), 700 if seed % 2 else len(data)), 4):
            data[at] = rng.integers(256)
        try:
            found = light(bytes(data[: rng.integers(1, len(data) + 1)] if seed % 3 == 0 else data))
        except InputError:
            continue
        assert (np.isfinite(found) & (found >= 0)).all()


def test_a_cut_off_file_of_piz_is_refused() -> None:
    whole = written({"RGB": smooth()}, "PIZ")
    for length in (len(whole) - 1, len(whole) // 2, 400):
        assert problem_of(whole[:length]).code == "texture.decode"


@pytest.mark.parametrize("compression", [NONE, RLE, ZIP])
def test_a_data_window_of_other_rows_than_blocks_is_cropped(compression: int) -> None:
    """Blocks of 16 rows are cut at rows 3 and 21 of the picture."""
    planes = {"Y": np.arange(40 * 8, dtype="<f4").reshape(40, 8)}
    data = exr(planes, compression)
    shown = attribute("displayWindow", "box2i", struct.pack("<4i", 1, 3, 6, 21))
    whole = attribute("displayWindow", "box2i", struct.pack("<4i", 0, 0, 7, 39))
    assert np.array_equal(light(data.replace(whole, shown))[..., 0], planes["Y"][3:22, 1:7])
