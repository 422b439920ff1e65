"""A changed text of a database that is used: what is as before stays, and only what is new is cooked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from support.projects import TRIANGLE_DB, Project

from engine.assets import AssetLibrary, open_library
from engine.assets.cook import cook_database
from engine.assets.recipes import Recipe
from engine.assets.updating import changed_text
from engine.assets.updating.asset_index import AssetIndex
from engine.assets.updating.changed_text import cook_changed_text, names_offsets
from engine.assets.updating.library_update import LibraryUpdate, make_update
from engine.assets.updating.patch import make_patches
from engine.assets.updating.side_file import SideFile

BUMPS = "{ @type: texture2d  name: bumps  source: ../assets/bumps.png }"
Change = Callable[..., LibraryUpdate]


@pytest.fixture
def library(project: Project) -> Iterator[AssetLibrary]:
    with open_library([project.db(TRIANGLE_DB)]) as opened:
        yield opened


@pytest.fixture
def cooked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The labels of what is cooked from now on."""
    labels: list[str] = []
    whole = changed_text.import_recipes

    def noted(recipes: list[Recipe], *others: Any, **named: Any) -> object:
        labels.extend(recipe.asset.label for recipe in recipes)
        return whole(recipes, *others, **named)

    monkeypatch.setattr(changed_text, "import_recipes", noted)
    return labels


@pytest.fixture
def change(project: Project, library: AssetLibrary) -> Iterator[Change]:
    side = SideFile(project.root)

    def changed(*replaced: tuple[str, str], stale: tuple[str, ...] = ()) -> LibraryUpdate:
        text = TRIANGLE_DB
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        db = project.db(text, library.next_id)
        before = library.current[1]
        names = {entry.identity for i, entry in before.entries.items() if before.db.assets[i].name in stale}
        update = make_update(library, [cook_changed_text(library, before, db, names, side, 1)])
        library.apply(update)
        assert bytes_of(library) == fresh_bytes(project, text)
        return update

    yield changed
    library.close()
    side.close()


def bytes_of(library: AssetLibrary) -> dict[str, bytes]:
    """The bytes of each asset with data, as they would be transferred."""
    db = library.current[1].db
    found = {}
    for asset in db.assets:
        if asset.type.has_data and not library.is_broken(asset.ref):
            place = library.source(library.kept(asset.ref))
            found[asset.label] = bytes(library.data(place.db)[place.offset : place.offset + place.size])
    return found


def fresh_bytes(project: Project, text: str) -> dict[str, bytes]:
    """The same of a database that is cooked from nothing."""
    cooked = cook_database(project.db(text), path=project.root / "fresh.ogCache")
    found = {cooked.db.assets[index].label: cooked.image.read(one) for index, one in cooked.entries.items()}
    cooked.image.close()
    return found


def changes(update: LibraryUpdate) -> list[tuple[str, str]]:
    return [(change.asset, change.change.value) for change in update.changes]


def test_a_changed_parameter_has_one_asset_cooked(change: Change, cooked: list[str]) -> None:
    update = change((BUMPS, BUMPS.replace("}", "mipLevels: 1 }")))
    assert cooked == ["texture2d 'bumps'"]
    assert changes(update)[-1] == ("texture2d 'bumps'", "changed")
    assert len(update.ranges) == 1


def test_a_changed_record_without_data_has_nothing_cooked(change: Change, cooked: list[str]) -> None:
    update = change(("name: plain  shaders", "name: plain  doubleSided: true  shaders"))
    assert not cooked
    assert changes(update) == [("model 'thing'", "changed"), ("material 'plain'", "changed")]
    assert not len(update.ranges)


def test_a_comment_changes_nothing(change: Change, cooked: list[str]) -> None:
    update = change(("name: db", "name: db  // the triangle"))
    assert not cooked
    assert not update.changes
    assert not update.moves


