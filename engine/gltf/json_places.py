"""Finds where a value stands in a JSON text; a problem needs that, reading does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

_SPACE = re.compile(r"[ \t\n\r]*")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_decoder = json.JSONDecoder(parse_int=float)  # which takes any number of digits


class Places:
    """The places of values in a JSON text, which must be valid; where the children of a value are is kept."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._children: dict[int, dict[str | int, int]] = {}

    def offset_of(self, path: Sequence[str | int]) -> int:
        """Return the offset of the value at `path`, keys and indices from the root.

        Of a repeated key it is the last. Where the path leaves the text, the last value that there is.
        """
        at = _skip(self._text, 0)
        for step in path:
            found = self._children_of(at).get(step)
            if found is None:
                return at
            at = found
        return at

    def _children_of(self, at: int) -> dict[str | int, int]:
        """Return the offsets of the children of the value at `at` by their keys or indices."""
        if at not in self._children:
            self._children[at] = dict(self._walk(at))
        return self._children[at]

    def _walk(self, at: int) -> Iterator[tuple[str | int, int]]:
        text = self._text
        is_object = text[at] == "{"
        if text[at] not in "{[":
            return
        number = 0
        at = _skip(text, at + 1)
        while text[at] not in "}]":
            key: str | int = number
            if is_object:
                key, at = _decoder.raw_decode(text, at)
                at = _skip(text, _skip(text, at) + 1)
            yield key, at
            at = _skip(text, _end(text, at))
            if text[at] == ",":
                at = _skip(text, at + 1)
            number += 1


def pointer_of(path: Sequence[str | int]) -> str:
    """Return a path as a JSON pointer (RFC 6901); of the root, `/`."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path) or "/"


def _end(text: str, at: int) -> int:
    """Return where the value at `at` ends, however deep it is."""
    try:
        return _decoder.raw_decode(text, at)[1]
    except RecursionError:
        return _end_of_brackets(text, at)


def _end_of_brackets(text: str, at: int) -> int:
    depth = 0
    for found in _BRACKET.finditer(text, at):
        mark = found[0]
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
            if not depth:
                return found.end()
    raise AssertionError("the text is valid JSON")


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()
