"""Claims about the one writer: a file is written whole or not at all, and special files are written into."""

from __future__ import annotations

import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.files import NotRegularError, whole_file, write_whole
from engine.files.writing import SUFFIX

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(os.name != "posix", reason="modes, links and FIFOs of POSIX"),
]
CONTENT = b"new" * 50_000
FAILURES = [28, 122, 5]  # ENOSPC, EDQUOT, EIO


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


class Failing:
    """Lets the N-th call of the system that writing makes fail."""

    def __init__(self, number: int, code: int) -> None:
        self.calls = 0
        self._number = number
        self._code = code

    def count(self) -> None:
        self.calls += 1
        if self.calls == self._number:
            raise OSError(self._code, os.strerror(self._code))

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kinds: Any) -> Any:
            self.count()
            return call(*args, **kinds)

        return counted

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("open", "fsync", "fchmod", "replace"):
            patch.setattr(os, name, self.wrap(getattr(os, name)))
        outer = self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                outer.count()
                return super().write(data)

        patch.setattr(os, "fdopen", lambda descriptor, mode: io.BufferedRandom(Raw(descriptor, "w+")))


def attempt(path: Path, number: int, code: int, written: Callable[[Path], None]) -> int:
    """Write with the N-th call failing; return the code of the error, else minus the number of calls."""
    failing = Failing(number, code)
    with pytest.MonkeyPatch.context() as patch:
        failing.install(patch)
        try:
            written(path)
        except OSError as error:
            return error.errno or 0
    return -failing.calls


def in_pieces(path: Path) -> None:
    with whole_file(path) as file:
        for at in range(0, len(CONTENT), 10_000):
            file.write(CONTENT[at : at + 10_000])


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("exists", [True, False])
def test_a_failure_of_any_call_leaves_the_old_file_and_no_other(
    tmp_path: Path, code: int, exists: bool
) -> None:
    path = tmp_path / "file"
    if exists:
        path.write_bytes(b"old")
    total = -attempt(path, 0, code, in_pieces)
    assert total > 12
    for number in range(1, total + 1):
        path.unlink(missing_ok=True)
        if exists:
            path.write_bytes(b"old")
        before = names(tmp_path)
        if attempt(path, number, code, in_pieces) == code:
            assert names(tmp_path) == before
            assert not exists or path.read_bytes() == b"old"
        else:  # flushing the folder after the rename: the file is whole without it
            assert path.read_bytes() == CONTENT
            assert names(tmp_path) == ["file"]


@pytest.mark.skipif(not os.path.exists("/proc/self/exe"), reason="there is no /proc here")
@pytest.mark.parametrize("through", ["directly", "by a link"])
def test_a_running_program_is_never_replaced(tmp_path: Path, through: str) -> None:
    program = tmp_path / "program"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    before = program.read_bytes()
    with subprocess.Popen([program, "100"]) as running:
        path = Path(f"/proc/{running.pid}/exe")
        if through == "by a link":
            (tmp_path / "link").symlink_to(path)
            path = tmp_path / "link"
        try:
            with pytest.raises(OSError, match="busy"):
                write_whole(path, b"report")
        finally:
            running.kill()
    assert program.read_bytes() == before


def test_a_disk_limit_in_earnest_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    program = (
        "import resource, signal, sys; from engine.files import write_whole\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "try: write_whole(sys.argv[1], bytes(150000))\n"
        "except OSError as error: print(error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("27", "")  # EFBIG
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_an_interrupt_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_what_a_killed_writer_left_is_deleted_and_what_a_live_one_writes_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    program = (
        "import sys, time; from engine.files import whole_file\n"
        "with whole_file(sys.argv[1]) as file:\n"
        "    file.write(b'theirs'); file.flush(); print('open', flush=True); sys.stdin.readline()\n"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    killed, live = writers
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
    assert len(names(tmp_path)) == 2
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    write_whole(path, b"mine")
    assert path.read_bytes() == b"mine"
    assert len([name for name in names(tmp_path) if name.endswith(SUFFIX)]) == 1
    live.communicate(b"\n")
    assert live.returncode == 0
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["file"]


def test_the_mode_of_an_existing_file_is_kept_and_a_new_one_has_that_of_the_user(tmp_path: Path) -> None:
    path, new = tmp_path / "file", tmp_path / "new"
    path.write_bytes(b"old")
    path.chmod(0o604)
    before = os.umask(0o027)
    try:
        write_whole(path, b"new")
        write_whole(new, b"new")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, new)] == [0o604, 0o640]


def test_a_link_that_a_user_named_stays_and_its_target_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    path, link = folder / "file", tmp_path / "link"
    link.symlink_to(Path("elsewhere", "file"))
    for content in (b"first", b"second"):  # the target does not exist at first
        write_whole(link, content)
        assert link.is_symlink()
        assert path.read_bytes() == content
    assert names(folder) == ["file"]


def test_a_link_in_place_of_a_file_of_our_own_is_refused(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"theirs")
    link.symlink_to(target)
    with pytest.raises(NotRegularError):
        write_whole(link, b"ours", follow=False)
    assert target.read_bytes() == b"theirs"
    assert names(tmp_path) == ["link", "target"]


def test_a_device_is_written_into_and_stays_a_device() -> None:
    before = os.stat("/dev/null")
    write_whole("/dev/null", b"nothing")
    assert os.stat("/dev/null").st_rdev == before.st_rdev
    with pytest.raises(OSError, match="No space left"):
        write_whole("/dev/full", b"too much")


def test_a_fifo_is_written_into_and_without_a_reader_refused(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(OSError, match="nothing reads the FIFO"):
        write_whole(fifo, b"lost")
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    writer = os.open(fifo, os.O_WRONLY)  # the reader must not meet the end before there is a first writer
    received: list[bytes] = []

    def read() -> None:
        while piece := os.read(reader, 1 << 16):
            received.append(piece)

    thread = threading.Thread(target=read)
    write_thread = threading.Thread(target=lambda: write_whole(fifo, CONTENT))  # longer than the pipe
    write_thread.start()
    thread.start()
    write_thread.join()
    os.close(writer)
    thread.join()
    os.close(reader)
    assert b"".join(received) == CONTENT
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == ["fifo"]


@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1"])
@pytest.mark.parametrize("into", ["pipe", "file"])
def test_the_own_output_is_written_in_order(tmp_path: Path, name: str, into: str) -> None:
    program = (
        "import sys; from engine.files import write_whole\n"
        "print('before'); write_whole(sys.argv[1], b'content\\n'); print('after')\n"
    )
    command = [sys.executable, "-c", program, name]
    if into == "pipe":
        output = subprocess.run(command, capture_output=True, check=True).stdout
    else:
        path = tmp_path / "out"
        with path.open("wb") as file:
            subprocess.run(command, stdout=file, check=True)
        output = path.read_bytes()
    assert output == b"before\ncontent\nafter\n"


def test_a_folder_is_refused_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for follow in (True, False):
        with pytest.raises(NotRegularError, match="a folder"):
            write_whole(folder, b"", follow=follow)
    assert names(tmp_path) == ["folder"]


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127 + "x")
    write_whole(path, b"content")
    assert names(tmp_path) == [path.name]
