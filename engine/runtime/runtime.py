"""The runtime: opens a scene on a device and draws frames, keeping plan and memory up to date.

The stages of a frame: motion and world matrices, plan (only if its input changed), some steps of the
schedule, draw lists (only if something was switched or published), values, commands, submit. It waits for
the frame that used its slot before, and for nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from engine.assets.roots import user_cache_folder
from engine.graph import PICTURE, PICTURE_VIEW, ImageDecl
from engine.humon import Problem
from engine.memory.device.live_profile import live_profile
from engine.memory.device.samplers import SamplerPool
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.model.plan import Plan
from engine.plan.placement.compaction import Compaction, compact
from engine.plan.placement.page_return import PageReturn
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.schedule.schedule import Schedule, schedule_in_steps
from engine.plan.terms.errors import PlanError
from engine.plan.terms.vocabulary import Stage
from engine.planning.culling import cull_from
from engine.planning.memory_user import MemoryUser
from engine.planning.needs import FRAMES_IN_FLIGHT, FrameNeeds
from engine.planning.picking import Picker, PickHit
from engine.planning.problems.absent_values import absent_values
from engine.planning.scene import ScenePlanner
from engine.planning.values import FrameValues
from engine.planning.visibility import CHECK_INTERVAL, FrustumQuery, needs_reordering
from engine.render.renderer import Renderer
from engine.runtime.first_plan import EarlyPipelines, first_plan
from engine.runtime.frame_facts import FrameFacts
from engine.runtime.frame_images import read_frame_image
from engine.runtime.hold import Hold
from engine.runtime.idle import IdleCheck
from engine.runtime.movement import Movement
from engine.runtime.observation import Cause, Observers
from engine.runtime.open_device import open_device
from engine.runtime.options import Presenter, RuntimeOptions
from engine.runtime.problems import all_problems
from engine.runtime.refused_memory import RefusedMemory
from engine.runtime.spread_plan import SpreadPlan
from engine.runtime.trials.shader_trials import ShaderTrials
from engine.vk.errors import DeviceLost, OutOfDeviceMemory, Result, VulkanError
from engine.vk.instance import Instance
from engine.vk.timeline import FrameSlots, Timeline

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.scene import Scene

MIB = 1 << 20
PREPARE_MS = 3.0
"""Milliseconds of CPU time per frame in which new assets are learnt, where they are many."""
REPLAN_MS = 50.0
"""Milliseconds that the frame after a new plan may take to create its attachments and rings."""
_WRITES_TARGET = Stage.TRANSFER | Stage.COLOR_ATTACHMENT_OUTPUT
"""The stages that write to a window's image: they wait until it is acquired."""


