"""Claims about the compiler that is kept: it makes what the program makes, or the program is asked."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.projects import FRAGMENT_GLSL, VERTEX_GLSL

from engine.assets import ShaderStage
from engine.assets.files import FileGate
from engine.assets.importers import shader
from engine.assets.importers.shader import import_glsl
from engine.assets.importers.shader_source import ShaderSource, expand
from engine.assets.tools import kept_compiler
from engine.assets.tools.kept_compiler import KeptCompiler, library_of
from engine.assets.tools.tools import Tool, find_compiler
from engine.humon import InputError

STAGES = {"vs": ShaderStage.VERTEX, "fs": ShaderStage.FRAGMENT, "cs": ShaderStage.COMPUTE}


@pytest.fixture
def tool() -> Tool:
    found = find_compiler()
    assert found is not None
    if not library_of(found):
        pytest.skip("the compiler's library is not installed with it")
    return found


@pytest.fixture
def kept(tool: Tool) -> Iterator[KeptCompiler]:
    made = KeptCompiler()
    before = kept_compiler._kept.get()
    made.use()
    yield made
    kept_compiler._kept.set(before)
    made.close()
    assert made._child is None


def importing(folder: Path, text: str, stage: ShaderStage) -> bytes:
    path = folder / "test.glsl"
    path.write_text(text, encoding="utf-8")
    return bytes(import_glsl(expand(path, FileGate(folder)), stage, "main").data)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the program has compiled."""
    found: list[str] = []
    run = shader._run

    def noted(tool: Tool, source: ShaderSource, stage: ShaderStage, entry_point: str) -> bytes:
        found.append(source.text)
        return run(tool, source, stage, entry_point)

    monkeypatch.setattr(shader, "_run", noted)
    return found


def test_it_makes_the_modules_of_the_program_of_all_our_shaders(root: Path, tool: Tool) -> None:
    made = KeptCompiler()
    try:
        count = 0
        for path in sorted((root / "assets/builtin").rglob("*.glsl")):
            stage = STAGES.get(path.name.split(".")[-2])
            if stage is None or "#version" not in path.read_text(encoding="utf-8"):
                continue  # it is included by others
            source = expand(path, FileGate(root / "assets/builtin"))
            module = shader._run(tool, source, stage, "main")
            assert made._ask(tool, source.text, stage) == module, path.name
            count += 1
        assert count > 10
    finally:
        made.close()


def test_it_is_asked_once_it_has_made_what_the_program_makes(
    tmp_path: Path, kept: KeptCompiler, runs: list[str]
) -> None:
    first = importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
    assert len(runs) == 1
    assert importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX) == first
    importing(tmp_path, FRAGMENT_GLSL, ShaderStage.FRAGMENT)
    assert len(runs) == 1


def test_it_is_never_asked_where_it_makes_something_else(
    tmp_path: Path, kept: KeptCompiler, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = KeptCompiler._ask
    monkeypatch.setattr(KeptCompiler, "_ask", lambda self, *of: ask(self, *of)[:-4])
    for count in (1, 2, 3):
        importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
        assert len(runs) == count


def test_errors_are_those_of_the_program(tmp_path: Path, kept: KeptCompiler, runs: list[str]) -> None:
    importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
    wrong = VERTEX_GLSL.replace("void main", "int wrong = true;\nvoid main")
    kept_compiler._kept.set(None)
    with pytest.raises(InputError) as plain:
        importing(tmp_path, wrong, ShaderStage.VERTEX)
    kept.use()
    with pytest.raises(InputError) as found:
        importing(tmp_path, wrong, ShaderStage.VERTEX)
    assert found.value.problems == plain.value.problems
    importing(tmp_path, FRAGMENT_GLSL, ShaderStage.FRAGMENT)
    assert runs[-1] != FRAGMENT_GLSL


def test_a_process_that_ends_is_started_again(tmp_path: Path, kept: KeptCompiler, runs: list[str]) -> None:
    module = importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
    importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
    assert kept._child is not None
    os.kill(kept._child.pid, signal.SIGKILL)
    kept._child.wait()
    for count in (2, 2):
        assert importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX) == module
        assert len(runs) == count


def test_a_process_that_takes_too_long_is_ended_and_the_program_asked(
    tmp_path: Path, kept: KeptCompiler, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
    monkeypatch.setattr(kept_compiler, "COMPILE_SECONDS", 0.2)
    assert kept._child is not None
    os.kill(kept._child.pid, signal.SIGSTOP)
    assert importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX) == module
    assert len(runs) == 2
    assert kept._child is None


def test_it_ends_once_nothing_was_compiled_for_a_while(
    tmp_path: Path, kept: KeptCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
    kept.rest()
    assert kept._child is not None
    monkeypatch.setattr(kept_compiler, "KEEP_S", -1.0)
    kept.rest()
    assert kept._child is None
    importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
    assert kept._child is not None


def test_without_its_library_the_program_compiles(
    tmp_path: Path, kept: KeptCompiler, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_compiler, "_LIBRARY", ("nowhere",))
    for count in (1, 2):
        importing(tmp_path, VERTEX_GLSL, ShaderStage.VERTEX)
        assert len(runs) == count
    assert kept._child is None
