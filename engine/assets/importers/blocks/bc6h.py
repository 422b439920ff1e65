"""Decodes BC6H, blocks of 4 x 4 texels with half floats, many at once.

Format: Khronos Data Format Specification 1.3, "BPTC", 20.2. The packages for blocks decode BC6H to 8 bits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK_BYTES = 16
_SIDE = 4
_AT_ONCE = 1024
"""Blocks that are decoded at once, which takes 3 MiB."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Mode:
    """How end points lie in a block: their bits, those of differences, and where each bit goes.

    `fields` are pairs of a bit of the block and one of an end point, r0 g0 b0 r1 ..., times 16.
    """

    bits: int
    deltas: tuple[int, int, int]
    are_differences: bool
    start: int
    places: tuple[int, ...]

    @property
    def is_divided(self) -> bool:
        """Whether the block has two sets of texels, each with two end points."""
        return max(self.places) >= 6 * 16


def _mode(bits: int, deltas: tuple[int, int, int], fields: str, *, plain: bool = False) -> _Mode:
    """Return a mode of fields such as `r0[9:0]`, whose first bit is the one after the colon."""
    places: list[int] = []
    for channel, number, first, last in re.findall(r"([rgb])(\d)\[(\d+):?(\d*)\]", fields):
        point = (int(number) * 3 + "rgb".index(channel)) * 16
        end, begin = int(first), int(last or first)
        step = 1 if end >= begin else -1
        places += [point + bit for bit in range(begin, end + step, step)]
    return _Mode(bits, deltas, not plain, 2 if len(places) == 75 else 5, tuple(places))


_LOW = "r0[9:0] g0[9:0] b0[9:0] "
_MODES: dict[int, _Mode] = {
    0: _mode(
        10,
        (5, 5, 5),
        "g2[4] b2[4] b3[4] r0[9:0] g0[9:0] b0[9:0] r1[4:0] g3[4] g2[3:0] g1[4:0] b3[0] g3[3:0] b1[4:0] b3[1] "
        "b2[3:0] r2[4:0] b3[2] r3[4:0] b3[3]",
    ),
    1: _mode(
        7,
        (6, 6, 6),
        "g2[5] g3[4] g3[5] r0[6:0] b3[0] b3[1] b2[4] g0[6:0] b2[5] b3[2] g2[4] b0[6:0] b3[3] b3[5] b3[4] "
        "r1[5:0] g2[3:0] g1[5:0] g3[3:0] b1[5:0] b2[3:0] r2[5:0] r3[5:0]",
    ),
    2: _mode(
        11,
        (5, 4, 4),
        _LOW + "r1[4:0] r0[10] g2[3:0] g1[3:0] g0[10] b3[0] g3[3:0] b1[3:0] b0[10] b3[1] b2[3:0] r2[4:0] "
        "b3[2] r3[4:0] b3[3]",
    ),
    6: _mode(
        11,
        (4, 5, 4),
        _LOW + "r1[3:0] r0[10] g3[4] g2[3:0] g1[4:0] g0[10] g3[3:0] b1[3:0] b0[10] b3[1] b2[3:0] r2[3:0] "
        "b3[0] b3[2] r3[3:0] g2[4] b3[3]",
    ),
    10: _mode(
        11,
        (4, 4, 5),
        _LOW + "r1[3:0] r0[10] b2[4] g2[3:0] g1[3:0] g0[10] b3[0] g3[3:0] b1[4:0] b0[10] b2[3:0] r2[3:0] "
        "b3[1] b3[2] r3[3:0] b3[4] b3[3]",
    ),
    14: _mode(
        9,
        (5, 5, 5),
        "r0[8:0] b2[4] g0[8:0] g2[4] b0[8:0] b3[4] r1[4:0] g3[4] g2[3:0] g1[4:0] b3[0] g3[3:0] b1[4:0] b3[1] "
        "b2[3:0] r2[4:0] b3[2] r3[4:0] b3[3]",
    ),
    18: _mode(
        8,
        (6, 5, 5),
        "r0[7:0] g3[4] b2[4] g0[7:0] b3[2] g2[4] b0[7:0] b3[3] b3[4] r1[5:0] g2[3:0] g1[4:0] b3[0] g3[3:0] "
        "b1[4:0] b3[1] b2[3:0] r2[5:0] r3[5:0]",
    ),
    22: _mode(
        8,
        (5, 6, 5),
        "r0[7:0] b3[0] b2[4] g0[7:0] g2[5] g2[4] b0[7:0] g3[5] b3[4] r1[4:0] g3[4] g2[3:0] g1[5:0] g3[3:0] "
        "b1[4:0] b3[1] b2[3:0] r2[4:0] b3[2] r3[4:0] b3[3]",
    ),
    26: _mode(
        8,
        (5, 5, 6),
        "r0[7:0] b3[1] b2[4] g0[7:0] b2[5] g2[4] b0[7:0] b3[5] b3[4] r1[4:0] g3[4] g2[3:0] g1[4:0] b3[0] "
        "g3[3:0] b1[5:0] b2[3:0] r2[4:0] b3[2] r3[4:0] b3[3]",
    ),
    30: _mode(
        6,
        (6, 6, 6),
        "r0[5:0] g3[4] b3[0] b3[1] b2[4] g0[5:0] g2[5] b2[5] b3[2] g2[4] b0[5:0] g3[5] b3[3] b3[5] b3[4] "
        "r1[5:0] g2[3:0] g1[5:0] g3[3:0] b1[5:0] b2[3:0] r2[5:0] r3[5:0]",
        plain=True,
    ),
    3: _mode(10, (10, 10, 10), _LOW + "r1[9:0] g1[9:0] b1[9:0]", plain=True),
    7: _mode(11, (9, 9, 9), _LOW + "r1[8:0] r0[10] g1[8:0] g0[10] b1[8:0] b0[10]"),
    11: _mode(12, (8, 8, 8), _LOW + "r1[7:0] r0[10:11] g1[7:0] g0[10:11] b1[7:0] b0[10:11]"),
    15: _mode(16, (4, 4, 4), _LOW + "r1[3:0] r0[10:15] g1[3:0] g0[10:15] b1[3:0] b0[10:15]"),
}
"""The modes by the first five bits of a block, the lowest first; of modes 0 and 1 two bits."""

