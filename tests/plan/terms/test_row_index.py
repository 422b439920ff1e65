from __future__ import annotations

import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.terms import row_index
from engine.plan.terms.row_index import RowIndex

VALUES = st.integers(0, 9)


@given(
    st.lists(st.tuples(st.lists(VALUES, max_size=9), st.sets(VALUES), st.integers(0, 9)), max_size=9),
    st.integers(1, 5),
)
def test_rows_are_found_by_value_after_any_additions_and_removals(steps, scan_limit):
    with mock.patch.object(row_index, "SCAN_LIMIT", scan_limit):
        column, index = np.zeros(0, np.int64), RowIndex(np.int64)
        for added, wanted, dropped in steps:
            column = np.concatenate([column, np.array(added, np.int64)])
            found = index.find(column, np.array(sorted(wanted), np.int64))
            assert sorted(found.tolist()) == np.flatnonzero(np.isin(column, sorted(wanted))).tolist()
            left = np.flatnonzero(column != dropped)
            numbers = np.full(len(column), -1)
            numbers[left] = np.arange(len(left))
            column, index = column[left], index.renumbered(numbers)


def test_a_search_scans_few_rows_and_few_runs():
    column, index = np.random.default_rng(1).integers(0, 1000, 60_000), RowIndex(np.int64)
    for count in range(0, 60_001, 100):
        index.find(column[:count], np.array([1, 5]))
        assert count - index._count <= row_index.SCAN_LIMIT
        assert len(index._runs) <= 3


@pytest.mark.parametrize("wanted", [[5], [5, 70_000]], ids=["one", "several"])
def test_what_a_search_allocates_does_not_grow_with_the_column(wanted: list[int]):
    column = np.arange(100_000, dtype=np.int32)
    index, values = RowIndex(np.int32), np.array(wanted, np.int64)
    assert index.find(column, values).tolist() == wanted
    tracemalloc.start()
    try:
        assert index.find(column, values).tolist() == wanted
        assert tracemalloc.get_traced_memory()[1] < 16_000
    finally:
        tracemalloc.stop()
