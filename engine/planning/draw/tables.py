"""Draw tables: for each pass, what its feature's active rows draw, kept and changed by difference.

A table costs Python in proportion to the assets that appear for the first time, and numpy in proportion to
the rows that change. Rows that are enabled are chosen among a table's instances by whoever draws it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary
from engine.assets.reported_problems import Report
from engine.feature import RAISED, Feature, Raised
from engine.feature.frame import Box
from engine.feature.row_assets import ChosenObjects, RowAssets, Versions
from engine.feature.skins import NO_BONES, Bones
from engine.graph import DrawPass
from engine.plan.terms.row_index import RowIndex
from engine.plan.terms.table import distinct, distinct_keys, is_in
from engine.planning.draw.boxes import BlockBoxes, BoneBoxes, relative_boxes
from engine.planning.draw.eyes import Eye, target_extent, views_of_levels
from engine.planning.draw.instance_blocks import InstanceBlocks, block_rows, capacity
from engine.planning.draw.levels import Levels
from engine.planning.draw.material_use import numbered, numbered_few
from engine.planning.draw.rays import Ray, box_entries
from engine.planning.draw.recipes import Recipes, Usable
from engine.tableau import NO_ASSET, FeatureTable, Tableau
from engine.tableau.columns import as_slice
from engine.tableau.journal import Journal

FEW_MATERIALS = 8
"""Materials whose batches are looked up one by one."""

RECENT = 4
"""How many of the last updates `restore` knows the versions of."""

Ints = npt.NDArray[np.int64]
Integer = TypeVar("Integer", bound=np.integer[Any])


@dataclass(frozen=True, eq=False)
class InUse:
    """What the instances of a table use now: numbers of its shader sets, pipelines and batches, ascending.

    `materials` are the numbers of the materials in use, by shader set. `placeholder` is whether a
    batch draws the placeholder mesh, or falls back to it.
    """

    shadings: Ints
    pipelines: Ints
    batches: Ints
    materials: tuple[Ints, ...]
    placeholder: bool = False


class DrawTable:
    """What one pass draws. Rows of the feature table are its instances, in `blocks`.

    Attributes
    ----------
    declaration : DrawPass
    feature : FeatureTable
    recipes : Recipes
        Shader sets, pipelines, materials and batches by their numbers.
    blocks : InstanceBlocks
        The slots of the rows.
    assets : int64[n]
        The asset that each row of the feature table draws, NO_ASSET where it draws none. Never changed in
        place: a reference to it is a snapshot for `restore`.
    in_use : InUse
    material_rows : list of int32[materials]
        For each shader set the row of each material in the material table, -1 where it is not in use.
    changes : Journal
        The blocks whose drawn rows or materials have changed; void when `blocks.layout` has changed.
    block_boxes : BlockBoxes
        The boxes of blocks.
    levels : Levels
        The levels of detail of rows.
    """

    def __init__(
        self,
        declaration: DrawPass,
        feature: Feature,
        tableau: Tableau,
        library: AssetLibrary,
        report: Report,
        features: frozenset[str] | None = None,
        usable: Usable | None = None,
        columns: frozenset[str] = frozenset(),
        skins: BoneBoxes | None = None,
        chosen: ChosenObjects | None = None,
    ) -> None:
        self.declaration = declaration
        self.feature: FeatureTable = tableau.tables[declaration.draws]
        self.recipes = Recipes(declaration, feature, library, report, features, usable, columns)
        self.blocks = InstanceBlocks(
            lambda rows: tableau.origin.take(self.feature.object[rows], axis=0),
            lambda batches: block_rows(self.batches["index_count"][batches] // 3),
        )
        self.assets: Ints = np.zeros(0, np.int64)
        self.material_rows: list[npt.NDArray[np.int32]] = []
        self.changes = Journal()
        if feature.schema.drawn_field is None:
            raise ValueError(f"the pass '{declaration.name}' draws {feature.type_name}, which names no asset")
        self._row_assets = RowAssets(tableau, self.feature, library, chosen)
        self._collected: Versions | None = None
        self._recent: deque[tuple[Ints, Versions]] = deque(maxlen=RECENT)
        self._refreshed: tuple[int, int] | None = None
        self._uses = np.zeros(0, np.int64)
        self._used, self._placeholders = 0, 0  # how many batches have a use, and draw the placeholder
        self._shadings, self._pipelines = _Uses(), _Uses()
        self._materials: list[_Uses] = []
        self.in_use = InUse(*(np.zeros(0, np.int64),) * 3, ())
        self._by_mesh = {name: RowIndex(np.int64) for name in ("vertices", "indices")}
        self._by_material = RowIndex(np.int32)
        self._by_texture = {name: RowIndex(np.int64) for name in ("key", "fallback")}
        self.tableau = tableau
        self.levels = Levels(self, views_of_levels(declaration), target_extent(declaration))
        self.block_boxes = BlockBoxes(self, tableau)
        self._skins = skins

    def update(self) -> dict[int, Raised]:
        """Take the active rows of the feature and their assets; costs time in proportion to what changed.

        Returns what the feature's `drawables` raised, by the key of the asset, of which nothing is drawn.
        """
        errors = self._learn_again()
        version = self._row_assets.version
        if version == self._collected:
            return errors
        rows = self._row_assets.changed(self._collected)
        if len(rows):
            active = self.feature.flags("effective_active")[rows]
            keys = np.where(active, self._row_assets.of(rows), NO_ASSET)
            errors = {**errors, **self._learn(rows, keys)}
            if errors:
                keys[is_in(keys, list(errors))] = NO_ASSET
            self._set_assets(rows, keys)
        self._collected = version
        self._recent.append((self.assets, version))
        self.refresh()
        return errors

    def _learn_again(self) -> dict[int, Raised]:
        """Learn what is drawn again where its pipelines have become usable; return what was raised by key."""
        outdated = self.recipes.outdated(self.assets)
        if outdated:
            rows = is_in(self.assets, outdated).nonzero()[0].astype(np.int32)
            self._set_assets(rows, np.full(len(rows), NO_ASSET))
            self._collected = None
        return self._learn_each(outdated, again=True)

    def restore(self, assets: Ints) -> None:
        """Return to the rows and assets of an earlier time, which `assets` was then."""
        if assets is self.assets:
            return
        now, then = self.assets, assets
        rows = np.arange(max(len(now), len(then)), dtype=np.int32)
        self._set_assets(rows, _padded(then, len(rows)))
        self.assets, kept = then, [version for known, version in self._recent if known is then]
        self._collected = kept[-1] if kept else None

    def refresh(self) -> None:
        """Note in `changes` the blocks of rows that were switched or mirrored since the last call."""
        before, self._refreshed = self._refreshed, (self.feature.version, self.tableau.turns.version)
        if before == self._refreshed:
            return
        changed = turned = None
        if before is not None:
            changed, turned = self.feature.changes.since(before[0]), self.tableau.turns.since(before[1])
        if changed is None or turned is None:
            self._note(np.arange(len(self.blocks.blocks)))
            return
        if len(turned):
            changed = np.concatenate((changed, self.feature.rows_of(turned)))
        self._note(self.blocks.blocks_of(changed))

    @property
    def batches(self) -> npt.NDArray[np.void]:
        """All batches by number: BATCH_KEYS[n]."""
        return self.recipes.batches

    @property
    def instances(self) -> int:
        """How many instances the table has, enabled or not."""
        return self.blocks.count

    def drawn(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Which of these rows of the feature table (-1: none) are enabled now."""
        enabled = self.feature.flags("effective_enabled")
        return enabled[rows] & (rows >= 0) if len(enabled) else np.zeros(len(rows), np.bool_)

    def shown(self, slots: Ints, view: int = 0) -> npt.NDArray[np.bool_]:
        """Which of these slots have an enabled instance, of the level that this view shows."""
        rows = self.blocks.rows.rows[slots]
        shown = self.drawn(rows)
        if self.levels.any:
            batch = self.blocks.blocks.rows["batch"][self.blocks.block_of.rows[slots]]
            shown &= self.levels.shows(rows, self.batches["level"][batch], view)
        return shown

    def choose_levels(self, eyes: Mapping[str, Eye | None]) -> bool:
        """Choose the levels of detail for the eyes of views; return whether a row has another than before."""
        rows = self.levels.choose(eyes)
        if len(rows):
            self._note(self.blocks.blocks_of(rows))
        return len(rows) > 0

    def mirrored(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Which of these rows of the feature table belong to mirrored objects (of -1: any answer)."""
        found: npt.NDArray[np.bool_] = self.tableau.mirrored[self.feature.object[rows]]
        return found

    @property
    def may_mirror(self) -> bool:
        """Whether an object has ever been mirrored."""
        return self.tableau.turns.version > 0

    @property
    def version(self) -> tuple[int, int, int]:
        """Versions that what is drawn follows from: others where a row has been switched or mirrored."""
        return self.feature.version, self.tableau.turns.version, self.changes.version

    def bounds(self) -> Box | None:
        """Return the world box of all enabled instances; None if there is none."""
        self.refresh()
        return self.block_boxes.bounds()

    def boxes(
        self, slots: npt.NDArray[np.integer]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """Return centres and half sizes, [n, 3] each, of the world boxes of the instances in these slots."""
        objects, offset, half = self.relative_boxes(slots)
        return self.tableau.origin[as_slice(objects)] + offset, half

    def relative_boxes(
        self, slots: npt.NDArray[np.integer]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the objects of the instances in these slots, and their boxes from the objects' origins.

        These are centres and half sizes, [n, 3] each; of a skinned instance around what its bones move.
        """
        batches = self.blocks.blocks.rows["batch"][self.blocks.block_of.rows[slots]]
        objects = self.feature.object[self.blocks.rows.rows[slots]]

        def plain() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
            growth = None if self._skins is None else self._skins.growth(objects)
            return relative_boxes(self.batches, batches, self.tableau.placement[as_slice(objects)], growth)

        bones = self.bones
        if self._skins is None or not len(bones.objects):
            return objects, *plain()
        return objects, *self._skins.boxes(plain, bones, objects, self.batches["vertices"][batches])

    @property
    def bones(self) -> Bones:
        """The bones of skinned objects now."""
        return NO_BONES if self._skins is None else self._skins.bones

    def crossed(
        self, ray: Ray, origin: npt.NDArray[np.float64], view: int = 0
    ) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.float64]]:
        """Return the slots of the drawn instances whose boxes a ray enters, and where, in metres.

        The ray is relative to `origin`; `view` is the number of the view that it looks along.
        """
        self.refresh()
        slots, _ = self.blocks.spans(self.block_boxes.crossed(ray, origin))
        slots = slots[self.shown(slots, view)]
        middle, half = self.boxes(slots)
        entries = box_entries(ray, middle - origin, half)
        hit = entries < np.inf
        return slots[hit], entries[hit]

    def batches_using(self, keys: Ints) -> Ints:
        """Return the batches, in use or not, that draw with one of these assets (sorted, distinct keys)."""
        batches = self.batches
        found = [index.find(batches[name], keys) for name, index in self._by_mesh.items()]
        return distinct(np.concatenate((*found, self.batches_of_materials(self.materials_using(keys)))))

    def materials_using(self, keys: Ints) -> Ints:
        """Return the materials that use one of these textures (sorted, distinct keys) or have it as fallback.

        A row is (shader set, material), int64[n, 2], sorted, each once.
        """
        textures = self.recipes.textures
        rows = [index.find(textures[name], keys) for name, index in self._by_texture.items()]
        found = textures.take(np.concatenate(rows))
        codes = distinct(found["shading"].astype(np.int64) << 32 | found["material"])
        return np.stack((codes >> 32, codes & 0xFFFF_FFFF), axis=1)

    def batches_of_materials(self, materials: Ints) -> Ints:
        """Return the batches that draw with one of these materials (shader set, material), ascending."""
        if len(materials) <= FEW_MATERIALS:
            of, found = self.batches, [np.zeros(0, np.int64)]
            for shading, material in materials.tolist():
                drawing = self._by_material.find(of["material"], np.array([material]))
                found.append(drawing[of["shading"][drawing] == shading])
            return distinct(np.concatenate(found))
        count = max(map(len, self.recipes.materials), default=0)
        wanted = np.zeros(count * len(self.recipes.materials) + 1, np.bool_)
        wanted[materials[:, 0] * count + materials[:, 1]] = True
        material = self.batches["material"].astype(np.int64)
        code = np.where(material >= 0, self.batches["shading"] * count + material, len(wanted) - 1)
        return wanted[code].nonzero()[0]

    def assets_of(self, batches: Ints) -> Ints:
        """Return the keys of vertices, indices and textures that these batches draw with."""
        of, textures = self.batches.take(batches), self.recipes.textures
        count = max(map(len, self.recipes.materials), default=0)
        wanted = np.zeros(count * len(self.recipes.materials), np.bool_)
        shaded = of["material"] >= 0
        wanted[of["shading"][shaded].astype(np.int64) * count + of["material"][shaded]] = True
        used = wanted[textures["shading"].astype(np.int64) * count + textures["material"]]
        return np.concatenate((of["vertices"], of["indices"], textures["key"][used]))

    def material_rows_of(self, batches: npt.NDArray[np.integer]) -> Ints:
        """Return the row of the material of each of these batches in its material table, -1 without one."""
        of = self.batches.take(batches)
        found = np.full(len(of), -1, np.int64)
        for shading, rows in enumerate(self.material_rows):
            ours = (of["shading"] == shading) & (of["material"] >= 0)
            found[ours] = rows[of["material"][ours]]
        return found

    def _learn(self, rows: npt.NDArray[np.int32], keys: Ints) -> dict[int, Raised]:
        """Learn the assets that are new on these rows; return what was raised, by the key of the asset."""
        new = keys[keys != _padded(self.assets, int(rows.max(initial=-1)) + 1)[rows]]
        new = new[new != NO_ASSET]
        outdated = self.recipes.outdated(new)
        return self._learn_each(self.recipes.unknown(new)) | self._learn_each(outdated, again=True)

    def _learn_each(self, keys: list[int], *, again: bool = False) -> dict[int, Raised]:
        errors: dict[int, Raised] = {}
        for key in keys:
            try:
                self.recipes.learn(key, again=again)
            except RAISED as error:
                errors[key] = error
        return errors

    def _set_assets(self, rows: npt.NDArray[np.int32], keys: Ints) -> None:
        """Let these rows draw these assets."""
        size = max(len(self.assets), int(rows[-1]) + 1 if len(rows) else 0)
        old = _padded(self.assets, size)
        differ = old[rows] != keys
        if not differ.any():
            self.assets = self.assets if size == len(self.assets) else old
            return
        rows, keys = rows[differ], keys[differ]
        drawn = keys != NO_ASSET
        assets, inverse = distinct_keys(keys[drawn])
        added, batches = self._with_batches(rows[drawn], assets, inverse)
        gone = rows[old[rows] != NO_ASSET]
        left = self.blocks.blocks.rows["batch"][self.blocks.block_of.rows[self.blocks.slots_of(gone)]]
        uses = self._uses = _padded(self._uses, len(self.batches), 0)
        touched = distinct(np.concatenate((left, batches)))
        before = uses[touched] > 0
        np.subtract.at(uses, left, 1)
        np.add.at(uses, batches, 1)
        after = uses[touched] > 0
        switched = touched[before != after]
        self._used += int(after.sum()) - int(before.sum())
        changed = self.blocks.change(gone, added, batches, self._used)
        self.assets = old if old is not self.assets else old.copy()
        self.assets[rows] = keys
        if self.recipes.details:
            details = [self.recipes.details.get(key) for key in assets.tolist()]
            of = np.full(len(rows), len(details), np.int64)
            of[drawn] = inverse
            self.levels.assign(rows, [*details, None], of)
        if len(switched):
            self._number(switched)
        self._note(changed)

    def _with_batches(
        self, rows: npt.NDArray[np.int32], assets: Ints, inverse: Ints
    ) -> tuple[npt.NDArray[np.int32], Ints]:
        """Return each row as often as its asset has batches, and these: row i draws assets[inverse[i]]."""
        flat, counts = self.recipes.batches_of(assets)
        if len(rows) == 1:
            return np.repeat(rows, counts), flat
        per_row = counts[inverse]
        starts = (np.cumsum(counts) - counts)[inverse]
        offset = np.arange(int(per_row.sum())) - np.repeat(np.cumsum(per_row) - per_row, per_row)
        return np.repeat(rows, per_row), flat[np.repeat(starts, per_row) + offset]

    def _number(self, switched: Ints) -> None:
        """Work out what is used since these batches came into use or went out of it; number material rows."""
        recipes, of = self.recipes, self.batches.take(switched)
        by = np.where(self._uses[switched] > 0, 1, -1)
        has_fallback = of["fallback"] >= 0
        self._placeholders += int(by[has_fallback].sum())
        self._placeholders += int(by[of["vertices"] == recipes.placeholder.vertices.key].sum())
        self._shadings.count(of["shading"], by)
        self._pipelines.count(of["pipeline"], by)
        self._pipelines.count(of["fallback"][has_fallback], by[has_fallback])
        more = len(recipes.materials) - len(self._materials)
        self._materials += [_Uses() for _ in range(more)]
        before = self.material_rows + [np.zeros(0, np.int32)] * more
        self.material_rows = [
            _padded(rows, len(known), -1) for rows, known in zip(before, recipes.materials, strict=True)
        ]
        shaded = of[of["material"] >= 0]
        by = by[of["material"] >= 0]
        moving: list[int] = []
        for shading in distinct(shaded["shading"]).tolist():
            ours, uses = shaded["shading"] == shading, self._materials[shading]
            uses.count(shaded["material"][ours], by[ours])
            rows, limit = self.material_rows[shading], capacity(len(uses.used))
            if rows.max(initial=-1) < limit:  # none has to move
                renumbered = numbered_few(rows, uses.used, distinct(shaded["material"][ours]), limit)
            else:
                renumbered = numbered(rows, uses.used, limit)
                moving.append(shading)
            self.material_rows[shading] = renumbered
        self.in_use = InUse(
            self._shadings.used,
            self._pipelines.used,
            self._uses.nonzero()[0],
            tuple(uses.used for uses in self._materials),
            self._placeholders > 0,
        )
        moved = [
            (shading, number)
            for shading in moving
            for old in (before[shading],)
            for new in (self.material_rows[shading][: len(old)],)
            for number in ((old >= 0) & (old != new) & (new >= 0)).nonzero()[0].tolist()
        ]
        if moved:
            batches = self.batches_of_materials(np.array(moved, np.int64))
            self._note(self.blocks_of_batches(batches))

    def _note(self, blocks: Ints) -> None:
        self.changes.note(blocks.astype(np.int32))

    def blocks_of_batches(self, batches: Ints) -> Ints:
        """Return the blocks of these batches, ascending."""
        of = self.blocks.blocks.rows["batch"]
        if len(batches) == 1:
            return np.flatnonzero(of == batches[0])
        chosen = np.zeros(len(self.batches), np.bool_)
        chosen[batches] = True
        return np.flatnonzero(chosen[of])


class _Uses:
    """How many batches in use use each of some numbered things; `used` are the numbers of those in use."""

    def __init__(self) -> None:
        self.used: Ints = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)

    def count(self, numbers: npt.NDArray[np.integer], by: Ints) -> None:
        """Add to the count of each of these numbers."""
        if len(numbers):
            self._counts = _padded(self._counts, int(numbers.max()) + 1, 0)
            np.add.at(self._counts, numbers, by)
            self.used = self._counts.nonzero()[0]


def _padded(values: npt.NDArray[Integer], size: int, filler: int = NO_ASSET) -> npt.NDArray[Integer]:
    """Return `values`, or where they are fewer than `size` a copy with `filler` for the missing ones."""
    if len(values) >= size:
        return values
    padded = np.full(size, filler, values.dtype)
    padded[: len(values)] = values
    return padded
