"""Claims about what assets draw with: worked out once, numbered, and with what stands in for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from support.random_scenes import profile

from engine.assets import AssetRef
from engine.humon import Problem
from engine.planning.draw import recipes as recipes_module
from engine.planning.draw.material_use import Ordering, default_parameters, neutral_texture, own_parameters
from engine.planning.draw.recipes import BUILTIN_DB, Recipes
from engine.planning.draw.tables import DrawTable
from engine.planning.scene import ScenePlanner


@pytest.fixture
def tables(cube) -> dict[str, DrawTable]:
    scene, library = cube
    return ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 64)).needs().tables


@pytest.fixture
def asked(cube, monkeypatch) -> Counter[int]:
    """How often the drawables of each asset are asked for."""
    scene, _ = cube
    feature, counts = scene.registry["visibleModel"], Counter()
    drawables = feature.drawables

    def counted(asset, library):
        counts[asset.key] += 1
        return drawables(asset, library)

    monkeypatch.setattr(feature, "drawables", counted)
    return counts


@pytest.fixture
def recipes(cube, tables) -> Recipes:
    """New recipes of the pass that draws materials."""
    scene, library = cube
    buffers = frozenset(scene.registry.buffers)
    feature = scene.registry["visibleModel"]
    return Recipes(tables["forward"].declaration, feature, library, pytest.fail, columns=buffers)


@pytest.fixture
def models(cube) -> list[int]:
    column = cube[0].tableau.tables["visibleModel"].column("asset")
    return sorted(set(column.tolist()))


def drawn_by(recipes: Recipes, *keys: int) -> tuple[np.ndarray, np.ndarray]:
    """The batches that draw these assets, and how many each has."""
    for key in keys:
        recipes.learn(key)
    return recipes.batches_of(np.array(keys))


def test_an_asset_is_asked_for_what_it_draws_once_even_ahead_of_time(recipes, models, asked):
    recipes.learn(models[0])
    recipes.learn(models[0])
    assert asked == {models[0]: 1}
    batches, counts = drawn_by(recipes, *models, models[0])
    assert asked == dict.fromkeys(models, 1)
    assert (batches.tolist(), counts.tolist()) == ([0, 1, 0], [1, 1, 1])
    recipes.learn(models[1])
    assert asked == dict.fromkeys(models, 1)


def test_batches_have_the_numbers_keys_and_layout_of_what_is_drawn(tables):
    for name, table in tables.items():
        recipes = table.recipes
        for batch in table.batches:
            vertices, indices = recipes.mesh_facts(
                *(AssetRef.from_key(int(batch[side])) for side in ("vertices", "indices"))
            )
            assert (batch["stride"], batch["index_count"]) == (vertices.stride, indices.count)
            assert batch["index_bytes"] == indices.type.dtype.itemsize
            assert batch["low"].tolist() == pytest.approx(list(vertices.minimum))
            assert batch["high"].tolist() == pytest.approx(list(vertices.maximum))
            pipeline = recipes.pipelines[batch["pipeline"]]
            assert (pipeline.shading, pipeline.stride) == (batch["shading"], vertices.stride)
            material = batch["material"]
            assert material == -1 if name == "shadow" else material >= 0


def test_the_placeholder_mesh_stands_in_for_others_and_not_for_itself(cube, recipes, models, monkeypatch):
    scene, _ = cube
    placeholder = recipes.placeholder
    feature, drawables = scene.registry["visibleModel"], scene.registry["visibleModel"].drawables

    def as_placeholder(asset, library):
        for each in drawables(asset, library):
            yield type(each)(placeholder.vertices, placeholder.indices, placeholder.topology, each.material)

    (first,), _ = drawn_by(recipes, models[0])
    fallback = recipes.batches["fallback"][first]
    assert (
        recipes.pipelines[fallback].stride
        == recipes.mesh_facts(placeholder.vertices, placeholder.indices)[0].stride
    )
    monkeypatch.setattr(feature, "drawables", as_placeholder)
    (second,), _ = drawn_by(recipes, models[1])
    assert recipes.batches["fallback"][second] == -1


def test_family_and_rank_follow_from_what_is_drawn_and_not_from_what_was_learnt_before(cube, tables, models):
    scene, library = cube
    found = []
    for order in (models, models[::-1]):
        feature, buffers = scene.registry["visibleModel"], frozenset(scene.registry.buffers)
        made = Recipes(tables["forward"].declaration, feature, library, pytest.fail, columns=buffers)
        drawn_by(made, *order)
        of = made.batches
        found.append({(int(b["vertices"]), int(b["rank"])): int(b["family"]) for b in of})
        assert len({int(rank) for rank in of["rank"]}) == len(of)
    assert found[0] == found[1]
    key, shading, used = made.pipelines[0], made.shadings[0], made.materials[0][0]
    drawable = made.placeholder
    family, rank = Ordering(library).of(drawable, key, shading, used, 2)
    assert Ordering(library).of(drawable, replace(key, shading=7), shading, used, 2) == (family, rank)
    larger = replace(used, textures=tuple(replace(one, kind=(512, 512, "r8", 1)) for one in used.textures))
    elsewhere = replace(used, textures=tuple(replace(one, key=one.key + 1) for one in used.textures))
    assert Ordering(library).of(drawable, key, shading, elsewhere, 2) == (family, rank)
    families = {
        Ordering(library).of(drawable, *other)[0]
        for other in (
            (key, shading, larger, 2),
            (key, shading, used, 4),
            (replace(key, double_sided=not key.double_sided), shading, used, 2),
            (key, shading, None, 2),
        )
    }
    assert len(families | {family}) == 5


def test_textures_of_a_shader_set_stand_by_material_and_slot(recipes, models):
    drawn_by(recipes, *models)
    assert sum(map(len, recipes.materials)) == 2
    for number, materials in enumerate(recipes.materials):
        everything = list(range(len(materials)))
        for some in (everything, everything[::-1], everything[:1], []):
            found = recipes.textures_of(number, np.array(some, np.int64))
            assert found.shape == (len(some), len(recipes.shadings[number].slots))
            for material, row in zip(some, found, strict=True):
                textures = materials[material].textures
                assert row["material"].tolist() == [material] * len(textures)
                assert row["shading"].tolist() == [number] * len(textures)
                assert row["key"].tolist() == [texture.key for texture in textures]
                assert row["fallback"].tolist() == [texture.fallback for texture in textures]


def test_rows_of_materials_hold_their_parameters_and_the_defaults_of_the_pass(cube, recipes, models):
    _, library = cube
    drawn_by(recipes, *models)
    known = {one.name: one for one in recipes.declaration.parameters}
    for number, materials in enumerate(recipes.materials):
        shading, block = recipes.shadings[number], recipes.shadings[number].material
        records = [library.record(use.ref) for use in materials]
        defaults = default_parameters(known)
        rows = [block.pack({**defaults, **own_parameters(one, known, shading)}).tolist() for one in records]
        everything = np.arange(len(materials))
        assert recipes.material_rows(number, everything).tolist() == rows
        assert recipes.material_rows(number, everything[::-1]).tolist() == rows[::-1]
        assert recipes.material_rows(number, everything[:0]).shape == (0, block.size)
    assert known


def test_parameters_are_the_material_s_own_within_limits_else_the_default(cube, recipes, models):
    _, library = cube
    known = {one.name: one for one in recipes.declaration.parameters}
    brick = library.record(library.find("assetDb0", "brick", ("material",)))
    odd = replace(brick, parameters={"roughness": (-1.0,), "emissive": (0.0, -1.0, 9.0), "own": (-7.0,)})
    found = {**default_parameters(known), **own_parameters(replace(odd, alpha_cutoff=0.25), known)}
    assert found["roughness"] == (0.0,)
    assert found["emissive"] == (0.0, 0.0, 9.0)
    assert found["own"] == (-7.0,)
    assert found["metallic"] == (1.0,)
    assert found["alphaCutoff"] == (0.25,)
    recipes.learn(models[0])
    slots = dict(recipes.shadings[0].slots)
    filled = int(own_parameters(brick, known, recipes.shadings[0])["filled"][0])
    assert {slot for slot, binding in slots.items() if filled >> binding & 1} == set(brick.textures)


def test_builtin_textures_are_those_that_the_materials_in_use_have_or_fall_back_to(recipes, models):
    drawn_by(recipes, *models)
    everything = [np.arange(len(materials)) for materials in recipes.materials]
    for used in (everything, [each[:1] for each in everything], [each[1:] for each in everything]):
        keys = {
            key
            for materials, numbers in zip(recipes.materials, used, strict=True)
            for number in numbers
            for texture in materials[number].textures
            for key in (texture.key, texture.fallback)
            if AssetRef.from_key(key).db == BUILTIN_DB
        }
        assert recipes.builtin_textures(used).tolist() == sorted(keys)
    assert recipes.builtin_textures([each[:0] for each in everything]).tolist() == []
    assert len(recipes.builtin_textures(everything)) >= 2


def test_an_empty_slot_has_the_texture_that_changes_nothing(cube):
    _, library = cube
    labels = {
        slot: library.record(neutral_texture(slot, library)).label
        for slot in ("normal", "tangent", "roughness", "color")
    }
    assert [label.split("'")[1] for label in labels.values()] == [
        "flatNormal",
        "flatNormal",
        "matte",
        "white",
    ]


def test_a_material_whose_shaders_do_not_fit_together_is_reported_and_replaced_by_the_placeholder(
    cube, tables, models, monkeypatch
):
    scene, library = cube
    reported, feature = [], scene.registry["visibleModel"]
    drawn = [next(iter(feature.drawables(AssetRef.from_key(model), library))) for model in models]

    def check_shaders(shaders, provided, assets, owner):
        return (Problem("shader.interface", "no"),) if owner == drawn[0].material else ()

    monkeypatch.setattr(recipes_module, "check_shaders", check_shaders)
    recipes = Recipes(
        tables["forward"].declaration,
        feature,
        library,
        lambda problem, *_: reported.append(problem),
        columns=frozenset(cube[0].registry.buffers),
    )
    batches, _ = drawn_by(recipes, *models)
    rows = recipes.batches[batches]
    assert [problem.message for problem in reported] == ["no"]
    used = [recipes.materials[row["shading"]][row["material"]].ref for row in rows]
    assert used == [library.placeholder("material"), drawn[1].material]
    assert rows["vertices"].tolist() == [each.vertices.key for each in drawn]


def test_of_a_mesh_that_no_shaders_can_read_nothing_is_drawn(cube, tables, models, monkeypatch):
    scene, library = cube
    reported, checked = [], []

    def check_inputs(shading, *layout):
        checked.append(shading.name)
        return (Problem("shader.interface", "unread"),)

    monkeypatch.setattr(recipes_module, "fits", lambda *_: False)
    monkeypatch.setattr(recipes_module, "check_inputs", check_inputs)
    feature = scene.registry["visibleModel"]
    recipes = Recipes(
        tables["forward"].declaration,
        feature,
        library,
        lambda problem, *_: reported.append(problem),
        columns=frozenset(cube[0].registry.buffers),
    )
    batches, counts = drawn_by(recipes, *models)
    assert (batches.tolist(), counts.tolist()) == ([], [0, 0])
    assert [problem.message for problem in reported] == ["unread"] * 2
    assert len(checked) <= 6  # for each model: itself, with the placeholder material, and as placeholder
