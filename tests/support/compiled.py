"""Lets the tests of a process share what is cooked slowly: the same input gives the same output.

A compilation takes 0.1 s of CPU, an environment 0.5 s, and most projects of tests have the same shaders and
the same sky. What fails runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.assets import importing
from engine.assets.importers import Imported, shader
from engine.assets.importers.environment.environment import import_environment
from engine.assets.tools.tool_process import ToolResult
from engine.assets.tools.tools import Tool

_OUTPUT = "module"
_made: dict[tuple[Any, ...], tuple[ToolResult, bytes | None]] = {}
_run_tool = shader.run_tool


def _remembered(tool: Tool, arguments: list[str], folder: Path, **limits: Any) -> ToolResult:
    """Run a tool whose last argument is the file that it reads, unless it has read the same before."""
    key = (tool.identity, *arguments, (folder / arguments[-1]).read_bytes(), *sorted(limits.items()))
    makes = "-o" in arguments
    found = _made.get(key)
    if found is None:
        result = _run_tool(tool, arguments, folder, **limits)
        if result.status != 0:
            return result
        found = _made[key] = (result, (folder / _OUTPUT).read_bytes() if makes else None)
    elif found[1] is not None:
        (folder / _OUTPUT).write_bytes(found[1])
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
def compiled() -> Iterator[None]:
    """Remember the outputs of compiler and validator, and environments, for this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shader, "run_tool", _remembered)
        patch.setattr(importing, "import_environment", _same_environment)
        yield
