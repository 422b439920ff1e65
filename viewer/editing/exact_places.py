"""Where objects are in the world, in double precision, for those that are put below another parent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.math import to_matrix3
from engine.tableau import ROOT, Tableau

Rows = NDArray[np.int32]


def exact_world(tableau: Tableau, rows: Rows) -> NDArray[np.float64]:
    """Return the world matrices of objects, float64[k, 4, 4] as stored, by their own transforms alone."""
    made = np.zeros((len(rows), 4, 4))
    made[:, :3, :3] = to_matrix3(tableau.rotation[rows]) * tableau.scale[rows][:, :, None].astype(np.float64)
    made[:, 3, :3], made[:, 3, 3] = tableau.translation[rows], 1.0
    parents = tableau.parent[rows]
    below = parents != ROOT
    if below.any():
        above, place = np.unique(parents[below], return_inverse=True)
        made[below] = made[below] @ exact_world(tableau, above)[place]
    return made
