"""Claims about the statistics of a run that panels show."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.humon import Problem
from engine.runtime.frame_facts import FrameFacts
from viewer.run.statistics_collector import StatisticsCollector


def test_progress_continues_when_steps_are_reordered_and_restarts_with_a_new_plan() -> None:
    plan = SimpleNamespace(planned_bytes=1, waste_bytes=0)
    runtime = SimpleNamespace(
        plan=plan,
        schedule=SimpleNamespace(steps=range(10)),
        memory=SimpleNamespace(steps_left=10, settled=False, live_bytes=0),
        device=SimpleNamespace(adapter=SimpleNamespace(name="a GPU")),
        problems=(),
    )
    facts = StatisticsCollector(runtime, "a.hu")  # type: ignore[arg-type]

    def progress(left: int) -> tuple[int, int]:
        runtime.memory.steps_left = left
        collected = facts.collect()
        return collected.steps_done, collected.steps

    assert [progress(left) for left in (10, 6)] == [(0, 10), (4, 10)]
    runtime.schedule = SimpleNamespace(steps=range(8))
    assert [progress(left) for left in (8, 7, 0)] == [(4, 12), (5, 12), (12, 12)]
    runtime.plan, runtime.schedule = (
        SimpleNamespace(planned_bytes=2, waste_bytes=0),
        SimpleNamespace(steps=range(3)),
    )
    assert [progress(left) for left in (3, 1)] == [(0, 3), (2, 3)]


def test_rates_are_means_of_the_last_second_and_frames_that_were_not_drawn_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = SimpleNamespace(
        plan=None,
        schedule=None,
        memory=SimpleNamespace(steps_left=0, settled=True, live_bytes=0),
        device=SimpleNamespace(adapter=SimpleNamespace(name="a GPU")),
        problems=(),
    )
    now = 100.0
    monkeypatch.setattr("viewer.run.statistics_collector.time.perf_counter", lambda: now)
    facts = StatisticsCollector(runtime, "a.hu")  # type: ignore[arg-type]
    drawn, not_drawn = (FrameFacts(1, 10.0, 1.0, True, is_drawn) for is_drawn in (True, False))
    facts.note(drawn, 50.0)
    now = 102.0
    for milliseconds in (2.0, 4.0):
        facts.note(drawn, milliseconds)
    facts.note(not_drawn, 90.0)
    facts.note(None, 90.0)
    found = facts.collect()
    assert (found.frames_per_second, found.cpu_ms, found.idle) == (2.0, 3.0, False)
    now = 103.5
    found = facts.collect()
    assert (found.frames_per_second, found.cpu_ms, found.idle) == (0.0, 0.0, True)


def test_what_was_reported_stands_among_the_problems_at_once_and_first() -> None:
    runtime = SimpleNamespace(
        plan=None,
        schedule=None,
        memory=SimpleNamespace(steps_left=0, settled=True, live_bytes=0),
        device=SimpleNamespace(adapter=SimpleNamespace(name="a GPU")),
        problems=(Problem("asset.missing", "no such asset"),),
    )
    facts = StatisticsCollector(runtime, "a.hu")  # type: ignore[arg-type]
    (problem,) = facts.collect().problems
    lost = Problem("device.lost", "the device was lost")
    facts.reported.append(lost)
    assert facts.collect().problems == (lost, problem)


def test_problems_are_listed_once_the_newest_first_and_only_while_they_are_there() -> None:
    old, new, saved = Problem("a.old", "old"), Problem("a.new", "new"), Problem("a.saved", "saved")
    runtime = SimpleNamespace(
        plan=None,
        schedule=None,
        memory=SimpleNamespace(steps_left=0, settled=True, live_bytes=0),
        device=SimpleNamespace(adapter=SimpleNamespace(name="a GPU")),
        problems=(old, saved),
    )
    facts = StatisticsCollector(runtime, "a.hu")  # type: ignore[arg-type]
    assert facts.collect().problems == (old, saved)
    facts.of_sources = (saved,)
    facts.reported.append(new)
    assert facts.collect().problems == (new, old, saved)
    facts.reported.clear()
    assert facts.collect().problems == (old, saved)


def test_no_problem_of_a_state_of_a_file_stays_beside_that_of_the_next() -> None:
    states = [(Problem("asset.broken", f"the file ends at byte {byte}"),) for byte in (33, 65581)]
    runtime = SimpleNamespace(
        plan=None,
        schedule=None,
        memory=SimpleNamespace(steps_left=0, settled=True, live_bytes=0),
        device=SimpleNamespace(adapter=SimpleNamespace(name="a GPU")),
        problems=(),
    )
    facts = StatisticsCollector(runtime, "a.hu")  # type: ignore[arg-type]
    for state in (*states, ()):
        runtime.problems = state
        facts.note_sources(state)
        assert facts.collect().problems == state
