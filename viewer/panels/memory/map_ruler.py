"""The ruler of the map: how many bytes a row shows, and the offsets in it, at each zoom."""

from __future__ import annotations

import math

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.memory.map.viewport import Viewport
from viewer.panels.number_format import bytes_text
from viewer.ui import style

LINES = 1.3
"""Heights of the font that it takes."""
_APART = 1.5
"""Heights of the font between the labels of two marks, at least."""


def span_text(view: Viewport) -> str:
    """How many bytes a row shows from edge to edge: `16.0 MiB a row`."""
    return f"{bytes_text(max(round(view.width * view.scale), 1))} a row"


def marks(view: Viewport, apart: float) -> tuple[int, range]:
    """Return a power of two of bytes, and its multiples in sight that are at least `apart` points apart."""
    step = 1 << max(0, math.ceil(math.log2(max(apart * view.scale, 1.0))))
    first = math.ceil(view.origin / step) * step
    return step, range(first, math.floor(view.origin + view.width * view.scale) + 1, step)


def draw_ruler(view: Viewport, x: float, y: float, gutter: float) -> None:
    """Draw the ruler at a corner of the window, the span in the `gutter` and marks right of it, in points."""
    draw, unit = imgui.get_window_draw_list(), imgui.get_font_size()
    quiet, line = widgets.color(style.QUIET), widgets.color(style.LINE)
    draw.add_text((x, y), quiet, widgets.fitting(span_text(view), gutter - unit * 0.3))
    left, right, foot = x + gutter, x + gutter + view.width, y + unit * LINES - 1
    draw.add_line((left, foot), (right, foot), line)
    longest = imgui.calc_text_size(f"{view.largest:#x}").x
    for offset in marks(view, longest + unit * _APART)[1]:
        at = left + view.point_of(offset)
        draw.add_line((at, y + unit * 0.2), (at, foot), line)
        label = f"{offset:#x}" if offset else "0"
        if at + imgui.calc_text_size(label).x + unit * 0.3 <= right:
            draw.add_text((at + unit * 0.3, y), quiet, label)
