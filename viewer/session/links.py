"""Links from one thing to another: a byte to its asset, an asset to its objects, an object to its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True)
class ObjectLink:
    """An object, by its row of the tableau."""

    row: int


@dataclass(frozen=True, slots=True)
class FeatureLink:
    """A feature, by its type and its row of the feature's table."""

    type_name: str
    row: int


@dataclass(frozen=True, slots=True)
class AssetLink:
    """An asset, by its key."""

    key: int


@dataclass(frozen=True, slots=True)
class MemoryLink:
    """A piece of memory: level (0 allocation, 1 resource, 2 subresource), and its id or key."""

    level: int
    identity: int


@dataclass(frozen=True, slots=True)
class SourceLink:
    """A place in a text file: line and column from 1; column 0 for the whole line."""

    file: Path
    line: int
    column: int = 0


@dataclass(frozen=True, slots=True)
class PanelLink:
    """A panel, by its title."""

    title: str


Link = ObjectLink | FeatureLink | AssetLink | MemoryLink | SourceLink | PanelLink
_Link = TypeVar("_Link", ObjectLink, FeatureLink, AssetLink, MemoryLink, SourceLink, PanelLink)


class Links:
    """Follows links: calls everyone who shows that kind of thing."""

    def __init__(self) -> None:
        self._handlers: dict[type, list[Callable[[Any], None]]] = {}

    def on(self, kind: type[_Link], handler: Callable[[_Link], None]) -> None:
        """Have `handler` called for each link of this kind that is followed."""
        self._handlers.setdefault(kind, []).append(handler)

    def follow(self, link: Link) -> bool:
        """Follow a link; return whether anyone shows that kind of thing."""
        handlers = self._handlers.get(type(link), ())
        for handler in handlers:
            handler(link)
        return bool(handlers)
