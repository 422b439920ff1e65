"""Signals end a command in order, whatever it does: 129, 130 or 143, no traceback, nothing left behind."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.limits import limit
from support.projects import Project
from support.sampling import Sample
from support.stopping import CODES, end, run, started

from engine.cli.commands import plan
from engine.cli.exits import guarded
from engine.cli.main import main as engine
from engine.cli.stop_signals import Stopped, stop_signals
from engine.files.writing import SUFFIX

ENDED = "stopped\n"


@pytest.fixture(scope="module")
def once_cooked(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a cache, one of whose shaders has changed since."""
    project = Project(tmp_path_factory.mktemp("cooked") / "project").root
    assert run(root, "engine", "cook", project / "scenes/db.hu").code == 0
    shader = project / "assets/plain.fs.glsl"
    shader.write_text(shader.read_text() + "// changed\n")
    return project


@pytest.fixture
def project(once_cooked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once_cooked, tmp_path / "project"))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have signals act in this process, where the tests may run in the background or under nohup."""
    handlers = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def cache_of(project: Path) -> Path:
    (cache,) = project.glob("scenes/*.ogCache")
    return cache


def files(project: Path) -> set[str]:
    return {path.name for path in project.rglob("*") if not path.name.endswith(".lock")}


@pytest.mark.parametrize(
    ("name", "command", "module"),
    [
        ("SIGINT", "viewer scenes/cube.hu --headless", "viewer.main"),
        ("SIGTERM", "engine plan scenes/cube.hu", "numpy.linalg"),
        ("SIGHUP", "diorama format scenes/cube.hu", "engine.humon.tokens"),
    ],
)
def test_a_signal_during_imports_ends_at_once(root: Path, name: str, command: str, module: str) -> None:
    ended = run(root, *command.split(), moments=(f"{name}@import@'{module}'@1",))
    assert (ended.code, ended.out, ended.err) == (CODES[name], "", ENDED)


def test_a_signal_while_a_compiler_runs_stops_it_and_keeps_the_cache(root: Path, project: Path) -> None:
    before = cache_of(project).read_bytes()
    left = files(project)
    tools = project.parent / "tools"
    tools.mkdir()
    compiler = tools / "glslangValidator"
    compiler.write_text(f"#!/bin/sh\n: > {tools}/running\nsleep 100 & wait\n")
    compiler.chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    with started(root, "engine", "cook", project / "scenes/db.hu", PATH=path) as child:
        wait_for(tools / "running")
        ended = end(child, signal.SIGTERM)
    assert (ended.code, ended.out, ended.err) == (143, "", ENDED)
    assert cache_of(project).read_bytes() == before
    assert files(project) == left


def test_a_signal_while_another_process_cooks_ends_the_wait(root: Path, project: Path) -> None:
    before = cache_of(project).read_bytes()
    lock = project / "scenes" / (cache_of(project).name + ".lock")
    with open(lock, "a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        moment = "SIGINT@time.sleep@@3" if sys.version_info >= (3, 13) else "SIGINT@fcntl.flock@@3"
        ended = run(root, "diorama", "cook", project / "scenes/db.hu", moments=(moment,))
    assert (ended.code, ended.out, ended.err) == (130, "", ENDED)
    assert cache_of(project).read_bytes() == before


@pytest.mark.parametrize("event", ["open", pytest.param("os.rename", marks=pytest.mark.proof(short=True))])
def test_a_signal_while_a_cache_is_written_keeps_the_old_one(root: Path, project: Path, event: str) -> None:
    before = cache_of(project).read_bytes()
    left = files(project)
    moment = f"SIGTERM@{event}@{SUFFIX}@1"
    ended = run(root, "engine", "cook", project / "scenes/db.hu", moments=(moment,))
    assert (ended.code, ended.out, ended.err) == (143, "", ENDED)
    assert cache_of(project).read_bytes() == before
    assert files(project) == left


@pytest.mark.proof
def test_at_whatever_moment_of_a_cook_a_signal_comes_nothing_is_left_behind(
    root: Path, project: Path, sample: Sample
) -> None:
    before = cache_of(project).read_bytes()
    scene, left = project / "scenes/db.hu", files(project)
    for nth in sample.of(range(1 + int(sample.rng.integers(20)), 4000, 20), 4):
        ended = run(root, "engine", "cook", scene, moments=(f"SIGTERM@@@{nth}",))
        now = cache_of(project).read_bytes()
        assert ended.code in (143, 0), (nth, ended)
        assert ended.err == (ENDED if ended.code else ""), (nth, ended)
        assert files(project) == left, nth
        assert now == before or run(root, "engine", "cook", scene).out.endswith("cooked already\n"), nth
        cache_of(project).write_bytes(before)


EARLY = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
def note(event, arguments):
    if event == "import" and arguments[0] == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(note)
if sys.argv[1] == "diorama":
    from viewer.command import run
    sys.exit(run())
runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("module", ["engine.cli.exits", "engine.cli.stop_signals", "engine.files.streams"])
@pytest.mark.parametrize("command", ["viewer", "engine", "diorama"])
def test_an_interrupt_before_signals_are_handled_ends_without_a_word(
    root: Path, command: str, module: str
) -> None:
    line = [sys.executable, "-c", EARLY, command, module]
    done = subprocess.run(line, cwd=root, capture_output=True, timeout=limit(20), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_an_interrupted_command_frees_nothing_that_the_end_frees(root: Path) -> None:
    code = (
        "import gc, os, signal\nfrom engine.cli.exits import run_process\n"
        "class Read:\n    def __del__(self):\n        print('freed')\n"
        "def command():\n    read = Read()\n    try:\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "    finally:\n        print('frozen' if gc.get_freeze_count() else 'collected')\n"
        "    return 0\nrun_process(command)\n"
    )
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, cwd=root, capture_output=True, text=True, timeout=limit(20), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "frozen\n", ENDED)


def test_after_an_interrupted_call_the_collector_works_as_before(interruptible: None) -> None:
    def interrupted() -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    before = gc.get_freeze_count()  # some that Python 3.12 itself has set apart
    assert guarded(interrupted) == 130
    assert gc.isenabled()
    assert gc.get_freeze_count() <= before


def test_no_cycles_are_looked_for_while_a_command_runs(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(plan, "run", lambda options: seen.append(gc.isenabled()) or 0)
    assert engine(["plan", str(root / "scenes/cube.hu")]) == 0
    assert (seen, gc.isenabled()) == ([False], True)


def test_a_signal_that_was_ignored_from_the_start_stays_so(root: Path, tmp_path: Path) -> None:
    scene = tmp_path / "a.hu"
    scene.write_text("a: 1\n")
    code = (
        "import os, signal, sys\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from engine.cli.exits import run_process\n"
        "def work():\n    os.kill(os.getpid(), signal.SIGHUP)\n    return 0\nrun_process(work)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, timeout=limit(20), check=False)
    assert done.returncode == 0


def test_a_signal_that_comes_after_the_command_changes_nothing(root: Path) -> None:
    code = (
        "import atexit, os, signal\natexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "from engine.cli.exits import run_process\nrun_process(lambda: 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, timeout=limit(20), check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


LEAVES_A_THREAD = """
import signal, sys, threading
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
from concurrent.futures import ThreadPoolExecutor
from engine.cli.exits import run_process

