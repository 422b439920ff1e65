"""Commands are found by title, key and words, and no two have one key."""

from __future__ import annotations

import pytest

from viewer.panels.shortcuts import chord
from viewer.session.commands import Command, Commands


def nothing() -> None:
    """Do nothing."""


def made(*titles: str) -> Commands:
    commands = Commands()
    commands.add(*(Command(title, "Edit", nothing) for title in titles))
    return commands


def test_two_commands_cannot_have_one_title_in_a_menu_nor_one_key() -> None:
    commands = made("Undo")
    commands.add(Command("Undo", "View", nothing, ("Ctrl+Z",)))
    with pytest.raises(ValueError, match="two commands"):
        commands.add(Command("Undo", "Edit", nothing))
    with pytest.raises(ValueError, match=r"Ctrl\+Z is the key of"):
        commands.add(Command("Redo", "Edit", nothing, ("Ctrl+Z",)))


def test_commands_match_by_all_words_and_those_that_begin_with_them_come_first() -> None:
    commands = made("Save a copy", "Copy", "Paste")
    commands.add(Command("Copy all", "Edit", nothing, is_enabled=lambda: False))
    assert [command.title for command in commands.matching("copy")] == ["Copy", "Save a copy"]
    assert [command.title for command in commands.matching("edit cop")] == ["Save a copy", "Copy"]
    assert commands.matching("nonsense") == []


def test_without_a_scene_only_commands_that_need_none_are_there() -> None:
    commands = made("Undo")
    commands.add(Command("Quit", "File", nothing, ("Ctrl+Q",), needs_scene=False))
    assert [command.title for command in commands] == ["Undo", "Quit"]
    commands.has_scene = False
    assert [command.title for command in commands] == ["Quit"]
    assert [command.title for command in commands.matching("")] == ["Quit"]
    with pytest.raises(KeyError):
        commands.find("Undo")
    with pytest.raises(ValueError, match="two commands"):
        commands.add(Command("Undo", "Edit", nothing))


@pytest.mark.parametrize(
    "keys", ["Ctrl+Shift+Z", "F1", "Tab", "Delete", "Ctrl++", "+", "Ctrl+-", "1", "Alt+K"]
)
def test_keys_have_a_chord_of_their_own(keys: str) -> None:
    others = {chord(other) for other in ("Q", "Ctrl+Q", "F9")}
    assert chord(keys) > 0
    assert chord(keys) not in others


@pytest.mark.parametrize("keys", ["Hyper+K", "Nothing", "Ctrl+Nothing"])
def test_keys_that_do_not_exist_are_refused(keys: str) -> None:
    with pytest.raises(ValueError, match="names no keys"):
        chord(keys)
