"""Pictures are made once, aside, kept within a bound, and known to be in use."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from support.limits import limit

from viewer.session.pictures import UNUSED_FRAMES, Pictures


@pytest.fixture
def pictures() -> Iterator[Pictures]:
    made = Pictures()
    yield made
    made.close()


def arrived(pictures: Pictures) -> None:
    deadline = time.monotonic() + limit(10)
    while pictures.pending:
        assert time.monotonic() < deadline
        pictures.next_frame()


def test_a_picture_is_made_once_and_aside(pictures: Pictures) -> None:
    calls = []

    def make() -> np.ndarray:
        calls.append(1)
        return np.full((4, 6, 4), 7, np.uint8)

    assert pictures.find("a", make) is None
    assert pictures.find("a", make) is None
    arrived(pictures)
    found = pictures.find("a", make)
    assert found is not None
    assert (found.size, len(calls)) == ((6, 4), 1)
    assert pictures.find("a", make) is found


def test_one_that_cannot_be_made_says_why_and_is_not_tried_again(pictures: Pictures) -> None:
    calls = []

    def broken() -> np.ndarray:
        calls.append(1)
        raise ValueError("no such mip")

    pictures.find("a", broken)
    arrived(pictures)
    assert pictures.find("a", broken) is None
    assert (pictures.failed, len(calls)) == ({"a": "ValueError: no such mip"}, 1)
    pictures.forget("a")
    pictures.find("a", broken)
    arrived(pictures)
    assert len(calls) == 2


def test_pictures_over_the_bound_go_the_longest_unused_first(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.session.pictures.KEPT_BYTES", 3 * 400)
    first, *_ = [pictures.put(name, np.zeros((10, 10, 4), np.uint8)) for name in "abc"]
    assert pictures.find("a", list) is first  # type: ignore[arg-type]
    pictures.put("d", np.zeros((10, 10, 4), np.uint8))
    pictures.next_frame()
    assert [name for name in "abcd" if name in pictures._kept] == ["a", "c", "d"]


def test_one_that_is_made_again_keeps_its_number_and_is_shown_as_it_was_until_then(
    pictures: Pictures,
) -> None:
    first = pictures.put("a", np.zeros((2, 3, 4), np.uint8))
    number = first.number
    assert pictures.renew("a", lambda: np.ones((2, 3, 4), np.uint8))
    assert not pictures.renew("a", lambda: np.full((2, 3, 4), 9, np.uint8)), "one is being made"
    assert not first.pixels.any()
    arrived(pictures)
    found = pictures.find("a", list)  # type: ignore[arg-type]
    assert found is not None
    assert (found.number, found.version, int(found.pixels.min())) == (number, 1, 1)
    assert pictures.put("a", np.zeros((5, 5, 4), np.uint8)).number != number, (
        "another size is another texture"
    )


def test_what_is_not_drawn_for_a_while_needs_no_place_on_the_gpu(pictures: Pictures) -> None:
    one, two = (pictures.put(name, np.zeros((1, 1, 4), np.uint8)) for name in "ab")
    assert not pictures.leaving
    while one in pictures.in_use():
        pictures.next_frame()
        pictures.find("b", list)  # type: ignore[arg-type]
        assert pictures._frame <= UNUSED_FRAMES + 1
        assert pictures.leaving == (pictures._frame > 1), "frames go on until it has gone"
    assert list(pictures.in_use()) == [two]
    pictures.next_frame()
    assert not pictures.leaving
    assert one.number != two.number
