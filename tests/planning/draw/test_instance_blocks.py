"""Claims about slots and blocks of instances: what is reused, what grows, and what a change touches."""

from __future__ import annotations

import numpy as np
import pytest

from engine.planning.draw.instance_blocks import (
    BLOCK_ROWS,
    BLOCK_TRIANGLES,
    InstanceBlocks,
    block_limit,
    block_rows,
    slot_limit,
)

NONE = np.zeros(0, np.int32)


def change(blocks: InstanceBlocks, gone=(), added=(), count: int = 4) -> list[int]:
    """Remove rows, and add pairs (row, batch); the blocks that changed."""
    pairs = np.array(list(added), np.int64).reshape(-1, 2)
    return blocks.change(np.array(list(gone), np.int32), pairs[:, 0], pairs[:, 1], count).tolist()


def filled(*batches: int) -> InstanceBlocks:
    """Row i draws the i-th batch."""
    blocks = InstanceBlocks()
    change(blocks, added=enumerate(batches), count=len(set(batches)))
    return blocks


def rows(blocks: InstanceBlocks) -> list[list[int]]:
    """The rows in the slots of each block, -1 where a slot is free."""
    return [
        blocks.rows.rows[block["first"] : block["first"] + block["capacity"]].tolist()
        for block in blocks.blocks.rows
    ]


def sizes(blocks: InstanceBlocks) -> list[tuple[int, int, int, int]]:
    return [tuple(map(int, block)) for block in blocks.blocks.rows]


@pytest.mark.parametrize(
    ("count", "limit"), [(0, 16), (16, 16), (17, 32), (31, 32), (32, 64), (62, 64), (63, 64), (64, 128)]
)
def test_instances_may_take_a_power_of_two_of_slots_with_room_for_a_thirty_second_more(count, limit):
    assert slot_limit(count) == limit


@pytest.mark.parametrize(
    ("count", "batches", "limit"),
    [
        (0, 0, 8),
        (0, 9, 16),
        (BLOCK_ROWS - 1, 16, 16),
        (BLOCK_ROWS, 16, 32),
        (BLOCK_ROWS, 15, 16),
        (2 * BLOCK_ROWS, 15, 32),
        (0, 31, 32),
        (0, 32, 64),
    ],
)
def test_there_may_be_a_block_for_each_batch_and_one_for_each_full_one(count, batches, limit):
    assert block_limit(count, batches) == limit


def test_rows_of_a_batch_stand_in_one_block_of_as_many_slots():
    blocks = filled(1, 0, 1, 1)
    assert rows(blocks) == [[1], [0, 2, 3]]
    assert sizes(blocks) == [(0, 0, 1, 1), (1, 1, 3, 3)]
    assert blocks.block_of.rows.tolist() == [0, 1, 1, 1]
    assert blocks.count == 4


@pytest.mark.parametrize("more", [0, 1, 5])
def test_a_batch_has_full_blocks_and_one_for_the_rest(more):
    blocks = filled(*[0] * (2 * BLOCK_ROWS + more), 1)
    rest = [more] if more else []
    assert blocks.blocks.rows["capacity"].tolist() == [BLOCK_ROWS, BLOCK_ROWS, *rest, 1]
    assert blocks.blocks.rows["batch"].tolist() == [0, 0, *[0] * len(rest), 1]
    assert blocks.blocks.rows["first"][-1] == 2 * BLOCK_ROWS + more


def test_a_batch_that_grows_gets_a_block_as_large_as_all_it_had():
    blocks = filled(0, 0, 0, 1)
    assert change(blocks, added=[(4, 0)]) == [2]
    assert rows(blocks) == [[0, 1, 2], [3], [4, -1, -1]]
    assert sizes(blocks) == [(0, 0, 3, 3), (1, 3, 1, 1), (0, 4, 3, 1)]
    assert change(blocks, added=[(5, 0), (6, 0)]) == [2]
    assert change(blocks, added=[(7, 0)]) == [3]
    assert blocks.blocks.rows["capacity"].tolist() == [3, 1, 3, 6]
    large = filled(*[0] * (2 * BLOCK_ROWS + 8))
    change(large, added=[(5000, 0)])
    assert large.blocks.rows["capacity"].tolist() == [BLOCK_ROWS, BLOCK_ROWS, 8, BLOCK_ROWS]


def test_more_new_rows_than_a_batch_had_get_as_many_slots():
    blocks = filled(0, 0)
    change(blocks, added=[(row, 0) for row in range(2, 9)])
    assert rows(blocks) == [[0, 1], list(range(2, 9))]


def test_new_rows_take_the_free_slots_of_their_batch_first_and_the_lowest_of_them():
    blocks = filled(0, 0, 0, 1, 1, 1)
    assert change(blocks, gone=[0, 2, 4]) == [0, 1]
    assert rows(blocks) == [[-1, 1, -1], [3, -1, 5]]
    assert blocks.blocks.rows["used"].tolist() == [1, 2]
    assert blocks.count == 3
    assert change(blocks, added=[(7, 0)]) == [0]
    assert rows(blocks) == [[7, 1, -1], [3, -1, 5]]
    assert change(blocks, added=[(8, 1), (9, 0), (2, 0), (6, 1)]) == [0, 1, 2, 3]
    assert rows(blocks) == [[7, 1, 9], [3, 8, 5], [2, -1, -1], [6, -1, -1]]
    assert blocks.count == 8


def test_a_new_batch_between_others_gets_a_block_of_its_own():
    blocks = filled(0, 0, 2, 2)
    change(blocks, gone=[1, 3])
    assert change(blocks, added=[(4, 1), (5, 2), (6, 3)]) == [1, 2, 3]
    assert rows(blocks) == [[0, -1], [2, 5], [4], [6]]
    assert blocks.blocks.rows["batch"].tolist() == [0, 2, 1, 3]


def test_a_row_with_several_batches_has_a_slot_in_each():
    blocks = InstanceBlocks()
    change(blocks, added=[(0, 0), (0, 1), (1, 1), (3, 0), (3, 1), (3, 2)])
    assert rows(blocks) == [[0, 3], [0, 1, 3], [3]]
    assert sorted(blocks.slots_of(np.array([3])).tolist()) == [1, 4, 5]
    assert blocks.blocks_of(np.array([3])).tolist() == [0, 1, 2]
    assert blocks.blocks_of(np.array([1])).tolist() == [1]
    assert blocks.blocks_of(np.array([2])).tolist() == []
    assert blocks.slots_of(np.array([2, 4, 1000])).tolist() == []
    found, batches = blocks.pairs()
    assert list(zip(found.tolist(), batches.tolist(), strict=True)) == [
        (0, 0),
        (3, 0),
        (0, 1),
        (1, 1),
        (3, 1),
        (3, 2),
    ]
    assert change(blocks, gone=[3, 4, 1000]) == [0, 1, 2]
    assert rows(blocks) == [[0, -1], [0, 1, -1], [-1]]
    assert blocks.slots_of(np.array([3])).tolist() == []


def test_a_row_keeps_its_slots_when_others_with_more_batches_come():
    blocks = filled(0, 1)
    change(blocks, added=[(40, 0), (40, 1), (40, 2)])
    assert blocks.slots_of(np.array([0])).tolist() == [0]
    assert blocks.slots_of(np.array([1])).tolist() == [1]
    assert sorted(blocks.slots_of(np.array([40])).tolist()) == [2, 3, 4]


def test_a_row_can_leave_and_come_back_with_another_batch_in_one_change():
    blocks = filled(0, 0, 1)
    assert change(blocks, gone=[1], added=[(1, 1)]) == [0, 2]
    assert rows(blocks) == [[0, -1], [2], [1]]
    assert blocks.count == 3


def test_slots_of_blocks_are_listed_block_after_block():
    blocks = filled(0, 0, 1, 2, 2, 2)
    slots, starts = blocks.spans(np.array([2, 0]))
    assert (slots.tolist(), starts.tolist()) == ([3, 4, 5, 0, 1], [0, 3])
    slots, starts = blocks.spans(NONE)
    assert (slots.tolist(), starts.tolist()) == ([], [])


def test_a_change_of_nothing_touches_no_block():
    blocks = filled(0, 1)
    assert change(blocks) == []
    assert change(blocks, gone=[7]) == []
    assert (blocks.layout, blocks.count) == (0, 2)


@pytest.mark.parametrize(("gone", "again"), [(32, False), (33, True)])
def test_all_rows_get_new_slots_once_too_many_are_free(gone, again):
    """64 slots are not too many for 32 rows, but for 31."""
    blocks = filled(*[1] * 40, *[0] * 24)
    assert slot_limit(64 - gone) == (32 if again else 64)
    changed = change(blocks, gone=range(gone), count=2)
    assert blocks.layout == int(again)
    assert blocks.count == 64 - gone
    left = list(range(gone, 40))
    if again:
        assert changed == [0, 1]
        assert rows(blocks) == [list(range(40, 64)), left]
        assert blocks.slots_of(np.array([39])).tolist() == [30]
        assert blocks.slots_of(np.array([0])).tolist() == []
        assert change(blocks, gone=range(64), count=0) == []
        assert (blocks.count, blocks.layout, len(blocks.rows), len(blocks.blocks)) == (0, 2, 0, 0)
    else:
        assert changed == [1]
        assert rows(blocks) == [list(range(40, 64)), [-1] * gone + left]


def test_all_rows_get_new_slots_once_there_are_too_many_blocks():
    assert filled(*range(16)).layout == 0
    blocks = filled(*range(17))
    assert (len(blocks.blocks), blocks.layout) == (17, 0)
    assert change(blocks, gone=[0], added=[(0, 1)], count=17) == [0, 17]
    assert blocks.layout == 0
    assert change(blocks, gone=[2], count=16) == list(range(15))
    assert blocks.layout == 1
    assert rows(blocks) == [[0, 1], *([row] for row in range(3, 17))]


@pytest.mark.parametrize("seed", range(3))
def test_changed_blocks_hold_the_pairs_that_remain_and_no_others(seed):
    rng, blocks, known = np.random.default_rng(seed), InstanceBlocks(), {}
    for _ in range(25):
        gone = [row for row in known if rng.random() < 0.2]
        for row in gone:
            del known[row]
        new = rng.choice(120, int(rng.integers(0, 40)), replace=False)
        new = sorted(row for row in new.tolist() if row not in known)
        for row in new:
            known[row] = sorted(rng.choice(9, int(rng.integers(1, 4)), replace=False).tolist())
        layout, before = blocks.layout, rows(blocks)
        used = {batch for batches in known.values() for batch in batches}
        pairs = [(row, batch) for row in new for batch in known[row]]
        changed = change(blocks, gone, pairs, len(used))
        found, batches = blocks.pairs()
        have = sorted(zip(found.tolist(), batches.tolist(), strict=True))
        assert have == sorted((row, batch) for row, batches in known.items() for batch in batches)
        after = rows(blocks)
        assert blocks.count == len(have) == sum(row >= 0 for block in after for row in block)
        assert blocks.blocks.rows["used"].tolist() == [sum(r >= 0 for r in block) for block in after]
        if layout == blocks.layout:
            differ = [i for i, block in enumerate(after) if before[i : i + 1] != [block]]
            assert set(differ) <= set(changed)
            assert changed == sorted(set(changed))
        assert len(blocks.rows) <= slot_limit(blocks.count)
        assert len(blocks.blocks) <= block_limit(blocks.count, len(used))


def test_large_meshes_have_small_blocks():
    triangles = np.array([0, 12, BLOCK_TRIANGLES // BLOCK_ROWS, 500, BLOCK_TRIANGLES, 10**6])
    assert block_rows(triangles).tolist() == [BLOCK_ROWS, BLOCK_ROWS, BLOCK_ROWS, 4, 1, 1]
    sizes = np.array([64, 4, 1])
    blocks = InstanceBlocks(sizes=lambda batches: sizes[batches])
    added = [(row, row % 3) for row in range(30)]
    change(blocks, added=added, count=3)
    assert blocks.blocks.rows["capacity"].tolist() == [10, 4, 4, 2, *[1] * 10]
    assert blocks.weight == 10 + 10 * 16 + 10 * 64
    assert len(blocks.blocks) <= block_limit(blocks.weight, 3)
    change(blocks, gone=range(0, 30, 3), count=2)
    change(blocks, gone=range(1, 30, 3), count=1)
    assert blocks.weight == 10 * 64


def test_rows_that_come_together_stand_near_each_other_also_when_all_are_laid_out_again():
    places = np.random.default_rng(1).permutation(np.arange(8 * BLOCK_ROWS)).astype(np.float64)
    blocks = InstanceBlocks(lambda rows: np.stack((places[rows], 0 * rows, 0 * rows), axis=1))
    change(blocks, added=[(row, 0) for row in range(len(places))], count=1)
    assert [int(np.ptp(places[np.array(block)])) for block in rows(blocks)] == [BLOCK_ROWS - 1] * 8
    far = np.flatnonzero(places >= 3 * BLOCK_ROWS)
    assert (change(blocks, gone=far, count=1), blocks.layout) == ([0, 1, 2], 1)
    assert [int(np.ptp(places[np.array(block)])) for block in rows(blocks)] == [BLOCK_ROWS - 1] * 3
