"""Bytes of branches: each counts once in a branch, and is its own where nobody else requests it."""

import numpy as np
import pytest
from support.random_scenes import profile
from support.sampling import amount
from support.scenes import CUBE

from engine.assets import open_library
from engine.feature import pass_requesters
from engine.feature.pass_requesters import PASS_REQUESTERS
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene
from viewer.panels.outliner.memory_shares import (
    MemoryShares,
    crowd_shares,
    meeting,
    memory_shares,
    preorder,
    shares,
)

FEATURES = ("visibleModel", "shadowCaster")


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
    users = [np.unique(objects[things == thing]) for thing in range(12)]
    crowds = [(each, float(sizes[thing])) for thing, each in enumerate(users) if len(each)]
    counted = crowd_shares(crowds, parent, level)
    assert np.array_equal(counted.total[alive], found.total[alive]), "counting members finds the same"
    assert np.array_equal(counted.alone[alive], found.alone[alive])


@pytest.mark.parametrize("count", [PASS_REQUESTERS // 2, PASS_REQUESTERS + 1, 3 * PASS_REQUESTERS])
def test_objects_with_the_same_features_have_the_same_memory_however_many_they_are(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = load_scene(CUBE)
    tableau = scene.tableau
    features = {name: {"asset": getattr(tableau["cube"], name)["asset"]} for name in FEATURES}
    tableau.add_object("branch")
    for number in range(count):
        tableau.add_object(f"more{number}", None, features=features)
        tableau.add_object(f"in{number}", "branch", features=features)

    def found() -> MemoryShares:
        with open_library(scene.dbs) as library:
            planner = ScenePlanner(tableau, scene.registry, library, profile("unified"), (64, 48))
            plan = planner.plan(planner.needs())
            return memory_shares(plan, planner.owners(plan.requirements.requesters), tableau)

    rows = [tableau[f"more{number}"].row for number in range(count)]
    rows += [tableau[f"branch/in{number}"].row for number in range(count)]
    branch = tableau["branch"].row
    of = found()
    assert len(np.unique(of.total[rows])) == len(np.unique(of.alone[rows])) == 1
    assert of.total[branch] == pytest.approx(of.total[rows[0]])
    for name in ("cube", *(f"more{number}" for number in range(count))):
        tableau[name].active = False
    grouped = found()
    monkeypatch.setattr(pass_requesters, "PASS_REQUESTERS", 1000)
    named = found()
    np.testing.assert_allclose(grouped.total, named.total)
    np.testing.assert_allclose(grouped.alone, named.alone)
    assert named.alone[branch] > named.alone[rows].sum(), "what passes draw is the branch's alone"


def test_a_branch_follows_its_root_without_a_gap() -> None:
    parent, level = np.array([-1, 0, -1, 1, 0, 2], np.int32), np.array([0, 1, 0, 2, 1, 1], np.int32)
    assert preorder(parent, level).tolist() == [0, 1, 4, 2, 3, 5]
    first, second = np.array([3, 3, 4, 5, 2]), np.array([1, 4, 4, 3, -1])
    assert meeting(first, second, parent, level).tolist() == [1, 0, 4, -1, -1]
