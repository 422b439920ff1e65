"""Moving, turning and scaling objects together about their pivot, without drawing anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.math import decompose
from engine.tableau import ROOT, Tableau
from viewer.editing.editor import Editor
from viewer.editing.value_edit import TRANSFORMS, Target

Doubles = NDArray[np.float64]
Rows = NDArray[np.int32]


class Operation(StrEnum):
    """What a gizmo does."""

    MOVE = "move"
    TURN = "turn"
    SCALE = "scale"


@dataclass(frozen=True, eq=False)
class Transforms:
    """Own transforms of objects: translation float64[n, 3], rotation float64[n, 4], scale float32[n, 3]."""

    translation: Doubles
    rotation: Doubles
    scale: NDArray[np.float32]

    def write(self, tableau: Tableau, rows: Rows) -> None:
        """Give them to objects. Raises ValueError for what is not finite."""
        tableau.set_transforms(rows, translation=self.translation, rotation=self.rotation, scale=self.scale)

    def equals(self, other: Transforms) -> bool:
        """Whether all are the same."""
        return (
            np.array_equal(self.translation, other.translation)
            and np.array_equal(self.rotation, other.rotation)
            and np.array_equal(self.scale, other.scale)
        )


def topmost(tableau: Tableau, rows: Rows) -> Rows:
    """Return the objects that are below none of the others: those take what is below them along."""
    chosen = np.zeros(len(tableau.level), np.bool_)
    chosen[rows] = True
    below = np.zeros(len(rows), np.bool_)
    above = tableau.parent[rows]
    while (above != ROOT).any():
        inside = above != ROOT
        below |= inside & chosen[np.maximum(above, 0)]
        above = np.where(inside, tableau.parent[np.maximum(above, 0)], ROOT)
    return rows[~below]


def pivot_of(tableau: Tableau, rows: Rows, primary: int | None, *, local: bool) -> Doubles:
    """Return the frame of a gizmo, float64[4, 4] as stored: the mean place of objects, without scale.

    With `local` its axes are those of the primary object.
    """
    pivot = np.eye(4)
    pivot[3, :3] = tableau.origin[rows].mean(axis=0)
    if local:
        row = primary if primary is not None else int(rows[-1])
        axes = tableau.world(np.array([row]))[0, :3, :3]
        lengths = np.linalg.norm(axes, axis=1)
        if (lengths > 0).all() and abs(np.linalg.det(axes / lengths[:, None])) > 1e-6:
            side, up, _ = axes / lengths[:, None]
            up = up - side * (side @ up)
            up /= np.linalg.norm(up)
            pivot[:3, :3] = side, up, np.cross(side, up)
    return pivot


class GizmoDrag:
    """One drag of a gizmo: objects as they were at its start, and what a frame of the gizmo makes of them.

    `before` has their own transforms at the start, `rows` the objects that are moved, `pivot` the frame of
    the gizmo at the start.
    """

    def __init__(self, tableau: Tableau, rows: Rows, operation: Operation, pivot: Doubles) -> None:
        """`pivot` is the frame of the gizmo at the start, from `pivot_of`."""
        self.rows = topmost(tableau, rows)
        self.operation = operation
        self._tableau = tableau
        self.pivot = pivot
        self.before = self.now
        self._world = tableau.world(self.rows)
        parents = tableau.parent[self.rows]
        self._parents = np.broadcast_to(np.eye(4), (len(parents), 4, 4)).copy()
        has = parents != ROOT
        self._parents[has] = tableau.world(parents[has])

    @property
    def now(self) -> Transforms:
        """The own transforms of the objects at present."""
        tableau, rows = self._tableau, self.rows
        return Transforms(
            tableau.translation[rows].copy(), tableau.rotation[rows].copy(), tableau.scale[rows].copy()
        )

    def transforms(self, gizmo: Doubles) -> Transforms:
        """Return the objects' own transforms where the gizmo has come to be `gizmo`, [4, 4] as stored.

        Objects that are scaled together are scaled along their own axes each, as none can be sheared.
        """
        before = self.before
        delta = np.linalg.inv(self.pivot) @ gizmo
        moved = self._world @ delta
        inverse = np.linalg.pinv(self._parents)
        own = moved @ inverse
        translation = np.where(np.isfinite(own[:, 3, :3]), own[:, 3, :3], before.translation)
        if self.operation is Operation.MOVE:
            return Transforms(translation, before.rotation, before.scale)
        if self.operation is Operation.TURN:
            _, rotation, _ = decompose(own)
            return Transforms(translation, rotation, before.scale)
        lengths = np.linalg.norm(self.pivot[:3, :3], axis=1)
        factors = np.linalg.norm(gizmo[:3, :3], axis=1) / lengths
        factors = factors * np.sign(np.einsum("ij,ij->i", gizmo[:3, :3], self.pivot[:3, :3]))
        return Transforms(translation, before.rotation, (before.scale * factors).astype(np.float32))


def readout(operation: Operation, before: Doubles, after: Doubles, *, local: bool) -> str:
    """Say how far a gizmo was dragged between two frames, [4, 4] as stored: in metres, degrees or times.

    A move is along the axes of the frame with `local`, else along those of the world.
    """
    lengths = np.linalg.norm(before[:3, :3], axis=1)
    axes = before[:3, :3] / lengths[:, None]
    if operation is Operation.MOVE:
        moved = (after[3, :3] - before[3, :3]) @ (axes.T if local else np.eye(3))
        return f"{_of_axes(moved, 5e-4, '.3f') or '0'} m"
    if operation is Operation.SCALE:
        factors = np.linalg.norm(after[:3, :3], axis=1) / lengths
        return f"{_of_axes(factors, 0.0, '.3f')} ×"
    turned = np.linalg.inv(before[:3, :3]) @ after[:3, :3]
    about = np.array((turned[1, 2] - turned[2, 1], turned[2, 0] - turned[0, 2], turned[0, 1] - turned[1, 0]))
    angle = np.degrees(np.arctan2(np.linalg.norm(about), np.trace(turned) - 1.0))
    along = about / max(float(np.linalg.norm(about)), 1e-12)
    axis = int(np.abs(along).argmax())
    name = f"{'XYZ'[axis]} " if abs(along[axis]) > 0.999 else ""
    return f"{name}{np.copysign(angle, along[axis]):.1f}°"


def _of_axes(values: Doubles, least: float, digits: str) -> str:
    """Each value above the least with its axis, as `X 1.5  Z 2`."""
    return "  ".join(
        f"{axis} {value:{digits}}" for axis, value in zip("XYZ", values, strict=True) if abs(value) >= least
    )


def record(editor: Editor, drag: GizmoDrag) -> None:
    """Make what a drag has done one change of the scene, which can be undone. Raises EditError."""
    after = drag.now
    drag.before.write(editor.tableau, drag.rows)
    label = f"{drag.operation.capitalize()} {editor.names(drag.rows)}"
    with editor.history.group(label):
        for name in TRANSFORMS:
            editor.set_values(Target(name), drag.rows, getattr(after, name))
