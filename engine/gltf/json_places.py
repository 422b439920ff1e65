"""Finds where a value stands in a JSON text; a problem needs that, reading does not."""

from __future__ import annotations

import json
from collections.abc import Sequence

_SPACE = " \t\n\r"
_decoder = json.JSONDecoder()


def offset_of(text: str, path: Sequence[str | int]) -> int:
    """Return the offset of the value at `path`, keys and indices from the root; of a repeated key, the last.

    Where the path leaves the text, the offset of the last value that there is. The text must be valid JSON.
    """
    at = _skip(text, 0)
    for step in path:
        found = _child(text, at, step)
        if found is None:
            return at
        at = found
    return at


def pointer_of(path: Sequence[str | int]) -> str:
    """Return a path as a JSON pointer (RFC 6901); of the root, `/`."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path) or "/"


def _child(text: str, at: int, step: str | int) -> int | None:
    """Return the offset of the child of the value at `at`, None without one."""
    is_object = text[at] == "{"
    if text[at] not in "{[" or is_object != isinstance(step, str):
        return None
    found = None
    number = 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        key: str | int = number
        if is_object:
            key, at = _decoder.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        if key == step:
            found = at
            if not is_object:
                break
        _, at = _decoder.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
        number += 1
    return found


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
