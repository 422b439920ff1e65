"""Finds what an update brings and cannot be drawn with, where its earlier version can: that one is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_QUOTED = re.compile(r"'(\w+)'")
_AT_FAULT = ((AssetType.SHADER,), (AssetType.MATERIAL,), (AssetType.VERTICES, AssetType.INDICES))
"""What is refused of an asset that is not drawn as it is: the first of these of which something is new."""


def find_refusals(
    runtime: Runtime,
    assets: Iterable[tuple[str, int, int]],
    shaders: Mapping[tuple[AssetRef, ...], Sequence[Problem]],
    earlier: Mapping[int, int],
) -> dict[AssetRef, Problem]:
    """Return what is refused, and why.

    `assets` are those that may not be drawn as they are, by feature type, key before and key now; `shaders`
    those of passes, with the reasons, if these are known. `earlier` are the keys of all that has changed, now
    and before.
    """
    library, planner = runtime.library, runtime.planner
    failed = {frozenset(keys): words for keys, words in _failed(runtime)}
    found: dict[AssetRef, Problem] = {}
    for type_name, before, now in assets:
        if not planner.is_drawn(type_name, before):
            continue
        parts = list(_parts(runtime, AssetRef.from_key(now)))
        keys = {part.ref.key for part in parts}
        reasons = [(one.code, one.message, one.help) for one in planner.unfit(type_name, now)]
        reasons += [words for of, words in failed.items() if of <= keys]
        fresh = [part for part in parts if part.ref.key in earlier]
        kinds = next((kinds for kinds in _AT_FAULT if any(part.type in kinds for part in fresh)), ())
        for part in fresh:
            if reasons and part.type in kinds:
                found.setdefault(part.ref, _problem(runtime, part, *reasons[0]))
    for refs, problems in shaders.items():
        reasons = [(one.code, one.message, one.help) for one in problems]
        reasons += [words for of, words in failed.items() if of == {ref.key for ref in refs}]
        for ref in refs:
            if reasons and ref.key in earlier:
                found.setdefault(ref, _problem(runtime, library.record(ref), *reasons[0]))
    return found


def _failed(runtime: Runtime) -> Iterator[tuple[tuple[int, ...], tuple[str, str, str]]]:
    """Yield sets of shaders that did not survive a trial, with code, message and advice."""
    for keys, outcome in runtime.trials.failed.items():
        names = ", ".join(runtime.library.record(AssetRef.from_key(key)).label for key in keys)
        yield keys, trial_words(outcome, names)


def _parts(runtime: Runtime, ref: AssetRef) -> Iterator[Asset]:
    """Yield the records of an asset and of all that it is made of."""
    record = runtime.library.record(ref)
    yield record
    for part in references_of(record):
        yield from _parts(runtime, part)


def _problem(runtime: Runtime, asset: Asset, code: str, message: str, advice: str) -> Problem:
    """Return why an asset is kept as it was, at its source, or at its record where that has none."""
    text = f"{asset.label} stays as it was: {message}"
    if isinstance(asset, Shader):
        place, excerpt = _place_in(list(runtime.library.sources_of(asset.ref)), message)
        return Problem(code, text, place, excerpt, advice, Severity.WARNING)
    db = runtime.library.dbs[asset.ref.db]
    return db.document.problem(code, text, db.node(asset.ref), advice, Severity.WARNING)


def _place_in(paths: Sequence[Path], message: str) -> tuple[Position, str]:
    """Return the place of the first name that a message quotes, in the first source that has it; an excerpt.

    Where none has it, the place is the first source.
    """
    for path in paths:
        shown = display_path(path)
        try:
            lines = read_bytes(path, shown).decode(errors="replace").splitlines()
        except InputError:
            continue  # it has gone since it was compiled
        for name in _QUOTED.findall(message):
            for number, line in enumerate(lines, 1):
                word = re.search(rf"\b{name}\b", line.partition("//")[0])
                if word is not None:
                    column = len(line[: word.start()].replace("\t", " " * TAB_COLUMNS)) + 1
                    return Position(shown, number, column), excerpt_of(line, word.start())
    return Position(display_path(paths[0])), ""
