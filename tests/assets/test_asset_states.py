"""The state of each asset is known before anything is cooked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from support.projects import TRIANGLE_DB, Project

from engine.assets import AssetDb, AssetRef, open_library
from engine.assets.updating.asset_states import AssetState, State, find_databases, reachable, states_of


def by_name(db: AssetDb) -> dict[str, AssetState]:
    return {f"{state.asset.type} {state.asset.name}": state for state in states_of(db)}


def states(db: AssetDb) -> Counter[State]:
    return Counter(state.state for state in states_of(db))


def test_what_is_not_cooked_is_stale_and_then_cooked_with_its_bytes(project: Project) -> None:
    db = project.db(TRIANGLE_DB)
    assert states(db) == {State.STALE: 6}
    open_library([db]).close()
    assert states(db) == {State.COOKED: 6}
    assert by_name(db)["indices thing"].size == 6


def test_a_changed_source_is_named_and_only_what_is_made_of_it_is_stale(project: Project) -> None:
    db = project.db(TRIANGLE_DB)
    open_library([db]).close()
    mesh = project.root / "assets/thing.hu"
    mesh.write_text(mesh.read_text().replace("[1 0 0]", "[2 0 0]"))
    found = by_name(db)
    assert {name for name, state in found.items() if state.state is State.STALE} == {
        "vertices thing",
        "indices thing",
    }
    assert found["vertices thing"].reason == "'assets/thing.hu' has changed"


def test_missing_and_broken_sources_differ(project: Project) -> None:
    db = project.db(TRIANGLE_DB)
    (project.root / "assets/picture.png").write_bytes(b"no picture")
    open_library([db]).close()
    (project.root / "assets/bumps.png").unlink()
    found = by_name(db)
    assert found["texture2d picture"].state is State.BROKEN
    assert "neither PNG" in found["texture2d picture"].reason
    assert found["texture2d bumps"].state is State.MISSING


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
