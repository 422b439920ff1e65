"""Trees in columns become table rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampling import amount

from viewer.panels import tree_rows as tree_rows


@st.composite
def trees(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = draw(st.integers(0, 40))
    above = [draw(st.integers(-1, index - 1)) for index in range(count)]
    shuffled = np.array(draw(st.permutations(range(count))), np.int32)
    parent = np.full(count, -1, np.int32)
    for index, up in enumerate(above):
        parent[shuffled[index]] = -1 if up < 0 else shuffled[up]
    rank = np.array(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)), np.int32)
    is_open = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool)
    return parent, rank, is_open


def walk(parent: np.ndarray, rank: np.ndarray, is_open: np.ndarray) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []

    def visit(node: int, depth: int) -> None:
        if node >= 0:
            found.append((node, depth))
            if not is_open[node]:
                return
        children = [int(child) for child in np.flatnonzero(parent == node)]
        for child in sorted(children, key=lambda child: (rank[child], child)):
            visit(child, depth + 1)

    visit(-1, -1)
    return found


@settings(max_examples=amount(50, 800))
@given(trees())
def test_rows_are_those_of_a_walk_node_by_node(tree: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    made = tree_rows.flatten(*tree)
    assert list(zip(made.nodes.tolist(), made.depths.tolist(), strict=True)) == walk(*tree)


@given(trees())
def test_every_node_knows_how_many_children_it_has(tree: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    made = tree_rows.flatten(*tree)
    assert made.child_counts.tolist() == [int((tree[0] == node).sum()) for node in range(tree[0].size)]


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        tree_rows.levels_of(np.array([1, 0], np.int32))


def test_a_hundred_thousand_nodes_are_flattened_in_whole_arrays() -> None:
    parent = np.repeat(np.arange(-1, 999, dtype=np.int32), 100)[:100_000]
    made = tree_rows.flatten(parent, np.zeros(parent.size, np.int32), np.ones(parent.size, bool))
    assert made.nodes.size == parent.size
    assert np.array_equal(np.sort(made.nodes), np.arange(parent.size))
