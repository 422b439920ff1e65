"""Tables, requests, draw lists and plans that were changed by difference equal those made from nothing.

Names and numbers count up in the kept ones, so both are compared by what they stand for.
"""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.changing_scene import ChangingScene
from support.many_models import many_models
from support.random_scenes import profile
from support.sampling import Sample, amount

from engine.assets import AssetLibrary, AssetRef, open_library
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.resident.resident import Resident
from engine.planning.draw.draw_list import BATCH, DrawList
from engine.planning.draw.drawing import drawing_plan
from engine.planning.draw.tables import DrawTable
from engine.planning.needs import FrameNeeds
from engine.planning.scene import ScenePlanner
from engine.scene import Scene, load_scene

MODELS = 7
PROFILE = profile("discrete-window")


@pytest.fixture(scope="module")
def many(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of as many objects as models; object 6 has the model of object 0."""
    return many_models(root, tmp_path_factory.mktemp("many") / "tree", MODELS - 1, MODELS)


def planner_of(scene: Scene, library: AssetLibrary) -> ScenePlanner:
    return ScenePlanner(scene.tableau, scene.registry, library, PROFILE, (64, 48))


def drawn_by(table: DrawTable) -> list[tuple[int, Any]]:
    """(object, what draws it) of every instance, sorted."""
    rows, batches = table.blocks.pairs()
    return sorted(zip(table.feature.object[rows].tolist(), (meaning(table, b) for b in batches), strict=True))


def meaning(table: DrawTable, batch: int) -> tuple[Any, ...]:
    """What a batch stands for, without numbers that depend on history."""
    of, recipes = table.batches[batch], table.recipes
    pipeline = recipes.pipelines[of["pipeline"]]
    shaders = tuple(ref.key for ref in recipes.shadings[pipeline.shading].shaders)
    has_fallback = bool(of["fallback"] >= 0)
    material = recipes.materials[of["shading"]][of["material"]].ref.key if of["material"] >= 0 else -1
    return (
        shaders,
        pipeline.stride,
        material,
        int(of["vertices"]),
        int(of["indices"]),
        has_fallback,
    )


def in_use(table: DrawTable) -> tuple[Any, ...]:
    recipes, used = table.recipes, table.in_use
    shadings = [tuple(r.key for r in recipes.shadings[n].shaders) for n in used.shadings]
    pipelines = [
        (tuple(r.key for r in recipes.shadings[key.shading].shaders), key.vertex_format, key.topology)
        for key in (recipes.pipelines[n] for n in used.pipelines)
    ]
    materials = [recipes.materials[s][m].ref.key for s, ms in enumerate(used.materials) for m in ms]
    return sorted(shadings), sorted(pipelines), sorted(materials)


def requested(needs: FrameNeeds) -> list[tuple[Any, ...]]:
    """Every request with its terms and the names of its requesters; material tables by their shaders."""
    table, names = needs.requirements, {}
    for name, drawn in needs.tables.items():
        for number, shading in enumerate(drawn.recipes.shadings):
            names[f"{name}.materials.{number}"] = f"{name}.materials of {shading.name}"
    rows = []
    for row in table.requests():
        key = int(row["key"])
        known = table.keys.name(key)
        who = sorted(str(table.requesters[i]) for i in table.requested.requesters_of(key))
        terms = repr(table.terms[int(row["terms"])])
        rows.append((names.get(known, known), int(row["size"]), int(row["priority"]), terms, who))
    return sorted(rows)


def bound(table: DrawTable) -> np.ndarray:
    """BATCH for every batch, as if all were resident, each pipeline with buffers of its own."""
    made = np.zeros(len(table.batches), BATCH)
    for name in ("pipeline", "index_count"):
        made[name] = table.batches[name]
    made["descriptors"] = table.batches["material"] % 3
    made["vertex_buffer"] = table.batches["vertices"] % 4
    made["first_index"] = np.arange(len(made))
    made["ready"] = True
    return made


def listed(table: DrawTable, draws: DrawList) -> list[tuple[int, Any, int]]:
    """(object, what draws it, material) of all that the commands of the draw list's groups draw."""
    found = []
    rows_of = {
        (shading, int(row)): recipe
        for shading, rows in enumerate(table.material_rows)
        for recipe, row in enumerate(rows)
        if row >= 0
    }
    for group in draws.groups:
        for command in draws.commands[group.first : group.first + group.count]:
            batch = int(command["first_index"])
            of = table.batches[batch]
            first, count = int(command["first_instance"]), int(command["instance_count"])
            for owner, row in draws.instances[first : first + count].tolist():
                material = rows_of[int(of["shading"]), row] if of["material"] >= 0 else -1
                assert material == of["material"]
                found.append((owner, meaning(table, batch), material >= 0))
    return sorted(found)


def in_order(table: DrawTable, draws: DrawList) -> list[tuple[Any, bool]]:
    """What draws, and whether mirrored objects, in the order of the commands."""
    found = [
        (meaning(table, int(command["first_index"])), group.mirrored)
        for group in draws.groups
        for command in draws.commands[group.first : group.first + group.count]
        if command["instance_count"]
    ]
    return [row for row, before in zip(found, [None, *found], strict=False) if row != before]


def expected(scene: Scene, table: DrawTable) -> list[int]:
    """The objects that a pass must draw: their feature is enabled, and has an asset."""
    feature = table.feature
    rows = feature.rows_enabled()
    return sorted(feature.object[rows[feature.column("asset")[rows] >= 0]].tolist())


class World:
    """A scene that changes at random, and the planner that follows it."""

    def __init__(self, scene: Scene, library: AssetLibrary, rng: np.random.Generator) -> None:
        self.scene, self.library, self.rng = scene, library, rng
        self.changing = ChangingScene(scene, MODELS - 1, MODELS, rng)
        self.planner = planner_of(scene, library)
        self.draws: dict[str, DrawList] = {}
        self.resident = Resident()

    def change(self) -> str:
        if self.rng.random() < 0.05:
            self.planner.size = (int(self.rng.integers(16, 128)), 48)
            return "resize"
        return self.changing.change()

    def follow(self) -> None:
        """One frame: plan if need be, then the draws."""
        self.scene.tableau.update_world()
        if self.planner.stale():
            self.needs = self.planner.needs()
        for name, table in self.needs.tables.items():
            draws = self.draws.get(name)
            if draws is None or draws._table is not table:
                draws = self.draws[name] = DrawList(table)
                draws.update(bound(table))
            table.refresh()
            draws.update(bound(table), np.arange(len(draws._batches), len(table.batches)))

    def check(self) -> None:
        fresh = planner_of(self.scene, self.library)
        fresh.size = self.planner.size
        needs = fresh.needs()
        assert needs.tables.keys() == self.needs.tables.keys()
        assert requested(self.needs) == requested(needs)
        for name, new in needs.tables.items():
            kept = self.needs.tables[name]
            assert drawn_by(kept) == drawn_by(new)
            assert in_use(kept) == in_use(new)
            assert kept.instances == new.instances
            assert np.array_equal(kept.bounds() or (), new.bounds() or ())
            for rows, used in zip(kept.material_rows, kept.in_use.materials, strict=True):
                assert sorted(np.flatnonzero(rows >= 0)) == used.tolist()
                assert len(set(rows[used].tolist())) == len(used)
            draws = DrawList(new)
            draws.update(bound(new))
            found = listed(kept, self.draws[name])
            assert found == listed(new, draws)
            assert in_order(kept, self.draws[name]) == in_order(new, draws), "whatever it is bound to"
            assert [row[0] for row in found] == expected(self.scene, kept)

    def check_plan(self) -> None:
        """The plan of requests that were changed equals one of the same requests, collected at once.

        Both follow the last one. What is left to do from there is the same as from a state about which
        nothing is known.
        """
        there = self.resident.snapshot()
        plan = self.planner.plan(self.needs, there)
        at_once = make_plan(
            coalesce(self.needs.requirements), PROFILE, there, drawing=drawing_plan(self.needs.drawings)
        )
        assert str(plan) == str(at_once)
        known, unknown = copy(self.resident), copy(self.resident)
        unknown._unpublished = 1
        for quick, slow in zip(known.towards(plan), unknown.towards(plan), strict=True):
            assert quick.tolist() == slow.tolist()
        self.resident = Resident.settled_at(plan)


@pytest.mark.timeout(2400)
def test_what_is_kept_equals_what_is_made_from_nothing(many: Path, sample: Sample) -> None:
    with open_library(load_scene(many).dbs) as library:
        for _ in range(amount(2, 20)):
            world = World(load_scene(many), library, sample.rng)
            done = []
            for step in range(amount(60, 1000)):
                world.follow()
                try:
                    world.check()
                    if step % 10 == 0:
                        world.check_plan()
                except AssertionError as error:
                    error.add_note(f"after {done[-6:]}")
                    raise
                done.append(world.change())


def test_a_feature_that_raises_for_one_asset_leaves_what_is_made_from_nothing(
    many: Path, monkeypatch: pytest.MonkeyPatch, sample: Sample
) -> None:
    scene = load_scene(many)
    with open_library(scene.dbs) as library:
        world = World(scene, library, sample.rng)
        feature = type(scene.registry["shadowCaster"])
        drawables, bad = feature.drawables, world.changing.models[3]

        def raises(self: Any, asset: AssetRef, assets: AssetLibrary) -> Any:
            if asset == bad:
                raise RuntimeError("no drawables today")
            return drawables(self, asset, assets)

        scene.tableau["o3"].shadowCaster.active = False
        world.follow()
        monkeypatch.setattr(feature, "drawables", raises)
        scene.tableau["o3"].shadowCaster.active = True
        scene.tableau["o1"].shadowCaster.active = False
        world.follow()
        assert "no drawables today" in scene.tableau.warnings[-1].message
        monkeypatch.undo()
        world.follow()
        world.check()
        for i in range(MODELS):
            scene.tableau[f"o{i}"].shadowCaster.active = True
        world.follow()
        world.check()
        assert world.needs.tables["shadow"].instances == MODELS


def test_needs_return_to_what_was_drawn_when_they_were_collected(many: Path) -> None:
    scene = load_scene(many)
    with open_library(scene.dbs) as library:
        planner = planner_of(scene, library)
        needs = planner.needs()
        before = {name: (drawn_by(table), in_use(table)) for name, table in needs.tables.items()}
        for i in (1, 2, 6):
            scene.tableau[f"o{i}"].active = False
        scene.tableau.add_object(
            "new", features={"visibleModel": {"asset": scene.asset("db", "o1", ("model",))}}
        )
        later = planner.needs()
        assert drawn_by(later.tables["forward"]) != before["forward"][0]
        after = drawn_by(later.tables["forward"])
        needs.restore()
        assert {name: (drawn_by(t), in_use(t)) for name, t in needs.tables.items()} == before
        needs.restore()
        later.restore()
        assert drawn_by(later.tables["forward"]) == after
        assert drawn_by(planner.needs().tables["forward"]) == after
