"""Claims about the facts of a run: which frames count."""

from __future__ import annotations

from types import SimpleNamespace

from engine.runtime.frame_facts import FrameFacts
from engine.runtime.report import RunLog


def test_frames_that_were_not_drawn_count_neither_as_drawn_nor_in_the_times() -> None:
    log = RunLog()
    runtime = SimpleNamespace(wait=lambda: None)
    for number, is_drawn in enumerate((False, True, False, True, False), 1):
        log.note(FrameFacts(number, 100.0 - number, 10.0 + number, number > 3, is_drawn), runtime)  # type: ignore[arg-type]
    assert (log.frames, log.drawn, log.settled_at) == (5, 2, 4)
    assert list(log.wall_ms) == [98.0, 96.0]
    assert list(log.cpu_ms) == [12.0, 14.0]
