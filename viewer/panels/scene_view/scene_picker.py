"""Selects what is clicked in the scene: asks the runtime, and takes the answer when it is there."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from viewer.session.session import Session

if TYPE_CHECKING:
    from engine.planning.picking import PickHit


@dataclass(frozen=True, slots=True)
class _Asked:
    """A pick under way, and what is done with the object: added, toggled, or selected alone."""

    future: Future[PickHit | None]
    add: bool
    toggle: bool


class ScenePicker:
    """Picks, one after the other; a later click replaces one that is not answered yet.

    `place` is where in the world the last click has hit an object, float (x, y, z); None for nothing.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: _Asked | None = None
        self.place: tuple[float, float, float] | None = None

    @property
    def pending(self) -> bool:
        """Whether an answer is awaited."""
        return self._asked is not None

    def pick(self, pixel: tuple[int, int], *, add: bool = False, toggle: bool = False) -> None:
        """Ask what is at a pixel of the picture."""
        self._asked = _Asked(self._session.runtime.pick(*pixel), add, toggle)

    def poll(self) -> None:
        """Select what was found, if the answer is there. A click on nothing clears, unless it was to add."""
        asked = self._asked
        if asked is None:
            return
        self._session.wake()
        if not asked.future.done():
            return
        self._asked = None
        error = asked.future.exception()
        if error is not None:
            self._session.report(f"warning[viewer.pick]: nothing can be picked here: {error}")
            return
        hit = asked.future.result()
        selection = self._session.selection
        if hit is not None and hit.object.alive:
            self.place = hit.position
            selection.select([hit.object.row], add=asked.add, toggle=asked.toggle)
        elif not (asked.add or asked.toggle):
            self.place = None
            selection.clear()
