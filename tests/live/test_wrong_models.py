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
from support.live_scene import LiveScene, Picture, fresh_picture, live_file
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
    "which": Part(
        ("meshes", 1, "primitives", 0, "material"), lambda rng: int(rng.integers(0, 3)), (99, "x", -1)
    ),
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
    "shines": Part(
        ("nodes", 3, "extensions", "KHR_lights_punctual", "light"), lambda rng: 0, (4, "x")
    ),
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
    "pair": Part(("meshes", 3, "primitives", 1, "attributes"), lambda rng: "attributes", (3, {}, {"POSITION": 99})),
}
"""What is changed of the file. Strings that right values are have places of their own in it."""


OF = {name: {name} for name in PARTS} | {"shines": {"shines", "light"}, "light": {"light", "shines"}}
"""The values that make one record of the scene: with one of them wrong, all stay as they were."""


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


def features(live: LiveScene) -> dict[str, set[str]]:
    tableau = live.runtime.tableau
    return {name: {tableau.path(row) for row in table.object[table.object >= 0].tolist()} for name, table in tableau.tables.items()}


def until_drawn(live: LiveScene, wanted: Picture, is_whole: bool, what: object) -> None:
    """Draw frames until the picture is the wanted one, with problems if something is wrong, else without."""
    end = time.monotonic() + limit(15.0)
    while live.live.pending or bool(live.live.problems) is is_whole or (live.picture() != wanted).any():
        if time.monotonic() > end:
            Image.fromarray(live.picture()).resize((512, 512), 0).save("/tmp/refusals-live.png")
            Image.fromarray(wanted).resize((512, 512), 0).save("/tmp/refusals-wanted.png")
            raise AssertionError((what, [p.message for p in live.live.problems]))
        live.step()
        time.sleep(0.02)


@pytest.mark.parametrize("name", list(PARTS))
def test_what_becomes_wrong_stays_as_it_was_until_it_is_mended(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(7)
    (tmp_path / "live").mkdir()
    (tmp_path / "fresh").mkdir()
    good = {each: part.right(rng) for each, part in PARTS.items()}
    with live_file(write(tmp_path / "live", good)) as live:
        for wrong in PARTS[name].wrong:
            good |= {each: PARTS[each].right(rng) for each in ("color", "light", "place") if each not in OF[name]}
            write(tmp_path / "live", {**good, name: wrong})
            until_drawn(live, fresh_picture(write(tmp_path / "fresh", good)), False, (name, wrong))
            assert not [p for p in live.runtime.problems if p.code == "feature.failed"]
        good[name] = PARTS[name].right(rng)
        path = write(tmp_path / "live", good)
        until_drawn(live, fresh_picture(path), True, name)
        assert not live.runtime.problems
