"""The switches of a scene, to be pressed one after the other."""

from __future__ import annotations

import numpy as np

from engine.planning.what_if.twin_planner import Press
from engine.tableau import Tableau


def all_switches(tableau: Tableau) -> list[Press]:
    """A press of every switch: of the tableau, of objects, and of features."""
    found = []
    for flag in ("active", "enabled"):
        found.append(Press(flag, not getattr(tableau, flag)))
        for row in tableau.rows().tolist():
            found.append(Press(flag, not tableau.flags(flag)[row], (row,)))
        for name, table in tableau.tables.items():
            for row in np.flatnonzero(table.object >= 0).tolist():
                found.append(Press(flag, not table.flags(flag)[row], (int(table.object[row]),), name))
    return found
