"""The files that the text of a scene names, relative to its folder; the same from another folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.assets.files import BUILTIN_PREFIX
from engine.assets.records import AssetType
from engine.humon import Document, Kind, Node

_MADE_OF_FILES = {
    AssetType.MESH.value: ("source",),
    AssetType.SHADER.value: ("source",),
    AssetType.TEXTURE2D.value: ("source",),
    AssetType.ENVIRONMENT.value: ("source", "sources"),
    AssetType.ANIMATION.value: ("source", "data"),
}
"""The fields of records that name files, by @type; those of others name assets."""


def rebased(document: Document, before: Path, now: Path) -> str:
    """Return the text of a document in the folder `before` with what it names as it is seen from `now`.

    What is no path within a project stays as it is: an error is that of the text, and reported as ever.
    """
    if before == now:
        return document.text
    edits = document.edits()
    for node in named_files(document):
        if is_path(node.text):
            edits.replace(node, seen_from(now, before / node.text))
    return edits.apply()


def is_path(text: str) -> bool:
    """Whether a text names a file by a path from the folder of the file that has it."""
    return not text.startswith(BUILTIN_PREFIX) and not os.path.isabs(text)


def seen_from(folder: Path, file: Path) -> str:
    """Return a file as texts in a folder name it: relative, with `/` between parts."""
    return os.path.relpath(file, folder).replace(os.sep, "/")


def named_files(document: Document) -> Iterator[Node]:
    """Yield the values of a scene's text that name a file: includes, sources of assets, the cache."""
    root = document.root
    include, db = root.get("include"), root.get("assetDb")
    if include is not None:
        yield from _values(include)
    if db is None or db.kind is not Kind.DICT:
        return
    if "cacheFile" in db:
        yield from _values(db["cacheFile"])
    assets = db.get("assets")
    for row in assets if assets is not None and assets.kind is Kind.LIST else ():
        if row.kind is Kind.DICT:
            for name in _MADE_OF_FILES.get(row.type or "", ()):
                yield from _values(row[name]) if name in row else ()


def _values(node: Node) -> Iterator[Node]:
    """Yield a value, or the values of a list."""
    if node.kind is Kind.VALUE:
        yield node
    elif node.kind is Kind.LIST:
        yield from (each for each in node if each.kind is Kind.VALUE)
