"""Claims about which assets the camera sees, and so which are transferred first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_scenes import profile
from support.sampling import amount

from engine.assets import AssetLibrary, open_library
from engine.feature import Feature, Registry, discover
from engine.plan.resident.steps import Transfer
from engine.planning.scene import ScenePlanner
from engine.planning.visibility import MAX_REORDERED, FrustumQuery, needs_reordering
from engine.scene import Scene, load_scene
from engine.testing import open_scene

SIZE = (64, 48)


def seen(scene: Scene, library: AssetLibrary, size: tuple[int, int] = SIZE) -> dict[str, bool]:
    """Whether the mesh and the textures of each of the two models are visible."""
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), size)
    scene.tableau.update_world()
    needs = planner.needs()
    visibility = planner.visibility(needs)
    assert visibility is not None
    table = needs.tables["forward"]
    names = {}
    for name in ("cube", "ground"):
        row = scene.tableau[name].row
        rows, batches = table.blocks.pairs()
        keys = np.unique(table.assets_of(batches[table.feature.object[rows] == row]))
        keys = keys[keys >> 32 != 0]
        assert len(keys) >= (4 if name == "cube" else 2)
        (names[name],) = set(visibility(keys).tolist())
    return names


def test_an_object_in_front_of_the_camera_is_visible_with_its_textures(cube):
    assert seen(*cube) == {"cube": True, "ground": True}


def test_an_object_behind_the_camera_is_not_visible(cube):
    scene, _ = cube
    scene.tableau["cube"].translation = (3.4, 0.5, 5.8)
    assert seen(*cube) == {"cube": False, "ground": True}


def test_turning_the_camera_changes_visibility(cube):
    scene, _ = cube
    scene.tableau["camera"].euler = (80.0, 0.0, 0.0)
    assert seen(*cube) == {"cube": False, "ground": True}  # the box of a kilometre of ground still intersects


def test_an_undrawn_object_is_not_visible(cube):
    scene, _ = cube
    scene.tableau["cube"].visibleModel.enabled = False
    scene.tableau["cube"].shadowCaster.enabled = False
    assert seen(*cube) == {"cube": False, "ground": True}


def test_a_wider_picture_sees_more(cube):
    scene, _ = cube
    scene.tableau["camera"].translation = (0, 0.5, 6)
    scene.tableau["camera"].euler = (0, 0, 0)
    scene.tableau["cube"].translation = (4, 0.5, 0)
    assert seen(*cube, size=(64, 64)) == {"cube": False, "ground": True}
    assert seen(*cube, size=(128, 64)) == {"cube": True, "ground": True}


def test_without_a_camera_the_default_view_is_used(cube):
    scene, _ = cube
    scene.tableau["camera"].camera.enabled = False
    scene.tableau["cube"].translation = (0, 1.6, 20)
    assert seen(*cube) == {"cube": False, "ground": True}
    scene.tableau["cube"].translation = (0, 1.6, -20)
    assert seen(*cube) == {"cube": True, "ground": True}


@pytest.mark.parametrize(("distance", "is_seen"), [(0, True), (20, False), (-20, False)])
def test_an_orthographic_camera_sees_between_its_near_and_far_planes(cube, distance, is_seen):
    scene, _ = cube
    scene.tableau["camera"].camera.projection = "orthographic"
    scene.tableau["camera"].camera.depth = 8
    scene.tableau["camera"].translation = (0, 0.5, 0)
    scene.tableau["camera"].euler = (0, 0, 0)
    scene.tableau["cube"].translation = (0, 0.5, -distance)
    assert seen(*cube) == {"cube": is_seen, "ground": True}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("far", [(0, 0, 0), (2e6, -3e6, 1e5)])
def test_a_box_that_touches_the_edge_of_the_picture_is_visible_and_one_beyond_is_not(cube, axis, side, far):
    scene, library = cube
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), SIZE)
    tables, row = planner.needs().tables, scene.tableau["cube"].row
    forward = tables["forward"]
    rows, batches = forward.blocks.pairs()
    (drawn,) = forward.batches[batches[forward.feature.object[rows] == row]]
    assert (drawn["low"].tolist(), drawn["high"].tolist()) == ([-0.5] * 3, [0.5] * 3)
    keys = np.sort(drawn[["vertices", "indices"]].tolist()).astype(np.int64)
    scene.tableau.set_transforms(scene.tableau["cube"], rotation=(0, 0, 0, 1), scale=(1, 1, 1))
    edge = (side + 1) / 2 if axis == 2 else side  # depths are from 0 to 1
    found = []
    for distance in (0, 0.5, 0.5 + 2**-20):
        place = np.array((0, 0, 0.5))
        place[axis] = edge + side * distance
        scene.tableau["cube"].translation = place + far
        scene.tableau.update_world()
        query = FrustumQuery(tuple(tables.values()), np.array(far), np.eye(4, dtype=np.float32))
        found.append(set(query(keys).tolist()))
    assert found == [{True}, {True}, {False}]


PLACES = st.lists(st.tuples(*[st.floats(-8, 8, width=32)] * 3), min_size=1, max_size=30)


@settings(max_examples=amount(20, 160))
@given(PLACES, st.tuples(st.floats(-80, 80), st.floats(-180, 180)))
def test_an_object_is_visible_if_its_box_reaches_into_the_picture(places, turn):
    scene = load_scene(Path(__file__).parents[2] / "scenes" / "cube.hu")
    tableau = scene.tableau
    tableau["camera"].euler = (*turn, 0)
    rows = tableau.add_objects(translation=np.array(places, np.float32))
    tableau.add_feature("visibleModel", rows, {"asset": scene.asset("assetDb0", "cube", ("model",))})
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(tableau, scene.registry, library, profile("unified"), SIZE)
        tableau.update_world()
        needs = planner.needs()
        visibility, table = planner.visibility(needs), needs.tables["forward"]
        slots = np.flatnonzero(table.blocks.rows.rows >= 0)
        found = visibility._in_view(table, slots)
        objects = table.feature.object[table.blocks.rows.rows[slots]]
    batches, world = table.batches[table.blocks.pairs()[1]], tableau.world(objects)
    world[:, 3, :3] -= visibility.origin
    ends = np.stack((batches["low"], batches["high"]), axis=1)
    picks = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3)
    corners = ends[:, picks, np.arange(3)]
    points = np.concatenate((corners, np.ones((*corners.shape[:2], 1))), axis=2)
    x, y, z, w = np.moveaxis(points @ world @ visibility.view_projection, -1, 0)
    room = 1e-3
    inside = (abs(x) < w - room) & (abs(y) < w - room) & (z > room) & (z < w - room)
    beyond = np.stack([s * v > w + room for v in (x, y) for s in (1, -1)]).all(axis=2).any(axis=0)
    rotated = np.isin(objects, [tableau["cube"].row])  # the box of a rotated box is larger
    assert found[inside.any(axis=1)].all()
    assert not found[beyond & ~rotated].any()


class Blind(Feature):
    """A feature whose `view` raises."""

    type_name = "blind"

    def view(self, frame):
        raise RuntimeError("no eyes")


def test_a_feature_whose_view_raises_is_switched_off_and_reported(root, monkeypatch):
    monkeypatch.chdir(root)
    known = discover()
    registry = Registry([Blind(), *(known[name] for name in known)])
    scene = load_scene(Path("scenes/cube.hu"), registry)
    scene.tableau.add_object("blind", features={"blind": {}})
    with open_library(scene.dbs) as library:
        assert seen(scene, library)["cube"]
    assert not len(scene.tableau.tables["blind"].rows_active())
    assert "no eyes" in scene.tableau.warnings[0].message


def arriving(place: tuple[float, float, float]) -> list[str]:
    """The transferred keys, in order, with the cube at this position."""
    with open_scene("scenes/cube.hu", profile="unified", settle=False, paging_cycles=1) as scene:
        scene.tableau["cube"].translation = place
        scene.settle()
        return [name for sent in scene.host.log for name in sent]


def test_visible_assets_arrive_before_invisible_ones(root, monkeypatch):
    monkeypatch.chdir(root)
    before, behind = arriving((0, 0.5, 0)), arriving((3.4, 0.5, 5.8))
    assert sorted(before) == sorted(behind)
    cube, ground = "assetDb0 vertices #2", "assetDb0 vertices 'plane'"
    assert before.index(cube) < before.index(ground)
    assert behind.index(cube) > behind.index(ground)
    for order in (before, behind):
        assert [name.split()[0] for name in order[:5]] == ["builtin"] * 5


def test_transfers_are_reordered_only_if_a_new_view_shows_pending_assets() -> None:
    class Eye(FrustumQuery):
        def __call__(self, keys: np.ndarray) -> np.ndarray:
            asked.append(len(keys))
            return keys >= 5

    def eye(turn: float, at: float = 0.0) -> Eye:
        return Eye((), np.full(3, at), np.eye(4, dtype=np.float32) * turn)

    def sending(*keys: int) -> Transfer:
        nothing = np.zeros(0, np.void)
        return Transfer(1, 1, np.array(keys, np.int64), np.ones(len(keys), np.int64), *[nothing] * 3)

    asked: list[int] = []
    here, there = eye(1), eye(2)
    late, early = [sending(1, 2), sending(7, 1)], [sending(7, 9), sending(1)]
    assert needs_reordering(here, there, late)
    assert needs_reordering(None, there, late)
    assert not needs_reordering(here, there, early)
    assert not needs_reordering(here, eye(1), late)
    assert needs_reordering(here, eye(1, 64.0), late)
    assert not needs_reordering(here, None, late)
    assert asked == [3, 3, 3, 3]
    assert not needs_reordering(here, there, [])
    assert not needs_reordering(here, there, [sending(*range(MAX_REORDERED + 1))])
    assert asked == [3, 3, 3, 3]
