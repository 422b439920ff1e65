"""The tree of the outliner: what is shown, found and filtered."""

from __future__ import annotations

import time

import numpy as np
import pytest
from support.limits import limit

from engine.tableau import ROOT, FeatureSchema, Tableau
from viewer.panels.outliner.name_search import NameSearch
from viewer.panels.outliner.outliner_model import Node, OutlinerModel, State

SCHEMAS = (FeatureSchema("visibleModel"), FeatureSchema("light"))


@pytest.fixture
def tableau() -> Tableau:
    made = Tableau(SCHEMAS)
    made.add_object("house", features={"visibleModel": {}})
    made.add_object("room", "house")
    made.add_object("Lamp", "house/room", features={"light": {}, "visibleModel": {}})
    made.add_object("tree", features={"visibleModel": {"enabled": False}})
    return made


def names(model: OutlinerModel) -> list[str]:
    """What is shown, features with a dot before their types, indented by depth."""
    model.update()
    found = []
    for node, depth in zip(model.shown.tolist(), model.depths.tolist(), strict=True):
        each = model.node(node)
        found.append(
            " " * depth + (f".{each.feature}" if each.feature else model._tableau.name_of(each.object))
        )
    return found


def test_features_come_before_children_and_small_trees_are_open(tableau: Tableau) -> None:
    assert names(OutlinerModel(tableau)) == [
        "house",
        " .visibleModel",
        " room",
        "  Lamp",
        "   .visibleModel",
        "   .light",
        "tree",
        " .visibleModel",
    ]


def test_search_keeps_what_is_above_and_opens_it(tableau: Tableau) -> None:
    model = OutlinerModel(tableau)
    model.expand_all(False)
    assert names(model) == ["house", "tree"]
    model.search = "LAM"
    assert names(model) == ["house", " room", "  Lamp"]
    assert model.matches == 1
    model.search = "visiblem"
    assert names(model) == [
        "house",
        " .visibleModel",
        " room",
        "  Lamp",
        "   .visibleModel",
        "tree",
        " .visibleModel",
    ]
    model.search = ""
    assert names(model) == ["house", "tree"]


def test_features_and_states_are_filtered_by(tableau: Tableau) -> None:
    model = OutlinerModel(tableau)
    model.feature = "light"
    assert names(model) == ["house", " room", "  Lamp", "   .light"]
    model.feature, model.state = "", State.OFF
    assert names(model) == ["tree", " .visibleModel"]
    tableau["house/room"].enabled = False
    assert names(model)[:2] == ["house", " room"]
    model.state = State.FAILED
    assert names(model) == []
    tableau.tables["light"].switch_off(tableau.tables["light"].rows_active())
    assert names(model) == ["house", " room", "  Lamp", "   .light"]


def test_the_tree_follows_the_tableau_and_keeps_what_is_open(tableau: Tableau) -> None:
    model = OutlinerModel(tableau)
    names(model)
    model.expand(tableau["house"].row, False)
    assert names(model) == ["house", "tree", " .visibleModel"]
    tableau.rearranging.reparent(np.array([tableau["tree"].row], np.int32), tableau["house/room"].row)
    assert names(model) == ["house"]
    model.reveal(tableau["house/room/tree"].row)
    assert "  tree" in names(model)
    assert model.place_of(tableau["house/room/tree"].row) == names(model).index("  tree")
    tableau.remove_feature("light", tableau["house/room/Lamp"])
    assert not any("light" in name for name in names(model))
    tableau.rearranging.rename(tableau["house"].row, "villa")
    model.search = "villa"
    assert names(model) == ["villa"]


def test_a_switch_does_not_build_the_tree_again(tableau: Tableau) -> None:
    model = OutlinerModel(tableau)
    names(model)
    shown = model.shown
    tableau["house"].enabled = False
    model.update()
    assert model.shown is shown


def test_nodes_say_what_they_are(tableau: Tableau) -> None:
    model = OutlinerModel(tableau)
    model.update()
    lamp = tableau["house/room/Lamp"]
    assert Node(lamp.row, "light", lamp.light.row) in [model.node(each) for each in model.shown.tolist()]
    assert model.shown_objects().tolist() == [
        tableau[path].row for path in ("house", "house/room", "house/room/Lamp", "tree")
    ]
    assert model.place_of(ROOT + 99) is None


@pytest.mark.parametrize("text", ["a", "ab", "##", "%s", ",", "שלום", "立方", "🧊", "É", "nothing", "x\0y"])
def test_a_name_is_found_as_python_finds_it(text: str) -> None:
    listed = ["", "a", "Ab", "cab##", "100%s", "a,b", "שלום", "立方体", "🧊", "é", "\xff", "ab"]
    assert NameSearch(listed).matching(text).tolist() == [
        text.casefold() in name.casefold() for name in listed
    ]
    assert NameSearch([]).matching(text).tolist() == []
    assert NameSearch(listed).matching("").all()


def test_a_keystroke_in_the_search_of_100_000_objects_is_quick() -> None:
    tableau = Tableau(SCHEMAS)
    parents = tableau.add_objects(1000, prefix="group")
    tableau.add_objects(99_000, parent=np.repeat(parents, 99))
    model = OutlinerModel(tableau)
    model.search = "x"
    model.update()
    taken = []
    for text in ("o", "ob", "obj", "object77", "group9", "77"):
        model.search = text
        start = time.perf_counter()
        model.update()
        taken.append(time.perf_counter() - start)
    assert np.median(taken) < limit(0.05), f"{taken} s; tests/bench measures the promise"
