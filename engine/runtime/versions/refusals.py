"""Finds what an update brings and cannot be drawn with, where its earlier version can: that one is kept."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets import AssetRef
from engine.assets.records import Asset, AssetType, Shader
from engine.assets.roots import display_path
from engine.assets.updating.references import references_of
from engine.humon import InputError, Position, Problem, Severity, excerpt_of
from engine.humon.files import read_bytes
from engine.humon.problem import TAB_COLUMNS, SharedProblem
from engine.runtime.problems import trial_words

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

_DECLARED = r"\b(?:in|out|uniform|buffer|const)\b.*\b{0}\b|^\s*\w+\s+{0}\s*(?:\[\w*\]\s*)?;"
"""A line that declares a name: a variable, a block, or a member of one."""
_NAME = re.compile(r"\w+")
_DATA = (AssetType.VERTICES, AssetType.INDICES)
_RECORDS = (AssetType.MATERIAL, AssetType.MESH, AssetType.MODEL)
"""What is refused last: each names others, and all of these are as they were with it."""


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why something is refused; `names` are what its source declares that this is about."""

    code: str
    message: str
    help: str
    names: tuple[str, ...] = ()

    @staticmethod
    def of(problem: Problem) -> _Reason:
        """Return what a problem says."""
        names = problem.names if isinstance(problem, SharedProblem) else ()
        return _Reason(problem.code, problem.message, problem.help, names)


class Refusals:
    """What is refused of one update, by asset, with the reason (`found`).

    `earlier` are the keys of all that has changed, now and before. Where an asset does not fit, as little of
    it as possible is refused: the fewest of its new parts with earlier versions of which it fits.
    """

    def __init__(self, runtime: Runtime, earlier: Mapping[int, int]) -> None:
        self._runtime = runtime
        self._earlier = {AssetRef.from_key(now): AssetRef.from_key(old) for now, old in earlier.items()}
        self._failed = {frozenset(keys): reason for keys, reason in _failed(runtime)}
        self._restored: dict[AssetRef, AssetRef] = {}
        self.found: dict[AssetRef, Problem] = {}

    def find(
        self,
        assets: Iterable[tuple[str, int, int]],
        shaders: Mapping[tuple[AssetRef, ...], Sequence[Problem]],
    ) -> Iterator[None]:
        """Find what is at fault, step by step: one for each asset, which takes less than a millisecond.

        `assets`, by feature type, key before and key now, may not be drawn. `shaders` of passes cannot be run
        by these, with the reasons, if they are known.
        """
        for type_name, before, now in assets:
            if self._runtime.planner.is_drawn(type_name, before):
                self._add_asset(type_name, now)
            yield
        for refs, problems in shaders.items():
            reasons = list(map(_Reason.of, problems))
            reasons += [why for of, why in self._failed.items() if of == {ref.key for ref in refs}]
            if reasons:
                fresh = [self._runtime.library.record(ref) for ref in refs if ref in self._earlier]
                self._refuse(fresh, reasons[0])
            yield

    def _add_asset(self, type_name: str, key: int) -> None:
        ref = AssetRef.from_key(key)
        fresh = {part.ref: part for part in self._parts(ref) if part.ref in self._earlier}
        problems = self._runtime.planner.unfit(type_name, key)
        if problems:
            self._add_misfit(type_name, key, list(fresh.values()), problems[0])
        else:
            self._add_failed(ref, list(fresh.values()))

    def _add_misfit(self, type_name: str, key: int, fresh: Sequence[Asset], why: Problem) -> None:
        def fault(parts: Iterable[Asset]) -> Problem | None:
            """Why the asset does not fit with earlier versions of these parts, and of what is refused."""
            restored = {part.ref: self._earlier[part.ref] for part in parts}
            both = ChainMap(restored, self._restored)
            return next(self._runtime.planner.faults_with(type_name, key, both), None)

        if self._restored and fault(()) is None:
            return
        for groups in chain(_choices(fresh), [[list(fresh)]]):  # all of it where it names others than it did
            is_all = len(groups) == 1 and len(groups[0]) == len(fresh)
            if is_all or fault(chain(*groups)) is None:
                reasons = [fault(chain(*(one for one in groups if one is not group))) for group in groups]
                for group, reason in zip(groups, reasons, strict=True):
                    self._refuse(group, _Reason.of(reason or why))
                return

    def _add_failed(self, ref: AssetRef, fresh: Sequence[Asset]) -> None:
        """Refuse what did not survive a trial: shaders where some are new, else what it draws."""
        keys = {part.ref.key for part in self._parts(ref)}
        known = {ref.key for ref in self.found}
        for of, reason in self._failed.items():
            if of <= keys and of.isdisjoint(known):
                shaders = [part for part in fresh if part.ref.key in of]
                data = [part for part in fresh if part.type in _DATA]
                self._refuse(shaders or data or fresh, reason)

    def _refuse(self, parts: Iterable[Asset], reason: _Reason) -> None:
        parts = list(parts)
        vertices = next((part for part in parts if part.type is AssetType.VERTICES), None)
        for part in parts:
            at = vertices if part.type is AssetType.INDICES and vertices is not None else part
            if part.ref not in self.found:
                self.found[part.ref] = self._problem(at, reason)
                self._restored[part.ref] = self._earlier[part.ref]

    def _parts(self, ref: AssetRef) -> Iterator[Asset]:
        """Yield the records of an asset and of all that it is made of."""
        record = self._runtime.library.record(ref)
        yield record
        for part in references_of(record):
            yield from self._parts(part)

    def _problem(self, asset: Asset, reason: _Reason) -> Problem:
        """Return why an asset is kept as it was: at its source, or at its record where that is at fault."""
        library = self._runtime.library
        text = f"{asset.label} stays as it was: {reason.message}"
        before = library.unreplaced(self._earlier[asset.ref])
        is_shader = isinstance(asset, Shader) and isinstance(before, Shader)
        if is_shader and replace(asset, ref=before.ref) == before:
            place, excerpt = _place_in(list(library.sources_of(asset.ref)), reason.names)
            return Problem(reason.code, text, place, excerpt, reason.help, Severity.WARNING)
        db = library.dbs[asset.ref.db]
        return db.document.problem(reason.code, text, db.node(asset.ref), reason.help, Severity.WARNING)


