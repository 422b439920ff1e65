"""How the inspector looks: one dark style, one font, sizes in points."""

from __future__ import annotations

import os
from pathlib import Path

import imgui_bundle
from imgui_bundle import ImVec2, imgui

FONT_SIZE = 15.0
_FONTS = Path(imgui_bundle.__file__).parent / "assets" / "fonts"
_FONT = _FONTS / "Roboto" / "Roboto-Regular.ttf"
_FIXED_FONT = _FONTS / "Inconsolata-Medium.ttf"

Color = tuple[float, float, float, float]

GROUND: Color = (0.075, 0.082, 0.098, 1.0)
RAISED: Color = (0.125, 0.137, 0.161, 1.0)
RAISED_HOVER: Color = (0.180, 0.196, 0.231, 1.0)
LINE: Color = (0.200, 0.216, 0.251, 1.0)
TEXT: Color = (0.890, 0.902, 0.925, 1.0)
QUIET: Color = (0.560, 0.588, 0.640, 1.0)
ACCENT: Color = (0.902, 0.557, 0.290, 1.0)
ACCENT_DIM: Color = (0.902, 0.557, 0.290, 0.35)
GOOD: Color = (0.420, 0.765, 0.490, 1.0)
WARNING: Color = (0.945, 0.765, 0.310, 1.0)
BAD: Color = (0.925, 0.390, 0.360, 1.0)
CATEGORIES: tuple[Color, ...] = (
    (0.337, 0.706, 0.914, 1.0),
    (0.902, 0.624, 0.000, 1.0),
    (0.000, 0.620, 0.451, 1.0),
    (0.800, 0.475, 0.655, 1.0),
    (0.941, 0.894, 0.259, 1.0),
    (0.000, 0.447, 0.698, 1.0),
    (0.835, 0.369, 0.000, 1.0),
    (0.530, 0.800, 0.600, 1.0),
    (0.660, 0.540, 0.890, 1.0),
    (0.950, 0.690, 0.620, 1.0),
    (0.600, 0.390, 0.240, 1.0),
    (0.350, 0.750, 0.760, 1.0),
)
"""Colours for things of different kinds, distinct without red and green (after Okabe and Ito, 2008)."""
RAMP: tuple[Color, Color] = ((0.137, 0.243, 0.478, 1.0), (0.965, 0.890, 0.420, 1.0))
"""The ends of a scale from least to most."""


def apply(scale: float) -> None:
    """Give the current ImGui context our colours, spacing and font; `scale` is the display's own."""
    style = imgui.get_style()
    imgui.style_colors_dark(style)
    style.window_padding = ImVec2(12, 10)
    style.frame_padding = ImVec2(7, 3)
    style.item_spacing = ImVec2(8, 5)
    style.cell_padding = ImVec2(6, 2)
    style.indent_spacing = 16
    style.scrollbar_size = 11
    style.window_rounding = 0
    style.frame_rounding = style.grab_rounding = style.tab_rounding = 3
    style.scrollbar_rounding = 6
    style.window_border_size = 0
    style.frame_border_size = 0
    style.tab_bar_border_size = 1
    style.window_menu_button_position = imgui.Dir.none
    _colors(style)
    style.scale_all_sizes(scale)
    style.font_scale_dpi = scale
    if os.path.isfile(_FONT):
        imgui.get_io().fonts.add_font_from_file_ttf(str(_FONT), FONT_SIZE)
    if os.path.isfile(_FIXED_FONT):
        imgui.get_io().fonts.add_font_from_file_ttf(str(_FIXED_FONT), FONT_SIZE)


def push_fixed_font() -> None:
    """Write in a font of one width until `imgui.pop_font`, where there is one; it is the second font."""
    fonts = imgui.get_io().fonts.fonts
    imgui.push_font(fonts[1] if len(fonts) > 1 else None, 0.0)


def linear(color: Color) -> Color:
    """Return an sRGB-encoded colour with linear values."""
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in color[:3])
    return red, green, blue, color[3]


def _colors(style: imgui.Style) -> None:
    of = imgui.Col_
    table = {
        of.text: TEXT,
        of.text_disabled: QUIET,
        of.window_bg: GROUND,
        of.child_bg: (0, 0, 0, 0),
        of.popup_bg: (0.09, 0.098, 0.118, 1.0),
        of.border: LINE,
        of.frame_bg: RAISED,
        of.frame_bg_hovered: RAISED_HOVER,
        of.frame_bg_active: RAISED_HOVER,
        of.title_bg: GROUND,
        of.title_bg_active: GROUND,
        of.scrollbar_bg: (0, 0, 0, 0),
        of.scrollbar_grab: LINE,
        of.scrollbar_grab_hovered: QUIET,
        of.scrollbar_grab_active: ACCENT,
        of.check_mark: ACCENT,
        of.slider_grab: QUIET,
        of.slider_grab_active: ACCENT,
        of.button: RAISED,
        of.button_hovered: RAISED_HOVER,
        of.button_active: ACCENT_DIM,
        of.header: RAISED,
        of.header_hovered: RAISED_HOVER,
        of.header_active: ACCENT_DIM,
        of.separator: LINE,
        of.tab: (0, 0, 0, 0),
        of.tab_hovered: RAISED_HOVER,
        of.tab_selected: RAISED,
        of.tab_selected_overline: ACCENT,
        of.tab_dimmed: (0, 0, 0, 0),
        of.tab_dimmed_selected: RAISED,
        of.tab_dimmed_selected_overline: LINE,
        of.menu_bar_bg: RAISED,
        of.docking_preview: ACCENT_DIM,
        of.docking_empty_bg: GROUND,
        of.separator_hovered: QUIET,
        of.separator_active: ACCENT,
        of.table_header_bg: RAISED,
        of.table_border_strong: LINE,
        of.table_border_light: (0.16, 0.173, 0.2, 1.0),
        of.table_row_bg_alt: (1, 1, 1, 0.008),
        of.resize_grip: LINE,
        of.resize_grip_hovered: QUIET,
        of.resize_grip_active: ACCENT,
        of.plot_histogram: ACCENT,
        of.nav_cursor: ACCENT,
    }
    for color, value in table.items():
        style.set_color_(color.value, value)
