"""Importers: each turns the bytes of one kind of source into what the cache holds."""

from __future__ import annotations

from dataclasses import dataclass

from engine.assets.facts import Facts


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made: the bytes that go to the cache as they are, and what it found out."""

    data: bytes
    facts: Facts
