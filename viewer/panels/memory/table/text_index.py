"""Search in many texts at once: they lie one after another in one array of bytes.

A character of the search is looked up in all texts by one comparison of arrays, so that a keystroke over a
hundred thousand names costs a few milliseconds. Texts are made a part at a time, as each costs a call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

_BATCH = 256
_MOST_KNOWN = 8
"""Words whose places are remembered: those that were typed last."""
_END = b"\n"  # no text has one: names are printable


def folded(text: str) -> bytes:
    """How a text is compared: without regard to case."""
    return text.casefold().replace("\n", " ").encode("utf-8", "surrogatepass")


class TextIndex:
    """Texts that are searched; text i is `text_of(i)`, asked for once.

    `done` of `count` texts can be searched so far; `prepare` makes more of them.
    """

    def __init__(self, count: int, text_of: Callable[[int], str]) -> None:
        self.count = count
        self.done = 0
        self._text_of = text_of
        self._parts: list[bytes] = []
        self._lengths: list[int] = []
        self._bytes: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._starts: NDArray[np.int64] = np.zeros(1, np.int64)
        self._known: dict[bytes, tuple[NDArray[np.int64], NDArray[np.bool_]]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether all texts can be searched."""
        return self.done == self.count

    @property
    def nbytes(self) -> int:
        """Bytes of the texts and where they begin."""
        return self._bytes.nbytes + self._starts.nbytes

    def prepare(self, milliseconds: float) -> bool:
        """Make texts for so long at most; returns whether all are made."""
        deadline = time.perf_counter() + milliseconds / 1000
        while self.done < self.count and time.perf_counter() < deadline:
            last = min(self.done + _BATCH, self.count)
            texts = [folded(self._text_of(index)) for index in range(self.done, last)]
            self._lengths += [len(text) + 1 for text in texts]
            self._parts.append(_END.join(texts) + _END)
            self.done = last
        return self.is_complete

    def prepared(self, index: int) -> bytes:
        """The folded text of one index, which must be made already."""
        self._join()
        return self._bytes[self._starts[index] : self._starts[index + 1] - 1].tobytes()

    def ranks(self) -> NDArray[np.int64]:
        """The place of each text in their order, equal ones by index; all must be made."""
        self._join()
        whole = self._bytes.tobytes()
        texts = whole.split(_END)[: self.count]
        order = sorted(range(self.count), key=texts.__getitem__)
        ranks = np.empty(self.count, np.int64)
        ranks[order] = np.arange(self.count)
        return ranks

    def matches(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """bool[count]: which texts hold all these words; those that are not made yet do not."""
        self._join()
        found = np.ones(self.count, bool)
        found[self.done :] = False
        for word in words:
            found &= self._holds(folded(word))
        return found

    def _holds(self, word: bytes) -> NDArray[np.bool_]:
        known = self._known.pop(word, None)
        if known is None:
            at = self._positions(word)
            found = np.zeros(self.count, bool)
            found[: self.done] = np.diff(np.searchsorted(at, self._starts)) > 0 if word else True
            known = at, found
        self._known[word] = known  # the last used one comes last
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return known[1]

    def _positions(self, word: bytes) -> NDArray[np.int64]:
        """Where the word begins in the array, ascending; typing on only narrows what was found before."""
        data = self._bytes
        shorter = [each for each in self._known if each and word.startswith(each)]
        if shorter:
            before = max(shorter, key=len)
            at, known = self._known[before][0], len(before)
        else:
            at, known = np.flatnonzero(data == word[0]) if word else np.zeros(0, np.int64), 1
        for offset in range(known, len(word)):
            at = at[: np.searchsorted(at, len(data) - offset)]
            at = at[data[at + offset] == word[offset]]
        return at

    def _join(self) -> None:
        if self._parts:
            more = np.frombuffer(b"".join(self._parts), np.uint8)
            ends = np.cumsum(self._lengths, dtype=np.int64) + self._starts[-1]
            self._bytes, self._starts = np.append(self._bytes, more), np.append(self._starts, ends)
            self._parts, self._lengths = [], []
            self._known.clear()
