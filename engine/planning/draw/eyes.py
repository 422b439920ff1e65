"""Eyes: where a view looks from, as far as order and detail of what it draws depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.graph import PICTURE_VIEW, DrawPass

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Eye:
    """The eye of a view.

    Attributes
    ----------
    origin : float64[3]
        Where in the world the frame has its origin.
    matrix : float64[4, 4]
        From the frame's space to clip space, with reversed depth, stored as in `engine.math`.
    """

    origin: Doubles
    matrix: Doubles

    def sees_as(self, other: Eye | None) -> bool:
        """Whether another eye is the same."""
        return other is self or (
            other is not None
            and np.array_equal(self.matrix, other.matrix)
            and np.array_equal(self.origin, other.origin)
        )

    def nearness(self, points: Doubles) -> Doubles:
        """Return numbers that rise towards the eye along the view, for points of the world, float64[n, 3].

        They are depths, which are reversed; points behind the eye come before all others.
        """
        depth, w = ((points - self.origin) @ self.matrix[:3, 2:] + self.matrix[3, 2:]).T
        behind = w <= 0
        near: Doubles = np.where(behind, -np.inf, depth / np.where(behind, 1.0, w))
        return near


def eye_of(declaration: DrawPass, eyes: Mapping[str, Eye]) -> Eye | None:
    """Return the eye of a pass: that of its first view, or of the picture's; None without any."""
    return eyes.get(declaration.views[0]) or eyes.get(PICTURE_VIEW)
