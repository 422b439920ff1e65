"""Blocks of instances: every drawn row of a feature has a slot, and a block is a run of slots of one batch.

A block is drawn by one indirect command, and by a second one where it holds mirrored objects. It is what is
written again when one of its rows changes, so a change of k rows costs k blocks of at most BLOCK_ROWS slots,
however many rows there are. The boxes of instances are kept by slot, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.feature.skins import Bones
from engine.plan.requirements.request_table import GrowingArray
from engine.plan.terms.table import begins_run, distinct
from engine.tableau import Tableau
from engine.tableau.columns import as_slice

if TYPE_CHECKING:
    from engine.planning.draw.tables import DrawTable

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

BLOCK_ROWS = 64
"""The most slots of a block."""
BLOCK_TRIANGLES = 2048
"""About how many triangles a block of large meshes has: so that a view leaves out single ones of them."""

BLOCK = np.dtype([("batch", "<i4"), ("first", "<i4"), ("capacity", "<i4"), ("used", "<i4")])
"""One block: its batch, its first slot, how many slots it has and how many of them have a row."""

FREE = -1
FEW = 8
"""Batches of a row that is added alone, without sorting."""

CURVE_CELLS = 1 << 16
_SPREAD = ((16, 0xFF0000FF), (8, 0xF00F00F00F), (4, 0xC30C30C30C3), (2, 0x249249249249))
"""Shifts and masks that move the 16 bits of a number apart, with two bits between them."""


def slot_limit(rows: int) -> int:
    """Return how many slots so many instances may take, with the room that changes need."""
    return capacity(rows + rows // 32)


def block_rows(triangles: npt.NDArray[np.integer]) -> Ints:
    """Return the most slots of blocks of meshes with so many triangles: powers of two."""
    fit = np.clip(BLOCK_TRIANGLES // np.maximum(triangles, 1), 1, BLOCK_ROWS)
    rows: Ints = 1 << np.log2(fit).astype(np.int64)
    return rows


def block_limit(rows: int, batches: int) -> int:
    """Return how many blocks so many instances of so many batches may take.

    An instance in blocks of fewer slots counts as often as such blocks fit into one of BLOCK_ROWS.
    """
    blocks = batches + rows // BLOCK_ROWS
    return capacity(blocks + blocks // 32, 8)


def command_limit(rows: int, batches: int) -> int:
    """Return how many commands may draw so many instances: a block that holds mirrored ones has two."""
    return 2 * block_limit(rows, batches)


def along_curve(places: npt.NDArray[np.float64]) -> Ints:
    """Return places, float64[n, 3], in an order in which neighbours are near each other: along a Z-curve.

    Few enough for one block stay as they are, and so do equal ones among each other. After Morton, "A
    computer oriented geodetic data base", 1966.
    """
    if len(places) <= BLOCK_ROWS:
        return np.arange(len(places))
    low = places.min(axis=0)
    size = float((places.max(axis=0) - low).max())
    if not 0.0 < size < np.inf:
        return np.arange(len(places))
    cells = ((places - low) * (CURVE_CELLS / size)).astype(np.int64).clip(0, CURVE_CELLS - 1)
    codes = np.zeros(len(places), np.int64)
    for axis in range(3):
        spread = cells[:, axis]
        for shift, mask in _SPREAD:
            spread = (spread | spread << shift) & mask
        codes |= spread << axis
    return np.argsort(codes, kind="stable")


def capacity(count: int, least: int = 16) -> int:
    """Return the capacity for `count` rows: a power of two, so that adding one rarely needs a new buffer."""
    return max(least, 1 << max(0, count - 1).bit_length())


class InstanceBlocks:
    """The slots and blocks of one pass.

    Attributes
    ----------
    rows : GrowingArray of int32
        The row of the feature table in each slot, FREE where there is none.
    block_of : GrowingArray of int32
        The block of each slot.
    blocks : GrowingArray of BLOCK
    count : int
        How many slots have a row.
    weight : int
        The same as `block_limit` counts them.
    layout : int
        Rises when all rows have been given new slots; what was known of slots and blocks is void then.
    """

    def __init__(
        self,
        places: Callable[[npt.NDArray[np.integer]], Doubles] | None = None,
        sizes: Callable[[npt.NDArray[np.integer]], Ints] | None = None,
    ) -> None:
        """`places` returns where rows are, float64[n, 3]: rows that come together stand near each other.

        `sizes` returns the most slots of the blocks of batches, powers of two up to BLOCK_ROWS, the default.
        """
        self.layout = 0
        self._places = places
        self._sizes = sizes
        self._known_sizes: Ints = np.zeros(0, np.int64)  # of the batches so far
        self._slots = np.full((0, 1), FREE, np.int32)
        self._clear()

    def _clear(self) -> None:
        self.rows, self.block_of = GrowingArray(np.int32), GrowingArray(np.int32)
        self.blocks = GrowingArray(BLOCK)
        self.count = self.weight = 0
        self._slots[...] = FREE

    def slots_of(self, rows: npt.NDArray[np.integer]) -> Ints:
        """Return the slots of these rows of the feature table, in no particular order."""
        if len(rows) and rows.max() >= len(self._slots):
            rows = rows[rows < len(self._slots)]
        slots = self._slots[rows].ravel()
        taken = slots if len(slots) and slots.min() >= 0 else slots[slots >= 0]
        found: Ints = taken.astype(np.int64)
        return found

    def blocks_of(self, rows: npt.NDArray[np.integer]) -> Ints:
        """Return the blocks of these rows, ascending."""
        return _ascending(self.block_of.rows[self.slots_of(rows)], len(self.blocks))

    def spans(self, blocks: npt.NDArray[np.integer]) -> tuple[Ints, Ints]:
        """Return all slots of these blocks, block after block, and where each block starts among them."""
        of = self.blocks.rows.take(blocks)
        counts = of["capacity"].astype(np.int64)
        ends = np.cumsum(counts)
        starts = ends - counts
        total = int(ends[-1]) if len(ends) else 0
        return np.repeat(of["first"] - starts, counts) + np.arange(total), starts

    def change(
        self, gone: npt.NDArray[np.integer], rows: npt.NDArray[np.integer], batches: Ints, batch_count: int
    ) -> Ints:
        """Remove the rows `gone`, and add a slot for each of the pairs of `rows` and `batches`.

        A row stands in as many pairs as it has batches, one after the other; `batch_count` is the number of
        batches in use afterwards. Returns the blocks that changed, ascending: all of them after a new layout.
        """
        layout = self.layout
        changed = self._remove(gone)
        if len(rows):
            if self._places is not None and len(rows) > BLOCK_ROWS:
                order = self._near(rows)
                rows, batches = rows[order], batches[order]
            changed = np.concatenate((changed, self._add(rows.astype(np.int32, copy=False), batches)))
        limits = slot_limit(self.count), block_limit(self.weight, batch_count)
        if len(self.rows) > limits[0] or len(self.blocks) > limits[1]:
            self._lay_out()
        return np.arange(len(self.blocks)) if self.layout != layout else _ascending(changed, len(self.blocks))

    def pairs(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return (row, batch) of all instances, by slot."""
        slots = (self.rows.rows >= 0).nonzero()[0]
        return self.rows.rows[slots], self.blocks.rows["batch"][self.block_of.rows[slots]]

    def _remove(self, rows: npt.NDArray[np.integer]) -> Ints:
        if not len(rows):
            return np.zeros(0, np.int64)
        slots = self.slots_of(rows)
        self._slots[rows[rows < len(self._slots)]] = FREE
        self.rows.rows[slots] = FREE
        blocks = self.block_of.rows[slots].astype(np.int64)
        np.subtract.at(self.blocks.rows["used"], blocks, np.int32(1))
        self.count -= len(slots)
        self.weight -= self._weight(blocks)
        return blocks

    def _weight(self, blocks: npt.NDArray[np.integer]) -> int:
        """Return how much slots in these blocks count."""
        if self._sizes is None:
            return len(blocks)
        return int((BLOCK_ROWS // self._sizes_of(self.blocks.rows["batch"][blocks])).sum())

    def _sizes_of(self, batches: npt.NDArray[np.integer]) -> Ints:
        """Return the most slots of the blocks of batches; that of a batch never changes."""
        assert self._sizes is not None
        known, end = self._known_sizes, int(batches.max(initial=-1)) + 1
        if end > len(known):
            known = self._known_sizes = np.concatenate((known, self._sizes(np.arange(len(known), end))))
        found: Ints = known[batches]
        return found

    def _add(self, rows: npt.NDArray[np.int32], batches: Ints) -> Ints:
        """Give each pair a free slot of its batch, the lowest first, and new blocks to those without one.

        Returns the blocks of the pairs.
        """
        if len(rows) <= FEW and (rows == rows[0]).all():
            return self._add_row(int(rows[0]), sorted(batches.tolist()))
        order = np.argsort(batches, kind="stable")
        rows, batches = rows[order], batches[order]
        starts = np.diff(batches, prepend=FREE).nonzero()[0]
        wanted = np.diff(starts, append=len(batches))
        distinct = batches[starts]
        free, free_starts, free_counts = self._free_slots(distinct)
        rank = np.arange(len(rows)) - np.repeat(starts, wanted)
        fits = rank < np.repeat(free_counts, wanted)
        slots = np.empty(len(rows), np.int64)
        slots[fits] = free[(np.repeat(free_starts, wanted) + rank)[fits]]
        rest = np.maximum(wanted - free_counts, 0)
        first = self._add_blocks(distinct, rest)
        slots[~fits] = (np.repeat(first - free_counts, wanted) + rank)[~fits]
        self._fill(slots, rows)
        return self.block_of.rows[slots].astype(np.int64)

    def _add_row(self, row: int, batches: list[int]) -> Ints:
        """Do what `_add` does for one row that stands in few batches (ascending), each of them once."""
        self._reserve(row + 1, len(batches))
        found = np.empty(len(batches), np.int64)
        for column, batch in enumerate(batches):
            blocks = self.blocks.rows
            roomy = (blocks["batch"] == batch) & (blocks["used"] < blocks["capacity"])
            if roomy.any():
                block = int(roomy.argmax())
                _, first, size, _ = blocks[block].tolist()
                slot = first + int(self.rows.rows[first : first + size].argmin())  # FREE is the least
            else:
                slot = int(self._add_blocks(np.array([batch]), np.array([1]))[0])
                block = int(self.block_of.rows[slot])
            self.rows.rows[slot], self._slots[row, column] = row, slot
            self.blocks.rows["used"][block] += 1
            found[column] = block
        self.count += len(batches)
        self.weight += self._weight(found)
        return found

    def _free_slots(self, batches: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the free slots of these batches (ascending), batch after batch; start and count of each."""
        blocks = self.blocks.rows
        roomy = (blocks["used"] < blocks["capacity"]).nonzero()[0]
        at = np.minimum(np.searchsorted(batches, blocks["batch"][roomy]), len(batches) - 1)
        ours = batches[at] == blocks["batch"][roomy]
        roomy, at = roomy[ours], at[ours]
        order = np.argsort(at, kind="stable")
        slots, _ = self.spans(roomy[order])
        owner = np.repeat(at[order], blocks["capacity"][roomy[order]])
        unused = self.rows.rows[slots] < 0
        counts = np.bincount(owner[unused], minlength=len(batches))
        return slots[unused], np.cumsum(counts) - counts, counts

    def _add_blocks(self, batches: Ints, rows: Ints) -> Ints:
        """Add blocks for so many more rows of each batch; return the first new slot of each batch.

        The last block of a batch that grows is as large as all it had, so that blocks stay few.
        """
        if not rows.any():
            return np.zeros(len(batches), np.int64)
        had = np.bincount(self.blocks.rows["batch"], self.blocks.rows["capacity"], int(batches[-1]) + 1)
        size = np.full(len(batches), BLOCK_ROWS) if self._sizes is None else self._sizes_of(batches)
        full, left = np.divmod(rows, size)
        last = np.where(left > 0, np.clip(had[batches].astype(np.int64), left, size), 0)
        count = full + (left > 0)
        made = np.zeros(int(count.sum()), BLOCK)
        made["batch"] = np.repeat(batches, count)
        made["capacity"] = np.repeat(size, count)
        ends = np.cumsum(count)
        made["capacity"][ends[left > 0] - 1] = last[left > 0]
        begin = len(self.rows) + np.cumsum(made["capacity"], dtype=np.int64) - made["capacity"]
        made["first"] = begin
        number = len(self.blocks)
        self.blocks.add(made)
        total = int(made["capacity"].sum())
        self.rows.add(np.full(total, FREE, np.int32))
        self.block_of.add(np.repeat(np.arange(number, number + len(made), dtype=np.int32), made["capacity"]))
        first = np.zeros(len(batches), np.int64)
        first[count > 0] = begin[(ends - count)[count > 0]]
        return first

    def _fill(self, slots: Ints, rows: npt.NDArray[np.int32]) -> None:
        """Put rows into free slots."""
        self.rows.rows[slots] = rows
        blocks = self.block_of.rows[slots]
        self.blocks.rows["used"] += np.bincount(blocks, minlength=len(self.blocks)).astype(np.int32)
        self.count += len(slots)
        self.weight += self._weight(blocks)
        # The k-th slot of a row stands in column k.
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        starts = np.diff(ordered, prepend=FREE).nonzero()[0]
        counts = np.diff(starts, append=len(ordered))
        self._reserve(int(ordered[-1]) + 1, int(counts.max()))
        column = np.arange(len(ordered)) - np.repeat(starts, counts)
        self._slots[ordered, column] = slots[order]

    def _reserve(self, rows: int, width: int) -> None:
        """Make room for the slots of so many rows, so many slots each."""
        have = self._slots.shape
        if rows > have[0] or width > have[1]:
            grown = np.full(
                (max(rows, 2 * have[0]) if rows > have[0] else have[0], max(width, have[1])), FREE
            )
            grown = grown.astype(np.int32)
            grown[: have[0], : have[1]] = self._slots
            self._slots = grown

    def _lay_out(self) -> None:
        """Give all rows new slots, without holes, by batch and row."""
        rows, batches = self.pairs()
        self._clear()
        self.layout += 1
        if len(rows):
            order = np.argsort(rows, kind="stable")
            order = order[self._near(rows[order])]
            self._add(rows[order], batches[order].astype(np.int64))

    def _near(self, rows: npt.NDArray[np.integer]) -> Ints:
        """Return the order in which rows are given slots."""
        if self._places is None or len(rows) <= BLOCK_ROWS:
            return np.arange(len(rows))
        return along_curve(self._places(rows))


class SlotBoxes:
    """The boxes of the enabled instances of one table relative to the origins of their objects, by slot.

    They are kept while axes and meshes stay, so where objects move and do not turn, a box in the world costs
    two sums. A skinned instance is measured every time.
    """

    def __init__(self, table: DrawTable, tableau: Tableau) -> None:
        self._table = table
        self._tableau = tableau
        self._objects = np.zeros(0, np.intp)
        self._low = np.zeros((3, 0))  # from the object's origin to the lowest corner, by axis
        self._high = np.zeros((3, 0))  # and to the highest; below the lowest without an instance
        self._placed = np.zeros((0, 3)), np.zeros((3, 0))  # kept, as new memory takes longer than the sums
        self._known = np.zeros(0, np.bool_)  # by block
        self._seen: tuple[int, int, int] | None = None
        self._bones: Bones | None = None

    def follow(self) -> None:
        """Forget the boxes of instances that were switched, turned or scaled since the last call."""
        table, tableau, bones = self._table, self._tableau, self._table.bones
        now = table.blocks.layout, table.changes.version, tableau.reshapes.version
        before, self._seen = self._seen, now
        count, slots = len(table.blocks.blocks), len(table.blocks.rows)
        if before is None or before[0] != now[0] or bones is not self._bones:
            self._known = self._known[:0]
        elif before != now:
            changed, shaped = table.changes.since(before[1]), tableau.reshapes.since(before[2])
            if changed is None or shaped is None:
                self._known = self._known[:0]
            else:
                self._known[changed[changed < len(self._known)]] = False
                again = table.blocks.blocks_of(table.feature.rows_of(shaped)) if len(shaped) else changed[:0]
                self._known[again[again < len(self._known)]] = False
        self._bones = bones
        if len(self._known) != count:
            self._known = np.concatenate(
                (self._known[:count], np.zeros(max(0, count - len(self._known)), bool))
            )
        if len(self._objects) < slots:
            more = max(slots, 2 * len(self._objects)) - len(self._objects)
            self._objects = np.concatenate((self._objects, np.zeros(more, np.intp)))
            self._low, self._high = (
                np.concatenate((kept, np.zeros((3, more))), axis=1) for kept in (self._low, self._high)
            )

    def corners(self, blocks: npt.NDArray[np.integer]) -> tuple[Doubles, Doubles]:
        """Return lowest and highest corner of these blocks in the world, [3, n] each, after `follow`.

        An empty block has infinity as its lowest corner.
        """
        new = blocks[~self._known[blocks]]
        if len(new):
            self._measure(new)
        where, starts = self._where(blocks)
        objects = self._objects[where]
        count = len(objects)
        if count > len(self._placed[0]):
            self._placed = np.empty((count, 3)), np.empty((3, count))
        origins, corner, rows = self._placed[0][:count], self._placed[1][:, :count], as_slice(objects)
        if isinstance(rows, slice):
            origins = self._tableau.origin[rows]
        else:
            self._tableau.origin.take(rows, axis=0, out=origins, mode="clip")
        np.add(origins.T, self._low[:, where], out=corner)
        low = np.minimum.reduceat(corner, starts, axis=1)
        np.add(origins.T, self._high[:, where], out=corner)
        return low, np.maximum.reduceat(corner, starts, axis=1)

    def _where(
        self, blocks: npt.NDArray[np.integer]
    ) -> tuple[npt.NDArray[np.integer] | slice, npt.NDArray[np.integer]]:
        """Return the slots of these blocks, and where each block starts among them."""
        of = self._table.blocks.blocks.rows.take(blocks)
        first, last = of["first"], of["first"] + of["capacity"]
        if len(of) and (first[1:] == last[:-1]).all():
            return slice(int(first[0]), int(last[-1])), first - first[0]
        return self._table.blocks.spans(blocks)

    def _measure(self, blocks: npt.NDArray[np.integer]) -> None:
        """Measure the instances of these blocks."""
        table = self._table
        slots, _ = table.blocks.spans(blocks)
        at = as_slice(slots)
        self._objects[at], self._low[:, at], self._high[:, at] = 0, np.inf, -np.inf
        self._known[blocks] = True
        drawn = table.drawn(table.blocks.rows.rows[slots])
        slots = slots[drawn]
        if not len(slots):
            return
        objects, offset, reach = table.relative_boxes(slots)
        at, centre = as_slice(slots), offset.astype(np.float64)
        self._objects[at] = objects
        self._low[:, at], self._high[:, at] = (centre - reach).T, (centre + reach).T
        bones = table.bones
        if len(bones.objects):
            skinned = slots[bones.first[objects] >= 0]
            self._known[table.blocks.block_of.rows[skinned]] = False


def _ascending(numbers: npt.NDArray[np.integer], count: int) -> Ints:
    """Return the distinct ones of some numbers below `count`, ascending."""
    if len(numbers) > 1:
        numbers = numbers[begins_run(numbers)]
    if len(numbers) < count // 64:
        return distinct(numbers)
    used = np.zeros(count, np.bool_)
    used[numbers] = True
    return used.nonzero()[0]
