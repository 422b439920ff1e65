"""The table of memory: sorted by any column, filtered as one types, copied and exported."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from imgui_bundle import imgui
from numpy.typing import NDArray

from viewer.panels import parts, widgets
from viewer.panels.memory.plan_models import PlanModels, SharedModels
from viewer.panels.memory.table import table_filter
from viewer.panels.memory.table.empty_reason import empty_reason
from viewer.panels.memory.table.export import csv_text, export_rows
from viewer.panels.memory.table.memory_table import (
    COLUMNS,
    FIRST_SHOWN,
    NUMBERS,
    TITLES,
    Column,
    Level,
    MemoryTable,
    Totals,
)
from viewer.panels.memory.table.table_filter import TableFilter, parse_filter
from viewer.panels.number_format import bytes_text, count_text
from viewer.session.links import MemoryLink
from viewer.session.session import Session
from viewer.ui import style

_HINT = "filter: name +usage -usage a3:0x0-0x100"
NAMES_MS = 2.0
"""Milliseconds of a frame in which names are made searchable, while there are some left."""
_LEVELS = {Level.SUBRESOURCE: "blocks", Level.RESOURCE: "resources", Level.ALLOCATION: "allocations"}
_TABLE = (
    imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.scroll_x.value
    | imgui.TableFlags_.pad_outer_x.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
    | imgui.TableFlags_.sortable.value
    | imgui.TableFlags_.hideable.value
    | imgui.TableFlags_.reorderable.value
    | imgui.TableFlags_.resizable.value
)
_BYTES = frozenset({Column.SIZE, Column.RESERVED, Column.FREE})
_WIDTHS = {
    Column.NAME: 18.0,
    Column.USAGE: 13.0,
    Column.FEATURE: 8.0,
    Column.OBJECT: 11.0,
    Column.ADDRESS: 14.0,
    Column.FORMAT: 13.0,
}
"""Widths of columns in sizes of the text; others are as wide as their titles."""


class TablePanel:
    """Draws only the rows in sight; `rows` are those that the filter leaves, in order."""

    title = "memory table"

    def __init__(self, session: Session, shared: SharedModels) -> None:
        self._session = session
        self._shared = shared
        self.level = Level.SUBRESOURCE
        self.text = ""
        self.rows: NDArray[np.int64] = np.zeros(0, np.int64)
        self.totals = Totals(0, 0, 0)
        self.empty = ""
        self._filter = TableFilter()
        self._made_of: PlanModels | None = None
        self._table: MemoryTable | None = None
        self._sort: tuple[Column, bool] = (Column.SIZE, True)
        self._order: tuple[tuple[object, ...], NDArray[np.int64]] | None = None
        self._state: tuple[object, ...] = ()
        self._shown: tuple[Column, ...] = FIRST_SHOWN
        self._selected: tuple[int, int] | None = None
        self._path = "memory-table.csv"
        self._exported = ""

    def draw(self) -> None:
        """Draw the filter, totals and the table into the current window."""
        models = self._shared.models()
        if models is None:
            widgets.quiet("nothing is planned yet")
            return
        table = self._follow(models)
        self._head(table)
        self._renew(table)
        self._summary(table)
        self._rows(table)

    def _follow(self, models: PlanModels) -> MemoryTable:
        """The table of these models; names that are known stay searchable."""
        if self._table is None or self._made_of is not models or self._table.level != self.level:
            before = self._table
            table = MemoryTable(models.plan, models.places, models.requests, self.level)
            if before is not None and before.has_same_rows(table):
                table.names = before.names
            self._table, self._made_of = table, models
        return self._table

    def _head(self, table: MemoryTable) -> None:
        unit = imgui.get_font_size()
        for level, name in _LEVELS.items():
            if level is not Level.SUBRESOURCE:
                widgets.same_line_if_it_fits(imgui.calc_text_size(name).x + unit * 1.8)
            if imgui.radio_button(name, self.level == level):
                self.level = level
            self._place(f"table {name}")
        buttons = sum(imgui.calc_text_size(text).x + unit * 1.6 for text in ("copy", "export…"))
        widgets.same_line_if_it_fits(buttons + unit * 10)
        width = max(imgui.get_content_region_avail().x - buttons, unit * 5)
        imgui.set_next_item_width(width)
        hint = widgets.fitting(_HINT, width - 2 * imgui.get_style().frame_padding.x)
        changed, text = imgui.input_text_with_hint("##filter", hint, self.text)
        self._place("table filter")
        if changed:
            self.text, self._filter = text, parse_filter(text)
        widgets.tooltip(table_filter.HELP)
        parts.flows(parts.button_width("copy"))
        if imgui.button("copy"):
            imgui.set_clipboard_text(csv_text(table, self.rows, self._shown, "\t"))
        self._place("table copy")
        widgets.tooltip((f"Copy {count_text(len(self.rows), 'row')} of the shown columns.",))
        parts.flows(parts.button_width("export…"))
        if imgui.button("export…"):
            self._exported = ""
            imgui.open_popup("export")
        self._place("table export")
        self._export(table)

    def _export(self, table: MemoryTable) -> None:
        if not imgui.begin_popup("export"):
            return
        widgets.quiet(f"{count_text(len(self.rows), 'row')} as .csv or .json")
        imgui.set_next_item_width(imgui.get_font_size() * 18)
        _, self._path = imgui.input_text("##path", self._path)
        self._place("table path")
        imgui.same_line()
        if imgui.button("write"):
            self._exported = self._write(table)
        self._place("table write")
        if self._exported:
            imgui.push_text_wrap_pos(imgui.get_font_size() * 24)
            imgui.text_unformatted(self._exported)
            imgui.pop_text_wrap_pos()
        imgui.end_popup()

    def _write(self, table: MemoryTable) -> str:
        path = Path(os.path.expanduser(self._path))
        try:
            written = export_rows(path, table, self.rows, self._shown)
        except (OSError, ValueError) as error:
            return f"not written: {error}"
        return f"written: {written.absolute()}"

    def _renew(self, table: MemoryTable) -> None:
        """Filter and sort again if the table, the filter, the order or the known names have changed."""
        if not table.names.is_complete and (self._filter.words or self._sort[0] is Column.NAME):
            table.names.prepare(NAMES_MS)
            self._session.wake()
        column, descending = self._sort
        by_name = column is Column.NAME
        order_state = (table, column, descending, by_name and table.names.is_complete)
        if self._order is None or self._order[0] != order_state:
            if column not in COLUMNS[table.level] or (by_name and not table.names.is_complete):
                order = np.arange(table.count)
            else:
                order = table.order(column, descending=descending)
            self._order = order_state, order
        state = (*order_state, self._filter, table.names.done if self._filter.words else 0)
        if state != self._state:
            self._state = state
            keep = table.rows(self._filter)
            order = self._order[1]
            self.rows = order if keep.all() else order[keep[order]]
            self.totals = table.totals(keep)
            is_known = table.names.is_complete or not self._filter.words
            self.empty = empty_reason(table, self._filter) if is_known and not keep.any() else ""

    def _summary(self, table: MemoryTable) -> None:
        if self._filter.problem:
            widgets.cut(self._filter.problem, style.WARNING)
            return
        totals = self.totals
        of = f" of {table.count:,}" if totals.rows != table.count else ""
        widgets.cut(f"{totals.rows:,}{of} rows, {bytes_text(totals.size)}")
        widgets.tooltip((f"{totals.size:,} bytes, {totals.reserved:,} with their padding",))
        if self.empty:
            imgui.push_text_wrap_pos(0.0)
            imgui.text_colored(style.WARNING, self.empty)
            imgui.pop_text_wrap_pos()
        if not table.names.is_complete and self._filter.words:
            imgui.same_line()
            widgets.cut(f"{table.names.done:,} of {table.count:,} names searched", style.QUIET)

    def _rows(self, table: MemoryTable) -> None:
        columns = COLUMNS[table.level]
        if not widgets.begin_table(f"memory {int(table.level)}", len(columns), _TABLE):
            return
        imgui.table_setup_scroll_freeze(1, 1)
        for column in columns:
            self._setup(column)
        widgets.table_headers(*(at for at, column in enumerate(columns) if column in NUMBERS))
        self._read_sort()
        enabled = imgui.TableColumnFlags_.is_enabled.value
        self._shown = tuple(
            column for at, column in enumerate(columns) if imgui.table_get_column_flags(at) & enabled
        )
        clipper = imgui.ListClipper()
        clipper.begin(len(self.rows))
        target = self._target(table)
        if target is not None:
            clipper.include_item_by_index(target)
        selected = self._session.selection.memory
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                row = int(self.rows[index])
                self._row(table, row, columns, is_selected=table.identity(row) == selected)
                if index == target:
                    imgui.set_scroll_here_y(0.5)
        imgui.end_table()

    def _setup(self, column: Column) -> None:
        fixed, hide = imgui.TableColumnFlags_.width_fixed.value, imgui.TableColumnFlags_.default_hide.value
        flags = fixed | (0 if column in FIRST_SHOWN or column is Column.FREE else hide)
        if column in NUMBERS:
            flags |= imgui.TableColumnFlags_.prefer_sort_descending.value
        if column is Column.SIZE:
            flags |= imgui.TableColumnFlags_.default_sort.value
        if column is Column.NAME:
            flags |= imgui.TableColumnFlags_.no_hide.value
        unit = imgui.get_font_size()
        title = imgui.calc_text_size(TITLES[column]).x + unit * 1.2
        width = max(_WIDTHS.get(column, 0.0) * unit, title, 4.5 * unit)
        imgui.table_setup_column(TITLES[column], flags, width, int(column))

    def _read_sort(self) -> None:
        specs = imgui.table_get_sort_specs()
        if specs is not None and specs.specs_dirty and specs.specs_count:
            spec = specs.get_specs(0)
            descending = spec.get_sort_direction() == imgui.SortDirection.descending
            self._sort = Column(int(spec.column_user_id)), descending
            specs.specs_dirty = False
            self._session.wake()

    def _row(self, table: MemoryTable, row: int, columns: tuple[Column, ...], *, is_selected: bool) -> None:
        imgui.table_next_row()
        right = imgui.get_window_pos().x + imgui.get_window_size().x
        for column in columns:
            if not imgui.table_next_column():
                continue
            if column is Column.NAME:
                clicked = widgets.table_row(f"##row{row}", is_selected, overlaps=True)
                self._place(f"table row {row}", right)
                if clicked:
                    self._selected = table.identity(row)
                    self._session.links.follow(MemoryLink(*self._selected))
                imgui.same_line(0, 0)
            _cell(table, row, column)

    def _target(self, table: MemoryTable) -> int | None:
        """The index of a row that was selected elsewhere and is to be scrolled to."""
        selected = self._session.selection.memory
        if selected == self._selected:
            return None
        self._selected = selected
        row = table.row_of(selected)
        if row is None:
            return None
        at = np.flatnonzero(self.rows == row)
        return int(at[0]) if len(at) else None

    def _place(self, name: str, right: float = float("inf")) -> None:
        """Record where the last item is, as far as `right`."""
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self._session.places[name] = (low.x, low.y, min(high.x, right), high.y)


def _cell(table: MemoryTable, row: int, column: Column) -> None:
    """Draw a cell; a tool tip has what is cut off, and exact bytes."""
    text = table.text(row, column)
    if column in _BYTES and text:
        widgets.right_aligned(bytes_text(int(text)))
        widgets.tooltip((f"{int(text):,} bytes",))
        return
    if column in NUMBERS:
        widgets.right_aligned(text)
        return
    room = imgui.get_content_region_avail().x
    shown = widgets.fitting(text, room)
    imgui.text_unformatted(shown)
    if shown != text:
        widgets.tooltip((text,))
