"""Skins: which objects are the bones of a skinned object, and where they were when its mesh was made.

A bone of a skeleton is an object below the skinned one, found by its name. What is found lasts until objects
are added or removed, or a skin or its model is changed or switched; moving a bone changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, Mesh, Model, SkeletonFacts
from engine.assets.importers.mesh import BONE, BOUND_BONE
from engine.assets.importers.mesh_source import NO_PARENT
from engine.feature.row_assets import RowAssets
from engine.math import to_matrix3
from engine.tableau import NO_ASSET, ROOT, FeatureTable, Tableau, Unbound, find_object

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Bones by number: their names, and the matrices [n, 4, 4] from the space of the mesh to theirs."""

    names: tuple[str, ...]
    binds: Doubles


def bind_matrices(content: bytes, *, bound: bool = False) -> Doubles:
    """Return the matrices [n, 4, 4], stored as in `engine.math`, from a mesh to the bones of its skeleton.

    `content` are bones as they are cooked: each lies on its parent, or has its matrix if they are `bound`.
    """
    if bound:
        rows = np.frombuffer(content, BOUND_BONE).reshape(-1, 3, 4).astype(np.float64)
        matrices = np.zeros((len(rows), 4, 4))
        matrices[:, :, :3], matrices[:, 3, 3] = rows.transpose(0, 2, 1), 1.0
        return matrices
    bones = np.frombuffer(content, BONE)
    axes = to_matrix3(bones["rotation"].astype(np.float64)) * bones["scale"][:, None, None]
    placed = np.zeros((len(bones), 4, 4))
    placed[:, :3, :3], placed[:, 3, :3], placed[:, 3, 3] = axes, bones["translation"], 1.0
    for number, parent in enumerate(bones["parent"].tolist()):
        if parent != NO_PARENT:
            placed[number] = placed[number] @ placed[parent]
    found: Doubles = np.linalg.inv(placed).astype(np.float64, copy=False)
    return found


