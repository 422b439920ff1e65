"""Takes changes of a scene's file into its tableau, which may have been changed by hand meanwhile.

Three states are compared: the file as it was read, the file as it is now, and the tableau. Only what differs
between the two states of the file is taken; all else stays as it is in the tableau. Where a value was changed
in both, the conflict is listed, and the file's is taken, or what was set by hand is kept (`keep_own`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.scene.scene import ScenePart
from engine.scene.snapshot import Snapshot, changed_rows, differing
from engine.scene.text_positions import copy_positions
from engine.tableau import NO_ASSET, ROOT, FeatureTable, FieldKind, Tableau
from engine.tableau.activity import FLAGS
from engine.tableau.schema import FieldSpec

Rows = NDArray[np.int32]
TRANSFORMS = ("translation", "rotation", "scale")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that differs in the file and in the tableau from what the file had.

    `path` is that of the object, `row` its row; `what` is the field, as `light.intensity` or `translation`,
    or `object` for a whole object. `own` is what was set by hand, `file` what the file has, both in column
    form; None for an object. `is_kept` is whether what was set by hand is kept.
    """

    path: str
    what: str
    row: int = ROOT
    own: Any = None
    file: Any = None
    is_kept: bool = False


def update_from_file(
    part: ScenePart,
    tableau: Tableau,
    fresh: ScenePart,
    now: Tableau,
    key_of: Callable[[int], int],
    *,
    keep_own: bool = False,
) -> list[Conflict]:
    """Take into `tableau` what has changed in a part's file, which was read again as `fresh` of `now`.

    `key_of` returns the key in `tableau` of an asset in `now`. Returns the values that were changed in both:
    with `keep_own` they stay as they are in the tableau, where an object that the file has no longer stays,
    too, if something in it was changed by hand.
    """
    return _Update(part, tableau, fresh, now, key_of, keep_own).apply()


