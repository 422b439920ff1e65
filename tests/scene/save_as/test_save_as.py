"""Scenes under another name: what they name is found from there, with all changes, whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.gltf_files import png
from support.scenes import ROOT as CHECKOUT

from engine.assets import open_library, sources_of
from engine.assets.roots import PROJECT_FILE
from engine.humon import InputError
from engine.scene import Scene, load_scene, load_scenes
from engine.scene.plain_values import plain_object
from engine.scene.save_as import elsewhere, is_own, move_to, new_files
from viewer.editing.editor import Editor

OBJ = "mtllib my paints.mtl\no thing\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl red\nf 1/1 2/1 3/1\n"
MTL = "newmtl red\nKd 1 0 0\nmap_Kd pictures/my picture.png\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a model of several files, and a copy of the tableau of the first sketch."""
    models = tmp_path / "project" / "assets" / "models"
    (models / "pictures").mkdir(parents=True)
    (models / "my thing.obj").write_text(OBJ)
    (models / "my paints.mtl").write_text(MTL)
    (models / "pictures" / "my picture.png").write_bytes(png())
    project = tmp_path / "project"
    shutil.copytree(CHECKOUT / "assets/builtin/environment", project / "assets/builtin/environment")
    for folder in ("mesh", "material", "shader", "texture"):
        shutil.copytree(CHECKOUT / "assets/builtin" / folder, project / "assets/builtin" / folder)
    (project / "scenes").mkdir()
    for name in ("tableau.hu", "cube.assets.hu"):
        shutil.copy(CHECKOUT / "scenes" / name, project / "scenes" / name)
    return project


def model(project: Path) -> Scene:
    return load_scene(project / "assets/models/my thing.obj")


def objects_of(scene: Scene) -> object:
    """All objects of a scene as plain values."""
    tableau = scene.tableau
    return {
        name: plain_object(tableau, tableau[name].row, scene.dbs, tableau.rearranging.order)
        for name in (child.name for child in tableau.children())
    }


def sources(scene: Scene) -> set[Path]:
    return {source for db in scene.dbs for asset in db.assets for source in sources_of(asset)}


def edit(scene: Scene) -> None:
    """Change a little of everything."""
    tableau = scene.tableau
    tableau["camera"].translation = (1.0, 2.0, 3.5)
    name = next(child.name for child in tableau.children() if child.name not in ("camera", "sky"))
    tableau.rearranging.rename(tableau[name].row, "renamed")
    tableau.add_object("new", tableau["renamed"])
    tableau.remove(tableau["sky"] if "sky" in tableau else tableau["skybox"])


def saved(scene: Scene, path: Path) -> Scene:
    """Write a scene to a path, and return what is read from there."""
    new_files(scene, path).write()
    return load_scene(path)


def test_an_opened_model_becomes_a_scene_with_a_database_and_the_changes(project: Path) -> None:
    scene = model(project)
    edit(scene)
    path = project / "scenes" / "new thing" / "it is.hu"
    found = saved(scene, path)
    assert found.warnings == found.rejected == [] or not found.warnings
    assert sorted(os.listdir(path.parent)) == ["it is.assets.hu", "it is.hu"]
    assert objects_of(found) == objects_of(scene)
    assert "renamed/new" in found.tableau
    assert sources(found) == sources(scene)
    assert found.dbs[0].name == scene.dbs[0].name
    assert found.dbs[0].cache_file == path.parent / "it is.ogCache"
    with open_library(found.dbs) as library:
        assert library.problems == []
    assert not (project / PROJECT_FILE).exists(), "the project has its root already"


def test_the_sky_of_an_opened_model_is_in_a_database_of_its_own(project: Path) -> None:
    sky = project / "assets/builtin/environment/sky.hdr"
    scene, path = load_scene(project / "assets/models/my thing.obj", sky=sky), project / "scenes/new.hu"
    found = saved(scene, path)
    assert sorted(each.name for each in path.parent.glob("new*.hu")) == [
        "new.assets.hu",
        "new.hu",
        "new.sky.assets.hu",
    ]
    assert objects_of(found) == objects_of(scene)
    assert sources(found) == sources(scene)
    assert found.warnings == scene.warnings
    move_to(scene, path)
    assert scene.sky is None


