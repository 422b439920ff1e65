"""Objects moved, turned and scaled together about their pivot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.math import axis_angle
from engine.tableau.tableau import Tableau
from viewer.panels.scene_view.gizmo_model import GizmoDrag, Operation, pivot_of, readout, topmost

QUARTER = axis_angle((0.0, 1.0, 0.0), math.pi / 2)


@pytest.fixture
def tableau() -> Tableau:
    made = Tableau()
    made.add_object("rig", translation=(10, 0, 0), rotation=QUARTER, scale=(2, 2, 2))
    made.add_object("inner", "rig", translation=(0, 0, 1))
    made.add_object("left", translation=(-1, 0, 0))
    made.add_object("right", translation=(1, 0, 0), scale=(1, 2, 3))
    made.update_world()
    return made


def rows(tableau: Tableau, *paths: str) -> np.ndarray:
    return np.sort(np.array([tableau[path].row for path in paths], np.int32))


def dragged(tableau: Tableau, operation: Operation, by: np.ndarray, *paths: str) -> GizmoDrag:
    """Drag the gizmo of objects by a matrix in its own frame, and write what comes of it."""
    chosen = rows(tableau, *paths)
    pivot = pivot_of(tableau, topmost(tableau, chosen), None, local=False)
    drag = GizmoDrag(tableau, chosen, operation, pivot)
    drag.transforms(by @ pivot).write(tableau, drag.rows)
    tableau.update_world()
    return drag


def moved_by(x: float, y: float, z: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[3, :3] = x, y, z
    return matrix


def test_what_is_below_a_moved_object_is_not_moved_twice(tableau: Tableau) -> None:
    inner = tableau["rig/inner"].world[3, :3].copy()
    drag = dragged(tableau, Operation.MOVE, moved_by(1, 2, 3), "rig", "rig/inner")
    assert drag.rows.tolist() == [tableau["rig"].row]
    np.testing.assert_allclose(tableau["rig/inner"].world[3, :3], inner + np.array((1, 2, 3)), atol=1e-6)


def test_an_object_below_a_turned_and_scaled_one_moves_along_the_axes_of_the_world(tableau: Tableau) -> None:
    before = tableau["rig/inner"].world[3, :3].copy()
    dragged(tableau, Operation.MOVE, moved_by(0, 0, 4), "rig/inner")
    np.testing.assert_allclose(tableau["rig/inner"].world[3, :3], before + np.array((0, 0, 4)), atol=1e-5)
    np.testing.assert_allclose(tableau["rig/inner"].scale, 1)


def test_several_objects_turn_about_the_middle_between_them(tableau: Tableau) -> None:
    by = np.eye(4)
    by[:3, :3] = [[0, 0, -1], [0, 1, 0], [1, 0, 0]]
    dragged(tableau, Operation.TURN, by, "left", "right")
    np.testing.assert_allclose(tableau["left"].translation, (0, 0, 1), atol=1e-6)
    np.testing.assert_allclose(tableau["right"].translation, (0, 0, -1), atol=1e-6)
    np.testing.assert_allclose(abs(tableau["left"].rotation @ QUARTER), 1, atol=1e-6)
    np.testing.assert_allclose(tableau["right"].scale, (1, 2, 3))


def test_several_objects_scale_about_the_middle_and_each_along_its_axes(tableau: Tableau) -> None:
    dragged(tableau, Operation.SCALE, np.diag((3.0, 1, 1, 1)), "left", "right")
    np.testing.assert_allclose(tableau["left"].translation, (-3, 0, 0), atol=1e-6)
    np.testing.assert_allclose(tableau["right"].scale, (3, 2, 3), rtol=1e-6)


def test_a_drag_knows_how_things_were(tableau: Tableau) -> None:
    drag = dragged(tableau, Operation.MOVE, moved_by(5, 0, 0), "left")
    assert not drag.now.equals(drag.before)
    drag.before.write(tableau, drag.rows)
    assert drag.now.equals(drag.before)
    np.testing.assert_allclose(tableau["left"].translation, (-1, 0, 0))


def test_own_axes_are_those_of_the_object_selected_last_without_its_scale(tableau: Tableau) -> None:
    chosen = rows(tableau, "rig", "left")
    pivot = pivot_of(tableau, chosen, tableau["rig"].row, local=True)
    np.testing.assert_allclose(pivot[0, :3], (0, 0, -1), atol=1e-6)
    np.testing.assert_allclose(pivot[3, :3], (4.5, 0, 0), atol=1e-6)
    assert np.linalg.det(pivot) == pytest.approx(1)


def test_a_flat_object_has_the_axes_of_the_world(tableau: Tableau) -> None:
    tableau["rig"].scale = (0, 1, 1)
    tableau.update_world()
    pivot = pivot_of(tableau, rows(tableau, "rig"), tableau["rig"].row, local=True)
    np.testing.assert_allclose(pivot[:3, :3], np.eye(3))


def test_a_drag_says_how_far_it_has_come_with_its_unit() -> None:
    start = np.eye(4)
    start[:3, :3] = (0, 0, -1), (0, 1, 0), (1, 0, 0)  # its X is the world's -Z
    moved = start.copy()
    moved[3, :3] = 0.4372, 0.0, -1.5
    assert readout(Operation.MOVE, start, moved, local=False) == "X 0.437  Z -1.500 m"
    assert readout(Operation.MOVE, start, moved, local=True) == "X 1.500  Z 0.437 m"
    assert readout(Operation.MOVE, start, start, local=False) == "0 m"
    scaled = start * np.array((2.0, 1.0, 0.5, 1.0))[:, None]
    assert readout(Operation.SCALE, start, scaled, local=True) == "X 2.000  Y 1.000  Z 0.500 ×"
    for degrees in (30.0, -45.0, 170.0):
        turn = np.eye(4)
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turn[:2, :2] = (c, s), (-s, c)  # rows are axes: about Z
        assert readout(Operation.TURN, np.eye(4), turn, local=False) == f"Z {degrees:.1f}°"
