"""Columns: rows that follow each other are a view, and read-only columns follow what is allocated."""

from __future__ import annotations

import numpy as np
import pytest

from engine.tableau.columns import Columns, as_slice


@pytest.mark.parametrize(
    "rows", [[2], [0, 1, 2, 3], [1, 2], [], [1, 3], [2, 1], [0, 2, 1, 3], [1, 1, 3, 4], [3, 3]]
)
def test_matrices_of_rows_that_follow_each_other_are_not_copied(rows):
    world = np.arange(5 * 16, dtype=np.float32).reshape(5, 4, 4)
    found = world[as_slice(np.array(rows, np.int32))]
    assert np.array_equal(found, world[rows])
    follows = len(rows) > 0 and rows == list(range(rows[0], rows[0] + len(rows)))
    assert np.shares_memory(found, world) == follows


def test_a_read_only_column_is_the_same_array_until_rows_are_added():
    columns = Columns({"level": (np.int32, (), -1)})
    columns.allocate(3)
    seen = columns.read_only("level")
    columns["level"][1] = 7
    assert seen.tolist() == [-1, 7, -1]
    assert columns.read_only("level") is seen
    with pytest.raises(ValueError, match="read-only"):
        seen[0] = 1
    columns.allocate(40)
    assert columns.read_only("level").tolist() == columns["level"].tolist()
    assert len(columns.read_only("level")) == 43
