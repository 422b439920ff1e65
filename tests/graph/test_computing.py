"""Claims about passes that compute: their order, what waits for them, and what lives how long."""

from __future__ import annotations

import pytest

from engine.graph import (
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    Extent,
    FullscreenPass,
    GraphError,
    ImageDecl,
    ImageRead,
    Layout,
    PrimitivePass,
    StorageWrite,
    compile_graph,
    stand_in_name,
)
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Access, ImageUsage, Stage

OUT = ImageDecl("out", Format.R8G8B8A8_UNORM)
DOTS, IMAGE = BufferDecl("dots", 64), ImageDecl("image", Format.R32_SFLOAT, Extent(width=8, height=8))
MOVE = ComputePass(
    "move", buffers=(BufferUse(DOTS, "dots", writes=True, stages=ShaderStage.COMPUTE),), shader="move"
)
DRAW = PrimitivePass(
    "draw", color=(ColorTarget(OUT),), buffers=(BufferUse(DOTS, "dots", stages=ShaderStage.VERTEX),)
)
FILL = ComputePass("fill", shader="fill", threads=IMAGE, writes=(StorageWrite(IMAGE, "image"),))
SHOW = FullscreenPass("show", color=(ColorTarget(OUT),), reads=(ImageRead(IMAGE, "image"),), shader="show")


def test_who_reads_a_buffer_comes_after_who_writes_it_and_waits_for_that() -> None:
    graph = compile_graph([DRAW, MOVE], [OUT])
    move, draw = graph.passes
    assert (move.declaration.name, draw.declaration.name) == ("move", "draw")
    (waits,) = draw.buffer_barriers
    assert (waits.source_stage, waits.stage) == (Stage.COMPUTE_SHADER, Stage.VERTEX_SHADER)
    assert waits.source_access == Access.SHADER_STORAGE_WRITE
    assert waits.access == Access.SHADER_STORAGE_READ
    (next_frame,) = move.buffer_barriers
    assert (next_frame.source_stage, next_frame.source_access) == (Stage.VERTEX_SHADER, Access(0))
    (life,) = graph.buffers
    assert (life.buffer, life.first, life.last) == (DOTS, 0, 1)
    assert life.stages == Stage.COMPUTE_SHADER | Stage.VERTEX_SHADER


def test_an_image_that_is_computed_is_written_as_storage_and_read_as_a_texture() -> None:
    graph = compile_graph([SHOW, FILL], [OUT])
    fill, show = graph.passes
    (into,) = fill.barriers
    assert (into.old_layout, into.layout, into.stage) == (
        Layout.UNDEFINED,
        Layout.GENERAL,
        Stage.COMPUTE_SHADER,
    )
    out_of = next(b for b in show.barriers if b.image == "image")
    assert (out_of.old_layout, out_of.layout) == (Layout.GENERAL, Layout.SHADER_READ)
    assert out_of.source_access == Access.SHADER_STORAGE_WRITE
    assert graph.image("image").usage == ImageUsage.STORAGE | ImageUsage.SAMPLED
    assert fill.written() == {"image"}
    assert fill.targets[0].all() == ()


def test_a_buffer_that_nobody_writes_is_read_from_its_stand_in_unless_it_persists() -> None:
    graph = compile_graph([DRAW], [OUT])
    assert graph.passes[0].buffers == (("dots", stand_in_name("dots")),)
    assert (graph.passes[0].buffer_barriers, graph.buffers) == ((), ())
    kept = BufferUse(BufferDecl("kept", 64, persists=True), "dots", stages=ShaderStage.VERTEX)
    (draw,) = compile_graph([PrimitivePass("draw", color=(ColorTarget(OUT),), buffers=(kept,))], [OUT]).passes
    assert draw.buffer_barriers == ()  # it is only read, in every frame


def test_a_buffer_and_an_image_of_one_name_are_an_error() -> None:
    other = BufferUse(BufferDecl("image", 64), "dots", writes=True, stages=ShaderStage.COMPUTE)
    with pytest.raises(GraphError, match="image is declared twice"):
        compile_graph([FILL, ComputePass("other", buffers=(other,))], [OUT])
