"""One opened scene in a window, and what its panels share."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets import AssetRef
from engine.humon import Problem
from viewer.editing.editing import Editing
from viewer.session.commands import Commands
from viewer.session.frame_history import FrameHistory
from viewer.session.links import AssetLink, FeatureLink, Links, MemoryLink, ObjectLink
from viewer.session.notices import Notices
from viewer.session.pictures import Pictures
from viewer.session.preferences import Preferences
from viewer.session.run_statistics import RunStatistics
from viewer.session.selection import Selection

if TYPE_CHECKING:
    from engine.runtime.live_assets import LiveAssets
    from engine.runtime.runtime import Runtime

Rectangle = tuple[float, float, float, float]


class Session:
    """The state that panels share.

    Attributes
    ----------
    runtime : Runtime
        The runtime that draws the scene; it stays the same when the device was lost.
    live : LiveAssets or None
        What keeps the assets as their sources are; None where saves are not watched.
    editing : Editing
        Changes of the scene: undo, saving, reverting, recovery.
    statistics : RunStatistics
        The figures of the present frame.
    rests : bool
        Whether no frame follows the one that is drawn now until something changes.
    pictures : Pictures
        Thumbnails and images of the frame.
    frames : FrameHistory
        The last frames.
    times_passes, watched_images : bool, set of str
        What panels want of this frame: the times of passes on the device, images to look at.
    compared : (str, Runtime) or None
        A scene that is shown beside this one: its name, and the runtime that draws it.
    estimates : dict of str to callable
        Bytes of device memory outside of all plans, by what they are: what the window itself has made.
    largest_scale : float
        The largest scale of the preferences that makes a difference: the window has no room for more.
    places : dict of str to (x0, y0, x1, y1)
        Rectangles on the screen, in points, of what can be clicked, by a stable name; renewed every frame.
    """

    def __init__(
        self,
        runtime: Runtime,
        report: Callable[[Problem | str], None],
        preferences: Preferences | None = None,
        recovery: Path | None = None,
    ) -> None:
        """`report` prints a problem, or its text, once and lists it among the problems.

        `recovery` is the folder for changes that are not saved; None where they are not kept aside.
        """
        self.runtime = runtime
        self.live: LiveAssets | None = None
        self.editing = Editing(runtime.scene, report, renewed=self._key_now, folder=recovery)
        self.selection = Selection()
        self.links = Links()
        self.commands = Commands()
        self.notices = Notices()
        self.preferences = preferences or Preferences()
        self.statistics = RunStatistics()
        self.rests = False
        self.compared: tuple[str, Runtime] | None = None
        self.estimates: dict[str, Callable[[], int]] = {}
        self.largest_scale = math.inf
        self.places: dict[str, Rectangle] = {}
        self.pictures = Pictures()
        self.frames = FrameHistory()
        self.times_passes = False
        self.watched_images: set[str] = set()
        self.report = report
        self._awake_until, self._wants_frame = 0.0, False
        self._structure = -1
        self._select_what_is_followed()

    def wake(self, seconds: float = 0.0) -> None:
        """Draw frames again, at least one and for so many seconds; the viewer rests when nothing changes."""
        self._wants_frame = True
        self._awake_until = max(self._awake_until, time.monotonic() + max(seconds, 0.05))

    @property
    def is_awake(self) -> bool:
        """Whether frames are wanted though nothing may have changed."""
        return self._wants_frame or time.monotonic() < self._awake_until

    def begin_frame(self, statistics: RunStatistics) -> None:
        """Start a frame: take its figures, and forget what no longer exists."""
        self.statistics, self._wants_frame = statistics, False
        self.places.clear()
        self.times_passes = False
        self.watched_images.clear()
        self.pictures.next_frame()
        if self.pictures.pending or self.pictures.leaving:
            self.wake()
        tableau = self.runtime.tableau
        if tableau.structure_version != self._structure:
            self._structure = tableau.structure_version
            self.selection.keep(tableau.level >= 0)

    def _key_now(self, key: int) -> int:
        """Return the key that an asset has now, after its database may have been cooked again."""
        return self.runtime.library.renewed(AssetRef.from_key(key)).key

    def _select_what_is_followed(self) -> None:
        """Select the thing at the end of a link."""
        selection = self.selection

        def select_feature(link: FeatureLink) -> None:
            owner = int(self.runtime.tableau.tables[link.type_name].object[link.row])
            if owner >= 0:
                selection.select_feature(link.type_name, link.row, owner)

        self.links.on(ObjectLink, lambda link: selection.select([link.row]))
        self.links.on(FeatureLink, select_feature)
        self.links.on(AssetLink, lambda link: selection.select_asset(link.key))
        self.links.on(MemoryLink, lambda link: selection.select_memory((link.level, link.identity)))
