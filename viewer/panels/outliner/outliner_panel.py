"""The outliner: objects and features as a tree that is searched, selected, switched and rearranged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from engine.tableau import FeatureTable, Tableau
from viewer.panels import widgets
from viewer.panels.number_format import bytes_text
from viewer.panels.outliner.memory_shares import MemoryShares, memory_shares
from viewer.panels.outliner.outliner_actions import OutlinerActions
from viewer.panels.outliner.outliner_keys import handle_keys
from viewer.panels.outliner.outliner_menu import draw_menu, selection_commands
from viewer.panels.outliner.outliner_model import Node, OutlinerModel, State
from viewer.session.links import FeatureLink, ObjectLink
from viewer.session.session import Session
from viewer.ui import style

FLAGS = ("active", "enabled")
_EFFECTIVE = {flag: f"effective_{flag}" for flag in FLAGS}
SHARES = ("total", "alone", "shared")
_SHARE_HELP = {
    "total": "GPU memory of the plan that the object and all below it request",
    "alone": "the part of it that nobody else requests: it comes back when they are switched off",
    "shared": "the part of it that others request, too",
}
_FLAG_HELP = {
    "active": "active: whether memory is planned for it, and for all below it",
    "enabled": "enabled: whether it takes part in frames; its memory stays",
}
_TABLE = (
    imgui.TableFlags_.scroll_x.value
    | imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.hideable.value
    | imgui.TableFlags_.resizable.value
    | imgui.TableFlags_.borders_inner_h.value
)
_SOON = imgui.HoveredFlags_.delay_short.value
"""What each row asks for: a look-up in an enumeration takes as long as a text."""
WIDE = 6.5
"""Widths of the font that names have at least beside columns of memory; else these are scrolled to."""
LEGIBLE = 3.5
"""Widths of the font, about six letters, that the deepest name has at least; else the tree is scrolled."""
SHORT = 4.2
"""Widths of the font that names have at least, with marks and indents; else switches are scrolled to."""
SHALLOW = 1
"""A tree of so few levels below the first is not scrolled: its indents shrink where there is no room."""
_DRAGGED = "objects of the outliner"
_Flags = Mapping[str, NDArray[np.bool_]]
"""The columns of flags of objects, or of the features of one type."""


class OutlinerPanel:
    """Draws only the rows on the screen; `Session.places` has `row PATH/FEATURE` and their switches."""

    title = "outliner"

    def __init__(self, session: Session) -> None:
        self._session = session
        self.model = OutlinerModel(session.runtime.tableau)
        self.actions = OutlinerActions(session, self.model)
        self._shares: tuple[object, int, MemoryShares] | None = None
        self._scroll_to: int | None = None
        self._marked: Mapping[int, bool] = {}
        self._columns: dict[int, dict[str, NDArray[np.bool_]]] = {}
        self._paths: tuple[int, dict[int, str]] = -1, {}
        self._seen_selection = session.selection.version
        self._deepest: tuple[object, int] = None, 0  # the rows that are shown, and how deep they are
        self._is_deep = False  # the names have no room for their indents, and are scrolled with the rest
        self._share_count = 1  # columns of memory that were shown in the last frame
        session.commands.add(*selection_commands(self.actions))
        session.links.on(ObjectLink, lambda link: self._reveal(link.row))
        session.links.on(FeatureLink, lambda link: self._reveal_feature(link.type_name, link.row))

    def draw(self) -> None:
        """Draw the search and the tree into the current window."""
        self._toolbar()
        self.model.update()
        self._follow_selection()
        is_focused = imgui.is_window_focused(imgui.FocusedFlags_.child_windows.value)
        if is_focused and not imgui.get_io().want_text_input:
            handle_keys(self.actions)
            self.model.update()
        columns = 1 + len(FLAGS) + len(SHARES)
        imgui.push_item_flag(imgui.ItemFlags_.no_nav.value, True)
        if imgui.begin_table("objects", columns, _TABLE, (0.0, 0.0), self._scrolled_width()):
            self._headers()
            self._rows()
            imgui.end_table()
        imgui.pop_item_flag()

    # -- above the table ---------------------------------------------------------------------------

    def _toolbar(self) -> None:
        model, em = self.model, imgui.get_font_size()
        label = "filter*" if model.feature or model.state is not State.ALL else "filter"
        width = imgui.calc_text_size("filter*").x + imgui.get_style().frame_padding.x * 2
        imgui.set_next_item_width(-(width + imgui.get_style().item_spacing.x))
        _, model.search = imgui.input_text_with_hint("##search", "search", model.search)
        self._note("outliner search")
        if model.search and imgui.is_item_focused() and imgui.is_key_pressed(imgui.Key.escape):
            model.search = ""
        imgui.same_line()
        if imgui.button(f"{label}###filter", (width, 0)):
            imgui.open_popup("filters")
        self._note("outliner filter")
        widgets.tooltip(("filter by feature and state; expand and collapse all",))
        imgui.set_next_window_size((em * 16, 0))
        if imgui.begin_popup("filters"):
            self._filters()
            imgui.end_popup()
        if model.is_filtered:
            self.model.update()
            widgets.quiet(f"{model.matches:,} found")
            imgui.same_line()
            if imgui.small_button("clear"):
                model.search, model.feature, model.state = "", "", State.ALL

    def _filters(self) -> None:
        model = self.model
        imgui.set_next_item_width(-1)
        if imgui.begin_combo("##feature", model.feature or "any feature"):
            for name in ("", *self._session.runtime.tableau.tables):
                if imgui.selectable(f"{name or 'any feature'}##{name}", name == model.feature)[0]:
                    model.feature = name
            imgui.end_combo()
        for state in State:
            if imgui.radio_button(state.value, model.state is state):
                model.state = state
        imgui.separator()
        if imgui.button("expand all"):
            model.expand_all(True)
        imgui.same_line()
        if imgui.button("collapse all"):
            model.expand_all(False)

    # -- the table ---------------------------------------------------------------------------------

    def _headers(self) -> None:
        narrow = imgui.TableColumnFlags_.width_fixed.value
        hidden = imgui.TableColumnFlags_.default_hide.value
        kept = imgui.TableColumnFlags_.no_hide.value
        imgui.table_setup_scroll_freeze(0 if self._is_deep else 1, 1)
        imgui.table_setup_column("object, feature", imgui.TableColumnFlags_.width_stretch.value | kept)
        for flag in FLAGS:
            imgui.table_setup_column(flag, narrow, _switch_width())
        for number, name in enumerate(SHARES):
            imgui.table_setup_column(name, narrow | (hidden if number else 0), _share_width())
        helps = ("", *(_FLAG_HELP[flag] for flag in FLAGS), *(_SHARE_HELP[name] for name in SHARES))
        names = ("object, feature", "A", "E", *SHARES)
        imgui.table_next_row(imgui.TableRowFlags_.headers.value)
        for column, (name, text) in enumerate(zip(names, helps, strict=True)):
            if imgui.table_set_column_index(column):
                if name in SHARES:
                    widgets.align_right(name)
                imgui.table_header(name)
                widgets.tooltip((text,))

    def _scrolled_width(self) -> float:
        """The width of all columns where there is no room for them beside a legible name; 0 where there is.

        Names and switches fill the width then, and the columns of memory are scrolled to; in the narrowest
        places switches are, too. Names of a tree that is too deep for that are as wide as its indents, and
        are scrolled with them.
        """
        padding = imgui.get_style().cell_padding.x * 2 + 1
        room = imgui.get_content_region_avail().x - imgui.get_style().scrollbar_size
        shares = self._share_count * (_share_width() + padding)
        switches = len(FLAGS) * (_switch_width() + padding)
        names, font = room - switches, imgui.get_font_size()
        fits = not shares or names - shares >= font * WIDE
        indents = (self._depth() + 1) * imgui.get_style().indent_spacing
        self._is_deep = self._depth() > SHALLOW and indents + font * LEGIBLE > (
            names - shares if fits else names
        )
        if self._is_deep:
            return indents + font * WIDE + padding + switches + shares
        if 0 < names < font * SHORT:
            return font * SHORT + switches + shares
        return 0.0 if fits else max(room, 1.0) + shares

    def _depth(self) -> int:
        """How deep the rows are that are shown."""
        depths = self.model.depths
        if self._deepest[0] is not depths:
            self._deepest = depths, int(depths.max(initial=0))
        return self._deepest[1]

    def _rows(self) -> None:
        model = self.model
        shown = len(model.shown)
        self._share_count = self._shown_shares()
        shares = self._memory() if self._share_count else None
        clipper = imgui.ListClipper()
        clipper.begin(shown)
        if self._scroll_to is not None and self._scroll_to < shown:
            clipper.include_item_by_index(self._scroll_to)
        action: Callable[[], None] | None = None
        self._columns.clear()
        tree_version = self._session.runtime.tableau.tree_version
        if self._paths[0] != tree_version:
            self._paths = tree_version, {}
        while clipper.step():
            self._mark(slice(clipper.display_start, clipper.display_end))
            for index in range(clipper.display_start, clipper.display_end):
                action = self._row(index, shares) or action
        imgui.dummy((0, imgui.get_text_line_height()))
        if imgui.begin_drag_drop_target():
            self._drop_on(-1)
            imgui.end_drag_drop_target()
        if imgui.begin_popup_context_window(
            "empty", imgui.PopupFlags_.mouse_button_right.value | imgui.PopupFlags_.no_open_over_items.value
        ):
            action = draw_menu(self.actions, None) or action
            imgui.end_popup()
        if action is not None:
            action()

    def _mark(self, places: slice) -> None:
        """Find out which of the rows that are drawn next differ from their files: all of them in one go."""
        self._marked = self._session.editing.changes.marked(self.model.shown_objects(places))

    def _row(self, index: int, shares: MemoryShares | None) -> Callable[[], None] | None:
        """Draw one row; return what was chosen in its menu."""
        model, number = self.model, int(self.model.shown[index])
        node, tableau = model.node(number), self._session.runtime.tableau
        table = tableau.tables[node.feature] if node.feature else None
        flags = self._flags(tableau if table is None else table)
        is_selected, paths = self.actions.is_selected(node), self._paths[1]
        path = paths.get(node.object)
        if path is None:
            path = paths[node.object] = tableau.path(node.object)
        imgui.push_id(number)
        imgui.table_next_row()
        imgui.table_next_column()
        must_show = index == self._scroll_to
        if must_show:
            imgui.set_scroll_here_y(0.5)
            self._scroll_to = None
        height = imgui.get_text_line_height()
        start, corner = imgui.get_cursor_pos(), imgui.get_cursor_screen_pos()
        width = imgui.get_content_region_avail().x
        clicked = widgets.table_row("##row", is_selected, overlaps=True, height=height)
        if clicked:
            self.actions.click(index)
        place = (corner.x, corner.y, corner.x + width, corner.y + height)
        self._session.places[f"row {path}/{node.feature}"] = place  # its name: the rest has switches
        if not node.feature:
            if imgui.is_item_hovered() and imgui.is_mouse_double_clicked(0):
                self.actions.start_renaming(node.object)
            self._drag(node)
        action = None
        if imgui.begin_popup_context_item("menu"):
            if not is_selected:
                self.actions.select_node(node)
            action = draw_menu(self.actions, node)
            imgui.end_popup()
        self._tooltip(node, path)
        imgui.set_cursor_pos(start)
        self._name(number, node, path, int(model.depths[index]), _tint(node, flags), must_show=must_show)
        for flag in FLAGS:
            if imgui.table_next_column():
                self._switch(node, path, flag, flags)
        self._shares_of(node, shares, is_selected=is_selected)
        imgui.pop_id()
        return action

    def _name(
        self, number: int, node: Node, path: str, depth: int, tint: style.Color, *, must_show: bool
    ) -> None:
        model, tableau = self.model, self._session.runtime.tableau
        step, line = imgui.get_style().indent_spacing, imgui.get_text_line_height()
        indent = depth * step
        if not self._is_deep:
            room = imgui.get_content_region_avail().x - step - imgui.get_font_size() * LEGIBLE
            indent = max(0.0, min(indent, room))
        imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + indent)
        if must_show and self._is_deep:
            imgui.set_scroll_from_pos_x(imgui.get_cursor_screen_pos().x - imgui.get_window_pos().x, 0.25)
        if model.has_children(number):
            is_open = bool(model.is_open[number]) or model.is_filtered
            if widgets.fold_button("fold", is_open):
                model.expand(node.object, not is_open)
            self._note(f"fold {path}")
        else:
            imgui.dummy((step, line))
        imgui.same_line(0, 0)
        if not node.feature and self.actions.renaming == node.object:
            self._rename_box()
            return
        widgets.cut(node.feature or tableau.name_of(node.object), tint)
        if not node.feature and self._marked[node.object]:
            imgui.same_line(0, imgui.get_font_size() * 0.3)
            imgui.text_colored(style.ACCENT, "•")

    def _rename_box(self) -> None:
        actions = self.actions
        imgui.set_next_item_width(-1)
        imgui.push_item_flag(imgui.ItemFlags_.no_nav.value, False)  # else it cannot get the keyboard
        if actions.focus_box:
            imgui.set_keyboard_focus_here()
            actions.focus_box = False
        done, actions.new_name = imgui.input_text(
            "##name",
            actions.new_name,
            imgui.InputTextFlags_.enter_returns_true.value | imgui.InputTextFlags_.auto_select_all.value,
        )
        imgui.pop_item_flag()
        self._note("rename box")
        if done:
            actions.finish_renaming()
        elif imgui.is_item_deactivated():
            actions.renaming = None

    def _switch(self, node: Node, path: str, flag: str, flags: _Flags) -> None:
        row = node.feature_row if node.feature else node.object
        is_on, in_effect = bool(flags[flag][row]), bool(flags[_EFFECTIVE[flag]][row])
        clicked, box = widgets.switch(flag, is_on, in_effect)
        self._session.places[f"switch {path}/{node.feature}/{flag}"] = box
        if clicked:
            self.actions.switch(node, flag, not is_on)

    def _shares_of(self, node: Node, shares: MemoryShares | None, *, is_selected: bool) -> None:
        for name in SHARES if self._share_count else ():
            if not imgui.table_next_column() or shares is None or node.feature:
                continue
            column = getattr(shares, name)
            size = int(column[node.object]) if node.object < len(column) else 0
            if size:
                tint = style.TEXT if is_selected else style.QUIET
                widgets.right_aligned(bytes_text(size), tint)
                widgets.tooltip((f"{size:,} bytes {name}", _SHARE_HELP[name]))

    def _tooltip(self, node: Node, path: str) -> None:
        if not imgui.is_item_hovered(_SOON):
            return
        tableau = self._session.runtime.tableau
        table = tableau.tables[node.feature] if node.feature else None
        place = tableau.position(node.object) if table is None else table.position(node.feature_row)
        failed = (
            "its code raised: see the problems" if table and table.flags("failed")[node.feature_row] else ""
        )
        what = f"{node.feature} on '{path}'" if node.feature else path
        about = table.schema.help if table is not None else ""
        widgets.tooltip((what, about, failed, str(place) if place is not None else "in no file yet"))

    def _flags(self, of: Tableau | FeatureTable) -> _Flags:
        """Return the columns of flags, which are asked for once in a frame."""
        found = self._columns.get(id(of))
        if found is None:
            names = (*FLAGS, *_EFFECTIVE.values())
            found = self._columns[id(of)] = {name: of.flags(name) for name in names}
            if isinstance(of, FeatureTable):
                found["failed"] = of.flags("failed")
        return found

    # -- dragging ----------------------------------------------------------------------------------

    def _drag(self, node: Node) -> None:
        """Let an object be dragged onto others, which become its parents."""
        if imgui.begin_drag_drop_source():
            if not self.actions.is_selected(node):
                self.actions.select_node(node)
            imgui.set_drag_drop_payload_py_id(_DRAGGED, node.object)
            imgui.text_unformatted(self._session.editing.editor.names(self._session.selection.objects))
            imgui.end_drag_drop_source()
        if imgui.begin_drag_drop_target():
            self._drop_on(node.object)
            imgui.end_drag_drop_target()

    def _drop_on(self, parent: int) -> None:
        if imgui.accept_drag_drop_payload_py_id(_DRAGGED) is not None:
            self.actions.reparent(parent)

    # -- inside ------------------------------------------------------------------------------------

    def _note(self, name: str) -> None:
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self._session.places[name] = (low.x, low.y, high.x, high.y)

    def _shown_shares(self) -> int:
        """How many columns of memory the table has now."""
        first = 1 + len(FLAGS)
        enabled = imgui.TableColumnFlags_.is_enabled.value
        return sum(bool(imgui.table_get_column_flags(first + at) & enabled) for at in range(len(SHARES)))

    def _memory(self) -> MemoryShares | None:
        """Return the shares in the present plan; worked out once for each plan and tree."""
        runtime = self._session.runtime
        plan, version = runtime.plan, runtime.tableau.tree_version
        if plan is None:
            return None
        if self._shares is None or self._shares[0] is not plan or self._shares[1] != version:
            owners = runtime.planner.owners(plan.requirements.requesters)
            self._shares = plan, version, memory_shares(plan, owners, runtime.tableau)
        return self._shares[2]

    def _follow_selection(self) -> None:
        """Bring into view what was selected elsewhere."""
        selection = self._session.selection
        if selection.version == self._seen_selection:
            return
        self._seen_selection = selection.version
        if selection.primary is not None and not self.actions.has_clicked:
            self._reveal(selection.primary)
        self.actions.has_clicked = False

    def _reveal(self, row: int) -> None:
        self.model.reveal(row)
        self.model.update()
        self._scroll_to = self.model.place_of(row)

    def _reveal_feature(self, type_name: str, row: int) -> None:
        owner = int(self._session.runtime.tableau.tables[type_name].object[row])
        if owner >= 0:
            self._reveal(owner)


def _switch_width() -> float:
    return imgui.get_text_line_height() * 1.6


def _share_width() -> float:
    return imgui.calc_text_size("99.9 MiB").x + 2


def _tint(node: Node, flags: _Flags) -> style.Color:
    """The colour of a node's name, whose flags are in these columns."""
    row = node.feature_row if node.feature else node.object
    if node.feature and flags["failed"][row]:
        return style.BAD
    if not (flags["effective_active"][row] and flags["effective_enabled"][row]):
        return style.QUIET
    return style.ACCENT if node.feature else style.TEXT
