"""Finds a text in many names at once: all names are one array of bytes, compared byte by byte of the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_BETWEEN = b"\xff"
"""Stands between names; no byte of UTF-8."""


class NameSearch:
    """Names, in which texts are looked for without regard to case."""

    def __init__(self, names: Sequence[str]) -> None:
        folded = "\0".join(names).casefold()
        joined = folded.encode("utf-8", "surrogatepass").replace(b"\0", _BETWEEN) if names else b""
        self._count = len(names)
        self._bytes = np.frombuffer(joined, np.uint8)
        self._name_of = np.cumsum(self._bytes == _BETWEEN[0], dtype=np.int32)
        """The name that each byte is of."""

    def matching(self, text: str) -> NDArray[np.bool_]:
        """Return a mask of the names that hold a text; all for an empty one."""
        found = np.zeros(self._count, np.bool_)
        wanted = text.casefold().encode("utf-8", "surrogatepass")
        if not wanted:
            return ~found
        last = len(self._bytes) - len(wanted) + 1
        if last <= 0:
            return found
        here = self._bytes[:last] == wanted[0]
        for place, byte in enumerate(wanted[1:], 1):
            here &= self._bytes[place : place + last] == byte
        found[self._name_of[:last][here]] = True
        return found
