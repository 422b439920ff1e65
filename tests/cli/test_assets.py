"""`assets` lists the diff of every assetDb, as a table, as Humon and as JSON, and writes no cache."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import Run
from support.projects import TRIANGLE_DB, Project

from engine.assets import open_library
from engine.assets.cache.lock import cache_lock
from engine.cli.asset_table import size_text
from engine.cli.last_plans import LastPlan, last_plan, note_plan
from engine.cli.main import main
from engine.humon import parse

TABLEAU = """include: [db.hu]
tableau: { objects: { thing: { features: [{ @type: visibleModel  asset: [db thing] }] } } }
"""


@pytest.fixture(autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, with nothing of earlier runs."""
    folder = tmp_path_factory.mktemp("user-cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "diorama"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose one database draws a triangle."""
    return Project(tmp_path / "project")


@pytest.fixture
def builtin(root: Path, tmp_path: Path) -> Path:
    """A copy of the scenes and assets in which nothing is cooked."""
    for folder in ("scenes", "assets"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.ogCache*"))
    return tmp_path


@pytest.fixture
def scene(project: Project) -> Path:
    """A scene with the triangle's database, cooked."""
    path = project.write("scenes/scene.hu", TABLEAU)
    open_library([project.db(TRIANGLE_DB)]).close()
    return path


def found(engine: Run, *arguments: object) -> dict[str, Any]:
    """What a diff says as JSON."""
    done = engine("assets", *arguments, "--diff", "--format", "json")
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def assets_of(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{one['@type']} {one['name']}": one for db in shown["assetDbs"] for one in db["assets"]}


def spoil(project: Project) -> None:
    """One of each: another texture, a broken one, a missing shader, an edited material."""
    project.picture("assets/picture.png", np.zeros((4, 4, 4), np.uint8))
    project.write("assets/bumps.png", b"no picture")
    (project.root / "assets/plain.vs.glsl").unlink()
    project.db(TRIANGLE_DB.replace("name: plain ", "name: plain  parameters: { roughness: 0.5 } "))


def test_json_says_what_the_page_describes(engine: Run, project: Project, scene: Path) -> None:
    spoil(project)
    shown = found(engine, scene)
    assets = assets_of(shown)
    (db,) = shown["assetDbs"]
    assert (db["name"], db["records"], db["staleBytes"]) == ("db", 9, 4 * 21)
    assert list(assets) == [
        "model thing",
        "material plain",
        "shader vs",
        "texture2d picture",
        "texture2d bumps",
    ], "in the order of the text"
    texture = assets["texture2d picture"]
    assert texture == {
        "@type": "texture2d",
        "index": 7,
        "name": "picture",
        "state": "stale",
        "bytes": 84,
        "causes": ["source", "layout"],
        "why": "'assets/picture.png' has changed",
        "dependants": ["model 'thing'", "material 'plain'"],
    }
    broken = assets["texture2d bumps"]
    assert broken["state"] == "broken"
    assert broken["problem"]["code"] == "texture.format"
    assert broken["problem"]["at"].endswith("assets/bumps.png")
    assert assets["shader vs"]["problem"]["code"] == "file.missing"
    material = assets["material plain"]
    assert material["fields"] == [{"field": "parameters.roughness", "now": [0.5]}]
    assert material["parts"] == ["shader 'vs'", "texture2d 'picture'", "texture2d 'bumps'"]
    difference = shown["difference"]
    assert (difference["cooked"], difference["laidOut"]) == (84, 84)
    assert "plannedBefore" not in difference
    assert difference["noPlanBefore"] == "no run of this tableau is known"


def test_every_key_that_is_written_is_on_the_page(
    engine: Run, project: Project, scene: Path, root: Path
) -> None:
    note_plan(scene, LastPlan("a device", 640, 480, 7))
    (project.root / "scenes/db.ogCache.records").unlink()
    page = (root / "docs/assets.md").read_text()
    keys: set[str] = set()

    def collect(value: object) -> None:
        for key, child in value.items() if isinstance(value, dict) else ():
            keys.add(key)
            collect(child)
        for child in value if isinstance(value, list) else ():
            collect(child)

    collect(found(engine, scene))
    open_library(
        [project.db(TRIANGLE_DB.replace("name: bumps", "name: dents").replace(": bumps", ": dents"))]
    ).close()
    spoil(project)
    collect(found(engine, scene))
    done = engine("assets", scene, "--format", "json")
    collect(json.loads(done.stdout))
    assert {"plannedBefore", "unrecorded", "removed", "problem", "fields", "unused"} - keys == {"unused"}
    assert not [key for key in sorted(keys) if f"`{key}`" not in page]


def test_the_same_databases_give_the_same_bytes_in_every_form(
    engine: Run, project: Project, scene: Path
) -> None:
    spoil(project)
    for form in ("json", "humon", "table"):
        texts = {engine("assets", scene, "--diff", "--format", form).stdout for _ in range(3)}
        assert len(texts) == 1, form


def test_humon_has_the_values_of_json(engine: Run, project: Project, scene: Path) -> None:
    spoil(project)
    shown = found(engine, scene)
    text = engine("assets", scene, "--diff").stdout
    (db,) = parse(text, "diff.hu").root["assetDbs"]
    (listed,) = shown["assetDbs"]
    assert [one["name"].text for one in db["assets"]] == [one["name"] for one in listed["assets"]]
    assert [one["state"].text for one in db["assets"]] == [one["state"] for one in listed["assets"]]


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_of_the_table_is_longer_than_the_terminal(
    engine: Run, project: Project, scene: Path, columns: int
) -> None:
    long = "a-very-long-name-of-a-texture-that-no-column-of-a-terminal-with-80-columns-has-room-for"
    project.db(
        TRIANGLE_DB.replace("name: picture", f"name: {long}").replace("albedo: picture", f"albedo: {long}")
    )
    for arguments in ((scene, "--diff"), (scene,)):
        done = engine("assets", *arguments, "--format", "table", COLUMNS=str(columns))
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stdout.splitlines())) <= columns
        assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]


