"""Clips of animations as packed arrays of keys, evaluated for many channels and times at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.assets import AnimatedProperty, AnimationFacts, AssetLibrary, AssetRef, Interpolation

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


Moved = tuple[AnimatedProperty, int]
"""A kind of channels: what they move, and how many numbers a value has."""


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip: its duration in seconds, and for each channel the target, its kind, its number among it."""

    duration: float
    targets: tuple[str, ...]
    moves: tuple[Moved, ...]
    numbers: tuple[int, ...]


class ChannelTable:
    """All channels of one property: keys of all, one channel after the other.

    A key has a time, a value and two tangents, into it and out of it, which are 0 where the channel is not
    cubic. A channel has a first key, a number of keys, and a way between them.
    """

    def __init__(self, *, turns: bool) -> None:
        """`turns` says that values are rotations."""
        self.turns = turns
        self._added: list[tuple[Doubles, Doubles, Doubles, Interpolation]] = []
        self._packed = 0  # how many of them are in the arrays
        self._times = self._ordered = self._raised = np.zeros(0)
        self._values = self._tangents = np.zeros(0)
        self._first = self._count = self._way = np.zeros(0, np.int64)

    def add(self, times: Doubles, values: Doubles, tangents: Doubles, way: Interpolation) -> int:
        """Add a channel, keys [n], [n, width] and [n, 2, width], and return its number."""
        self._added.append((times, values, tangents, way))
        return len(self._added) - 1

    def _pack(self) -> None:
        """Put the keys of all channels into arrays."""
        times, values, tangents, ways = zip(*self._added, strict=True)
        self._times, self._values = np.concatenate(times), np.concatenate(values)
        self._tangents = np.concatenate(tangents)
        self._count = np.array([len(each) for each in times])
        self._first = np.cumsum(self._count) - self._count
        self._way = np.array([tuple(Interpolation).index(way) for way in ways])
        # Raised so that the times of all channels are one rising row, which can be searched at once.
        begin = np.array([each[0] for each in times])
        end = np.array([each[-1] for each in times])
        lengths = end - begin + 1.0
        self._raised = np.cumsum(lengths) - lengths - begin
        self._ordered = self._times + np.repeat(self._raised, self._count)
        self._packed = len(self._added)

    def at(self, channels: Ints, seconds: Doubles) -> Doubles:
        """Return the values of channels at times, [n, width]; before the first and after the last key, its.

        Rotations are unit quaternions; a linear one is turned evenly on the shorter way. A cubic Hermite
        curve takes tangents per second, as in Khronos, "glTF 2.0 Specification", appendix C.
        """
        if self._packed != len(self._added):
            self._pack()
        first, count = self._first[channels], self._count[channels]
        found = np.searchsorted(self._ordered, seconds + self._raised[channels], side="right") - 1
        one = np.clip(found, first, first + count - 1)
        two = np.minimum(one + 1, first + count - 1)
        length = self._times[two] - self._times[one]
        part = np.clip((seconds - self._times[one]) / np.where(length > 0.0, length, 1.0), 0.0, 1.0)
        way = self._way[channels]
        part = np.where((way == _STEP) | (length <= 0.0), np.where(part >= 1.0, part, 0.0), part)
        start, end = self._values[one], self._values[two]
        mixed = slerp(start, end, part) if self.turns else start + part[:, None] * (end - start)
        curved = (way == _CUBIC) & (length > 0.0)
        if curved.any():
            u, span = part[curved, None], length[curved, None]
            leaving, coming = self._tangents[one[curved], 1] * span, self._tangents[two[curved], 0] * span
            squared, cubed = u * u, u * u * u
            mixed[curved] = (
                start[curved] * (2 * cubed - 3 * squared + 1)
                + leaving * (cubed - 2 * squared + u)
                + end[curved] * (3 * squared - 2 * cubed)
                + coming * (cubed - squared)
            )
            if self.turns:
                mixed[curved] = _unit(mixed[curved])
        return mixed


_STEP = tuple(Interpolation).index(Interpolation.STEP)
_CUBIC = tuple(Interpolation).index(Interpolation.CUBIC)


def slerp(start: Doubles, end: Doubles, part: Doubles) -> Doubles:
    """Return rotations between unit quaternions [n, 4], a part [n] of the shorter way, each of length 1.

    After Shoemake, "Animating rotation with quaternion curves", 1985.
    """
    cosine = np.einsum("ij,ij->i", start, end)
    angle = np.arccos(np.minimum(np.abs(cosine), 1.0))
    is_wide = angle > 1e-4  # of narrower ones the straight way is as even
    sine = np.where(is_wide, np.sin(angle), 1.0)
    keep = np.where(is_wide, np.sin((1.0 - part) * angle) / sine, 1.0 - part)
    take = np.where(is_wide, np.sin(part * angle) / sine, part)
    take = np.where(cosine < 0.0, -take, take)
    mixed: Doubles = keep[:, None] * start
    mixed += take[:, None] * end
    return mixed


def _unit(quaternions: Doubles) -> Doubles:
    """Return quaternions [n, 4] of length 1; the identity for those without a length."""
    length = np.sqrt(np.einsum("ij,ij->i", quaternions, quaternions))[:, None]
    unit: Doubles = np.where(length > 1e-12, quaternions / np.maximum(length, 1e-12), (0.0, 0.0, 0.0, 1.0))
    return unit


class Clips:
    """The clips of a library that are in use, each read once, as channels of one table for each property."""

    def __init__(self, library: AssetLibrary) -> None:
        self.library = library
        self.tables: dict[Moved, ChannelTable] = {}
        self._known: dict[int, Clip] = {}

    def clip(self, key: int) -> Clip:
        """Return a clip by its key; one that is broken, which was reported, has no channels."""
        known = self._known.get(key)
        if known is None:
            ref = AssetRef.from_key(key)
            known = Clip(0.0, (), (), ()) if self.library.is_broken(ref) else self._read(ref)
            self._known[key] = known
        return known

    def _read(self, ref: AssetRef) -> Clip:
        facts = self.library.facts(ref)
        assert isinstance(facts, AnimationFacts)
        packed = np.frombuffer(self.library.read(ref), "<f4").astype(np.float64)
        at, numbers = 0, []
        for channel in facts.channels:
            width, count = channel.width, channel.count
            times = packed[at : at + count]
            values = packed[at + count : at + count + channel.values].reshape(count, -1, width)
            tangents = np.zeros((count, 2, width))
            if channel.interpolation is Interpolation.CUBIC:
                tangents, values = values[:, ::2], values[:, 1:2]
            elif channel.moves is AnimatedProperty.ROTATION:
                values = _unit(values[:, 0])[:, None]
            turns = channel.moves is AnimatedProperty.ROTATION
            table = self.tables.setdefault((channel.moves, width), ChannelTable(turns=turns))
            numbers.append(table.add(times, values[:, 0], tangents, channel.interpolation))
            at += count + channel.values
        return Clip(
            facts.duration,
            tuple(channel.target for channel in facts.channels),
            tuple((channel.moves, channel.width) for channel in facts.channels),
            tuple(numbers),
        )
