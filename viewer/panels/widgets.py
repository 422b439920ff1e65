"""Widgets that ImGui does not provide: a switch, marks of trees, a bar, secondary text, tooltips."""

from __future__ import annotations

from functools import lru_cache

from imgui_bundle import imgui

from viewer.ui import style

ELLIPSIS = "…"
SORT_ARROW = 0.65
"""Width of the arrow in the header of a sorted column, in heights of the font, as ImGui draws it."""

FLOATING = (
    imgui.WindowFlags_.no_decoration.value
    | imgui.WindowFlags_.no_move.value
    | imgui.WindowFlags_.no_docking.value
    | imgui.WindowFlags_.no_saved_settings.value
    | imgui.WindowFlags_.no_nav.value
    | imgui.WindowFlags_.no_focus_on_appearing.value
    | imgui.WindowFlags_.no_bring_to_front_on_focus.value
)
"""Of a window that lies over the scene at its place, and is no panel."""

BY_KEYS = imgui.ButtonFlags_.enable_nav.value
"""Of a button of our own that arrows go to, and Enter and Space press, as any other."""

# Looked up once: a frame of long tables asks hundreds of times.
_SPAN = imgui.SelectableFlags_.span_all_columns.value
_SPAN_OVERLAPPED = _SPAN | imgui.SelectableFlags_.allow_overlap.value
_ITEM_SPACING = imgui.StyleVar_.item_spacing.value
_HEADER = imgui.Col_.header.value
_TIP = imgui.HoveredFlags_.delay_short.value | imgui.HoveredFlags_.allow_when_disabled.value

Rectangle = tuple[float, float, float, float]


def color(value: style.Color, alpha: float = 1.0) -> int:
    """Pack a colour into the 32 bits of draw lists."""
    return imgui.color_convert_float4_to_u32((value[0], value[1], value[2], value[3] * alpha))


def switch(name: str, is_on: bool, in_effect: bool) -> tuple[bool, Rectangle]:
    """Draw a switch; returns (whether it was clicked, its rectangle x0 y0 x1 y1 on the screen).

    A switch that is on without effect, because an ancestor is off, is drawn hollow.
    """
    line = imgui.get_text_line_height()
    height = line * 0.86
    width = height * 1.75
    corner = imgui.get_cursor_screen_pos()
    clicked = imgui.invisible_button(name, (width, line), BY_KEYS)
    top = corner.y + (line - height) / 2
    box = (corner.x, top, corner.x + width, top + height)
    draw = imgui.get_window_draw_list()
    hovered = imgui.is_item_hovered()
    radius = height / 2
    track = style.ACCENT if is_on and in_effect else style.RAISED_HOVER if hovered else style.LINE
    draw.add_rect_filled(box[:2], box[2:], color(track), radius)
    if is_on and not in_effect:
        draw.add_rect(box[:2], box[2:], color(style.ACCENT), radius)
    if hovered:
        draw.add_rect(box[:2], box[2:], color(style.TEXT, 0.35), radius)
    knob = box[2] - radius if is_on else box[0] + radius
    draw.add_circle_filled((knob, top + radius), radius - 2, color(style.KNOB if is_on else style.QUIET))
    return clicked, box


def fold_mark(is_open: bool) -> None:
    """Draw the arrow of a row with children, which is folded by a click anywhere in it; the line goes on."""
    step, line = imgui.get_style().indent_spacing, imgui.get_text_line_height()
    corner = imgui.get_cursor_screen_pos()
    imgui.dummy((step, line))
    _mark(corner.x + step * 0.38, corner.y + line / 2, line * 0.24, is_open)
    imgui.same_line(0, 0)


def fold_button(identity: str, is_open: bool) -> bool:
    """Draw the arrow of a row with children; return whether it was clicked."""
    step, line = imgui.get_style().indent_spacing, imgui.get_text_line_height()
    corner = imgui.get_cursor_screen_pos()
    clicked = imgui.invisible_button(identity, (step, line), BY_KEYS)
    _mark(corner.x + step * 0.38, corner.y + line / 2, line * 0.24, is_open)
    return clicked


