"""Claims about passes that are drawn among what another one sorts."""

from dataclasses import replace

import pytest

from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    DepthTarget,
    DrawOrder,
    DrawPass,
    Extent,
    FullscreenPass,
    GraphError,
    ImageDecl,
    ImageRead,
    PrimitivePass,
    RepeatedPass,
    compile_graph,
    reusable,
    with_repeated,
    without,
)
from engine.plan.terms.drawing import Blend, ShaderStage
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Stage

NOISE = ImageDecl("noise", Format.R8G8B8A8_UNORM)
OTHER = replace(SCENE_COLOR, name="other")
PLACES = BufferDecl("places", 64)
TESTED = DepthTarget(SCENE_DEPTH, write=False)
SOLID = DrawPass("solid", draws="model", color=(ColorTarget(SCENE_COLOR),), depth=DepthTarget(SCENE_DEPTH))
GLASS = DrawPass(
    "glass",
    draws="model",
    color=(ColorTarget(SCENE_COLOR, Blend.PREMULTIPLIED),),
    depth=TESTED,
    order=DrawOrder.BACK_TO_FRONT,
)
MOVE = ComputePass("move", buffers=(BufferUse(PLACES, "places", writes=True, stages=ShaderStage.COMPUTE),))
MAKE = FullscreenPass("make", color=(ColorTarget(NOISE),), shader="make")
SMOKE = PrimitivePass(
    "smoke",
    color=(ColorTarget(SCENE_COLOR, Blend.ADD),),
    depth=TESTED,
    reads=(ImageRead(NOISE, "noise"),),
    buffers=(BufferUse(PLACES, "places", stages=ShaderStage.VERTEX),),
    among="glass",
    parts=3,
)
FOG = FullscreenPass(
    "fog", color=(ColorTarget(SCENE_COLOR, Blend.ALPHA),), after=("solid",), before=("glass",), shader="fog"
)
ALL = [SMOKE, GLASS, MOVE, FOG, SOLID, MAKE]


def compiled(passes, samples=4):
    return {p.declaration.name: p for p in compile_graph(passes, (SCENE_COLOR,), samples).passes}


def test_such_a_pass_comes_right_before_its_host_and_after_what_either_needs():
    names = list(compiled(ALL))
    assert names[-2:] == ["smoke", "glass"]
    assert names.index("solid") < names.index("fog")
    assert {"move", "make"} < set(names[:-2])
    later = replace(FOG, before=(), after=("smoke",))
    assert list(compiled([later, *ALL[:3], SOLID, MAKE]))[-1] == "fog", "after the one is after both"


def test_the_host_alone_makes_and_stores_what_both_draw_into():
    with_smoke, without = compiled(ALL), compiled([p for p in ALL if p is not SMOKE])
    assert with_smoke["smoke"].is_among
    assert not with_smoke["glass"].is_among
    assert with_smoke["glass"].targets == without["glass"].targets == with_smoke["smoke"].targets
    first = compiled([GLASS, SMOKE, MOVE, MAKE])
    assert first["glass"].color[0].clear is not None, "nobody has drawn there before"


def test_what_it_reads_is_ready_before_it_and_lives_until_its_host_is_drawn():
    graph = compile_graph(ALL, (SCENE_COLOR,), 4)
    by_name = {p.declaration.name: number for number, p in enumerate(graph.passes)}
    smoke = graph.passes[by_name["smoke"]]
    assert "noise" in [one.image for one in smoke.barriers]
    assert [one.buffer for one in smoke.buffer_barriers] == ["places"]
    assert graph.image("noise").last == by_name["glass"]
    assert graph.image("sceneColor").first <= by_name["smoke"], "the resolved image has its memory by then"
    (buffer,) = graph.buffers
    assert (buffer.first, buffer.last) == (by_name["move"], by_name["glass"])


