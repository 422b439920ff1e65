"""The table of memory: subresources, resources or allocations of a plan as columns, filtered and sorted.

Cells are texts only where they are seen; filter and order are arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan import Plan
from engine.plan.requirements.requesters import NO_OBJECT
from engine.plan.terms.formats import Format
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import (
    BufferUsage,
    ImageUsage,
    Kind,
    MemoryProperty,
    flag_names,
    word,
)
from viewer.panels.memory.map.color_modes import usage_bits
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.request_columns import NOBODY, SEVERAL, SEVERAL_OBJECTS, RequestColumns
from viewer.panels.memory.table.table_filter import TableFilter
from viewer.panels.memory.table.text_index import TextIndex

Order = NDArray[np.int64]


class Level(IntEnum):
    """What a row of the table is; the level of a MemoryLink."""

    ALLOCATION = 0
    RESOURCE = 1
    SUBRESOURCE = 2


class Column(IntEnum):
    """The columns, in their first order."""

    NAME = 0
    SIZE = 1
    KIND = 2
    USAGE = 3
    FEATURE = 4
    OBJECT = 5
    REQUESTERS = 6
    ADDRESS = 7
    ALLOCATION = 8
    RESOURCE = 9
    MEMORY_TYPE = 10
    HEAP = 11
    FORMAT = 12
    RESERVED = 13
    FREE = 14


TITLES = {
    Column.NAME: "name",
    Column.SIZE: "size",
    Column.KIND: "kind",
    Column.USAGE: "usage",
    Column.FEATURE: "feature",
    Column.OBJECT: "object",
    Column.REQUESTERS: "requesters",
    Column.ADDRESS: "address",
    Column.ALLOCATION: "allocation",
    Column.RESOURCE: "resource",
    Column.MEMORY_TYPE: "memory type",
    Column.HEAP: "heap",
    Column.FORMAT: "format",
    Column.RESERVED: "reserved",
    Column.FREE: "free",
}
COLUMNS = {
    Level.SUBRESOURCE: tuple(column for column in Column if column is not Column.FREE),
    Level.RESOURCE: tuple(
        column for column in Column if column not in (Column.FEATURE, Column.OBJECT, Column.REQUESTERS)
    ),
    Level.ALLOCATION: (Column.NAME, Column.SIZE, Column.MEMORY_TYPE, Column.HEAP, Column.FREE),
}
"""The columns that each level has."""
FIRST_SHOWN = (Column.NAME, Column.SIZE, Column.USAGE, Column.FEATURE, Column.OBJECT, Column.ADDRESS)
NUMBERS = frozenset(
    {
        *(Column.SIZE, Column.REQUESTERS, Column.ALLOCATION, Column.RESOURCE),
        *(Column.MEMORY_TYPE, Column.HEAP, Column.RESERVED, Column.FREE),
    }
)
"""Columns of numbers."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of the rows that a filter leaves; in bytes, but for `rows`."""

    rows: int
    size: int
    reserved: int


