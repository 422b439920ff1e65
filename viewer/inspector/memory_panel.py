"""The tab of memory: allocations, resources and subresources, with size, usage bits and why."""

from __future__ import annotations

from imgui_bundle import imgui

from engine.plan.coalesce import Coalesced
from engine.plan.memory_plan import MemoryPlan
from viewer.inspector import widgets
from viewer.inspector.facts import Facts
from viewer.inspector.folds import Folds
from viewer.inspector.memory_model import Level, MemoryModel, MemoryRow
from viewer.inspector.words import bytes_text
from viewer.ui import style

_TABLE = (
    imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
)
_TINT = {Level.ALLOCATION: style.TEXT, Level.RESOURCE: style.TEXT, Level.SUBRESOURCE: style.ACCENT}


class MemoryPanel:
    """Draws only the rows in sight; the model is made once per plan."""

    def __init__(self) -> None:
        self._folds = Folds()
        self._model: MemoryModel | None = None
        self._made_of: MemoryPlan | None = None

    def draw(self, memory: MemoryPlan, coalesced: Coalesced, facts: Facts) -> None:
        """Draw totals and table of this plan into the current window."""
        if self._model is None or self._made_of is not memory:
            self._model, self._made_of = MemoryModel(memory, coalesced, self._folds), memory
        _totals(facts)
        if not imgui.begin_table("memory", 2, _TABLE):
            return
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("what, usage, why", imgui.TableColumnFlags_.width_stretch.value)
        size = imgui.calc_text_size("999 MiB").x + 4
        imgui.table_setup_column("size", imgui.TableColumnFlags_.width_fixed.value, size)
        imgui.table_headers_row()
        model, outline = self._model, self._model.outline
        clipper = imgui.ListClipper()
        clipper.begin(len(outline.nodes))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                node = int(outline.nodes[index])
                _row(model, node, int(outline.depths[index]), int(outline.child_counts[node]))
        imgui.end_table()


def _row(model: MemoryModel, node: int, depth: int, children: int) -> None:
    row = model.row(node)
    imgui.table_next_row()
    imgui.table_next_column()
    imgui.begin_group()
    wanted = widgets.tree_cell(str(node), row.name, depth, children, model.is_open(node), _TINT[row.level])
    imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + (depth + 1) * imgui.get_style().indent_spacing)
    widgets.quiet(_second_line(row))
    imgui.end_group()
    widgets.tooltip((row.name, f"{row.size:,} bytes, {row.place}", " | ".join(row.usage), row.why))
    if wanted is not None:
        model.fold(node, wanted)
    imgui.table_next_column()
    widgets.right_aligned(bytes_text(row.size))


def _second_line(row: MemoryRow) -> str:
    if row.level is Level.ALLOCATION:
        return row.place
    usage = " | ".join(row.usage)
    return usage if row.level is Level.RESOURCE else f"{row.why}\n"


def _totals(facts: Facts) -> None:
    planned, live = facts.planned_bytes, facts.live_bytes
    imgui.text_unformatted(f"{bytes_text(live)} live")
    imgui.same_line()
    widgets.quiet(f"of {bytes_text(planned)} planned, {bytes_text(facts.waste_bytes)} waste")
    widgets.bar(live / planned if planned else 1.0, 5, style.GOOD if live == planned else style.ACCENT)
    if facts.settled:
        widgets.quiet("settled: resident is what is planned")
    else:
        imgui.text_colored(style.ACCENT, f"step {facts.steps_done} of {facts.steps}")
        widgets.bar(facts.steps_done / facts.steps if facts.steps else 0.0, 5, style.ACCENT)