@pytest.mark.parametrize("folder", ["scenes", "scenes/deep/er", "assets", "."])
def test_what_a_scene_names_is_found_from_another_folder(project: Path, folder: str) -> None:
    scene = load_scene(project / "scenes/tableau.hu")
    edit(scene)
    before = (project / "scenes/tableau.hu").read_text()
    found = saved(scene, project / folder / "other.hu")
    assert objects_of(found) == objects_of(scene)
    assert sources(found) == sources(scene)
    assert [str(one) for one in found.warnings] == [str(one) for one in scene.warnings]
    assert (project / "scenes/tableau.hu").read_text() == before
    text = (project / folder / "other.hu").read_text()
    assert "// metres; the cube stands on the ground" in text
    assert ("include: [cube.assets.hu]" in text) == (folder == "scenes")


def test_a_scene_goes_on_as_what_was_written(project: Path) -> None:
    scene, path = model(project), project / "scenes/thing.hu"
    rows = scene.tableau.rows().copy()
    edit(scene)
    new_files(scene, path).write()
    move_to(scene, path)
    assert scene.path == scene.parts[0].opened == path
    assert not scene.save(), "all is in the file"
    assets = path.with_name("thing.assets.hu").read_text()
    path.write_text(path.read_text().replace("objects: {", "objects: { // all of it", 1))
    scene.tableau["camera"].translation = (0.0, 1.0, 0.0)
    with pytest.raises(InputError, match="changed on disk"):
        scene.save()
    move_to(scene, path)
    scene.tableau["camera"].translation = (0.0, 2.0, 0.0)
    scene.tableau["renamed/new"].enabled = False
    assert scene.save()
    text = path.read_text()
    assert "objects: { // all of it" in text
    assert path.with_name("thing.assets.hu").read_text() == assets
    again = load_scene(path)
    assert objects_of(again) == objects_of(scene)
    assert np.array_equal(np.intersect1d(rows, scene.tableau.rows())[:1], rows[:1])
    place = scene.tableau.position(scene.tableau["camera"].row)
    assert place.file.endswith("thing.hu")
    assert "camera" in text.splitlines()[place.line - 1]


def test_what_was_removed_before_comes_back_with_its_text(project: Path) -> None:
    scene, path = load_scene(project / "scenes/tableau.hu"), project / "scenes/other.hu"
    editor = Editor(scene)
    editor.delete(np.array([scene.tableau["cube"].row], np.int32))
    new_files(scene, path).write()
    move_to(scene, path)
    assert "the cube stands on the ground" not in path.read_text()
    editor.history.undo()
    assert scene.save()
    assert "the cube stands on the ground" in path.read_text()
    assert objects_of(load_scene(path)) == objects_of(load_scene(project / "scenes/tableau.hu"))


def test_a_new_project_is_marked_where_it_holds_both(tmp_path: Path) -> None:
    (tmp_path / "all/models/pictures").mkdir(parents=True)
    source = tmp_path / "all/models/it.obj"
    source.write_text(OBJ.replace("mtllib my paints.mtl\n", "").replace("usemtl red\n", ""))
    scene, path = load_scene(source), tmp_path / "all/scenes/it.hu"
    found = saved(scene, path)
    assert (tmp_path / "all" / PROJECT_FILE).is_file()
    assert sources(found) == sources(scene)


def test_a_reference_that_is_wrong_already_is_as_wrong_under_another_name(project: Path) -> None:
    source = project / "scenes/tableau.hu"
    source.write_text(source.read_text().replace("../assets/builtin/environment/sky.hdr", "../../none.hdr"))
    scene = load_scene(source)
    wrong = [str(one.code) for one in scene.warnings]
    assert "file.outside" in wrong
    for folder in ("scenes", "scenes/deep"):
        found = saved(scene, project / folder / "other.hu")
        assert [str(one.code) for one in found.warnings] == wrong


