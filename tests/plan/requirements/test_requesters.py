"""The columns of requesters say what each of them would say of itself."""

from __future__ import annotations

import numpy as np
from support.plans import group_of

from engine.plan.requirements.requesters import (
    FORGOTTEN_GROUPS,
    KNOWN_GROUPS,
    NO_OBJECT,
    Requester,
    RequesterTable,
)


def test_columns_hold_features_and_objects_of_all_requesters() -> None:
    table = RequesterTable()
    table.add("frame camera")
    one, two = table.add("light", "sun"), table.add("shadowCaster", "sun")
    block = table.add_block("light", np.array([4, 9]), lambda index: Requester("light", f"object {index}"))
    group = table.add_group(group_of("light", 30))
    columns = table.columns
    assert [columns.features[number] for number in columns.feature] == [
        table[index].feature for index in range(len(table))
    ]
    assert columns.object[one] == columns.object[two] < NO_OBJECT
    assert columns.object[block : block + 2].tolist() == [4, 9]
    assert columns.object[[0, group]].tolist() == [NO_OBJECT, NO_OBJECT]
    assert columns.objects.tolist() == [1, 1, 1, 1, 1, 30]
    assert columns.group.tolist() == [False] * 5 + [True]


def test_the_members_of_the_groups_that_were_used_last_are_known() -> None:
    table = RequesterTable()
    others = [table.add_group(group_of("model", 5)), table.add_group(group_of("light", 6), "chosen")]
    groups = [group_of("light", count) for count in range(1, KNOWN_GROUPS + 2)]
    ids = [table.add_group(groups[0])]
    for group in groups[1:]:
        table.use_group(ids[0])
        ids.append(table.add_group(group))
    assert table.group(ids[1]) is None, "longest not used"
    assert [table.group(ident) for ident in (ids[0], *ids[2:])] == [groups[0], *groups[2:]]
    assert [table[ident].more for ident in ids] == list(range(1, KNOWN_GROUPS + 2))
    assert table.columns.group.all()
    assert None not in [table.group(ident) for ident in others], "other kinds take nobody's place"


def test_columns_follow_later_additions() -> None:
    table = RequesterTable()
    assert len(table.columns.feature) == 0
    table.add_block("mesh", np.arange(3), lambda index: Requester("mesh", str(index)))
    assert table.columns.object.tolist() == [0, 1, 2]
    assert table.columns is table.columns


def test_groups_of_a_scene_that_is_switched_for_hours_take_bounded_memory() -> None:
    table = RequesterTable()
    for _ in range(20):
        for count in (20, 21, 22):
            for _ in range(100):
                last = table.add_group(group_of("light", count))
                assert table[last].more == count
                assert table.group(last) is not None
    assert len(table) <= FORGOTTEN_GROUPS + 3 * 100 + KNOWN_GROUPS
