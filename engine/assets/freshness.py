"""Finds the entries of a cache that are up to date: same parameters, sources, compiler and bytes.

A source with unchanged size and mtime is not read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from engine.assets.cache import CacheImage, CacheMissError, Entry, SourceStamp, open_cache
from engine.assets.facts import facts_fit
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.recipes import Recipe
from engine.assets.tools import find_compiler, find_validator


@dataclass(slots=True)
class CacheState:
    """An open cache (`image`, None for a miss) and its entries that are up to date, by identity.

    The stamps in `known` are current: an entry differs from that in the file if only an mtime has changed.
    """

    image: CacheImage | None
    known: dict[str, Entry]

    def is_current(self, identities: Sequence[str]) -> bool:
        """Whether the file has exactly these entries, in this order, with current stamps."""
        return self.image is not None and self.rows(identities) == list(self.image.entries)

    def has_all(self, identities: Sequence[str]) -> bool:
        """Whether all of these are up to date."""
        return self.image is not None and all(identity in self.known for identity in identities)

    def rows(self, identities: Sequence[str]) -> list[Entry | None]:
        """Return the entries of these identities, None for those that are not up to date."""
        return [self.known.get(identity) for identity in identities]

    def close(self) -> None:
        """Close the file."""
        if self.image is not None:
            self.image.close()


def check_cache(path: Path, recipes: Mapping[str, Recipe], gate: FileGate, tool: str) -> CacheState:
    """Open the cache at `path` and find the entries that are up to date for this compiler.

    `recipes` are those of the database by their identities. Each source is looked at once.
    """
    try:
        image = open_cache(path)
    except CacheMissError:
        return CacheState(None, {})
    damaged = image.damaged()
    known = {}
    current = cache(lambda stamp: _stamp_now(stamp, gate))
    for entry in image.entries:
        recipe = recipes.get(entry.identity)
        # without a compiler, what another one has compiled is used
        if recipe is None or entry.identity in damaged or (tool and entry.tool not in ("", tool)):
            continue
        stamps = tuple([now for stamp in entry.sources if (now := current(stamp)) is not None])
        if stamps and len(stamps) == len(entry.sources) and _facts_are_valid(recipe, entry):
            known[entry.identity] = replace(entry, sources=stamps) if stamps != entry.sources else entry
    return CacheState(image, known)


def same_failures(image: CacheImage | None, rows: Sequence[Entry], retried: Mapping[str, bool]) -> bool:
    """Whether `rows` equal the entries in the file, except failures that were retried and failed again."""
    if image is None or len(rows) != len(image.entries):
        return False
    return all(
        new == old
        or (new.identity == old.identity and retried.get(new.identity, False) and new.failure == old.failure)
        for new, old in zip(rows, image.entries, strict=True)
    )


def tool_identity() -> str:
    """Return the identity of the installed shader tools; empty if there is no compiler."""
    compiler, validator = find_compiler(), find_validator()
    if compiler is None:
        return ""
    return f"{compiler.identity}; {validator.identity if validator else 'not validated'}"


def _stamp_now(stamp: SourceStamp, gate: FileGate) -> SourceStamp | None:
    """Return the current stamp of a source, or None if it has changed."""
    path = os.path.join(str(gate.root), stamp.path)
    try:
        size, mtime_ns = gate.stamp(path)
        if size != stamp.size:
            return None
        if mtime_ns == stamp.mtime_ns:
            return stamp
        from engine.assets.stamps import digest_of, source_stamp

        content, read_stamp = gate.read(path)
    except FileRejectedError:
        return None
    return source_stamp(stamp.path, content, read_stamp) if digest_of(content) == stamp.digest else None


def _facts_are_valid(recipe: Recipe, entry: Entry) -> bool:
    """Whether the facts of an entry can be read and match its size."""
    if entry.failure:
        return True
    return entry.facts is not None and facts_fit(recipe.asset.type, entry.facts, entry.size)
