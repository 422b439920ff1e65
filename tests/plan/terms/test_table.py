from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.terms.table import (
    SMALL,
    Table,
    contains,
    distinct,
    distinct_rows,
    is_in,
    stable_argsort,
    stack,
)

ROW = np.dtype([("id", np.int32), ("value", np.int64)])
CHANGES = st.lists(
    st.tuples(st.dictionaries(st.integers(0, 30), st.integers(0, 3)), st.sets(st.integers(0, 30))), max_size=6
)


def rows(values: dict[int, int]) -> np.ndarray:
    return np.array(sorted(values.items()), ROW)


def changed(table: Table, upserts: dict[int, int], removed: set[int]) -> Table:
    return table.changed(rows(upserts), np.array(sorted(removed - upserts.keys()), np.int64))


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 3)), CHANGES, st.sampled_from([0, SMALL]))
def test_a_changed_table_equals_a_changed_dict(start, changes, small):
    """With a patch, and as a small table without one."""
    with patch("engine.plan.terms.table.SMALL", small):
        compare_with_a_dict(start, changes)


def compare_with_a_dict(start, changes):
    table, model = Table.of(rows(start), "id"), dict(start)
    for upserts, removed in changes:
        before, old = table, dict(model)
        table = changed(table, upserts, removed)
        for key in removed - upserts.keys():
            model.pop(key, None)
        model.update(upserts)
        assert table.array.tolist() == sorted(model.items())
        assert len(table) == len(model)
        assert before.array.tolist() == sorted(old.items())  # tables are immutable
        gone, new = before.difference(table)
        assert gone.tolist() == sorted(old.keys() - model.keys())
        assert new.tolist() == sorted(k for k, v in model.items() if old.get(k) != v)
        ids = np.arange(31)
        assert table.has(ids).tolist() == [i in model for i in range(31)]
        assert table.rows(np.array(sorted(model))).tolist() == sorted(model.items())
        there, found = table.find(ids)
        assert there.tolist() == [i in model for i in range(31)]
        assert found[there].tolist() == sorted(model.items())
        assert [table.row(i).item() for i in model] == list(model.items())


def test_a_small_table_has_no_patch_and_its_difference_is_that_of_the_change():
    base = Table.of(rows(dict.fromkeys(range(SMALL), 0)), "id")
    later = base.changed(rows({7: 1, SMALL: 1}), np.array([9]))
    assert not len(later.patch)
    assert not len(later.removed_ids)
    assert [found.tolist() for found in base.difference(later)] == [[9], [7, SMALL]]
    assert len(later.changed(rows({8: 1}), np.zeros(0, np.int64)).base) == SMALL
    large = Table.of(rows(dict.fromkeys(range(SMALL + 1), 0)), "id")
    assert large.changed(rows({7: 1}), np.array([9])).base is large.base


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 1)), max_size=12))
def test_distinct_rows_are_those_of_numpy(values):
    given_rows = np.array(values, np.int64).reshape(-1, 2)
    found, index = distinct_rows(given_rows)
    assert found.tolist() == np.unique(given_rows, axis=0).tolist()
    assert found[index].tolist() == given_rows.tolist()


def test_difference_is_found_across_one_merge():
    base = Table.of(rows(dict.fromkeys(range(40000), 0)), "id")
    first = base.changed(rows(dict.fromkeys(range(2000), 1)), np.zeros(0, np.int64))
    second = first.changed(rows(dict.fromkeys(range(1000, 3000), 2)), np.array([5, 39_999]))
    assert len(second.patch) == 0  # merged
    assert second.base is not first.base
    gone, new = first.difference(second)
    assert gone.tolist() == [5, 39_999]
    assert new.tolist() == list(range(1_000, 3_000))


def test_a_missing_row_is_named():
    table = Table.of(rows({1: 1, 2: 2}), "id").changed(rows({}), np.array([2]))
    with pytest.raises(KeyError, match="2"):
        table.row(2)
    with pytest.raises(KeyError, match="7"):
        table.rows(np.array([1, 7]))


def test_helpers_give_the_results_of_numpy():
    values = np.array([5, 3, 5, -1, 3])
    assert distinct(values).tolist() == np.unique(values).tolist()
    assert contains(np.array([1, 4, 9]), np.array([0, 1, 9, 10])).tolist() == [False, True, True, False]
    assert stack([rows({1: 2}), rows({0: 5})]).tolist() == [(1, 2), (0, 5)]


NUMBERS = st.lists(
    st.one_of(
        st.integers(-(1 << 63), (1 << 63) - 1),
        st.builds(lambda db, index: db << 32 | index, st.integers(0, 3), st.integers(0, 200_000)),
    ),
    min_size=1,
)


@given(NUMBERS)
def test_a_radix_sort_gives_the_order_of_a_stable_sort(numbers):
    values = np.array(numbers, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.plan.terms.table._RADIX_SORT_FROM", 0)
        assert stable_argsort(values).tolist() == np.argsort(values, kind="stable").tolist()


def test_a_radix_sort_of_many_keys_is_stable():
    values = np.random.default_rng(3).integers(0, 5, 20_000) << 32 | np.arange(20_000)[::-1] // 2
    assert stable_argsort(values).tolist() == np.argsort(values, kind="stable").tolist()


@given(
    st.lists(st.one_of(st.integers(-5, 40), st.integers(-(1 << 60), 1 << 60)), max_size=30),
    st.lists(st.one_of(st.integers(-5, 40), st.integers(-(1 << 60), 1 << 60)), max_size=30),
)
def test_is_in_finds_the_members_of_any_list_of_numbers(values, ids):
    found = is_in(np.array(values, np.int64), ids)
    assert found.tolist() == [value in ids for value in values]
