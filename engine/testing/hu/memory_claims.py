"""Claims of test files about memory: totals, heaps, assets, and changes since a moment."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.humon import Kind, Node, expect, nearest, required
from engine.testing.hu.playback import Playback
from engine.testing.hu.values import Bounds, TestCode, amount, bounds, fail, known_fields, names, quantity

if TYPE_CHECKING:
    from engine.testing.scene.memory_facts import AssetMemory, MemoryFacts

_TOTALS = ("live", "planned", "peak")
_LARGEST = 4


def check_total(of: object, name: str, wanted: Bounds, where: str, help_text: str) -> None:
    """Check one total in bytes against its bounds."""
    value = getattr(of, name)
    if not wanted.holds(value):
        message = f"{name} memory{where} is {quantity(value, 'bytes')}, expected {wanted.words('bytes')}"
        raise fail(TestCode.MEMORY, message, wanted.node, help_text)


@dataclass(frozen=True)
class MemoryClaim:
    """`memory: { planned: ... heaps: { 0: { live: ... } } assets: { NAME: { bytes: ... } } freed: ... }`."""

    totals: dict[str, Bounds] = field(default_factory=dict)
    heaps: dict[Node, dict[str, Bounds]] = field(default_factory=dict)
    assets: dict[Node, AssetClaim] = field(default_factory=dict)
    change: dict[str, tuple[Node, Bounds]] = field(default_factory=dict)
    same_as: Node | None = None

    @classmethod
    def read(cls, node: Node) -> MemoryClaim:
        """Read the claim; raises InputError."""
        found = known_fields(node, (*_TOTALS, "heaps", "assets", "freed", "grown", "sameAs"), "memory")
        heaps = {
            child: {name: bounds(each) for name, each in known_fields(child, _TOTALS, "a heap").items()}
            for child in (expect(found["heaps"], Kind.DICT) if "heaps" in found else ())
        }
        assets = {
            child: AssetClaim.read(child)
            for child in (expect(found["assets"], Kind.DICT) if "assets" in found else ())
        }
        change = {name: _since(found[name], name) for name in ("freed", "grown") if name in found}
        totals = {name: bounds(found[name]) for name in _TOTALS if name in found}
        return cls(totals, heaps, assets, change, found.get("sameAs"))

    def check(self, play: Playback) -> None:
        """Raise SceneTestFailure for the first figure that is not as claimed."""
        memory = play.scene.memory
        for name, wanted in self.totals.items():
            check_total(memory, name, wanted, "", largest(memory))
        for node, totals in self.heaps.items():
            heap = next((each for each in memory.heaps if str(each.index) == node.key), None)
            if heap is None:
                known = ", ".join(str(each.index) for each in memory.heaps)
                raise fail(TestCode.MEMORY, f"there is no heap '{node.key}'", node, f"known: {known}")
            for name, wanted in totals.items():
                check_total(heap, name, wanted, f" in heap {heap.index}", largest(memory))
        for node, claim in self.assets.items():
            claim.check(node, memory)
        for name, (since, wanted) in self.change.items():
            before = play.moment(since).memory.planned
            value = before - memory.planned if name == "freed" else memory.planned - before
            if not wanted.holds(value):
                verb = "shrunk" if name == "freed" else "grown"
                figure = f"memory has {verb} by {quantity(value, 'bytes')} since '{since.text}'"
                message = f"{figure}, expected {wanted.words('bytes')}"
                then_now = f"{quantity(before, 'bytes')} then, {quantity(memory.planned, 'bytes')} now"
                raise fail(TestCode.MEMORY, message, wanted.node, f"planned: {then_now}")
        if self.same_as is not None:
            self._check_same(memory, play.moment(self.same_as).memory, self.same_as)

    @staticmethod
    def _check_same(now: MemoryFacts, then: MemoryFacts, node: Node) -> None:
        if (now.live, now.planned) == (then.live, then.planned):
            return
        gone, come = set(then.assets) - set(now.assets), set(now.assets) - set(then.assets)
        figures = f"live {quantity(now.live, 'bytes')}, planned {quantity(now.planned, 'bytes')}"
        before = f"live {quantity(then.live, 'bytes')}, planned {quantity(then.planned, 'bytes')}"
        help_text = (
            f"gone: {', '.join(sorted(gone)) or 'nothing'}; new: {', '.join(sorted(come)) or 'nothing'}"
        )
        raise fail(
            TestCode.MEMORY, f"memory differs from '{node.text}': {figures}; then {before}", node, help_text
        )


@dataclass(frozen=True)
class AssetClaim:
    """The claims about one asset: its bytes, its exact usage bits, and texts that its requesters contain."""

    size: Bounds | None
    usage: Node | None
    why: tuple[Node, ...]

    @classmethod
    def read(cls, node: Node) -> AssetClaim:
        """Read the claim; raises InputError."""
        found = known_fields(node, ("bytes", "usage", "why"), "an asset")
        usage = found.get("usage")
        if usage is not None:
            names(usage)
        why = tuple(names(found["why"])) if "why" in found else ()
        return cls(bounds(found["bytes"]) if "bytes" in found else None, usage, why)

    def check(self, node: Node, memory: MemoryFacts) -> None:
        """Raise SceneTestFailure for the first figure that is not as claimed."""
        asset = one_asset(node, node.key or "", memory)
        if self.size is not None and not self.size.holds(asset.bytes):
            message = (
                f"{asset.name} has {quantity(asset.bytes, 'bytes')}, expected {self.size.words('bytes')}"
            )
            raise fail(TestCode.MEMORY, message, self.size.node)
        if self.usage is not None:
            wanted = {child.text for child in self.usage}
            if wanted != set(asset.usages):
                message = f"{asset.name} has the usages {words(asset.usages)}, expected {words(wanted)}"
                raise fail(TestCode.MEMORY, message, self.usage)
        for child in self.why:
            if not any(child.text in line for line in asset.why):
                message = f"no requester of {asset.name} contains '{child.text}'"
                raise fail(TestCode.MEMORY, message, child, f"requested by: {'; '.join(asset.why)}")


def one_asset(
    node: Node, name: str, memory: MemoryFacts, code: TestCode = TestCode.MEMORY, several: bool = False
) -> AssetMemory:
    """Return the asset of a name; fails at `node` if there is none, or more than one without `several`."""
    found = memory.named(name)
    if not found:
        near = nearest(
            name, [*memory.assets, *(each.rpartition(" ")[2].strip("'") for each in memory.assets)]
        )
        help_text = f"did you mean '{near}'?" if near else "`python -m engine plan SCENE` lists all names"
        raise fail(code, f"nothing in the plan is called '{name}'", node, help_text)
    if len(found) > 1 and not several:
        raise fail(code, f"'{name}' may be {words(each.name for each in found)}", node)
    return found[0]


def largest(memory: MemoryFacts) -> str:
    """List the assets that take most memory."""
    first = sorted(memory.assets.values(), key=lambda each: (-each.bytes, each.name))[:_LARGEST]
    return "largest: " + ", ".join(f"{each.name} {quantity(each.bytes, 'bytes')}" for each in first)


def words(of: Iterable[str]) -> str:
    """Join names, sorted."""
    return ", ".join(sorted(of)) or "none"


def _since(node: Node, name: str) -> tuple[Node, Bounds]:
    """Read `{ since: MOMENT  atLeast: BYTES  atMost: BYTES }` or `{ since: MOMENT  exactly: BYTES }`."""
    found = known_fields(node, ("since", "atLeast", "atMost", "exactly"), f"'{name}'")
    since = expect(required(node, "since"), Kind.VALUE)
    if "exactly" in found:
        return since, bounds(found["exactly"])
    least, most = found.get("atLeast"), found.get("atMost")
    return since, Bounds(amount(least) if least else 0, amount(most) if most else math.inf, node)
