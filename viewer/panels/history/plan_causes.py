"""Which switch, edit, file or limit made a plan: found by comparing the scene with that of the plan before.

Flags, assets and fields are compared as whole columns, when a plan is made and never between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetRef
from engine.graph.view_mode import GRID_PICTURE, OUTLINED_PICTURE
from engine.plan.model.plan import Plan
from engine.plan.terms.policy import MIB
from engine.runtime.observation import Cause
from engine.tableau import NO_ASSET, FeatureTable, Tableau

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

MAX_CAUSES = 16
"""Causes that are named for one plan; the others are counted."""
_OWN_PICTURES = {OUTLINED_PICTURE.name, GRID_PICTURE.name}
"""Images that are watched for what a line of its own says."""
OPENED = "scene opened"
_OF_ENGINE = {
    Cause.COMPACTION: "compaction: assets move together",
    Cause.PAGE_RETURN: "pages that were mostly free are returned",
    Cause.REFUSED: "the device refused memory: less is planned",
    Cause.ROLLBACK: "the device refused memory: back to the plan before",
}


class PlanCauses:
    """Knows the scene of the last plan; `find` says what has changed since."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._known: _Scene | None = None

    def find(self, plan: Plan, cause: Cause) -> tuple[str, ...]:
        """Why a plan was made, a line for each cause, at least one."""
        before = self._known
        now = _Scene(self._runtime, plan, before)
        self._known = now
        if cause in _OF_ENGINE:
            return (_OF_ENGINE[cause],)
        if before is None:
            return (OPENED,)
        found = [*now.changes(before), *now.limits(before)] or [*now.values(before)]
        if not found:
            return ("the same needs again",)
        more = len(found) - MAX_CAUSES
        return (*found[:MAX_CAUSES], *((f"and {more:,} more",) if more > 0 else ()))