def test_an_asset_with_another_name_is_copied(change: Change, cooked: list[str]) -> None:
    update = change(("name: bumps", "name: dents"), ("normal: bumps", "normal: dents"))
    assert not cooked
    assert ("texture2d 'dents'", "added") in changes(update)
    assert ("texture2d 'bumps'", "removed") in changes(update)
    assert len(update.ranges) == 1


def test_an_asset_that_is_made_as_another_is_copied(change: Change, cooked: list[str]) -> None:
    more = "{ @type: indices  name: again  source: thing  indexFormat: uint16 }"
    update = change((BUMPS, f"{BUMPS} {more}"))
    assert not cooked
    assert changes(update) == [("indices 'again'", "added")]


def test_a_source_that_changed_with_the_text_is_cooked(
    project: Project, change: Change, cooked: list[str]
) -> None:
    project.write("assets/bumps.png", (project.root / "assets/picture.png").read_bytes())
    update = change(("name: db", "name: db  // the triangle"), stale=("bumps",))
    assert cooked == ["texture2d 'bumps'"]
    assert ("texture2d 'bumps'", "changed") in changes(update)


def test_an_asset_that_comes_to_be_broken_stays_as_it_was(
    project: Project, library: AssetLibrary, change: Change
) -> None:
    good = library.read(library.find("db", "bumps", ("texture2d",)))
    project.write("assets/dents.png", b"no picture")
    side = SideFile(project.root)
    db = project.db(TRIANGLE_DB.replace("bumps.png", "dents.png"), library.next_id)
    update = make_update(library, [cook_changed_text(library, library.current[1], db, set(), side, 1)])
    library.apply(update)
    assert changes(update) == [("texture2d 'bumps'", "broken")]
    assert library.read(library.find("db", "bumps", ("texture2d",))) == good
    project.write("assets/dents.png", (project.root / "assets/picture.png").read_bytes())
    update = change(("bumps.png", "dents.png"), stale=("bumps",))
    assert ("texture2d 'bumps'", "changed") in changes(update)
    side.close()


def test_what_is_as_before_a_changed_text_is_found_through_it_after_saves(
    project: Project, library: AssetLibrary, change: Change
) -> None:
    """A save replaces all that a changed text has brought; what is as before has references of that text."""
    side = SideFile(project.root)
    shorter, others = BUMPS.replace("}", "mipLevels: 1 }"), ["model 'thing'", "material 'plain'"]

    def saved(grey: int) -> list[tuple[str, str]]:
        path = project.picture("assets/bumps.png", np.full((4, 4, 4), grey, np.uint8))
        index = AssetIndex(library.current[1])
        update, _ = make_patches(library, {"db": index}, {"db": index.concerned([path])}, side, 1)
        assert update is not None
        library.apply(update)
        library.drop(library.unused())
        return changes(update)

    def dbs_after(*replaced: tuple[str, str]) -> set[int]:
        change(*replaced)
        library.drop(library.unused())
        return set(library.dbs)

    assert dbs_after((BUMPS, shorter)) == {0, 1, 2}
    undone = library.find("db", "bumps", ("texture2d",))
    for grey in (1, 2, 3):
        assert saved(grey) == [(one, "changed") for one in (*others, "texture2d 'bumps'")]
        assert [one.label for one in library.current[1].db.assets if library.is_broken(one.ref)] == []
    assert set(library.dbs) == {0, 1, 2, 5}
    update = change((BUMPS, shorter), ("name: plain  shaders", "name: plain  doubleSided: true  shaders"))
    assert changes(update) == [(one, "changed") for one in others]
    library.drop(library.unused())
    assert set(library.dbs) == {0, 1, 5, 6}
    assert library.renewed(undone) == library.find("db", "bumps", ("texture2d",))
    assert library.renewed(library.find("builtin", 0)).db == 0
    side.close()


def test_texts_that_name_places_in_their_cache_are_recognised(project: Project) -> None:
    assert not names_offsets(project.db(TRIANGLE_DB))
    assert names_offsets(
        project.db(TRIANGLE_DB.replace(BUMPS, BUMPS.replace("}", "txData: { cacheOffset: 16 } }")))
    )