class _Update:
    """One change of a file; `_now_of` are the rows of `now` by those of the tableau."""

    def __init__(
        self,
        part: ScenePart,
        tableau: Tableau,
        fresh: ScenePart,
        now: Tableau,
        key_of: Callable[[int], int],
        keep_own: bool,
    ) -> None:
        self._keep_own = keep_own
        self._part = part
        self._tableau = tableau
        self._fresh = fresh
        self._now = now
        self._key_of = cache(key_of)
        self._before: Snapshot = part.saver.before
        self._conflicts: list[Conflict] = []

    def apply(self) -> list[Conflict]:
        """Remove, add and set; then take the file's state as that to compare with."""
        tableau, before = self._tableau, self._before
        there = {before.paths[row]: row for row in before.kept(tableau).tolist()}
        removed = {before.paths[row]: row for row in before.gone(tableau)}
        fresh = self._fresh.saver.before
        all_wanted = {fresh.paths[row]: row for row in self._rows_now()}
        taken_off = {path for path in removed if path in all_wanted and self._is_free(removed[path])}
        wanted = all_wanted
        if taken_off:
            wanted = {path: row for path, row in wanted.items() if not _is_below(path, taken_off)}
        self._set_root_flags()
        gone = {path for path in there if path not in wanted}
        tops = [there[path] for path in sorted(gone) if path.rpartition("/")[0] not in gone]
        self._rescue({there[path] for path in there if path in wanted}, tops)
        for row in tops:
            if not self._keeps_object(row):
                tableau.remove(tableau.handle(row))
        found = {path: there[path] for path in wanted if path in there}
        both = np.array(list(found.values()), np.int32), np.array([wanted[path] for path in found], np.int32)
        self._add_objects(wanted, found)
        self._order_objects(wanted, found)
        self._set_objects(*both)
        self._set_features(*both)
        pairs = [(found[path], wanted[path]) for path in wanted]
        pairs += [(removed[path], all_wanted[path]) for path in taken_off]
        state = self._state(*np.array(pairs, np.int32).reshape(-1, 2).T)
        self._part.take(self._fresh, state)
        gaps = self._now.gaps[self._fresh.root]
        if gaps != tableau.gaps[self._part.root]:
            tableau.gaps[self._part.root] = gaps
            tableau.structure_version += 1  # other problems follow from it
        if self._fresh.home is not None:
            drawn, written = np.array(pairs, np.int32).reshape(-1, 2).T
            is_there = tableau.level[drawn] >= 0
            copy_positions(tableau, drawn[is_there], self._now, written[is_there])
        return self._conflicts

    def _rescue(self, wanted: set[int], tops: list[int]) -> None:
        """Put what was moved by hand below an object that the file has no longer to the root of the file."""
        if not tops:
            return
        going, rearranging = set(tops), self._tableau.rearranging
        for row in wanted:
            above = self._tableau.parent_of(row)
            while above not in (ROOT, self._part.root) and above not in going and above not in wanted:
                above = self._tableau.parent_of(above)
            if above in going:
                before = int(self._before.parent[row])
                back = before if before in wanted else self._part.root
                rearranging.reparent(np.array([row], np.int32), back)

    def _keeps_object(self, row: int) -> bool:
        """Whether an object that the file has no longer stays, as something in it was changed by hand."""
        if not self._keep_own:
            return False
        tableau, before = self._tableau, self._before
        below = tableau.rearranging.below(row)
        known = np.isin(below, before.rows)
        if known.all() and not changed_rows(before, tableau, below).any():
            return False
        self._conflicts.append(Conflict(tableau.path(row), "object", row, is_kept=True))
        return True

    def _is_free(self, row: int) -> bool:
        """Whether the row of an object that was removed by hand has no other object yet."""
        return bool(self._tableau.level[row] < 0)

    def _rows_now(self) -> list[int]:
        """Return the objects of the file, parents before children."""
        snapshot = self._fresh.saver.before
        levels = self._now.level[snapshot.rows]
        rows: list[int] = snapshot.rows[np.argsort(levels, kind="stable")].tolist()
        return rows

    def _add_objects(self, wanted: Mapping[str, int], found: dict[str, int]) -> None:
        """Add the objects that are new in the file; one that was made by hand in their place is taken."""
        tableau, now = self._tableau, self._now
        for path, row in wanted.items():
            if path in found:
                continue
            above, _, name = path.rpartition("/")
            parent = found[above] if above else self._part.root
            known = next((each.row for each in _children(tableau, parent) if each.name == name), None)
            if known is not None and self._keep_own:
                self._conflicts.append(Conflict(path, "object", known, is_kept=True))
                found[path] = known
                continue
            if known is not None:
                tableau.remove(tableau.handle(known))
                self._conflicts.append(Conflict(path, "object"))
            made = tableau.add_objects(
                names=[name],
                parent=np.array([parent], np.int32),
                **{each: getattr(now, each)[row : row + 1].copy() for each in TRANSFORMS},
                active=bool(now.flags("active")[row]),
                enabled=bool(now.flags("enabled")[row]),
            )
            found[path] = int(made[0])
            for type_name, table in now.tables.items():
                at = table.row_of(row)
                if at is not None:
                    self._add_feature(tableau.tables[type_name], table, made, np.array([at], np.int32))

    def _order_objects(self, wanted: Mapping[str, int], found: Mapping[str, int]) -> None:
        """Give siblings the order that they have in the file, where that has changed."""
        tableau, ranks = self._tableau, self._before.columns["rank"]
        own = {now_row: found[path] for path, now_row in wanted.items()}
        parents, counts = np.unique(self._now.parent[list(own)], return_counts=True)
        several = set(parents[counts > 1].tolist())
        old = set(self._before.kept(tableau).tolist())  # not rows that new objects have taken over
        for now_row, row in ((self._fresh.root, self._part.root), *own.items()):
            if now_row not in several:
                continue
            order = tableau.rearranging.order(row)
            here = set(order)
            listed = [own[each] for each in self._now.rearranging.order(now_row) if own.get(each) in here]
            known = set(listed)
            in_file = known <= old and sorted(listed, key=lambda each: int(ranks[each])) == listed
            if in_file or [each for each in order if each in known] == listed:
                continue
            following: dict[int, list[int]] = {}
            above = ROOT
            for each in order:  # what the file does not have stays after what it is after
                if each in known:
                    above = each
                else:
                    following.setdefault(above, []).append(each)
            placed = [one for each in (ROOT, *listed) for one in (each, *following.get(each, ()))]
            tableau.rearranging.set_order(row, placed[1:])

    def _add_feature(self, table: FeatureTable, now: FeatureTable, objects: Rows, rows: Rows) -> None:
        """Add a feature to objects with the values of rows of the file's table."""
        values = {spec.name: self._values(now, spec, rows) for spec in table.schema.fields}
        flags = {flag: now.flags(flag)[rows].copy() for flag in FLAGS}
        table.add(objects, values, active=flags["active"], enabled=flags["enabled"])
        self._tableau.structure_version += 1

    def _values(self, now: FeatureTable, spec: FieldSpec, rows: Rows) -> NDArray[Any]:
        """Return values of the file's table, with the keys that assets have in the tableau."""
        values: NDArray[Any] = now.column(spec.name)[rows].copy()
        if spec.kind is FieldKind.ASSET:
            keys, which = np.unique(values, return_inverse=True)
            own = [key if key == NO_ASSET else self._key_of(key) for key in keys.tolist()]
            return np.array(own, np.int64)[which]
        return values

    def _set_root_flags(self) -> None:
        for flag in FLAGS:
            new = self._fresh.saver.before.root_flags[flag]
            if new != self._before.root_flags[flag]:
                if self._part.root == ROOT:
                    setattr(self._tableau, flag, new)
                else:
                    self._tableau.set_flag(flag, np.array([self._part.root], np.int32), new)

    def _set_objects(self, rows: Rows, now_rows: Rows) -> None:
        """Set transforms and flags of objects that were in the file before."""
        tableau, before = self._tableau, self._before
        for name in TRANSFORMS:
            new, old, own = (
                getattr(self._now, name)[now_rows],
                before.columns[name][rows],
                getattr(tableau, name)[rows],
            )
            for at in _differing(new, old).tolist():
                if self._takes(rows[at], name, own[at], old[at], new[at]):
                    tableau.set_transforms(rows[at : at + 1], **{name: new[at : at + 1]})
        for flag in FLAGS:
            new, old, own = (
                self._now.flags(flag)[now_rows],
                before.columns[flag][rows],
                tableau.flags(flag)[rows],
            )
            for at in _differing(new, old).tolist():
                if self._takes(rows[at], flag, own[at], old[at], new[at]):
                    tableau.set_flag(flag, rows[at : at + 1], bool(new[at]))

    def _set_features(self, rows: Rows, now_rows: Rows) -> None:
        """Add, remove and set features of objects that were in the file before."""
        for type_name, table in self._tableau.tables.items():
            now, before = self._now.tables[type_name], self._before.tables[type_name]
            has, had, own = now.owned_by(now_rows), before.owned_by(rows), table.owned_by(rows)
            for at in np.flatnonzero(has & ~own & ~had).tolist():
                self._add_feature(table, now, rows[at : at + 1], now.rows_of(now_rows[at : at + 1]))
            removed = rows[~has & had & own]
            if len(removed):
                table.remove(np.sort(table.rows_of(removed)))
                self._tableau.structure_version += 1
            same = np.flatnonzero(has & had & own)
            self._set_fields(table, now, type_name, rows[same], now_rows[same])

    def _set_fields(
        self, table: FeatureTable, now: FeatureTable, type_name: str, rows: Rows, now_rows: Rows
    ) -> None:
        before = self._before.tables[type_name]
        at_now, at_before, at_own = now.rows_of(now_rows), before.rows_of(rows), table.rows_of(rows)
        for spec in table.schema.fields:
            new = self._values(now, spec, at_now)
            old, own = before.columns[spec.name][at_before], table.column(spec.name)[at_own]
            for at in _differing(new, old).tolist():
                if self._takes(rows[at], f"{type_name}.{spec.name}", own[at], old[at], new[at]):
                    table.set(spec.name, at_own[at : at + 1], new[at : at + 1])
        for flag in FLAGS:
            new, old = now.flags(flag)[at_now], before.columns[flag][at_before]
            own = table.flags(flag)[at_own]
            for at in _differing(new, old).tolist():
                if self._takes(rows[at], f"{type_name}.{flag}", own[at], old[at], new[at]):
                    table.set_flag(flag, at_own[at : at + 1], bool(new[at]))

    def _takes(self, row: int, what: str, own: Any, old: Any, new: Any) -> bool:
        """Whether the file's value is taken; a conflict is noted.

        A rotation is written as degrees, and read as another in its last digits: that is none of the file.
        """
        if what == "rotation" and np.any(own != old) and _is_one_rotation(old, new):
            return False
        is_conflict = bool(np.any(own != old) and np.any(own != new))
        if is_conflict:
            path = self._tableau.path(int(row))
            own, new = (np.array(each) if isinstance(each, np.ndarray) else each for each in (own, new))
            self._conflicts.append(Conflict(path, what, int(row), own, new, self._keep_own))
        return not (is_conflict and self._keep_own)

    def _state(self, rows: Rows, now_rows: Rows) -> Snapshot:
        """Return the file's state now, by rows of the tableau; what was removed by hand is in it still."""
        state, fresh = Snapshot.of(self._tableau, self._part.root), self._fresh.saver.before
        own_row = dict(zip(now_rows.tolist(), rows.tolist(), strict=True))
        for now_row, row in own_row.items():
            state.names[row] = fresh.names[now_row]
            state.parent[row] = own_row.get(int(fresh.parent[now_row]), self._part.root)
        removed = rows[self._tableau.level[rows] < 0]
        state.generation[removed] = self._before.generation[removed]
        for name in (*TRANSFORMS, "rank"):
            state.columns[name][rows] = getattr(self._now, name)[now_rows]
        for flag in FLAGS:
            state.columns[flag][rows] = self._now.flags(flag)[now_rows]
        for type_name, table in state.tables.items():
            now = self._now.tables[type_name]
            has = now.owned_by(now_rows)
            table.row_of[rows[~has]] = -1
            lacking = rows[has & ~table.owned_by(rows)]
            first = len(next(iter(table.columns.values())))
            table.row_of[lacking] = np.arange(first, first + len(lacking), dtype=np.int32)
            for name, column in table.columns.items():
                more = np.empty((len(lacking), *column.shape[1:]), column.dtype)
                table.columns[name] = np.concatenate((column, more))
            at, at_now = table.rows_of(rows[has]), now.rows_of(now_rows[has])
            for spec in now.schema.fields:
                table.columns[spec.name][at] = self._values(now, spec, at_now)
            for flag in FLAGS:
                table.columns[flag][at] = now.flags(flag)[at_now]
        made = replace(state, rows=np.sort(rows), root_flags=dict(fresh.root_flags))
        made.__dict__["paths"] = {row: fresh.paths[now_row] for now_row, row in own_row.items()}
        return made


def _is_below(path: str, paths: set[str]) -> bool:
    """Whether a path is one of `paths`, or below one."""
    parts = path.split("/")
    return any("/".join(parts[:count]) in paths for count in range(1, len(parts) + 1))


def _children(tableau: Tableau, parent: int) -> tuple[Any, ...]:
    return tableau.children(None if parent == ROOT else tableau.handle(parent))


def _differing(new: NDArray[Any], old: NDArray[Any]) -> NDArray[np.int64]:
    """Return the places in which rows differ."""
    return np.flatnonzero(differing(new, old))


def _is_one_rotation(one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    """Whether two unit quaternions turn alike, to 1e-7: what degrees are written to is finer."""
    return bool(min(np.abs(one - other).max(), np.abs(one + other).max()) < 1e-7)