def bar(share: float, height: float, tint: style.Color) -> None:
    """Draw a thin bar over the remaining width, filled to `share` (0 to 1)."""
    corner, width = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
    draw = imgui.get_window_draw_list()
    far = corner.y + height
    draw.add_rect_filled((corner.x, corner.y), (corner.x + width, far), color(style.RAISED), height / 2)
    filled = corner.x + width * max(0.0, min(1.0, share))
    draw.add_rect_filled((corner.x, corner.y), (filled, far), color(tint), height / 2)
    imgui.dummy((width, height))


def quiet(text: str) -> None:
    """Write secondary text."""
    imgui.text_colored(style.QUIET, text)


def right_aligned(text: str, tint: style.Color = style.TEXT) -> None:
    """Write text at the right edge of the cell."""
    align_right(text)
    imgui.text_colored(tint, text)


def align_right(text: str, margin: float = 0.0) -> None:
    """Move to where a text has to begin to end at the right edge of the cell, less a margin, if it fits."""
    room = imgui.get_content_region_avail().x - imgui.calc_text_size(text).x - margin
    if room > 0:
        imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + room)


def begin_child(name: str, size: tuple[float, float] = (0.0, 0.0), flags: int = 0) -> bool:
    """Begin a part of a panel that is scrolled by itself, which arrows go into from what is around it."""
    return bool(imgui.begin_child(name, size, imgui.ChildFlags_.nav_flattened.value, flags))


def begin_table(name: str, columns: int, flags: int, height: float = 0.0, inner_width: float = 0.0) -> bool:
    """Begin a table that is scrolled, which arrows go into from what is around it."""
    imgui.internal.set_next_window_child_flags(imgui.ChildFlags_.nav_flattened.value, True)
    return bool(imgui.begin_table(name, columns, flags, (0.0, height), inner_width))


def scroll_by_keys(*, arrows: bool = False) -> None:
    """Scroll the part or table that is drawn now by the keys of the panel around it, if that has the focus.

    PageUp, PageDown, Home and End do so, and with `arrows` up and down: where arrows have nowhere to go.
    """
    focused = imgui.FocusedFlags_.root_and_child_windows.value | imgui.FocusedFlags_.no_popup_hierarchy.value
    if not imgui.is_window_focused(focused) or imgui.get_io().want_text_input or imgui.is_any_item_active():
        return
    line, page = imgui.get_text_line_height_with_spacing(), imgui.get_window_height() * 0.9
    steps = {imgui.Key.page_down: page, imgui.Key.page_up: -page, imgui.Key.home: -1e9, imgui.Key.end: 1e9}
    if arrows:
        steps |= {imgui.Key.down_arrow: line, imgui.Key.up_arrow: -line}
    for key, step in steps.items():
        if imgui.is_key_pressed(key):
            imgui.set_scroll_y(min(max(imgui.get_scroll_y() + step, 0.0), imgui.get_scroll_max_y()))


def table_row(identity: str, is_selected: bool, *, overlaps: bool = False, height: float = 0.0) -> bool:
    """Draw what a click on a row of a table selects, and return whether it was clicked.

    It covers the row and nothing of the next one, as the spacing of lines is more than that of rows. One that
    is selected has the ground of what is selected, and a bar at its left edge, also below the mouse.
    `overlaps`: other items are drawn over it, which get their own clicks.
    """
    style_now = imgui.get_style()
    gap = (style_now.item_spacing.x, 2 * style_now.cell_padding.y)
    imgui.push_style_var(_ITEM_SPACING, gap)
    imgui.push_style_color(_HEADER, style.SELECTED)
    flags = _SPAN_OVERLAPPED if overlaps else _SPAN
    clicked = imgui.selectable(identity, is_selected, flags, (0, height))[0]
    imgui.pop_style_color()
    imgui.pop_style_var()
    if is_selected:
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        width = style_now.cell_padding.x * 0.5
        imgui.get_window_draw_list().add_rect_filled(low, (low.x + width, high.y), color(style.ACCENT))
    return bool(clicked)


def scrolled_width(least: float) -> float:
    """The inner width of a table that is scrolled where it is narrower than `least` heights of the font.

    0 where it has as much: its columns fill the width then, and there is nothing to scroll.
    """
    wanted = least * imgui.get_font_size()
    return wanted if imgui.get_content_region_avail().x < wanted else 0.0


