"""The panel of frames: plots of their times, the hitches, the times of passes, the images of the frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from imgui_bundle import ImVec4, imgui, implot

from engine.plan.model.plan import Plan
from viewer.panels import widgets
from viewer.panels.frame.graph_rows import READ, WRITE, ImageRow, image_rows, pass_names
from viewer.panels.frame.image_panel import ImageViewer
from viewer.panels.number_format import bytes_text
from viewer.session.session import Session
from viewer.ui import style

_TABLE = (
    imgui.TableFlags_.scroll_y.value
    | imgui.TableFlags_.row_bg.value
    | imgui.TableFlags_.borders_inner_h.value
    | imgui.TableFlags_.resizable.value
)
_FIXED = imgui.TableColumnFlags_.width_fixed.value
_STRETCH = imgui.TableColumnFlags_.width_stretch.value
_PLOT = implot.Flags_.no_menus.value | implot.Flags_.no_box_select.value | implot.Flags_.no_inputs.value
_LINES: tuple[tuple[str, str, Callable[[], style.Color]], ...] = (
    ("whole frame", "wall_ms", lambda: style.TEXT),
    ("CPU of the scene", "cpu_ms", lambda: style.ACCENT),
    ("CPU of the panels", "panels_ms", lambda: style.QUIET),
    ("GPU", "device_ms", lambda: style.GOOD),
)
_REUSED = ("nothing has changed in what this pass draws from: what it drew before is still there",)


class FramePanel:
    """Draws times and images of the frame; passes are timed on the device only while it is shown."""

    title = "frame"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._history = session.frames
        self._rows: tuple[tuple[object, ...], list[ImageRow], list[str]] | None = None
        self._viewer = ImageViewer(session)

    def draw(self) -> None:
        """Draw into the current window."""
        self._session.times_passes = True
        if imgui.begin_tab_bar("frame", imgui.TabBarFlags_.fitting_policy_shrink.value):
            for name, content in (
                ("times", self._times),
                ("passes", self._passes),
                ("images", self._images),
                ("culling", self._culling),
            ):
                is_open, _ = imgui.begin_tab_item(name)
                self._session.places[f"frame {name}"] = widgets.item_box()
                if is_open:
                    content()
                    imgui.end_tab_item()
            imgui.end_tab_bar()

    def _times(self) -> None:
        history = self._history
        height = max(imgui.get_font_size() * 8.5, imgui.get_content_region_avail().y * 0.55)
        implot.push_style_var(implot.StyleVar_.plot_padding.value, (imgui.get_font_size() * 0.4,) * 2)
        implot.push_style_var(implot.StyleVar_.legend_padding.value, (0.0, 0.0))
        if len(history) and implot.begin_plot("##times", (-1, height), _PLOT):
            auto = implot.AxisFlags_.auto_fit.value
            hidden = implot.AxisFlags_.no_tick_labels.value | implot.AxisFlags_.no_label.value | auto
            implot.setup_axes("", "ms", hidden, implot.AxisFlags_.lock_min.value | auto)
            outside = implot.LegendFlags_.outside.value | implot.LegendFlags_.horizontal.value
            implot.setup_legend(implot.Location_.north.value, outside)
            for label, column, tint in _LINES:
                values = history.column(column)
                if values.any():
                    spec = implot.Spec()
                    spec.line_color = ImVec4(*tint())
                    implot.plot_line(label, np.ascontiguousarray(values), spec=spec)
            implot.end_plot()
        implot.pop_style_var(2)
        walls = history.column("wall_ms")
        if len(walls):
            middle, worst = np.median(walls), walls.max()
            text = f"median {middle:.2f} ms, longest {worst:.2f} ms of the last {len(walls)} drawn frames"
            widgets.cut(text, style.QUIET)
        self._hitches()

    def _hitches(self) -> None:
        if not self._history.hitches:
            widgets.cut("no hitch: no frame took more than 1.5 times the median before it", style.QUIET)
            return
        if not widgets.begin_table("hitches", 3, _TABLE):
            return
        widgets.scroll_by_keys()
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("hitch at frame", _FIXED)
        imgui.table_setup_column("took (median)", _FIXED)
        imgui.table_setup_column("cause", _STRETCH)
        widgets.table_headers(0, 1)
        for hitch in reversed(self._history.hitches):
            imgui.table_next_row()
            imgui.table_next_column()
            widgets.right_aligned(f"{hitch.number:,}")
            imgui.table_next_column()
            widgets.right_aligned(f"{hitch.wall_ms:.1f} ms ({hitch.median_ms:.1f})")
            imgui.table_next_column()
            widgets.cut(hitch.cause)
        imgui.end_table()

    def _passes(self) -> None:
        renderer = self._session.runtime.renderer
        times, graph = renderer.pass_times, renderer.graph
        if not times or graph is None:
            widgets.cut("the device has not given any times yet", style.QUIET)
            return
        total = sum(times.values())
        widgets.cut(f"{total:.2f} ms on the GPU for all passes")
        if not widgets.begin_table("passes", 3, _TABLE):
            return
        widgets.scroll_by_keys()
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("pass, in the order of drawing", _STRETCH)
        imgui.table_setup_column("ms", _FIXED, imgui.calc_text_size("9999.999").x)
        imgui.table_setup_column("share", _STRETCH)
        widgets.table_headers(1)
        for name in (one.declaration.name for one in graph.passes):
            milliseconds = times.get(name)
            imgui.table_next_row()
            imgui.table_next_column()
            widgets.cut(name)
            imgui.table_next_column()
            if milliseconds is None:
                widgets.quiet("reused")
                widgets.tooltip(_REUSED)
                continue
            widgets.right_aligned(f"{milliseconds:.3f}")
            imgui.table_next_column()
            widgets.bar(
                milliseconds / total if total else 0.0, imgui.get_text_line_height() * 0.6, style.ACCENT
            )
        imgui.end_table()

    def _images(self) -> None:
        runtime = self._session.runtime
        graph, plan = runtime.renderer.graph, runtime.plan
        if graph is None or plan is None:
            return
        rows, passes = self._graph_rows(plan)
        chosen = self._viewer.chosen
        room = imgui.get_content_region_avail()
        width = room.x * 0.55 if chosen is not None and room.x > imgui.get_font_size() * 40 else 0.0
        height = room.y * 0.4 if chosen is not None and not width else 0.0
        if widgets.begin_child("graph", (width, height)):
            self._lives(rows, passes)
        imgui.end_child()
        if chosen is not None:
            if width:
                imgui.same_line()
            if widgets.begin_child("image", (0, 0)):
                self._viewer.draw()
            imgui.end_child()

    def _graph_rows(self, plan: Plan) -> tuple[list[ImageRow], list[str]]:
        runtime = self._session.runtime
        graph = runtime.renderer.graph
        assert graph is not None
        made_of = (graph, plan.memory, runtime.size)
        if self._rows is None or any(a is not b for a, b in zip(self._rows[0][:2], made_of, strict=False)):
            self._rows = made_of, image_rows(graph, plan, runtime.size), pass_names(graph)
        return self._rows[1], self._rows[2]

    def _lives(self, rows: list[ImageRow], passes: list[str]) -> None:
        """Draw images down, passes across: where an image is written, read, and held."""
        if not widgets.begin_table("lives", 4, _TABLE):
            return
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("image", _STRETCH, 1.1)
        imgui.table_setup_column("size", _FIXED, imgui.calc_text_size("999 MiB").x)
        imgui.table_setup_column("texels", _FIXED, imgui.calc_text_size("9999 x 9999").x)
        imgui.table_setup_column(f"{len(passes)} passes, in their order", _STRETCH, 1.6)
        widgets.table_headers(1, 2)
        for row in rows:
            imgui.table_next_row()
            imgui.table_next_column()
            clicked = widgets.table_row(f"##{row.name}", self._viewer.chosen == row.name)
            self._session.places[f"image {row.name}"] = widgets.item_box()
            if clicked:
                self._viewer.choose(None if self._viewer.chosen == row.name else row.name)
            shared = f"shares its memory with {', '.join(row.shares_with)}" if row.shares_with else ""
            widgets.tooltip((f"{row.name}, {row.format}, {row.size:,} bytes", shared, "click to look at it"))
            imgui.same_line(0, 0)
            widgets.cut(row.name)
            imgui.table_next_column()
            widgets.right_aligned(bytes_text(row.size) if row.size else "-")
            imgui.table_next_column()
            widgets.right_aligned(f"{row.extent[0]} x {row.extent[1]}")
            imgui.table_next_column()
            self._life(row, passes)
        imgui.end_table()

    def _life(self, row: ImageRow, passes: list[str]) -> None:
        draw, start = imgui.get_window_draw_list(), imgui.get_cursor_screen_pos()
        width, height = imgui.get_content_region_avail().x, imgui.get_text_line_height()
        step = width / max(1, len(passes))
        top, bottom = start.y + height * 0.2, start.y + height * 0.8
        held = widgets.color(style.ACCENT_DIM if row.shares_with else style.LINE)
        draw.add_rect_filled(
            (start.x + row.first * step, top + height * 0.15),
            (start.x + (row.last + 1) * step, bottom - height * 0.15),
            held,
        )
        for number, use in enumerate(row.uses):
            if use:
                tint = style.ACCENT if use & WRITE else style.GOOD
                low = (start.x + number * step + 1, top)
                draw.add_rect_filled(low, (start.x + (number + 1) * step - 1, bottom), widgets.color(tint))
        imgui.dummy((width, height))
        if imgui.is_item_hovered():
            number = min(len(passes) - 1, max(0, int((imgui.get_mouse_pos().x - start.x) / step)))
            words = {READ: "reads", WRITE: "writes", READ | WRITE: "reads and writes"}
            what = words.get(row.uses[number]) or (
                "has nothing to do with" if not row.first <= number <= row.last else "keeps"
            )
            widgets.tooltip((f"{passes[number]} {what} {row.name}",))

    def _culling(self) -> None:
        rows = list(self._session.runtime.renderer.rows_in_views())
        counts = self._session.runtime.renderer.draws
        widgets.cut(
            f"{counts.calls:,} draw calls, {counts.instances:,} instances, {counts.triangles:,} triangles"
        )
        if not widgets.begin_table("culling", 4, _TABLE):
            return
        widgets.scroll_by_keys()
        imgui.table_setup_scroll_freeze(0, 1)
        imgui.table_setup_column("pass", _STRETCH)
        imgui.table_setup_column("view", _STRETCH)
        imgui.table_setup_column("instances drawn", _FIXED)
        imgui.table_setup_column("of all", _FIXED)
        widgets.table_headers(2, 3)
        for name, view, drawn, of in rows:
            imgui.table_next_row()
            for text in (name, view):
                imgui.table_next_column()
                widgets.cut(text)
            imgui.table_next_column()
            widgets.right_aligned(f"{drawn:,}")
            imgui.table_next_column()
            widgets.right_aligned(f"{of:,}")
        imgui.end_table()
