"""A path that is typed, the folder that it leads to, and the entries of that which it leaves."""

from __future__ import annotations

import os
from pathlib import Path

from imgui_bundle import imgui

from viewer.panels import widgets
from viewer.panels.dialogs.folder_model import Entry, Folder, matching, read_folder
from viewer.panels.number_format import bytes_text
from viewer.session.session import Session
from viewer.ui import style


class TypedPath:
    """What a dialog shows of the file system; `folder` is None until a folder was looked at.

    `also` are endings of names that are listed beside scenes and models.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.also: tuple[str, ...] = ()
        self.text = self.part = ""
        """What is typed; the part of a name at its end."""
        self.folder: Folder | None = None
        self._base = Path()  # what a typed path begins at

    @property
    def path(self) -> Path:
        """What is typed, as an absolute path."""
        return Path(os.path.abspath(self._base / os.path.expanduser(self.text)))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of the folder that the part of a name leaves."""
        return matching(self.folder.entries, self.part) if self.folder is not None else ()

    def look(self, folder: Path, name: str = "") -> None:
        """Look at a folder, as if its path and a name in it had been typed."""
        self.folder = read_folder(folder, also=self.also)
        self._base = self.folder.path
        self.text, self.part = str(self._base / name), ""

    def draw_line(self, *, focus: bool, name: str = "") -> bool:
        """Draw the way up, and the line to type into; return whether Enter was pressed in that.

        A `name` stays in the line on the way up.
        """
        assert self.folder is not None
        if imgui.button("up") or (imgui.is_key_pressed(imgui.Key.left_arrow) and imgui.get_io().key_alt):
            self.look(self.folder.path.parent, name)
        self._session.places["open up"] = widgets.item_box()
        imgui.same_line()
        imgui.set_next_item_width(-1)
        if focus:
            imgui.set_keyboard_focus_here()
        flags = imgui.InputTextFlags_.enter_returns_true.value | imgui.InputTextFlags_.auto_select_all.value
        entered, typed = imgui.input_text("##path", self.text, flags)
        self._session.places["open path"] = widgets.item_box()
        if typed != self.text:
            self.text = typed
            self._follow()
        return bool(entered)

    def draw_entries(self, entries: tuple[Entry, ...]) -> Entry | None:
        """Draw entries in a list; return the one that was clicked."""
        assert self.folder is not None
        if not entries:
            widgets.quiet(
                f"nothing here has '{self.part}' in its name"
                if self.part
                else "no scenes and no models are here"
            )
        clicked = None
        clipper = imgui.ListClipper()
        clipper.begin(len(entries))
        while clipper.step():
            for index in range(clipper.display_start, clipper.display_end):
                if self._entry(index, entries[index]):
                    clicked = entries[index]
        return clicked

    def _entry(self, index: int, entry: Entry) -> bool:
        clicked, _ = imgui.selectable(f"##{index}", False, imgui.SelectableFlags_.no_auto_close_popups.value)
        self._session.places[f"open {entry.name}"] = widgets.item_box()
        imgui.same_line(0, 0)
        size = "" if entry.is_folder else bytes_text(entry.size)
        room = imgui.get_content_region_avail().x - imgui.calc_text_size(size).x - imgui.get_font_size()
        name = f"{entry.name}/" if entry.is_folder else entry.name
        imgui.text_colored(style.ACCENT if entry.is_folder else style.TEXT, widgets.fitting(name, room))
        if size:
            imgui.same_line(0, 0)
            widgets.right_aligned(size, style.QUIET)
        return bool(clicked)

    def _follow(self) -> None:
        """List the folder of the path that is typed, and note the part of a name at its end."""
        path = self.path
        is_folder = not self.text or self.text.endswith(os.sep) or path == self._base
        folder = path if is_folder else path.parent
        self.part = "" if is_folder else path.name
        if self.folder is not None and folder != self.folder.path and os.path.isdir(folder):
            self.folder = read_folder(folder, also=self.also)