def test_the_table_aligns_states_bytes_and_what_changed(
    project: Project, scene: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(project)
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["assets", str(scene), "--diff", "--format", "table"]) == 0
    text = capsys.readouterr().out
    assert (
        text.partition("\n\non a device")[0]
        == """\
db: 5 of 9 assets differ
  scenes/db.hu, 974 B in scenes/db.ogCache, 84 B to cook

  changed        material 'plain'
                   parameters.roughness was unset, is 0.5
                   used by model 'thing'
  missing        shader 'vs'
                   assets/plain.vs.glsl: [file.missing] there is no file 'assets/plain.vs.glsl'
                   used by model 'thing', material 'plain'
  stale    84 B  texture2d 'picture'
                   'assets/picture.png' has changed
                   it is laid out again
                   used by model 'thing', material 'plain'
  broken         texture2d 'bumps'
                   assets/bumps.png: [texture.format] the file is neither PNG, JPEG, WebP, TIFF, KTX
                     2, OpenEXR nor Radiance HDR
                   used by model 'thing', material 'plain'
  follow         model 'thing'"""
    )


def test_a_table_says_that_nothing_differs(engine: Run, scene: Path) -> None:
    done = engine("assets", scene, "--diff", "--format", "table")
    assert done.stdout.startswith("everything is as it was cooked\n\non a device as lavapipe\n")


def test_a_table_names_the_first_of_many_that_follow(engine: Run, project: Project) -> None:
    more = "".join(f"{{ @type: model  name: m{i}  mesh: thing  material: plain }}\n" for i in range(60))
    text = TRIANGLE_DB.replace("{ @type: model", more + "{ @type: model", 1)
    scene = project.write("scenes/scene.hu", TABLEAU)
    open_library([project.db(text)]).close()
    project.picture("assets/picture.png", np.zeros((4, 4, 4), np.uint8))
    done = engine("assets", scene, "--diff", "--format", "table", COLUMNS="80")
    assert " and 22 more" in done.stdout
    assert " and 54 more" in done.stdout
    assert len(found(engine, scene)["assetDbs"][0]["assets"]) == 63


def test_bytes_are_in_the_largest_unit_that_they_fill() -> None:
    assert [size_text(size) for size in (0, 1023, 1024, 1048524, 1048576, 3 << 40)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1023.9 KiB",
        "1.0 MiB",
        "3.0 TiB",
    ]


