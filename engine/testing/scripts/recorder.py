"""Records a session: every change of a scene's tableau and its objects, the picture size, the clock's time.

The recorder compares the tableau with its state one frame earlier, whatever made the change: toggles, edits
and the camera are recorded alike, and a value that is set to what it was is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.scene.plain_values import plain_asset, plain_feature, plain_object, plain_value
from engine.scene.snapshot import Snapshot
from engine.tableau import FieldKind
from engine.tableau.activity import FLAGS
from engine.testing.scripts.structure_changes import (
    FeatureAdded,
    FeatureRemoved,
    Rearranged,
    StructureChanges,
    feature_changes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.scene import Scene

TRANSFORMS = ("translation", "rotation", "scale")
MOVE_INTERVAL = 0.1
"""Seconds between recorded transforms of an object that moves continuously."""


@dataclass(frozen=True)
class Changed:
    """A changed value: of an object's property if `feature` is empty, else of a feature's field.

    `value` is as in a file: a bool, number, text or list. With `asset` it is a reference.
    """

    path: str
    feature: str
    field: str
    value: Any
    asset: bool = False

    @property
    def target(self) -> str:
        """The value's place as in settings: PATH.FEATURE.FIELD."""
        return ".".join(filter(None, (self.path, self.feature, self.field)))


@dataclass(frozen=True)
class Switched:
    """A flag of the whole tableau, active or enabled, that was set."""

    flag: str
    value: bool


@dataclass(frozen=True)
class Resized:
    """A new picture size in pixels."""

    width: int
    height: int


@dataclass(frozen=True)
class Waited:
    """Time by which the clock went on, in seconds."""

    seconds: float


@dataclass(frozen=True)
class Reached:
    """A time that the clock was set to, in seconds."""

    time: float


@dataclass(frozen=True)
class Given:
    """A setting from the command line, as for `--set`: PATH.FEATURE.FIELD=VALUE."""

    setting: str


Event = Changed | Switched | Resized | Waited | Reached | Given | Rearranged | FeatureAdded | FeatureRemoved


class Recorder:
    """Records one scene; call `note` once per frame, after everything that may change the scene."""

    def __init__(self, scene: Scene, size: tuple[int, int], settings: Sequence[str] = ()) -> None:
        """`settings` are already applied; a replay begins with them."""
        self.scene = scene.path
        self.size = size
        self._scene = scene
        self._tableau = scene.tableau
        self._now = size
        self._before = Snapshot.of(scene.tableau)
        self._seen = self._versions()
        self._events: list[Event] = [Given(setting) for setting in settings]
        self._waited = 0.0
        self._time = 0.0  # that a replay has reached
        self._noted = scene.tableau.clock.time
        if self._noted:
            self._reach(self._noted)
        self._moving: dict[str, Changed] = {}
        self._moving_for = 0.0

    def note(self, size: tuple[int, int]) -> None:
        """Record a frame of the present time; `size` is that of its picture in pixels."""
        now = self._tableau.clock.time
        seconds, self._noted = now - self._noted, now
        self._waited += max(seconds, 0.0)
        if seconds < 0:
            self._put_moving()
            self._put_time()
            self._reach(now)
        self._moving_for += seconds if self._moving else 0.0
        if size != self._now:
            self._put(Resized(*size))
            self._now = size
        if self._seen != self._versions():
            self._seen = self._versions()
            before, self._before = self._before, Snapshot.of(self._tableau)
            for flag in FLAGS:
                now = self._before.root_flags[flag]
                if now != before.root_flags[flag]:
                    self._put_moving()
                    self._put(Switched(flag, now))
            for step in self._rearranged(before):
                self._put_moving()
                self._put(step)
            for change in self._changes(before):
                self._take(change)
        if self._moving_for >= MOVE_INTERVAL:
            self._put_moving()

    def events(self) -> tuple[Event, ...]:
        """Return everything recorded so far."""
        self._put_moving()
        self._put_time()
        if self._time != self._noted:  # by what is lost when waits are rounded
            self._reach(self._noted)
        return tuple(self._events)

    def _versions(self) -> tuple[int, ...]:
        tableau = self._tableau
        return tableau.structure_version, tableau.values_version, tableau.own_version

    def _take(self, change: Changed) -> None:
        """Append a change at once; of transforms, only the latest value per MOVE_INTERVAL."""
        if change.field in TRANSFORMS and not change.feature:
            self._moving[change.target] = change
            return
        self._put_moving()
        self._put(change)

    def _put_moving(self) -> None:
        moved, self._moving, self._moving_for = self._moving, {}, 0.0
        for change in moved.values():
            self._put(change)

    def _put(self, event: Event) -> None:
        self._put_time()
        self._events.append(event)

    def _put_time(self) -> None:
        whole = round(self._waited, 3)
        if whole > 0:
            self._events.append(Waited(whole))
            self._waited -= whole
            self._time += whole

    def _reach(self, time: float) -> None:
        self._events.append(Reached(time))
        self._time, self._waited = time, 0.0

    def _rearranged(self, before: Snapshot) -> Iterator[Event]:
        """Yield what leads to the objects and features that are there now."""
        tableau, scene = self._tableau, self._scene

        def plain(row: int, leave_out: set[int]) -> dict[str, Any]:
            children = tableau.rearranging.order
            return plain_object(tableau, row, scene.part_of(row).dbs, children, leave_out, exact=True)

        def plain_of(type_name: str, row: int) -> dict[str, Any]:
            table = tableau.tables[type_name]
            return plain_feature(table, int(table.row_of(row) or 0), scene.part_of(row).dbs)

        yield from StructureChanges(before, tableau, plain).steps()
        yield from feature_changes(before, tableau, plain_of)

    def _changes(self, before: Snapshot) -> Iterator[Changed]:
        """Yield the changed values of objects and features that exist before and after."""
        tableau = self._tableau
        kept = before.kept(tableau)
        for flag in FLAGS:
            for row in before.changed(tableau, flag, kept).tolist():
                yield Changed(tableau.path(row), "", flag, bool(tableau.flags(flag)[row]))
        for name in TRANSFORMS:
            for row in before.changed(tableau, name, kept).tolist():
                yield Changed(tableau.path(row), "", name, plain_value(tableau.value(name, row)))
        for type_name, table in tableau.tables.items():
            then = before.tables[type_name]
            both = kept[then.owned_by(kept) & table.owned_by(kept)]
            new, old = table.rows_of(both), then.rows_of(both)
            for flag in FLAGS:
                for index in np.flatnonzero(table.flags(flag)[new] != then.columns[flag][old]).tolist():
                    now = bool(table.flags(flag)[new[index]])
                    yield Changed(tableau.path(int(both[index])), type_name, flag, now)
            for spec in table.schema.fields:
                column = table.column(spec.name)
                differs = column[new] != then.columns[spec.name][old]
                for index in np.flatnonzero(differs.any(axis=1) if differs.ndim > 1 else differs).tolist():
                    path, value = tableau.path(int(both[index])), column[new[index]]
                    if spec.kind is FieldKind.ASSET:
                        text = plain_asset(int(value), spec, self._scene.dbs)
                        yield Changed(path, type_name, spec.name, text, asset=True)
                    else:
                        yield Changed(path, type_name, spec.name, plain_value(spec.file_value(value)))
