"""Claims about when a row was last enabled, which decides what is left out first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.feature import Feature, Registry
from engine.feature.recency import ENABLED_NOW, Recency
from engine.tableau import Tableau
from engine.tableau.schema import float_field


class Lamp(Feature):
    """Shines."""

    type_name = "lamp"
    fields = (float_field("power", 1.0),)


class Mirror(Feature):
    """Reflects light."""

    type_name = "mirror"


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["enabled", "active", "object", "power", "note", "add", "remove"]),
        st.sampled_from(["lamp", "mirror"]),
        st.integers(0, 5),
        st.booleans(),
    ),
    max_size=60,
)


@given(CHANGES)
def test_rows_are_ranked_by_when_they_were_last_enabled(changes):
    tableau = Tableau(Registry([Lamp(), Mirror()]).schemas)
    names = [f"o{i}" for i in range(6)]
    rows = tableau.add_objects(names=names)
    for kind in ("lamp", "mirror"):
        tableau.tables[kind].add(rows, enabled=[True, False, True, False, True, True])
    recency = Recency(tableau)
    last: dict[tuple[str, int], int] = {}
    was: dict[tuple[str, int], bool] = {}

    def look(clock: int) -> None:
        recency.update()
        for kind, table in tableau.tables.items():
            enabled = table.flags("effective_enabled")
            for row in range(len(table.object)):
                if was.get((kind, row)) and not enabled[row]:
                    last[kind, row] = clock
                was[kind, row] = bool(enabled[row])

    look(0)
    for clock, (what, kind, index, value) in enumerate(changes, 1):
        table, name = tableau.tables[kind], names[index]
        owner = tableau[name] if name in tableau else None  # noqa: SIM401 (a tableau has no `get`)
        if what == "add" and owner is None:
            tableau.add_object(name, features={kind: {}})
        elif owner is None:
            continue
        elif what == "remove":
            tableau.remove(owner)
        elif what == "object":
            owner.enabled = value
        elif (row := table.row_of(owner.row)) is None:
            continue
        elif what in ("enabled", "active"):
            table.set_flag(what, np.array([row]), value)
        elif what == "power" and kind == "lamp":
            table.set("power", np.array([row]), 2.0)
        look(clock)
    ranked = {}
    for kind, table in tableau.tables.items():
        times = recency.last_enabled(table, np.arange(len(table.object)))
        for row, found in enumerate(times.tolist()):
            assert (found == ENABLED_NOW) == was[kind, row]
            assert (found == 0) == ((kind, row) not in last and not was[kind, row])
            if 0 < found < ENABLED_NOW:
                ranked[kind, row] = found
    for one, at in ranked.items():
        for two, then in ranked.items():
            assert (at < then) == (last[one] < last[two])


def test_an_update_visits_only_changed_rows(monkeypatch):
    tableau = Tableau(Registry([Lamp()]).schemas)
    rows = tableau.add_objects(names=[f"o{i}" for i in range(1000)])
    table = tableau.tables["lamp"]
    table.add(rows)
    recency = Recency(tableau)
    recency.update()
    visited = []
    update_rows = Recency._update_rows
    monkeypatch.setattr(
        Recency, "_update_rows", lambda self, t, r: (visited.append(len(r)), update_rows(self, t, r))
    )
    recency.update()
    table.set_flag("enabled", np.array([7, 9]), False)
    recency.update()
    assert visited == [2]
