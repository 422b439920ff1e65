"""The heaps: budget, allocated, bound and requested bytes, and what the driver counts besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.memory.heaps import HeapFigures, HeapModel, HeapRow
from viewer.panels.memory.plan_models import SharedModels
from viewer.panels.number_format import bytes_text
from viewer.session.session import Session
from viewer.ui import style

_TABLE = imgui.TableFlags_.sizing_fixed_fit.value | imgui.TableFlags_.borders_inner_h.value
MOST = 0.6
"""The share of a table's width that values take at most."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a table: a name and a value, their colours, and the lines of their tool tips."""

    name: str
    tint: style.Color
    value: str
    value_tint: style.Color
    about: tuple[str, ...]
    more: tuple[str, ...]


class HeapsPanel:
    """Draws a bar and the figures of each heap, and what is in no heap's figures."""

    title = "heaps"

    def __init__(self, session: Session, shared: SharedModels) -> None:
        self._session = session
        self._shared = shared
        self._model: HeapModel | None = None

    def draw(self) -> None:
        """Draw into the current window."""
        if self._model is None:
            self._model = HeapModel(
                self._session.runtime, self._session.estimates, lambda: self._session.compared
            )
        figures = self._model.figures()
        if not figures.heaps:
            widgets.quiet("nothing is planned yet")
            return
        for row in figures.heaps:
            _heap(row)
            imgui.spacing()
        _outside(figures)
        if not figures.has_usage:
            imgui.push_text_wrap_pos(0.0)
            widgets.quiet(
                "This driver has no VK_EXT_memory_budget: what other processes hold, and what it uses beside "
                "our allocations, is not known."
            )
            imgui.pop_text_wrap_pos()


def _heap(row: HeapRow) -> None:
    kind = "device local" if row.device_local else "host"
    imgui.text_unformatted(f"heap {row.index}")
    imgui.same_line()
    about = f"{kind}, {bytes_text(row.size)}"
    shown = widgets.fitting(about, imgui.get_content_region_avail().x)
    widgets.quiet(shown)
    widgets.tooltip((about if shown != about else "",))
    _bar(row)
    figures = [
        ("budget", row.budget, "What this process may use of the heap."),
        ("allocated", row.allocated, "VkDeviceMemory of the plan, of staging, and what is being freed."),
        ("bound", row.bound, "The part of it with buffers and images. Shared bytes count once."),
        (
            "requested",
            row.requested,
            "What the blocks of the plan take; those that share bytes count each.",
        ),
    ]
    if row.staging:
        figures.append(("staging", row.staging, "The part of it that transfers are copied out of."))
    if row.beside is not None and row.others is not None:
        figures.append(
            (
                "outside of plans",
                row.beside,
                "What the driver counts for this process and no plan has: swapchain, pipelines.",
            )
        )
        figures.append(
            ("others", row.others, "Outside of our budget: other processes and the system, about.")
        )
    lines = [
        _Line(
            name,
            style.QUIET,
            bytes_text(size),
            style.BAD if name == "allocated" and row.allocated > row.budget else style.TEXT,
            (about,),
            (f"{size:,} bytes", about),
        )
        for name, size, about in figures
    ]
    _table(f"heap{row.index}", lines)


def _table(identity: str, lines: Sequence[_Line]) -> None:
    """Draw names and values in two columns; in a narrow panel it is the names that are cut."""
    if not imgui.begin_table(identity, 2, _TABLE):
        return
    room = imgui.get_content_region_avail().x
    widest = max(imgui.calc_text_size(line.value).x for line in lines)
    imgui.table_setup_column("name", imgui.TableColumnFlags_.width_stretch.value)
    imgui.table_setup_column("value", imgui.TableColumnFlags_.width_fixed.value, min(widest, room * MOST))
    for line in lines:
        imgui.table_next_row()
        imgui.table_next_column()
        widgets.cut(line.name, line.tint, more=line.about)
        imgui.table_next_column()
        widgets.right_aligned(
            widgets.fitting(line.value, imgui.get_content_region_avail().x), line.value_tint
        )
        widgets.tooltip(line.more)
    imgui.end_table()


def _bar(row: HeapRow) -> None:
    """A bar of the whole heap: bound, allocated, beside, others, with a mark at the budget."""
    corner, width = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
    height = imgui.get_font_size() * 0.55
    draw = imgui.get_window_draw_list()
    far = corner.y + height
    draw.add_rect_filled((corner.x, corner.y), (corner.x + width, far), widgets.color(style.RAISED))
    size = max(row.size, 1)
    at = corner.x
    for bytes_, tint in (
        (row.bound, style.ACCENT),
        (row.allocated - row.bound, style.ACCENT_DIM),
        (row.beside or 0, style.QUIET),
    ):
        end = min(at + width * bytes_ / size, corner.x + width)
        if bytes_ > 0:
            draw.add_rect_filled((at, corner.y), (max(end, at + 1), far), widgets.color(tint))
        at = end
    if row.others:
        begin = corner.x + width * (1 - row.others / size)
        draw.add_rect_filled((begin, corner.y), (corner.x + width, far), widgets.color(style.LINE))
    mark = corner.x + width * min(row.budget / size, 1.0)
    draw.add_line((mark, corner.y - 2), (mark, far + 2), widgets.color(style.TEXT), 1.5)
    imgui.dummy((width, height + 2))
    widgets.tooltip(
        (
            f"{row.bound:,} bytes bound, {row.allocated - row.bound:,} allocated without a resource",
            f"the mark is the budget of {row.budget:,} bytes",
        )
    )


def _outside(figures: HeapFigures) -> None:
    imgui.separator()
    widgets.quiet("outside of plans")
    lines = []
    for row in figures.outside:
        about = "≈ " if "estimated" in row.note else ""
        value = "unknown" if row.bytes is None else f"{about}{bytes_text(row.bytes)}"
        tint = style.QUIET if row.bytes is None else style.TEXT
        name = f"{row.count:,} {row.name}" if row.count else row.name
        lines.append(_Line(name, style.TEXT, value, tint, (row.note,), (row.note,)))
    if lines:
        _table("outside", lines)