def test_one_barrier_makes_ready_what_both_read_in_different_stages():
    seen = replace(GLASS, reads=(ImageRead(NOISE, "noise"),))
    bent = replace(SMOKE, reads=(ImageRead(NOISE, "noise", stages=ShaderStage.VERTEX),))
    (ready,) = [
        one for one in compiled([SOLID, seen, bent, MOVE, MAKE])["smoke"].barriers if one.image == "noise"
    ]
    assert ready.stage == Stage.VERTEX_SHADER | Stage.FRAGMENT_SHADER


def test_both_are_left_out_together_of_frames_in_which_nothing_changes():
    fixed = replace(SCENE_COLOR, name="map", extent=Extent(width=64, height=64))
    depth = replace(SCENE_DEPTH, name="mapDepth", extent=Extent(width=64, height=64))
    solid = replace(SOLID, color=(ColorTarget(fixed),), depth=DepthTarget(depth))
    over = {"depth": DepthTarget(depth, write=False), "reads": (), "buffers": ()}
    glass = replace(GLASS, color=(ColorTarget(fixed, Blend.PREMULTIPLIED),), **over)
    smoke = replace(SMOKE, color=(ColorTarget(fixed, Blend.ADD),), **over)
    show = FullscreenPass(
        "show", color=(ColorTarget(OTHER),), reads=(ImageRead(fixed, "map"),), shader="show"
    )
    graph = compile_graph([solid, glass, smoke, show], (OTHER,))
    assert reusable(graph, frozenset()) == (frozenset({"solid", "glass", "smoke"}),)
    assert [p.declaration.name for p in without(graph, {"solid", "glass", "smoke"}).passes] == ["show"]


def test_without_its_host_it_is_a_pass_as_any_other():
    found = compiled([SMOKE, MOVE, SOLID, MAKE])
    assert not found["smoke"].is_among
    assert found["smoke"].color[0].stores or found["smoke"].color[0].resolve


@pytest.mark.parametrize(
    ("host", "smoke", "said"),
    [
        (replace(GLASS, order=DrawOrder.BY_STATE), SMOKE, "which does not sort"),
        (GLASS, replace(SMOKE, color=(ColorTarget(OTHER, Blend.ADD),)), "other targets or views"),
        (GLASS, replace(SMOKE, depth=None), "other targets or views"),
        (GLASS, replace(SMOKE, depth=DepthTarget(SCENE_DEPTH)), "one writes depth"),
        (GLASS, replace(SMOKE, views=("mirror",)), "other targets or views"),
    ],
)
def test_a_pass_that_does_not_fit_its_host_is_refused(host, smoke, said):
    with pytest.raises(GraphError, match=said):
        compile_graph([SOLID, host, smoke, MOVE, MAKE], (SCENE_COLOR,))


def test_a_pass_between_it_and_its_host_is_a_cycle():
    between = replace(FOG, after=("smoke",), before=("glass",))
    with pytest.raises(GraphError, match="depend on each other"):
        compile_graph([*ALL[:3], between, SOLID, MAKE], (SCENE_COLOR,))


TONE = FullscreenPass(
    "tone", color=(ColorTarget(OTHER),), reads=(ImageRead(SCENE_COLOR, "c"),), shader="tone"
)
BUILT_IN = {"solid", "glass", "tone"}
BARE = replace(SMOKE, reads=(), buffers=())


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"after": ("tone",)}, "smoke (among glass) -> tone -> smoke (among glass)"),
        ({"before": ("solid",)}, "smoke (among glass) -> solid -> smoke (among glass)"),
    ],
)
def test_no_wish_takes_a_built_in_host_past_its_reader_or_what_it_draws_over(wishes, said):
    passes = [replace(BARE, **wishes), GLASS, SOLID, TONE]
    with pytest.raises(GraphError) as raised:
        compile_graph(passes, (OTHER,), built_in=BUILT_IN)
    assert str(raised.value) == f"passes depend on each other: {said}"
    assert raised.value.at_fault == ("smoke",)
    at_last = [p.declaration.name for p in compile_graph(passes, (OTHER,)).passes]
    assert at_last != ["solid", "smoke", "glass", "tone"], "between passes of packages it is only assumed"