def _choices(fresh: Sequence[Asset]) -> Iterator[list[list[Asset]]]:
    """Yield the groups of new parts that may be at fault, the fewest first: of records those come last.

    Vertices and indices are one group.
    """
    shaders = [[part] for part in fresh if part.type is AssetType.SHADER]
    data = [part for part in fresh if part.type in _DATA]
    records = [[part] for part in fresh if part.type in _RECORDS]
    plain = [*shaders, data] if data else shaders
    for several in (plain, [*plain, *records] if records else []):
        for count in range(1, len(several) + 1):
            yield from map(list, combinations(several, count))


def _failed(runtime: Runtime) -> Iterator[tuple[tuple[int, ...], _Reason]]:
    """Yield sets of shaders that did not survive a trial, with the reason."""
    for keys, outcome in runtime.trials.failed.items():
        names = ", ".join(runtime.library.record(AssetRef.from_key(key)).label for key in keys)
        yield keys, _Reason(*trial_words(outcome, names))


def _place_in(paths: Sequence[Path], names: Iterable[str]) -> tuple[Position, str]:
    """Return the place where a source declares the first of some names that is there, and an excerpt.

    Where none does, the place is the first source.
    """
    lines_of: dict[str, list[str]] = {}
    for path in paths:
        shown = display_path(path)
        try:
            lines_of[shown] = read_bytes(path, shown).decode(errors="replace").splitlines()
        except InputError:
            continue  # it has gone since it was compiled
    for name in filter(_NAME.fullmatch, names):
        declares = re.compile(_DECLARED.format(name))
        for shown, lines in lines_of.items():
            for number, line in enumerate(lines, 1):
                code = line.partition("//")[0]
                if declares.search(code):
                    at = [found.start() for found in re.finditer(rf"\b{name}\b", code)][-1]
                    column = len(line[:at].replace("\t", " " * TAB_COLUMNS)) + 1
                    return Position(shown, number, column), excerpt_of(line, at)
    return Position(display_path(paths[0])), ""
