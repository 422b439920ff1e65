from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.random_scenes import profile

from engine.assets import open_library
from engine.feature import Feature, Registry, discover
from engine.feature.row_assets import RowAssets
from engine.graph import DepthTarget, DrawPass, ImageDecl
from engine.plan import Format
from engine.plan.terms.row_index import RowIndex
from engine.plan.terms.table import distinct_keys
from engine.planning.ahead import new_assets
from engine.planning.draw.material_use import TEXTURE, numbered, numbered_few
from engine.planning.draw.recipes import BATCH_KEYS
from engine.planning.draw.tables import DrawTable, _padded
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene
from engine.tableau import NO_ASSET

KEYS = st.one_of(
    st.lists(st.builds(lambda db, index: db << 32 | index, st.integers(0, 3), st.integers(0, 20))),
    st.lists(st.integers(0, 1 << 50)),
)


@given(KEYS)
def test_distinct_keys_are_those_of_a_sort_for_any_databases(keys):
    keys = np.array(keys, np.int64)
    for found, wanted in zip(distinct_keys(keys), np.unique(keys, return_inverse=True), strict=True):
        assert found.tolist() == wanted.tolist()


def test_a_row_without_an_asset_draws_nothing_and_does_not_affect_others(root, monkeypatch):
    monkeypatch.chdir(root)
    scene = load_scene(Path("scenes/cube.hu"))
    tableau = scene.tableau
    blank = tableau.add_object("blank", features={"visibleModel": {}})
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(tableau, scene.registry, library, profile("nvidia-h200"), (64, 64))
        needs = planner.needs()
        assert {name: table.instances for name, table in needs.tables.items()} == {"shadow": 1, "forward": 2}
        for name in ("cube", "ground"):
            tableau[name].active = False
        needs = planner.needs()
        assert {name: table.instances for name, table in needs.tables.items()} == {"forward": 0}
        planner.plan(needs)
    assert blank.visibleModel.active
    assert tableau.warnings == []


def test_a_feature_whose_drawables_raise_is_switched_off_and_reported(cube, monkeypatch):
    scene, library = cube

    def drawables(asset, library):
        raise RuntimeError("no meshes")

    monkeypatch.setattr(scene.registry["visibleModel"], "drawables", drawables)
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    assert "forward" not in planner.needs().tables
    assert not len(scene.tableau.tables["visibleModel"].rows_active())
    (warning,) = scene.tableau.warnings
    assert "no meshes" in warning.message


class Wrong(Feature):
    """A feature without an asset, whose pass names a shader that is not there."""

    type_name = "wrong"
    names = ("nowhere",)

    def passes(self, rows):
        image = ImageDecl("wrongDepth", Format.D32_SFLOAT)
        return (DrawPass("wrong", draws="wrong", depth=DepthTarget(image), shaders=self.names),)


@pytest.mark.parametrize("shaders", [("nowhere",), ()])
@pytest.mark.parametrize("few", [0, 128])
def test_a_feature_whose_pass_cannot_be_drawn_is_switched_off_and_the_rest_goes_on(
    root, monkeypatch, shaders, few
):
    monkeypatch.chdir(root)
    monkeypatch.setattr(new_assets, "FEW_ASSETS", few)
    wrong, known = Wrong(), discover()
    wrong.names = shaders
    scene = load_scene(Path("scenes/cube.hu"), Registry([wrong, *(known[name] for name in known)]))
    scene.tableau.add_object("bad", features={"wrong": {}})
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
        while not planner.prepare(0.0):
            pass
        assert planner.needs().tables.keys() == {"shadow", "forward"}
    assert "wrong on 'bad' is switched off" in scene.tableau.warnings[0].message


@pytest.mark.parametrize(
    ("rows", "used", "limit", "made"),
    [
        ([-1, -1, -1], [0, 2], 16, [0, -1, 1]),
        ([0, 1, 2, -1], [0, 2, 3], 16, [0, -1, 2, 1]),
        ([5, 1, 0], [0, 1, 2], 16, [5, 1, 0]),
        ([15, 16, 20], [0, 1, 2], 16, [15, 0, 1]),
        ([0, 3], [], 16, [-1, -1]),
        ([], [], 16, []),
    ],
)
def test_materials_keep_their_rows_below_the_limit_and_others_get_the_lowest_free_ones(
    rows, used, limit, made
):
    found = numbered(np.array(rows, np.int32), np.array(used, np.int64), limit)
    assert found.tolist() == made


def test_what_is_long_enough_is_not_padded():
    values = np.array([4, 5], np.int64)
    assert _padded(values, 2) is _padded(values, 1) is values
    assert _padded(values, 4).tolist() == [4, 5, -1, -1]
    assert _padded(values, 3, 0).tolist() == [4, 5, 0]


def materials(table: DrawTable) -> list[tuple[int, int]]:
    return [(s, m) for s, known in enumerate(table.recipes.materials) for m in range(len(known))]


