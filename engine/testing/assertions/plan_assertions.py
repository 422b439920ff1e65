"""Assertions on plans: their assets with usage, heap, size and requesters; their rows; equal plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.humon import nearest
from engine.testing.assertions.failure_messages import fail
from engine.testing.comparison.plan_difference import plan_difference
from engine.testing.scene.memory_facts import AssetMemory, MemoryFacts, mib

if TYPE_CHECKING:
    from engine.testing.scene.scene import OpenedScene


def assert_planned(
    scene: OpenedScene | MemoryFacts,
    name: str,
    *,
    usages: Iterable[str] | None = None,
    kind: str | None = None,
    heap: int | None = None,
    max_bytes: int | None = None,
    why: str | None = None,
) -> AssetMemory:
    """Assert that an asset or transient is in the plan, with these properties, and return its row.

    `usages` are all its usage bits, by name and in any order; `kind` is "buffer" or "image"; `why` is part of
    the name of one requester. See `MemoryFacts.named` for names.
    """
    __tracebackhide__ = True
    memory = _memory(scene)
    found = memory.named(name)
    if not found:
        close = nearest(name, memory.assets)
        hint = f" (did you mean {close}?)" if close else ""
        fail(f"'{name}' is not in the plan{hint}, which has:", sorted(memory.assets))
    if len(found) > 1:
        fail(f"'{name}' is the name of more than one row:", sorted(row.name for row in found))
    row = found[0]
    wrong = []
    if usages is not None and set(row.usages) != set(usages):
        wrong += _usages(set(usages), set(row.usages))
    if kind is not None and row.kind != kind:
        wrong.append(f"kind: expected {kind}, is {row.kind}")
    if heap is not None and row.heap != heap:
        wrong.append(f"heap: expected {heap}, is {row.heap}")
    if max_bytes is not None and row.bytes > max_bytes:
        wrong.append(f"bytes: expected at most {mib(max_bytes)}, takes {mib(row.bytes)} ({row.bytes})")
    if why is not None and not any(why in line for line in row.why):
        wrong.append(f"why: no requester contains '{why}'")
    if wrong:
        fail(f"{row.name} is planned with other properties:", wrong, "requested by:", row.why)
    return row


def assert_not_planned(scene: OpenedScene | MemoryFacts, *names: str) -> None:
    """Assert that none of these is in the plan."""
    __tracebackhide__ = True
    memory = _memory(scene)
    for name in names:
        for row in memory.named(name):
            fail(f"{row.name} is in the plan ({mib(row.bytes)}), requested by:", row.why)


def assert_plan_rows(
    scene: OpenedScene,
    *,
    shaders: Sequence[str] | None = None,
    pipelines: Sequence[str] | None = None,
    descriptor_sets: Sequence[str] | None = None,
) -> None:
    """Assert the names of all shaders, pipelines and descriptor sets of the plan, in any order."""
    __tracebackhide__ = True
    plan = scene.plan
    name = plan.requirements.keys.name
    rows = (
        ("shaders", shaders, [name(row.key) for row in plan.shaders]),
        ("pipelines", pipelines, [row.name for row in plan.pipelines]),
        ("descriptor sets", descriptor_sets, [row.name for row in plan.descriptor_sets]),
    )
    wrong = []
    for what, expected, actual in rows:
        if expected is not None and sorted(expected) != sorted(actual):
            missing = sorted(set(expected) - set(actual))
            more = sorted(set(actual) - set(expected))
            wrong += [f"missing {what}: {', '.join(missing)}"] if missing else []
            wrong += [f"unexpected {what}: {', '.join(more)}"] if more else []
            if not missing and not more:
                wrong.append(f"{what}: expected {len(expected)} rows with these names, found {len(actual)}")
    if wrong:
        fail("the plan has other rows:", wrong)


def assert_same_plan(actual: str | OpenedScene, expected: str | OpenedScene) -> None:
    """Assert that two plans, or their texts, are equal byte for byte; a failure lists the differences."""
    __tracebackhide__ = True
    wanted, is_ = (plan if isinstance(plan, str) else plan.plan_text for plan in (expected, actual))
    if wanted != is_:
        raise AssertionError(f"the plans differ (- expected, + actual):\n{plan_difference(wanted, is_)}")


def _memory(scene: OpenedScene | MemoryFacts) -> MemoryFacts:
    return scene if isinstance(scene, MemoryFacts) else scene.memory


def _usages(expected: set[str], actual: set[str]) -> list[str]:
    lines = [f"usages: lacks {', '.join(sorted(expected - actual))}"] if expected - actual else []
    return lines + ([f"usages: has {', '.join(sorted(actual - expected))} too"] if actual - expected else [])
