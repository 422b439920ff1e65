"""Claims about the gate for reading: only regular files are opened, and opening never waits."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.files import NotRegularError, open_lock_file, open_regular, read_regular

pytestmark = [
    pytest.mark.timeout(20),
    pytest.mark.skipif(os.name != "posix", reason="FIFOs, sockets and devices of POSIX"),
]


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # the name of a socket has at most 107 bytes
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


def make_device_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


SPECIAL: dict[str, Callable[[Path], object]] = {
    "fifo": make_fifo,
    "socket": make_socket,
    "folder": Path.mkdir,
    "device": make_device_link,
}


@pytest.fixture(params=SPECIAL)
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A path that names something else than a regular file."""
    path = tmp_path / "special"
    SPECIAL[request.param](path)
    return path


def test_nothing_but_a_regular_file_is_opened(special: Path) -> None:
    with pytest.raises(NotRegularError, match="not a regular file"):
        open_regular(special)
    with pytest.raises(NotRegularError):
        read_regular(special, 100)


def test_nothing_but_a_regular_file_is_locked(special: Path) -> None:
    with pytest.raises(NotRegularError):
        open_lock_file(special)


def test_a_link_is_followed_only_where_a_user_named_it(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"content")
    link.symlink_to(path)
    assert read_regular(link, 7) == b"content"
    with pytest.raises(NotRegularError, match="symbolic link"):
        read_regular(link, 7, follow=False)


def test_a_lock_file_that_is_a_link_creates_nothing_where_it_leads(tmp_path: Path) -> None:
    outside, lock = tmp_path / "outside", tmp_path / "db.lock"
    lock.symlink_to(outside)
    with pytest.raises(OSError, match="symbolic link"):
        open_lock_file(lock)
    assert not outside.exists()


def test_a_file_that_becomes_a_fifo_after_the_look_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifo, regular = tmp_path / "fifo", tmp_path / "regular"
    os.mkfifo(fifo)
    regular.write_bytes(b"x")
    looked = os.stat(regular)
    monkeypatch.setattr(os, "stat", lambda *args, **kinds: looked)
    with pytest.raises(NotRegularError):
        open_regular(fifo)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(path, 4)
    path.write_bytes(b"")
    os.truncate(path, 1 << 40)  # a hole: it takes no disk
    with pytest.raises(OSError, match="more than"):
        read_regular(path, 1 << 20)


def test_opening_leaves_no_descriptor_behind(special: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if stat.S_ISDIR(os.stat("/proc").st_mode) else 0
    for call in (open_regular, open_lock_file):
        with pytest.raises(NotRegularError):
            call(special)
    assert len(os.listdir("/proc/self/fd")) == before
