"""Writes the files that a user asked for, with a problem that says why where one cannot be written."""

from __future__ import annotations

from pathlib import Path

from engine.files import reason_of, write_whole
from engine.humon.problem import InputError, Problem


def write_atomically(path: Path, content: str | bytes, *, follow: bool = True) -> None:
    """Write a file whole or not at all, as `engine.files.whole_file` does with `follow`; text as UTF-8.

    Bytes of a file name that are not UTF-8 are written as escapes. Raises InputError `output.write`.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        write_whole(path, data, follow=follow)
    except (OSError, ValueError) as error:
        raise InputError(
            Problem(
                "output.write", f"cannot write {path}: {reason_of(error)}", help="free or choose another path"
            )
        ) from error
