"""Claims about opening models directly, `engine import`, and where their caches are."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from support.gltf_features import FEATURES, skin
from support.gltf_files import GltfFile, png
from support.model_opening import OpenedScene, open_scene

from engine.assets import AssetType, Material, Mesh, VerticesFacts, open_library
from engine.assets.cook import cache_path, cook_database
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.formats import TextureFormat
from engine.assets.importers.models import obj_materials
from engine.assets.recipes import recipes_of
from engine.assets.roots import PROJECT_FILE, data_root
from engine.assets.updating.asset_states import State, states_of
from engine.cli.main import main
from engine.gltf import Item, read_gltf
from engine.humon import InputError, Severity
from engine.obj import read_materials
from engine.scene import load_scene
from engine.scene.models.gltf_meshes import triangle_count

OBJ = "mtllib my paints.mtl\no thing one\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl red\nf 1/1 2/1 3/1\n"
MTL = "newmtl red\nKd 1 0 0\nmap_Kd my picture.png\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of models in a project."""
    folder = tmp_path / "project" / "assets"
    folder.mkdir(parents=True)
    return folder


def write_obj(folder: Path, text: str = OBJ) -> Path:
    (folder / "my paints.mtl").write_text(MTL)
    (folder / "my picture.png").write_bytes(png())
    path = folder / "my thing.obj"
    path.write_text(text)
    return path


def test_an_obj_opens_with_its_materials_and_pictures(folder: Path) -> None:
    scene = load_scene(write_obj(folder))
    with open_library(scene.dbs) as library:
        assert [*scene.warnings, *library.problems] == []
    assert "visibleModel" in scene.tableau["model/thing one"]
    assert scene.asset("my thing", "my picture", ("texture2d",))


def test_several_material_files_on_a_line_are_read(folder: Path) -> None:
    path = write_obj(folder, OBJ.replace("my paints.mtl", "a.mtl b.mtl"))
    (folder / "a.mtl").write_text("newmtl blue\n")
    (folder / "b.mtl").write_text("newmtl red\nPm 1\n")
    assert open_scene(path).problems == []


def test_a_missing_material_file_is_a_warning_at_its_line(folder: Path) -> None:
    path = write_obj(folder)
    (folder / "my paints.mtl").unlink()
    (problem,) = open_scene(path).problems
    assert (problem.code, problem.position.line) == ("file.missing", 1)
    assert "materials are left out: there is no file 'my paints.mtl'" in problem.message


def test_a_material_file_that_is_no_text_costs_its_materials_alone(folder: Path) -> None:
    path = write_obj(folder)
    (folder / "my paints.mtl").write_bytes(b"newmtl red\n\0")
    opened = open_scene(path)
    assert [str(problem.code) for problem in opened.problems] == ["obj.encoding"]
    assert {problem.severity for problem in opened.problems} == {Severity.WARNING}


def test_a_picture_that_must_not_be_used_is_a_warning_at_its_line(folder: Path) -> None:
    path = write_obj(folder)
    (folder / "my paints.mtl").write_text("newmtl red\nPm 1\nmap_Kd ../../secret.png\n")
    places = {str(problem.code): str(problem.position) for problem in open_scene(path).problems}
    assert places["file.outside"].endswith("my paints.mtl:3:1")


def test_a_material_file_is_read_once_however_often_it_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_obj(folder, "mtllib my paints.mtl\n" * 100 + OBJ)
    read: list[str] = []

    def counted(content: bytes, name: str) -> object:
        read.append(name)
        return read_materials(content, name)

    monkeypatch.setattr(obj_materials, "read_materials", counted)
    assert load_scene(path).warnings == []
    assert len(read) == 1


MOVED = "newmtl red\nmap_Kd -s 2 3 1 -o 0.25 0.5 my picture.png\nmap_Ke my picture.png\n"


def coordinates(opened: OpenedScene) -> dict[str, list[list[float]]]:
    """The coordinates of the vertices of the one mesh of a scene, by attribute."""
    facts, content = opened.facts("vertices", "thing one"), opened.content("vertices", "thing one")
    assert isinstance(facts, VerticesFacts)
    names = [name for name, _ in facts.vertex_format]
    return {
        name: np.ndarray((facts.count, 2), "<f4", content, facts.offsets[at], (facts.stride, 4)).tolist()
        for at, name in enumerate(names)
        if name.startswith("uv_")
    }


