"""The tableau becomes rows with switches that work on it."""

from __future__ import annotations

import pytest

from engine.tableau.schema import FeatureSchema
from engine.tableau.tableau import Tableau
from viewer.panels.expanded_nodes import ExpandedNodes
from viewer.panels.object_model import ObjectModel


@pytest.fixture
def tableau() -> Tableau:
    made = Tableau([FeatureSchema("visibleModel"), FeatureSchema("shadowCaster")])
    made.add_object("cube", features={"shadowCaster": {}, "visibleModel": {}})
    camera = made.add_object("camera")
    made.add_object("reticle", camera, features={"visibleModel": {"enabled": False}})
    made.add_object("ground")
    return made


def rows(model: ObjectModel) -> list[tuple[int, str, str]]:
    return [
        (int(depth), model.row(int(node)).path, model.row(int(node)).feature)
        for node, depth in zip(model.tree_rows.nodes, model.tree_rows.depths, strict=True)
    ]


def node_of(model: ObjectModel, path: str, feature: str = "") -> int:
    for node in model.tree_rows.nodes:
        row = model.row(int(node))
        if (row.path, row.feature) == (path, feature):
            return int(node)
    raise AssertionError(f"no row for {path} {feature}")


def test_features_come_right_below_their_object_and_children_after_them(tableau: Tableau) -> None:
    assert rows(ObjectModel(tableau, ExpandedNodes())) == [
        (0, "cube", ""),
        (1, "cube", "visibleModel"),
        (1, "cube", "shadowCaster"),
        (0, "camera", ""),
        (1, "camera/reticle", ""),
        (2, "camera/reticle", "visibleModel"),
        (0, "ground", ""),
    ]


def test_a_switch_of_a_feature_works_on_the_tableau(tableau: Tableau) -> None:
    model = ObjectModel(tableau, ExpandedNodes())
    model.set_flag(node_of(model, "cube", "shadowCaster"), "active", False)
    assert not tableau["cube"].shadowCaster.active
    assert tableau["cube"].visibleModel.active
    row = model.row(node_of(model, "cube", "shadowCaster"))
    assert (row.active, row.effective_active, row.enabled, row.effective_enabled) == (
        False,
        False,
        True,
        False,
    )


def test_a_switch_of_an_object_takes_effect_below_it(tableau: Tableau) -> None:
    model = ObjectModel(tableau, ExpandedNodes())
    model.set_flag(node_of(model, "camera"), "enabled", False)
    row = model.row(node_of(model, "camera/reticle"))
    assert (row.enabled, row.effective_enabled) == (True, False)


def test_rows_follow_objects_that_come_and_go(tableau: Tableau) -> None:
    model = ObjectModel(tableau, ExpandedNodes())
    before = len(model.tree_rows.nodes)
    tableau.remove("camera")
    assert len(model.tree_rows.nodes) == before - 3
    tableau.add_object("lamp")
    assert (0, "lamp", "") in rows(model)


def test_collapsing_hides_features_and_children(tableau: Tableau) -> None:
    model = ObjectModel(tableau, ExpandedNodes())
    model.set_expanded(node_of(model, "camera"), False)
    assert [path for _, path, _ in rows(model)] == ["cube"] * 3 + ["camera", "ground"]


def test_steady_frames_flatten_nothing(tableau: Tableau) -> None:
    model = ObjectModel(tableau, ExpandedNodes())
    first = model.tree_rows
    tableau["cube"].translation = (1, 2, 3)
    assert model.tree_rows is first
