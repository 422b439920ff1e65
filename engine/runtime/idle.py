"""When a scene is idle: its next frame would be the one before, so that a window need not draw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runtime.movement import Movement

if TYPE_CHECKING:
    from engine.planning.values import FrameValues
    from engine.tableau import Tableau


class IdleCheck:
    """Compares what a frame shows with what the last one has shown."""

    def __init__(self, tableau: Tableau, movement: Movement, values: FrameValues) -> None:
        self._tableau = tableau
        self._movement = movement
        self._values = values
        self._shown: tuple[object, ...] | None = None

    def note(self, size: tuple[int, int]) -> None:
        """A frame of `size` pixels shows the present state."""
        self._shown = self._state(size)

    def holds(self, size: tuple[int, int]) -> bool:
        """Whether a frame of `size` pixels would show what the last one has shown."""
        if self._shown != self._state(size):
            return False
        self._movement.update()
        return not self._movement.pending

    def _state(self, size: tuple[int, int]) -> tuple[object, ...]:
        tableau, values = self._tableau, self._values
        return (
            size,
            values.content_scale,
            tableau.structure_version,
            tableau.values_version,
            tableau.own_version,
            tableau.clock.version if values.is_timed else 0,
        )
