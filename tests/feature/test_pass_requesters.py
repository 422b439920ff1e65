"""Claims about the requesters of passes: named rows, groups that are found again, the work for a change."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scenes import ROOT

from engine.feature.pass_requesters import PASS_REQUESTERS, RECENT_GROUPS, PassRequesters
from engine.graph import DrawPass
from engine.plan.requirements.requesters import KNOWN_GROUPS, RequesterTable
from engine.scene import Scene, load_scene
from engine.tableau import Tableau

FORWARD = DrawPass("forward", draws="visibleModel")


@pytest.fixture
def cube(root: Path) -> Scene:
    return load_scene(root / "scenes/cube.hu")


@pytest.mark.parametrize("more", [0, 1, 3])
def test_a_pass_names_some_requesters_and_counts_the_rest(cube, more):
    scene = cube
    tableau, table = scene.tableau, RequesterTable()
    there = len(tableau.tables["visibleModel"].rows_active())
    for index in range(PASS_REQUESTERS - there + more):
        tableau.add_object(f"another{index}", features={"visibleModel": {}})
    names = [str(table[i]) for i in PassRequesters(tableau, table).of(FORWARD, ["visibleModel"])]
    assert len(names) == PASS_REQUESTERS + bool(more)
    rest = {0: [], 1: ["visibleModel on 1 more object"], 3: ["visibleModel on 3 more objects"]}
    assert names[PASS_REQUESTERS:] == rest[more]
    assert len(names[PASS_REQUESTERS:]) == bool(more)


def test_the_members_of_a_group_stay_known_while_other_groups_come_and_go(cube):
    scene = cube
    tableau, table = scene.tableau, RequesterTable()
    for index in range(2 * PASS_REQUESTERS):
        tableau.add_object(f"another{index}", features={"visibleModel": {}, "shadowCaster": {}})
    count = len(tableau.tables["visibleModel"].rows_active()) - PASS_REQUESTERS
    requesters = PassRequesters(tableau, table)
    for index in range(PASS_REQUESTERS):
        tableau[f"another{index}"].shadowCaster.active = False
        ids = requesters.of(FORWARD, ["visibleModel", "shadowCaster"])
        groups = [table.group(one) for one in ids if table.columns.group[one]]
        assert None not in groups
        models = next(group for group in groups if group.feature == "visibleModel")
        assert len(models.objects) == count
        paths = {models.describe(at).object_path for at in range(count)}
        assert len(paths) == count
        assert "(removed)" not in paths


def test_a_pass_that_no_feature_takes_part_in_is_requested_by_the_frame(cube):
    scene = cube
    table = RequesterTable()
    (requester,) = PassRequesters(scene.tableau, table).of(DrawPass("post", draws="none"), [])
    assert "frame post" in str(table[requester])


def models(tableau: Tableau, table: RequesterTable, of: PassRequesters) -> tuple[list[int], int | None]:
    """The objects that request a pass over models, and the id of their group."""
    ids = of.of(FORWARD, ["visibleModel"])
    columns = table.columns
    groups = [one for one in ids if columns.group[one]]
    objects = columns.object[[one for one in ids if not columns.group[one]]].tolist()
    if not groups:
        return objects, None
    group = table.group(groups[0])
    assert group is not None
    return [*objects, *group.objects.tolist()], groups[0]


@given(
    st.lists(
        st.tuples(st.sampled_from(("flag", "remove", "add", "nothing")), st.integers(0, 39)), max_size=24
    )
)
def test_requesters_are_the_active_rows_and_a_group_that_is_back_is_the_same(
    steps: list[tuple[str, int]],
) -> None:
    tableau = load_scene(ROOT / "scenes/cube.hu").tableau
    for index in range(40):
        tableau.add_object(f"more{index}", features={"visibleModel": {}})
    rows, table = tableau.tables["visibleModel"], RequesterTable()
    requesters = PassRequesters(tableau, table)
    late: list[tuple[list[int], int]] = []
    for number, (what, at) in enumerate(steps):
        active = rows.rows_active()
        row = int(active[at % len(active)]) if what == "remove" else at
        if what == "flag":
            rows.set_flag("active", np.array([row], np.int32), not rows.flags("active")[row])
        elif what == "remove":
            tableau.remove(tableau.handle(int(rows.object[row])))
        elif what == "add":
            tableau.add_object(f"again{number}", features={"visibleModel": {}})
        objects, group = models(tableau, table, requesters)
        active = rows.rows_active()
        assert objects == rows.object[active].tolist()
        members = np.stack((active, rows.object[active], tableau.generation[rows.object[active]])).tolist()
        if group is not None:
            same = [ident for known, ident in late if known == members]
            assert set(same) <= {group}
            assert same or group not in [ident for _, ident in late]
            late = [each for each in late if each[0] != members][1 - RECENT_GROUPS :]
            late.append((members, group))


def test_what_a_change_of_one_row_allocates_does_not_grow_with_their_number(cube: Scene) -> None:
    tableau, table = cube.tableau, RequesterTable()
    made = tableau.add_objects(translation=np.zeros((100_000, 3), np.float32))
    tableau.add_feature("visibleModel", made, {})
    rows, requesters = tableau.tables["visibleModel"], PassRequesters(tableau, table)
    states: list[tuple[int, ...]] = []
    for step in range(6):
        rows.set_flag("active", np.array([70_000], np.int32), bool(step % 2))
        assert rows.version
        tracemalloc.start()
        try:
            states.append(requesters.of(FORWARD, ["visibleModel"]))
            assert step < 2 or tracemalloc.get_traced_memory()[1] < 32_000
        finally:
            tracemalloc.stop()
    assert states[0::2] == [states[0]] * 3
    assert states[1::2] == [states[1]] * 3
    assert states[0] != states[1]


def test_a_group_is_found_again_where_more_has_changed_than_is_remembered(
    cube: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    tableau, table = cube.tableau, RequesterTable()
    made = tableau.add_objects(translation=np.zeros((40, 3), np.float32))
    tableau.add_feature("visibleModel", made, {})
    rows, requesters = tableau.tables["visibleModel"], PassRequesters(tableau, table)
    before = requesters.of(FORWARD, ["visibleModel"])
    for _ in range(2):
        monkeypatch.setattr(rows.changes, "since", lambda version: None)
        rows.set_flag("active", np.array([30], np.int32), False)
        assert requesters.of(FORWARD, ["visibleModel"]) != before
        rows.set_flag("active", np.array([30], np.int32), True)
        assert requesters.of(FORWARD, ["visibleModel"]) == before
        monkeypatch.undo()


def test_the_members_of_a_group_stay_known_that_comes_back_again_and_again(cube: Scene) -> None:
    tableau, table = cube.tableau, RequesterTable()
    made = tableau.add_objects(translation=np.zeros((40, 3), np.float32))
    tableau.add_feature("visibleModel", made, {})
    rows, requesters = tableau.tables["visibleModel"], PassRequesters(tableau, table)
    all_, group = models(tableau, table, requesters)
    for row in range(20, 20 + KNOWN_GROUPS + 2):
        rows.set_flag("active", np.array([row], np.int32), False)
        assert models(tableau, table, requesters)[1] != group
        rows.set_flag("active", np.array([row], np.int32), True)
        assert models(tableau, table, requesters) == (all_, group)
