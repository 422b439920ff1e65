"""A model that is saved with something wrong in it: that stays as it was, and all else is drawn as saved."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.gltf_files import CORNER_UVS, FACING, QUAD, QUAD_CORNERS, GltfFile
from support.limits import limit
from support.live_scene import PAUSE_S, LiveScene, Picture, fresh_picture, live_file
from support.sampling import Sample
from support.saves import renamed_over

pytestmark = pytest.mark.gpu

Json = dict[str, Any]
Rng = np.random.Generator
SAVES = 6
COLORS = {"red.png": (230, 20, 20), "green.png": (20, 230, 20), "blue.png": (20, 20, 230)}


def part_of(rng: Rng, low: float = 0.2) -> float:
    return round(float(rng.uniform(low, 1.0)), 3)


@dataclass(frozen=True)
class Part:
    """A value of the file: its path, what makes a right one, and wrong ones."""

    path: tuple[str | int, ...]
    right: Callable[[Rng], Any]
    wrong: tuple[Any, ...]


LIGHT = ("extensions", "KHR_lights_punctual", "lights", 0)
PARTS = {
    "mode": Part(("meshes", 0, "primitives", 0, "mode"), lambda rng: int(rng.choice([4, 5])), (9, "x", -1)),
    "indices": Part(("meshes", 1, "primitives", 0, "indices"), lambda rng: "indices", (99, "x")),
    "normals": Part(("meshes", 1, "primitives", 0, "attributes", "NORMAL"), lambda rng: "normals", (99, "x")),
    "which": Part(("meshes", 1, "primitives", 0, "material"), lambda rng: 2, (99, "x", -1)),
    "color": Part(
        ("materials", 0, "pbrMetallicRoughness", "baseColorFactor"),
        lambda rng: [part_of(rng), part_of(rng), part_of(rng), 1],
        ([2, 0, 0, 1], "red", [0, 1]),
    ),
    "picture": Part(
        ("images", 0, "uri"), lambda rng: str(rng.choice(list(COLORS))), ("none.png", 5, "../../red.png")
    ),
    "wrap": Part(("samplers", 0, "wrapS"), lambda rng: int(rng.choice([10497, 33071])), (7, "x")),
    "light": Part(
        LIGHT,
        lambda rng: {"type": "point", "intensity": 20 * part_of(rng), "color": [1, part_of(rng), 1]},
        ({"type": "sun"}, {"type": "point", "color": [1, "x", 1]}, {"type": "point", "intensity": -1}, 3),
    ),
    "shines": Part(("nodes", 3, "extensions", "KHR_lights_punctual", "light"), lambda rng: 0, (4, "x")),
    "camera": Part(
        ("cameras", 0),
        lambda rng: {"type": "perspective", "perspective": {"yfov": part_of(rng), "znear": 0.1}},
        ({"type": "eye"}, {"type": "perspective", "perspective": {"yfov": -1, "znear": 0.1}}),
    ),
    "place": Part(
        ("nodes", 0, "translation"), lambda rng: [0, part_of(rng) - 1, 0], ("far", [0, "x", 0], [1, 2])
    ),
    "shown": Part(("nodes", 1, "mesh"), lambda rng: 1, (17, "x")),
    "below": Part(("nodes", 2, "children"), lambda rng: [4], ([17], ["x"], 4)),
    "pair": Part(
        ("meshes", 3, "primitives", 1, "attributes"), lambda rng: "attributes", (3, {}, {"POSITION": 99})
    ),
}
"""What is changed of the file. Strings that right values are have places of their own in it."""


GROUPS = (("indices", "normals"), ("picture", "wrap"), ("light", "shines"), ("shown", "which"))
"""The values that make one record of the scene: with one of them wrong, all stay as they were. So does a mesh
that is given a material in which something is wrong, which is why it keeps the one that has nothing here."""

OF = {name: {name} for name in PARTS} | {name: set(group) for group in GROUPS for name in group}


def model(values: Json) -> Json:
    """A model of five panes, with these values of its `PARTS`."""
    file = GltfFile()
    file.uses("KHR_lights_punctual")
    places = {
        "indices": file.accessor(QUAD_CORNERS),
        "normals": file.accessor(FACING),
        "attributes": {"POSITION": file.positions(QUAD), "NORMAL": file.accessor(FACING)},
    }
    attributes = {**places["attributes"], "TEXCOORD_0": file.accessor(CORNER_UVS * np.float32(1.5))}
    primitive = {"attributes": attributes, "indices": places["indices"], "material": 0}
    strip = {"attributes": attributes, "indices": file.accessor(np.array([0, 1, 3, 1, 3, 2], np.uint16))}
    file.mesh({**strip, "material": 0}, name="pane")
    file.mesh({**primitive, "attributes": {**attributes}}, name="pane")
    file.mesh({**primitive, "material": 1}, name="pane")
    file.mesh({**primitive, "material": 2}, {**primitive, "attributes": {}}, name="pane")
    file.root["materials"] = [
        {"name": "paint", "pbrMetallicRoughness": {}},
        {"name": "picture", "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}},
        {"name": "plain", "pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.5, 0.5, 1]}},
    ]
    file.root["images"] = [{}]
    file.root["samplers"] = [{}]
    file.root["textures"] = [{"source": 0, "sampler": 0}]
    file.root["cameras"] = [{}]
    file.root["extensions"] = {"KHR_lights_punctual": {"lights": [{}]}}
    file.node(name="left", mesh=0)
    file.node(name="middle", mesh=1, translation=[1.2, 0, 0])
    file.node(name="right", mesh=2, translation=[2.4, 0, 0], camera=0)
    file.node(name="lamp", translation=[1.5, 0.5, 1], extensions={"KHR_lights_punctual": {}})
    file.node(name="below", mesh=3, translation=[0, 1.2, 0], top=False)
    file.node(name="far", mesh=2, translation=[3.6, 2.4, 0])
    file.node(name="low", mesh=2, translation=[0, -1.2, 0])
    root = file.finished("model.bin")
    for name, value in values.items():
        *steps, last = PARTS[name].path
        holder = root
        for step in steps:
            holder = holder[step]
        holder[last] = places[value] if isinstance(value, str) and value in places else copy.deepcopy(value)
    root["data"] = bytes(file.data)
    return root


def write(folder: Path, values: Json) -> Path:
    """Write the model with these values; return it."""
    root = model(values)
    data: bytes = root.pop("data")
    path = folder / "model.gltf"
    if not (folder / "model.bin").exists():
        (folder / "model.bin").write_bytes(data)
        for name, color in COLORS.items():
            pixels = np.full((4, 4, 3), color, np.uint8)
            pixels[:, 2:] //= 3
            Image.fromarray(pixels).save(folder / name)
    renamed_over(path, json.dumps(root, indent=1).encode())
    return path


def until_drawn(live: LiveScene, wanted: Picture, is_whole: bool, what: object) -> None:
    """Draw frames until the picture is the wanted one, with problems if something is wrong, else without."""
    end = time.monotonic() + limit(15.0)

    def state() -> tuple[bool, int, set[str], set[str]]:
        differs = int((live.picture() != wanted).sum())
        listed = (live.live.problems, live.runtime.problems)
        return live.live.pending, differs, *({one.message for one in of} for of in listed)

    while (now := state())[:2] != (False, 0) or now[2] != now[3] or bool(now[2]) is is_whole:
        assert time.monotonic() < end, (what, now)
        live.step()
        time.sleep(PAUSE_S)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """One folder for the model that is drawn, and one for that to compare with."""
    for name in ("live", "fresh"):
        (tmp_path / name).mkdir()
    return tmp_path / "live", tmp_path / "fresh"


@pytest.mark.parametrize("name", list(PARTS))
def test_what_becomes_wrong_stays_as_it_was_until_it_is_mended(folders: tuple[Path, Path], name: str) -> None:
    rng = np.random.default_rng(7)
    good = {each: part.right(rng) for each, part in PARTS.items()}
    with live_file(write(folders[0], good)) as live:
        for wrong in PARTS[name].wrong:
            good |= {each: PARTS[each].right(rng) for each in ("color", "light") if each not in OF[name]}
            write(folders[0], {**good, name: wrong})
            until_drawn(live, fresh_picture(write(folders[1], good)), False, (name, wrong))
        good[name] = PARTS[name].right(rng)
        until_drawn(live, fresh_picture(write(folders[0], good)), True, name)


def test_whatever_becomes_wrong_and_is_mended_all_else_is_drawn_as_it_is_saved(
    tmp_path: Path, sample: Sample
) -> None:
    for seed in sample.seeds(1, 60):
        rng = np.random.default_rng(seed)
        folders = tmp_path / f"live{seed}", tmp_path / f"fresh{seed}"
        for folder in folders:
            folder.mkdir()
        saved = {name: part.right(rng) for name, part in PARTS.items()}
        shown, wrong = dict(saved), set[str]()
        with live_file(write(folders[0], saved)) as live:
            for number in range(SAVES):
                for name in rng.choice(list(PARTS), int(rng.integers(1, 6)), replace=False).tolist():
                    is_wrong = bool(rng.random() < 0.5) and number < SAVES - 1
                    wrong = wrong | {name} if is_wrong else wrong - {name}
                    options = PARTS[name].wrong
                    saved[name] = (
                        options[int(rng.integers(len(options)))] if is_wrong else PARTS[name].right(rng)
                    )
                if number == SAVES - 1:
                    saved |= {name: PARTS[name].right(rng) for name in sorted(wrong)}
                    wrong.clear()
                shown |= {name: saved[name] for name in PARTS if wrong.isdisjoint(OF[name])}
                write(folders[0], saved)
                wanted = fresh_picture(write(folders[1], shown))
                until_drawn(live, wanted, not wrong, (seed, number, {name: saved[name] for name in wrong}))


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (0, {"color": [0, 1]}),
        (0, {"color": "red"}),
        (1, {"picture": "none.png"}),
        (1, {"picture": "../../red.png"}),
        (1, {"shown": 17}),
        (0, {"shown": "x"}),
    ],
)
def test_a_mesh_that_is_given_what_is_wrong_keeps_the_material_it_had_until_that_is_mended(
    folders: tuple[Path, Path], given: int, wrong: Json
) -> None:
    rng = np.random.default_rng(5)
    good = {name: part.right(rng) for name, part in PARTS.items()}
    with live_file(write(folders[0], good)) as live:
        saved = {**good, "which": given, "place": [0, -0.5, 0]}
        write(folders[0], {**saved, **wrong})
        wanted = fresh_picture(write(folders[1], {**saved, "which": good["which"]}))
        until_drawn(live, wanted, False, (given, wrong))
        until_drawn(live, fresh_picture(write(folders[0], saved)), True, (given, wrong))


def moving() -> GltfFile:
    """A pane with a skin, a morph target and a clip, which all change the picture."""
    file = GltfFile()
    attributes = {
        "POSITION": file.positions(QUAD),
        "NORMAL": file.accessor(FACING),
        "JOINTS_0": file.accessor(np.tile(np.array([1, 0, 0, 0], np.uint8), (4, 1))),
        "WEIGHTS_0": file.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (4, 1))),
    }
    moved = file.positions(np.array([[0, 0, 0], [0, 0, 0], [0.5, 0.5, 0], [0, 0, 0]], np.float32))
    primitive = {"attributes": attributes, "indices": file.accessor(QUAD_CORNERS)}
    file.mesh({**primitive, "targets": [{"POSITION": moved}]}, weights=[0.5])
    file.node(name="pane", mesh=0, skin=0, weights=[1.0])
    file.node(name="frame", mesh=file.mesh(file.quad()), translation=[-2, -1, -2], scale=[6, 4, 1])
    joints = [file.node(name="root"), file.node(name="tip", scale=[1, 1.5, 1])]
    file.add("skins", {"joints": joints})
    times = file.accessor(np.array([0, 100], np.float32))
    turns = file.accessor(np.array([[0, 0, 0.38, 0.92], [0, 0, 0.38, 0.92]], np.float32))
    channel = {"sampler": 0, "target": {"node": joints[1], "path": "rotation"}}
    file.add("animations", {"samplers": [{"input": times, "output": turns}], "channels": [channel]})
    return file


MOVING: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "joint": (("skins", 0, "joints", 1), 99),
    "skin": (("skins", 0), 3),
    "which": (("nodes", 0, "skin"), 4),
    "joints": (("meshes", 0, "primitives", 0, "attributes", "JOINTS_0"), "x"),
    "weights": (("meshes", 0, "primitives", 0, "attributes", "WEIGHTS_0"), 77),
    "targets": (("meshes", 0, "primitives", 0, "targets"), 5),
    "target": (("meshes", 0, "primitives", 0, "targets", 0, "POSITION"), 77),
    "morph": (("nodes", 0, "weights"), "x"),
    "keys": (("animations", 0, "samplers", 0, "input"), 77),
    "channel": (("animations", 0, "channels", 0, "target", "path"), "colour"),
    "clip": (("animations", 0), 1),
}


@pytest.mark.parametrize("name", list(MOVING))
def test_what_moves_a_mesh_stays_as_it_was_where_it_becomes_wrong(tmp_path: Path, name: str) -> None:
    file = moving()
    model = file.write(tmp_path / "model.gltf")
    whole = json.loads(model.read_text())
    (*steps, last), wrong = MOVING[name]
    with live_file(model) as live:
        before = live.picture()
        broken = copy.deepcopy(whole)
        holder = broken
        for step in steps:
            holder = holder[step]
        holder[last] = wrong
        renamed_over(model, json.dumps(broken, indent=1).encode())
        assert (fresh_picture(model) != before).any(), "it is wrong in what is drawn"
        until_drawn(live, before, False, name)
        whole["nodes"][1]["translation"] = [-2, -1.2, -2]
        renamed_over(model, json.dumps(whole, indent=1).encode())
        until_drawn(live, fresh_picture(model), True, name)
        assert (live.picture() != before).any()


OBJ = """mtllib quad.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 2 0 0
v 3 0 0
v 3 1 0
v 2 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
o left
usemtl paint
f 1/1 2/2 3/3 4/4
o right
usemtl picture
f 5/1 6/2 7/3
f 5/1 7/3 8/4
"""
MTL = "newmtl paint\nKd 1 0.2 0.2\nnewmtl picture\nmap_Kd red.png\n"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("quad.obj", "f 1/1 2/2 3/3 4/4", "f 1/1 2/2"),
        ("quad.obj", "f 5/1 6/2 7/3", "f 5/1 6/2 9/3"),
        ("quad.obj", "v 3 1 0", "v 3 x 0"),
        ("quad.obj", "usemtl paint", "usemtl point"),
        ("quad.obj", "mtllib quad.mtl", "mtllib none.mtl"),
        ("quad.mtl", "Kd 1 0.2 0.2", "Kd 1 x 0.2"),
        ("quad.mtl", "red.png", "none.png"),
        ("quad.mtl", "red.png", "../../red.png"),
        ("quad.mtl", "newmtl picture", "newmtl image"),
    ],
)
def test_what_becomes_wrong_in_an_obj_stays_as_it_was(tmp_path: Path, name: str, old: str, new: str) -> None:
    texts = {"quad.obj": OBJ, "quad.mtl": MTL}
    for each, text in texts.items():
        (tmp_path / each).write_text(text)
    Image.new("RGB", (4, 4), COLORS["red.png"]).save(tmp_path / "red.png")
    model = tmp_path / "quad.obj"
    with live_file(model) as live:
        before = live.picture()
        assert texts[name].count(old) == 1
        (tmp_path / name).write_text(texts[name].replace(old, new))
        assert (fresh_picture(model) != before).any(), "it is wrong in what is drawn"
        until_drawn(live, before, False, new)
        assert all(problem.position and problem.position.line for problem in live.live.problems)
        texts[name] = texts[name].replace("v 2 1 0", "v 2 2 0").replace("Kd 1 0.2", "Kd 0.2 1")
        (tmp_path / name).write_text(texts[name])
        until_drawn(live, fresh_picture(model), True, new)
        assert (live.picture() != before).any()


@pytest.mark.parametrize(
    "paints", ["map_Kd -s 3 1 1 halves.png", "map_Kd halves.png\nnorm -s 2 2 1 bumps.png"]
)
@pytest.mark.parametrize(
    "wrong", [None, "", "newmtl other\nKd 1 1 1\n", "newmtl picture\nmap_Kd ../../red.png\n"]
)
def test_a_mesh_is_read_as_its_lost_material_says_and_follows_its_own_file(
    tmp_path: Path, paints: str, wrong: str | None
) -> None:
    model, mtl = tmp_path / "quad.obj", tmp_path / "quad.mtl"
    texels = np.zeros((8, 8, 3), np.uint8)
    texels[:, :4, 0] = texels[:, 4:, 1] = 255
    Image.fromarray(texels).save(tmp_path / "halves.png")
    Image.fromarray(texels | 128).save(tmp_path / "bumps.png")
    model.write_text(OBJ)
    right = f"newmtl paint\nKd 1 1 0.2\nnewmtl picture\n{paints}\n"
    mtl.write_text(right)
    moved = OBJ.replace("v 2 1 0", "v 2 1.4 0")
    with live_file(model) as live:
        before = live.picture()
        if wrong is None:
            mtl.unlink()
        else:
            mtl.write_text(wrong)
        until_drawn(live, before, False, "it is lost")
        assert "no attribute" not in " ".join(problem.message for problem in live.live.problems)
        model.write_text(moved)
        other = tmp_path / "other"
        other.mkdir()
        for name in ("halves.png", "bumps.png"):
            (other / name).write_bytes((tmp_path / name).read_bytes())
        (other / "quad.mtl").write_text(right)
        (other / "quad.obj").write_text(moved)
        expected = fresh_picture(other / "quad.obj")
        assert (expected != before).any()
        until_drawn(live, expected, False, "its vertices are others")
        mtl.write_text(right)
        until_drawn(live, fresh_picture(model), True, "it is there again")
