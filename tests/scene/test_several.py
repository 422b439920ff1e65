"""Claims about several scene files in one scene: names, databases, errors, settings, saving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.feature import Registry
from engine.humon import InputError
from engine.scene import Scene, load_scenes

from .conftest import ASSETS

MODEL = "{ features: [ { @type: visibleModel  asset: [assetDb0 cube] } ] }"


def text(objects: str, head: str = "include: [assets.hu]\n", flags: str = "") -> str:
    return f"{head}tableau: {{ {flags} objects: {{ {objects} }} }}\n"


Open = Callable[..., Scene]


@pytest.fixture
def several(write: Callable[[str, str], Path], registry: Registry, tmp_path, monkeypatch) -> Open:
    """Open scenes from texts by their file names, in the folder `scenes`, all with one database."""
    monkeypatch.chdir(tmp_path)
    write(ASSETS, "scenes/assets.hu")

    def several(**texts: str) -> Scene:
        paths = [write(content, f"scenes/{name}.hu") for name, content in texts.items()]
        return load_scenes(paths, registry)

    return several


def test_the_objects_of_each_file_are_below_an_object_with_its_name(several):
    scene = several(A=text(f"cube: {MODEL}"), B=text(f"cube: {MODEL}  lamp: {{ objects: {{ bulb: {{}} }} }}"))
    paths = [scene.tableau.path(row) for row in scene.tableau.rows().tolist()]
    assert paths == ["A", "A/cube", "B", "B/cube", "B/lamp", "B/lamp/bulb"]
    assert str(scene.tableau["B"].position) == "scenes/B.hu:2:1"
    assert str(scene.tableau["B/cube"].position).startswith("scenes/B.hu:2:")
    assert [len(part.files) for part in scene.parts] == [2, 2]


def test_one_file_has_its_objects_at_the_top(several):
    assert "cube" in several(A=text(f"cube: {MODEL}")).tableau


def test_a_name_that_is_taken_gets_a_number(several, registry, write):
    path = write(text("a: {}"), "scenes/A.hu")
    other = write(text("a: {}"), "scenes/more/a.hu")
    last = write(text("a: {}"), "scenes/last/A.hu")
    write(ASSETS.replace("assetDb0", "assetDb1"), "scenes/more/assets.hu")
    write(ASSETS.replace("assetDb0", "assetDb2"), "scenes/last/assets.hu")
    scene = load_scenes([path, last, other], registry)
    assert [child.name for child in scene.tableau.children()] == ["A", "A2", "a3"]


@pytest.mark.parametrize("again", ["A.hu", "../scenes/A.hu", "link.hu", "B.hu"])
def test_a_tableau_that_is_given_twice_is_there_once_with_a_warning(several, registry, write, again):
    scene = several(A=text("a: {}"), C=text("c: {}"))
    paths = [part.files[0].path for part in scene.parts]
    folder = paths[0].parent
    (folder / "link.hu").symlink_to("A.hu")
    write("include: [A.hu]", "scenes/B.hu")
    scene = load_scenes([paths[0], folder / again, paths[1]], registry)
    assert [child.name for child in scene.tableau.children()] == ["A", "C"]
    (problem,) = scene.warnings
    assert (problem.code, str(problem.position)) == ("scene.twice", "scenes/A.hu:2:1")
    assert again in problem.message
    assert problem.help


def test_a_name_that_no_object_can_have_is_replaced(write, registry):
    path, other = (write(text("a: {}", head=""), f"scenes/{name}.hu") for name in ("@x", "B"))
    scene = load_scenes([path, other], registry)
    assert [child.name for child in scene.tableau.children()] == ["tableau", "B"]


def test_a_database_that_both_include_is_there_once(several):
    scene = several(A=text(f"cube: {MODEL}"), B=text(f"box: {MODEL}"))
    assert [(db.id, db.name) for db in scene.dbs] == [(1, "assetDb0")]
    assert scene.tableau["A/cube"].visibleModel.asset == scene.tableau["B/box"].visibleModel.asset


def test_databases_of_one_name_in_two_files_are_two_and_each_file_means_its_own(several, write):
    write(ASSETS, "scenes/sub/more.hu")
    scene = several(A=text(f"cube: {MODEL}"), B=text(f"cube: {MODEL}", head="include: [sub/more.hu]\n"))
    assert [(db.id, db.name) for db in scene.dbs] == [(1, "assetDb0"), (2, "B.assetDb0")]
    keys = [scene.tableau[path].visibleModel.asset >> 32 for path in ("A/cube", "B/cube")]
    assert keys == [1, 2]
    scene.apply_setting("B/cube.visibleModel.asset=[assetDb0 0]")
    assert scene.tableau["B/cube"].visibleModel.asset >> 32 == 2


def test_two_databases_with_one_cache_are_an_error_of_the_second_file(several, write):
    write(ASSETS.replace("assetDb0\n", "other  cacheFile: assetDb0.ogCache\n"), "scenes/more.hu")
    scene = several(A=text("a: {}"), B=text("b: {}", head="include: [more.hu]\n"))
    (problem,) = scene.left_out
    assert (problem.code, problem.position.file) == ("asset.cache_file", "scenes/more.hu")
    assert [db.name for db in scene.dbs] == ["assetDb0"]
    assert [child.name for child in scene.tableau.children()] == ["A", "B"]


@pytest.mark.parametrize("bad", ["A", "B"])
def test_a_file_that_cannot_be_read_is_left_out_and_does_not_hide_the_other(several, bad):
    wrong = text(f"cube: {MODEL}  {{ }}")
    texts = {"A": text(f"cube: {MODEL}"), "B": text(f"cube: {MODEL}"), bad: wrong}
    scene = several(**texts)
    (problem,) = scene.rejected
    assert (problem.code, problem.position.file) == ("humon.no_key", f"scenes/{bad}.hu")
    (kept,) = scene.tableau.children()
    assert kept.name != bad
    assert len(scene.tableau) == 2
    assert len(scene.tableau.tables["visibleModel"]) == 1
    assert [db.id for db in scene.dbs] == [1]


def test_a_file_that_is_missing_does_not_hide_the_other(several, registry, tmp_path):
    several(A=text("a: {}"))
    scene = load_scenes([tmp_path / "scenes/A.hu", tmp_path / "scenes/none.hu"], registry)
    assert [problem.code for problem in scene.rejected] == ["file.missing"]
    assert "A/a" in scene.tableau


def test_without_a_file_that_can_be_loaded_every_problem_is_raised(several):
    with pytest.raises(InputError) as raised:
        several(A=text("a: { } { }"), B=text("b: { } { }"))
    places = [(problem.code, problem.position.file) for problem in raised.value.problems]
    assert places == [("humon.no_key", "scenes/A.hu"), ("humon.no_key", "scenes/B.hu")]


def test_flags_of_a_tableau_are_those_of_its_object(several):
    scene = several(
        A=text("a: {}", flags="active: false"), B=text("b: {}", flags="enabled: false"), C=text("c: {}")
    )
    tableau = scene.tableau
    assert [(tableau[name].active, tableau[name].enabled) for name in "ABC"] == [
        (False, True),
        (True, False),
        (True, True),
    ]
    assert tableau.active
    assert tableau.enabled
    scene.apply_setting("A.active=true")
    scene.apply_setting("B.enabled=true")
    assert tableau["A/a"].effective_active
    assert tableau["B/b"].effective_enabled


def test_each_file_is_saved_by_itself(several, tmp_path):
    texts = {"A": text(f"cube: {MODEL}"), "B": text(f"cube: {MODEL}  gone: {{}}")}
    scene = several(**texts)
    assert not scene.save()
    scene.tableau["B/cube"].translation = (1, 2, 3)
    scene.tableau["B"].enabled = False
    scene.tableau.add_object("fresh", "A/cube")
    scene.tableau.remove("B/gone")
    assert scene.save()
    saved = {name: (tmp_path / f"scenes/{name}.hu").read_text() for name in texts}
    assert "fresh" in saved["A"]
    assert "translation" not in saved["A"]
    assert "translation: [1 2 3]" in saved["B"]
    assert "enabled: false" in saved["B"]
    assert "gone" not in saved["B"]
    assert "A:" not in saved["A"]
    again = load_scenes([tmp_path / f"scenes/{name}.hu" for name in texts], scene.registry).tableau
    assert again["B/cube"].translation.tolist() == [1, 2, 3]
    assert not again["B"].enabled
    assert "A/cube/fresh" in again


def test_what_belongs_to_no_file_is_not_saved_with_an_error(several):
    scene = several(A=text("a: {}"), B=text("b: {}"))
    scene.tableau.add_object("free")
    scene.tableau["A/a"].translation = (1, 0, 0)
    with pytest.raises(InputError, match=r"scene.no_tableau"):
        scene.save()
    assert "translation" in Path("scenes/A.hu").read_text()


def test_an_asset_of_the_other_file_cannot_be_saved(several, write):
    write(ASSETS, "scenes/sub/more.hu")
    scene = several(A=text(f"cube: {MODEL}"), B=text(f"cube: {MODEL}", head="include: [sub/more.hu]\n"))
    scene.tableau["A/cube"].visibleModel.asset = scene.tableau["B/cube"].visibleModel.asset
    with pytest.raises(InputError, match=r"asset.reference"):
        scene.save()


def test_a_tableau_that_was_removed_leaves_its_file_alone(several):
    scene = several(A=text("a: {}"), B=text("b: {}"))
    before = Path("scenes/A.hu").read_text()
    scene.tableau.remove("A")
    assert not scene.save()
    assert Path("scenes/A.hu").read_text() == before
