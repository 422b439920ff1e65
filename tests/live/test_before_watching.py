"""What is saved between being read and being watched is found, and nothing else is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.projects import TRIANGLE_DB, Project

from engine.assets import open_library
from engine.assets.updating.asset_index import AssetIndex
from engine.files.signatures import signatures
from engine.live.before_watching import saved_before
from engine.scene import load_scene

SCENE = "version: 1\ninclude: [db.hu]\ntableau: { name: empty  objects: { } }\n"


def save_text(root: Path) -> None:
    (root / "scenes/scene.hu").write_text(SCENE.replace("empty", "other"))


def save_picture(root: Path) -> None:
    picture = root / "assets/picture.png"
    picture.write_bytes((root / "assets/bumps.png").read_bytes())


def touch_picture(root: Path) -> None:
    os.utime(root / "assets/picture.png", (1e9, 1e9))


def take_picture(root: Path) -> None:
    (root / "assets/picture.png").unlink()


def give_picture(root: Path) -> None:
    (root / "assets/late.png").write_bytes((root / "assets/bumps.png").read_bytes())


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        (lambda root: None, []),
        (save_text, ["scenes/scene.hu"]),
        (save_picture, ["assets/picture.png"]),
        (touch_picture, []),
        (take_picture, ["assets/picture.png"]),
        (give_picture, ["assets/late.png"]),
    ],
)
def test_what_was_saved_before_is_found(
    tmp_path: Path, saved: Callable[[Path], None], expected: list[str]
) -> None:
    project = Project(tmp_path)
    late = "{ @type: texture2d  name: late  source: ../assets/late.png }\n    ]"
    project.write("scenes/db.hu", "version: 1\n" + TRIANGLE_DB.replace("\n    ]", f"\n{late}", 1))
    scene = load_scene(project.write("scenes/scene.hu", SCENE))
    with open_library(scene.dbs) as library:
        saved(project.root)
        dbs = library.current[1:]
        indices = {one.db.name: AssetIndex(one) for one in dbs}
        texts = scene.parts[0].files
        paths = [*(file.path for file in texts), *(path for of in indices.values() for path in of.files)]
        found = saved_before(dbs, indices, texts, signatures(paths))
    assert sorted(path.relative_to(project.root).as_posix() for path in found) == expected
