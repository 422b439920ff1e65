"""Keeps the assets of a runtime as their sources are: what is saved shows, and what is broken is reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.assets import AssetRef
from engine.humon import Position, Problem, Severity
from engine.live import LiveSources
from engine.runtime.live_update import LiveUpdate
from engine.scene.file_update import update_from_file

CONFLICT = "scene.conflict"

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


_NOTHING = LiveNews()


class LiveAssets:
    """Watches the sources of a runtime's library, and carries out what comes of it. Close it before both.

    `reloads` counts the updates that rows have been switched to.
    """

    def __init__(self, runtime: Runtime, *, jobs: int = 1) -> None:
        """`jobs` is the number of threads that cook."""
        self._runtime = runtime
        self._sources = LiveSources(runtime.library, runtime.scene, jobs=jobs)
        self._scene: Scene | None = None
        self._update: LiveUpdate | None = None
        self._changed = 0
        self._known = set(runtime.library.problems)
        self.reloads = 0

    @property
    def pending(self) -> bool:
        """Whether something that has changed is not drawn yet."""
        return self._update is not None

    def poll(self) -> LiveNews:
        """Take what has been cooked, and go on with it; call it after each frame."""
        made = self._sources.take()
        problems: tuple[Problem, ...] = ()
        seconds = 0.0
        if made is not None:
            seconds = made.seconds
            if made.update is not None:
                self._update = LiveUpdate(self._runtime, made.update, earlier=self._update)
                self._changed = len(self._update.moves)
            self._scene = made.scene or self._scene
            found = (*made.problems, *self._runtime.library.problems)
            problems = tuple(problem for problem in found if problem not in self._known)
            self._known = set(found)
        switched = 0
        if self._update is not None and self._update.advance():
            self._update = None
            switched = self._changed
        if self._update is None and self._scene is not None:
            before = self._versions()
            problems += self._take_texts(self._scene)
            self._scene = None
            switched += before != self._versions()
        self.reloads += bool(switched)
        return LiveNews(switched, problems, seconds) if switched or problems or seconds else _NOTHING

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
        for part, fresh in zip(runtime.scene.parts, scene.parts, strict=False):
            if part.files[0].path == fresh.files[0].path:
                for conflict in update_from_file(part, runtime.tableau, fresh, scene.tableau, key_of):
                    message = f"{conflict.what} of '{conflict.path}' was changed by hand and in the file"
                    place = Position(fresh.files[0].document.name)
                    hint = "the file's value is taken"
                    problems.append(Problem(CONFLICT, message, place, "", hint, Severity.WARNING))
        return tuple(problems)

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
