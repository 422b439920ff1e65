"""The button that compacts memory: the first press estimates the gain, the second starts it."""

from __future__ import annotations

from imgui_bundle import imgui

from engine.plan.model.plan import Plan
from engine.plan.placement.compaction import Compaction
from engine.plan.terms.errors import PlanError
from viewer.panels import parts, widgets
from viewer.panels.number_format import bytes_text, count_text
from viewer.session.session import Session
from viewer.ui import style

MAX_BYTES = 256 << 20
"""The most bytes that one press moves: the size of a memory block."""
MAX_MOVES = 1 << 16

_ABOUT = "Estimate how much memory moving assets together would free; nothing is moved yet."
_UNSETTLED = "Not now: memory is not settled yet."


class CompactionButton:
    """Draws the button, or the text that there is nothing to gain, in the rest of a line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._estimate = session.runtime.compaction
        self._begin = session.runtime.compact
        self._estimated: tuple[Plan, Compaction] | None = None
        self._refused = ""

    def draw(self, plan: Plan, is_settled: bool) -> None:
        """Draw the button for the estimate, then the one that starts it; both need a settled scene."""
        found = (
            self._estimated[1]
            if self._estimated is not None and self._estimated[0] is plan and is_settled
            else None
        )
        if found is None:
            imgui.begin_disabled(not is_settled)
            if self._button("compact"):
                self._make_estimate(plan)
            imgui.end_disabled()
            widgets.tooltip((self._refused if is_settled else _UNSETTLED, _ABOUT))
        elif found.moves:
            if self._button(f"free {bytes_text(found.gain)}"):
                self._begin(MAX_BYTES, MAX_MOVES)
            moves = count_text(found.moves, "move")
            widgets.tooltip((f"Frees {found.gain:,} bytes by moving {found.moved:,} bytes in {moves}.",))
        else:
            imgui.same_line()
            widgets.right_aligned("nothing to gain", style.QUIET)

    def _make_estimate(self, plan: Plan) -> None:
        """Store the estimate for a plan, or the reason why there is none now."""
        try:
            self._estimated, self._refused = (plan, self._estimate(MAX_BYTES, MAX_MOVES)), ""
        except PlanError as error:
            self._refused = f"Not now: {error.problem}."

    def _button(self, text: str) -> bool:
        """Draw a small button at the right edge."""
        width = parts.button_width(text)
        parts.flows(width)
        room = imgui.get_content_region_avail().x - width
        if room > 0:
            imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + room)
        clicked = imgui.small_button(text)
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self._session.places["compact"] = (low.x, low.y, high.x, high.y)
        return bool(clicked)
