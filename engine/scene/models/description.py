"""What a model file holds, as plain values for Humon text: assets, objects, and the box around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.gltf.naming import Given
from engine.humon import Problem

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box, metres, each corner float64[3]; empty where `low` is above `high`."""

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]

    @staticmethod
    def around(points: npt.NDArray[np.float64]) -> Box:
        """The box around points [n, 3]."""
        if not len(points):
            return Box(np.full(3, np.inf), np.full(3, -np.inf))
        return Box(points.min(axis=0), points.max(axis=0))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return bool((self.low > self.high).any())

    def joined(self, other: Box) -> Box:
        """The box around both."""
        return Box(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def corners(self) -> npt.NDArray[np.float64]:
        """The corners, float64[8, 3]."""
        sides = np.stack([self.low, self.high])
        steps = np.indices((2, 2, 2)).reshape(3, -1).T
        found: npt.NDArray[np.float64] = sides[steps, np.arange(3)]
        return found


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file as assets and objects.

    `objects` are the values of `objects: { ... }`; `box` is around all that they draw, at rest. `has_lights`
    is whether some of them are lights. `problems` are those of parts that are left out, and warnings.
    `triangles` has how many each mesh has, by its name. `parts` are the names of the objects that an object
    has below it for what it draws, by its path. `names` are those of its assets, by type, see `Names`.
    `roots` are the numbers of the nodes at the top.
    """

    assets: list[Plain]
    objects: Plain
    box: Box
    has_lights: bool
    problems: tuple[Problem, ...] = ()
    triangles: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, Given] = field(default_factory=dict)
    roots: tuple[int, ...] = ()
