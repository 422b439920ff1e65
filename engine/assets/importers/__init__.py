"""Importers, each for one kind of source: from its bytes to the bytes and facts in the cache."""

from __future__ import annotations

from dataclasses import dataclass

from engine.assets.cache.facts import Facts
from engine.humon import Problem


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: the bytes for the cache, the facts, and warnings."""

    data: bytes | memoryview
    facts: Facts
    warnings: tuple[Problem, ...] = ()
