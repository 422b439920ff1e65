"""The animation feature: clips move an object and what is below it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from engine.assets import AnimatedProperty
from engine.feature import Fault, Feature, FeatureRows, FrameView, Motion, MotionFrame
from engine.tableau import NO_ASSET, Tableau
from engine.tableau.schema import asset_field, bool_field, float_field
from features._clips import Clips, Moved, slerp

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CLIP_FIELDS = ("clip", "second")

TRANSFORMS = (AnimatedProperty.TRANSLATION, AnimatedProperty.ROTATION, AnimatedProperty.SCALE)
"""What channels move of where an object is, in the order in which a Motion has it."""

MORPH = "morph"
"""The feature of objects whose weights channels move."""

_Track = tuple[int, int, int]
"""Row among the feature's, channel, object."""


@dataclass(frozen=True, eq=False)
class _Tracks:
    """What channels of one property move: rows among the feature's, channels and places in `targets`, [n]."""

    rows: Ints
    channels: Ints
    places: Ints


@dataclass(frozen=True, eq=False)
class _Targets:
    """The objects that channels of one property move, each once, ascending, and the tracks of each field.

    `rows` is the row that each is blended by.
    """

    objects: Ints
    rows: Ints
    tracks: tuple[_Tracks, _Tracks]


class Animation(Feature):
    """Clips move the object and those below it; two clips are blended."""

    type_name = "animation"
    fields = (
        asset_field("clip", types=("animation",), help="what moves: the object and those below it"),
        asset_field("second", types=("animation",), optional=True, help="the clip that `blend` leads to"),
        float_field("blend", 0.0, minimum=0.0, maximum=1.0, help="how much of the second clip, 0 to 1"),
        bool_field("loop", True, help="begin again at the end; else the last keys stay"),
        float_field(
            "speed",
            1.0,
            minimum=-1000.0,
            maximum=1000.0,
            help="how often as fast as the clip was made; below 0 backwards, from `phase`",
        ),
        float_field("phase", 0.0, minimum=-1e6, maximum=1e6, unit="s", help="the time of the clip at time 0"),
    )

    def __init__(self) -> None:
        self._players: WeakKeyDictionary[Tableau, _Player] = WeakKeyDictionary()

    def animate(self, rows: FeatureRows, frame: MotionFrame) -> Motion | None:
        """Move the targets of all channels of all rows."""
        player = self._players.get(frame.tableau)
        if player is None or player.clips.library is not frame.library:
            player = self._players[frame.tableau] = _Player(Clips(frame.library))
        return player.motion(rows, frame)

    def faults(self, frame: FrameView) -> Iterable[Fault]:
        """Channels without a target, and a `blend` that leads to no clip."""
        rows = frame.enabled(self.type_name)
        for index in np.flatnonzero((rows["second"] == NO_ASSET) & (rows["blend"] > 0)).tolist():
            yield Fault(
                int(rows.indices[index]),
                "field.unused",
                f"its blend, {rows['blend'][index]:g}, leads to no clip: it has no second one",
                "give the clip that it leads to as `second`; the first one alone moves it now",
                "blend",
            )
        player = self._players.get(frame.tableau)
        yield from () if player is None else player.faults


