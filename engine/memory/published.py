"""Which keys have an address just now: what frames may use."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.memory.location import LIVE_SUBRESOURCE, Location
from engine.memory.objects import Objects
from engine.plan.memory_plan import MemoryPlan
from engine.plan.steps import Publish
from engine.plan.vocabulary import Kind
from engine.vk.binding import NULL

Place = tuple[int, int, int, int]  # resource, offset or layer, size, stride


class Published:
    """The published addresses; `version` grows with every change of them.

    Looking up is a dict, so that a frame pays for what it asks and not for what there is.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._places: dict[int, Place] = {}
        self._locations: dict[int, Location] = {}
        self._changed: set[int] = set()
        self.version = 0

    def __contains__(self, key: int) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def publish(self, step: Publish, plan: MemoryPlan) -> list[Place]:
        """Point keys at new places; returns the old places of those that had one."""
        rows = plan.subresource_table.rows(step.keys)
        # A ring is as long as all its copies; of anything else the padding behind it is nobody's.
        is_ring = (rows["footprint"] > rows["stride"]) & (rows["stride"] > 0)
        sizes = np.where(is_ring, rows["footprint"], rows["size"])
        columns = (step.resources, step.offsets, sizes, rows["stride"])
        keys = step.keys.tolist()
        left = self._forget(keys)
        self._places.update(
            zip(keys, zip(*(column.tolist() for column in columns), strict=True), strict=True)
        )
        return left

    def withdraw(self, keys: NDArray[np.int64]) -> list[Place]:
        """Take the addresses of keys away; returns what they were."""
        return self._forget(keys.tolist())

    def changed(self) -> frozenset[int]:
        """Return the keys published or withdrawn since the last call."""
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def location(self, key: int) -> Location | None:
        """Return where a key lives, or None where it is not published (draw the fallback)."""
        found = self._locations.get(key)
        if found is None and (place := self._places.get(key)) is not None:
            found = self._locations[key] = self._locate(key, place)
        return found

    def rows(self) -> NDArray[np.void]:
        """Return all addresses as rows of LIVE_SUBRESOURCE, by key."""
        made = np.zeros(len(self._places), LIVE_SUBRESOURCE)
        if len(made):
            made["key"] = np.fromiter(self._places.keys(), np.int64, len(made))
            places = np.array(list(self._places.values()), np.int64)
            for name, column in zip(("resource", "offset", "size", "stride"), places.T, strict=True):
                made[name] = column
        return made[np.argsort(made["key"])]

    def _forget(self, keys: Iterable[int]) -> list[Place]:
        left = []
        for key in keys:
            place = self._places.pop(key, None)
            if place is not None:
                left.append(place)
            self._locations.pop(key, None)
            self._changed.add(key)
        self.version += 1
        return left

    def _locate(self, key: int, place: Place) -> Location:
        number, offset, size, stride = place
        resource = self._objects.resource(number)
        if resource.kind is Kind.IMAGE:
            view = resource.view
            return Location(key, Kind.IMAGE, number, resource.handle, 0, size, stride, offset, view, None)
        whole = resource.mapped
        mapped = None if whole is None else whole[offset : offset + size]
        return Location(key, Kind.BUFFER, number, resource.handle, offset, size, stride, 0, NULL, mapped)
