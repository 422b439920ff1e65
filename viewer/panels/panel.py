"""What a panel is, and where it is docked at first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Protocol


class Panel(Protocol):
    """A window of the workspace; `title` is its name and identity."""

    title: str

    def draw(self) -> None:
        """Draw into the current ImGui window; not called while the panel is hidden."""


class Dock(StrEnum):
    """Where a panel is docked at first."""

    LEFT = "left"
    RIGHT = "right"
    BOTTOM = "bottom"


class LaterPanel:
    """A panel that is made, with all that it imports, when it is first drawn: a window opens sooner."""

    def __init__(self, title: str, make: Callable[[], Panel]) -> None:
        self.title = title
        self._make = make

    @cached_property
    def panel(self) -> Panel:
        """The panel itself."""
        return self._make()


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel, where it is docked at first, and whether it is shown then.

    `label` gives the text of its tab, which may change, e.g. "problems (3)".
    """

    given: Panel | LaterPanel
    dock: Dock
    shown: bool = True
    label: Callable[[], str] | None = None

    @property
    def title(self) -> str:
        """The title of the panel."""
        return self.given.title

    @property
    def panel(self) -> Panel:
        """The panel, which is made now if it was not before."""
        return self.given.panel if isinstance(self.given, LaterPanel) else self.given

    @property
    def window(self) -> str:
        """The name of its ImGui window: what is shown, and what identifies it."""
        title = self.title
        return f"{self.label() if self.label is not None else title}###{title}"
