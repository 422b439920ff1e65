"""The shell of the dialogs in which a path is typed: it appears in the middle, over all panels."""

from __future__ import annotations

from collections.abc import Callable

from imgui_bundle import imgui

from viewer.panels.dialogs.typed_path import TypedPath

_FLAGS = imgui.WindowFlags_.no_saved_settings.value


class Modal:
    """A dialog with a title that fits the window; `path` has no folder until it was opened.

    `content` draws what is in it: the only argument says whether it appears in this frame.
    """

    def __init__(
        self, title: str, size: tuple[float, float], path: TypedPath, content: Callable[[bool], None]
    ) -> None:
        """`size` is width and height in heights of the font."""
        self._title, self._size = title, size
        self._path = path
        self._content = content
        self._must_open = False

    def open(self) -> None:
        """Show it from the next frame on."""
        self._must_open = True

    def draw(self) -> None:
        """Draw it while it is shown."""
        if self._must_open:
            imgui.open_popup(self._title)
        with_size(*self._size)
        if imgui.begin_popup_modal(self._title, None, _FLAGS)[0]:
            if self._path.folder is None:  # it was open over the scene before, whose dialog is gone
                imgui.close_current_popup()
            else:
                self._content(self._must_open)
            imgui.end_popup()
        self._must_open = False


def with_size(width: float, height: float) -> None:
    """Have the next dialog appear in the middle, so many times the font wide and high where that fits."""
    viewport, size = imgui.get_main_viewport(), imgui.get_font_size()
    middle = viewport.get_center()
    imgui.set_next_window_pos((middle.x, middle.y), imgui.Cond_.appearing.value, (0.5, 0.5))
    room = min(size * width, viewport.size.x - size * 2), min(size * height, viewport.size.y - size * 3)
    imgui.set_next_window_size(room, imgui.Cond_.appearing.value)
