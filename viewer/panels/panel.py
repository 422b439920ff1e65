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
    """A panel that is made, with all that it imports, when it is first drawn: a window opens sooner.

    It is not drawn before `is_ready`.
    """

    def __init__(
        self, title: str, make: Callable[[], Panel], is_ready: Callable[[], bool] = lambda: True
    ) -> None:
        self.title = title
        self.is_ready = is_ready
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
    def is_ready(self) -> bool:
        """Whether it can be drawn."""
        return not isinstance(self.given, LaterPanel) or self.given.is_ready()

    @property
    def window(self) -> str:
        """The name of its ImGui window: what is shown, and what identifies it."""
        title = self.title
        return f"{self.label() if self.label is not None else title}###{title}"
