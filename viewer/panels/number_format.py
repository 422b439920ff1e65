"""Formats numbers for the inspector: bytes and counts."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def bytes_text(count: int) -> str:
    """Format a number of bytes with three digits: `72 B`, `1.59 KiB`, `16.0 MiB`."""
    value, unit = float(count), 0
    while abs(value) >= 999.5 and unit + 1 < len(_UNITS):
        value, unit = value / 1024, unit + 1
    if unit == 0:
        return f"{count} B"
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{digits}f} {_UNITS[unit]}"


def count_text(count: int, one: str) -> str:
    """Format a count with its noun: `1 step`, `2 steps`."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
