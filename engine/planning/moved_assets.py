"""Gives the rows of a tableau the keys that changed assets have now."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.plan.terms.table import is_in
from engine.tableau import Tableau


def move_assets(tableau: Tableau, moves: Mapping[int, int]) -> None:
    """Replace the keys of `moves` by those that they have now, in all fields that name assets."""
    old = np.fromiter(moves, np.int64, len(moves))
    for table in tableau.tables.values():
        for spec in table.schema.asset_fields:
            column = table.column(spec.name)
            rows = np.flatnonzero((table.object >= 0) & is_in(column, old)).astype(np.int32)
            if len(rows):
                keys = np.array([moves[key] for key in column[rows].tolist()], np.int64)
                table.set(spec.name, rows, keys)
