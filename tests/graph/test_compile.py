"""Claims about compiled frames: attachments, barriers, resolved images, stand-ins and lifetimes."""

import pytest

from engine.graph import (
    SCENE_COLOR,
    SHADOW,
    ColorTarget,
    DepthTarget,
    DrawPass,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    Layout,
    Samples,
    compile_graph,
    stand_in_name,
)
from engine.plan.terms.drawing import Blend, ShaderStage
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Access, ImageUsage, Stage

SHADOW_MAP = ImageDecl("shadowMap", Format.D32_SFLOAT, Extent(width=64, height=64))
DEPTH = ImageDecl("depth", Format.D32_SFLOAT, samples=Samples.FRAME)
SHADOW_PASS = DrawPass("shadow", draws="shadowCaster", depth=DepthTarget(SHADOW_MAP))
FORWARD = DrawPass(
    "forward",
    draws="visibleModel",
    color=(ColorTarget(SCENE_COLOR),),
    depth=DepthTarget(DEPTH),
    reads=(ImageRead(SHADOW_MAP, "shadowMap", SHADOW),),
)
GLASS = DrawPass(
    "glass",
    draws="glass",
    color=(ColorTarget(SCENE_COLOR, Blend.ALPHA),),
    depth=DepthTarget(DEPTH, write=False),
)
FOG = FullscreenPass(
    "fog", color=(ColorTarget(SCENE_COLOR, Blend.ALPHA),), reads=(ImageRead(DEPTH, "depth"),), shader="fog"
)
OUTPUT = (SCENE_COLOR,)


def names(graph):
    return [p.declaration.name for p in graph.passes]


def compiled(graph, name):
    return next(p for p in graph.passes if p.declaration.name == name)


def barrier(graph, pass_name, image):
    return next(b for b in compiled(graph, pass_name).barriers if b.image == image)


def test_a_pass_is_ordered_after_the_passes_whose_images_it_reads():
    assert names(compile_graph([FORWARD, SHADOW_PASS], OUTPUT)) == ["shadow", "forward"]


def test_a_read_waits_for_the_write_and_makes_it_visible():
    b = barrier(compile_graph([SHADOW_PASS, FORWARD], OUTPUT), "forward", "shadowMap")
    assert b.source_stage == Stage.EARLY_FRAGMENT_TESTS | Stage.LATE_FRAGMENT_TESTS
    assert b.source_access == Access.DEPTH_STENCIL_ATTACHMENT_WRITE
    assert (b.stage, b.access) == (Stage.FRAGMENT_SHADER, Access.SHADER_SAMPLED_READ)
    assert (b.old_layout, b.layout) == (Layout.DEPTH_ATTACHMENT, Layout.SHADER_READ)


def test_the_first_write_of_a_frame_waits_for_the_last_use_in_the_previous_frame():
    graph = compile_graph([SHADOW_PASS, FORWARD], OUTPUT)
    assert barrier(graph, "shadow", "shadowMap").source_stage == Stage.FRAGMENT_SHADER
    assert barrier(graph, "shadow", "shadowMap").old_layout == Layout.UNDEFINED
    assert barrier(graph, "forward", "sceneColor").source_stage == Stage.COPY | Stage.BLIT


def test_the_output_ends_as_a_copy_source():
    (b,) = compile_graph([FORWARD], OUTPUT).final
    assert (b.image, b.layout, b.access) == ("sceneColor", Layout.TRANSFER_SRC, Access.TRANSFER_READ)


def test_an_image_that_no_pass_writes_is_read_from_its_stand_in_without_a_barrier():
    graph = compile_graph([FORWARD], OUTPUT)
    assert names(graph) == ["forward"]
    assert graph.passes[0].reads == (("shadowMap", stand_in_name("shadowMap")),)
    assert {b.image for b in graph.passes[0].barriers} == {"sceneColor", "depth"}
    with pytest.raises(KeyError):
        graph.image("shadowMap")


def test_an_output_that_no_pass_writes_is_cleared():
    graph = compile_graph([], OUTPUT)
    assert names(graph) == ["clear.sceneColor"]
    assert graph.passes[0].color[0].clear == SCENE_COLOR.clear
    assert graph.image("sceneColor").usage & ImageUsage.COLOR_ATTACHMENT


def test_an_output_is_used_alike_whether_a_pass_reads_it_or_not():
    shown = ImageDecl("shown", Format.R8G8B8A8_SRGB)
    reads = FullscreenPass("show", color=(ColorTarget(shown),), reads=(ImageRead(SCENE_COLOR, "color"),))
    alone, read = compile_graph([FORWARD], OUTPUT), compile_graph([FORWARD, reads], [*OUTPUT, shown])
    usage = ImageUsage.COLOR_ATTACHMENT | ImageUsage.TRANSFER_SRC | ImageUsage.SAMPLED
    assert alone.image("sceneColor").usage == read.image("sceneColor").usage == usage


def test_usages_and_lifetimes_are_those_of_all_passes():
    graph = compile_graph([SHADOW_PASS, FORWARD], OUTPUT)
    life = graph.image("shadowMap")
    assert life.usage == ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
    assert (life.first, life.last) == (0, 1)
    assert (graph.image("depth").first, graph.image("depth").last) == (1, 1)


def test_the_first_of_several_writers_clears_and_the_later_ones_keep_what_is_there():
    graph = compile_graph([GLASS, FORWARD], OUTPUT)
    assert names(graph) == ["forward", "glass"]
    first, second = graph.passes
    assert (first.color[0].clear, second.color[0].clear) == (SCENE_COLOR.clear, None)
    assert first.depth.clear == DEPTH.clear
    assert second.depth.clear is None
    assert barrier(graph, "glass", "sceneColor").old_layout is Layout.COLOR_ATTACHMENT
    assert barrier(graph, "glass", "sceneColor").source_access & Access.COLOR_ATTACHMENT_WRITE


