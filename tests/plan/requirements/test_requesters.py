"""The columns of requesters say what each of them would say of itself."""

from __future__ import annotations

import numpy as np

from engine.plan.requirements.requesters import NO_OBJECT, Requester, RequesterTable


def test_columns_hold_features_and_objects_of_all_requesters() -> None:
    table = RequesterTable()
    table.add("frame camera")
    one, two = table.add("light", "sun"), table.add("shadowCaster", "sun")
    block = table.add_block("light", np.array([4, 9]), lambda index: Requester("light", f"object {index}"))
    group = table.add_group("light", 30)
    columns = table.columns
    assert [columns.features[number] for number in columns.feature] == [
        table[index].feature for index in range(len(table))
    ]
    assert columns.object[one] == columns.object[two] < NO_OBJECT
    assert columns.object[block : block + 2].tolist() == [4, 9]
    assert columns.object[[0, group]].tolist() == [NO_OBJECT, NO_OBJECT]
    assert columns.objects.tolist() == [1, 1, 1, 1, 1, 30]


def test_columns_follow_later_additions() -> None:
    table = RequesterTable()
    assert len(table.columns.feature) == 0
    table.add_block("mesh", np.arange(3), lambda index: Requester("mesh", str(index)))
    assert table.columns.object.tolist() == [0, 1, 2]
    assert table.columns is table.columns
