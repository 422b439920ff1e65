"""Finds the entries of a cache that are up to date: same parameters, sources, compiler and bytes.

A source with unchanged size and mtime is not read.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from engine.assets.cache.cache import CacheImage, CacheMissError, Entry, SourceStamp, open_cache
from engine.assets.cache.fact_checks import checked_facts, content_fits
from engine.assets.cache.facts import Facts, IndicesFacts, VerticesFacts
from engine.assets.files import FileGate, FileRejectedError, Stamp
from engine.assets.recipes import Recipe
from engine.assets.tools.tools import find_compiler, find_validator
from engine.humon import Code


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
        image = open_cache(path, len(recipes))
    except CacheMissError:
        return CacheState(None, {})
    current = cache(lambda stamp: stamp_now(stamp, gate))
    candidates: dict[str, Entry] = {}
    facts: dict[str, Facts] = {}
    for entry in image.entries:
        recipe = recipes.get(entry.identity)
        # without a compiler, what another one has compiled is used
        if recipe is None or (tool and entry.tool not in ("", tool)):
            continue
        if not _sources_fit(recipe, entry, gate):
            continue
        if not entry.failure:
            checked = checked_facts(recipe, entry.facts or {}, entry.size)
            if checked is None:
                continue
            facts[entry.identity] = checked
        stamps = tuple([now for stamp in entry.sources if (now := current(stamp)) is not None])
        if len(stamps) == len(entry.sources):
            is_same = stamps == entry.sources
            candidates[entry.identity] = entry if is_same else replace(entry, sources=stamps)

    def fits(entry: Entry) -> bool:
        return content_fits(facts.get(entry.identity), partial(image.pieces, entry))

    out = image.damaged(list(candidates.values()), fits) | _contradicting(recipes, facts)
    return CacheState(image, {key: entry for key, entry in candidates.items() if key not in out})


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


def stamp_now(stamp: SourceStamp, gate: FileGate) -> SourceStamp | None:
    """Return the current stamp of a source, or None if it has changed, or a link leads to another content.

    One that was missing has changed when it is there.
    """
    try:
        size, changed_ns = _size_and_time(stamp.path, gate)
        if stamp.is_missing:
            return None
        if size != stamp.size:
            return None
        if changed_ns == stamp.changed_ns:
            return stamp
        from engine.assets.cache.stamps import digest_of, source_stamp

        content, read_stamp = gate.read(gate.resolve(stamp.path, gate.root))
    except FileRejectedError as error:
        return stamp if stamp.is_missing and error.code == Code.FILE_MISSING else None
    return source_stamp(stamp.path, content, read_stamp) if digest_of(content) == stamp.digest else None


def _size_and_time(name: str, gate: FileGate) -> Stamp:
    path = gate.locate(name)
    try:
        return gate.stamp(path)
    except FileRejectedError:
        if not os.path.islink(path):
            raise
    return gate.stamp(gate.resolve(name, gate.root))


def _contradicting(recipes: Mapping[str, Recipe], facts: Mapping[str, Facts]) -> set[str]:
    """Return the identities of vertices and indices of one level of detail that cannot be of one mesh."""
    levels: dict[tuple[Path, str, int], list[str]] = defaultdict(list)
    for identity, one in facts.items():
        if isinstance(one, VerticesFacts | IndicesFacts):
            recipe = recipes[identity]
            levels[recipe.source, recipe.parameters["part"], one.lod].append(identity)
    found: set[str] = set()
    for identities in levels.values():
        counts = {one.count for key in identities if isinstance(one := facts[key], VerticesFacts)}
        highest = {one.highest for key in identities if isinstance(one := facts[key], IndicesFacts)}
        if len(counts) > 1 or len(highest) > 1 or (counts and highest and max(highest) >= min(counts)):
            found.update(identities)
    return found


def _sources_fit(recipe: Recipe, entry: Entry, gate: FileGate) -> bool:
    """Whether an entry was made from the sources of its recipe, and otherwise from files below the root."""
    own = [gate.relative(source) for source in (recipe.source, *recipe.more)]
    if [stamp.path for stamp in entry.sources[: len(own)]] != own:
        return False
    try:
        for stamp in entry.sources[1:]:
            gate.resolve(stamp.path, gate.root)
    except FileRejectedError:
        return False
    return True
