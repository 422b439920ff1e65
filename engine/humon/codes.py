"""The stable codes of all problems with Humon texts and their values."""

from enum import StrEnum
from typing import Self


class ProblemCode(StrEnum):
    """Base of enums of stable problem codes; `meaning` is a code's line in docs/errors.md."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Make a member that equals its code string."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class Code(ProblemCode):
    """The codes of reading Humon text and of taking a value from it."""

    FILE_MISSING = "file.missing", "The file does not exist."
    FILE_KIND = "file.kind", "The path names a folder, FIFO, device or socket; only regular files are read."
    FILE_UNREADABLE = "file.unreadable", "The system refused to open or read the file."
    SIZE = "humon.size", "The file is larger than the limit; it is rejected before it is read."
    TOKEN = "humon.token", "One key or value is longer than the limit."
    EMPTY = "humon.empty", "The file contains no node, only white space, comments or a byte order mark."
    NUL = "humon.nul", "The file contains a NUL byte, so it is not text."
    ENCODING = "humon.encoding", "The bytes are not valid in the file's encoding (UTF-8, UTF-16 or UTF-32)."
    DEPTH = "humon.depth", "Lists and dicts are nested deeper than the limit."
    DUPLICATE = (
        "humon.duplicate",
        "A key is given twice in one dict or one set of metatags; of a scene the first is used.",
    )
    NO_KEY = "humon.no_key", "A node in a dict has no key."
    NO_VALUE = "humon.no_value", "A key is followed by no node."
    KEY_IN_LIST = "humon.key_in_list", "A node in a list has a key."
    UNCLOSED = "humon.unclosed", "A list, dict, quoted value or comment is never closed."
    STRAY = "humon.stray", "A closing bracket or colon has no opening bracket or key."
    METATAG = (
        "humon.metatag",
        "A metatag is not `@ key: value` or `@ { key: value ... }`, or a node has too many.",
    )
    AFTER_ROOT = "humon.after_root", "Something follows the end of the root node."
    TOO_MANY = "humon.too_many", "Reading stopped after too many problems."
    MISSING = "value.missing", "A required key is absent."
    KIND = "value.kind", "A list, dict or plain value was expected, but the node is of another kind."
    NUMBER = "value.number", "The value is not a number."
    RANGE = "value.range", "The number is not finite, has too many digits or is outside the allowed range."
    BOOLEAN = "value.boolean", "The value is neither true nor false."
    COUNT = "value.count", "The list has the wrong number of entries."
    CHOICE = "value.choice", "The value is not one of the known names."
