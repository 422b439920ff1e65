"""A forked child keeps neither the locks nor the temporary folders of its parent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from engine.assets.cache.lock import cache_lock
from engine.assets.tools.tool_process import tool_folder

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


@pytest.fixture
def pause() -> Iterator[tuple[int, int]]:
    """A pipe that a child waits on."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def fork(child: object) -> int:
    """Run `child` in a forked process, which ends with 0 if that raises nothing."""
    pid = os.fork()
    if not pid:
        try:
            child()  # type: ignore[operator]
        except BaseException:  # noqa: BLE001 - the child must not go on with the tests
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return pid


def code_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_lock_is_free_after_its_block_though_a_child_lives(tmp_path: Path, pause: tuple[int, int]) -> None:
    cache = tmp_path / "a.ogCache"
    with cache_lock(cache):
        pid = fork(lambda: os.read(pause[0], 1))
    try:
        with cache_lock(cache, seconds=0.0):
            pass
    finally:
        os.write(pause[1], b"x")
        assert code_of(pid) == 0


def test_a_child_that_leaves_the_block_of_a_lock_does_not_release_it(tmp_path: Path) -> None:
    cache = tmp_path / "a.ogCache"

    def leave() -> None:
        lock.__exit__(None, None, None)
        with pytest.raises(TimeoutError), cache_lock(cache, seconds=0.0):
            pass

    lock = cache_lock(cache)
    with lock:
        assert code_of(fork(leave)) == 0


def test_a_child_leaves_the_folder_of_a_running_compiler_alone() -> None:
    made, ended = Event(), Event()
    folders: list[Path] = []

    def compile_() -> None:
        with tool_folder() as folder:
            folders.append(folder)
            made.set()
            ended.wait()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(compile_)
        made.wait()
        program = f"import os; assert os.path.isdir({str(folders[0])!r})"
        assert code_of(fork(lambda: exec(program))) == 0
        with tool_folder() as own:
            assert code_of(fork(lambda: None)) == 0
            assert own.is_dir()
        assert folders[0].is_dir()
        ended.set()
        running.result()
    assert not folders[0].exists()
