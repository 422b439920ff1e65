"""Claims about eyes and levels of detail: how large spheres are seen, and which levels that gives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.graph import Extent
from engine.math import orthographic_reversed, perspective_reversed
from engine.planning.draw.eyes import Eye
from engine.planning.draw.levels import HYSTERESIS, UNKNOWN, Detail, Levels
from engine.tableau.journal import Journal

ORIGIN = np.array([64.0, 0.0, -128.0])


def eye(place: tuple[float, float, float] = (0, 0, 0), fov: float = np.pi / 2) -> Eye:
    """A perspective eye at a place from the origin, that looks along -Z."""
    view = np.identity(4)
    view[3, :3] = -np.array(place)
    return Eye(ORIGIN, view @ np.asarray(perspective_reversed(fov, 1.5, 0.1), np.float64))


def table(count: int) -> Any:
    """A table whose row r stands for object r, all at the origin of the frame."""
    return SimpleNamespace(
        tableau=SimpleNamespace(
            origin=np.tile(ORIGIN, (count, 1)),
            placement=np.tile(np.identity(4, np.float32), (count, 1, 1)),
            moves=Journal(),
        ),
        feature=SimpleNamespace(object=np.arange(count), rows_of=lambda objects: np.asarray(objects)),
    )


def test_an_eye_finds_its_place_and_how_large_spheres_are():
    for place in ((0.0, 0.0, 0.0), (3.0, -2.0, 7.0)):
        seen = eye(place)
        assert seen.place is not None
        np.testing.assert_allclose(seen.place, ORIGIN + place, atol=1e-9)
        centres = ORIGIN + place + np.array([[0, 0, -10.0], [0, 10, 0], [6, 0, 8]])
        np.testing.assert_allclose(seen.size(centres, np.array([1.0, 1.0, 2.0])), [0.1, 0.1, 0.2], rtol=1e-6)
    narrow = eye(fov=np.pi / 3)
    assert narrow.size(ORIGIN + np.array([[0, 0, -10]]), np.array([1.0])) == pytest.approx(0.1 * 3**0.5)
    flat = Eye(ORIGIN, np.asarray(orthographic_reversed(-6, 6, -4, 4, -10, 10), np.float64))
    assert flat.place is None
    np.testing.assert_allclose(flat.size(ORIGIN + np.ones((2, 3)), np.array([1.0, 4.0])), [0.25, 1.0])
    assert np.isfinite(eye().size(ORIGIN[None], np.array([1.0]))).all()


@pytest.mark.parametrize("seed", range(5))
def test_levels_are_those_of_a_rule_written_for_one_row(seed):
    rng = np.random.default_rng(seed)
    of = table(60)
    levels = Levels(of)
    details = [
        Detail.around(sizes, (-1, -1, -1), (1, 1, 1))
        for sizes in ((0.5, 0), (0.8, 0.4, 0.2, 0), (0.3, 0.1, 0))
    ]
    numbers = rng.integers(0, 4, 60)
    levels.assign(np.arange(60), [*details, None], numbers)
    expected = [UNKNOWN] * 60
    for step in range(20):
        of.tableau.origin = ORIGIN + rng.uniform(-30, 30, (60, 3)) * (0.02 if step % 2 else 1)
        of.tableau.moves.note(np.arange(60, dtype=np.int32))
        now = eye(tuple(rng.uniform(-3, 3, 3)))
        changed = levels.choose({"": now})
        sizes = now.size(of.tableau.origin, np.full(60, 3**0.5))
        before = list(expected)
        for row in np.flatnonzero(numbers < 3):
            expected[row] = one_level(details[numbers[row]].sizes, sizes[row], before[row])
        shown = [
            next(i for i in range(5) if levels.shows(np.array([row]), np.array([i]))[0])
            for row in np.flatnonzero(numbers < 3)
        ]
        assert shown == [expected[row] for row in np.flatnonzero(numbers < 3)]
        assert changed.tolist() == [row for row in range(60) if expected[row] != before[row]]


def one_level(sizes: tuple[float, ...], size: float, before: int) -> int:
    def at(factor: float) -> int:
        return next(i for i, least in enumerate(sizes) if size >= least * factor or i == len(sizes) - 1)

    if before == UNKNOWN:
        return at(1)
    if before > at(1 + HYSTERESIS):
        return at(1 + HYSTERESIS)
    return max(before, at(1 - HYSTERESIS))


@pytest.mark.parametrize("height", [200, 720, 2160])
def test_a_level_that_was_made_is_drawn_where_its_error_is_less_than_a_pixel(height):
    """An eye of 90 degrees sees a metre at the distance d as height / (2 d) pixels."""
    errors = (0.0, 0.002, 0.01, 0.05)
    of = table(1)
    levels = Levels(of)
    levels.assign(np.array([0]), [Detail.within(errors, (-1, -1, -1), (1, 1, 1))], np.array([0]))
    for distance in np.geomspace(0.1, 500, 60):
        levels.assign(np.array([0]), [Detail.within(errors, (-1, -1, -1), (1, 1, 1))], np.array([0]))
        seen = eye((0, 0, distance))
        levels.choose({"": Eye(seen.origin, seen.matrix, height)})
        pixels = np.array(errors) * height / (2 * distance)
        expected = int(np.flatnonzero(pixels <= 1.0)[-1])
        assert levels.shows(np.array([0]), np.array([expected]))[0], (distance, expected)


def test_levels_are_chosen_again_where_the_picture_has_another_height():
    levels = Levels(table(1))
    levels.assign(np.array([0]), [Detail.within((0.0, 0.01), (-1, -1, -1), (1, 1, 1))], np.array([0]))
    seen = eye((0, 0, 5))
    assert levels.choose({"": Eye(seen.origin, seen.matrix, 2000)}).tolist() == [0]
    assert levels.shows(np.array([0]), np.array([0]))[0]
    assert levels.choose({"": Eye(seen.origin, seen.matrix, 2000)}).tolist() == []
    assert levels.choose({"": Eye(seen.origin, seen.matrix, 500)}).tolist() == [0]
    assert levels.shows(np.array([0]), np.array([1]))[0]


def test_a_level_without_an_error_is_always_drawn_in_place_of_a_finer_one():
    levels = Levels(table(1))
    levels.assign(np.array([0]), [Detail.within((0.0, 0.0, 0.5), (-1, -1, -1), (1, 1, 1))], np.array([0]))
    levels.choose({"": eye((0, 0, 0.1))})
    assert levels.shows(np.array([0]), np.array([1]))[0]


def test_a_row_without_levels_is_always_shown_and_one_without_a_choice_never():
    levels = Levels(table(4))
    rows = np.arange(4)
    assert not levels.any
    assert levels.shows(rows, np.full(4, -1)).all()
    assert len(levels.choose({"": eye()})) == 0
    levels.assign(np.array([2]), [Detail.around((0.5, 0.0), (0, 0, 0), (1, 1, 1))], np.array([0]))
    assert levels.any
    assert not levels.shows(np.array([2, 2]), np.array([0, 1])).any()
    assert levels.choose({"": None}).tolist() == [2]
    assert levels.shows(np.array([2, 2]), np.array([0, 1])).tolist() == [True, False]
    levels.assign(np.array([2]), [None], np.array([0]))
    assert not levels.any


def test_only_rows_that_moved_or_are_new_are_looked_at_while_the_eye_rests(monkeypatch):
    seen: list[int] = []
    size = Eye.size

    def counted(self: Eye, centres: Any, radii: Any) -> Any:
        seen.append(len(centres))
        return size(self, centres, radii)

    monkeypatch.setattr(Eye, "size", counted)
    of = table(10)
    levels = Levels(of)
    detail = Detail.around((0.5, 0.0), (0, 0, 0), (1, 1, 1))
    levels.assign(np.arange(4), [detail], np.zeros(4, np.int64))
    levels.choose({"": eye()})
    levels.choose({"": eye()})
    assert seen == [4]
    of.tableau.moves.note(np.array([3, 7, 9], np.int32))
    levels.choose({"": eye()})
    assert seen == [4, 1]
    of.tableau.moves.note(np.array([8], np.int32))
    levels.choose({"": eye()})
    assert seen == [4, 1]
    levels.choose({"": eye((1, 0, 0))})
    assert seen == [4, 1, 4]


def test_each_view_chooses_its_own_level_and_keeps_it_until_its_size_is_clearly_another():
    of = table(3)
    levels = Levels(of, ("near", "far"))
    levels.assign(np.arange(3), [Detail.around((0.4, 0.0), (-1, -1, -1), (1, 1, 1))], np.zeros(3, np.int64))
    threshold = 3**0.5 / 0.4  # the distance at which a sphere around such a box has that size

    def chosen(near: float, far: float) -> tuple[int, int]:
        levels.choose({"near": eye((0, 0, threshold * near)), "far": eye((0, 0, threshold * far))})
        rows, first = np.arange(3), np.zeros(3, np.int64)
        found = [levels.shows(rows, first, view) for view in range(2)]
        assert all(len(set(each.tolist())) == 1 for each in found)
        return tuple(0 if each[0] else 1 for each in found)  # type: ignore[return-value]

    assert chosen(0.5, 2.0) == (0, 1)
    assert chosen(0.98, 1.02) == (0, 1)
    assert chosen(1.02, 0.98) == (0, 1), "the same sizes, kept from either side"
    assert chosen(1.02, 0.5) == (0, 0)
    assert chosen(2.0, 1.02) == (1, 0)
    assert levels.lists == 2


def test_a_level_that_was_made_is_chosen_by_the_pixels_of_the_image_it_is_drawn_into():
    seen = eye((0, 0, 5))
    detail = Detail.within((0.0, 0.01), (-1, -1, -1), (1, 1, 1))
    for extent, level in ((Extent(), 0), (Extent(0.25), 1), (Extent(width=64, height=500), 1)):
        levels = Levels(table(1), ("",), extent)
        levels.assign(np.array([0]), [detail], np.array([0]))
        levels.choose({"": Eye(seen.origin, seen.matrix, 2000)})
        assert levels.shows(np.array([0]), np.array([level]))[0], extent


def test_a_view_that_nobody_makes_has_the_level_of_the_picture():
    levels = Levels(table(1), ("missing",))
    levels.assign(np.array([0]), [Detail.around((0.5, 0.0), (-1, -1, -1), (1, 1, 1))], np.array([0]))
    levels.choose({"missing": None, "": eye((0, 0, 100))})
    assert levels.shows(np.array([0]), np.array([1]))[0]
