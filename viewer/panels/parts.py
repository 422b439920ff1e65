"""Parts that several panels draw: text that is cut where there is no room, buttons that tests find."""

from __future__ import annotations

from functools import lru_cache

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.session.session import Session
from viewer.ui import style

ELLIPSIS = "..."


def cut(text: str, tint: style.Color = style.TEXT, width: float = 0.0, more: tuple[str, ...] = ()) -> None:
    """Write text in one line of `width` points, by default as wide as there is room.

    What does not fit ends with an ellipsis, and the whole text is the tool tip, with the lines of `more`.
    """
    room = width or imgui.get_content_region_avail().x
    line = text.replace("\n", " ")
    shown = _fitted(line, int(room), imgui.get_font_size())
    imgui.push_style_color(imgui.Col_.text.value, tint)
    imgui.text_unformatted(shown)
    imgui.pop_style_color()
    if shown != line or more:
        widgets.tooltip((text, *more) if shown != line else more)


@lru_cache(maxsize=4096)
def _fitted(line: str, room: int, _font: float) -> str:
    """The longest beginning of a line that fits into so many points with an ellipsis; the line if it fits."""
    if len(line) * 2 < room and imgui.calc_text_size(line).x <= room:
        return line
    if imgui.calc_text_size(line[: room + 1]).x <= room and len(line) <= room:
        return line
    low, high = 0, min(len(line), room)
    while low < high:
        middle = (low + high + 1) // 2
        fits = imgui.calc_text_size(line[:middle] + ELLIPSIS).x <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return line[:low].rstrip() + ELLIPSIS


def button(session: Session, name: str, label: str, hint: str = "", *, enabled: bool = True) -> bool:
    """Draw a button, whose rectangle is `session.places[name]`; return whether it was pressed."""
    imgui.begin_disabled(not enabled)
    pressed = bool(imgui.button(f"{label}##{name}"))
    imgui.end_disabled()
    note_place(session, name)
    if hint:
        widgets.tooltip((hint,), disabled=True)
    return pressed and enabled


def note_place(session: Session, name: str) -> None:
    """Note the rectangle of the last item by a name."""
    low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
    session.places[name] = (low.x, low.y, high.x, high.y)


def flows(width: float) -> None:
    """Stay in the line if there is room for something of `width` points; for rows of buttons that wrap."""
    imgui.same_line()
    if imgui.get_content_region_avail().x < width:
        imgui.new_line()


def button_width(label: str) -> float:
    """How wide a button with this label is, in points."""
    return float(imgui.calc_text_size(label).x + 2 * imgui.get_style().frame_padding.x)
