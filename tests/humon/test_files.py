"""Regular files within the size limit are read; anything else is an input error."""

import os
from pathlib import Path

import pytest

from engine.humon import InputError, read


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    (problem,) = caught.value.problems
    assert str(problem.position) == str(path)
    return problem.code


def test_file_is_read_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.hu"
    path.write_text("a: 1")
    assert str(read(path).root["a"].position) == f"{path}:1:4"
    assert str(read(path, "scenes/a.hu").root["a"].position) == "scenes/a.hu:1:4"


def test_missing_file_is_an_input_error(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.hu") == "file.missing"
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file" / "a.hu") == "file.missing"


def test_folder_is_rejected(tmp_path: Path) -> None:
    assert refusal(tmp_path) in ("file.kind", "file.unreadable")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_fifo_is_rejected_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.hu")
    assert refusal(tmp_path / "fifo.hu") == "file.kind"


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no /dev/zero")
def test_device_is_rejected() -> None:
    assert refusal(Path("/dev/zero")) == "file.kind"


def test_huge_file_is_rejected_by_its_size_before_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("engine.humon.files.parse")
    path = tmp_path / "huge.hu"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    assert refusal(path) == "humon.size"


def test_impossible_file_name_is_an_input_error() -> None:
    assert refusal(Path("a\0b")) == "file.unreadable"
