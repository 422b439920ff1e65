"""The four plans and the requests as trees of two levels of cost: rows in columns, and texts of what is open.

A row is an allocation, a shader, a pipeline, a descriptor set or a request. What is below an open row are the
lines of its Humon text, as `python -m engine plan` prints it, made when it is opened. Comments in it say what
assets without names are made from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.humon import write
from engine.plan.model.plan import Plan
from engine.plan.terms.keys import TRANSIENT_DB, asset_key
from engine.plan.text.plan_text import (
    allocation_values,
    descriptor_set_values,
    pipeline_values,
    shader_values,
)
from engine.plan.text.requirement_text import need_values
from viewer.panels.history.key_names import KeyNames
from viewer.panels.number_format import bytes_text, count_text

_NAMELESS = re.compile(r'"(.+) \w+ #(\d+)"')
"""An asset without a name, in a plan's text: its database, and its index there."""
MAX_LINES = 20_000
"""Lines of an open row."""


class Topic(StrEnum):
    """What is listed."""

    MEMORY = "memory"
    SHADERS = "shaders"
    PIPELINES = "pipelines"
    DESCRIPTOR_SETS = "descriptor sets"
    REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One row: its name and facts about it; or, `line`, a line of the text of the row above."""

    name: str
    facts: str = ""
    row: int = -1
    line: bool = False


class PlanRows:
    """The rows of one topic of one plan. `visible` counts rows and lines of what is open.

    Open rows are kept by identity from plan to plan in `opened`, which others share.
    """

    def __init__(self, plan: Plan, topic: Topic, opened: set[object], names: KeyNames) -> None:
        self.plan, self.topic = plan, topic
        self._opened = opened
        self._names = names
        self._source = _SOURCES[topic](plan)
        self._lines: dict[int, list[str]] = {}
        self._databases: dict[str, int] | None = None
        self._search = ""
        self.is_searched = True
        self.rows = np.arange(self._source.count)
        self._lay_out()

    def set_search(self, text: str) -> None:
        """Show rows that hold a text, in their own name or in those of keys in them."""
        if text != self._search:
            self._search = text
            self.is_searched = not text
            if text:
                self.refresh()
            else:
                self.rows = np.arange(self._source.count)
                self._lay_out()

    def refresh(self) -> None:
        """Go on with a search that has not seen all names."""
        if not self._search or self.is_searched:
            return
        self.rows, self.is_searched = self._source.matching(self._search, self._names)
        self._lay_out()

    def row_at(self, index: int) -> PlanRow:
        """The visible row at an index."""
        at = int(np.searchsorted(self._starts, index, side="right")) - 1
        row = int(self.rows[at])
        line = index - int(self._starts[at]) - 1
        if line < 0:
            name, facts = self._source.row(row)
            return PlanRow(name, facts, row)
        return PlanRow(self._text(row)[line], row=row, line=True)

    def is_open(self, row: int) -> bool:
        """Whether a row is open."""
        return self._source.identity(row) in self._opened

    def set_open(self, row: int, is_open: bool) -> None:
        """Open or close a row."""
        identity = self._source.identity(row)
        if is_open:
            self._opened.add(identity)
        else:
            self._opened.discard(identity)
        self._lay_out()

    def _text(self, row: int) -> list[str]:
        found = self._lines.get(row)
        if found is None:
            lines = [*self._commented(write(self._source.values(row)).splitlines())]
            more = len(lines) - MAX_LINES
            found = self._lines[row] = lines[:MAX_LINES] + ([f"and {more:,} lines more"] if more > 0 else [])
        return found

    def _commented(self, lines: list[str]) -> Iterator[str]:
        """Lines with comments that say what the assets in them are made from that have no names."""
        for line in lines:
            found = _NAMELESS.search(line)
            key = self._nameless(found[1], int(found[2])) if found is not None else None
            origin = self.plan.requirements.keys.origin(key) if key is not None else ""
            yield f"{line}  // {origin}" if origin else line

    def _nameless(self, database: str, index: int) -> int | None:
        """The key of an asset in this plan; None where no database is called so."""
        if self._databases is None:
            keys = self.plan.requirements.keys
            numbers = np.unique(self.plan.requirements.needs.array["key"].astype(np.int64) >> 32).tolist()
            self._databases = {keys.database(number): number for number in numbers if number != TRANSIENT_DB}
        number = self._databases.get(database)
        return asset_key(number, index) if number is not None else None

    def _lay_out(self) -> None:
        """Find where each row begins among the visible ones."""
        heights = np.ones(len(self.rows), np.int64)
        if self._opened:
            for at, row in enumerate(self.rows.tolist()) if len(self.rows) < 4096 else self._few_open():
                if self._source.identity(row) in self._opened:
                    heights[at] += len(self._text(row))
        self._starts = np.cumsum(heights) - heights
        self.visible = int(heights.sum())

    def _few_open(self) -> list[tuple[int, int]]:
        """(index, row) of the rows that may be open, where there are too many to look at each."""
        found = []
        for identity in self._opened:
            row = self._source.find(identity)
            at = int(np.searchsorted(self.rows, row)) if row is not None else len(self.rows)
            if at < len(self.rows) and self.rows[at] == row:
                found.append((at, int(self.rows[at])))
        return found


class _Source:
    """A list of things of a plan that have a name, facts and values."""

    def __init__(
        self,
        ids: NDArray[np.int64],
        describe: Callable[[int], tuple[str, str]],
        values: Callable[[int], dict[str, object]],
        keys_of: Callable[[], tuple[NDArray[np.int64], NDArray[np.int64]]] | None = None,
        topic: str = "",
        *,
        is_named: bool = False,
    ) -> None:
        """`keys_of` gives keys that are searched, and the row that each belongs to.

        Rows that are `is_named` are the same in another plan if they have the same name, others by id.
        """
        self._is_named = is_named
        self.count = len(ids)
        self._ids = ids
        self._describe, self._values, self._keys_of = describe, values, keys_of
        self._topic = topic
        self._texts: list[str] | None = None

    def row(self, row: int) -> tuple[str, str]:
        """The name and facts of a row."""
        return self._describe(row)

    def values(self, row: int) -> dict[str, object]:
        """The values of a row, as a plan's text has them."""
        return self._values(row)

    def identity(self, row: int) -> object:
        """What stands for the row in later plans."""
        return self._topic, self._describe(row)[0] if self._is_named else int(self._ids[row])

    def find(self, identity: object) -> int | None:
        """The row of an identity."""
        if not isinstance(identity, tuple) or identity[0] != self._topic:
            return None
        if self._is_named:
            return next((row for row in range(self.count) if self.identity(row) == identity), None)
        at = int(np.searchsorted(self._ids, identity[1]))
        return at if at < self.count and self._ids[at] == identity[1] else None

    def matching(self, text: str, names: KeyNames) -> tuple[NDArray[np.int64], bool]:
        """The rows that hold a text, and whether all names were looked at."""
        found, is_all = np.zeros(self.count, bool), True
        if self._keys_of is not None:
            keys, rows = self._keys_of()
            matches, is_all = names.matching(keys, text)
            found[rows[matches]] = True
        else:
            if self._texts is None:
                self._texts = [write(self._values(row)).lower() for row in range(self.count)]
            part = text.lower()
            for row, each in enumerate(self._texts):
                found[row] = part in each
        return np.flatnonzero(found), is_all


