"""Images of the frame as pictures: what is linear is encoded, depth is stretched, nothing is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, middle, mouse, session_of

from engine.tableau.tableau import Tableau
from viewer.panels.frame.image_panel import MOST_STOPS, MOST_TEXELS, ImageViewer, shown

__all__ = ["mouse"]


def test_eight_bit_colours_stay_level_for_level() -> None:
    texels = np.random.default_rng(1).integers(0, 256, (5, 7, 4), np.uint8)
    picture = shown(texels)
    assert (picture[..., :3] == texels[..., :3]).all()
    assert (picture[..., 3] == 255).all()


def test_linear_light_is_encoded_and_exposed() -> None:
    texels = np.full((2, 2, 4), 0.5, np.float16)
    assert shown(texels)[0, 0, :3].tolist() == [188] * 3
    assert shown(texels, exposure=1.0)[0, 0, :3].tolist() == [255] * 3
    assert shown(texels, exposure=-20.0)[0, 0, :3].tolist() == [0] * 3


def test_depth_is_stretched_over_its_range() -> None:
    texels = np.array([[0.001, 0.0015], [0.002, np.nan]], np.float32)
    picture = shown(texels)
    assert picture[0, 0, 0] == 0
    assert picture[1, 0, 0] == 255
    assert 0 < picture[0, 1, 0] < 255


@pytest.mark.parametrize(
    "texels", [np.full((3, 3), np.nan, np.float32), np.full((3, 3, 4), np.inf, np.float32)]
)
def test_values_that_are_no_numbers_are_shown_as_black_or_white(texels: np.ndarray) -> None:
    with np.errstate(all="raise"):
        assert shown(texels).shape == (3, 3, 4)


def test_a_channel_is_shown_alone() -> None:
    texels = np.zeros((1, 1, 4), np.uint8)
    texels[..., 1] = 200
    assert shown(texels, channel=2)[0, 0, :3].tolist() == [200] * 3
    assert shown(texels, channel=1)[0, 0, :3].tolist() == [0] * 3


def test_large_images_become_smaller() -> None:
    assert max(shown(np.zeros((3000, 100), np.float32)).shape[:2]) <= MOST_TEXELS


@pytest.mark.parametrize(
    ("typed", "expected"), [("2000", MOST_STOPS), ("-2000", -MOST_STOPS), ("3", 3.0), ("inf", 10.0)]
)
def test_an_exposure_that_is_typed_is_brought_into_its_range(
    mouse: Mouse, typed: str, expected: float
) -> None:
    session = session_of(Tableau())
    viewer, io = ImageViewer(session), imgui.get_io()

    def draw() -> None:
        imgui.begin("images")
        viewer._controls()
        imgui.end()

    mouse.frame(draw)
    io.add_key_event(imgui.Key.mod_ctrl, True)
    mouse.click(draw, *middle(session.places["frame exposure"]))
    io.add_key_event(imgui.Key.mod_ctrl, False)
    mouse.frame(draw)
    for letter in typed:
        io.add_input_character(ord(letter))
    mouse.frame(draw)
    mouse.press(draw, imgui.Key.enter)
    assert viewer._exposure in ((expected,) if typed != "inf" else (0.0, expected))
    assert shown(np.ones((2, 2, 4), np.float16), 0, viewer._exposure).shape == (2, 2, 4)
