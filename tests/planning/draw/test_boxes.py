"""Boxes around what is drawn, by hand: off centre, turned, scaled, moved, and of enabled rows alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from engine.assets import Member
from engine.feature import Feature
from engine.feature.skins import NO_BONES
from engine.graph import DeclarationError
from engine.planning.draw.blocks import Block
from engine.planning.draw.boxes import BlockBoxes, relative_boxes
from engine.planning.draw.frame_layout import FrameLayout
from engine.planning.draw.instance_blocks import InstanceBlocks
from engine.planning.draw.recipes import BATCH_KEYS
from engine.planning.draw.tables import DrawTable
from engine.planning.values import FrameValues
from engine.tableau import Clock, journal
from engine.tableau.journal import Journal

MESHES = np.zeros(2, BATCH_KEYS)
MESHES["low"], MESHES["high"] = [(1, 2, 3), (-1, -1, -1)], [(3, 6, 5), (1, 1, 1)]


ORIGINS = np.array([(0, 0, 0), (10, 20, 30), (100, 0, 0)], np.float64)


def placements() -> np.ndarray:
    """Object 0 stands as it is, 1 is moved, and 2 is turned by a quarter about Z, scaled and moved."""
    made = np.stack([np.eye(4, dtype=np.float32)] * 3)
    made[2, :3, :3] = [(0, 2, 0), (-1, 0, 0), (0, 0, 1)]
    made[:, 3, :3] = ORIGINS
    return made


class Table:
    """Rows 0, 1, 2 of objects 2, 0, 1: row 0 draws mesh 0, the others mesh 1."""

    boxes, relative_boxes = DrawTable.boxes, DrawTable.relative_boxes
    bones, _skins = NO_BONES, None

    def __init__(self, *enabled: bool) -> None:
        self.batches, self.blocks, self.changes = MESHES, InstanceBlocks(), Journal()
        self.enabled = np.array(enabled)
        rows = np.array([1, 2, 0])
        self.feature = SimpleNamespace(
            object=np.array([2, 0, 1]), rows_of=lambda o: rows[o], row_of=lambda o: int(rows[o])
        )
        self.tableau = SimpleNamespace(
            tables={},
            clock=Clock(),
            origin=ORIGINS.copy(),
            placement=placements(),
            moves=Journal(),
            reshapes=Journal(),
            turns=Journal(),
        )
        self.blocks.change(np.zeros(0, int), np.arange(3), np.array([0, 1, 1]), 2)
        self._bounds = BlockBoxes(self, self.tableau)  # type: ignore[arg-type]

    def drawn(self, rows: np.ndarray) -> np.ndarray:
        return self.enabled[rows] & (rows >= 0)

    def bounds(self):
        return self._bounds.bounds()

    def corners(self) -> tuple[list[float], list[float]]:
        low, high = self.bounds()
        return low.tolist(), high.tolist()


def test_boxes_have_the_centres_and_half_sizes_of_their_meshes_in_the_world():
    chosen = [2, 1, 0]
    offset, reach = relative_boxes(MESHES, np.array([0, 1, 1]), placements()[chosen])
    assert (ORIGINS[chosen] + offset).tolist() == [[96, 4, 4], [10, 20, 30], [0, 0, 0]]
    assert reach.tolist() == [[2, 2, 1], [1, 1, 1], [1, 1, 1]]


def test_boxes_far_out_are_as_exact_as_at_the_origin():
    table, slots = Table(True, True, True), np.arange(3)
    near, _ = table.boxes(slots)
    away = np.array((1e7 + 0.1, -1e6 - 0.3, 3e6))
    table.tableau.origin += away
    np.testing.assert_allclose(table.boxes(slots)[0] - away, near, rtol=0, atol=1e-8)


def test_bounds_hold_the_rows_that_are_drawn_and_no_others():
    assert Table(True, True, False).corners() == ([-1, -1, -1], [98, 6, 5])
    assert Table(False, False, True).corners() == ([9, 19, 29], [11, 21, 31])
    assert Table(False, False, False).bounds() is None


def test_bounds_follow_what_moves_and_what_is_enabled():
    table = Table(False, True, True)
    assert table.corners() == ([-1, -1, -1], [11, 21, 31])
    table.tableau.origin[1] = -10, 0, 0
    assert table.corners() == ([-1, -1, -1], [11, 21, 31])  # nobody has said so
    table.tableau.moves.note(np.array([1], np.int32))
    assert table.corners() == ([-11, -1, -1], [1, 1, 1])
    table.enabled[2] = False
    table.changes.note(table.blocks.blocks_of(np.array([2])).astype(np.int32))
    assert table.corners() == ([-1, -1, -1], [1, 1, 1])
    table.enabled[1] = False
    table.changes.note(table.blocks.blocks_of(np.array([1])).astype(np.int32))
    assert table.bounds() is None


class Measured(Table):
    """Notes the rows whose boxes are worked out."""

    def __init__(self, *enabled: bool) -> None:
        super().__init__(*enabled)
        self.measured: list[list[int]] = []

    def relative_boxes(self, slots):
        self.measured.append(sorted(self.blocks.rows.rows[slots].tolist()))
        return DrawTable.relative_boxes(self, slots)

    def note(self, *rows: int) -> None:
        self.changes.note(self.blocks.blocks_of(np.array(rows)).astype(np.int32))

    def move(self, *objects: int) -> None:
        self.tableau.moves.note(np.array(objects, np.int32))

    def turn(self, *objects: int) -> None:
        self.move(*objects)
        self.tableau.reshapes.note(np.array(objects, np.int32))

    def add(self, row: int, batch: int) -> None:
        """Add an enabled row of object 0, which stands as it is."""
        self.enabled = np.append(self.enabled, True)
        self.feature.object = np.append(self.feature.object, 0)
        changed = self.blocks.change(np.zeros(0, int), np.array([row]), np.array([batch]), 2)
        self.changes.note(changed.astype(np.int32))


def test_boxes_are_worked_out_for_blocks_of_rows_that_turned_or_changed_alone():
    table = Measured(True, True, True)
    assert table.bounds() is not None
    table.bounds()
    assert table.measured == [[0, 1, 2]]
    table.turn(2)
    table.bounds()
    table.note(1)
    table.bounds()
    table.bounds()
    assert table.measured[1:] == [[0], [1, 2]]
    table.note(0)
    table.turn(0)
    table.bounds()
    assert table.measured[3:] == [[0, 1, 2]]


def test_what_moves_without_a_turn_takes_its_box_along():
    table = Measured(True, True, True)
    table.bounds()
    table.tableau.origin[1] = -10, 0, 0
    table.move(1)
    assert table.corners() == ([-11, -1, -1], [98, 6, 5])
    table.enabled[0] = False
    table.note(0)
    table.tableau.origin[1] = -20, 0, 0
    table.move(1)
    assert table.corners() == ([-21, -1, -1], [1, 1, 1])
    assert table.measured == [[0, 1, 2]]


def test_a_new_block_is_added_to_the_boxes_of_the_others():
    table = Measured(True, False, False)
    assert table.corners() == ([94, 2, 3], [98, 6, 5])
    table.add(3, 1)
    assert table.corners() == ([-1, -1, -1], [98, 6, 5])
    assert table.measured == [[0], [3]]
    for row in (4, 5, 6):
        table.add(row, 0)
    assert table.corners() == ([-1, -1, -1], [98, 6, 5])
    assert table.measured[2:] == [[4, 5, 6]]


@pytest.mark.parametrize(("changes", "moves"), [(3, 1), (1, 3), (3, 3), (0, 3), (3, 0)])
def test_all_boxes_are_worked_out_where_more_has_happened_than_is_written_down(monkeypatch, changes, moves):
    monkeypatch.setattr(journal, "MAX_ENTRIES", 2)
    table = Measured(True, True, True)
    table.bounds()
    for _ in range(changes):
        table.note(0)
    for _ in range(moves):
        table.turn(2)
    table.tableau.origin[1] = -10, 0, 0
    assert table.corners() == ([-11, -1, -1], [98, 6, 5])
    assert table.measured[1:] == [[0, 1, 2]]


def test_a_box_without_end_is_no_box():
    table = Table(False, False, True)
    table.tableau.origin[1, 0] = np.inf
    assert table.bounds() is None


class Features(dict[str, Feature]):
    """Features by any names, none of which is built in."""

    def is_built_in(self, name: str) -> bool:
        return False


def frame_of(features, *tables: tuple[str, Table, int], guard=None):
    """The Frame block of features, for tables of a feature type with a block of so many bytes each."""
    members = [Member("low", 0, 12, "vec3"), Member("mark", 12, 4, "float")]
    made = {
        draws: SimpleNamespace(declaration=SimpleNamespace(draws=draws), bounds=table.bounds)
        for draws, table, _ in tables
    }
    layout = FrameLayout(("", Block(members, size)) for _, _, size in tables if size)
    tableau = tables[0][1].tableau
    tableau.structure_version = tableau.values_version = tableau.world_version = 0
    return FrameValues(Features(features), tableau, guard or refused).block(made, layout, (8, 8))


class Bounds(Feature):
    """A feature that requests for the bounds of another."""

    def __init__(self, requests: str, value: float = 0.0) -> None:
        self._requests = requests
        self._value = value

    def frame_values(self, frame):
        found = frame.bounds(self._requests)
        return {"low": found[0], "mark": self._value} if found is not None else {}


def refused(feature, error):
    raise AssertionError((feature, error))


@pytest.mark.parametrize(
    ("requests", "low"),
    [("visibleModel", [94, 2, 3]), ("shadowCaster", [9, 19, 29]), ("light", [0, 0, 0])],
)
def test_features_see_the_bounds_of_the_feature_they_name(requests, low):
    shadow, forward = Table(False, False, True), Table(True, False, False)
    data = frame_of({"one": Bounds(requests)}, ("shadowCaster", shadow, 16), ("visibleModel", forward, 32))
    assert len(data) == 16 + 32
    for start in (0, 16):  # where the blocks of both passes' shaders lie
        assert data[start:].view(np.float32)[:3].tolist() == low


def test_values_of_a_feature_that_raises_are_left_out_and_the_others_stay():
    class Wrong(Bounds):
        def frame_values(self, frame):
            return {"mark": 5.0, "low": [1] * 9}

    reported = []
    data = frame_of(
        {"a": Bounds("visibleModel", 7.0), "b": Wrong("")},
        ("visibleModel", Table(True, True, True), 16),
        guard=lambda feature, error: reported.append((type(feature), type(error))),
    )
    assert reported == [(Wrong, DeclarationError)]
    assert data.view(np.float32)[3] == 7.0


def test_without_a_frame_block_there_are_no_values():
    assert frame_of({}, ("visibleModel", Table(True, True, True), 0)) is None