def table_headers(*numbers: int) -> None:
    """Draw the header row of a table; those of the columns `numbers` stand at the right, over the numbers.

    Columns that can be sorted keep the room of the arrow that shows the order.
    """
    arrow = imgui.get_font_size() * SORT_ARROW + imgui.get_style().frame_padding.x
    is_sortable = imgui.table_get_sort_specs() is not None
    imgui.table_next_row(imgui.TableRowFlags_.headers.value)
    for column in range(imgui.table_get_column_count()):
        if not imgui.table_set_column_index(column):
            continue
        name = imgui.table_get_column_name(column)
        if column in numbers:
            align_right(name, arrow if is_sortable else 0.0)
        imgui.push_id(column)
        imgui.table_header(name)
        imgui.pop_id()


@lru_cache(maxsize=4096)
def _fitting(text: str, room: int, _font: tuple[int, float]) -> str:
    """The longest beginning of a line that fits into so many points with an ellipsis; the line if it fits."""
    if len(text) <= room and imgui.calc_text_size(text).x <= room:
        return text
    low, high = 0, min(len(text), max(room, 0))
    while low < high:
        middle = (low + high + 1) // 2
        fits = imgui.calc_text_size(text[:middle] + ELLIPSIS).x <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + ELLIPSIS if low >= 2 else ""


def fitting(text: str, width: float) -> str:
    """The text, or as much of its beginning as fits with an ellipsis; nothing where too little does."""
    return _fitting(text, int(width), (imgui.get_font().font_id, imgui.get_font_size()))


def cut(text: str, tint: style.Color = style.TEXT, width: float = 0.0, more: tuple[str, ...] = ()) -> None:
    """Write text in one line of `width` points, by default as wide as there is room.

    What does not fit ends with an ellipsis, and the whole text is the tool tip, with the lines of `more`.
    """
    line = text.replace("\n", " ")
    shown = fitting(line, width or imgui.get_content_region_avail().x)
    imgui.text_colored(tint, shown)
    if shown != line or more:
        tooltip((text, *more) if shown != line else more)


def same_line_if_it_fits(width: float) -> None:
    """Go on in this line if an item of a width fits into what is left of it."""
    right = imgui.get_item_rect_max().x + imgui.get_style().item_spacing.x + width
    if right < imgui.get_window_pos().x + imgui.get_window_size().x - imgui.get_style().window_padding.x:
        imgui.same_line()


def link(text: str, identity: str) -> bool:
    """Draw a text that can be clicked, underlined under the pointer; returns whether it was."""
    corner, size = imgui.get_cursor_screen_pos(), imgui.calc_text_size(text)
    clicked = imgui.invisible_button(f"##{identity}", (max(size.x, 1.0), size.y), BY_KEYS)
    draw, tint = imgui.get_window_draw_list(), color(style.ACCENT)
    draw.add_text((corner.x, corner.y), tint, text)
    if imgui.is_item_hovered():
        draw.add_line((corner.x, corner.y + size.y), (corner.x + size.x, corner.y + size.y), tint)
        imgui.set_mouse_cursor(imgui.MouseCursor_.hand)
    return bool(clicked)


def item_box() -> Rectangle:
    """The rectangle of the previous item on the screen."""
    low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
    return low.x, low.y, high.x, high.y


def tooltip(lines: tuple[str, ...]) -> None:
    """Show lines while the mouse is over the previous item, also a disabled one; empty lines are left out."""
    if not any(lines) or not imgui.is_item_hovered(_TIP):
        return
    if imgui.begin_tooltip():
        imgui.push_text_wrap_pos(imgui.get_font_size() * 36)
        for line in filter(None, lines):
            imgui.text_unformatted(line)
        imgui.pop_text_wrap_pos()
        imgui.end_tooltip()


def _mark(x: float, y: float, size: float, is_open: bool) -> None:
    draw, tint = imgui.get_window_draw_list(), color(style.QUIET)
    if is_open:
        draw.add_triangle_filled(
            (x - size, y - size * 0.6), (x + size, y - size * 0.6), (x, y + size * 0.8), tint
        )
    else:
        draw.add_triangle_filled(
            (x - size * 0.6, y - size), (x + size * 0.8, y), (x - size * 0.6, y + size), tint
        )
