"""Problems as plain values, so that a cache can store why a source could not be imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.assets.cache.stored_values import MAX_TEXT
from engine.assets.files import located, relative_name
from engine.assets.roots import display_path
from engine.humon import Position, Problem, Severity


def problem_to_json(problem: Problem, root: Path) -> dict[str, Any]:
    """Return the problem as plain values for `json`, with its file relative to the project root."""
    place = problem.position
    position = None
    if place is not None:
        file = relative_name(os.path.abspath(place.file), root)
        position = [_storable(file), place.line, place.column]
    return {
        "code": str(problem.code),
        "message": _storable(problem.message),
        "position": position,
        "excerpt": _storable(problem.excerpt),
        "help": _storable(problem.help),
    }


def _storable(text: str) -> str:
    """Return a text of limited length, without NUL and lone surrogates, which a cache may hold."""
    text = text[: MAX_TEXT // 8].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def problem_from_json(data: Mapping[str, Any], root: Path) -> Problem:
    """Return the problem of plain values, as a warning, since a broken asset has a placeholder."""
    position = None
    if data["position"] is not None:
        file, line, column = data["position"]
        position = Position(display_path(Path(located(file, root))), line, column)
    return Problem(data["code"], data["message"], position, data["excerpt"], data["help"], Severity.WARNING)
