"""The addresses that are published now: what frames may use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.addresses import LIVE_SUBRESOURCE, Location
from engine.memory.device.objects import Objects
from engine.plan.resident.steps import Publish
from engine.plan.terms.table import Table, distinct, stack
from engine.plan.terms.vocabulary import Kind
from engine.vk.binding import NULL

_NO_KEYS = np.zeros(0, np.int64)
_MAX_FRESH = 64


class Published:
    """The published addresses; `version` grows with every change.

    Addresses are columns, since thousands change at once: published rows are merged into the table at the
    next query. `location` caches a Location per key until the key changes.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known = Table.of(np.zeros(0, LIVE_SUBRESOURCE), "key")
        # Each sorted by key; no key is in two of them or in `_known`.
        self._fresh: list[NDArray[np.void]] = []
        self._locations: dict[int, Location] = {}
        self._changed: list[NDArray[np.int64]] = []
        self.version = 0

    def __contains__(self, key: int) -> bool:
        return bool(self._table.has(np.array([key]))[0])

    def __len__(self) -> int:
        return len(self._table)

    def publish(self, step: Publish, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Set the addresses of keys; `rows` (SUBRESOURCE) are their rows in the plan.

        Returns the previous addresses (LIVE_SUBRESOURCE) of those that had one.
        """
        made = np.zeros(len(rows), LIVE_SUBRESOURCE)
        made["key"], made["resource"], made["offset"] = step.keys, step.resources, step.offsets
        made["stride"] = rows["stride"]
        # A ring is as long as all its copies; the padding after anything else does not belong to it.
        is_ring = (rows["footprint"] > rows["stride"]) & (rows["stride"] > 0)
        made["size"] = np.where(is_ring, rows["footprint"], rows["size"])
        if (made["key"][1:] < made["key"][:-1]).any():
            made = made.take(np.argsort(made["key"], kind="stable"))
        left = self._forget(step.keys, made)
        if len(left) or not len(made) or len(self._fresh) == _MAX_FRESH:
            self._known = self._table.changed(made, _NO_KEYS)
        else:
            self._fresh.append(made)
        return left

    def withdraw(self, keys: NDArray[np.int64]) -> NDArray[np.void]:
        """Remove the addresses of keys and return them."""
        left = self._forget(keys)
        self._known = self._table.changed(left[:0], left["key"].astype(np.int64))
        return left

    def changed(self) -> NDArray[np.int64]:
        """Return the keys published or withdrawn since the last call, sorted, each once."""
        changed, self._changed = self._changed, []
        return distinct(np.concatenate([_NO_KEYS, *changed]))

    def addresses(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the resource of each key, -1 where it is not published, and the offset in it in bytes."""
        found, rows = self.find(keys)
        return np.where(found, rows["resource"], np.int32(-1)), np.where(found, rows["offset"], 0)

    def find(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.void]]:
        """Return which of these keys are published, and a row of LIVE_SUBRESOURCE for each, any where not."""
        return self._table.find(keys)

    def view(self, resource: int) -> Any:
        """Return the default VkImageView of a live image. Raises DioramaInternalError."""
        return self._objects.resource(resource).view

    def mip_levels(self, resource: int) -> int:
        """Return the number of mip levels of a live image. Raises DioramaInternalError."""
        shape = self._objects.resource(resource).shape
        assert shape is not None
        return shape.mip_levels

    def handle(self, resource: int) -> Any:
        """Return the VkBuffer or VkImage of a live resource. Raises DioramaInternalError."""
        return self._objects.resource(resource).handle

    def location(self, key: int) -> Location | None:
        """Return the address of a key, or None if it is not published (draw the fallback)."""
        found = self._locations.get(key)
        if found is None:
            try:
                row = self._table.row(key)
            except KeyError:
                return None
            found = self._locations[key] = self._locate(row)
        return found

    def rows(self) -> NDArray[np.void]:
        """Return all addresses as rows of LIVE_SUBRESOURCE, by key."""
        return self._table.array.copy()

    @property
    def _table(self) -> Table:
        """All addresses, `_fresh` merged in."""
        if self._fresh:
            fresh, self._fresh = self._fresh, []
            self._known = self._known.changed(stack(fresh), _NO_KEYS)
        return self._known

    def _forget(self, keys: NDArray[np.int64], made: NDArray[np.void] | None = None) -> NDArray[np.void]:
        """Return the addresses of `keys`, which change to `made` (sorted by key) or are withdrawn."""
        is_new = (
            made is not None and len(made) and not any(_may_overlap(made, fresh) for fresh in self._fresh)
        )
        table = self._known if is_new else self._table
        left = table.rows(keys[table.has(keys)])
        if len(self._locations) and len(left):
            for key in self._locations.keys() & set(left["key"].tolist()):
                del self._locations[key]
        self._changed.append(keys)
        self.version += 1
        return left

    def _locate(self, row: np.void) -> Location:
        key, number, offset, size, stride = row.item()
        resource = self._objects.resource(number)
        if resource.kind is Kind.IMAGE:
            view = resource.view
            return Location(key, Kind.IMAGE, number, resource.handle, 0, size, stride, offset, view, None)
        whole = resource.mapped
        mapped = None if whole is None else whole[offset : offset + size]
        return Location(key, Kind.BUFFER, number, resource.handle, offset, size, stride, 0, NULL, mapped)


def _may_overlap(one: NDArray[np.void], other: NDArray[np.void]) -> bool:
    """Whether the key ranges of two sorted parts overlap, so that they may share a key."""
    return bool(one["key"][0] <= other["key"][-1] and other["key"][0] <= one["key"][-1])
