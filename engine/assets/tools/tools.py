"""Finds the shader tools: on PATH, beside the interpreter, or in their Python packages."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER_MARK = b"cmeel_run"
_PACKAGE = "cmeel"


@dataclass(frozen=True, slots=True)
class Tool:
    """A program: its path and the folder of the libraries it needs, if any."""

    path: str
    library_folder: str = ""

    @property
    def identity(self) -> str:
        """Name, size and mtime, which change with the program."""
        info = os.stat(self.path)
        return f"{os.path.basename(self.path)} {info.st_size} {info.st_mtime_ns}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables to run it with."""
        environment = dict(os.environ)
        if self.library_folder:
            name = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
            others = environment.get(name)
            environment[name] = os.pathsep.join([self.library_folder, *([others] if others else [])])
        return environment


def find_compiler() -> Tool | None:
    """Return the GLSL compiler, or None."""
    return find_tool("glslangValidator") or find_tool("glslang")


def find_validator() -> Tool | None:
    """Return the SPIR-V validator, or None."""
    return find_tool("spirv-val")


def find_tool(name: str) -> Tool | None:
    """Return the program `name`, or None if it is not installed."""
    where = (name, os.environ.get("PATH"), sys.executable, *sys.path)
    tool = _found.get(where)
    if tool is None or not os.access(tool.path, os.X_OK):
        tool = _found[where] = _search(name)
    return tool


_found: dict[tuple[str | None, ...], Tool | None] = {}
"""Tools by their names and the folders that were searched: there are many, and scenes are opened often."""


def _search(name: str) -> Tool | None:
    beside = os.path.dirname(sys.executable)
    found = shutil.which(name) or shutil.which(name, path=beside)
    if found and not _is_launcher(found):
        return Tool(found)
    # a package's launcher script starts an interpreter to run the program, which takes 50 ms each time
    for folder in sys.path:
        prefix = Path(folder or ".", f"{_PACKAGE}.prefix")
        program = shutil.which(name, path=str(prefix / "bin"))
        if program:
            return Tool(program, str(prefix / "lib"))
    return Tool(found) if found else None


def _is_launcher(program: str) -> bool:
    try:
        with open(program, "rb") as file:
            return _LAUNCHER_MARK in file.read(400)
    except OSError:
        return False
