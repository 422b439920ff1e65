"""Objects that features move as time passes: what they return is applied by difference, before each frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as shortened
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary
from engine.feature.contract import Feature
from engine.feature.fault import RAISED, Raised
from engine.feature.frame import FeatureRows
from engine.feature.morphs import Morphs
from engine.feature.registry import Registry
from engine.graph import DeclarationError, check
from engine.math import normalize
from engine.tableau import FeatureTable, Tableau
from engine.tableau.columns import Rows, as_slice
from engine.tableau.pose import NAMES, NO_ROWS

WIDTHS = {"translation": 3, "rotation": 4, "scale": 3}


@dataclass(frozen=True, eq=False)
class Motion:
    """Local transforms of objects, in place of their own.

    Attributes
    ----------
    objects : int[n]
        Rows of objects, each once.
    translation, rotation, scale : float[n, 3], float[n, 4], float[n, 3], or None
        Metres from the parent's origin, quaternions x y z w, factors; None: what is not moved.
    weights : sequence of (int[k], float[k, targets])
        Groups of objects, each once, with the weights of their morph targets; `objects` need not have them.
    """

    objects: npt.NDArray[np.integer]
    translation: npt.NDArray[np.floating] | None = None
    rotation: npt.NDArray[np.floating] | None = None
    scale: npt.NDArray[np.floating] | None = None
    weights: Sequence[tuple[npt.NDArray[np.integer], npt.NDArray[np.floating]]] = ()


class MotionFrame:
    """One moment for `Feature.animate`: the `time` of the scene in seconds, and where objects are so far."""

    def __init__(
        self, tableau: Tableau, library: AssetLibrary, time: float, morphs: Morphs | None = None
    ) -> None:
        self.tableau = tableau
        self.library = library
        self.time = time
        self._moved: dict[str, tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]] = {}
        self._alone: tuple[Rows, dict[str, npt.NDArray[np.floating]]] | None = None
        self.weights: list[tuple[Rows, npt.NDArray[np.float32]]] = []
        self._morphs = morphs

    def translation(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """Return the objects' present translations, float64[n, 3] in metres from their parents' origins."""
        return self._local("translation", objects)

    def rotation(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """Return the objects' present rotations, unit quaternions x y z w, float64[n, 4]."""
        return self._local("rotation", objects)

    def scale(self, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """Return the objects' present factors along their own axes, float64[n, 3]."""
        return self._local("scale", objects)

    def own_weights(self, objects: npt.NDArray[np.integer], width: int) -> npt.NDArray[np.float64]:
        """Return the objects' own weights of morph targets, float64[n, width]; 0 for those without."""
        if self._morphs is None:
            return np.zeros((len(objects), width))
        return self._morphs.own(objects, width)

    @property
    def moved(self) -> tuple[Rows, Mapping[str, npt.NDArray[np.floating]]]:
        """The objects that have been moved so far, ascending, and their values by name, of what was moved."""
        if self._alone is not None:
            return self._alone
        if not self._moved:
            return NO_ROWS, {}
        rows = np.logical_or.reduce([mask for mask, _ in self._moved.values()]).nonzero()[0].astype(np.int32)
        return rows, {name: self._local(name, rows) for name in self._moved}

    def take(self, motion: Motion) -> None:
        """Move objects. Raises DeclarationError for a motion that is none."""
        if not isinstance(motion, Motion):
            check(motion, Motion, "what `animate` returns", "return a Motion or None")
        rows = _objects(motion.objects, "objects", self.tableau)
        values = {name: getattr(motion, name) for name in NAMES}
        given = {
            name: _numbers(value, name, (len(rows), WIDTHS[name]))
            for name, value in values.items()
            if value is not None
        }
        if "rotation" in given:
            given["rotation"], bad = normalize(given["rotation"])
            if bad.any():
                raise _wrong(
                    "the rotation of a motion is a quaternion of length 0", "[0, 0, 0, 1] turns nothing"
                )
        self.weights += self._weights_of(motion)
        is_first = self._alone is None and not self._moved
        if is_first and len(given) and bool((rows[1:] > rows[:-1]).all()):
            self._alone = rows, given
            return
        self._spread()
        self._put(rows, given)

    def _spread(self) -> None:
        """Keep what the only motion so far has moved as that of several is kept."""
        if self._alone is not None:
            alone, self._alone = self._alone, None
            self._put(*alone)

    def _put(self, rows: Rows, given: Mapping[str, npt.NDArray[np.floating]]) -> None:
        where, count = as_slice(rows), len(self.tableau.level)
        for name, value in given.items():
            if name not in self._moved:
                self._moved[name] = np.zeros(count, np.bool_), np.empty((count, WIDTHS[name]))
            mask, moved = self._moved[name]
            mask[where], moved[where] = True, value

    def _weights_of(self, motion: Motion) -> list[tuple[Rows, npt.NDArray[np.float32]]]:
        """Return the weights of a motion. Raises DeclarationError for weights that are none."""
        advice = "give (objects, weights) for each group: int[k] and float[k, targets]"
        if isinstance(motion.weights, np.ndarray | str) or not isinstance(motion.weights, Sequence):
            raise _wrong(f"the weights of a motion are {shortened(motion.weights)}, not groups", advice)
        found = []
        for group in motion.weights:
            if not isinstance(group, tuple | list) or len(group) != 2:
                raise _wrong(f"a group of weights of a motion is {shortened(group)}, not two arrays", advice)
            rows = _objects(group[0], "objects of the weights", self.tableau)
            found.append((rows, _numbers(group[1], "weights", (len(rows), None)).astype(np.float32)))
        return found

    def _local(self, name: str, objects: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        self._spread()
        where = as_slice(objects.astype(np.int32, copy=False))
        own: npt.NDArray[np.float64] = getattr(self.tableau, name)[where].astype(np.float64)
        if name in self._moved:
            mask, values = (array[where] for array in self._moved[name])
            np.copyto(own, values, where=mask[:, None])
        return own


def _wrong(problem: str, advice: str) -> DeclarationError:
    return DeclarationError(f"what `animate` returns is impossible: {problem}", advice)


def _objects(objects: Any, name: str, tableau: Tableau) -> Rows:
    """Return the objects of a motion. Raises DeclarationError for what are none."""
    level, advice = tableau.level, "give rows of objects, such as rows.objects, each once"
    try:
        rows = np.asarray(objects)
    except ValueError:
        raise _wrong(f"the {name} of a motion are {shortened(objects)}, not rows, int[n]", advice) from None
    if rows.ndim != 1 or not (np.issubdtype(rows.dtype, np.integer) or not len(rows)):
        raise _wrong(f"the {name} of a motion are rows, int[n], not {rows.dtype}{list(rows.shape)}", advice)
    rows = rows.astype(np.int64, copy=False)
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(level) and (level[rows] >= 0).all()):
        bad = next(row for row in rows.tolist() if not 0 <= row < len(level) or level[row] < 0)
        raise _wrong(f"a motion moves a row without an object: {bad}, among its {name}", advice)
    if (np.bincount(rows, minlength=1) > 1).any():
        raise _wrong(
            f"a motion moves an object twice: {np.bincount(rows).argmax()}, among its {name}", advice
        )
    return rows.astype(np.int32)


def _numbers(value: Any, name: str, shape: tuple[int, int | None]) -> npt.NDArray[np.floating]:
    """Return the numbers of a motion. Raises DeclarationError for what are none."""
    wanted = f"float[{shape[0]}, {'targets' if shape[1] is None else shape[1]}]"
    advice = f"give {wanted}, finite numbers: a row for each of the objects"
    try:
        found = np.asarray(value)
    except ValueError:
        found = np.zeros(0, np.object_)
    if found.dtype.kind not in "fiu":
        raise _wrong(f"the {name} of a motion is {wanted}, not {shortened(value)}", advice)
    if found.ndim != 2 or len(found) != shape[0] or shape[1] not in (None, found.shape[1]):
        raise _wrong(f"the {name} of a motion is {wanted}, not {list(found.shape)}", advice)
    if not np.isfinite(found).all():
        raise _wrong(f"the {name} of a motion {'are' if name == 'weights' else 'is'} not finite", advice)
    return found


class Animator:
    """Moves the objects of one tableau: asks features where they are, only where something has changed."""

    def __init__(
        self,
        tableau: Tableau,
        registry: Registry,
        library: AssetLibrary,
        guard: Callable[[Feature, Raised], None],
        morphs: Morphs | None = None,
    ) -> None:
        """`guard` is called with a feature whose code raises, or whose motion is none."""
        self._morphs = morphs
        self._tableau = tableau
        self._library = library
        self._guard = guard
        self._movers: list[tuple[Feature, FeatureTable]] = [
            (feature, tableau.tables[name])
            for name, feature in registry.items()
            if type(feature).animate is not Feature.animate
        ]
        self._seen: tuple[int, ...] | None = None

    def update(self) -> None:
        """Bring all poses to the present time; a feature that fails is switched off, and the others go on."""
        tableau = self._tableau
        while self._movers and (now := self._signature()) != self._seen:
            self._seen = now
            frame = MotionFrame(tableau, self._library, tableau.clock.time, self._morphs)
            for feature, table in self._movers:
                self._ask(feature, table, frame)  # one that fails is off in the next round
            rows, values = frame.moved
            if len(rows) or len(tableau.pose.rows):
                tableau.move(rows, values)
            tableau.pose.set_weights(frame.weights)

    def _signature(self) -> tuple[int, ...] | None:
        """Return the versions that poses follow from; None where no feature moves anything, nor has."""
        tableau = self._tableau
        has_pose = len(tableau.pose.rows) > 0 or len(tableau.pose.weights) > 0
        if not has_pose and not any(len(table.rows_enabled()) for _, table in self._movers):
            return None
        return (
            tableau.clock.version,
            tableau.structure_version,
            tableau.values_version,
            tableau.own_version,
        )

    def _ask(self, feature: Feature, table: FeatureTable, frame: MotionFrame) -> None:
        """Let a feature move its objects, if any row is enabled; it is switched off where its code raises."""
        if not len(table.rows_enabled()):
            return
        try:
            motion = feature.animate(FeatureRows(table, table.rows_enabled), frame)
            if motion is not None:
                frame.take(motion)
        except RAISED as error:
            self._guard(feature, error)