def test_a_map_that_is_scaled_and_moved_is_read_there_and_others_as_they_are(folder: Path) -> None:
    path = write_obj(folder, OBJ.replace("vt 0 0", "vt 0.5 0.25"))
    (folder / "my paints.mtl").write_text(MOVED)
    opened = open_scene(path)
    assert opened.problems == []
    assert coordinates(opened) == {
        "uv_albedo": [[2 * 0.5 + 0.25, 1 - (3 * 0.25 + 0.5)]] * 3,
        "uv_emissive": [[0.5, 0.75]] * 3,
    }


def test_a_material_file_that_moves_a_map_makes_the_mesh_stale(folder: Path) -> None:
    path = write_obj(folder)
    db = load_scene(path).dbs[0]
    cook_database(db).image.close()
    (folder / "my paints.mtl").write_text(MTL.replace("map_Kd", "map_Kd -o 0.5"))
    again = cook_database(load_scene(path).dbs[0])
    again.image.close()
    assert again.cooked == 1, "vertices; indices are the same"


def test_a_material_file_that_was_missing_makes_the_mesh_stale_once_it_is_there(folder: Path) -> None:
    path = write_obj(folder)
    (folder / "my paints.mtl").unlink()
    cooked = []
    for _ in range(2):
        result = cook_database(load_scene(path).dbs[0])
        result.image.close()
        cooked.append(result.cooked)
    assert cooked[1] == 0
    (folder / "my paints.mtl").write_text(MOVED)
    states = {one.asset.type.value: one.state for one in states_of(load_scene(path).dbs[0]).assets}
    assert states["vertices"] is State.STALE
    assert coordinates(open_scene(path))["uv_albedo"] == [[0.25, 0.5]] * 3


def test_a_great_many_material_files_are_left_out(folder: Path) -> None:
    names = "".join(f"mtllib {number}.mtl\n" for number in range(300))
    for number in range(300):
        (folder / f"{number}.mtl").write_text(f"newmtl {number}\n")
    opened = open_scene(write_obj(folder, names + OBJ))
    assert any("more than 256 files are named" in problem.message for problem in opened.problems)


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ("map_Kd my picture.png\nmap_d my picture.png", []),
        ("map_Kd -s 2 2 my picture.png\nmap_d my picture.png", ["obj.material"]),
        ("map_d my picture.png", ["obj.material"]),
        ("map_Kd my picture.png\nmap_d other.png", ["file.missing"]),
        ("map_d other.png", ["file.missing"]),
        ("map_Pr my picture.png\nmap_Pm my picture.png", []),
        ("map_Pm my picture.png", ["obj.material"]),
    ],
)
def test_a_map_of_alpha_or_metal_is_a_channel_of_another_or_a_warning_at_its_line(
    lines: str, codes: list[str], folder: Path
) -> None:
    path = write_obj(folder)
    (folder / "my paints.mtl").write_text(f"newmtl red\n{lines}\n")
    opened = open_scene(path)
    assert [str(problem.code) for problem in opened.problems] == codes
    last = 2 + lines.count("\n")
    assert all(str(problem.position).endswith(f"my paints.mtl:{last}:1") for problem in opened.problems)
    (material,) = (one for one in opened.scene.dbs[0].assets if isinstance(one, Material))
    assert (material.alpha_mode == "blend") == ("map_d" in lines and not codes)


