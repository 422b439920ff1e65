"""Claims about layers, mip levels and views: what each pass draws into, clears, keeps, and waits for."""

from __future__ import annotations

import pytest

from engine.graph import (
    SHADOW,
    ColorTarget,
    DepthTarget,
    DrawPass,
    Extent,
    FullscreenPass,
    GraphError,
    ImageDecl,
    ImageRead,
    Layout,
    Part,
    Samples,
    compile_graph,
)
from engine.plan.terms.formats import Format

MAPS = ImageDecl("maps", Format.D32_SFLOAT, Extent(width=64, height=64), layers=2)
OUT = ImageDecl("out", Format.R8G8B8A8_UNORM)
NEAR = DrawPass("near", draws="x", depth=DepthTarget(MAPS), views=("first",))
FAR = DrawPass("far", draws="x", depth=DepthTarget(MAPS, layer=1), views=("second",))
SHOW = FullscreenPass(
    "show", color=(ColorTarget(OUT),), reads=(ImageRead(MAPS, "maps", SHADOW),), shader="show"
)


def barriers(graph, name):
    (found,) = (p for p in graph.passes if p.declaration.name == name)
    return [(b.image, b.part, b.old_layout) for b in found.barriers]


def test_passes_that_draw_into_two_layers_clear_each_and_keep_the_other():
    graph = compile_graph([NEAR, FAR, SHOW], [OUT])
    near, far, _ = graph.passes
    assert (near.depth.layer, far.depth.layer) == (0, 1)
    assert near.depth.clear == far.depth.clear == MAPS.clear
    assert barriers(graph, "near") == [("maps", Part("maps", 0, 0), Layout.UNDEFINED)]
    assert barriers(graph, "far") == [("maps", Part("maps", 1, 0), Layout.UNDEFINED)]
    assert ("maps", None, Layout.DEPTH_ATTACHMENT) in barriers(graph, "show")
    assert graph.passes[2].layered == frozenset({"maps"})


def test_a_pass_draws_into_one_layer_for_each_of_its_views():
    both = DrawPass("both", draws="x", depth=DepthTarget(MAPS), views=("first", "second"))
    (compiled, _) = compile_graph([both, SHOW], [OUT]).passes
    assert [targets.depth.layer for targets in compiled.targets] == [0, 1]
    assert [b.part for b in compiled.barriers] == [None]  # for both at once


def test_what_draws_into_a_layer_again_keeps_what_is_there():
    again = DrawPass("again", draws="y", depth=DepthTarget(MAPS, write=False, layer=1))
    graph = compile_graph([NEAR, FAR, again, SHOW], [OUT])
    (compiled,) = (p for p in graph.passes if p.declaration.name == "again")
    assert compiled.depth.clear is None
    assert barriers(graph, "again") == [("maps", Part("maps", 1, 0), Layout.DEPTH_ATTACHMENT)]


def test_mip_levels_are_drawn_into_one_by_one():
    image = ImageDecl("image", Format.R8G8B8A8_UNORM, mip_levels=2)
    passes = [DrawPass(f"p{n}", draws="x", color=(ColorTarget(image, level=n),)) for n in range(2)]
    show = FullscreenPass("show", color=(ColorTarget(OUT),), reads=(ImageRead(image, "image"),))
    graph = compile_graph([*passes, show], [OUT])
    assert [p.color[0].part for p in graph.passes[:2]] == [Part("image", 0, 0), Part("image", 0, 1)]
    assert [p.color[0].clear for p in graph.passes[:2]] == [image.clear, image.clear]


@pytest.mark.parametrize(
    ("passes", "message"),
    [
        ([NEAR, SHOW], "show reads maps, of which parts are not written"),
        ([DrawPass("p", draws="x", depth=DepthTarget(MAPS, layer=2))], "does not have"),
        ([DrawPass("p", draws="x", depth=DepthTarget(MAPS, layer=1), views=("a", "b"))], "does not have"),
        ([DrawPass("p", draws="x", depth=DepthTarget(MAPS, level=1))], "does not have"),
        ([DrawPass("p", draws="x", depth=DepthTarget(MAPS), views=())], "p has no view"),
        (
            [
                DrawPass(
                    "p",
                    draws="x",
                    color=(ColorTarget(ImageDecl("i", OUT.format, samples=Samples.FRAME, layers=2)),),
                )
            ],
            "several samples",
        ),
    ],
)
def test_layers_and_views_that_do_not_fit_are_errors(passes, message):
    with pytest.raises(GraphError, match=message):
        compile_graph(passes, [OUT])
