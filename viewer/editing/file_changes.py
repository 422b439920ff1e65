"""What differs from the files of a scene, by objects and values: of the few that are shown or selected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.scene import Scene
from engine.scene.scene import ScenePart
from engine.scene.snapshot import Snapshot, changed_rows, differing
from engine.tableau.activity import FLAGS
from viewer.editing.value_edit import Rows, Target


class FileChanges:
    """Compares objects with what the files of their scenes had when they were last read or written."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._known: dict[int, tuple[Snapshot, NDArray[np.bool_]]] = {}
        self._marks: tuple[tuple[object, ...], dict[int, bool]] = (), {}

    def is_new(self, rows: Rows) -> NDArray[np.bool_]:
        """Return a mask of objects that no file has."""
        found = np.ones(len(rows), np.bool_)
        for _, _, at in self.by_part(rows):
            found[at] = False
        for part in self.scene.parts:
            found[rows == part.root] = False
        return found

    def is_changed(self, rows: Rows) -> NDArray[np.bool_]:
        """Return a mask of objects that are new, or of which anything but what is below them has changed."""
        found = self.is_new(rows)
        for _, before, at in self.by_part(rows):
            found[at] = changed_rows(before, self.scene.tableau, rows[at])
        return found

    def marked(self, rows: Rows) -> Mapping[int, bool]:
        """Return which objects have changed, these among them; each is looked at once until one changes."""
        tableau = self.scene.tableau
        files = tuple(id(part.saver.before) for part in self.scene.parts)
        seen = files, tableau.tree_version, tableau.features_version, tableau.own_version
        if self._marks[0] != seen:
            self._marks = seen, {}
        known = self._marks[1]
        if unknown := [row for row in rows.tolist() if row not in known]:
            known.update(zip(unknown, self.is_changed(np.array(unknown, np.int32)).tolist(), strict=True))
        return known

    def differs(self, target: Target, rows: Rows) -> NDArray[np.bool_]:
        """Return a mask of objects whose value differs from the file's; a feature that is new does not."""
        found = np.zeros(len(rows), np.bool_)
        for _, before, at in self.had(target, rows):
            found[at] = differing(
                target.read(self.scene.tableau, rows[at]), self.values(before, target, rows[at])
            )
        return found

    def values(self, before: Snapshot, target: Target, rows: Rows) -> NDArray[Any]:
        """Return the values that objects had, in column form; all must have had them."""
        if target.feature:
            table = before.tables[target.feature]
            return table.columns[target.name][table.rows_of(rows)]
        if target.name in FLAGS:
            own = np.full(len(rows), before.root_flags[target.name], np.bool_)
            below = rows != before.root
            own[below] = before.columns[target.name][rows[below]]
            return own
        return before.columns[target.name][rows]

    def had(self, target: Target, rows: Rows) -> Iterator[tuple[ScenePart, Snapshot, NDArray[np.int64]]]:
        """Yield as `by_part` those of these objects that have, and had, a value."""
        has = target.has(self.scene.tableau, rows)
        for part, before, at in self.by_part(rows, roots=target.name in FLAGS and not target.feature):
            at = at[has[at]]
            if target.feature:
                at = at[before.tables[target.feature].owned_by(rows[at])]
            if len(at):
                yield part, before, at

    def by_part(
        self, rows: Rows, roots: bool = False
    ) -> Iterator[tuple[ScenePart, Snapshot, NDArray[np.int64]]]:
        """Yield each part, the state of its file, and the places in `rows` of objects that its file has.

        With `roots` the objects that stand for whole files are among them, and ROOT.
        """
        tableau = self.scene.tableau
        for part in self.scene.parts:
            before = part.saver.before
            member = self._members(before)
            there = np.zeros(len(rows), np.bool_)
            inside = np.flatnonzero((rows >= 0) & (rows < len(member)))  # a file may have had no object
            of = rows[inside]
            same = tableau.generation[of] == before.generation[of]
            there[inside] = member[of] & same & (tableau.level[of] >= 0)
            if roots:
                there |= rows == part.root
            if there.any():
                yield part, before, np.flatnonzero(there)

    def _members(self, before: Snapshot) -> NDArray[np.bool_]:
        """Return a mask by row of the objects that a file had."""
        root = before.root
        known = self._known.get(root)
        if known is None or known[0] is not before:
            member = np.zeros(len(before.generation), np.bool_)
            member[before.rows] = True
            known = self._known[root] = before, member
        return known[1]
