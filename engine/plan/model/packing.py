"""Free ranges and usage counts of a plan, kept between planning rounds so that small changes are fast.

A packing is derived from a MemoryPlan and can be rebuilt at any time. The planner takes it from the resident
plan, updates it and stores it in the new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

import numpy as np

from engine.plan.model.holes import Holes, gaps
from engine.plan.model.memory_plan import HELD, MemoryPlan, Sharing
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.table import Rows
from engine.plan.terms.vocabulary import Kind


class Packing:
    """Free ranges of pages (buffers: bytes, images: layers) and of shared blocks (bytes), with counts.

    `keys_in` counts keys by resource, `resources_in` resources by allocation. `in_pages` and `in_blocks` are
    the total sizes of all pages and blocks of a pool, in the same units.
    """

    def __init__(self, heaps: int) -> None:
        self.pages = Holes()
        self.blocks = Holes()
        self.keys_in: dict[int, int] = {}
        self.resources_in: dict[int, int] = {}
        self.heap_used = [0] * heaps
        self.page_usage: dict[int, int] = {}
        self.in_pages: Counter[Hashable] = Counter()
        self.in_blocks: Counter[Hashable] = Counter()

    @staticmethod
    def of(memory: MemoryPlan, profile: DeviceProfile) -> Packing:
        """The packing of a plan, computed from its columns."""
        packing = Packing(len(profile.heaps))
        allocations, resources, places = memory.allocations, memory.resources, memory.subresources
        for row in allocations:
            packing.add_allocation(row, profile)
        for row in resources:
            allocation = memory.allocation(int(row["allocation"]))
            packing.add_resource(row, allocation)
        used = np.bincount(places["resource"].astype(np.int64), minlength=1)
        for ident in used.nonzero()[0].tolist():
            packing.keys_in[ident] = int(used[ident])
        packing._open_pages(resources, places, memory.held)
        packing._open_blocks(allocations, resources)
        return packing

    def open_new(self, allocations: Rows, resources: Rows, places: Rows) -> None:
        """Add the free ranges of pages and blocks that are new in this round."""
        self._open_pages(resources, places, np.zeros(0, HELD))
        self._open_blocks(allocations, resources)

    def _open_pages(self, resources: Rows, places: Rows, held: Rows) -> None:
        shared = resources[resources["sharing"] != Sharing.OWN]
        if not len(shared):
            return
        length = np.where(shared["kind"] == Kind.BUFFER, shared["bytes"], shared["layers"])
        space = np.concatenate([places["resource"], held["resource"]]).astype(np.int64)
        taken = np.concatenate([places["footprint"], held["footprint"]])
        sums = np.bincount(space, taken, minlength=int(shared["id"].max(initial=-1)) + 1)
        open_ = sums[shared["id"]] < length  # ranges in a page never overlap: a full page has no gaps
        if open_.any():
            offset = np.concatenate([places["offset"], held["offset"]])
            pages = shared["id"][open_].astype(np.int64)
            self.pages.add_ranges(*gaps(space, offset, taken, pages, length[open_].astype(np.int64)))

    def _open_blocks(self, allocations: Rows, resources: Rows) -> None:
        blocks = allocations[~allocations["own"]]
        if not len(blocks):
            return
        self.blocks.add_ranges(
            *gaps(
                resources["allocation"].astype(np.int64),
                resources["offset"],
                resources["size"],
                blocks["id"].astype(np.int64),
                blocks["size"],
            )
        )

    def add_allocation(self, row: np.void, profile: DeviceProfile) -> None:
        """Count a new allocation; a shared one becomes a block for small resources."""
        memory_type = int(row["memory_type"])
        self.heap_used[profile.memory_types[memory_type].heap] += int(row["size"])
        self.resources_in.setdefault(int(row["id"]), 0)
        if not row["own"]:
            pool = pool_of_block(row)
            self.blocks.add_space(int(row["id"]), pool)
            self.in_blocks[pool] += int(row["size"])

    def add_resource(self, row: np.void, allocation: np.void) -> None:
        """Count a new resource; a shared one becomes a page for more keys."""
        ident = int(row["id"])
        self.resources_in[int(row["allocation"])] += 1
        self.keys_in.setdefault(ident, 0)
        if row["sharing"] != Sharing.OWN:
            pool = page_pool(row, allocation)
            self.pages.add_space(ident, pool)
            self.page_usage[ident] = int(row["usage"])
            self.in_pages[pool] += page_size(row)

    def drop_resource(self, row: np.void, allocation: np.void) -> bool:
        """Remove a resource; True if its allocation is empty now."""
        ident, home = int(row["id"]), int(row["allocation"])
        if self.pages.has_space(ident):
            self.pages.drop_space(ident)
            del self.page_usage[ident]
            self.in_pages[page_pool(row, allocation)] -= page_size(row)
        del self.keys_in[ident]
        self.blocks.give(home, int(row["offset"]), int(row["size"]))
        self.resources_in[home] -= 1
        return not self.resources_in[home]

    def drop_allocation(self, row: np.void, profile: DeviceProfile) -> None:
        """Remove an allocation."""
        del self.resources_in[int(row["id"])]
        if not row["own"]:
            self.blocks.drop_space(int(row["id"]))
            self.in_blocks[pool_of_block(row)] -= int(row["size"])
        self.heap_used[profile.memory_types[int(row["memory_type"])].heap] -= int(row["size"])


def page_size(resource: np.void) -> int:
    """Capacity of a page: bytes of a buffer, layers of an image."""
    return int(resource["bytes"] if resource["kind"] == Kind.BUFFER else resource["layers"])


def page_pool(resource: np.void, allocation: np.void) -> Hashable:
    """The pool of a page: its pages serve the same needs, as far as their usage bits allow."""
    common = (
        int(resource["sharing"]),
        int(allocation["memory_type"]),
        bool(allocation["mapped"]),
        bool(allocation["device_address"]),
    )
    if resource["kind"] == Kind.BUFFER:
        return common
    shape = tuple(int(resource[f]) for f in ("format", "width", "height", "mip_levels", "samples"))
    return (*common, *shape)


def pool_of_block(allocation: np.void) -> Hashable:
    """The pool of a shared allocation."""
    flags = (bool(allocation[name]) for name in ("linear", "mapped", "device_address"))
    return block_pool(int(allocation["memory_type"]), *flags)


def block_pool(memory_type: int, linear: bool, mapped: bool, device_address: bool) -> Hashable:
    """The pool of a block: its blocks serve the same small resources."""
    return (memory_type, linear, mapped, device_address)
