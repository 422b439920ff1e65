"""Reads JSON, as model files and device profiles are, and says in plain words what is wrong in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from engine.files import printable
from engine.humon.limits import MAX_EXCERPT_CHARS

Members = Callable[[list[tuple[str, Any]]], Any]
"""Makes the value of an object of its keys and values."""

_WORDS = {
    "Expecting value": "there is no value here",
    "Expecting ',' delimiter": "a comma or the closing bracket is missing here",
    "Expecting ':' delimiter": "the colon after a key is missing here",
    "Expecting property name enclosed in double quotes": "there is no key in double quotes here",
    "Illegal trailing comma before end of object": "a comma stands before the end of an object",
    "Illegal trailing comma before end of array": "a comma stands before the end of an array",
    "Unterminated string starting at": "the string that begins here does not end",
    "Invalid control character at": "a string has a control character, such as a line break",
    "Invalid control character": "a string has a control character, such as a line break",
    "Invalid \\escape": "a string has an escape that is none",
    "Invalid \\uXXXX escape": "a string has an escape that is none",
    "Unexpected UTF-8 BOM (decode using utf-8-sig)": "a byte order mark stands before the value",
    "Extra data": "there is something after the end of the value",
}
"""What is wrong, by how the module `json` says it."""
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity)', re.DOTALL)
_MOST_DIGITS = 400
"""More than any number has that is read: of the others so many suffice to say that they are too large."""


class JsonError(ValueError):
    """A text that is no JSON: what is wrong, and at which offset in it; None where that is unknown."""

    def __init__(self, reason: str, offset: int | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


def read_json(text: str, members: Members | None = None) -> Any:
    """Return the value of a JSON text (RFC 8259). Raises JsonError.

    Numbers may have any size: fractions beyond floats are infinite, and whole numbers have the first
    _MOST_DIGITS of their digits. `members` may be called for some objects twice.
    """
    try:
        return _value(text, members, int)
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        reason = _WORDS.get(error.msg, "there is no value here")
        if not text[error.pos :].strip():
            reason = "the text ends too early" if text.strip() else "the text is empty"
        raise JsonError(reason, error.pos) from error
    except RecursionError:
        raise JsonError("lists and objects lie too deep in each other", None) from None
    except ValueError:  # a number of thousands of digits
        return _value(text, members, _shortened)


def shown(value: Any) -> str:
    """Return a value as JSON has it, for messages; of a long one the beginning."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return printable(text if len(text) <= MAX_EXCERPT_CHARS // 2 else f"{text[: MAX_EXCERPT_CHARS // 2]}...")


def _value(text: str, members: Members | None, whole: Callable[[str], int]) -> Any:
    def refuse(constant: str) -> float:
        at = next(found.start() for found in _CONSTANT.finditer(text) if found[1])
        raise JsonError(f"{constant} is no number of JSON", at)

    return json.loads(text, parse_constant=refuse, parse_int=whole, object_pairs_hook=members)


def _shortened(digits: str) -> int:
    return int(digits[:_MOST_DIGITS])
