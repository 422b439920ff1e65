"""Mesa's cache of compiled shaders never ends a process: its index has room on the disk, or is not used."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.limits import limit

from engine.vk.shader_cache import LEAST_BYTES, SWITCH, claim_room

SIZE = 1 << 20
ON_A_FULL_DISK = """mount -t tmpfs -o size=64k tmpfs "$1" || exit 77
head -c 100000 /dev/zero >"$1/fill" 2>/dev/null
shift
exec "$@"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where drivers of this process would look for their cache; the switch is as before at the end."""
    monkeypatch.setenv("MESA_SHADER_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv(SWITCH, "")
    monkeypatch.delenv(SWITCH)
    return tmp_path / "mesa_shader_cache"


def index_with_holes(folder: Path) -> Path:
    folder.mkdir()
    index = folder / "index"
    with index.open("wb") as file:
        file.truncate(SIZE)
        file.seek(70_000)
        file.write(b"kept")
    assert index.stat().st_blocks * 512 < SIZE
    return index


def test_holes_of_the_index_are_filled_and_what_it_has_is_kept(folder: Path) -> None:
    index = index_with_holes(folder)
    before = index.read_bytes()
    claim_room()
    assert index.stat().st_blocks * 512 >= SIZE
    assert index.read_bytes() == before
    assert SWITCH not in os.environ


def test_an_index_whose_holes_cannot_be_filled_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    index_with_holes(folder)
    monkeypatch.setattr(os, "posix_fallocate", full)
    claim_room()
    assert os.environ[SWITCH] == "true"


@pytest.mark.parametrize(("free", "switch"), [(LEAST_BYTES, None), (LEAST_BYTES - 4096, "true"), (0, "true")])
def test_a_new_index_is_made_only_where_there_is_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch, free: int, switch: str | None
) -> None:
    room = SimpleNamespace(f_bavail=free // 4096, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _: room)
    claim_room()
    assert os.environ.get(SWITCH) == switch
    assert not folder.exists()


def test_no_room_is_claimed_for_a_file_that_is_no_index(folder: Path) -> None:
    folder.mkdir()
    with (folder / "index").open("wb") as file:
        file.truncate(LEAST_BYTES + 1)
    claim_room()
    assert (folder / "index").stat().st_blocks * 512 < LEAST_BYTES
    assert SWITCH not in os.environ


def test_what_the_user_has_set_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "false")
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=0, f_frsize=4096))
    claim_room()
    assert os.environ[SWITCH] == "false"


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare here")
def test_a_scene_is_drawn_while_the_disk_of_the_cache_folder_is_full(root: Path, tmp_path: Path) -> None:
    full, picture = tmp_path / "full", tmp_path / "cube.png"
    full.mkdir()
    view = [sys.executable, "-m", "viewer", "scenes/cube.hu", "--headless", "--size", "64x48"]
    command = ["unshare", "-m", "sh", "-c", ON_A_FULL_DISK, "sh", full, *view, "--screenshot", picture]
    environment = {name: value for name, value in os.environ.items() if name != "MESA_SHADER_CACHE_DIR"}
    done = subprocess.run(
        command,
        cwd=root,
        env={**environment, "XDG_CACHE_HOME": str(full)},
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip("this process may not mount anything")
    assert (done.returncode, done.stderr) == (0, "")
    assert picture.exists()
