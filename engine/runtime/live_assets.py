"""Keeps the assets of a runtime as their sources are: what is saved shows, and what is broken is reported."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets import AssetRef
from engine.assets.problems import listed_once
from engine.assets.updating.asset_changes import AssetChange
from engine.humon import Position, Problem, Severity
from engine.live import LiveSources, Reload
from engine.runtime.live_update import LiveUpdate
from engine.runtime.versions.old_versions import drop_old_versions
from engine.scene.file_update import Conflict, update_from_file

CONFLICT = "scene.conflict"
MOST_SHOWN = 64
"""How many of the last updates `LiveAssets.shown` has."""

KEEP_TRIALS_S = 120.0
"""How long the process that tries shaders is kept after a save: who saves a shader once saves it again."""

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime
    from engine.scene import Scene


@dataclass(frozen=True, slots=True)
class LiveNews:
    """What a call of `LiveAssets.poll` brought: how many assets and texts were taken over, and new problems.

    `seconds` passed from when the files had settled until the update was taken.
    """

    switched: int = 0
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ShownUpdate:
    """What came of saved files, or of assets cooked again by request, that a frame has shown.

    `files` were saved (none where it was a request), `changes` are the assets that are not as before, and
    `bytes` were transferred for them. `saved` and `shown` are seconds since the epoch; `milliseconds` passed
    from when the files had settled until the frame that shows them was submitted, of which `cooked_ms` until
    the update was made.
    """

    files: tuple[Path, ...]
    changes: tuple[AssetChange, ...]
    saved: float
    shown: float
    milliseconds: float
    cooked_ms: float

    @property
    def bytes(self) -> int:
        """What had to be transferred."""
        return sum(change.size for change in self.changes)


_NOTHING = LiveNews()


class LiveAssets:
    """Watches the sources of a runtime's library, and carries out what comes of it. Close it before both.

    `reloads` counts the updates that a frame has shown, and `shown` has the last of them, the newest last.
    `conflicts` has what was changed by hand and in a file, for whoever shows and empties it. `problems` are
    those of the sources as they are now: what was mended is not among them.
    """

    def __init__(self, runtime: Runtime, *, jobs: int = 1, keep_own: bool = False) -> None:
        """`jobs` is the number of threads that cook; `keep_own`, whether what was set by hand is kept."""
        self._runtime = runtime
        self._keep_own = keep_own
        self.conflicts: list[Conflict] = []
        self._sources = LiveSources(runtime.library, runtime.scene, jobs=jobs)
        self._scene: Scene | None = None
        self._update: LiveUpdate | None = None
        self._refused: LiveUpdate | None = None
        """The last update that something was refused of."""
        self._arriving: list[Reload] = []
        self._switched: list[Reload] = []
        self._changed = 0
        scene = runtime.scene
        found = (*scene.rejected, *scene.warnings, *scene.asset_problems(runtime.library))
        self.problems = listed_once(found)
        self._may_drop = False
        runtime.trials.keep_s = KEEP_TRIALS_S
        self.reloads = 0
        self.shown: deque[ShownUpdate] = deque(maxlen=MOST_SHOWN)

    @property
    def pending(self) -> bool:
        """Whether something that has changed is not drawn yet."""
        return self._update is not None or bool(self._switched)

    @property
    def sources(self) -> LiveSources:
        """What watches and cooks."""
        return self._sources

    def poll(self) -> LiveNews:
        """Take what has been cooked, and go on with it; call it after each frame."""
        self._note_shown()
        if self._may_drop and self._update is None:
            self._may_drop = not drop_old_versions(self._runtime)
        if not self.pending:
            with self._runtime.spread.between_frames() as until:
                self._runtime.planner.renew(until)
        problems, seconds = self._take()
        switched, spread = 0, self._runtime.spread
        while not seconds or spread.has_time:  # to take much in takes a frame of its own
            switched += self._advance()
            if self._update is None and self._scene is not None:
                before = self._versions()
                problems += self._take_texts(self._scene)
                self._runtime.scene.warnings[:] = self._scene.warnings
                self._scene = None
                switched += before != self._versions()
            if self._update is None:
                self._switched += (made for made in self._arriving if switched or made.is_requested)
                self._arriving.clear()
            if not self.pending or not spread.hasten():
                break
        return LiveNews(switched, problems, seconds) if switched or problems or seconds else _NOTHING

    def _take(self) -> tuple[tuple[Problem, ...], float]:
        """Take what has been made; return new problems, and the seconds since its files had settled."""
        made = self._sources.take()
        if made is None:
            return (), 0.0
        self._arriving.append(made)
        if made.update is not None:
            self._update = LiveUpdate(self._runtime, made.update, earlier=self._update)
            self._changed = len(self._update.earlier)
        self._scene = made.scene or self._scene
        known = set(self.problems)
        self._runtime.scene.unread, self._runtime.scene.unused = made.unread, made.unused
        of_assets = self._runtime.scene.asset_problems(self._runtime.library)
        self.problems = listed_once((*made.problems, *of_assets))
        return tuple(problem for problem in self.problems if problem not in known), made.seconds

    def _advance(self) -> int:
        """Go on with the update; return how many assets are switched to now."""
        if self._update is None:
            return 0
        if self._update.advance():
            self._update = None
            self._may_drop |= not self._changed  # all of it was refused: no frame shows it
            return self._changed
        if self._update.refused and self._refused is not self._update:
            self._refused = self._update
            self._sources.refuse(self._update.refused, self._update.earlier)
        return 0

    def _note_shown(self) -> None:
        """Note the updates that the last frame has shown."""
        runtime = self._runtime
        if not self._switched or runtime.spread.is_busy or runtime.planner.stale():
            return
        now, clock = time.time(), time.monotonic()
        for made in self._switched:
            changes = made.update.changes if made.update is not None else ()
            passed = 1e3 * (clock - made.settled)
            files = tuple(sorted(made.files))
            self.shown.append(ShownUpdate(files, changes, made.saved, now, passed, 1e3 * made.seconds))
        self._switched.clear()
        self._may_drop = True
        self.reloads += 1

    def _versions(self) -> tuple[int, ...]:
        """Return what changes with the tableau."""
        tableau = self._runtime.tableau
        return tableau.structure_version, tableau.values_version, tableau.own_version

    def _take_texts(self, scene: Scene) -> tuple[Problem, ...]:
        """Take over what has changed in the texts of the scene; return what was changed in both."""
        library, runtime = self._runtime.library, self._runtime

        def key_of(key: int) -> int:
            ref = AssetRef.from_key(key)
            return key if ref.db == 0 else library.newest(scene.dbs[ref.db - 1].name, ref.index).key

        problems = []
        read = {part.opened: part for part in scene.parts}
        for part in runtime.scene.parts:
            fresh = read.get(part.opened)
            if fresh is not None:
                for conflict in update_from_file(
                    part, runtime.tableau, fresh, scene.tableau, key_of, keep_own=self._keep_own
                ):
                    self.conflicts.append(conflict)
                    message = f"{conflict.what} of '{conflict.path}' was changed by hand and in the file"
                    place = Position(fresh.files[0].document.name)
                    hint = "what was set by hand is kept" if conflict.is_kept else "the file's value is taken"
                    problems.append(Problem(CONFLICT, message, place, "", hint, Severity.WARNING))
        return tuple(problems)

    def cook_again(self, refs: Iterable[AssetRef]) -> None:
        """Cook the data of assets again though no file has changed; `shown` gets what came of it."""
        self._sources.cook_again(refs)

    def follow(self) -> None:
        """Watch the files of the scene, which goes on as others than before (`engine.scene.save_as`)."""
        self._sources.follow(self._runtime.scene)

    def has_written(self, path: Path) -> None:
        """Note that a file has just been written by the program itself: that is no change to take over."""
        self._sources.has_written(path)

    def close(self) -> None:
        """Stop watching."""
        self._sources.close()
        if self._update is not None:
            self._update.cancel()
            self._update = None

    def __enter__(self) -> LiveAssets:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
