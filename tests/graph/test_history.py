"""Claims about cubes and history in the graph: what is there twice, and for how long, what waits for what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.graph import (
    ColorTarget,
    DepthTarget,
    DrawPass,
    Extent,
    FullscreenPass,
    GraphError,
    ImageDecl,
    ImageRead,
    Layout,
    RepeatedPass,
    Samples,
    compile_graph,
    repeated,
)
from engine.plan import CullMode, Format, FrontFace
from engine.plan.terms.vocabulary import Access, ImageUsage, Stage

OUT = ImageDecl("out", Format.R8G8B8A8_UNORM)
KEPT = ImageDecl("kept", Format.R16G16B16A16_SFLOAT, history=True)
BLEND = FullscreenPass(
    "blend", color=(ColorTarget(KEPT),), reads=(ImageRead(KEPT, "last", previous=True),), shader="blend"
)
SHOW = FullscreenPass("show", color=(ColorTarget(OUT),), reads=(ImageRead(KEPT, "kept"),), shader="show")
CUBE = ImageDecl("cube", Format.R16G16B16A16_SFLOAT, Extent(width=8, height=8), layers=6, cube=True)


def barriers(graph, name):
    (found,) = (p for p in graph.passes if p.declaration.name == name)
    return {b.image: b for b in found.barriers}


def test_an_image_of_which_the_last_frame_is_read_is_there_twice_and_as_long_as_the_frame():
    graph = compile_graph([SHOW, BLEND], [OUT])
    assert graph.kept == ("kept",)
    assert [p.declaration.name for p in graph.passes] == ["blend", "show"]
    one, two = graph.image("kept"), graph.image("kept.previous")
    assert one.kept
    assert two.kept
    assert one.usage == two.usage == ImageUsage.COLOR_ATTACHMENT | ImageUsage.SAMPLED
    assert (one.first, one.last) == (two.first, two.last) == (0, 2)
    assert dict(graph.passes[0].reads) == {"last": "kept.previous"}
    assert dict(graph.passes[1].reads) == {"kept": "kept"}


def test_without_a_read_of_the_last_frame_it_is_an_image_like_any_other():
    graph = compile_graph([replace(BLEND, reads=()), SHOW], [OUT])
    assert graph.kept == ()
    assert [life.image.name for life in graph.images] == ["kept", "out"]
    assert not graph.image("kept").kept


def test_writing_waits_for_those_that_read_the_image_in_the_last_frame_and_reading_for_nothing():
    graph = compile_graph([BLEND, SHOW], [OUT])
    written = barriers(graph, "blend")["kept"]
    assert (written.old_layout, written.layout) == (Layout.UNDEFINED, Layout.COLOR_ATTACHMENT)
    assert (written.source_stage, written.source_access) == (Stage.FRAGMENT_SHADER, Access(0))
    assert "kept.previous" not in barriers(graph, "blend")  # it is in its layout since it was shown
    shown = barriers(graph, "show")["kept"]
    assert (shown.old_layout, shown.layout) == (Layout.COLOR_ATTACHMENT, Layout.SHADER_READ)


def test_what_no_later_pass_reads_is_made_readable_for_the_next_frame_at_the_end():
    other = FullscreenPass("other", color=(ColorTarget(OUT),), shader="other")
    (kept,) = (b for b in compile_graph([BLEND, other], [OUT]).final if b.image == "kept")
    assert (kept.old_layout, kept.layout) == (Layout.COLOR_ATTACHMENT, Layout.SHADER_READ)
    assert (kept.stage, kept.access) == (Stage.FRAGMENT_SHADER, Access.SHADER_SAMPLED_READ)


def test_a_pass_may_read_the_last_frame_before_another_one_writes_this_one():
    first = replace(BLEND, name="first", color=(ColorTarget(OUT),))
    write = replace(BLEND, name="write", reads=(), after=("first",))
    graph = compile_graph([write, first], [OUT])
    assert [p.declaration.name for p in graph.passes] == ["first", "write"]
    assert dict(graph.passes[0].reads) == {"last": "kept.previous"}


def test_a_last_frame_that_nobody_writes_has_a_stand_in():
    graph = compile_graph([replace(BLEND, color=(ColorTarget(OUT),))], [OUT])
    assert dict(graph.passes[0].reads) == {"last": "kept.absent"}
    assert graph.kept == ()


def test_of_several_samples_their_average_is_kept():
    sampled = replace(KEPT, samples=Samples.FRAME)
    read = ImageRead(sampled, "last", previous=True)
    graph = compile_graph([replace(BLEND, color=(ColorTarget(sampled),), reads=(read,))], [], samples=4)
    assert [life.image.name for life in graph.images] == ["kept", "kept.previous", "keptSamples"]
    assert graph.passes[0].color[0].resolve == "kept"
    assert [life.image.samples for life in graph.images] == [Samples.ONE, Samples.ONE, Samples.FRAME]


@pytest.mark.parametrize(
    ("passes", "message"),
    [
        ([BLEND, replace(SHOW, reads=(ImageRead(OUT, "o", previous=True),), color=())], "has no history"),
        ([replace(BLEND, reads=(ImageRead(KEPT, "last"),))], "reads kept while it draws into it"),
        ([FullscreenPass("p", color=(ColorTarget(replace(CUBE, layers=5)),))], "cube without six layers"),
        ([FullscreenPass("p", color=(ColorTarget(replace(CUBE, array=True)),))], "cube without six layers"),
        ([FullscreenPass("p", color=(ColorTarget(replace(CUBE, extent=Extent())),))], "no fixed square"),
        (
            [FullscreenPass("p", color=(ColorTarget(replace(CUBE, extent=Extent(width=8, height=4))),))],
            "no fixed square",
        ),
        (
            [FullscreenPass("p", color=(ColorTarget(replace(CUBE, samples=Samples.FRAME)),))],
            "several samples",
        ),
        (
            [replace(SHOW, reads=(ImageRead(replace(CUBE, cube=False), "c"),)),
             FullscreenPass("p", color=(ColorTarget(CUBE),), views=tuple("abcdef"))],
            "declared twice",
        ),
    ],
)  # fmt: skip
def test_images_that_cannot_be_are_errors(passes, message):
    with pytest.raises(GraphError, match=message):
        compile_graph(passes, [OUT])


@pytest.mark.parametrize("name", ["kept", "kept.previous"])
def test_an_image_with_a_history_that_is_watched_stays_as_the_next_frame_reads_it(name):
    plain, graph = compile_graph([SHOW, BLEND], [OUT]), compile_graph([SHOW, BLEND], [OUT], watched=(name,))
    assert plain.readable(name) is None
    assert graph.readable(name) is Layout.SHADER_READ
    assert graph.image(name).usage == plain.image(name).usage | ImageUsage.TRANSFER_SRC
    assert (graph.kept, graph.final) == (plain.kept, plain.final)


def test_what_is_shown_has_no_history():
    with pytest.raises(GraphError, match="kept is shown"):
        compile_graph([BLEND], [KEPT])


def test_a_repeated_pass_draws_the_same_into_other_targets_in_other_views():
    depth = ImageDecl("depth", Format.D32_SFLOAT, CUBE.extent, layers=6)
    of = DrawPass("forward", draws="model", color=(ColorTarget(OUT),), shaders=("a", "b"), needs_rows=True)
    p = RepeatedPass(
        "faces",
        repeats="forward",
        color=(ColorTarget(CUBE),),
        depth=DepthTarget(depth),
        views=tuple("abcdef"),
        front_face=FrontFace.CLOCKWISE,
        reads=(ImageRead(KEPT, "kept"),),
    )
    made = repeated(p, of)
    assert made == DrawPass(
        "faces",
        draws="model",
        color=(ColorTarget(CUBE),),
        depth=DepthTarget(depth),
        views=tuple("abcdef"),
        reads=(ImageRead(KEPT, "kept"),),
        shaders=("a", "b"),
        state=replace(of.state, front_face=FrontFace.CLOCKWISE),
        needs_rows=True,
    )
    assert made.state.cull is CullMode.BACK
