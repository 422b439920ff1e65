"""Assets that are cooked again by request are known by their names, as versions of databases come and go."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.limits import limit
from support.projects import TRIANGLE_DB, Project

from engine.assets import open_library
from engine.assets.recipes import Recipe
from engine.assets.updating import patch
from engine.assets.updating.changed_text import cook_changed_text
from engine.assets.updating.library_update import make_update
from engine.assets.updating.side_file import SideFile
from engine.live import LiveSources
from engine.scene import load_scene

SCENE = "version: 1\ninclude: [db.hu]\ntableau: { name: empty  objects: { } }\n"
EARLIER = "{ @type: texture2d  name: earlier  source: ../assets/bumps.png }"
"""An asset before all others, so that these have other indices."""


def test_an_asset_of_a_version_that_is_gone_is_cooked_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    text = "version: 1\n" + TRIANGLE_DB
    shorter = text.replace("picture.png }", "picture.png  mipLevels: 1 }")
    moved = shorter.replace("assets: [", f"assets: [ {EARLIER}").replace("mipLevels: 1", "mipLevels: 2")
    project.write("scenes/db.hu", text)
    scene = load_scene(project.write("scenes/scene.hu", SCENE))
    read: list[str] = []
    whole = patch.import_recipes

    def noted(recipes: list[Recipe], *others: object) -> object:
        read.extend(recipe.asset.label for recipe in recipes)
        return whole(recipes, *others)  # type: ignore[arg-type]

    with open_library(scene.dbs) as library:
        side = SideFile(project.root)
        for changed in (shorter, moved):
            asset = library.find("db", "picture", ("texture2d",))
            db = project.db(changed, library.next_id)
            cooked = cook_changed_text(library, library.current[1], db, (), side, 1)
            library.apply(make_update(library, [cooked]))
        monkeypatch.setattr(patch, "import_recipes", noted)
        with LiveSources(library, load_scene(project.root / "scenes/scene.hu")) as sources:
            with sources._lock:
                sources.cook_again([asset])
                assert asset.db in library.unused()
                library.drop(library.unused())
            end = time.monotonic() + limit(20.0)
            while (made := sources.take()) is None:
                assert time.monotonic() < end, "nothing came of it"
                time.sleep(0.01)
        side.close()
    assert made.is_requested
    assert read == ["texture2d 'picture'"]
