"""Carries an update of the library out while frames are drawn: fetched first, then switched to in one frame.

What has changed is requested beside what is drawn, and its pipelines are made. Once all of it is there, the
rows of the tableau take the new assets, all in one frame; what they drew before is released by the next plan.
So a frame shows one whole version of each asset, and what has not changed stays where it is. What turns out
not to fit, or to make no pipeline, is not switched to: a further update restores what was there (`refused`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb, AssetRef
from engine.assets.library import VARIANTS, AssetLibrary
from engine.assets.records import Mesh, Model
from engine.assets.updating.library_update import LibraryUpdate
from engine.feature.fault import RAISED
from engine.feature.row_assets import RowAssets
from engine.humon import Problem
from engine.plan.requirements.requirements import Requirement
from engine.plan.requirements.sources import Sources
from engine.plan.terms.table import is_in
from engine.planning.ahead.foresight import Learnt
from engine.runtime.versions.refusals import Refusals
from engine.scene.snapshot import move_assets
from engine.tableau import FeatureTable

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime


MOST_REFUSALS = 16
"""How often in a row something of an update is refused; then what is left is drawn with placeholders."""


@dataclass(eq=False)
class Arriving:
    """What an update requests until it is switched to; see `MemoryUser`."""

    needed: list[Requirement] = field(default_factory=list)
    requester: str = "live update"
    version: int = 0

    def requirements(self) -> Iterable[Requirement]:
        """All that has changed and is drawn."""
        return self.needed


class LiveUpdate:
    """One update of a runtime's library. Call `advance` after each frame until it returns True.

    `then` is called in the frame in which rows take the new assets, before they are drawn.
    """

    def __init__(
        self,
        runtime: Runtime,
        update: LibraryUpdate,
        then: Callable[[], None] = lambda: None,
        earlier: LiveUpdate | None = None,
    ) -> None:
        """Add the databases of the update, and request what has changed.

        It takes the place of an `earlier` one that is not switched to yet. Raises ValueError for an update of
        another version of the library.
        """
        self._runtime = runtime
        self._update = update
        self._then = then
        self.moves = dict(update.moves)
        self._refusals = 0
        """How many updates before this one were refused in part, without a frame that shows any."""
        self._between: set[int] = set()
        """Keys of versions that no frame has shown; rows may have them that were changed meanwhile."""
        if earlier is not None:
            earlier.cancel()
            self._refusals = earlier._refusals + bool(earlier.refused)
            self.moves |= {old: update.moves.get(new, new) for old, new in earlier.moves.items()}
            self.moves = {old: new for old, new in self.moves.items() if old != new}
            self._between = {*earlier._between, *earlier.moves.values()} - earlier.moves.keys()
        self._dbs: list[AssetDb] = [] if earlier is None else earlier._dbs
        self._dbs += [one.db for _, one, *_ in update.added]
        library = runtime.library
        library.apply(update)
        added = {number: library.cache(number) for number, *_ in update.added}
        runtime.memory.add_caches(added)
        runtime.sources = runtime.sources.joined(Sources.of(*update.ranges.T))
        self._before = {(name, now): key for name, key, now in self._moved_assets()}
        """What active rows have, by feature type and what they will have."""
        self._arriving = Arriving(version=library.version)
        self._waiting = list(self._before)
        """Those that are not known to be drawn with their own pipelines."""
        self._steps: Iterator[Learnt] | None = None
        self._unfit: list[tuple[str, int]] = []
        self._shaders: Mapping[tuple[AssetRef, ...], tuple[Problem, ...]] = {}
        self.refused: dict[AssetRef, Problem] = {}
        """What cannot be drawn with, and why: this waits for the update that restores what was there."""
        self._found: Refusals | None = None
        self._finding: Iterator[None] | None = None
        self._tried = -1
        self._is_deformed = False
        self._is_requested = False

    def advance(self) -> bool:
        """Switch to what has changed once all of it is there; return whether that is done."""
        runtime = self._runtime
        if not self.moves:
            self._foresee_shaders()  # a pass may name one that is gone
            self._switch()
            return True
        if not self._is_requested:
            if not self._foresee():
                return False
            self._is_requested = True
            if self._arriving.needed:
                runtime.planner.others.append(self._arriving)
                runtime.spread.want()
                return False
        if runtime.memory.steps_left or runtime.spread.is_busy or runtime.planner.stale():
            return False
        if self.refused or not self._foresee():
            return False
        if self._waiting or self._shaders or self._unfit:
            if runtime.trials.pending:
                return False
            if self._refusals < MOST_REFUSALS and not self._find_refused():
                return False
        if self.refused:
            return False
        self._switch()
        return True

    def _foresee(self) -> bool:
        """Learn a frame's share of what draws the new assets, and have its pipelines made.

        Returns whether all of it is learnt, as far as trials of shaders have come.
        """
        planner, trials = self._runtime.planner, self._runtime.trials
        if self._steps is None:
            if trials.version == self._tried:
                return True
            self._tried = trials.version
            self._steps, self._waiting = planner.foresee(self._waiting), []
        with self._runtime.spread.between_frames() as until:
            for type_name, key, fits, is_usable in self._steps:
                if not self._is_requested:
                    self._arriving.needed += self._requirements(type_name, key)
                    self._is_deformed = self._is_deformed or _is_deformed(self._runtime.library, key)
                if not fits:
                    self._unfit.append((type_name, key))
                elif not is_usable:
                    self._waiting.append((type_name, key))
                if time.thread_time() >= until:
                    return False
        self._steps = None
        self._shaders = self._foresee_shaders()
        return True

    def _foresee_shaders(self) -> Mapping[tuple[AssetRef, ...], tuple[Problem, ...]]:
        """Prepare passes for shaders of theirs that have changed; return those that they cannot run.

        Draw tables follow the rows for that, and then draw again what they drew: rows that were given new
        assets by an update before this one may wait for their plan.
        """
        shaders = self._runtime.planner.foresee_shaders()
        if self._runtime.needs is not None:
            self._runtime.needs.restore()
        return shaders

    def cancel(self) -> None:
        """Request nothing any more: a newer update takes its place."""
        if self._arriving in self._runtime.planner.others:
            self._runtime.planner.others.remove(self._arriving)

    def _find_refused(self) -> bool:
        """Find a frame's share of what cannot be drawn with though its earlier version can, and why.

        Returns whether all of it is found; it is refused then.
        """
        if self._finding is None:
            doubtful = [(name, self._before[name, key], key) for name, key in (*self._unfit, *self._waiting)]
            self._found = Refusals(self._runtime, self.earlier)
            self._finding = self._found.find(doubtful, self._shaders)
        with self._runtime.spread.between_frames() as until:
            for _ in self._finding:
                if time.thread_time() >= until:
                    return False
        assert self._found is not None
        self._finding, self.refused = None, self._found.found
        return True

    @property
    def earlier(self) -> dict[int, int]:
        """The keys of what has changed, now and as it is drawn."""
        return {now: old for old, now in self.moves.items() if old not in self._between}

    def _switch(self) -> None:
        """Give rows the new assets."""
        moves = self.moves
        move_assets(self._runtime.tableau, moves)
        self._runtime.scene.renew(self._dbs, moves, self._runtime.library.kept)
        self.cancel()
        self._runtime.planner.take_shaders()
        if self._is_deformed:
            self._runtime.spread.forbid()  # bones and shapes are given at once, for the vertices that are new
        else:
            self._runtime.spread.want()
        self._then()

    def _moved_assets(self) -> Iterator[tuple[str, int, int]]:
        """Yield what active rows have, and what in its place: feature type and both keys, each once."""
        library, moves = self._runtime.library, self.moves
        old = np.fromiter(moves, np.int64, len(moves))
        for name, table in self._runtime.tableau.tables.items():
            if name in self._runtime.registry:
                found = np.concatenate([np.zeros(0, np.int64), *self._keys(table)])
                concerned = is_in(found, old) | (found >> 32 == VARIANTS)
                for key in sorted(set(found[concerned].tolist())):
                    now = library.moved(key, moves)
                    if now != key:
                        yield name, key, now

    def _keys(self, table: FeatureTable) -> Iterator[NDArray[np.int64]]:
        """Yield the assets of the active rows of a table: what they draw, and those of each field."""
        rows = table.rows_active()
        drawn = RowAssets(self._runtime.tableau, table, self._runtime.library).of(rows)
        yield drawn
        for spec in table.schema.asset_fields:
            if spec not in (table.schema.drawn_field, table.schema.material_field):
                yield table.column(spec.name)[rows]

    def _requirements(self, name: str, key: int) -> Iterator[Requirement]:
        """Yield what a feature requires of an asset that arrives, and of the one that is drawn it does not.

        Where that raises, the plan reports it.
        """
        runtime = self._runtime
        new = runtime.planner.new_keys(name, key, self._before[name, key])
        if new:
            with suppress(*RAISED):
                for each in runtime.registry[name].requirements(AssetRef.from_key(key), runtime.library):
                    if each.key in new:
                        yield each


def _is_deformed(library: AssetLibrary, key: int) -> bool:
    """Whether bones or morph targets move the vertices of an asset."""
    record = library.record(AssetRef.from_key(key))
    mesh = library.record(record.mesh) if isinstance(record, Model) else record
    return isinstance(mesh, Mesh) and (mesh.skeleton is not None or mesh.targets is not None)