_PARTITIONS = (
    *(0xCCCC, 0x8888, 0xEEEE, 0xECC8, 0xC880, 0xFEEC, 0xFEC8, 0xEC80, 0xC800, 0xFFEC, 0xFE80, 0xE800),
    *(0xFFE8, 0xFF00, 0xFFF0, 0xF000, 0xF710, 0x008E, 0x7100, 0x08CE, 0x008C, 0x7310, 0x3100, 0x8CCE),
    *(0x088C, 0x3110, 0x6666, 0x366C, 0x17E8, 0x0FF0, 0x718E, 0x399C),
)
"""Which texels are of the second set, the first texel in the lowest bit."""

_ANCHORS = (*(15,) * 17, 2, 8, 2, 2, 8, 8, 15, 2, 8, 2, 2, 8, 8, 2, 2)
"""The texel of the second set whose index has a bit less, as the first texel of the block has."""

_WEIGHTS = {
    3: np.array((0, 9, 18, 27, 37, 46, 55, 64)),
    4: np.array((0, 4, 9, 13, 17, 21, 26, 30, 34, 38, 43, 47, 51, 55, 60, 64)),
}


def decode_bc6h(
    blocks: bytes | memoryview, width: int, height: int, *, is_signed: bool
) -> Iterator[tuple[slice, Floats]]:
    """Yield some rows of texels at a time, float32[rows, width, 3], of the blocks of a level."""
    across, down = -(-width // _SIDE), -(-height // _SIDE)
    given = np.frombuffer(blocks, np.uint8).reshape(down, across, BLOCK_BYTES)
    step = max(1, _AT_ONCE // across)
    for at in range(0, down, step):
        some = given[at : at + step]
        texels = _decoded(some.reshape(-1, BLOCK_BYTES), is_signed=is_signed)
        rows = texels.reshape(len(some), across, _SIDE, _SIDE, 3).swapaxes(1, 2)
        first = at * _SIDE
        last = min(first + len(some) * _SIDE, height)
        yield slice(first, last), rows.reshape(-1, across * _SIDE, 3)[: last - first, :width]


def _decoded(blocks: npt.NDArray[np.uint8], *, is_signed: bool) -> Floats:
    """Return the texels of blocks [n, 16] as float32[n, 16, 3]; reserved modes are black."""
    bits = np.unpackbits(blocks, axis=1, bitorder="little").astype(np.int64)
    modes = _number(bits[:, :5])
    modes = np.where(modes & 3 < 2, modes & 3, modes)
    found = np.zeros((len(blocks), 16, 3), np.float32)
    for number, mode in _MODES.items():
        chosen = np.flatnonzero(modes == number)
        if len(chosen):
            found[chosen] = _of_mode(bits[chosen], mode, is_signed=is_signed)
    return found


def _of_mode(bits: Ints, mode: _Mode, *, is_signed: bool) -> Floats:
    points = np.zeros((len(bits), 12), np.int64)
    for at, place in enumerate(mode.places):
        points[:, place >> 4] |= bits[:, mode.start + at] << (place & 15)
    ends = points.reshape(-1, 4, 3)
    if is_signed:
        ends[:, 0] = _signed(ends[:, 0], mode.bits)
    if is_signed or mode.are_differences:
        for channel, size in enumerate(mode.deltas):
            ends[:, 1:, channel] = _signed(ends[:, 1:, channel], size)
    if mode.are_differences:
        ends[:, 1:] = (ends[:, 1:] + ends[:, :1]) & ((1 << mode.bits) - 1)
        if is_signed:
            ends[:, 1:] = _signed(ends[:, 1:], mode.bits)
    ends = _unquantized(ends, mode.bits, is_signed=is_signed)
    at = mode.start + len(mode.places)
    size = 3 if mode.is_divided else 4
    sets = np.zeros((len(bits), 16), np.int64)
    anchors = np.zeros(len(bits), np.int64)
    if mode.is_divided:
        partition = _number(bits[:, at : at + 5])
        sets = np.array(_PARTITIONS)[partition][:, None] >> np.arange(16) & 1
        anchors, at = np.array(_ANCHORS)[partition], at + 5
    widths = np.full((len(bits), 16), size)
    widths[:, 0] -= 1
    if mode.is_divided:
        widths[np.arange(len(bits)), anchors] -= 1
    begins = at + np.cumsum(widths, axis=1) - widths
    rows = np.arange(len(bits))[:, None]
    indices = np.zeros((len(bits), 16), np.int64)
    for bit in range(size):
        given = bits[rows, np.minimum(begins + bit, 127)]
        indices |= np.where(bit < widths, given, 0) << bit
    weights = _WEIGHTS[size][indices][:, :, None]
    low, high = ends[rows, 2 * sets], ends[rows, 2 * sets + 1]
    return _finished((low * (64 - weights) + high * weights + 32) >> 6, is_signed=is_signed)


def _number(bits: Ints) -> Ints:
    """Return the numbers of bits [n, k], the lowest first."""
    found: Ints = bits @ (1 << np.arange(bits.shape[1]))
    return found


def _signed(values: Ints, bits: int) -> Ints:
    """Return numbers of so many bits as signed ones."""
    half = 1 << (bits - 1)
    return ((values & ((1 << bits) - 1)) ^ half) - half


def _unquantized(values: Ints, bits: int, *, is_signed: bool) -> Ints:
    """Return end points in 16 bits."""
    if not is_signed:
        if bits >= 15:
            return values
        most = (1 << bits) - 1
        scaled = ((values << 16) + 0x8000) >> bits
        return np.where(values == 0, 0, np.where(values == most, 0xFFFF, scaled))
    if bits >= 16:
        return values
    size = np.abs(values)
    most = (1 << (bits - 1)) - 1
    scaled = np.where(size >= most, 0x7FFF, ((size << 15) + 0x4000) >> (bits - 1))
    return np.where(size == 0, 0, scaled) * np.sign(values)


def _finished(values: Ints, *, is_signed: bool) -> Floats:
    """Return numbers of 16 bits as the floats whose half they are, scaled to the largest one."""
    if is_signed:
        half = np.abs(values) * 31 >> 5
        half = np.where(values < 0, half | 0x8000, half)
    else:
        half = values * 31 >> 6
    return half.astype(np.uint16).view(np.float16).astype(np.float32)
