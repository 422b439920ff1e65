"""Importers, each for one kind of source: from its bytes to the bytes and facts in the cache."""

from __future__ import annotations

from dataclasses import dataclass

from engine.assets.cache.facts import Facts
from engine.humon import Problem


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: the bytes for the cache, the facts, and warnings.

    `faults` are problems of values that are wrong, in place of which others were taken; they are among the
    warnings, too, or among those of the text that is made around a model.
    """

    data: bytes | memoryview
    facts: Facts
    warnings: tuple[Problem, ...] = ()
    faults: tuple[Problem, ...] = ()