def _memory(plan: Plan) -> _Source:
    memory = plan.memory
    rows, resources, places = memory.allocations, memory.resources, memory.subresources
    homes = np.searchsorted(rows["id"], resources["allocation"])
    count = np.bincount(homes, minlength=len(rows))
    of = homes[np.searchsorted(resources["id"], places["resource"])] if len(places) else np.zeros(0, np.int64)

    keys = places["key"].astype(np.int64)

    def describe(row: int) -> tuple[str, str]:
        each = rows[row]
        inside = count_text(int(count[row]), "resource")
        kind = f"memory type {each['memory_type']}"
        return f"allocation {each['id']}", f"{bytes_text(int(each['size']))}, {inside}, {kind}"

    return _Source(
        rows["id"].astype(np.int64),
        describe,
        lambda row: allocation_values(plan, plan.memory, int(rows["id"][row])),
        lambda: (keys, of),
        Topic.MEMORY,
    )


def _shaders(plan: Plan) -> _Source:
    rows, name = plan.shaders, plan.requirements.keys.caption
    return _Source(
        np.arange(len(rows)),
        lambda row: (name(rows[row].key), rows[row].entry_point),
        lambda row: shader_values(plan, rows[row]),
        topic=Topic.SHADERS,
        is_named=True,
    )


def _pipelines(plan: Plan) -> _Source:
    rows = plan.pipelines
    return _Source(
        np.arange(len(rows)),
        lambda row: (rows[row].name, f"pass {rows[row].pass_name}"),
        lambda row: pipeline_values(plan, rows[row]),
        topic=Topic.PIPELINES,
        is_named=True,
    )


def _descriptor_sets(plan: Plan) -> _Source:
    rows = plan.descriptor_sets
    return _Source(
        np.arange(len(rows)),
        lambda row: (rows[row].name, count_text(len(rows[row].layout), "binding")),
        lambda row: descriptor_set_values(plan, rows[row]),
        topic=Topic.DESCRIPTOR_SETS,
        is_named=True,
    )


def _requests(plan: Plan) -> _Source:
    needs, name = plan.requirements.needs.array, plan.requirements.keys.caption
    keys = needs["key"].astype(np.int64)
    requested = np.sort(plan.requirements.requested.rows["key"].astype(np.int64))
    counts = np.searchsorted(requested, keys, "right") - np.searchsorted(requested, keys, "left")

    def describe(row: int) -> tuple[str, str]:
        size = need_values(plan, needs[row])["size"]
        return name(int(keys[row])), f"{bytes_text(int(size))}, {count_text(int(counts[row]), 'request')}"

    return _Source(
        keys,
        describe,
        lambda row: need_values(plan, needs[row]),
        lambda: (keys, np.arange(len(keys))),
        Topic.REQUESTS,
    )


_SOURCES = {
    Topic.MEMORY: _memory,
    Topic.SHADERS: _shaders,
    Topic.PIPELINES: _pipelines,
    Topic.DESCRIPTOR_SETS: _descriptor_sets,
    Topic.REQUESTS: _requests,
}
