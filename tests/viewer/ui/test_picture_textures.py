"""Pictures of panels arrive texel for texel in an atlas, and leave it when they are not in use any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import imgui
from support.gpu import checked_device
from support.random_scenes import profile
from support.ui import OffscreenUi, compiled

from engine.plan.terms.policy import MIB
from viewer.session.pictures import FIRST_NUMBER, Picture
from viewer.ui.storage import STAGING_BYTES, staging_bytes

pytestmark = pytest.mark.gpu

WIDTH, HEIGHT = 48, 20


@pytest.fixture
def offscreen(tmp_path: Path) -> Iterator[OffscreenUi]:
    with checked_device(best_practices=False) as device:
        made = OffscreenUi(device, compiled(tmp_path), 64, 32)
        try:
            yield made
        finally:
            made.close()


def picture(number: int, seed: int) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 3] = 255
    return Picture(FIRST_NUMBER + number, pixels)


def shows(one: Picture) -> None:
    draw = imgui.get_foreground_draw_list()
    draw.add_image(imgui.ImTextureRef(one.number), (4, 2), (4 + WIDTH, 2 + HEIGHT))


def test_a_picture_arrives_texel_for_texel_and_a_newer_one_takes_its_place(offscreen: OffscreenUi) -> None:
    for one in (picture(0, 1), picture(1, 2)):
        for _ in range(4):
            found = offscreen.frame(lambda one=one: shows(one), pictures=[one])
        place = found[2 : 2 + HEIGHT, 4 : 4 + WIDTH]
        assert np.abs(place.astype(int) - one.pixels).max() <= 1
        assert not found[:, : 4 - 1].any()


def test_one_that_is_not_in_use_gives_its_place_back(offscreen: OffscreenUi) -> None:
    offscreen.frame(lambda: None)
    one = picture(0, 3)
    live = len(offscreen.storage.atlas._live)
    offscreen.frame(lambda: shows(one), pictures=[one])
    assert len(offscreen.storage.atlas._live) == live + 1
    offscreen.frame(lambda: None)
    assert len(offscreen.storage.atlas._live) == live


def test_other_pixels_take_the_place_of_those_before(offscreen: OffscreenUi) -> None:
    one, other = picture(0, 4), picture(0, 5)
    for _ in range(3):
        offscreen.frame(lambda: shows(one), pictures=[one])
    one.pixels, one.version = other.pixels, 1
    for _ in range(3):
        found = offscreen.frame(lambda: shows(one), pictures=[one])
    place = found[2 : 2 + HEIGHT, 4 : 4 + WIDTH]
    assert np.abs(place.astype(int) - other.pixels).max() <= 1


def test_a_picture_larger_than_staging_is_pending_until_later_frames_have_uploaded_all_of_it(
    offscreen: OffscreenUi,
) -> None:
    offscreen.frame(lambda: None)
    staging, side = offscreen.storage.staging.uploads.capacity, 900
    one = Picture(FIRST_NUMBER, np.full((side, side, 4), 255, np.uint8))
    assert one.pixels.nbytes > staging
    was = []
    for _ in range(2 + one.pixels.nbytes // staging * 4):
        offscreen.frame(lambda: shows(one), pictures=[one])
        was.append(offscreen.renderer.is_pending)
    assert was[0]
    assert not was[-1]
    assert (offscreen.frame(lambda: shows(one), pictures=[one])[2 : 2 + HEIGHT, 4 : 4 + WIDTH] == 255).all()


@pytest.mark.parametrize(("mib", "expected"), [(16, 1 << 18), (36, 36 * MIB // 128), (4096, STAGING_BYTES)])
def test_staging_takes_a_small_part_of_the_budget(mib: int, expected: int) -> None:
    assert staging_bytes(profile("unified").limited(mib * MIB)) == expected
