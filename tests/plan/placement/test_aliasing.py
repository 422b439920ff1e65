"""Overlays by hand: images that are never live in one pass share bytes, where nothing has to grow."""

from __future__ import annotations

import pytest

from engine.plan.placement.aliasing import AliasCandidate as Image
from engine.plan.placement.aliasing import place_aliases


@pytest.mark.parametrize(
    ("one", "other", "meets"),
    [((0, 1), (2, 3), False), ((0, 2), (2, 3), True), ((1, 1), (1, 1), True), ((0, 9), (4, 5), True)],
)
def test_two_images_meet_where_a_pass_is_in_both_lives(one, other, meets):
    first, second = Image(1, 1, *one), Image(1, 1, *other)
    assert first.is_live_with(second) is meets
    assert second.is_live_with(first) is meets


def test_images_of_other_passes_lie_at_the_same_offset():
    assert place_aliases([Image(100, 4, 0, 1), Image(60, 4, 2, 3), Image(100, 4, 4, 4)]) == [
        (100, [(0, 0), (2, 0), (1, 0)])
    ]


def test_an_image_goes_behind_those_that_live_with_it_at_its_alignment():
    lives = [Image(100, 1, 0, 0), Image(30, 1, 1, 2), Image(20, 16, 2, 2)]
    assert place_aliases(lives) == [(100, [(0, 0), (1, 0), (2, 32)])]


def test_an_image_fits_to_the_last_byte_and_not_beyond():
    big, first = Image(100, 1, 0, 0), Image(60, 1, 1, 1)
    assert place_aliases([big, first, Image(40, 1, 1, 1)]) == [(100, [(0, 0), (1, 0), (2, 60)])]
    assert place_aliases([big, first, Image(41, 1, 1, 1)]) == [
        (100, [(0, 0), (1, 0)]),
        (41, [(2, 0)]),
    ]


def test_an_image_takes_the_lowest_gap_that_holds_it():
    lives = [
        Image(100, 1, 0, 0),  # the allocation
        Image(50, 1, 1, 3),  # 0 to 50, in passes 1 to 3
        Image(40, 1, 2, 3),  # behind it, in passes 2 and 3
        Image(45, 1, 4, 4),  # from 0 on again
        Image(10, 1, 3, 4),  # behind all three
    ]
    (allocation,) = place_aliases(lives)
    assert dict(allocation[1]) == {0: 0, 1: 0, 3: 0, 2: 50, 4: 90}


def test_of_equals_the_one_that_lives_first_comes_first():
    lives = [Image(10, 1, 2, 3), Image(10, 1, 0, 1), Image(10, 1, 0, 0)]
    assert place_aliases(lives) == [(10, [(2, 0), (0, 0)]), (10, [(1, 0)])]


def test_an_image_fits_a_gap_of_exactly_its_size():
    around = [Image(100, 1, 0, 1), Image(60, 1, 0, 0), Image(40, 1, 0, 0)]
    gap = Image(60, 1, 1, 1)
    assert place_aliases([*around, gap]) == [(100, [(0, 0)]), (60, [(1, 0), (3, 0)]), (40, [(2, 0)])]
    first, last, between = Image(30, 1, 0, 0), Image(30, 1, 0, 0), Image(30, 1, 0, 0)
    whole = Image(90, 1, 5, 5)
    placed = place_aliases([whole, first, last, between])
    assert placed == [(90, [(0, 0), (1, 0), (2, 30), (3, 60)])]


def test_an_image_fits_a_gap_of_exactly_its_size_below_another():
    lives = [Image(100, 1, 9, 9), Image(40, 1, 0, 0), Image(40, 1, 0, 1), Image(40, 1, 1, 1)]
    assert place_aliases(lives) == [(100, [(0, 0), (1, 0), (2, 40), (3, 0)])]
