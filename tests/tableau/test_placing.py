"""Claims about many objects that are placed together: they are where they are when placed level by level."""

from __future__ import annotations

import numpy as np
import pytest

from engine.tableau import Tableau, transforms
from engine.tableau.placing import Order
from engine.tableau.transforms import LIMIT, Transforms

COUNT = 1200


def forest() -> Tableau:
    """Objects of several levels; a parent may have many children, or none."""
    rng = np.random.default_rng(7)
    tableau = Tableau()
    rows = tableau.add_objects(prefix="top", translation=rng.normal(size=(COUNT // 4, 3)))
    while len(tableau) < COUNT:
        names = [f"n{len(tableau)}_{i}" for i in range(COUNT // 4)]
        parents = rng.choice(rows, len(names))
        rows = np.concatenate((rows, tableau.add_objects(names=names, parent=parents)))
    tableau.update_world()
    return tableau


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Notes each time that objects are placed together, and whether that could be done."""
    noted: list[bool] = []
    own = Transforms._place_together

    def place(self: Transforms, order: Order) -> bool:
        noted.append(own(self, order))
        return noted[-1]

    monkeypatch.setattr(Transforms, "_place_together", place)
    return noted


def move(tableau: Tableau, rows: np.ndarray, seed: int, scale: tuple[float, float] = (0.5, 1.5)) -> None:
    rng = np.random.default_rng(seed)
    tableau.set_transforms(
        rows,
        translation=rng.normal(size=(len(rows), 3)) * 100,
        rotation=rng.normal(size=(len(rows), 4)),
        scale=rng.uniform(*scale, (len(rows), 3)),
    )


def assert_same(one: Tableau, other: Tableau) -> None:
    np.testing.assert_allclose(one.origin, other.origin, rtol=0, atol=1e-9)
    np.testing.assert_allclose(one.placement, other.placement, rtol=2e-5, atol=2e-5)
    np.testing.assert_array_equal(one.mirrored, other.mirrored)


def test_they_are_where_they_are_level_by_level(
    together: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = forest(), forest()
    together.clear()
    rng = np.random.default_rng(1)
    for round_ in range(6):
        rows = np.sort(rng.choice(COUNT, 700 if round_ % 2 else 90, replace=False)).astype(np.int32)
        if round_ == 4:
            for tableau in (one, other):
                tableau.add_object("late", tableau.handle(3), translation=(1, 2, 3))
        for again in range(2):  # the second time the order is kept
            move(one, rows, 10 * round_ + again)
            moved = one.update_world()
            with monkeypatch.context() as patch:
                patch.setattr(transforms, "FEW", 10**9)
                move(other, rows, 10 * round_ + again)
                np.testing.assert_array_equal(other.update_world(), moved)
            assert_same(one, other)
    assert together == [True] * 12


def test_positions_are_exact_to_a_ten_millionth_of_a_metre_far_out(together: list[bool]) -> None:
    tableau = forest()
    together.clear()
    move(tableau, np.arange(COUNT, dtype=np.int32), 3)
    tops = np.flatnonzero(tableau.parent < 0).astype(np.int32)
    tableau.set_transforms(tops, translation=(3e6, 0.0, -2e6), rotation=(0, 0, 0, 1))
    tableau.update_world()
    assert together == [True]
    placed = tableau.placement[:, 3, :3].astype(np.float64) + tableau.placement[:, :3, 3]
    np.testing.assert_allclose(placed, tableau.origin, rtol=0, atol=1e-7)


def test_what_is_mirrored_or_leaves_the_range_is_placed_level_by_level(together: list[bool]) -> None:
    tableau = forest()
    rows = np.arange(200, dtype=np.int32)
    move(tableau, rows, 2, (-1.0, 1.0))
    tableau.update_world()
    assert tableau.mirrored.any()
    assert together == [True, False]  # the first as they were made
    far = forest()
    together.clear()
    far.set_transforms(rows, translation=(LIMIT * 10, 0.0, 0.0), rotation=(0, 0, 0.6, 0.8))
    far.update_world()
    assert "transform.range" in {problem.code for problem in far.warnings}
    assert np.isfinite(far.placement).all()
    assert together == [False]
