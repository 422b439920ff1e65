"""The dialog that saves the scene under another name: a folder and a name, and what is there already."""

from __future__ import annotations

import os
from pathlib import Path

from imgui_bundle import imgui

from engine.assets.importers.models.model_files import is_model
from engine.scene.files import SCENE_SUFFIX
from engine.scene.save_as import is_own
from viewer.panels import parts, widgets
from viewer.panels.dialogs.modal import Modal
from viewer.panels.dialogs.typed_path import TypedPath
from viewer.session.opening import is_openable
from viewer.session.session import Session
from viewer.ui import style

TITLE = "Save as"
MOST_NAMES = 1000
"""Names that are tried until one is free."""


class SaveDialog:
    """A dialog over all panels. Enter saves, and once more replaces what is there already; Esc closes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._path = TypedPath(session)
        self._modal = Modal(TITLE, (40, 26), self._path, self._content)
        self._must_type = False
        self._hint, self._is_refusal = "", False
        self._asked: Path | None = None  # what would be replaced
        self._hint_for = ""  # what was typed then
        session.editing.ask_where = self.open

    def open(self) -> None:
        """Show it, with a name that is free."""
        scene = self._session.runtime.scene.path
        self._modal.open()
        self._asked, self._hint = None, ""
        self._path.look(scene.parent, free_name(scene))
        self._session.wake()

    def draw(self) -> None:
        """Draw it while it is shown."""
        self._modal.draw()

    def _content(self, appears: bool) -> None:
        folder = self._path.folder
        assert folder is not None
        focus, self._must_type = appears or self._must_type, False
        entered = self._path.draw_line(focus=focus, name=self.name)
        if self._path.text != self._hint_for:
            self._hint, self._asked = "", None
        imgui.dummy((0, imgui.get_style().item_spacing.y))
        text = self._hint or folder.problem or self._usual()
        wrap = imgui.get_content_region_avail().x
        lines = imgui.calc_text_size(text, False, wrap).y + imgui.get_style().item_spacing.y
        if widgets.begin_child("entries", (0, -imgui.get_frame_height_with_spacing() - lines)):
            scenes = tuple(one for one in folder.entries if one.is_folder or one.name.endswith(SCENE_SUFFIX))
            chosen = self._path.draw_entries(scenes) if scenes else None
            if chosen is not None and chosen.is_folder:
                self._path.look(folder.path / chosen.name, self.name)
            elif chosen is not None:
                self._path.look(folder.path, chosen.name)
        imgui.end_child()
        is_warning = bool(self._hint) and (self._is_refusal or self._asked is not None)
        imgui.push_text_wrap_pos(0.0)
        imgui.text_colored(style.WARNING if is_warning else style.QUIET, text)
        imgui.pop_text_wrap_pos()
        self._buttons(entered)

    def _buttons(self, entered: bool) -> None:
        verb = "replace" if self._asked is not None else "save"
        width = sum(parts.button_width(text) for text in (verb, "cancel")) + imgui.get_style().item_spacing.x
        imgui.set_cursor_pos_x(
            max(0.0, imgui.get_cursor_pos_x() + imgui.get_content_region_avail().x - width)
        )
        pressed = imgui.button(f"{verb}###save")
        self._session.places["button save as"] = widgets.item_box()
        imgui.same_line()
        cancelled = imgui.button("cancel")
        self._session.places["button cancel"] = widgets.item_box()
        if entered or pressed:
            self._save()
        elif cancelled or imgui.is_key_pressed(imgui.Key.escape):
            self._session.editing.forget_refused()
            imgui.close_current_popup()

    @property
    def name(self) -> str:
        """The name that is typed, without its folder."""
        return os.path.basename(self._path.text)

    @property
    def chosen(self) -> Path:
        """Where the scene would be saved: what is typed, with the ending of scenes."""
        path = self._path.path
        is_whole = not path.name or path.name.endswith(SCENE_SUFFIX)
        return path if is_whole else path.with_name(path.name + SCENE_SUFFIX)

    def _usual(self) -> str:
        """Return what would be written."""
        path = self.chosen
        where = "" if os.path.isdir(path.parent) else f" into a new folder, {path.parent.name}"
        if is_model(self._session.runtime.scene.path):
            return f"writes {path.stem}.hu and {path.stem}.assets.hu{where}; the model stays where it is"
        return f"writes {path.name}{where}; what the scene names stays where it is"

    def _save(self) -> None:
        """Save, or ask whether what is there is to be replaced, or say why not."""
        path, editing, typed = self.chosen, self._session.editing, self._path.text
        self._hint_for, self._must_type = typed, True  # Enter leaves the line, to which the next one belongs
        if not self.name or os.path.isdir(self._path.path):
            if os.path.isdir(self._path.path):
                self._path.look(self._path.path)
            self._hint, self._hint_for, self._is_refusal = "type a name", self._path.text, True
            return
        if not is_openable(path.name):
            self._hint, self._is_refusal = f"{path.name} is no name of a scene: choose another one", True
            return
        if is_own(self._session.runtime.scene, path):
            editing.save()
            taken: list[Path] | None = None if editing.was_refused else []
        else:
            taken = editing.save_as(path, replace=self._asked == path)
        self._is_refusal = taken is None
        if taken is None:
            helps = [problem.help for problem in editing.refused if problem.help]
            self._hint = f"{editing.message}: {helps[0]}" if helps else editing.message
        elif taken:
            self._asked = path
            names = " and ".join(each.name for each in taken)
            self._hint = f"{names} {'is' if len(taken) == 1 else 'are'} there already: replace?"
        else:
            self._session.notices.say(editing.message)
            imgui.close_current_popup()
        self._session.wake()


def free_name(scene: Path) -> str:
    """Return a name beside a scene or a model that no file has."""
    names = [scene.stem, *(f"{scene.stem}-{number}" for number in range(2, MOST_NAMES))]
    endings = (SCENE_SUFFIX, ".assets.hu") if is_model(scene) else (SCENE_SUFFIX,)
    for name in names:
        if not any(os.path.lexists(scene.with_name(name + ending)) for ending in endings):
            return name + SCENE_SUFFIX
    return scene.stem + SCENE_SUFFIX
