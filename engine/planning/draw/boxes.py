"""World boxes of instances, and the box of all of them, kept by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from engine.assets import AssetLibrary, AssetRef, VerticesFacts
from engine.assets.importers.blend_weights import read_blend_weights
from engine.feature.frame import Box
from engine.feature.morphs import Morphs
from engine.feature.skins import Bones, Skins
from engine.plan.terms.table import begins_run, distinct
from engine.planning.draw.instance_blocks import SlotBoxes
from engine.planning.draw.rays import Ray, box_entries, read_positions
from engine.tableau import Tableau
from engine.tableau.journal import Journal

if TYPE_CHECKING:
    from engine.planning.draw.tables import DrawTable

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


def relative_boxes(
    meshes: npt.NDArray[np.void],
    of: npt.NDArray[np.integer],
    placements: Floats,
    growth: tuple[Floats, Floats] | None = None,
) -> tuple[Floats, Floats]:
    """Return centres and half sizes, [n, 3] each, of meshes (`low`, `high`), from the origins of objects.

    `of` is the mesh of each object, with its placement [n, 4, 4], whose axes are used. The box of a turned
    box is larger than what it holds. By `growth` the boxes of meshes are larger: on the low side, at most 0,
    and on the high side, [n, 3] each.
    """
    if len(of) and (of == of[0]).all():
        of = of[:1]  # one mesh for all: its numbers are broadcast
    low, high = meshes["low"][of], meshes["high"][of]
    if growth is not None:
        low, high = low + growth[0], high + growth[1]
    centre, half = (high + low) / 2, (high - low) / 2
    offset, reach = (np.zeros((len(placements), 3), np.float32) for _ in range(2))
    is_off_centre = bool(centre.any())
    for axis in range(3):  # by columns: the same sums in the same order, however many there are
        row = placements[:, axis, :3]
        if is_off_centre:
            offset += centre[:, axis, None] * row
        reach += half[:, axis, None] * np.abs(row)
    return offset, reach


def union(boxes: Iterable[Box]) -> Box | None:
    """Return the box around several; None for none, and of one the same object."""
    found: Box | None = None
    for box in boxes:
        found = box if found is None else (np.minimum(found[0], box[0]), np.maximum(found[1], box[1]))
    return found


@dataclass(frozen=True, eq=False)
class _Weights:
    """Positions float64[n, 3] of vertices that bones move, and the number of the bone of each, ascending."""

    positions: Doubles
    bones: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Parts:
    """Bones that move vertices, and the boxes of these in the spaces of bones: centres, half sizes [n, 3].

    `spread` [n, 3, 3] is how far along the axes of a bone each axis of the mesh leads, without signs.
    """

    bones: npt.NDArray[np.integer]
    centre: Floats
    half: Floats
    spread: Floats

    @cached_property
    def to_centre(self) -> Floats:
        """The matrices [n, 16, 3] from numbers of placements to centres: place, what rounding left, axes."""
        found = self._along_axes(self.centre)
        for axis in range(3):
            found[:, (12 + axis, 4 * axis + 3), axis] = 1.0
        return found

    @cached_property
    def to_reach(self) -> Floats:
        """The matrices [n, 16, 3] from numbers of placements, without signs, to half sizes."""
        return self._along_axes(self.half)

    def _along_axes(self, numbers: Floats) -> Floats:
        found = np.zeros((len(numbers), 16, 3), np.float32)
        for axis in range(3):
            found[:, AXES[axis::3], axis] = numbers
        return found


@dataclass(frozen=True, eq=False)
class _PartBones:
    """Which objects are the bones of parts of skinned objects: `rows` intp[parts, objects]."""

    parts: _Parts
    skinned: npt.NDArray[np.integer]
    rows: npt.NDArray[np.intp]

    @cached_property
    def _steps(self) -> tuple[int, int] | None:
        """How far it is from part to part and from object to object; None where that is not always as far."""
        rows = self.rows
        steps = [int(line[1] - line[0]) if len(line) > 1 else 0 for line in (rows[:, 0], rows[0])]
        part, thing = (step * np.arange(count) for step, count in zip(steps, rows.shape, strict=True))
        if not np.array_equal(rows, rows[0, 0] + part[:, None] + thing):
            return None
        return steps[0], steps[1]

    def regular(self, placements: Floats) -> Floats | None:
        """Return the placements of the bones [parts, objects, 16] without a copy; None where that needs one.

        So it is where objects with bones were made alike, one after the other.
        """
        if self._steps is None:
            return None
        begin, (row, number) = placements[self.rows[0, 0] :], placements.strides
        strides = self._steps[0] * row, self._steps[1] * row, number
        return as_strided(begin, (*self.rows.shape, 16), strides, writeable=False)


class BoneBoxes:
    """World boxes of skinned objects, for all tables: around the boxes of what each bone moves.

    A vertex lies between the places where each of its bones would take it, so the box holds it.
    """

    def __init__(self, library: AssetLibrary, tableau: Tableau, skins: Skins, morphs: Morphs) -> None:
        self._library = library
        self._tableau = tableau
        self._skins = skins
        self._morphs = morphs
        self._weights: dict[int, _Weights | None] = {}
        self._parts: dict[tuple[int, int], _Parts] = {}  # by mesh and pose
        self._of: Bones | None = None
        self._last: dict[int, tuple[_Parts, int, npt.NDArray[np.integer], tuple[Floats, Floats]]] = {}
        self._bones: dict[int, _PartBones] = {}
        self._placed = np.empty(0, np.float32)  # room for the placements of some bones,
        self._sums = np.empty((3, 0), np.float32)  # and for what follows from them

    @property
    def bones(self) -> Bones:
        """The bones of skinned objects now."""
        return self._skins.bones

    def growth(self, objects: npt.NDArray[np.integer]) -> tuple[Floats, Floats] | None:
        """Return by how much morphs make the boxes of these objects' meshes larger; None where none does."""
        morphing = self._morphs.now
        at = morphing.shapes.places(objects)
        if not (at >= 0).any():
            return None
        low, high = morphing.growth
        return np.where(at[:, None] >= 0, low[at], 0), np.where(at[:, None] >= 0, high[at], 0)

    def boxes(
        self,
        plain: Callable[[], tuple[Floats, Floats]],
        bones: Bones,
        objects: npt.NDArray[np.integer],
        vertices: npt.NDArray[np.integer],
    ) -> tuple[Floats, Floats]:
        """Return boxes of instances, each of an object and with vertices; do not change them.

        Boxes are centres and half sizes, [n, 3] each, from the origins of the objects; `plain` returns those
        that they have without bones.

        Raises CacheMissError where the vertices of a mesh cannot be read, once for each.
        """
        if bones is not self._of:
            self._of, self._parts, self._last, self._bones = bones, {}, {}, {}
        poses = bones.pose[objects]  # -1 without bones
        if len(objects) and poses[0] >= 0 and (poses == poses[0]).all() and (vertices == vertices[0]).all():
            parts = self._parts_of(int(vertices[0]), int(poses[0]), bones)
            return plain() if parts is None else self._kept(int(vertices[0]), parts, bones, objects)
        skinned = (poses >= 0).nonzero()[0]
        if not len(skinned):
            return plain()
        middle, half = (of.copy() for of in plain())
        kinds = np.stack((vertices[skinned], poses[skinned]), axis=1)
        for mesh, pose in distinct_rows(kinds):
            parts = self._parts_of(mesh, pose, bones)
            if parts is not None:
                of = skinned[(kinds == (mesh, pose)).all(axis=1)]
                middle[of], half[of] = self._kept(mesh, parts, bones, objects[of])
        return middle, half

    def _kept(
        self, mesh: int, parts: _Parts, bones: Bones, objects: npt.NDArray[np.integer]
    ) -> tuple[Floats, Floats]:
        """Return what `_around` does: the same as before for the next table, where nothing has moved."""
        known, version = self._last.get(mesh), self._tableau.moves.version
        if known is None or known[:2] != (parts, version) or not np.array_equal(known[2], objects):
            of = self._bones.get(mesh)
            if of is None or of.parts is not parts or not np.array_equal(of.skinned, objects):
                rows = bones.objects[bones.first[objects] + parts.bones[:, None]]
                of = self._bones[mesh] = _PartBones(parts, objects, rows.astype(np.intp))
            known = self._last[mesh] = parts, version, objects, self._around(of)
        return known[3]

    @np.errstate(over="ignore", invalid="ignore")  # what leaves the range of numbers is anywhere
    def _around(self, of: _PartBones) -> tuple[Floats, Floats]:
        """Return the boxes around the parts of skinned objects, from their places.

        Some thousands of bones at a time stay in the processor's cache, in memory that is kept: new memory
        would be made by the system in every frame. A product of their placements with a matrix for each bone
        is the middle of what it moves, and one without signs how far that reaches.
        """
        parts, rows, objects = of.parts, of.rows, of.skinned
        placements = self._tableau.placement.reshape(-1, 16)
        growth = self.growth(objects)
        start = placements.take(objects, axis=0)
        start[:, AXES] = 0.0
        low = np.full((len(objects), 3), np.inf, np.float32)
        high = -low
        step = max(1, BONES_AT_ONCE // len(objects))
        room = min(step, len(rows)) * len(objects)
        if len(self._placed) < 16 * room:
            self._placed, self._sums = np.empty(16 * room, np.float32), np.empty((3, 3 * room), np.float32)
        view = of.regular(placements)
        for first in range(0, len(rows), step):
            some = slice(first, first + step)
            taken = rows[some]
            placed = self._placed[: taken.size * 16].reshape(*taken.shape, 16)
            centre, reach, side = self._sums[:, : taken.size * 3].reshape(3, *taken.shape, 3)
            if view is None:
                placements.take(taken, axis=0, out=placed, mode="clip")  # any other mode makes a copy
            np.subtract(placed if view is None else view[some], start, out=placed)
            np.matmul(placed, parts.to_centre[some], out=centre)
            np.abs(placed, out=placed)
            np.matmul(placed, parts.to_reach[some], out=reach)
            if growth is not None:  # as far as it reaches to either side, along the axes of the bones
                wider = np.maximum(-growth[0], growth[1])
                half = np.einsum("kma,nm->kna", parts.spread[some], wider)
                axes = placed.reshape(*taken.shape, 4, 4)[:, :, :3, :3]
                reach += np.einsum("kna,knas->kns", half, axes)
            np.minimum(low, np.subtract(centre, reach, out=side).min(axis=0), out=low)
            np.maximum(high, np.add(centre, reach, out=side).max(axis=0), out=high)
        half = np.float32(0.5)
        low, high = np.fmax(low, -FARTHEST), np.fmin(high, FARTHEST)
        return half * (low + high), half * (high - low)

    def _parts_of(self, mesh: int, pose: int, bones: Bones) -> _Parts | None:
        """Return the parts of a mesh with the binds of a pose; None where its vertices follow no bones."""
        if mesh not in self._weights:
            self._weights[mesh] = None
            self._weights[mesh] = _read_weights(self._library, mesh)
        weights = self._weights[mesh]
        if weights is None:
            return None
        if (mesh, pose) not in self._parts:
            self._parts[mesh, pose] = _parts(weights, bones.poses[pose])
        return self._parts[mesh, pose]


def distinct_rows(rows: npt.NDArray[np.integer]) -> list[tuple[int, ...]]:
    """Return the distinct ones of at least one row [n, k], which are mostly the same."""
    if (rows == rows[0]).all():
        return [tuple(rows[0].tolist())]
    return [tuple(row) for row in np.unique(rows, axis=0).tolist()]


def _read_weights(library: AssetLibrary, mesh: int) -> _Weights | None:
    """Read which vertices each bone of a mesh moves, by the key of its vertices. Raises CacheMissError."""
    ref = AssetRef.from_key(mesh)
    facts, content = library.facts(ref), library.read(ref)
    assert isinstance(facts, VerticesFacts)
    found = read_blend_weights(facts, content)
    if found is None:
        return None
    numbers, weights = found
    vertex, place = np.nonzero(weights > 0)
    bones = numbers[vertex, place]
    order = np.argsort(bones, kind="stable")
    return _Weights(read_positions(facts, content)[vertex[order]], bones[order])


def _parts(weights: _Weights, binds: Doubles) -> _Parts:
    """Return the boxes in the spaces of bones; a bone past the last is the last, as in skin.glsl."""
    bones = np.minimum(weights.bones, len(binds) - 1)
    matrices = binds[bones]
    placed = np.einsum("ni,nij->nj", weights.positions, matrices[:, :3, :3]) + matrices[:, 3, :3]
    starts = begins_run(bones).nonzero()[0]
    low, high = np.minimum.reduceat(placed, starts), np.maximum.reduceat(placed, starts)
    spread = np.abs(matrices[starts, :3, :3])
    return _Parts(
        bones[starts], *(of.astype(np.float32) for of in ((low + high) / 2, (high - low) / 2, spread))
    )


AXES = np.array([0, 1, 2, 4, 5, 6, 8, 9, 10])
"""Which of the sixteen numbers of a placement are those of the axes, three of each."""

FARTHEST = np.float32(1e38)
"""How far boxes reach along an axis at most, so that their sums are numbers."""

BONES_AT_ONCE = 16384
"""About how many bones are measured together: a megabyte of placements."""

SLOTS_AT_ONCE = 16_384
"""About how many instances are measured together."""


class BlockBoxes:
    """The world box of the enabled instances of each block of a table, updated for what moved or changed.

    Attributes
    ----------
    corners : float64[6, blocks]
        The lowest corner of each box, then the highest, by axis. An empty block has a box of negative size,
        a *loose* one, whose instances have moved since it was measured, a box without end.
    measured : Journal
        The blocks whose boxes have changed; void when the layout of the table's blocks has changed.
    """

    def __init__(self, table: DrawTable, tableau: Tableau) -> None:
        self.corners = np.zeros((6, 0))
        self.measured = Journal()
        self._table = table
        self._tableau = tableau
        self._all: tuple[int, Box | None] | None = None  # with the version of `measured`
        self._seen: tuple[int, int, int] | None = None
        self._bones: Bones | None = None
        self._loose: npt.NDArray[np.integer] = np.zeros(0, np.int64)
        self._slots = SlotBoxes(table, tableau)

    @property
    def is_behind(self) -> bool:
        """Whether there are loose boxes, which `follow` measures although nothing changes."""
        return len(self._loose) > 0

    def bounds(self) -> Box | None:
        """Return the box of all enabled instances; None if there is none."""
        self.follow()
        if self._all is None or self._all[0] != self.measured.version:
            low, high = self.corners[:3].min(axis=1, initial=np.inf), self.corners[3:]
            box = (low, high.max(axis=1)) if np.isfinite(low).all() else None
            self._all = self.measured.version, box
        return self._all[1]

    def follow(self, most: int | None = None) -> None:
        """Measure the blocks whose instances moved or were switched; with `most`, only so many of them.

        Where more have moved in one frame, their blocks are loose until less does: so what always moves costs
        nothing.
        """
        table = self._table
        blocks = table.blocks
        now = blocks.layout, table.changes.version, self._tableau.moves.version
        bones = table.bones
        if bones is not self._bones:
            self._bones, self._seen = bones, None
        if now == self._seen and not len(self._loose):
            return
        stale, count = self._stale(bones), len(blocks.blocks)
        known = self.corners.shape[1]
        if stale is None or known > count:
            stale, known, self._loose, self._all = np.arange(count), 0, self._loose[:0], None
        if known != count:
            new = np.full((3, count - known), np.inf)
            self.corners = np.concatenate((self.corners[:, :known], np.concatenate((new, -new))), axis=1)
        self._seen = now
        if len(stale) or len(self._loose):
            stale = self._within(stale, most, bones)
        if len(stale):
            self._measure(stale)
            self.measured.note(stale.astype(np.int32))

    def _within(
        self, stale: npt.NDArray[np.integer], most: int | None, bones: Bones
    ) -> npt.NDArray[np.integer]:
        """Return the blocks to measure now, of those that are stale or loose, and let the others be loose."""
        if most is not None and self._cost(stale, bones).sum() > most:
            self.corners[:3, stale], self.corners[3:, stale] = -np.inf, np.inf
            self.measured.note(stale.astype(np.int32))
            self._loose = distinct(np.concatenate((self._loose, stale)))
            return stale[:0]
        if not len(self._loose):
            return stale
        wanted = self._loose
        if most is not None:
            wanted = wanted[: max(1, int((np.cumsum(self._cost(wanted, bones)) <= most).sum()))]
        self._loose = self._loose[len(wanted) :]
        return distinct(np.concatenate((stale, wanted)))

    def _cost(self, blocks: npt.NDArray[np.integer], bones: Bones) -> npt.NDArray[np.integer]:
        """Return how many boxes are looked at for each block: of its instances, or of their bones."""
        costs: npt.NDArray[np.integer] = self._table.blocks.blocks.rows["capacity"][blocks]
        if not len(bones.objects) or not len(blocks):
            return costs
        slots, starts = self._table.blocks.spans(blocks)
        objects = self._table.feature.object[np.maximum(self._table.blocks.rows.rows[slots], 0)]
        of_bones: npt.NDArray[np.integer] = np.add.reduceat(bones.count[objects], starts)
        return costs + of_bones

    def crossed(self, ray: Ray, origin: Doubles) -> npt.NDArray[np.integer]:
        """Return the blocks whose boxes a ray enters, ascending; the ray is relative to `origin`."""
        self.follow()
        blocks = (self.corners[0] <= self.corners[3]).nonzero()[0]  # those with enabled instances
        low, high = self.corners[:3, blocks].T, self.corners[3:, blocks].T
        entries = box_entries(ray, (low + high) / 2 - origin, (high - low) / 2)
        return np.asarray(blocks[entries < np.inf])

    def _stale(self, bones: Bones) -> npt.NDArray[np.integer] | None:
        """Return the blocks to measure again; None for all of them."""
        if self._seen is None or self._seen[0] != self._table.blocks.layout:
            return None
        changed = self._table.changes.since(self._seen[1])
        moved = self._tableau.moves.since(self._seen[2])
        if changed is None or moved is None:
            return None
        if not len(moved):
            return changed
        if len(moved) == len(self._tableau.origin):
            return np.arange(len(self._table.blocks.blocks))
        if len(moved) == 1 and not len(bones.objects) and self._table.feature.row_of(int(moved[0])) is None:
            return changed
        rows = self._table.feature.rows_of(bones.owners(moved) if len(bones.objects) else moved)
        if len(bones.objects) and len(rows) < self._table.blocks.count:
            rows = np.concatenate((rows, self._table.feature.rows_of(moved)))
        if not len(rows):
            return changed
        if len(rows) >= self._table.blocks.count:  # what has no slot among them makes no difference
            return np.arange(len(self._table.blocks.blocks))
        moved_blocks = self._table.blocks.blocks_of(rows)
        return distinct(np.concatenate((changed, moved_blocks))) if len(changed) else moved_blocks

    def _measure(self, blocks: npt.NDArray[np.integer]) -> None:
        """Measure these blocks, a few thousand slots at a time, which stay in the processor's cache."""
        self._slots.follow()
        ends = self._table.blocks.blocks.rows["capacity"][blocks].cumsum()
        edges = begins_run(ends // SLOTS_AT_ONCE).nonzero()[0].tolist()
        for start, stop in pairwise([*edges, len(blocks)]):
            part = blocks[start:stop]
            self.corners[:3, part], self.corners[3:, part] = self._slots.corners(part)
