"""Blocks of shaders: values are packed into them by the names of members, and stages share them.

What is filled by name is one buffer for all stages of a pipeline, which has the members of all of them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.assets import Binding, Member

WORD = 4
"""Bytes of a number in a block."""

_LARGEST = float(np.finfo(np.float32).max)
_RANGES = {"f": (-_LARGEST, _LARGEST), "u": (0.0, 2.0**32 - 1), "i": (-(2.0**31), 2.0**31 - 1)}
"""The least and the largest number of a member, by the kind of its numpy type."""


_ALIGNMENT = 16
"""Bytes at whose multiples any member of a block may lie."""


class Fault(NamedTuple):
    """What is wrong with shaders: a message, a hint, and what they declare that it is about, by name."""

    message: str
    help: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """Layout of one member: byte offset, element type, numbers per element, elements, stride in bytes."""

    offset: int
    dtype: np.dtype[np.float32 | np.uint32 | np.int32]
    width: int
    count: int
    stride: int

    def numbers(self, value: npt.ArrayLike) -> npt.NDArray[np.float32 | np.uint32 | np.int32]:
        """Return a value as the member's numbers: the largest for infinite ones, 0 for what is none."""
        numbers = np.asarray(value, self.dtype)
        return numbers if np.logical_and.reduce(np.isfinite(numbers), axis=None) else np.nan_to_num(numbers)

    def words(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
        """Return the words of the block in which numbers of this shape lie, in their order.

        More numbers than the member, called `name`, holds raise ValueError.
        """
        size = math.prod(shape)
        count = 1 if self.count == 1 or not shape else shape[0]
        width = size // max(count, 1)
        if count > self.count or width > self.width:
            raise ValueError(f"{name} holds {self.count} x {self.width} numbers, not {shape}")
        starts = (self.offset + self.stride * np.arange(count)) // WORD
        return (starts[:, None] + np.arange(width)).reshape(-1)


class Block:
    """A block's layout: packs mappings of member names to numbers into `size` bytes; other members are 0."""

    def __init__(self, members: Iterable[Member], size: int) -> None:
        self.size = size
        self.fields = {member.name: _field(member) for member in members}
        self._identity = size, tuple(self.fields.items())
        self._hash = hash(self._identity)

    def ranges(self) -> Iterator[tuple[str, int, int]]:
        """Yield each member with the bytes [begin, end) from its own to the next one."""
        begins = sorted((field.offset, name) for name, field in self.fields.items())
        ends = [offset for offset, _ in begins[1:]] + [self.size]
        for (begin, name), end in zip(begins, ends, strict=True):
            yield name, begin, end

    @cached_property
    def digest(self) -> str:
        """Eight characters that are the same for equal blocks, and differ for others."""
        return hashlib.sha256(repr(self._identity).encode()).hexdigest()[:8]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Block) and self._identity == other._identity)

    def __hash__(self) -> int:
        return self._hash

    def pack(self, values: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.uint8]:
        """Return uint8[size]. Unknown names are ignored; more numbers than fit raise ValueError."""
        data = np.zeros(self.size, np.uint8)
        self.pack_into(data, values)
        return data

    def pack_into(self, data: npt.NDArray[np.uint8], values: Mapping[str, npt.ArrayLike]) -> None:
        """Write the named members into uint8[size]; the others keep their values."""
        for name, value in values.items():
            field = self.fields.get(name)
            if field is not None:
                numbers = field.numbers(value)
                data.view(np.uint32)[field.words(name, numbers.shape)] = numbers.reshape(-1).view(np.uint32)

    def misfit(self, name: str, numbers: Sequence[float]) -> str:
        """Return why one member cannot hold these numbers, with `pack_rows`; empty where it can."""
        field = self.fields.get(name)
        if field is None:
            return ""
        elements = len(numbers) if field.count > 1 else 1
        if elements > field.count or len(numbers) // elements > field.width:
            most = field.width if field.count == 1 else field.count
            return f"it has {len(numbers)} numbers; there is room for {most}"
        low, high = _RANGES[field.dtype.kind]
        wrong = [number for number in numbers if not low <= number <= high]
        return f"{wrong[0]:g} is out of the range of {field.dtype.name}" if wrong else ""

    def pack_rows(self, rows: npt.NDArray[np.uint8], name: str, values: npt.ArrayLike) -> None:
        """Write one member of many blocks, uint8[n, size]: `values` has the numbers of each, [n, ...].

        An unknown name is ignored; more numbers than fit raise ValueError.
        """
        field = self.fields.get(name)
        if field is None or not len(rows):
            return
        numbers = np.asarray(values, field.dtype)
        elements = 1 if field.count == 1 or numbers.ndim < 2 else numbers.shape[1]
        shaped = numbers.reshape(len(rows), elements, -1)
        if elements > field.count or shaped.shape[2] > field.width:
            raise ValueError(f"{name} holds {field.count} x {field.width} numbers, not {numbers.shape[1:]}")
        data = np.ascontiguousarray(shaped).view(np.uint8)
        for index in range(elements):
            start = field.offset + index * field.stride
            rows[:, start : start + data.shape[2]] = data[:, index]


