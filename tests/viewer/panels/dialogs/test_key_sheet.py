"""The sheet of keys is made from the commands."""

from __future__ import annotations

import re
from pathlib import Path

from imgui_bundle import imgui
from support.mouse import Mouse, mouse, session_of

from engine.tableau.tableau import Tableau
from viewer.panels.dialogs.key_sheet import MAP, OUTLINER, KeySheet, keys_by_menu
from viewer.session.commands import Command, Commands

__all__ = ["mouse"]


def test_commands_with_keys_are_listed_by_menu_in_the_order_of_the_menu_bar() -> None:
    commands = Commands()
    commands.add(
        Command("Odd", "Zebra", lambda: None, ("Z",)),
        Command("Redo", "Edit", lambda: None, ("Ctrl+Shift+Z", "Ctrl+Y")),
        Command("No keys", "Edit", lambda: None),
        Command("Open", "File", lambda: None, ("Ctrl+O",)),
        Command("Alone", "Help", lambda: None),
    )
    found = keys_by_menu(commands)
    assert list(found) == ["File", "Edit", "Zebra"]
    assert found["Edit"] == [("Ctrl+Shift+Z, Ctrl+Y", "Redo")]


def test_the_sheet_has_the_keys_and_the_mouse_of_panels_outliner_and_map(mouse: Mouse) -> None:
    session = session_of(Tableau())
    sheet = KeySheet(session)
    sheet.is_shown = True
    imgui.get_io().display_size = (1600, 2000)
    for _ in range(3):
        mouse.frame(sheet.draw)
    for title in ("Mouse over the scene", "Panels", "Outliner", "Map of memory", "Help"):
        assert f"keys {title}" in session.places


def test_every_key_that_the_outliner_handles_is_on_the_sheet(root: Path) -> None:
    source = (root / "viewer" / "panels" / "outliner" / "outliner_keys.py").read_text()
    handled = {name.removeprefix("keypad_") for name in re.findall(r"imgui\.Key\.(\w+)", source)}
    listed = " ".join(keys for keys, _ in OUTLINER).lower()
    for name in handled:
        assert name.removesuffix("_arrow").replace("_", "") in listed, name
    assert {"wheel", "drag", "double click"} <= {keys for keys, _ in MAP}
