"""Importers: each turns the bytes of one kind of source into what the cache holds."""

from __future__ import annotations

from dataclasses import dataclass

from engine.assets.facts import Facts
from engine.humon import Problem


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made: the bytes that go to the cache as they are, what it found out, and warnings."""

    data: bytes
    facts: Facts
    warnings: tuple[Problem, ...] = ()
