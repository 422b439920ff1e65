"""A compiler of GLSL that is kept from one save to the next: the program takes 60 ms to start each time.

It is glslang's library in a process of ours, which is believed once it has made the same module of a text as
the program. What it does not compile, the program does, whose errors are reported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path

from engine.assets.formats import ShaderStage
from engine.assets.limits import COMPILE_BYTES, COMPILE_SECONDS
from engine.assets.tools import compile_worker
from engine.assets.tools.tools import Tool

KEEP_S = 120.0
"""How long the process is kept after a save."""

_WORKER = Path(compile_worker.__file__)
_LIBRARY = ("SPIRV", "glslang", "glslang-default-resource-limits")
_STAGES = {ShaderStage.VERTEX: 0, ShaderStage.FRAGMENT: 4, ShaderStage.COMPUTE: 5}


class KeptCompiler:
    """At most one process, for one text at a time. Any thread may call it; close it in the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._used = 0.0
        self._is_equal: bool | None = None
        """Whether it makes what the program makes; None before it was seen to."""

    def use(self) -> None:
        """Let this thread compile with it."""
        _kept.set(self)

    def compile(self, tool: Tool, text: str, stage: ShaderStage) -> bytes:
        """Return the module of a text with the entry point `main`, nothing where the program is asked."""
        with self._lock:
            return self._ask(tool, text, stage) if self._is_equal else b""

    def compare(self, tool: Tool, text: str, stage: ShaderStage, module: bytes) -> None:
        """Learn from what the program has made of a text whether it can take its place."""
        with self._lock:
            if self._is_equal is None and stage in _STAGES:
                self._is_equal = self._ask(tool, text, stage) == module

    def rest(self) -> None:
        """End the process if nothing was compiled for KEEP_S; the next text starts another."""
        with self._lock:
            if time.monotonic() - self._used > KEEP_S:
                self._end()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, tool: Tool, text: str, stage: ShaderStage) -> bytes:
        """Return what the process makes of a text, nothing where that fails."""
        number, files = _STAGES.get(stage), library_of(tool)
        if number is None or not files:
            return b""
        self._used = time.monotonic()
        child = self._child = self._child or _start(files)
        assert child.stdin is not None
        assert child.stdout is not None
        watch = threading.Timer(COMPILE_SECONDS, child.kill)
        watch.daemon = True
        watch.start()
        try:
            content = text.encode()
            child.stdin.write(compile_worker.REQUEST.pack(number, len(content)) + content)
            child.stdin.flush()
            head = child.stdout.read(compile_worker.ANSWER.size)
            if len(head) == compile_worker.ANSWER.size:
                (size,) = compile_worker.ANSWER.unpack(head)
                module = child.stdout.read(size)
                if len(module) == size:
                    return module
        except OSError:  # it has ended
            pass
        finally:
            watch.cancel()
        self._end()
        return b""

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    with suppress(OSError):  # what was not flushed has nowhere to go
                        stream.close()
            child.wait()


_kept: ContextVar[KeptCompiler | None] = ContextVar("kept_compiler", default=None)


def kept_compiler() -> KeptCompiler | None:
    """Return the compiler that this thread uses, None for the program alone."""
    return _kept.get()


def library_of(tool: Tool) -> tuple[str, ...]:
    """Return the files of the library beside the program, nothing where it is not installed with it."""
    folder = tool.library_folder or str(Path(os.path.realpath(tool.path)).parents[1] / "lib")
    files = tuple(os.path.join(folder, f"lib{name}.so") for name in _LIBRARY)
    return files if all(map(os.path.exists, files)) else ()


def _start(files: tuple[str, ...]) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-I", str(_WORKER), *files],
        env={**os.environ, "LD_LIBRARY_PATH": os.path.dirname(files[0])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if sys.platform == "linux":
        import resource

        with suppress(
            ProcessLookupError, PermissionError, ValueError
        ):  # it has ended, or has a tighter limit
            resource.prlimit(child.pid, resource.RLIMIT_AS, (COMPILE_BYTES, COMPILE_BYTES))
    return child