REFUSED = [
    ("scenes/tableau.hu", "scenes/cube.assets.hu", "no name of a scene"),
    ("scenes/tableau.hu", "scenes/other.txt", "no name of a scene"),
    ("scenes/tableau.hu", "scenes/.hu", "no name of a scene"),
    ("scenes/tableau.hu", "scenes/ .hu", "no name of a scene"),
    ("scenes/tableau.hu", "scenes/folder.hu", "folder.hu is a folder"),
    ("assets/models/my thing.obj", "scenes/taken.hu", "taken.assets.hu is a folder"),
    ("scenes/tableau.hu", "../elsewhere/other.hu", "outside of the project"),
    ("assets/models/my thing.obj", "../elsewhere/other.hu", "outside of the project"),
    ("scenes/including.hu", "scenes/other.hu", "in a file that it includes"),
    ("scenes/cube.assets.hu", "scenes/other.hu", "has no tableau"),
    ("scenes/tableau.hu", "assets/builtin/mesh/cube.hu", "one of the files that the scene is made of"),
]


@pytest.mark.parametrize(("opened", "path", "message"), REFUSED)
def test_what_is_no_place_for_a_scene_is_refused(project: Path, opened: str, path: str, message: str) -> None:
    (project / "scenes/folder.hu").mkdir()
    (project / "scenes/taken.assets.hu").mkdir()
    (project / "../elsewhere/assets").mkdir(parents=True)
    (project / "scenes/including.hu").write_text("version: 1\ninclude: [tableau.hu]\n")
    scene = load_scene(project / opened)
    with pytest.raises(InputError, match=message) as refused:
        new_files(scene, project / path)
    assert refused.value.problems[0].help


def test_several_files_have_no_other_name(project: Path) -> None:
    scene = load_scenes([project / "scenes/tableau.hu", project / "assets/models/my thing.obj"])
    with pytest.raises(InputError, match="several files"):
        new_files(scene, project / "scenes/other.hu")


def test_files_that_are_there_are_named_before_anything_is_written(project: Path) -> None:
    scene, path = model(project), project / "scenes/new.hu"
    path.with_name("new.assets.hu").write_text("mine")
    files = new_files(scene, path)
    assert files.taken() == [path.with_name("new.assets.hu")]
    assert path.with_name("new.assets.hu").read_text() == "mine"
    assert is_own(load_scene(project / "scenes/tableau.hu"), project / "scenes/../scenes/tableau.hu")
    assert not is_own(scene, path)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Writing a scene itself fails, after its database was written; the list has what was written."""
    real = elsewhere.write_atomically
    written: list[Path] = []

    def write(path: Path, content: str | bytes, *, follow: bool = True) -> None:
        if path.name == "new.hu" and isinstance(content, str):
            real(path / "impossible", content)
        real(path, content, follow=follow)
        written.append(path)

    monkeypatch.setattr(elsewhere, "write_atomically", write)
    return written


def test_where_a_file_cannot_be_written_no_new_folder_stays(project: Path, full_disk: list[Path]) -> None:
    scene, path = model(project), project / "scenes/full/new/new.hu"
    with pytest.raises(InputError, match="cannot write"):
        new_files(scene, path).write()
    assert path.with_name("new.assets.hu") in full_disk
    assert not (project / "scenes/full").exists()
    assert (project / "scenes").is_dir()


@pytest.mark.parametrize("is_there", [True, False])
def test_where_one_file_cannot_be_written_none_is(
    project: Path, full_disk: list[Path], is_there: bool
) -> None:
    scene, path = model(project), project / "scenes/new.hu"
    beside = path.with_name("new.assets.hu")
    if is_there:
        beside.write_text("mine")
    with pytest.raises(InputError, match="cannot write"):
        new_files(scene, path).write()
    assert beside in full_disk
    assert not path.exists()
    assert beside.exists() == is_there
    assert not is_there or beside.read_text() == "mine"
