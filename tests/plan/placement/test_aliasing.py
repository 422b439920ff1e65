"""Overlays by hand: images that are never live in one pass share bytes, where nothing has to grow."""

from __future__ import annotations

import pytest

from engine.plan.placement.aliasing import Aliasing, overlay


@pytest.mark.parametrize(
    ("one", "other", "meets"),
    [((0, 1), (2, 3), False), ((0, 2), (2, 3), True), ((1, 1), (1, 1), True), ((0, 9), (4, 5), True)],
)
def test_two_images_meet_where_a_pass_is_in_both_lives(one, other, meets):
    first, second = Aliasing(1, 1, *one), Aliasing(1, 1, *other)
    assert first.meets(second) is meets
    assert second.meets(first) is meets


def test_images_of_other_passes_lie_at_the_same_offset():
    assert overlay([Aliasing(100, 4, 0, 1), Aliasing(60, 4, 2, 3), Aliasing(100, 4, 4, 4)]) == [
        (100, [(0, 0), (2, 0), (1, 0)])
    ]


def test_an_image_goes_behind_those_that_live_with_it_at_its_alignment():
    lives = [Aliasing(100, 1, 0, 0), Aliasing(30, 1, 1, 2), Aliasing(20, 16, 2, 2)]
    assert overlay(lives) == [(100, [(0, 0), (1, 0), (2, 32)])]


def test_an_image_fits_to_the_last_byte_and_not_beyond():
    big, first = Aliasing(100, 1, 0, 0), Aliasing(60, 1, 1, 1)
    assert overlay([big, first, Aliasing(40, 1, 1, 1)]) == [(100, [(0, 0), (1, 0), (2, 60)])]
    assert overlay([big, first, Aliasing(41, 1, 1, 1)]) == [(100, [(0, 0), (1, 0)]), (41, [(2, 0)])]


def test_an_image_takes_the_lowest_gap_that_holds_it():
    lives = [
        Aliasing(100, 1, 0, 0),  # the allocation
        Aliasing(50, 1, 1, 3),  # 0 to 50, in passes 1 to 3
        Aliasing(40, 1, 2, 3),  # behind it, in passes 2 and 3
        Aliasing(45, 1, 4, 4),  # from 0 on again
        Aliasing(10, 1, 3, 4),  # behind all three
    ]
    (allocation,) = overlay(lives)
    assert dict(allocation[1]) == {0: 0, 1: 0, 3: 0, 2: 50, 4: 90}


def test_of_equals_the_one_that_lives_first_comes_first():
    lives = [Aliasing(10, 1, 2, 3), Aliasing(10, 1, 0, 1), Aliasing(10, 1, 0, 0)]
    assert overlay(lives) == [(10, [(2, 0), (0, 0)]), (10, [(1, 0)])]
