"""Claims about compiled frames: order, barriers, stand-ins and lifetimes."""

import pytest

from engine.graph import (
    SCENE_COLOR,
    ColorTarget,
    DepthTarget,
    Extent,
    GraphError,
    ImageDecl,
    ImageRead,
    Layout,
    Pass,
    compile_graph,
    stand_in_name,
)
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Access, ImageUsage, Stage

SHADOW_MAP = ImageDecl("shadowMap", Format.D32_SFLOAT, Extent(width=64, height=64))
DEPTH = ImageDecl("depth", Format.D32_SFLOAT)
SHADOW = Pass("shadow", draws="shadowCaster", depth=DepthTarget(SHADOW_MAP, store=True))
FORWARD = Pass(
    "forward",
    draws="visibleModel",
    color=(ColorTarget(SCENE_COLOR),),
    depth=DepthTarget(DEPTH),
    reads=(ImageRead(SHADOW_MAP, "shadowMap"),),
)
OUTPUT = (ColorTarget(SCENE_COLOR),)


def names(graph):
    return [p.declaration.name for p in graph.passes]


def barrier(graph, pass_name, image):
    compiled = next(p for p in graph.passes if p.declaration.name == pass_name)
    return next(b for b in compiled.barriers if b.image == image)


def test_a_pass_is_ordered_after_the_passes_whose_images_it_reads():
    assert names(compile_graph([FORWARD, SHADOW], OUTPUT)) == ["shadow", "forward"]


def test_a_read_waits_for_the_write_and_makes_it_visible():
    b = barrier(compile_graph([SHADOW, FORWARD], OUTPUT), "forward", "shadowMap")
    assert b.source_stage == Stage.EARLY_FRAGMENT_TESTS | Stage.LATE_FRAGMENT_TESTS
    assert b.source_access == Access.DEPTH_STENCIL_ATTACHMENT_WRITE
    assert (b.stage, b.access) == (Stage.FRAGMENT_SHADER, Access.SHADER_SAMPLED_READ)
    assert (b.old_layout, b.layout) == (Layout.DEPTH_ATTACHMENT, Layout.SHADER_READ)


def test_the_first_write_of_a_frame_waits_for_the_last_use_in_the_previous_frame():
    graph = compile_graph([SHADOW, FORWARD], OUTPUT)
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
    assert graph.image("sceneColor").usage == ImageUsage.COLOR_ATTACHMENT | ImageUsage.TRANSFER_SRC


def test_usages_and_lifetimes_are_those_of_all_passes():
    graph = compile_graph([SHADOW, FORWARD], OUTPUT)
    life = graph.image("shadowMap")
    assert life.usage == ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
    assert (life.first, life.last) == (0, 1)
    assert (graph.image("depth").first, graph.image("depth").last) == (1, 1)


def test_two_writers_of_one_image_are_refused_by_name():
    other = Pass("other", draws="", depth=DepthTarget(SHADOW_MAP))
    with pytest.raises(GraphError, match="shadowMap is written by shadow and by other"):
        compile_graph([SHADOW, other], OUTPUT)


def test_passes_that_depend_on_each_other_are_refused():
    a, b = ImageDecl("a", Format.R8G8B8A8_UNORM), ImageDecl("b", Format.R8G8B8A8_UNORM)
    first = Pass("first", draws="", color=(ColorTarget(a),), reads=(ImageRead(b, "b"),))
    second = Pass("second", draws="", color=(ColorTarget(b),), reads=(ImageRead(a, "a"),))
    with pytest.raises(GraphError, match="first -> second"):
        compile_graph([first, second], ())


def test_an_image_name_declared_with_two_sizes_is_refused():
    small = ImageRead(ImageDecl("shadowMap", Format.D32_SFLOAT, Extent(width=8, height=8)), "shadowMap")
    with pytest.raises(GraphError, match="declared twice"):
        compile_graph([SHADOW, Pass("p", draws="", reads=(small,))], ())
