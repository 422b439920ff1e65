"""The button that compacts memory: first it tells what that would gain, and a second press begins it."""

from __future__ import annotations

from collections.abc import Callable

from imgui_bundle import imgui

from engine.plan.model.plan import Plan
from engine.plan.placement.compaction import Compaction
from engine.plan.terms.errors import PlanError
from viewer.panels import widgets
from viewer.panels.number_format import bytes_text, count_text
from viewer.ui import style

MOST_BYTES = 256 << 20
"""What one press moves at most: as much as a block of memory holds; more is for the next one."""
MOST_MOVES = 1 << 16

_ABOUT = "Tell what moving assets together would give back; nothing is moved yet."

Compact = Callable[[int, int], Compaction]


class CompactionButton:
    """Draws the button, or what was told, in the rest of a line."""

    def __init__(self, describe: Compact, begin: Compact) -> None:
        """Both take the most bytes and moves; `tell` only says what `begin` would do."""
        self._report = describe
        self._begin = begin
        self._reported: tuple[Plan, Compaction] | None = None
        self._refused = ""
        self.place: widgets.Rectangle | None = None

    def draw(self, plan: Plan, is_settled: bool) -> None:
        """Offer to look, and then to begin; only what is settled can be compacted."""
        reported = (
            self._reported[1]
            if self._reported is not None and self._reported[0] is plan and is_settled
            else None
        )
        if reported is None:
            imgui.begin_disabled(not is_settled)
            if self._button("compact"):
                self._ask(plan)
            imgui.end_disabled()
            widgets.tooltip((self._refused, _ABOUT))
        elif reported.moves:
            if self._button(f"return {bytes_text(reported.gain)}"):
                self._begin(MOST_BYTES, MOST_MOVES)
            moves = count_text(reported.moves, "move")
            widgets.tooltip((f"{reported.gain:,} bytes return for {reported.moved:,} bytes in {moves}.",))
        else:
            self.place = None
            imgui.same_line()
            widgets.right_aligned("nothing to gain", style.QUIET)

    def _ask(self, plan: Plan) -> None:
        """Have it told what there is to gain, or why not now."""
        try:
            self._reported, self._refused = (plan, self._report(MOST_BYTES, MOST_MOVES)), ""
        except PlanError as error:
            self._refused = f"Not now: {error.problem}."

    def _button(self, text: str) -> bool:
        """Draw a small button at the right edge."""
        imgui.same_line()
        room = imgui.get_content_region_avail().x - imgui.calc_text_size(text).x
        room -= 2 * imgui.get_style().frame_padding.x
        if room > 0:
            imgui.set_cursor_pos_x(imgui.get_cursor_pos_x() + room)
        clicked = imgui.small_button(text)
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self.place = low.x, low.y, high.x, high.y
        return bool(clicked)
