"""Search in many texts finds exactly those that hold the words, whatever was typed before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.panels.memory.table.text_index import TextIndex

WORDS = st.text(st.sampled_from('abAB ÄßΣ_"日,'), min_size=0, max_size=4)


def index_of(texts: list[str]) -> TextIndex:
    index = TextIndex(len(texts), texts.__getitem__)
    while not index.prepare(1000.0):
        pass
    return index


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(WORDS, max_size=30), typed=st.lists(WORDS, min_size=1, max_size=4))
def test_matches_are_those_of_a_plain_search(texts: list[str], typed: list[str]) -> None:
    index = index_of(texts)
    for word in typed:  # one after another: typing on narrows what was found
        for length in range(len(word) + 1):
            part = word[:length]
            expected = [part.casefold() in text.casefold() for text in texts]
            assert index.matches([part]).tolist() == expected
    both = [all(word.casefold() in text.casefold() for word in typed) for text in texts]
    assert index.matches(typed).tolist() == both


def test_texts_are_made_a_part_at_a_time() -> None:
    made: list[int] = []

    def text_of(number: int) -> str:
        made.append(number)
        return f"name {number}"

    index = TextIndex(2000, text_of)
    assert not index.prepare(0.0001) or index.is_complete
    before = index.done
    assert index.matches(["name"]).sum() == before
    while not index.prepare(1000.0):
        pass
    assert index.matches(["name"]).all()
    assert made == list(range(2000))
    assert index.matches(["1999"]).nonzero()[0].tolist() == [1999]


@pytest.mark.parametrize("texts", [["b", "A", "a", "c"], [], ["same", "same"]])
def test_ranks_are_the_order_of_the_texts(texts: list[str]) -> None:
    ranks = index_of(texts).ranks().tolist()
    expected = sorted(range(len(texts)), key=lambda number: texts[number].casefold())
    assert sorted(range(len(texts)), key=ranks.__getitem__) == expected
