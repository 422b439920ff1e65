"""Claims about culling: what a view sees is drawn, what no view sees is not, and rest costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.changing_scene import ChangingScene
from support.many_models import many_models
from support.random_scenes import profile
from support.sampling import Sample, amount

from engine.assets import open_library
from engine.math import orthographic_reversed, perspective_reversed
from engine.planning.culling import Culling, cull_from
from engine.planning.draw import boxes as boxes_module
from engine.planning.draw.draw_list import BATCH, DrawList
from engine.planning.draw.eyes import Eye
from engine.planning.draw.instance_blocks import BLOCK_ROWS, along_curve
from engine.planning.draw.tables import DrawTable
from engine.planning.scene import ScenePlanner
from engine.scene import load_scene

MODELS = 4
CORNERS = np.array(list(product((0.0, 1.0), repeat=3)))


def turned(rng: np.random.Generator) -> np.ndarray:
    """A random rotation, float64[3, 3]."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    return q * np.sign(np.diag(r))


def random_eye(rng: np.random.Generator, around: np.ndarray, reach: float) -> Eye:
    """An eye of any kind near a place, whose frame has its origin up to 60 m from it."""
    place = around + rng.uniform(-reach, reach, 3)
    origin = place + rng.uniform(-60, 60, 3)
    view = np.identity(4)
    view[:3, :3] = turned(rng)
    view[3, :3] = (origin - place) @ view[:3, :3]
    if rng.random() < 0.3:
        half = rng.uniform(0.5, reach)
        lens = orthographic_reversed(-half, half, -half * 0.7, half * 0.7, rng.uniform(-reach, 1), reach)
    else:
        far = {} if rng.random() < 0.5 else {"far": reach * rng.uniform(0.2, 2)}
        lens = perspective_reversed(rng.uniform(0.1, 2.8), rng.uniform(0.3, 3), rng.uniform(0.01, 1), **far)
    return Eye(origin, view @ np.asarray(lens, np.float64))


def inside(eye: Eye, points: np.ndarray) -> np.ndarray:
    """Which points of the world, float64[n, 3], lie in the view: by the definition of the clip volume."""
    x, y, z, w = (np.concatenate((points - eye.origin, np.ones((len(points), 1))), axis=1) @ eye.matrix).T
    return (-w <= x) & (x <= w) & (-w <= y) & (y <= w) & (z >= 0) & (z <= w)


def beyond(eye: Eye, corners: np.ndarray) -> bool:
    """Whether all corners of a box, float64[8, 3], are clearly beyond one side of the view."""
    clip = np.concatenate((corners - eye.origin, np.ones((8, 1))), axis=1) @ eye.matrix
    x, y, z, w = clip.T
    scale = np.abs(eye.matrix).max() * 0.1 + np.abs(w) * 0.01
    return any((side < -scale).all() for side in (w + x, w - x, w + y, w - y, z, w - z))


@settings(max_examples=amount(60, 2000), deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e3, 1e7]))
def test_a_box_with_a_point_in_view_is_never_missed_and_one_beyond_a_side_always(seed: int, away: float):
    rng = np.random.default_rng(seed)
    around = np.array((away, -away / 3, away / 7))
    eye = random_eye(rng, around, 20.0)
    low = around + rng.uniform(-30, 30, (40, 3))
    high = low + rng.uniform(0, 1, (40, 1)) ** 3 * rng.uniform(0, 20, (40, 3))
    missed = eye.misses(np.concatenate((low.T, high.T)))
    for number in range(40):
        size = high[number] - low[number]
        points = low[number] + np.concatenate((CORNERS, rng.random((40, 3)))) * size
        if inside(eye, points).any():
            assert not missed[number]
        if beyond(eye, points[:8]):
            assert missed[number]


def test_what_has_no_finite_box_is_seen_and_an_eye_of_zeros_sees_nothing():
    eye = random_eye(np.random.default_rng(1), np.zeros(3), 1.0)
    low = np.array([(np.nan, 0, 0), (-np.inf, -np.inf, -np.inf), (0, np.nan, np.inf)]).T
    high = np.array([(np.nan, 0, 0), (np.inf, np.inf, np.inf), (0, np.nan, np.inf)]).T
    assert not eye.misses(np.concatenate((low, high))).any()
    assert Eye(np.zeros(3), np.zeros((4, 4))).misses(np.zeros((6, 3))).all()
    assert not Eye(np.zeros(3), np.full((4, 4), np.nan)).misses(np.zeros((6, 3))).any()


def test_where_depth_is_clamped_nothing_is_too_near_or_too_far():
    eye = Eye(np.zeros(3), np.asarray(orthographic_reversed(-1, 1, -1, 1, 0, 10), np.float64))
    corners = np.array([(0, 0, 5), (0, 0, -15), (3, 0, -5)], np.float64).T
    corners = np.concatenate((corners, corners + 0.1))
    assert eye.misses(corners).tolist() == [True, True, True]
    assert eye.misses(corners, clamped=True).tolist() == [False, False, True]


def test_neighbours_along_the_curve_are_near_each_other():
    rng = np.random.default_rng(2)
    places = rng.permutation(np.indices((16, 16, 16)).reshape(3, -1).T.astype(np.float64))
    order = along_curve(places)
    assert sorted(order.tolist()) == list(range(4096))
    parts = places[order].reshape(-1, BLOCK_ROWS, 3)
    assert np.ptp(parts, axis=1).max() == 3  # a cube of 4 x 4 x 4 each
    assert along_curve(places[:BLOCK_ROWS]).tolist() == list(range(BLOCK_ROWS))
    assert along_curve(np.zeros((100, 3))).tolist() == list(range(100))
    assert along_curve(np.full((100, 3), np.nan)).tolist() == list(range(100))


