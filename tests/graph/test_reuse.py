"""Claims about frames without passes whose results are still there."""

from dataclasses import replace

from engine.feature.requirement_builders import image_requirement
from engine.graph import (
    SCENE_COLOR,
    SHADOW,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    DepthTarget,
    DrawPass,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    Layout,
    compile_graph,
    reusable,
    with_rests,
    without,
)
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Access

MAP = ImageDecl("map", Format.D32_SFLOAT, Extent(width=64, height=64), layers=2)
BLURRED = ImageDecl("blurred", Format.R16G16B16A16_SFLOAT, Extent(width=64, height=64))
PICTURE_SIZED = ImageDecl("half", Format.R16G16B16A16_SFLOAT, Extent(scale=0.5))
CASTERS = DrawPass("casters", draws="shadowCaster", depth=DepthTarget(MAP), views=("near", "far"))
BLUR = FullscreenPass("blur", color=(ColorTarget(BLURRED),), reads=(ImageRead(MAP, "map"),), shader="blur")
HALF = DrawPass("half", draws="visibleModel", color=(ColorTarget(PICTURE_SIZED),))
SCENE = DrawPass(
    "scene",
    draws="visibleModel",
    color=(ColorTarget(SCENE_COLOR),),
    reads=(ImageRead(MAP, "map", SHADOW), ImageRead(BLURRED, "blurred"), ImageRead(PICTURE_SIZED, "half")),
)
PASSES = [CASTERS, BLUR, HALF, SCENE]


def groups(passes, outputs=(SCENE_COLOR,), aliased=()):
    return reusable(compile_graph(passes, outputs), frozenset(aliased))


def test_maps_of_a_fixed_size_are_reused_together_with_what_is_made_of_them() -> None:
    assert groups(PASSES) == (frozenset({"casters", "blur"}),)


def test_maps_that_have_nothing_in_common_are_reused_one_by_one() -> None:
    other = replace(MAP, name="other")
    second = replace(CASTERS, name="second", depth=DepthTarget(other))
    scene = replace(SCENE, reads=(*SCENE.reads, ImageRead(other, "other")))
    found = groups([CASTERS, BLUR, HALF, second, scene])
    assert set(found) == {frozenset({"casters", "blur"}), frozenset({"second"})}


def test_what_is_shown_shares_memory_or_has_a_history_is_drawn_in_every_frame() -> None:
    assert groups(PASSES, (SCENE_COLOR, BLURRED)) == (frozenset({"casters"}),)
    assert groups(PASSES, aliased=("map",)) == (), "what is made of it cannot stay either"
    assert groups(PASSES, aliased=("blurred",)) == (frozenset({"casters"}),)
    kept = replace(BLURRED, history=True)
    reads = (ImageRead(MAP, "map"), ImageRead(kept, "last", previous=True))
    blur = replace(BLUR, color=(ColorTarget(kept),), reads=reads)
    scene = replace(SCENE, reads=(ImageRead(MAP, "map", SHADOW), ImageRead(kept, "blurred")))
    assert groups([CASTERS, blur, scene]) == (frozenset({"casters"}),)


def test_what_nobody_reads_may_share_memory_and_what_rests_has_no_lifetime() -> None:
    samples = replace(BLURRED, name="mapSamples", layers=2)
    both = replace(CASTERS, color=(ColorTarget(samples),))
    passes = [both, BLUR, HALF, SCENE]
    assert groups(passes, aliased=("mapSamples",)) == (frozenset({"casters", "blur"}),)
    made = with_rests(compile_graph(passes, (SCENE_COLOR,)))
    assert {life.image.name for life in made.images if life.rests} == {"map", "blurred"}
    kept = {life.image.name: image_requirement(1, life, (64, 48), 1).lifetime for life in made.images}
    assert [kept[name] for name in ("map", "blurred")] == [None, None]
    assert None not in (kept["mapSamples"], kept["half"])


def test_what_is_drawn_over_or_made_of_what_is_new_in_every_frame_is_drawn_too() -> None:
    from_half = replace(BLUR, reads=(ImageRead(PICTURE_SIZED, "half"),))
    assert groups([CASTERS, from_half, HALF, SCENE]) == (frozenset({"casters"}),)
    over = replace(
        HALF, name="over", color=(ColorTarget(BLURRED),), reads=(ImageRead(PICTURE_SIZED, "half"),)
    )
    assert groups([*PASSES, over]) == (frozenset({"casters"}),)
    rows = BufferDecl("rows", 64)
    count = ComputePass(
        "count", shader="count", threads=(64, 1, 1), buffers=(BufferUse(rows, "rows", writes=True),)
    )
    fed = replace(CASTERS, buffers=(BufferUse(rows, "rows"),))
    assert groups([count, fed, BLUR, HALF, SCENE]) == ()


def test_without_them_the_frame_waits_for_nothing_of_theirs_and_leaves_images_as_it_found_them() -> None:
    graph = compile_graph(PASSES, (SCENE_COLOR,))
    (group,) = reusable(graph, frozenset())
    rest = without(graph, group)
    assert [p.declaration.name for p in rest.passes] == ["half", "scene"]
    assert {b.image for p in rest.passes for b in p.barriers}.isdisjoint({"map", "blurred"})
    whole = {b.image: b for p in graph.passes for b in p.barriers if b.layout is Layout.SHADER_READ}
    first = {b.image: b for p in graph.passes if p.declaration.name in group for b in p.barriers}
    for name, barrier in first.items():
        if barrier.layout is not Layout.SHADER_READ:
            assert barrier.source_stage == whole[name].stage, (
                "drawing it again waits for the last who read it"
            )
            assert barrier.source_access == Access(0)
    assert (rest.images, rest.buffers, rest.final) == (graph.images, graph.buffers, graph.final)


def test_passes_that_nothing_changes_for_are_the_same_objects() -> None:
    graph = compile_graph(PASSES, (SCENE_COLOR,))
    by_name = {p.declaration.name: p for p in graph.passes}
    rest = without(graph, frozenset({"casters", "blur"}))
    assert rest.passes[0] is by_name["half"]
    assert without(graph, frozenset()) is graph
