"""Editors of numbers: all digits that fit, and all of them where they are changed."""

from __future__ import annotations

import numpy as np
import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, middle, mouse

from viewer.panels import sliders
from viewer.panels.properties import fields
from viewer.panels.widgets import ELLIPSIS, item_box

__all__ = ["mouse"]

VALUE = 1234.56


@pytest.mark.parametrize("width", [30.0, 70.0, 120.0, 240.0, 400.0])
def test_a_number_is_shown_with_the_digits_that_fit_and_whole_below_the_mouse(
    mouse: Mouse, monkeypatch: pytest.MonkeyPatch, width: float
) -> None:
    shown: list[tuple[str, float, float]] = []  # format, width of the text and of "1e+03 m"
    box = (0.0, 0.0, 0.0, 0.0)
    plain = sliders.drag_float

    def spy(label: str, value: float, speed: float, low: float, high: float, text: str) -> tuple[bool, float]:
        texts = (text if text == ELLIPSIS else text % value, "1e+03 m")
        across, least = (imgui.calc_text_size(each).x for each in texts)
        shown.append((text, across, least))
        return plain(label, value, speed, low, high, text)

    monkeypatch.setattr(fields.sliders, "drag_float", spy)

    def draw() -> None:
        nonlocal box
        imgui.set_next_window_size((600, 200))
        imgui.begin("w")
        imgui.begin_child("c", (width, 0))
        fields.numbers("v", np.full((1, 2), VALUE), speed=0.1, digits=6, unit="m")
        box = item_box()
        imgui.end_child()
        imgui.end()

    for _ in range(3):
        mouse.frame(draw)
    text, across, least = shown[-1]
    room = box[2] - box[0] - 2 * imgui.get_style().frame_padding.x
    assert least > room if text == ELLIPSIS else across <= room
    if width == 400.0:
        assert text % VALUE == "1234.56 m"
    imgui.get_io().add_mouse_pos_event(*middle(box))
    for _ in range(3):
        mouse.frame(draw)
    assert shown[-1][0] % VALUE == "1234.56 m", "what is dragged or typed loses no digits"
