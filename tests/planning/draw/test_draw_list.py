"""Claims about draw lists: commands, groups and instances, and what a change of them writes."""

from __future__ import annotations

import random
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.draw_rows import NONE, Table
from support.sampling import amount

from engine.planning.draw import draw_list
from engine.planning.draw.draw_list import BATCH, MAX_RANGES, DrawList, _ranges
from engine.planning.draw.instance_blocks import BLOCK_ROWS, command_limit


def batches(*rows: tuple[int, int, int], ready: bool = True) -> np.ndarray:
    """Batches of (pipeline, descriptors, index_count), all in the same buffers."""
    result = np.zeros(len(rows), BATCH)
    for name, values in zip(("pipeline", "descriptors", "index_count"), zip(*rows, strict=True), strict=True):
        result[name] = values
    result["ready"] = ready
    return result


def listed(table: Table, bound: np.ndarray) -> DrawList:
    made = DrawList(table)  # type: ignore[arg-type]
    written = made.update(bound)
    assert written is not None
    assert (written.instances, written.commands, written.regrouped) == (None, None, True)
    return made


def drawn(made: DrawList) -> list[list[tuple[int, int]]]:
    """The instances (object, material row) of each command."""
    return [
        [tuple(pair) for pair in made.instances[row["first_instance"] :][: row["instance_count"]].tolist()]
        for row in made.commands
    ]


def test_rows_of_one_batch_become_one_command_with_many_instances():
    made = listed(Table(0, 0, 0, 0, 0), batches((0, 0, 36)))
    assert made.commands["index_count"].tolist() == [36]
    assert (made.triangles, made.instance_count) == (60, 5)
    assert drawn(made) == [[(100 + i, 0) for i in range(5)]]


def test_batches_of_one_pipeline_and_set_share_a_call():
    made = listed(Table(2, 0, 1, 2, families=(5, 7, 5)), batches((1, 0, 3), (0, 0, 6), (1, 0, 9)))
    assert [(g.pipeline, g.first, g.count) for g in made.groups] == [(1, 0, 2), (0, 2, 1)]
    assert made.commands["index_count"].tolist() == [3, 9, 6]
    assert drawn(made) == [[(101, 0)], [(100, 20), (103, 20)], [(102, 10)]]
    assert made.triangles == (6 + 3 + 9 * 2) // 3


@pytest.mark.parametrize("name", ["pipeline", "descriptors", "vertex_buffer", "index_buffer", "index_type"])
def test_batches_that_differ_in_anything_bound_are_drawn_by_calls_of_their_own(name):
    bound = batches((0, 0, 3), (0, 0, 3))
    bound[name][1] = 1
    assert [(g.first, g.count) for g in listed(Table(0, 1), bound).groups] == [(0, 1), (1, 1)]
    bound[name] = 1 << 30  # beyond what packs into one number
    bound["vertex_buffer"] += 1 << 29
    bound["index_buffer"] += 1 << 29
    bound[name][1] += 4
    assert [(g.first, g.count) for g in listed(Table(0, 1), bound).groups] == [(0, 1), (1, 1)]


def test_draws_are_in_the_order_of_families_then_handedness_then_ranks_whatever_is_bound():
    rng = np.random.default_rng(1)
    count = 200
    table = Table(*range(count), families=rng.integers(0, 4, count).tolist())
    table.batches["rank"] = rng.permutation(count)
    table.mirror(*range(0, count, 3), to=True)
    bound = batches(*[(0, 0, 1 + batch) for batch in range(count)])
    for name in ("descriptors", "vertex_buffer", "index_buffer"):
        bound[name] = rng.integers(0, 3, count)
    made = listed(table, bound)
    keys = [(table.batches["family"][b], b % 3 == 0, table.batches["rank"][b]) for b in range(count)]
    there = [int(row["index_count"]) - 1 for row in made.commands if row["instance_count"]]
    assert there == sorted(range(count), key=keys.__getitem__)
    for group in made.groups:
        of = made.commands[group.first : group.first + group.count]
        drawn_with = bound[of["index_count"][of["instance_count"] > 0].astype(int) - 1]
        for name in ("descriptors", "vertex_buffer", "index_buffer"):
            assert (drawn_with[name] == getattr(group, name)).all()


@settings(max_examples=amount(30, 300))
@given(st.data())
def test_draws_are_in_an_order_that_places_and_what_was_drawn_before_have_no_part_in(data):
    """The same batches by other numbers, bound to other sets and buffers, one by one behind those that go."""
    count = data.draw(st.integers(1, 8))
    family = data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    ranks = data.draw(st.permutations(range(100, 100 + count)))
    orders = []
    for gone in (0, data.draw(st.integers(1, 4))):
        numbers = data.draw(st.permutations(range(gone + count)))
        rows = [(0, 0, 3)] * (gone + count)
        table = Table(*numbers[count:])
        for batch, number in enumerate(numbers):
            rows[number] = (0, data.draw(st.integers(0, 2)), batch)
            table.batches["rank"][number] = ranks[batch] if batch < count else 50 + batch
            table.batches["family"][number] = family[batch] if batch < count else 0
        bound = batches(*rows)
        made = listed(table, bound)
        for batch in data.draw(st.permutations(range(count))):
            table.add(numbers[batch], len(rows))
            made.update(bound, NONE)
        table.remove(*range(gone))
        bound["descriptors"] = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
        made.update(bound, np.arange(len(rows)))
        orders.append([int(row["index_count"]) for row in made.commands if row["instance_count"]])
        assert orders[-1] == [
            int(row["index_count"])
            for group in made.groups
            for row in made.commands[group.first : group.first + group.count]
            if row["instance_count"]
        ]
        for group in made.groups:
            of = made.commands[group.first : group.first + group.count]
            there = [numbers[int(row["index_count"])] for row in of if row["instance_count"]]
            assert {int(bound["descriptors"][number]) for number in there} == {group.descriptors}
    assert orders[0] == orders[1]


@pytest.mark.parametrize(("most", "calls"), [(None, 1200), (1000, 8)])
def test_draws_are_gathered_only_where_they_make_too_many_calls(monkeypatch, most, calls):
    """1,200 batches of two families lie in four buffers in turn."""
    monkeypatch.setattr(draw_list, "MOST_GROUPS", most or 1200)
    count = 1200
    table = Table(*range(count), families=[batch // 600 for batch in range(count)])
    bound = batches(*[(0, 0, 1 + batch) for batch in range(count)])
    bound["vertex_buffer"] = np.arange(count) % 4
    made = listed(table, bound)
    assert len(made.groups) == calls
    there = (made.commands["index_count"] - 1).tolist()
    assert [batch // 600 for batch in there] == [0] * 600 + [1] * 600
    assert there == sorted(there) or most
    bound["vertex_buffer"][5] = 0
    assert made.update(bound, np.array([5])).regrouped
    assert len(made.groups) == calls - (0 if most else 1), "batches 4 and 5 share a call"
    table.add(count, count + 1)
    bound = np.append(bound, batches((0, 0, 1 + count)))
    assert made.update(bound, np.array([count])).regrouped
    assert (made.commands["index_count"] - 1).tolist().index(count) <= 600, "behind those of its family"
    bound["vertex_buffer"] = 0
    assert made.update(bound, np.arange(count + 1)).regrouped
    assert (made.commands["index_count"] - 1).tolist() == [*range(600), count, *range(600, count)]


@pytest.mark.parametrize("seed", range(amount(8, 200)))
def test_gathered_draws_that_followed_changes_make_the_calls_of_new_ones(seed):
    """One call has the draws of a family and a binding, in the order of names, whatever was done before."""
    chance = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draw_list, "MOST_GROUPS", 4)
        patch.setattr(draw_list, "FEW", 6)
        count = 60
        table = Table(*range(count), families=[batch // 20 for batch in range(count)])
        bound = batches(*[(0, 0, 1 + batch) for batch in range(count)])
        bound["vertex_buffer"] = [chance.randrange(4) for _ in range(count)]
        made = listed(table, bound)
        assert len(made.groups) > 4
        arranged = []
        patch.setattr(made, "_arrange", lambda ranges: arranged.append(0) or DrawList._arrange(made, ranges))
        for _ in range(12):
            rebound = np.unique([chance.randrange(count) for _ in range(chance.randrange(1, 6))])
            bound["vertex_buffer"][rebound] = [chance.randrange(5) for _ in rebound]
            bound["ready"][rebound] = [chance.random() < 0.9 for _ in rebound]
            made.update(bound, rebound)
            assert calls_of(made) == calls_of(listed(table, bound))
        assert not arranged


def calls_of(made: DrawList) -> list[tuple[object, ...]]:
    """What each family, of 20 batches, is drawn with in a call, and the draws with an instance, in order."""
    found = []
    for group in made.groups:
        part = made.commands[group.first : group.first + group.count]
        drawn = part["index_count"][part["instance_count"] > 0].tolist()
        bound = group.pipeline, group.descriptors, group.vertex_buffer, group.mirrored
        found += [(bound, family, list(of)) for family, of in groupby(drawn, lambda one: (one - 1) // 20)]
    return sorted(found)


def test_what_cannot_be_drawn_yet_and_what_is_gone_part_no_group():
    table = Table(0, 1, 2, 3)
    bound = batches((0, 0, 3), (0, 1, 3), (0, 0, 3), (0, 2, 3))
    bound["ready"][1] = False
    made = listed(table, bound)
    assert [(g.descriptors, g.first, g.count) for g in made.groups] == [(0, 0, 3), (2, 3, 1)]
    bound["ready"][1] = True
    assert made.update(bound, np.array([1])).regrouped
    assert [(g.descriptors, g.first, g.count) for g in made.groups] == [
        (0, 0, 1),
        (1, 1, 1),
        (0, 2, 1),
        (2, 3, 1),
    ]
    table.remove(1)
    assert made.update(bound, NONE).regrouped
    table.add(4, 5)
    bound = np.append(bound, batches((0, 2, 3)))
    assert made.update(bound, np.array([4])).regrouped
    assert [(g.descriptors, g.first, g.count) for g in made.groups] == [(0, 0, 3), (2, 3, 2)]


def test_batches_that_are_not_ready_are_not_drawn():
    bound = batches((0, 0, 3), (0, 0, 6))
    bound["ready"][0] = False
    made = listed(Table(0, 1, 0), bound)
    assert drawn(made) == [[], [(101, 10)]]
    bound["ready"] = True
    assert made.update(bound, np.array([0])) is not None
    assert drawn(made) == [[(100, 0), (102, 0)], [(101, 10)]]


def test_a_batch_that_is_withdrawn_and_returns_costs_its_command():
    bound = batches((0, 0, 3), (0, 0, 6), (1, 0, 9))
    made = listed(Table(0, 1, 2, 0), bound)
    before = drawn(made)
    there = bound[1].copy()
    bound[1] = (-1, -1, -1, -1, 0, 0, 0, 0, False)
    written = made.update(bound, np.array([1]))
    assert (written.commands.tolist(), written.regrouped) == ([[1, 2]], False)
    assert drawn(made) == [before[0], [], before[2]]
    assert [(group.pipeline, group.first, group.count) for group in made.groups] == [(0, 0, 2), (1, 2, 1)]
    bound[1] = there
    bound["first_index"][1] = 7
    written = made.update(bound, np.array([1]))
    assert (written.commands.tolist(), written.regrouped) == ([[1, 2]], False)
    assert drawn(made) == before
    assert made.commands["first_index"].tolist() == [0, 7, 0]
    bound["pipeline"][1] = 1
    assert made.update(bound, np.array([1])).regrouped
    assert [(group.pipeline, group.count) for group in made.groups] == [(0, 1), (1, 2)]
    bound["ready"][0] = False
    assert made.update(bound, np.array([0])).regrouped
    assert [group.pipeline for group in made.groups] == [1]


def test_without_rows_the_list_is_empty():
    made = listed(Table(), batches((0, 0, 3)))
    assert (made.groups, len(made.commands), made.triangles) == ([], 0, 0)


def test_a_row_that_is_disabled_costs_its_block_and_its_command():
    table, bound = Table(*[0] * (BLOCK_ROWS + 5), 1), batches((0, 0, 3), (0, 0, 3))
    made = listed(table, bound)
    assert [len(each) for each in drawn(made)] == [BLOCK_ROWS, 5, 1]
    table.enable(BLOCK_ROWS + 1, to=False)
    written = made.update(bound, NONE)
    assert written is not None
    assert written.instances.tolist() == [[BLOCK_ROWS, BLOCK_ROWS + 4]]
    assert (written.commands.tolist(), written.regrouped) == ([[1, 2]], False)
    assert drawn(made)[1] == [(100 + BLOCK_ROWS + i, 0) for i in (0, 2, 3, 4)]
    assert made.update(bound, NONE) is None


def test_a_group_is_left_out_once_none_of_its_rows_is_enabled_and_returns_with_the_first():
    table, bound = Table(0, 1, 1), batches((0, 0, 3), (1, 0, 3))
    made = listed(table, bound)
    table.enable(2, to=False)
    assert not made.update(bound, NONE).regrouped
    table.enable(1, to=False)
    assert made.update(bound, NONE).regrouped
    assert [group.pipeline for group in made.groups] == [0]
    table.enable(2, to=True)
    assert made.update(bound, NONE).regrouped
    assert [group.pipeline for group in made.groups] == [0, 1]
    assert drawn(made) == [[(100, 0)], [(102, 10)]]


def test_mirrored_rows_of_a_block_are_drawn_by_a_call_of_their_own():
    table = Table(0, 0, 0, 1, 0, families=(0, 1))
    table.mirror(1, 4, to=True)
    made = listed(table, batches((0, 0, 3), (1, 0, 6)))
    assert [(g.pipeline, g.mirrored, g.first, g.count) for g in made.groups] == [
        (0, False, 0, 1),
        (0, True, 1, 1),
        (1, False, 2, 1),
    ]
    assert drawn(made) == [[(100, 0), (102, 0)], [(101, 0), (104, 0)], [(103, 10)]]
    assert (made.instance_count, made.triangles) == (5, 6)


def test_a_row_that_is_mirrored_costs_its_block_and_its_commands():
    table, bound = Table(*[0] * (BLOCK_ROWS + 5), 1), batches((0, 0, 3), (0, 0, 3))
    made = listed(table, bound)
    table.mirror(BLOCK_ROWS + 1, to=True)
    assert made.update(bound, NONE).regrouped  # the first of its block
    assert [len(each) for each in drawn(made)] == [BLOCK_ROWS, 4, 1, 1]
    table.mirror(BLOCK_ROWS + 3, to=True)
    written = made.update(bound, NONE)
    assert written.instances.tolist() == [[BLOCK_ROWS, BLOCK_ROWS + 5]]
    assert (written.commands.tolist(), written.regrouped) == ([[1, 2], [3, 4]], False)
    assert drawn(made)[1] == [(100 + BLOCK_ROWS + i, 0) for i in (0, 2, 4)]
    assert drawn(made)[3] == [(100 + BLOCK_ROWS + i, 0) for i in (1, 3)]
    table.mirror(BLOCK_ROWS + 1, BLOCK_ROWS + 3, to=False)
    assert made.update(bound, NONE).regrouped
    assert not any(group.mirrored for group in made.groups)
    assert [len(each) for each in drawn(made)] == [BLOCK_ROWS, 5, 1, 0]


def test_blocks_of_a_batch_keep_their_order_whichever_has_mirrored_rows_first():
    table, bound = Table(*[0] * (2 * BLOCK_ROWS)), batches((0, 0, 3))
    made = listed(table, bound)
    for row in (BLOCK_ROWS, 0):
        table.mirror(row, to=True)
        made.update(bound, NONE)
    assert drawn(made)[2:] == [[(100, 0)], [(100 + BLOCK_ROWS, 0)]]


@settings(max_examples=amount(30, 300))
@given(st.data())
def test_a_list_that_followed_changes_draws_what_a_new_one_draws_in_its_order(data):
    count = data.draw(st.integers(1, 12))
    table = Table(*data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    views = data.draw(st.integers(1, 2))
    bound = batches((0, 0, 3), (1, 0, 3), (0, 0, 6))
    made = DrawList(table, views)  # type: ignore[arg-type]
    made.update(bound)
    for _ in range(6):
        rows = st.lists(st.integers(0, len(table.enabled) - 1), min_size=1, max_size=4)
        change = data.draw(st.sampled_from((table.enable, table.mirror, table.add, None)))
        rebound = NONE
        if change is not None and change != table.add:
            change(*data.draw(rows), to=data.draw(st.booleans()))
        elif change is not None:
            batch = data.draw(st.integers(0, len(bound)))
            if batch == len(bound):
                bound = np.append(bound, batches((data.draw(st.integers(0, 2)), 0, 3)))
                bound["ready"][batch] = data.draw(st.booleans())
                rebound = np.array([batch])
            table.add(batch, len(bound))
        else:
            rebound = np.array(sorted(data.draw(st.sets(st.integers(0, len(bound) - 1)))), np.int64)
            bound["ready"][rebound] = data.draw(st.booleans())
            bound["pipeline"][rebound] = data.draw(st.integers(0, 2))
        made.update(bound, rebound)
        other = DrawList(table, views)  # type: ignore[arg-type]
        other.update(bound)
        for view in range(views):
            ours, theirs = shown(made, view), shown(other, view)
            assert sorted(ours) == sorted(theirs)
            assert ours == theirs
        assert made.largest == other.largest
        assert all(command["instance_count"] <= len(table.enabled) for command in made.commands)
        assert len(made.commands) <= views * command_limit(len(table.enabled), len(bound))


def shown(made: DrawList, view: int) -> list[tuple[int, bool, tuple[tuple[int, int], ...]]]:
    """The pipeline, the handedness and the instances of each command of a group, without empty ones."""
    lists = drawn(made)[made.of_view(view)]
    return [
        (group.pipeline, group.mirrored, tuple(each))
        for group in made.groups
        for each in lists[group.first : group.first + group.count]
        if each
    ]


def test_many_changes_are_written_whole():
    count = 2 * MAX_RANGES + 2
    table, bound = Table(*range(count)), batches(*[(0, 0, 3)] * count)
    made = listed(table, bound)
    table.enable(*range(0, count, 2), to=False)
    written = made.update(bound, NONE)
    assert written.commands is None
    assert drawn(made) == [[] if i % 2 == 0 else [(100 + i, i * 10)] for i in range(count)]


def test_ranges_are_listed_without_empty_ones_while_they_are_few():
    first = np.arange(MAX_RANGES + 2) * 10
    assert _ranges(first[:3], first[:3] + np.array((3, 0, 1))).tolist() == [[0, 3], [20, 21]]
    last = first + 1
    last[5] = first[5]
    assert _ranges(first, last) is None
    last[7] = first[7]
    assert len(_ranges(first, last)) == MAX_RANGES


def seen(made: DrawList, view: int) -> list[int]:
    """How many instances each command of a view draws."""
    return made.commands["instance_count"][made.of_view(view)].tolist()


def test_each_view_draws_the_blocks_that_it_sees_and_groups_stay():
    table, bound = Table(0, 0, 1, 2, 2), batches((0, 0, 3), (0, 0, 6), (1, 0, 9))
    made = DrawList(table, 2)  # type: ignore[arg-type]
    made.update(bound)
    assert (made.largest, len(made.commands)) == ((3 * 2 + 6 + 9 * 2) // 3, 6)
    groups = made.groups
    written = made.cull(np.array([(True, False, True), (False, True, True)]), [0, 1])
    assert (seen(made, 0), seen(made, 1)) == ([2, 0, 2], [0, 1, 2])
    assert (written.instances.tolist(), written.commands.tolist()) == ([], [[1, 2], [3, 4]])
    assert not written.regrouped
    assert made.groups == groups
    assert (made.rows_in(0), made.rows_in(1)) == ((4, 5), (3, 5))
    assert made.cull(np.array([(True, False, True), (False, True, True)]), [0, 1]) is None
    table.enable(4, to=False)
    written = made.update(bound, NONE)
    assert written.commands.tolist() == [[2, 3], [5, 6]]
    assert (seen(made, 0), seen(made, 1)) == ([2, 0, 1], [0, 1, 1]), "what is not seen stays so"
    written = made.cull(np.array([(False, False, False), (False, True, True)]), [0])
    assert written.commands.tolist() == [[0, 3]]
    assert made.groups == groups, "a view that sees nothing records nothing again"
    written = made.cull(None, [0, 1])
    assert (seen(made, 0), seen(made, 1)) == ([2, 1, 1], [2, 1, 1])


def test_a_view_that_begins_to_see_many_blocks_is_written_in_one_range():
    count = 32
    made = DrawList(Table(*range(count)), 1)  # type: ignore[arg-type]
    made.update(batches(*[(0, 0, 3)] * count))
    visible = np.arange(count)[None] % 2 == 0
    assert made.cull(visible, [0]).commands.tolist() == [[1, count]]
    assert seen(made, 0) == [1, 0] * (count // 2)
    visible = np.arange(count)[None] < count // 2
    assert made.cull(visible, [0]).commands.tolist() == [[1, count - 1]]


def test_new_blocks_are_drawn_until_it_is_known_whether_they_are_seen():
    table, bound = Table(0, 1), batches((0, 0, 3), (0, 0, 3), (0, 0, 3))
    made = listed(table, bound)
    made.cull(np.array([(False, False)]), [0])
    table.enabled, table.turned = np.ones(3, bool), np.zeros(3, bool)
    table.feature.object = np.arange(100, 103)
    changed = table.blocks.change(NONE, np.array([2]), np.array([2]), 3)
    table.changes.note(changed.astype(np.int32))
    made.update(bound, NONE)
    assert seen(made, 0) == [0, 0, 1]


def test_views_that_choose_levels_have_lists_of_instances_of_their_own():
    """Rows 0 to 3 have two levels, of batches 0 and 1: two instances each, of which a view draws one."""
    table, bound = Table(0, 0, 0, 0), batches((0, 0, 3), (0, 0, 6))
    rows = np.arange(4)
    table.blocks.change(rows, np.repeat(rows, 2), np.tile((0, 1), 4), 2)
    coarse = np.array([(False, True, True, False), (True, True, False, False)])
    batch = table.blocks.blocks.rows["batch"]

    def shown(slots: np.ndarray, view: int) -> np.ndarray:
        of = table.blocks.rows.rows[slots]
        is_coarse = batch[table.blocks.block_of.rows[slots]] == 1
        return table.drawn(of) & (coarse[view, of] == is_coarse)

    table.shown, table.levels.lists = shown, 2
    made = DrawList(table, 2)  # type: ignore[arg-type]
    made.update(bound)

    def of(view: int) -> list[list[int]]:
        commands = made.commands[made.of_view(view)]
        return [
            made.instances[row["first_instance"] :][: row["instance_count"], 0].tolist() for row in commands
        ]

    assert (of(0), of(1)) == ([[100, 103], [101, 102]], [[102, 103], [100, 101]])
    assert made.groups_in(0) == made.groups_in(1)
    assert (made.rows_in(0), made.rows_in(1)) == ((4, 4), (4, 4))
    coarse[1, 2] = True
    table.changes.note(table.blocks.blocks_of(np.array([2])).astype(np.int32))
    written = made.update(bound, NONE)
    assert (of(0), of(1)) == ([[100, 103], [101, 102]], [[103], [100, 101, 102]])
    assert not written.regrouped
    table.mirror(2, 3, to=True)
    made.update(bound, NONE)
    assert (of(0), of(1)) == ([[100], [101], [103], [102]], [[], [100, 101], [103], [102]])
    table.levels.lists = 1
    made.update(bound, NONE)
    assert of(0) == of(1) == [[100], [101], [103], [102]], "they share one list again"
