"""What is typed over the table of memory, as a filter.

Parts are separated by spaces, and all must hold: words of names (in "..." with spaces), `+sampled` and
`-storage` for usage bits, `a3`, `a3:0x1000-0x2000` or `r7` for places, `>1MiB` and `<4KiB` for sizes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.plan.terms.vocabulary import BufferUsage, ImageUsage

HELP = (
    "words of a name, in quotes with spaces",
    "+sampled  -storage    has, or has not, this usage",
    "a3    all of allocation 3",
    "a3:0x1000-0x2000    what touches these bytes of it",
    "r7    all of resource 7",
    ">1MiB  <4KiB    sizes",
)
_PART = re.compile(r'"([^"]*)"?|(\S+)')
_PLACE = re.compile(r"a(\d+)(?::(0x[0-9a-f]+|\d+)(?:-(0x[0-9a-f]+|\d+))?)?", re.ASCII | re.IGNORECASE)
_RESOURCE = re.compile(r"[r#](\d+)", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"([<>])(\d+(?:\.\d+)?)(b|kib|mib|gib|k|m|g)?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_MOST = 1 << 62


@dataclass(frozen=True, slots=True)
class UsageBits:
    """The bits that a `word` stands for, in buffers and in images; 0 where one kind has no such usage."""

    buffer: int
    image: int
    word: str = ""


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Bytes of an allocation, by its id: from `begin` up to but not including `end`."""

    allocation: int
    begin: int = 0
    end: int = _MOST


@dataclass(frozen=True, slots=True)
class TableFilter:
    """A parsed filter; `problem` says what is wrong with it, and then nothing is filtered by that part."""

    words: tuple[str, ...] = ()
    has: tuple[UsageBits, ...] = ()
    lacks: tuple[UsageBits, ...] = ()
    ranges: tuple[AddressRange, ...] = ()
    resources: tuple[int, ...] = ()
    least: int = 0
    most: int = _MOST
    problem: str = ""


def parse_filter(text: str) -> TableFilter:
    """Parse what was typed; a part that cannot be is left out and named in `problem`."""
    words: list[str] = []
    has: list[UsageBits] = []
    lacks: list[UsageBits] = []
    ranges: list[AddressRange] = []
    resources: list[int] = []
    least, most, problem = 0, _MOST, ""
    for found in _PART.finditer(text):
        quoted, part = found.groups()
        if quoted is not None:
            words.append(quoted)
        elif part[0] in "+-" and len(part) > 1:
            bits = usage_bits_of(part[1:])
            if bits is None:
                problem = problem or f"no usage is called '{part[1:]}'"
            else:
                (has if part[0] == "+" else lacks).append(bits)
        elif (at := _PLACE.fullmatch(part)) is not None:
            ranges.append(_range(at))
        elif (at := _RESOURCE.fullmatch(part)) is not None:
            resources.append(_whole(at[1]))
        elif (at := _SIZE.fullmatch(part)) is not None:
            size = round(min(float(at[2]) * _UNITS[(at[3] or "")[:1].lower()], _MOST))
            least, most = (max(least, size + 1), most) if at[1] == ">" else (least, min(most, size - 1))
        else:
            words.append(part)
    return TableFilter(
        tuple(words), tuple(has), tuple(lacks), tuple(ranges), tuple(resources), least, most, problem
    )


def usage_bits_of(word: str) -> UsageBits | None:
    """The usages whose names begin with a word: `storage` stands for `storage_buffer_bit` and `storage_bit`.

    A name that is the word, but for `_bit` and `_buffer`, comes before longer ones. None for an unknown one.
    """
    name = word.lower().removesuffix("_bit")
    found = []
    for kind in (BufferUsage, ImageUsage):
        names = {flag.name.lower(): int(flag) for flag in kind if flag.name is not None}
        exact = [names[each] for each in (name, f"{name}_buffer") if each in names]
        begins = [value for each, value in names.items() if each.startswith(name)]
        bits = 0
        for value in exact or begins:
            bits |= value
        found.append(bits)
    return UsageBits(found[0], found[1], name) if any(found) and name else None


def _range(at: re.Match[str]) -> AddressRange:
    begin, end = at[2], at[3]
    if begin is None:
        return AddressRange(_whole(at[1]))
    low = _whole(begin)
    return AddressRange(_whole(at[1]), low, low + 1 if end is None else _whole(end))


def _whole(digits: str) -> int:
    """Return a number in decimal digits, or in hexadecimal ones behind `0x`; at most _MOST."""
    is_hex = digits[:2].lower() == "0x"
    plain = (digits[2:] if is_hex else digits).lstrip("0")
    return min(int(plain or "0", 16 if is_hex else 10), _MOST) if len(plain) < 20 else _MOST
