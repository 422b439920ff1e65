"""Decodes the bytes of a file: UTF-8, UTF-16 or UTF-32, by the byte order mark or by the first bytes."""

import codecs
import re
from collections.abc import Callable

from engine.humon.codes import Code
from engine.humon.lines import Lines
from engine.humon.problem import InputError, Position, Problem

# UTF-32 before UTF-16: the little-endian mark of one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The first character of a Humon file is nearly always below U+0100; UTF-16 requires two such characters,
# so that a UTF-8 file with a stray NUL is not mistaken for it.
_SHAPES = (
    (re.compile(rb"[^\0]\0\0\0", re.S), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]", re.S), "utf-32-be"),
    (re.compile(rb"(?:[^\0]\0){2}|[^\0]\0\Z", re.S), "utf-16-le"),
    (re.compile(rb"(?:\0[^\0]){2}|\0[^\0]\Z", re.S), "utf-16-be"),
)


def detect(data: bytes) -> tuple[str, int]:
    """Return the codec name of `data` and the length of its byte order mark."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return codec, len(mark)
    for shape, codec in _SHAPES:
        if shape.match(data):
            return codec, 0
    return "utf-8", 0


def decode(data: bytes, name: str) -> str:
    """Return the text of `data`. Raises InputError with the byte offset of the first invalid byte."""
    codec, mark = detect(data)
    try:
        text = data[mark:].decode(codec)
    except UnicodeDecodeError as error:
        before = data[mark : mark + error.start].decode(codec, "replace")
        message = f"not valid {codec.upper()} at byte {mark + error.start}: {error.reason}"
        raise InputError(_at_end_of(before, name, Code.ENCODING, message, "save the file as UTF-8")) from None
    check_text(text, name, lambda before: mark + len(before.encode(codec)))
    return text


def check_text(text: str, name: str, offset_of: Callable[[str], int] | None = None) -> None:
    """Raise InputError if `text` contains a NUL or half of a surrogate pair."""
    at = text.find("\0")
    code, what = Code.NUL, "a NUL byte"
    if at < 0 and offset_of is None and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            at, code, what = error.start, Code.ENCODING, "half of a surrogate pair"
    if at >= 0:
        before = text[:at]
        place = f"byte {offset_of(before)}" if offset_of else f"character {at}"
        raise InputError(
            _at_end_of(before, name, code, f"{what} at {place}", "the file is damaged or not a text file")
        )


def _at_end_of(before: str, name: str, code: Code, message: str, hint: str) -> Problem:
    line, column = Lines(before).line_and_column(len(before))
    return Problem(code, message, Position(name, line, column), help=hint)