class Runtime:
    """A scene that is drawn. Call it from one thread; close it, or use it as a context manager.

    `instances` are all Vulkan instances that it opened: several if a device was lost. `content_scale` is how
    many pixels a point has, for what is sized in points. Presenters get the first of the images `presented`
    that the frame has, or the picture.
    """

    def __init__(self, scene: Scene, library: AssetLibrary, options: RuntimeOptions) -> None:
        """Open the scene on a device. Raises NoDevice or VulkanError, with everything released."""
        self.scene = scene
        self.tableau = scene.tableau
        self.registry = scene.registry
        self.library = library
        self.options = options
        self.instances: list[Instance] = []
        self._number, self._drawn = 0, 0  # frames, and those that were drawn, which take slots in turn
        self.content_scale = 1.0
        self.presented: tuple[str, ...] = ()
        self._budgets: Mapping[int, int] = {}
        self.hold, self.observers = Hold(self), Observers()
        self._undo = ExitStack()
        with ExitStack() as undo:
            self._open(undo, options)
            self._undo = undo.pop_all()

    def reopen(self) -> None:
        """Release everything and open the scene on a device again, after the previous one was lost.

        The scene, the picture size and the budgets are kept; overlays must be added again. Raises DeviceLost
        if no device is available or the new one is lost; `reopen` may be called again then.
        """
        self._undo.close()
        with ExitStack() as undo:
            try:
                self._open(undo, replace(self.options, size=self.size))
            except VulkanError as problem:
                gone = (Result.INITIALIZATION_FAILED, Result.INCOMPATIBLE_DRIVER)  # the driver, for a while
                if problem.result in gone:
                    raise DeviceLost(problem.call, problem.result, problem.detail) from problem
                raise
            self._undo = undo.pop_all()
        self.limit_budget(self._budgets)

    def _open(self, undo: ExitStack, options: RuntimeOptions) -> None:
        self.plan: Plan | None = None
        self.schedule: Schedule | None = None
        self.needs: FrameNeeds | None = None
        self.spread = SpreadPlan(self)
        self.requested: FrameNeeds | None = None
        self.settled_plan: tuple[FrameNeeds, Plan] | None = None
        self._page_return = PageReturn()
        self._refused = RefusedMemory(self)
        self._visibility: FrustumQuery | None = None
        self._cycles = 0
        self._is_preparing = False
        self._first_plan: Iterator[None] | None = None
        if options.shared is not None:
            self.instance, self.device = options.shared.instance, options.shared
            self.instances.append(self.instance)
        else:
            self.instance, self.device = open_device(undo, options, self.instances)
        self.timeline = Timeline(self.device, "frames")
        undo.callback(self.timeline.close)
        self._slots = FrameSlots(self.timeline, FRAMES_IN_FLIGHT)
        self.profile = self._device_profile = live_profile(self.device)
        if options.budget_mib is not None:
            self.profile = self._device_profile = self.profile.limited(options.budget_mib * MIB)
        caches = {number: self.library.cache(number) for number in self.library.dbs}
        cycles = options.paging_cycles
        self.resident = Resident()
        self.memory = MemoryManager(
            self.device,
            self.profile,
            caches,
            frames=self.timeline,
            pace=Pace() if cycles is None else Pace(cycles=cycles, whole_cycles=True),
            state=self.resident,
        )
        undo.callback(self.memory.close)
        self.hold.reopened()
        self.samplers = SamplerPool(self.device)
        undo.callback(self.samplers.close)
        least = cull_from(options.culling, self.profile.device_type)
        devices, folder = (self.device, self.memory, self.samplers), user_cache_folder()
        is_there = self.library.has_version
        self.renderer = Renderer(*devices, lambda each: self.trials.code(each), is_there, folder, least)
        undo.callback(self.renderer.close)
        prepare, enabled = self.renderer.prepared.make, options.trials
        self.trials = ShaderTrials(self.device, self.library, folder, prepare, enabled=enabled)
        undo.callback(self.trials.close)
        self.pipelines = EarlyPipelines(self.renderer.prepared)
        undo.callback(self.pipelines.close)
        undo.callback(self.timeline.drain)
        about = self.tableau, self.registry, self.library, self.profile, options.size
        self.planner = of = ScenePlanner(*about, trials=self.trials, outputs=options.outputs)
        of.freezes = options.freezes
        self.sources = Sources.of(*self.library.ranges().T)  # of the formats that the device has
        self._values = FrameValues(self.registry, self.tableau, of.guard, self.library, of.skins, of.morphs)
        self._picker = undo.enter_context(closing(Picker(self.tableau, self.library, of.skins, of.morphs)))
        self._movement = Movement(self.registry, self.tableau, of.guard, self.library, of.morphs)
        self._idle_check = IdleCheck(self.tableau, self._movement, self._values)
        of.ask()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return self.planner.size

    def resize(self, width: int, height: int) -> None:
        """Set the picture size in pixels (at least 1) from the next frame on."""
        self.planner.size = (max(1, width), max(1, height))

    def add_overlay(self, overlay: MemoryUser) -> None:
        """Plan the requirements of an overlay from now on; the presenter draws it."""
        self.planner.others.append(overlay)

    def frame(self, presenter: Presenter | None = None) -> FrameFacts:
        """Draw one frame, and show it if there is a presenter.

        Raises PlanError if not even fallbacks fit into the budgets, and OutOfDeviceMemory if the device
        refuses memory that they need: once, and later frames draw the last plan until the scene changes; in
        every frame if there is no earlier plan. Raises TookTooLong if an earlier frame does not complete.
        Only the first frame is drawn once `RuntimeOptions.is_stopping`.
        """
        wall, cpu = time.perf_counter(), time.thread_time()
        slot = self._drawn % FRAMES_IN_FLIGHT
        self._slots.wait(slot)
        if self._drawn and self.options.is_stopping():
            return FrameFacts(self._number, 0.0, 0.0, settled=False, drawn=False)
        self.renderer.finished(slot)
        self.renderer.collect(self.timeline.completed())
        self._movement.update()
        self.trials.poll()
        patience = self._plan_frame()
        drawn = False
        if self.plan is not None and self._first_plan is None:
            if not (self.spread.is_busy or self.hold.is_on):
                self._return_pages()
                self._reprioritize()
            self.advance(patience)
            self.renderer.update(self.timeline.submitted, self.planner.cubes.enabled())
            self._write_values()
            drawn = self._submit(slot, presenter)
            self._idle_check.note(self.size)
        self._number, self._drawn = self._number + 1, self._drawn + drawn
        self.spread.step((time.thread_time() - cpu) * 1e3)
        settled = self.memory.settled and not self._is_preparing and not self.trials.pending
        settled &= not self.spread.is_busy
        wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
        return FrameFacts(self._number, wall * 1e3, cpu * 1e3, settled, drawn)

    @property
    def frames(self) -> int:
        """How many frames there were so far, drawn or not."""
        return self._number

    @property
    def is_idle(self) -> bool:
        """Whether the next frame would be the last one again: nothing moves, arrives or is returned."""
        if self.plan is None or self.planner.stale():
            return False
        if not (self.hold.is_on or self._page_return.is_done(self.plan)):
            return False
        streams = not self.memory.settled and not (self.memory.held and not self.memory.granted)
        plans = self._is_preparing or self.spread.is_busy or self.hold.is_released
        busy = plans or self.trials.pending or streams
        return not busy and self._idle_check.holds(self.size)

    def advance(self, milliseconds: float | None = None) -> bool:
        """Carry out a frame's share of the schedule, or `milliseconds` of it; return whether it is settled.

        Raises OutOfDeviceMemory as `frame` does.
        """
        try:
            settled = self.memory.advance(milliseconds=milliseconds)
        except OutOfDeviceMemory as refused:
            self._refused.retry(refused)
            return False
        if settled and self.needs is not None and self.plan is not None:
            self.settled_plan = (self.needs, self.plan)
            self.observers.settled(self._number)
        return settled

    def limit_budget(self, budgets: Mapping[int, int]) -> None:
        """Limit the budgets of heaps to these bytes from now on; an empty mapping removes all limits."""
        self._budgets = budgets
        limits = {heap: min(self._device_profile.budget(heap), limit) for heap, limit in budgets.items()}
        budgets = {**self._device_profile.budgets, **limits}
        self.profile = self.planner.profile = self._device_profile.with_budgets(budgets)
        self.memory.limit(self.profile)

    def replan(self) -> bool:
        """Update plan and schedule without drawing; return whether they changed."""
        self._movement.update()
        if self.plan is not None and not self.planner.stale():
            return False
        _finish(self._plan_in_steps())
        return True

    def compaction(self, max_bytes: int = 1 << 62, max_moves: int = 1 << 30) -> Compaction:
        """Estimate what a compaction would free now, with at most so many bytes and moves; moves nothing.

        Raises PlanError `plan.stale` while a schedule is under way.
        """
        return compact(self.resident.snapshot(), max_bytes, max_moves)

    def compact(self, max_bytes: int = 1 << 62, max_moves: int = 1 << 30) -> Compaction:
        """Start the compaction that `compaction()` estimated and return it; the next frames carry it out."""
        found = self.compaction(max_bytes, max_moves)
        if found.moves:
            assert self.needs is not None
            self.apply_plan(self.needs, found.plan, Cause.COMPACTION)
        return found

    def load(self, until: Callable[[], bool] = lambda: False) -> None:
        """Upload everything that the scene needs, and wait for it, or end early once `until` returns True.

        For pictures and tests; a window draws while its scene is loaded. Raises TookTooLong.
        """
        self.replan()
        while not until() and not (self.memory.settled and not self.trials.pending):
            try:
                self.memory.settle(until=until)
            except OutOfDeviceMemory as refused:
                self._refused.retry(refused)
            if self.trials.pending:
                self.trials.wait()
                self.replan()

    def settle(self, max_frames: int = 10_000) -> int:
        """Draw frames until memory is settled and return how many. Raises TimeoutError after `max_frames`."""
        for count in range(1, max_frames + 1):
            if self.frame().settled:
                return count
            if self.memory.settled:
                self.trials.wait()
        raise TimeoutError(f"not settled after {max_frames} frames: {self.memory.steps_left} steps are left")

    def read_pixels(
        self, output: ImageDecl = PICTURE, layer: int = 0, level: int = 0, sample: int = 0
    ) -> npt.NDArray[Any]:
        """Wait for the last frame and return an output (a picture: uint8[h, w, 4], sRGB). Raises NotDrawn.

        Watched images can be read as well (`ScenePlanner.watch`): see `read_frame_image`.
        """
        self.wait()
        self.device.doing = f"reading the {output.name} of frame {self._number}"
        return read_frame_image(self, output.name, layer, level, sample)

    def pick(self, x: int, y: int) -> Future[PickHit | None]:
        """Find what the last frame shows at a pixel, row 0 at the top, without waiting: see `Picker.pick`."""
        tables = self.needs.tables.values() if self.needs is not None else ()
        return self._picker.pick(tables, self._values.eyes.get(PICTURE_VIEW), self.size, x, y)

    def wait(self) -> None:
        """Wait until every submitted frame has completed. Raises TookTooLong."""
        self.timeline.reach(self.timeline.submitted)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems of the scene, its assets, features and materials, caches and pipelines."""
        refused, failed = self.renderer.refused, self.trials.failed
        found = all_problems(self.scene, self.library, self.planner, self.memory, refused, failed)
        if self.needs is None or not self._drawn:
            return found
        return *found, *absent_values(self.library, self.needs.drawings.values(), self._values.given)

    def close(self) -> None:
        """Wait for the frames in flight and release everything, in order; once. Nothing in a forked child."""
        (self._undo.pop_all if self.device.is_disowned else self._undo.close)()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _plan_frame(self) -> float | None:
        """Do a frame's share of planning if the scene has changed; return how long its streaming may take.

        Where very many assets are new, the first plan is made in steps, one in each frame; see `SpreadPlan`.
        """
        if self.spread.begin():
            return None
        steps, self._first_plan = self._first_plan, None  # a step that raises ends the attempt
        if steps is not None and next(steps, steps) is not steps:
            self._first_plan = steps
            return None
        is_stale = self.plan is None or self.planner.stale()
        self._is_preparing = is_stale and not self.planner.prepare(PREPARE_MS)
        if self.hold.is_on and self.needs is not None and not self.hold.is_released:
            if is_stale and not self._is_preparing:
                self.hold.look(self.needs)
            return None
        if not (is_stale or self.hold.is_released) or self._is_preparing:
            return None
        if self.plan is None and self.planner.has_many:
            self._is_preparing = True
            self._first_plan = first_plan(self, self._plan_in_steps())
            return None
        _finish(self._plan_in_steps())
        return REPLAN_MS

    def _plan_in_steps(self) -> Iterator[None]:
        """Make a new plan and schedule, in steps of similar cost."""
        self._refused.reset()
        self.requested = self.planner.needs()
        yield
        try:
            plan = self.planner.plan(self.requested, self.resident.snapshot())
        except PlanError:
            if self.needs is not None:
                self.needs.restore()  # frames go on with what is drawn now
            raise
        yield
        yield from self._apply_in_steps(self.requested, plan, Cause.SCENE)
        yield

    def take_plan(
        self, needs: FrameNeeds, plan: Plan, schedule: Schedule, visibility: FrustumQuery | None
    ) -> None:
        """Carry out a plan that was made from the present resident state, and draw with it from now on."""
        self._refused.reset()
        needs.restore()
        self.requested = self.needs = needs
        self.plan, self.schedule = plan, schedule
        self._visibility, self._cycles = visibility, self.memory.statistics.cycles
        self.memory.submit(schedule)
        self.renderer.apply_plan(needs, plan.memory, self.timeline.submitted)
        self._begun(plan, schedule, Cause.SCENE)

    def _begun(self, plan: Plan, schedule: Schedule, cause: Cause) -> None:
        """Let others know of a plan that is carried out from now on."""
        self.hold.begin(schedule)
        self.observers.planned(self._number, plan, schedule, cause)

    def _return_pages(self) -> None:
        """Start to return pages that are mostly free, once the scene has been at rest for a while."""
        plan = self._page_return.next(self.plan, settled=self.memory.settled)
        if plan is not None and self.needs is not None:
            self.apply_plan(self.needs, plan, Cause.PAGE_RETURN)

    def apply_plan(self, needs: FrameNeeds, plan: Plan, cause: Cause) -> None:
        """Start to carry out a plan from the resident state, and draw with it as it is published."""
        _finish(self._apply_in_steps(needs, plan, cause))

    def _apply_in_steps(self, needs: FrameNeeds, plan: Plan, cause: Cause) -> Iterator[None]:
        needs.restore()
        self.needs, self.plan = needs, plan
        is_streamed = len(plan.staging.allocation_table) > 0
        yield from self._submit_schedule(plan, self.planner.visibility(needs) if is_streamed else None)
        self.renderer.apply_plan(needs, plan.memory, self.timeline.submitted)
        assert self.schedule is not None
        self._begun(plan, self.schedule, cause)

    def _submit_schedule(self, plan: Plan, visibility: FrustumQuery | None) -> Iterator[None]:
        """Submit the schedule from the resident state to `plan`, visible assets first."""
        self._visibility, self._cycles = visibility, self.memory.statistics.cycles
        self.schedule = yield from schedule_in_steps(self.resident, plan, self.sources, visibility)
        self.memory.submit(self.schedule)

    def _reprioritize(self) -> None:
        """Submit the schedule again with the assets that the camera now sees first, if they are not uploaded.

        That abandons the transfers under way, so a paging cycle must have run since the last time.
        """
        if self._number % CHECK_INTERVAL or not self.memory.steps_left:
            return
        if self.needs is not None and self.plan is not None and self.memory.statistics.cycles > self._cycles:
            visibility = self.planner.visibility(self.needs)
            if needs_reordering(self._visibility, visibility, self.memory.open_steps):
                _finish(self._submit_schedule(self.plan, visibility))

    def frame_block(self, needs: FrameNeeds) -> npt.NDArray[np.uint8] | None:
        """Return the values of the Frame blocks of `needs`, which may be of the scene as it was before."""
        of, about = self.planner, (needs.frame, self.size, needs.columns, needs.placed)
        return self._values.block(needs.tables, *about, lambda: needs is of.last_needs and not of.stale())

    def _write_values(self) -> None:
        """Write what has moved and what has changed of the values of shaders."""
        needs, values = self.needs, self._values
        if needs is None or not self.renderer.ready:
            return
        values.content_scale = self.content_scale
        block = self.frame_block(needs)
        written = {**needs.frame.rings(block), **values.columns}, values.eyes, needs.frame.pushed(block)
        self.renderer.write_values(self.tableau.placement, self._movement.take(), *written, values.places)

    def _submit(self, slot: int, presenter: Presenter | None) -> bool:
        """Submit the frame and present it; False while there is no attachment to draw to, or no target."""
        if not self.renderer.ready:
            return False
        if presenter is None:
            self._send(slot, [], [], [])
            return True
        target = presenter.acquire()
        if target is None:
            return False
        try:
            source = next(filter(self.renderer.has_image, self.presented), PICTURE.name)
            shown = presenter.record(slot, target, self.renderer.image(source))
            rendered = (target.rendered, 0, Stage.ALL_COMMANDS)
            ticket = self._send(slot, [shown], [(target.acquired, 0, _WRITES_TARGET)], [rendered])
        except BaseException:
            presenter.release(target)
            raise
        presenter.present(target, ticket)
        return True

    def _send(self, slot: int, buffers: list[Any], waits: list[Any], signals: list[Any]) -> int:
        """Submit the scene's commands and `buffers`, semaphores as in `Device.submit`; return the ticket."""
        commands = self.renderer.command_buffer(slot)
        ticket = self.timeline.submitted + 1
        signals = [self.timeline.signal(ticket, Stage.ALL_COMMANDS), *signals]
        if self.renderer.has_new_images:
            waits = [self.timeline.signal(ticket - 1, Stage.ALL_COMMANDS), *waits]
        self.device.doing = f"frame {self._number + 1}"
        self.device.submit(self.device.graphics, [commands, *buffers], waits=waits, signals=signals)
        self._slots.take(slot)  # only after the submit that signals its ticket
        self.renderer.submitted(slot)
        return ticket


def _finish(steps: Iterator[None]) -> None:
    """Take all steps at once."""
    for _ in steps:
        pass
