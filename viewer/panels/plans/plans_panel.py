"""The panel of plans: memory, shaders, pipelines, descriptor sets and requests as trees; and what changed."""

from __future__ import annotations

from imgui_bundle import imgui

from engine.plan.model.plan import Plan
from viewer.panels import parts, widgets
from viewer.panels.history.delta_table import DeltaTable
from viewer.panels.history.key_names import KeyNames
from viewer.panels.history.memory_delta import delta
from viewer.panels.history.memory_history import MemoryHistory
from viewer.panels.history.memory_image import MemoryImage
from viewer.panels.history.row_changes import RowChange, row_changes, row_texts, text_changes
from viewer.panels.history.snapshots import Snapshot
from viewer.panels.number_format import count_text
from viewer.panels.plans.last_plans import LastPlans
from viewer.panels.plans.plan_rows import PlanRows, Topic
from viewer.ui import style

_TABLE = imgui.TableFlags_.scroll_y.value | imgui.TableFlags_.row_bg.value
CHANGES = "changes"
LAST = "the last plan"
NAMED = 24
"""Rows of a plan without memory that a tool tip names."""


class PlansPanel:
    """Topics are `plans TOPIC` of `Session.places`. `against` is what the present plan is compared with.

    That is a snapshot, or None for the plan before. While a plan waits to be carried out, it is that one that
    is compared, with the present plan if with none else.
    """

    title = "plans"

    def __init__(self, history: MemoryHistory, plans: LastPlans) -> None:
        self._history = history
        self._session = session = history.session
        self.plans = plans
        self.topic: str = Topic.MEMORY
        self.against: Snapshot | None = None
        self.search = ""
        self.table = DeltaTable(session, "plans")
        self._opened: set[object] = set()
        self._names: KeyNames | None = None
        self._rows: PlanRows | None = None
        self._compared: tuple[object, ...] | None = None
        self._changes: list[RowChange] | None = []

    def draw(self) -> None:
        """Draw into the current window."""
        plan = self.plans.present
        if plan is None:
            widgets.quiet("no plan yet")
            return
        self._topics()
        if self.topic == CHANGES:
            self._draw_changes(plan)
        else:
            self._draw_rows(plan)

    def rows(self, plan: Plan) -> PlanRows:
        """The rows of the chosen topic."""
        if self._names is None or (
            self._rows is not None and self._rows.plan.requirements.keys is not plan.requirements.keys
        ):
            self._names = KeyNames(plan.requirements.keys.caption)
        topic = Topic(self.topic)
        if self._rows is None or self._rows.plan is not plan or self._rows.topic is not topic:
            self._rows = PlanRows(plan, topic, self._opened, self._names)
        self._rows.set_search(self.search)
        self._rows.refresh()
        return self._rows

    def _topics(self) -> None:
        for number, topic in enumerate([*Topic, CHANGES]):
            if number:
                parts.flows(parts.button_width(topic))
            is_chosen = topic == self.topic
            tint = style.ACCENT if is_chosen else style.TEXT
            imgui.push_style_color(imgui.Col_.text.value, tint)
            if parts.button(self._session, f"plans {topic}", str(topic)):
                self.topic = topic
            imgui.pop_style_color()

    def _draw_rows(self, plan: Plan) -> None:
        imgui.set_next_item_width(imgui.get_font_size() * 12)
        _, self.search = imgui.input_text_with_hint("##search", "search", self.search)
        parts.note_place(self._session, "plans search")
        rows = self.rows(plan)
        if not rows.is_searched:
            self._session.wake()
        imgui.same_line()
        widgets.cut(count_text(len(rows.rows), "row"), style.QUIET)
        if not widgets.begin_table("rows", 1, _TABLE):
            return
        imgui.table_setup_column("row", imgui.TableColumnFlags_.width_stretch.value)
        clipper = imgui.ListClipper()
        clipper.begin(rows.visible)
        wanted: tuple[int, bool] | None = None
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                wanted = self._draw_row(rows, index) or wanted
        imgui.end_table()
        if wanted is not None:
            rows.set_open(*wanted)

    def _draw_row(self, rows: PlanRows, index: int) -> tuple[int, bool] | None:
        """Draw a row or a line; return the row that was clicked, and whether it is to be open."""
        row = rows.row_at(index)
        imgui.table_next_row()
        imgui.table_next_column()
        if row.line:
            imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + imgui.get_style().indent_spacing * 2)
            widgets.cut(row.name, style.QUIET)
            return None
        is_open = rows.is_open(row.row)
        room = imgui.get_content_region_avail().x
        clicked = widgets.table_row(f"##row{row.row}", False)
        parts.note_place(self._session, f"plans row {row.name}")
        imgui.same_line(0, 0)
        widgets.fold_mark(is_open)
        facts = imgui.calc_text_size(row.facts).x
        left = room - imgui.get_style().indent_spacing - facts - imgui.get_font_size()
        if left > room * 0.3:
            widgets.cut(row.name, width=left)
            imgui.same_line()
            widgets.right_aligned(row.facts, style.QUIET)
        else:
            widgets.cut(f"{row.name}  {row.facts}")
        return (row.row, not is_open) if clicked else None

    def _draw_changes(self, plan: Plan) -> None:
        snapshots = self._history.snapshots.all
        if self.against not in snapshots:
            self.against = None
        imgui.set_next_item_width(imgui.get_font_size() * 12)
        shown = self.against.name if self.against is not None else LAST
        if imgui.begin_combo("##against", shown.replace("##", "# #")):
            for number, each in enumerate([None, *snapshots]):
                name = (each.name if each is not None else LAST).replace("##", "# #")
                if imgui.selectable(f"{name}##{number}", each is self.against)[0]:
                    self.against = each
                parts.note_place(self._session, f"plans against {name}")
            imgui.end_combo()
        parts.note_place(self._session, "plans against")
        imgui.same_line()
        waiting = self._session.runtime.hold.waiting
        before, now = (self.plans.before, plan) if waiting is None else (plan, waiting.plan)
        if self.against is None and before is None:
            widgets.cut("there is no plan before this one", style.QUIET)
            return
        which = "the present plan" if waiting is None else "the plan that waits"
        words = (
            "A is that, B " if waiting is None or self.against is not None else "A is the present plan, B "
        )
        widgets.cut(words + which, style.QUIET)
        about = now, self.against, before if self.against is None else None
        if about != self._compared:
            self._compared = about
            self._compare(before, now)
        if self._changes is None:
            widgets.cut("it has memory alone: an earlier version saved it", style.QUIET)
        for change in self._changes or ():
            self._draw_change(change)
        self.table.draw()

    def _compare(self, before: Plan | None, now: Plan) -> None:
        """Find what differs between what is compared with and a plan."""
        if self.against is not None:
            image, before = self.against.image, self.against.plan
        else:
            assert before is not None
            image = MemoryImage.of(before)
        self.table.show(delta(image, MemoryImage.of(now)))
        if before is not None and before.requirements.keys is now.requirements.keys:
            self._changes = row_changes(before, now)
            return
        assert self.against is not None, "plans of one runtime number keys alike"
        rows = self.against.rows if before is None else row_texts(before)
        self._changes = None if rows is None else text_changes(rows, row_texts(now))

    def _draw_change(self, change: RowChange) -> None:
        """A line about rows of a plan without memory; nothing where they are the same."""
        if change.created or change.removed:
            words = (
                f"{change.title}: {len(change.created)} new, {len(change.removed)} gone, {change.kept} kept"
            )
            named = [f"+ {name}" for name in change.created] + [f"- {name}" for name in change.removed]
            more = [f"and {len(named) - NAMED} more"] if len(named) > NAMED else []
            widgets.cut(words, style.WARNING, more=(*named[:NAMED], *more))
