"""How the panels look: a dark and a light theme, fonts, sizes in points."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import imgui_bundle
from imgui_bundle import ImVec2, ImVec4, imgui

from viewer.ui.fallback_fonts import add_fallbacks

FONT_SIZE = 15.0
LEAST_WINDOW = (9.0, 6.0)
"""Width and height that a panel is not made smaller than, in heights of the font."""
_FONTS = Path(imgui_bundle.__file__).parent / "assets" / "fonts"
_FONT = _FONTS / "Roboto" / "Roboto-Regular.ttf"
_FIXED_FONT = _FONTS / "Inconsolata-Medium.ttf"

Color = ImVec4 | tuple[float, float, float, float]
"""Red, green and blue as sRGB has them, and opacity."""

GROUND, RAISED, RAISED_HOVER = ImVec4(), ImVec4(), ImVec4()
LINE, FAINT_LINE, BORDER, POPUP = ImVec4(), ImVec4(), ImVec4(), ImVec4()
TEXT, QUIET, ACCENT, ACCENT_DIM, KNOB = ImVec4(), ImVec4(), ImVec4(), ImVec4(), ImVec4()
SELECTED = ImVec4()
GOOD, WARNING, BAD = ImVec4(), ImVec4(), ImVec4()
"""The colours of the theme in use; `choose` changes them in place, for whoever holds one."""

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


_DARK = {
    "GROUND": (0.075, 0.082, 0.098),
    "POPUP": (0.090, 0.098, 0.118),
    "RAISED": (0.125, 0.137, 0.161),
    "RAISED_HOVER": (0.165, 0.180, 0.213),
    "LINE": (0.200, 0.216, 0.251),
    "FAINT_LINE": (0.160, 0.173, 0.200),
    "BORDER": (0.400, 0.425, 0.470),
    "TEXT": (0.890, 0.902, 0.925),
    "QUIET": (0.575, 0.603, 0.655),
    "ACCENT": (0.902, 0.557, 0.290),
    "KNOB": (0.890, 0.902, 0.925),
    "GOOD": (0.420, 0.765, 0.490),
    "WARNING": (0.945, 0.765, 0.310),
    "BAD": (0.955, 0.430, 0.400),
}
_LIGHT = {
    "GROUND": (0.945, 0.949, 0.957),
    "POPUP": (0.980, 0.982, 0.988),
    "RAISED": (0.875, 0.886, 0.902),
    "RAISED_HOVER": (0.838, 0.852, 0.876),
    "LINE": (0.765, 0.784, 0.816),
    "FAINT_LINE": (0.847, 0.859, 0.878),
    "BORDER": (0.500, 0.520, 0.560),
    "TEXT": (0.110, 0.125, 0.153),
    "QUIET": (0.345, 0.371, 0.418),
    "ACCENT": (0.620, 0.268, 0.016),
    "KNOB": (0.980, 0.982, 0.988),
    "GOOD": (0.080, 0.425, 0.186),
    "WARNING": (0.495, 0.341, 0.000),
    "BAD": (0.720, 0.118, 0.104),
}
CONTRAST = 4.6
"""The least contrast of text on rows; WCAG 2.1 asks for 4.5."""
THEMES = {"dark": _DARK, "light": _LIGHT}
_SAFE = {
    "dark": {
        "ACCENT": (0.812, 0.487, 0.665),
        "GOOD": (0.337, 0.706, 0.914),
        "WARNING": (0.941, 0.894, 0.259),
        "BAD": (0.930, 0.450, 0.080),
    },
    "light": {
        "ACCENT": (0.520, 0.313, 0.354),
        "GOOD": (0.262, 0.325, 0.745),
        "WARNING": (0.525, 0.328, 0.017),
        "BAD": (0.400, 0.042, 0.000),
    },
}
"""Colours of meanings that differ without red and green (after Okabe and Ito, 2008)."""


def choose(theme: str, *, safe: bool = False) -> None:
    """Choose a theme of THEMES, with colours that are `safe`: they differ without red and green.

    Where there is an ImGui context, it has them from now on.
    """
    chosen = {**THEMES[theme], **(_SAFE[theme] if safe else {})}
    for name, (red, green, blue) in chosen.items():
        _set(globals()[name], red, green, blue, 1.0)
    _set(ACCENT_DIM, ACCENT.x, ACCENT.y, ACCENT.z, 0.35)
    _set(SELECTED, *_selected_ground())
    if imgui.get_current_context() is not None:
        style = imgui.get_style()
        (imgui.style_colors_light if theme == "light" else imgui.style_colors_dark)(style)
        _colors(style)


def luminance(color: Color) -> float:
    """Return the relative luminance of WCAG 2.1, 0 to 1."""
    red, green, blue, _ = linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _selected_ground() -> tuple[float, float, float, float]:
    """Mix as much of the accent into the ground of selected rows as leaves each text CONTRAST on it."""
    texts = [luminance(text) for text in (TEXT, QUIET, ACCENT, GOOD, WARNING, BAD)]
    ground, accent = luminance(GROUND), luminance(ACCENT)
    if ground < min(texts):
        most = (min(texts) + 0.05) / CONTRAST - 0.05
    else:
        most = (max(texts) + 0.05) * CONTRAST - 0.05
    share = max(0.0, (most - ground) / (accent - ground))
    mixed = (a + share * (b - a) for a, b in zip(linear(GROUND), linear(ACCENT), strict=True))
    red, green, blue, _ = (v * 12.92 if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in mixed)
    return red, green, blue, 1.0


def _set(color: ImVec4, red: float, green: float, blue: float, opacity: float) -> None:
    color.x, color.y, color.z, color.w = red, green, blue, opacity


def apply(scale: float) -> None:
    """Give the current ImGui context our colours, spacing and fonts; `scale` is how large all is drawn."""
    imgui.style_colors_dark(imgui.get_style())
    _colors(imgui.get_style())
    resize(scale)
    fonts = imgui.get_io().fonts
    if os.path.isfile(_FONT):
        fonts.add_font_from_file_ttf(str(_FONT), FONT_SIZE)
        add_fallbacks(fonts)
    if os.path.isfile(_FIXED_FONT):
        fonts.add_font_from_file_ttf(str(_FIXED_FONT), FONT_SIZE)
        add_fallbacks(fonts)


def resize(scale: float) -> None:
    """Draw text and spacing so large, 1 at 96 dots per inch."""
    style, usual = imgui.get_style(), imgui.Style()
    for name in dir(usual):
        value = getattr(usual, name)
        if isinstance(value, float | ImVec2) and not name.startswith(("_", "font_")):
            setattr(style, name, value)
    style.window_padding = ImVec2(12, 10)
    style.window_min_size = ImVec2(*(FONT_SIZE * least for least in LEAST_WINDOW))
    style.frame_padding = ImVec2(7, 3)
    style.item_spacing = ImVec2(8, 5)
    style.cell_padding = ImVec2(6, 2)
    style.indent_spacing = 16
    style.scrollbar_size = 11
    style.window_rounding = 0
    style.frame_rounding = style.grab_rounding = style.tab_rounding = 3
    style.scrollbar_rounding = 6
    style.window_border_size = 1
    style.frame_border_size = 0
    style.tab_bar_border_size = 1
    style.window_menu_button_position = imgui.Dir.none
    style._main_scale = 1.0  # `scale_all_sizes` multiplies it, and the marks of buttons are drawn by it
    style.scale_all_sizes(scale)
    style.tab_close_button_min_width_unselected = sys.float_info.max  # a click beside a title chooses the tab
    style.tab_min_width_shrink = sys.float_info.max  # tabs are scrolled rather than cut
    style.font_scale_dpi = scale


def push_fixed_font() -> None:
    """Write in a font of one width until `imgui.pop_font`, where there is one; it is the second font."""
    fonts = imgui.get_io().fonts.fonts
    imgui.push_font(fonts[1] if len(fonts) > 1 else None, 0.0)


def linear(color: Color) -> Color:
    """Return an sRGB-encoded colour with linear values."""
    values = color[0], color[1], color[2]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue, color[3]


def _colors(style: imgui.Style) -> None:
    of = imgui.Col_
    table: dict[imgui.Col_, Color] = {
        of.text: TEXT,
        of.text_disabled: QUIET,
        of.window_bg: GROUND,
        of.child_bg: (0, 0, 0, 0),
        of.popup_bg: POPUP,
        of.border: BORDER,
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
        of.checkbox_selected_bg: RAISED,
        of.text_link: ACCENT,
        of.input_text_cursor: TEXT,
        of.slider_grab: (QUIET.x, QUIET.y, QUIET.z, 0.45),  # the value is written over it
        of.slider_grab_active: ACCENT,
        of.button: RAISED,
        of.button_hovered: RAISED_HOVER,
        of.button_active: ACCENT_DIM,
        of.header: RAISED,
        of.header_hovered: RAISED_HOVER,
        of.header_active: SELECTED,
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
        of.table_border_light: FAINT_LINE,
        of.table_row_bg_alt: (1, 1, 1, 0.008),
        of.resize_grip: LINE,
        of.resize_grip_hovered: QUIET,
        of.resize_grip_active: ACCENT,
        of.plot_histogram: ACCENT,
        of.nav_cursor: ACCENT,
        of.modal_window_dim_bg: (0, 0, 0, 0.5),
    }
    for color, value in table.items():
        style.set_color_(color.value, value)


choose("dark")
