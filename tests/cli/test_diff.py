"""`diff` and `plan --against`: the difference of two plans, without a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import Run

from engine.humon import parse

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


@pytest.mark.parametrize("given", ["diff", "--against"])
def test_after_is_what_the_second_plan_says(engine: Run, tmp_path: Path, old: Path, given: str) -> None:
    wanted = ("--profile", "lavapipe", "--size", "200x100")
    new = tmp_path / "new.hu"
    assert engine("plan", SCENE, *wanted, "--out", str(new)).returncode == 0
    done = engine("diff", old, new) if given == "diff" else engine("plan", SCENE, *wanted, "--against", old)
    assert done.returncode == 0, done.stderr
    found = parse(done.stdout, "diff").root["difference"]
    before, after = (parse(path.read_text(), "plan").root["featureDb"]["plannedBytes"] for path in (old, new))
    assert (found["plannedBefore"].text, found["plannedAfter"].text) == (before.text, after.text)
    change = int(found["allocated"].text) - int(found["freed"].text)
    assert int(after.text) - int(before.text) == change < 0


def test_a_schedule_names_databases_by_their_names(engine: Run, tmp_path: Path, old: Path) -> None:
    empty = tmp_path / "empty.hu"
    profile = parse(old.read_text(), "plan").root["featureDb"]["profile"].text
    empty.write_text(f"featureDb: {{ profile: '{profile}' memoryPlan: {{ }} }}\n", encoding="utf-8")
    done = engine("diff", empty, old, "--profile", "lavapipe")
    assert done.returncode == 0, done.stderr
    assert "[assetDb0 schedule buffers" in done.stdout
    assert "[builtin schedule" in done.stdout
    assert "assetDb1" not in done.stdout


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
