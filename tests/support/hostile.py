"""Random damage to a text: a token replaced, doubled, or removed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

VALUES = (
    *("0", "-1", "7", "4294967296", "99999999999999999999", "-9223372036854775808", "1e400", "nan", "3.5"),
    *('""', "x", "0x80", "0x8000000000000000000", "[]", "{}", "[1 2 3]", "true", "null", '"memoryType 0"'),
)
_TOKEN = re.compile(r'-?\d+|"[^"]*"|[\w@]+|[\[\]{}]')


def hostile_edits(rng: np.random.Generator, text: str, count: int) -> Iterator[tuple[int, int, str]]:
    """`count` edits as (start, end, replacement)."""
    spans = [found.span() for found in _TOKEN.finditer(text)]
    for _ in range(count):
        start, end = spans[int(rng.integers(len(spans)))]
        other = spans[int(rng.integers(len(spans)))]
        how = rng.random()
        if how < 0.7:
            yield start, end, VALUES[int(rng.integers(len(VALUES)))]
        elif how < 0.9:
            yield start, end, text[slice(*other)] if how < 0.8 else ""
        else:
            yield start, len(text), ""
