"""The memory panel: allocations, resources and subresources, with size, usage bits and requesters."""

from __future__ import annotations

from imgui_bundle import imgui

from engine.plan.model.plan import Plan
from viewer.panels import widgets
from viewer.panels.compaction_button import CompactionButton
from viewer.panels.expanded_nodes import ExpandedNodes
from viewer.panels.memory_model import Level, MemoryModel, MemoryRow
from viewer.panels.number_format import bytes_text
from viewer.session.run_statistics import RunStatistics
from viewer.session.session import Session
from viewer.ui import style

_TABLE = (
    imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
)
_STRETCH = imgui.TableColumnFlags_.width_stretch.value
_SELECT = imgui.SelectableFlags_.span_all_columns.value | imgui.SelectableFlags_.allow_overlap.value
_TINT = {Level.ALLOCATION: style.TEXT, Level.RESOURCE: style.TEXT, Level.SUBRESOURCE: style.ACCENT}


class MemoryPanel:
    """Draws only the visible rows; the model is built once per plan."""

    title = "memory"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._compaction_button = CompactionButton(session)
        self._expanded = ExpandedNodes()
        self._model: MemoryModel | None = None
        self._made_of: Plan | None = None
        self._chosen: tuple[int, int] | None = None

    def draw(self) -> None:
        """Draw totals, the table and the details of the chosen row into the current window."""
        plan, facts = self._session.runtime.plan, self._session.statistics
        if plan is None:
            return
        if self._model is None or self._made_of is not plan:
            self._model, self._made_of = MemoryModel(plan, self._expanded), plan
        model = self._model
        _totals(facts, plan.waiting_bytes)
        self._compaction_button.draw(plan, facts.settled)
        _steps(facts)
        chosen = None if self._chosen is None else model.node_of(self._chosen)
        below = imgui.get_text_line_height_with_spacing() * 8 if chosen is not None else 0.0
        self._table(model, chosen, imgui.get_content_region_avail().y - below)
        if chosen is not None:
            _details(model.row(chosen))

    def _table(self, model: MemoryModel, chosen: int | None, height: float) -> None:
        if not imgui.begin_table("memory", 2, _TABLE, (0.0, height)):
            return
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("allocation, resource, subresource", _STRETCH)
        width = imgui.calc_text_size("999 MiB").x + 4
        imgui.table_setup_column("size", imgui.TableColumnFlags_.width_fixed.value, width)
        imgui.table_headers_row()
        tree_rows = model.tree_rows
        clipper = imgui.ListClipper()
        clipper.begin(len(tree_rows.nodes))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                node = int(tree_rows.nodes[index])
                depth, children = int(tree_rows.depths[index]), int(tree_rows.child_counts[node])
                if _row(model, node, depth, children, node == chosen):
                    self._chosen = None if node == chosen else model.identity(node)
        imgui.end_table()


def _row(model: MemoryModel, node: int, depth: int, children: int, is_chosen: bool) -> bool:
    """Draw one row of two lines; returns whether it was clicked."""
    row = model.row(node)
    imgui.table_next_row()
    imgui.table_next_column()
    start = imgui.get_cursor_pos()
    height = imgui.get_text_line_height_with_spacing() + imgui.get_text_line_height()
    clicked, _ = imgui.selectable(f"##row{node}", is_chosen, _SELECT, (0.0, height))
    widgets.tooltip((row.name, f"{row.size:,} bytes, {row.place}", " | ".join(row.usage), ", ".join(row.why)))
    imgui.set_cursor_pos(start)
    wanted = widgets.tree_cell(str(node), row.name, depth, children, model.is_open(node), _TINT[row.level])
    imgui.set_cursor_pos_x(start.x + (depth + 1) * imgui.get_style().indent_spacing)
    widgets.quiet(_second_line(row))
    if wanted is not None:
        model.set_expanded(node, wanted)
        clicked = False
    imgui.table_next_column()
    widgets.right_aligned(bytes_text(row.size))
    return bool(clicked)


def _second_line(row: MemoryRow) -> str:
    usage = " ".join(bit.removesuffix("_bit") for bit in row.usage)
    if row.level is Level.ALLOCATION:
        return row.place
    return usage if row.level is Level.RESOURCE else f"{', '.join(row.why)}; {usage}"


def _details(row: MemoryRow) -> None:
    if not imgui.begin_child("details", (0, 0)):
        imgui.end_child()
        return
    imgui.separator()
    imgui.text_colored(_TINT[row.level], row.name)
    imgui.push_text_wrap_pos(0.0)
    widgets.quiet(f"{row.size:,} bytes, {row.place}")
    if row.usage:
        imgui.text_unformatted(" | ".join(row.usage))
    for requester in row.why:
        imgui.text_colored(style.ACCENT, f"requested by {requester}")
    imgui.pop_text_wrap_pos()
    imgui.end_child()


def _totals(facts: RunStatistics, waiting_bytes: int) -> None:
    planned, live = facts.planned_bytes, facts.live_bytes
    imgui.text_unformatted(f"{bytes_text(live)} live")
    imgui.same_line()
    widgets.quiet(f"of {bytes_text(planned)} planned, {bytes_text(facts.waste_bytes)} waste")
    if waiting_bytes:
        widgets.quiet(f"{bytes_text(waiting_bytes)} waits to be returned")
    widgets.bar(live / planned if planned else 1.0, 5, style.GOOD if live == planned else style.ACCENT)
    if facts.settled:
        widgets.quiet("settled: everything planned is resident")
    else:
        imgui.text_colored(style.ACCENT, f"step {facts.steps_done:,} of {facts.steps:,}")


def _steps(facts: RunStatistics) -> None:
    share = facts.steps_done / facts.steps if facts.steps else 1.0
    widgets.bar(share, 5, style.GOOD if facts.settled else style.ACCENT)
