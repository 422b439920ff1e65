"""The diff of a database is known before anything is cooked: each asset, what changed, and who uses it."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from support.projects import TRIANGLE_DB, Project

from engine.assets import AssetDb, AssetRef, open_library
from engine.assets.cache.cache import Entry
from engine.assets.updating.asset_states import (
    AssetState,
    Cause,
    FieldChange,
    State,
    reachable,
    states_of,
)
from engine.assets.updating.databases_below import find_databases
from engine.assets.updating.patch import cook_aside
from engine.assets.updating.previous import previous_db
from engine.assets.updating.side_file import SideFile


def by_name(db: AssetDb, made: Mapping[str, Entry] | None = None) -> dict[str, AssetState]:
    """The states by type and name, `made` as in `states_of`."""
    return {f"{state.asset.type} {state.asset.name}": state for state in states_of(db, None, made).assets}


def made_aside(db: AssetDb) -> dict[str, Entry]:
    """The results of what is stale."""
    before, recipes = previous_db(db)
    before.image.close()
    side = SideFile(None)
    image = cook_aside(recipes, db.root, side, 1)
    image.close()
    side.close()
    return {entry.identity: entry for entry in image.entries}


def states(db: AssetDb) -> Counter[State]:
    return Counter(state.state for state in states_of(db).assets)


def cooked(project: Project, text: str = TRIANGLE_DB) -> AssetDb:
    db = project.db(text)
    open_library([db]).close()
    return db


def test_what_is_not_cooked_is_stale_and_then_cooked_with_its_bytes(project: Project) -> None:
    db = project.db(TRIANGLE_DB)
    assert states(db) == {State.STALE: 6, State.UNRECORDED: 3}
    assert not any(state.dependants for state in by_name(db).values())
    assert states_of(db).unrecorded == "it has not been cooked yet, or by an earlier Diorama"
    open_library([db]).close()
    assert states(db) == {State.COOKED: 6, State.SAME: 3}
    assert not any(state.is_listed for state in by_name(db).values())
    assert by_name(db)["indices thing"].size == 6


def test_a_changed_source_is_named_and_only_what_is_made_of_it_is_stale(project: Project) -> None:
    db = cooked(project)
    mesh = project.root / "assets/thing.hu"
    mesh.write_text(mesh.read_text().replace("[1 0 0]", "[2 0 0]"))
    found = by_name(db)
    assert {name for name, state in found.items() if state.state is State.STALE} == {
        "vertices thing",
        "indices thing",
    }
    assert found["vertices thing"].reasons == ("'assets/thing.hu' has changed",)
    assert found["vertices thing"].causes == (Cause.SOURCE,)
    assert found["mesh thing"].parts == ("vertices 'thing'", "indices 'thing'")
    assert found["model thing"].parts == ("mesh 'thing'",)
    assert found["material plain"].state is State.SAME


def test_a_changed_texture_names_the_materials_and_models_that_use_it(project: Project) -> None:
    db = cooked(project)
    project.picture("assets/picture.png", np.zeros((8, 4, 4), np.uint8))
    found = by_name(db, made_aside(db))
    texture = found["texture2d picture"]
    assert (texture.state, texture.causes) == (State.STALE, (Cause.SOURCE,))
    assert texture.dependants == ("model 'thing'", "material 'plain'")
    for name in ("material plain", "model thing"):
        assert (found[name].state, found[name].causes) == (State.CHANGED, (Cause.PARTS,)), name


def test_a_texture_of_another_size_is_laid_out_again_and_one_with_the_same_texels_changes_nothing(
    project: Project,
) -> None:
    db = cooked(project)
    project.picture("assets/picture.png", np.zeros((4, 4, 4), np.uint8))
    bumps = project.root / "assets/bumps.png"
    bumps.write_bytes(bumps.read_bytes() + b"more")
    found = by_name(db, made_aside(db))
    assert found["texture2d picture"].causes == (Cause.SOURCE, Cause.LAYOUT)
    assert found["texture2d picture"].size == 4 * (16 + 4 + 1)
    assert found["texture2d bumps"].reasons == (
        "'assets/bumps.png' has changed",
        "it becomes the same bytes",
    )
    assert found["texture2d bumps"].dependants == ()
    assert found["material plain"].parts == ("texture2d 'picture'",)


def test_an_edited_material_is_changed_and_says_which_value_was_what(project: Project) -> None:
    cooked(project, TRIANGLE_DB.replace("name: plain ", "name: plain  parameters: { roughness: 0.5 } "))
    db = project.db(TRIANGLE_DB.replace("name: plain ", "name: plain  parameters: { roughness: 0.75 } "))
    found = by_name(db)
    material = found["material plain"]
    assert (material.state, material.causes) == (State.CHANGED, (Cause.RECORD,))
    assert material.fields == (FieldChange("parameters.roughness", "[0.5]", "[0.75]"),)
    assert material.dependants == ("model 'thing'",)
    assert {name for name, state in found.items() if state.is_listed} == {"material plain", "model thing"}


def test_an_edited_sampler_cooks_nothing_and_is_listed(project: Project) -> None:
    cooked(project)
    found = by_name(project.db(TRIANGLE_DB.replace("name: picture ", "name: picture  filter: nearest ")))
    texture = found["texture2d picture"]
    assert (texture.state, texture.causes) == (State.CHANGED, (Cause.RECORD,))
    assert texture.fields == (FieldChange("sampling.filter", '"linear"', '"nearest"'),)
    assert texture.dependants == ("model 'thing'", "material 'plain'")


def test_an_edited_import_parameter_is_named_with_both_values(project: Project) -> None:
    cooked(project)
    db = project.db(TRIANGLE_DB.replace("indexFormat: uint16", "indexFormat: uint32"))
    found = by_name(db, made_aside(db))["indices thing"]
    assert (found.state, found.causes) == (State.STALE, (Cause.PARAMETERS, Cause.LAYOUT))
    assert found.fields == (FieldChange("format", '"uint16"', '"uint32"'),)
    assert found.size == 12


def test_references_are_compared_by_name_so_that_a_moved_record_is_the_same(project: Project) -> None:
    cooked(project)
    lines = TRIANGLE_DB.splitlines(keepends=True)
    assert "name: bumps" in lines[-3]
    moved = "".join([*lines[:3], lines[-3], *lines[3:-3], *lines[-2:]])
    assert not [state for state in states_of(project.db(moved)).assets if state.is_listed]


def test_new_and_removed_records_are_listed(project: Project) -> None:
    cooked(project)
    text = TRIANGLE_DB.replace("name: bumps", "name: dents").replace("normal: bumps", "normal: dents")
    text = text.replace(
        "{ @type: model", "{ @type: model  name: other  mesh: thing  material: plain }\n{ @type: model"
    )
    found = states_of(project.db(text))
    states = {f"{state.asset.type} {state.asset.name}": state for state in found.assets}
    assert found.removed == ("texture2d 'bumps'",)
    assert Cause.ADDED in states["model other"].causes
    assert states["texture2d dents"].causes == (Cause.ADDED,)
    assert states["texture2d dents"].dependants == ("model 'other'", "model 'thing'", "material 'plain'")


def test_missing_and_broken_sources_differ(project: Project) -> None:
    db = project.db(TRIANGLE_DB)
    (project.root / "assets/picture.png").write_bytes(b"no picture")
    open_library([db]).close()
    (project.root / "assets/bumps.png").unlink()
    found = by_name(db)
    broken, missing = found["texture2d picture"], found["texture2d bumps"]
    assert (broken.state, broken.causes) == (State.BROKEN, ())
    assert broken.problem is not None
    assert broken.problem.code == "texture.format"
    assert (missing.state, missing.causes) == (State.MISSING, (Cause.SOURCE,))
    assert missing.problem is not None
    assert missing.problem.code == "file.missing"
    assert missing.dependants == ("model 'thing'", "material 'plain'")


def test_what_was_broken_since_the_last_cook_is_broken_with_code_and_place(project: Project) -> None:
    db = cooked(project)
    (project.root / "assets/picture.png").write_bytes(b"no picture")
    (project.root / "assets/plain.fs.glsl").write_text("#version 450\nvoid main() { wrong }\n")
    assert by_name(db)["texture2d picture"].state is State.STALE, "nothing was read of it"
    found = by_name(db, made_aside(db))
    texture, shader = found["texture2d picture"], found["shader fs"]
    assert (texture.state, texture.causes) == (State.BROKEN, (Cause.SOURCE,))
    assert texture.problem is not None
    assert texture.problem.code == "texture.format"
    assert texture.problem.position is not None
    assert texture.problem.position.file.endswith("assets/picture.png")
    assert shader.problem is not None
    assert shader.problem.position is not None
    assert shader.problem.code == "shader.compile"
    assert shader.problem.position.line == 2


def test_a_record_with_a_wrong_text_is_broken_with_its_line(project: Project) -> None:
    (project.root / "scenes/db.hu").write_text(
        TRIANGLE_DB.replace("filter", "").replace("stage: fragment", "stage: frog")
    )
    (db,) = (one for one in find_databases(project.root) if isinstance(one, AssetDb))
    found = by_name(db)["shader fs"]
    assert found.state is State.BROKEN
    assert found.problem is not None
    assert found.problem.position is not None
    assert found.problem.position.line == 12


def test_a_damaged_cache_is_named_as_the_cause(project: Project) -> None:
    db = cooked(project)
    cache = project.root / "scenes/db.ogCache"
    content = bytearray(cache.read_bytes())
    content[4096] ^= 1
    cache.write_bytes(content)
    (damaged,) = (state for state in states_of(db).assets if state.state is State.STALE)
    assert (damaged.causes, damaged.reasons) == ((Cause.CACHE,), ("its bytes in the cache are damaged",))


def test_a_cache_that_cannot_be_used_is_no_cook_that_has_not_been(project: Project) -> None:
    db = cooked(project)
    cache = project.root / "scenes/db.ogCache"
    whole = cache.read_bytes()
    for content, why in (
        (whole[:-1], "length"),
        (whole[:8] + b"\2" + whole[9:], "another format or version"),
    ):
        cache.write_bytes(content)
        reasons = {reason for state in states_of(db).assets for reason in state.reasons}
        assert len(reasons) == 1
        assert reasons.pop().startswith("the cache cannot be used: ")
        assert why in "".join(states_of(db).assets[2].reasons)
    cache.unlink()
    assert states_of(db).assets[2].reasons == ("it has not been cooked",)


def test_nothing_is_written_by_comparing(project: Project) -> None:
    db = cooked(project)
    project.picture("assets/picture.png", np.zeros((4, 4, 4), np.uint8))

    def files() -> dict[Path, tuple[bytes, int]]:
        return {
            path: (path.read_bytes(), os.stat(path).st_mtime_ns)
            for path in project.root.rglob("*.*")
            if path.is_file()
        }

    before = files()
    states_of(db, None, made_aside(db))
    assert files() == before


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-3], "is damaged"),
        (lambda content: b"", "is damaged"),
        (lambda content: b"[" * 100_000, "is damaged"),
        (
            lambda content: content.replace(b'version": 1', b'version": 2', 1),
            "is of another version of Diorama",
        ),
        (lambda content: content.replace(b"plain", b"plaid"), "is damaged"),
        (lambda content: b" " * (64 << 20), "cannot be read"),
    ],
    ids=["truncated", "empty", "nested", "other version", "edited", "huge"],
)
def test_a_record_file_that_cannot_be_used_is_named_and_written_again_by_the_next_cook(
    project: Project, damage: object, reason: str
) -> None:
    db = cooked(project)
    path = project.root / "scenes/db.ogCache.records"
    whole = path.read_bytes()
    path.write_bytes(damage(whole))  # type: ignore[operator]
    found = states_of(db)
    assert reason in found.unrecorded
    assert Counter(state.state for state in found.assets) == {State.COOKED: 6, State.UNRECORDED: 3}
    open_library([db]).close()
    assert path.read_bytes() == whole
    assert states_of(db).unrecorded == ""


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_stands_in_place_of_a_record_file_is_neither_followed_nor_replaced(
    project: Project, kind: str
) -> None:
    path = project.root / "scenes/db.ogCache.records"
    outside = project.root / "outside"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(outside)
    db = cooked(project)
    assert states(db) == {State.COOKED: 6, State.UNRECORDED: 3}
    assert "cannot be read" in states_of(db).unrecorded or "not been cooked" in states_of(db).unrecorded
    assert not outside.exists()
    assert path.is_dir() if kind == "folder" else path.is_symlink()


def test_a_cook_that_cannot_write_a_cache_writes_no_record(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    cooked(project)
    assert not list(project.root.rglob("*.records"))


def test_a_record_file_that_may_not_be_written_costs_nothing_but_the_comparison(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("engine.assets.cache.record_file.write_whole", refused)
    db = project.db(TRIANGLE_DB)
    with open_library([db]) as library:
        assert library.problems == []
    assert states(db) == {State.COOKED: 6, State.UNRECORDED: 3}
    project.picture("assets/picture.png", np.zeros((4, 4, 4), np.uint8))
    assert by_name(db)["texture2d picture"].dependants == ("model 'thing'", "material 'plain'")


def test_two_cooks_of_different_texts_leave_the_whole_record_of_one(project: Project) -> None:
    first = project.db(TRIANGLE_DB)
    text = TRIANGLE_DB.replace("name: plain ", "name: plain  doubleSided: true ")
    second = project.db(text)
    open_library([first]).close()
    open_library([second]).close()
    assert states(second) == {State.COOKED: 6, State.SAME: 3}
    (changed,) = by_name(first)["material plain"].fields
    assert changed == FieldChange("double_sided", "true", "false")
    assert not list(project.root.rglob("*.saving"))


def test_a_project_that_is_copied_is_compared_with_its_last_cook_in_the_first_place(
    project: Project, tmp_path: Path
) -> None:
    cooked(project)
    copy = tmp_path / "copy"
    shutil.copytree(project.root, copy)
    text = copy / "scenes/db.hu"
    text.write_text(TRIANGLE_DB.replace("name: plain ", "name: plain  doubleSided: true "))
    (db,) = (one for one in find_databases(copy) if isinstance(one, AssetDb))
    assert {name for name, state in by_name(db).items() if state.is_listed} == {
        "model thing",
        "material plain",
    }


def test_what_an_asset_is_made_of_is_reachable_from_it(project: Project) -> None:
    db = project.db(TRIANGLE_DB)
    found = reachable(db, [AssetRef(db.id, 0)])
    assert {asset.ref for asset in db.assets} == found
    assert reachable(db, [AssetRef(db.id, 7)]) == {AssetRef(db.id, 7)}


def test_databases_are_found_below_a_folder_but_not_in_hidden_ones(project: Project, tmp_path: Path) -> None:
    project.db(TRIANGLE_DB)
    hidden = project.root / ".git"
    hidden.mkdir()
    (hidden / "other.hu").write_text(TRIANGLE_DB)
    (project.root / "broken.hu").write_text("assetDb: {")
    found = list(find_databases(project.root))
    assert [one.name for one in found if isinstance(one, AssetDb)] == ["db"]
    assert [one.code for one in found if not isinstance(one, AssetDb)] == ["humon.unclosed"]
