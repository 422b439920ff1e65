"""Morphs: which objects are morphed by which targets of their mesh, and their weights now.

Weights are those of the feature's row, where it has none those of the mesh, and over them what features give
that animate. Which objects are morphed is found again only where rows or models have changed; new weights
cost numpy in proportion to the morphed objects. Objects whose shape has changed are noted as moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, Mesh, Model, MorphTargets, MorphTargetsFacts
from engine.assets.importers.morph.packing import DELTA
from engine.feature.row_assets import RowAssets
from engine.tableau import NO_ASSET, FeatureTable, Tableau
from engine.tableau.columns import distinct
from engine.tableau.schema import NOT_GIVEN

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]

FIELD = "weights"
"""The field of a feature that morphs others with the weights of its row."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Which objects are morphed, and by what.

    Attributes
    ----------
    active : int
        How many objects have an active row and a mesh with targets.
    objects, rows : int32[n]
        Those of them that are enabled, ascending, and their rows in the feature's table.
    kinds : int64[n]
        The targets of each, as a number among `facts` and `refs`.
    facts, refs : tuple of MorphTargetsFacts, of AssetRef
        The targets of all active rows.
    bare, mixed : list of int
        Rows whose object draws no mesh with targets, and those whose object draws two such meshes.
    """

    active: int = 0
    objects: Rows = field(default_factory=lambda: np.zeros(0, np.int32))
    rows: Rows = field(default_factory=lambda: np.zeros(0, np.int32))
    kinds: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    facts: tuple[MorphTargetsFacts, ...] = ()
    refs: tuple[AssetRef, ...] = ()
    bare: Sequence[int] = ()
    mixed: Sequence[int] = ()

    def equals(self, other: Shapes) -> bool:
        """Whether all of it is the same."""
        mine, others = (
            (one.active, one.facts, one.refs, list(one.bare), list(one.mixed)) for one in (self, other)
        )
        return (
            mine == others
            and np.array_equal(self.objects, other.objects)
            and np.array_equal(self.rows, other.rows)
            and np.array_equal(self.kinds, other.kinds)
        )

    @cached_property
    def width(self) -> int:
        """The most targets that one of the objects has."""
        return max((len(facts.names) for facts in self.facts), default=0)

    @cached_property
    def counts(self) -> Ints:
        """How many targets each kind has, int64[kinds]."""
        return np.array([len(facts.names) for facts in self.facts], np.int64)

    @cached_property
    def first_deltas(self) -> Ints:
        """The first delta of each kind, of all kinds one after the other, and how many there are."""
        return np.cumsum([0, *(facts.count for facts in self.facts)])

    @cached_property
    def place(self) -> Rows:
        """By object row the place among `objects`, -1 for others; int32 up to the last object."""
        found = np.full(int(self.objects[-1]) + 1 if len(self.objects) else 0, -1, np.int32)
        found[self.objects] = np.arange(len(self.objects))
        return found

    def places(self, objects: npt.NDArray[np.integer]) -> Rows:
        """Return the places of these objects, -1 for those that are not morphed."""
        inside = objects < len(self.place)
        found = np.full(len(objects), -1, np.int32)
        found[inside] = self.place[objects[inside]]
        return found

    def padded(self, rows: Sequence[npt.ArrayLike], *shape: int) -> Floats:
        """Return a row of each kind as float32[kinds, width, ...], 0 behind the last."""
        found = np.zeros((len(self.facts), self.width, *shape), np.float32)
        for kind, count in enumerate(self.counts.tolist()):
            found[kind, :count] = rows[kind]
        return found

    @cached_property
    def defaults(self) -> Floats:
        """The weights of each object's mesh, float32[n, width]."""
        return self.padded([facts.weights for facts in self.facts])[self.kinds]

    @cached_property
    def extents(self) -> tuple[Floats, Floats]:
        """What the targets of each kind add to positions at least and at most, float32[kinds, width, 3]."""
        facts = self.facts
        return self.padded([f.minimum for f in facts], 3), self.padded([f.maximum for f in facts], 3)


