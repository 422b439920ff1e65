"""LZW and PackBits, as parts of TIFF files are compressed with them.

They are decoded here, as the library behind Pillow writes of damage to the standard error by itself.
(Adobe, "TIFF", revision 6.0, sections 9 and 13.)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_CLEAR, _END, _FIRST = 256, 257, 258
_WIDTHS = np.repeat((9, 10, 11, 12), (254, 512, 1024, 3330))
"""Bits of each code after the table was cleared: one more where the next entry has all bits set.

The table is full after 3,838 codes; what other readers take before it is cleared are 1,024 more.
"""
_ENDS = np.cumsum(_WIDTHS)
_LEAST_CODES = 128
"""Fewest codes after which the table is cleared, on average: each time costs as much as decoding 100."""
_LEAST_TIMES = 8
_NO_RUN = 128


def unpack_lzw(part: memoryview, size: int) -> bytearray:
    """Return the first `size` bytes of a part. Raises ValueError where it is damaged or has fewer."""
    data = np.zeros(len(part) + 4, np.uint8)  # codes are read as whole words
    data[: len(part)] = part
    out = bytearray()
    at, end = 0, 8 * len(part)
    for _ in range(_LEAST_TIMES + size // _LEAST_CODES):
        codes = _codes(data, at, end)
        marks = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        count = int(marks[0]) if len(marks) else len(codes)
        _append(codes[:count].tolist(), out, size)
        if len(out) >= size:
            del out[size:]
            return out
        if not len(marks) or codes[count] == _END:
            raise ValueError(f"it ends after {len(out)} bytes, and should have {size}")
        at += int(_ENDS[count])
    raise ValueError(f"its table is cleared too often for {size} bytes")


def unpack_bits(part: memoryview, size: int) -> bytearray:
    """Return the first `size` bytes of a part. Raises ValueError where it has fewer."""
    out = bytearray()
    at = 0
    while at + 1 < len(part) and len(out) < size:
        head = part[at]
        if head < _NO_RUN:
            out += part[at + 1 : at + 2 + head]
            at += 2 + head
        elif head == _NO_RUN:
            at += 1
        else:
            out += bytes((part[at + 1],)) * (257 - head)
            at += 2
    if len(out) < size:
        raise ValueError(f"it ends after {len(out)} bytes, and should have {size}")
    del out[size:]
    return out


def _codes(data: npt.NDArray[np.uint8], at: int, end: int) -> npt.NDArray[np.uint32]:
    """Return the codes from a bit on, as if the table was not cleared before the last of them."""
    stops = _ENDS[: np.searchsorted(_ENDS, end - at, "right")] + at
    widths = _WIDTHS[: len(stops)]
    starts = stops - widths
    first = starts >> 3
    words = data[first].astype(np.uint32) << 16 | data[first + 1].astype(np.uint32) << 8 | data[first + 2]
    codes: npt.NDArray[np.uint32] = words >> (24 - (starts & 7) - widths) & ((1 << widths) - 1)
    return codes


def _append(codes: list[int], out: bytearray, size: int) -> None:
    """Append what codes after a cleared table stand for. Raises ValueError."""
    starts: list[int] = []
    for code in codes:
        begin = len(out)
        if begin >= size:
            return
        starts.append(begin)
        if code < _CLEAR:
            out.append(code)
            continue
        entry = code - _FIRST
        if entry + 1 >= len(starts):
            raise ValueError(f"code {code} is not in its table after {begin} bytes")
        # An entry is what an earlier code stands for and one byte more, which may be the first of its own.
        end = starts[entry + 1]
        out += out[starts[entry] : end]
        out.append(out[end])
