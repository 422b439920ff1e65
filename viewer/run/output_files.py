"""The files that a run writes: the picture of its last frame and its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.humon import InputError, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def check_writable(*paths: Path | None) -> None:
    """Raise InputError for paths that are a folder or have none, before any work is done."""
    problems = [
        Problem("output.folder", f"cannot write {path}: {path.parent} is not a folder")
        for path in paths
        if path is not None and not path.parent.is_dir()
    ]
    problems += [
        Problem("output.folder", f"cannot write {path}: it is a folder")
        for path in paths
        if path is not None and path.is_dir()
    ]
    if problems:
        raise InputError(problems)


def save_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write uint8[height, width, 4], sRGB-encoded, as an opaque PNG; raises InputError on failure."""
    from PIL import Image

    try:
        Image.fromarray(pixels[..., :3]).save(path)
    except OSError as problem:
        raise _cannot_write(path, problem) from problem


def save_report(path: Path, report: dict[str, Any]) -> None:
    """Write the facts of the run as JSON; raises InputError on failure."""
    try:
        path.write_text(json.dumps(report, indent=2) + "\n")
    except OSError as problem:
        raise _cannot_write(path, problem) from problem


def _cannot_write(path: Path, problem: OSError) -> InputError:
    return InputError(Problem("output.write", f"cannot write {path}: {problem.strerror or problem}"))
