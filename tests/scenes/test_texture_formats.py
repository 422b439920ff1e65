"""Textures of blocks and of one or two channels look as those of four, whether a device has them or not."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support.ktx2_files import ktx
from support.sampling import in_proof
from support.scenes import ROOT

from engine.assets.cache.facts import TextureFacts
from engine.assets.formats import ColorSpace, TextureFormat, level_sizes
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.plan.profile.device_profile import OPTIONAL_TEXTURES
from engine.plan.profile.profile_file import read_profile
from engine.plan.terms.formats import Format
from engine.testing import OpenedScene, open_scene

SIZE = (96, 96)
SCENE = """
include: [cube.assets.hu]
tableau: { name: formats  objects: {
    camera: { translation: [0 1.7 4.5]  euler: [-15 0 0]  features: [{ @type: camera }] }
    sun: { euler: [-40 -35 0]  features: [{ @type: light  intensity: 2 }] }
    cube: { translation: [0 0.5 0]  euler: [0 30 0]  scale: [2 2 2]
        features: [{ @type: visibleModel  asset: [assetDb0 cube] }] }
} }
"""
PICTURES = ("albedo", "normal", "tangent", "roughness")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """The cube's scene near enough to see its bricks, with sources of its own."""
    for folder in ("mesh", "material", "shader"):
        kept = shutil.ignore_patterns("*.ogCache")
        shutil.copytree(ROOT / "assets/builtin" / folder, tmp_path / "assets/builtin" / folder, ignore=kept)
    (tmp_path / "scenes").mkdir()
    shutil.copy(ROOT / "scenes/cube.assets.hu", tmp_path / "scenes/cube.assets.hu")
    (tmp_path / "scenes/scene.hu").write_text(SCENE, encoding="utf-8")
    (tmp_path / "pyproject.toml").touch()
    return tmp_path / "scenes/scene.hu"


def edit(scene: Path, *changes: tuple[str, str]) -> None:
    file = scene.parent / "cube.assets.hu"
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def compress(scene: Path) -> None:
    edit(scene, ("name: assetDb0", "name: assetDb0  compressTextures: true"))


def formats(**named: str) -> list[tuple[str, str]]:
    return [(f"brick-{name}.png", f"brick-{name}.png  format: {form}") for name, form in named.items()]


def used_in(opened: OpenedScene) -> set[Format]:
    """The formats of the images that a scene's plan has."""
    return {Format[name.upper()] for name in re.findall(r"format: (\w+)", opened.plan_text)}


def shown(scene: Path) -> tuple[npt.NDArray[Any], set[Format]]:
    """The picture of a scene without any problem, and the formats of its images."""
    with open_scene(scene, size=SIZE) as opened:
        assert opened.problems == ()
        return np.asarray(opened.frame()).astype(int)[..., :3], used_in(opened)


@pytest.mark.gpu
def test_blocks_look_as_the_texels_that_they_were_made_of(scene: Path) -> None:
    plain, before = shown(scene)
    assert plain.std() > 20  # there is something to see
    compress(scene)
    found, after = shown(scene)
    assert not any(one.info.block_width > 1 for one in before)
    assert {Format.BC7_SRGB_BLOCK, Format.BC7_UNORM_BLOCK, Format.BC5_UNORM_BLOCK} <= after
    assert np.abs(found - plain).mean() < 1.5
    assert (np.abs(found - plain).max(axis=-1) > 24).mean() < 0.01


@pytest.mark.gpu
@pytest.mark.parametrize(
    "form",
    ["bc1", "r16g16b16a16_sfloat", *in_proof("bc3", "r16g16b16a16_unorm", "r32g32b32a32_sfloat")],
)
def test_a_colour_looks_the_same_in_every_format(scene: Path, form: str) -> None:
    plain, _ = shown(scene)
    edit(scene, *formats(albedo=form))
    found, _ = shown(scene)
    assert np.abs(found - plain).mean() < (2.5 if form.startswith("bc") else 0.5)


@pytest.mark.gpu
@pytest.mark.parametrize(
    "form", ["r16g16_sfloat", "bc5", *in_proof("r8g8_unorm", "r16g16_unorm", "r32g32_sfloat")]
)
def test_normals_of_two_channels_shade_as_those_of_three(scene: Path, form: str) -> None:
    plain, _ = shown(scene)
    edit(scene, ("    texture_adbis: [[albedo 8] [normal 9]", "    texture_adbis: [[albedo 8] [normal 8]"))
    unlike, _ = shown(scene)
    edit(scene, ("[normal 8]", "[normal 9]"), *formats(normal=form))
    found, _ = shown(scene)
    assert np.abs(unlike - plain).mean() > 4  # normals are seen
    assert np.abs(found - plain).mean() < 1


