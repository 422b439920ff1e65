"""Frames in a window; each handles events, camera, inspector and scene, in this order."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from engine.assets import AssetLibrary
from engine.cli.exits import explain
from engine.cli.stop_signals import stop_signals
from engine.plan.terms.errors import PlanError
from engine.planning.needs import FRAMES_IN_FLIGHT
from engine.render.surface import Surface, WindowTarget
from engine.render.swapchain import Swapchain
from engine.runtime.frame_facts import FrameFacts
from engine.runtime.live_assets import LiveAssets
from engine.runtime.runtime import Runtime
from engine.scene import Scene
from engine.storage.allocators.planned import PlannedAllocator
from engine.vk.errors import OutOfDeviceMemory, VulkanError
from viewer.arguments import Options
from viewer.guard import Guard
from viewer.panels.compaction_button import CompactionButton
from viewer.panels.inspector import Inspector
from viewer.run.presenter import Presenter
from viewer.run.scene_opening import runtime_options
from viewer.run.statistics_collector import StatisticsCollector
from viewer.ui.context import Context
from viewer.ui.renderer import UiRenderer
from viewer.ui.storage import REQUESTER, UiStorage
from viewer.window.camera_controller import CameraController
from viewer.window.camera_input import read_camera_input
from viewer.window.no_display import NoDisplay
from viewer.window.window import Window


class WindowFrames:
    """Owns window, UI and runtime of one scene; draws until the window is closed.

    Raises NoDisplay if no window can be opened, NoDevice if no device can present to it.
    """

    def __init__(self, scene: Scene, library: AssetLibrary, options: Options) -> None:
        self._guard = Guard(self._report_callback)
        self._reported: list[str] = []
        self._undo = ExitStack()
        self._screen = ExitStack()
        with ExitStack() as undo:
            self._open(undo, scene, library, options)
            self._undo = undo.pop_all()

    def _open(self, undo: ExitStack, scene: Scene, library: AssetLibrary, options: Options) -> None:
        title = options.title
        self.window = window = undo.enter_context(Window(f"{title} - Diorama", options.size, self._guard))
        self._context = Context(window)
        undo.callback(self._context.close)
        self._target = WindowTarget(window.extensions, window.create_surface, lambda: window.framebuffer_size)
        self._shaders = (_shader(library, "ui.vs"), _shader(library, "ui.fs"))
        self.runtime = runtime = Runtime(scene, library, runtime_options(options, self._target))
        undo.callback(runtime.close)
        undo.callback(lambda: self._screen.close())
        self._open_screen()
        compaction_button = CompactionButton(runtime.compaction, runtime.compact)
        self.inspector = Inspector(runtime.tableau, compaction_button, self._guard)
        self._camera = CameraController(runtime.tableau)
        self._live = LiveAssets(runtime) if options.live else None
        if self._live is not None:
            undo.callback(self._live.close)
        self._facts = StatisticsCollector(runtime, title)
        self._facts.reported = self._reported
        if options.sequence is not None:
            runtime.load(until=lambda: stop_signals.number != 0)

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
    def over(self) -> bool:
        """Whether the window was closed."""
        return self.window.should_close

    @property
    def closed(self) -> bool:
        """Whether the window was closed."""
        return self.window.should_close

    def step(self) -> FrameFacts | None:
        """Draw one frame; None while the window is minimised, after waiting a moment for events."""
        try:
            return self._step()
        except (NoDisplay, VulkanError):
            self.window.poll()  # a lost display may be the cause: this ends the run then
            raise

    def _step(self) -> FrameFacts | None:
        self.window.poll()
        if self.window.is_hidden:
            self._facts.note(None)
            return None
        size = self.window.framebuffer_size
        if size != self.runtime.size:
            self.runtime.resize(*size)
            self.swapchain.stale = True
        self.runtime.content_scale = self.window.content_scale
        if self.window.content_scale != self._context.scale:
            self._context.rescale(self.window.content_scale)
            self.swapchain.stale = True
        self._context.begin()
        self._guard.call("camera control", self._steer)
        if self.runtime.plan is not None:
            self._guard.call("inspector", self.inspector.draw, self.runtime.plan, self._facts.collect())
        self._ui.plan(self._context.end())
        facts = self._frame()
        self._facts.note(facts)
        if self._live is not None:
            for problem in self._live.poll().problems:
                self._report(problem.render())
        return facts

    def rebuild(self, reported: str) -> None:
        """Open the scene on a new device in the same window; camera and inspector keep their state."""
        self._reported.append(reported)
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

    def _report(self, text: str) -> None:
        """Print a text once, and list it among the inspector's problems from now on."""
        if text not in self._reported:
            self._reported.append(text)
            print(text, file=sys.stderr)

    def _steer(self) -> None:
        self._camera.apply(read_camera_input())

    def _report_callback(self, name: str, message: str) -> None:
        self._report(f"warning[viewer.callback]: {name} raised and is switched off: {message}")


def _shader(library: AssetLibrary, name: str) -> bytes:
    return library.read(library.find("builtin", name, ("shader",)))
