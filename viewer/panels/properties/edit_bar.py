"""Undo, redo, save and revert as buttons; what is in conflict with a file, and what can be recovered."""

from __future__ import annotations

import time
from collections.abc import Callable

from imgui_bundle import imgui

from viewer.panels import parts, widgets
from viewer.session.commands import Command
from viewer.session.links import ObjectLink
from viewer.session.session import Session
from viewer.ui import style

SHOWN_CONFLICTS = 50


def draw_edit_bar(session: Session) -> None:
    """Draw the buttons, and below them what has to be decided."""
    editing = session.editing
    history = editing.history
    buttons: tuple[tuple[str, str, bool, Callable[[], None]], ...] = (
        ("undo", history.undo_label, bool(history.undo_label), editing.undo),
        ("redo", history.redo_label, bool(history.redo_label), editing.redo),
        ("save", "write what has changed to the files (Ctrl+S)", True, editing.save),
        ("revert", "make the scene what its files have; this can be undone", True, editing.revert_all),
    )
    for at, (name, about, can, action) in enumerate(buttons):
        mark = "*" if name == "save" and not history.is_saved else ""
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
    _recovery(session)
    _conflicts(session)
    imgui.separator()


def edit_commands(session: Session) -> list[Command]:
    """Return what menus and keys offer for the scene as a whole."""
    editing = session.editing
    history = editing.history
    return [
        Command("Save", "File", editing.save, ("Ctrl+S",), while_typing=True),
        Command("Revert all", "File", editing.revert_all),
        Command("Undo", "Edit", editing.undo, ("Ctrl+Z",), lambda: bool(history.undo_label)),
        Command("Redo", "Edit", editing.redo, ("Ctrl+Shift+Z", "Ctrl+Y"), lambda: bool(history.redo_label)),
    ]


def _recovery(session: Session) -> None:
    editing = session.editing
    for number, found in enumerate(editing.found):
        imgui.push_id(number)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.when))
        imgui.push_text_wrap_pos(0.0)
        imgui.text_colored(style.WARNING, f"Changes of {when} were not saved.")
        imgui.pop_text_wrap_pos()
        if imgui.button("recover"):
            editing.recover(found)
        session.places["button recover"] = widgets.item_box()
        imgui.same_line()
        if imgui.button("discard"):
            editing.discard(found)
        imgui.pop_id()


def _conflicts(session: Session) -> None:
    saving, editing = session.editing.saving, session.editing
    conflicts = saving.conflicts
    if not conflicts:
        return
    imgui.push_text_wrap_pos(0.0)
    imgui.text_colored(style.WARNING, f"Changed here and in the file: {len(conflicts):,}")
    imgui.pop_text_wrap_pos()
    settled = None
    for number, conflict in enumerate(conflicts[:SHOWN_CONFLICTS]):
        imgui.push_id(number)
        clicked = imgui.selectable("##conflict", False, 0, (0, imgui.get_text_line_height()))[0]
        if clicked and editing.is_there(conflict):
            session.links.follow(ObjectLink(conflict.row))
        imgui.same_line(imgui.get_style().window_padding.x)
        widgets.cut(f"{conflict.what} of {conflict.path}")
        if imgui.small_button("keep mine"):
            settled = conflict, False
        session.places[f"conflict mine {number}"] = widgets.item_box()
        widgets.tooltip(("the next save writes what is set here",))
        imgui.same_line()
        if imgui.small_button("take the file's"):
            settled = conflict, True
        session.places[f"conflict file {number}"] = widgets.item_box()
        imgui.pop_id()
    if settled is not None:
        conflict, use_file = settled
        editing.run(lambda: saving.settle(conflict, use_file))
