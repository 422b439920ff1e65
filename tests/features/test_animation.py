"""Claims about animations: where clips put their targets, at which time, blended how, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from engine.assets import AssetLibrary, Interpolation, open_library
from engine.feature import FrameView, discover
from engine.feature.motion import Animator
from engine.math import axis_angle
from engine.scene import load_scene
from engine.tableau import Tableau
from engine.testing import assert_changed, open_scene
from features._clips import ChannelTable, slerp

HALF = axis_angle((0, 1, 0), np.radians(45))

CLIPS = {
    "lift": "{ property: translation  times: [0 1 3]  values: [[0 0 0] [0 1 0] [0 5 0]] }",
    "hop": "{ property: translation  interpolation: step  times: [0 1 3]  "
    "values: [[0 0 0] [0 1 0] [0 5 0]] }",
    "late": "{ property: translation  times: [1 2]  values: [[1 0 0] [2 0 0]] }",
    "ease": "{ property: translation  interpolation: cubic  times: [0 2]  values: ["
    "[0 0 0] [0 0 0] [0 0 0] [0 0 0] [0 4 0] [0 0 0]] }",
    "turn": "{ target: arm  property: rotation  times: [0 1]  "
    "values: [[0 0 0 1] [0 0.7071068 0 0.7071068]] }",
    "grow": "{ target: arm  property: scale  times: [0 2]  values: [[1 1 1] [3 3 3]] }",
    "far": "{ target: arm/finger  property: translation  times: [0]  values: [[9 9 9]] }"
    "{ target: leg  property: scale  times: [0]  values: [[2 2 2]] }",
    "broken": "{ property: scale  times: [1 0]  values: [[1 1 1] [2 2 2]] }",
    "still": "{ property: translation  times: [0]  values: [[7 7 7]] }",
}


class Stage:
    """A scene with the object `body`, its children `arm` and `arm/hand`, and all clips."""

    def __init__(self, folder: Path) -> None:
        (folder / "assets").mkdir()
        for name, channels in CLIPS.items():
            (folder / f"assets/{name}.hu").write_text(f"animation: {{ channels: [ {channels} ] }}")
        assets = " ".join(f"{{ @type: animation  name: {name}  source: assets/{name}.hu }}" for name in CLIPS)
        self.path = folder / "scene.hu"
        self.path.write_text(
            f"assetDb: {{ name: db  assets: [ {assets} ] }}\n"
            "tableau: { objects: { body: { translation: [0.5 0 0]  objects: {\n"
            "    arm: { translation: [1 0 0]  objects: { hand: {} } }\n"
            "} } } }\n"
        )
        self.scene = load_scene(self.path)
        self.tableau: Tableau = self.scene.tableau
        self.library: AssetLibrary = open_library(self.scene.dbs)
        self.errors: list[Exception] = []
        self.animator = Animator(
            self.tableau, self.scene.registry, self.library, lambda _, error: self.errors.append(error)
        )

    def give(self, clip: str, path: str = "body", **fields: object) -> None:
        values = {name: self._key(value) if name == "second" else value for name, value in fields.items()}
        self.tableau.add_feature("animation", self.tableau[path], {"clip": self._key(clip), **values})

    def _key(self, name: object) -> int:
        return self.scene.asset("db", str(name)).key

    def at(self, seconds: float) -> Tableau:
        self.tableau.clock.set(seconds)
        self.animator.update()
        self.tableau.update_world()
        assert not self.errors
        return self.tableau

    def place(self, seconds: float, path: str = "body") -> list[float]:
        return self.at(seconds)[path].world[3, :3].tolist()

    def pose(self, name: str, path: str) -> np.ndarray:
        return self.tableau.pose[name][self.tableau[path].row]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as undo:
        made = Stage(tmp_path)
        undo.callback(made.library.close)
        yield made


@pytest.mark.parametrize(
    ("clip", "seconds", "height"),
    [
        ("lift", 0.0, 0.0),
        ("lift", 0.5, 0.5),
        ("lift", 1.0, 1.0),
        ("lift", 2.0, 3.0),
        ("hop", 0.999, 0.0),
        ("hop", 1.0, 1.0),
        ("hop", 2.999, 1.0),
        ("ease", 1.0, 2.0),
        ("ease", 0.5, 4 * (3 * 0.25**2 - 2 * 0.25**3)),
    ],
)
def test_values_between_keys_go_the_way_of_the_channel(stage, clip, seconds, height):
    stage.give(clip)
    assert stage.place(seconds) == pytest.approx([0, height, 0], abs=1e-5)


def test_a_clip_loops_or_stays_at_its_ends(stage):
    stage.give("lift")
    assert stage.place(3.5) == pytest.approx([0, 0.5, 0])
    stage.tableau["body"].animation.loop = False
    assert stage.place(3.5) == pytest.approx([0, 5, 0])
    assert stage.place(100.0) == pytest.approx([0, 5, 0])
    stage.tableau["body"].animation.speed = -1.0
    assert stage.place(2.0) == pytest.approx([0, 0, 0])


def test_before_its_first_key_a_channel_has_that_value(stage):
    stage.give("late", loop=False)
    assert stage.place(0.0) == pytest.approx([1, 0, 0])
    assert stage.place(1.5) == pytest.approx([1.5, 0, 0])


@pytest.mark.parametrize(
    ("speed", "phase", "seconds", "height"),
    [(2.0, 0.0, 0.25, 0.5), (1.0, 0.5, 0.0, 0.5), (0.0, 1.0, 9.0, 1.0), (-1.0, 0.0, 2.5, 0.5)],
)
def test_speed_and_phase_say_where_in_the_clip_it_is(stage, speed, phase, seconds, height):
    stage.give("lift", speed=speed, phase=phase)
    assert stage.place(seconds) == pytest.approx([0, height, 0], abs=1e-5)


def test_a_channel_moves_its_target_below_and_that_its_children(stage):
    stage.give("turn")
    stage.at(0.5)
    assert stage.pose("rotation", "body/arm") == pytest.approx(HALF, abs=1e-6)
    assert stage.tableau["body/arm/hand"].world[:3, :3] == pytest.approx(
        stage.tableau["body/arm"].world[:3, :3]
    )
    assert stage.place(0.5) == [0.5, 0, 0]  # the object itself has no channel and stays


def test_what_a_channel_does_not_move_is_the_objects_own(stage):
    stage.give("grow")
    stage.at(1.0)
    assert stage.pose("scale", "body/arm").tolist() == [2, 2, 2]
    assert stage.pose("translation", "body/arm").tolist() == [1, 0, 0]


def test_two_clips_are_blended(stage):
    stage.give("still", second="lift", blend=0.25)
    assert stage.place(1.0) == pytest.approx([7 * 0.75, 7 * 0.75 + 0.25, 7 * 0.75])
    stage.tableau["body"].animation.blend = 1.0
    assert stage.place(1.0) == pytest.approx([0, 1, 0])


def test_what_only_one_of_two_clips_moves_is_blended_with_its_own_value(stage):
    stage.give("turn", second="grow", blend=0.5)
    stage.at(0.999999)
    assert stage.pose("rotation", "body/arm") == pytest.approx(HALF, abs=1e-4)
    assert stage.pose("scale", "body/arm") == pytest.approx([1.5, 1.5, 1.5], abs=1e-4)


def test_several_objects_have_several_clips_at_several_times(stage):
    stage.give("lift")
    stage.give("hop", "body/arm", phase=1.0)
    stage.give("late", "body/arm/hand", phase=1.5, speed=0.0)
    assert stage.place(0.5) == pytest.approx([0, 0.5, 0])
    assert stage.pose("translation", "body/arm").tolist() == [0, 1, 0]
    assert stage.pose("translation", "body/arm/hand").tolist() == [1.5, 0, 0]


def test_of_two_clips_for_one_object_one_moves_it(stage):
    stage.give("turn")
    stage.give("still", "body/arm")
    stage.give("grow", "body/arm/hand")  # which has no arm
    stage.at(0.0)
    assert stage.pose("translation", "body/arm").tolist() == [7, 7, 7]


def test_an_object_that_joins_later_is_moved(stage):
    stage.give("far")
    stage.at(0.0)
    stage.tableau.add_object("finger", "body/arm")
    stage.at(0.1)
    assert stage.pose("translation", "body/arm/finger").tolist() == [9, 9, 9]


def test_a_channel_without_a_target_is_a_fault_and_the_others_move(tmp_path, stage):
    stage.give("far")
    stage.tableau.add_object("finger", "body/arm")
    stage.at(0.0)
    feature = stage.scene.registry["animation"]
    (fault,) = feature.faults(FrameView(stage.tableau, (8, 8), lambda _: None))
    assert (fault.code, fault.row) == ("animation.target", stage.tableau["body"].animation.row)
    assert "moves 'leg'" in fault.message
    assert fault.help
    stage.tableau.add_object("leg", "body")
    stage.at(0.1)
    assert not list(feature.faults(FrameView(stage.tableau, (8, 8), lambda _: None)))


def test_a_broken_clip_moves_nothing_and_is_reported_with_its_line(stage):
    stage.give("broken")
    stage.give("still", "body/arm")
    assert stage.place(1.0) == [0.5, 0, 0]
    assert stage.pose("translation", "body/arm").tolist() == [7, 7, 7]
    codes = {problem.code: problem for problem in stage.library.problems}
    assert "assets/broken.hu:1:" in str(codes["animation.times"].position)


def test_missing_targets_are_problems_of_a_scene_at_the_features_clip(stage):
    text = stage.path.read_text().replace(
        "translation: [0.5 0 0]", "features: [{ @type: animation  clip: [db far] }]"
    )
    stage.path.write_text(text)
    with open_scene(stage.path, profile="unified") as scene:
        found = [problem for problem in scene.problems if problem.code == "animation.target"]
        places = [str(problem.position).rsplit("/", 1)[-1] for problem in found]
        assert places == ["scene.hu:2:68"]
        plan = scene.plan
        scene.step(0.1, 3)
        assert scene.plan is plan


@pytest.mark.gpu
def test_the_picture_follows_the_clip(stage):
    features = "{ @type: animation  clip: [db lift] } { @type: visibleModel  asset: [builtin placeholder] }"
    text = stage.path.read_text().replace("translation: [0.5 0 0]", f"features: [{features}]")
    stage.path.write_text(text)
    with open_scene(stage.path, size=(64, 48)) as scene:
        first = scene.frame()
        scene.step(0.5)
        assert_changed(scene.frame(), first, share=0.01)


def quaternions(rng: np.random.Generator, count: int) -> np.ndarray:
    made = rng.normal(size=(count, 4))
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_slerp_turns_evenly_on_the_shorter_way():
    rng = np.random.default_rng(3)
    one, two = quaternions(rng, 200), quaternions(rng, 200)
    parts = rng.uniform(size=200)
    whole = np.arccos(np.minimum(np.abs((one * two).sum(axis=1)), 1.0))
    assert whole.max() <= np.pi / 2
    found = slerp(one, two, parts)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0)
    turned = np.arccos(np.clip(np.abs((one * found).sum(axis=1)), 0.0, 1.0))
    assert turned == pytest.approx(parts * whole, abs=1e-6)
    same = slerp(one, -one, parts)
    assert np.abs((same * one).sum(axis=1)) == pytest.approx(1.0)


def test_many_channels_are_the_same_as_each_by_itself():
    rng = np.random.default_rng(4)
    table, alone = ChannelTable(turns=False), []
    for _ in range(60):
        count = int(rng.integers(1, 9))
        times = np.cumsum(rng.uniform(0.01, 2.0, count)).astype(np.float32).astype(np.float64)
        values, tangents = rng.normal(size=(count, 3)), rng.normal(size=(count, 2, 3))
        way = tuple(Interpolation)[int(rng.integers(3))]
        table.add(times, values, tangents, way)
        one = ChannelTable(turns=False)
        one.add(times, values, tangents, way)
        alone.append(one)
    channels = rng.integers(0, 60, 500)
    seconds = rng.uniform(-1.0, 12.0, 500)
    found = table.at(channels, seconds)

    def evaluate(c: int, t: float) -> np.ndarray:
        return alone[c].at(np.array([0]), np.array([t]))[0]

    expected = [evaluate(c, t) for c, t in zip(channels.tolist(), seconds.tolist(), strict=True)]
    assert found == pytest.approx(np.array(expected), abs=1e-9)


def test_the_feature_is_found_with_the_others():
    assert {"animation", "spin"} <= set(discover("features"))