@dataclass(frozen=True, eq=False)
class Bones:
    """The bones of all active skins, one skin after the other.

    Attributes
    ----------
    objects : int32[bones]
        The object that each bone is; the skinned object itself where it is missing.
    binds : float64[bones, 4, 4]
        The matrix from the mesh to each bone, the identity for a missing one.
    first, count : int32[objects]
        Of each object with an enabled skin its first bone and how many it has; -1 and 0 for others.
    skinned : int32[bones]
        The skinned object of each bone; an object may be a bone of several.
    pose : int32[objects]
        A number for the binds of each skinned object, equal where they are equal; -1 for others.
    poses : list of float64[n, 4, 4]
        The binds by these numbers.
    missing : dict of int to list of str
        By rows of the skin's table: the bones without an object.
    lost : dict of int to (str, str)
        Rows of the skin's table whose `bones` names no object: what is wrong, and what to write instead.
    bare : list of int
        Rows of the skin's table whose object draws no mesh with a skeleton.
    """

    objects: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    binds: Doubles = field(default_factory=lambda: np.zeros((0, 4, 4)))
    first: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    count: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    skinned: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    pose: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    poses: Sequence[Doubles] = ()
    missing: Mapping[int, list[str]] = field(default_factory=dict)
    lost: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    bare: Sequence[int] = ()

    def owners(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
        """Return the skinned objects among whose bones some of these objects are, ascending."""
        among = np.zeros(len(self.first), np.bool_)
        if len(objects) and objects.max() >= len(among):
            objects = objects[objects < len(among)]
        among[objects] = True
        moved = among.take(self.objects)
        if moved.all():
            return self.every_skinned
        found = np.zeros(len(among), np.bool_)
        found[self.skinned[moved]] = True
        return np.flatnonzero(found).astype(np.int32)

    @cached_property
    def every_skinned(self) -> npt.NDArray[np.int32]:
        """All skinned objects with bones, each once, ascending."""
        return np.unique(self.skinned)

    def first_of(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
        """Return the first bone of each of these objects, -1 without a skin."""
        if not len(self.objects):
            return np.full(len(objects), -1, np.int32)
        found: npt.NDArray[np.int32] = self.first[objects]
        return found


NO_BONES = Bones()


NO_OBJECT = "write the path of an object, or nothing where the bones are below this one"

BONES_BELOW = "bones"
"""The field of a skin with the path of the object that its bones are below, empty for its own."""


class Skins:
    """Finds the bones of the skins of a tableau."""

    def __init__(
        self, tableau: Tableau, library: AssetLibrary, skin: str = "", models: Sequence[str] = ()
    ) -> None:
        """`skin` is the feature of skinned objects; the mesh is what the first of `models` draws there."""
        self._tableau = tableau
        self._library = library
        self._table = tableau.tables.get(skin)
        tables = [tableau.tables[name] for name in models if name in tableau.tables]
        self._models = [(table, RowAssets(tableau, table, library)) for table in tables]
        self._skeletons: dict[int, Skeleton | None] = {}
        self._version: tuple[object, ...] | None = None
        self._input: tuple[object, ...] | None = None
        self._found = NO_BONES

    @property
    def bones(self) -> Bones:
        """The bones now: the same object as long as they are the same. Raises CacheMissError."""
        table = self._table
        if table is None or not len(table):
            return NO_BONES
        version = (table.version, self._tableau.tree_version, *(assets.version for _, assets in self._models))
        if version != self._version:
            rows = table.rows_active()
            enabled = table.flags("effective_enabled")[rows]
            parts = rows, enabled, table.object[rows], self._meshes(table.object[rows])
            below = tuple(table.column(BONES_BELOW)[rows].tolist())
            given = self._tableau.tree_version, below, *(part.tobytes() for part in parts)
            if given != self._input:
                self._found, self._input = self._find(table, rows, enabled), given
            self._version = version
        return self._found

    def _find(
        self, table: FeatureTable, rows: npt.NDArray[np.int32], enabled: npt.NDArray[np.bool_]
    ) -> Bones:
        if not len(rows):
            return NO_BONES
        objects = table.object[rows]
        kinds, kind_of = np.unique(self._meshes(objects), return_inverse=True)
        known = [self._skeleton(key) for key in kinds.tolist()]
        lengths = np.array([0 if one is None else len(one.names) for one in known], np.int64)
        counts = lengths[kind_of]
        starts = np.cumsum(counts) - counts
        found = self._objects_of(table, rows, known, kind_of)
        lost = self._find_elsewhere(table, rows, known, kind_of, found)
        binds = np.concatenate([np.zeros((0, 4, 4)), *(_binds(known[kind]) for kind in kind_of.tolist())])
        lacking = np.flatnonzero(found < 0)
        skin_of = np.repeat(np.arange(len(rows)), counts)
        found[lacking] = objects[skin_of[lacking]]
        binds[lacking] = np.eye(4)
        size = len(self._tableau.parent)
        first, pose, count = (
            np.full(size, -1, np.int32),
            np.full(size, -1, np.int32),
            np.zeros(size, np.int32),
        )
        missing: dict[int, list[str]] = {}
        replaced = np.array([self._is_replaced(key) for key in kinds.tolist()], np.bool_)[kind_of]
        for bone in lacking[~replaced[skin_of[lacking]]].tolist():
            skin = int(skin_of[bone])
            skeleton = known[kind_of[skin]]
            assert skeleton is not None
            missing.setdefault(int(rows[skin]), []).append(skeleton.names[bone - int(starts[skin])])
        is_used = enabled & (counts > 0)
        first[objects[is_used]], count[objects[is_used]] = starts[is_used], counts[is_used]
        number, poses = kind_of.astype(np.int32), [_binds(one) for one in known]
        for skin in np.unique(skin_of[lacking]).tolist():
            number[skin] = len(poses)
            poses.append(binds[starts[skin] : starts[skin] + counts[skin]])
        pose[objects[is_used]] = number[is_used]
        bare = rows[(counts == 0) & ~replaced].tolist()
        return Bones(found, binds, first, count, objects[skin_of], pose, poses, missing, lost, bare)

    def _meshes(self, objects: npt.NDArray[np.int32]) -> Ints:
        """Return the key of the model or mesh that bends on each object, NO_ASSET where there is none."""
        keys = np.full(len(objects), NO_ASSET, np.int64)
        for table, assets in self._models:
            lacking = np.flatnonzero((keys == NO_ASSET) & table.owned_by(objects))
            keys[lacking] = assets.of(table.rows_of(objects[lacking]))
        return keys

    def _is_replaced(self, key: int) -> bool:
        """Whether a model or mesh is broken, which is reported; its placeholder has bones of its own."""
        return key != NO_ASSET and self._library.is_replaced(AssetRef.from_key(key))

    def _skeleton(self, key: int) -> Skeleton | None:
        """Return the skeleton of a model or mesh; None where it has none."""
        if key not in self._skeletons:
            self._skeletons[key] = self._read(key) if key != NO_ASSET else None
        return self._skeletons[key]

    def _read(self, key: int) -> Skeleton | None:
        library = self._library
        record = library.record(library.usable(AssetRef.from_key(key)))
        mesh = library.record(record.mesh) if isinstance(record, Model) else record
        if not isinstance(mesh, Mesh) or mesh.skeleton is None:
            return None
        facts = library.facts(mesh.skeleton)
        assert isinstance(facts, SkeletonFacts)
        return Skeleton(facts.names, bind_matrices(library.read(mesh.skeleton), bound=facts.bound))

    def _objects_of(
        self,
        table: FeatureTable,
        rows: npt.NDArray[np.int32],
        skeletons: Sequence[Skeleton | None],
        kind_of: npt.NDArray[np.integer],
    ) -> npt.NDArray[np.int32]:
        """Return the object of each bone, -1 where there is none: the highest of its name below the skin."""
        ids: dict[str, int] = {}
        named = [() if one is None else one.names for one in skeletons]
        numbers = [np.array([ids.setdefault(name, len(ids)) for name in of], np.int64) for of in named]
        wanted = [numbers[kind] + skin * len(ids) for skin, kind in enumerate(kind_of.tolist())]
        codes = np.concatenate([np.zeros(0, np.int64), *wanted])
        below = self._tableau.rows()
        below = below[self._tableau.parent[below] >= 0]
        skin_of = np.full(len(table.object), -1, np.int64)
        skin_of[rows] = np.arange(len(rows))
        nearest = table.nearest_above(self._tableau.parent[below])
        skin = np.where(nearest >= 0, skin_of[nearest], -1)
        below, skin = below[skin >= 0], skin[skin >= 0]
        name = np.array([ids.get(one, -1) for one in map(self._tableau.name_of, below.tolist())], np.int64)
        below, code = below[name >= 0], (skin * len(ids) + name)[name >= 0]
        order = np.lexsort((below, self._tableau.level[below], code))
        below, code = below[order], code[order]
        found = np.full(len(codes), -1, np.int32)
        if len(code):
            at = np.minimum(np.searchsorted(code, codes), len(code) - 1)
            found = np.where(code[at] == codes, below[at], np.int32(-1)).astype(np.int32)
        return found

    def _find_elsewhere(
        self,
        table: FeatureTable,
        rows: npt.NDArray[np.int32],
        skeletons: Sequence[Skeleton | None],
        kind_of: npt.NDArray[np.integer],
        found: npt.NDArray[np.int32],
    ) -> dict[int, tuple[str, str]]:
        """Set the objects of bones that are below another object than the skin's: the one its row names.

        Returns the rows that name none, each with what is wrong and what to write instead; without words
        where it is left out of the text, which is reported.
        """
        paths = table.column(BONES_BELOW)[rows]
        tableau = self._tableau
        below: dict[int, dict[str, int]] = {}
        lost: dict[int, tuple[str, str]] = {}
        at = 0
        for path, row, kind in zip(paths.tolist(), rows.tolist(), kind_of.tolist(), strict=True):
            skeleton = skeletons[kind]
            names = () if skeleton is None else skeleton.names
            if path:
                root = ROOT
                try:
                    root = find_object(tableau, path, int(table.object[row])).row
                except Unbound as error:
                    advice = error.advice if error.is_near else NO_OBJECT
                    lost[row] = ("", "") if error.is_left_out else (error.message, advice)
                if root not in below:
                    below[root] = _named(tableau, root)
                known = below[root]
                found[at : at + len(names)] = [known.get(name, -1) for name in names]
            at += len(names)
        return lost


def _named(tableau: Tableau, root: int) -> dict[str, int]:
    """Return the objects below one by their names: of one name the highest."""
    found: dict[str, int] = {}
    level = [] if root == ROOT else list(tableau.children(tableau.handle(root)))
    while level:
        for handle in level:
            found.setdefault(handle.name, handle.row)
        level = [child for handle in level for child in tableau.children(handle)]
    return found


def _binds(skeleton: Skeleton | None) -> Doubles:
    return np.zeros((0, 4, 4)) if skeleton is None else skeleton.binds
