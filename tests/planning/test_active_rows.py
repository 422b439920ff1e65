"""Claims about which rows are active, compared with those that were taken before."""

from __future__ import annotations

import pytest

from engine.planning.active_rows import ActiveRows
from engine.tableau import journal


@pytest.fixture
def tableau(cube):
    return cube[0].tableau


def test_nothing_is_known_before_the_first_take(tableau):
    rows = ActiveRows(tableau)
    assert rows.changed()
    rows.take()
    assert not rows.changed()
    assert not rows.changed()


def test_more_changes_than_a_journal_holds_are_compared_as_a_whole(tableau, monkeypatch):
    monkeypatch.setattr(journal, "MAX_ENTRIES", 4)
    rows, model = ActiveRows(tableau), tableau["cube"].visibleModel
    rows.take()
    for _ in range(5):
        model.active = False
        model.active = True
    assert not rows.changed()
    for _ in range(5):
        model.active = True
        model.active = False
    assert rows.changed()
    rows.take()
    assert not rows.changed()
    model.active = True
    assert rows.changed()
    for _ in range(5):
        model.active = False
        model.active = True
    rows.take()
    assert not rows.changed()


def test_an_asset_counts_while_its_row_is_active(tableau):
    rows, model = ActiveRows(tableau), tableau["cube"].visibleModel
    model.active = False
    rows.take()
    model.asset = tableau["ground"].visibleModel["asset"]
    assert not rows.changed()
    model.active = True
    assert rows.changed()


def test_a_row_that_is_new_counts_once_it_is_active(tableau):
    rows, asset = ActiveRows(tableau), tableau["cube"].visibleModel["asset"]
    rows.take()
    tableau.add_object("off", features={"visibleModel": {"asset": asset, "active": False}})
    assert not rows.changed()
    tableau["off"].visibleModel.active = True
    assert rows.changed()
    rows.take()
    assert not rows.changed()
    tableau["off"].visibleModel.active = False
    assert rows.changed()


def test_a_row_that_another_object_has_taken_over_has_changed(tableau):
    rows, cube = ActiveRows(tableau), tableau["cube"]
    rows.take()
    row, table = cube.visibleModel.row, tableau.tables["visibleModel"]
    values = {spec.name: table.column(spec.name)[row] for spec in table.schema.fields}
    tableau.remove(cube)
    other = tableau.add_object("box", features={"visibleModel": values})
    assert other.visibleModel.row == row, "it is used again"
    assert rows.changed()
    rows.take()
    assert not rows.changed()
