"""Refusals: what was cooked, and cannot be drawn with, gives its place back to its earlier version.

That a shader does not fit another stage, or that a driver makes no pipeline of it, is found once an update
has been applied. A refusal is a further update that restores what is at fault, and what is made of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from engine.assets.broken_assets import BrokenAssets, find_broken_assets
from engine.assets.cook import CookedDb
from engine.assets.library import AssetLibrary, alpha_modes
from engine.assets.records import Asset, AssetRef
from engine.assets.updating.asset_changes import AssetChange, Change
from engine.assets.updating.asset_index import AssetIndex
from engine.assets.updating.library_update import IN_ORDER, LibraryUpdate
from engine.assets.updating.references import references_of, with_references
from engine.assets.updating.side_file import SideFile
from engine.humon import Problem


def make_refusal(
    library: AssetLibrary,
    indices: Mapping[str, AssetIndex],
    refused: Mapping[AssetRef, Problem],
    earlier: Mapping[int, int],
    side: SideFile,
) -> LibraryUpdate | None:
    """Restore assets of the newest databases: `refused` says why; None where none of them is the newest.

    `earlier` are the keys of assets that have changed, now and before; `indices` those of the databases by
    their names. Does not change the library, so that it may run on another thread as long as no update is
    applied.
    """
    found: list[_Refusal] = []
    for one in library.current[1:]:
        places = {library.kept(asset.ref): asset.ref.index for asset in one.db.assets} if refused else {}
        here = {places[ref]: why for ref, why in refused.items() if ref in places and ref.key in earlier}
        if here:
            number = library.next_id + len(found)
            found.append(_Refusal(library, one, indices[one.db.name], number, here, earlier, side))
    if not found:
        return None
    return LibraryUpdate(
        library.version,
        tuple((one.number, one.cooked, one.broken, one.kept) for one in found),
        {now: before for one in found for now, before in one.moves.items()},
        tuple(change for one in found for change in one.changes()),
        np.zeros((0, 4), np.int64),
        alpha_modes(asset for one in found for asset in one.renewed()),
        {one.number: one.uses() for one in found},
        {one.number: one.still_good() for one in found},
    )


class _Refusal:
    """One database of which some assets are refused.

    `moves` are the keys of what changes, before and now; `kept` the references of what is as it was before.
    """

    def __init__(
        self,
        library: AssetLibrary,
        before: CookedDb,
        index: AssetIndex,
        number: int,
        refused: Mapping[int, Problem],
        earlier: Mapping[int, int],
        side: SideFile,
    ) -> None:
        self.number = number
        self.moves: dict[int, int] = {}
        self.kept: dict[int, AssetRef] = {}
        self._library = library
        self._before = before
        self._records = index.assets
        self._earlier = earlier
        self._changed: dict[int, Asset] = {}
        self._still_good: set[int] = set()
        assets = list(before.db.assets)
        concerned = (assets[each] for each in index.dependants(refused))
        for asset in sorted(concerned, key=lambda one: IN_ORDER[one.type]):
            self._compare(asset.ref.index, asset.ref.index in refused)
        db = replace(
            before.db,
            id=number,
            assets=tuple(self._changed.get(each, asset) for each, asset in enumerate(assets)),
        )
        refused = {**before.refused, **refused}
        self.cooked = CookedDb(db, side.image({}), before.entries, 0, before.code, before.problems, refused)
        stays = self.still_good()
        found = find_broken_assets(self.cooked, lambda ref: ref.index in stays)
        broken = {each for each in self._changed if self._is_broken(each, each in refused)}
        refs = frozenset(AssetRef(number, each) for each in broken)
        self.broken = BrokenAssets(refs, found.slots, found.problems)

    def changes(self) -> Iterator[AssetChange]:
        """Yield what stays as it was, in the order of the text."""
        for each in sorted(self._still_good):
            yield AssetChange(self._before.db.name, self._before.db.assets[each].label, Change.BROKEN, 0)

    def renewed(self) -> Iterator[Asset]:
        """Return the records that are made of what was restored and of what was not."""
        return (asset for each, asset in self._changed.items() if each not in self.kept)

    def uses(self) -> dict[int, int]:
        """Return how many assets name or lie in which database."""
        uses = Counter(self._library.uses_of(self._before.db.id))
        for each in self._changed:
            named = self._before.db.assets[each].ref
            uses.subtract({named.db, self._library.kept(named).db})
        uses += Counter(ref.db for ref in self.kept.values())
        uses[self.number] = len(self._changed)
        return {number: count for number, count in uses.items() if count > 0}

    def still_good(self) -> frozenset[int]:
        """Return the assets that are broken now and drawn in an earlier version."""
        known = self._library.still_good(self._before.db.id)
        return frozenset((known - self._changed.keys()) | self._still_good)

    def _compare(self, each: int, is_refused: bool) -> None:
        """Decide what becomes of an asset, after all that it is made of."""
        if not is_refused and not any(
            ref.index in self._changed for ref in references_of(self._records[each])
        ):
            return
        drawn, before = self._drawn(each), self._good_before(each)
        now = replace(with_references(self._records[each], self._mapped), ref=AssetRef(self.number, each))
        self._changed[each] = now
        if before is not None and (is_refused or self._is_as(now, before)):
            self.kept[each] = before
        if is_refused and before is not None:
            self._still_good.add(each)
        self.moves[drawn.key] = self.kept.get(each, now.ref).key

    def _is_broken(self, each: int, is_refused: bool) -> bool:
        """Whether a changed asset is broken in this version: refused, or as it was."""
        return is_refused or (each not in self.kept and self._library.is_broken(self._drawn(each)))

    def _is_as(self, now: Asset, before: AssetRef) -> bool:
        return replace(now, ref=before) == replace(self._library.unreplaced(before), ref=before)

    def _drawn(self, each: int) -> AssetRef:
        return self._library.kept(self._before.db.assets[each].ref)

    def _good_before(self, each: int) -> AssetRef | None:
        """Return the version of an asset that was drawn before, if it has changed and was not broken."""
        key = self._earlier.get(self._drawn(each).key)
        if key is None or self._library.is_broken(AssetRef.from_key(key)):
            return None
        return AssetRef.from_key(key)

    def _mapped(self, ref: AssetRef) -> AssetRef:
        if ref.index in self._changed:
            return self.kept.get(ref.index, AssetRef(self.number, ref.index))
        return self._drawn(ref.index)
