"""A source text to be shown: read once, read again when its file has changed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from engine.files.opening import read_regular, reason_of

MAX_BYTES = 16 << 20
"""Longer files are not shown; editors open them."""


class SourceText:
    """The lines of a file. Those of one that cannot be read are empty, and `problem` says why."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[str] = []
        self.problem = ""
        self._stamp: tuple[int, int] | None = None
        self.refresh()

    def refresh(self) -> bool:
        """Read the file again if it has changed; return whether it had."""
        try:
            status = os.stat(self.path)
            stamp = status.st_mtime_ns, status.st_size
            if stamp == self._stamp:
                return False
            text = read_regular(self.path, MAX_BYTES).decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            changed = bool(self.lines) or not self.problem
            self.lines, self._stamp = [], None
            self.problem = f"{self.path} cannot be read: {reason_of(error)}"
            return changed
        self._stamp, self.problem = stamp, ""
        self.lines = text.expandtabs(4).splitlines()
        return True


def editor_command(path: Path, line: int, environment: Mapping[str, str]) -> list[str] | None:
    """Return the command that opens a file at a line in the user's editor; None where there is none.

    $VISUAL is asked first, then $EDITOR, then the system's opener of files, which knows no lines.
    """
    for name in ("VISUAL", "EDITOR"):
        words = shlex.split(environment.get(name, ""))
        if not words:
            continue
        editor = Path(words[0]).stem.lower()
        if editor in ("code", "codium", "code-insiders", "cursor"):
            return [*words, "--goto", f"{path}:{line}"]
        if editor in ("subl", "zed", "hx", "helix", "micro"):
            return [*words, f"{path}:{line}"]
        if editor in ("notepad", "open"):
            return [*words, str(path)]
        return [*words, f"+{line}", str(path)]
    opener = shutil.which("xdg-open") or shutil.which("open")
    return [opener, str(path)] if opener else None


def open_editor(path: Path, line: int, environment: Mapping[str, str] = os.environ) -> str:
    """Start the user's editor beside the viewer; return why that failed, empty if it did not."""
    try:
        command = editor_command(path, line, environment)
    except ValueError as error:
        return f"$VISUAL or $EDITOR is no command line: {error}"
    if command is None:
        return "no editor is known: set $VISUAL or $EDITOR"
    try:
        editor = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return f"{command[0]} cannot be started: {reason_of(error)}"
    threading.Thread(target=editor.wait, name="editor", daemon=True).start()  # it is gone when it has ended
    return ""
