"""Pages that wait to be returned: mostly free, because most of their assets were switched off.

Their keys can be moved to other pages and their memory freed. Which pages wait is a pure function of the
plan, with the thresholds of its policy; `engine/plan/placement/page_return.py` returns them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from engine.plan.model.memory_plan import MemoryPlan, Sharing, shape_of
from engine.plan.model.packing import page_pool, page_size
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Int64s, Rows
from engine.plan.terms.vocabulary import BufferUsage, Contents, ImageUsage, Kind


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page of which `used` of `capacity` bytes or layers are in use.

    To return it moves `moved` bytes and gives about `bytes` of VkDeviceMemory back: more where its keys fit
    into holes of other pages, less where padding separates keys of different alignments.
    """

    resource: int
    allocation: int
    memory_type: int
    kind: Kind
    used: int
    capacity: int
    bytes: int
    moved: int

    @property
    def reason(self) -> str:
        """Why it is returned: how much of it is in use."""
        unit = "layers" if self.kind is Kind.IMAGE else "bytes"
        return f"{self.used:,} of {self.capacity:,} {unit} in use"


def waiting_pages(
    memory: MemoryPlan, places: Rows, terms: TermsTable, profile: DeviceProfile, policy: Policy
) -> tuple[WaitingPage, ...]:
    """The waiting pages of `memory` if only `places` of its subresources are in use, most worthwhile first.

    Only contents that come from caches can be moved, and only a page with an allocation of its own gives its
    memory back. Room for additions (Policy.growth) does not wait.
    """
    resources = memory.resources
    if not policy.movable or not len(places):
        return ()
    capacity = np.where(resources["kind"] == Kind.IMAGE, resources["layers"], resources["bytes"])
    at = np.searchsorted(resources["id"], places["resource"])
    used, moved = (_sums(at, places[name], len(resources)) for name in ("footprint", "size"))
    fixed = _sums(at, ~terms.with_contents(Contents.CACHE)[places["terms"]], len(resources))
    mostly_free = (used > 0) & (fixed == 0) & (policy.sparse * used < capacity)
    mostly_free &= resources["sharing"] != Sharing.OWN
    found: list[WaitingPage] = []
    total: Counter[Hashable] = Counter()
    for row in np.flatnonzero(mostly_free).tolist():
        resource = resources[row]
        allocation = memory.allocation(int(resource["allocation"]))
        if not allocation["own"]:
            continue
        total = total or _pool_sizes(memory)
        if capacity[row] - used[row] <= total[page_pool(resource, allocation)] // policy.growth:
            continue
        gain = int(allocation["size"]) - _fresh_size(resource, int(used[row]), profile)
        if gain > 0:
            ids = int(resource["id"]), int(allocation["id"]), int(allocation["memory_type"])
            amounts = int(used[row]), int(capacity[row]), gain, int(moved[row])
            found.append(WaitingPage(*ids, Kind(int(resource["kind"])), *amounts))
    return tuple(sorted(found, key=lambda page: (page.moved / page.bytes, page.resource)))


def _sums(at: Int64s, values: Rows, count: int) -> Int64s:
    return np.bincount(at, values, count).astype(np.int64)


def _pool_sizes(memory: MemoryPlan) -> Counter[Hashable]:
    """The total size of all pages of each pool, in bytes or layers."""
    sizes: Counter[Hashable] = Counter()
    for row in memory.resources[memory.resources["sharing"] != Sharing.OWN]:
        sizes[page_pool(row, memory.allocation(int(row["allocation"])))] += page_size(row)
    return sizes


def _fresh_size(resource: np.void, used: int, profile: DeviceProfile) -> int:
    """Bytes of a page like `resource` with `used` bytes or layers."""
    usage = int(resource["usage"])
    if resource["kind"] == Kind.IMAGE:
        return profile.image_requirements(shape_of(resource), used, ImageUsage(usage)).size
    return profile.buffer_requirements(used, BufferUsage(usage)).size
