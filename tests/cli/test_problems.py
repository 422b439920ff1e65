"""The commands that need no device report the problems that drawing a scene reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

import pytest
from support.one_bad import MISFITS, make_project
from support.random_scenes import profile

from engine.cli.main import main
from engine.planning.offline import plan_scene
from features.camera import Camera
from features.light import Light


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene with a mesh that does not fit its material, without its light."""
    intact = make_project(tmp_path_factory.mktemp("problems") / "intact")
    scene = MISFITS[0].damage(intact, intact.parent.parent / "project")
    scene.write_text(scene.read_text().replace("@type: light", "@type: light  active: false"))
    return scene


@pytest.mark.parametrize("command", [["plan"], ["why"], ["cook"]])
def test_each_command_prints_the_problems_of_the_scene_once_and_ends_with_0(command, bad, capsys):
    question = ["sceneColor"] if command == ["why"] else []
    assert main([*command, str(bad), *question]) == 0
    said = capsys.readouterr().err
    problems = plan_scene(bad, profile("lavapipe")).problems
    assert [problem.code for problem in problems] == ["shader.interface", "feature.absent"]
    assert said == "".join(f"{problem.render()}\n" for problem in problems)


def raises(*_: object) -> NoReturn:
    raise RuntimeError("no bulb")


def gives_rubbish(*_: object) -> str:
    return "north"


@pytest.mark.parametrize("code", [raises, gives_rubbish])
@pytest.mark.parametrize(
    ("feature", "method"), [(Light, "frame_values"), (Camera, "view"), (Light, "passes")]
)
def test_what_a_feature_does_wrong_in_a_frame_is_reported_without_one(
    code, feature, method, bad, monkeypatch, capsys
):
    monkeypatch.setattr(feature, method, code)
    scene = bad.with_name("lit.hu")
    scene.write_text(bad.read_text().replace("  active: false", ""))
    assert main(["cook", str(scene)]) == 0
    said = capsys.readouterr().err
    assert said.count("warning[") == 2
    why = r"its code raised \w+Error" if code is raises else f"what `{method}` returns is "
    assert re.search(rf"{feature.type_name} on '\w+' is switched off: {why}", said)
