"""Blocks of textures: near to their texels whatever the size; errors where packages are absent or fail."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.ktx2_files import ktx
from support.pictures import file_of
from support.projects import TRIANGLE_DB, Project
from support.sampling import in_proof

from engine.assets import ColorSpace, TextureFacts, importing, open_library
from engine.assets.cook import cook_database
from engine.assets.formats import TextureFormat, level_sizes
from engine.assets.importers.blocks import coder, worker
from engine.assets.importers.blocks.levels import decode_level
from engine.assets.importers.mips import level_views
from engine.assets.importers.pictures import ktx2
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.humon import InputError

zstd = pytest.importorskip("backports.zstd")
BLOCKS = [form for form in TextureFormat if form.block]
IN_SUITE = [form for form in BLOCKS if not form.is_srgb or form is TextureFormat.BC7_SRGB_BLOCK]
LIMITS = {"bc1": 12, "bc2": 12, "bc3": 12, "bc4": 4, "bc5": 4, "bc7": 5}
"""The mean difference from a smooth picture, at most, of 255."""


def smooth(width: int, height: int) -> npt.NDArray[np.uint8]:
    x, y = np.arange(width) / 64, np.arange(height)[:, None] / 64
    wave = np.sin(7 * x + 3 * y)
    waves = [wave, 0.3 + 0.6 * wave, 0.1 + 0.8 * wave, np.cos(2 * x + y)]
    return np.stack([np.rint(127.5 + 120 * wave) for wave in waves], axis=-1).astype(np.uint8)


def decoded_levels(data: bytes | memoryview, facts: TextureFacts) -> list[npt.NDArray[np.uint8]]:
    levels = []
    sizes = level_sizes(facts.width, facts.height, facts.mip_levels)
    for offset, (width, height) in zip(facts.mip_offsets, sizes, strict=True):
        texels = np.empty((height, width, facts.format.channels), np.uint8)
        size = facts.format.level_bytes(width, height)
        decode_level(bytes(data[offset : offset + size]), facts.format, width, height, texels, "a")
        levels.append(texels)
    return levels


def blocks_of(texels: npt.NDArray[np.uint8], form: TextureFormat) -> tuple[memoryview, TextureFacts]:
    made = import_texture(file_of(texels), "a.png", TextureSettings(ColorSpace.LINEAR, None, form))
    assert isinstance(made.facts, TextureFacts)
    return memoryview(made.data), made.facts


DIRECTIONS = [form for form in TextureFormat if form.plain.channels == 2]


@pytest.mark.parametrize("form", DIRECTIONS, ids=str)
def test_directions_of_two_numbers_are_as_long_in_every_level(form: TextureFormat) -> None:
    # two directions in turn, of which one leans towards x and the other towards y, both by 0.8 of 1
    leaning = np.array([[0.8, 0.0], [0.0, 0.8]])[np.indices((16, 16)).sum(axis=0) % 2]
    texels = np.full((16, 16, 4), 255, np.uint8)
    texels[..., :2] = np.rint((leaning + 1) * 127.5)
    settings = TextureSettings(ColorSpace.LINEAR, None, form, directions=True)
    made = import_texture(file_of(texels), "a.png", settings)
    assert isinstance(made.facts, TextureFacts)
    if form.block:
        levels = decoded_levels(made.data, made.facts)
    else:
        views = level_views(np.frombuffer(made.data, np.uint8)[: made.facts.size], form, 16, 16, 5)
        levels = [np.asarray(view) for view in views]
    unit = 1 if form.is_float else np.iinfo(levels[0].dtype).max
    between = np.array([0.4, 0.4, 0.6]) / np.linalg.norm([0.4, 0.4, 0.6])
    for level in levels[1:]:
        np.testing.assert_allclose(level.astype(float) * 2 / unit - 1, level * 0 + between[:2], atol=0.02)


@pytest.mark.parametrize(
    "form", [*IN_SUITE, *in_proof(*(form for form in BLOCKS if form not in IN_SUITE))], ids=str
)
def test_blocks_are_near_to_their_texels_in_every_level(form: TextureFormat) -> None:
    for width, height in ((37, 21), (3, 1)):
        texels = smooth(width, height)
        if form.block == "bc1":
            texels[..., 3] = 255
        data, facts = blocks_of(texels, form)
        plain = import_texture(file_of(texels), "a.png", TextureSettings(ColorSpace.LINEAR, None, form.plain))
        assert isinstance(plain.facts, TextureFacts)
        for level, found in enumerate(decoded_levels(data, facts)):
            start = plain.facts.mip_offsets[level]
            expected = np.frombuffer(plain.data, np.uint8, found.size, start).reshape(found.shape)
            most = (
                LIMITS[form.block] if level < 2 else 20
            )  # a few texels of a coarse level have little in common
            assert np.abs(found.astype(float) - expected).mean() <= most, level


def read(data: bytes, settings: TextureSettings | None = None) -> tuple[memoryview, TextureFacts]:
    made = import_texture(data, "a.ktx2", settings or TextureSettings(ColorSpace.LINEAR))
    assert isinstance(made.facts, TextureFacts)
    return memoryview(made.data), made.facts


@pytest.mark.parametrize("scheme", [0, 2, 3])
def test_blocks_of_a_ktx2_file_stay_as_they_are(scheme: int) -> None:
    data, facts = blocks_of(smooth(10, 6), TextureFormat.BC7_UNORM_BLOCK)
    sizes = level_sizes(10, 6, 4)
    levels = [
        bytes(data[at : at + facts.format.level_bytes(*size)])
        for at, size in zip(facts.mip_offsets, sizes, strict=True)
    ]
    found, same = read(ktx(145, levels, 10, 6, scheme))
    assert same.format is facts.format
    assert bytes(found[: same.size]) == b"".join(levels)
    assert read(ktx(145, levels[:2], 10, 6, scheme))[1].mip_levels == 2
    alone, full = read(ktx(145, levels[:1], 10, 6, scheme))
    assert full.mip_levels == 4
    assert bytes(alone[: len(levels[0])]) == levels[0]
    texels, plain = read(
        ktx(145, levels, 10, 6), TextureSettings(ColorSpace.LINEAR, 1, TextureFormat.R8_UNORM)
    )
    assert plain.format is TextureFormat.R8_UNORM
    assert np.abs(np.frombuffer(texels, np.uint8).astype(int) - smooth(10, 6)[..., 0].ravel()).mean() < 5


@pytest.mark.parametrize(("number", "form"), ktx2._FORMATS.items())
def test_texels_of_a_ktx2_file_stay_as_they_are(number: int, form: TextureFormat) -> None:
    if form.is_srgb:
        form = form.in_space(ColorSpace.LINEAR)
    size = form.level_bytes(8, 4)
    numbers = np.arange(size // form.dtype.itemsize) % 9
    level = bytes(size) if form.block else numbers.astype(form.dtype).tobytes()
    data, facts = read(ktx(number, [level], 8, 4, 2), TextureSettings(ColorSpace.LINEAR, 1))
    assert (facts.format, facts.size) == (form, size)
    assert bytes(data[:size]) == level


GOOD = [bytes(range(32)), bytes(16), bytes(16)]


@pytest.mark.parametrize(
    "data",
    [
        ktx(145, [bytes(48)], 8, 4),
        ktx(145, [bytes(31)], 8, 4, 2),
        ktx(145, [bytes(1 << 22)], 8, 4, 2),
        ktx(145, [bytes(1 << 22)], 8, 4, 3),
        ktx(145, GOOD, 8, 4, 2)[:-20],
        ktx(145, GOOD, 8, 4, 0, count=40),
        ktx(145, GOOD, 8, 4, 0, count=1 << 31),
        ktx(145, GOOD, 8, 4, 2).replace(b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfe"),
    ],
)
def test_a_damaged_level_is_an_error(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read(data)
    assert caught.value.problems[0].code == "texture.decode"


@pytest.mark.parametrize("package", ["etcpak", "texture2ddecoder", "backports.zstd"])
def test_a_package_that_is_not_installed_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, load = coder.find_spec, ktx2.import_module

    def absent(name: str) -> ModuleSpec | None:
        return None if name == package else real(name)

    def refused(name: str) -> object:
        if name in (package, "compression.zstd"):
            raise ImportError(name)
        return load(name)

    monkeypatch.setattr(coder, "find_spec", absent)
    monkeypatch.setattr(ktx2, "import_module", refused)
    work = {
        "etcpak": lambda: blocks_of(smooth(4, 4), TextureFormat.BC4_UNORM_BLOCK),
        "texture2ddecoder": lambda: read(ktx(139, [bytes(8)], 4, 4)),
        "backports.zstd": lambda: read(ktx(139, [bytes(8)], 4, 4, 2)),
    }[package]
    with pytest.raises(InputError, match=package) as caught:
        work()
    (problem,) = caught.value.problems
    assert problem.code == "texture.package"
    assert f"pip install {package}" in problem.help


def test_a_process_that_crashes_or_hangs_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    codes = {"import os; os.abort()": "texture.blocks", "import time; time.sleep(99)": "texture.time"}
    for number, (text, code) in enumerate(codes.items()):
        program = tmp_path / f"{number}.py"
        program.write_text(text)
        monkeypatch.setattr(coder, "_WORKER", program)
        monkeypatch.setattr(coder, "BLOCK_SECONDS", 0.3)
        with pytest.raises(InputError) as caught:
            blocks_of(smooth(4, 4), TextureFormat.BC1_RGBA_UNORM_BLOCK)
        assert caught.value.problems[0].code == code
        assert caught.value.problems[0].help


def test_a_cook_has_a_process_for_each_thread_and_ends_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[coder.BlockCoder] = []

    class Counted(coder.BlockCoder):
        def __init__(self) -> None:
            super().__init__()
            started.append(self)

    monkeypatch.setattr(coder, "BlockCoder", Counted)
    names = [f"p{number}" for number in range(6)]
    for name in names:
        project.picture(f"assets/{name}.png", smooth(16, 16))
    lines = [
        f"{{ @type: texture2d  name: {name}  source: ../assets/{name}.png  format: bc4 }}" for name in names
    ]
    db = project.db(TRIANGLE_DB.replace("    ]\n}\n", "\n".join([*lines, "] }"])))
    cooked = cook_database(db, jobs=2)
    cooked.image.close()
    assert not any(entry.failure for entry in cooked.entries.values())
    assert 1 <= len(started) <= 2
    assert all(one._child.poll() is not None for one in started)


def test_other_assets_are_cooked_where_one_cannot_be_compressed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = project.db(TRIANGLE_DB.replace("name: picture", "name: picture  format: bc7"))
    monkeypatch.setattr(coder, "find_spec", lambda name: None)
    with open_library([db]) as library:
        (problem,) = library.problems
        assert problem.code == "asset.broken"
        assert "etcpak" in problem.message
    monkeypatch.undo()
    with open_library([db]) as library:  # tried again, though no source has changed
        assert not library.problems
        assert library.cooked == 1
    assert importing.BlockCoders is coder.BlockCoders
    assert worker.BC7_PARTITIONS > 0
