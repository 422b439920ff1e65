"""All assets of a scene as columns: kind, name, what they are made of, bytes in the plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetLibrary, AssetRef
from engine.assets.records import Asset, AssetType, source_name
from engine.assets.updating.references import with_references
from engine.plan.model.plan import Plan

Ints = NDArray[np.int64]
KINDS = tuple(AssetType)


@dataclass(frozen=True, eq=False)
class AssetRows:
    """The assets of all databases, in their order.

    Attributes
    ----------
    keys : int64[n]
        Their keys, ascending.
    kinds : int8[n]
        Numbers of KINDS.
    names, searched : list of str, n
        As they are shown; all that is searched, in small letters.
    refers, referred : int64[m]
        Row of an asset, and row of one that it is made of.
    broken : bool[n]
    """

    keys: Ints
    kinds: NDArray[np.int8]
    names: list[str]
    searched: list[str]
    refers: Ints
    referred: Ints
    broken: NDArray[np.bool_]

    @staticmethod
    def of(library: AssetLibrary) -> AssetRows:
        """Read the records of a library; once per version of it."""
        keys, kinds, names, searched, broken = [], [], [], [], []
        pairs: list[tuple[int, int]] = []
        number = {kind: at for at, kind in enumerate(KINDS)}
        for one in library.current:
            stays = library.still_good(one.db.id)
            for index, record in enumerate(one.db.assets):
                ref = library.kept(record.ref)  # of the version that is drawn
                keys.append(ref.key)
                kinds.append(number[record.type])
                names.append(record.name or source_name(record) or f"#{record.ref.index}")
                searched.append(f"{record.type} {names[-1]} {one.db.name}".lower())
                broken.append(index in stays or library.is_broken(ref))
                pairs += [(ref.key, library.kept(part).key) for part in references(record)]
        order = np.argsort(np.array(keys, np.int64), kind="stable")
        sorted_keys = np.array(keys, np.int64)[order]
        of, on = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
        known = np.isin(of, sorted_keys) & np.isin(on, sorted_keys)
        return AssetRows(
            sorted_keys,
            np.array(kinds, np.int8)[order],
            [names[at] for at in order],
            [searched[at] for at in order],
            np.searchsorted(sorted_keys, of[known]),
            np.searchsorted(sorted_keys, on[known]),
            np.array(broken, np.bool_)[order],
        )

    def __len__(self) -> int:
        return len(self.keys)

    def row_of(self, key: int) -> int | None:
        """The row of an asset; None where there is none."""
        at = int(np.searchsorted(self.keys, key))
        return at if at < len(self.keys) and self.keys[at] == key else None

    def found(self, text: str, kind: int | None) -> NDArray[np.int64]:
        """Rows whose kind is this one and that hold all words of a text."""
        rows = np.arange(len(self)) if kind is None else np.flatnonzero(self.kinds == kind)
        for word in text.lower().split():
            rows = rows[[word in self.searched[row] for row in rows.tolist()]] if len(rows) else rows
        return rows


def references(record: Asset) -> list[AssetRef]:
    """The assets that a record is made of."""
    found: list[AssetRef] = []

    def note(ref: AssetRef) -> AssetRef:
        found.append(ref)
        return ref

    with_references(record, note)
    return found


def planned_bytes(rows: AssetRows, plan: Plan) -> Ints:
    """Bytes of each asset in a plan: its own, and of all that it is made of, int64[n].

    What several share is in the bytes of each of them.
    """
    parts = plan.memory.subresources
    at = np.searchsorted(rows.keys, parts["key"].astype(np.int64))
    known = at < len(rows)
    known[known] = rows.keys[at[known]] == parts["key"][known]
    sizes = np.zeros(len(rows), np.int64)
    np.add.at(sizes, at[known], parts["size"][known].astype(np.int64))
    total = sizes.copy()
    reached, through = rows.refers, rows.referred
    seen = np.unique(reached * len(rows) + through) if len(reached) else np.zeros(0, np.int64)
    edges = seen
    while len(edges):  # one level of what things are made of in each round
        of, on = edges // len(rows), edges % len(rows)
        np.add.at(total, of, sizes[on])
        order = np.argsort(rows.refers, kind="stable")
        starts = np.searchsorted(rows.refers[order], on)
        ends = np.searchsorted(rows.refers[order], on, side="right")
        counts = ends - starts
        further = np.repeat(of, counts)
        index = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(int(counts.sum()))
        found = np.unique(further * len(rows) + rows.referred[order][index])
        edges = np.setdiff1d(found, seen)
        seen = np.union1d(seen, edges)
    return total