def test_what_nobody_uses_later_is_not_stored():
    alone = compile_graph([FORWARD], OUTPUT).passes[0]
    assert (alone.color[0].stores, alone.depth.stores) == (True, False)
    first, second = compile_graph([FORWARD, GLASS], OUTPUT).passes
    assert (first.depth.stores, second.depth.stores) == (True, False)
    assert compile_graph([SHADOW_PASS, FORWARD], OUTPUT).passes[0].depth.stores


def test_an_image_with_several_samples_is_resolved_by_the_last_writer_before_it_is_read():
    graph = compile_graph([FORWARD, GLASS], OUTPUT, samples=4)
    forward, glass = graph.passes
    assert (forward.samples, glass.samples) == (4, 4)
    assert (forward.color[0].image, forward.color[0].stores, forward.color[0].resolve) == (
        "sceneColorSamples",
        True,
        "",
    )
    assert (glass.color[0].stores, glass.color[0].resolve) == (False, "sceneColor")
    assert graph.image("sceneColorSamples").image.samples is Samples.FRAME
    assert graph.image("sceneColor").image.samples is Samples.ONE
    with pytest.raises(KeyError):
        graph.image("depth")  # nobody reads it


def test_samples_that_are_watched_are_stored_and_end_readable_by_a_shader():
    passes = [FORWARD, GLASS]
    plain = compile_graph(passes, OUTPUT, samples=4)
    assert plain.readable("sceneColor") is Layout.TRANSFER_SRC
    assert plain.readable("sceneColorSamples") is plain.readable("nothing") is None
    assert not compiled(plain, "glass").color[0].stores
    graph = compile_graph(passes, OUTPUT, 4, watched=("sceneColorSamples", "depthSamples", "nothing"))
    glass, last = compiled(graph, "glass"), {b.image: b for b in graph.final}
    assert glass.color[0].stores
    assert glass.depth.stores
    assert not glass.depth.resolve, "nobody reads what the depths become"
    for name in ("sceneColorSamples", "depthSamples"):
        assert graph.readable(name) is Layout.SHADER_READ
        assert graph.image(name).usage & ImageUsage.SAMPLED
        assert (last[name].stage, last[name].access) == (Stage.COMPUTE_SHADER, Access.SHADER_SAMPLED_READ)
        assert barrier(graph, "forward", name).source_stage == Stage.COMPUTE_SHADER
    assert compile_graph(passes, OUTPUT, 1, watched=("sceneColorSamples",)) == compile_graph(passes, OUTPUT)


def test_depth_is_resolved_for_who_reads_it_between_two_passes_that_test_it():
    late = DrawPass("late", draws="x", depth=DepthTarget(DEPTH, write=False), after=("fog",))
    graph = compile_graph([FORWARD, FOG, late], OUTPUT, samples=4)
    assert names(graph) == ["forward", "fog", "late"]
    depth = compiled(graph, "forward").depth
    assert (depth.stores, depth.resolve) == (True, "depth")
    waits = barrier(graph, "fog", "depth")
    assert waits.source_stage == Stage.COLOR_ATTACHMENT_OUTPUT
    assert waits.source_access == Access.COLOR_ATTACHMENT_WRITE
    assert waits.old_layout is Layout.DEPTH_ATTACHMENT
    assert compiled(graph, "late").depth.resolve == ""
    single = compile_graph([FORWARD, FOG, late], OUTPUT)
    assert compiled(single, "forward").depth.resolve == ""
    assert barrier(single, "late", "depth").old_layout is Layout.SHADER_READ


def test_reads_that_follow_each_other_wait_once_for_all_their_stages():
    everywhere = ImageRead(SHADOW_MAP, "map", SHADOW, ShaderStage.VERTEX)
    second = DrawPass("second", draws="x", color=(ColorTarget(SCENE_COLOR),), reads=(everywhere,))
    graph = compile_graph([SHADOW_PASS, FORWARD, second], OUTPUT)
    assert barrier(graph, "forward", "shadowMap").stage == Stage.VERTEX_SHADER | Stage.FRAGMENT_SHADER
    assert "shadowMap" not in {b.image for b in compiled(graph, "second").barriers}
    next_frame = barrier(graph, "shadow", "shadowMap")
    assert next_frame.source_stage == Stage.VERTEX_SHADER | Stage.FRAGMENT_SHADER


def test_what_is_read_before_anything_has_drawn_it_is_its_stand_in():
    glow = ImageDecl("glow", Format.R8G8B8A8_UNORM)
    bright = FullscreenPass(
        "bright", color=(ColorTarget(glow),), reads=(ImageRead(SCENE_COLOR, "scene"),), shader="bright"
    )
    add = FullscreenPass(
        "add", color=(ColorTarget(SCENE_COLOR, Blend.ADD),), reads=(ImageRead(glow, "glow"),), shader="add"
    )
    graph = compile_graph([add, bright], OUTPUT)
    assert names(graph) == ["bright", "add"]
    assert graph.passes[0].reads == (("scene", stand_in_name("sceneColor")),)
    assert "sceneColor" not in {b.image for b in graph.passes[0].barriers}
    with_scene = compile_graph([add, bright, FORWARD], OUTPUT)
    assert names(with_scene) == ["forward", "bright", "add"]
    assert with_scene.passes[1].reads == (("scene", "sceneColor"),)
