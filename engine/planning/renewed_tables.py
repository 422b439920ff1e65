"""Draw tables that take the place of those most of whose batches nothing draws any more.

Numbers of a draw table are never given again, so that it grows with every save of what it draws. A new one
learns what is drawn while frames go on with the old one, some of it at a time.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engine.feature.fault import RAISED
from engine.plan.terms.table import distinct
from engine.planning.draw.tables import DrawTable
from engine.tableau import NO_ASSET

MAX_GONE_BATCHES = 1024
"""Batches that nothing draws any more, beyond as many as are drawn, before a draw table is made again."""


@dataclass(eq=False)
class _Renewed:
    """A table that is drawn, the one in its place, and what that has yet to learn of `assets`."""

    old: DrawTable
    new: DrawTable
    assets: npt.NDArray[np.int64] | None = None
    left: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Find what is to be learnt, if what is drawn has changed."""
        if self.assets is not self.old.assets:
            self.assets = self.old.assets
            keys = distinct(self.assets)
            self.left = self.new.recipes.unknown(keys[keys != NO_ASSET])


class RenewedTables:
    """The new tables by the names of passes, until each is complete and taken."""

    def __init__(self) -> None:
        self._renewed: dict[str, _Renewed] = {}

    @staticmethod
    def is_due(table: DrawTable) -> bool:
        """Whether a table has so many batches that nothing draws that it is to be made again."""
        return len(table.batches) > MAX_GONE_BATCHES + 2 * len(table.in_use.batches)

    def begin(self, name: str, old: DrawTable, new: DrawTable) -> None:
        """Let an empty table of the pass learn what the old one draws, unless one does already."""
        known = self._renewed.get(name)
        if known is None or known.old is not old:
            self._renewed[name] = _Renewed(old, new)

    def learn(self, until: float) -> None:
        """Go on until this CPU time."""
        for one in self._renewed.values():
            one.look()
            while one.left and time.thread_time() < until:
                with suppress(*RAISED):  # the table reports it once it is drawn with
                    one.new.recipes.learn(one.left.pop())

    def take(self, name: str, old: DrawTable) -> DrawTable | None:
        """Return the table in place of an old one, once it has learnt all that this draws now."""
        known = self._renewed.get(name)
        if known is None:
            return None
        is_complete = known.assets is old.assets and not known.left
        if known.old is old and not is_complete:
            return None
        del self._renewed[name]
        return known.new if known.old is old else None

    def forget(self, dbs: Collection[int]) -> None:
        """Forget assets of databases that are gone, by their numbers."""
        for one in self._renewed.values():
            one.new.recipes.forget(dbs)
