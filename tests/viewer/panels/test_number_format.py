"""Bytes and counts are formatted for people."""

from __future__ import annotations

import pytest

from viewer.panels.number_format import bytes_text, count_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (72, "72 B"),
        (999, "999 B"),
        (1000, "0.98 KiB"),
        (1632, "1.59 KiB"),
        (102_400, "100 KiB"),
        (1_048_575, "1.00 MiB"),
        (16 << 20, "16.0 MiB"),
        (150 << 30, "150 GiB"),
        (3 << 50, "3072 TiB"),
    ],
)
def test_sizes_have_three_digits_and_a_unit(count: int, text: str) -> None:
    assert bytes_text(count) == text


def test_one_is_singular() -> None:
    assert (count_text(1, "step"), count_text(0, "step"), count_text(1200, "step")) == (
        "1 step",
        "0 steps",
        "1,200 steps",
    )