@dataclass(frozen=True, eq=False)
class Morphing:
    """The weights of all morphed objects at one time, float32[n, width], 0 behind the last target.

    `wrong` has the rows that have, or are given, another number of weights than their mesh has targets:
    how many are given.
    """

    shapes: Shapes = field(default_factory=Shapes)
    weights: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    wrong: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def growth(self) -> tuple[Floats, Floats]:
        """How far the boxes of the objects' meshes grow: to the low side (at most 0), to the high side."""
        low, high = np.zeros((2, len(self.weights), 3), np.float32)
        least, most = self.shapes.extents
        for kind in range(len(self.shapes.facts)):
            of = np.flatnonzero(self.shapes.kinds == kind)
            more, less = np.maximum(self.weights[of], 0), np.minimum(self.weights[of], 0)
            low[of] = more @ least[kind] + less @ most[kind]
            high[of] = more @ most[kind] + less @ least[kind]
        return low, high

    def of(self, object_row: int) -> tuple[AssetRef, Floats] | None:
        """Return the targets and the weights of an object; None for one that is not morphed."""
        at = int(self.shapes.places(np.array([object_row]))[0])
        if at < 0:
            return None
        kind = self.shapes.kinds[at]
        return self.shapes.refs[kind], self.weights[at, : self.shapes.counts[kind]]


NO_MORPHS = Morphing()


