"""Claims about the order of passes: what they read, write and draw over, and what they say of each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph import (
    ColorTarget,
    DepthTarget,
    Extent,
    FullscreenPass,
    GraphError,
    ImageDecl,
    ImageRead,
    Samples,
)
from engine.graph.order import ordered
from engine.plan.terms.drawing import Blend
from engine.plan.terms.formats import Format

IMAGES = {name: ImageDecl(name, Format.R8G8B8A8_UNORM) for name in "abcd"}
DEPTH = ImageDecl("z", Format.D32_SFLOAT)


def make(name: str, writes: str = "", over: str = "", reads: str = "", **options) -> FullscreenPass:
    """A pass that writes images, draws over others, and reads others."""
    targets = [ColorTarget(IMAGES[image]) for image in writes]
    targets += [ColorTarget(IMAGES[image], Blend.ALPHA) for image in over]
    found = tuple(ImageRead(IMAGES[image], image) for image in reads)
    return FullscreenPass(name, color=tuple(targets), reads=found, **options)


def names(*passes) -> str:
    return " ".join(p.name for p in ordered(passes))


def test_a_read_comes_after_every_pass_that_makes_the_image():
    assert names(make("r", "b", reads="a"), make("w1", "a"), make("w2", "a")) == "w1 w2 r"


def test_what_is_drawn_over_an_image_comes_between_its_makers_and_its_readers():
    assert names(make("tone", "b", reads="a"), make("glass", over="a"), make("solid", "a")) == (
        "solid glass tone"
    )


def test_a_pass_that_only_tests_depth_comes_after_those_that_write_it():
    tests = FullscreenPass("tests", depth=DepthTarget(DEPTH, write=False))
    assert names(tests, FullscreenPass("writes", depth=DepthTarget(DEPTH))) == "writes tests"


def test_an_image_may_be_read_for_what_is_then_drawn_over_it():
    bloom = make("bright", "b", reads="a"), make("glow", over="a", reads="b")
    assert names(make("tone", "c", reads="a"), *bloom[::-1], make("solid", "a")) == "solid bright glow tone"


def test_a_choice_is_left_to_the_given_order_and_to_after_and_before():
    fog, rain = make("fog", over="a"), make("rain", over="a")
    assert names(fog, rain) == "fog rain"
    assert names(make("fog", over="a", after=("rain",)), rain) == "rain fog"
    assert names(fog, make("rain", over="a", before=("fog",))) == "rain fog"


def test_names_of_passes_that_are_not_there_are_ignored():
    assert names(make("fog", over="a", after=("absent",), before=("gone",)), make("rain", "a")) == "rain fog"


@pytest.mark.parametrize(
    "passes",
    [
        (make("first", "a", reads="b"), make("second", "b", reads="a")),
        (make("first", "a", after=("second",)), make("second", "b", reads="a")),
        (make("first", before=("second",)), make("second", before=("first",))),
    ],
)
def test_passes_that_depend_on_each_other_are_refused(passes):
    with pytest.raises(GraphError, match="first -> second"):
        ordered(passes)


@pytest.mark.parametrize(
    ("passes", "message"),
    [
        ((make("p", "a"), make("p", "b")), "two passes have the same name: p"),
        ((make("p", "a", reads="a"),), "p reads a while it draws into it"),
        ((make("p", "aa"),), "p has one image as two targets"),
        (
            (
                make("p", "a"),
                FullscreenPass("q", reads=(ImageRead(ImageDecl("a", Format.R8_UNORM), "a"),)),
            ),
            "a is declared twice with different values, the second time by q",
        ),
        (
            (
                make("p", "a"),
                FullscreenPass("q", color=(ColorTarget(ImageDecl("a", Format.R8G8B8A8_UNORM, Extent(0.5))),)),
            ),
            "declared twice",
        ),
        (
            (
                FullscreenPass(
                    "p",
                    color=(ColorTarget(IMAGES["a"]),),
                    depth=DepthTarget(ImageDecl("z", Format.D32_SFLOAT, samples=Samples.FRAME)),
                ),
            ),
            "different numbers of samples",
        ),
    ],
)
def test_contradictions_are_refused_by_name(passes, message):
    with pytest.raises(GraphError, match=message):
        ordered(passes)


SETS = st.sets(st.sampled_from("abcd"), max_size=2).map(sorted).map("".join)


@given(st.lists(st.tuples(SETS, SETS, SETS), max_size=7))
def test_whatever_passes_declare_they_are_refused_or_each_read_comes_after_all_makers(rows):
    passes = [
        make(f"p{number}", writes, "".join(set(over) - set(writes)), reads)
        for number, (writes, over, reads) in enumerate(rows)
    ]
    try:
        found = ordered(passes)
    except GraphError:
        return
    assert sorted(p.name for p in found) == sorted(p.name for p in passes)
    for number, p in enumerate(found):
        for read in p.reads:
            later = [t.image for other in found[number:] for t in other.color if t.blend is Blend.OPAQUE]
            assert read.image not in later
