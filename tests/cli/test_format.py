"""`format` formats files, keeps comments, and never leaves half a file behind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Run
from support.limits import limit

from engine.humon import InputError
from engine.humon.saving import write_atomically

UNTIDY = "// the first\ntableau: { name:   a\n objects: { cube: { translation: [0   0.5 0] } } } // last\n"


@pytest.fixture
def untidy(tmp_path: Path) -> Path:
    path = tmp_path / "untidy.hu"
    path.write_text(UNTIDY, encoding="utf-8")
    return path


def test_a_file_is_formatted_once_and_then_left_alone(engine: Run, untidy: Path) -> None:
    assert engine("format", untidy).returncode == 0
    tidy = untidy.read_text(encoding="utf-8")
    assert tidy != UNTIDY
    stamp = untidy.stat().st_mtime_ns
    assert engine("format", untidy).returncode == 0
    assert untidy.read_text(encoding="utf-8") == tidy
    assert untidy.stat().st_mtime_ns == stamp


def test_comments_and_values_stay(engine: Run, untidy: Path) -> None:
    engine("format", untidy)
    tidy = untidy.read_text(encoding="utf-8")
    assert "// the first" in tidy
    assert "// last" in tidy
    assert "0.5" in tidy


def test_check_changes_nothing_and_ends_with_1_only_where_a_file_would_change(
    engine: Run, untidy: Path
) -> None:
    done = engine("format", "--check", untidy)
    assert done.returncode == 1
    assert f"{untidy}: would change" in done.stderr
    assert untidy.read_text(encoding="utf-8") == UNTIDY
    engine("format", untidy)
    assert engine("format", "--check", untidy).returncode == 0


def test_the_problems_of_all_files_are_reported_and_none_is_written(
    engine: Run, untidy: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.hu"
    broken.write_text("a: [ 1 2\n", encoding="utf-8")
    done = engine("format", untidy, broken, tmp_path / "absent.hu")
    assert done.returncode == 2
    assert "broken.hu:1:4: error[humon.unclosed]" in done.stderr
    assert "absent.hu: error[file.missing]" in done.stderr
    assert "Traceback" not in done.stderr
    assert untidy.read_text(encoding="utf-8") == UNTIDY


def test_it_works_where_no_package_is_installed(root: Path, untidy: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(root)!r})\nfrom engine.cli.main import main\n"
    code += f"sys.exit(main(['format', {str(untidy)!r}]))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scene.hu"
    path.write_text("old", encoding="utf-8")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"output\.write.*No space left"):
        write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["scene.hu"]


def test_permissions_and_links_survive_a_rewrite(tmp_path: Path) -> None:
    path = tmp_path / "scene.hu"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    link = tmp_path / "link.hu"
    link.symlink_to(path)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
