"""Claims about JSON: numbers of any size are read, and what is wrong has a place and words of our own."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from support.limits import limit

from engine.humon.json_text import JsonError, read_json, shown

WRONG = [
    ("", "the text is empty", 0),
    (" \n", "the text is empty", 2),
    ("[1", "the text ends too early", 2),
    ('{"a"', "the text ends too early", 4),
    ("[1 2]", "a comma or the closing bracket is missing here", 3),
    ('{"a" 1}', "the colon after a key is missing here", 5),
    ("{1: 2}", "there is no key in double quotes here", 1),
    ('["a', "the string that begins here does not end", 1),
    ('"a\nb"', "a string has a control character, such as a line break", 2),
    (r'"\q"', "a string has an escape that is none", 1),
    ("1 2", "there is something after the end of the value", 2),
    ("[1, nul]", "there is no value here", 4),
    ("\ufeff1", "a byte order mark stands before the value", 0),
    ('{"a": ["NaN", "\\"NaN", NaN]}', "NaN is no number of JSON", 23),
    ("[\n Infinity]", "Infinity is no number of JSON", 3),
    ("[-Infinity]", "-Infinity is no number of JSON", 1),
    (f"[{'9' * 5000}, NaN]", "NaN is no number of JSON", 5003),
]


@pytest.mark.parametrize(("text", "reason", "offset"), WRONG, ids=[reason for _, reason, _ in WRONG])
def test_what_is_no_json_has_its_place_and_words_of_our_own(text: str, reason: str, offset: int) -> None:
    with pytest.raises(JsonError) as caught:
        read_json(text)
    assert (caught.value.reason, caught.value.offset) == (reason, offset)


def test_a_comma_before_a_closing_bracket_is_found() -> None:
    """Where, and how it is called, differs among versions of Python."""
    for text in ("[1,]", '{"a": 1,}'):
        with pytest.raises(JsonError) as caught:
            read_json(text)
        assert caught.value.offset in (text.index(","), text.index(",") + 1)


def test_what_lies_too_deep_is_refused() -> None:
    with pytest.raises(JsonError, match="too deep in each other"):
        read_json("[" * 200_000)


@pytest.mark.parametrize("digits", [5000, 1_000_000])
def test_a_number_of_very_many_digits_is_read_at_once_and_beyond_every_float(digits: int) -> None:
    start = time.monotonic()
    value = read_json(f'{{"a": [-{"9" * digits}, 7, {"9" * digits}.5, "{"9" * digits}"]}}')["a"]
    assert time.monotonic() - start < limit(5)
    assert value[1:3] == [7, math.inf]
    assert value[3] == "9" * digits
    assert value[0] < 0
    with pytest.raises(OverflowError):
        float(value[0])


@pytest.mark.parametrize("value", [0, -1, 2**63, 10**300, 0.5, "a", None, True, [], {"a": [{}]}])
def test_plain_values_are_those_that_were_written(value: Any) -> None:
    assert read_json(json.dumps(value)) == value


def test_values_are_shown_as_json_has_them_and_not_at_length() -> None:
    assert [shown(value) for value in (None, True, "a", 0.5, [1])] == ["null", "true", '"a"', "0.5", "[1]"]
    assert len(shown(10**400)) < 100
    assert len(shown(["a"] * 1000)) < 100
