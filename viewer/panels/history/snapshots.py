"""Snapshots of memory with names, and the leak check against a base line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.plan.model.plan import Plan
from viewer.panels.history.memory_delta import Change, MemoryDelta, delta
from viewer.panels.history.memory_image import MemoryImage, PlanNames

RowTexts = Mapping[str, Mapping[str, str]]
"""Rows of the plans that hold no memory: for each title their names, by digests of what they say."""

MAX_SNAPSHOTS = 64
"""Snapshots that are kept; they share the rows of plans that they have in common."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Memory as it was: its image, what is live besides, and when that was.

    `live_bytes` are those of all VkDeviceMemory, staging and what waits to be freed included. `objects` has
    the number of live Vulkan objects by type. `rows` are those of the other plans, as a file has them; None
    for one that was taken here, and for files of before.
    """

    name: str
    scene: str
    frame: int
    image: MemoryImage
    live_bytes: int
    objects: Mapping[str, int] = field(default_factory=dict)
    rows: RowTexts | None = None

    @property
    def plan(self) -> Plan | None:
        """The plan that it was taken of; None for one from a file."""
        names = self.image.names
        return names.plan if isinstance(names, PlanNames) else None


@dataclass(frozen=True, eq=False)
class LeakCheck:
    """Memory now against a base line: `leaks` says what there is more of; empty if nothing leaked."""

    delta: MemoryDelta
    leaks: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is no more than at the base line."""
        return not self.leaks


def leak_check(base: Snapshot, now: Snapshot) -> LeakCheck:
    """Compare `now` with a base line to which a scene returns, as after off and on, or a reload.

    Places may differ; bytes, counts and keys may not be more.
    """
    found = delta(base.image, now.image)
    leaks = []
    for what, before, after in (
        ("live bytes", base.live_bytes, now.live_bytes),
        ("allocated bytes", base.image.allocated, now.image.allocated),
        ("allocations", len(base.image.allocations), len(now.image.allocations)),
        ("resources", len(base.image.resources), len(now.image.resources)),
        ("bytes of blocks", base.image.used, now.image.used),
    ):
        if after > before:
            leaks.append(f"{after - before:,} more {what}: {before:,} before, {after:,} now")
    if count := found.count(Change.ONLY_SECOND):
        names = [found.name(row) for row in (found.change == Change.ONLY_SECOND).nonzero()[0][:3].tolist()]
        more = f" and {count - 3:,} more" if count > 3 else ""
        leaks.append(f"only now: {', '.join(names)}{more}")
    for kind in sorted(now.objects):
        before, after = base.objects.get(kind, 0), now.objects[kind]
        if after > before and base.objects:
            leaks.append(f"{after - before:,} more {kind}: {before:,} before, {after:,} now")
    return LeakCheck(found, tuple(leaks))


class Snapshots:
    """The snapshots of a session, oldest first, each with a name of its own; `version` rises with changes."""

    def __init__(self) -> None:
        self.all: list[Snapshot] = []
        self.baseline: Snapshot | None = None
        self.version = 0

    def add(self, snapshot: Snapshot) -> Snapshot:
        """Add a snapshot; a name that is taken gets a number. The oldest beyond MAX_SNAPSHOTS goes.

        Returns it as it was added. The base line never goes by itself.
        """
        taken = {each.name for each in self.all}
        name, number = snapshot.name, 2
        while name in taken:
            name, number = f"{snapshot.name} {number}", number + 1
        added = replace(snapshot, name=name)
        self.all.append(added)
        while len(self.all) > MAX_SNAPSHOTS:
            self.all.remove(next(each for each in self.all if each is not self.baseline))
        self.version += 1
        return added

    def remove(self, snapshot: Snapshot) -> None:
        """Forget a snapshot."""
        self.all.remove(snapshot)
        if self.baseline is snapshot:
            self.baseline = None
        self.version += 1

    def rename(self, snapshot: Snapshot, name: str) -> Snapshot:
        """Give a snapshot another name, unless it is empty or taken. Returns the snapshot."""
        if not name.strip() or any(each.name == name for each in self.all):
            return snapshot
        made = replace(snapshot, name=name)
        self.all[self.all.index(snapshot)] = made
        if self.baseline is snapshot:
            self.baseline = made
        self.version += 1
        return made

    def set_baseline(self, snapshot: Snapshot | None) -> None:
        """Compare with this snapshot from now on."""
        self.baseline = snapshot
        self.version += 1
