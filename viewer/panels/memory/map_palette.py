"""The colours of the map in the present theme."""

from __future__ import annotations

import math

from viewer.panels.memory.map.tile_colors import MapPalette, Rgb
from viewer.ui import style


def map_palette() -> MapPalette:
    """The palette of the map, from the colours of the theme."""
    ground = style.GROUND
    return MapPalette(
        ground=_rgb(ground),
        categories=tuple(_rgb(color) for color in style.CATEGORIES),
        other=_rgb(style.QUIET),
        ramp=(_rgb(style.RAMP[0]), _rgb(style.RAMP[1])),
        padding=_rgb(_mixed(ground, style.BAD, 0.45)),
        free=_rgb(style.RAISED),
        waiting=_rgb(_mixed(ground, style.WARNING, 0.45)),
        leaving=_rgb(_mixed(ground, style.BAD, 0.75)),
        in_flight=_rgb(style.TEXT),
    )


def color_of(rgb: Rgb) -> style.Color:
    """A colour of the palette as the rest of the UI writes it."""
    return rgb[0] / 255, rgb[1] / 255, rgb[2] / 255, 1.0


def text_on(rgb: Rgb) -> style.Color:
    """Black or white, whichever has the larger contrast of WCAG 2.1 to a colour: 4.58 at least."""
    is_bright = style.luminance(color_of(rgb)) + 0.05 > math.sqrt(0.05 * 1.05)
    return (0.0, 0.0, 0.0, 1.0) if is_bright else (1.0, 1.0, 1.0, 1.0)


def _rgb(color: style.Color) -> Rgb:
    return round(color[0] * 255), round(color[1] * 255), round(color[2] * 255)


def _mixed(color: style.Color, other: style.Color, share: float) -> style.Color:
    red, green, blue = (color[at] + (other[at] - color[at]) * share for at in range(3))
    return red, green, blue, 1.0
