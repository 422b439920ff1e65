"""The schedule panel's figures are those of the runtime: steps, windows, staging, bytes, what waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.scenes import CUBE
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.plan.resident.steps import Transfer
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from viewer.panels.plans.last_plans import LastPlans
from viewer.panels.schedule.schedule_model import SAMPLES, ScheduleModel
from viewer.panels.schedule.step_texts import step_text

pytestmark = pytest.mark.gpu


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    scene = load_scene(CUBE)
    options = RuntimeOptions(size=(64, 64), validate=True, paging_cycles=1)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        yield runtime
        runtime.wait()


def test_what_is_staged_and_transferred_follows_every_step(runtime: Runtime) -> None:
    model = ScheduleModel(runtime, LastPlans())
    model.refresh(0.0)
    assert model.steps == 0
    runtime.hold.set(True)
    runtime.frame()  # the first plan waits for nobody: there is nothing to go on with
    seen_staged = seen_window = False
    steps = runtime.schedule.steps
    while True:
        model.refresh(0.0)
        done = steps[: model.done]
        expected: dict[str, int] = {}
        for step in done:
            if isinstance(step, Transfer):
                name = runtime.planner.keys.database(step.db)
                expected[name] = expected.get(name, 0) + int(step.sizes.sum())
        rows = {row.name: row for row in model.databases()}
        assert {name: row.done for name, row in rows.items() if row.done} == expected
        for row in rows.values():
            assert 0 <= row.done <= row.total
            if row.window is not None:
                seen_window = True
                assert 0 <= row.window[0] < sum(row.window) <= row.cache
        staged = sum(row.staged for row in rows.values())
        buffers = model.staging()
        assert sum(buffer.used for buffer in buffers) == staged
        assert all(buffer.used <= buffer.size for buffer in buffers)
        seen_staged |= staged > 0
        if not runtime.memory.steps_left:
            break
        runtime.hold.step()
        while runtime.memory.granted:
            runtime.wait()
            runtime.frame()
    assert seen_staged
    assert seen_window
    assert sum(row.done for row in model.databases()) == runtime.memory.statistics.bytes_uploaded
    assert all(row.done == row.total for row in model.databases())
    runtime.hold.set(False)
    runtime.settle()
    model.refresh(0.0)
    assert not model.staging()


def test_a_plan_that_waits_is_shown_before_it_is_carried_out(runtime: Runtime) -> None:
    runtime.settle()
    model = ScheduleModel(runtime, LastPlans())
    model.refresh(0.0)
    assert model.done == model.steps
    runtime.hold.set(True)
    runtime.tableau["cube"].active = False
    runtime.frame()
    model.refresh(0.1)
    assert model.is_waiting
    assert (model.done, model.steps) == (0, len(runtime.hold.waiting.schedule.steps))
    waiting = runtime.hold.waiting.plan
    assert model.change.bytes == waiting.planned_bytes - runtime.plan.planned_bytes < 0
    assert model.change.allocations < 0
    runtime.hold.set(False)
    runtime.settle()
    model.refresh(0.2)
    assert not model.is_waiting
    assert model.change is None


def test_every_step_has_a_text_that_names_what_it_is_about(runtime: Runtime) -> None:
    runtime.settle()
    seen = set()
    for value in (False, True):
        runtime.tableau["cube"].active = value
        runtime.settle()
        for step in runtime.schedule.steps:
            text = step_text(runtime.plan, step)
            assert text.verb
            assert text.what
            seen.add(text.verb)
            if isinstance(step, Transfer):
                assert text.size == int(step.sizes.sum())
                first = runtime.planner.keys.name(int(step.keys[0]))
                assert first in text.what
    assert {"allocate", "create image", "bind", "transfer", "set window", "publish", "free"} <= seen


def test_what_goes_is_named_as_it_was_in_the_plan_before(runtime: Runtime) -> None:
    plans = LastPlans()
    runtime.observers.add(plans)
    runtime.settle()
    model = ScheduleModel(runtime, plans)
    runtime.tableau["cube"].shadowCaster.active = False
    runtime.settle()
    model.refresh(0.0)
    texts = {(model.text(number).verb, model.text(number).what) for number in range(model.steps)}
    gone = {what.split(" ", 1)[1] for verb, what in texts if verb == "destroy" and "staging" not in what}
    assert "shadowMap" in gone
    assert any(verb == "free" and what.endswith(" of shadowMap") for verb, what in texts)
    runtime.tableau["cube"].shadowCaster.active = True
    runtime.settle()
    model.refresh(0.1)
    texts = {(model.text(number).verb, model.text(number).what) for number in range(model.steps)}
    assert any(verb == "create image" and " shadowMap, " in what for verb, what in texts)
    assert not any("earlier plan" in what for _, what in texts)


def test_bytes_per_second_are_those_of_the_last_second(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.settle()
    model = ScheduleModel(runtime, LastPlans())
    uploaded = 0
    monkeypatch.setattr(
        type(runtime.memory),
        "statistics",
        property(lambda _: type("Sums", (), {"bytes_uploaded": uploaded})()),
    )
    for step in range(31):
        uploaded = 1000 * step if step <= 10 else 10_000
        model.refresh(step * 0.1)
        if step == 10:
            assert model.rate == pytest.approx(10_000)
    assert model.rate == 0
    assert len(model.rates) == SAMPLES
    assert model.rates[-1] == 0
    assert model.rates.max() == pytest.approx(10_000)
