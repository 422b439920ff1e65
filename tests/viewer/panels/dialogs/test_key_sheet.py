"""The sheet of keys is made from the commands."""

from __future__ import annotations

from viewer.panels.dialogs.key_sheet import keys_by_menu
from viewer.session.commands import Command, Commands


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
