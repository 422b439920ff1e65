"""Claims about differences: perceptual differences of pictures, boxes, plan texts."""

from __future__ import annotations

import numpy as np
import pytest
from support import pictures
from support.sampling import Sample

from engine.testing import Box
from engine.testing.comparison.perceptual_difference import differing, oklab
from engine.testing.comparison.pictures import from_png
from engine.testing.comparison.plan_difference import plan_difference

PLAN = """featureDb: {
    plannedBytes: 30
    memoryPlan: {
        memoryType 0: [
            {
                allocation: 0
                resources: [
                    {
                        resource: 4
                        subresources: [
                            {
                                transient: shadowMap
                                why: [
                                    one
                                    two
                                ]
                            }
                            {
                                transient: frame
                                why: [one]
                            }
                        ]
                    }
                ]
            }
        ]
    }
}
"""


def test_the_same_texts_differ_in_nothing():
    assert plan_difference(PLAN, PLAN) == ""
    assert plan_difference(PLAN, PLAN.replace("\n", "\r\n")) == "only line breaks differ"


def test_a_value_is_reported_below_its_place():
    changed = PLAN.replace("why: [one]", "why: [three]")
    assert plan_difference(PLAN, changed).splitlines() == [
        "@ memoryPlan > memoryType 0 > allocation 0 > resource 4 > frame",
        "- why: [one]",
        "+ why: [three]",
    ]


def test_what_is_gone_as_a_whole_is_one_line_with_what_it_held():
    lines = PLAN.splitlines(keepends=True)
    block = "".join(lines[4:25])
    assert plan_difference(PLAN, PLAN.replace(block, "")).splitlines() == [
        "@ memoryPlan > memoryType 0",
        "- allocation 0 (shadowMap, frame) is gone (21 lines)",
    ]
    assert (
        plan_difference(PLAN.replace(block, ""), PLAN).splitlines()[1].startswith("+ allocation 0 (shadowMap")
    )


def test_many_lines_are_cut_and_counted():
    a, b = ("".join(f"{n}: {m}\n" for n in range(50)) for m in "ab")
    lines = plan_difference(a, b, lines=10).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "... and 90 lines more"


def test_equal_pictures_are_no_distance_apart_and_black_and_white_are_far():
    black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    assert differing(black, black).max() == 0
    assert differing(black, white) == pytest.approx(50.0, rel=1e-3)  # a lightness of 1, in steps of 0.02


def test_oklab_is_as_published():
    """Ottosson, "A perceptual color space for image processing": white, red and black."""
    colors = np.array([[255, 255, 255], [255, 0, 0], [0, 0, 0]], np.uint8)
    assert oklab(colors) == pytest.approx(np.array([[1, 0, 0], [0.628, 0.225, 0.126], [0, 0, 0]]), abs=2e-3)


def test_fine_noise_weighs_less_than_one_patch_of_the_same_change():
    flat = np.full((40, 40, 3), 120, np.uint8)
    checker, patch = flat.copy(), flat.copy()
    checker[::2, ::2] += 24
    checker[1::2, 1::2] += 24
    patch[10:30, 10:30] += 24
    assert differing(checker, flat)[4:-4, 4:-4].max() < differing(patch, flat).max() * 0.7


def test_a_box_around_marks_is_the_smallest():
    mask = np.zeros((10, 20), bool)
    assert Box.around(mask) is None
    mask[2, 3] = mask[7, 15] = True
    box = Box.around(mask)
    assert box == Box(3, 2, 13, 6)
    assert str(box) == "x 3..15, y 2..7"
    assert box.of(mask).sum() == 2


@pytest.mark.parametrize("box", [Box(-1, 0, 4, 4), Box(0, 0, 21, 4), Box(0, 7, 4, 4), Box(0, 0, 0, 4)])
def test_a_box_that_is_not_inside_is_refused(box):
    with pytest.raises(ValueError, match="is not inside a picture of 20x10"):
        box.of(np.zeros((10, 20), bool))


def test_a_damaged_png_is_a_picture_or_no_readable_png(sample: Sample):
    read, refused = 0, 0
    for seed in sample.seeds(60, 1000):
        rng = np.random.default_rng(seed)
        files = [data for data in pictures.originals(rng) if data.startswith(pictures.SIGNATURE)]
        try:
            pixels, _ = from_png(pictures.damaged(rng, files[int(rng.integers(len(files)))]))
        except ValueError:
            refused += 1
        else:
            assert pixels.shape[2] == 3
            read += 1
    assert min(read, refused) > 0
