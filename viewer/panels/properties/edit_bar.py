"""Undo, redo, save and revert as buttons, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

from imgui_bundle import imgui

from viewer.panels import parts, widgets
from viewer.session.commands import Command
from viewer.session.session import Session
from viewer.ui import style


def draw_edit_bar(session: Session) -> None:
    """Draw the buttons, and below them what came of the last one."""
    editing = session.editing
    history = editing.history
    buttons: tuple[tuple[str, str, bool, Callable[[], None]], ...] = (
        ("undo", history.undo_label or "nothing to undo", bool(history.undo_label), editing.undo),
        ("redo", history.redo_label or "nothing to redo", bool(history.redo_label), editing.redo),
        ("save", "write what has changed to the files (Ctrl+S)", True, editing.save),
        ("revert", "make the scene what its files have; this can be undone", True, editing.revert_all),
    )
    for at, (name, about, can, action) in enumerate(buttons):
        mark = "*" if name == "save" and not editing.is_saved else ""
        if at:
            parts.flows(parts.button_width(f"{name}{mark}"))
        imgui.begin_disabled(not can)
        if imgui.button(f"{name}{mark}###{name}"):
            action()
            session.wake()
        imgui.end_disabled()
        session.places[f"button {name}"] = widgets.item_box()
        widgets.tooltip((about,))
    # The line has its place also without a message: nothing below it moves while it is clicked.
    if editing.message:
        widgets.cut(editing.message, style.WARNING if editing.was_refused else style.QUIET)
    else:
        imgui.dummy((0.0, imgui.get_text_line_height()))
    session.places["edit message"] = widgets.item_box()
    imgui.separator()


def edit_commands(session: Session) -> list[Command]:
    """Return what menus and keys offer for the scene as a whole."""
    editing = session.editing
    history = editing.history
    return [
        Command("Save", "File", editing.save, ("Ctrl+S",), while_typing=True),
        Command("Save as...", "File", lambda: editing.ask_where(), ("Ctrl+Shift+S",), while_typing=True),
        Command("Revert all", "File", editing.revert_all),
        Command("Undo", "Edit", editing.undo, ("Ctrl+Z",), lambda: bool(history.undo_label)),
        Command("Redo", "Edit", editing.redo, ("Ctrl+Shift+Z", "Ctrl+Y"), lambda: bool(history.redo_label)),
    ]