@pytest.mark.gpu
@pytest.mark.parametrize("form", ["r16_unorm", "bc4", *in_proof("r8_unorm", "r16_sfloat", "r32_sfloat")])
def test_one_channel_is_grey_in_a_slot_of_colours(scene: Path, form: str) -> None:
    source = scene.parents[1] / "assets/builtin/material/brick-albedo.png"
    grey = np.asarray(Image.open(source).convert("L"))
    Image.fromarray(grey).save(source)
    edit(scene, ("brick-albedo.png", "brick-albedo.png  colorSpace: linear"))
    plain, _ = shown(scene)
    assert plain.std() > 10
    edit(scene, *formats(albedo=form))
    found, used = shown(scene)
    assert np.abs(found - plain).mean() < 1.5
    assert any(one.info.is_grey for one in used)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("number", "form"),
    [
        (132, "bc1_rgb_srgb_block"),
        (136, "bc2_srgb_block"),
        (138, "bc3_srgb_block"),
        (146, "bc7_srgb_block"),
        (50, "r8g8b8a8_srgb"),
    ],
)
def test_a_ktx2_file_draws_as_the_picture_it_was_made_of(scene: Path, number: int, form: str) -> None:
    plain, _ = shown(scene)
    with_ktx2(scene, "albedo", number, TextureFormat(form), ColorSpace.SRGB)
    found, used = shown(scene)
    assert Format[form.upper()] in used
    assert np.abs(found - plain).mean() < (2.5 if number == 132 else 1.5)


@pytest.mark.gpu
def test_bc2_draws_alike_where_devices_lack_it(scene: Path) -> None:
    """In both colours of a block in either order, and with the alpha of a mask."""
    with_ktx2(scene, "albedo", 136, TextureFormat.BC2_SRGB_BLOCK, ColorSpace.SRGB)
    file = scene.parents[1] / "assets/builtin/material/brick-albedo.ktx2"
    rng = np.random.default_rng(2)
    blocks = rng.integers(0, 256, (64, 16), np.uint8)
    blocks[:, :8] |= np.where(rng.random((64, 8)) < 0.5, 0xFF, 0).astype(np.uint8)
    file.write_bytes(ktx(136, [blocks.tobytes()], 32, 32))
    edit(scene, ("brick-albedo.ktx2", "brick-albedo.ktx2  mipLevels: 1"))
    edit(scene, ("name: brick\n", "name: brick  alphaMode: mask\n"))
    found, used = shown(scene)
    assert Format.BC2_SRGB_BLOCK in used
    edit(scene, ("brick-albedo.ktx2", "brick-albedo.ktx2  format: r8g8b8a8_srgb"))
    plain, used = shown(scene)
    assert Format.BC2_SRGB_BLOCK not in used
    assert plain.std() > 20
    assert np.abs(found - plain).mean() < 0.5


@pytest.mark.gpu
@pytest.mark.parametrize(("number", "form"), [(37, "r8g8b8a8_unorm"), (136, "bc2_srgb_block")])
def test_a_ktx2_file_upside_down_draws_upright(scene: Path, number: int, form: str) -> None:
    folder = scene.parents[1] / "assets/builtin/material"
    rows = np.zeros((64, 64, 4), np.uint8)
    rows[:24] = (200, 30, 30, 255)
    rows[24:] = (30, 30, 200, 255)
    Image.fromarray(rows).save(folder / "brick-albedo.png")
    plain, _ = shown(scene)
    settings = TextureSettings(ColorSpace.SRGB, 1, TextureFormat(form).in_space(ColorSpace.SRGB))
    Image.fromarray(rows[::-1]).save(folder / "turned.png")
    made = import_texture((folder / "turned.png").read_bytes(), "turned.png", settings)
    data = bytes(made.data[: made.facts.size])
    file = ktx(43 if number == 37 else number, [data], 64, 64, metadata={"KTXorientation": "ru"})
    (folder / "brick-albedo.ktx2").write_bytes(file)
    edit(scene, ("brick-albedo.png", "brick-albedo.ktx2"))
    found, _ = shown(scene)
    assert np.abs(found - plain).mean() < 1.5
    (folder / "brick-albedo.ktx2").write_bytes(file.replace(b"ru\0", b"rd\0"))
    wrong, _ = shown(scene)
    assert np.abs(wrong - plain).mean() > 5