def material_of(batch: np.void) -> tuple[int, int] | None:
    return (int(batch["shading"]), int(batch["material"])) if batch["material"] >= 0 else None


def test_batches_and_materials_are_found_by_the_assets_that_they_draw_with(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    for table in planner.needs().tables.values():
        textures = {
            (s, m): {key for use in table.recipes.materials[s][m].textures for key in (use.key, use.fallback)}
            for s, m in materials(table)
        }
        meshes = [{int(batch["vertices"]), int(batch["indices"])} for batch in table.batches]
        keys = sorted({1 << 40, *(key for each in (*meshes, *textures.values()) for key in each)})
        for some in [[key] for key in keys] + [keys, [], keys[::3]]:
            wanted, given = set(some), np.array(some, np.int64)
            using = [pair for pair in sorted(textures) if textures[pair] & wanted]
            assert table.materials_using(given).tolist() == [list(pair) for pair in using]
            drawing = [n for n, batch in enumerate(table.batches) if material_of(batch) in using]
            assert table.batches_of_materials(np.array(using, np.int64).reshape(-1, 2)).tolist() == drawing
            with_mesh = [n for n, mesh in enumerate(meshes) if mesh & wanted]
            assert table.batches_using(given).tolist() == sorted({*drawing, *with_mesh})


def test_the_assets_of_a_batch_are_its_mesh_and_the_textures_of_its_material(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    tables = planner.needs().tables
    for table in tables.values():
        for some in [[n] for n in range(len(table.batches))] + [list(range(len(table.batches)))]:
            wanted = set()
            for batch in table.batches[some]:
                wanted |= {int(batch["vertices"]), int(batch["indices"])}
                if (pair := material_of(batch)) is not None:
                    wanted |= {use.key for use in table.recipes.materials[pair[0]][pair[1]].textures}
            assert set(table.assets_of(np.array(some)).tolist()) == wanted
        rows = table.material_rows_of(np.arange(len(table.batches)))
        expected = [
            -1 if pair is None else int(table.material_rows[pair[0]][pair[1]])
            for pair in map(material_of, table.batches)
        ]
        assert rows.tolist() == expected
    assert max(tables["forward"].material_rows_of(np.arange(len(tables["forward"].batches)))) >= 0


def test_blocks_of_batches_are_those_with_their_instances(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    table = planner.needs().tables["forward"]
    batches = table.blocks.blocks.rows["batch"]
    assert len(set(batches.tolist())) == 2
    for batch in batches.tolist():
        assert (
            table.blocks_of_batches(np.array([batch])).tolist() == np.flatnonzero(batches == batch).tolist()
        )
    assert table.blocks_of_batches(np.unique(batches)).tolist() == list(range(len(batches)))
    assert table.blocks_of_batches(np.zeros(0, np.int64)).tolist() == []


def test_rows_are_drawn_while_they_are_enabled_and_free_slots_never(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    table = planner.needs().tables["forward"]
    rows = np.array([-1, 0, 1, -1])
    assert table.drawn(rows).tolist() == [False, True, True, False]
    scene.tableau.handle(int(table.feature.object[1])).enabled = False
    assert table.drawn(rows).tolist() == [False, True, False, False]


def test_what_was_drawn_is_a_snapshot_that_later_changes_leave_alone(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    table = planner.needs().tables["forward"]
    before, kept = table.assets, table.assets.tolist()
    scene.tableau["cube"].active = False
    planner.needs()
    assert before.tolist() == kept
    assert table.assets.tolist() != kept
    table.restore(before)
    assert table.assets.tolist() == before.tolist() == kept
    assert table.instances == 2


def test_rows_that_are_newer_than_what_is_restored_draw_nothing(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    table = planner.needs().tables["forward"]
    before = table.assets
    model = {"asset": scene.tableau["cube"].visibleModel["asset"]}
    scene.tableau.add_object("newer", features={"visibleModel": model})
    planner.needs()
    later = table.assets
    assert table.instances == 3
    table.restore(before)
    assert (table.instances, table.assets[: len(before)].tolist()) == (2, before.tolist())
    table.restore(later)
    assert (table.instances, table.assets.tolist()) == (3, later.tolist())
    assert planner.needs().tables["forward"].instances == 3


def test_a_frame_that_draws_no_models_keeps_the_ring_of_the_values_for_its_picture(cube):
    scene, library = cube
    scene.tableau.add_object("blank", features={"visibleModel": {}})
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    needs = planner.needs()
    picture = next(needs.drawings["toneMap"].shadings()).frame
    ring = f"frame.{picture.digest}"
    assert {"frame", "frame.cascade.0", ring, "instances"} <= set(needs.rings)
    before = needs.frame.size
    for name in ("cube", "ground"):
        scene.tableau[name].active = False
    needs = planner.needs()
    assert needs.tables.keys() == {"forward"}
    assert needs.rings == [ring, "instances", "forward.draws", "forward.commands"]
    assert list(needs.frame.starts) == [("", picture)]
    assert 0 < needs.frame.size < before


def test_blocks_of_rows_that_were_enabled_or_disabled_are_noted_once(cube):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    table = planner.needs().tables["forward"]
    objects = table.feature.object.tolist()
    for name in ("cube", "ground"):
        (block,) = table.blocks.blocks_of(np.array([objects.index(scene.tableau[name].row)])).tolist()
        for enabled in (False, True):
            seen = table.changes.version
            table.refresh()
            assert table.changes.version == seen
            scene.tableau[name].visibleModel.enabled = enabled
            table.refresh()
            assert table.changes.since(seen).tolist() == [block]


def uneven() -> Any:
    """Batches of three shader sets with none, one and three materials, each with a texture of its own."""
    batches = np.zeros(4, BATCH_KEYS)
    batches["shading"], batches["material"] = [2, 1, 2, 0], [2, 0, 0, -1]
    batches["vertices"], batches["indices"] = [10, 11, 12, 13], [20, 21, 22, 23]
    pairs = [(1, 0), (2, 0), (2, 1), (2, 2)]
    textures = np.array([(s, m, 100 * s + m, 1, 0) for s, m in pairs], TEXTURE)
    recipes = SimpleNamespace(materials=[[], [None], [None] * 3], textures=textures)
    return SimpleNamespace(batches=batches, recipes=recipes, _by_material=RowIndex(np.int32))


@pytest.mark.parametrize(
    ("batches", "assets"),
    [
        ([0], [10, 20, 202]),
        ([1], [11, 21, 100]),
        ([2], [12, 22, 200]),
        ([3], [13, 23]),
        ([0, 2], [10, 12, 20, 22, 200, 202]),
    ],
)
def test_assets_are_those_of_the_batches_alone_however_many_materials_shader_sets_have(batches, assets):
    assert sorted(DrawTable.assets_of(uneven(), np.array(batches)).tolist()) == assets


@pytest.mark.parametrize(
    ("materials", "batches"),
    [([(2, 2)], [0]), ([(1, 0)], [1]), ([(2, 0)], [2]), ([(2, 1)], []), ([(1, 0), (2, 2)], [0, 1])],
)
@pytest.mark.parametrize("few", [0, 8])
def test_batches_are_those_of_the_materials_alone_however_many_shader_sets_have(
    materials, batches, few, monkeypatch
):
    monkeypatch.setattr("engine.planning.draw.tables.FEW_MATERIALS", few)
    found = DrawTable.batches_of_materials(uneven(), np.array(materials, np.int64))
    assert found.tolist() == batches


def test_rows_of_few_materials_are_numbered_as_those_of_all():
    random = np.random.default_rng(7)
    used = np.array([], np.int64)
    rows = np.full(40, -1, np.int32)
    for _ in range(200):
        switched = np.unique(random.integers(0, 40, 3))
        used, before = np.setxor1d(used, switched), rows
        rows = numbered(before, used, 64)
        assert numbered_few(before, used, switched, 64).tolist() == rows.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_a_table_that_was_restored_follows_all_that_has_changed_since(cube, seed):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    rng, model = np.random.default_rng(seed), {"asset": scene.tableau["cube"].visibleModel["asset"]}
    made = [scene.tableau.add_object(f"o{n}", features={"visibleModel": model}) for n in range(12)]
    table = planner.needs().tables["forward"]
    known = [table.assets]
    for _ in range(60):
        for one in rng.choice(12, int(rng.integers(0, 3)), replace=False):
            made[one].active = not made[one].active
        if rng.random() < 0.1:
            made.append(scene.tableau.add_object(f"p{len(made)}", features={"visibleModel": model}))
        if rng.random() < 0.6:
            table.restore(known[int(rng.integers(len(known)))])
        table.update()
        known = [*known, table.assets][-8:]
        active = table.feature.rows_active()
        drawn = np.flatnonzero(table.assets != NO_ASSET)
        assert drawn.tolist() == active.tolist()
        assert table.instances == len(active)


def test_a_table_that_was_restored_looks_at_what_has_changed_alone(cube, monkeypatch):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64))
    model = {"asset": scene.tableau["cube"].visibleModel["asset"]}
    made = [scene.tableau.add_object(f"o{n}", features={"visibleModel": model}) for n in range(40)]
    table = planner.needs().tables["forward"]
    before = table.assets
    made[0].active = False
    planner.needs()
    after = table.assets
    table.restore(before)
    table.restore(after)
    looked: list[int] = []
    of = RowAssets.of
    monkeypatch.setattr(RowAssets, "of", lambda self, rows: (looked.append(len(rows)), of(self, rows))[1])
    made[1].active = False
    planner.needs()
    assert max(looked) == 1
