"""The process that writes caches behind a scene that is drawn, see `engine.live.whole_caches`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.assets.cook import cook_database
from engine.assets.roots import display_path
from engine.live.reading import read_database

NICENESS = 10
"""How much lower its priority is than that of what draws."""


def main(arguments: Sequence[str]) -> None:
    """Cook databases, given as JSON: paths of text and root, name, path of the cache. Raises InputError."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    jobs, rows = int(arguments[0]), json.loads(arguments[1])
    for number, (text, root, name, cache) in enumerate(rows, 1):
        path = Path(text)
        db = read_database(path, Path(root), name, number, display_path(path), tolerated=None)
        cook_database(db, jobs=jobs, path=Path(cache)).image.close()


if __name__ == "__main__":
    main(sys.argv[1:])