def test_a_project_without_a_scene_says_what_is_broken_and_how_much_is_to_cook(
    engine: Run,
    project: Project,
    scene: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(project)
    monkeypatch.chdir(project.root)
    assert main(["assets", "--diff", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {name: one["state"] for name, one in assets_of(shown).items()} == {
        "model thing": "changed",
        "material plain": "changed",
        "shader vs": "missing",
        "texture2d picture": "stale",
        "texture2d bumps": "broken",
    }
    assert shown["assetDbs"][0]["staleBytes"] == 84
    assert "difference" not in shown


def test_the_last_run_of_a_tableau_is_what_planned_before_says(
    engine: Run, project: Project, scene: Path
) -> None:
    note_plan(scene, LastPlan("a device", 640, 480, 12345))
    difference = found(engine, scene)["difference"]
    assert difference["plannedBefore"] == 12345
    assert difference["ranBefore"] == {"device": "a device", "size": [640, 480]}
    assert "noPlanBefore" not in difference
    assert "12.1 KiB  a device, 640x480" in engine("assets", scene, "--diff", "--format", "table").stdout


def test_later_runs_replace_what_was_noted_and_leave_other_tableaus(tmp_path: Path) -> None:
    one, other = tmp_path / "one.hu", tmp_path / "other.hu"
    for number, path in enumerate((one, other, one), 1):
        note_plan(path, LastPlan("a device", 1, 1, number))
    assert (last_plan(one), last_plan(other)) == (
        LastPlan("a device", 1, 1, 3),
        LastPlan("a device", 1, 1, 2),
    )


def test_of_many_tableaus_those_that_ran_last_are_kept(
    caches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cli.last_plans._MOST", 3)
    for number in range(5):
        note_plan(tmp_path / f"{number}.hu", LastPlan("a device", 1, 1, number))
    known = [number for number in range(5) if last_plan(tmp_path / f"{number}.hu") is not None]
    assert known == [2, 3, 4]


@pytest.mark.parametrize(
    "content",
    [b"", b"DIOPLAN1", b"DIOPLAN2\0\0\0\0[]", b"DIOPLAN1\0\0\0\0[]", b"\xff" * 100],
    ids=["empty", "cut", "other version", "wrong checksum", "binary"],
)
def test_a_damaged_file_of_plans_holds_nothing_and_is_written_again(
    caches: Path, tmp_path: Path, content: bytes
) -> None:
    caches.mkdir(parents=True)
    (caches / "last-plans.bin").write_bytes(content)
    assert last_plan(tmp_path / "scene.hu") is None
    note_plan(tmp_path / "scene.hu", LastPlan("a device", 1, 1, 5))
    assert last_plan(tmp_path / "scene.hu") == LastPlan("a device", 1, 1, 5)


@pytest.mark.parametrize("place", ["a file as the folder", "a folder as the file", "a link as the file"])
def test_plans_that_cannot_be_noted_cost_nothing_else(caches: Path, tmp_path: Path, place: str) -> None:
    if place == "a file as the folder":
        caches.write_bytes(b"")
    elif place == "a folder as the file":
        (caches / "last-plans.bin").mkdir(parents=True)
    else:
        caches.mkdir()
        (caches / "last-plans.bin").symlink_to(tmp_path / "target")
    note_plan(tmp_path / "scene.hu", LastPlan("a device", 1, 1, 5))
    assert last_plan(tmp_path / "scene.hu") is None
    assert not (tmp_path / "target").exists()


def test_runs_that_end_at_the_same_time_are_all_noted(tmp_path: Path) -> None:
    def note(number: int) -> None:
        note_plan(tmp_path / f"{number}.hu", LastPlan("a device", 1, 1, number))

    threads = [threading.Thread(target=note, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [last_plan(tmp_path / f"{number}.hu") for number in range(8)] == [
        LastPlan("a device", 1, 1, number) for number in range(8)
    ]


def test_a_folder_that_cannot_be_written_is_compared_as_any_other(
    engine: Run, project: Project, scene: Path
) -> None:
    spoil(project)
    before = found(engine, scene)
    folder = project.root / "scenes"
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    try:
        assert assets_of(found(engine, scene)).keys() == assets_of(before).keys()
    finally:
        folder.chmod(mode)


def test_a_diff_does_not_wait_for_a_cook_of_another_process(
    engine: Run, project: Project, scene: Path
) -> None:
    spoil(project)
    with cache_lock(project.root / "scenes/db.ogCache"):
        assert "texture2d picture" in assets_of(found(engine, scene))


@pytest.mark.gpu
def test_a_headless_run_notes_what_it_has_planned(project: Project, scene: Path, tmp_path: Path) -> None:
    from viewer.main import main as viewer

    report = tmp_path / "report.json"
    assert viewer([str(scene), "--headless", "--size", "64x48", "--report", str(report)]) == 0
    noted = last_plan(scene.resolve())
    assert noted is not None
    assert (noted.width, noted.height) == (64, 48)
    assert noted.planned == json.loads(report.read_text())["plan"]["planned_bytes"]


def test_assets_lists_what_would_be_cooked_and_cooks_nothing(engine: Run, builtin: Path) -> None:
    scene = builtin / "scenes" / "cube.hu"
    first = engine("assets", scene, "--diff")
    assert first.returncode == 0, first.stderr
    assert "state: stale" in first.stdout
    assert not list(builtin.rglob("*.ogCache"))
    engine("cook", scene)
    assert "assets: [" not in engine("assets", scene, "--diff").stdout
    assert "state: cooked" in engine("assets", scene).stdout


def test_a_project_is_listed_without_the_files_that_have_errors_and_ends_as_several_scenes_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "good.hu").write_text("assetDb: { name: good  assets: [] }")
    monkeypatch.chdir(tmp_path)
    assert main(["assets"]) == 0
    (tmp_path / "wrong.hu").write_text("assetDb: { name: wrong  assets: [{ @type: mash }] }")
    (tmp_path / "torn.hu").write_text("assetDb: {")
    assert main(["assets"]) == 2
    printed = capsys.readouterr()
    assert printed.out.count("name: good") == 2
    assert "wrong.hu:1:34: warning[asset.type]" in printed.err
    assert "torn.hu:1:" in printed.err
    (tmp_path / "wrong.hu").unlink()
    (tmp_path / "torn.hu").unlink()
    (tmp_path / "broken.hu").write_text(
        "assetDb: { name: b  assets: [{ @type: texture2d  source: none.png }] }"
    )
    assert main(["assets"]) == 0, "a broken asset costs a placeholder, here as in cook"
    assert "state: missing" in capsys.readouterr().out
