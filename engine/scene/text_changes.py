"""The edits that update a text of objects to a tableau: values, names, what is no longer there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb
from engine.humon import Edits, Kind, Node, failure
from engine.humon.cuts import Cut
from engine.scene.build import OBJECT_KEYS, TABLEAU_KEYS
from engine.scene.origin import Copies, Origin
from engine.scene.plain_values import euler_of, plain_field, plain_value
from engine.scene.snapshot import Snapshot, differing
from engine.tableau import FeatureTable, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.names import fold, fold_all

TRANSFORMS = ("translation", "rotation", "scale")
Rows = NDArray[np.int32]


class TextChanges:
    """Collects the edits that update the text of an origin to a tableau."""

    def __init__(self, origin: Origin, tableau: Tableau, dbs: Sequence[AssetDb]) -> None:
        self._origin = origin
        self._tableau = tableau
        self._before = origin.state
        self._dbs = dbs
        self._edits: Edits = origin.document.edits()
        self.cuts: dict[int, Cut] = {}
        """By row, objects that have another place now: cut out of the text, to be placed by `Placing`."""

    def changed(self) -> str:
        """Return the text with changed values and names, without what was removed or has another place."""
        before, tableau = self._before, self._tableau
        for flag in FLAGS:
            now = Snapshot.root_flag(tableau, before.root, flag)
            if now != before.root_flags[flag]:
                self._put(self._origin.whole, flag, now, TABLEAU_KEYS)
        kept = before.kept(tableau)
        self._change_objects(kept, kept)
        self._check_names(kept)
        self._cut_objects(kept)
        self._remove_objects(before.gone(tableau))
        return self._edits.apply()

    @property
    def moves_lines(self) -> bool:
        """Whether the edits may change the line numbers of objects."""
        return self._edits.moves_lines

    def copied(self, copies: Copies) -> Cut:
        """Return the text of objects that are written like others, as a cut to be placed."""
        self._change_objects(copies.old_rows, copies.rows)
        there, tables = set(copies.old_rows.tolist()), self._tableau.tables
        for old, row in zip(copies.old_rows.tolist(), copies.rows.tolist(), strict=True):
            for child in self._origin.children(old):
                if child not in there:
                    self._edits.remove(self._origin.node(child))
            if not copies.with_comments:
                self._remove_unused(
                    old, {name for name, table in tables.items() if table.row_of(row) is not None}
                )
        top = int(copies.old_rows[0])
        return self._edits.copy(self._origin.node(top), self._origin.objects(top), copies.with_comments)

    def _remove_unused(self, row: int, kept: Container[str]) -> None:
        """Remove what is not used of an object, and of the list of its children, as it is wrong.

        `kept` are the types of the features that its copy has: others are removed already.
        """
        node, tables = self._origin.node(row), self._before.tables
        self._remove_others(node, OBJECT_KEYS)
        objects, features = node.get("objects"), node.get("features")
        if objects is not None and objects.kind is Kind.DICT:
            names = self._before.names
            self._remove_others(objects, {names[child] for child in self._origin.children(row)})
        elif objects is not None:
            self._edits.remove(objects)
        if features is not None and features.kind is not Kind.LIST:
            self._edits.remove(features)
            return
        seen = set()
        for feature in features if features is not None else ():
            name = str(feature.type) if feature.kind is Kind.DICT else ""
            if name in seen or name not in tables or tables[name].row_of[row] < 0:
                self._edits.remove(feature)
            elif name in kept:
                self._remove_others(feature, (*FLAGS, *self._tableau.tables[name].schema.by_name))
            seen.add(name)

    def _remove_others(self, node: Node, keys: Container[str]) -> None:
        """Remove the members of a dict that have none of these keys, or the key of another one."""
        for child in (*(child for key, child in node.items() if key not in keys), *node.repeated):
            self._edits.remove(child)

    def _change_objects(self, old_rows: Rows, rows: Rows) -> None:
        """Change values, flags, features and names of objects of the text, `old_rows`, to those of `rows`."""
        before, tableau = self._before, self._tableau
        for name in TRANSFORMS:
            now = getattr(tableau, name)[rows]
            for at in np.flatnonzero(differing(now, before.columns[name][old_rows])).tolist():
                self._set_transform(self._origin.node(int(old_rows[at])), name, now[at])
        for flag in FLAGS:
            flags = tableau.flags(flag)[rows]
            for at in np.flatnonzero(flags != before.columns[flag][old_rows]).tolist():
                self._put(self._origin.node(int(old_rows[at])), flag, bool(flags[at]), OBJECT_KEYS)
        for table in tableau.tables.values():
            self._change_features(table, old_rows, rows)
        names, old_names = tableau.names, before.names
        for old, row in zip(old_rows.tolist(), rows.tolist(), strict=True):
            if names[row] != old_names[old]:
                self._edits.rename(self._origin.node(old), names[row])

    def _put(self, node: Node, key: str, value: object, order: Sequence[str], exact: bool = False) -> None:
        """Set a member of a dict, or add it at its place among those of `order`."""
        child = node.get(key)
        if child is not None:
            self._replace(child, value, exact)
            return
        put_member(self._edits, node, key, value, order)

    def _replace(self, node: Node, value: object, exact: bool = False) -> None:
        """Replace a value; in a list of equal length only the entries that differ."""
        if isinstance(value, list) and node.kind is Kind.LIST and len(node) == len(value):
            for child, new in zip(node, value, strict=True):
                if not _same(child, new, exact):
                    self._edits.replace(child, new)
        else:
            self._edits.replace(node, value)

    def _set_transform(self, node: Node, name: str, value: NDArray[np.floating]) -> None:
        if name == "rotation" and "rotation" not in node:
            self._put(node, "euler", euler_of(value), OBJECT_KEYS)
        else:
            self._put(node, name, plain_value(value), OBJECT_KEYS, exact=value.dtype == np.float64)

    def _change_features(self, table: FeatureTable, old_rows: Rows, rows: Rows) -> None:
        before, origin = self._before.tables[table.type_name], self._origin
        had, has = before.owned_by(old_rows), table.owned_by(rows)
        for row in old_rows[had & ~has].tolist():
            self._edits.remove(origin.feature(row, table.type_name))
        both = old_rows[had & has]
        now, then = table.rows_of(rows[had & has]), before.rows_of(both)
        order = (*FLAGS, *table.schema.by_name)
        for flag in FLAGS:
            for index in np.flatnonzero(table.flags(flag)[now] != before.columns[flag][then]).tolist():
                node = origin.feature(int(both[index]), table.type_name)
                self._put(node, flag, bool(table.flags(flag)[now[index]]), order)
        for spec in table.schema.fields:
            column = table.column(spec.name)
            for index in np.flatnonzero(differing(column[now], before.columns[spec.name][then])).tolist():
                value = plain_field(spec, column[now[index]], self._dbs)
                self._put(origin.feature(int(both[index]), table.type_name), spec.name, value, order)

    def _check_names(self, kept: Rows) -> None:
        """Raise InputError where a new name is that of an entry that is no object."""
        names, before = self._tableau.names, self._before.names
        for row in kept.tolist():
            if names[row] != before[row]:
                above = int(self._before.parent[row])
                siblings = np.flatnonzero(self._before.parent[self._before.rows] == above)
                known = {before[each] for each in self._before.rows[siblings].tolist()}
                check_free(self._origin.objects(row), [names[row]], known)

    def _cut_objects(self, kept: Rows) -> None:
        """Cut out what has another parent, or another place among its siblings."""
        stays = self._tableau.parent[kept] == self._before.parent[kept]
        moved = kept[~stays].tolist()
        moved += _out_of_order(kept[stays], self._tableau, self._before.columns["rank"])
        for row in moved:
            self.cuts[row] = self._edits.cut(self._origin.node(row), self._origin.objects(row))

    def _remove_objects(self, rows: Iterable[int]) -> None:
        gone = set(rows)
        for row in sorted(gone):
            if int(self._before.parent[row]) not in gone:
                self._edits.remove(self._origin.node(row))


def put_member(edits: Edits, node: Node, key: str, value: object, order: Sequence[str]) -> None:
    """Add a member to a dict, after the last one of those that come before it in `order`."""
    before = set(order[: order.index(key)])
    after = next((child for name, child in reversed(list(node.items())) if name in before), None)
    edits.insert(node, key, value, after, first=after is None)


def check_free(objects: Node, names: Sequence[str], known: Container[str]) -> None:
    """Raise InputError `object.name` where an entry has one of these names that is no object, as it is wrong.

    `known` are the names of the entries that are objects.
    """
    wanted = set(fold_all(list(names)))
    unused = [node for key, node in objects.items() if key not in known] + objects.repeated
    for node in unused:
        key = str(node.key)
        if fold(key) in wanted:
            message = f"an object cannot be saved as '{key}': that is the name of an entry that is not used"
            raise failure("object.name", message, node, "mend the entry, or give the object another name")


def _out_of_order(rows: Rows, tableau: Tableau, before: NDArray[np.int64]) -> Iterator[int]:
    """Yield as few of these objects as possible that stand among their siblings where they did not before."""
    rows = rows[np.lexsort((before[rows], tableau.parent[rows]))]
    parents, ranks = tableau.parent[rows], tableau.rank[rows]
    if not ((parents[1:] == parents[:-1]) & (ranks[1:] < ranks[:-1])).any():
        return
    for _, group in groupby(
        zip(parents.tolist(), rows.tolist(), ranks.tolist(), strict=True), lambda each: each[0]
    ):
        siblings = [(row, rank) for _, row, rank in group]
        stays = _longest_rising([rank for _, rank in siblings])
        yield from (row for at, (row, _) in enumerate(siblings) if at not in stays)


def _longest_rising(values: Sequence[int]) -> set[int]:
    """Return the places of a longest rising subsequence (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for at, value in enumerate(values):
        pile = bisect_left(tops, value)
        before.append(ends[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [value]
        ends[pile : pile + 1] = [at]
    found: set[int] = set()
    at = ends[-1] if ends else -1
    while at >= 0:
        found.add(at)
        at = before[at]
    return found


def _same(node: Node, value: str | float, exact: bool) -> bool:
    """Whether a node has this value already, however it is written; as float32, if not as `exact` float64."""
    if node.kind is not Kind.VALUE:
        return False
    if isinstance(value, str | bool):
        return node.text == (value if isinstance(value, str) else str(value).lower())
    try:
        number = np.float64 if exact else np.float32
        return bool(number(node.text) == number(value))
    except ValueError:
        return False
