"""Draw lists: the instances and indirect commands of one draw table, kept and changed by difference.

Every block of the table has one command, and a second one for what is mirrored in it, whose triangles turn
the other way. Commands that share pipeline, descriptor set, buffers and handedness are one *group*, drawn by
one call. Each view has commands of its own, which draw no instance where it does not see their block. The
views share the instances, but where each chooses levels of detail: then each has a list of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.plan.terms.table import distinct, distinct_rows, least_by, put, stack
from engine.planning.draw.tables import DrawTable

Ints = npt.NDArray[np.int64]

COMMAND = np.dtype(
    [
        ("index_count", "<u4"),
        ("instance_count", "<u4"),
        ("first_index", "<u4"),
        ("vertex_offset", "<i4"),
        ("first_instance", "<u4"),
    ]
)
"""VkDrawIndexedIndirectCommand."""

BATCH = np.dtype(
    [
        ("pipeline", "<i4"),
        ("descriptors", "<i4"),
        ("vertex_buffer", "<i4"),
        ("index_buffer", "<i4"),
        ("index_type", "<i4"),
        ("index_count", "<u4"),
        ("first_index", "<u4"),
        ("vertex_offset", "<i4"),
        ("ready", "?"),
    ]
)
"""What a batch is drawn with: pipeline, descriptor set (-1: none), resources of its vertices and indices, and
the index range; `ready` is false until all are resident."""

GROUPED = ("pipeline", "descriptors", "vertex_buffer", "index_buffer", "index_type")


@dataclass(frozen=True)
class DrawGroup:
    """One indirect draw call: `count` commands from `first`, with pipeline, descriptor set and buffers.

    All its instances are `mirrored`, or none. `culled` is the CullMode of the side that is left out where
    the sides are drawn apart.
    """

    pipeline: int
    descriptors: int
    vertex_buffer: int
    index_buffer: int
    index_type: int
    mirrored: bool
    first: int
    count: int
    culled: int = 0


@dataclass(frozen=True, eq=False)
class Written:
    """What an update has written: ranges [first, last) of instances and of commands; None for all of them.

    `regrouped` is true where other groups are drawn than before.
    """

    instances: npt.NDArray[np.integer] | None
    commands: npt.NDArray[np.integer] | None
    regrouped: bool


FEW = 64
MOST_GROUPS = 256
"""So many blocks find their groups one by one, among so many groups; otherwise all is arranged again."""

SMALL = 1024
"""So many blocks are arranged again where some come or go, so that their order says nothing of before."""

LAST = np.iinfo(np.int64).max
_NONE = np.zeros(0, np.int64), np.zeros(0, np.int64)

_WHOLE = np.dtype((np.void, COMMAND.itemsize))
"""numpy takes ten times as long where it copies each field."""

MAX_RANGES = 64
"""With more changed ranges everything is written again: that costs less than many small copies."""


class Draws:
    """The draws of one table: `instances` uint32[n, 2] (object row, material row) and `commands`."""

    def __init__(self, table: DrawTable) -> None:
        self._table = table
        self.instances = np.zeros((0, 2), np.uint32)
        self.commands = np.zeros(0, COMMAND)
        self.largest = 0

    @property
    def instance_count(self) -> int:
        """The number of instances in one frame."""
        return int(self.commands["instance_count"].sum())

    @property
    def triangles(self) -> int:
        """The number of triangles in one frame."""
        counts = self.commands["index_count"].astype(np.int64) * self.commands["instance_count"]
        return int(counts.sum()) // 3


class DrawList(Draws):
    """Draws in the order of their groups, changed by difference.

    Groups are in the order of the ranks of their batches, those of one pipeline, set and buffer together, and
    so are the draws of a group; of more than SMALL blocks, as far as what was there before has it so.

    An instance of a block that is drawn stands at the block's first slot or behind it, without gaps, the
    mirrored ones behind the others. `largest` is how many triangles a view draws at most, about.
    """

    def __init__(self, table: DrawTable, views: int = 1) -> None:
        super().__init__(table)
        self._views = views
        self._visible: npt.NDArray[np.bool_] | None = None  # by view and block; None: all are
        self._culled: npt.NDArray[np.bool_] | None = None  # what `_visible` was when the commands followed it
        self._lists = 1  # of instances
        self._full = np.zeros((1, 0), np.uint32)  # by list: the instances of each command if all is seen
        self._layout: int | None = None
        self._seen = 0
        self._batches = np.zeros(0, BATCH)
        self._arranged = self._batches  # what they were when the commands were put in order
        self._shown = np.zeros(0, np.int64)
        self._shown_mirrored = np.zeros(0, np.bool_)
        self._group = np.zeros(0, np.int64)  # a number for each command, the same in a group
        self._next_group = 0
        self._starts: npt.NDArray[np.integer] = np.zeros(0, np.int64)
        self._drawn_groups = np.zeros(0, np.bool_)
        self._counts = np.zeros((1, 0, 2), np.int64)  # by list and block: not mirrored, mirrored
        self._place = np.zeros((0, 2), np.int64)
        self._triangles = np.zeros(0, np.int64)  # by block
        self._used = np.zeros(0, np.bool_)  # the blocks with rows, as they were put in order
        self._least = [_NONE] * len(GROUPED)  # of each: values, and the least rank of a batch with each

    def of_view(self, view: int) -> slice:
        """Return which of the commands are those of a view, by its number."""
        return slice(view * len(self._shown), (view + 1) * len(self._shown))

    def rows_in(self, view: int) -> tuple[int, int]:
        """Return how many instances a view draws, and how many there are to draw."""
        full = self._full[view % self._lists]
        return int(self.commands["instance_count"][self.of_view(view)].sum()), int(full.sum())

    def groups_in(self, view: int) -> list[DrawGroup]:
        """Return the groups of a view, which are the same in all."""
        return self.groups

    @property
    def groups(self) -> list[DrawGroup]:
        """The groups with at least one instance in a view that sees all, in the order of their commands."""
        firsts = self._starts[self._drawn_groups]
        ends = np.concatenate((self._starts[1:], (len(self._shown),)))
        counts = (ends - self._starts)[self._drawn_groups]
        of = self._arranged.take(self._table.blocks.blocks.rows["batch"][self._shown[firsts]])
        columns = [of[name].tolist() for name in GROUPED]
        columns += [self._shown_mirrored[firsts].tolist(), firsts.tolist(), counts.tolist()]
        return [DrawGroup(*row) for row in zip(*columns, strict=True)]

    def update(self, batches: npt.NDArray[np.void], rebound: Ints | None = None) -> Written | None:
        """Follow the table; `batches` is BATCH[n], what each batch is drawn with now.

        Of them `rebound` have changed since the last call; None: any may have. Returns what was written, None
        where nothing has changed. Batches that are not ready are not drawn, so that no undefined memory is
        read.
        """
        table = self._table
        changed: npt.NDArray[np.integer] | None = None
        if self._layout == table.blocks.layout and self._lists == table.levels.lists:
            changed = table.changes.since(self._seen)
            if changed is not None and not len(changed) and rebound is not None and not len(rebound):
                return None
        more = len(table.blocks.blocks) - self._counts.shape[1]
        if self._layout != table.blocks.layout:
            self._visible = self._culled = None
        elif more > 0 and self._visible is not None:
            self._culled, here = None, self._visible
            self._visible = np.pad(here, ((0, 0), (0, more)), constant_values=True)
        self._layout, self._seen = table.blocks.layout, table.changes.version
        self._batches = batches
        ranges = self._write_instances(changed)
        if changed is None or rebound is None:
            return self._arrange(ranges)
        self._grow()
        if len(rebound):
            changed = distinct(np.concatenate((changed, table.blocks_of_batches(rebound))))
        self._measure(changed)
        astray = self._astray(changed)
        used = table.blocks.blocks.rows["used"] > 0
        is_other = len(used) <= SMALL and not np.array_equal(used, self._used)
        if self._lacks_command(changed) or is_other or (len(astray) and not self._regroup(astray)):
            return self._arrange(ranges)
        places = self._place[changed].ravel()
        places = places[places >= 0]
        self._write_commands(places)
        before, self._drawn_groups = self._drawn_groups, self._groups_drawn()
        if len(astray):
            return Written(ranges, None, True)
        regrouped = not np.array_equal(before, self._drawn_groups)
        if self._views > 1:
            places = (np.arange(self._views)[:, None] * len(self._shown) + places).ravel()
        return Written(ranges, _ranges(places, places + 1), regrouped)

    def cull(self, visible: npt.NDArray[np.bool_] | None, views: Iterable[int]) -> Written | None:
        """Draw in each view only the blocks that it sees, bool[views, blocks]; None: all of them.

        Only these `views` may have changed. Returns what was written, None for nothing: of each view one
        range, from the first command that changes to the last.
        """
        before, self._visible = self._culled, visible
        self._culled = None if visible is None else visible.copy()
        is_known = visible is not None and before is not None and before.shape == visible.shape
        written: list[tuple[int, int]] = []
        for view in views:
            part = self.of_view(view)
            counts = self.commands["instance_count"][part]
            full = self._full[view % self._lists]
            if visible is None or before is None or not is_known:
                wanted = full if visible is None else full * visible[view].take(self._shown)
                places: npt.NDArray[np.integer] = (counts != wanted).nonzero()[0]
                counts[places] = wanted[places]
            else:
                places = self._place[(before[view] != visible[view]).nonzero()[0]]
                places = places[places >= 0]
                counts[places] = full[places] * visible[view].take(self._shown[places])
            if len(places):
                written.append((part.start + int(places.min()), part.start + int(places.max()) + 1))
        none = np.zeros((0, 2), np.int64)
        return Written(none, np.array(written, np.int64), False) if written else None

    def _write_instances(self, blocks: npt.NDArray[np.integer] | None) -> npt.NDArray[np.integer] | None:
        """Write the drawn rows of these blocks (None: of all); return the ranges, None for everything."""
        table = self._table
        count, slots = len(table.blocks.blocks), len(table.blocks.rows)
        self._lists = table.levels.lists
        more = slots * self._lists - len(self.instances)
        whole = blocks is None or (more > 0 and self._lists > 1)
        if whole:
            blocks = np.arange(count)
            if more:
                self.instances = np.zeros((slots * self._lists, 2), np.uint32)
        elif more > 0:
            self.instances = np.concatenate((self.instances, np.zeros((more, 2), np.uint32)))
        assert blocks is not None
        if self._counts.shape[:2] != (self._lists, count):
            counts = np.zeros((self._lists, count, 2), np.int64)
            if len(self._counts) == self._lists:
                counts[:, : self._counts.shape[1]] = self._counts[:, :count]
            self._counts = counts
        of = table.blocks.blocks.rows.take(blocks)
        where, starts = table.blocks.spans(blocks)
        rows = table.blocks.rows.rows[where]
        material = table.material_rows_of(of["batch"])
        turned = table.mirrored(rows) if table.may_mirror else None
        begin, end = (np.empty((self._lists, len(blocks)), np.int64) for _ in range(2))
        for number, counts in enumerate(self._counts):
            drawn = table.shown(where, number)
            first = begin[number] = of["first"] + number * slots
            if turned is not None:
                target = np.zeros(len(rows), np.int64)
                for mirrored, chosen in enumerate((drawn & ~turned, drawn & turned)):
                    place, counts[blocks, mirrored] = _places(chosen, first, starts, of["capacity"])
                    target[chosen] = place[chosen]
                    first = first + counts[blocks, mirrored]
                target = target[drawn]
            else:
                place, counts[blocks, 0] = _places(drawn, first, starts, of["capacity"])
                target = place[drawn]
                first = first + counts[blocks, 0]
            self.instances[target, 0] = table.feature.object[rows[drawn]]
            self.instances[target, 1] = np.repeat(material, counts[blocks].sum(axis=1))
            end[number] = first
        return None if whole else _ranges(begin.ravel(), end.ravel())

    def _lacks_command(self, blocks: npt.NDArray[np.integer]) -> bool:
        """Whether one of these blocks is drawn, holds mirrored objects, and has no command for them."""
        place = self._place[blocks]
        mirrored = (self._counts[:, blocks, 1] > 0).any(axis=0)
        return bool(((place[:, 1] < 0) & (place[:, 0] >= 0) & mirrored).any())

    def _grow(self) -> None:
        """Make room for blocks and batches that are new; none of them has a command yet."""
        blocks = len(self._table.blocks.blocks) - len(self._place)
        if blocks:
            self._place = np.concatenate((self._place, np.full((blocks, 2), -1, np.int64)))
            self._triangles = np.concatenate((self._triangles, np.zeros(blocks, np.int64)))
        more = len(self._batches) - len(self._arranged)
        if more:
            self._arranged = stack((self._arranged, np.zeros(more, BATCH)))

    def _astray(self, blocks: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Return those of these blocks that can be drawn, and have no command in the group they belong to."""
        numbers = self._table.blocks.blocks.rows["batch"][blocks]
        ready = self._batches["ready"][numbers].nonzero()[0]
        blocks, numbers = blocks[ready], numbers[ready]
        now, then = self._batches.take(numbers), self._arranged.take(numbers)
        astray: npt.NDArray[np.bool_] = self._place[blocks, 0] < 0
        for name in GROUPED:
            astray |= now[name] != then[name]
        found: npt.NDArray[np.integer] = blocks[astray]
        return found

    def _regroup(self, blocks: npt.NDArray[np.integer]) -> bool:
        """Move the commands of a few blocks to the groups they belong to, and make those they lack.

        All are in the order of `_arrange` then.
        Returns False, and does nothing, where these or the groups are many, or instances are mirrored.
        """
        if len(self._place) <= SMALL:
            return False
        is_mirrored = (self._counts[:, blocks, 1] > 0).any() or (self._place[blocks, 1] >= 0).any()
        if is_mirrored or not 0 < len(self._starts) <= MOST_GROUPS or len(blocks) > FEW:
            return False
        kept = np.ones(len(self._shown), np.bool_)
        kept[self._place[blocks, 0][self._place[blocks, 0] >= 0]] = False
        stays = kept.nonzero()[0]
        starts = _starts(self._group[stays])
        ends = [*starts[1:].tolist(), len(stays)]
        numbers = self._batch_of(blocks)
        ranks = self._table.batches["rank"]
        self._note_ranks(numbers, np.ones(len(numbers), np.bool_))
        of = self._arranged.take(self._batch_of(self._shown[stays[starts]]))
        groups = self._bound(of, self._shown_mirrored[stays[starts]])
        bounds = self._bound(self._batches.take(numbers), numbers < 0)
        wanted = sorted(zip(bounds, ranks.take(numbers).tolist(), blocks.tolist(), strict=True))
        shown = ranks.take(self._batch_of(self._shown[stays]))
        into: list[int] = []
        at: list[int] = []
        made: dict[tuple[int, ...], int] = {}
        for bound, rank, _ in wanted:
            place = bisect_left(groups, bound)
            if place < len(groups) and groups[place] == bound:
                start = int(starts[place])
                into.append(int(self._group[stays[start]]))
                at.append(start + int(np.searchsorted(shown[start : ends[place]], rank, "right")))
            else:
                into.append(made.setdefault(bound, self._next_group + len(made)))
                at.append(int(starts[place]) if place < len(groups) else len(stays))
        self._next_group += len(made)
        source = np.insert(stays, at, 0)
        new = np.array(at) + np.arange(len(at))
        put(self._arranged, numbers, self._batches.take(numbers))
        self._shown, self._shown_mirrored = self._shown[source], self._shown_mirrored[source]
        self._group = self._group[source]
        self._shown[new], self._shown_mirrored[new] = [block for *_, block in wanted], False
        self._group[new] = into
        self._starts = _starts(self._group)
        self._place[self._shown, self._shown_mirrored.astype(np.int64)] = np.arange(len(self._shown))
        of_views = self.commands.view(_WHOLE).reshape(self._views, len(kept))
        self.commands = of_views[:, source].reshape(-1).view(COMMAND)
        self._full = self._full[:, source]
        return True

    def _batch_of(self, blocks: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        found: npt.NDArray[np.integer] = self._table.blocks.blocks.rows["batch"][blocks]
        return found

    def _measure(self, blocks: npt.NDArray[np.integer]) -> None:
        """Find out how many triangles these blocks have."""
        rows = self._table.blocks.blocks.rows.take(blocks)
        triangles = self._batches["index_count"][rows["batch"]].astype(np.int64) // 3 * rows["used"]
        self.largest += int(triangles.sum() - self._triangles[blocks].sum())
        self._triangles[blocks] = triangles

    def _write_commands(self, places: npt.NDArray[np.integer]) -> None:
        """Write what these commands draw, and which instances."""
        blocks, mirrored = self._shown[places], self._shown_mirrored[places]
        of = self._table.blocks.blocks.rows.take(blocks)
        drawn_with = self._batches.take(of["batch"])
        made = np.empty(len(places), COMMAND)
        for name in ("index_count", "first_index", "vertex_offset"):
            made[name] = drawn_with[name]
        for view in range(self._views):
            if view < self._lists:
                counts = self._counts[view, blocks]
                full = np.where(mirrored, counts[:, 1], counts[:, 0]) * drawn_with["ready"]
                start = of["first"] + view * len(self._table.blocks.rows)
                made["first_instance"] = start + np.where(mirrored, counts[:, 0], 0)
                self._full[view, places] = full
            made["instance_count"] = full if self._visible is None else full * self._visible[view, blocks]
            put(self.commands, places + view * len(self._shown), made)

    def _arrange(self, ranges: npt.NDArray[np.integer] | None) -> Written:
        """Put the commands of all blocks that can be drawn in the order of their groups."""
        blocks = self._table.blocks.blocks.rows
        ready = (self._batches["ready"][blocks["batch"]]).nonzero()[0]
        turned = ready[(self._counts[:, ready, 1] > 0).any(axis=0)]
        shown = np.concatenate((ready, turned))
        mirrored = np.arange(len(shown)) >= len(ready)
        self._used, self._least = blocks["used"] > 0, [_NONE] * len(GROUPED)
        batch = blocks["batch"][shown]
        self._note_ranks(batch, self._used[shown])
        codes = self._codes()[batch] << 1 | mirrored
        order = np.lexsort((self._table.batches["rank"][batch], codes))
        self._shown, self._shown_mirrored, codes = shown[order], mirrored[order], codes[order]
        self._starts = _starts(codes)
        self._group = np.zeros(len(codes), np.int64)
        self._group[self._starts[1:]] = 1
        self._group = np.cumsum(self._group)
        self._next_group = len(self._starts)
        self._place = np.full((len(blocks), 2), -1, np.int64)
        self._place[self._shown, self._shown_mirrored.astype(np.int64)] = np.arange(len(self._shown))
        self._arranged = self._batches.copy()
        self.commands = np.empty(self._views * len(self._shown), COMMAND)
        self._full = np.zeros((self._lists, len(self._shown)), np.uint32)
        self._write_commands(np.arange(len(self._shown)))
        self._triangles, self.largest = np.zeros(len(blocks), np.int64), 0
        self._measure(np.arange(len(blocks)))
        self._drawn_groups = self._groups_drawn()
        return Written(ranges, None, True)

    def _note_ranks(self, numbers: npt.NDArray[np.integer], is_drawn: npt.NDArray[np.bool_]) -> None:
        """Note the least ranks with the values of these batches; one that is not drawn has the last rank."""
        ranks = np.where(is_drawn, self._table.batches["rank"][numbers], LAST)
        for column, name in enumerate(GROUPED):
            known, least = self._least[column]
            values = np.concatenate((known, self._batches[name][numbers]))
            self._least[column] = least_by(values, np.concatenate((least, ranks)))

    def _codes(self) -> Ints:
        """Return numbers for all batches that are noted, equal in a group and in the order of groups."""
        found = self._batches.copy()
        for name, (values, least) in zip(GROUPED, self._least, strict=True):
            place = np.argsort(np.argsort(least, kind="stable"), kind="stable")
            found[name] = np.append(place, 0)[values.searchsorted(found[name])]
        return group_codes(found)

    def _bound(self, batches: npt.NDArray[np.void], mirrored: npt.NDArray[np.bool_]) -> list[tuple[int, ...]]:
        """Return that by which groups differ, in the order of groups, of batches that are noted."""
        columns = [mirrored.tolist()]
        for name, (values, least) in reversed(list(zip(GROUPED, self._least, strict=True))):
            columns += [batches[name].tolist(), least[values.searchsorted(batches[name])].tolist()]
        return list(zip(*reversed(columns), strict=True))

    def _groups_drawn(self) -> npt.NDArray[np.bool_]:
        """Which groups have an instance."""
        if not len(self._starts):
            return np.zeros(0, np.bool_)
        per_list = np.add.reduceat(self._full, self._starts, axis=1)
        drawn: npt.NDArray[np.bool_] = per_list.max(axis=0) > 0
        return drawn


def _starts(groups: Ints) -> npt.NDArray[np.integer]:
    """Return where each group starts among commands whose groups these are."""
    found: npt.NDArray[np.integer] = np.concatenate(([True], groups[1:] != groups[:-1]))[
        : len(groups)
    ].nonzero()[0]
    return found


def _places(
    chosen: npt.NDArray[np.bool_], first: Ints, starts: Ints, capacity: npt.NDArray[np.integer]
) -> tuple[Ints, Ints]:
    """Return the places of the chosen slots of blocks, from `first` on without gaps, and their numbers."""
    before: Ints = np.cumsum(chosen) - chosen
    counts = np.add.reduceat(chosen, starts, dtype=np.int64) if len(starts) else np.zeros(0, np.int64)
    return before + np.repeat(first - before[starts], capacity), counts


def group_codes(batches: npt.NDArray[np.void]) -> Ints:
    """Return numbers that are equal for batches of one group, and ordered by pipeline, set and buffers."""
    columns = [batches[name].astype(np.int64) + 1 for name in GROUPED]
    bits = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(bits) < 62:  # a bit is left for handedness
        codes = np.zeros(len(batches), np.int64)
        for column, width in zip(columns, bits, strict=True):
            codes = codes << width | column
        return codes
    return distinct_rows(np.stack(columns, axis=1))[1]


def _ranges(first: npt.NDArray[np.integer], last: npt.NDArray[np.integer]) -> npt.NDArray[np.integer] | None:
    """Return ranges int64[k, 2], without empty ones; None where there are too many."""
    some = last > first
    if np.count_nonzero(some) > MAX_RANGES:
        return None
    return np.stack((first[some], last[some]), axis=1)
