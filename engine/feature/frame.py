"""The view of a frame for features that return shader values: enabled rows, transforms, bounds, the eye."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, Facts
from engine.feature.morphs import NO_MORPHS, Morphing, Morphs, Shapes
from engine.feature.skins import NO_BONES, Bones, Skins
from engine.tableau import FeatureTable, Tableau

some = np.logical_or.reduce
Vector = npt.NDArray[np.float64]
Point = tuple[float, float, float]

Box = tuple[Vector, Vector]
"""Lowest and highest corner, float64[3] each, in world space."""

NO_ROWS: npt.NDArray[np.integer] = np.zeros(0, np.int64)

FEW_OBJECTS = 16
"""Objects whose world matrices are remembered while values are compared with those of the last frame."""

NOWHERE = np.zeros(3)
"""The origin of a frame without a view."""


@dataclass(frozen=True)
class Lens:
    """What a view shows: it begins `begin` metres before the eye (behind it, if negative).

    Half the picture's diagonal is `reach` metres at the eye, and gains `spread` with each metre from it.
    """

    begin: float
    reach: float
    spread: float


@dataclass(frozen=True, eq=False)
class View:
    """How a picture is viewed.

    Attributes
    ----------
    origin : float64[3]
        Where in the world the frame has its origin: near the eye, so that float32 is precise for all that the
        eye sees. It is a value of `engine.math.frame_origin`.
    view_projection : float32[4, 4]
        The matrix from the frame's space (metres from `origin`) to clip space, stored as in `engine.math`.
    eye, forward : float64[3]
        The eye's position in the world, and the direction in which it looks, of length 1.
    lens : Lens
    view_from_frame : float32[4, 4]
        The matrix from the frame's space to the eye's, which looks along -Z, stored as in `engine.math`.
    half_size : (float, float, float)
        Half the picture's width and height in metres: at a distance of 1 where the third number is 1, in a
        perspective, and anywhere where it is 0.
    """

    origin: Vector
    view_projection: npt.NDArray[np.float32]
    eye: Vector
    forward: Vector
    lens: Lens
    view_from_frame: npt.NDArray[np.float32] = field(default_factory=lambda: np.eye(4, dtype=np.float32))
    half_size: tuple[float, float, float] = (1.0, 1.0, 1.0)


class FeatureRows:
    """Rows of one feature type: `rows["color"]` is a column, `objects` are their object rows.

    They are looked up when something of them is read, as that takes longer the more rows a type has.
    """

    def __init__(
        self,
        table: FeatureTable | None,
        find: Callable[[], npt.NDArray[np.integer]] = lambda: NO_ROWS,
        skins: Skins | None = None,
        morphs: Morphs | None = None,
    ) -> None:
        self.table = table
        self._find = find
        self._indices: npt.NDArray[np.integer] | None = None
        self._skins = skins
        self._morphs = morphs

    @property
    def bones(self) -> Bones:
        """The bones of all active skins, for `Feature.buffer_rows`."""
        return NO_BONES if self._skins is None else self._skins.bones

    @property
    def shapes(self) -> Shapes:
        """Which objects are morphed, for `Feature.buffer_rows`."""
        return NO_MORPHS.shapes if self._morphs is None else self._morphs.shapes

    @property
    def indices(self) -> npt.NDArray[np.integer]:
        """The rows, ascending."""
        if self._indices is None:
            self._indices = self._find()
        return self._indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, field: str) -> npt.NDArray[Any]:
        if self.table is None:
            raise KeyError(field)
        values: npt.NDArray[Any] = self.table.column(field)[self.indices]
        return values

    @property
    def first(self) -> Mapping[str, Any]:
        """The fields of the first row as plain numbers and lists of numbers. Raises KeyError without rows."""
        if self.table is None or not len(self.indices):
            raise KeyError("there is no row")
        return self.table.values(int(self.indices[0]))

    @property
    def objects(self) -> npt.NDArray[np.integer]:
        """The object row of each row."""
        return self.table.object[self.indices] if self.table is not None else self.indices


@dataclass(frozen=True)
class Changes:
    """What has changed since values were asked for, or held.

    `rows` is whether a row of a feature may have; `moved` are the objects that moved, None where they are
    many.
    """

    rows: bool
    moved: frozenset[int] | None


@dataclass
class Reads:
    """What was read of a frame's view, so that values which depend on it can be kept while it stays the same.

    Attributes
    ----------
    tables : dict of str to (FeatureTable, int) or None
        The tables of feature types, each with its version then; None where there was none.
    worlds : list of (int[n], float64[n, 4, 4])
        Object rows and their world matrices then.
    bounds : dict of str to Box or None
        The boxes of what features draw.
    nearest : list of (str, int[n], int[n])
        Feature types and objects, with the rows that were nearest above these then.
    numbers : list of (list of str, int[n], float64[n])
        Paths of fields and the objects that have them, with what they named then.
    view, lens, origin : list
        The frame's view, the lens of the view, and its origin; empty if they were not read.
    points : list of (distance, step, base, point)
        Points before the eye, and what was asked for.
    bones : list of Bones
        The bones of skins; empty if they were not read.
    morphs : list of Morphing
        The weights of morphed objects; empty if they were not read.
    times : list of float
        The time of the frame; empty if it was not read.
    everything : bool
        Whether the tableau itself was read, so that any change counts.
    held : (FrameView, bool) or None
        The answer of `hold` for the last view that it was asked about.
    """

    tables: dict[str, tuple[FeatureTable, int] | None] = field(default_factory=dict)
    worlds: list[tuple[npt.NDArray[np.integer], npt.NDArray[np.float64]]] = field(default_factory=list)
    bounds: dict[str, Box | None] = field(default_factory=dict)
    nearest: list[tuple[str, npt.NDArray[np.integer], npt.NDArray[np.integer]]] = field(default_factory=list)
    numbers: list[tuple[Sequence[str], npt.NDArray[np.int32], Vector]] = field(default_factory=list)
    view: list[View | None] = field(default_factory=list)
    lens: list[Lens | None] = field(default_factory=list)
    origin: list[Vector] = field(default_factory=list)
    points: list[tuple[float, float, Point, Point]] = field(default_factory=list)
    bones: list[Bones] = field(default_factory=list)
    morphs: list[Morphing] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    everything: bool = False
    held: tuple[FrameView, bool] | None = None

    def hold(self, view: FrameView) -> bool:
        """Whether all of it is the same in this view, which is of the same size."""
        if self.held is None or self.held[0] is not view:
            self.held = view, self._holds(view)
        return self.held[1]

    def _holds(self, view: FrameView) -> bool:
        if self.everything:
            return False
        for seen in self.view:
            if seen is not view.seen:
                return False
        for lens in self.lens:
            if lens != view.seen_lens:
                return False
        for origin in self.origin:
            if origin is not view.seen_origin and some(origin != view.seen_origin):
                return False
        for bones in self.bones:
            if bones is not view.seen_bones:
                return False
        for morphs in self.morphs:
            if morphs is not view.seen_morphs:
                return False
        for time in self.times:
            if time != view.seen_time:
                return False
        since = view.since
        if since is None or since.rows:
            for name, table in self.tables.items():
                if view.table_version(name) != table:
                    return False
        for name, objects, rows in self.nearest:
            if some(view.rows_above(name, objects) != rows):
                return False
        for paths, objects, values in self.numbers:
            if not np.array_equal(view.bound_numbers(paths, objects), values, equal_nan=True):
                return False
        for away, step, base, point in self.points:
            if view.point_ahead(away, step, base) != point:
                return False
        moved = None if since is None else since.moved
        for objects, matrices in self.worlds:
            if moved is not None and len(objects) <= FEW_OBJECTS and moved.isdisjoint(objects.tolist()):
                continue
            now = view.seen_world(objects)
            if now is not matrices and some(now != matrices, axis=None):
                return False
        for name, box in self.bounds.items():  # noqa: SIM110 (most have none, and this makes no generator)
            if not _same_box(view.box(name), box):
                return False
        return True


class FrameView:
    """One frame for `Feature.frame_values`. `size` is the target's (width, height) in texels.

    `seen_lens` and `seen_origin` are what `lens` and `origin` are, without a note that they were read.
    Everything that is read through it is noted in `reads`.
    """

    def __init__(
        self,
        tableau: Tableau,
        size: tuple[int, int],
        bounds: Callable[[str], Box | None],
        view: View | None = None,
        library: AssetLibrary | None = None,
        skins: Skins | None = None,
        morphs: Morphs | None = None,
        since: Changes | None = None,
    ) -> None:
        """`bounds` returns the world box of what the enabled rows of a feature draw, None for nothing.

        `since` is what has changed since `Reads` that this view is compared with were right; None: anything.
        """
        self.size = size
        self.since = since
        self.seen = view
        self.seen_lens = None if view is None else view.lens
        self.seen_origin = NOWHERE if view is None else view.origin
        self.reads = Reads()
        self.memo: dict[str, Any] = {}
        self._tableau = tableau
        self._bounds = bounds
        self._library = library
        self._skins = skins
        self._morphs = morphs
        self._worlds: dict[bytes, npt.NDArray[np.float64]] = {}
        self._bones: Bones | None = None
        self._morphing: Morphing | None = None
        self._rows: dict[tuple[str, str], tuple[int, FeatureRows]] = {}

    @property
    def morphs(self) -> Morphing:
        """The weights of all morphed objects."""
        morphs = self.seen_morphs
        self.reads.morphs.append(morphs)
        return morphs

    @property
    def seen_morphs(self) -> Morphing:
        """What `morphs` are, without a note that they were read."""
        if self._morphing is None:
            self._morphing = NO_MORPHS if self._morphs is None else self._morphs.now
        return self._morphing

    def deltas(self) -> Mapping[str, npt.NDArray[Any]]:
        """Return the deltas of all targets of `morphs`, as `Morphs.deltas`, which change with them alone."""
        assert self._morphs is not None
        return self._morphs.deltas()

    @property
    def bones(self) -> Bones:
        """The bones of all active skins. Their movement is no change of them."""
        bones = self.seen_bones
        self.reads.bones.append(bones)
        return bones

    @property
    def seen_bones(self) -> Bones:
        """What `bones` are, without a note that they were read."""
        if self._bones is None:
            self._bones = NO_BONES if self._skins is None else self._skins.bones
        return self._bones

    def facts(self, asset: AssetRef) -> Facts:
        """Return what cooking has measured of an asset, or of its placeholder. Raises KeyError.

        That is for asset fields of `enabled` rows, whose numbers `AssetRef.from_key` takes.
        """
        if self._library is None:
            raise KeyError(asset)
        return self._library.facts(asset)

    @property
    def tableau(self) -> Tableau:
        """The tableau itself. A feature that reads it is called again after every change of anything."""
        self.reads.everything = True
        return self._tableau

    @property
    def view(self) -> View | None:
        """How the picture is viewed; None where no feature says so. It changes whenever the camera moves."""
        self.reads.view.append(self.seen)
        return self.seen

    @property
    def lens(self) -> Lens | None:
        """The lens of the view."""
        self.reads.lens.append(self.seen_lens)
        return self.seen_lens

    @property
    def time(self) -> float:
        """The time of the scene's clock in seconds. What reads it is asked again whenever it goes on."""
        self.reads.times.append(self.seen_time)
        return self.seen_time

    @property
    def seen_time(self) -> float:
        """What `time` is, without a note that it was read."""
        return self._tableau.clock.time

    @property
    def origin(self) -> Vector:
        """Where in the world the frame has its origin, float64[3]: shaders' positions are metres from it."""
        self.reads.origin.append(self.seen_origin)
        return self.seen_origin

    def ahead(self, distance: float, step: float, base: Point) -> Point:
        """Return the point in the world so many metres before the eye, rounded to a grid of `step` metres.

        The grid hangs on `base`. What reads the view in this way alone rests while the camera moves less.
        """
        point = self.point_ahead(distance, step, base)
        self.reads.points.append((distance, step, base, point))
        return point

    def point_ahead(self, distance: float, step: float, base: Point) -> Point:
        """Return what `ahead` does, without a note that it was read."""
        if self.seen is None:
            return base
        eye, forward = self.seen.eye.tolist(), self.seen.forward.tolist()
        x, y, z = (
            b + round((e + distance * f - b) / step) * step
            for e, f, b in zip(eye, forward, base, strict=True)
        )
        return x, y, z

    def enabled(self, feature: str) -> FeatureRows:
        """Return the enabled rows of a feature type; empty if the tableau has none."""
        return self._rows_of(feature, "enabled")

    def active(self, feature: str) -> FeatureRows:
        """Return the active rows of a feature type, enabled or not; empty if the tableau has none."""
        return self._rows_of(feature, "active")

    def _rows_of(self, feature: str, which: str) -> FeatureRows:
        now = self.reads.tables[feature] = self.table_version(feature)
        if now is None:
            return FeatureRows(None)
        known = self._rows.get((feature, which))
        if known is None or known[0] != now[1]:
            table = now[0]
            rows = FeatureRows(table, table.rows_enabled if which == "enabled" else table.rows_active)
            known = self._rows[feature, which] = now[1], rows
        return known[1]

    def table_version(self, feature: str) -> tuple[FeatureTable, int] | None:
        """Return the table of a feature type and its present version; None if the tableau has none."""
        table = self._tableau.tables.get(feature)
        return None if table is None else (table, table.version)

    def nearest(self, feature: str, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Return for each object the row of its own feature of a type, else that of its nearest ancestor.

        Rows are as in `FeatureRows.indices`, switched off or not; -1 where there is none.
        """
        rows = self.rows_above(feature, objects)
        self.reads.nearest.append((feature, objects, rows))
        return rows

    def rows_above(self, feature: str, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
        """Return what `nearest` does, without a note that it was read."""
        table = self._tableau.tables.get(feature)
        if table is None:
            return np.full(len(objects), -1, np.int32)
        return table.nearest_above(np.asarray(objects, np.int32))

    def numbers(self, paths: Sequence[str], objects: npt.NDArray[np.int32]) -> Vector:
        """Return the numbers that fields have, float64[n], by paths as `Bindings.numbers` takes them.

        `objects` are those that have the paths; NaN is for a path that names no number.
        """
        values = self.bound_numbers(paths, objects)
        self.reads.numbers.append((paths, objects, values))
        return values

    def bound_numbers(self, paths: Sequence[str], objects: npt.NDArray[np.int32]) -> Vector:
        """Return what `numbers` does, without a note that it was read."""
        return self._tableau.bindings.numbers(paths, objects)

    def world(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """Return the world matrices of objects, float64[n, 4, 4], stored as in `engine.math`."""
        matrices = self.seen_world(objects)
        self.reads.worlds.append((objects, matrices))
        return matrices.copy()

    def matrices(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """Return what `world` does, without a note that it was read."""
        return self._tableau.world(objects)

    def seen_world(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """Return what `matrices` does, worked out once for the same few objects: it is not to be changed."""
        if len(objects) > FEW_OBJECTS:
            return self.matrices(objects)
        key = objects.tobytes()
        found = self._worlds.get(key)
        if found is None:
            found = self._worlds[key] = self.matrices(objects)
        return found

    def bounds(self, feature: str) -> Box | None:
        """Return the world box of all that the enabled rows of a feature draw; None if that is nothing."""
        box = self.reads.bounds[feature] = self.box(feature)
        return box

    def box(self, feature: str) -> Box | None:
        """Return what `bounds` does, without a note that it was read."""
        return self._bounds(feature)


def _same_box(one: Box | None, other: Box | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or not (some(one[0] != other[0]) or some(one[1] != other[1]))
