"""Boxes around what is drawn, by hand: off centre, turned, scaled, and of enabled rows alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from engine.assets import Member
from engine.graph import Pass
from engine.planning.blocks import Block
from engine.planning.tables import BATCH_KEYS, DrawTable
from engine.planning.values import drawn_rows, frame_block


class Feature:
    """Rows of a feature: the object of each, and which are enabled."""

    def __init__(self, objects: list[int], enabled: list[bool]) -> None:
        self.object = np.array(objects)
        self._enabled = np.array(enabled)

    def flags(self, name: str) -> np.ndarray:
        assert name == "effective_enabled"
        return self._enabled


def table(draws: str = "visibleModel", enabled: tuple[bool, ...] = (True, True, True)) -> DrawTable:
    batches = np.zeros(2, BATCH_KEYS)
    batches["low"], batches["high"] = [(1, 2, 3), (-1, -1, -1)], [(3, 6, 5), (1, 1, 1)]
    rows, batch = np.array([0, 2, 1]), np.array([0, 1, 1])
    feature = Feature([2, 0, 1], list(enabled))
    return DrawTable(Pass("p", draws), feature, batches=batches, rows=rows, batch=batch)  # type: ignore[arg-type]


@pytest.fixture
def world() -> np.ndarray:
    """Object 0 stands as it is, 1 is moved, and 2 is turned by a quarter about Z, scaled and moved."""
    made = np.stack([np.eye(4, dtype=np.float32)] * 3)
    made[1, 3, :3] = 10, 20, 30
    made[2, :3, :3] = [(0, 2, 0), (-1, 0, 0), (0, 0, 1)]
    made[2, 3, :3] = 100, 0, 0
    return made


def test_boxes_have_the_centres_and_half_sizes_of_their_meshes_in_the_world(world):
    middle, reach = table().boxes(world, np.array([0, 1, 2]))
    assert middle.tolist() == [[96, 4, 4], [10, 20, 30], [0, 0, 0]]
    assert reach.tolist() == [[2, 2, 1], [1, 1, 1], [1, 1, 1]]
    middle, reach = table().boxes(world, np.array([2]))
    assert (middle.tolist(), reach.tolist()) == ([[0, 0, 0]], [[1, 1, 1]])


def test_bounds_hold_the_rows_that_are_drawn_and_no_others(world):
    low, high = table().bounds(world, np.array([True, False, True]))
    assert (low.tolist(), high.tolist()) == ([-1, -1, -1], [98, 6, 5])
    low, high = table().bounds(world, np.array([False, True, False]))
    assert (low.tolist(), high.tolist()) == ([9, 19, 29], [11, 21, 31])
    assert table().bounds(world, np.zeros(3, bool)) is None


def test_rows_are_drawn_where_their_feature_is_enabled():
    assert drawn_rows(table(enabled=(True, False, False))).tolist() == [True, False, False]
    assert drawn_rows(table(enabled=(False, True, False))).tolist() == [False, False, True]
    assert drawn_rows(DrawTable(Pass("p", "x"), None)).tolist() == []


def shaded(made: DrawTable, size: int) -> DrawTable:
    members = [Member("low", 0, 12, "vec3"), Member("mark", 12, 4, "float")]
    made.shadings = [SimpleNamespace(frame=None), SimpleNamespace(frame=Block(members, size))]  # type: ignore[list-item]
    return made


class Bounds:
    """A feature that requests for the bounds of another."""

    def __init__(self, requests: str, value: float = 0.0) -> None:
        self._requests = requests
        self._value = value

    def frame_values(self, frame):
        found = frame.bounds(self._requests)
        return {"low": found[0], "mark": self._value} if found is not None else {}


def refused(feature, error):
    raise AssertionError((feature, error))


def test_features_see_the_bounds_of_the_feature_they_name(world):
    tables = {
        "shadow": shaded(table("shadowCaster", (False, False, True)), 16),
        "forward": shaded(table("visibleModel", (True, False, False)), 32),
    }
    tableau = SimpleNamespace(world=world)
    for requests, low in (("visibleModel", [94, 2, 3]), ("shadowCaster", [9, 19, 29]), ("light", [0, 0, 0])):
        data = frame_block({"one": Bounds(requests)}, tableau, tables, (8, 8), refused)  # type: ignore[arg-type]
        assert len(data) == 32
        assert data.view(np.float32)[:3].tolist() == low


def test_values_of_a_feature_that_raises_are_left_out_and_the_others_stay(world):
    class Wrong(Bounds):
        def frame_values(self, frame):
            return {"mark": 5.0, "low": [1] * 9}

    tables = {"forward": shaded(table(), 16)}
    reported = []
    data = frame_block(
        {"a": Bounds("visibleModel", 7.0), "b": Wrong("")},  # type: ignore[arg-type]
        SimpleNamespace(world=world),  # type: ignore[arg-type]
        tables,
        (8, 8),
        lambda feature, error: reported.append((type(feature), type(error))),
    )
    assert reported == [(Wrong, ValueError)]
    assert data.view(np.float32)[3] == 7.0


def test_without_a_frame_block_there_are_no_values():
    assert frame_block({}, None, {"p": table()}, (8, 8), refused) is None  # type: ignore[arg-type]