@pytest.fixture(scope="module")
def many(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return many_models(root, tmp_path_factory.mktemp("many") / "tree", MODELS, MODELS)


class Views:
    """The tables of a scene of equal and different objects, drawn in two views of each pass."""

    def __init__(self, path: Path, library: Any, scene: Any, rng: np.random.Generator, more: int) -> None:
        self.scene, self.rng = scene, rng
        tableau = scene.tableau
        for number in range(MODELS):
            made = tableau.add_objects(
                translation=rng.uniform(-40, 40, (more, 3)), scale=rng.uniform(-2, 2, (more, 3))
            )
            asset = {"asset": scene.asset("db", f"o{number}", ("model",))}
            for feature in ("visibleModel", "shadowCaster"):
                tableau.add_feature(feature, made, asset)
        tableau.update_world()
        self.planner = ScenePlanner(tableau, scene.registry, library, profile("discrete-window"), (64, 48))
        self.table: DrawTable = self.planner.needs().tables["forward"]
        self.draws, self.culling = DrawList(self.table, 1), Culling(self.table)
        self.culled: list[int] = []

    def bound(self) -> np.ndarray:
        made = np.zeros(len(self.table.batches), BATCH)
        made["index_count"], made["ready"] = 3, True
        return made

    def frame(self, eye: Eye) -> None:
        self.scene.tableau.update_world()
        if self.planner.stale():
            self.planner.needs()
        self.table.refresh()
        self.draws.update(self.bound(), np.zeros(0, np.int64))
        late = np.zeros(len(self.table.batches), np.bool_)
        self.culled = self.culling.update({"": eye}, self.culling.pinned(late, 0))
        if self.culled:
            self.draws.cull(self.culling.visible, self.culled)

    def drawn(self) -> list[int]:
        """The objects that the commands of the groups draw."""
        found: list[int] = []
        for group in self.draws.groups:
            for command in self.draws.commands[group.first : group.first + group.count]:
                first = int(command["first_instance"])
                found += self.draws.instances[first:][: command["instance_count"], 0].tolist()
        return found

    def boxes(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Each enabled object with the corners of its mesh in the world, and points in it."""
        feature, tableau = self.table.feature, self.scene.tableau
        for row in feature.rows_enabled().tolist():
            thing = int(feature.object[row])
            world = tableau.world(np.array([thing]))[0]
            local = np.concatenate((CORNERS, self.rng.random((30, 3)))) - 0.5  # the cube of all models
            placed = local @ world[:3, :3] + world[3, :3]
            yield thing, placed[:8], placed


def test_what_a_view_sees_is_drawn_whatever_has_changed(many: Path, sample: Sample) -> None:
    scene = load_scene(many)
    with open_library(scene.dbs) as library:
        views = Views(many, library, scene, sample.rng, 2 * BLOCK_ROWS)
        changing = ChangingScene(scene, MODELS, MODELS, sample.rng)
        fewer, some = 0, 0
        for _ in range(amount(25, 400)):
            eye = random_eye(sample.rng, np.zeros(3), 40.0)
            for _ in range(2):
                changing.change()
                views.frame(eye)
                drawn, enabled = views.drawn(), []
                for thing, _, points in views.boxes():
                    enabled.append(thing)
                    if inside(eye, points).any():
                        assert thing in drawn
                assert len(drawn) == len(set(drawn))
                assert set(drawn) <= set(enabled)
                fewer += len(drawn) < len(enabled)
                some += len(enabled) > 0
        assert fewer >= 0.4 * some


def test_a_view_at_rest_finds_nothing_again(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, tests = load_scene(many), []
    with open_library(scene.dbs) as library:
        views = Views(many, library, scene, np.random.default_rng(3), 100)
        eye = random_eye(np.random.default_rng(4), np.zeros(3), 10.0)
        misses = Eye.misses
        monkeypatch.setattr(
            Eye, "misses", lambda *args, **more: tests.append(args[1].shape[1]) or misses(*args, **more)
        )
        views.frame(eye)
        count = len(views.table.blocks.blocks)
        assert tests == [count]
        views.frame(eye)
        assert (tests, views.culled) == ([count], [])
        scene.tableau["o1"].translation = (1, 2, 3)
        views.frame(eye)
        assert tests[1:] == [1], "the block of what has moved"
        views.frame(random_eye(np.random.default_rng(5), np.zeros(3), 10.0))
        assert tests[2:] == [count]


def test_what_always_moves_is_always_drawn_and_not_measured(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.planning.culling.MOST_MEASURED", 150)
    scene, measured = load_scene(many), []
    with open_library(scene.dbs) as library:
        views = Views(many, library, scene, np.random.default_rng(3), 100)
        away = Eye(np.full(3, 1e4), np.asarray(perspective_reversed(1.0, 1.0, 0.1), np.float64))
        monkeypatch.setattr(
            boxes_module.BlockBoxes,
            "_measure",
            lambda self, blocks, measure=boxes_module.BlockBoxes._measure: (
                measured.append(len(blocks)) or measure(self, blocks)
            ),
        )
        rows = scene.tableau.rows()
        for step in range(3):
            scene.tableau.set_transforms(rows, translation=np.full(3, float(step)))
            views.frame(away)
            assert len(views.drawn()) == 4 * 101
        assert measured == []
        for _ in range(20):
            views.frame(away)
        assert views.drawn() == []
        assert 1 < len(measured) < 10
        assert views.table.bounds() is not None


def test_small_passes_are_drawn_whole_and_all_where_that_is_wanted():
    assert cull_from(True, "cpu") == cull_from(True, "discrete_gpu") == 0
    assert cull_from(False, "cpu") is None
    assert 0 < cull_from(None, "cpu") < cull_from(None, "discrete_gpu")
