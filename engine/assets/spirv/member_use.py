"""Which members of a block a shader uses, from its SPIR-V (specification 1.6, chapter 3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache

from engine.assets.spirv.types import Op

_HEADER_WORDS = 5
_CHAINS = (Op.ACCESS_CHAIN, Op.IN_BOUNDS_ACCESS_CHAIN)


class _Function:
    """What one function does with the block: the members that it names, and the functions that it calls."""

    def __init__(self) -> None:
        self.members: set[int] = set()
        self.calls: set[int] = set()
        self.uses_all = False


@lru_cache(maxsize=256)
def used_members(code: bytes, block: str, entry_point: str = "main") -> frozenset[str] | None:
    """Return the members of the uniform block of that name that an entry point uses, by name.

    Those that only functions use which it does not call are left out. None where all may be used. `code` is a
    module that `reflect` has accepted.
    """
    names: dict[int, str] = {}
    members: dict[tuple[int, int], str] = {}
    pointers: dict[int, int] = {}
    constants: dict[int, int] = {}
    variables: set[int] = set()
    functions: dict[int, _Function] = {}
    entries: list[int] = []
    now: _Function | None = None
    for op, operands in _instructions(code):
        if op == Op.ENTRY_POINT and _text(operands[2:]) == entry_point:
            entries.append(operands[1])
        elif op == Op.NAME:
            names[operands[0]] = _text(operands[1:])
        elif op == Op.MEMBER_NAME:
            members[operands[0], operands[1]] = _text(operands[2:])
        elif op == Op.TYPE_POINTER:
            pointers[operands[0]] = operands[2]
        elif op == Op.CONSTANT:
            constants[operands[1]] = operands[2]
        elif op == Op.VARIABLE and now is None:
            if names.get(pointers[operands[0]]) == block:
                variables.add(operands[1])
        elif op == Op.FUNCTION:
            now = functions[operands[1]] = _Function()
        elif now is not None and op == Op.FUNCTION_CALL:
            now.calls.add(operands[2])
            now.uses_all |= not variables.isdisjoint(operands[3:])
        elif now is not None and op in _CHAINS and operands[2] in variables:
            member = constants.get(operands[3])
            now.uses_all |= member is None
            now.members.update(() if member is None else (member,))
        elif now is not None and not variables.isdisjoint(operands[1:]):
            now.uses_all = True
    found, left = set[int](), entries
    while left:
        function = functions.pop(left.pop(), None)
        if function is None:
            continue
        if function.uses_all:
            return None
        found |= function.members
        left.extend(function.calls)
    of_block = {number: name for (kind, number), name in members.items() if names.get(kind) == block}
    return frozenset(of_block[number] for number in found)


def _instructions(code: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield each instruction: its number and its operands."""
    words = struct.unpack(f"<{len(code) // 4}I", code)
    at = _HEADER_WORDS
    while at < len(words):
        count = words[at] >> 16
        yield words[at] & 0xFFFF, words[at + 1 : at + count]
        at += count


def _text(words: tuple[int, ...]) -> str:
    """Return the literal string that begins in the first word."""
    return struct.pack(f"<{len(words)}I", *words).partition(b"\0")[0].decode("utf-8", "replace")