class _Scene:
    """Copies of what plans are made from."""

    def __init__(self, runtime: Runtime, plan: Plan, before: _Scene | None) -> None:
        """What is as it was `before` is not copied again."""
        tableau = self._tableau = runtime.tableau
        self._library = runtime.library
        self.flags = {flag: tableau.flags(flag).copy() for flag in ("active", "enabled")}
        self.whole = {flag: bool(getattr(tableau, flag)) for flag in ("active", "enabled")}
        self.alive = tableau.level >= 0
        self.generation = tableau.generation.copy()
        self.versions = {name: table.version for name, table in tableau.tables.items()}
        kept = {} if before is None else before.tables
        self.tables: dict[str, dict[str, NDArray[Any]]] = {
            name: kept[name]
            if before is not None and before.versions.get(name) == self.versions[name]
            else _columns(table)
            for name, table in tableau.tables.items()
        }
        self.size = runtime.size
        self.budgets = [plan.profile.budget(heap) for heap in range(len(plan.profile.heaps))]
        self.others = {other.requester: other.version for other in runtime.planner.others}
        self.trials = runtime.trials.version
        self.viewed = runtime.planner.viewed
        self.outlined = _outlined(tableau, self.viewed.chosen)

    def changes(self, before: _Scene) -> Iterator[str]:
        """What was switched, assigned, added and removed."""
        yield from self._flag(before, "active")
        yield from self._objects(before)
        for name, columns in self.tables.items():
            was = before.tables.get(name)
            if was is not None and was is not columns:
                yield from self._rows(name, was, columns, assets=True)

    def limits(self, before: _Scene) -> Iterator[str]:
        """What else a plan is made from: the picture's size, budgets, other users of memory, pipelines."""
        if self.size != before.size:
            yield f"picture of {self.size[0]} x {self.size[1]} pixels"
        for heap, (was, now) in enumerate(zip(before.budgets, self.budgets, strict=False)):
            if was != now:
                yield f"budget of heap {heap}: {was / MIB:,.1f} to {now / MIB:,.1f} MiB"
        for name in sorted({*before.others, *self.others}):
            if before.others.get(name) != self.others.get(name):
                yield f"{name} requires other memory"
        if self.trials != before.trials:
            yield "a pipeline can be used"
        yield from self._views(before)

    def _views(self, before: _Scene) -> Iterator[str]:
        """What the viewer shows otherwise: selection, view mode, grid, images that are watched."""
        was, now = before.viewed, self.viewed
        if not np.array_equal(was.chosen, now.chosen):
            yield f"{self.outlined} selected (outline)" if self.outlined else "selection cleared"
        elif OUTLINED_PICTURE.name in was.watched ^ now.watched:
            yield f"outline {_word(OUTLINED_PICTURE.name in now.watched)}"
        if was.mode is not now.mode:
            yield f"view mode: {now.mode.value}"
        if was.has_grid != now.has_grid:
            yield f"grid {_word(now.has_grid)}"
        for name in sorted((was.watched ^ now.watched) - _OWN_PICTURES):
            yield f"picture {name} {'watched' if name in now.watched else 'not watched any more'}"

    def values(self, before: _Scene) -> Iterator[str]:
        """Other fields, and `enabled`: they make plans rarely, so they are named where nothing else is."""
        yield from self._flag(before, "enabled")
        for name, columns in self.tables.items():
            was = before.tables.get(name)
            if was is not None and was is not columns:
                yield from self._rows(name, was, columns, assets=False)

    def _flag(self, before: _Scene, flag: str) -> Iterator[str]:
        if self.whole[flag] != before.whole[flag]:
            yield f"tableau: {flag} {_word(self.whole[flag])}"
        was, now = before.flags[flag], self.flags[flag]
        count = min(len(was), len(now))
        same = before.alive[:count] & self.alive[:count] & (was[:count] != now[:count])
        for row in np.flatnonzero(same).tolist():
            yield f"{self._tableau.path(row)}: {flag} {_word(now[row])}"

    def _objects(self, before: _Scene) -> Iterator[str]:
        count = min(len(before.alive), len(self.alive))
        again = self.generation[:count] != before.generation[:count]
        new = self.alive.copy()
        new[:count] &= again | ~before.alive[:count]
        for row in np.flatnonzero(new).tolist():
            yield f"{self._tableau.path(row)}: added"
        gone = int((before.alive[:count] & (again | ~self.alive[:count])).sum())
        if gone:
            yield f"{gone:,} object{'s' * (gone > 1)} removed"

    def _rows(
        self, name: str, was: dict[str, NDArray[Any]], now: dict[str, NDArray[Any]], *, assets: bool
    ) -> Iterator[str]:
        """Changes of rows that have one object in both scenes, and rows that came or went."""
        table = self._tableau.tables[name]
        count = min(len(was["object"]), len(now["object"]))
        same = (was["object"][:count] == now["object"][:count]) & (now["object"][:count] >= 0)
        if assets:
            yield from self._came(table, was, now, same)
        for column, values in now.items():
            is_named = column in _asset_columns(table) or column in ("active", "failed")
            if column == "object" or is_named != assets:
                continue
            differs = was[column][:count] != values[:count]
            differs = differs.any(axis=tuple(range(1, differs.ndim))) & same
            for row in np.flatnonzero(differs).tolist():
                value = self._value(column, values[row], is_asset=column in _asset_columns(table))
                yield f"{table.path(row)}: {name}.{column} {value}"

    def _came(
        self,
        table: FeatureTable,
        was: dict[str, NDArray[Any]],
        now: dict[str, NDArray[Any]],
        same: NDArray[np.bool_],
    ) -> Iterator[str]:
        new = now["object"] >= 0
        new[: len(same)] &= ~same
        for row in np.flatnonzero(new).tolist():
            yield f"{table.path(row)}: {table.type_name} added"
        gone = int(((was["object"][: len(same)] >= 0) & ~same).sum())
        if gone:
            yield f"{gone:,} {table.type_name} removed"

    def _value(self, column: str, value: Any, *, is_asset: bool) -> str:
        if is_asset:
            if int(value) == NO_ASSET:
                return "is none"
            ref = AssetRef.from_key(int(value))
            return f"is {self._library.record(ref).label}"
        if column in ("active", "enabled"):
            return _word(bool(value))
        if column == "failed":
            return "off: its code raised" if value else "on again"
        return "changed"


def _outlined(tableau: Tableau, chosen: NDArray[np.int32]) -> str:
    """The objects that are outlined, without those below them; empty for none."""
    rows = set(chosen.tolist())
    tops = [row for row in chosen.tolist() if int(tableau.parent[row]) not in rows]
    if not tops:
        return ""
    return tableau.path(tops[0]) + (f" and {len(tops) - 1:,} more" if len(tops) > 1 else "")


def _columns(table: FeatureTable) -> dict[str, NDArray[Any]]:
    flags = {name: table.flags(name).copy() for name in ("active", "enabled", "failed")}
    fields = {spec.name: table.column(spec.name).copy() for spec in table.schema.fields}
    return {"object": table.object.copy(), **flags, **fields}


def _asset_columns(table: FeatureTable) -> set[str]:
    return {spec.name for spec in table.schema.asset_fields}


def _word(value: bool | np.bool_) -> str:
    return "on" if value else "off"
