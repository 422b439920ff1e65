"""Finds what an update brings and cannot be drawn with, where its earlier version can: that one is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets import AssetRef
from engine.assets.records import Asset, AssetType, Shader
from engine.assets.roots import display_path
from engine.assets.updating.references import references_of
from engine.humon import InputError, Position, Problem, Severity, excerpt_of
from engine.humon.files import read_bytes
from engine.humon.problem import TAB_COLUMNS
from engine.runtime.problems import trial_words

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

Words = tuple[str, str, str]
"""Code, message and advice."""

_QUOTED = re.compile(r"'(\w+)[\w.]*'")
_DECLARED = r"\b(?:in|out|uniform|buffer)\b.*\b{}\b"
_RECORDS = (AssetType.MATERIAL, AssetType.MESH, AssetType.MODEL)
"""What is refused last: each names others, and all of these are as they were with it."""


class Refusals:
    """What is refused of one update, by asset, with the reason (`found`).

    `earlier` are the keys of all that has changed, now and before. Where an asset does not fit, as little of
    it as possible is refused: the fewest of its new parts with earlier versions of which it fits.
    """

    def __init__(self, runtime: Runtime, earlier: Mapping[int, int]) -> None:
        self._runtime = runtime
        self._earlier = {AssetRef.from_key(now): AssetRef.from_key(old) for now, old in earlier.items()}
        self._failed = {frozenset(keys): words for keys, words in _failed(runtime)}
        self.found: dict[AssetRef, Problem] = {}

    def add_assets(self, assets: Iterable[tuple[str, int, int]]) -> None:
        """Add what is at fault in assets, by feature type, key before and key now, that may not be drawn."""
        planner = self._runtime.planner
        for type_name, before, now in assets:
            if not planner.is_drawn(type_name, before):
                continue
            problems = planner.unfit(type_name, now)
            fresh = {
                part.ref: part for part in self._parts(AssetRef.from_key(now)) if part.ref in self._earlier
            }
            if problems:
                self._add_misfit(type_name, now, list(fresh.values()), problems)
            else:
                self._add_failed(AssetRef.from_key(now), list(fresh.values()))

    def add_shaders(self, shaders: Mapping[tuple[AssetRef, ...], Sequence[Problem]]) -> None:
        """Add shaders of passes that these cannot run, with the reasons, if they are known."""
        for refs, problems in shaders.items():
            words = [_words(one) for one in problems]
            words += [why for of, why in self._failed.items() if of == {ref.key for ref in refs}]
            if words:
                self._refuse(
                    [self._runtime.library.record(ref) for ref in refs if ref in self._earlier], words
                )

    def _add_misfit(
        self, type_name: str, key: int, fresh: Sequence[Asset], problems: Sequence[Problem]
    ) -> None:
        restored = {ref: self._earlier[ref] for ref in self.found}
        planner = self._runtime.planner
        if restored and planner.fits_with(type_name, key, restored):
            return
        for parts in chain(_choices(fresh), [fresh]):  # all of it where it names others than it did
            chosen = restored | {part.ref: self._earlier[part.ref] for part in parts}
            if parts is fresh or planner.fits_with(type_name, key, chosen):
                self._refuse(parts, list(map(_words, problems)))
                return

    def _add_failed(self, ref: AssetRef, fresh: Sequence[Asset]) -> None:
        """Refuse what did not survive a trial: shaders where some are new, else what it draws."""
        keys = {part.ref.key for part in self._parts(ref)}
        known = {ref.key for ref in self.found}
        for of, words in self._failed.items():
            if of <= keys and of.isdisjoint(known):
                shaders = [part for part in fresh if part.ref.key in of]
                data = [part for part in fresh if part.type in (AssetType.VERTICES, AssetType.INDICES)]
                self._refuse(shaders or data or fresh, [words])

    def _refuse(self, parts: Iterable[Asset], words: Sequence[Words]) -> None:
        parts = list(parts)
        vertices = next((part for part in parts if part.type is AssetType.VERTICES), None)
        for part in parts:
            at = vertices if part.type is AssetType.INDICES and vertices is not None else part
            self.found.setdefault(part.ref, self._problem(at, words[0]))

    def _parts(self, ref: AssetRef) -> Iterator[Asset]:
        """Yield the records of an asset and of all that it is made of."""
        record = self._runtime.library.record(ref)
        yield record
        for part in references_of(record):
            yield from self._parts(part)

    def _problem(self, asset: Asset, words: Words) -> Problem:
        """Return why an asset is kept as it was: at its source, or at its record where that is at fault."""
        code, message, advice = words
        library = self._runtime.library
        text = f"{asset.label} stays as it was: {message}"
        before = library.unreplaced(self._earlier[asset.ref])
        is_shader = isinstance(asset, Shader) and isinstance(before, Shader)
        if is_shader and replace(asset, ref=before.ref) == before:
            place, excerpt = _place_in(list(library.sources_of(asset.ref)), message)
            return Problem(code, text, place, excerpt, advice, Severity.WARNING)
        db = library.dbs[asset.ref.db]
        return db.document.problem(code, text, db.node(asset.ref), advice, Severity.WARNING)


def _choices(fresh: Sequence[Asset]) -> Iterator[list[Asset]]:
    """Yield the sets of new parts that may be at fault, the smaller first: of records those come last."""
    shaders = [[part] for part in fresh if part.type is AssetType.SHADER]
    data = [part for part in fresh if part.type in (AssetType.VERTICES, AssetType.INDICES)]
    records = [[part] for part in fresh if part.type in _RECORDS]
    plain = [*shaders, data] if data else shaders
    for several in (plain, [*plain, *records] if records else []):
        for count in range(1, len(several) + 1):
            yield from (list(chain.from_iterable(groups)) for groups in combinations(several, count))


def _failed(runtime: Runtime) -> Iterator[tuple[tuple[int, ...], Words]]:
    """Yield sets of shaders that did not survive a trial, with the reason."""
    for keys, outcome in runtime.trials.failed.items():
        names = ", ".join(runtime.library.record(AssetRef.from_key(key)).label for key in keys)
        yield keys, trial_words(outcome, names)


def _words(problem: Problem) -> Words:
    return problem.code, problem.message, problem.help


def _place_in(paths: Sequence[Path], message: str) -> tuple[Position, str]:
    """Return the place where a source declares the first name of it that a message quotes; an excerpt.

    Where none does, the place is the first source.
    """
    for path in paths:
        shown = display_path(path)
        try:
            lines = read_bytes(path, shown).decode(errors="replace").splitlines()
        except InputError:
            continue  # it has gone since it was compiled
        for name in _QUOTED.findall(message):
            for number, line in enumerate(lines, 1):
                code = line.partition("//")[0]
                if re.search(_DECLARED.format(name), code):
                    at = [found.start() for found in re.finditer(rf"\b{name}\b", code)][-1]
                    column = len(line[:at].replace("\t", " " * TAB_COLUMNS)) + 1
                    return Position(shown, number, column), excerpt_of(line, at)
    return Position(display_path(paths[0])), ""
