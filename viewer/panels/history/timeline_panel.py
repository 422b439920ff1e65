"""The panel of the timeline: planned bytes over events, which is scrubbed, and the map as it was at one."""

from __future__ import annotations

from imgui_bundle import imgui

from viewer.panels import parts, widgets
from viewer.panels.history.memory_history import MemoryHistory
from viewer.panels.history.memory_strips import MemoryStrips
from viewer.panels.history.strips_view import draw_strips
from viewer.panels.history.timeline import Event
from viewer.panels.number_format import bytes_text, count_text
from viewer.panels.what_if.change_text import signed_bytes
from viewer.ui import style

GRAPH, GRAPH_SHARE = 4.0, 0.2
"""Height of the graph in heights of the font, and its largest part of the panel's height."""
WIDEST, NARROWEST = 1.0, 0.3
"""Width of an event in the graph in widths of a letter; older ones are out of sight where there are more."""


class TimelinePanel:
    """The graph is `timeline graph` of `Session.places`. `index` is the event shown, None: the last."""

    title = "timeline"

    def __init__(self, history: MemoryHistory) -> None:
        self._history = history
        self._session = history.session
        self.index: int | None = None
        self._number = -1
        self._strips: tuple[tuple[int, int], MemoryStrips] | None = None

    def draw(self) -> None:
        """Draw into the current window."""
        events = self._history.timeline.events
        if not events:
            widgets.quiet("no plan yet")
            return
        index = self._shown(events)
        self._buttons(events, index)
        index = self._graph(events, self._shown(events))
        self._causes(events, index)
        draw_strips(self._session, "timeline", self.strips(index))

    def scrub(self, index: int | None) -> None:
        """Show an event by its index; None for the last, whichever that is."""
        events = self._history.timeline.events
        self.index = None if index is None or index >= len(events) - 1 else max(0, index)
        self._number = events[self.index].number if self.index is not None else -1

    def _shown(self, events: list[Event]) -> int:
        """The index of the event that is shown, wherever it is after old ones were thinned."""
        if self.index is None:
            return len(events) - 1
        if self.index >= len(events) or events[self.index].number != self._number:
            later = (i for i, event in enumerate(events) if event.number >= self._number)
            self.scrub(next(later, None))
        return len(events) - 1 if self.index is None else self.index

    def _buttons(self, events: list[Event], index: int) -> None:
        first = "" if index else "The first event is shown."
        last = "" if index < len(events) - 1 else "The last event is shown."
        if parts.button(self._session, "timeline back", "<", "The event before", why_not=first):
            self.scrub(index - 1)
        imgui.same_line()
        if parts.button(self._session, "timeline forth", ">", "The event after", why_not=last):
            self.scrub(index + 1)
        imgui.same_line()
        if parts.button(self._session, "timeline now", "now", "The last event", why_not=last):
            self.scrub(None)
        imgui.same_line()
        imgui.align_text_to_frame_padding()
        stored = bytes_text(self._history.timeline.nbytes)
        widgets.cut(f"{count_text(len(events), 'event')}, {stored} stored", style.QUIET)

    def _graph(self, events: list[Event], index: int) -> int:
        """Planned bytes of the events as columns; a click or a drag chooses one."""
        letter = imgui.get_font_size()
        corner, width = imgui.get_cursor_screen_pos(), imgui.get_content_region_avail().x
        height = max(letter, min(GRAPH * letter, GRAPH_SHARE * imgui.get_window_size().y))
        step = max(NARROWEST * letter, min(WIDEST * letter, width / len(events)))
        count = max(1, min(len(events), int(width / step)))
        first = max(0, min(index - count // 2, len(events) - count))
        imgui.invisible_button("graph", (max(width, 1.0), height), widgets.BY_KEYS)
        parts.note_place(self._session, "timeline graph")
        over = int((imgui.get_io().mouse_pos.x - corner.x) / step) + first
        if imgui.is_item_active():
            self.scrub(max(first, min(over, len(events) - 1)))
            index = self._shown(events)
        elif imgui.is_item_hovered() and first <= over < first + count:
            widgets.tooltip((f"frame {events[over].frame:,}: {bytes_text(events[over].planned_bytes)}",))
        if imgui.is_item_focused():
            for key, by in ((imgui.Key.left_arrow, -1), (imgui.Key.right_arrow, 1)):
                if imgui.is_key_pressed(key):
                    self.scrub(max(0, index + by))
                    index = self._shown(events)
        draw = imgui.get_window_draw_list()
        draw.add_rect_filled(corner, (corner.x + width, corner.y + height), widgets.color(style.RAISED))
        most = max(event.planned_bytes for event in events[first : first + count]) or 1
        label = f"at most {bytes_text(most)}"
        if (room := width - count * step - letter) > imgui.calc_text_size(label).x:
            at_right = corner.x + width - min(room, imgui.calc_text_size(label).x + letter / 2)
            draw.add_text((at_right, corner.y + letter * 0.2), widgets.color(style.QUIET), label)
        for at in range(first, first + count):
            x = corner.x + (at - first) * step
            top = corner.y + height * (1 - 0.92 * events[at].planned_bytes / most)
            tint = style.ACCENT if at == index else style.QUIET
            far = (x + max(1.0, step - 1), corner.y + height)
            draw.add_rect_filled((x, top), far, widgets.color(tint, 1.0 if at == index else 0.6))
        return index

    def _causes(self, events: list[Event], index: int) -> None:
        event = events[index]
        before = events[index - 1].planned_bytes if index else 0
        when = f"frame {event.frame:,}"
        if event.count > 1:
            when += f", {event.count} events in one"
        change = f", {signed_bytes(event.planned_bytes - before)}" if index else ""
        took = "" if event.settled is None else f", settled at frame {event.settled:,}"
        widgets.cut(
            f"{when}: {bytes_text(event.planned_bytes)}{change} in "
            f"{count_text(event.allocations, 'allocation')}; {count_text(event.steps, 'step')}, "
            f"{bytes_text(event.staged)} staged, {bytes_text(event.moved)} moved{took}"
        )
        shown = event.causes[:3]
        for line in shown:
            widgets.cut(line, style.ACCENT, more=event.causes if len(event.causes) > 3 else ())
        if len(event.causes) > len(shown):
            widgets.cut(f"and {len(event.causes) - len(shown)} more", style.QUIET, more=event.causes)

    def strips(self, index: int) -> MemoryStrips:
        """The map of an event, with what is new since the one before."""
        timeline = self._history.timeline
        numbers = timeline.events[index].number, timeline.events[index - 1].number if index else -1
        if self._strips is None or self._strips[0] != numbers:
            before = timeline.image(index - 1) if index else None
            self._strips = numbers, MemoryStrips(timeline.image(index), before)
        return self._strips[1]
