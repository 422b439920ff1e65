"""Draws a delta: its totals, a search, and the table of keys that changed."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import parts, widgets
from viewer.panels.history.delta_rows import CHANGE, DIFFERENCE, FIRST, SECOND, DeltaRows
from viewer.panels.history.memory_delta import WORDS, Change, MemoryDelta
from viewer.panels.number_format import bytes_text, count_text
from viewer.panels.what_if.change_text import signed_bytes
from viewer.session.session import Session
from viewer.ui import style

_TABLE = (
    imgui.TableFlags_.scroll_x.value
    | imgui.TableFlags_.pad_outer_x.value
    | imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
    | imgui.TableFlags_.resizable.value
    | imgui.TableFlags_.sortable.value
)
LEAST_WIDTH = 34
"""Heights of the font that the columns take at least; a narrower panel is scrolled."""
_FIXED = imgui.TableColumnFlags_.width_fixed.value
_STRETCH = imgui.TableColumnFlags_.width_stretch.value
_NO_SORT = imgui.TableColumnFlags_.no_sort.value
_DOWN = imgui.TableColumnFlags_.prefer_sort_descending.value
TINTS = {
    Change.SAME: style.QUIET,
    Change.MOVED: style.TEXT,
    Change.RESIZED: style.WARNING,
    Change.USED_OTHERWISE: style.WARNING,
    Change.ONLY_FIRST: style.GOOD,
    Change.ONLY_SECOND: style.ACCENT,
}


class DeltaTable:
    """Shows one delta at a time; `name` distinguishes it from others on the screen."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name
        self.rows: DeltaRows | None = None

    def show(self, delta: MemoryDelta) -> None:
        """Show a delta from now on, with search and order as they were."""
        before, self.rows = self.rows, DeltaRows(delta)
        if before is not None:
            self.rows.set_same(before.shows_same)
            self.rows.set_order(before.order, descending=before.is_descending)
            self.rows.set_search(before.search)

    def draw(self) -> None:
        """Draw into the rest of the current window."""
        if self.rows is None:
            return
        if not self.rows.is_searched:
            self.rows.refresh()
            self._session.wake()
        self._totals(self.rows.delta)
        imgui.set_next_item_width(imgui.get_font_size() * 12)
        changed, text = imgui.input_text_with_hint(f"##search{self._name}", "search names", self.rows.search)
        parts.note_place(self._session, f"{self._name} search")
        if changed:
            self.rows.set_search(text)
        parts.flows(imgui.get_font_size() * 8)
        changed, shown = imgui.checkbox(f"what is the same##{self._name}", self.rows.shows_same)
        if changed:
            self.rows.set_same(shown)
        imgui.same_line()
        widgets.cut(count_text(len(self.rows.rows), "row"), style.QUIET)
        self._table(self.rows)

    def _totals(self, delta: MemoryDelta) -> None:
        words = [
            f"{WORDS[change]}: {count_text(delta.count(change), 'block')}, {bytes_text(delta.bytes(change))}"
            for change in (Change.ONLY_FIRST, Change.ONLY_SECOND, Change.RESIZED, Change.MOVED)
            if delta.count(change)
        ]
        counts = len(delta.second.allocations) - len(delta.first.allocations)
        total = f"A to B: {signed_bytes(delta.allocated)} allocated"
        if counts:
            total += f", {'+' if counts > 0 else '-'}{count_text(abs(counts), 'allocation')}"
        widgets.cut("; ".join([total, *words]) if words else f"{total}; the same blocks at the same places")

    def _table(self, rows: DeltaRows) -> None:
        width = widgets.scrolled_width(LEAST_WIDTH)
        if not widgets.begin_table(f"delta{self._name}", 5, _TABLE, 0.0, width):
            return
        letter = imgui.get_font_size()
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("change", _FIXED, letter * 6, CHANGE + 1)
        imgui.table_setup_column("name", _STRETCH | _NO_SORT, 1.0, 99)
        imgui.table_setup_column("A", _FIXED | _DOWN, letter * 5, FIRST + 1)
        imgui.table_setup_column("B", _FIXED | _DOWN, letter * 5, SECOND + 1)
        default = imgui.TableColumnFlags_.default_sort.value
        imgui.table_setup_column("B - A", _FIXED | _DOWN | default, letter * 5, DIFFERENCE + 1)
        widgets.table_headers(2, 3, 4)
        widgets.scroll_by_keys()
        specs = imgui.table_get_sort_specs()
        if specs is not None and specs.specs_dirty and specs.specs_count:
            spec = specs.get_specs(0)
            descending = spec.get_sort_direction() == imgui.SortDirection.descending
            rows.set_order(int(spec.column_user_id) - 1, descending=descending)
            specs.specs_dirty = False
        clipper = imgui.ListClipper()
        clipper.begin(len(rows.rows))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                self._row(rows.delta, int(rows.rows[index]))
        imgui.end_table()

    def _row(self, delta: MemoryDelta, row: int) -> None:
        change = Change(int(delta.change[row]))
        before, after = (int(size) for size in delta.sizes[row])
        imgui.table_next_row()
        imgui.table_next_column()
        widgets.cut(WORDS[change], TINTS[change])
        imgui.table_next_column()
        widgets.cut(delta.name(row), more=delta.why(row))
        for size, there in ((before, delta.rows[row, 0] >= 0), (after, delta.rows[row, 1] >= 0)):
            imgui.table_next_column()
            widgets.right_aligned(bytes_text(size) if there else "-", style.TEXT if there else style.QUIET)
        imgui.table_next_column()
        if after != before:
            widgets.right_aligned(signed_bytes(after - before), TINTS[change])
