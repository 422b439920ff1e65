"""The dialog that opens a scene, a model or its sky: folders, a place to type, and what was opened before."""

from __future__ import annotations

import os
from pathlib import Path

from imgui_bundle import imgui

from engine.assets.importers.models.model_files import is_model
from viewer.panels import widgets
from viewer.panels.dialogs.folder_model import Entry, distinct_names
from viewer.panels.dialogs.modal import Modal
from viewer.panels.dialogs.typed_path import TypedPath
from viewer.session.opening import ENDINGS, SKIES, OpensFiles
from viewer.session.session import Session
from viewer.ui import style


class FileBrowser:
    """A dialog over all panels. Arrows and Enter work as in any list; Esc closes it.

    What is typed leaves the entries with that part of a name; Enter opens the only one that is left.
    """

    def __init__(
        self,
        session: Session,
        opening: OpensFiles,
        start: Path,
        title: str = "Open",
        *,
        with_skies: bool = True,
    ) -> None:
        """`start` is the folder that it shows first, until it was shown.

        `with_skies`: while a model is open, pictures that may be its sky are listed, too.
        """
        self._session = session
        self._opening = opening
        self._path = TypedPath(session)
        self.start = start
        self._hint, self._hint_for = "", ""  # and what was typed then
        self._with_skies = with_skies
        self._modal = Modal(title, (46, 30), self._path, self._content)

    def open(self) -> None:
        """Show it."""
        self._modal.open()
        parts = self._session.runtime.scene.parts
        has_model = self._with_skies and any(is_model(part.opened) for part in parts)
        self._path.also = SKIES if has_model else ()
        folder = self._path.folder
        self._look(folder.path if folder is not None else self.start)
        self._session.wake()

    def draw(self) -> None:
        """Draw it while it is shown."""
        self._modal.draw()

    def _content(self, appears: bool) -> None:
        folder = self._path.folder
        assert folder is not None
        size = imgui.get_font_size()
        entered = self._path.draw_line(focus=appears)
        entries = self._path.entries
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
            chosen = self._path.draw_entries(entries)
            if chosen is not None:
                self._enter(folder.path / chosen.name)
        imgui.end_child()
        usual = f"scenes and models: {', '.join(ENDINGS)}"
        if self._path.also:
            usual += f"; skies of the model that is open: {', '.join(self._path.also)}"
        hint = self._hint if self._path.text == self._hint_for else ""
        room = imgui.get_window_width() - size * 6.5 - imgui.get_cursor_pos_x()
        widgets.cut(hint or folder.problem or usual, style.QUIET, max(room, size))
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

    def _enter_typed(self, entries: tuple[Entry, ...]) -> None:
        """Open what is typed, or the only entry that it leaves; what is nothing is refused as any file."""
        typed = self._path
        assert typed.folder is not None
        paths = (typed.path, Path(os.path.expanduser(typed.text)))
        there = [path for path in paths if typed.text and os.path.exists(path)]
        if there:
            self._enter(there[0])
        elif len(entries) == 1:
            self._enter(typed.folder.path / entries[0].name)
        elif entries:
            self._hint_for = typed.text
            self._hint = (
                f"{len(entries):,} entries have '{typed.part}' in their names: choose one, or type more"
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
        self._path.look(path)
        self._hint = ""
