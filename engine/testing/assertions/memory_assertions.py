"""Assertions on GPU memory: bytes per heap, usage bits, what a change freed, growth over a block of code."""

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
    """Assert upper limits in bytes for live, planned and peak memory, and for planned memory by heap index.

    A failure lists each exceeded limit and the largest assets.
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
        fail("the scene exceeds its memory limits:", over, "the largest are:", _largest(memory))


def assert_usages(scene: OpenedScene | MemoryFacts, name: str, *usages: str) -> None:
    """Assert the exact set of usage bits of an asset: `assert_usages(scene, "#8", "sampled_bit", ...)`."""
    __tracebackhide__ = True
    from engine.testing.assertions.plan_assertions import assert_planned

    assert_planned(scene, name, usages=usages)


def assert_freed(
    before: MemoryFacts, after: MemoryFacts, *names: str, at_least: int = 0, only: bool = False
) -> int:
    """Assert that a change freed these assets and `at_least` so many bytes of live memory; return the bytes.

    With `only`, every other asset must still be there.
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
        wrong.append(f"{mib(freed)} were freed, expected at least {mib(at_least)}")
    if wrong:
        listed = [f"{name}: {mib(row.bytes)}" for name, row in gone.items()] or ["nothing"]
        fail(
            f"the change did not free what it should (live {mib(before.live)}, then {mib(after.live)}):",
            wrong,
            "freed were:",
            listed,
        )
    return freed


def assert_no_growth(scene: OpenedScene, by: int = 0) -> AbstractContextManager[None]:
    """Assert that live memory, once settled, grows by at most `by` bytes over a block of code.

    With `by` 0, the number of live objects of each type may not grow either.
    """
    return _NoGrowth(scene, by)


class _NoGrowth:
    """A class instead of a generator, so that the traceback of a failure ends at the block."""

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
            fail("memory or objects grew over the block:", wrong)


def assert_nothing_live(scene: OpenedScene) -> None:
    """Close a scene and assert that it leaves no device memory and no Vulkan object behind."""
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
