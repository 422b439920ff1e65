"""What is kept between runs, in `viewer.hu` of the user's configuration folder.

A file that cannot be read, or that another version has written, gives the defaults; a copy of it is kept.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from engine.files.opening import read_regular
from engine.humon import (
    InputError,
    Node,
    Problem,
    Severity,
    boolean,
    choice,
    failure,
    number,
    parse,
    required,
    texts,
    write,
)
from engine.humon.saving import write_atomically
from viewer.session import bookmarks
from viewer.session.kept_layout import kept_layout

VERSION = 1
MAX_BYTES = 1 << 20
MAX_RECENT = 12
THEMES = ("dark", "light")
SCALES = (0.5, 3.0)
DRAWN_SCALES = (0.1, 100.0)


@dataclass(frozen=True, slots=True)
class Preferences:
    """The values that are kept.

    Attributes
    ----------
    layout : str
        Where the panels are, as ImGui writes it; empty for the default.
    layout_scale : float
        How large everything was drawn where the panels were so, 1 at 96 dots per inch.
    theme : str
        One of THEMES.
    safe_colors : bool
        Whether good and bad are shown in colours that differ without red and green.
    scale : float
        How much larger than the display asks for everything is drawn, within SCALES.
    shown : tuple of str, or None
        Titles of the panels that are shown; None for the default.
    recent : tuple of str
        Files that were opened, the last one first, absolute, at most MAX_RECENT.
    bookmarks : tuple of SceneBookmarks
        Places of the camera by scene, that in which one was set last first.
    """

    layout: str = ""
    layout_scale: float = 1.0
    theme: str = THEMES[0]
    safe_colors: bool = False
    scale: float = 1.0
    shown: tuple[str, ...] | None = None
    recent: tuple[str, ...] = ()
    bookmarks: bookmarks.AllBookmarks = ()

    def opened(self, path: Path) -> Preferences:
        """These preferences after a file was opened."""
        name = str(path.absolute())
        others = tuple(each for each in self.recent if each != name)
        return replace(self, recent=(name, *others)[:MAX_RECENT])


def read_preferences(path: Path | None) -> tuple[Preferences, Problem | None]:
    """Read a file of preferences; a bad one gives the defaults and a warning, and a copy of it is kept."""
    if path is None or not os.path.lexists(path):
        return Preferences(), None
    content: bytes | None = None
    try:
        content = read_regular(path, MAX_BYTES)
        return _parsed(content, str(path)), None
    except (InputError, OSError) as error:
        first = error.problems[0].message if isinstance(error, InputError) else str(error)
        kept = _keep_copy(path.with_suffix(".bad.hu"), content)
        message = f"the preferences in {path} are not used: {first}"
        return Preferences(), Problem(
            "viewer.preferences", message, help=f"the defaults are used; {kept}", severity=Severity.WARNING
        )


def _keep_copy(path: Path, content: bytes | None) -> str:
    """Write a copy of what is not used, and return what came of that; None is what could not be read."""
    if content is None:
        return "it cannot be copied"
    try:
        write_atomically(path, content)
    except (InputError, OSError) as failed:
        return f"no copy could be kept: {failed}"
    return f"a copy is kept as {path}"


def write_preferences(path: Path, preferences: Preferences) -> None:
    """Write a file of preferences, whole. Raises InputError or OSError where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    value: dict[str, object] = {
        "version": VERSION,
        "theme": preferences.theme,
        "safeColors": preferences.safe_colors,
        "scale": preferences.scale,
        "recent": list(preferences.recent),
        "bookmarks": bookmarks.written(preferences.bookmarks),
        "layoutScale": preferences.layout_scale,
        "layout": preferences.layout.splitlines(),
    }
    if preferences.shown is not None:
        value["shown"] = list(preferences.shown)
    write_atomically(path, write(value) + "\n")


def _parsed(content: bytes, name: str) -> Preferences:
    """Raises InputError for what is no file of preferences of this version."""
    root = parse(content, name).root
    number(required(root, "version"), VERSION, VERSION)
    shown, safe, marks = root.get("shown"), root.get("safeColors"), root.get("bookmarks")
    drawn = root.get("layoutScale")
    return Preferences(
        layout=_layout(required(root, "layout")),
        layout_scale=number(drawn, *DRAWN_SCALES) if drawn is not None else 1.0,
        theme=choice(required(root, "theme"), THEMES),
        safe_colors=boolean(safe) if safe is not None else False,
        scale=number(required(root, "scale"), *SCALES),
        shown=tuple(texts(shown)) if shown is not None else None,
        recent=tuple(texts(required(root, "recent")))[:MAX_RECENT],
        bookmarks=bookmarks.read(marks) if marks is not None else (),
    )


def _layout(node: Node) -> str:
    try:
        return kept_layout("\n".join(texts(node)))
    except ValueError as wrong:
        raise failure("viewer.preferences", str(wrong), node, "it is laid out as by default") from None
