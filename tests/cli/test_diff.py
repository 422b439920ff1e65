"""`diff` and `plan --against`: the difference of two plans, without a GPU."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.humon import parse

Run = Callable[..., subprocess.CompletedProcess[str]]
SCENE = "scenes/cube.hu"


@pytest.fixture
def old(engine: Run, tmp_path: Path) -> Path:
    path = tmp_path / "old.hu"
    assert engine("plan", SCENE, "--size", "320x200", "--out", str(path)).returncode == 0
    return path


def test_a_plan_is_compatible_with_itself(engine: Run, old: Path) -> None:
    done = engine("diff", str(old), str(old))
    assert done.returncode == 0, done.stderr
    root = parse(done.stdout, "diff").root
    assert root["difference"]["compatible"].text == "true"
    assert root["schedule"]["steps"].text == "0"


def test_another_size_remakes_the_attachments_alone(engine: Run, old: Path) -> None:
    done = engine("plan", SCENE, "--size", "640x400", "--against", str(old))
    assert done.returncode == 0, done.stderr
    root = parse(done.stdout, "diff").root
    assert int(root["difference"]["allocated"].text) == 4 * int(root["difference"]["freed"].text) > 0
    assert root["difference"]["transferred"].text == "0"
    assert root["difference"]["rows"]["pipelinePlan"]["created"].text == "0"


def test_an_edited_plan_is_refused(engine: Run, old: Path) -> None:
    old.write_text(old.read_text().replace("footprint: ", "footprint: 9", 1))
    done = engine("diff", str(old), str(old))
    assert done.returncode == 2
    assert "error[plan.text]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_a_plan_is_refused(engine: Run, old: Path) -> None:
    done = engine("diff", SCENE, str(old))
    assert done.returncode == 2
    assert "featureDb" in done.stderr
