"""Assets as columns: found by words, with the bytes that they and their parts take, and their users."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.plans import cube_plan
from support.projects import TRIANGLE_DB, Project

from engine.assets import AssetLibrary, AssetRef, open_library
from engine.assets.records import AssetType
from engine.assets.updating.changed_text import cook_changed_text
from engine.assets.updating.library_update import make_update
from engine.assets.updating.side_file import SideFile
from engine.scene import Scene, load_scene
from viewer.panels.assets.asset_facts import fact_lines
from viewer.panels.assets.asset_rows import (
    KINDS,
    AssetRows,
    planned_bytes,
    references,
)
from viewer.panels.assets.asset_users import AssetUsers
from viewer.panels.assets.thumbnails import SIDE, has_thumbnail, shaded, thumbnail


@pytest.fixture(scope="module")
def scene(root: Path) -> Scene:
    return load_scene(root / "scenes" / "cube.hu")


@pytest.fixture(scope="module")
def library(scene: Scene) -> Iterator[AssetLibrary]:
    with open_library(scene.dbs) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows(library: AssetLibrary) -> AssetRows:
    return AssetRows.of(library)


def test_every_record_of_every_database_has_a_row(library: AssetLibrary, rows: AssetRows) -> None:
    assert len(rows) == sum(len(one.db.assets) for one in library.current)
    assert (np.diff(rows.keys) > 0).all()
    for row, key in enumerate(rows.keys.tolist()):
        assert rows.row_of(key) == row
    assert rows.row_of(1 << 50) is None


def test_after_a_changed_text_each_asset_has_one_row_of_the_version_that_is_drawn(tmp_path: Path) -> None:
    project = Project(tmp_path)
    side = SideFile(project.root)
    with open_library([project.db()]) as library:
        before = AssetRows.of(library)
        db = project.db(TRIANGLE_DB.replace("plain  shaders", "plain  doubleSided: true  shaders"), 2)
        cooked = cook_changed_text(library, library.current[1], db, (), side, 1)
        library.apply(make_update(library, [cooked]))
        after = AssetRows.of(library)
        drawn = sorted(library.kept(asset.ref).key for one in library.current for asset in one.db.assets)
    side.close()
    assert after.keys.tolist() == drawn
    assert sorted(after.searched) == sorted(before.searched)
    assert len(after.refers) == len(before.refers)


def test_all_words_are_found_in_kind_name_and_database(rows: AssetRows) -> None:
    material = KINDS.index(AssetType.MATERIAL)
    found = rows.found("BRICK material", None)
    assert [rows.names[row] for row in found.tolist()] == ["brick"]
    assert rows.found("brick", material).tolist() == found.tolist()
    assert len(rows.found("", None)) == len(rows)
    assert len(rows.found("no such thing", None)) == 0


def test_an_asset_takes_its_own_bytes_and_once_those_of_each_part(
    library: AssetLibrary, rows: AssetRows
) -> None:
    plan = cube_plan()
    sizes = dict(
        zip(plan.memory.subresources["key"].tolist(), plan.memory.subresources["size"].tolist(), strict=True)
    )

    def parts(key: int) -> set[int]:
        row = rows.row_of(key)
        assert row is not None
        own = {int(rows.keys[other]) for other in rows.referred[rows.refers == row].tolist()}
        return {key}.union(*(parts(other) for other in own))

    found = planned_bytes(rows, plan)
    expected = [sum(sizes.get(part, 0) for part in parts(key)) for key in rows.keys.tolist()]
    assert found.tolist() == expected


@pytest.fixture
def users(scene: Scene, library: AssetLibrary) -> AssetUsers:
    return AssetUsers(scene.tableau, library, scene.registry)


def test_users_are_counted_and_named(scene: Scene, rows: AssetRows, users: AssetUsers) -> None:
    counts = users.counts(rows)
    for row, key in enumerate(rows.keys.tolist()):
        named = users.of(key)
        assert len(named) == len(set(named)) == counts[row]
        for type_name, of in named:
            assert scene.tableau.tables[type_name].object[of] >= 0
    assert counts.sum() >= 3


def test_what_a_model_is_made_of_is_used_by_the_features_that_draw_it(
    library: AssetLibrary, rows: AssetRows, users: AssetUsers
) -> None:
    def types(kind: AssetType) -> set[str]:
        found = rows.found("brick", KINDS.index(kind)).tolist()
        assert found, kind
        return {name for row in found for name, _ in users.of(int(rows.keys[row]))}

    assert types(AssetType.TEXTURE2D) == {"visibleModel"}, "its shadow has no holes"
    assert types(AssetType.MATERIAL) == {"visibleModel"}
    mesh = library.find("assetDb0", "cube", ("mesh",))
    model, *parts = (ref.key for ref in (mesh, *references(library.record(mesh))))
    for key in (model, *parts):
        assert {name for name, _ in users.of(key)} == {"visibleModel", "shadowCaster"}, key


def test_users_follow_a_changed_row(root: Path) -> None:
    scene = load_scene(root / "scenes" / "cube.hu")
    with open_library(scene.dbs) as library:
        rows, users = AssetRows.of(library), AssetUsers(scene.tableau, library, scene.registry)
        texture = next(
            int(rows.keys[row]) for row in rows.found("brick", KINDS.index(AssetType.TEXTURE2D)).tolist()
        )
        (name, row), *_ = users.of(texture)
        before = users.counts(rows)
        scene.tableau.remove_feature(name, np.array([scene.tableau.tables[name].object[row]], np.int32))
        assert (name, row) not in users.of(texture)
        assert users.counts(rows)[rows.row_of(texture)] == before[rows.row_of(texture)] - 1


def test_every_asset_has_facts_and_pictures_are_of_their_size(library: AssetLibrary, rows: AssetRows) -> None:
    pictured = 0
    for one in library.current:
        for record in one.db.assets:
            lines = list(fact_lines(library, record.ref))
            assert lines or not references(record)
            assert all(isinstance(value, str) and value for _, value in lines)
            if has_thumbnail(library, record.ref):
                picture = thumbnail(library, record.ref)
                pictured += 1
                assert picture.dtype == np.uint8
                assert picture.shape[2] == 4
                assert max(picture.shape[:2]) <= SIDE
                assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 1 or record.type == "texture2d"
    assert pictured >= 4


def test_blocks_are_pictured_alike_on_devices_with_and_without_their_format(tmp_path: Path) -> None:
    project = Project(tmp_path)
    db = project.db(TRIANGLE_DB.replace("name: picture", "name: picture  format: bc7"))
    with open_library([db]) as library:
        ref = library.find(db.name, "picture", ("texture2d",))
        picture = thumbnail(library, ref)
        library.use_formats(["BC7_SRGB_BLOCK"])
        np.testing.assert_array_equal(thumbnail(library, ref), picture)


@pytest.mark.parametrize(
    "positions",
    [
        np.zeros((0, 3)),
        np.zeros((3, 3)),
        np.full((3, 3), np.nan),
        np.array([[1e30, 0, 0], [0, 1e30, 0], [0, 0, 0]]),
    ],
)
def test_meshes_without_extent_have_a_picture_too(positions: np.ndarray) -> None:
    corners = np.array([[0, 1, 2]]) if len(positions) else np.zeros((0, 3), int)
    assert shaded(positions, corners).shape == (SIDE, SIDE, 4)


def test_bytes_of_texels_are_named_apart_from_those_of_the_plan(
    library: AssetLibrary, rows: AssetRows
) -> None:
    row = int(rows.found("brick", KINDS.index(AssetType.TEXTURE2D))[0])
    labels = [label for label, _ in fact_lines(library, AssetRef.from_key(int(rows.keys[row])))]
    assert "texel data" in labels
    assert "bytes" not in labels
