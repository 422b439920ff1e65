"""The GPU memory of a scene at one moment: in total, per heap and per asset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from engine.humon import nearest

if TYPE_CHECKING:
    from engine.plan.model.plan import Plan

MIB = 1 << 20


@dataclass(frozen=True)
class HeapMemory:
    """One memory heap; `live`, `planned`, `peak` (the maximum of `live`), `budget` and `size` in bytes."""

    index: int
    live: int
    planned: int
    peak: int
    budget: int
    size: int
    device_local: bool


@dataclass(frozen=True)
class AssetMemory:
    """One asset or transient on the device: its size, heap, kind, usage bits and requesters.

    `bytes` is its part of its resource, padding included. `usages` are names as in plan text
    (`vertex_buffer_bit`); `why` has one line per requester.
    """

    name: str
    key: int
    bytes: int
    heap: int
    kind: str
    usages: tuple[str, ...]
    why: tuple[str, ...]


class MemoryFacts:
    """A scene's memory at the moment of reading `scene.memory`; it does not follow later changes.

    Parameters
    ----------
    live, planned, peak
        Bytes of VkDeviceMemory: now, once settled, and the maximum since opening (staging included).
    heaps
        The same for each heap.
    plan
        The plan that `assets` describes.
    """

    def __init__(self, live: int, planned: int, peak: int, heaps: tuple[HeapMemory, ...], plan: Plan) -> None:
        self.live = live
        self.planned = planned
        self.peak = peak
        self.heaps = heaps
        self.plan = plan

    @cached_property
    def assets(self) -> Mapping[str, AssetMemory]:
        """Everything planned, by its name in plan text: `assetDb0 vertices 'plane'`, `shadowMap`."""
        from engine.plan.text.why import reason_of

        types = self.plan.profile.memory_types
        found = {}
        for key in self.plan.memory.subresources["key"].tolist():
            reason = reason_of(self.plan, key)
            found[reason.name] = AssetMemory(
                reason.name,
                key,
                reason.bytes,
                types[reason.address.memory_type].heap,
                reason.address.kind.name.lower(),
                reason.usages,
                reason.requesters,
            )
        return found

    def named(self, name: str) -> list[AssetMemory]:
        """Return the assets named `name` or ending in it (`vertices plane`, `#8`); quotes are optional."""
        exact = self.assets.get(name)
        if exact is not None:
            return [exact]
        wanted = f" {name.replace(chr(39), '')}"
        return [a for a in self.assets.values() if f" {a.name.replace(chr(39), '')}".endswith(wanted)]

    def __contains__(self, name: object) -> bool:
        return bool(self.named(str(name)))

    def __getitem__(self, name: str) -> AssetMemory:
        """Return the one asset of a name, see `named`. Raises KeyError with the nearest known name."""
        found = self.named(name)
        if len(found) == 1:
            return found[0]
        if found:
            raise KeyError(f"'{name}' may be {' or '.join(a.name for a in found)}")
        close = nearest(name, [*self.assets, *(a.rpartition(" ")[2].strip("'") for a in self.assets)])
        raise KeyError(
            f"nothing in memory is called '{name}'" + (f"; did you mean {close}?" if close else "")
        )

    def of(self, path: str) -> Iterator[AssetMemory]:
        """Yield the assets that an object (by its path), or an object below it, requests."""
        requirements = self.plan.requirements
        for asset in self.assets.values():
            ids = requirements.requesters_of(asset.key)
            paths = (requirements.requesters[index].object_path for index in ids)
            if any(f"{object_path}/".startswith(f"{path}/") for object_path in paths):
                yield asset

    def __repr__(self) -> str:
        """Sums and largest assets in one line, so that a failed `assert` on memory shows them."""
        largest = sorted(self.assets.values(), key=lambda a: (-a.bytes, a.name))[:3]
        names = ", ".join(f"{a.name} {mib(a.bytes)}" for a in largest)
        sums = f"live {mib(self.live)}, planned {mib(self.planned)}, peak {mib(self.peak)}"
        return f"<memory: {sums}; largest: {names}>"


def mib(size: float) -> str:
    """Format bytes: in MiB with two digits, or exactly below 0.1 MiB."""
    if abs(size) < MIB / 10:
        return f"{int(size)} bytes"
    return f"{size / MIB:.2f} MiB"
