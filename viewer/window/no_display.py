"""The error for a machine that cannot open a window."""

from __future__ import annotations


class NoDisplay(Exception):
    """No window can be opened here; `reasons` has one line per cause."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons
