"""Claims about draws from back to front: every instance once, in order, with what its batch is drawn with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.graph import RasterState
from engine.math import orthographic_reversed, perspective_reversed
from engine.plan.terms.drawing import AlphaMode, CullMode
from engine.planning.draw import sorted_draws
from engine.planning.draw.draw_list import BATCH
from engine.planning.draw.eyes import Eye
from engine.planning.draw.instance_blocks import InstanceBlocks
from engine.planning.draw.shading import PipelineKey
from engine.planning.draw.sorted_draws import Parts, SortedDraws
from engine.tableau.journal import Journal

ORIGIN = np.array([1000.0, 0.0, -64.0])
EYE = Eye(ORIGIN, np.asarray(perspective_reversed(1.0, 1.0, 0.1), np.float64))


def key(topology: str = "TRIANGLE_LIST", *, double_sided: bool = False) -> PipelineKey:
    """The key of a pipeline for such meshes."""
    return PipelineKey(0, (), (), 0, topology, AlphaMode.BLEND, double_sided)


class World:
    """A draw table of random rows of four batches at random places; row r stands for object 100 + r."""

    def __init__(self, rows: int, seed: int, views: tuple[str, ...] = ("",)) -> None:
        rng = np.random.default_rng(seed)
        self.places = ORIGIN + rng.uniform(-50, 50, (rows, 3))
        self.batch = rng.integers(0, 4, rows)
        self.turned = rng.random(rows) < 0.3
        self.enabled = rng.random(rows) < 0.8
        self.batches = np.zeros(4, BATCH)
        self.batches["pipeline"] = (0, 0, 1, 1)
        self.batches["index_count"] = (3, 6, 9, 12)
        self.batches["ready"] = (True, True, True, False)
        blocks = InstanceBlocks()
        numbers = np.arange(rows)
        blocks.change(numbers[:0], numbers, self.batch.astype(np.int64), 4)
        self.moves = Journal()
        self.table: Any = SimpleNamespace(
            blocks=blocks,
            changes=Journal(),
            may_mirror=True,
            shown=lambda slots, view: self.enabled[blocks.rows.rows[slots]],
            declaration=SimpleNamespace(views=views, state=RasterState()),
            recipes=SimpleNamespace(pipelines=[key(), key()]),
            mirrored=lambda of: self.turned[of],
            material_rows_of=lambda of: of * 10,
            boxes=lambda slots: (self.places[blocks.rows.rows[slots]], None),
            feature=SimpleNamespace(object=np.arange(100, 100 + rows), rows_of=lambda objects: objects - 100),
            tableau=SimpleNamespace(moves=self.moves, rank=np.arange(100 + rows)),
            batches=np.zeros(4, [("family", "<i8"), ("rank", "<i8")]),
        )

    def expected(self, nearness: np.ndarray) -> list[int]:
        """The drawn rows, the farthest first."""
        rows = np.flatnonzero(self.enabled & self.batches["ready"][self.batch])
        return sorted(rows.tolist(), key=lambda row: nearness[row])

    def drawn(self, draws: SortedDraws, view: int = 0) -> list[int]:
        """The rows in the order in which the commands of a view's groups draw them, after checking each."""
        found: list[int] = []
        at = 0
        before = sum(draws.rows_in(other)[0] for other in range(view))
        commands = draws.commands[draws.of_view(view)]
        for group in draws.groups_in(view):
            assert (group.first, group.count > 0) == (at, True)
            at += group.count
            for command in commands[group.first : at]:
                first, count = int(command["first_instance"]), int(command["instance_count"])
                for number, (thing, material) in enumerate(draws.instances[first : first + count].tolist()):
                    row = thing - 100
                    batch = self.batch[row]
                    assert material == batch * 10
                    assert command["index_count"] == self.batches["index_count"][batch]
                    assert group.pipeline == self.batches["pipeline"][batch]
                    assert group.mirrored == self.turned[row]
                    assert first + number == before + len(found) - (group.culled == CullMode.BACK)
                    found += [row] if group.culled != CullMode.BACK else []
        assert at == len(commands)
        return found


@pytest.mark.parametrize("seed", range(8))
def test_every_enabled_instance_is_drawn_once_the_farthest_first(seed):
    world = World(200, seed)
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    assert draws.order([EYE]) is not None
    z = (world.places - ORIGIN)[:, 2]  # the eye looks along -Z
    behind = sum(z[row] >= 0 for row in world.expected(z))
    drawn, expected = world.drawn(draws), world.expected(np.where(z < 0, z, -np.inf))
    assert sorted(drawn[:behind]) == sorted(expected[:behind])
    assert drawn[behind:] == expected[behind:]
    assert draws.instance_count == len(world.expected(z))
    flat = Eye(ORIGIN, np.asarray(orthographic_reversed(-9, 9, -9, 9, -100, 100), np.float64))
    draws.order([flat])
    assert world.drawn(draws) == world.expected(z)
    draws.order([None])
    assert sorted(world.drawn(draws)) == sorted(world.expected(z))