@pytest.mark.gpu
@pytest.mark.parametrize(("slot", "number"), [("roughness", 139), ("normal", 141)])
def test_a_ktx2_file_of_one_or_two_channels_draws_as_its_picture(scene: Path, slot: str, number: int) -> None:
    source = scene.parents[1] / f"assets/builtin/material/brick-{slot}.png"
    if number == 139:
        Image.fromarray(np.asarray(Image.open(source).convert("L"))).save(source)
    plain, _ = shown(scene)
    form = TextureFormat.BC4_UNORM_BLOCK if number == 139 else TextureFormat.BC5_UNORM_BLOCK
    with_ktx2(scene, slot, number, form, ColorSpace.LINEAR)
    found, used = shown(scene)
    assert Format[form.name] in used
    assert np.abs(found - plain).mean() < 3


@pytest.mark.gpu
def test_a_ktx2_file_of_bc6h_draws_its_light(scene: Path) -> None:
    """Of one colour, as a block of 16-bit floats: the cube is as with a picture of that colour."""
    half = np.array([0.5, 0.25, 0.125], np.float16).view(np.uint16).astype(int)
    ends = [round(int(number) * 64 / 31 * 1024 / 65536) for number in half]
    value, at = 3, 5
    for number in (*ends, *ends):
        value, at = value | number << at, at + 10
    folder = scene.parents[1] / "assets/builtin/material"
    (folder / "brick-albedo.ktx2").write_bytes(ktx(143, [value.to_bytes(16, "little")], 4, 4, 2))
    linear = np.array([0.5, 0.25, 0.125])
    flat = np.rint((1.055 * linear ** (1 / 2.4) - 0.055) * 255).astype(np.uint8)
    Image.fromarray(np.broadcast_to(flat, (4, 4, 3)).copy()).save(folder / "brick-albedo.png")
    plain, _ = shown(scene)
    edit(scene, ("brick-albedo.png", "brick-albedo.ktx2"))
    found, used = shown(scene)
    assert Format.R16G16B16A16_SFLOAT in used
    assert plain.std() > 10
    assert np.abs(found - plain).mean() < 1


def with_ktx2(scene: Path, slot: str, number: int, form: TextureFormat, space: ColorSpace) -> None:
    """Let a picture of the scene be a KTX 2 file of all levels, with zstd; 50 swaps red and blue."""
    source = scene.parents[1] / f"assets/builtin/material/brick-{slot}.png"
    made = import_texture(source.read_bytes(), source.name, TextureSettings(space, None, form))
    facts = made.facts
    assert isinstance(facts, TextureFacts)
    levels = []
    for at, size in zip(
        facts.mip_offsets, level_sizes(facts.width, facts.height, facts.mip_levels), strict=True
    ):
        levels.append(bytes(made.data[at : at + form.level_bytes(*size)]))
    if number == 50:
        levels = [
            np.frombuffer(level, np.uint8).reshape(-1, 4)[:, [2, 1, 0, 3]].tobytes() for level in levels
        ]
    source.with_suffix(".ktx2").write_bytes(ktx(number, levels, facts.width, facts.height, 2))
    edit(scene, (f"brick-{slot}.png", f"brick-{slot}.ktx2"))


def test_a_device_without_blocks_is_given_texels(scene: Path) -> None:
    compress(scene)
    profile = read_profile(ROOT / "assets/profiles/lavapipe.json")
    without = replace(profile, lacks=frozenset(OPTIONAL_TEXTURES), _cache={})
    uploaded = []
    for one in (profile, without):
        with open_scene(scene, size=SIZE, profile=one, check_bytes=True) as opened:
            opened.settle()
            assert any(form.info.block_width > 1 for form in used_in(opened)) == (one is profile)
            uploaded.append(opened.schedule.bytes_uploaded)
    assert uploaded[0] < uploaded[1]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "assets/profiles").glob("*.json")), ids=lambda path: path.stem
)
def test_every_recorded_device_holds_blocks_or_their_stand_ins(scene: Path, path: Path) -> None:
    compress(scene)
    profile = read_profile(path)
    with open_scene(scene, size=SIZE, profile=profile, check_bytes=True) as opened:
        opened.settle()
        assert not used_in(opened) & profile.lacks
