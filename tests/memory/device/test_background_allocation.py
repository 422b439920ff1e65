"""Claims about memory that a thread allocates: what is cancelled is freed, and nothing stays busy."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from engine.memory.device.background_allocation import LARGE, BackgroundAllocator
from engine.memory.streaming.executor import Executor
from engine.memory.streaming.lazy_staging import LazyStaging
from engine.plan.resident.steps import Allocate, Bind, Free

SIZE = LARGE[True]


class Objects:
    """Memory that is allocated once `open` is set."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.allocations: dict[int, object] = {}
        self.freed: list[int] = []

    def allocate_memory(self, step: Allocate, *, while_drawing: bool) -> object:
        assert self.open.wait(30)
        return SimpleNamespace(id=step.allocation, size=step.size, mapped=b"")

    def register(self, made: SimpleNamespace) -> None:
        self.allocations[made.id] = made

    def free_memory(self, made: SimpleNamespace) -> None:
        self.freed.append(made.id)


def allocate(number: int) -> Allocate:
    return Allocate(number, 0, SIZE, dedicated_to=number + 100, mapped=True)


@pytest.fixture
def objects() -> Objects:
    return Objects()


def test_a_cancelled_allocation_is_freed_as_soon_as_it_exists_and_no_other(objects: Objects) -> None:
    background = BackgroundAllocator(objects)  # type: ignore[arg-type]
    for number in (1, 2):
        assert not background.allocate(allocate(number), while_drawing=True)
    background.cancel(1)
    background.cancel(3)
    assert (background.busy, background.freeing) == (True, True)
    objects.open.set()
    background.wait()
    background.collect()
    assert objects.freed == [1]
    assert background.busy
    assert background.allocate(allocate(2), while_drawing=True)
    assert objects.allocations.keys() == {2}
    assert not background.busy
    background.close()


def test_staging_that_is_freed_before_it_was_allocated_leaves_nothing_under_way(objects: Objects) -> None:
    """The first buffer's need begins the allocation of both; the second may turn out to be needless."""
    background, lazy = BackgroundAllocator(objects), LazyStaging()  # type: ignore[arg-type]
    lazy.staging = frozenset({101, 102})
    executor = SimpleNamespace(_lazy_staging=lazy, background=background, objects=objects)
    for number in (1, 2):
        assert lazy.defer_allocate(allocate(number))
        assert lazy.defer_bind(Bind(number + 100, number, 0))
        assert not background.allocate(allocate(number), while_drawing=True)
    for number in (1, 2):
        assert Executor._free(executor, Free(number))  # type: ignore[arg-type]
    objects.open.set()
    background.wait()
    background.collect()
    assert objects.freed == [1, 2]
    assert not background.busy
    background.close()
