"""The menu of a row of the outliner, and of the free area below the rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from imgui_bundle import imgui

from engine.tableau import ROOT
from viewer.panels import widgets
from viewer.panels.outliner.outliner_actions import OutlinerActions
from viewer.panels.outliner.outliner_model import Node
from viewer.session.commands import SHOW_SELECTION, Command

Action = Callable[[], None]


def draw_menu(actions: OutlinerActions, node: Node | None) -> Action | None:
    """Draw the menu of a node, or of the free area; return what was chosen, to be done after the rows."""
    if node is None:
        return _items(
            actions,
            (
                ("Create object", "", partial(actions.create, ROOT)),
                ("Paste", "Ctrl+V", partial(actions.paste, ROOT)),
                ("Expand all", "", partial(actions.model.expand_all, True)),
                ("Collapse all", "", partial(actions.model.expand_all, False)),
            ),
        )
    chosen: Action | None = None
    if node.feature:
        return _items(
            actions,
            (
                ("Copy feature", "Ctrl+C", actions.copy),
                ("Remove feature", "Del", actions.delete),
            ),
        )
    chosen = _items(actions, (("Create child", "", partial(actions.create, node.object)),))
    if imgui.begin_menu("Add feature"):
        chosen = feature_items(actions) or chosen
        imgui.end_menu()
    imgui.separator()
    chosen = (
        _items(
            actions,
            (
                ("Rename", "F2", partial(actions.start_renaming, node.object)),
                ("Duplicate", "Ctrl+D", actions.duplicate),
                ("Delete", "Del", actions.delete),
            ),
        )
        or chosen
    )
    imgui.separator()
    chosen = (
        _items(
            actions,
            (
                ("Cut", "Ctrl+X", actions.cut),
                ("Copy", "Ctrl+C", actions.copy),
                ("Paste beside", "Ctrl+V", actions.paste),
                ("Paste as child", "", partial(actions.paste, node.object)),
            ),
        )
        or chosen
    )
    imgui.separator()
    for command in actions.session.commands:
        if command.title != SHOW_SELECTION:
            continue
        if imgui.menu_item(SHOW_SELECTION, command.keys[0], False, command.is_enabled())[0]:
            chosen = command.run
        actions.session.places["menu show selection"] = widgets.item_box()
    rows = actions.objects
    is_changed = bool(actions.session.editing.changes.is_changed(rows).any()) if len(rows) <= 1000 else True
    if imgui.menu_item("Revert to file", "", False, is_changed)[0]:
        chosen = actions.revert
    return chosen


def selection_commands(actions: OutlinerActions) -> list[Command]:
    """Return what menus and keys do to the selected objects."""

    def some() -> bool:
        return len(actions.objects) > 0

    return [
        Command("Cut", "Edit", actions.cut, ("Ctrl+X",), some),
        Command("Copy", "Edit", actions.copy, ("Ctrl+C",), some),
        Command("Paste", "Edit", actions.paste, ("Ctrl+V",)),
        Command("Duplicate", "Edit", actions.duplicate, ("Ctrl+D",), some),
        Command("Delete", "Edit", actions.delete, ("Del",), some),
        Command("Select all", "Edit", actions.select_all, ("Ctrl+A",)),
        Command("Create object", "Edit", partial(actions.create, ROOT)),
        Command("Revert selection to file", "Edit", actions.revert, (), some),
    ]


def feature_items(actions: OutlinerActions) -> Action | None:
    """Draw the types of features as items; return what adds the chosen one to the selected objects."""
    chosen: Action | None = None
    tableau, rows = actions.session.runtime.tableau, actions.objects
    for name, table in tableau.tables.items():
        is_lacking = len(rows) > 0 and not bool(tableau.has_feature(name, rows).all())
        if imgui.menu_item(name, "", False, is_lacking)[0]:
            chosen = partial(actions.add_feature, name)
        requires = f"brings {', '.join(table.schema.requires)} along" if table.schema.requires else ""
        widgets.tooltip((table.schema.help, requires))
    return chosen


def _items(actions: OutlinerActions, items: tuple[tuple[str, str, Action], ...]) -> Action | None:
    chosen: Action | None = None
    for text, keys, action in items:
        if imgui.menu_item(text, keys, False)[0]:
            chosen = action
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        actions.session.places[f"item {text}"] = (low.x, low.y, high.x, high.y)
    return chosen
