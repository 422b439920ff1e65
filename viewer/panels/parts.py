"""Parts that several panels draw: buttons that tests find, rows that wrap."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.session.session import Session


def button(session: Session, name: str, label: str, hint: str = "", *, why_not: str = "") -> bool:
    """Draw a button, whose rectangle is `session.places[name]`; return whether it was pressed.

    `why_not` says why it cannot be pressed now, empty where it can: it is grey then, with that as its tip.
    """
    imgui.begin_disabled(bool(why_not))
    pressed = bool(imgui.button(f"{label}##{name}"))
    imgui.end_disabled()
    note_place(session, name)
    if hint or why_not:
        widgets.tooltip((hint, why_not))
    return pressed and not why_not


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
