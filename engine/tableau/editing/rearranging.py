"""Objects that are renamed, put below others, or taken out and put back, and stay what they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.tableau.activity import Activity
from engine.tableau.columns import Columns, Rows
from engine.tableau.transforms import Transforms
from engine.tableau.tree import Tree, TreePart

if TYPE_CHECKING:
    from engine.tableau.tableau import Tableau


@dataclass(frozen=True, eq=False)
class TakenOut:
    """Objects that were taken out of a tableau, with their features: all columns of their rows, by type."""

    part: TreePart
    features: Mapping[str, Mapping[str, NDArray[Any]]]

    @property
    def nbytes(self) -> int:
        """About how many bytes it holds, the rows that are kept for it included."""
        features = sum(column.nbytes for columns in self.features.values() for column in columns.values())
        return 700 * len(self.part.rows) + features

    def elsewhere(self, parent: int, level: int, names: Sequence[str]) -> TakenOut:
        """Return the same objects for another place: the roots, with these names, below a parent."""
        part = self.part
        parents, levels = part.parents.copy(), part.levels.copy()
        new_names, place = list(part.names), {row: at for at, row in enumerate(part.rows.tolist())}
        for root, name in zip(part.roots.tolist(), names, strict=True):
            at = place[root]
            parents[at], levels[at], new_names[at] = parent, level + 1, name
        for at, above in enumerate(parents.tolist()):
            if above in place:
                levels[at] = levels[place[above]] + 1
        moved = replace(part, parents=parents, levels=levels, names=new_names, orders={})
        return TakenOut(moved, self.features)


class Rearranging:
    """Changes of the tree of a tableau that keep the identity of objects: their rows, and their handles."""

    def __init__(
        self, tableau: Tableau, columns: Columns, tree: Tree, transforms: Transforms, activity: Activity
    ) -> None:
        self._tableau = tableau
        self._columns = columns
        self._tree = tree
        self._transforms = transforms
        self._activity = activity

    def rename(self, row: int, name: str) -> None:
        """Rename an object. Raises ValueError for an invalid name, NameTaken for one that a sibling has."""
        self._tree.rename(row, name)
        self._tableau.structure_version += 1

    def reparent(self, rows: Rows, parent: int) -> None:
        """Put objects below another parent (ROOT: at the top), after its children, with their own transforms.

        Those that are below another of `rows` stay with it. Raises ValueError for a parent below one of them,
        NameTaken if a child of it has a name of theirs; nothing is done then.
        """
        rows = self.topmost(rows)
        self._tree.move(rows, parent)
        self._activity.mark(rows)
        self._transforms.place_again(rows)
        self._tableau.structure_version += 1

    def topmost(self, rows: Rows) -> Rows:
        """Return those of these objects that no other of them is above, in the same order."""
        parent = self._columns["parent"]
        chosen = np.zeros(self._columns.count, np.bool_)
        chosen[rows] = True
        above, is_below = parent[rows], np.zeros(len(rows), np.bool_)
        while (inside := above >= 0).any():
            is_below |= inside & chosen[above]
            above = np.where(inside, parent[above], above)
        return np.asarray(rows[~is_below], np.int32)

    def below(self, row: int) -> Rows:
        """Return the rows of an object and its descendants, level by level."""
        return self._tree.subtree(row)

    def order(self, parent: int) -> list[int]:
        """Return the children of an object, in order."""
        return self._tree.children(parent)

    def set_order(self, parent: int, rows: Sequence[int]) -> None:
        """Order the children of an object; those that are not in `rows` come last."""
        self._tree.set_order(parent, rows)
        self._tableau.structure_version += 1

    def take_out(self, rows: Rows) -> TakenOut:
        """Remove objects with their descendants and features, so that they can be put back.

        Nothing else gets their rows until `give_up`; their handles are stale until `put_back`.
        """
        part = self._tree.take_out(self.topmost(rows))
        features = {}
        for name, table in self._tableau.tables.items():
            owned = table.rows_of(part.rows)
            if len(owned):
                features[name] = table.copied(owned)
                table.remove(np.sort(owned))
        self._columns.kept += len(part.rows)
        self._tableau.structure_version += 1
        return TakenOut(part, features)

    def put_back(self, taken: TakenOut) -> None:
        """Put objects back. Raises ValueError (NameTaken) where that is impossible; nothing is done then."""
        self._tree.put_back(taken.part)
        self._columns.kept -= len(taken.part.rows)
        self._transforms.place_again(taken.part.rows, returned=True)
        self._activity.mark(taken.part.rows)
        for name, columns in taken.features.items():
            self._tableau.tables[name].add_copied(columns)
        self._tableau.structure_version += 1

    def give_up(self, taken: TakenOut) -> None:
        """Free the rows of objects that will not be put back."""
        self._columns.kept -= len(taken.part.rows)
        self._columns.free(np.sort(taken.part.rows))
