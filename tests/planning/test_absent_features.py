"""A frame may lack camera, light and model; each of them is reported once, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.one_bad import make_project
from support.random_scenes import profile

from engine.planning.offline import plan_scene
from engine.planning.problems.absent_features import ABSENT

WANTED = ("camera", "light", "visibleModel")
PARTS = {
    "camera": "camera: { features: [{ @type: camera }] }",
    "light": "light: { features: [{ @type: light }] }",
    "visibleModel": "model: { features: [{ @type: visibleModel  asset: [db good] }] }",
}


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with assets."""
    return make_project(tmp_path_factory.mktemp("absent") / "project").parent


def scene(folder: Path, *parts: str) -> Path:
    """A scene with these objects, from line 4 on."""
    path = folder / "absent.hu"
    objects = "\n".join(parts)
    path.write_text(f"version: 1 include: [assets.hu]\ntableau: {{ name: t\nobjects: {{\n{objects}\n}} }}\n")
    return path


def found(path: Path) -> list[tuple[str, int]]:
    """The names that are reported as absent, and the lines."""
    problems = plan_scene(path, profile("lavapipe"), (32, 32)).problems
    assert {problem.code for problem in problems} <= {ABSENT}
    assert all(problem.help for problem in problems)
    assert all(problem.position and problem.position.file == str(path) for problem in problems)
    return [(problem.message.split()[1], problem.position.line) for problem in problems]


def test_an_empty_tableau_has_none_of_them_at_the_line_of_the_tableau(assets):
    assert found(scene(assets)) == [(name, 2) for name in WANTED]


def test_a_file_without_a_tableau_has_none_of_them_at_its_first_line(assets):
    path = assets / "none.hu"
    path.write_text("\n\nassetDb: { name: db  assets: [] }\n")
    assert found(path) == [(name, 1) for name in WANTED]


@pytest.mark.parametrize("name", WANTED)
def test_what_no_object_has_is_reported_at_the_tableau(name, assets):
    others = [part for other, part in PARTS.items() if other != name]
    assert found(scene(assets, *others)) == [(name, 2)]


@pytest.mark.parametrize("name", WANTED)
@pytest.mark.parametrize("flag", ["active", "enabled"])
def test_what_is_switched_off_is_reported_at_its_feature(name, flag, assets):
    off = PARTS[name].replace(" }]", f"  {flag}: false }}]")
    parts = [off if part == name else text for part, text in PARTS.items()]
    assert found(scene(assets, *parts)) == [(name, 4 + WANTED.index(name))]


def test_all_of_them_are_there_in_a_scene_that_has_them(assets):
    assert found(scene(assets, *PARTS.values())) == []
