"""Names of keys for searching: made once for each key, a little in every frame, and kept."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.plan.terms.table import Int64s

BUDGET_MS = 2.0
MOST = 1 << 20
"""Names that are kept; beyond that all are made again."""


class KeyNames:
    """The names of keys of one numbering, in lower case."""

    def __init__(self, name_of: Callable[[int], str]) -> None:
        self._name_of = name_of
        self._known: dict[int, str] = {}
        self._last: tuple[Int64s, list[str]] | None = None

    def matching(self, keys: Int64s, text: str, milliseconds: float = BUDGET_MS) -> tuple[list[int], bool]:
        """Indices of the keys whose names hold a text, whatever their case; and whether all were searched.

        Names that are not known yet are made for so long (CPU time); others are left to the next call.
        """
        part = text.lower()
        if self._last is not None and self._last[0] is keys:
            return [n for n, name in enumerate(self._last[1]) if part in name], True
        if len(self._known) > MOST:
            self._known.clear()
        known, until = self._known, time.thread_time() + milliseconds / 1e3
        wanted = keys.tolist()
        is_all = True
        for number, key in enumerate(wanted):
            if key not in known:
                known[key] = self._name_of(key).lower()
                if number % 64 == 0 and time.thread_time() > until:
                    is_all = False
                    break
        names = [known.get(key, "") for key in wanted]
        if is_all:
            self._last = keys, names
        return [n for n, name in enumerate(names) if part in name and name], is_all
