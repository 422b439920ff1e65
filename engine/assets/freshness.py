"""What of a cache still holds: entries whose parameters, sources, compiler and bytes are as they were.

A source with the size and mtime it was imported with is not read again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.assets.cache import CacheImage, CacheMissError, Entry, SourceStamp, open_cache
from engine.assets.facts import facts_fit
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.recipes import Recipe
from engine.assets.tools import find_compiler, find_validator


@dataclass(slots=True)
class Found:
    """A cache as it was found: its image (None: a miss) and the entries that hold, by identity.

    The stamps of `known` are those of now: an entry differs from the file's where only an mtime changed.
    """

    image: CacheImage | None
    known: dict[str, Entry]

    def is_current(self, identities: Sequence[str]) -> bool:
        """True where the file holds just these, in this order, and nothing about them is new."""
        return self.image is not None and self.rows(identities) == list(self.image.entries)

    def holds_all(self, identities: Sequence[str]) -> bool:
        """True where every one of these is known."""
        return self.image is not None and all(identity in self.known for identity in identities)

    def rows(self, identities: Sequence[str]) -> list[Entry | None]:
        """The entries of these identities, None for what is not known."""
        return [self.known.get(identity) for identity in identities]

    def close(self) -> None:
        """Let go of the file."""
        if self.image is not None:
            self.image.close()


def look(path: Path, recipes: Iterable[Recipe], gate: FileGate, tool: str) -> Found:
    """Open the cache at `path` and find out what of it holds for these recipes and this compiler."""
    try:
        image = open_cache(path)
    except CacheMissError:
        return Found(None, {})
    damaged = image.damaged()
    wanted = {recipe.identity: recipe for recipe in recipes}
    known = {}
    for entry in image.entries:
        recipe = wanted.get(entry.identity)
        # without any compiler what was compiled before is the best there is
        if recipe is None or entry.identity in damaged or (tool and entry.tool not in ("", tool)):
            continue
        stamps = _stamps_now(entry, gate)
        if stamps is not None and _facts_hold(recipe, entry):
            known[entry.identity] = replace(entry, sources=stamps) if stamps != entry.sources else entry
    return Found(image, known)


def same_failures(image: CacheImage | None, rows: Sequence[Entry], retried: Mapping[str, bool]) -> bool:
    """True where `rows` say what the file says, but for passing failures that were tried and failed again."""
    if image is None or len(rows) != len(image.entries):
        return False
    return all(
        new == old
        or (new.identity == old.identity and retried.get(new.identity, False) and new.failure == old.failure)
        for new, old in zip(rows, image.entries, strict=True)
    )


def tool_identity() -> str:
    """What tells one set of shader tools from another; empty where there is no compiler at all."""
    compiler, validator = find_compiler(), find_validator()
    if compiler is None:
        return ""
    return f"{compiler.identity}; {validator.identity if validator else 'not validated'}"


def _stamps_now(entry: Entry, gate: FileGate) -> tuple[SourceStamp, ...] | None:
    """The stamps of an entry's sources now, or None where one of them has changed."""
    if not entry.sources:
        return None
    now = []
    root = str(gate.root)
    for stamp in entry.sources:
        path = os.path.join(root, stamp.path)
        try:
            size, mtime_ns = gate.stamp(path)
            if size != stamp.size:
                return None
            if mtime_ns == stamp.mtime_ns:
                now.append(stamp)
                continue
            from engine.assets.stamps import digest_of, source_stamp

            content, read_stamp = gate.read(path)
        except FileRejectedError:
            return None
        if digest_of(content) != stamp.digest:
            return None
        now.append(source_stamp(stamp.path, content, read_stamp))
    return tuple(now)


def _facts_hold(recipe: Recipe, entry: Entry) -> bool:
    """True where the facts of an entry can be read and agree with its size."""
    if entry.failure:
        return True
    return entry.facts is not None and facts_fit(recipe.asset.type, entry.facts, entry.size)
