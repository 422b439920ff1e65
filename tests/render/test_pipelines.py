"""Pipelines stay for a while after the plan that had them, so that a switch back makes none again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.plan.terms.drawing import Topology
from engine.plan.terms.drawing_rows import PipelineRow
from engine.render.pipelines import pipelines as module
from engine.render.pipelines import prepared_pipelines as prepared_module
from engine.render.pipelines.pipelines import KEPT, Pipelines
from engine.render.pipelines.prepared_pipelines import STALE, PreparedPipelines
from engine.vk.errors import VulkanError


def row(number: int) -> PipelineRow:
    return PipelineRow(f"p/{number}", (number,), (), 0, Topology.TRIANGLE_LIST, "p")


class Made:
    """Pipelines of a driver that gives each the number of its creation, and refuses those in `refuses`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.refuses: set[int] = set()
        self.destroyed: list[int] = []
        device = SimpleNamespace(lost=True, destroy=lambda _, handle: self.destroyed.append(handle))
        monkeypatch.setattr(module, "describe_pipeline", lambda *_: None)
        monkeypatch.setattr(module, "create_pipeline", self._create)
        cache = SimpleNamespace(handle=None, loaded=b"", close=lambda: None)
        monkeypatch.setattr(prepared_module, "PipelineCache", lambda *_: cache)
        prepared = PreparedPipelines(device, None, cache)  # type: ignore[arg-type]
        code = lambda shader: bytes([shader % 256])  # noqa: E731
        self.gone: set[int] = set()
        is_there = lambda shader: shader not in self.gone  # noqa: E731
        self.prepared = prepared
        self.pipelines = Pipelines(device, None, cache, prepared, code, is_there)  # type: ignore[arg-type]

    def _create(self, _device, _layouts, _described, code, *, name, cache) -> int:
        self.count += 1
        if code[0][0] in self.refuses:
            raise VulkanError("vkCreateGraphicsPipelines", -13)  # type: ignore[arg-type]
        return self.count

    def get(self, number: int) -> int | None:
        return self.pipelines.get(row(number), (), None)  # type: ignore[arg-type,no-any-return]


@pytest.fixture
def made(monkeypatch):
    return Made(monkeypatch)


def test_a_pipeline_that_comes_back_is_the_same(made):
    first = made.get(1)
    made.pipelines.keep_only([], 1)
    made.pipelines.collect(2)
    assert made.get(1) == first
    assert (made.count, made.destroyed) == (1, [])


def test_of_many_that_went_the_first_are_destroyed_after_their_last_frame(made):
    handles = [made.get(number) for number in range(KEPT + 2)]
    made.pipelines.keep_only([row(5)], 7)
    made.pipelines.collect(6)
    assert made.destroyed == []
    made.pipelines.collect(7)
    assert made.destroyed == handles[:1]
    made.pipelines.close()
    assert sorted(made.destroyed) == handles


def test_pipelines_with_shaders_that_were_saved_again_go_and_others_stay(made):
    handles = [made.get(number) for number in range(4)]
    made.gone = {1}
    made.pipelines.keep_only([row(0)], 3)
    made.pipelines.collect(3)
    assert made.destroyed == handles[1:2]
    made.gone = {1, 2}
    made.pipelines.keep_only([row(0)], 4)
    made.pipelines.collect(4)
    assert made.destroyed == handles[1:3]
    assert made.get(3) == handles[3]


def test_a_prepared_pipeline_belongs_to_the_plan_that_takes_it(made, monkeypatch):
    monkeypatch.setattr(prepared_module, "create_pipeline", lambda *_, **__: 77)
    monkeypatch.setattr(
        prepared_module, "PipelineCache", lambda *_: SimpleNamespace(handle=None, close=lambda: None)
    )
    made.prepared.make(None, [bytes([5])], ())
    assert made.prepared.has(None, [bytes([5])])
    assert made.get(5) == 77
    assert not made.prepared.has(None, [bytes([5])])
    made.gone = {5}
    made.pipelines.keep_only([], 1)
    made.pipelines.collect(1)
    assert made.destroyed == [77]


def test_prepared_pipelines_that_nobody_takes_go_once_newer_ones_were_taken(made, monkeypatch):
    numbers = iter(range(1000, 3000))
    monkeypatch.setattr(prepared_module, "create_pipeline", lambda *_, **__: next(numbers))
    for number in range(100):
        made.prepared.make(None, [number.to_bytes(2)], ())
    assert made.destroyed == [], "all of a first plan wait until it is drawn"
    taken = [made.prepared.take(None, [number.to_bytes(2)]) for number in range(99, 90, -1)]
    assert made.destroyed == []
    made.prepared.make(None, [b"next"], ())
    assert made.destroyed == list(range(1000, 1000 + 100 - STALE - 1))
    made.prepared.close()
    assert set(made.destroyed).isdisjoint(taken)
    assert len(made.destroyed) == 101 - len(taken)


def test_a_pipeline_that_was_refused_is_tried_again(made):
    made.refuses = {3}
    assert made.get(3) is None
    made.pipelines.keep_only([], 1)
    made.refuses = set()
    assert made.get(3) == 2
