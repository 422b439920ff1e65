"""Pipelines stay for a while after the plan that had them, so that a switch back makes none again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from engine.plan.terms.drawing import Topology
from engine.plan.terms.drawing_rows import PipelineRow
from engine.render.pipelines import pipelines as module
from engine.render.pipelines.pipelines import KEPT, Pipelines
from engine.render.pipelines.prepared_pipelines import PreparedPipelines
from engine.vk.errors import VulkanError


def row(number: int) -> PipelineRow:
    return PipelineRow(f"p/{number}", (number,), (), 0, Topology.TRIANGLE_LIST, "p")


class Made:
    """Pipelines of a driver that gives each the number of its creation, and refuses those in `refuses`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.refuses: set[int] = set()
        self.destroyed: list[int] = []
        device = SimpleNamespace(destroy=lambda _, handle: self.destroyed.append(handle))
        monkeypatch.setattr(module, "describe_pipeline", lambda *_: None)
        monkeypatch.setattr(module, "create_pipeline", self._create)
        cache = SimpleNamespace(handle=None)
        prepared = PreparedPipelines(device, None, cache)  # type: ignore[arg-type]
        code = lambda shader: bytes([shader % 256])  # noqa: E731
        self.pipelines = Pipelines(device, None, cache, prepared, code)  # type: ignore[arg-type]

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


def test_a_pipeline_that_was_refused_is_tried_again(made):
    made.refuses = {3}
    assert made.get(3) is None
    made.pipelines.keep_only([], 1)
    made.refuses = set()
    assert made.get(3) == 2