class Morphs:
    """Finds the morphed objects of a tableau and their weights."""

    def __init__(
        self, tableau: Tableau, library: AssetLibrary, morph: str = "", models: Sequence[str] = ()
    ) -> None:
        """`morph` is the feature of morphed objects; the mesh is what `models` draw there."""
        self._tableau = tableau
        self._library = library
        self._table = tableau.tables.get(morph)
        tables = [tableau.tables[name] for name in models if name in tableau.tables]
        self._models = [(table, RowAssets(tableau, table, library)) for table in tables]
        self._targets: dict[int, AssetRef | None] = {}
        self._deltas: tuple[tuple[AssetRef, ...], dict[str, npt.NDArray[Any]]] = (), {}
        self._posed: object = None
        self._shapes_version: tuple[object, ...] | None = None
        self._shapes = NO_MORPHS.shapes
        self._own: Floats = NO_MORPHS.weights
        self._wrong: dict[int, int] = {}
        self._now = NO_MORPHS

    @property
    def shapes(self) -> Shapes:
        """Which objects are morphed now: the same object as long as they are the same."""
        return self.now.shapes

    @property
    def now(self) -> Morphing:
        """The weights now: the same object as long as they are the same."""
        table = self._table
        if table is None or (self._now is NO_MORPHS and not len(table)):
            return NO_MORPHS
        version = (table.version, *(assets.version for _, assets in self._models))
        posed, is_same = self._tableau.pose.weights, version == self._shapes_version
        if not is_same or posed is not self._posed:
            if not is_same:
                found = self._find(table)
                self._shapes = self._shapes if found.equals(self._shapes) else found
                self._own, self._wrong = self._own_weights(table)
            self._shapes_version, self._posed = version, posed
            self._take(self._weighted(posed))
        return self._now

    def own(self, objects: npt.NDArray[np.integer], width: int) -> npt.NDArray[np.float64]:
        """Return the weights of objects without those that features give, float64[n, width]; else 0."""
        at, found = self.shapes.places(objects), np.zeros((len(objects), width))
        known = self._own[:, :width]
        found[at >= 0, : known.shape[1]] = known[at[at >= 0]]
        return found

    def deltas(self) -> Mapping[str, npt.NDArray[Any]]:
        """Return the deltas of all kinds, one after the other, as shaders read them, by member.

        The same arrays, which cannot be changed, as long as the kinds are the same. Raises CacheMissError.
        """
        refs = self.shapes.refs
        if refs != self._deltas[0]:
            parts = [np.frombuffer(self._library.read(ref), DELTA) for ref in refs]
            packed = np.concatenate(parts)
            turns = np.ascontiguousarray(packed["turns"]).view(np.uint32)
            found = {"position": packed["position"], "target": packed["target"], "turns": turns}
            for values in found.values():
                values.flags.writeable = False
            self._deltas = refs, found
        return self._deltas[1]

    def _take(self, found: Morphing) -> None:
        """Let the morphs be these, and note the objects whose shape has changed."""
        before, self._now = self._now, found
        old, new = before.shapes, found.shapes
        if old is not new:
            changed = distinct(old.objects, new.objects)
        else:
            changed = new.objects[(before.weights != found.weights).any(axis=1)]
        self._tableau.moves.note(changed)
        self._tableau.reshapes.note(changed)

    def _weighted(self, posed: Sequence[tuple[Rows, Floats]]) -> Morphing:
        """Return the weights of rows and meshes with those that features give over them."""
        weights, shapes = self._own, self._shapes
        wrong = dict(self._wrong)
        if posed and len(shapes.objects):
            weights = weights.copy()
            for objects, values in posed:
                at = shapes.places(objects)
                at, given = at[at >= 0], values[at >= 0]
                some = given[:, : weights.shape[1]]
                weights[at, : some.shape[1]] = some
                counts = shapes.counts[shapes.kinds[at]]
                for row in shapes.rows[at[counts != values.shape[1]]].tolist():
                    wrong[row] = values.shape[1]
            weights[np.arange(weights.shape[1]) >= shapes.counts[shapes.kinds][:, None]] = 0.0
        now = self._now
        if shapes is now.shapes and wrong == now.wrong and np.array_equal(weights, now.weights):
            return now
        return Morphing(shapes, weights, wrong)

    def _own_weights(self, table: FeatureTable) -> tuple[Floats, dict[int, int]]:
        """Return the weights of rows, else of their meshes, and the rows with another number of them."""
        shapes = self._shapes
        column = table.column(FIELD)[shapes.rows]
        given = (column != NOT_GIVEN).sum(axis=1)
        counts = shapes.counts[shapes.kinds]
        wrong = np.flatnonzero((given > 0) & (given != counts))
        places = np.arange(shapes.width)
        weights = np.where(places < given[:, None], column[:, : shapes.width], shapes.defaults)
        weights[places >= counts[:, None]] = 0.0
        return weights, dict(zip(shapes.rows[wrong].tolist(), given[wrong].tolist(), strict=True))

    def _find(self, table: FeatureTable) -> Shapes:
        rows = table.rows_active()
        if not len(rows):
            return NO_MORPHS.shapes
        objects = table.object[rows]
        found = np.full(len(rows), NO_ASSET, np.int64)
        mixed, broken = np.zeros((2, len(rows)), np.bool_)
        for models, assets in self._models:
            has = np.flatnonzero(models.owned_by(objects))
            drawn = assets.of(models.rows_of(objects[has]))
            keys, broken[has] = self._targets_of(drawn), broken[has] | self._are_broken(drawn)
            mixed[has] |= (found[has] != NO_ASSET) & (keys != NO_ASSET) & (found[has] != keys)
            found[has] = np.where(found[has] == NO_ASSET, keys, found[has])
        refs, kinds = np.unique(found[(found != NO_ASSET) & ~mixed], return_inverse=True)
        used = np.flatnonzero((found != NO_ASSET) & ~mixed)
        known = tuple(map(AssetRef.from_key, refs.tolist()))
        facts = [self._library.facts(ref) for ref in known]
        enabled = table.flags("effective_enabled")[rows[used]]
        order = np.flatnonzero(enabled)[np.argsort(objects[used][enabled], kind="stable")]
        return Shapes(
            len(used),
            objects[used][order],
            rows[used][order],
            kinds[order].astype(np.int64),
            tuple(one for one in facts if isinstance(one, MorphTargetsFacts)),
            known,
            rows[(found == NO_ASSET) & ~broken].tolist(),
            rows[mixed].tolist(),
        )

    def _targets_of(self, keys: Ints) -> Ints:
        """Return the key of the targets of each of these models or meshes, NO_ASSET where it has none."""
        kinds, kind_of = np.unique(keys, return_inverse=True)
        refs = [self._known_targets(key) for key in kinds.tolist()]
        found: Ints = np.array([NO_ASSET if ref is None else ref.key for ref in refs], np.int64)[kind_of]
        return found

    def _are_broken(self, keys: Ints) -> npt.NDArray[np.bool_]:
        """Return which of these models or meshes are broken, or have targets that are: that is reported."""
        kinds, kind_of = np.unique(keys, return_inverse=True)
        known = [key != NO_ASSET and self._is_broken(AssetRef.from_key(key)) for key in kinds.tolist()]
        return np.array(known, np.bool_)[kind_of]

    def _is_broken(self, ref: AssetRef) -> bool:
        library = self._library
        if library.is_replaced(ref):
            return True
        record = library.record(ref)
        mesh = library.record(record.mesh) if isinstance(record, Model) else record
        return isinstance(mesh, Mesh) and mesh.targets is not None and library.is_broken(mesh.targets)

    def _known_targets(self, key: int) -> AssetRef | None:
        if key not in self._targets:
            self._targets[key] = self._read(key) if key != NO_ASSET else None
        return self._targets[key]

    def _read(self, key: int) -> AssetRef | None:
        """Return the targets of a model or mesh; None where it has none, or they are of another source."""
        library = self._library
        record = library.record(library.usable(AssetRef.from_key(key)))
        mesh = library.record(library.usable(record.mesh)) if isinstance(record, Model) else record
        if not isinstance(mesh, Mesh) or mesh.targets is None or library.is_broken(mesh.targets):
            return None
        targets = library.record(mesh.targets)
        assert isinstance(targets, MorphTargets)
        of = library.record(targets.source)
        assert isinstance(of, Mesh)
        return mesh.targets if of.source == mesh.source else None
