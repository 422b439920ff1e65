"""Themes, sizes and glyphs of the panels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from imgui_bundle import ImVec2, imgui
from support.mouse import Mouse, mouse

from viewer.ui import fallback_fonts, style

__all__ = ["mouse"]


@pytest.fixture(autouse=True)
def dark_again() -> Iterator[None]:
    yield
    style.choose("dark")


def contrast(one: style.Color, other: style.Color) -> float:
    """The contrast ratio of WCAG 2.1."""
    dark, bright = sorted((style.luminance(one), style.luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("theme", list(style.THEMES))
def test_text_is_read_on_every_ground_of_every_theme(theme: str, safe: bool) -> None:
    style.choose(theme, safe=safe)
    # Rows are plain, raised as headers, hovered or selected; tables draw every other row a little brighter.
    for ground in ("GROUND", "POPUP", "RAISED", "RAISED_HOVER", "SELECTED"):
        assert contrast(style.TEXT, getattr(style, ground)) > 7
        for tint in ("QUIET", "ACCENT", "GOOD", "WARNING", "BAD"):
            found = contrast(getattr(style, tint), getattr(style, ground))
            assert found >= 4.5, (theme, safe, tint, ground)
    assert contrast(style.SELECTED, style.GROUND) > 1.2, "what is selected is seen"


@pytest.mark.parametrize("theme", list(style.THEMES))
def test_safe_colours_of_good_and_bad_differ_in_blue_and_not_in_red_and_green_alone(theme: str) -> None:
    style.choose(theme, safe=True)
    assert style.GOOD[2] - style.BAD[2] > 0.3


MEANINGS = ("TEXT", "ACCENT", "GOOD", "WARNING", "BAD")
SIMULATED = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
"""What linear red, green and blue look like without one kind of cones (Machado and others, 2009)."""


def lab(color: style.Color, seen: str = "") -> np.ndarray:
    """The colour in CIELAB, as someone sees it."""
    rgb = np.array(style.linear(color)[:3])
    if seen:
        rgb = np.clip(np.array(SIMULATED[seen]) @ rgb, 0.0, 1.0)
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = np.cbrt(np.array(matrix) @ rgb / (0.9505, 1.0, 1.089))
    return np.array((116 * y - 16, 500 * (x - y), 200 * (y - z)))


@pytest.mark.parametrize("theme", list(style.THEMES))
@pytest.mark.parametrize("seen", ["", *SIMULATED])
def test_colours_of_different_meanings_differ_for_whoever_sees_them(theme: str, seen: str) -> None:
    style.choose(theme, safe=bool(seen))
    for one, other in combinations(MEANINGS, 2):
        distance = np.linalg.norm(lab(getattr(style, one), seen) - lab(getattr(style, other), seen))
        assert distance > 20, f"{one} and {other}: {distance:.1f}"


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("theme", list(style.THEMES))
def test_the_knob_of_a_switch_is_seen_on_it(theme: str, safe: bool) -> None:
    style.choose(theme, safe=safe)
    assert contrast(style.KNOB, style.ACCENT) > 1.9


def test_no_colour_of_a_theme_is_left_to_imgui(mouse: Mouse) -> None:
    """Each colour that differs from theme to theme in ImGui differs in ours; grounds of text are ours."""
    style.choose("light")
    colors = imgui.get_style()
    assert tuple(colors.color_(imgui.Col_.checkbox_selected_bg.value)) == tuple(style.RAISED)
    assert tuple(colors.color_(imgui.Col_.text_link.value)) == tuple(style.ACCENT)


def test_whoever_holds_a_colour_has_that_of_the_theme_and_the_context_too(mouse: Mouse) -> None:
    held = style.TEXT
    before = tuple(held)
    style.choose("light")
    assert tuple(held) != before
    shown = imgui.get_style().color_(imgui.Col_.text.value)
    assert tuple(shown) == tuple(style.TEXT)


def test_a_size_is_the_same_however_often_it_was_changed_before(mouse: Mouse) -> None:
    style.resize(1.7)
    once = imgui.get_style().frame_padding.x, imgui.get_style().scrollbar_size
    for step in range(60):
        style.resize(1.0 + step / 20)
    style.resize(1.7)
    assert (imgui.get_style().frame_padding.x, imgui.get_style().scrollbar_size) == once
    assert imgui.get_style().font_scale_dpi == pytest.approx(1.7)


def test_glyphs_that_no_font_has_are_boxes_that_keep_their_width(mouse: Mouse) -> None:
    widths: list[float] = []

    def draw() -> None:
        widths[:] = [imgui.calc_text_size(text).x for text in ("x", "x\U0010fffdx", "x\U0010fffd\U0010fffdx")]

    mouse.frame(draw)
    one, two, three = widths
    assert two > one * 2
    assert three - two == pytest.approx(two - 2 * one, abs=1.5)


def test_one_font_of_each_group_is_used_if_it_is_there_and_not_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback_fonts, "MAX_BYTES", 10)
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
    (second / "DejaVuSans.ttf").write_bytes(b"1")
    (first / "SegoeUI.ttf").write_bytes(b"1")
    (first / "NotoSansCJK-Regular.ttc").write_bytes(b"1" * 11)
    (second / "MSYH.ttc").write_bytes(b"1")
    found = fallback_fonts.found_fonts((str(first), str(second)))
    assert found == [str(second / "DejaVuSans.ttf"), str(second / "MSYH.ttc")]


def sizes() -> dict[str, object]:
    """Every number of the present style."""
    made = imgui.get_style()
    values = {name: getattr(made, name) for name in dir(made) if name != "_next_frame_font_size_base"}
    return {
        name: (value.x, value.y) if isinstance(value, ImVec2) else value
        for name, value in values.items()
        if isinstance(value, ImVec2 | float | int)
    }


def test_a_walk_through_scales_ends_in_the_style_of_the_last_one(mouse: Mouse) -> None:
    for goal in (1.0, 2.0):
        style.resize(goal)
        at_once = sizes()
        for tenths in (*range(1, 35), 10):
            style.resize(tenths / 10)
        style.resize(goal)
        assert sizes() == at_once