@pytest.mark.parametrize("eye", [None, EYE])
def test_what_is_equally_near_is_in_an_order_that_what_was_drawn_before_has_no_part_in(eye):
    """By family, rank and place among siblings, also where a row has come to a slot of one that is gone."""
    world = World(60, 3)
    world.places[:] = ORIGIN - (0, 0, 9)
    world.enabled[:] = True
    world.table.batches["family"] = (7, 2, 2, 1)
    world.table.batches["rank"] = (0, 9, 4, 0)
    blocks, places = world.table.blocks, np.random.default_rng(1).permutation(60)
    world.table.tableau.rank[100:] = places
    rows = np.arange(60)
    wanted = [
        row for batch in (2, 1, 0) for row in sorted(rows[world.batch == batch], key=places.__getitem__)
    ]
    for _ in range(3):
        draws = SortedDraws(world.table)
        draws.update(world.batches)
        draws.order([eye])
        assert world.drawn(draws) == wanted
        gone = np.random.default_rng(4).permutation(60)[:30]
        for some in (gone, gone[::-1]):
            blocks.change(some, some[:0], some[:0], 4)
            for row in some:
                blocks.change(rows[:0], rows[row : row + 1], world.batch[row : row + 1].astype(np.int64), 4)


def test_nothing_is_written_where_neither_the_eye_nor_a_row_nor_its_place_has_changed():
    world = World(50, 1)
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    assert draws.order([EYE]) is not None
    assert draws.order([EYE]) is None
    assert draws.order([Eye(EYE.origin.copy(), EYE.matrix.copy())]) is None
    draws.update(world.batches, np.zeros(0, np.int64))
    assert draws.order([EYE]) is None
    draws.update(world.batches, np.array([2]))
    assert draws.order([EYE]) is not None
    world.moves.note(np.array([107], np.int32))
    assert draws.order([EYE]) is not None
    world.table.changes.note(np.array([0], np.int32))
    assert draws.order([EYE]) is not None
    assert draws.order([Eye(ORIGIN + 1.0, EYE.matrix)]) is not None
    assert draws.order([None]) is not None
    assert draws.order([None]) is None


def test_commands_are_recorded_again_only_where_the_calls_are_others():
    world = World(50, 2)
    world.batch[:] = 0
    world.turned[:] = False
    world.enabled[:] = True
    draws = SortedDraws(world.table)
    world.table.blocks = InstanceBlocks()
    numbers = np.arange(50)
    world.table.blocks.change(numbers[:0], numbers, np.zeros(50, np.int64), 1)
    draws.update(world.batches)
    assert draws.order([EYE]).regrouped
    assert not draws.order([Eye(ORIGIN + 5.0, EYE.matrix)]).regrouped, "one call, of other order"
    world.batches["ready"][0] = False
    draws.update(world.batches, np.array([0]))
    assert draws.order([EYE]).regrouped
    assert (draws.groups_in(0), draws.instance_count, draws.triangles) == ([], 0, 0)


def test_each_view_draws_the_farthest_from_its_own_eye_first():
    world = World(100, 4, ("", "other"))
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    x, z = (world.places - ORIGIN)[:, (0, 2)].T
    turned = np.array([(0, 0, -1, 0), (0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1)], np.float64)  # -X is ahead
    flat = np.asarray(orthographic_reversed(-9, 9, -9, 9, -100, 100), np.float64)
    along_z, along_x = Eye(ORIGIN, flat), Eye(ORIGIN, np.linalg.inv(turned) @ flat)
    assert draws.order([along_z, along_x]).regrouped
    other = world.expected(along_x.nearness(world.places))
    assert other in (world.expected(x), world.expected(-x))
    assert (world.drawn(draws, 0), world.drawn(draws, 1)) == (world.expected(z), other)
    assert draws.order([along_z, along_x]) is None
    assert draws.order([along_z, Eye(ORIGIN + 1.0, along_x.matrix)]) is not None


def sides(draws: SortedDraws) -> list[tuple[list[int], int]]:
    """The objects of each command, with what its group leaves out."""
    return [
        (draws.instances[command["first_instance"] :][: command["instance_count"], 0].tolist(), group.culled)
        for group in draws.groups_in(0)
        for command in draws.commands[group.first : group.first + group.count]
    ]


@pytest.mark.parametrize("seed", range(4))
def test_back_faces_of_an_instance_that_shows_both_sides_are_drawn_before_its_front_faces(seed):
    world = World(60, seed)
    world.table.recipes.pipelines[1] = key(double_sided=True)
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    flat = Eye(ORIGIN, np.asarray(orthographic_reversed(-9, 9, -9, 9, -100, 100), np.float64))
    draws.order([flat])
    expected = world.expected((world.places - ORIGIN)[:, 2])
    assert world.drawn(draws) == expected
    assert draws.instance_count == len(expected), "an instance that is drawn by two calls is one"
    apart = [100 + row for row in expected if world.batch[row] == 2]
    found = [(objects, culled) for objects, culled in sides(draws) if culled]
    assert found == [([one], side) for one in apart for side in (CullMode.FRONT, CullMode.BACK)]
    assert all(group.count == 1 for group in draws.groups_in(0) if group.culled)


