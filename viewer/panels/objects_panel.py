"""The panel of objects and features, with switches for `active` and `enabled`."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.expanded_nodes import ExpandedNodes
from viewer.panels.object_model import ObjectModel, ObjectRow
from viewer.session.session import Session
from viewer.ui import style

FLAGS = ("active", "enabled")
_TABLE = (
    imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
)


class ObjectsPanel:
    """Draws only the visible rows; `Session.places` has their switches: `switch PATH/FEATURE/FLAG`."""

    title = "outliner"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._model = ObjectModel(session.runtime.tableau, ExpandedNodes())

    def draw(self) -> None:
        """Draw the table into the current window."""
        if not imgui.begin_table("objects", 3, _TABLE):
            return
        narrow = imgui.TableColumnFlags_.width_fixed.value
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("object, feature", imgui.TableColumnFlags_.width_stretch.value)
        for flag in FLAGS:
            imgui.table_setup_column(flag, narrow, imgui.calc_text_size("enabled").x + 4)
        imgui.table_headers_row()
        tree_rows = self._model.tree_rows
        clipper = imgui.ListClipper()
        clipper.begin(len(tree_rows.nodes))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                node = int(tree_rows.nodes[index])
                self._row(node, int(tree_rows.depths[index]), int(tree_rows.child_counts[node]))
        imgui.end_table()

    def _row(self, node: int, depth: int, children: int) -> None:
        row = self._model.row(node)
        imgui.table_next_row()
        imgui.table_next_column()
        tint = style.BAD if row.failed else _tint(row)
        is_open = self._model.is_open(node)
        wanted = widgets.tree_cell(str(node), row.name, depth, children, is_open, tint)
        widgets.tooltip(
            (f"{row.feature} on '{row.path}'" if row.feature else row.path, self._model.place(node))
        )
        if wanted is not None:
            self._model.set_expanded(node, wanted)
        for flag in FLAGS:
            imgui.table_next_column()
            is_on = getattr(row, flag)
            clicked, box = widgets.switch(f"{flag}{node}", is_on, getattr(row, f"effective_{flag}"))
            self._session.places[f"switch {row.path}/{row.feature}/{flag}"] = box
            if clicked:
                self._model.set_flag(node, flag, not is_on)


def _tint(row: ObjectRow) -> style.Color:
    if not row.effective_active or not row.effective_enabled:
        return style.QUIET
    return style.ACCENT if row.feature else style.TEXT
