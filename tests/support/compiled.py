"""Lets the tests of a process share what is cooked slowly: the same input gives the same output.

A compilation takes 0.1 s of CPU, an environment 0.5 s, and most projects of tests have the same shaders and
the same sky. What fails runs again.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest

from engine.assets import importing
from engine.assets.importers import Imported, shader
from engine.assets.importers.environment.environment import import_environment
from engine.assets.tools.tool_process import ToolResult
from engine.assets.tools.tools import Tool

_OUTPUT = "module"
Made = tuple[ToolResult, bytes | None]
_made: dict[tuple[Any, ...], Made] = {}
_run_tool, _replace = shader.run_tool, os.replace  # which tests of failures replace


class _Shared:
    """What the workers of one run share: a file for each output, in the folder of their temporary folders."""

    folder: Path | None = None

    @classmethod
    def _file(cls, folder: Path, key: tuple[Any, ...]) -> Path:
        return folder / sha256(repr(key).encode()).hexdigest()

    @classmethod
    def find(cls, key: tuple[Any, ...]) -> Made | None:
        """Return what another worker has made from the same input."""
        if cls.folder is None:
            return None
        try:
            found: Made = pickle.loads(cls._file(cls.folder, key).read_bytes())
        except FileNotFoundError:
            return None
        return found

    @classmethod
    def keep(cls, key: tuple[Any, ...], made: Made) -> None:
        """Write what was made, whole or not at all."""
        if cls.folder is not None:
            file = cls._file(cls.folder, key)
            written = file.with_suffix(f".{os.getpid()}-{get_ident()}")
            written.write_bytes(pickle.dumps(made))
            _replace(written, file)


def _remembered(tool: Tool, arguments: list[str], folder: Path, **limits: Any) -> ToolResult:
    """Run a tool whose last argument is the file that it reads, unless it has read the same before."""
    key = (tool.identity, *arguments, (folder / arguments[-1]).read_bytes(), *sorted(limits.items()))
    makes = "-o" in arguments
    found = _made.get(key) or _Shared.find(key)
    if found is None:
        result = _run_tool(tool, arguments, folder, **limits)
        if result.status != 0:
            return result
        found = result, (folder / _OUTPUT).read_bytes() if makes else None
        _Shared.keep(key, found)
    elif found[1] is not None:
        (folder / _OUTPUT).write_bytes(found[1])
    _made[key] = found
    return found[0]


_environments: dict[tuple[tuple[bytes, str], ...], Imported] = {}
_MOST_ENVIRONMENTS = 8
"""Environments that are remembered, each of some MB."""


def _same_environment(files: Sequence[tuple[bytes, str]], take: Callable[[int], None]) -> Imported:
    """Import an environment, unless one of the same pictures was imported before."""
    key = tuple(files)
    found = _environments.pop(key, None) or import_environment(files, take)
    _environments[key] = found
    if len(_environments) > _MOST_ENVIRONMENTS:
        del _environments[next(iter(_environments))]
    return found


@pytest.fixture(scope="session", autouse=True)
def compiled(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remember the outputs of compiler and validator for this run, and environments for this process."""
    if hasattr(pytestconfig, "workerinput"):
        _Shared.folder = tmp_path_factory.getbasetemp().parent / "compiled"
        _Shared.folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shader, "run_tool", _remembered)
        patch.setattr(importing, "import_environment", _same_environment)
        yield
