"""Learns what new assets require and draw with before a frame plans with them, where they are many."""

from __future__ import annotations

import time
from contextlib import suppress

from engine.feature.collect import RequirementCollector
from engine.planning.draw.tables import DrawTable
from engine.planning.frame_passes import FramePasses

FEW_ASSETS = 128
"""New assets that are learnt within the frame that plans them; with more, frames go on meanwhile."""


class NewAssets:
    """The assets of active rows that are not known yet; `are_many` is true while they are being learnt."""

    def __init__(self, collector: RequirementCollector, passes: FramePasses) -> None:
        self._collector = collector
        self._passes = passes
        self._unknown: tuple[tuple[object, ...], list[tuple[str, int]]] | None = None
        self.are_many = False

    def are_few(self) -> bool:
        """Whether so few assets are new that they are left to the plan."""
        return not self.are_many and self._collector.changed() <= FEW_ASSETS

    def look(self, now: tuple[object, ...]) -> None:
        """Find the new assets, if what the plan follows from is not as it was."""
        if self._unknown is None or self._unknown[0] != now:
            self._unknown = now, self._collector.unknown()
            self.are_many |= len(self._unknown[1]) > FEW_ASSETS

    def learn(self, samples: int, features: frozenset[str] | None, until: float) -> bool:
        """Learn at least one of the new assets, until this CPU time; return whether there was one."""
        left = self._unknown[1] if self._unknown is not None else []
        if not left:
            return False
        tables: dict[str, list[DrawTable]] = {}
        for p in self._passes.draw_passes():
            with suppress(Exception):  # `needs` meets it again, and reports it
                tables.setdefault(p.draws, []).append(self._passes.table(p, samples, features))
        while left:
            type_name, key = left.pop()
            self._collector.learn(type_name, key)
            for table in tables.get(type_name, ()):
                with suppress(Exception):  # `needs` meets it again, and reports it
                    table.recipes.learn(key)
            if time.thread_time() >= until:
                break
        return True
