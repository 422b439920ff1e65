"""Frames in a window; each handles events, camera, panels and scene, in this order."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets import AssetLibrary
from engine.assets.roots import user_state_folder
from engine.cli.exits import explain
from engine.cli.last_plans import note_run
from engine.cli.stop_signals import stop_signals
from engine.humon import Problem
from engine.plan.terms.errors import PlanError
from engine.planning.needs import FRAMES_IN_FLIGHT
from engine.render.surface import Surface, WindowTarget
from engine.render.swapchain import Swapchain
from engine.runtime.frame_facts import FrameFacts
from engine.runtime.runtime import Runtime
from engine.scene import Scene
from engine.storage.allocators.planned import PlannedAllocator
from engine.vk.errors import OutOfDeviceMemory, VulkanError
from engine.vk.instance import Instance
from viewer.arguments import Options
from viewer.comparison.comparison import Comparison
from viewer.guard import Guard
from viewer.panels import layout
from viewer.panels.dialogs.dialogs import Dialogs
from viewer.panels.make_panels import make_panels
from viewer.panels.number_format import count_text
from viewer.panels.scene_view.scene_view import SceneView
from viewer.panels.workspace import Workspace
from viewer.run.idle import LONGEST_S, FreeMemory, Idle
from viewer.run.kept_preferences import KeptPreferences
from viewer.run.presenter import Area, Presenter
from viewer.run.scene_loading import Loaded, SceneLoading, with_sky
from viewer.run.scene_opening import runtime_options
from viewer.run.screenshots import Screenshots
from viewer.run.statistics_collector import CollectorTimer, StatisticsCollector
from viewer.session.opening import is_openable
from viewer.session.preferences import Preferences
from viewer.session.reported import as_problem
from viewer.session.saved_problems import SavedProblems
from viewer.session.session import Session
from viewer.ui import style
from viewer.ui.context import Context
from viewer.ui.renderer import UiRenderer
from viewer.ui.storage import REQUESTER, UiStorage
from viewer.window.camera_controller import CameraController
from viewer.window.camera_input import read_camera_input
from viewer.window.no_display import NoDisplay
from viewer.window.window import Window

if TYPE_CHECKING:
    from engine.runtime.live_assets import LiveAssets
    from viewer.panels.snapshot_panels import SnapshotWindow
    from viewer.panels.what_if.what_if_tips import WhatIfTips

FRAMES_OF_LAYOUT = 4
"""Panels are in their places after so many frames of ImGui: the scene is planned for its final size."""


class WindowFrames:
    """Owns window, UI and runtime of one scene; draws until the window is closed.

    The scene has the size of the free area between the panels. Where pictures of it are written or a script
    reads them, it has that of the window, and is shown as large as it fits.

    Raises NoDisplay if no window can be opened, NoDevice if no device can present to it.
    """

    def __init__(
        self,
        scene: Scene,
        library: AssetLibrary,
        options: Options,
        snapshot: SnapshotWindow | None = None,
    ) -> None:
        """A `snapshot` is shown instead of the scene, until another one is opened."""
        self._snapshot = snapshot
        self._guard = Guard(self._report_callback)
        read = (options.screenshot, options.sequence, options.script, options.record)
        self._fills_window = any(option is not None for option in read)
        self._reported: list[Problem] = []
        self._refused: list[Problem] = []
        self._undo = ExitStack()
        self._scene = ExitStack()
        self._screen = ExitStack()
        with ExitStack() as undo:
            self._open(undo, scene, library, options)
            self._undo = undo.pop_all()

    def _open(self, undo: ExitStack, scene: Scene, library: AssetLibrary, options: Options) -> None:
        self.window = window = undo.enter_context(
            Window("Diorama", options.size, self._guard, fits_display=options.fits_display)
        )
        self._context = Context(window)
        undo.callback(self._context.close)
        self._target = WindowTarget(window.extensions, window.create_surface, lambda: window.framebuffer_size)
        self._shaders = (_shader(library, "ui.vs"), _shader(library, "ui.fs"))
        self._kept = KeptPreferences(self._report)
        self._collector, self._free_memory = CollectorTimer(), FreeMemory()
        undo.callback(self._collector.close)
        self._loading = SceneLoading()
        undo.callback(self._loading.close)
        self._compared = SceneLoading()
        undo.callback(self._compared.close)
        self._own_library: AssetLibrary | None = None  # that of the first scene is the caller's
        undo.callback(self._close_library)
        undo.callback(lambda: self._scene.close())
        self._instances: list[Instance] = []
        kept = self._kept.preferences
        style.choose(kept.theme, safe=kept.safe_colors)
        self._open_scene(scene, library, options, kept)
        if options.sequence is not None:
            self.runtime.load(until=lambda: stop_signals.number != 0)

    def _open_scene(
        self, scene: Scene, library: AssetLibrary, options: Options, preferences: Preferences
    ) -> None:
        """Open a scene, and all that is about it, in the window."""
        self._options = options
        window, title = self.window, options.title
        window.set_title(f"{title} - Diorama")
        with ExitStack() as undo:
            self.runtime = runtime = Runtime(scene, library, runtime_options(options, self._target))
            undo.callback(runtime.close)
            undo.callback(note_run, runtime)
            runtime.instances[:0] = self._instances  # what validation has said of earlier scenes is kept
            self._instances = runtime.instances
            undo.callback(lambda: self._screen.close())
            self._open_screen()
            state = user_state_folder()
            recovery = state / "recovery" if state is not None else None
            self.session = session = Session(runtime, self._report, preferences, recovery)
            undo.callback(session.editing.close)
            session.editing.has_moved = self._go_on
            undo.callback(session.pictures.close)
            session.estimates["swapchain"] = lambda: self.swapchain.estimated_bytes
            shown = self._snapshot
            panels = make_panels(session) if shown is None else shown.panels(session)
            self.workspace = workspace = Workspace(session, self._guard, panels)
            self._tips: WhatIfTips | None = None
            workspace.overlays["what-if"] = self._draw_tips
            undo.callback(lambda: self._guard.call("preferences", self._kept.keep, session, workspace))
            self._camera = CameraController(runtime.tableau)
            self.scene_view = SceneView(session, workspace, self._camera)
            self.scene_view.has_tools = shown is None
            start = options.scene.parent if options.scene is not None else Path()
            self.dialogs = Dialogs(session, workspace, self._guard, self, start)
            self.comparison = Comparison(
                session, workspace, self.scene_view, _Loader(self.compare), self.compare, start
            )
            undo.callback(self.comparison.close)
            self.screenshots = Screenshots(session)
            undo.callback(self.screenshots.close)
            self._idle = Idle(window, session, options, self._context.queue)
            self._size, self._scales = (0, 0), (0.0, 0.0)
            session.live = self._live = _watched(runtime) if options.live else None
            self._saved_problems = SavedProblems(self._live.problems if self._live is not None else ())
            if self._live is not None:
                undo.callback(self._live.close)
                session.editing.saving.written = self._live.has_written
            self._facts = StatisticsCollector(runtime, title)
            self._facts.reported = self._reported
            self._facts.snapshot = shown.snapshot if shown is not None else None
            opened = [part.opened for part in scene.parts if is_openable(part.opened.name)]
            for path in reversed(opened) if self.is_possible else ():
                session.preferences = session.preferences.opened(path)
            self._scene = undo.pop_all()

    def _open_screen(self) -> None:
        """Create the device objects that present frames; they are recreated after a device loss."""
        runtime = self.runtime
        with ExitStack() as undo:
            surface = Surface(runtime.instance, self._target)
            undo.callback(surface.close)
            self.swapchain = Swapchain(runtime.device, surface, runtime.timeline)
            undo.callback(self.swapchain.close)
            memory = PlannedAllocator(runtime.memory, runtime.planner.keys, REQUESTER)
            undo.callback(memory.close)
            storage = UiStorage(
                runtime.device, runtime.profile, memory, runtime.samplers, runtime.timeline, FRAMES_IN_FLIGHT
            )
            undo.callback(storage.close)
            self._ui = UiRenderer(runtime.device, storage, self.swapchain.format, self._shaders)
            undo.callback(lambda: self._ui.close(self._context.textures))
            self.presenter = Presenter(runtime.device, self.swapchain, self._ui)
            undo.callback(self.presenter.close)
            undo.callback(runtime.timeline.drain)
            runtime.add_overlay(memory)
            self._screen = undo.pop_all()

    @property
    def is_possible(self) -> bool:
        """Whether another scene can be opened: not while a script plays or changes are recorded."""
        return self._options.script is None and self._options.record is None

    @property
    def under_way(self) -> str:
        """The names of the files that are being opened; empty for none."""
        return self._loading.name or self._compared.name

    def compare(self, files: Sequence[Path] = ()) -> None:
        """Begin to load files that are shown beside the present scene; without any, its own as saved."""
        options = self._options
        own = () if options.scene is None else (options.scene, *options.more_scenes)
        if files or own:
            self._compared.start(*with_sky(options, files or own))
            self.session.wake()

    def open(self, files: Sequence[Path]) -> None:
        """Begin to open files together in place of the present scene, which is drawn until they are there.

        A picture of light becomes the sky of the models beside it, or of those that are open.
        """
        if files and self.is_possible:
            self._loading.start(*with_sky(self._options, files))
            self.session.wake()

    def quit(self) -> None:
        """Close the window."""
        self.window.request_close()

    @property
    def over(self) -> bool:
        """Whether the window was closed."""
        return self.window.should_close

    @property
    def closed(self) -> bool:
        """Whether the window was closed."""
        return self.window.should_close

    def step(self) -> FrameFacts | None:
        """Draw one frame; None where nothing is drawn, after waiting a moment for events.

        Nothing is drawn while the window is minimised or nothing in it changes.
        """
        try:
            return self._step()
        except (NoDisplay, VulkanError):
            self.window.poll()  # a lost display may be the cause: this ends the run then
            raise

    def _step(self) -> FrameFacts | None:
        is_idle = self._idle.is_due()
        self.window.poll(LONGEST_S if is_idle else 0.0)
        self._take_saved()
        self._take_opened()
        if self.window.is_hidden or (is_idle and self._idle.is_due()):
            self._free_memory.rest()
            return None
        wall, began = time.perf_counter(), time.thread_time()
        before, size = (self.runtime.plan, self.runtime.memory.statistics.steps), self.runtime.size
        self._follow_window()
        for _ in range(1 if self.workspace.is_laid_out else FRAMES_OF_LAYOUT):
            self._draw_panels()
        panels = time.thread_time()
        self._place_picture()
        self.runtime.renderer.time_passes(timed=self.session.times_passes)
        self.runtime.planner.watch(frozenset(self.session.watched_images))
        self.presenter.beside = self.comparison.frame()
        facts = self._frame()
        self.screenshots.take()
        ended = time.thread_time()
        self._facts.note(facts, (ended - began) * 1e3)
        if self._ui.is_pending:
            self.session.wake()
        if facts.drawn:
            self._idle.note_shown()
            self.session.frames.note(
                number=facts.number,
                wall_ms=(time.perf_counter() - wall) * 1e3,
                cpu_ms=(ended - panels) * 1e3,
                panels_ms=(panels - began) * 1e3,
                device_ms=sum(self.runtime.renderer.pass_times.values()),
                collector_ms=self._collector.take(),
                steps=self.runtime.memory.statistics.steps - before[1],
                planned=self.runtime.plan is not before[0],
                resized=self.runtime.size != size,
            )
        return facts

    def _draw_panels(self) -> None:
        """Draw the panels with ImGui, and have their storage grow to what they need."""
        self._context.begin()
        self._guard.call("camera control", self._steer)
        self._list_edited()
        self.session.begin_frame(self._facts.collect())
        self.workspace.draw()
        self._guard.call("preferences", self._kept.keep_changes, self.session, self.workspace)
        self._ui.plan(self._context.end(), self.session.pictures.in_use())

    def _draw_tips(self) -> None:
        """Draw the tool tips of switches; they are made, with all they import, once a frame was shown."""
        if self._tips is None and self.presenter.shown:
            from viewer.panels.what_if.what_if_tips import WhatIfTips

            self._tips = WhatIfTips(self.session)
        if self._tips is not None:
            self._tips.draw()

    def _take_saved(self) -> None:
        """Take over what was saved in the sources of the scene, and keep aside what is not saved here."""
        self.session.editing.recovery.poll()
        if self._live is None:
            return
        news = self._guard.call("live sources", self._live.poll)
        if news is None:
            return
        editing = self.session.editing
        editing.saving.add(self._live.conflicts)
        conflicts = len(self._live.conflicts)
        self._live.conflicts.clear()
        if self._facts.of_sources != self._live.problems:
            self._facts.note_sources(self._live.problems)
            editing.note_sources(self._live.problems)
            self.session.wake()
        new, others = self._saved_problems.take(self._live.problems, time.monotonic())
        for problem in new:
            _print(problem)
        if others or conflicts:
            found = count_text(others + conflicts, "problem")
            self.session.notices.say(f"{found} in what was saved: see the panel 'problems'")
            self.session.wake()
        if news.switched or news.problems or self._live.pending:
            self.session.wake()

    def _list_edited(self) -> None:
        """List the problems of what is edited; print those that are new."""
        found = self.session.editing.problems
        for problem in found:
            if problem not in self._facts.of_editing:
                _print(problem)
        self._facts.of_editing = found

    def _take_opened(self) -> None:
        """Open what was dropped on the window, and show what has been loaded; else say why it was not."""
        if self.window.dropped:
            files, self.window.dropped = [Path(name) for name in self.window.dropped], []
            self.open(files)
        compared = self._compared.poll()
        if isinstance(compared, Loaded):
            self._forget_refused()
            self.comparison.open(compared.scene, compared.library, compared.scene.path.name)
            for problem in compared.problems:
                self._report(problem)
        elif compared is not None:
            self._refuse(compared)
        found = self._loading.poll()
        if isinstance(found, Loaded):
            self._replace_scene(found)
        elif found is not None:
            self._refuse(found)
            if self.workspace.has("problems"):
                self.workspace.show("problems")

    def _refuse(self, problems: Sequence[Problem]) -> None:
        """Report why a file was not opened, in place of why an earlier one was not."""
        self._forget_refused()
        for problem in problems:
            self._report(problem)
        self._refused = list(problems)

    def _forget_refused(self) -> None:
        """List no more why an earlier file was not opened."""
        self._reported[:] = [problem for problem in self._reported if problem not in self._refused]
        self._refused = []

    def _replace_scene(self, loaded: Loaded) -> None:
        """Release the present scene whole, and show another one."""
        self.workspace.keep()
        preferences = self.session.preferences
        library = self.runtime.library
        is_same = loaded.options.title == self._options.title  # with another sky
        view, height = self._camera.view if is_same else None, self._camera.height
        self._scene.close()
        library.close()
        self._reported.clear()
        self._refused = []
        self._own_library = loaded.library
        self._snapshot = None
        self._free_memory.give_back()
        self._open_scene(loaded.scene, loaded.library, loaded.options, preferences)
        self._free_memory.soon()
        if view is not None:
            self._camera.show(view, height)
        for problem in loaded.problems:
            _print(problem)
        self.session.wake()

    def _go_on(self) -> None:
        """Go on with the scene under another name, by which it was saved."""
        path = self.runtime.scene.path
        self._options = replace(self._options, scene=path, more_scenes=(), sky=None, settings=())
        self.window.set_title(f"{self._options.title} - Diorama")
        self._facts.scene = self._options.title
        self.session.preferences = self.session.preferences.opened(path)
        self.dialogs.list_files()
        self.dialogs.browser.start = path.parent
        if self._live is not None:
            self._live.follow()

    def _close_library(self) -> None:
        if self._own_library is not None:
            self._own_library.close()

    def _follow_window(self) -> None:
        """Take over size and scale of the window."""
        size, scale = self.window.framebuffer_size, self.window.content_scale
        self.runtime.content_scale = scale
        wanted = scale * self.session.preferences.scale
        scale = layout.fitting_scale(wanted, scale, size)
        if (scale, wanted) != self._scales and scale < wanted:
            self.session.notices.say(f"{scale:.0%} is the most that fits this window")
        self._scales = scale, wanted
        self.session.largest_scale = scale / self.window.content_scale if scale < wanted else math.inf
        if scale != self._context.scale:
            self._context.rescale(scale)
            self.swapchain.stale = True
        if size != self._size:
            self._size, self.swapchain.stale = size, True

    def _place_picture(self) -> None:
        """Give the picture its place between the panels, and its size."""
        points, pixels = self.window.size, self.window.framebuffer_size
        across, down = (p / max(1, w) for p, w in zip(pixels, points, strict=True))
        x0, y0, x1, y1 = self.workspace.area
        left, top = round(x0 * across), round(y0 * down)
        area: Area = left, top, max(1, round(x1 * across) - left), max(1, round(y1 * down) - top)
        self.presenter.area = area
        size = pixels if self._fills_window else area[2:]
        if size != self.runtime.size:
            self.runtime.resize(*size)

    def rebuild(self, reported: str) -> None:
        """Open the scene on a new device in the same window; camera and inspector keep their state."""
        self._reported.append(as_problem(reported))
        self.comparison.close()
        self._screen.close()
        self.runtime.reopen()
        self._open_screen()
        self.runtime.load()

    def close(self) -> None:
        """Release everything, in order; once."""
        self._undo.close()

    def _frame(self) -> FrameFacts:
        """Draw; if the changed scene does not fit into memory, report it and draw it as before."""
        try:
            return self.runtime.frame(self.presenter)
        except (PlanError, OutOfDeviceMemory) as error:
            reported = explain(error)
            if self.runtime.plan is None or reported is None:
                raise
            self._report(f"{reported[1]}\nthe scene is drawn as it was before")
        return self.runtime.frame(self.presenter)

    def _report(self, report: Problem | str) -> None:
        """Print a problem once, and list it among the others from now on."""
        problem = as_problem(report)
        if problem not in self._reported:
            self._reported.append(problem)  # the panel of problems lists the same
            _print(report)

    def _steer(self) -> None:
        self._camera.apply(read_camera_input(left=not self.scene_view.takes_left_button))

    def _report_callback(self, name: str, message: str) -> None:
        self._report(f"warning[viewer.callback]: {name} raised and is switched off: {message}")


def _print(report: Problem | str) -> None:
    print(report.render() if isinstance(report, Problem) else report, file=sys.stderr)


def _watched(runtime: Runtime) -> LiveAssets:
    from engine.runtime.live_assets import LiveAssets  # with all that watches files

    return LiveAssets(runtime, keep_own=True)


class _Loader:
    """Hands chosen files on."""

    def __init__(self, take: Callable[[Sequence[Path]], None]) -> None:
        self.open = take


def _shader(library: AssetLibrary, name: str) -> bytes:
    return library.read(library.find("builtin", name, ("shader",)))
