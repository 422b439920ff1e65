"""Claims about the statistics of a run that the inspector shows."""

from __future__ import annotations

from types import SimpleNamespace

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