class MemoryTable:
    """One level of a plan's memory with its staging; rows are those of `Places`."""

    def __init__(
        self,
        plan: Plan,
        places: Places,
        requests: RequestColumns,
        level: Level,
        names: TextIndex | None = None,
    ) -> None:
        """`names` are the searched names of the same rows, if they are known from another plan."""
        self.level = level
        self._plan = plan
        self._places = places
        self._requests = requests
        self.count = {
            Level.ALLOCATION: len(places.allocations),
            Level.RESOURCE: len(places.resources),
            Level.SUBRESOURCE: len(places.subresources),
        }[level]
        self.names = names or TextIndex(self.count, self.name)
        self._texts: dict[Column, Callable[[int], str]] = {
            Column.NAME: self.name,
            Column.KIND: lambda row: word(Kind(int(self._kind[row]))),
            Column.USAGE: lambda row: " ".join(bit.removesuffix("_bit") for bit in self.usage(row)),
            Column.FEATURE: self._feature_text,
            Column.OBJECT: self._object_text,
            Column.ADDRESS: self.address,
            Column.FORMAT: self._format_text,
        }

    def rows(self, filtered: TableFilter) -> NDArray[np.bool_]:
        """bool[count]: which rows a filter leaves. Names that are not prepared yet match no word."""
        keep = (self.sizes >= filtered.least) & (self.sizes <= filtered.most)
        if filtered.words:
            keep &= self.names.matches(filtered.words)
        if filtered.has or filtered.lacks:
            usage, is_image = self._usage, self._kind == Kind.IMAGE
            for bits in filtered.has:
                keep &= (usage & np.where(is_image, bits.image, bits.buffer)) != 0
            for bits in filtered.lacks:
                keep &= (usage & np.where(is_image, bits.image, bits.buffer)) == 0
        if filtered.ranges:
            inside = np.zeros(self.count, bool)
            ids, (begin, end) = self.numbers(Column.ALLOCATION), self._offsets
            for each in filtered.ranges:
                inside |= (ids == each.allocation) & (begin < each.end) & (end > each.begin)
            keep &= inside
        if filtered.resources:
            keep &= np.isin(self.numbers(Column.RESOURCE), filtered.resources)
        return keep

    def order(self, by: Column, *, descending: bool = False) -> Order:
        """All rows in the order of a column, equal ones in their own; names need `names.is_complete`."""
        ranks = self._ranks(by)
        return np.argsort(-ranks if descending else ranks, kind="stable")

    def totals(self, keep: NDArray[np.bool_]) -> Totals:
        """The sums of these rows."""
        at = np.flatnonzero(keep)
        return Totals(len(at), int(self.sizes[at].sum()), int(self.numbers(Column.RESERVED)[at].sum()))

    def text(self, row: int, column: Column) -> str:
        """A cell as text; numbers as such, sizes in bytes."""
        if column in NUMBERS:
            value = int(self.numbers(column)[row])
            return str(value) if value >= 0 else ""
        return self._texts[column](row)

    def value(self, row: int, column: Column) -> str | int | None:
        """A cell for export: numbers as numbers, None where there is none."""
        if column in NUMBERS:
            number = int(self.numbers(column)[row])
            return number if number >= 0 else None
        return self._texts[column](row) or None

    def has_same_rows(self, other: MemoryTable) -> bool:
        """Whether the rows of another table are those of this one, by level and ids."""
        return self.level == other.level and np.array_equal(self._ids, other._ids)

    def identity(self, row: int) -> tuple[int, int]:
        """(level, id or key) of a row, as a MemoryLink has it."""
        return int(self.level), int(self._ids[row])

    def row_of(self, identity: tuple[int, int] | None) -> int | None:
        """The row of (level, id or key); None for another level, or where there is none."""
        if identity is None or identity[0] != self.level:
            return None
        if self.level is Level.ALLOCATION:
            return self._places.allocation_row(identity[1])
        if self.level is Level.RESOURCE:
            return self._places.resource_row(identity[1])
        return self._places.place_of(identity[1])

    def name(self, row: int) -> str:
        """The name of a row: that of the key, or what the object is and its id."""
        ident = int(self._ids[row])
        if self.level is Level.SUBRESOURCE:
            return self._plan.requirements.keys.caption(ident)
        if self.level is Level.ALLOCATION:
            staging = " (staging)" if self._places.staging[row] else ""
            return f"allocation {ident}{staging}"
        entry = self._places.resources[row]
        if entry["kind"] == Kind.BUFFER:
            return f"buffer {ident}"
        return f"image {ident} {entry['width']}x{entry['height']} {word(Format(int(entry['format'])))}"

    def usage(self, row: int) -> tuple[str, ...]:
        """The names of the usage bits of a row, with `_bit`."""
        bits = int(self._usage[row])
        return flag_names(BufferUsage(bits) if self._kind[row] == Kind.BUFFER else ImageUsage(bits))

    def usages(self) -> tuple[str, ...]:
        """The usages that rows have, sorted, as a filter takes them: without `_bit`."""
        found: set[str] = set()
        for is_buffer, kind in ((True, BufferUsage), (False, ImageUsage)):
            bits = int(np.bitwise_or.reduce(self._usage[(self._kind == Kind.BUFFER) == is_buffer], initial=0))
            found.update(name.removesuffix("_bit") for name in flag_names(kind(bits)))
        return tuple(sorted(found))

    def address(self, row: int) -> str:
        """Where a row begins and ends, as a filter takes it: `a3:0x1000-0x2000`."""
        begin, end = (int(column[row]) for column in self._offsets)
        return f"a{int(self.numbers(Column.ALLOCATION)[row])}:{begin:#x}-{end:#x}"

    @cached_property
    def sizes(self) -> Int64s:
        """Bytes of each row: those of a key itself, all of a resource or allocation."""
        begin, end = self._offsets
        return end - begin

    def numbers(self, column: Column) -> Int64s:
        """A column of numbers, -1 where a row has none."""
        if column not in self._numbers:
            self._numbers[column] = self._make_numbers(column)
        return self._numbers[column]

    @cached_property
    def _numbers(self) -> dict[Column, Int64s]:
        return {}

    def _make_numbers(self, column: Column) -> Int64s:
        places = self._places
        match column:
            case Column.SIZE:
                return self.sizes
            case Column.RESERVED:
                if self.level is not Level.SUBRESOURCE:
                    return self.sizes
                begin, _, reserved = places.ranges
                return reserved - begin
            case Column.ALLOCATION:
                return places.allocations["id"][self._allocation_row].astype(np.int64)
            case Column.MEMORY_TYPE:
                return places.allocations["memory_type"][self._allocation_row].astype(np.int64)
            case Column.HEAP:
                return places.heaps[self._allocation_row].astype(np.int64)
            case Column.REQUESTERS:
                return self._requests.counts(self._ids)
            case Column.RESOURCE:
                if self.level is Level.ALLOCATION:
                    return np.full(self.count, -1, np.int64)
                return places.resources["id"][self._resource_row].astype(np.int64)
            case Column.FREE:
                return self._free()
        raise KeyError(column)

    def _free(self) -> Int64s:
        """Bytes of allocations, or of resources, in which no resource, or no key, lies."""
        places = self._places
        if self.level is Level.ALLOCATION:
            taken = np.bincount(places.row_of_resource, places.resources["size"], self.count)
        else:
            begin, _, reserved = places.ranges
            taken = np.bincount(places.resource_of, reserved - begin, self.count)
        return np.maximum(self.sizes - taken.astype(np.int64), 0)

    def _ranks(self, by: Column) -> NDArray[np.int64]:
        if by in NUMBERS:
            return self.numbers(by)
        match by:
            case Column.NAME:
                return self.names.ranks()
            case Column.ADDRESS:
                rows = self._allocation_row
                return self._places.bases[rows] + self._offsets[0]
            case Column.KIND:
                return self._kind.astype(np.int64)
            case Column.USAGE:
                return self._usage
            case Column.FORMAT:
                return self._places.resources["format"][self._resource_row].astype(np.int64)
            case Column.FEATURE:
                names = self._requests.requesters.features
                place = np.empty(len(names) + 2, np.int64)
                place[np.argsort(names)] = np.arange(len(names))
                place[[SEVERAL, NOBODY]] = len(names), len(names) + 1
                return place[self._features]
        return self._objects  # objects by their row, which is their order in the file

    @cached_property
    def _ids(self) -> Int64s:
        places = self._places
        column = {
            Level.ALLOCATION: places.allocations["id"],
            Level.RESOURCE: places.resources["id"],
            Level.SUBRESOURCE: places.subresources["key"],
        }[self.level]
        return column.astype(np.int64)

    @cached_property
    def _resource_row(self) -> NDArray[np.int64]:
        if self.level is Level.SUBRESOURCE:
            return self._places.resource_of.astype(np.int64)
        return np.arange(self.count)

    @cached_property
    def _allocation_row(self) -> NDArray[np.int64]:
        if self.level is Level.ALLOCATION:
            return np.arange(self.count)
        return self._places.row_of_resource[self._resource_row].astype(np.int64)

    @cached_property
    def _offsets(self) -> tuple[Int64s, Int64s]:
        """Begin and end of each row in its allocation."""
        places = self._places
        if self.level is Level.ALLOCATION:
            return np.zeros(self.count, np.int64), places.allocations["size"].astype(np.int64)
        if self.level is Level.RESOURCE:
            begin = places.resources["offset"].astype(np.int64)
            return begin, begin + places.resources["size"]
        begin, used, _ = places.ranges
        base = places.bases[self._allocation_row]
        return begin - base, used - base

    @cached_property
    def _usage(self) -> NDArray[np.int64]:
        if self.level is Level.SUBRESOURCE:
            return usage_bits(self._plan, self._places)[0]
        if self.level is Level.RESOURCE:
            return self._places.resources["usage"].astype(np.int64)
        return np.zeros(self.count, np.int64)

    @cached_property
    def _kind(self) -> NDArray[np.int8]:
        if self.level is Level.ALLOCATION:
            return np.zeros(self.count, np.int8)
        return np.asarray(self._places.resources["kind"][self._resource_row])

    @cached_property
    def _features(self) -> NDArray[np.int64]:
        return self._requests.features(self._ids)

    @cached_property
    def _objects(self) -> NDArray[np.int64]:
        return self._requests.objects(self._ids)

    def _feature_text(self, row: int) -> str:
        feature = int(self._features[row])
        if feature >= 0:
            return self._requests.requesters.features[feature]
        return "several features" if feature == SEVERAL else ""

    def _object_text(self, row: int) -> str:
        on = int(self._objects[row])
        if on in (NO_OBJECT, SEVERAL_OBJECTS):
            return "" if on == NO_OBJECT else "several objects"
        requester = int(self._requests.requester(self._ids[row : row + 1])[0])
        return self._plan.requirements.requesters[requester].object_path

    def _format_text(self, row: int) -> str:
        entry = self._places.resources[int(self._resource_row[row])]
        if entry["kind"] == Kind.BUFFER:
            return ""
        counts = {"mip": int(entry["mip_levels"]), "sample": int(entry["samples"])}
        extra = [f"{count} {name}s" for name, count in counts.items() if count > 1]
        if self.level is Level.RESOURCE and entry["layers"] > 1:
            extra.append(f"{entry['layers']} layers")
        size = f"{entry['width']}x{entry['height']} {word(Format(int(entry['format'])))}"
        return ", ".join([f"cube {size}" if entry["cube"] else size, *extra])


def memory_type_text(plan: Plan, memory_type: int) -> str:
    """The properties of a memory type: `deviceLocal hostVisible`."""
    properties = plan.profile.memory_types[memory_type].properties
    return " ".join(flag_names(MemoryProperty(int(properties)))) or "no properties"
