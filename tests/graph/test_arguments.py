"""Claims about passes whose arguments shaders write: the pass before them, its order, and barriers."""

from __future__ import annotations

from engine.graph import (
    SCENE_COLOR,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    DrawArguments,
    PrimitivePass,
    compile_graph,
    limited,
)
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.vocabulary import Access, BufferUsage, Stage

COMMANDS, CORNERS = BufferDecl("commands", 64), BufferDecl("corners", 240)
WRITE = ComputePass(
    "write",
    buffers=tuple(BufferUse(b, b.name, writes=True, stages=ShaderStage.COMPUTE) for b in (COMMANDS, CORNERS)),
)
DRAW = PrimitivePass(
    "draw",
    color=(ColorTarget(SCENE_COLOR),),
    vertices=100,
    instances=7,
    arguments=DrawArguments(COMMANDS, 4, 3, COMMANDS),
    indices=CORNERS,
)


def test_a_pass_limits_what_another_has_written_before_it_is_drawn() -> None:
    graph = compile_graph([*limited(DRAW, None), WRITE], [SCENE_COLOR])
    assert [compiled.declaration.name for compiled in graph.passes] == ["write", "draw.limit", "draw"]
    *_, limit, draw = graph.passes
    before = {(b.buffer, b.stage, b.access) for b in (*limit.buffer_barriers, *draw.buffer_barriers)}
    assert ("commands", Stage.COMPUTE_SHADER, Access.SHADER_STORAGE_READ) in before
    assert ("draw.arguments", Stage.DRAW_INDIRECT, Access.INDIRECT_COMMAND_READ) in before
    assert ("corners", Stage.INDEX_INPUT, Access.INDEX_READ) in before
    usage = {life.buffer.name: life.usage for life in graph.buffers}
    assert usage == {
        "commands": BufferUsage.STORAGE_BUFFER,
        "corners": BufferUsage.STORAGE_BUFFER | BufferUsage.INDEX_BUFFER,
        "draw.arguments": BufferUsage.STORAGE_BUFFER | BufferUsage.INDIRECT_BUFFER,
    }
    assert {life.buffer.name: life.buffer.size for life in graph.buffers}["draw.arguments"] == 16 + 3 * 20


def test_the_limits_are_those_of_the_pass_its_indices_and_the_device() -> None:
    limit, draw = limited(DRAW, frozenset())
    assert isinstance(limit, ComputePass)
    assert isinstance(draw, PrimitivePass)
    assert draw.arguments is not None
    assert draw.arguments.count == draw.arguments.buffer != COMMANDS
    assert dict(limit.constants) == {
        "words": 5,
        "start": 1,
        "most": 3,
        "counted": 1,
        "vertices": 60,
        "last": 60,
        "instances": 7,
        "anyInstance": 0,
    }
    limit, _ = limited(DRAW, frozenset({"drawIndirectFirstInstance"}))
    assert isinstance(limit, ComputePass)
    assert dict(limit.constants)["anyInstance"] == 1
    plain = PrimitivePass("plain", color=DRAW.color)
    assert limited(plain, None) == (plain,)