def command():
    pool.submit(int).result()
    threading.Thread(target=wait.wait, name="left", args=(float(sys.argv[1]),)).start()
    print("done", flush=True)
    return 1

pool, wait = ThreadPoolExecutor(), threading.Event()
run_process(command)
"""


@pytest.mark.parametrize("name", CODES)
def test_a_thread_that_a_script_has_left_is_waited_for_until_a_signal_comes(root: Path, name: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LEAVES_A_THREAD, "1000"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == "waiting for threads that were left: left (Ctrl-C ends that)\n"
        try:
            child.send_signal(getattr(signal, name))
            out, err = child.communicate(timeout=limit(20))
        finally:
            child.kill()
    assert (child.returncode, out, err) == (CODES[name], "done\n", ENDED)


LEFT = {
    "a pool": "pool = ThreadPoolExecutor()\npool.submit(time.sleep, 1000)",
    "a process": "multiprocessing.get_context('fork').Process(target=time.sleep, args=(30,)).start()",
    "a function at the end": "atexit.register(time.sleep, 1000)",
}
LEAVES = """
import atexit, multiprocessing, signal, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
from concurrent.futures import ThreadPoolExecutor
from engine.cli.exits import run_process

def command():
    {left}
    print("done", flush=True)
    return 0

run_process(command)
"""


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("left", LEFT)
def test_whatever_a_script_has_left_a_signal_ends_the_process(root: Path, left: str, name: str) -> None:
    code = LEAVES.format(left=LEFT[left].replace("\n", "\n    "))
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code], cwd=root, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "done\n"
            time.sleep(0.3)  # it waits at its end
            child.send_signal(getattr(signal, name))
            child.wait(timeout=limit(20))
        finally:
            child.kill()
    assert child.returncode == CODES[name]


def test_a_command_whose_threads_end_ends_as_without_them(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVES_A_THREAD, "0.2"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=limit(20),
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "done\n")
    assert done.stderr == "waiting for threads that were left: left (Ctrl-C ends that)\n"


@pytest.mark.parametrize("name", CODES)
def test_a_signal_while_the_interpreter_ends_changes_nothing(root: Path, name: str) -> None:
    code = (
        "import os, signal, sys\n"
        "from engine.cli.exits import run_process\n"
        "class Late:\n"
        "    def __init__(self): self.send = os.kill, os.getpid(), signal." + name + ", os.write\n"
        "    def __del__(self):\n"
        "        kill, process, number, write = self.send\n"
        "        kill(process, number)\n"
        "        write(1, b'freed')\n"
        "late = Late()\n"
        "run_process(lambda: 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=limit(60), check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "freed", "")


def test_a_signal_in_a_finalizer_is_not_lost(interruptible: None, capsys: pytest.CaptureFixture[str]) -> None:
    class Finalized:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    def work() -> int:
        Finalized()
        time.sleep(limit(60))
        return 0

    assert guarded(work) == 143
    assert capsys.readouterr().err == ENDED


def test_only_a_second_ctrl_c_raises_while_signals_are_deferred(interruptible: None) -> None:
    with stop_signals.listening():
        with stop_signals.deferred():
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number)
            with pytest.raises(Stopped):
                os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop_signals.exit_code == 129


def test_signals_are_handled_as_before_when_a_command_has_ended(interruptible: None) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [*map(signal.getsignal, numbers), sys.unraisablehook]
    assert guarded(lambda: guarded(lambda: 0)) == 0
    assert [*map(signal.getsignal, numbers), sys.unraisablehook] == before


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + limit(60)
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} is not made"
        time.sleep(0.01)


def test_a_module_that_turns_the_signal_into_another_error_does_not_hide_it(
    interruptible: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Stopped as stopped:
            raise ImportError("the module cannot be imported") from stopped
        return 0

    assert guarded(work) == 143
    assert capsys.readouterr().err == ENDED
