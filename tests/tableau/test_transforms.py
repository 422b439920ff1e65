"""World matrices: correct on every level, updated only for what moved, never NaN."""

import numpy as np
import pytest

from engine.humon import Position
from engine.tableau import Tableau
from engine.tableau.transforms import RANGE_GAP, ranges


def random_forest(count, seed=5):
    """A tableau of `count` objects, most with a parent, and its local matrices in double precision."""
    rng = np.random.default_rng(seed)
    tableau = Tableau()
    rows = tableau.add_objects(prefix="top", translation=rng.normal(size=(count // 4, 3)))
    while len(tableau) < count:
        parents = rng.choice(rows, count // 4)
        new = tableau.add_objects(
            names=[f"n{len(tableau)}_{i}" for i in range(count // 4)],
            parent=parents,
            translation=rng.normal(size=(count // 4, 3)),
            rotation=rng.normal(size=(count // 4, 4)),
            scale=rng.uniform(0.5, 2, (count // 4, 3)),
        )
        rows = np.concatenate((rows, new))
    return tableau


def expected_world(tableau, row):
    """The world matrix from the parents one at a time, for column vectors and in double precision."""
    world = np.identity(4)
    while row >= 0:
        x, y, z, w = tableau.rotation[row].astype(np.float64)
        turn = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        local = np.identity(4)
        local[:3, :3] = turn @ np.diag(tableau.scale[row].astype(np.float64))
        local[:3, 3] = tableau.translation[row]
        world = local @ world
        row = int(tableau.parent[row])
    return world


def test_world_matrices_follow_all_parents():
    tableau = random_forest(400)
    tableau.update_world()
    assert tableau.level.max() >= 3
    for row in range(0, 400, 7):
        np.testing.assert_allclose(tableau.world[row].T, expected_world(tableau, row), rtol=1e-3, atol=1e-3)


def test_without_moves_nothing_is_updated():
    tableau = random_forest(100)
    assert len(tableau.update_world())
    version = tableau.world_version
    assert tableau.update_world().shape == (0, 2)
    assert tableau.world_version == version


def test_moving_an_object_updates_only_it_and_its_descendants():
    tableau = random_forest(400)
    tableau.update_world()
    moved = tableau["top3"]
    below = {moved.index}
    for row in range(400):
        above = row
        while above >= 0:
            if above == moved.index:
                below.add(row)
            above = int(tableau.parent[above])
    before = tableau.world.copy()
    moved.translation = np.add(moved.translation, (1, 0, 0))
    spans = tableau.update_world()
    changed = np.flatnonzero((tableau.world != before).any(axis=(1, 2)))
    assert set(changed.tolist()) == below
    covered = {row for first, last in spans for row in range(first, last)}
    assert below <= covered
    assert len(covered) <= len(below) * (RANGE_GAP + 1)


def test_every_way_of_finding_children_gives_the_same_world():
    """After a change of the tree children come from the dicts, later from the sorted array."""
    tableau = random_forest(2000)
    tableau.update_world()
    tableau.add_object("late", "top3", translation=(1, 1, 1))
    tableau["top3"].translation = (5, 5, 5)
    tableau.update_world()
    few = tableau.world.copy()
    tableau.set_transforms(translation=tableau.translation)
    tableau.update_world()
    np.testing.assert_array_equal(few, tableau.world)


def test_ranges_bridge_short_gaps_and_no_long_ones():
    rows = np.array([3, 4, 5, 5 + RANGE_GAP + 1, 100, 101, 103], np.int32)
    assert ranges(rows).tolist() == [[3, 5 + RANGE_GAP + 2], [100, 104]]
    assert ranges(np.empty(0, np.int32)).shape == (0, 2)


@pytest.mark.parametrize(
    "bad",
    [
        {"scale": (1, 0, 1)},
        {"scale": (0, 0, 0)},
        {"scale": (1e-30, 1, 1)},
        {"scale": (float("nan"), 1, 1)},
        {"rotation": (0, 0, 0, 0)},
        {"rotation": (float("inf"), 0, 0, 1)},
        {"translation": (float("nan"), 0, 0)},
    ],
)
def test_an_invalid_transform_becomes_the_identity_with_one_warning(bad):
    tableau = Tableau()
    handle = tableau.add_object("thing", **bad)
    tableau.update_world()
    np.testing.assert_array_equal(handle.world, np.identity(4))
    assert [problem.code for problem in tableau.warnings] == ["transform.singular"]
    assert "'thing'" in tableau.warnings[0].message
    tableau.set_transforms(handle, **bad)
    assert len(tableau.warnings) == 1


def test_a_chain_of_scales_that_collapses_or_overflows_gives_no_nan():
    tableau = Tableau()
    for scale, name in ((1e-8, "small"), (1e30, "large")):
        parent = None
        for depth in range(4):
            handle = tableau.add_object(f"{name}{depth}", parent, scale=(scale,) * 3)
            parent = handle
    tableau.update_world()
    assert np.isfinite(tableau.world).all()
    assert np.abs(np.linalg.det(tableau.world.astype(np.float64))).min() > 0
    assert {problem.code for problem in tableau.warnings} == {"transform.singular"}


def test_one_invalid_row_does_not_change_the_others():
    tableau = Tableau()
    scale = np.full((50, 3), 2, np.float32)
    scale[13, 1] = 0
    file = tableau.file_number("scenes/a.hu")
    rows = tableau.add_objects(50, scale=scale, positions=(file, np.arange(1, 51), 5))
    tableau.update_world()
    assert tableau.scale[rows[13]].tolist() == [1, 1, 1]
    assert (np.delete(tableau.scale[rows], 13, axis=0) == 2).all()
    assert tableau.warnings[0].position == Position("scenes/a.hu", 14, 5)


def test_quaternions_are_normalized():
    tableau = Tableau()
    handle = tableau.add_object("thing", rotation=(0, 0, 3, 4))
    np.testing.assert_allclose(handle.rotation, (0, 0, 0.6, 0.8), rtol=1e-6)


def test_euler_is_the_rotation_in_degrees():
    handle = Tableau().add_object("thing")
    handle.euler = (0, 30, 0)
    np.testing.assert_allclose(handle.rotation, (0, np.sin(np.pi / 12), 0, np.cos(np.pi / 12)), rtol=1e-6)
    np.testing.assert_allclose(handle.euler, (0, 30, 0), atol=1e-4)
