"""Eyes: where a view looks from, as far as order and detail of what it draws depend on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.graph import PICTURE_VIEW, DrawPass, Extent

Doubles = npt.NDArray[np.float64]
_SMALLEST = 1e-12
SLACK = 1e-3
"""How much wider than it is a frustum is taken for: in parts of half the picture, and in metres."""
_WIDE = 1.0 + SLACK
_SIDES = (
    (0, 1.0, _WIDE),
    (0, -1.0, _WIDE),
    (1, 1.0, _WIDE),
    (1, -1.0, _WIDE),
    (2, 1.0, SLACK),
    (2, -1.0, _WIDE),
)
"""The sides of what is seen in clip space: a number of x, y, z and w, how often it and w count; their sum is
at least 0 there."""


@dataclass(frozen=True, eq=False)
class Eye:
    """The eye of a view.

    Attributes
    ----------
    origin : float64[3]
        Where in the world the frame has its origin.
    matrix : float64[4, 4]
        From the frame's space to clip space, with reversed depth, stored as in `engine.math`.
    height : int
        Pixels of the picture's height.
    """

    origin: Doubles
    matrix: Doubles
    height: int = 720

    def sees_as(self, other: Eye | None) -> bool:
        """Whether another eye is the same."""
        return other is self or (
            other is not None
            and self.height == other.height
            and np.array_equal(self.matrix, other.matrix)
            and np.array_equal(self.origin, other.origin)
        )

    @cached_property
    def place(self) -> Doubles | None:
        """Where in the world a perspective eye is, float64[3]; None for one that is infinitely far away."""
        columns = self.matrix[:, (0, 1, 3)]  # x, y and w are 0 there
        if not self.matrix[:3, 3].any() or abs(np.linalg.det(columns[:3])) < _SMALLEST:
            return None
        place: Doubles = self.origin + np.linalg.solve(columns[:3].T, -columns[3])
        return place

    @cached_property
    def sees_nothing(self) -> bool:
        """Whether the matrix is that of a view of nothing: all zero."""
        return not self.matrix.any()

    @cached_property
    def planes(self) -> tuple[Doubles, Doubles]:
        """The frustum as (float64[6, 6], float64[6, 1]): its sides, then far and near.

        The first, times the lowest and the highest corner of a box, is how far the box reaches into each
        half-space; where that is less than the second, the box is outside. The frustum is larger than it is
        by SLACK, as a device rounds. After Gribb and Hartmann, "Fast extraction of viewing frustum planes",
        2001.
        """
        # In plain Python, as numpy is slow for so few numbers.
        columns, (x, y, z) = self.matrix.T.tolist(), self.origin.tolist()
        e, f, g, h = columns[3]
        rows, least = [], []
        for column, sign, share in _SIDES:
            a, b, c, d = columns[column]
            a, b, c, d = (
                sign * a + share * e,
                sign * b + share * f,
                sign * c + share * g,
                sign * d + share * h,
            )
            low_a, high_a = (0.0, a) if a > 0 else (a, 0.0)
            low_b, high_b = (0.0, b) if b > 0 else (b, 0.0)
            low_c, high_c = (0.0, c) if c > 0 else (c, 0.0)
            rows.append((low_a, low_b, low_c, high_a, high_b, high_c))
            slack = SLACK * (high_a - low_a + high_b - low_b + high_c - low_c)
            least.append((a * x + b * y + c * z - d - slack,))
        return np.array(rows), np.array(least)

    def misses(self, corners: Doubles, *, clamped: bool = False) -> npt.NDArray[np.bool_]:
        """Return which boxes are outside of what is seen: float64[6, n], lowest corners and highest.

        With `clamped` depth nothing is too near or too far. What is not finite is seen.
        """
        if self.sees_nothing:
            return np.ones(corners.shape[1], np.bool_)
        planes, least = self.planes
        sides = slice(0, 4) if clamped else slice(0, 6)
        with np.errstate(over="ignore", invalid="ignore"):
            outside = planes[sides] @ corners < least[sides]
        found: npt.NDArray[np.bool_] = np.logical_or.reduce(outside)
        return found

    def size(self, centres: Doubles, radii: Doubles) -> Doubles:
        """Return the diameters of spheres of the world as parts of the picture's height.

        They follow from the distance alone, so they stay while the eye turns.
        """
        height = float(np.linalg.norm(self.matrix[:3, 1]))
        if self.place is None:
            return radii * height / max(abs(float(self.matrix[3, 3])), _SMALLEST)
        away = np.linalg.norm(centres - self.place, axis=1) * float(np.linalg.norm(self.matrix[:3, 3]))
        sizes: Doubles = radii * height / np.maximum(away, _SMALLEST)
        return sizes

    def nearness(self, points: Doubles) -> Doubles:
        """Return numbers that rise towards the eye along the view, for points of the world, float64[n, 3].

        They are depths, which are reversed; points behind the eye come before all others.
        """
        depth, w = ((points - self.origin) @ self.matrix[:3, 2:] + self.matrix[3, 2:]).T
        behind = w <= 0
        near: Doubles = np.where(behind, -np.inf, depth / np.where(behind, 1.0, w))
        return near


def views_of_levels(declaration: DrawPass) -> tuple[str, ...]:
    """Return the views for which a pass chooses levels of detail: all of its own.

    A pass without colour, such as that of a shadow map, draws the levels that the picture shows.
    """
    return declaration.views if declaration.color else (PICTURE_VIEW,)


def target_extent(declaration: DrawPass) -> Extent:
    """Return how large a pass draws what it sees; without colour, that of the picture."""
    return declaration.color[0].image.extent if declaration.color else Extent()


def eyes_of(views: Sequence[str], eyes: Mapping[str, Eye | None]) -> list[Eye | None]:
    """Return the eyes of some views: that of the picture for one without; None without any."""
    return [eyes.get(view) or eyes.get(PICTURE_VIEW) for view in views]
