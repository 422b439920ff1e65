"""Objects are renamed, put below others, taken out and put back, and stay the objects that they were."""

import numpy as np
import pytest

from engine.tableau import ROOT, FeatureSchema, NameTaken, Tableau
from engine.tableau.schema import float_field

SCHEMAS = (FeatureSchema("light", (float_field("intensity", 3.0, minimum=0),)),)


@pytest.fixture
def tableau():
    made = Tableau(SCHEMAS)
    made.add_object("a", translation=(1, 0, 0), features={"light": {"intensity": 7, "enabled": False}})
    made.add_object("b", "a", translation=(0, 1, 0), features={"light": {}})
    made.add_object("c", "a/b")
    made.add_object("d", translation=(0, 0, 5), enabled=False)
    made.add_object("e")
    made.update_world()
    return made


def state(tableau):
    """All that the tableau holds, by paths in order."""
    tableau.update_world()
    found = []
    waiting = list(tableau.children())
    while waiting:
        each = waiting.pop(0)
        features = {
            name: (
                feature.intensity,
                feature.active,
                feature.enabled,
                feature.row in table_rows(tableau, name),
            )
            for name, feature in each.features.items()
        }
        flags = each.active, each.enabled, each.effective_active, each.effective_enabled
        found.append(
            (each.path, each.row, each.world.tolist(), flags, features, int(tableau.level[each.row]))
        )
        waiting += each.children
    return found, len(tableau)


def table_rows(tableau, name):
    return tableau.tables[name].rows_enabled().tolist()


def rows(tableau, *paths):
    return np.array([tableau[path].row for path in paths], np.int32)


def test_what_is_put_back_is_what_was_taken_out(tableau):
    before, handle = state(tableau), tableau["a/b"]
    taken = tableau.rearranging.take_out(rows(tableau, "a", "a/b", "d"))
    assert [each.path for each in tableau.children()] == ["e"]
    assert not handle.alive
    assert (len(tableau), len(tableau.tables["light"])) == (1, 0)
    tableau.add_object("other", "e", translation=(9, 9, 9))  # gets no row of them
    tableau.remove("e/other")
    tableau.rearranging.put_back(taken)
    assert handle.alive
    assert state(tableau) == before


def test_rows_that_are_given_up_are_used_again(tableau):
    taken = tableau.rearranging.take_out(rows(tableau, "a"))
    assert tableau.add_object("new").row > 4
    tableau.rearranging.give_up(taken)
    assert tableau.add_object("newer").row == 0
    assert len(tableau) == 4


def test_what_cannot_be_put_back_changes_nothing(tableau):
    taken = tableau.rearranging.take_out(rows(tableau, "a/b"))
    tableau.add_object("B", "a")
    before = state(tableau)
    with pytest.raises(NameTaken):
        tableau.rearranging.put_back(taken)
    tableau.remove("a")
    with pytest.raises(ValueError, match="is gone"):
        tableau.rearranging.put_back(taken)
    assert len(state(tableau)[0]) == len(before[0]) - 2


def test_an_object_below_another_moves_and_is_switched_with_it(tableau):
    handle = tableau["a/b"]
    tableau.rearranging.reparent(rows(tableau, "a/b", "a/b/c"), tableau["d"].row)
    assert [each.path for each in (handle, tableau["d/b/c"])] == ["d/b", "d/b/c"]
    tableau.update_world()
    assert handle.world[3, :3].tolist() == [0, 1, 5]
    assert not tableau["d/b"].effective_enabled
    assert handle.light.row not in table_rows(tableau, "light")
    assert tableau.level[rows(tableau, "d", "d/b", "d/b/c")].tolist() == [0, 1, 2]
    tableau.rearranging.reparent(rows(tableau, "d/b"), ROOT)
    assert [each.name for each in tableau.children()] == ["a", "d", "e", "b"]
    assert handle.effective_enabled
    tableau.rearranging.set_order(ROOT, rows(tableau, "b", "a"))
    assert [each.name for each in tableau.children()] == ["b", "a", "d", "e"]


def test_an_object_cannot_be_put_below_itself_or_beside_its_own_name(tableau):
    before = state(tableau)
    with pytest.raises(ValueError, match="below itself"):
        tableau.rearranging.reparent(rows(tableau, "a"), tableau["a/b/c"].row)
    tableau.add_object("C")
    with pytest.raises(NameTaken):
        tableau.rearranging.reparent(rows(tableau, "a/b/c"), ROOT)
    tableau.remove("C")
    assert state(tableau) == before


def test_a_renamed_object_keeps_its_place_and_its_handle(tableau):
    handle = tableau["a/b"]
    tableau.rearranging.rename(tableau["a"].row, "ä, ##%s")
    assert handle.path == "ä, ##%s/b"
    assert [each.name for each in tableau.children()] == ["ä, ##%s", "d", "e"]
    tableau.rearranging.rename(tableau["d"].row, "D")
    for name, kind in (("E", NameTaken), ("x/y", ValueError), ("", ValueError)):
        with pytest.raises(kind):
            tableau.rearranging.rename(tableau["D"].row, name)
    assert "D" in tableau
