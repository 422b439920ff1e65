"""Levels of detail: which of an asset's meshes each row draws, by how large it is in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.planning.draw.eyes import Eye

if TYPE_CHECKING:
    from engine.planning.draw.tables import DrawTable

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

MOST_PIXELS = 1.0
"""How far a level that was made may be from the mesh, in pixels of the picture."""

HYSTERESIS = 0.1
"""By which part a size must be beyond a threshold to change the level, so that none flickers."""

UNKNOWN = 255
"""The level of a row for which none has been chosen yet: nothing of it is drawn."""


@dataclass(frozen=True)
class Detail:
    """The levels of an asset.

    Level i is drawn down to `sizes[i]`: the diameter of the sphere around the finest mesh, as a part of the
    picture's height, or `in_pixels`. The sphere has its `centre` and its `radius` in the asset's own space.
    """

    sizes: tuple[float, ...]
    centre: tuple[float, float, float]
    radius: float
    in_pixels: bool = False

    @staticmethod
    def around(sizes: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Detail:
        """The levels of an asset with these bounds."""
        x, y, z = ((a + b) / 2 for a, b in zip(low, high, strict=True))
        return Detail(tuple(sizes), (x, y, z), float(np.linalg.norm(np.subtract(high, low))) / 2)

    @staticmethod
    def within(errors: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Detail:
        """The levels of an asset with these bounds that have these errors, in metres, 0 for the finest.

        A level is drawn while the error of the next one is more than MOST_PIXELS.
        """
        plain = Detail.around((0.0,), low, high)
        sizes = [2 * plain.radius * MOST_PIXELS / error if error > 0 else np.inf for error in errors[1:]]
        return Detail((*sizes, 0.0), plain.centre, plain.radius, in_pixels=True)


class Levels:
    """The chosen level of each row of a draw table whose asset has several; the others cost nothing."""

    def __init__(self, table: DrawTable) -> None:
        self._table = table
        self._chosen: Bytes = np.zeros(0, np.uint8)
        self._detail = np.zeros(0, np.int32)  # by row: its detail, -1 for one without levels
        self._rows: npt.NDArray[np.int32] = np.zeros(0, np.int32)  # those with levels, ascending
        self._numbers: dict[Detail, int] = {}
        self._sizes = np.zeros((0, 1))  # by detail and level, negative behind the last but one
        self._spheres = np.zeros((0, 4))
        self._in_pixels = np.zeros(0, np.bool_)
        self._eye: Eye | None = None
        self._moved = 0
        self._fresh = False

    @property
    def any(self) -> bool:
        """Whether a row has levels."""
        return len(self._rows) > 0

    def shows(self, rows: npt.NDArray[np.integer], levels: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Whether these rows draw the meshes of these levels; of level -1, which has no others, always."""
        shown: npt.NDArray[np.bool_] = levels < 0
        known = ~shown & (rows < len(self._chosen))
        shown[known] = self._chosen[rows[known]] == levels[known]
        return shown

    def assign(self, rows: npt.NDArray[np.integer], details: Sequence[Detail | None], of: Ints) -> None:
        """Let each of these rows have one of the details, by the numbers `of`, or none; none is chosen."""
        size = int(rows.max(initial=-1)) + 1
        if size > len(self._detail):
            more = max(size, 2 * len(self._detail)) - len(self._detail)
            self._detail = np.append(self._detail, np.full(more, -1, np.int32))
            self._chosen = np.append(self._chosen, np.zeros(more, np.uint8))
        numbers = np.array([-1 if one is None else self._number(one) for one in details], np.int32)
        self._detail[rows] = numbers[of] if len(numbers) else -1
        self._chosen[rows] = UNKNOWN
        self._rows = (self._detail >= 0).nonzero()[0].astype(np.int32)
        self._fresh = True

    def _number(self, detail: Detail) -> int:
        """Return the number of a detail; a new one is added."""
        number = self._numbers.setdefault(detail, len(self._numbers))
        if number == len(self._sizes):
            width = max(self._sizes.shape[1], len(detail.sizes))
            sizes = np.full((number + 1, width), -1.0)
            sizes[:number, : self._sizes.shape[1]] = self._sizes
            sizes[number, : len(detail.sizes) - 1] = detail.sizes[:-1]  # the last is drawn however small
            self._sizes = sizes
            self._spheres = np.concatenate((self._spheres, [(*detail.centre, detail.radius)]))
            self._in_pixels = np.append(self._in_pixels, detail.in_pixels)
        return number

    def choose(self, eye: Eye | None) -> npt.NDArray[np.int32]:
        """Choose levels for an eye (None: the finest); return the rows that have others than before.

        Only rows that moved, or are new, are looked at while the eye rests.
        """
        if not len(self._rows):
            return self._rows
        rows = self._stale(eye)
        self._eye, self._moved, self._fresh = eye, self._table.tableau.moves.version, False
        if not len(rows):
            return rows
        before = self._chosen[rows]
        now = np.zeros(len(rows), np.uint8) if eye is None else self._levels(rows, before, eye)
        self._chosen[rows] = now
        changed: npt.NDArray[np.int32] = rows[now != before]
        return changed

    def _stale(self, eye: Eye | None) -> npt.NDArray[np.int32]:
        """Return the rows with levels that may have another one for an eye."""
        same = eye is self._eye or (eye is not None and eye.sees_as(self._eye))
        moved = self._table.tableau.moves.since(self._moved) if same and not self._fresh else None
        if moved is None:
            return self._rows
        rows = self._table.feature.rows_of(moved)
        rows = rows[rows < len(self._detail)]
        found: npt.NDArray[np.int32] = rows[self._detail[rows] >= 0]
        return found

    def _levels(self, rows: npt.NDArray[np.int32], before: Bytes, eye: Eye) -> Bytes:
        """Return the levels of these rows, which were others before."""
        tableau, objects = self._table.tableau, self._table.feature.object[rows]
        axes = tableau.placement.take(objects, axis=0)[:, :3, :3].astype(np.float64)
        spheres = self._spheres[self._detail[rows]]
        centres = tableau.origin.take(objects, axis=0) + np.einsum("ni,nij->nj", spheres[:, :3], axes)
        scale = np.sqrt((axes * axes).sum(axis=2).max(axis=1))
        size = eye.size(centres, spheres[:, 3] * scale)[:, None]
        size[self._in_pixels[self._detail[rows]]] *= eye.height
        least = self._sizes[self._detail[rows]]
        plain = (size < least).sum(axis=1)
        coarsest = (size < least * (1 - HYSTERESIS)).sum(axis=1)
        finest = (size < least * (1 + HYSTERESIS)).sum(axis=1)
        chosen = np.where(before == UNKNOWN, plain, np.clip(before, coarsest, finest))
        return chosen.astype(np.uint8)
