"""Keeps the assets of a runtime as their sources are: what is saved shows, and what is broken is reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.humon import Problem
from engine.live import LiveSources
from engine.runtime.live_update import LiveUpdate

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime


@dataclass(frozen=True, slots=True)
class LiveNews:
    """What a call of `LiveAssets.poll` brought: assets that are drawn as they are now, and problems that are new.

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
        self._sources = LiveSources(runtime.library, jobs=jobs)
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
            found = (*made.problems, *self._runtime.library.problems)
            problems = tuple(problem for problem in found if problem not in self._known)
            self._known = set(found)
        if self._update is not None and self._update.advance():
            self._update = None
            self.reloads += bool(self._changed)
            return LiveNews(self._changed, problems, seconds)
        return LiveNews(0, problems, seconds) if problems or seconds else _NOTHING

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
