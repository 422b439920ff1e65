"""Claims about fitting items into holes: exact where they are few, within a search budget in any case."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.placement.fitting import Hole, Item, SearchBudget, fit

sizes = st.lists(st.integers(1, 12), max_size=5)


def holes_of(lengths: list[int]) -> list[Hole]:
    starts = np.cumsum([0, *(length + 1 for length in lengths)]).tolist()
    return [Hole(length, 7, start, 3) for start, length in zip(starts, lengths, strict=False)]


def fits_somehow(items: list[int], holes: list[int]) -> bool:
    """Try every hole for every item; that is exact for items without alignment."""
    if not items:
        return True
    rest, item = items[1:], items[0]
    return any(
        fits_somehow(rest, [*holes[:i], size - item, *holes[i + 1 :]])
        for i, size in enumerate(holes)
        if size >= item
    )


@given(items=sizes, lengths=sizes)
def test_few_items_are_placed_exactly_if_that_is_possible(items: list[int], lengths: list[int]) -> None:
    found = fit(
        [Item(i, size, 1, 1) for i, size in enumerate(items)], holes_of(lengths), SearchBudget(100_000)
    )
    assert (found is not None) == fits_somehow(items, lengths)


@given(
    items=st.lists(st.tuples(st.integers(1, 9), st.sampled_from([1, 2, 4]), st.integers(0, 3)), max_size=90),
    lengths=st.lists(st.integers(1, 40), max_size=40),
)
def test_placements_are_in_holes_of_the_usage_aligned_and_disjoint(
    items: list[tuple[int, int, int]], lengths: list[int]
) -> None:
    holes = [
        hole._replace(resource=i % 3, usage=(1, 3, 2)[i % 3]) for i, hole in enumerate(holes_of(lengths))
    ]
    to_place = [Item(i, *each) for i, each in enumerate(items)]
    found = fit(to_place, holes, SearchBudget(500))
    if found is None:
        return
    assert found.keys() == set(range(len(items)))
    free = {(hole.resource, at) for hole in holes for at in range(hole.start, hole.start + hole.size)}
    for item in to_place:
        resource, offset = found[item.row]
        cells = {(resource, at) for at in range(offset, offset + item.footprint)}
        assert cells <= free
        assert offset % item.alignment == 0
        assert not item.usage & ~(1, 3, 2)[resource]
        free -= cells


def test_many_items_are_placed_without_backtracking() -> None:
    items = [Item(i, 16, 16, 0) for i in range(100)]
    holes = [Hole(1640, 7, 8, 0), Hole(16, 8, 0, 0)]
    budget = SearchBudget(10)
    found = fit(items, holes, budget)
    assert found is not None
    assert len(set(found.values())) == 100
    assert all(offset % 16 == 0 for _, offset in found.values())
    assert budget.left < 0
    budget = SearchBudget(100_000)
    assert fit([*items, Item(100, 64, 16, 0)], holes, budget) is None


def test_the_search_budget_is_shared_by_all_calls() -> None:
    """Ten holes fit one item each, the others none, and there are many ways to find that out."""
    items = [Item(i, 30 + i, 1, 0) for i in range(12)]
    holes = [Hole(50 + i if i < 10 else 20, 1, 100 * i, 0) for i in range(30)]
    assert fit(items[:3], holes, SearchBudget(100_000)) is not None
    budget = SearchBudget(1000)
    assert fit(items, holes, budget) is None
    assert -2 * len(holes) <= budget.left <= 0
    assert fit(items[:3], holes, budget) is None


def test_an_aligned_item_takes_the_first_place_of_its_alignment_in_a_hole() -> None:
    assert fit([Item(5, 4, 4, 0)], [Hole(7, 9, 1, 0)], SearchBudget(9)) == {5: (9, 4)}
    assert fit([Item(5, 4, 4, 0)], [Hole(6, 9, 1, 0)], SearchBudget(9)) is None
    assert fit([Item(5, 4, 4, 0)], [Hole(4, 9, 8, 0)], SearchBudget(9)) == {5: (9, 8)}
    both = fit([Item(5, 4, 4, 0), Item(6, 3, 1, 0)], [Hole(7, 9, 1, 0)], SearchBudget(9))
    assert both == {5: (9, 4), 6: (9, 1)}
    behind = fit([Item(5, 4, 4, 0), Item(6, 2, 1, 0)], [Hole(6, 9, 4, 0)], SearchBudget(9))
    assert behind == {5: (9, 4), 6: (9, 8)}


def test_with_nothing_left_of_the_budget_nothing_is_placed() -> None:
    for count in (1, 100):
        items, holes = [Item(i, 1, 1, 0) for i in range(count)], [Hole(count, 7, 0, 0)]
        assert fit(items, holes, SearchBudget(0)) is None
    assert fit([Item(0, 1, 1, 0)], [Hole(1, 7, 0, 0)], SearchBudget(1)) == {0: (7, 0)}


def test_the_cost_of_a_best_fit_grows_with_items_and_holes() -> None:
    def cost(items: int, holes: int) -> int:
        budget = SearchBudget(1 << 30)
        assert fit(
            [Item(i, 1, 1, 0) for i in range(items)], [Hole(9, 7, 10 * i, 0) for i in range(holes)], budget
        )
        return (1 << 30) - budget.left

    assert cost(200, 200) == 2 * cost(100, 100) > 0
    assert cost(200, 100) - cost(100, 100) == cost(300, 100) - cost(200, 100) > 0
    assert cost(100, 200) - cost(100, 100) == cost(100, 300) - cost(100, 200) > 0


def test_many_items_go_only_where_their_usage_is_allowed() -> None:
    items = [Item(i, 1, 1, 1) for i in range(100)]
    found = fit(items, [Hole(100, 7, 0, 2), Hole(100, 8, 0, 3)], SearchBudget(1 << 20))
    assert found is not None
    assert {resource for resource, _ in found.values()} == {8}
    assert fit(items, [Hole(100, 7, 0, 2), Hole(100, 9, 0, 0)], SearchBudget(1 << 20)) is None
