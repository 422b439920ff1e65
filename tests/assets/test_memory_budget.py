"""Workers of a cook wait for memory, and one of them always goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from support.limits import limit
from support.projects import TRIANGLE_DB, Project

from engine.assets import importing
from engine.assets.cook import cook_database
from engine.assets.importers import texture
from engine.assets.importers.memory_budget import CookStopped, MemoryBudget


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def ended(*threads: threading.Thread) -> bool:
    for thread in threads:
        thread.join(limit(20))
    return not any(thread.is_alive() for thread in threads)


def test_a_worker_waits_until_there_is_room() -> None:
    budget, log = MemoryBudget(100), []

    def other() -> None:
        with budget.worker() as take:
            take(30)
            log.append("fits beside it")
            take(30)
            log.append("more")

    with budget.worker() as take:
        take(60)
        thread = started(other)
        while not log:
            thread.join(0.001)
        log.append("ends")
    assert ended(thread)
    assert log == ["fits beside it", "ends", "more"]


def test_one_goes_on_where_all_wait() -> None:
    budget, barrier = MemoryBudget(100), threading.Barrier(3)

    def work() -> None:
        with budget.worker() as take:
            take(30)
            barrier.wait(limit(20))
            take(50)

    assert ended(*[started(work) for _ in range(3)])


def test_what_is_larger_than_the_limit_is_taken_alone() -> None:
    budget = MemoryBudget(100)
    for _ in range(2):
        with budget.worker() as take:
            take(1000)
            take(1000)
            assert budget._used == 2000
        assert budget._used == 0


def test_workers_that_wait_end_when_the_cook_does() -> None:
    budget, ends = MemoryBudget(100), []

    def other() -> None:
        with budget.worker() as take:
            try:
                take(50)
            except CookStopped:
                ends.append("stopped")

    with budget.worker() as take:
        take(60)
        thread = started(other)
        budget.stop()
        assert ended(thread)
    assert ends == ["stopped"]


def test_pictures_are_decoded_one_at_a_time_where_memory_is_for_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"p{number}" for number in range(4)]
    lines = [f"{{ @type: texture2d  name: {name}  source: ../assets/{name}.png }}" for name in names]
    for name in names:
        project.picture(f"assets/{name}.png", np.full((8, 8, 4), 7, np.uint8))
    decode, lock, both = texture._Import.run, threading.Lock(), threading.Event()
    running: list[int] = [0]

    def counted(one: texture._Import) -> object:
        with lock:
            running[0] += 1
            if running[0] > 1:
                both.set()
        both.wait(0.05)
        try:
            return decode(one)
        finally:
            with lock:
                running[0] -= 1

    monkeypatch.setattr(texture._Import, "run", counted)
    monkeypatch.setattr(importing, "COOK_BYTES", 1)
    with_more = TRIANGLE_DB.replace("    ]\n}\n", "\n".join([*lines, "] }"]))
    cooked = cook_database(project.db(with_more), jobs=4)
    cooked.image.close()
    assert not any(entry.failure for entry in cooked.entries.values())
    assert not both.is_set()
