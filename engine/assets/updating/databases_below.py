"""The databases of all texts below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from engine.assets.database import builtin_db, read_asset_db
from engine.assets.records import AssetDb
from engine.assets.roots import display_path
from engine.humon import InputError, Problem, read

MAX_FOLDERS = 100_000
"""Most folders that are searched for databases."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "build"})


def find_databases(root: Path) -> Iterator[AssetDb | Problem]:
    """Yield the databases of all `.hu` files below a folder, in order of their paths; ids count from 1.

    Hidden folders, links and folders of builds are left out. Files that cannot be read are problems, and so
    is what is wrong in databases, which are there without it.
    """
    number = 0
    for path in _texts(root):
        if path == builtin_db().path:
            continue
        try:
            document = read(path, display_path(path), root, keep_first=True)
            db = read_asset_db(document, path, number + 1, root, tolerated=None)
        except InputError as error:
            yield from error.problems
            continue
        if db is not None:
            number += 1
            yield from document.repeated
            yield from db.left_out
            yield db


def _texts(root: Path) -> Iterator[Path]:
    for folder, folders, files in islice(os.walk(root), MAX_FOLDERS):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _SKIPPED)
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".hu"))
