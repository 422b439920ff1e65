"""Keys whose bytes could not be had: they are not published, and their users draw the fallback."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.memory.streaming.caches import CacheUnreadable
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.resident.steps import Move, Publish
from engine.plan.terms.table import Int64s


class Lost:
    """Which keys are lost at which place, and why; a key that is read again, for another place, is found.

    `why` says what went wrong with which database (its number), each once, in the order in which it did.
    """

    def __init__(self) -> None:
        self.plan: MemoryPlan | None = None
        self.why: list[tuple[int, str]] = []
        self._places: dict[int, tuple[int, int]] = {}

    @property
    def keys(self) -> frozenset[int]:
        """The keys that are lost."""
        return frozenset(self._places)

    def add(self, problem: CacheUnreadable, keys: Int64s, reached: NDArray[np.void]) -> None:
        """Lose those of `keys` that lie where bytes are missing (dtype REACHED)."""
        assert self.plan is not None
        rows = self.plan.subresource_table.rows(keys)
        end = rows["offset"] + np.maximum(rows["size"], 1)
        for resource, begin, stop in reached.tolist():
            is_layer = rows["footprint"] < rows["size"]
            hit = (rows["resource"] == resource) & (rows["offset"] < stop)
            hit &= np.where(is_layer, rows["offset"] + rows["footprint"], end) > begin
            for row in rows[hit]:
                self._places[int(row["key"])] = (resource, int(row["offset"]))
        if (problem.db, problem.why) not in self.why:
            self.why.append((problem.db, problem.why))

    def without(self, step: Publish) -> Publish:
        """Return the step without the keys that are lost at the places it publishes."""
        if not self._places:
            return step
        keep = np.ones(len(step.keys), bool)
        columns = (step.keys.tolist(), step.resources.tolist(), step.offsets.tolist())
        for index, (key, *place) in enumerate(zip(*columns, strict=True)):
            if key in self._places:
                keep[index] = self._places[key] != tuple(place)
                if keep[index]:
                    del self._places[key]
        return Publish(step.keys[keep], step.resources[keep], step.offsets[keep])

    def move(self, step: Move) -> None:
        """Follow lost keys to another place: what is copied there is not what they should hold."""
        if self._places:
            columns = (step.keys.tolist(), step.sources.tolist(), step.targets.tolist())
            for key, source, target in zip(*columns, strict=True):
                if self._places.get(key) == (step.from_resource, source):
                    self._places[key] = (step.to_resource, target)

    def forget(self, keys: Int64s) -> None:
        """Nobody asks for these keys any more."""
        for key in self._places.keys() & set(keys.tolist()) if self._places else ():
            del self._places[key]
