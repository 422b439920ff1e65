"""Frame values: a feature is asked again where something that it read has changed, and only there."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from support.random_scenes import profile

from engine.assets import Member
from engine.feature import Feature, FrameView, View
from engine.feature.frame import Lens
from engine.planning.draw.blocks import Block
from engine.planning.draw.frame_layout import FrameLayout
from engine.planning.scene import ScenePlanner
from engine.planning.values import FrameValues
from engine.tableau import Tableau
from engine.tableau.schema import float_field

SIZE = (8, 8)


class Lamp(Feature):
    """A feature whose value is what `read` returns."""

    type_name = "lamp"
    fields = (float_field("power", 1.0),)

    def __init__(self, read: Callable[[FrameView], float]) -> None:
        self.calls = 0
        self._read = read

    def frame_values(self, frame: FrameView) -> dict[str, float]:
        self.calls += 1
        return {"power": self._read(frame)}


class Other(Feature):
    """A feature that is in the tableau as well."""

    type_name = "other"
    fields = (float_field("size", 1.0),)


class Eye(Feature):
    """A feature that views the picture from object 2, with the size of the other feature as its lens."""

    type_name = "eye"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def view(self, frame: FrameView) -> View:
        assert frame.view is None
        self._scene.looks += 1
        place = frame.world(np.array([2]))[0, 3, :3]
        lens = Lens(0.0, 0.0, float(frame.enabled("other")["size"][0]))
        return View(np.floor(place), np.eye(4, dtype=np.float32), place, np.zeros(3), lens)


class Features(dict[str, Feature]):
    """Features by any names, none of which is built in."""

    def is_built_in(self, name: str) -> bool:
        return False


class Scene:
    """Objects 0 and 1 with a lamp each, object 2 with the other feature; one pass draws lamps."""

    def __init__(self, read: Callable[[FrameView], float], *values: Feature) -> None:
        self.lamp = Lamp(read)
        self.looks = 0
        self.eye = Eye(self)
        self.features = Features(
            {
                "blind": Other(),
                "eye": self.eye,
                "lamp": self.lamp,
                **{value.type_name: value for value in values},
            }
        )
        self.tableau = Tableau([self.lamp.schema, Other().schema])
        objects = self.tableau.add_objects(3)
        self.tableau.add_feature("lamp", objects[:2], {})
        self.tableau.add_feature("other", objects[2:], {})
        self.box = np.zeros(3, np.float32), np.ones(3, np.float32)
        self.use([Member("power", 0, 4, "float")], 16)
        self.reported: list[Exception] = []
        self.values = FrameValues(self.features, self.tableau, lambda _, error: self.reported.append(error))  # type: ignore[arg-type]

    def use(self, members: list[Member], size: int) -> None:
        """Let the pass have shaders with this Frame block."""
        self.layout = FrameLayout([("", Block(members, size))])
        self.table = SimpleNamespace(declaration=SimpleNamespace(draws="lamp"), bounds=lambda: self.box)

    def block(self, size: tuple[int, int] = SIZE) -> np.ndarray:
        self.tableau.update_world()
        found = self.values.block({"main": self.table}, self.layout, size)  # type: ignore[dict-item]
        assert found is not None
        return found

    def moved(self, row: int) -> None:
        self.tableau.set_transforms(np.array([row], np.int32), translation=(row + 1.0, 0, 0))


def powers(frame: FrameView) -> float:
    return float(frame.enabled("lamp")["power"].sum())


def places(frame: FrameView) -> float:
    return float(frame.world(np.array([0]))[0, 3, 0])


def origin(frame: FrameView) -> float:
    return float(frame.origin[0])


def spread(frame: FrameView) -> float:
    return 0.0 if frame.lens is None else frame.lens.spread


def eye(frame: FrameView) -> float:
    return 0.0 if frame.view is None else float(frame.view.eye[0])


def extent(frame: FrameView) -> float:
    box = frame.bounds("lamp")
    return 0.0 if box is None else float(box[1][0])


def seconds(frame: FrameView) -> float:
    return frame.time


def count(frame: FrameView) -> float:
    return float(len(frame.tableau.parent))


def set_power(scene: Scene) -> None:
    scene.tableau.tables["lamp"].set("power", np.array([0], np.int32), 5.0)


def grow(scene: Scene) -> None:
    scene.box = scene.box[0], scene.box[1] * 7
    scene.moved(2)


@pytest.mark.parametrize(
    ("read", "change", "value"),
    [
        (powers, set_power, 6.0),
        (powers, lambda s: s.tableau.tables["lamp"].set_flag("enabled", np.array([1], np.int32), False), 1.0),
        (places, lambda s: s.moved(0), 1.0),
        (extent, grow, 7.0),
        (count, lambda s: s.tableau.add_objects(40), 43.0),
        (seconds, lambda s: s.tableau.clock.set(2.5), 2.5),
    ],
    ids=["a field", "enabled", "a transform", "bounds", "the tableau itself", "the time"],
)
def test_values_follow_whatever_their_feature_has_read(read, change, value):
    scene = Scene(read)
    scene.block()
    change(scene)
    scene.tableau.update_world()
    assert scene.block().view(np.float32)[0] == value
    assert scene.lamp.calls == 2


@pytest.mark.parametrize("read", [powers, places, extent], ids=["fields", "a transform", "bounds"])
def test_a_feature_is_left_alone_while_what_it_read_stays(read):
    scene = Scene(read)
    before = scene.block()
    scene.moved(1)
    scene.tableau.tables["other"].set("size", np.array([0], np.int32), 3.0)
    scene.box = scene.box[0].copy(), scene.box[1].copy()  # measured again, and equal
    assert scene.block() is before
    assert scene.lamp.calls == 1


def set_size(scene: Scene) -> None:
    scene.tableau.tables["other"].set("size", np.array([0], np.int32), 3.0)


def look_from(place: float) -> Callable[[Scene], None]:
    return lambda scene: scene.tableau.set_transforms(np.array([2], np.int32), translation=(place, 0, 0))


@pytest.mark.parametrize(
    ("read", "change", "value", "calls"),
    [
        (origin, look_from(7.5), 7.0, 2),
        (origin, look_from(0.5), 0.0, 1),
        (spread, set_size, 3.0, 2),
        (spread, look_from(7.5), 1.0, 1),
        (eye, look_from(0.5), 0.5, 2),
        (eye, lambda scene: scene.moved(1), 0.0, 1),
    ],
)
def test_a_feature_is_asked_again_for_what_it_read_of_the_view_and_for_no_more(read, change, value, calls):
    scene = Scene(read)
    assert scene.block() is scene.block()
    change(scene)
    assert scene.block().view(np.float32)[0] == value
    assert scene.lamp.calls == calls


def test_the_block_holds_the_origin_of_the_first_view_and_looks_again_only_when_it_moved():
    scene = Scene(powers)
    scene.use([Member("power", 0, 4, "float"), Member("origin", 16, 16, "vec4")], 32)
    look_from(7.5)(scene)
    assert scene.block().view(np.float32).tolist() == [2, 0, 0, 0, 7, 0, 0, 0]
    scene.moved(1)
    before = scene.block()
    assert scene.looks == 1
    look_from(7.6)(scene)
    assert scene.block() is before
    assert scene.looks == 2
    look_from(9.5)(scene)
    assert scene.block().view(np.float32).tolist() == [2, 0, 0, 0, 9, 0, 0, 0]
    assert scene.lamp.calls == 1


def test_every_feature_is_asked_again_for_another_size_and_none_for_other_shaders():
    scene = Scene(powers)
    scene.block()
    assert scene.block((16, 8)).view(np.float32)[0] == 2.0
    scene.use([Member("power", 16, 4, "float")], 32)
    assert scene.block((16, 8)).view(np.float32).tolist() == [0, 0, 0, 0, 2, 0, 0, 0]
    assert scene.lamp.calls == 2


def test_a_feature_that_raised_is_asked_again_after_the_next_change():
    wrong = [True]

    def read(frame: FrameView) -> float:
        if wrong[0]:
            raise RuntimeError("no power")
        return powers(frame)

    scene = Scene(read)
    assert not scene.block().any()
    assert [str(error) for error in scene.reported] == ["no power"]
    assert not scene.block().any()
    assert len(scene.reported) == 1
    wrong[0] = False
    set_power(scene)
    assert scene.block().view(np.float32)[0] == 6.0


def test_of_two_features_that_give_one_value_the_later_holds_whichever_changed():
    class Second(Other):
        def frame_values(self, frame):
            return {"power": frame.enabled("other")["size"][0]}

    scene = Scene(powers, Second())
    assert scene.block().view(np.float32)[0] == 1.0
    set_power(scene)
    assert scene.block().view(np.float32)[0] == 1.0


@pytest.mark.parametrize(
    "setting",
    ["camera.translation=[3e38 3e38 3e38]", "sun.light.color=[3e38 0 0]", "cube.translation=[-3e38 0 3e38]"],
)
def test_what_leaves_the_range_of_floats_switches_nothing_off_and_is_finite(cube, setting):
    scene, library = cube
    scene.apply_setting(setting)
    scene.tableau.update_world()
    planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), (64, 48))
    needs = planner.needs()
    values = FrameValues(scene.registry, scene.tableau, planner.guard)
    block = values.block(needs.tables, needs.frame, (64, 48))
    assert np.isfinite(block.view(np.float32)).all()
    visible = planner.visibility(needs)
    assert visible(np.sort(next(iter(needs.tables.values())).batches["vertices"])).dtype == bool
    assert "feature.failed" not in {problem.code for problem in scene.tableau.warnings}


def test_the_time_is_a_member_of_every_block_that_names_it():
    scene = Scene(powers)
    scene.use([Member("power", 0, 4, "float"), Member("time", 4, 4, "float")], 16)
    assert scene.block().view(np.float32)[1] == 0.0
    calls = scene.lamp.calls
    scene.tableau.clock.set(1.5)
    assert scene.block().view(np.float32)[:2].tolist() == [2.0, 1.5]
    assert scene.lamp.calls == calls


def test_a_clock_that_goes_on_costs_nothing_where_nobody_reads_it(monkeypatch):
    scene = Scene(powers)
    block = scene.block()
    monkeypatch.setattr(scene.values, "_ask", lambda *_: pytest.fail("asked"))
    scene.tableau.clock.set(1.5)
    assert scene.block() is block


class Shaken(Feature):
    """A feature that gives another matrix than the view says."""

    type_name = "shaken"

    def frame_values(self, frame: FrameView) -> dict[str, np.ndarray]:
        shift = np.eye(4, dtype=np.float32)
        shift[3, 0] = frame.enabled("other")["size"][0]
        return {"viewProjection": shift}


def test_the_eye_of_a_view_is_what_shaders_read_whoever_has_given_it():
    scene = Scene(powers, Shaken())
    scene.block()
    seen = scene.values.eyes[""]
    assert seen is not None
    assert seen.matrix.tolist() == np.eye(4).tolist(), "the shaders have no such member"
    scene.use([Member("power", 0, 4, "float"), Member("viewProjection", 16, 64, "mat4")], 80)
    scene.block()
    seen = scene.values.eyes[""]
    assert seen is not None
    assert seen.matrix[3].tolist() == [1, 0, 0, 1]
    scene.moved(0)
    scene.block()
    assert scene.values.eyes[""] is seen, "an eye that rests is the same"
    scene.tableau.tables["other"].set("size", np.array([0], np.int32), 3.0)
    scene.block()
    assert scene.values.eyes[""].matrix[3].tolist() == [3, 0, 0, 1]
    assert scene.reported == []
