"""GLSL compiled for tests by the compiler that the engine uses."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.assets import ShaderFacts, ShaderStage
from engine.assets.files import FileGate
from engine.assets.importers import Imported
from engine.assets.importers.shader import import_glsl
from engine.assets.importers.shader_source import expand

_STAGES = {stage.short: stage for stage in ShaderStage}


@cache
def imported(text: str, stage: str) -> Imported:
    """Import GLSL text; `stage` as the compiler calls it (vert, frag, comp)."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "test.glsl")
        path.write_text(text, encoding="utf-8", newline="")
        return import_glsl(expand(path, FileGate(path.parent)), _STAGES[stage], "main")


def compiled(text: str, stage: str) -> bytes:
    """The SPIR-V of GLSL text."""
    return imported(text, stage).data


def facts(text: str, stage: str) -> ShaderFacts:
    """The reflection of compiled GLSL text."""
    found = imported(text, stage).facts
    assert isinstance(found, ShaderFacts)
    return found