class _Player:
    """The tracks of one tableau's rows, found again only when rows, clips or the tree have changed."""

    def __init__(self, clips: Clips) -> None:
        self.clips = clips
        self.faults: list[Fault] = []
        self._signature: tuple[int, ...] | None = None
        self._targets: dict[Moved, _Targets] = {}
        self._objects: Ints = np.zeros(0, np.int64)
        self._durations: list[Doubles] = []

    def motion(self, rows: FeatureRows, frame: MotionFrame) -> Motion | None:
        """Return where all targets are at the time of the frame."""
        now = frame.tableau.structure_version, frame.tableau.values_version
        if now != self._signature:
            self._find_targets(rows, frame.tableau)
            self._signature = now
        values: dict[AnimatedProperty, Doubles] = {}
        weights: list[tuple[Ints, Doubles]] = []
        for moved, targets in self._targets.items():
            found = self._values(moved, targets, rows, frame)
            if moved[0] is AnimatedProperty.WEIGHTS:
                weights.append((targets.objects, found))
                continue
            if len(targets.objects) < len(self._objects):
                own = _own(moved, self._objects, frame)
                own[np.searchsorted(self._objects, targets.objects)] = found
                found = own
            values[moved[0]] = found
        if not values and not weights:
            return None
        place, turn, size = (values.get(each) for each in TRANSFORMS)
        return Motion(self._objects, place, turn, size, weights)

    def _values(self, moved: Moved, targets: _Targets, rows: FeatureRows, frame: MotionFrame) -> Doubles:
        """Return the values of this property of all targets: of the clip, blended with the second one."""
        first = self._side(0, moved, targets, rows, frame)
        blend = np.where(rows["second"] != NO_ASSET, rows["blend"].astype(np.float64), 0.0)
        if not blend.any():
            return first
        second, share = self._side(1, moved, targets, rows, frame), blend[targets.rows]
        if moved[0] is AnimatedProperty.ROTATION:
            return slerp(first, second, share)
        return first + share[:, None] * (second - first)

    def _side(
        self, field: int, moved: Moved, targets: _Targets, rows: FeatureRows, frame: MotionFrame
    ) -> Doubles:
        """Return the values of this property of all targets in one of the clips, else their own."""
        tracks = targets.tracks[field]
        if not len(tracks.rows):
            return _own(moved, targets.objects, frame)
        seconds = self._seconds(field, rows, frame.time)[tracks.rows]
        found = self.clips.tables[moved].at(tracks.channels, seconds)
        if len(tracks.rows) == len(targets.objects):  # each once, in their order
            return found
        side = _own(moved, targets.objects, frame)
        side[tracks.places] = found
        return side

    def _seconds(self, field: int, rows: FeatureRows, time: float) -> Doubles:
        """Return the time in the clip of each row, in seconds."""
        duration = self._durations[field]
        seconds = rows["phase"].astype(np.float64) + rows["speed"].astype(np.float64) * time
        looped = np.where(duration > 0.0, np.mod(seconds, np.where(duration > 0.0, duration, 1.0)), 0.0)
        return np.where(rows["loop"], looped, np.clip(seconds, 0.0, duration))

    def _find_targets(self, rows: FeatureRows, tableau: Tableau) -> None:
        """Find the objects that the channels of all rows move, and the channels without one."""
        self.faults, self._durations = [], []
        children: dict[int, dict[str, int]] = {}
        owners = rows.objects.tolist()
        by_field: list[dict[Moved, list[_Track]]] = []
        morphed = tableau.tables.get(MORPH)
        for field in CLIP_FIELDS:
            found: dict[Moved, list[_Track]] = {}
            durations = np.zeros(len(owners))
            for index, (key, owner) in enumerate(zip(rows[field].tolist(), owners, strict=True)):
                if key == NO_ASSET:
                    continue
                clip = self.clips.clip(key)
                durations[index] = clip.duration
                places = {path: _find(tableau, owner, path, children) for path in set(clip.targets)}
                shapeless: set[str] = set()
                for path, moved, number in zip(clip.targets, clip.moves, clip.numbers, strict=True):
                    place = places[path]
                    if place < 0:
                        continue
                    is_shape = moved[0] is AnimatedProperty.WEIGHTS
                    if is_shape and (morphed is None or morphed.row_of(place) is None):
                        shapeless.add(path)
                    else:
                        found.setdefault(moved, []).append((index, number, place))
                start = f"{tableau.path(owner)}/"
                lost = (path for path, place in places.items() if place < 0)
                reported = {path for path in lost if tableau.gaps.has(start + path)}
                reported |= {
                    path for path in shapeless if tableau.gaps.has((start + path).rstrip("/"), MORPH)
                }
                left = {path: place for path, place in places.items() if path not in reported}
                self._note_missing(int(rows.indices[index]), field, left, shapeless - reported)
            self._durations.append(durations)
            by_field.append(found)
        used = sorted({moved for found in by_field for moved in found})
        self._targets = {
            moved: _targets(by_field[0].get(moved, []), by_field[1].get(moved, [])) for moved in used
        }
        placed = [each.objects for kind, each in self._targets.items() if kind[0] in TRANSFORMS]
        self._objects = np.unique(np.concatenate([np.zeros(0, np.int64), *placed]))

    def _note_missing(self, row: int, field: str, places: dict[str, int], shapeless: set[str]) -> None:
        for path in sorted(shapeless)[:1]:
            more = f" and {len(shapeless) - 1} more" if len(shapeless) > 1 else ""
            self.faults.append(
                Fault(
                    row,
                    "animation.weights",
                    f"a channel of its {field} moves the weights of '{path}'{more}, which has no morph",
                    "give that object a morph; the other channels move theirs",
                    field,
                )
            )
        missing = sorted(path for path, place in places.items() if place < 0)
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            self.faults.append(
                Fault(
                    row,
                    "animation.target",
                    f"a channel of its {field} moves '{missing[0]}'{more}, which is not below it",
                    "targets are paths below the object; the other channels move theirs",
                    field,
                )
            )


def _own(moved: Moved, objects: Ints, frame: MotionFrame) -> Doubles:
    """Return what a kind of channels moves of objects, as it is without them."""
    kind, width = moved
    if kind is AnimatedProperty.WEIGHTS:
        return frame.own_weights(objects, width)
    values: Doubles = getattr(frame, kind.value)(objects)
    return values


def _find(tableau: Tableau, owner: int, path: str, children: dict[int, dict[str, int]]) -> int:
    """Return the row of a path below an object, -1 where there is none; `children` are remembered."""
    row = owner
    for name in path.split("/") if path else ():
        below = children.get(row)
        if below is None:
            handles = tableau.children(tableau.handle(row))
            below = children[row] = {handle.name: handle.row for handle in handles}
        row = below.get(name, -1)
        if row < 0:
            return -1
    return row


def _targets(first: list[_Track], second: list[_Track]) -> _Targets:
    """Return tracks as arrays; of several of one field for one object the last."""
    arrays = [_last_of_each(found) for found in (first, second)]
    objects, places = np.unique(np.concatenate([array[:, 2] for array in arrays]), return_inverse=True)
    rows = np.zeros(len(objects), np.int64)
    rows[places] = np.concatenate([array[:, 0] for array in arrays])
    split = len(arrays[0])
    tracks = [
        _Tracks(array[:, 0], array[:, 1], at)
        for array, at in zip(arrays, (places[:split], places[split:]), strict=True)
    ]
    return _Targets(objects, rows, (tracks[0], tracks[1]))


def _last_of_each(found: list[_Track]) -> Ints:
    """Return tracks, int64[n, 3], each object once, ascending."""
    array = np.array(found, np.int64).reshape(-1, 3)
    _, last = np.unique(array[::-1, 2], return_index=True)
    kept: Ints = array[len(array) - 1 - last]
    return kept
