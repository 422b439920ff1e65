"""The memory plan as a tree: allocations, the resources in them, the subresources in those.

Everything is columns of the plan; texts are made only for visible rows. The model is built once per plan, not
once per frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan import Plan
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind, flag_names, word
from viewer.panels.expanded_nodes import ExpandedNodes
from viewer.panels.number_format import bytes_text, count_text
from viewer.panels.tree_rows import TreeRows, flatten


class Level(IntEnum):
    """The kind of a row."""

    ALLOCATION = 0
    RESOURCE = 1
    SUBRESOURCE = 2


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """The texts of one row: its name, size in bytes, usage bits, requesters, and place."""

    level: Level
    name: str
    size: int
    usage: tuple[str, ...]
    why: tuple[str, ...]
    place: str


class MemoryModel:
    """The tree of one plan; `tree_rows` depends on the expanded nodes."""

    def __init__(self, plan: Plan, expanded: ExpandedNodes) -> None:
        memory = plan.memory
        self._allocations = memory.allocations
        self._resources = memory.resources
        self._subresources = memory.subresources
        self._plan = plan
        self._waiting = {page.resource: page for page in plan.waiting}
        self._expanded = expanded
        self._expanded_version = -1
        counts = len(self._allocations), len(self._resources), len(self._subresources)
        self._starts = np.cumsum([0, *counts])
        self._level = np.repeat(np.arange(3, dtype=np.int8), counts)
        self._resource_of = np.searchsorted(self._resources["id"], self._subresources["resource"])
        self._allocation_of = np.searchsorted(self._allocations["id"], self._resources["allocation"])
        self._parent = np.concatenate(
            [
                np.full(counts[0], -1, np.int32),
                self._allocation_of.astype(np.int32),
                (self._resource_of + self._starts[1]).astype(np.int32),
            ]
        )
        rank = (
            -self._allocations["size"],
            self._resources["offset"],
            self._subresources["offset"],
        )  # largest first
        self._rank = np.concatenate([column.astype(np.int64) for column in rank])
        self._resources_in = np.bincount(self._allocation_of, minlength=counts[0])
        self._subresources_in = np.bincount(self._resource_of, minlength=counts[1])
        self._taken = np.bincount(self._allocation_of, self._resources["size"], minlength=counts[0])
        self.sizes = self._sizes()
        self._tree_rows: TreeRows | None = None

    @property
    def tree_rows(self) -> TreeRows:
        """The visible rows; built again only after a node was expanded or collapsed."""
        if self._tree_rows is None or self._expanded_version != self._expanded.version:
            places = {
                identity: place
                for identity in self._expanded.changed
                if (place := self._place(identity)) is not None
            }
            is_open = self._expanded.column(len(self._level), places)
            self._tree_rows = flatten(self._parent, self._rank, is_open)
            self._is_open = is_open
            self._expanded_version = self._expanded.version
        return self._tree_rows

    def is_open(self, node: int) -> bool:
        """Whether a node is expanded."""
        return bool(self._is_open[node])

    def set_expanded(self, node: int, is_open: bool) -> None:
        """Expand or collapse a node."""
        self._expanded.set(self.identity(node), is_open)

    def identity(self, node: int) -> tuple[int, int]:
        """(level, id or key) of a node: the same in every plan that contains it."""
        level, row = self._row(node)
        tables = (self._allocations["id"], self._resources["id"], self._subresources["key"])
        return int(level), int(tables[level][row])

    def node_of(self, identity: tuple[int, int]) -> int | None:
        """The node of an identity; None if this plan does not contain it."""
        return self._place(identity)

    def row(self, node: int) -> MemoryRow:
        """Return the texts of one node."""
        level, row = self._row(node)
        if level is Level.ALLOCATION:
            return self._allocation(row)
        return self._resource(row) if level is Level.RESOURCE else self._subresource(row)

    def _allocation(self, row: int) -> MemoryRow:
        entry = self._allocations[row]
        free = int(entry["size"]) - int(self._taken[row])
        facts = [f"memory type {entry['memory_type']}", count_text(int(self._resources_in[row]), "resource")]
        if entry["dedicated"]:
            facts.append("dedicated")
        if entry["mapped"]:
            facts.append("mapped")
        if free > 0:
            facts.append(f"{bytes_text(free)} free")
        return MemoryRow(
            Level.ALLOCATION, f"allocation {entry['id']}", int(entry["size"]), (), (), ", ".join(facts)
        )

    def _resource(self, row: int) -> MemoryRow:
        entry = self._resources[row]
        if entry["kind"] == Kind.BUFFER:
            what, usage = "buffer", flag_names(BufferUsage(int(entry["usage"])))
        else:
            shape = f"{entry['width']}x{entry['height']} {word(Format(int(entry['format'])))}"
            counts = {name: int(entry[name]) for name in ("mip_levels", "samples", "layers")}
            extra = [f"{count} {name.removesuffix('_levels')}" for name, count in counts.items() if count > 1]
            image = "cube" if entry["cube"] else "image"
            what, usage = f"{image} {', '.join([shape, *extra])}", flag_names(ImageUsage(int(entry["usage"])))
        inside = count_text(int(self._subresources_in[row]), "subresource")
        place = f"offset {int(entry['offset']):,} in allocation {entry['allocation']}, {inside}"
        if (page := self._waiting.get(int(entry["id"]))) is not None:
            place += f", {bytes_text(page.bytes)} waits to be returned: {page.reason}"
        return MemoryRow(Level.RESOURCE, f"{what} #{entry['id']}", int(entry["size"]), usage, (), place)

    def _subresource(self, row: int) -> MemoryRow:
        entry = self._subresources[row]
        key = int(entry["key"])
        terms = self._plan.terms[int(entry["terms"])]
        unit = "offset" if self._resources[self._resource_of[row]]["kind"] == Kind.BUFFER else "layer"
        place = f"{unit} {int(entry['offset']):,} in #{entry['resource']}"
        return MemoryRow(
            Level.SUBRESOURCE,
            self._plan.requirements.keys.name(key),
            int(self.sizes[self._starts[2] + row]),
            flag_names(terms.usage_flags),
            self._plan.requesters(key),
            place,
        )

    def _sizes(self) -> NDArray[np.int64]:
        """Bytes per node; an image's layers share its size evenly."""
        kind, layers = self._resources["kind"], np.maximum(self._resources["layers"], 1)
        per_layer = self._resources["size"] // layers
        footprint = self._subresources["footprint"].astype(np.int64)
        is_image = kind[self._resource_of] == Kind.IMAGE
        below = np.where(is_image, footprint * per_layer[self._resource_of], footprint)
        return np.concatenate([self._allocations["size"], self._resources["size"], below])

    def _row(self, node: int) -> tuple[Level, int]:
        level = Level(int(self._level[node]))
        return level, node - int(self._starts[level])

    def _place(self, identity: object) -> int | None:
        if not isinstance(identity, tuple):
            return None
        level, number = identity
        table = (self._allocations["id"], self._resources["id"], self._subresources["key"])[level]
        row = int(np.searchsorted(table, number))
        if row == len(table) or table[row] != number:
            return None
        return int(self._starts[level]) + row
