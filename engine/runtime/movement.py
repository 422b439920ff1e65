"""What moves between frames: objects that features animate, places in the world, what is to be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.feature import Feature, Registry
from engine.feature.fault import Raised
from engine.feature.morphs import Morphs
from engine.feature.motion import Animator
from engine.tableau import Tableau
from engine.tableau.transforms import ranges

if TYPE_CHECKING:
    from engine.assets import AssetLibrary

NOTHING = np.empty((0, 2), np.int64)


class Movement:
    """Keeps the places of objects up to date, and which of them have not been written yet."""

    def __init__(
        self,
        registry: Registry,
        tableau: Tableau,
        guard: Callable[[Feature, Raised], None],
        library: AssetLibrary,
        morphs: Morphs,
    ) -> None:
        self._tableau = tableau
        self._animator = Animator(tableau, registry, library, guard, morphs)
        self._morphs = morphs
        self._written = tableau.moves.version

    def update(self) -> None:
        """Bring the places and shapes of all objects to the present time."""
        self._animator.update()
        _ = self._morphs.now  # notes the objects with other shapes as moved
        self._tableau.update_world()

    @property
    def pending(self) -> bool:
        """Whether objects have moved since the last call of `take`."""
        return self._tableau.moves.version != self._written

    def take(self) -> npt.NDArray[np.int64]:
        """Return the rows that have moved since the last call: ranges int64[k, 2] (first, after the last)."""
        moves = self._tableau.moves
        if moves.version == self._written:
            return NOTHING
        rows, self._written = moves.since(self._written), moves.version
        if rows is None:
            return np.array([(0, len(self._tableau.parent))], np.int64)
        return ranges(rows)
