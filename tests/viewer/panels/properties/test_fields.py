"""Editors of numbers: all digits that fit, and all of them where they are changed."""

from __future__ import annotations

import numpy as np
import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, middle, mouse

from engine.tableau.schema import color_field
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


@pytest.mark.parametrize(
    ("typed", "stored"), [("0.1", 0.1), ("1234.56789", 1234.56789), ("40000.123", 40000.123)]
)
def test_a_number_that_is_typed_is_that_number(mouse: Mouse, typed: str, stored: float) -> None:
    values = np.array([[0.5, 7.25, 1.0]])
    box = (0.0, 0.0, 0.0, 0.0)

    def draw() -> None:
        nonlocal box
        imgui.set_next_window_size((600, 200))
        imgui.begin("w")
        change = fields.numbers("v", values, speed=0.01, digits=5)
        box = item_box()
        imgui.end()
        if change is not None:
            values[:, change.component] = change.value

    for _ in range(3):
        mouse.frame(draw)
    io = imgui.get_io()
    io.add_key_event(imgui.Key.mod_ctrl, True)
    mouse.click(draw, *middle(box))
    io.add_key_event(imgui.Key.mod_ctrl, False)
    mouse.frame(draw)
    io.add_input_characters_utf8(typed)
    for _ in range(len(typed) + 2):
        mouse.frame(draw)
    mouse.press(draw, imgui.Key.enter)
    assert values.tolist() == [[0.5, 7.25, stored]]


def test_one_channel_of_several_colours_leaves_the_others_of_each(
    mouse: Mouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = color_field("color", (1.0, 1.0, 1.0))
    values = np.array([[1, 0.9, 0.76], [0.2, 0.9, 0.76]], np.float32)
    changes: list[fields.Change | None] = []
    for made in ([1.0, 0.9, 0.5], [0.1, 0.2, 0.3]):
        monkeypatch.setattr(fields.imgui, "color_edit3", lambda *_, made=made: (True, made))
        mouse.frame(lambda: changes.append(fields.field(spec, values)))
    one, whole = changes
    assert one is not None
    assert whole is not None
    assert (one.component, one.value) == (2, 0.5)
    assert whole.component is None
