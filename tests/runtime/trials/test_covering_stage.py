"""Claims about the vertex stage that lets a fragment stage run."""

from __future__ import annotations

from engine.assets import ShaderStage
from engine.assets.importers.shader import validation_fault
from engine.assets.spirv.module import reflect
from engine.assets.tools.tools import find_validator
from engine.runtime.trials.covering_stage import covering_stage

INPUTS = [
    (0, 0, "float", 3),
    (1, 0, "uint", 1),
    (2, 0, "int", 2),
    (3, 0, "float", 1),
    (3, 2, "float", 2),
    (9, 0, "float", 4),
]


def test_it_is_valid_and_writes_what_a_fragment_stage_reads() -> None:
    validator = find_validator()
    assert validator is not None
    for inputs in ([], INPUTS):
        code = covering_stage(inputs)
        assert validation_fault(validator, code) is None
        outputs = reflect(code, ShaderStage.VERTEX).outputs
        assert [(row.location, row.component, row.kind, row.components) for row in outputs] == inputs
