"""Claims about the process that tries pipelines: whatever it does, its parent knows, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent

import psutil
import pytest
from support.trial_workers import ENDS, USABLE, command, waiting_for

from engine.runtime.trials import worker_process
from engine.runtime.trials.worker_process import CannotOpen, WorkerEnded, WorkerProcess


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., WorkerProcess]]:
    """Makes workers that run a command; at the end none of them is left."""
    before = children()

    def use(*arguments: str) -> WorkerProcess:
        monkeypatch.setattr(worker_process, "WORKER", arguments)
        return WorkerProcess({"identity": "any"})

    yield use
    assert children() == before


def children() -> set[int]:
    """The processes that this one has started and that have not been waited for."""
    return {child.pid for child in psutil.Process().children()}


def test_each_end_is_reported_and_the_next_request_starts_another_process(use, sample) -> None:
    for name in sample.of(sorted(ENDS), 4):
        behaviour, reported = ENDS[name]
        before = children()
        worker = use(*command(f"if values['bad']:\n{indent(behaviour, '    ')}\n{USABLE}"))
        with pytest.raises(WorkerEnded) as caught:
            worker.ask({"bad": True}, [b"code"])
        assert str(caught.value) == reported, name
        assert not caught.value.passing, name
        assert children() == before, name
        assert [worker.ask({"bad": False}, []).refused for _ in range(2)] == ["", ""]
        assert worker.started == 2, "one process serves several pipelines"
        worker.end()
        assert children() == before, name


def test_what_takes_too_long_is_stopped_and_may_be_tried_another_time(use, monkeypatch) -> None:
    monkeypatch.setattr(worker_process, "SECONDS", 0.5)
    worker = use(*command("time.sleep(100)"))
    with pytest.raises((WorkerEnded, CannotOpen), match=r"ran for more than 0.5 s and was stopped"):
        worker.ask({}, [])


def test_a_process_that_cannot_be_started_or_opens_no_device_says_why(use, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match="No such file"):
        use(str(tmp_path / "none")).ask({}, [])
    with pytest.raises(CannotOpen, match="it ended with status 1"):
        use(sys.executable, "-c", "raise SystemExit(1)").ask({}, [])
    refusing = "ask()\nwrite_message(replies, {'refused': 'no device'})\n"
    with pytest.raises(CannotOpen, match="no device"):
        use(*command(USABLE, opens=refusing)).ask({}, [])


def test_closing_ends_a_process_at_work_and_no_other_is_started(use, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    worker = use(*waiting_for(gate))
    ends: list[WorkerEnded] = []

    def ask() -> None:
        try:
            worker.ask({}, [])
        except WorkerEnded as end:
            ends.append(end)

    thread = threading.Thread(target=ask)
    thread.start()
    while not worker.started:
        thread.join(0.001)
    worker.close()
    thread.join()
    assert [end.passing for end in ends] == [True] or not ends
    with pytest.raises(WorkerEnded):
        worker.ask({}, [])
    assert worker.started == 1


def test_the_process_ends_with_the_pipe_of_its_parent(root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    pipe = subprocess.PIPE
    worker = subprocess.Popen(worker_process.WORKER, stdin=pipe, stdout=pipe, env=environment)
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.close()
    assert worker.wait() == 0
    assert worker.stdout.read() == b""
    worker.stdout.close()
