"""Values of the shaders' Frame block: every feature returns its own, by member name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary
from engine.feature import Box, Feature, FrameView, Registry, View
from engine.feature.fault import RAISED, Raised
from engine.feature.frame import FEW_OBJECTS, NOWHERE, Changes, Reads
from engine.feature.morphs import Morphs
from engine.feature.skins import Skins
from engine.graph import PICTURE_VIEW
from engine.planning.contradictions import clashing_values
from engine.planning.draw.blocks import WORD
from engine.planning.draw.boxes import union
from engine.planning.draw.eyes import Eye
from engine.planning.draw.frame_layout import FrameLayout, Members
from engine.planning.draw.ring_names import ColumnRing
from engine.planning.draw.sorted_draws import Placed
from engine.planning.draw.tables import DrawTable
from engine.planning.problems.declared import (
    by_names,
    check_view,
    wrong_number,
)
from engine.planning.row_values import RowValues
from engine.planning.value_words import Pieces, flat
from engine.tableau import Tableau

OF_FRAME = ("origin", "time", "pictureSize", "contentScale")
"""The values that the frame itself gives."""

_MATRIX = "viewProjection"
"""The value of a view that says what it sees."""


@dataclass
class _Kept:
    """The values of one feature, what they were made from, and their words in the block, once packed."""

    reads: Reads
    values: Mapping[str, Any]
    pieces: Pieces | None = None


_NO_RINGS: Mapping[str, ColumnRing] = {}
_NONE_PLACED: Mapping[str, Placed] = {}


class FrameValues:
    """The Frame blocks of all shaders: what the frame itself gives, and the values of all features.

    The frame gives `origin`, `time`, `pictureSize` in texels and `contentScale`, texels per point.
    A feature is asked again only where something that it read has changed. `eyes` has the eye of each view by
    its name, once a block has been made; None is for a view that no feature makes.
    """

    def __init__(
        self,
        registry: Registry,
        tableau: Tableau,
        guard: Callable[[Feature, Raised], None],
        library: AssetLibrary | None = None,
        skins: Skins | None = None,
        morphs: Morphs | None = None,
    ) -> None:
        """`guard` is called with a feature whose code raises or whose values do not fit a block.

        Without a `library` features have no facts of assets, without `skins` no bones,
        without `morphs` no weights.
        """
        self.eyes: Mapping[str, Eye | None] = {}
        self.content_scale = 1.0
        self._registry = registry
        self._tableau = tableau
        self._guard = guard
        self._library = library
        self._skins = skins
        self._morphs = morphs
        self._layout = FrameLayout(())
        self._fields: Mapping[str, Members] = {}  # by view
        self._members: Members = {}  # of all views
        self._shown: tuple[object, ...] | None = None  # what the frame itself gave
        self._kept: dict[str, _Kept] = {}
        self._kept_views: dict[str, _Kept] = {}
        self._matrices: dict[str, Mapping[str, npt.NDArray[np.floating]]] = {}  # by feature and view
        self._made: dict[str, frozenset[str]] = {}  # the views of each feature
        self._view: tuple[Reads, View | None] | None = None
        self._signature: tuple[object, ...] | None = None
        self._block: npt.NDArray[np.uint8] | None = None
        self._known_eyes: dict[str, tuple[bytes, Eye]] = {}
        self._asked: tuple[object, int] | None = None  # versions of rows and of moves for the last answers
        self._own: Pieces = []
        self._rows = RowValues(registry, guard)
        self._is_timed = False  # whether a value follows from the time
        self._ordered = tuple(registry)
        self._given: Mapping[str, Collection[str]] = {}
        self._with_values, self._with_views = (
            [
                name
                for name, feature in registry.items()
                if getattr(type(feature), of) is not getattr(Feature, of)
            ]
            for of in ("frame_values", "views")
        )
        self._eyes_of: View | None = None

    def block(
        self,
        tables: Mapping[str, DrawTable],
        layout: FrameLayout,
        size: tuple[int, int],
        rings: Mapping[str, ColumnRing] = _NO_RINGS,
        placed: Mapping[str, Placed] = _NONE_PLACED,
        is_current: Callable[[], bool] = lambda: True,
    ) -> npt.NDArray[np.uint8] | None:
        """Return the values of all features, in the order of their names, for a picture of this size.

        Values that raise or do not fit are left out. Members that no feature gives are zero. Returns
        uint8[n], the same array as long as no value changes, or None where no shader has a Frame block.
        `columns` then has the rows of each of `rings`, uint8[count, bytes], and `places` where the parts of
        `placed` passes are, float64[n, 3] by feature: the same arrays while they last.
        `is_current` says whether the frame was planned for the scene as it is now. Where it was not, a
        feature for whose rows there is no room yet goes on with all that it gave last.
        """
        signature = (
            self._tableau.structure_version,
            self._tableau.values_version,
            self._tableau.world_version,
            self._tableau.clock.version if self._is_timed else 0,
            self.content_scale,
            size,
        )
        same = self._rows.follow(rings, placed) and layout is self._layout
        if same and self._signature == signature and not self._rows.late:
            return self._block
        if self._signature is None or self._signature[-1] != size:
            self._kept, self._kept_views, self._view = {}, {}, None
            self._rows.forget()
        self._signature = signature
        if layout is not self._layout:
            self._lay_out(layout)
        if layout.size or rings or placed:
            changed = self._ask(tables, size, is_current)
            if changed and layout.size:
                self._block = self._packed(layout.size)
            if changed or self._view is None or self._view[1] is not self._eyes_of:
                self._note_eyes(size[1])
        return self._block

    @property
    def columns(self) -> Mapping[str, npt.NDArray[np.uint8]]:
        """The rows of each ring, uint8[count, bytes]."""
        return self._rows.columns

    @property
    def places(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """Where the parts of passes are, float64[n, 3], by feature."""
        return self._rows.places

    @property
    def is_timed(self) -> bool:
        """Whether a value of the last block follows from the time of the scene."""
        return self._is_timed

    @property
    def given(self) -> frozenset[str]:
        """The names of all values of the last block: those of features, and of the frame itself."""
        views = (view for kept in self._kept_views.values() for view in kept.values.values())
        return frozenset(OF_FRAME).union(*self._given.values(), *views)

    def _lay_out(self, layout: FrameLayout) -> None:
        """Pack all values for other Frame blocks; features need not be asked again for that."""
        self._layout, self._block, self._shown = layout, None, None
        self._fields, self._members = layout.members, layout.all_members
        for kept in (*self._kept.values(), *self._kept_views.values()):
            kept.pieces = None

    def _packed(self, size: int) -> npt.NDArray[np.uint8]:
        """Return the Frame blocks with all values."""
        words = np.zeros(size // WORD, np.uint32)
        pieces = list(self._own)
        for of_kind in (self._kept, self._kept_views):
            for name in self._ordered:
                kept = of_kind.get(name)
                if kept is not None and kept.pieces:
                    pieces += kept.pieces
        for where, numbers in pieces:
            words[where] = numbers
        return words.view(np.uint8)

    @np.errstate(over="ignore", invalid="ignore")  # numbers beyond 32-bit floats are made finite
    def _ask(
        self, tables: Mapping[str, DrawTable], size: tuple[int, int], is_current: Callable[[], bool]
    ) -> bool:
        """Ask the features whose values may have changed; return whether the block must be made again."""
        boxes: dict[str, Box | None] = {}

        def bounds(feature: str) -> Box | None:
            if feature not in boxes:
                found = [table.bounds() for table in tables.values() if table.declaration.draws == feature]
                boxes[feature] = union(box for box in found if box is not None)
            return boxes[feature]

        tableau = self._tableau
        versions = (tableau.structure_version, tableau.values_version), tableau.world_version
        since = self._changes(*versions)
        view = self._look(size, since)
        shapes = self._skins, self._morphs
        now = FrameView(self._tableau, size, bounds, view, None, *shapes, since)
        changed = self._give_own(now, size) or self._block is None
        were_late = self._rows.late
        of_rows = self._tableau, size, bounds, view, None, *shapes
        filled = self._rows.ask(now, lambda: FrameView(*of_rows), is_current)
        late = self._rows.late
        frames: dict[str, FrameView] = {}
        for features, known, ask, pack in (
            (self._with_values, self._kept, self._values_of, self._frame_pieces),
            (self._with_views, self._kept_views, self._views_of, self._view_pieces),
        ):
            for name in features:
                kept = known.get(name)
                if name in late:
                    if kept is None:
                        continue
                    holds = True
                else:
                    holds = kept is not None and name not in were_late and kept.reads.hold(now)
                if holds and kept is not None and kept.pieces is not None:
                    continue
                changed = True
                known.pop(name, None)
                try:
                    if not holds or kept is None:
                        if name not in frames:
                            about = self._tableau, size, bounds, view, self._library, *shapes
                            frames[name] = FrameView(*about)
                        kept = _Kept(frames[name].reads, ask(self._registry[name], frames[name]))
                    kept.pieces = pack(kept.values)
                except RAISED as error:
                    self._guard(self._registry[name], error)
                else:
                    known[name] = kept
        given = {name: kept.values.keys() for name, kept in self._kept.items()}
        if changed and given != self._given:
            self._given = given
            self._switch_off_clashing(given)
        if changed or filled:
            self._is_timed = self._reads_time()
        self._asked = versions
        return changed

    def _switch_off_clashing(self, given: Mapping[str, Collection[str]]) -> None:
        """Switch off features of packages with values of the names that built-in ones give, or the frame."""
        for name, error in clashing_values(given, OF_FRAME, self._registry.is_built_in).items():
            self._kept[name] = _Kept(self._kept[name].reads, {}, [])
            self._guard(self._registry[name], error)

    def _changes(self, rows: object, moves: int) -> Changes | None:
        """Return what has changed since all that is kept was asked for, or held; None: anything."""
        if self._asked is None:
            return None
        moved = self._tableau.moves.since(self._asked[1])
        few = None if moved is None or len(moved) > FEW_OBJECTS else frozenset(moved.tolist())
        return Changes(rows != self._asked[0], few)

    def _give_own(self, frame: FrameView, size: tuple[int, int]) -> bool:
        """Take what the frame itself gives; return whether it is different from before."""
        time = frame.seen_time if "time" in self._members else 0.0
        shown = frame.seen_origin.tobytes(), time, size, self.content_scale
        if shown == self._shown:
            return False
        self._shown = shown
        values: tuple[npt.ArrayLike, ...] = frame.seen_origin, time, size, self.content_scale
        self._own = self._frame_pieces(dict(zip(OF_FRAME, values, strict=True)))
        return True

    def _reads_time(self) -> bool:
        """Whether a member or a value of a feature follows from the time."""
        if "time" in self._members:
            return True
        kept = (*self._kept.values(), *self._kept_views.values())
        seen = [*(each.reads for each in kept), *self._rows.reads]
        return any(reads.times for reads in (*seen, *([self._view[0]] if self._view is not None else ())))

    def _note_eyes(self, height: int) -> None:
        """Let `eyes` have those of all views, the same objects as before where nothing has changed.

        `height` is that of the picture in pixels. What shaders read in the Frame block of a view is what it
        sees, whoever has given it.
        """
        view = self._eyes_of = None if self._view is None else self._view[1]
        origin = NOWHERE if view is None else view.origin
        matrices = {
            name: matrix for of_feature in self._matrices.values() for name, matrix in of_feature.items()
        }
        if view is not None:
            matrices[PICTURE_VIEW] = view.view_projection
        unmade = self._fields.keys() - {PICTURE_VIEW, *chain.from_iterable(self._made.values())}
        about = origin.tobytes() + height.to_bytes(8)
        before, self._known_eyes = self._known_eyes, {}
        for name, matrix in matrices.items():
            given = None
            for field, starts in self._fields.get(name, {}).get(_MATRIX, {}).items():
                if self._block is not None and field.width == 16:
                    start = starts[0] + field.offset
                    given = self._block[start : start + 16 * WORD].tobytes()
            key = about + (matrix.astype(np.float32).tobytes() if given is None else given)
            known = before.get(name)
            if known is None or known[0] != key:
                if given is not None:
                    matrix = np.frombuffer(given, np.float32).reshape(4, 4)
                known = key, Eye(origin, np.asarray(matrix, np.float64), height)
            self._known_eyes[name] = known
        self.eyes = {
            **dict[str, Eye | None].fromkeys(unmade),
            **{name: eye for name, (_, eye) in self._known_eyes.items()},
        }

    def _values_of(self, feature: Feature, frame: FrameView) -> Mapping[str, npt.ArrayLike]:
        return by_names(feature.frame_values(frame), "frame_values")

    def _frame_pieces(self, values: Mapping[str, npt.ArrayLike]) -> Pieces:
        """Return the words of a feature's values in all views. Raises DeclarationError."""
        return self._pieces(None, self._members, values)

    def _pieces(self, view: str | None, members: Members, values: Mapping[str, npt.ArrayLike]) -> Pieces:
        """Return the words of values in all blocks that have the members.

        Raises DeclarationError for the first value that does not fit.
        """
        try:
            return self._packed_pieces(view, members, values)
        except (ValueError, TypeError, OverflowError):
            of = "`frame_values` returns" if view is None else f"`views` returns for the view '{view}'"
            for member, value in values.items():
                name = f"'{member}', which {of},"
                wrong = wrong_number(value, name, members[member]) if member in members else None
                if wrong is not None:
                    raise wrong from None
            raise

    def _packed_pieces(
        self, view: str | None, members: Members, values: Mapping[str, npt.ArrayLike]
    ) -> Pieces:
        """Return the words of values in all blocks that have the members. Raises ValueError.

        All floats are converted together, as numpy takes as long for few numbers as for many.
        """
        floats: list[float] = []
        shapes: list[tuple[str, tuple[int, ...]]] = []
        for member, value in values.items():
            if member in members:
                numbers, shape = flat(value)
                floats += numbers
                shapes.append((member, shape))
        places = self._layout.places(view, tuple(shapes))
        found: Pieces = []
        for field, alone, words, which in places:
            packed = field.numbers(floats if alone is None else values[alone])
            found.append((words, packed.reshape(-1).view(np.uint32)[which]))
        return found

    def _views_of(self, feature: Feature, frame: FrameView) -> Mapping[str, Mapping[str, npt.ArrayLike]]:
        """Ask a feature for its views; note which they are, and what they see."""
        self._matrices.pop(feature.type_name, None)
        self._made.pop(feature.type_name, None)
        views = by_names(feature.views(frame), "views")
        for view, values in views.items():
            by_names(values, f"views(...)['{view}']")
        self._made[feature.type_name] = frozenset(views)
        self._matrices[feature.type_name] = {
            view: np.asarray(values[_MATRIX], np.float64)
            for view, values in views.items()
            if np.shape(values.get(_MATRIX, 0.0)) == (4, 4)
        }
        return views

    def _view_pieces(self, views: Mapping[str, Mapping[str, npt.ArrayLike]]) -> Pieces:
        """Return the words of a feature's values in the views that it makes. Raises ValueError."""
        found: Pieces = []
        for view, values in views.items():
            found += self._pieces(view, self._fields.get(view, {}), values)
        return found

    def _look(self, size: tuple[int, int], since: Changes | None) -> View | None:
        """Return how the picture is viewed: the same view as long as what it was made from stays."""
        frame = FrameView(self._tableau, size, lambda _: None, since=since)
        if self._view is None or not self._view[0].hold(frame):
            view = scene_view(self._registry, frame, self._guard)
            self._view = frame.reads, view
        return self._view[1]


def scene_view(registry: Registry, frame: FrameView, guard: Callable[[Feature, Raised], None]) -> View | None:
    """How the picture is viewed; None where no feature returns a view.

    `guard` is called with a feature whose code raises.
    """
    for name in registry:
        try:
            view = registry[name].view(frame)
            if view is not None:
                check_view(view)
        except RAISED as error:
            guard(registry[name], error)
        else:
            if view is not None:
                return view
    return None
