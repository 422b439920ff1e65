"""Levels of detail: which of an asset's meshes each row draws in a view, by how large it is seen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.feature import Drawable
from engine.graph import PICTURE_VIEW, Extent
from engine.plan.terms.table import distinct
from engine.planning.draw.eyes import Eye, eyes_of

if TYPE_CHECKING:
    from engine.planning.draw.tables import DrawTable

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

MOST_PIXELS = 1.0
"""How far a level that was made may be from the mesh, in pixels of the picture."""

HYSTERESIS = 0.1
"""By which part a size must be beyond a threshold to change the level, so that none flickers."""

PICTURE = Extent()

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
    def of(ordered: Sequence[Drawable], low: Sequence[float], high: Sequence[float]) -> Detail:
        """The levels of an asset with these bounds, the finest first: by their errors where all have one."""
        errors = [one.error for one in ordered if one.error is not None]
        if len(errors) == len(ordered):
            return Detail.within(errors, low, high)
        return Detail.around([one.screen_size for one in ordered], low, high)

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
    """The chosen level of each row of a draw table whose asset has several; the others cost nothing.

    It is chosen for the eye of each of `views` on its own, with a hysteresis of its own.
    """

    def __init__(
        self, table: DrawTable, views: Sequence[str] = (PICTURE_VIEW,), extent: Extent = PICTURE
    ) -> None:
        """`extent` is how large what the eyes see is drawn."""
        self._table = table
        self._views = tuple(views)
        self._extent = extent
        self._chosen: Bytes = np.zeros((len(views), 0), np.uint8)
        self._detail = np.zeros(0, np.int32)  # by row: its detail, -1 for one without levels
        self._rows: npt.NDArray[np.int32] = np.zeros(0, np.int32)  # those with levels, ascending
        self._numbers: dict[Detail, int] = {}
        self._sizes = np.zeros((0, 1))  # by detail and level, negative behind the last but one
        self._spheres = np.zeros((0, 4))
        self._in_pixels = np.zeros(0, np.bool_)
        self._eyes: list[Eye | None] = [None] * len(views)
        self._moved = 0
        self._fresh = False

    @property
    def lists(self) -> int:
        """How many lists of instances the views of the pass need: one each where they choose, else one."""
        return len(self._views) if self.any else 1

    @property
    def any(self) -> bool:
        """Whether a row has levels."""
        return len(self._rows) > 0

    def shows(
        self, rows: npt.NDArray[np.integer], levels: npt.NDArray[np.integer], view: int = 0
    ) -> npt.NDArray[np.bool_]:
        """Whether these rows draw the meshes of these levels in the view of the pass with this number.

        Of level -1, which has no others, they always do.
        """
        chosen = self._chosen[view if len(self._views) > 1 else 0]
        shown: npt.NDArray[np.bool_] = levels < 0
        known = ~shown & (rows < len(chosen))
        shown[known] = chosen[rows[known]] == levels[known]
        return shown

    def assign(self, rows: npt.NDArray[np.integer], details: Sequence[Detail | None], of: Ints) -> None:
        """Let each of these rows have one of the details, by the numbers `of`, or none; none is chosen."""
        size = int(rows.max(initial=-1)) + 1
        if size > len(self._detail):
            more = max(size, 2 * len(self._detail)) - len(self._detail)
            self._detail = np.append(self._detail, np.full(more, -1, np.int32))
            self._chosen = np.pad(self._chosen, ((0, 0), (0, more)))
        numbers = np.array([-1 if one is None else self._number(one) for one in details], np.int32)
        self._detail[rows] = numbers[of] if len(numbers) else -1
        self._chosen[:, rows] = UNKNOWN
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

    def choose(self, eyes: Mapping[str, Eye | None]) -> npt.NDArray[np.integer]:
        """Choose levels for the eyes of views; return the rows that have others than before.

        Without an eye that is the finest. Only rows that moved, or are new, are looked at for one that rests.
        """
        if not len(self._rows):
            return self._rows
        found: list[npt.NDArray[np.int32]] = []
        now_seen = eyes_of(self._views, eyes)
        for number, eye in enumerate(now_seen):
            rows = self._stale(eye, self._eyes[number])
            if len(rows):
                before = self._chosen[number, rows]
                now = np.zeros(len(rows), np.uint8) if eye is None else self._levels(rows, before, eye)
                self._chosen[number, rows] = now
                found.append(rows[now != before])
        self._eyes, self._moved, self._fresh = now_seen, self._table.tableau.moves.version, False
        if len(found) > 1:
            return distinct(np.concatenate(found))
        return found[0] if found else self._rows[:0]

    def _stale(self, eye: Eye | None, before: Eye | None) -> npt.NDArray[np.int32]:
        """Return the rows with levels that may have another one for an eye, which was another `before`."""
        same = eye is before or (eye is not None and eye.sees_as(before))
        moved = self._table.tableau.moves.since(self._moved) if same and not self._fresh else None
        if moved is None:
            return self._rows
        rows = self._table.feature.rows_of(moved)
        rows = rows[rows < len(self._detail)]
        return rows[self._detail[rows] >= 0]

    def _levels(self, rows: npt.NDArray[np.int32], before: Bytes, eye: Eye) -> Bytes:
        """Return the levels of these rows, which were others before."""
        tableau, objects = self._table.tableau, self._table.feature.object[rows]
        axes = tableau.placement.take(objects, axis=0)[:, :3, :3].astype(np.float64)
        spheres = self._spheres[self._detail[rows]]
        centres = tableau.origin.take(objects, axis=0) + np.einsum("ni,nij->nj", spheres[:, :3], axes)
        scale = np.sqrt((axes * axes).sum(axis=2).max(axis=1))
        size = eye.size(centres, spheres[:, 3] * scale)[:, None]
        size[self._in_pixels[self._detail[rows]]] *= self._extent.resolve((1, eye.height))[1]
        least = self._sizes[self._detail[rows]]
        plain = (size < least).sum(axis=1)
        coarsest = (size < least * (1 - HYSTERESIS)).sum(axis=1)
        finest = (size < least * (1 + HYSTERESIS)).sum(axis=1)
        chosen = np.where(before == UNKNOWN, plain, np.clip(before, coarsest, finest))
        return chosen.astype(np.uint8)
