"""Reads vectors of many objects into one array: a fast path for plain ones, node by node for the others."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from engine.humon import Document, InputError, Node, failure, named, vector
from engine.tableau.schema import FLOAT32_MAX

_PLAIN = re.compile(r"[0-9eE+\-. \t\r\n,\[\]]*")
_LONG = 64
"""Characters beyond which a vector is read node by node, since a number may have too many digits."""


def read_vectors(
    document: Document, rows: list[int], width: int, problems: list[InputError]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the vectors of nodes, given by their rows, as float64[n, width], and which of them are right.

    Appends errors to `problems`; the vector is 0 there.
    """
    contents = document.columns.contents
    texts = [contents[row] for row in rows]
    if all(type(each) is str for each in texts):
        values = _all_plain([str(each) for each in texts], width)
        if values is not None:
            return values, np.ones(len(rows), np.bool_)
    found = [_one(document, row, width, problems) for row in rows]
    right = np.array([one is not None for one in found], np.bool_)
    zero = (0.0,) * width
    return np.array([one or zero for one in found], np.float64).reshape(-1, width), right


def _all_plain(texts: list[str], width: int) -> NDArray[np.float64] | None:
    """Return all vectors at once; None unless each is a list of `width` plain numbers in range."""
    joined = "".join(texts)
    if not joined or not _PLAIN.fullmatch(joined) or max(map(len, texts)) > _LONG:
        return None
    # Each list becomes its numbers and a bracket: after a wrong count, a bracket is left that is no number.
    words = joined.replace("[", " ").replace("]", " ] ").replace(",", " ").split()
    if len(words) != len(texts) * (width + 1):
        return None
    del words[width :: width + 1]
    try:
        values = np.array(list(map(float, words)))
    except ValueError:
        return None
    return values.reshape(-1, width) if bool((np.abs(values) <= FLOAT32_MAX).all()) else None


def read_vector(node: Node, width: int) -> tuple[float, ...]:
    """Return the vector of one node. Raises InputError `value.*`."""
    numbers = vector(node, width)
    if max(map(abs, numbers)) > FLOAT32_MAX:
        message = f"{named(node)} must fit into 32-bit floats"
        raise failure("value.range", message, node, f"write numbers up to {FLOAT32_MAX:g}")
    return numbers


def _one(document: Document, row: int, width: int, problems: list[InputError]) -> tuple[float, ...] | None:
    try:
        return read_vector(Node(document, row), width)
    except InputError as error:
        problems.append(error)
        return None
