"""A model that is saved while it is drawn is drawn as one that is opened then, whatever it gains or loses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.gltf_files import CORNER_UVS, FACING, QUAD, QUAD_CORNERS, GltfFile
from support.live_scene import LiveScene, fresh_picture, live_file
from support.saves import renamed_over

from engine.cli.main import main
from engine.live import live_sources
from engine.runtime import spread_plan
from engine.scene import Scene
from engine.storage.radiance import radiance_bytes

pytestmark = pytest.mark.gpu

Part = Callable[[GltfFile, dict[str, int], dict[str, object]], None]


def bar() -> GltfFile:
    """A model of a narrow quad."""
    file = GltfFile()
    attributes = {"POSITION": file.positions(QUAD * np.array([0.2, 1, 1], np.float32))}
    file.node(name="quad", mesh=file.mesh({"attributes": attributes, "indices": file.accessor(QUAD_CORNERS)}))
    return file


def quad(*parts: Part) -> bytes:
    """A model of one quad, which each of `parts` adds to: to its file, attributes and primitive."""
    file = GltfFile()
    attributes = {
        "POSITION": file.positions(QUAD),
        "NORMAL": file.accessor(FACING),
        "TEXCOORD_0": file.accessor(CORNER_UVS),
    }
    primitive: dict[str, object] = {"attributes": attributes, "indices": file.accessor(QUAD_CORNERS)}
    file.node(name="quad", mesh=file.mesh(primitive))
    for part in parts:
        part(file, attributes, primitive)
    return file.glb()


def skin(*heights: float) -> Part:
    """A joint for each of `heights`, of which the last one scales the quad by its own."""

    def add(file: GltfFile, attributes: dict[str, int], primitive: dict[str, object]) -> None:
        joints = np.tile(np.array([len(heights) - 1, 0, 0, 0], np.uint16), (4, 1))
        attributes["JOINTS_0"] = file.accessor(joints)
        attributes["WEIGHTS_0"] = file.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (4, 1)))
        chain = [
            file.node(name=f"joint{number}", scale=[1, height, 1]) for number, height in enumerate(heights)
        ]
        file.root["nodes"][0]["skin"] = file.add("skins", {"joints": chain})

    return add


def targets(*weights: float) -> Part:
    """A morph target for each of `weights`, which moves the quad up."""

    def add(file: GltfFile, attributes: dict[str, int], primitive: dict[str, object]) -> None:
        moved = np.tile(np.array([0, 1, 0], np.float32), (4, 1))
        primitive["targets"] = [{"POSITION": file.positions(moved)} for _ in weights]
        file.root["meshes"][0]["weights"] = list(weights)

    return add


def lights(count: int) -> Part:
    def add(file: GltfFile, attributes: dict[str, int], primitive: dict[str, object]) -> None:
        lamp = {"type": "point", "color": [0, 0, 1], "intensity": 30}
        file.root["extensionsUsed"] = ["KHR_lights_punctual"]
        file.root["extensions"] = {"KHR_lights_punctual": {"lights": [lamp]}}
        for number in range(count):
            one = {"KHR_lights_punctual": {"light": 0}}
            file.node(name=f"lamp{number}", translation=[number / count, 1, 1], extensions=one)

    return add


@pytest.mark.parametrize(
    "versions",
    [
        ([], [skin(1, 1.5)], [skin(1, 1, 1, 1, 1.4)], [], [skin(1, 1.6)]),
        ([], [targets(0.5)], [targets(0.2, 0.5, 0.1, 0.1, 0.1)], [], [targets(0.4)]),
        ([], [skin(1, 1.5), targets(0.5)], []),
        ([], [lights(5)], [lights(40)], []),
    ],
    ids=["joints", "targets", "both", "lights"],
)
def test_what_a_saved_model_gains_is_drawn_as_where_it_is_opened(
    tmp_path: Path, versions: tuple[list[Part], ...]
) -> None:
    model = tmp_path / "model.glb"
    model.write_bytes(quad(*versions[0]))
    with live_file(model) as live:
        for parts in versions[1:]:
            before = live.picture()
            renamed_over(model, quad(*parts))
            live.until_reloaded()
            assert (live.picture() == fresh_picture(model)).all()
            assert (live.picture() != before).any()
            assert not [p for p in (*live.problems, *live.runtime.problems) if p.code == "feature.failed"]


OBJ = """v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
vn 0 0 1
usemtl paint
f 1/1/1 2/2/1 3/3/1 4/4/1
"""


def saved(live: LiveScene, name: str, text: str) -> None:
    """Save a file beside a model; what is drawn then is another picture, that of the model opened then."""
    before = live.picture()
    (live.root / name).write_text(text)
    live.until_reloaded()
    assert (live.picture() == fresh_picture(live.root / "quad.obj")).all()
    assert (live.picture() != before).any()


def test_materials_of_an_obj_show_as_their_files_come_and_change(tmp_path: Path) -> None:
    (tmp_path / "quad.obj").write_text(f"mtllib first.mtl second.mtl\n{OBJ}")
    with live_file(tmp_path / "quad.obj") as live:
        saved(live, "second.mtl", "newmtl paint\nKd 1 0 0\n")
        saved(live, "second.mtl", "newmtl paint\nKd 0 1 0\n")
        saved(live, "first.mtl", "newmtl paint\nKd 0 0 1\n")
        (tmp_path / "first.mtl").unlink()
        live.until_reloaded()
        assert (live.picture() == fresh_picture(tmp_path / "quad.obj")).all()
        saved(live, "first.mtl", "newmtl paint\nKd 1 1 0\n")
        saved(live, "first.mtl second.mtl", "newmtl paint\nKd 0 1 1\n")


def test_a_picture_that_comes_after_the_material_that_names_it_shows(tmp_path: Path) -> None:
    """The text that is made around the model has one asset more then, and those behind it other numbers."""
    (tmp_path / "quad.obj").write_text(f"mtllib quad.mtl\n{OBJ}")
    (tmp_path / "quad.mtl").write_text("newmtl paint\nKd 1 1 1\n")
    with live_file(tmp_path / "quad.obj") as live:
        before = live.picture()
        (tmp_path / "quad.mtl").write_text("newmtl paint\nKd 0.5 1 1\nmap_Kd red.png\n")
        live.until_reported()
        assert (live.picture() == before).all(), "the material stays as it was"
        assert [problem.code for problem in live.live.problems] == ["file.missing"]
        for color in ((255, 0, 0), (0, 0, 255)):
            Image.new("RGB", (8, 8), color).save(tmp_path / "red.png")
            live.until_reloaded()
            assert (live.picture() == fresh_picture(tmp_path / "quad.obj")).all()


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_buffer_that_comes_after_the_model_that_names_it_shows(
    tmp_path: Path, from_the_start: bool
) -> None:
    file = GltfFile()
    primitive = {"attributes": {"POSITION": file.positions(QUAD)}, "indices": file.accessor(QUAD_CORNERS)}
    file.node(name="quad", mesh=file.mesh(primitive))
    model, text = tmp_path / "quad.gltf", json.dumps(file.finished("quad.bin"))
    model.write_text(text if from_the_start else bar().text())
    with live_file(model) as live:
        if not from_the_start:
            model.write_text(text)
            live.until_reported()
        before = live.picture()
        (tmp_path / "quad.bin").write_bytes(bytes(file.data))
        live.until(lambda: not live.live.problems and not live.live.pending)
        assert (live.picture() == fresh_picture(model)).all()
        assert (live.picture() != before).any()


def test_an_imported_scene_follows_a_skin_that_gains_joints(tmp_path: Path) -> None:
    model, scene = tmp_path / "quad.glb", tmp_path / "quad.hu"
    model.write_bytes(quad(skin(1, 1.5)))
    assert main(["import", str(model), "--out", str(tmp_path)]) == 0
    with live_file(scene) as live:
        for heights in ((1, 1, 1, 1, 1.3), (1, 1.6)):
            before = live.picture()
            renamed_over(model, quad(skin(*heights)))
            live.until_reloaded()
            assert (live.picture() == fresh_picture(scene)).all()
            assert (live.picture() != before).any()
            assert not live.problems


def rescaled(size: float) -> bytes:
    """A skinned quad whose vertices are larger by `size`, which its bind matrix makes up for."""
    file = GltfFile()
    attributes = {
        "POSITION": file.positions(QUAD * np.float32(size)),
        "JOINTS_0": file.accessor(np.zeros((4, 4), np.uint8)),
        "WEIGHTS_0": file.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (4, 1))),
    }
    quad_mesh = file.mesh({"attributes": attributes, "indices": file.accessor(QUAD_CORNERS)})
    file.node(name="quad", mesh=quad_mesh, skin=0)
    bind = np.diag([1 / size, 1 / size, 1 / size, 1]).astype(np.float32).reshape(1, 16)
    joints = [file.node(name="joint")]
    file.add("skins", {"joints": joints, "inverseBindMatrices": file.accessor(bind, "MAT4")})
    return file.glb()


def test_no_frame_has_the_bones_of_one_version_and_the_vertices_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread_plan, "SHARE_MS", 0.0)
    monkeypatch.setattr(spread_plan, "BUSY", 0.0)
    model = tmp_path / "model.glb"
    model.write_bytes(rescaled(1))
    with live_file(model) as live:
        before = live.picture()
        for size in (2, 0.5):
            renamed_over(model, rescaled(size))
            reloads = live.live.reloads
            while live.live.reloads == reloads:
                live.step()
                np.testing.assert_allclose(live.runtime.read_pixels(), before, atol=2)


def test_a_saved_sky_is_drawn_around_its_model_as_where_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "skies").mkdir()
    sky, model = tmp_path / "skies/sky.hdr", tmp_path / "model.glb"
    model.write_bytes(quad())

    def light(red: float, green: float) -> bytes:
        colour = np.array([red, green, 0.1], np.float32)
        towards = np.linspace(0.1, 1.0, 64, dtype=np.float32)[
            None, :, None
        ]  # in even light all is of one colour
        return radiance_bytes(np.broadcast_to(colour * towards, (32, 64, 3)).copy())

    sky.write_bytes(light(1, 0.1))
    with live_file(model, sky=sky) as live:
        before = live.picture()
        assert (before == fresh_picture(model, sky)).all()
        renamed_over(sky, light(0.1, 1))
        live.until_reloaded()
        after = live.picture()
        assert (after == fresh_picture(model, sky)).all()
        assert (after != before).any(axis=2).mean() > 0.9
        renamed_over(model, bar().glb())
        live.until_reloaded()
        assert (live.picture() == fresh_picture(model, sky)).all()
        assert (live.picture() != after).any(axis=2).mean() > 0.02
        renamed_over(sky, b"nothing")
        live.until_reported()
        assert ["neither Radiance HDR" in str(problem) for problem in live.problems] == [True]
        kept = live.picture()
        renamed_over(sky, light(1, 1))
        live.until_reloaded()
        assert (live.picture() == fresh_picture(model, sky)).all()
        assert (live.picture() != kept).any()


@pytest.mark.parametrize("is_imported", [False, True], ids=["opened", "imported"])
def test_a_skin_that_grows_beyond_8_bits_is_drawn_as_where_it_is_opened(
    tmp_path: Path, is_imported: bool
) -> None:
    model = tmp_path / "model.glb"
    model.write_bytes(quad(skin(*[1.0] * 299, 1.5)))  # names of all bones that there will be
    scene = model
    if is_imported:
        assert main(["import", str(model), "--out", str(tmp_path)]) == 0
        scene = tmp_path / "model.hu"
        text = tmp_path / "model.assets.hu"
        text.write_text(text.read_text().replace("r16g16b16a16_uint", "r8g8b8a8_uint"))
    model.write_bytes(quad(skin(*[1.0] * 199, 1.2)))
    with live_file(scene) as live:
        for count in (256, 257, 300, 100):
            before = live.picture()
            renamed_over(model, quad(skin(*[1.0] * (count - 1), 1 + count / 400)))
            live.until_reloaded()
            assert (live.picture() == fresh_picture(scene)).all()
            if not is_imported or count in (300, 100):  # joints of a text are where that has them
                assert (live.picture() != before).any()
            assert not live.live.problems


def test_parts_that_stand_in_another_order_are_drawn_as_before(tmp_path: Path) -> None:
    """The text around the model names its assets in another order, and nothing of them has changed."""
    file = GltfFile()
    for name, height in (("low", 0.3), ("high", 1.0)):
        positions = file.positions(QUAD * np.array([1, height, 1], np.float32))
        mesh = file.mesh({"attributes": {"POSITION": positions}, "indices": file.accessor(QUAD_CORNERS)})
        file.node(name=name, mesh=mesh, translation=[2 * height, 0, 0])
    model = tmp_path / "two.gltf"
    model.write_text(file.text())
    with live_file(model) as live:
        before = live.picture()
        file.root["scenes"][0]["nodes"].reverse()
        model.write_text(file.text())
        live.until_reloaded()
        assert (live.picture() == before).all()
        file.root["nodes"][0]["translation"] = [1, 1, 0]
        model.write_text(file.text())
        live.until_reloaded()
        assert (live.picture() == fresh_picture(model)).all()
        assert not live.runtime.problems


def test_surfaces_in_one_place_are_drawn_as_where_the_model_is_opened(tmp_path: Path) -> None:
    """Which of them is seen follows from the scene, and not from when each of them came to be drawn."""
    file = GltfFile()
    texture = {"baseColorTexture": {"index": file.texture()}}
    colors = ([0.9, 0.1, 0.1, 1], [0.1, 0.8, 0.1, 1], [0.1, 0.2, 0.9, 1])
    file.root["materials"] = [{"pbrMetallicRoughness": {**texture, "baseColorFactor": one}} for one in colors]
    for number, turn in enumerate((0.0, 0.2, -0.2)):
        mesh = file.mesh(file.quad(material=number), name=f"pane{number}")
        file.node(name=f"pane{number}", mesh=mesh, rotation=[0, 0, np.sin(turn), np.cos(turn)])
    model = tmp_path / "panes.gltf"
    model.write_text(file.text())
    with live_file(model) as live:
        for number in (0, 2, 1, 0):
            values = file.root["materials"][number]["pbrMetallicRoughness"]
            values["baseColorFactor"] = [0.5 * part for part in values["baseColorFactor"][:3]] + [1]
            file.root["materials"][number]["doubleSided"] = number != 1  # another pipeline
            before = live.picture()
            model.write_text(file.text())
            live.until_reloaded()
            assert (live.picture() == fresh_picture(model)).all(), number
            assert (live.picture() != before).any()


def test_no_frame_has_the_assets_of_one_text_and_the_objects_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model is saved again after the scene around it was read, with its assets in another order."""
    file = GltfFile()
    for name, height in (("low", 0.3), ("high", 1.0)):
        positions = file.positions(QUAD * np.array([1, height, 1], np.float32))
        mesh = file.mesh({"attributes": {"POSITION": positions}, "indices": file.accessor(QUAD_CORNERS)})
        file.node(name=name, mesh=mesh, translation=[2 * height, 0, 0])
    model, texts = tmp_path / "two.gltf", [file.text()]
    file.root["scenes"][0]["nodes"].reverse()
    texts.append(file.text())
    model.write_text(texts[0])
    read = live_sources.load_scenes
    saves = iter(texts[:1])

    def read_and_saved(*arguments: Any, **named: Any) -> Scene:
        scene = read(*arguments, **named)
        if (text := next(saves, None)) is not None:
            renamed_over(model, text.encode())
        return scene

    with live_file(model) as live:
        before = live.picture()
        monkeypatch.setattr(live_sources, "load_scenes", read_and_saved)
        renamed_over(model, texts[1].encode())
        for _ in range(2):
            reloads = live.live.reloads
            while live.live.reloads == reloads:
                live.step()
                assert (live.runtime.read_pixels() == before).all()
        assert not live.runtime.problems