_NUMBERS = frozenset({"float", "int", "uint", "bool", "double"})


def _field(member: Member) -> Field:
    """Derive element type and counts from a member's GLSL type, such as `vec4`, `mat4` or `uint`."""
    kind = member.type.split("[")[0]
    number: type[np.float32 | np.uint32 | np.int32] = np.float32
    if kind.startswith(("u", "b")) and not kind.startswith("bvec"):
        number = np.uint32
    elif kind.startswith("i"):
        number = np.int32
    if kind in _NUMBERS:
        width = 1
    elif kind.startswith("mat"):
        columns, _, rows = kind[3:].partition("x")
        width = int(columns) * int(rows or columns)
    else:
        width = int(kind[-1])
    return Field(member.offset, np.dtype(number), width, max(member.count, 1), member.stride)


def place_faults(before: Binding, binding: Binding, advice: str) -> Iterator[Fault]:
    """Say which members of a block have two places."""
    places = {member.name: member for member in all_members(before.members)}
    for member in all_members(binding.members):
        other = places.get(member.name, member)
        if (other.offset, other.type, other.stride) != (member.offset, member.type, member.stride):
            apart = other.stride != member.stride
            is_one, is_other = (
                f"{one.type} at byte {one.offset}{f' in steps of {one.stride} bytes' if apart else ''}"
                for one in (other, member)
            )
            yield Fault(
                f"'{member.name}' of the block '{binding.name}' is {is_one} in one stage and {is_other} in "
                "another",
                advice,
                (member.name, binding.type),
            )


def overlap_faults(before: Binding, binding: Binding) -> Iterator[Fault]:
    """Say where the members of a block that is filled by name lie upon others in another stage.

    Both stages read one buffer, which has the members of both.
    """
    advice = f"give both stages the same block {binding.type}"
    if (before.set, before.binding) != (binding.set, binding.binding):
        faults = list(place_faults(before, binding, advice))
        if faults:
            yield from faults
            return
    rows = row_of(before), row_of(binding)
    if rows[0] is not None and rows[1] is not None:
        if rows[0].stride != rows[1].stride:
            yield Fault(
                f"a row of the block '{binding.name}' has {rows[0].stride} bytes in one stage and "
                f"{rows[1].stride} in another",
                advice,
                (binding.type, binding.name),
            )
            return
        ours, theirs = rows[1].members, rows[0].members
    else:
        ours, theirs = binding.members, before.members
    behind = -(-before.block_size // _ALIGNMENT) * _ALIGNMENT
    for member in ours:
        for other in theirs:
            if member.name != other.name and are_over(member, other):
                more = f"; or write layout(offset = {behind}) before '{member.name}'" if behind else ""
                yield Fault(
                    f"'{member.name}' of the block '{binding.name}' lies at byte {member.offset} in one "
                    f"stage, where '{other.name}' lies in another",
                    advice + more,
                    (member.name, binding.type),
                )
                return


def are_over(one: Member, other: Member) -> bool:
    """Whether two members of a block have bytes in common."""
    return one.offset < other.offset + other.size and other.offset < one.offset + one.size


def row_of(binding: Binding) -> Member | None:
    """Return the array that a block of rows consists of, None for another block."""
    row = binding.members[0] if len(binding.members) == 1 else None
    return row if row is not None and row.members and not row.count else None


def all_members(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The members of a block, and those of its rows."""
    return (*members, *(inner for member in members for inner in member.members))


def united(one: Binding, other: Binding) -> Binding:
    """Return a binding with the members of both, which lie nowhere upon each other."""
    rows = row_of(one), row_of(other)
    if rows[0] is not None and rows[1] is not None:
        members: tuple[Member, ...] = (replace(rows[0], members=_union(rows[0].members, rows[1].members)),)
    else:
        members = _union(one.members, other.members)
    return replace(one, members=members, block_size=max(one.block_size, other.block_size))


def _union(ours: tuple[Member, ...], theirs: tuple[Member, ...]) -> tuple[Member, ...]:
    """Return the members of both in the order of their places; of two of one name the longer one."""
    if ours == theirs:
        return ours
    found = {member.name: member for member in ours}
    for member in theirs:
        known = found.setdefault(member.name, member)
        found[member.name] = max(known, member, key=lambda one: one.size)
    return tuple(sorted(found.values(), key=lambda member: member.offset))
