"""Where panels are docked at first, and the area that they leave free."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.panel import Dock, Placed
from viewer.session.session import Rectangle
from viewer.ui import style
from viewer.ui.style import FONT_SIZE

_SHARES = {Dock.LEFT: 0.22, Dock.RIGHT: 0.30, Dock.BOTTOM: 0.36}
"""The share that a place takes of what is left, in the order in which it is split off."""
_ENLARGED = {Dock.LEFT: (12.0, 0.34), Dock.RIGHT: (14.0, 0.46), Dock.BOTTOM: (11.0, 0.5)}
"""Of an interface larger than usual: heights of the font that a place takes at least, and its most share."""
LEAST_ROOM = (40.0, 22.0)
"""Widths and heights of the font that a window has at least; a larger interface leaves panels no room."""
SCALE_STEP = 0.05
"""Bounds of the scale are multiples of it: fonts are drawn again for each."""
_SIDES = {Dock.LEFT: imgui.Dir.left, Dock.RIGHT: imgui.Dir.right, Dock.BOTTOM: imgui.Dir.down}


def set_default(node: int, panels: Sequence[Placed]) -> set[str]:
    """Dock every panel in its first place around the central node of a dock space.

    Returns the titles of the panels that come before those that they share a place with.
    """
    builder = imgui.internal
    builder.dock_builder_remove_node_child_nodes(node)
    rest, (width, height) = node, imgui.get_main_viewport().size  # the first frame knows of no menu bar
    builder.dock_builder_set_node_size(node, (width, height))
    for dock in Dock:
        here = [placed for placed in panels if placed.dock is dock]
        if not here:
            continue
        share = share_of(dock, height if dock is Dock.BOTTOM else width, imgui.get_font_size())
        width *= 1.0 if dock is Dock.BOTTOM else 1.0 - share
        split = builder.dock_builder_split_node(rest, _SIDES[dock], share)
        rest = split.id_at_opposite_dir
        for placed in here:
            builder.dock_builder_dock_window(placed.window, split.id_at_dir)
    builder.dock_builder_finish(node)
    first = {placed.dock: placed.title for placed in reversed(panels) if placed.shown}
    return set(first.values())


def fitting_scale(wanted: float, of_display: float, size: tuple[int, int]) -> float:
    """Return the scale of the interface that is wanted, or the largest that a window has room for.

    `size` is that of the window in pixels. No less than half the scale of the display is returned, nor less
    than 1 where more is wanted, so that texts stay legible.
    """
    room = min(side / (FONT_SIZE * least) for side, least in zip(size, LEAST_ROOM, strict=True))
    most = math.floor(room / SCALE_STEP + 1e-6) * SCALE_STEP
    return min(wanted, round(max(most, of_display / 2, 1.0), 4))


def share_of(dock: Dock, room: float, font_size: float) -> float:
    """Return the share that a place takes of so many points: what its panels say must stay legible."""
    least, most = _ENLARGED[dock]
    if font_size <= FONT_SIZE:
        return _SHARES[dock]
    return max(_SHARES[dock], min(least * font_size / room, most))


def free_area(node: int) -> Rectangle:
    """Return the area of a dock space that no panel takes, in points; 0: there is no dock space."""
    central = imgui.internal.dock_builder_get_central_node(node) if node else None
    if central is None or central.size.x < 1 or central.size.y < 1:
        viewport = imgui.get_main_viewport()
        position, size = (viewport.work_pos, viewport.work_size) if node else (viewport.pos, viewport.size)
    else:
        position, size = central.pos, central.size
    return position.x, position.y, position.x + size.x, position.y + size.y


def bring_forward(window: imgui.internal.Window) -> None:
    """Have the tab of a docked window selected, and in sight: focus selects that of one window alone."""
    bar = window.dock_node.tab_bar if window.dock_node is not None else None
    tab = imgui.internal.tab_bar_find_tab_by_id(bar, window.tab_id) if bar is not None else None
    if tab is not None:
        imgui.internal.tab_bar_queue_focus(bar, tab)


def tabs_before(window: imgui.internal.Window) -> list[int]:
    """Return the ids of the tabs left of that of a docked window, from the left; none where it has no tab."""
    bar = window.dock_node.tab_bar if window.dock_node is not None else None
    ids = [] if bar is None else [tab.id_ for tab in bar.tabs]
    return ids[: ids.index(window.tab_id)] if window.tab_id in ids else []


def put_behind(window: imgui.internal.Window, before: Sequence[int]) -> None:
    """Have the tab of a docked window moved to just behind the last of these, or to the front of its bar.

    A bar moves one tab in a frame.
    """
    bar = window.dock_node.tab_bar if window.dock_node is not None else None
    ids = [] if bar is None else [tab.id_ for tab in bar.tabs]
    if bar is None or window.tab_id not in ids:
        return
    at = ids.index(window.tab_id)
    ids.remove(window.tab_id)
    wanted = max((ids.index(other) for other in before if other in ids), default=-1) + 1
    if wanted != at:
        tab = imgui.internal.tab_bar_find_tab_by_id(bar, window.tab_id)
        imgui.internal.tab_bar_queue_reorder(bar, tab, wanted - at)


def keep_chosen_in_sight(
    nodes: Iterable[imgui.internal.DockNode], widths: dict[int, tuple[float, float]]
) -> bool:
    """Scroll bars of tabs to those that are chosen where a bar is new, or it or its tabs have another width.

    ImGui does so for a bar that became narrower alone; tabs get their crosses after the first frame.
    `widths` keeps what bars had in the last frame, by the nodes' ids. Returns whether one will be scrolled.
    """
    before, is_scrolled = dict(widths), False
    widths.clear()
    for node in nodes:
        bar = node.tab_bar
        if bar is None:
            continue
        widths[node.id_] = now = (bar.scrolling_rect_max_x - bar.scrolling_rect_min_x, bar.width_all_tabs)
        if before.get(node.id_) != now:
            bar.next_scroll_to_tab_id = bar.visible_tab_id
            is_scrolled = True
    return is_scrolled


def end_cut_titles(node: imgui.internal.DockNode) -> None:
    """End titles of tabs that an edge of their bar runs through with an ellipsis, as ImGui does not."""
    bar, host = node.tab_bar, node.host_window
    if bar is None or host is None:
        return
    left, right = bar.scrolling_rect_min_x, bar.scrolling_rect_max_x
    if bar.width_all_tabs <= right - left:
        return
    top, bottom = bar.bar_rect.min.y, bar.bar_rect.max.y
    padding, line = bar.frame_padding.x, imgui.get_style().tab_bar_border_size
    draw = host.draw_list
    for tab in bar.tabs:
        begin = bar.bar_rect.min.x + tab.offset - int(bar.scrolling_anim)
        title = tab.window.name.split("###")[0]
        text = begin + padding
        width = imgui.calc_text_size(title).x
        if not (text < right < text + width or text < left < text + width):
            continue
        low, high = max(begin, left), min(begin + tab.width, right)
        draw.push_clip_rect((low, top), (high, bottom))
        is_chosen = tab.id_ == bar.visible_tab_id
        ground = style.RAISED if is_chosen else style.GROUND
        draw.add_rect_filled((low, top + line), (high, bottom - line), widgets.color(ground))
        shown = widgets.fitting(title, right - text) if text >= left else ""
        at = text if shown else low + padding * 0.5
        draw.add_text((at, top + bar.frame_padding.y), widgets.color(style.TEXT), shown or widgets.ELLIPSIS)
        draw.pop_clip_rect()
