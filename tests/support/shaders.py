"""GLSL compiled for tests by the compiler that the engine uses."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from engine.assets import ShaderFacts, ShaderStage
from engine.assets.importers import Imported
from engine.assets.importers.shader import import_glsl
from engine.assets.importers.shader_source import expand_text

_STAGES = {stage.short: stage for stage in ShaderStage}


@cache
def imported(text: str, stage: str) -> Imported:
    """Import GLSL text; `stage` as the compiler calls it (vert, frag, comp)."""
    source = expand_text(Path("test.glsl"), text)
    return import_glsl(source, _STAGES[stage], "main")


def compiled(text: str, stage: str) -> bytes:
    """The SPIR-V of GLSL text."""
    return imported(text, stage).data


def facts(text: str, stage: str) -> ShaderFacts:
    """The reflection of compiled GLSL text."""
    found = imported(text, stage).facts
    assert isinstance(found, ShaderFacts)
    return found
