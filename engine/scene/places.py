"""Places in a text: the lines and columns of many at once, and problems at one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.humon import Document, Problem, Severity, excerpt_of

Ints = NDArray[np.int32]


def places(document: Document, offsets: list[int]) -> tuple[Ints, Ints]:
    """1-based lines and columns (a tab counts 4) of the characters at these offsets."""
    if not offsets:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    if "\t" in document.text:
        found = np.array([document.lines.place(offset) for offset in offsets], np.int32)
        return found[:, 0], found[:, 1]
    starts = np.frombuffer(document.lines.starts, np.dtype(document.lines.starts.typecode))
    where = np.array(offsets, starts.dtype)
    lines = np.searchsorted(starts, where, side="right")
    return lines.astype(np.int32), (where - starts[lines - 1] + 1).astype(np.int32)


def problem_at(
    document: Document,
    offset: int,
    code: str,
    message: str,
    help: str = "",
    severity: Severity = Severity.ERROR,
) -> Problem:
    """A problem at a character of the text: at a key or a metatag, where a node's own begins later."""
    excerpt = excerpt_of(*document.lines.line_at(offset))
    return Problem(code, message, document.position_at(offset), excerpt, help, severity)
