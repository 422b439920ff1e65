"""The dialog that opens a scene or a model: folders, a place to type, and what was opened before."""

from __future__ import annotations

import os
from pathlib import Path

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.dialogs.folder_model import Entry, Folder, distinct_names, matching, read_folder
from viewer.panels.number_format import bytes_text
from viewer.session.opening import ENDINGS, OpensFiles
from viewer.session.session import Session
from viewer.ui import style


class FileBrowser:
    """A dialog over all panels. Arrows and Enter work as in any list; Esc closes it.

    What is typed leaves the entries with that part of a name; Enter opens the only one that is left.
    """

    def __init__(self, session: Session, opening: OpensFiles, start: Path, title: str = "Open") -> None:
        """`start` is the folder that it shows first."""
        self._title = title
        self._session = session
        self._opening = opening
        self._folder: Folder | None = None
        self._start = start
        self._typed = self._part = ""  # a path; the part of a name at its end
        self._base = start  # what a typed path begins at
        self._hint = ""
        self._must_open = False

    def open(self) -> None:
        """Show it."""
        self._must_open = True
        self._look(self._folder.path if self._folder is not None else self._start)
        self._session.wake()

    def draw(self) -> None:
        """Draw it while it is shown."""
        if self._must_open:
            imgui.open_popup(self._title)
        viewport, size = imgui.get_main_viewport(), imgui.get_font_size()
        middle = viewport.get_center()
        imgui.set_next_window_pos((middle.x, middle.y), imgui.Cond_.appearing.value, (0.5, 0.5))
        width, height = min(size * 46, viewport.size.x - size * 2), min(size * 30, viewport.size.y - size * 3)
        imgui.set_next_window_size((width, height), imgui.Cond_.appearing.value)
        if imgui.begin_popup_modal(self._title, None, imgui.WindowFlags_.no_saved_settings.value)[0]:
            self._content()
            imgui.end_popup()
        self._must_open = False

    def _content(self) -> None:
        if self._folder is None:  # it was open over the scene before, whose dialog is gone
            imgui.close_current_popup()
            return
        size = imgui.get_font_size()
        if imgui.button("up") or (imgui.is_key_pressed(imgui.Key.left_arrow) and imgui.get_io().key_alt):
            self._look(self._folder.path.parent)
        self._session.places["open up"] = widgets.item_box()
        imgui.same_line()
        imgui.set_next_item_width(-1)
        if self._must_open:
            imgui.set_keyboard_focus_here()
        flags = imgui.InputTextFlags_.enter_returns_true.value | imgui.InputTextFlags_.auto_select_all.value
        entered, typed = imgui.input_text("##path", self._typed, flags)
        self._session.places["open path"] = widgets.item_box()
        if typed != self._typed:
            self._typed = typed
            self._follow_typed()
        entries = matching(self._folder.entries, self._part)
        if entered:
            self._enter_typed(entries)
        imgui.dummy((0, imgui.get_style().item_spacing.y))
        foot = imgui.get_frame_height_with_spacing()
        recent = self._session.preferences.recent
        if recent and imgui.get_content_region_avail().x > size * 30:
            if widgets.begin_child("recent", (size * 15, -foot)):
                self._recent(recent)
            imgui.end_child()
            imgui.same_line()
        if widgets.begin_child("entries", (0, -foot)):
            self._entries(self._folder, entries)
        imgui.end_child()
        usual = f"scenes and models: {', '.join(ENDINGS)}"
        widgets.cut(self._hint or self._folder.problem or usual, style.QUIET)
        imgui.same_line()
        imgui.set_cursor_pos_x(imgui.get_window_width() - size * 6)
        if imgui.button("cancel", (size * 5, 0)) or imgui.is_key_pressed(imgui.Key.escape):
            imgui.close_current_popup()

    def _recent(self, recent: tuple[str, ...]) -> None:
        widgets.quiet("opened before")
        for number, (name, (shown, folder)) in enumerate(zip(recent, distinct_names(recent), strict=True)):
            if imgui.selectable(f"##recent{number}", False)[0]:
                self._enter(Path(name))
            self._session.places[f"open recent {number}"] = widgets.item_box()
            widgets.tooltip((name,))
            imgui.same_line(0, 0)
            imgui.text_unformatted(widgets.fitting(shown, imgui.get_content_region_avail().x))
            if folder:
                imgui.same_line(0, imgui.get_font_size() * 0.5)
                widgets.quiet(widgets.fitting(folder, imgui.get_content_region_avail().x))

    def _entries(self, folder: Folder, entries: tuple[Entry, ...]) -> None:
        if not entries:
            widgets.quiet(
                f"nothing here has '{self._part}' in its name"
                if folder.entries
                else "no scenes and no models are here"
            )
        clipper = imgui.ListClipper()
        clipper.begin(len(entries))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                self._entry(folder, index, entries[index])

    def _entry(self, folder: Folder, index: int, entry: Entry) -> None:
        clicked, _ = imgui.selectable(f"##{index}", False)
        self._session.places[f"open {entry.name}"] = widgets.item_box()
        imgui.same_line(0, 0)
        size = "" if entry.is_folder else bytes_text(entry.size)
        room = imgui.get_content_region_avail().x - imgui.calc_text_size(size).x - imgui.get_font_size()
        name = f"{entry.name}/" if entry.is_folder else entry.name
        imgui.text_colored(style.ACCENT if entry.is_folder else style.TEXT, widgets.fitting(name, room))
        if size:
            imgui.same_line(0, 0)
            widgets.right_aligned(size, style.QUIET)
        if clicked:
            self._enter(folder.path / entry.name)

    def _follow_typed(self) -> None:
        """List the folder of the path that is typed, and note the part of a name at its end."""
        self._hint, path = "", self._typed_path()
        is_folder = not self._typed or self._typed.endswith(os.sep) or path == self._base
        folder = path if is_folder else path.parent
        self._part = "" if is_folder else path.name
        if self._folder is not None and folder != self._folder.path and os.path.isdir(folder):
            self._folder = read_folder(folder)

    def _typed_path(self) -> Path:
        return Path(os.path.abspath(self._base / os.path.expanduser(self._typed)))

    def _enter_typed(self, entries: tuple[Entry, ...]) -> None:
        """Open what is typed, or the only entry that it leaves; what is nothing is refused as any file."""
        assert self._folder is not None
        paths = (self._typed_path(), Path(os.path.expanduser(self._typed)))
        there = [path for path in paths if self._typed and os.path.exists(path)]
        if there:
            self._enter(there[0])
        elif len(entries) == 1:
            self._enter(self._folder.path / entries[0].name)
        elif entries:
            self._hint = (
                f"{len(entries):,} entries have '{self._part}' in their names: choose one, or type more"
            )
        else:
            self._enter(paths[0])

    def _enter(self, path: Path) -> None:
        """Go into a folder, or open a file."""
        if os.path.isdir(path):
            self._look(path)
        else:
            self._opening.open([path])
            imgui.close_current_popup()

    def _look(self, path: Path) -> None:
        self._folder = read_folder(path)
        self._base = self._folder.path
        self._typed, self._part, self._hint = str(self._base), "", ""
