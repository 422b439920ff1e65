"""Problems as plain values, so that a cache can store why a source could not be imported."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.assets.cache.stored_values import MAX_TEXT
from engine.assets.files import located, relative_name
from engine.assets.importers.models.model_files import is_model
from engine.assets.roots import display_path
from engine.humon import Position, Problem, Severity

AS_A_SCENE = " (as a scene)"
"""What the name of the text around a model ends with, after that of its file."""

_LACKING = re.compile(r"the file has 0 (\w+)")
"""Says of a model that there is no element of an array, because there is none at all."""


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


def listed_once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems, each once, and of those with one cause in a model the one that says most.

    That is one that repeats another with what is broken by it, and one of all that name an array which is not
    there.
    """
    found = list(dict.fromkeys(problems))
    of_models: dict[str, list[Problem]] = {}
    for problem in found:
        file = "" if problem.position is None else problem.position.file.removesuffix(AS_A_SCENE)
        if is_model(Path(file)):
            of_models.setdefault(file, []).append(problem)
    dropped: set[Problem] = set()
    for alike in of_models.values():
        dropped |= {one for one in alike if any(_repeats(other, one) for other in alike)}
        lacking: dict[str, list[Problem]] = {}
        for one in alike:
            if one not in dropped and (lacks := _LACKING.search(one.message)):
                lacking.setdefault(lacks[1], []).append(one)
        for group in lacking.values():
            said = next((one for one in group if "broken" in one.message), group[0])
            dropped |= {one for one in group if one is not said}
    return tuple(problem for problem in found if problem not in dropped)


def _repeats(problem: Problem, other: Problem) -> bool:
    return other.message in problem.message and other.message != problem.message


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
