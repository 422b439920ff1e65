"""A twin of a tableau: the same objects in the same rows, to try changes on that nobody draws.

It is made by pickling, which copies columns as whole arrays and keeps who refers to whom. Schemas are shared.
`follow` brings flags and fields of a twin up to date by difference.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

from engine.tableau.columns import Rows
from engine.tableau.schema import FeatureSchema
from engine.tableau.table import FeatureTable
from engine.tableau.tableau import Tableau

FLAGS = ("active", "enabled")


class Twin:
    """A copy of `source`; `tableau` is changed at will, and `follow` lets it follow the source.

    What `tableau` was changed by must be changed back before `follow`.
    """

    def __init__(self, source: Tableau) -> None:
        self._source = source
        self.tableau = _copy(source)
        self._tree = source.tree_version
        self._structure, self._values = source.structure_version, source.values_version
        self._versions = {name: table.version for name, table in source.tables.items()}

    @property
    def versions(self) -> tuple[int, int]:
        """The source's structure and values that the twin has."""
        return self._structure, self._values

    def follow(self) -> bool:
        """Take the flags and fields that have changed; False where objects or features came or went.

        A twin that cannot follow is replaced by a new one. Transforms are not followed.
        """
        source = self._source
        now = source.structure_version, source.values_version
        if (self._structure, self._values) == now:
            return True
        if source.tree_version != self._tree or source.tables.keys() != self._versions.keys():
            return False
        for name, table in source.tables.items():
            if not np.array_equal(table.object, self.tableau.tables[name].object):
                return False
        self._take_flags()
        for name, table in source.tables.items():
            version = table.version
            if version != self._versions[name]:
                rows = table.changes.since(self._versions[name])
                if rows is None:
                    rows = np.arange(len(table.object), dtype=np.int32)
                _take_rows(self.tableau.tables[name], table, rows)
                self._versions[name] = version
        self._structure, self._values = now
        return True

    def _take_flags(self) -> None:
        source, mine = self._source, self.tableau
        mine.active, mine.enabled = source.active, source.enabled
        for flag in FLAGS:
            theirs = source.flags(flag)
            rows = np.flatnonzero(theirs != mine.flags(flag)).astype(np.int32)
            if len(rows):
                mine.set_flag(flag, rows, theirs[rows])


def _take_rows(mine: FeatureTable, theirs: FeatureTable, rows: Rows) -> None:
    """Give rows of a twin's table the flags and fields of the source's; rows that are the same stay."""
    rows = rows[theirs.object[rows] >= 0]
    for flag in FLAGS:
        differs = rows[mine.flags(flag)[rows] != theirs.flags(flag)[rows]]
        if len(differs):
            mine.set_flag(flag, differs, theirs.flags(flag)[differs])
    failed = theirs.flags("failed")
    back = rows[mine.flags("failed")[rows] & ~failed[rows]]
    if len(back):
        mine.set_flag("active", back, theirs.flags("active")[back])
    off = rows[failed[rows] & ~mine.flags("failed")[rows]]
    if len(off):
        mine.switch_off(off)
    for spec in mine.schema.fields:
        ours, values = mine.column(spec.name)[rows], theirs.column(spec.name)[rows]
        same = ours == values if ours.dtype != np.dtype(object) else np.array(ours == values, bool)
        changed = ~same.all(axis=tuple(range(1, same.ndim)))
        if changed.any():
            mine.set(spec.name, rows[changed], values[changed])


def _copy(source: Tableau) -> Tableau:
    source.flush()
    source.update_world()
    shared: list[Any] = []

    class _Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            if isinstance(obj, FeatureSchema) or obj is source.locate:
                shared.append(obj)
                return len(shared) - 1
            return None

    class _Unpickler(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            return shared[pid]

    stored = io.BytesIO()
    _Pickler(stored, pickle.HIGHEST_PROTOCOL).dump(source)
    stored.seek(0)
    made: Tableau = _Unpickler(stored).load()
    return made
