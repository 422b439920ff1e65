"""Scene scripts: a Python file with `run(scene)`, run on an open scene, in a window or headless."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

from engine.files import read_regular, reason_of, text_of
from engine.humon import InputError, Position, Problem
from engine.testing.scripts.assert_rewriting import compile_script

if TYPE_CHECKING:
    from engine.testing.scene.scene import OpenedScene

MAX_SCRIPT_BYTES = 16 << 20
"""Size of the largest script, in bytes."""

Run: TypeAlias = "Callable[[OpenedScene], object]"


class ScriptFailed(Exception):
    """A script raised; the text begins with the line in the script and ends with the full traceback."""

    exit_code = 1
    """That of a command that ran the script."""


class ScriptExited(ScriptFailed):
    """A script ended itself, as by `sys.exit`, with another exit code than 0."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class ScriptStopped(BaseException):
    """The window was closed, Ctrl-C pressed, or the device lost for good (then the cause) during a script.

    Not an error of the script, and a BaseException so that it does not catch it by accident.
    """


def load_script(path: Path) -> Run:
    """Read a script and return its `run`.

    Raises InputError if the file cannot be read (`script.missing`), is not valid Python (`script.syntax`) or
    has no function `run` (`script.run`), ScriptFailed if it raises while it is loaded, or exits as
    `call_script` has it. One that exits with 0 does nothing more.
    """
    try:
        source = read_regular(path, MAX_SCRIPT_BYTES)
    except (OSError, ValueError) as error:
        message = f"cannot read the script {path}: {reason_of(error)}"
        raise InputError(Problem("script.missing", message, help="name a script in Python")) from error
    module = ModuleType("__scene_script__")
    module.__file__ = str(path)
    try:
        code = compile_script(source, str(path))
    except (SyntaxError, ValueError) as error:
        raise InputError(_syntax(path, error)) from None
    if not _guarded(path, lambda: exec(code, vars(module))):
        return lambda scene: None
    run: Run | None = vars(module).get("run")
    if not callable(run):
        raise InputError(
            Problem(
                "script.run",
                "the script has no function run",
                Position(str(path)),
                help="write `def run(scene): ...`; it is called with the open scene",
            )
        )
    return run


def run_script(path: Path, scene: OpenedScene) -> None:
    """Run a script on a scene. Raises InputError as `load_script` does, and as `call_script` does."""
    call_script(path, load_script(path), scene)


def call_script(path: Path, run: Run, scene: OpenedScene) -> None:
    """Call the `run` of a loaded script; `sys.exit` ends it as its end does.

    Raises ScriptFailed if it raises, ScriptExited if it exits with another code than 0.
    """
    _guarded(path, lambda: run(scene))


def _guarded(path: Path, call: Callable[[], object]) -> bool:
    """Call into a script; return whether it came to its end, else it has exited with 0."""
    try:
        call()
    except (ScriptStopped, KeyboardInterrupt):
        raise
    except SystemExit as exited:
        if _exit_code(exited):
            raise ScriptExited(_exit_text(path, exited), _exit_code(exited)) from exited
        return False
    except BaseException as error:
        raise ScriptFailed(failure_text(path, error)) from error
    return True


def _exit_code(exited: SystemExit) -> int:
    """Return the exit code of a process that is left so: a text is an error, and one byte is kept.

    A number whose last byte is 0 is an error, too.
    """
    if exited.code is None or isinstance(exited.code, int):
        return (exited.code or 0) & 0xFF or int(bool(exited.code))
    return 1


def _exit_text(path: Path, exited: SystemExit) -> str:
    own = [frame for frame in traceback.extract_tb(exited.__traceback__) if frame.filename == str(path)]
    said = f"the script ended with exit code {exited.code}" if isinstance(exited.code, int) else exited.code
    return (
        f"{path}:{own[-1].lineno}: error[script.exit]: {said}"
        if own
        else f"{path}: error[script.exit]: {said}"
    )


def failure_text(path: Path, error: BaseException) -> str:
    """Return the innermost line of the script, the error it raised, and the traceback from the script on."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(path)]
    lines = []
    if own:
        lines.append(f"{path}:{own[-1].lineno}: error[script.raised]: {_summary(error)}")
        lines.append(f"    {own[-1].line}")
    else:
        lines.append(f"{path}: error[script.raised]: {_summary(error)}")
    below = frames[frames.index(own[0]) :] if own else frames
    if len(below) > 1:
        lines.append("traceback:")
        lines += [f"    {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}" for frame in below]
    return "\n".join(lines)


def _summary(error: BaseException) -> str:
    """The type and text of an error; the text alone of an InputError."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else text_of(error)
    name = type(error).__name__
    if isinstance(error, InputError):
        return text
    return f"{name}: {text}" if text else name


_PYTHON = "correct it; `python -m py_compile` says the same"


def _syntax(path: Path, error: SyntaxError | ValueError) -> Problem:
    if isinstance(error, SyntaxError):
        position = Position(str(path), error.lineno or 0, error.offset or 0)
        line = (error.text or "").strip()
        return Problem(
            "script.syntax", f"the script is not valid Python: {error.msg}", position, line, _PYTHON
        )
    return Problem(
        "script.syntax", f"the script is not valid Python: {error}", Position(str(path)), "", _PYTHON
    )