def test_opening_a_model_looks_at_each_of_its_meshes_a_few_times(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    create = Item.__init__

    def counted(item: Item, document: object, value: object, path: tuple[str | int, ...] = ()) -> None:
        made.append(path)
        create(item, document, value, path)  # type: ignore[arg-type]

    monkeypatch.setattr(Item, "__init__", counted)
    counts = []
    for meshes in (20, 80):
        file = FEATURES["triangle"]()
        file.root["meshes"] *= meshes
        file.root["nodes"] = [{"mesh": number} for number in range(meshes)]
        file.root["scenes"] = [{"nodes": list(range(meshes))}]
        made.clear()
        open_scene(file.write(folder / "many.glb"))
        counts.append(len(made))
    assert counts[1] < 4.5 * counts[0]


def large_obj(folder: Path, side: int) -> Path:
    """A square of side x side quads, of two triangles each."""
    rows = [f"v {x} 0 {z}" for x in range(side + 1) for z in range(side + 1)]
    for x in range(side):
        for z in range(side):
            at = x * (side + 1) + z + 1
            rows.append(f"f {at} {at + 1} {at + side + 2} {at + side + 1}")
    path = folder / "large.obj"
    path.write_text("\n".join(rows))
    return path


@pytest.mark.parametrize(
    ("side", "more", "expected"),
    [
        (45, (), []),
        (46, (), ["levels: 3"]),
        (46, ("--levels", "1"), ["levels: 1"]),
        (46, ("--levels", "0"), []),
    ],
)
def test_import_lets_levels_be_made_of_large_meshes(
    folder: Path, side: int, more: tuple[str, ...], expected: list[str]
) -> None:
    assert main(["import", str(large_obj(folder, side)), "--out", str(folder.parent), *more]) == 0
    text = (folder.parent / "large.assets.hu").read_text()
    assert re.findall(r"simplify: { (.*) }", text) == expected


@pytest.mark.parametrize("more", [(), ("--compress",)])
def test_import_has_textures_compressed_where_it_is_asked_to(folder: Path, more: tuple[str, ...]) -> None:
    file = GltfFile()
    material = file.add("materials", {"normalTexture": {"index": file.texture()}})
    quad = file.quad() | {"material": material}
    file.node(mesh=file.mesh(quad))
    model = file.write(folder / "wall.glb")
    assert main(["import", str(model), "--out", str(folder.parent), *more]) == 0
    (db,) = load_scene(folder.parent / "wall.hu").dbs
    (picture,) = (one for one in recipes_of(db).values() if one.asset.type is AssetType.TEXTURE2D)
    assert picture.parameters["blocks"] == (TextureFormat.BC5_UNORM_BLOCK if more else None)


def test_a_model_that_is_opened_is_not_simplified(folder: Path) -> None:
    (mesh,) = (asset for asset in load_scene(large_obj(folder, 46)).dbs[0].assets if isinstance(asset, Mesh))
    assert mesh.simplify is None


@pytest.mark.parametrize(("mode", "expected"), [(None, 2), (4, 2), (5, 4), (6, 4), (1, 0), (0, 0)])
def test_triangles_of_a_primitive_are_counted_by_its_mode(mode: int | None, expected: int) -> None:
    file = GltfFile()
    quad = file.quad() | ({} if mode is None else {"mode": mode})
    file.node(mesh=file.mesh(quad))
    gltf = read_gltf(file.glb(), "quad.glb", lambda name, place: b"")
    assert triangle_count(gltf.at("/meshes/0/primitives/0")) == expected


def test_import_writes_two_files_that_open(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = skin().write(folder / "body.glb")
    out = folder.parent / "scenes"
    assert main(["import", str(model), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["body.assets.hu", "body.hu"]
    assert "../assets/body.glb" in (out / "body.assets.hu").read_text()
    assert "body.hu" in capsys.readouterr().out
    scene = load_scene(out / "body.hu")
    with open_library(scene.dbs) as library:
        assert [*scene.warnings, *library.problems] == []
    assert "skin" in scene.tableau["model/body"]


def test_import_replaces_nothing_unless_it_is_asked_to(folder: Path) -> None:
    model = skin().write(folder / "body.glb")
    out = folder.parent / "scenes"
    assert main(["import", str(model), "--out", str(out)]) == 0
    (out / "body.hu").write_text("edited")
    assert main(["import", str(model), "--out", str(out)]) != 0
    assert (out / "body.hu").read_text() == "edited"
    assert main(["import", str(model), "--out", str(out), "--replace"]) == 0
    assert load_scene(out / "body.hu").warnings == []


def test_a_model_outside_of_the_project_is_not_imported_into_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    model = skin().write(elsewhere / "body.glb")
    out = folder.parent / "scenes"
    assert main(["import", str(model), "--out", str(out)]) != 0
    assert "file.outside" in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture
def loose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a model and what it names in it, in no project."""
    loose = tmp_path / "loose"
    loose.mkdir()
    write_obj(loose)
    monkeypatch.chdir(loose)
    return loose


def whole_library(scene: Path) -> list[object]:
    """What is said of a scene and of its assets."""
    opened = load_scene(scene)
    with open_library(opened.dbs) as library:
        return [*opened.warnings, *library.problems]


def test_a_model_in_no_project_is_imported_into_a_folder_below_it_and_opens(
    loose: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "my thing.obj", "--out", "scenes"]) == 0
    assert capsys.readouterr().out.split("\n")[0] == PROJECT_FILE
    assert whole_library(loose / "scenes" / "my thing.hu") == []
    moved = loose.rename(loose.with_name("moved"))
    assert whole_library(moved / "scenes" / "my thing.hu") == []


def test_a_model_and_its_scene_in_folders_beside_each_other_are_one_project(
    loose: Path, tmp_path: Path
) -> None:
    assert main(["import", "my thing.obj", "--out", str(tmp_path / "other" / "scenes")]) == 0
    assert [path.parent for path in tmp_path.rglob(PROJECT_FILE)] == [tmp_path]
    assert whole_library(tmp_path / "other" / "scenes" / "my thing.hu") == []


def test_a_model_below_the_folder_of_its_scene_needs_no_project_file(loose: Path, tmp_path: Path) -> None:
    assert main(["import", "my thing.obj", "--out", str(tmp_path)]) == 0
    assert [*tmp_path.rglob(PROJECT_FILE)] == []
    assert whole_library(tmp_path / "my thing.hu") == []


@pytest.mark.parametrize("what", ["home", "below home", "of all users"])
def test_no_project_is_made_of_the_folder_of_a_user_or_of_all_users(
    what: str,
    loose: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    homes = {"home": tmp_path, "below home": tmp_path / "me", "of all users": Path("/nowhere")}
    monkeypatch.setenv("HOME", str(homes[what]))
    if what == "of all users":
        tmp_path.chmod(0o1777)
    assert main(["import", "my thing.obj", "--out", "../scenes"]) == 2
    shown = capsys.readouterr().err
    assert "error[file.outside]" in shown
    assert PROJECT_FILE in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loose"]
    (tmp_path / PROJECT_FILE).touch()  # as the user decides
    assert main(["import", "my thing.obj", "--out", "../scenes"]) == 0
    assert whole_library(tmp_path / "scenes" / "my thing.hu") == []


@pytest.mark.parametrize("linked", ["model", "out"])
def test_a_link_takes_no_folder_into_a_new_project(
    linked: str, loose: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if linked == "model":
        (loose / "my thing.obj").rename(elsewhere / "my thing.obj")
        (loose / "my thing.obj").symlink_to(elsewhere / "my thing.obj")
    else:
        (loose / "scenes").symlink_to(elsewhere)
    assert main(["import", "my thing.obj", "--out", "scenes"]) == 2
    assert "error[file.outside]" in capsys.readouterr().err
    assert [*tmp_path.rglob("*.hu"), *tmp_path.rglob(PROJECT_FILE)] == []


def test_a_project_file_opens_nothing_above_its_folder(loose: Path, tmp_path: Path) -> None:
    assert main(["import", "my thing.obj", "--out", "scenes"]) == 0
    (tmp_path / "secret.png").write_bytes(png())
    scene = loose / "scenes" / "my thing.assets.hu"
    scene.write_text(scene.read_text().replace("../my picture.png", "../../secret.png"))
    codes = [str(problem.code) for problem in load_scene(loose / "scenes" / "my thing.hu").warnings]
    assert codes == ["file.outside"]


def test_the_cache_is_beside_the_model_or_else_in_the_user_s_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    path = FEATURES["triangle"]().write(folder / "model.glb")
    db = load_scene(path).dbs[0]
    assert cache_path(db) == folder / "model.ogCache"
    access = os.access

    def refuse(name: str | os.PathLike[str], mode: int, **how: bool) -> bool:
        return not (mode & os.W_OK and Path(name) == folder) and access(name, mode, **how)

    monkeypatch.setattr(os, "access", refuse)
    assert cache_path(db).parent == tmp_path / "caches" / "diorama" / "cooked"
    with open_library([db]) as library:
        assert library.problems == []
    assert cache_path(db).is_file()
    assert [each.name for each in folder.iterdir()] == ["model.glb"]


@pytest.mark.parametrize(
    "name", ["builtin:../profiles", "builtin:../../scenes/cube.hu", "builtin:/etc/hostname"]
)
def test_no_path_leads_out_of_the_builtin_assets(name: str, folder: Path) -> None:
    with pytest.raises(FileRejectedError) as caught:
        FileGate(folder).resolve(name, folder)
    assert caught.value.code == "file.outside"


def test_builtin_assets_have_the_same_name_in_every_project(folder: Path) -> None:
    gate = FileGate(folder)
    path = gate.resolve("builtin:mesh/cube.hu", folder)
    assert gate.relative(path) == "builtin:mesh/cube.hu"
    assert gate.locate("builtin:mesh/cube.hu") == str(path)
    assert gate.read(path)[0] == path.read_bytes()


def test_a_model_with_nothing_in_it_is_refused_with_its_problems(folder: Path) -> None:
    path = folder / "empty.obj"
    path.write_text("v 0 0 0\nf 1 2 3\n")
    with pytest.raises(InputError) as caught:
        load_scene(path)
    assert [str(problem.code) for problem in caught.value.problems] == ["obj.empty", "obj.index"]


def test_caches_name_builtin_assets_by_their_prefix_and_stay_fresh(folder: Path) -> None:
    db = load_scene(FEATURES["triangle"]().write(folder / "model.glb")).dbs[0]
    first = cook_database(db)
    first.image.close()
    assert first.cooked
    content = (folder / "model.ogCache").read_bytes()
    assert b"builtin:material/defaultMaterial" in content
    assert str(data_root()).encode() not in content
    again = cook_database(db)
    again.image.close()
    assert again.cooked == 0


@pytest.mark.parametrize(
    "file", ["C:\\tex\\a.png", "/tex/a.png", "../../../a.png", "https://example.com/a.png"]
)
def test_a_map_outside_of_the_project_is_left_out_with_a_warning(file: str, folder: Path) -> None:
    path = write_obj(folder)
    (folder / "my paints.mtl").write_text(f"newmtl red\nmap_Kd {file}\n")
    opened = open_scene(path)
    assert [str(problem.code) for problem in opened.problems] == ["file.outside"]
    assert "visibleModel" in opened.scene.tableau["model/thing one"]


def test_a_model_whose_name_is_not_utf_8_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/alien\xff.obj"))
    write_obj(folder).rename(path)
    with pytest.raises(InputError) as caught:
        load_scene(path)
    assert [problem.code for problem in caught.value.problems] == ["file.name"]
    assert main(["import", str(path), "--out", str(folder)]) == 2
    assert "error[file.name]" in capsys.readouterr().err
    assert [file.suffix for file in folder.glob("*.hu")] == []


def test_import_writes_through_no_link_and_into_no_fifo(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user has named the folder, not the files in it."""
    path = write_obj(folder)
    escaped = tmp_path / "escaped.hu"
    for place in (lambda name: name.symlink_to(escaped), os.mkfifo):
        (folder / "my thing.hu").unlink(missing_ok=True)
        place(folder / "my thing.hu")
        assert main(["import", str(path), "--out", str(folder), "--replace"]) == 2
        assert "error[output.write]" in capsys.readouterr().err
        assert not escaped.exists()


def test_import_into_a_file_says_that_it_is_no_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_obj(folder)
    (folder / "here").write_text("")
    assert main(["import", str(path), "--out", str(folder / "here")]) == 2
    assert "error[output.folder]" in capsys.readouterr().err


def test_what_is_no_model_is_not_imported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = folder / "cube.hu"
    scene.write_text("{}\n")
    assert main(["import", str(scene), "--out", str(folder / "out")]) != 0
    shown = capsys.readouterr().err
    assert "asset.part" in shown
    assert "python -m viewer SCENE" in shown
    assert not (folder / "out").exists()
