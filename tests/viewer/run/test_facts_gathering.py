"""Claims about the figures that the inspector shows of a run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.runtime.runtime import FrameFacts
from viewer.run.facts_gathering import RunFacts


def test_progress_goes_on_where_the_rest_is_put_into_another_order_and_begins_again_with_another_plan() -> (
    None
):
    plan = SimpleNamespace(planned_bytes=1, waste_bytes=0)
    runtime = SimpleNamespace(
        plan=plan,
        schedule=SimpleNamespace(steps=range(10)),
        memory=SimpleNamespace(steps_left=10, settled=False, live_bytes=0),
        device=SimpleNamespace(adapter=SimpleNamespace(name="a GPU")),
        problems=(),
    )
    facts = RunFacts(runtime, "a.hu")  # type: ignore[arg-type]

    def progress(left: int) -> tuple[int, int]:
        runtime.memory.steps_left = left
        gathered = facts.gather()
        return gathered.steps_done, gathered.steps

    assert [progress(left) for left in (10, 6)] == [(0, 10), (4, 10)]
    runtime.schedule = SimpleNamespace(steps=range(8))
    assert [progress(left) for left in (8, 7, 0)] == [(4, 12), (5, 12), (12, 12)]
    runtime.plan, runtime.schedule = (
        SimpleNamespace(planned_bytes=2, waste_bytes=0),
        SimpleNamespace(steps=range(3)),
    )
    assert [progress(left) for left in (3, 1)] == [(0, 3), (2, 3)]


def test_a_window_that_was_minimised_leaves_the_frame_time_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = SimpleNamespace(
        plan=None,
        schedule=None,
        memory=SimpleNamespace(steps_left=0, settled=True, live_bytes=0),
        device=SimpleNamespace(adapter=SimpleNamespace(name="a GPU")),
        problems=(),
    )
    now = iter([100.00, 100.01, 160.0, 160.01, 161.0])
    monkeypatch.setattr("viewer.run.facts_gathering.time.perf_counter", lambda: next(now))
    facts = RunFacts(runtime, "a.hu")  # type: ignore[arg-type]
    drawn, not_drawn = (FrameFacts(1, 10.0, 1.0, True, is_drawn) for is_drawn in (True, False))
    facts.note(drawn)
    facts.note(drawn)
    facts.note(None)
    facts.note(drawn)
    facts.note(not_drawn)
    facts.note(drawn)
    assert facts.gather().frame_ms == pytest.approx(10.0)
