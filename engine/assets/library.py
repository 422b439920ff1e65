"""The library: all databases of a scene with their caches, by reference; broken assets are replaced.

All references in the library's records are usable: those of a broken mesh, material or texture are replaced
by the builtin placeholder of its type.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.assets.broken_assets import BrokenAssets, find_broken_assets
from engine.assets.cache.cache import CacheImage, Entry
from engine.assets.cache.facts import Facts, TextureFacts, facts_from_json, stand_in_facts
from engine.assets.cook import CookedDb, ProgressCallback, cook_database
from engine.assets.database import builtin_db, check_databases
from engine.assets.files import FileGate
from engine.assets.formats import AlphaMode, TextureFormat
from engine.assets.names import BUILTIN, find_asset
from engine.assets.problems import problem_from_json
from engine.assets.records import Asset, AssetDb, AssetRef, AssetType, Material, Mesh, Model
from engine.assets.updating.references import references_of, with_references
from engine.humon import InputError, Problem

if TYPE_CHECKING:
    from engine.assets.updating.library_update import LibraryUpdate

VARIANTS = 1 << 30
"""The number of the database of variants: models with another material, which no file has."""

_PLACEHOLDER = "placeholder"
_SLOT_PLACEHOLDERS = {
    "normal": "flatNormal",
    "tangent": "flatNormal",
    "roughness": "matte",
    "occlusion": "white",
}


_WITH_STAND_IN = frozenset(form.value for form in TextureFormat if form.stand_in is not None)


@dataclass(frozen=True, slots=True)
class CacheRange:
    """The bytes of an asset: database, offset in its data, size and alignment in bytes."""

    db: int
    offset: int
    size: int
    alignment: int


def open_library(
    dbs: Iterable[AssetDb],
    *,
    jobs: int | None = None,
    progress: ProgressCallback | None = None,
    cache_root: Path | None = None,
) -> AssetLibrary:
    """Cook stale assets of `dbs` and of the builtin database, open the caches, replace broken assets.

    The ids of `dbs` must be 1, 2, ... in this order. `progress` is called on this thread. Raises InputError
    if two databases share a name or a cache, or a builtin asset is broken.
    """
    listed = (builtin_db(), *(db for db in dbs if db.id != 0))
    check_databases(listed)
    cooked: list[CookedDb] = []
    try:
        for db in listed:
            cooked.append(cook_database(db, jobs=jobs, progress=progress, cache_root=cache_root))
        return AssetLibrary(cooked)
    except BaseException:
        for one in cooked:
            one.image.close()
        raise


class AssetLibrary:
    """Records, facts and bytes of all assets of the databases. Close it after the last copy of its bytes.

    A database that is cooked again while it is used is added as a further one (`apply`). Assets that are as
    before keep their references, and those that have changed get others, so that both can be drawn from.
    """

    def __init__(self, cooked: Sequence[CookedDb]) -> None:
        self._cooked = dict(enumerate(cooked))
        self.dbs: dict[int, AssetDb] = {number: one.db for number, one in self._cooked.items()}
        """The databases by id; database 0 is the builtin one, and of one name the last is the newest."""
        self.version = 0
        """How many updates were applied."""
        self.next_id = len(self.dbs)
        """The id of the next database that is added."""
        self.alpha_modes = alpha_modes(asset for db in self.dbs.values() for asset in db.assets)
        """How the materials of all databases cover."""
        self._current = list(self.dbs)
        self._names = {number: db.name for number, db in self.dbs.items()}  # dropped ones included
        self._kept: dict[int, Mapping[int, AssetRef]] = {}
        self._renewed: defaultdict[int, dict[int, Asset]] = defaultdict(dict)
        """Records of databases with kept assets, by index, once they have been asked for."""
        self._uses: dict[int, Mapping[int, int]] = {
            number: {number: len(db.assets)} for number, db in self.dbs.items()
        }
        """Of each newest database: how many of its assets have a reference to, or lie in, which database."""
        self._still_good: dict[int, frozenset[int]] = {}
        self._broken_assets = {number: find_broken_assets(one) for number, one in self._cooked.items()}
        self._facts: defaultdict[int, dict[str, Facts]] = defaultdict(dict)
        """By database and identity of the recipe: assets that are made alike share them."""
        self._lacking: frozenset[TextureFormat] = frozenset()
        self._placeholders: dict[str, AssetRef] = {}
        self._variants: list[tuple[AssetRef, AssetRef]] = []
        self._variant_refs: dict[tuple[AssetRef, AssetRef], AssetRef] = {}
        if self._broken_assets[0].refs:
            raise InputError(self._broken_assets[0].problems)

    def __enter__(self) -> AssetLibrary:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def problems(self) -> list[Problem]:
        """The problems of the newest version of each database."""
        return self.problems_of({self.dbs[number].name for number in self._current})

    def problems_of(self, names: Collection[str]) -> list[Problem]:
        """Return the problems of the newest versions of databases with these names."""
        return [
            problem
            for number in self._current
            if self.dbs[number].name in names
            for problem in (*self._cooked[number].problems, *self._broken_assets[number].problems)
        ]

    def refused_in_text(self, name: str) -> list[Problem]:
        """Return why assets of the newest database of a name stay as they were, at places in its text."""
        one = next(one for one in self.current if one.db.name == name)
        text = one.db.document.name
        return [why for why in one.refused.values() if why.position is not None and why.position.file == text]

    @property
    def cooked(self) -> int:
        """How many assets were cooked when the library was opened."""
        return sum(one.cooked for one in self._cooked.values())

    @property
    def current(self) -> tuple[CookedDb, ...]:
        """The newest version of each database, the builtin one first."""
        return tuple(self._cooked[number] for number in self._current)

    def sources(self) -> Iterator[Path]:
        """Yield the files that the newest data was made of, also those that sources name in turn."""
        for one in self.current:
            yield from _located(one.db, one.entries.values())

    def sources_of(self, ref: AssetRef) -> Iterator[Path]:
        """Yield the files that the data of one asset was made of, its own source first."""
        ref = self.kept(ref)
        yield from _located(self.dbs[ref.db], [self._cooked[ref.db].entries[ref.index]])

    def find(self, db: str, asset: str | int, types: Sequence[str] = ()) -> AssetRef:
        """Return an asset by the name of its database and its name or index. Raises KeyError."""
        return self.kept(find_asset([self.dbs[number] for number in self._current], db, asset, types))

    def newest(self, name: str, index: int) -> AssetRef:
        """Return the reference of the asset with this index in the newest database of a name."""
        number = next(each for each in self._current if self.dbs[each].name == name)
        return self.kept(self.dbs[number].assets[index].ref)

    def renewed(self, ref: AssetRef) -> AssetRef:
        """Return the newest version of an asset, also of one whose database was dropped."""
        return ref if ref.db == 0 else self.newest(self._names[ref.db], ref.index)

    def is_newest(self, ref: AssetRef) -> bool:
        """Whether this version of an asset is one of a newest database; a variant if both parts are."""
        if ref.db == VARIANTS:
            return all(map(self.is_newest, self._variants[ref.index]))
        number = next((each for each in self._current if self._names[each] == self._names[ref.db]), None)
        assets = () if number is None else self.dbs[number].assets
        if ref.index < len(assets) and self.kept(assets[ref.index].ref) == ref:
            return True
        return any(self.kept(asset.ref) == ref for asset in assets)

    def has_version(self, key: int) -> bool:
        """Whether the database of an asset is there, so that it can be used, by its key."""
        return AssetRef.from_key(key).db in self.dbs

    def kept(self, ref: AssetRef) -> AssetRef:
        """Return the reference that an asset has: an earlier one, where it is as before."""
        of_db = self._kept.get(ref.db)
        return ref if of_db is None else of_db.get(ref.index, ref)

    def moved(self, key: int, moves: Mapping[int, int]) -> int:
        """Return the key that an asset has now, by those of changed assets; also of a variant."""
        ref = AssetRef.from_key(key)
        if ref.db != VARIANTS:
            return moves.get(key, key)
        model, material = (moves.get(each.key, each.key) for each in self._variants[ref.index])
        return self.variant(AssetRef.from_key(model), AssetRef.from_key(material)).key

    def apply(self, update: LibraryUpdate) -> None:
        """Add the databases of an update, which was made for this version. Raises ValueError for another."""
        if update.base != self.version:
            raise ValueError(f"the update is for version {update.base} of the library, not {self.version}")
        for number, one, broken, kept in update.added:
            assert number == self.next_id
            self._cooked[number], self.dbs[number], self._names[number] = one, one.db, one.db.name
            self._broken_assets[number] = broken
            self._kept[number] = kept
            self._uses[number] = update.uses[number]
            self._still_good[number] = update.still_good[number]
            names = [self.dbs[each].name for each in self._current]
            if one.db.name in names:
                place = names.index(one.db.name)
                del self._uses[self._current[place]]
                self._still_good.pop(self._current[place], None)
                self._current[place] = number
            else:
                self._current.append(number)
            self.next_id += 1
        self.alpha_modes |= update.alpha_modes
        self.version += 1

    def uses_of(self, db: int) -> Mapping[int, int]:
        """Return how many assets of a newest database have a reference to, or lie in, which database."""
        return self._uses[db]

    def still_good(self, db: int) -> frozenset[int]:
        """Return which assets of a newest database are broken and drawn in an earlier version, by index."""
        return self._still_good.get(db, frozenset())

    def unused(self) -> list[int]:
        """Return the databases that no asset of a newest one lies in or refers to any more."""
        used = {0, *self._current, *(number for of in self._uses.values() for number in of)}
        used |= self._used_by_broken()
        for pair in self._variants:
            used |= {ref.db for ref in pair}
        return [number for number in self.dbs if number not in used]

    def _used_by_broken(self) -> set[int]:
        """Return the databases of what assets are made of that are broken and drawn in an earlier version."""
        todo = [self.dbs[db].assets[index].ref for db, of in self._still_good.items() for index in of]
        found: set[int] = set()
        while todo:
            ref = self.kept(todo.pop())
            found.add(ref.db)
            parts = list(references_of(self.dbs[ref.db].assets[ref.index]))
            found.update(part.db for part in parts)
            todo += parts
        return found

    def drop(self, dbs: Iterable[int]) -> None:
        """Forget databases that nothing is drawn from any more, and close their caches."""
        for number in set(dbs):
            self._cooked.pop(number).image.close()
            del self.dbs[number], self._broken_assets[number]
            self._kept.pop(number, None)
            self._renewed.pop(number, None)
            self._facts.pop(number, None)

    def variant(self, model: AssetRef, material: AssetRef) -> AssetRef:
        """Return a model with another material, the same each time: an asset after those of all databases."""
        known = self._variant_refs.get((model, material))
        if known is None:
            known = AssetRef(VARIANTS, len(self._variants))
            self._variants.append((model, material))
            self._variant_refs[model, material] = known
        return known

    def is_replaced(self, ref: AssetRef) -> bool:
        """Whether the mesh of a model, or this mesh itself, is broken, so that the placeholder is drawn."""
        if ref.db == VARIANTS:
            ref = self._variants[ref.index][0]
        if self.is_broken(ref):
            return True
        record = self.unreplaced(self.kept(ref))
        return isinstance(record, Model) and self.is_broken(record.mesh)

    def usable(self, ref: AssetRef) -> AssetRef:
        """Return `ref`, or the builtin placeholder of its type if the asset is broken.

        An animation has none: ask `is_broken`.
        """
        if ref.db == VARIANTS:
            return ref
        ref = self.kept(ref)
        broken = self._broken_assets[ref.db].refs
        return self._placeholder_of(ref) if broken and ref in broken else ref

    def is_broken(self, ref: AssetRef) -> bool:
        """Whether an asset cannot be used, which was reported then."""
        if ref.db == VARIANTS:
            return False
        ref = self.kept(ref)
        return ref in self._broken_assets[ref.db].refs

    def failures(self, ref: AssetRef) -> tuple[Problem, ...]:
        """Return why the source of an asset cannot be used; none where it can, or its record is at fault."""
        cooked = self._cooked[self.kept(ref).db]
        entry = cooked.entries.get(self.kept(ref).index)
        return tuple(problem_from_json(row, cooked.db.root) for row in (entry.failure if entry else ()))

    def broken_assets(self, db: int) -> BrokenAssets:
        """Return the broken assets of a database, by its id."""
        return self._broken_assets[db]

    def placeholder(self, kind: str) -> AssetRef:
        """Return the builtin asset that replaces broken assets of this type."""
        if kind not in self._placeholders:
            self._placeholders[kind] = self.find(BUILTIN, _PLACEHOLDER, (kind,))
        return self._placeholders[kind]

    def record(self, ref: AssetRef) -> Asset:
        """Return the record of an asset, with usable references. Raises LookupError."""
        if ref.db == VARIANTS:
            model, material = self._variants[ref.index]
            record = self.record(self.usable(model))
            return replace(record, material=self.usable(material)) if isinstance(record, Model) else record
        record = self.unreplaced(ref)
        if not self._broken_assets[ref.db].refs:
            return record
        if isinstance(record, Model):
            return replace(record, mesh=self.usable(record.mesh), material=self.usable(record.material))
        if isinstance(record, Material):
            textures = {slot: self._texture(slot, texture) for slot, texture in record.textures.items()}
            return replace(record, textures=textures)
        return record

    def unreplaced(self, ref: AssetRef) -> Asset:
        """Return the record of an asset of a database with references as they are written, broken or not."""
        if ref.db not in self._kept:
            return self._cooked[ref.db].db[ref]
        known = self._renewed[ref.db]
        record = known.get(ref.index)
        if record is None:
            record = known[ref.index] = with_references(self._cooked[ref.db].db[ref], self.kept)
        return record

    def facts(self, ref: AssetRef) -> Facts:
        """Return the facts of an asset with data, or of its placeholder if it is broken.

        Raises KeyError for a model, mesh or material.
        """
        ref = self.usable(ref)
        entry = self._cooked[ref.db].entries[ref.index]
        facts = self._facts[ref.db].get(entry.identity)
        if facts is None:
            assert entry.facts is not None
            facts = facts_from_json(self._cooked[ref.db].db[ref].type, entry.facts)
            if isinstance(facts, TextureFacts) and facts.format in self._lacking:
                facts = stand_in_facts(facts)
            self._facts[ref.db][entry.identity] = facts
        return facts

    def use_formats(self, lacking: Collection[str]) -> None:
        """Give textures of formats that a device lacks, by their names in Vulkan, as their stand-ins.

        A library serves one device at a time: what was read of facts and ranges before may not fit it.
        """
        found = frozenset(form for form in TextureFormat if form.name in lacking)
        if found != self._lacking:
            self._lacking = found
            self._facts.clear()

    def range_of(self, entry: Entry) -> tuple[int, int]:
        """Return offset and size of the bytes of an entry that the device takes."""
        form = entry.facts.get("format") if entry.facts else None
        if entry.facts is None or form not in _WITH_STAND_IN:
            return entry.offset, entry.size
        facts = facts_from_json(AssetType.TEXTURE2D, entry.facts)
        assert isinstance(facts, TextureFacts)
        if form not in self._lacking:
            return entry.offset, facts.size
        size = stand_in_facts(facts).size
        return entry.offset + entry.size - size, size

    def source(self, ref: AssetRef) -> CacheRange:
        """Return the range of an asset's bytes, or of its placeholder's if it is broken. Raises KeyError."""
        ref = self.usable(ref)
        entry = self._cooked[ref.db].entries[ref.index]
        return CacheRange(ref.db, *self.range_of(entry), entry.alignment)

    def ranges(self) -> NDArray[np.int64]:
        """Return the ranges of all assets that are not broken: int64[n, 4] of key, database, offset, size."""
        found = [
            self.ranges_of(number, one, self._broken_assets[number], self._kept.get(number, {}))
            for number, one in self._cooked.items()
        ]
        return np.concatenate(found)

    def ranges_of(
        self, number: int, cooked: CookedDb, broken: BrokenAssets, kept: Mapping[int, AssetRef]
    ) -> NDArray[np.int64]:
        """Return the ranges of one database's own assets, also of one that is not added yet; see `ranges`."""
        assets = cooked.db.assets
        rows = [
            (ref.key, number, *self.range_of(entry))
            for index, entry in cooked.entries.items()
            if (ref := assets[index].ref).db == number and index not in kept and ref not in broken.refs
        ]
        return np.array(rows, np.int64).reshape(-1, 4)

    def read(self, ref: AssetRef) -> bytes:
        """Return the bytes of an asset, or of its placeholder if it is broken.

        Those of a shader are in memory; others are read from the cache, which may raise CacheMissError.
        """
        ref = self.usable(ref)
        one = self._cooked[ref.db]
        entry = one.entries[ref.index]
        return one.code[entry.identity] if entry.identity in one.code else one.image.read(entry)

    def read_texels(self, ref: AssetRef) -> tuple[TextureFacts, bytes]:
        """Return a texture, or the placeholder of a broken one, as texels: in its stand-in where it has one.

        Raises CacheMissError.
        """
        ref = self.usable(ref)
        one = self._cooked[ref.db]
        facts = facts_from_json(AssetType.TEXTURE2D, one.entries[ref.index].facts or {})
        assert isinstance(facts, TextureFacts)
        content = one.image.read(one.entries[ref.index])
        if facts.format.stand_in is not None:
            facts = stand_in_facts(facts)
            content = content[len(content) - facts.size :]
        return facts, content

    def data(self, db: int) -> bytes | memoryview:
        """Return the data of a database's cache in memory, which contains the ranges of `source`."""
        return self._cooked[db].image.data

    def cache(self, db: int) -> CacheImage:
        """Return the cache of a database, for bulk copies from its file or its data."""
        return self._cooked[db].image

    def close(self) -> None:
        """Close the caches. May be called again."""
        for one in self._cooked.values():
            one.image.close()

    def _texture(self, slot: str, ref: AssetRef) -> AssetRef:
        if not self.is_broken(ref):
            return ref
        return self.find(BUILTIN, _SLOT_PLACEHOLDERS.get(slot, _PLACEHOLDER), (AssetType.TEXTURE2D,))

    def _placeholder_of(self, ref: AssetRef) -> AssetRef:
        """Return the placeholder of a broken asset; parts of a mesh are those of the placeholder mesh."""
        kind = self._cooked[ref.db].db[ref].type
        if kind in (AssetType.ANIMATION, AssetType.MORPH_TARGETS):
            return ref  # it moves nothing, see `is_broken`
        if kind is AssetType.TEXTURE2D:
            return self._texture(self._broken_assets[ref.db].slots.get(ref, ""), ref)
        if kind is AssetType.SHADER:
            return self._placeholder_shader(ref)
        part = _MESH_PARTS.get(kind)
        if part is None:
            return self.placeholder(kind)
        mesh = self._cooked[0].db[self.placeholder(AssetType.MESH)]
        assert isinstance(mesh, Mesh)
        return part(mesh)

    def _placeholder_shader(self, ref: AssetRef) -> AssetRef:
        """Return the placeholder material's shader of the same stage, else its first."""
        broken = self._cooked[ref.db].db[ref]
        material = self._cooked[0].db[self.placeholder(AssetType.MATERIAL)]
        assert isinstance(material, Material)
        for shader in material.shaders:
            if getattr(self._cooked[0].db[shader], "stage", None) == getattr(broken, "stage", ""):
                return shader
        return material.shaders[0]


def alpha_modes(assets: Iterable[Asset]) -> frozenset[AlphaMode]:
    """Return how materials among these assets cover."""
    return frozenset(asset.alpha_mode for asset in assets if isinstance(asset, Material))


def _located(db: AssetDb, entries: Iterable[Entry]) -> Iterator[Path]:
    """Yield the files that entries of a database were made of, each once."""
    gate = FileGate(db.root)
    for path in dict.fromkeys(stamp.path for entry in entries for stamp in entry.sources):
        yield Path(gate.locate(path))


def _skeleton_of(mesh: Mesh) -> AssetRef:
    assert mesh.skeleton is not None
    return mesh.skeleton


_MESH_PARTS: dict[AssetType, Callable[[Mesh], AssetRef]] = {
    AssetType.VERTICES: lambda mesh: mesh.lods[0].vertices,
    AssetType.INDICES: lambda mesh: mesh.lods[0].indices,
    AssetType.SKELETON: _skeleton_of,
}
