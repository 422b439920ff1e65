"""Assertions on memory: bytes per heap, usage bits, what a change freed, growth over a block of code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from engine.testing.assertions.failure_messages import fail
from engine.testing.scene.memory_facts import MemoryFacts, mib

if TYPE_CHECKING:
    from engine.testing.scene.scene import OpenedScene


def assert_memory(
    scene: OpenedScene | MemoryFacts,
    *,
    live: int | None = None,
    planned: int | None = None,
    peak: int | None = None,
    heaps: Mapping[int, int] | None = None,
) -> None:
    """Assert upper limits, in bytes: of what is live, planned, has been at most, and is planned in each heap.

    What is over its limit is told with its largest owners.
    """
    __tracebackhide__ = True
    memory = scene if isinstance(scene, MemoryFacts) else scene.memory
    sums = (("live", live, memory.live), ("planned", planned, memory.planned), ("peak", peak, memory.peak))
    over = [
        _over(f"{name} memory", is_, limit) for name, limit, is_ in sums if limit is not None and is_ > limit
    ]
    for index, limit in (heaps or {}).items():
        if not 0 <= index < len(memory.heaps):
            fail(f"there is no heap {index}: the device has {len(memory.heaps)}")
        if memory.heaps[index].planned > limit:
            over.append(_over(f"heap {index}", memory.heaps[index].planned, limit))
    if over:
        fail("the scene takes more memory than it may:", over, "the largest are:", _largest(memory))


def assert_usages(scene: OpenedScene | MemoryFacts, name: str, *usages: str) -> None:
    """Assert all usage bits of an asset, by name: `assert_usages(scene, "#8", "sampled_bit", ...)`."""
    __tracebackhide__ = True
    from engine.testing.assertions.plan_assertions import assert_planned

    assert_planned(scene, name, usages=usages)


def assert_freed(
    before: MemoryFacts, after: MemoryFacts, *names: str, at_least: int = 0, only: bool = False
) -> int:
    """Assert what a change gave back: these names, so many bytes of live memory; return the bytes.

    With `only`, everything else is still there.
    """
    __tracebackhide__ = True
    freed = before.live - after.live
    gone = {name: row for name, row in before.assets.items() if name not in after.assets}
    wrong = []
    expected: set[str] = set()
    for name in names:
        rows = before.named(name)
        if not rows:
            wrong.append(f"'{name}' was not there before")
        expected.update(row.name for row in rows)
        wrong += [f"{row.name} ({mib(row.bytes)}) is still there" for row in rows if row.name in after.assets]
    if only:
        more = {name: row for name, row in gone.items() if name not in expected}
        wrong += [f"{name} ({mib(row.bytes)}) is gone too" for name, row in more.items()]
    if freed < at_least:
        wrong.append(f"{mib(freed)} were given back, expected at least {mib(at_least)}")
    if wrong:
        reported = [f"{name}: {mib(row.bytes)}" for name, row in gone.items()] or ["nothing"]
        fail(
            f"the change did not free what it should (live {mib(before.live)}, then {mib(after.live)}):",
            wrong,
            "what is gone:",
            reported,
        )
    return freed


def assert_no_growth(scene: OpenedScene, by: int = 0) -> AbstractContextManager[None]:
    """Assert that a block of code leaves, once settled, no more memory live than before (but for `by` bytes).

    Where nothing may grow, the objects on the device are counted too.
    """
    return _NoGrowth(scene, by)


class _NoGrowth:
    """A class, and no generator, so that a failure points at the block."""

    def __init__(self, scene: OpenedScene, by: int) -> None:
        self._scene = scene
        self._by = by

    def __enter__(self) -> None:
        self._scene.settle()
        self._before, self._objects = self._scene.memory, self._scene.host.objects()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        __tracebackhide__ = True
        if kind is not None:
            return
        self._scene.settle()
        before, after, wrong = self._before, self._scene.memory, []
        if after.live > before.live + self._by:
            grown = f"{mib(after.live - before.live)}: {before.live} to {after.live} bytes"
            wrong += [f"live memory grew by {grown}", *_grown(before, after)]
        if not self._by:
            more = {name: n - self._objects.get(name, 0) for name, n in self._scene.host.objects().items()}
            wrong += [f"{n} more live objects of type {name}" for name, n in more.items() if n > 0]
        if wrong:
            fail("the block left more behind than there was before:", wrong)


def assert_nothing_live(scene: OpenedScene) -> None:
    """Close a scene and assert that nothing of it lives on: no memory, and no object of the device."""
    __tracebackhide__ = True
    scene.close()
    live = scene.host.live_bytes
    if live:
        fail(f"{mib(live)} are still live after the scene was closed")


def _over(what: str, is_: int, limit: int) -> str:
    return f"{what}: {mib(is_)}, at most {mib(limit)} ({is_ - limit} bytes over)"


def _largest(memory: MemoryFacts) -> Iterable[str]:
    rows = sorted(memory.assets.values(), key=lambda row: (-row.bytes, row.name))
    return [f"{mib(row.bytes):>12}  {row.name}, for {', '.join(row.why[:2])}" for row in rows[:5]]


def _grown(before: MemoryFacts, after: MemoryFacts) -> list[str]:
    new = {name: row for name, row in after.assets.items() if name not in before.assets}
    return [f"{name} is new: {mib(row.bytes)}" for name, row in new.items()] + [
        f"{name} grew from {mib(before.assets[name].bytes)} to {mib(row.bytes)}"
        for name, row in after.assets.items()
        if name in before.assets and row.bytes > before.assets[name].bytes
    ]
