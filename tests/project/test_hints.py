"""Every problem that the source makes has a hint: what to write or to do instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sources import PROBLEM_MAKERS, Source, modules_below, parsed, source_of

MAKERS = dict(zip(PROBLEM_MAKERS, (3, 3, 4, 4), strict=True))
"""How many arguments are before the hint, by the name of what makes a problem; a `Problem` has an excerpt."""
BY_DEFAULT = ("engine/gltf/", "engine/obj/", "engine/scene/models/gltf_", "engine/assets/importers/models/")
"""Problems of model files have a hint without one of their own (`engine.gltf.document` and `obj.text`)."""
EXCEPTIONS: dict[str, str] = {
    "engine/assets/problems.py": "makes again what another one has made",
    "viewer/run/device_recovery.py": "reports the loss of a device, which is no input",
}


def without_hint(name: str, source: Source) -> Iterator[str]:
    """Yield the calls in a module that make a problem without a hint, with their lines."""
    for call in source.problems:
        before = MAKERS[call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")]
        if len(call.args) < 2 or any(isinstance(one, ast.Starred) for one in call.args):
            continue
        given = [one.value for one in call.keywords if one.arg in ("help", "help_text", None)]
        given += call.args[before:]
        if not given or all(isinstance(one, ast.Constant) and not one.value for one in given):
            yield f"{name}:{call.lineno}: {ast.unparse(call)}"


@pytest.mark.parametrize(
    ("call", "is_found"),
    [
        ("failure(code, message, node)", True),
        ("failure(code, message, node, '')", True),
        ("failure(code, message, node, hint)", False),
        ("document.problem(code, message, node, severity=Severity.WARNING)", True),
        ("Problem(code, message, place)", True),
        ("Problem(code, message, place, help=hint)", False),
        ("InputError(*found)", False),
    ],
)
def test_a_problem_without_a_hint_is_found(call: str, is_found: bool) -> None:
    assert bool(list(without_hint("engine/x.py", parsed(call)))) == is_found


def test_every_problem_has_a_hint(root: Path) -> None:
    files = modules_below(root, "engine", "features", "viewer")
    names = [(path, path.relative_to(root).as_posix()) for path in files]
    found = [
        row
        for path, name in names
        if name not in EXCEPTIONS and not name.startswith(BY_DEFAULT)
        for row in without_hint(name, source_of(path))
    ]
    assert not found, "\n".join(found)
