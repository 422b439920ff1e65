"""The panel of source texts: shows the line that a link leads to, with a caret under its column."""

from __future__ import annotations

import time

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.source.source_text import ENDS_S, Editor, SourceText
from viewer.session.links import PanelLink, SourceLink
from viewer.session.session import Session
from viewer.ui import style

EVERY_S = 1.0
"""How often the file is looked at for changes."""


class SourcePanel:
    """Draws the visible lines of one file; `link` is what was followed last."""

    title = "source"

    def __init__(self, session: Session) -> None:
        self._session = session
        self.link: SourceLink | None = None
        self._text: SourceText | None = None
        self._editor: Editor | None = None
        self._looked = 0.0
        self._must_scroll = False
        session.links.on(SourceLink, self._show)

    def draw(self) -> None:
        """Draw into the current window."""
        self._watch_editor()
        if self.link is None or self._text is None:
            widgets.cut("follow a link to a line of a file, e.g. from a problem or from `why`", style.QUIET)
            return
        now = time.monotonic()
        if now > self._looked + EVERY_S:
            self._looked = now
            self._text.refresh()
        self._heading(self.link, self._text)
        if self._text.problem:
            widgets.cut(self._text.problem, style.BAD)
            return
        style.push_fixed_font()
        self._lines(self.link, self._text)
        imgui.pop_font()

    def _watch_editor(self) -> None:
        """Say why an editor could not be started, or that it ended with an error at once."""
        if self._editor is None:
            return
        problem, is_watched = self._editor.problem, self._editor.is_watched
        if problem:
            self._session.report(f"warning[viewer.editor]: {problem}")
            self._session.notices.say(problem)
            self._session.wake()
        if problem or not is_watched:
            self._editor = None

    def _heading(self, link: SourceLink, text: SourceText) -> None:
        if imgui.small_button("open in editor"):
            self._editor = Editor(link.file, link.line)
            self._session.wake(ENDS_S)
        self._session.places["open in editor"] = widgets.item_box()
        widgets.tooltip(("$VISUAL or $EDITOR, at this line",))
        imgui.same_line()
        widgets.cut(f"{text.path}:{link.line}", style.QUIET)

    def _lines(self, link: SourceLink, text: SourceText) -> None:
        flags = imgui.WindowFlags_.horizontal_scrollbar.value
        if widgets.begin_child("lines", (0, 0), flags):
            height = imgui.get_text_line_height_with_spacing()
            widgets.scroll_by_keys(arrows=True)
            if self._must_scroll:
                imgui.set_scroll_y(max(0.0, (link.line - 1) * height - imgui.get_window_height() * 0.4))
                self._must_scroll = False
            digits = len(str(len(text.lines)))
            margin = imgui.calc_text_size("0" * digits).x + imgui.get_font_size()
            clipper = imgui.ListClipper()
            clipper.begin(len(text.lines), height)
            while clipper.step():
                for number in range(clipper.display_start + 1, clipper.display_end + 1):
                    self._line(number, text.lines[number - 1], link, margin)
        imgui.end_child()

    def _line(self, number: int, line: str, link: SourceLink, margin: float) -> None:
        corner = imgui.get_cursor_screen_pos()
        if number == link.line:
            draw, height = imgui.get_window_draw_list(), imgui.get_text_line_height()
            draw.add_rect_filled(
                (corner.x, corner.y), (corner.x + 1e4, corner.y + height), widgets.color(style.RAISED_HOVER)
            )
            if link.column:
                start = corner.x + margin + imgui.calc_text_size(line[: link.column - 1]).x
                wide = imgui.calc_text_size(line[link.column - 1 : link.column] or " ").x
                low = corner.y + height
                draw.add_line((start, low), (start + wide, low), widgets.color(style.ACCENT), 2.0)
            self._session.places["source line"] = (corner.x, corner.y, corner.x + 100, corner.y + height)
        imgui.text_colored(style.ACCENT if number == link.line else style.QUIET, str(number))
        imgui.same_line(margin)
        imgui.text_unformatted(line)

    def _show(self, link: SourceLink) -> None:
        if self._text is None or self._text.path != link.file:
            self._text = SourceText(link.file)
        self.link, self._must_scroll = link, True
        self._session.links.follow(PanelLink(self.title))