def test_neighbours_of_a_batch_share_two_calls_where_too_many_show_both_sides(monkeypatch):
    world = World(60, 1)
    world.batch[:] = 2
    world.turned[:] = False
    world.enabled[:] = True
    world.table.recipes.pipelines[1] = key(double_sided=True)
    world.table.blocks = InstanceBlocks()
    numbers = np.arange(60)
    world.table.blocks.change(numbers[:0], numbers, np.full(60, 2, np.int64), 1)
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    for most, calls in ((60, 120), (59, 2)):
        monkeypatch.setattr(sorted_draws, "MOST_APART", most)
        draws.order([Eye(ORIGIN + most, EYE.matrix)])
        assert len(draws.groups_in(0)) == calls
        assert draws.instance_count == 60
    assert [(len(objects), side) for objects, side in sides(draws)] == [
        (60, CullMode.FRONT),
        (60, CullMode.BACK),
    ]


def test_lines_and_points_are_drawn_once_as_they_have_no_sides():
    world = World(60, 3)
    world.table.recipes.pipelines[:] = (
        key("LINE_LIST", double_sided=True),
        key("POINT_LIST", double_sided=True),
    )
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    draws.order([EYE])
    assert {culled for _, culled in sides(draws)} == {0}
    world.table.recipes.pipelines[:] = key("TRIANGLE_STRIP"), key("LINE_STRIP")
    world.table.declaration.state = RasterState(cull=CullMode.NONE)
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    draws.order([EYE])
    assert {group.culled != 0 for group in draws.groups_in(0) if group.pipeline == 0} == {True}
    assert {group.culled for group in draws.groups_in(0) if group.pipeline == 1} == {0}


def with_parts(draws: SortedDraws) -> list[int]:
    """The objects in the order in which they are drawn, and for parts of others -1 - their numbers."""
    found: list[int] = []
    between = draws.between(0)
    groups = draws.groups_in(0)
    for number in range(len(groups) + 1):
        found += [-1 - part for group, part in between if group == number]
        for command in (
            draws.commands[groups[number].first :][: groups[number].count] if number < len(groups) else ()
        ):
            if groups[number].culled != CullMode.BACK:
                found += draws.instances[command["first_instance"] :][: command["instance_count"], 0].tolist()
    return found


@pytest.mark.parametrize("seed", range(6))
def test_parts_of_other_passes_are_drawn_where_their_places_are(seed):
    world = World(80, seed)
    world.table.recipes.pipelines[1] = key(double_sided=bool(seed % 2))
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    places = ORIGIN + np.random.default_rng(100 + seed).uniform(-50, 50, (12, 3))
    parts = Parts(tuple(("smoke", number) for number in range(12)), places)
    flat = Eye(ORIGIN, np.asarray(orthographic_reversed(-9, 9, -9, 9, -100, 100), np.float64))
    draws.order([flat], None, parts)
    assert world.drawn(draws) == world.expected((world.places - ORIGIN)[:, 2])
    along = [(world.places[row][2], 100 + row) for row in world.expected(world.places[:, 2])]
    along += [(places[part][2], -1 - part) for part in range(12)]
    assert with_parts(draws) == [one for _, one in sorted(along)]
    draws.order([None], None, parts)
    assert with_parts(draws)[-12:] == [-1 - part for part in range(12)], "without an eye over all else"


def test_parts_cost_a_new_recording_only_where_they_change_places_with_what_is_drawn():
    world = World(40, 3)
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    flat = Eye(ORIGIN, np.asarray(orthographic_reversed(-9, 9, -9, 9, -100, 100), np.float64))

    def parts(depth: float, name: str = "smoke") -> Parts:
        return Parts(((name, 0),), ORIGIN + np.array([[0.0, 0.0, depth]]))

    first = parts(-1000.0)
    assert draws.order([flat], None, first).regrouped
    assert draws.order([flat], None, first) is None
    assert not draws.order([flat], None, parts(-999.0)).regrouped
    assert draws.order([flat], None, parts(1000.0)).regrouped
    assert draws.order([flat], None, parts(1000.0, "sparks")).regrouped, "another pass draws it"
    assert draws.order([flat]).regrouped
    assert draws.between(0) == ()


def test_parts_are_drawn_where_no_row_is():
    world = World(10, 1)
    world.enabled[:] = False
    draws = SortedDraws(world.table)
    draws.update(world.batches)
    draws.order(
        [EYE], None, Parts((("smoke", 0), ("smoke", 1)), ORIGIN - np.array([[0, 0, 1.0], [0, 0, 5.0]]))
    )
    assert (draws.groups_in(0), draws.between(0)) == ([], ((0, 1), (0, 0)))
