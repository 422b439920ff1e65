from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.model.holes import Holes, gaps


def filled(*ranges: tuple[int, int, int]) -> Holes:
    holes = Holes()
    for space in sorted({r[0] for r in ranges}):
        holes.add_space(space, "pool")
    for space, offset, size in ranges:
        holes.give(space, offset, size)
    return holes


def test_the_smallest_range_that_fits_is_taken():
    holes = filled((0, 0, 100), (0, 200, 30), (1, 0, 20))
    assert holes.take("pool", 25, 1) == (0, 200)
    assert holes.take("pool", 25, 1) == (0, 0)


def test_the_gap_before_an_aligned_range_stays_free():
    holes = filled((0, 10, 200))
    assert holes.take("pool", 68, 68) == (0, 68)
    assert holes.take("pool", 58, 1) == (0, 10)


def test_neighbours_merge_when_freed():
    holes = filled((0, 0, 10), (0, 20, 10))
    holes.give(0, 10, 10)
    assert holes.largest("pool") == 30
    assert holes.take("pool", 30, 1) == (0, 0)
    assert holes.largest("pool") == 0


def test_only_allowed_spaces_are_used():
    holes = filled((0, 0, 10), (1, 0, 90))
    assert holes.take("pool", 8, 1, {1}) == (1, 0)
    assert holes.take("pool", 100, 1, {1}) is None


def test_many_misaligned_ranges_do_not_hide_one_that_fits():
    holes = filled(*((0, 100 * i + 1, 64) for i in range(200)), (0, 30_000, 130))
    assert holes.take("pool", 64, 64) == (0, 30_016)


def test_a_dropped_space_has_no_free_ranges():
    holes = filled((0, 0, 10), (1, 0, 90))
    holes.drop_space(1)
    assert holes.largest("pool") == 10
    holes.give(1, 0, 5)
    assert holes.free_bytes("pool") == 10


def test_a_closed_space_serves_no_request_until_it_is_opened():
    holes = filled((0, 0, 10), (1, 0, 90), (1, 100, 20))
    holes.close(1)
    assert holes.largest("pool") == 10
    assert holes.take("pool", 11, 1) is None
    holes.give(1, 90, 10)
    assert holes.has_space(1)
    holes.open(1)
    holes.open(0)
    assert holes.take("pool", 120, 1) == (1, 0)
    assert holes.free_bytes("pool") == 10


def test_a_closed_space_can_be_dropped():
    holes = filled((0, 0, 10), (1, 0, 90))
    holes.close(1)
    holes.drop_space(1)
    holes.open(1)
    assert holes.free_bytes("pool") == 10
    assert not holes.has_space(1)


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([1, 4, 7, 16])), max_size=40), st.randoms())
def test_ranges_never_overlap_and_all_can_be_freed(requests, random):
    holes = filled((0, 0, 500), (3, 0, 300))
    taken: list[tuple[int, int, int]] = []
    for size, alignment in requests:
        if taken and random.random() < 0.4:
            holes.give(*taken.pop(random.randrange(len(taken))))
        found = holes.take("pool", size, alignment)
        if found is not None:
            space, offset = found
            assert offset % alignment == 0
            assert offset + size <= (500 if space == 0 else 300)
            assert all(s != space or offset + size <= o or o + z <= offset for s, o, z in taken)
            taken.append((space, offset, size))
        assert holes.free_bytes("pool") == 800 - sum(size for _, _, size in taken)
    for used in taken:
        holes.give(*used)
    assert holes.take("pool", 500, 1) == (0, 0)
    assert holes.take("pool", 300, 1) == (3, 0)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50), st.integers(1, 20)), max_size=12))
def test_gaps_are_the_cells_between_used_ranges(used):
    columns = np.array(used, np.int64).reshape(-1, 3)
    inside = columns[(columns[:, 1] + columns[:, 2] <= 60)]
    free = gaps(*inside.T.copy(), np.array([0, 2]), np.array([60, 60]))
    cells = {(s, c) for s in (0, 2) for c in range(60)}
    cells -= {(s, c) for s, o, z in inside.tolist() for c in range(o, o + z)}
    found = [(s, c) for s, o, z in zip(*(f.tolist() for f in free), strict=True) for c in range(o, o + z)]
    assert sorted(found) == sorted(cells)
    assert all(z > 0 for z in free[2].tolist())
