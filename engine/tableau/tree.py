"""The tree of objects: names, parents, levels, and walks from the top down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from engine.humon import nearest
from engine.tableau.columns import Columns, Rows, distinct
from engine.tableau.names import are_valid_names, fold, fold_all, invalid_name_reason

ROOT = -1
"""The parent of an object at the top of the tableau."""

MAX_COMPARED = 5000
"""Names that an unknown one is compared with, for the suggestion."""

NO_ROWS = np.empty(0, np.int32)


class NameTaken(ValueError):
    """Two siblings have names that are equal or differ only by case or Unicode normal form."""

    def __init__(self, first: str, second: str, other: int) -> None:
        same = "the same name" if first == second else "names that differ only by case or Unicode form"
        super().__init__(f"'{first}' and '{second}' below one parent have {same}")
        self.first = first
        self.second = second
        self.other = other


@dataclass(frozen=True, eq=False)
class TreePart:
    """Objects that were taken out of a tree with all that is below them, to be put back at their rows.

    `rows` are all of them, parents before children; `roots` those that others are not above. `orders` has the
    order of siblings, roots included, by the row of their parent.
    """

    roots: Rows
    rows: Rows
    parents: Rows
    levels: Rows
    counts: Rows
    names: list[str]
    below: dict[int, dict[str, int]]
    orders: dict[int, list[int]]


class Tree:
    """The parents and children of objects. An object is a row; rows of removed objects are reused.

    `version` rises with every change. The tree uses the columns parent, level, children (their number), rank
    (ascending among siblings) and generation; see Tableau for the others.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.names: list[str] = []
        self.version = 0
        self._next_rank = 0
        self._children: dict[int, dict[str, int]] = {ROOT: {}}
        self._level_version = -1
        self._by_level: list[Rows] = []

    # -- reading -----------------------------------------------------------------------------------

    @property
    def alive(self) -> NDArray[np.bool_]:
        """A mask of the rows that have an object."""
        return np.asarray(self.columns["level"] >= 0)

    def children(self, row: int) -> list[int]:
        """Return the rows of an object's children (ROOT: the objects at the top), in order."""
        return list(self._children.get(row, {}).values())

    def child(self, row: int, name: str) -> int | None:
        """Return the row of the child with exactly this name, or None."""
        found = self._children.get(row, {}).get(fold(name))
        return found if found is not None and self.names[found] == name else None

    def path(self, row: int) -> str:
        """Return the names from the top, joined by '/'."""
        parents = self.columns["parent"]
        parts: list[str] = []
        while row != ROOT:
            parts.append(self.names[row])
            row = int(parents[row])
        return "/".join(reversed(parts))

    def find(self, path: str) -> int:
        """Return the row of a path. Raises KeyError with the nearest name."""
        row = ROOT
        for name in path.split("/"):
            found = self.child(row, name)
            if found is None:
                raise KeyError(self._not_found(row, name, path))
            row = found
        return row

    def _not_found(self, row: int, name: str, path: str) -> str:
        where = f"below '{self.path(row)}'" if row != ROOT else "at the top of the tableau"
        known = [self.names[child] for child in self.children(row)[:MAX_COMPARED]]
        close = nearest(name, known)
        hint = f"; did you mean '{close}'?" if close else ""
        return f"no object '{name}' {where} (in path '{path}'){hint}"

    def levels(self) -> list[Rows]:
        """Return the rows of each level from the top, ascending; cached until the tree changes."""
        if self._level_version != self.version:
            level = self.columns["level"]
            order = np.argsort(level, kind="stable").astype(np.int32)
            bounds = np.searchsorted(level[order], np.arange(0, int(level.max(initial=-1)) + 2))
            self._by_level = [order[a:b] for a, b in pairwise(bounds.tolist())]
            self._level_version = self.version
        return self._by_level

    # -- changing ----------------------------------------------------------------------------------

    def add(self, names: Sequence[str], parents: int | Rows) -> Rows:
        """Add objects below one parent, or one parent each, and return their rows.

        Raises ValueError for an invalid name, NameTaken for siblings with equal names; nothing is added then.
        """
        names = list(names)
        self._check_names(names)
        folded = fold_all(names)
        if not isinstance(parents, np.ndarray):
            groups: list[tuple[int, Sequence[int]]] = [(parents, range(len(names)))]
        else:
            groups = [(parent, members.tolist()) for parent, members in _group(parents)]
        for parent, members in groups:
            self._check_free(parent, [folded[i] for i in members], [names[i] for i in members])
        rows = self.columns.allocate(len(names))
        self._name(rows, names)
        row_list = rows.tolist()
        for parent, members in groups:
            below = self._children.setdefault(parent, {})
            below.update(zip((folded[i] for i in members), (row_list[i] for i in members), strict=True))
            if parent != ROOT:
                self.columns["children"][parent] += len(members)
        self.columns["parent"][rows] = parents
        self.columns["level"][rows] = self._levels_below(parents)
        self._rank_last(rows)
        self.version += 1
        return rows

    def remove(self, row: int) -> Rows:
        """Remove an object with its descendants; return their rows, which are free from now on."""
        gone = self.take_out(np.array((row,), np.int32)).rows
        self.columns.free(np.sort(gone))
        return gone

    def take_out(self, roots: Rows) -> TreePart:
        """Remove objects, none above another, with their descendants. Their rows are in use until freed."""
        found: list[Rows] = []

        def visit(rows: Rows) -> Rows:
            found.append(rows)
            return rows

        self.walk(roots, visit)
        gone, columns = np.concatenate(found) if found else NO_ROWS, self.columns
        above, root_list = columns["parent"][roots], roots.tolist()
        orders = {row: self.children(row) for row in distinct(np.sort(above)).tolist()}
        part = TreePart(
            roots,
            gone,
            columns["parent"][gone],
            columns["level"][gone],
            columns["children"][gone],
            [self.names[row] for row in gone.tolist()],
            {},
            orders,
        )
        for row, parent in zip(root_list, above.tolist(), strict=True):
            del self._children[parent][fold(self.names[row])]
        np.subtract.at(columns["children"], above[above != ROOT], 1)
        for row in gone.tolist():
            children = self._children.pop(row, None)
            if children:
                part.below[row] = children
            self.names[row] = ""
        columns["level"][gone] = -1
        columns["parent"][gone] = ROOT
        columns["children"][gone] = 0
        columns["generation"][gone] += 1
        self.version += 1
        return part

    def put_back(self, part: TreePart) -> None:
        """Put objects back at their rows, as the objects that they were: their handles are valid again.

        Raises NameTaken for a name that a sibling has, ValueError if a parent is gone; nothing is done then.
        """
        columns, names = self.columns, dict(zip(part.rows.tolist(), part.names, strict=True))
        above = dict(zip(part.rows.tolist(), part.parents.tolist(), strict=True))
        levels = dict(zip(part.rows.tolist(), part.levels.tolist(), strict=True))
        groups: dict[int, list[int]] = {}
        for row in part.roots.tolist():
            parent = above[row]
            if (ROOT if parent == ROOT else int(columns["level"][parent])) + 1 != levels[row]:
                raise ValueError(f"the object that '{names[row]}' was below is gone")
            groups.setdefault(parent, []).append(row)
        for parent, members in groups.items():
            given = [names[row] for row in members]
            self._check_free(parent, fold_all(given), given)
        columns["parent"][part.rows] = part.parents
        columns["level"][part.rows] = part.levels
        columns["children"][part.rows] = part.counts
        columns["generation"][part.rows] -= 1
        for row, name in names.items():
            self.names[row] = name
        self._children.update(part.below)
        for parent, members in groups.items():
            below = self._children.setdefault(parent, {})
            below.update((fold(names[row]), row) for row in members)
            if parent != ROOT:
                columns["children"][parent] += len(members)
            self.set_order(parent, part.orders.get(parent, ()))
        self.version += 1

    def move(self, rows: Rows, parent: int) -> None:
        """Put objects, none above another, below another parent (ROOT: at the top), after its children.

        Raises ValueError for a parent that is below one of them, NameTaken as `add` does; then nothing is
        done.
        """
        columns, above = self.columns, parent
        moving = set(rows.tolist())
        while above != ROOT:
            if above in moving:
                raise ValueError(f"'{self.names[above]}' cannot be put below itself")
            above = int(columns["parent"][above])
        coming = [row for row in rows.tolist() if int(columns["parent"][row]) != parent]
        names = [self.names[row] for row in coming]
        folded = fold_all(names)
        self._check_free(parent, folded, names)
        into = self._children.setdefault(parent, {})
        for row, name in zip(coming, folded, strict=True):
            old = int(columns["parent"][row])
            del self._children[old][name]
            into[name] = row
            if old != ROOT:
                columns["children"][old] -= 1
        moved = np.array(coming, np.int32)
        if parent != ROOT:
            columns["children"][parent] += len(moved)
        level = 0 if parent == ROOT else int(columns["level"][parent]) + 1
        for old_level in np.unique(columns["level"][moved]).tolist():
            part = moved[columns["level"][moved] == old_level]
            while len(part) and old_level != level:
                below = self.below(part)
                columns["level"][part] += level - old_level
                part = below
        columns["parent"][moved] = parent
        self._rank_last(moved)
        self.version += 1

    def rename(self, row: int, name: str) -> None:
        """Give an object another name, at its place among its siblings. Raises as `add` does."""
        self._check_names([name])
        parent, old, new = int(self.columns["parent"][row]), fold(self.names[row]), fold(name)
        below = self._children[parent]
        if new != old and new in below:
            raise NameTaken(self.names[below[new]], name, below[new])
        self._children[parent] = {new if key == old else key: child for key, child in below.items()}
        self.names[row] = name
        self.version += 1

    def set_order(self, parent: int, rows: Sequence[int]) -> None:
        """Order the children of an object as in `rows`; those that are not in it come last."""
        below = self._children.get(parent, {})
        there = {row: name for name, row in below.items()}
        first = {there.pop(row): row for row in rows if row in there}
        ordered = first | {name: row for row, name in there.items()}
        self._children[parent] = ordered
        ranks = self.columns["rank"]
        siblings = np.fromiter(ordered.values(), np.int32, len(ordered))
        if not (np.diff(ranks[siblings]) > 0).all():
            self._rank_last(siblings)
        self.version += 1

    def _rank_last(self, rows: Rows) -> None:
        """Order objects after all others, as they are given."""
        self.columns["rank"][rows] = np.arange(self._next_rank, self._next_rank + len(rows))
        self._next_rank += len(rows)

    def _check_names(self, names: list[str]) -> None:
        if are_valid_names(names):
            return
        for name in names:
            fault = invalid_name_reason(name)
            if fault:
                raise ValueError(f"'{name}' cannot name an object: {fault}")

    def _check_free(self, parent: int, folded: list[str], names: list[str]) -> None:
        below = self._children.get(parent, {})
        if len(set(folded)) == len(folded) and below.keys().isdisjoint(folded):
            return
        seen: dict[str, str] = {}
        for one, name in zip(folded, names, strict=True):
            if one in below:
                raise NameTaken(self.names[below[one]], name, below[one])
            if one in seen:
                raise NameTaken(seen[one], name, ROOT)
            seen[one] = name

    def _name(self, rows: Rows, names: list[str]) -> None:
        known = len(self.names)
        fresh = int(np.searchsorted(rows, known))
        for row, name in zip(rows[:fresh].tolist(), names[:fresh], strict=True):
            self.names[row] = name
        self.names.extend(names[fresh:])

    def _levels_below(self, parents: int | Rows) -> NDArray[np.int32] | int:
        level = self.columns["level"]
        if not isinstance(parents, np.ndarray):
            return 0 if parents == ROOT else int(level[parents]) + 1
        return np.where(parents == ROOT, np.int32(0), level[np.maximum(parents, 0)] + np.int32(1))

    # -- walking -----------------------------------------------------------------------------------

    def below(self, rows: Rows) -> Rows:
        """Return the children of objects of one level, in no particular order.

        Few are collected one by one, many by a scan of the next level, so that the cost grows with the
        result, also after a change of the tree.
        """
        counts = self.columns["children"][rows]
        total = int(counts.sum())
        if not total:
            return NO_ROWS
        if total * 16 < self.columns.used:
            groups = (self._children[row].values() for row in rows[counts > 0].tolist())
            return np.fromiter(chain.from_iterable(groups), np.int32, total)
        wanted = np.zeros(self.columns.count, np.bool_)
        wanted[rows] = True
        next_level = self.levels()[int(self.columns["level"][rows[0]]) + 1]
        return np.asarray(next_level[wanted[self.columns["parent"][next_level]]], np.int32)

    def subtree(self, row: int) -> Rows:
        """Return the rows of an object and its descendants, level by level."""
        found = [np.array((row,), np.int32)]
        while len(found[-1]):
            found.append(self.below(found[-1]))
        return np.concatenate(found)

    def walk(self, seeds: Rows, visit: Callable[[Rows], Rows]) -> None:
        """Visit objects level by level from the top: the seeds, and the children of what `visit` returns.

        `visit` gets the rows of one level, each once, ascending.
        """
        waiting = self._seeds_by_level(seeds)
        while waiting:
            level = min(waiting)
            parts = waiting.pop(level)
            rows = parts[0] if len(parts) == 1 and _rising(parts[0]) else distinct(*parts)
            children = self.below(visit(rows))
            if len(children):
                waiting.setdefault(level + 1, []).append(children)

    def _seeds_by_level(self, seeds: Rows) -> dict[int, list[Rows]]:
        if not len(seeds):
            return {}
        level = self.columns["level"][seeds]
        low, high = int(level.min()), int(level.max())
        if low == high:
            return {low: [seeds]} if low >= 0 else {}
        return {
            each: [seeds[level == each]] for each in range(max(low, 0), high + 1) if (level == each).any()
        }


def _rising(rows: Rows) -> bool:
    return bool((rows[1:] > rows[:-1]).all())


def _group(values: NDArray[np.int32]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each value and its indices, both ascending."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    cuts = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(ordered)]
    for start, end in pairwise(cuts):
        if end > start:
            yield int(ordered[start]), order[start:end]


def default_names(prefix: str, count: int, first: int) -> list[str]:
    """Return names of prefix and number, for objects without names."""
    return [f"{prefix}{number}" for number in range(first, first + count)]
