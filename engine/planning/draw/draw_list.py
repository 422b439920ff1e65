"""Draw lists: the instances and indirect commands of one draw table, kept and changed by difference.

Every block of the table has one command, and a second one for what is mirrored in it, whose triangles turn
the other way. Commands are in the order of the families and ranks of what they draw, which follows from names
alone. Neighbours that share pipeline, descriptor set, buffers and handedness are one *group*, drawn by one
call. Each view has commands of its own, which draw no instance where it does not see their block. The
views share the instances, but where each chooses levels of detail: then each has a list of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.plan.terms.table import begins_run, distinct, distinct_rows, is_in, put
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
"""So many new commands find their places one by one; with more all are put in order again."""

MOST_GROUPS = 1024
"""With more, draws that share a group are gathered: a call takes 11 us whenever a pass is recorded again."""

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

    The order is that of families, then handedness, then ranks: it does not depend on where things lie in
    memory, nor on what was drawn before. Only where that makes more than MOST_GROUPS groups, the draws of
    each family are gathered by what they are drawn with.

    All blocks have commands. Those without rows, and those that cannot be drawn yet, part no group.

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
        self._shown = np.zeros(0, np.int64)
        self._shown_mirrored = np.zeros(0, np.bool_)
        self._major, self._rank = np.zeros(0, np.int64), np.zeros(0, np.int64)  # what commands are ordered by
        self._gathered = False
        self._starts = np.zeros(0, np.int64)
        self._bound = np.zeros(0, BATCH)  # what each group is drawn with
        self._bound_mirrored = np.zeros(0, np.bool_)
        self._drawn_groups = np.zeros(0, np.bool_)
        self._counts = np.zeros((1, 0, 2), np.int64)  # by list and block: not mirrored, mirrored
        self._place = np.zeros((0, 2), np.int64)
        self._triangles = np.zeros(0, np.int64)  # by block

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
        columns = [self._bound[name][self._drawn_groups].tolist() for name in GROUPED]
        mirrored = self._bound_mirrored[self._drawn_groups]
        columns += [mirrored.tolist(), firsts.tolist(), counts.tolist()]
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
        of_rebound = table.blocks_of_batches(rebound) if len(rebound) else rebound
        if len(rebound):
            changed = distinct(np.concatenate((changed, of_rebound)))
        self._measure(changed)
        new, astray = self._missing(changed), self._astray(changed, of_rebound)
        count = len(new[0]) + (len(astray[0]) if self._gathered else 0)
        if count > (FEW if len(self._shown) else 0):
            return self._arrange(ranges)
        if self._gathered and len(astray[0]):  # they belong to other groups now
            self._take_out(*astray)
            new = np.concatenate((new[0], astray[0])), np.concatenate((new[1], astray[1]))
        self._insert(*new)
        places = self._place[changed].ravel()
        places = places[places >= 0]
        self._write_commands(places)
        is_astray = len(new[0]) > 0 or len(astray[0]) > 0
        if is_astray and not self._group():
            return self._arrange(ranges)
        before, self._drawn_groups = self._drawn_groups, self._groups_drawn()
        regrouped = is_astray or not np.array_equal(before, self._drawn_groups)
        if len(new[0]):
            return Written(ranges, None, True)
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

    def _missing(self, blocks: npt.NDArray[np.integer]) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return the blocks of these that lack a command, and whether it is that for mirrored objects."""
        wanted = np.ones((len(blocks), 2), np.bool_)
        wanted[:, 1] = (self._counts[:, blocks, 1] > 0).any(axis=0)
        at, mirrored = (wanted & (self._place[blocks] < 0)).nonzero()
        return blocks[at].astype(np.int64), mirrored > 0

    def _grow(self) -> None:
        """Make room for blocks that are new; none of them has a command yet."""
        blocks = len(self._table.blocks.blocks) - len(self._place)
        if blocks:
            self._place = np.concatenate((self._place, np.full((blocks, 2), -1, np.int64)))
            self._triangles = np.concatenate((self._triangles, np.zeros(blocks, np.int64)))

    def _parts(self, blocks: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Return which of these blocks, by their places here, part groups: they are ready and have rows."""
        of = self._table.blocks.blocks.rows.take(blocks)
        parts = self._batches["ready"][of["batch"]] & (of["used"] > 0)
        found: npt.NDArray[np.integer] = parts.nonzero()[0]
        return found

    def _astray(
        self, blocks: npt.NDArray[np.integer], rebound: npt.NDArray[np.integer]
    ) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Return the blocks of these with a command that belongs elsewhere, and whether it is mirrored.

        None of them is one that cannot be drawn, and where draws are gathered all others of `rebound` are.
        """
        blocks = blocks[self._parts(blocks)]
        places = self._place[blocks]
        at, mirrored = (places >= 0).nonzero()
        if not len(self._starts):
            return blocks[at].astype(np.int64), mirrored > 0
        numbers = self._batch_of(blocks[at])
        groups = self._starts.searchsorted(places[at, mirrored], "right") - 1
        now, then = self._batches.take(numbers), self._bound.take(groups)
        astray = self._bound_mirrored[groups] != mirrored
        for name in GROUPED:
            astray |= now[name] != then[name]
        if self._gathered:
            astray |= is_in(blocks[at], rebound)
        return blocks[at[astray]].astype(np.int64), mirrored[astray] > 0

    def _take_out(self, blocks: Ints, mirrored: npt.NDArray[np.bool_]) -> None:
        """Remove commands, which are put in again elsewhere."""
        kept = np.ones(len(self._shown), np.bool_)
        kept[self._place[blocks, mirrored.astype(np.int64)]] = False
        self._take(kept.nonzero()[0])

    def _insert(self, blocks: Ints, mirrored: npt.NDArray[np.bool_]) -> None:
        """Make commands for a few blocks, at their places in the order; their groups are not known yet."""
        if not len(blocks):
            return
        major, rank = self._order_of(blocks, mirrored)
        code, there = np.zeros(len(blocks), np.int64), np.zeros(len(self._shown), np.int64)
        if self._gathered:
            codes, parts = group_codes(self._batches), self._parts(self._shown)
            code, there[:] = codes[self._batch_of(blocks)], -1  # what parts no group may stand anywhere
            there[parts] = codes[self._batch_of(self._shown[parts])]
        order = np.lexsort((blocks, rank, code, major))
        blocks, mirrored, major, rank = blocks[order], mirrored[order], major[order], rank[order]
        first, last = (self._major.searchsorted(major, side).tolist() for side in ("left", "right"))
        at = []
        for number, (low, high) in enumerate(zip(first, last, strict=True)):
            own = (there[low:high] == code[order[number]]).nonzero()[0]
            low, high = (low + int(own[0]), low + int(own[-1]) + 1) if len(own) else (high, high)
            among = self._rank[low:high]
            low, high = (low + int(among.searchsorted(rank[number], side)) for side in ("left", "right"))
            at.append(low + int(self._shown[low:high].searchsorted(blocks[number])))
        self._take(np.insert(np.arange(len(self._shown)), at, 0))
        put_in = np.empty(len(at), np.int64)
        order = np.argsort(at, kind="stable")  # groups may stand in another order than their codes
        put_in[order] = np.array(at)[order] + np.arange(len(at))
        self._shown[put_in], self._shown_mirrored[put_in] = blocks, mirrored
        self._major[put_in], self._rank[put_in] = major, rank
        self._note_places()

    def _take(self, source: Ints) -> None:
        """Have the commands from these places, in this order; where each stands is noted by others."""
        self._shown, self._shown_mirrored = self._shown[source], self._shown_mirrored[source]
        self._major, self._rank = self._major[source], self._rank[source]
        of_views = self.commands.view(_WHOLE).reshape(self._views, -1)
        self.commands = of_views[:, source].reshape(-1).view(COMMAND)
        self._full = self._full[:, source]

    def _order_of(self, blocks: Ints, mirrored: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """Return what the commands of these blocks are ordered by: family and handedness, then rank."""
        numbers, of = self._batch_of(blocks), self._table.batches
        return of["family"][numbers] << 1 | mirrored, of["rank"][numbers]

    def _note_places(self) -> None:
        """Note where the commands of each block stand."""
        self._place = np.full((len(self._table.blocks.blocks), 2), -1, np.int64)
        self._place[self._shown, self._shown_mirrored.astype(np.int64)] = np.arange(len(self._shown))

    def _group(self) -> bool:
        """Find the groups of the commands; return False, and do nothing, where these are too many."""
        numbers, parts = self._batch_of(self._shown), self._parts(self._shown)
        codes = group_codes(self._batches)[numbers[parts]] << 1 | self._shown_mirrored[parts]
        first = parts[begins_run(codes)]
        if len(first) > MOST_GROUPS and not self._gathered:
            return False
        self._bound, self._bound_mirrored = self._batches.take(numbers[first]), self._shown_mirrored[first]
        self._starts = first.astype(np.int64)
        self._starts[:1] = 0
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
        """Put the commands of all blocks in order, and find their groups."""
        blocks = np.arange(len(self._table.blocks.blocks))
        turned = np.flatnonzero((self._counts[:, :, 1] > 0).any(axis=0))
        shown = np.concatenate((blocks, turned))
        mirrored = np.arange(len(shown)) >= len(blocks)
        major, rank = self._order_of(shown, mirrored)
        self._gathered = False
        self._sort(np.lexsort((rank, major)), shown, mirrored, major, rank)
        if not self._group():
            self._gathered = True
            codes = group_codes(self._batches)[self._batch_of(shown)]
            self._sort(np.lexsort((rank, codes, major)), shown, mirrored, major, rank)
            self._group()
        self._note_places()
        self.commands = np.empty(self._views * len(shown), COMMAND)
        self._full = np.zeros((self._lists, len(shown)), np.uint32)
        self._write_commands(np.arange(len(shown)))
        self._triangles, self.largest = np.zeros(len(blocks), np.int64), 0
        self._measure(blocks)
        self._drawn_groups = self._groups_drawn()
        return Written(ranges, None, True)

    def _sort(
        self, order: Ints, shown: Ints, mirrored: npt.NDArray[np.bool_], major: Ints, rank: Ints
    ) -> None:
        """Take these commands in this order."""
        self._shown, self._shown_mirrored = shown[order], mirrored[order]
        self._major, self._rank = major[order], rank[order]

    def _groups_drawn(self) -> npt.NDArray[np.bool_]:
        """Which groups have an instance."""
        if not len(self._starts):
            return np.zeros(0, np.bool_)
        per_list = np.add.reduceat(self._full, self._starts, axis=1)
        drawn: npt.NDArray[np.bool_] = per_list.max(axis=0) > 0
        return drawn


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
