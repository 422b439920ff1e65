"""Places in the world: correct on every level, updated only for what moved, never NaN."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampling import amount

from engine.humon import Position
from engine.math import axis_angle
from engine.tableau import Tableau
from engine.tableau.transforms import LIMIT, RANGE_GAP, ranges


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
        x, y, z, w = tableau.rotation[row]
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


def world(tableau, row):
    """The world matrix of one object."""
    return tableau.world(np.array([row]))[0]


def test_world_matrices_follow_all_parents():
    tableau = random_forest(400)
    tableau.update_world()
    assert tableau.level.max() >= 3
    for row in range(0, 400, 7):
        found, expected = world(tableau, row).T, expected_world(tableau, row)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found[:3, 3], expected[:3, 3], rtol=1e-13, atol=1e-13)


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
    before = tableau.placement.copy()
    moved.translation = np.add(moved.translation, (1, 0, 0))
    spans = tableau.update_world()
    changed = np.flatnonzero((tableau.placement != before).any(axis=(1, 2)))
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
    few = tableau.placement.copy()
    tableau.set_transforms(translation=tableau.translation)
    tableau.update_world()
    np.testing.assert_allclose(tableau.placement, few, rtol=0, atol=1e-12)


def test_ranges_bridge_short_gaps_and_no_long_ones():
    rows = np.array([3, 4, 5, 5 + RANGE_GAP + 1, 100, 101, 103], np.int32)
    assert ranges(rows).tolist() == [[3, 5 + RANGE_GAP + 2], [100, 104]]
    assert ranges(np.empty(0, np.int32)).shape == (0, 2)


@pytest.mark.parametrize(
    "bad",
    [
        {"scale": (float("nan"), 1, 1)},
        {"scale": (1, float("-inf"), 1)},
        {"rotation": (0, 0, 0, 0)},
        {"rotation": (float("inf"), 0, 0, 1)},
        {"translation": (float("nan"), 0, 0)},
    ],
)
def test_a_value_that_is_no_transform_becomes_the_identity_with_one_warning(bad):
    tableau = Tableau()
    handle = tableau.add_object("thing", **bad)
    tableau.update_world()
    np.testing.assert_array_equal(handle.world, np.identity(4))
    assert [problem.code for problem in tableau.warnings] == ["transform.singular"]
    assert "'thing'" in tableau.warnings[0].message
    assert tableau.warnings[0].help
    tableau.set_transforms(handle, **bad)
    assert len(tableau.warnings) == 1


@pytest.mark.parametrize("scale", [(0, 0, 0), (2, 0, 2), (-0.0, 1, 1), (1e-30, 1e-30, 1e-30), (1e-45, 1, 1)])
def test_a_scale_of_nearly_nothing_is_what_it_is_where_it_is(scale):
    tableau = Tableau()
    parent = tableau.add_object("parent", translation=(5, 0, 0), scale=(3, 3, 3))
    thing = tableau.add_object("thing", parent, translation=(1, 2, 0), scale=scale)
    child = tableau.add_object("child", thing, translation=(0, 0, 1))
    tableau.update_world()
    np.testing.assert_allclose(thing.world[3, :3], (8, 6, 0))
    np.testing.assert_allclose(np.diag(thing.world)[:3], np.multiply(scale, 3), rtol=1e-6, atol=1e-44)
    np.testing.assert_allclose(child.world[3, :3], (8, 6, scale[2] * 3), rtol=1e-6)
    assert tableau.warnings == []


@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1e-45])
def test_a_chain_of_scales_that_vanishes_stays_at_its_place(scale):
    tableau = Tableau()
    parent = None
    for depth in range(5):
        parent = tableau.add_object(f"o{depth}", parent, translation=(4, 0, 0), scale=(scale,) * 3)
    tableau.update_world()
    assert np.isfinite(tableau.placement).all()
    np.testing.assert_allclose(tableau.origin, [(4, 0, 0)] * 5, rtol=1e-6)
    assert tableau.warnings == []


OUT = [
    {"scale": (1e30,) * 3},
    {"scale": (1e300,) * 3},
    {"scale": (-3e38, 1, 1)},
    {"translation": (3e38, 0, 0)},
    {"translation": (0, -1e308, 0)},
]


@pytest.mark.parametrize("out", OUT)
@pytest.mark.parametrize("depth", [1, 4])
def test_what_leaves_the_range_is_nothing_at_its_parents_place_and_is_reported_once(out, depth):
    tableau = Tableau()
    file = tableau.file_number("scenes/a.hu")
    root = tableau.add_objects(names=["root"], translation=[(7, 0, 0)], positions=(file, 1, 5))
    parent = tableau.handle(int(root[0]))
    for level in range(depth):
        (row,) = tableau.add_objects(names=[f"o{level}"], parent=parent, positions=(file, level + 2, 5))
        parent = tableau.handle(int(row))
        parent.tableau.set_transforms(parent, **out)
    for _ in range(2):
        tableau.set_transforms(translation=tableau.translation)
        tableau.update_world()
        assert np.isfinite(tableau.placement).all()
        assert (np.abs(tableau.placement) <= LIMIT).all()
        assert (np.abs(tableau.origin) <= LIMIT).all()
    top = tableau["root/o0"]
    assert not top.world[:3, :3].any()
    assert top.world[3].tolist() == [7, 0, 0, 1]
    reported = [(problem.code, problem.position) for problem in tableau.warnings]
    assert reported[0] == ("transform.range", Position("scenes/a.hu", 2, 5))
    assert len(set(reported)) == len(reported)
    assert tableau.warnings[0].help


def test_what_returns_into_range_is_there_again():
    tableau = Tableau()
    parent = tableau.add_object("parent", scale=(1e20,) * 3)
    child = tableau.add_object("child", parent, translation=(0, 0, 1))
    tableau.update_world()
    parent.scale = (2, 2, 2)
    tableau.update_world()
    assert child.world.tolist() == [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 2, 1]]


def test_one_invalid_row_does_not_change_the_others():
    tableau = Tableau()
    scale = np.full((50, 3), 2, np.float32)
    scale[13, 1] = np.nan
    file = tableau.file_number("scenes/a.hu")
    rows = tableau.add_objects(50, scale=scale, positions=(file, np.arange(1, 51), 5))
    tableau.update_world()
    assert tableau.scale[rows[13]].tolist() == [1, 1, 1]
    assert (np.delete(tableau.scale[rows], 13, axis=0) == 2).all()
    assert tableau.warnings[0].position == Position("scenes/a.hu", 14, 5)


FACTORS = st.sampled_from((1.0, -1.0, 2.0, -0.5))


@settings(max_examples=amount(25, 200))
@given(
    st.lists(st.tuples(st.integers(-1, 20), FACTORS, FACTORS, FACTORS), min_size=1, max_size=20), st.data()
)
def test_an_object_is_mirrored_where_its_determinant_is_negative(objects, data):
    tableau = Tableau()
    for number, (parent, *scale) in enumerate(objects):
        above = tableau.handle(parent) if 0 <= parent < number else None
        tableau.add_object(f"o{number}", above, scale=scale, rotation=(0.1, 0.7, -0.2, number))
    seen = tableau.turns.version
    known = np.zeros(len(objects), bool)
    for _ in range(3):
        tableau.update_world()
        world = tableau.world(np.arange(len(objects)))
        np.testing.assert_array_equal(tableau.mirrored, np.linalg.det(world[:, :3, :3]) < 0)
        np.testing.assert_array_equal(tableau.placement[:, 3, 3], np.where(tableau.mirrored, -1, 1))
        turned = tableau.turns.since(seen)
        assert turned.tolist() == np.flatnonzero(known != tableau.mirrored).tolist()
        seen, known = tableau.turns.version, tableau.mirrored.copy()
        row = data.draw(st.integers(0, len(objects) - 1))
        tableau.set_transforms(np.array([row]), scale=data.draw(st.tuples(FACTORS, FACTORS, FACTORS)))


FAR = st.floats(-1e7, 1e7)


@given(st.tuples(FAR, FAR, FAR), st.tuples(FAR, FAR, FAR))
def test_places_far_out_are_exact_to_a_micrometre(above, below):
    tableau = Tableau()
    parent = tableau.add_object("parent", translation=above, rotation=(0, 0.6, 0, 0.8))
    child = tableau.add_object("child", parent, translation=below)
    tableau.update_world()
    x, y, z = below
    cosine, sine = 0.8 * 0.8 - 0.6 * 0.6, 2 * 0.6 * 0.8
    exact = np.add(above, (cosine * x + sine * z, y, cosine * z - sine * x))
    np.testing.assert_allclose(tableau.origin[child.row], exact, rtol=0, atol=1e-6)
    rows = tableau.placement.astype(np.float64)
    np.testing.assert_allclose(rows[:, 3, :3] + rows[:, :3, 3], tableau.origin, rtol=2**-47, atol=1e-9)


def test_what_is_far_from_a_parent_that_turns_slowly_moves_evenly():
    tableau = Tableau()
    planet = tableau.add_object("planet", translation=(1e6, 0, 0))
    ring = tableau.add_object("ring", planet, rotation=axis_angle((0, 1, 0), 0.3), scale=(2, 2, 2))
    moon = tableau.add_object("moon", ring, translation=(5e5, 0, 0))
    step = 1e-9  # a millimetre of the way around
    for number in range(50):
        turn = 0.7 + number * step
        planet.rotation = axis_angle((0, 1, 0), turn)
        tableau.update_world()
        exact = (1e6 + 1e6 * np.cos(turn + 0.3), 0, -1e6 * np.sin(turn + 0.3))
        np.testing.assert_allclose(tableau.origin[moon.row], exact, rtol=0, atol=1e-8)


def test_a_child_follows_a_parent_that_had_none_and_one_that_returns_into_range():
    tableau = Tableau()
    top = tableau.add_object("top", rotation=(0, 0.6, 0, 0.8))
    parent = tableau.add_object("parent", top, scale=(1e30,) * 3)
    tableau.update_world()
    child = tableau.add_object("child", parent, translation=(0, 1, 0))
    tableau.update_world()
    assert tableau.origin[child.row].tolist() == [0, 0, 0]
    parent.scale = (3, 3, 3)
    tableau.update_world()
    np.testing.assert_allclose(tableau.origin[child.row], (0, 3, 0))


def test_quaternions_are_normalized():
    tableau = Tableau()
    handle = tableau.add_object("thing", rotation=(0, 0, 3, 4))
    np.testing.assert_allclose(handle.rotation, (0, 0, 0.6, 0.8), rtol=1e-6)


def test_euler_is_the_rotation_in_degrees():
    handle = Tableau().add_object("thing")
    handle.euler = (0, 30, 0)
    np.testing.assert_allclose(handle.rotation, (0, np.sin(np.pi / 12), 0, np.cos(np.pi / 12)), rtol=1e-6)
    np.testing.assert_allclose(handle.euler, (0, 30, 0), atol=1e-4)


@settings(max_examples=amount(20, 200), deadline=None)
@given(
    st.integers(0, 2**32), st.lists(st.sampled_from(("shift", "turn", "far", "add")), min_size=1, max_size=6)
)
def test_what_is_only_shifted_is_where_it_is_when_its_axes_are_composed_again(seed, changes):
    rng = np.random.default_rng(seed)
    shifted, composed = random_forest(24, seed), random_forest(24, seed)
    for change in changes:
        rows = rng.choice(len(shifted), 5, replace=False).astype(np.int32)
        for tableau in (shifted, composed):
            moved = np.random.default_rng(seed).normal(size=(5, 3)) * (1e16 if change == "far" else 1)
            values = {"translation": moved}
            if change == "turn":
                values["rotation"] = moved[:, [0, 1, 2, 0]]
            if change == "add":
                tableau.add_objects(parent=rows, translation=moved)
            if tableau is composed and change != "turn":
                values["scale"] = tableau.scale[rows]
            tableau.set_transforms(rows, **values)
            tableau.update_world()
        assert np.array_equal(shifted.placement, composed.placement)
        assert np.array_equal(shifted.origin, composed.origin)
        seed += 1
