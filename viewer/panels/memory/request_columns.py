"""Who requests each key, as columns: how many, of which feature, on which object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requesters import NO_OBJECT, RequesterColumns
from engine.plan.terms.table import Int64s, begins_run, stable_argsort

NOBODY = -1
SEVERAL = -2
"""In place of a feature: requesters with different ones."""
SEVERAL_OBJECTS = np.iinfo(np.int32).max
"""In place of an object: requesters on different ones."""


@dataclass(frozen=True, eq=False)
class RequestColumns:
    """The requesters of all requested keys; the work is that of one sort, once for each plan."""

    requirements: Coalesced

    def counts(self, keys: Int64s) -> Int64s:
        """How many requesters each key has, 0 for an unknown one; a group counts all of its objects."""
        return self._of(keys, self._by_key[1], 0)

    def features(self, keys: Int64s) -> NDArray[np.int64]:
        """The number in `requesters.features` of the feature that requests each key, SEVERAL or NOBODY."""
        return self._of(keys, self._by_key[2], NOBODY)

    def objects(self, keys: Int64s) -> NDArray[np.int64]:
        """The object that each key is requested for, as in RequesterColumns, or SEVERAL_OBJECTS."""
        return self._of(keys, self._by_key[3], NO_OBJECT)

    def requester(self, keys: Int64s) -> NDArray[np.int64]:
        """The lowest requester id of each key, NOBODY where there is none."""
        return self._of(keys, self._by_key[4], NOBODY)

    @cached_property
    def requesters(self) -> RequesterColumns:
        """The columns of all requesters."""
        return self.requirements.requesters.columns

    @cached_property
    def _by_key(self) -> tuple[Int64s, ...]:
        """Keys, ascending, then for each: number of objects, feature, object, lowest requester."""
        rows = self.requirements.requested.rows
        key, requester = (np.ascontiguousarray(rows[name]) for name in ("key", "requester"))
        if not len(key):
            none = np.zeros(0, np.int64)
            return none, none, none, none, none
        order = stable_argsort(key)
        key, requester = key[order].astype(np.int64), requester[order]
        starts = np.flatnonzero(begins_run(key))
        columns = self.requesters
        feature, on = columns.feature[requester], columns.object[requester]
        one_feature = np.minimum.reduceat(feature, starts) == np.maximum.reduceat(feature, starts)
        one_object = np.minimum.reduceat(on, starts) == np.maximum.reduceat(on, starts)
        return (
            key[starts],
            np.add.reduceat(columns.objects[requester].astype(np.int64), starts),
            np.where(one_feature, feature[starts], SEVERAL).astype(np.int64),
            np.where(one_object, on[starts], SEVERAL_OBJECTS).astype(np.int64),
            np.minimum.reduceat(requester, starts).astype(np.int64),
        )

    def _of(self, keys: Int64s, column: Int64s, missing: int) -> Int64s:
        known = self._by_key[0]
        if not len(known):
            return np.full(len(keys), missing, np.int64)
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known[at] == keys, column[at], missing)
