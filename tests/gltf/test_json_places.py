"""Claims about finding values in JSON texts: the text at the offset is the value, however it is written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gltf.json_places import Places, pointer_of

CHARACTERS = st.characters(exclude_categories=["Cs"])
KEYS = st.text(CHARACTERS, max_size=4)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    found = [(path, value)]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        found += paths(child, (*path, key))
    return found


@given(VALUES, st.sampled_from([None, 0, 1, 3]), st.booleans())
def test_the_text_at_the_offset_is_the_value_at_the_path(
    value: object, indent: int | None, plain: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=plain)
    places = Places(text)
    for path, expected in paths(value):
        found, _ = json.JSONDecoder().raw_decode(text, places.offset_of(path))
        assert found == expected
        assert type(found) is type(expected)


def test_of_a_key_that_stands_twice_the_last_is_found() -> None:
    text = '{"a": 1, "b": 2, "a": 3}'
    assert text[Places(text).offset_of(("a",))] == "3"


@pytest.mark.parametrize("path", [("b",), ("a", 7), ("a", "x"), (0,), ("a", 0, 0)])
def test_a_path_that_leaves_the_text_gives_the_last_value_that_there_is(path: tuple[str | int, ...]) -> None:
    text = ' {"a": [5]}'
    assert text[Places(text).offset_of(path)] in "{[5"


def test_depth_costs_no_recursion() -> None:
    depth = 100_000
    text = f'{{"deep": {"[" * depth}{"]" * depth}, "after": 7}}'
    assert text[Places(text).offset_of(("after",))] == "7"


def test_pointers_are_written_as_in_rfc_6901() -> None:
    assert pointer_of(("a/b", 0, "m~n")) == "/a~1b/0/m~0n"
