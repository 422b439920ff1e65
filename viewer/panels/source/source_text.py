"""A source text to be shown: read once, read again when its file has changed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
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


ENDS_S = 4.0
"""Editors that end with an error within so many seconds could not be used; vim without a terminal takes 2."""
NEEDS_TERMINAL = (
    "An editor of a terminal needs one: set $VISUAL to `xterm -e vim`, for example, "
    "or to an editor with a window"
)


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


class Editor:
    """The user's editor, started beside the viewer; `problem` says why it could not be, or ended at once."""

    def __init__(self, path: Path, line: int, environment: Mapping[str, str] = os.environ) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._started = time.monotonic()
        self._name = ""
        self._problem = self._start(path, line, environment)

    @property
    def problem(self) -> str:
        """Why nothing is edited, as far as is known now; empty if it is, or if the editor ended well.

        An editor that ends with an error within ENDS_S has not been used: most likely it needs a terminal.
        """
        if self._process is not None:
            code = self._process.poll()
            is_early = time.monotonic() - self._started <= ENDS_S
            if code and is_early:
                ended = f"ended with code {code}" if code > 0 else f"was ended by signal {-code}"
                self._problem = f"{self._name} {ended} as soon as it was started. {NEEDS_TERMINAL}"
            if code is not None or not is_early:
                self._process = None
        return self._problem

    @property
    def is_watched(self) -> bool:
        """Whether it may still turn out that it ended at once."""
        return self._process is not None

    def _start(self, path: Path, line: int, environment: Mapping[str, str]) -> str:
        try:
            command = editor_command(path, line, environment)
        except ValueError as error:
            return f"$VISUAL or $EDITOR is no command line: {error}"
        if command is None:
            return "no editor is known: set $VISUAL or $EDITOR"
        self._name = command[0]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            return f"{command[0]} cannot be started: {reason_of(error)}"
        # it is gone when it has ended
        threading.Thread(target=self._process.wait, name="editor", daemon=True).start()
        return ""
