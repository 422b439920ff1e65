"""Decodes the bytes of a file: UTF-8, UTF-16 or UTF-32, by the byte order mark or by the first bytes."""

import codecs
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
_NOT_CONTROL = bytes(range(0x20, 0x100))
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_SAMPLE_BYTES = 1 << 16
_BROKEN_SHARE = 16


def detect(data: bytes) -> tuple[str, int]:
    """Return the codec name of `data` and the length of its byte order mark.

    Without a mark it is UTF-8 unless the beginning has zero bytes: every Humon text has punctuation or white
    space of ASCII, and in UTF-16 and UTF-32 these have. Then it is the encoding with the fewest NULs and
    invalid parts, and of equal ones that with the most ASCII characters.
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return codec, len(mark)
    sample = data[:_SAMPLE_BYTES]
    if b"\0" not in sample:
        return "utf-8", 0
    candidates = [codec for codec in _WIDE if _is_likely(sample, codec)]
    return min(["utf-8", *candidates], key=lambda codec: _cost(sample, codec)), 0


def _is_likely(sample: bytes, codec: str) -> bool:
    """Whether the sample may be UTF-16 or UTF-32, and not a UTF-8 text with some stray zero bytes.

    Most high bytes of other scripts than those of East Asia are below 0x20, which are control characters of
    UTF-8; and East Asian text is no valid UTF-8.
    """
    if codec.startswith("utf-32"):
        return not any(sample[3::4] if codec.endswith("le") else sample[0::4]) and len(sample) >= 4
    high = sample[1::2] if codec.endswith("le") else sample[0::2]
    low = len(high.translate(None, _NOT_CONTROL))
    broken = sample.decode("utf-8", "replace").count("\ufffd")
    return low * 2 > len(high) or broken * _BROKEN_SHARE >= len(sample)


def _cost(sample: bytes, codec: str) -> tuple[int, int]:
    text = sample.decode(codec, "replace")
    zeros = text.count("\0")
    return zeros + text.count("\ufffd"), zeros - len(text.encode("ascii", "ignore"))


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
