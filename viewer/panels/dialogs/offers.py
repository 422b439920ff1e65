"""What has to be decided, over the scene: conflicts with files, and what can be recovered.

It comes without being asked for, so no panel moves for it; what is added later stands below what was there.
"""

from __future__ import annotations

import time

from imgui_bundle import imgui

from viewer.editing.conflict_texts import texts_of
from viewer.panels import parts, widgets
from viewer.session.links import ObjectLink
from viewer.session.session import Rectangle, Session
from viewer.ui import style

SHOWN_CONFLICTS = 50
_MINE, _THEIRS = "keep mine", "take the file's"
_WIDTH = 30
"""Widths of the font that it takes, where there is room."""
NOTICE_HEIGHT = 5.5
"""Heights of the font that it leaves to notices at the top, where there are `_HIGH` of them."""
_HIGH = 20
_LEAST = 7
"""Widths and heights of the font of a scene that it is shown over; else it lies over the panels, too."""
_FLAGS = (
    widgets.FLOATING
    & ~imgui.WindowFlags_.no_scrollbar.value
    & ~imgui.WindowFlags_.no_bring_to_front_on_focus.value
) | imgui.WindowFlags_.always_auto_resize.value


def draw_offers(session: Session, area: Rectangle) -> None:
    """Draw what has to be decided, if anything has to, at the top of an area of the window."""
    editing = session.editing
    if not editing.found and not editing.saving.conflicts:
        return
    x0, y0, x1, y1 = _room(area)
    size = imgui.get_font_size()
    top = y0 + size * (NOTICE_HEIGHT if y1 - y0 > _HIGH * size else 0.5)
    width, height = min(_WIDTH * size, x1 - x0 - size), y1 - top - size / 2
    imgui.set_next_window_pos(((x0 + x1 - width) / 2, top))
    imgui.set_next_window_size_constraints((width, 0.0), (width, height))
    imgui.push_style_color(imgui.Col_.window_bg.value, style.POPUP)
    imgui.push_style_var(imgui.StyleVar_.window_min_size.value, (1.0, 1.0))
    imgui.begin("###offers", None, _FLAGS)
    imgui.pop_style_var()
    _recovery(session)
    _conflicts(session)
    imgui.end()
    imgui.pop_style_color()


def _room(area: Rectangle) -> Rectangle:
    """An area that is large enough: that of the scene, else the whole window."""
    least = _LEAST * imgui.get_font_size()
    if area[2] - area[0] >= least * 2 and area[3] - area[1] >= least:
        return area
    low, size = imgui.get_main_viewport().work_pos, imgui.get_main_viewport().work_size
    return low.x, low.y, low.x + size.x, low.y + size.y


def _recovery(session: Session) -> None:
    editing = session.editing
    for number, found in enumerate(editing.found):
        imgui.push_id(number)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.when))
        imgui.push_text_wrap_pos(0.0)
        imgui.text_colored(style.WARNING, f"Changes of {when} were not saved.")
        imgui.pop_text_wrap_pos()
        if imgui.button("recover"):
            editing.recover(found)
        session.places["button recover"] = widgets.item_box()
        parts.flows(parts.button_width("discard"))
        if imgui.button("discard"):
            editing.discard(found)
        session.places["button discard"] = widgets.item_box()
        imgui.pop_id()


def _conflicts(session: Session) -> None:
    saving, editing = session.editing.saving, session.editing
    conflicts = saving.conflicts
    if not conflicts:
        return
    imgui.push_text_wrap_pos(0.0)
    imgui.text_colored(style.WARNING, f"Changed here and in the file: {len(conflicts):,}")
    imgui.pop_text_wrap_pos()
    settled = None
    for number, conflict in enumerate(conflicts[:SHOWN_CONFLICTS]):
        imgui.push_id(number)
        clicked = imgui.selectable("##conflict", False, 0, (0, imgui.get_text_line_height()))[0]
        if clicked and saving.is_there(conflict):
            session.links.follow(ObjectLink(conflict.row))
        imgui.same_line(imgui.get_style().window_padding.x)
        widgets.cut(f"{conflict.what} of {conflict.path}")
        mine, theirs = texts_of(session.runtime.scene, conflict)
        if _value(session, f"conflict mine {number}", _MINE, mine, "the next save writes it"):
            settled = conflict, False
        about = "it is set here, too; that can be undone"
        if _value(session, f"conflict file {number}", _THEIRS, theirs, about):
            settled = conflict, True
        imgui.pop_id()
    if settled is not None:
        conflict, use_file = settled
        editing.run(lambda: saving.settle(conflict, use_file))


def _value(session: Session, place: str, label: str, value: str, about: str) -> bool:
    """Draw a button that settles a conflict, and the value that it takes in the rest of the line."""
    pressed = bool(imgui.small_button(label))
    session.places[place] = widgets.item_box()
    widgets.tooltip((value, about))
    width = imgui.calc_text_size(_THEIRS).x + 2 * imgui.get_style().frame_padding.x
    imgui.same_line(imgui.get_style().window_padding.x + width + imgui.get_style().item_spacing.x)
    widgets.cut(value)
    session.places[f"{place} value"] = widgets.item_box()
    return pressed
