"""Commands: all that can be done in a window, by menu, by key and by the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

SHOW_SELECTION = "Show selection"
"""The title of the command of the camera that the outliner offers, too."""


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be done.

    Attributes
    ----------
    title : str
        What it does, as menus write it: "Undo".
    menu : str
        The menu that it is in: "File", "Edit", "View" ...
    run : callable
        Does it.
    keys : tuple of str
        Its keys, e.g. "Ctrl+Shift+Z", "F1", "Delete"; Ctrl is Cmd on macOS.
    is_enabled, is_checked : callable
        Whether it can be done now; whether it is on, for what is switched.
    while_typing : bool
        Whether its keys work while a text is typed.
    needs_scene : bool
        Whether it acts on a scene, and is missing where none is open.
    """

    title: str
    menu: str
    run: Callable[[], None]
    keys: tuple[str, ...] = ()
    is_enabled: Callable[[], bool] = _always
    is_checked: Callable[[], bool] | None = None
    while_typing: bool = False
    needs_scene: bool = True


class Commands:
    """The commands of a window, in the order in which they were added.

    `had_popup`: whether a menu or another popup was open when keys were last looked at. `has_scene`: whether
    there is a scene to act on; without one those that need it are neither listed nor found.
    """

    def __init__(self) -> None:
        self.had_popup = False
        self.has_scene = True
        self._commands: dict[tuple[str, str], Command] = {}

    def add(self, *commands: Command) -> None:
        """Add commands. Raises ValueError where two have one title in a menu, or one key."""
        for command in commands:
            if (command.menu, command.title) in self._commands:
                raise ValueError(f"the menu {command.menu} has two commands {command.title!r}")
            taken = {key: other.title for other in self._commands.values() for key in other.keys}
            for key in command.keys:
                if key in taken:
                    raise ValueError(f"{key} is the key of {taken[key]!r} and of {command.title!r}")
            self._commands[command.menu, command.title] = command

    def remove(self, *commands: Command) -> None:
        """Remove commands that were added."""
        for command in commands:
            del self._commands[command.menu, command.title]

    def __iter__(self) -> Iterator[Command]:
        return iter([each for each in self._commands.values() if self.has_scene or not each.needs_scene])

    def find(self, title: str, menu: str | None = None) -> Command:
        """Return a command by its title. Raises KeyError."""
        for command in self:
            if command.title == title and menu in (None, command.menu):
                return command
        raise KeyError(title)

    def matching(self, text: str) -> list[Command]:
        """The commands that can be done now and whose words hold all words of `text`, best first."""
        words = text.lower().split()
        found = []
        for order, command in enumerate(self):
            name = f"{command.menu} {command.title}".lower()
            if all(word in name for word in words) and command.is_enabled():
                starts = command.title.lower().startswith(text.lower().strip())
                found.append((not starts, order, command))
        return [command for _, _, command in sorted(found, key=lambda entry: entry[:2])]
