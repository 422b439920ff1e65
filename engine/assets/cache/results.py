"""The results of recipes: what goes into a cache for an asset that was made, or that could not be made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.assets.cache.cache import Entry, SourceStamp
from engine.assets.cache.facts import facts_to_json
from engine.assets.cache.kept_results import Bytes
from engine.assets.codes import AssetCode
from engine.assets.files import FileGate, FileRejectedError
from engine.assets.importers import Imported
from engine.assets.importers.shader import NO_COMPILER
from engine.assets.problems import problem_to_json
from engine.assets.recipes import Recipe
from engine.assets.roots import display_path
from engine.humon import Code, Position, Problem

_RETRYABLE = frozenset(
    {
        NO_COMPILER,
        Code.FILE_MISSING,
        Code.FILE_UNREADABLE,
        AssetCode.FILE_CASE,
        AssetCode.TEXTURE_MEMORY,
        AssetCode.TEXTURE_PACKAGE,
        AssetCode.TEXTURE_TIME,
    }
)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a recipe: its cache entry, without an offset yet, and its bytes, none for a failure.

    `pieces` are its bytes once they are kept, in parts. `retryable` marks a failure that may end without a
    change of the source: it is tried again every time.
    """

    entry: Entry
    data: Bytes = b""
    retryable: bool = False
    pieces: Iterable[Bytes] = ()


def made(
    recipe: Recipe, imported: Imported, gate: FileGate, stamps: tuple[SourceStamp, ...], tool: str = ""
) -> Result:
    """Return the result of an import."""
    entry = Entry(
        identity=recipe.identity,
        tool=tool,
        sources=stamps,
        facts=facts_to_json(imported.facts),
        warnings=tuple(problem_to_json(problem, gate.root) for problem in imported.warnings),
    )
    return Result(entry, imported.data)


def rejected(recipe: Recipe, error: FileRejectedError, gate: FileGate, tool: str = "") -> Result:
    """Return the result for a source that cannot be read."""
    return failed(recipe, (unreadable(recipe.source, error),), gate, (), tool)


def unreadable(path: str | Path, error: FileRejectedError) -> Problem:
    """Return the problem of a file that cannot be read."""
    return Problem(error.code, error.reason, Position(display_path(Path(path))), help=error.help)


def failed(
    recipe: Recipe,
    problems: Sequence[Problem],
    gate: FileGate,
    stamps: tuple[SourceStamp, ...],
    tool: str = "",
) -> Result:
    """Return the result for a source with errors, which is not tried again until the source changes.

    `stamps` of files that could not be read are kept, and it is tried again every time.
    """
    is_unread = any(not stamp.digest for stamp in stamps)
    retryable = not stamps or is_unread or any(problem.code in _RETRYABLE for problem in problems)
    rows = tuple(problem_to_json(problem, gate.root) for problem in problems)
    kept = stamps if is_unread or not retryable else ()
    return Result(Entry(recipe.identity, tool, kept, failure=rows), retryable=retryable)
