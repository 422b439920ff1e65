"""Keys whose bytes could not be read: they are not published, and their users draw the fallback."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.memory.streaming.caches import CacheUnreadable
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.resident.steps import Move, Publish
from engine.plan.terms.table import Int64s


class UnreadableAssets:
    """Unreadable keys and the addresses that lack their bytes; publishing a key elsewhere drops it.

    `reasons` are (id of the database, reason), each once, in order of occurrence.
    """

    def __init__(self) -> None:
        self.plan: MemoryPlan | None = None
        self.reasons: list[tuple[int, str]] = []
        self._addresses: dict[int, tuple[int, int]] = {}

    @property
    def keys(self) -> frozenset[int]:
        """The unreadable keys."""
        return frozenset(self._addresses)

    def add(self, problem: CacheUnreadable, keys: Int64s, affected: NDArray[np.void]) -> None:
        """Add those of `keys` that overlap the ranges without bytes (`affected`, dtype AFFECTED_RANGE)."""
        assert self.plan is not None
        rows = self.plan.subresource_table.rows(keys)
        end = rows["offset"] + np.maximum(rows["size"], 1)
        for resource, begin, stop in affected.tolist():
            is_layer = rows["footprint"] < rows["size"]
            hit = (rows["resource"] == resource) & (rows["offset"] < stop)
            hit &= np.where(is_layer, rows["offset"] + rows["footprint"], end) > begin
            for row in rows[hit]:
                self._addresses[int(row["key"])] = (resource, int(row["offset"]))
        if (problem.db, problem.reason) not in self.reasons:
            self.reasons.append((problem.db, problem.reason))

    def exclude_from(self, step: Publish) -> Publish:
        """Return the step without the keys that are unreadable at the addresses it publishes."""
        if not self._addresses:
            return step
        keep = np.ones(len(step.keys), bool)
        columns = (step.keys.tolist(), step.resources.tolist(), step.offsets.tolist())
        for index, (key, *place) in enumerate(zip(*columns, strict=True)):
            if key in self._addresses:
                keep[index] = self._addresses[key] != tuple(place)
                if keep[index]:
                    del self._addresses[key]
        return Publish(step.keys[keep], step.resources[keep], step.offsets[keep])

    def move(self, step: Move) -> None:
        """Follow unreadable keys to their new addresses: a copy of missing bytes is still missing."""
        if self._addresses:
            columns = (step.keys.tolist(), step.sources.tolist(), step.targets.tolist())
            for key, source, target in zip(*columns, strict=True):
                if self._addresses.get(key) == (step.from_resource, source):
                    self._addresses[key] = (step.to_resource, target)

    def discard(self, keys: Int64s) -> None:
        """Drop these keys, which are no longer requested."""
        for key in self._addresses.keys() & set(keys.tolist()) if self._addresses else ():
            del self._addresses[key]