def test_what_a_guest_reads_takes_its_host_no_further_than_its_wishes():
    late = FullscreenPass("late", color=(ColorTarget(NOISE),), reads=(ImageRead(OTHER, "o"),), shader="late")
    with pytest.raises(GraphError, match=r"smoke \(among glass\) -> tone -> late -> smoke") as raised:
        compile_graph([replace(SMOKE, buffers=()), GLASS, SOLID, TONE, late], (OTHER,), built_in=BUILT_IN)
    assert raised.value.at_fault == ("smoke",)


def test_a_pass_on_its_own_takes_no_built_in_pass_past_another():
    between = FullscreenPass(
        "own", color=(ColorTarget(NOISE),), after=("tone",), before=("glass",), shader="o"
    )
    with pytest.raises(GraphError, match="glass -> tone -> own -> glass") as raised:
        compile_graph([BARE, GLASS, SOLID, TONE, between], (OTHER,), built_in=BUILT_IN)
    assert raised.value.at_fault == ()


def test_a_guest_is_not_at_fault_for_what_its_host_says_as_well():
    late = {"after": ("fog",)}
    fog = replace(FOG, before=(), after=("glass",))
    with pytest.raises(GraphError, match=r"other: glass -> fog -> glass$") as raised:
        compile_graph([replace(BARE, **late), replace(GLASS, **late), SOLID, fog], (SCENE_COLOR,))
    assert raised.value.at_fault == ()


def test_what_built_in_passes_say_of_each_other_goes_before_what_is_assumed():
    first = replace(TONE, before=("glass",))
    found = compile_graph([GLASS, SOLID, first], (OTHER,), built_in=BUILT_IN).passes
    assert [p.declaration.name for p in found] == ["solid", "tone", "glass"]


def test_a_guest_may_read_a_copy_of_what_its_host_draws_over():
    copy = FullscreenPass(
        "copy", color=(ColorTarget(NOISE),), reads=(ImageRead(SCENE_COLOR, "c"),), shader="copy"
    )
    passes = [replace(SMOKE, buffers=()), GLASS, SOLID, TONE, copy]
    found = compile_graph(passes, (OTHER,), built_in=BUILT_IN).passes
    assert [p.declaration.name for p in found] == ["solid", "copy", "smoke", "glass", "tone"]


def test_a_cycle_names_all_that_is_drawn_among_a_host_and_takes_part_in_it():
    bloom = FullscreenPass(
        "bloom",
        color=(ColorTarget(SCENE_COLOR, Blend.ADD),),
        after=("mist",),
        shader="bloom",
    )
    mist = replace(BARE, name="mist")
    with pytest.raises(GraphError) as raised:
        compile_graph([replace(BARE, after=("bloom",)), mist, GLASS, SOLID, bloom], (SCENE_COLOR,))
    host = "mist and smoke (among glass)"
    assert str(raised.value) == f"passes depend on each other: {host} -> bloom -> {host}"
    assert raised.value.at_fault == ("smoke",), "what others say of mist is no wish of its own"


def test_what_is_drawn_among_a_pass_is_drawn_among_those_that_repeat_it():
    mirrored, depth = ImageDecl("mirrored", SCENE_COLOR.format), ImageDecl("mirrorDepth", SCENE_DEPTH.format)
    again = RepeatedPass(
        "mirrorGlass",
        repeats="glass",
        color=(ColorTarget(mirrored, Blend.PREMULTIPLIED),),
        depth=DepthTarget(depth, write=False),
        views=("mirror",),
    )
    found = with_repeated({"model": [SOLID, GLASS], "smoke": [SMOKE], "water": [again]})
    copy = found["smoke"][1]
    assert found["smoke"][0] == SMOKE
    assert (copy.among, copy.views, copy.parts) == ("mirrorGlass", ("mirror",), 3)
    assert copy.color == (ColorTarget(mirrored, Blend.ADD),), "where that draws, as this blends"
    own = [p for passes in found.values() for p in passes]
    among = [p.declaration.name for p in compile_graph(own, ()).passes if p.is_among]
    assert sorted(among) == ["mirrorGlass smoke", "smoke"]
