"""Says why no window can be opened."""

from __future__ import annotations


class NoDisplay(Exception):
    """No window can be opened here; `reasons` has one line per cause."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons
