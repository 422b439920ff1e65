"""The files that a command line wants written: none of them may be one that is read, or another of them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.files import identity_of
from engine.humon import InputError, Problem


class Output(NamedTuple):
    """A file to write, and the option that names it."""

    option: str
    path: Path


def check_writable(outputs: Sequence[Output]) -> None:
    """Check files before any work is done.

    Raises InputError `output.folder` for a path that is a folder or has none, `output.twice` for a file that
    several options name.
    """
    problems = [problem for _, path in outputs if (problem := _folder_problem(path)) is not None]
    first: dict[object, Output] = {}
    for output in outputs:
        identity = identity_of(output.path)
        if identity is None:
            continue
        other = first.setdefault(identity, output)
        if other is not output:
            message = f"{other.option} {other.path} and {output.option} {output.path} are the same file"
            problems.append(Problem("output.twice", message, help="give each of them a file of its own"))
    if problems:
        raise InputError(problems)


def check_unread(outputs: Sequence[Output], inputs: Iterable[Path]) -> None:
    """Raise InputError `output.input` for outputs that are the same file as one of `inputs`.

    `inputs` are looked at only where one of `outputs` is there already.
    """
    there = {
        identity: output
        for output in outputs
        if (identity := identity_of(output.path)) is not None and os.path.exists(output.path)
    }
    if not there:
        return
    found = {there[same]: path for path in inputs if (same := identity_of(path)) in there}
    if found:
        raise InputError([_replaces(output, path) for output, path in found.items()])


def _replaces(output: Output, path: Path) -> Problem:
    message = f"{output.option} {output.path} would replace {path}, which is read"
    return Problem("output.input", message, help=f"give {output.option} another file")


def _folder_problem(path: Path) -> Problem | None:
    if os.path.isdir(path):
        return Problem("output.folder", f"cannot write {path}: it is a folder", help="name a file in it")
    if os.path.isdir(path.parent):
        return None
    if os.path.lexists(path.parent):
        return Problem(
            "output.folder",
            f"cannot write {path}: {path.parent} is not a folder",
            help="name a file in a folder that is there",
        )
    message = f"cannot write {path}: there is no folder {path.parent}"
    return Problem(
        "output.folder", message, help=f"create it first: mkdir -p {shlex.quote(str(path.parent))}"
    )
