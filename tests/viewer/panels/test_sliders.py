"""Numbers that are typed into sliders and boxes stay in range, in every panel."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, middle, mouse

from engine.memory.streaming.manager import Pace
from engine.tableau.schema import float_field, int_field
from viewer.panels import sliders
from viewer.panels.properties.fields import Change, field
from viewer.panels.widgets import item_box

__all__ = ["mouse"]


class Typing:
    """One item in a window, the values that it has given, and its place."""

    def __init__(self, mouse: Mouse, item: Callable[[Any], Any], value: Any) -> None:
        self.value = value
        box = (0.0, 0.0, 0.0, 0.0)

        def draw() -> None:
            nonlocal box
            imgui.begin("w")
            self.value = item(self.value)
            box = item_box()
            imgui.end()

        for _ in range(3):
            mouse.frame(draw)
        self._mouse, self._draw, self._place = mouse, draw, lambda: middle(box)

    def type(self, text: str) -> Any:
        """Click with Ctrl, type a number and Enter; return the value."""
        io = imgui.get_io()
        io.add_key_event(imgui.Key.mod_ctrl, True)
        self._mouse.click(self._draw, *self._place())
        io.add_key_event(imgui.Key.mod_ctrl, False)
        self._mouse.frame(self._draw)
        io.add_input_characters_utf8(text)
        for _ in range(len(text) + 2):
            self._mouse.frame(self._draw)
        self._mouse.press(self._draw, imgui.Key.enter)
        return self.value


@pytest.mark.parametrize(
    ("item", "start", "ends"),
    [
        (lambda now: sliders.slide_int("x", now, 1, 32)[1], 2, (1, 32)),
        (lambda now: sliders.drag_int("x", now, 1.0, 1, 32, "%d")[1], 2, (1, 32)),
        (lambda now: sliders.slide_float("x", now, 0.5, 8.0, "%.2f")[1], 2.0, (0.5, 8.0)),
        (
            lambda now: sliders.slide_float("x", now, 0.5, 8.0, "%.2f", is_logarithmic=True)[1],
            2.0,
            (0.5, 8.0),
        ),
        (lambda now: sliders.drag_float("x", now, 1.0, 0.5, 8.0, "%.2f")[1], 2.0, (0.5, 8.0)),
    ],
)
def test_what_is_typed_ends_within_the_range(
    mouse: Mouse, item: Callable[[Any], Any], start: Any, ends: tuple[Any, Any]
) -> None:
    typing = Typing(mouse, item, start)
    assert typing.type("3") == 3
    assert typing.type("-5") == ends[0]
    assert typing.type("4000") == ends[1]
    if isinstance(start, float):
        assert typing.type("nan") == ends[1]


@pytest.mark.parametrize(
    "spec",
    [
        int_field("n", 3, minimum=0, maximum=9, help="n"),
        int_field("n", 3, minimum=0, help="n"),
        float_field("n", 3.0, minimum=0.0, help="n"),
    ],
)
def test_a_limit_of_zero_holds_in_the_editors_of_fields(mouse: Mouse, spec: Any) -> None:
    def edited(now: float) -> float:
        change = field(spec, np.array([now]))
        return change.value if isinstance(change, Change) else now

    assert Typing(mouse, edited, 3).type("-5") == 0


def test_no_panel_draws_a_slider_of_its_own(root: Path) -> None:
    bare = re.compile(r"imgui\.(v_slider|slider|drag)_(float|int|scalar|angle)\w*\(")
    found = [
        str(path.relative_to(root))
        for path in sorted((root / "viewer").rglob("*.py"))
        if path.name != "sliders.py" and bare.search(path.read_text(encoding="utf-8"))
    ]
    assert not found, "sliders and boxes are drawn with viewer/panels/sliders.py, which clamps what is typed"


@pytest.mark.parametrize(
    "impossible", [{"cycles": -5}, {"milliseconds": -3.0}, {"milliseconds": float("nan")}, {"copied": 0}]
)
def test_a_pace_at_which_nothing_would_arrive_is_refused(impossible: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="lets nothing arrive"):
        Pace(**impossible)
