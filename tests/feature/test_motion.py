"""Claims about features that move objects: what is drawn, what is kept, and what a failure costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.feature import Feature, Motion, Registry
from engine.feature.feature_guard import FeatureGuard
from engine.feature.motion import Animator
from engine.scene import load_scene
from engine.tableau import Tableau
from engine.tableau.schema import float_field

UNIT = (0.0, 0.0, 0.0, 1.0)


class Lift(Feature):
    """Lifts its objects by their height, times the time."""

    type_name = "lift"
    fields = (float_field("height", 1.0),)

    def __init__(self) -> None:
        self.calls = 0

    def animate(self, rows, frame):
        self.calls += 1
        up = frame.translation(rows.objects)
        up[:, 1] += rows["height"] * frame.time
        return Motion(rows.objects, translation=up)


class Sway(Feature):
    """Later in the order of names: moves its objects to the side, from where they have been moved."""

    type_name = "sway"

    def animate(self, rows, frame):
        aside = frame.translation(rows.objects)
        aside[:, 0] += frame.time
        return Motion(rows.objects, translation=aside, scale=np.full((len(rows), 3), 2.0))


class World:
    """Objects a, b and b/c; each test gives them features."""

    def __init__(self, *features: Feature) -> None:
        self.registry = Registry(features)
        self.tableau = Tableau(self.registry.schemas)
        for name, parent in (("a", None), ("b", None), ("c", "b")):
            self.tableau.add_object(name, parent, translation=(1, 2, 3))
        self.animator = Animator(self.tableau, self.registry, None, FeatureGuard(self.tableau).switch_off)

    def give(self, path: str, feature: str, **values: float) -> None:
        self.tableau.add_feature(feature, self.tableau[path], values)

    def at(self, seconds: float) -> None:
        self.tableau.clock.set(seconds)
        self.update()

    def update(self) -> list[str]:
        """Update, and return the paths of what was placed again."""
        before = self.tableau.moves.version
        self.animator.update()
        self.tableau.update_world()
        rows = self.tableau.moves.since(before)
        return [self.tableau.path(row) for row in rows.tolist()]

    def place(self, path: str) -> list[float]:
        return self.tableau[path].world[3, :3].tolist()


def test_a_motion_is_drawn_and_the_objects_keep_their_own_transforms():
    world = World(Lift())
    world.give("b", "lift", height=2.0)
    world.at(3.0)
    assert world.place("b") == [1, 8, 3]
    assert world.place("b/c") == [2, 10, 6]
    assert world.place("a") == [1, 2, 3]
    assert world.tableau["b"].translation.tolist() == [1, 2, 3]
    assert world.tableau.translation.tolist() == [[1, 2, 3]] * 3


def test_features_that_move_one_object_follow_each_other():
    world = World(Sway(), Lift())
    for feature in ("sway", "lift"):
        world.give("a", feature)
    world.at(4.0)
    assert world.place("a") == [5, 6, 3]
    assert world.tableau["a"].world[0, :3].tolist() == [2, 0, 0]


def test_only_what_moves_is_placed_again_and_nothing_while_time_stands():
    lift = Lift()
    world = World(lift)
    world.give("a", "lift", height=0.0)
    world.give("b", "lift")
    world.update()
    world.tableau.clock.set(1.0)
    assert world.update() == ["b", "b/c"]
    calls = lift.calls
    assert world.update() == []
    world.tableau.clock.paused = True
    world.tableau.clock.advance()
    assert world.update() == []
    assert lift.calls == calls


def test_without_an_enabled_row_nothing_is_asked_and_no_column_is_copied():
    lift = Lift()
    world = World(lift)
    world.give("a", "lift")
    world.tableau["a"].lift.enabled = False
    own = world.tableau.pose["rotation"]
    world.at(5.0)
    assert lift.calls == 0
    assert np.shares_memory(world.tableau.pose["rotation"], own)
    assert world.place("a") == [1, 2, 3]


@pytest.mark.parametrize("flag", ["enabled", "active"])
@pytest.mark.parametrize("level", ["feature", "object", "ancestor", "tableau"])
def test_an_object_is_back_at_its_own_place_without_its_feature(flag, level):
    world = World(Lift())
    path = "b/c" if level == "ancestor" else "b"
    world.give(path, "lift")
    world.at(2.0)
    moved = world.place(path)
    tableau = world.tableau
    switch = {"feature": tableau[path].lift, "tableau": tableau}.get(level, tableau["b"])
    setattr(switch, flag, False)
    assert "b/c" in world.update()
    assert world.place(path) == ([2, 4, 6] if level == "ancestor" else [1, 2, 3])
    assert len(tableau.pose.rows) == 0
    setattr(switch, flag, True)
    world.update()
    assert world.place(path) == moved


def test_of_several_objects_that_move_each_stops_by_itself():
    world = World(Lift(), Sway())
    world.give("a", "lift")
    world.give("b", "lift")
    world.give("b", "sway")
    world.at(2.0)
    world.tableau["a"].lift.enabled = False
    assert world.update() == ["a"]
    assert world.place("a") == [1, 2, 3]
    assert world.place("b") == [3, 4, 3]
    world.tableau["b"].sway.enabled = False  # which has scaled it, too
    world.update()
    assert world.place("b") == [1, 4, 3]
    assert world.tableau["b"].world[0, :3].tolist() == [1, 0, 0]


def test_an_own_value_that_is_set_meanwhile_is_where_the_motion_starts():
    world = World(Lift())
    world.give("a", "lift")
    world.at(2.0)
    world.tableau["a"].translation = (0, 0, 0)
    world.tableau["b"].translation = (7, 7, 7)  # which nothing moves
    world.update()
    assert world.place("a") == [0, 2, 0]
    assert world.place("b") == [7, 7, 7]


def test_objects_may_be_added_and_removed_while_others_move():
    world = World(Lift())
    world.give("a", "lift")
    world.at(1.0)
    world.tableau.add_objects(names=[f"n{i}" for i in range(100)], translation=np.full((100, 3), 4.0))
    world.at(2.0)
    assert world.place("n99") == [4, 4, 4]
    assert world.place("a") == [1, 4, 3]
    world.tableau.remove("a")
    world.tableau.add_object("fresh", translation=(9, 9, 9))  # in the row of a
    world.update()
    assert world.place("fresh") == [9, 9, 9]
    assert world.place("b") == [1, 2, 3]


class Broken(Feature):
    """Returns what a test gives it."""

    type_name = "broken"

    def __init__(self, result: Callable[[np.ndarray], Motion | None]) -> None:
        self._result = result

    def animate(self, rows, frame):
        return self._result(rows.objects)


def _raise(objects):
    raise RuntimeError("no such thing")


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (_raise, "RuntimeError: no such thing"),
        (lambda rows: Motion(rows + 100, np.zeros((1, 3))), "a row without an object"),
        (lambda rows: Motion(rows - 100, np.zeros((1, 3))), "a row without an object"),
        (lambda rows: Motion(np.repeat(rows, 2), np.zeros((2, 3))), "an object twice"),
        (lambda rows: Motion(rows.astype(float), np.zeros((1, 3))), "are rows, int"),
        (lambda rows: Motion(rows, np.zeros((1, 4))), r"translation of a motion is float\[1, 3\]"),
        (lambda rows: Motion(rows, np.full((1, 3), np.nan)), "not finite"),
        (lambda rows: Motion(rows, scale=np.full((1, 3), np.inf)), "not finite"),
        (lambda rows: Motion(rows, rotation=np.zeros((1, 4))), "quaternion of length 0"),
        (lambda rows: Motion(rows, rotation=np.full((1, 4), 1e-30)), "quaternion of length 0"),
        (lambda rows: Motion(rows, scale="big"), r"the scale of a motion is float\[1, 3\], not 'big'"),
        (lambda rows: Motion(rows, scale=[[1, 2], [3]]), r"the scale of a motion is float\[1, 3\]"),
        (lambda rows: Motion([[1], [2, 3]]), "the objects of a motion are"),
        (lambda rows: Motion(rows, weights=3), "the weights of a motion are 3, not groups"),
        (lambda rows: Motion(rows, weights=[rows]), "a group of weights of a motion is array"),
        (
            lambda rows: Motion(rows, weights=[(rows + 100, np.zeros((1, 2)))]),
            "its objects of the weights",
        ),
        (lambda rows: Motion(rows, weights=[(rows, np.zeros(2))]), r"float\[1, targets\], not \[2\]"),
        (
            lambda rows: Motion(rows, weights=[(rows, np.full((1, 2), np.inf))]),
            "the weights of a motion are not finite",
        ),
        (lambda rows: 7, "what `animate` returns is 7, not a Motion"),
    ],
)
def test_a_feature_that_fails_is_switched_off_with_a_reason_and_the_others_move_on(result, reason):
    world = World(Broken(result), Lift())
    world.give("a", "broken")
    world.give("b", "lift")
    world.at(2.0)
    assert world.place("a") == [1, 2, 3]
    assert world.place("b") == [1, 4, 3]
    (warning,) = world.tableau.warnings
    assert warning.code == "feature.failed"
    assert "broken on 'a'" in warning.message
    assert __import__("re").search(reason, warning.message)
    assert result is _raise or "`animate`" in warning.message
    assert result is _raise or not warning.help.startswith("raised")
    world.at(3.0)
    assert len(world.tableau.warnings) == 1
    assert world.place("b") == [1, 5, 3]


def test_a_huge_scale_stays_a_number():
    world = World(Broken(lambda rows: Motion(rows, scale=np.full((len(rows), 3), 1e300))))
    world.give("a", "broken")
    world.update()
    assert np.isfinite(world.tableau.placement).all()


SCENE = """\
tableau: {
    objects: {
        top: { euler: [0 10 0]  features: [{ @type: spin }] }   // a comment
    }
}
"""


def test_what_moves_is_not_saved(tmp_path):
    path = tmp_path / "scene.hu"
    path.write_text(SCENE)
    scene = load_scene(path)
    animator = Animator(scene.tableau, scene.registry, None, pytest.fail)
    scene.tableau.clock.set(1.0)
    animator.update()
    scene.tableau.update_world()
    assert not scene.save()
    scene.tableau["top"].translation = (0, 1, 0)
    animator.update()
    assert scene.save()
    assert path.read_text() == SCENE.replace("euler: [0 10 0]", "translation: [0 1 0]  euler: [0 10 0]")
