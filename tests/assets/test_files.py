"""FileGate: which files may be read."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from engine.assets import read_asset_db_file
from engine.assets.files import FileGate, FileRejectedError, folded
from engine.assets.roots import project_root
from engine.files import open_below, opening
from engine.humon import InputError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "assets").mkdir(parents=True)
    (root / "scenes").mkdir()
    (root / "assets" / "a.png").write_bytes(b"a")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return root


def code_of(gate: FileGate, text: str, base: Path) -> str:
    with pytest.raises(FileRejectedError) as caught:
        gate.resolve(text, base)
    assert caught.value.reason
    return caught.value.code


@pytest.mark.parametrize(
    "text",
    [
        "../../secret.png",
        "../assets/../../secret.png",
        "/etc/passwd",
        "\\\\server\\share\\a.png",
        "//server/share/a.png",
        "C:/windows/a.png",
        "c:a.png",
        "file:///etc/passwd",
        "file:a.png",
        "https://example.org/a.png",
    ],
)
def test_paths_outside_the_root_are_rejected(root: Path, text: str) -> None:
    assert code_of(FileGate(root), text, root / "scenes") == "file.outside"


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "..\\assets\\a.png", "a" * 5000 + "\0"])
def test_names_that_are_invalid_on_some_system_are_rejected_on_all(root: Path, text: str) -> None:
    assert code_of(FileGate(root), text, root / "scenes") == "file.name"


def test_a_path_that_leaves_the_root_and_comes_back_is_allowed(root: Path) -> None:
    found = FileGate(root).resolve("../../root/assets/a.png", root / "scenes")
    assert found == (root / "assets" / "a.png").resolve()


def test_each_part_of_a_long_path_is_looked_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = FileGate(root)
    looked: list[object] = []
    lstat = os.lstat
    monkeypatch.setattr(os, "lstat", lambda *given, **more: looked.append(given) or lstat(*given, **more))
    gate.resolve("a/" * 500 + "../" * 500 + "a.png", root / "assets")
    assert len(looked) < 700


def test_a_symbolic_link_out_of_the_root_is_rejected_and_one_within_is_followed(root: Path) -> None:
    (root / "assets" / "out.png").symlink_to(root.parent / "secret.png")
    (root / "assets" / "in.png").symlink_to("a.png")
    (root / "assets" / "folder").symlink_to(root.parent)
    gate = FileGate(root)
    assert code_of(gate, "../assets/out.png", root / "scenes") == "file.outside"
    assert code_of(gate, "../assets/folder/secret.png", root / "scenes") == "file.outside"
    assert gate.resolve("../assets/in.png", root / "scenes").name == "a.png"


def deep(root: Path) -> Path:
    """A file below several folders, and the same outside."""
    for top in (root, root.parent / "outside"):
        (top / "assets/a/b").mkdir(parents=True)
        (top / "assets/a/b/c.png").write_bytes(top.name.encode())
    return root / "assets/a/b/c.png"


def swap(root: Path, place: str) -> None:
    """Put a link to the same place outside where a file or folder of the root is."""
    (root / place).rename(root.parent / "moved")
    (root / place).symlink_to(root.parent / "outside" / place)


PLACES = ("assets", "assets/a", "assets/a/b", "assets/a/b/c.png")


@pytest.mark.parametrize("has_dir_fd", [True, False])
@pytest.mark.parametrize("moment", ["after it was resolved", "after it was looked at"])
@pytest.mark.parametrize("place", PLACES)
def test_a_link_that_comes_after_the_check_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, moment: str, has_dir_fd: bool
) -> None:
    monkeypatch.setattr(opening, "_HAS_DIR_FD", has_dir_fd)
    root = tmp_path / "project"
    deep(root)
    gate = FileGate(root)
    path = gate.resolve("a/b/c.png", root / "assets")
    assert gate.read(path)[0] == b"project"
    if moment == "after it was resolved":
        swap(root, place)
    else:
        stamp = gate.stamp
        monkeypatch.setattr(gate, "stamp", lambda path: (stamp(path), swap(root, place))[0])
    with pytest.raises(FileRejectedError) as caught:
        gate.read(path)
    assert caught.value.code == ("file.kind" if place == PLACES[-1] else "file.outside")
    assert "'assets/a/b/c.png'" in caught.value.reason


@pytest.mark.parametrize("place", PLACES)
def test_what_is_opened_below_a_folder_leaves_no_descriptor_behind(tmp_path: Path, place: str) -> None:
    path = deep(tmp_path / "project")
    before = sorted(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else []
    os.close(open_below(tmp_path / "project", path))
    swap(tmp_path / "project", place)
    with pytest.raises(OSError, match="symbolic link"):
        open_below(tmp_path / "project", path)
    with pytest.raises(OSError, match="out of the project root"):
        open_below(tmp_path / "project", tmp_path / "project2/c.png")
    assert not before or sorted(os.listdir("/proc/self/fd")) == before


def test_a_cycle_of_links_is_an_input_error(root: Path) -> None:
    (root / "assets" / "loop").symlink_to("loop")
    gate = FileGate(root)
    with pytest.raises(FileRejectedError):
        gate.read(gate.resolve("../assets/loop", root / "scenes"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders")
def test_a_fifo_is_rejected_without_waiting_for_it(root: Path) -> None:
    os.mkfifo(root / "assets" / "pipe.png")
    gate = FileGate(root)
    with pytest.raises(FileRejectedError) as caught:
        gate.read(gate.resolve("../assets/pipe.png", root / "scenes"))
    assert caught.value.code == "file.kind"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no device file to try")
def test_a_device_and_a_folder_are_rejected(root: Path) -> None:
    gate = FileGate(root)
    for path in (Path("/dev/zero"), root / "assets"):
        with pytest.raises(FileRejectedError) as caught:
            gate.read(path)
        assert caught.value.code == "file.kind"


def test_a_file_over_the_size_limit_is_rejected(root: Path) -> None:
    with open(root / "assets" / "huge.png", "wb") as file:
        file.truncate(1 << 40)
    gate = FileGate(root)
    with pytest.raises(FileRejectedError) as caught:
        gate.read(root / "assets" / "huge.png")
    assert caught.value.code == "file.size"


def test_another_letter_case_is_the_same_error_on_every_system(root: Path) -> None:
    assert code_of(FileGate(root), "../assets/A.png", root / "scenes") == "file.case"
    assert code_of(FileGate(root), "../Assets/a.png", root / "scenes") == "file.case"


def test_another_unicode_normal_form_is_the_same_error_on_every_system(root: Path) -> None:
    composed, apart = unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "é.png")
    (root / "assets" / apart).write_bytes(b"")
    assert composed != apart
    assert folded(composed) == folded(apart)
    assert code_of(FileGate(root), f"../assets/{composed}", root / "scenes") == "file.case"


def test_a_database_reports_the_position_of_a_source_outside_the_root(root: Path) -> None:
    scene = root / "scenes" / "db.hu"
    scene.write_text(
        "assetDb: { name: db\n  assets: [{ @type: texture2d  source: ../../secret.png }] }", encoding="utf-8"
    )
    with pytest.raises(InputError) as caught:
        read_asset_db_file(scene, 1)
    problem = caught.value.problems[0]
    assert problem.code == "file.outside"
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (2, 40)


def test_the_project_root_is_the_nearest_folder_with_assets_else_the_scene_s_own(root: Path) -> None:
    (root / "scenes" / "deep").mkdir()
    assert project_root(root / "scenes" / "deep" / "x.hu") == root.resolve()
    assert project_root(root.parent / "alone" / "x.hu") == (root.parent / "alone").resolve()
