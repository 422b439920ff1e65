"""Malformed files: each is refused or opened with a problem that names code and place; the rest is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.gltf_features import FEATURES
from support.gltf_files import GltfFile
from support.gltf_malformed import GOOD, Malformed, base
from support.gltf_odd_files import MALFORMED, ODD
from support.gltf_reading import opened
from support.model_opening import open_scene
from support.sampling import Sample

from engine.assets import open_library
from engine.cli.main import main as import_model
from engine.gltf import read_nodes
from engine.humon import InputError, Problem
from engine.scene import load_scene
from viewer.main import main as view


def folder_of(tmp_path: Path) -> Path:
    """A folder of models within a project, so that the root is not above the test's own folder."""
    folder = tmp_path / "project" / "assets"
    folder.mkdir(parents=True)
    return folder


def problems_of(case: Malformed, folder: Path) -> list[Problem]:
    """What is said of a file; one that opens must have a good object with its mesh."""
    path = case.write(folder)
    if case.whole:
        with pytest.raises(InputError) as caught:
            open_scene(path)
        return list(caught.value.problems)
    found = open_scene(path)
    assert "visibleModel" in found.scene.tableau[f"model/{GOOD}"]
    found.made("vertices", "mesh0")
    found.made("indices", "mesh0")
    return found.problems


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_a_malformed_file_has_code_and_place_and_the_rest_opens(case: Malformed, tmp_path: Path) -> None:
    problems = problems_of(case, folder_of(tmp_path))
    found = [problem for problem in problems if problem.code == case.code]
    assert found, [problem.render() for problem in problems]
    if case.pointer:
        assert any(f"(at {case.pointer}, byte " in problem.message for problem in found), found[0].message
    assert all("(as a scene)" not in problem.render() for problem in problems)


def test_there_are_more_than_160_kinds_with_names_of_their_own() -> None:
    assert len({case.name for case in MALFORMED}) == len(MALFORMED) > 160


@pytest.mark.parametrize("name", ODD)
def test_an_unusual_file_opens_whole_and_without_a_problem(name: str, tmp_path: Path) -> None:
    found = open_scene(ODD[name](folder_of(tmp_path)))
    assert [problem.render() for problem in found.problems] == []
    assert all(not result.entry.failure for result in found.results.values())


@pytest.mark.gpu
def test_damaged_and_unusual_files_are_imported_and_drawn_with_what_is_wrong_in_them(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: list[tuple[str, Callable[[Path], Path], bool]] = [
        *((case.name, case.write, case.whole) for case in MALFORMED),
        *((name, write, False) for name, write in ODD.items()),
    ]
    for number in sample.seeds(4, len(files)):
        name, write, is_whole = files[number % len(files)]
        folder = tmp_path / f"{number}"
        folder.mkdir()
        path = write(folder_of(folder))
        codes = [
            import_model(["import", str(path), "--out", str(folder / "project/scenes")]),
            view([str(path), "--headless", "--size", "32x32", "--no-validate"]),
        ]
        printed = capsys.readouterr().err
        assert "Traceback" not in printed, (name, printed)
        assert codes == [2 if is_whole else 0] * 2, (name, printed)


def test_the_file_that_is_broken_has_no_problem_before(tmp_path: Path) -> None:
    assert open_scene(base().write(folder_of(tmp_path) / "whole.gltf")).problems == []


@pytest.mark.parametrize("name", ["position of two numbers", "joint twice", "buffer that is missing"])
def test_with_all_assets_the_good_object_keeps_its_model(name: str, tmp_path: Path) -> None:
    case = next(case for case in MALFORMED if case.name == name)
    scene = load_scene(case.write(folder_of(tmp_path)))
    with open_library(scene.dbs) as library:
        reference = scene.asset("broken", "mesh0", ("mesh",))
        assert library.usable(reference) == reference
        codes = {problem.code for problem in (*scene.warnings, *library.problems)}
    assert case.code in codes


def test_a_missing_buffer_that_comes_later_is_read_then(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    path = FEATURES["triangle"]().write(folder / "model.gltf")
    content = (folder / "model.bin").read_bytes()
    (folder / "model.bin").unlink()
    scene = load_scene(path)
    with open_library(scene.dbs) as library:
        assert [problem.code for problem in library.problems].count("file.missing") == 1
    (folder / "model.bin").write_bytes(content)
    scene = load_scene(path)
    with open_library(scene.dbs) as library:
        assert library.problems == []


def test_a_problem_of_a_missing_buffer_keeps_its_own_hint(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    path = FEATURES["triangle"]().write(folder / "model.gltf")
    (folder / "model.bin").unlink()
    [problem] = [each for each in open_scene(path).problems if each.code == "file.missing"][:1]
    assert ".hu" not in problem.help


def test_thousands_of_broken_things_are_all_said_of_the_file(tmp_path: Path) -> None:
    file = GltfFile()
    good = file.mesh(file.quad())
    file.node(name=GOOD, mesh=good)
    for _ in range(2000):
        file.node(mesh=99)
    problems = read_nodes(opened(file).root).problems
    assert len({problem.message for problem in problems}) == 2000
    assert (
        "visibleModel"
        in open_scene(file.write(folder_of(tmp_path) / "broken.glb")).scene.tableau[f"model/{GOOD}"]
    )
