"""A mesh of a glTF file of which something, or of its material, becomes wrong: it is drawn as it was."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.gltf_files import CORNER_UVS, FACING, QUAD, GltfFile, Plain
from support.limits import limit
from support.live_scene import PAUSE_S, LiveScene, Picture, fresh_picture, live_file
from support.sampling import Sample
from support.saves import renamed_over

from engine.cli.main import main

pytestmark = pytest.mark.gpu

MOVED = {"KHR_texture_transform": {"scale": [2.5, 1.5], "offset": [0.2, 0.1], "rotation": 0.3}}
BASE = ("materials", 0, "pbrMetallicRoughness")
PART = ("meshes", 0, "primitives", 0)
ATTRIBUTES = (*PART, "attributes")


def moved(file: GltfFile) -> None:
    """Both textures are read where transforms of them say."""
    file.uses("KHR_texture_transform")
    material = file.root["materials"][0]
    material["pbrMetallicRoughness"]["baseColorTexture"]["extensions"] = MOVED
    material["normalTexture"]["extensions"] = {"KHR_texture_transform": {"scale": [0.5, 3]}}


def in_sets(file: GltfFile) -> None:
    """The base colour is read with the second set of coordinates."""
    primitive = file.root["meshes"][0]["primitives"][0]
    primitive["attributes"]["TEXCOORD_1"] = file.accessor(CORNER_UVS[::-1] * np.float32(3))
    file.root["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] = 1


def coated(file: GltfFile) -> None:
    """Two textures that share an attribute are read with different coordinates."""
    file.uses("KHR_materials_clearcoat")
    coat = {
        "clearcoatFactor": 1.0,
        "clearcoatTexture": {"index": 0, "extensions": MOVED},
        "clearcoatRoughnessTexture": {"index": 0},
    }
    file.root["materials"][0]["extensions"] = {"KHR_materials_clearcoat": coat}


def colored(file: GltfFile) -> None:
    """Vertices have colours."""
    colors = np.array([[1, 0.2, 0.2], [0.2, 1, 0.2], [0.2, 0.2, 1], [1, 1, 0.2]], np.float32)
    file.root["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = file.accessor(colors)


def skinned(file: GltfFile) -> None:
    """A skin bends the mesh."""
    attributes = file.root["meshes"][0]["primitives"][0]["attributes"]
    attributes["JOINTS_0"] = file.accessor(np.tile(np.array([1, 0, 0, 0], np.uint8), (4, 1)))
    attributes["WEIGHTS_0"] = file.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (4, 1)))
    joints = [file.node(name="root"), file.node(name="tip", scale=[1, 1.4, 1])]
    file.root["nodes"][0]["skin"] = file.add("skins", {"joints": joints})


def morphed(file: GltfFile) -> None:
    """A morph target moves a corner."""
    target = file.positions(np.array([[0, 0, 0], [0, 0, 0], [0.4, 0.4, 0], [0, 0, 0]], np.float32))
    mesh = file.root["meshes"][0]
    mesh["primitives"][0]["targets"] = [{"POSITION": target}]
    mesh["weights"] = [1.0]


def several(file: GltfFile) -> None:
    """The mesh has two primitives, of which the other has another material."""
    other = {"POSITION": file.positions(QUAD - np.float32(1.1)), "NORMAL": file.accessor(FACING)}
    paint = file.add("materials", {"pbrMetallicRoughness": {"baseColorFactor": [0.2, 0.6, 1, 1]}})
    corners = file.root["meshes"][0]["primitives"][0]["indices"]
    file.root["meshes"][0]["primitives"].append({"attributes": other, "indices": corners, "material": paint})
    targets = file.root["meshes"][0]["primitives"][0].get("targets")
    if targets:
        file.root["meshes"][0]["primitives"][1]["targets"] = targets


FEATURES: tuple[Callable[[GltfFile], None], ...] = (
    moved,
    in_sets,
    coated,
    colored,
    skinned,
    morphed,
    several,
)

WRONG: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    (("materials",), 5),
    (("materials",), []),
    (("materials", 0), 5),
    (BASE, "x"),
    ((*BASE, "baseColorTexture"), 5),
    ((*BASE, "baseColorTexture", "index"), 99),
    ((*BASE, "baseColorTexture", "texCoord"), "x"),
    ((*BASE, "baseColorTexture", "extensions"), 5),
    ((*BASE, "baseColorTexture", "extensions"), {"KHR_texture_transform": {"scale": [1]}}),
    ((*BASE, "baseColorTexture", "extensions"), {"KHR_texture_transform": {"scale": [1e300, 1e300]}}),
    (("materials", 0, "normalTexture"), "x"),
    (("materials", 0, "normalTexture", "texCoord"), -1),
    (("materials", 0, "extensions"), 5),
    (("textures",), []),
    (("textures",), "x"),
    (("textures", 0, "source"), 77),
    (("images",), None),
    (("images", 0, "uri"), "none.png"),
    (("meshes",), 5),
    (("meshes", 0), None),
    (("meshes", 0, "primitives"), "x"),
    (PART, 5),
    ((*PART, "material"), 99),
    ((*PART, "indices"), 99),
    ((*PART, "mode"), 17),
    (ATTRIBUTES, []),
    ((*ATTRIBUTES, "POSITION"), 999),
    ((*ATTRIBUTES, "POSITION"), "x"),
    ((*ATTRIBUTES, "NORMAL"), 999),
    ((*ATTRIBUTES, "TEXCOORD_0"), 999),
    (("accessors",), []),
    (("accessors", 0, "type"), "VEC9"),
    (("bufferViews",), {}),
    (("buffers",), []),
    (("buffers", 0, "uri"), "none.bin"),
    (("nodes", 0, "mesh"), 99),
)
"""What becomes wrong: where in the file, and what is there then."""


def with_features(folder: Path, features: list[Callable[[GltfFile], None]]) -> Path:
    """Write a model of a mesh with features, and of a frame around it that uses the same material."""
    rng = np.random.default_rng(3)
    for name in ("colors.png", "bumps.png"):
        texels = rng.integers(60, 250, (4, 4, 3)).astype(np.uint8)
        texels[..., 2] |= 128
        Image.fromarray(texels).save(folder / name)
    file = GltfFile()
    file.root["images"] = [{"uri": "colors.png"}, {"uri": "bumps.png"}]
    file.root["textures"] = [{"source": 0}, {"source": 1}]
    paint = {"baseColorTexture": {"index": 0}, "roughnessFactor": 0.6, "metallicFactor": 0.1}
    material = {"name": "paint", "pbrMetallicRoughness": paint, "normalTexture": {"index": 1}}
    file.add("materials", material)
    file.node(name="pane", mesh=file.mesh(file.quad(material=0)), translation=[0.1, 0, 0.2])
    for feature in features:
        feature(file)
    frame = file.quad(material=0, attributes={"TEXCOORD_1": file.accessor(CORNER_UVS)})
    file.node(name="frame", mesh=file.mesh(frame), translation=[-1.5, -1, -1], scale=[4, 3, 1])
    return file.write(folder / "model.gltf")


def with_value(root: Plain, path: tuple[str | int, ...], value: Any) -> Plain:
    """A copy of a file with another value at a path."""
    made = copy.deepcopy(root)
    holder = made
    *steps, last = path
    for step in steps:
        holder = holder[step]
    holder[last] = value
    return made


def save(path: Path, root: Plain) -> None:
    renamed_over(path, json.dumps(root, indent=1).encode())


def until_drawn(
    live: LiveScene, wanted: Picture, is_whole: bool, what: object, *, at_once: bool = True
) -> None:
    """Draw frames until the picture is the wanted one, with problems if something is wrong, else without.

    With problems it is the wanted one in every frame, if `at_once`.
    """
    end = time.monotonic() + limit(15.0)
    while True:
        differs = int((live.picture() != wanted).any(axis=-1).sum())
        assert is_whole or not (at_once and differs), (what, differs, live.live.problems)
        if not differs and not live.live.pending and bool(live.live.problems) is not is_whole:
            return
        assert time.monotonic() < end, (what, differs, live.live.pending, live.live.problems)
        live.step()
        time.sleep(PAUSE_S)


def test_whatever_becomes_wrong_in_a_mesh_or_its_material_both_are_drawn_as_they_were(
    tmp_path: Path, sample: Sample
) -> None:
    for seed in sample.seeds(3, 60):
        rng = np.random.default_rng(seed)
        features = [feature for feature in FEATURES if rng.random() < 0.6]
        folder = tmp_path / str(seed)
        folder.mkdir()
        model = with_features(folder, features)
        good = json.loads(model.read_text())
        with live_file(model) as live:
            for number in rng.permutation(len(WRONG))[:8].tolist():
                path, value = WRONG[number]
                what = seed, [feature.__name__ for feature in features], path, value
                before = live.picture()
                save(model, with_value(good, path, value))
                until_drawn(live, before, False, what)
                place = [round(float(one), 3) for one in rng.uniform(-0.3, 0.3, 3)]
                good = with_value(good, ("nodes", 0, "translation"), place)
                tint = [*(round(float(one), 3) for one in rng.uniform(0.3, 1.0, 3)), 1.0]
                good = with_value(good, (*BASE, "baseColorFactor"), tint)
                save(model, good)
                until_drawn(live, fresh_picture(model), True, what)
                assert (live.picture() != before).any(), what


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("materials",), 5),
        (("textures",), []),
        (BASE, "x"),
        ((*BASE, "baseColorTexture", "extensions"), 5),
        (("materials", 0, "normalTexture", "texCoord"), -1),
        ((*PART, "material"), 99),
    ],
)
def test_a_mesh_follows_its_own_part_of_the_file_and_is_read_as_its_wrong_material_said(
    tmp_path: Path, path: tuple[str | int, ...], wrong: object
) -> None:
    for name in ("live", "fresh"):
        (tmp_path / name).mkdir()
    model = with_features(tmp_path / "live", [moved, in_sets, coated, colored])
    other = with_features(tmp_path / "fresh", [moved, in_sets, coated, colored])
    good = json.loads(model.read_text())
    with live_file(model) as live:
        before = live.picture()
        turned = good["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_1"]
        mirrored = with_value(good, (*ATTRIBUTES, "TEXCOORD_0"), turned)
        save(other, mirrored)
        wanted = fresh_picture(other)
        assert (wanted != before).any()
        save(model, with_value(mirrored, path, wrong))
        until_drawn(live, wanted, False, (path, wrong), at_once=False)
        save(model, mirrored)
        until_drawn(live, wanted, True, (path, wrong))


@pytest.mark.parametrize(
    ("path", "wrong"), [((*ATTRIBUTES, "POSITION"), 999), (ATTRIBUTES, 3), (PART, 3), (("accessors",), [])]
)
@pytest.mark.parametrize("features", [[colored], [colored, skinned, several]])
def test_vertex_colours_are_drawn_while_nothing_says_that_there_are_any(
    tmp_path: Path, features: list[Callable[[GltfFile], None]], path: tuple[str | int, ...], wrong: object
) -> None:
    model = with_features(tmp_path, features)
    good = json.loads(model.read_text())
    with live_file(model) as live:
        before = live.picture()
        save(model, with_value(good, path, wrong))
        until_drawn(live, before, False, (path, wrong))
        tinted = with_value(good, (*BASE, "baseColorFactor"), [1.0, 0.5, 0.5, 1.0])
        save(model, with_value(tinted, path, wrong))
        save(model, tinted)
        until_drawn(live, fresh_picture(model), True, (path, wrong))
        assert (live.picture() != before).any()


@pytest.mark.parametrize("is_given", [True, False])
def test_a_database_by_hand_keeps_where_textures_are_read_with_coordinates_or_without(
    tmp_path: Path, *, is_given: bool
) -> None:
    (tmp_path / "diorama.project").touch()
    model = with_features(tmp_path, [moved, in_sets])
    assert main(["import", str(model), "--out", str(tmp_path)]) == 0
    database, scene = tmp_path / "model.assets.hu", tmp_path / "model.hu"
    if not is_given:
        parts = database.read_text().split("coordinates: {")
        database.write_text(parts[0] + "".join(part.partition("}")[2] for part in parts[1:]))
    good = json.loads(model.read_text())
    with live_file(scene) as live:
        before = live.picture()
        save(model, with_value(good, (*BASE, "baseColorTexture", "texCoord"), "x"))
        if not is_given:
            until_drawn(live, before, False, is_given)
        save(model, with_value(good, (*PART, "mode"), 5))
        until_drawn(live, fresh_picture(scene), True, is_given)
        assert (live.picture() != before).any()


def test_a_save_that_is_cooked_as_the_scene_is_closed_leaves_no_file_open(tmp_path: Path) -> None:
    model = with_features(tmp_path, [])
    good = json.loads(model.read_text())
    with live_file(model) as live:
        save(model, with_value(good, (*PART, "mode"), 5))
        end = time.monotonic() + limit(15.0)
        while live.live._sources._made is None:  # which nobody takes
            assert time.monotonic() < end
            time.sleep(PAUSE_S)
        side = live.live._sources._side
        assert side._file is not None
    assert side._file is None
