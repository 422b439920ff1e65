"""The benchmark harness: rows with a value or a reason, in the table and in the file."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support.limits import limit

KEYS = ["name", "value", "unit", "reference", "reference_value", "ratio", "aim", "holds", "driver"]


@pytest.fixture(scope="module")
def harness(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_harness", root / "tests/bench/harness.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bench(root: Path, tmp_path: Path) -> Path:
    """A copy of the harness with two areas: one that measures, one that fails halfway."""
    folder = tmp_path / "tests" / "bench"
    folder.mkdir(parents=True)
    for name in ("harness.py", "__main__.py"):
        (folder / name).write_text(
            (root / "tests/bench" / name).read_text(encoding="utf-8"), encoding="utf-8"
        )
    (folder / "bench_good.py").write_text(
        "from harness import Row\n\n\ndef rows():\n"
        "    yield Row('good.speed', 2.0, 's', 'the other', 4.0, aim='<= 3 s', holds=True)\n"
        "    yield Row('good.gpu', skipped='no GPU here')\n",
        encoding="utf-8",
    )
    (folder / "bench_bad.py").write_text(
        "from harness import Row\n\n\ndef rows():\n"
        "    yield Row('bad.first', 1, 's')\n"
        "    raise ValueError('broken')\n",
        encoding="utf-8",
    )
    return folder


def run(bench: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(bench), "--out", str(bench / "out.json"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=limit(60), check=False)


def test_a_row_works_out_its_ratio(harness: ModuleType) -> None:
    assert harness.Row("a.b", 3.0, "s", "other", 2.0).ratio == 1.5


def test_a_row_needs_a_value_or_the_reason_why_there_is_none(harness: ModuleType) -> None:
    with pytest.raises(ValueError, match="either"):
        harness.Row("a.b")
    with pytest.raises(ValueError, match="either"):
        harness.Row("a.b", 1.0, skipped="why")
    with pytest.raises(ValueError, match=r"area\.what"):
        harness.Row("no area", 1.0)


def test_a_row_has_the_documented_keys_in_their_order(harness: ModuleType) -> None:
    assert list(harness.Row("a.b", 1.0).to_json()) == KEYS
    assert harness.Row("a.b", skipped="no GPU").to_json()["skipped"] == "no GPU"


def test_one_area_is_measured_alone_and_written_as_a_list(bench: Path) -> None:
    done = run(bench, "--only", "good")
    assert done.returncode == 0, done.stderr
    rows = json.loads((bench / "out.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == ["good.speed", "good.gpu"]
    assert rows[0]["ratio"] == 0.5
    assert rows[1]["skipped"] == "no GPU here"
    assert "no GPU here" in done.stdout


def test_an_area_that_fails_halfway_keeps_its_rows_and_fails_the_run(bench: Path) -> None:
    done = run(bench)
    assert done.returncode == 1
    rows = json.loads((bench / "out.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == ["bad.first", "bad.all_rows", "good.speed", "good.gpu"]
    assert "ValueError: broken" in done.stderr


def test_an_unknown_area_is_an_error_that_names_the_known_ones(bench: Path) -> None:
    done = run(bench, "--only", "speed")
    assert done.returncode == 2
    assert "bad, good" in done.stderr
