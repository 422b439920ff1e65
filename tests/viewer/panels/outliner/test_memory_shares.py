"""Bytes of branches: each counts once in a branch, and is its own where nobody else requests it."""

import numpy as np
import pytest
from support.sampling import amount

from viewer.panels.outliner.memory_shares import meeting, preorder, shares


def random_tree(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Parents and levels; some rows have no object."""
    parent, level = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    order = rng.permutation(count)[: max(1, count - 3)]
    for number, row in enumerate(order):
        above = int(rng.integers(-1, number))
        parent[row] = -1 if above < 0 else order[above]
        level[row] = 0 if above < 0 else level[order[above]] + 1
    return parent, level


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("seed", range(amount(10, 500)))
def test_shares_are_those_of_adding_branch_by_branch(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parent, level = random_tree(rng, int(rng.integers(4, 30)))
    alive = np.flatnonzero(level >= 0)
    sizes = rng.integers(1, 1000, 12).astype(np.float64)
    pairs = int(rng.integers(0, 60))
    things = rng.integers(0, 12, pairs)
    objects = rng.choice(np.append(alive, -1), pairs)
    found = shares(things, objects, sizes, parent, level)

    def branch(row: int) -> set[int]:
        below = {row}
        for each in alive[np.argsort(level[alive])].tolist():
            if int(parent[each]) in below:
                below.add(each)
        return below

    for row in alive.tolist():
        inside = branch(row)
        users = [set(objects[things == thing].tolist()) for thing in range(12)]
        total = sum(sizes[thing] for thing in range(12) if users[thing] & inside)
        alone = sum(sizes[thing] for thing in range(12) if users[thing] and users[thing] <= inside)
        assert (found.total[row], found.alone[row]) == (total, alone)
        assert found.shared[row] == total - alone


def test_a_branch_follows_its_root_without_a_gap() -> None:
    parent, level = np.array([-1, 0, -1, 1, 0, 2], np.int32), np.array([0, 1, 0, 2, 1, 1], np.int32)
    assert preorder(parent, level).tolist() == [0, 1, 4, 2, 3, 5]
    first, second = np.array([3, 3, 4, 5, 2]), np.array([1, 4, 4, 3, -1])
    assert meeting(first, second, parent, level).tolist() == [1, 0, 4, -1, -1]
