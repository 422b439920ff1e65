"""The colours of the map in the present theme."""

from __future__ import annotations

import math

from viewer.panels.memory.map.tile_colors import MapPalette, Rgb
from viewer.ui import style


def map_palette() -> MapPalette:
    """The palette of the map, from the colours of the theme."""
    ground = style.GROUND
    return MapPalette(
        ground=rgb_of(ground),
        categories=tuple(rgb_of(color) for color in style.CATEGORIES),
        other=rgb_of(style.QUIET),
        ramp=(rgb_of(style.RAMP[0]), rgb_of(style.RAMP[1])),
        padding=rgb_of(_mixed(ground, style.BAD, 0.45)),
        free=rgb_of(style.RAISED),
        waiting=rgb_of(_mixed(ground, style.WARNING, 0.45)),
        leaving=rgb_of(_mixed(ground, style.BAD, 0.75)),
        in_flight=rgb_of(style.TEXT),
    )


def color_of(rgb: Rgb) -> style.Color:
    """A colour of the palette as the rest of the UI writes it."""
    return rgb[0] / 255, rgb[1] / 255, rgb[2] / 255, 1.0


def text_on(rgb: Rgb) -> style.Color:
    """Black or white, whichever has the larger contrast of WCAG 2.1 to a colour: 4.58 at least."""
    is_bright = style.luminance(color_of(rgb)) + 0.05 > math.sqrt(0.05 * 1.05)
    return (0.0, 0.0, 0.0, 1.0) if is_bright else (1.0, 1.0, 1.0, 1.0)


def rgb_of(color: style.Color) -> Rgb:
    """A colour of the UI as the palette writes it, without its opacity."""
    return round(color[0] * 255), round(color[1] * 255), round(color[2] * 255)


def _mixed(color: style.Color, other: style.Color, share: float) -> style.Color:
    red, green, blue = (color[at] + (other[at] - color[at]) * share for at in range(3))
    return red, green, blue, 1.0
