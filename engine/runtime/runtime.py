"""The runtime: opens a scene on a device and draws frames of it, keeping plan and memory in step.

A frame goes down one road: world matrices, plan (only if what informs it changed), some steps of the
schedule, draw lists (only if something was switched or arrived), values, commands, submit. It waits for
the frame that used its slot before, and for nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from engine.assets import AssetRef
from engine.assets.roots import user_cache_folder
from engine.graph import SCENE_COLOR, Layout
from engine.humon import Problem, Severity
from engine.memory.device.live_profile import live_profile
from engine.memory.device.problems import HeapFull
from engine.memory.device.samplers import SamplerPool
from engine.memory.readback import read_image
from engine.memory.streaming.manager import MemoryManager, Pace
from engine.plan.model.plan import Plan
from engine.plan.placement.compaction import Compaction, compact
from engine.plan.placement.planner import plan_again
from engine.plan.placement.planning_round import Keep
from engine.plan.requirements.requirements import ImageShape
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.plan.terms.errors import PlanError
from engine.plan.terms.vocabulary import Stage
from engine.planning.memory_user import MemoryUser
from engine.planning.needs import FRAMES_IN_FLIGHT, FrameNeeds
from engine.planning.scene import ScenePlanner
from engine.planning.values import drawn_rows, frame_block
from engine.planning.visibility import CHECK_INTERVAL, FrustumQuery, needs_reordering
from engine.render.renderer import Renderer
from engine.runtime.options import Presenter, RuntimeOptions
from engine.vk.device import Device
from engine.vk.errors import DeviceLost, OutOfDeviceMemory, Result, VulkanError
from engine.vk.facts import facts
from engine.vk.instance import Instance
from engine.vk.timeline import Timeline

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.scene import Scene

MIB = 1 << 20
REPLAN_MS = 50.0
"""What the frame after a new plan may take to make the images and rings that it lives on."""
MOST_REFUSALS = 8
"""How often less and less is tried, while the device refuses it, before the scene stays as it was."""
Semaphore = tuple[Any, int, int]
"""What a submit waits for or signals: semaphore, value and stages, as in `Device.submit`."""
_WRITES_TARGET = Stage.TRANSFER | Stage.COLOR_ATTACHMENT_OUTPUT
"""The stages that write to a window's image: they wait until it is acquired."""
_GONE = (Result.INITIALIZATION_FAILED, Result.INCOMPATIBLE_DRIVER)
"""What is answered while the driver of a lost device has not come back."""


@dataclass(frozen=True)
class FrameFacts:
    """One frame: its number, milliseconds of wall and main-thread CPU time, and whether all is resident.

    It is not `drawn` where the presenter has no target for it, or what it needs is not resident yet.
    """

    number: int
    wall_ms: float
    cpu_ms: float
    settled: bool
    drawn: bool


class Runtime:
    """A scene being drawn. One thread calls; close it, or use it as a context manager.

    `instances` are all that it opened: several where a device was lost.
    """

    def __init__(self, scene: Scene, library: AssetLibrary, options: RuntimeOptions) -> None:
        """Open the scene on a device. Raises NoDevice, VulkanError; nothing is left behind then."""
        self.scene = scene
        self.tableau = scene.tableau
        self.registry = scene.registry
        self.library = library
        self.options = options
        self.instances: list[Instance] = []
        self._number = 0
        self._budgets: Mapping[int, int] = {}
        self._undo = ExitStack()
        with ExitStack() as undo:
            self._open(undo, options)
            self._undo = undo.pop_all()

    def reopen(self) -> None:
        """Release everything and open the scene on a device again, after the one before was lost.

        The scene, the size of its picture and its budgets stay as they are; an overlay is to be added
        again. Raises DeviceLost where no device answers, and whenever the new one is lost; `reopen`
        may be called again then.
        """
        self._undo.close()
        with ExitStack() as undo:
            try:
                self._open(undo, replace(self.options, size=self.size))
            except VulkanError as problem:
                if problem.result in _GONE:
                    raise DeviceLost(problem.call, problem.result, problem.detail) from problem
                raise
            self._undo = undo.pop_all()
        self.limit_budget(self._budgets)

    def _open(self, undo: ExitStack, options: RuntimeOptions) -> None:
        self.plan: Plan | None = None
        self.schedule: Schedule | None = None
        self._needs: FrameNeeds | None = None
        self._stated: FrameNeeds | None = None
        self._settled: tuple[FrameNeeds, Plan] | None = None
        self._refusals = self._rollbacks = 0
        self._observed_limits: dict[int, int] = {}
        self._tickets = [0] * FRAMES_IN_FLIGHT
        self._published = -1
        self._visibility: FrustumQuery | None = None
        self._cycles = 0
        self._drawn_of: tuple[object, ...] | None = None
        self._values_of: tuple[object, ...] | None = None
        if options.shared is not None:
            self.instance, self.device = options.shared.instance, options.shared
            self.instances.append(self.instance)
        else:
            self._open_device(undo, options)
        self.timeline = Timeline(self.device, "frames")
        undo.callback(self.timeline.close)
        self.profile = self._device_profile = live_profile(self.device)
        if options.budget_mib is not None:
            self.profile = self._device_profile = self.profile.limited(options.budget_mib * MIB)
        caches = {db.id: self.library.cache(db.id) for db in self.library.dbs}
        self._sources = Sources.of(*self.library.ranges().T)
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
        self.samplers = SamplerPool(self.device)
        undo.callback(self.samplers.close)
        limit = facts(self.device)["limits"]["maxDrawIndirectCount"]
        self.renderer = Renderer(
            self.device, self.memory, self.samplers, self._code, user_cache_folder(), limit
        )
        undo.callback(self.renderer.close)
        undo.callback(self.timeline.drain)
        self.planner = ScenePlanner(self.tableau, self.registry, self.library, self.profile, options.size)

    def _open_device(self, undo: ExitStack, options: RuntimeOptions) -> None:
        extensions = options.window.extensions if options.window else ()
        self.instance = Instance(validate=options.validate is not False, extensions=extensions)
        undo.callback(self.instance.close)
        self.instances.append(self.instance)
        swapchain = ("VK_KHR_swapchain",) if options.window else ()
        self.device = Device(self.instance, self.instance.choose(options.device), extensions=swapchain)
        undo.callback(self.device.close)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return self.planner.size

    def resize(self, width: int, height: int) -> None:
        """Draw pictures of this size from the next frame on."""
        self.planner.size = (max(1, width), max(1, height))

    def add_overlay(self, overlay: MemoryUser) -> None:
        """Plan for what is drawn over the scene as well; the presenter draws it."""
        self.planner.others.append(overlay)

    def frame(self, presenter: Presenter | None = None) -> FrameFacts:
        """Draw one frame, and show it where there is a presenter.

        Raises PlanError where the scene has become more than the budgets hold even of fallbacks, and
        OutOfDeviceMemory where the device refuses as much: once, and the frames after it draw the scene as
        it was until it changes; again and again where it never was. Raises TookTooLong where the device does
        not finish an earlier frame.
        """
        wall, cpu = time.perf_counter(), time.thread_time()
        slot = self._number % FRAMES_IN_FLIGHT
        self.timeline.reach(self._tickets[slot])
        self.renderer.collect(self.timeline.completed())
        moved = self.tableau.update_world()
        patience = REPLAN_MS if self._replan() else None
        self._order_again()
        self.advance(patience)
        self._redraw()
        self._write_values(moved)
        drawn = self._submit(slot, presenter)
        self._number += 1
        return FrameFacts(
            self._number,
            (time.perf_counter() - wall) * 1e3,
            (time.thread_time() - cpu) * 1e3,
            self.memory.settled,
            drawn,
        )

    def advance(self, milliseconds: float | None = None) -> bool:
        """Carry out a frame's share of the schedule, or `milliseconds` of it; say whether it is settled.

        Raises as `frame` does where the device has less memory than its budget says.
        """
        try:
            settled = self.memory.advance(milliseconds=milliseconds)
        except OutOfDeviceMemory as refused:
            self._retry_with_less(refused)
            return False
        if settled and self._needs is not None and self.plan is not None:
            self._settled = (self._needs, self.plan)
        return settled

    def limit_budget(self, budgets: Mapping[int, int]) -> None:
        """Plan with at most so many bytes in each of these heaps from now on; none lifts all limits."""
        self._budgets = budgets
        limits = {heap: min(self._device_profile.budget(heap), limit) for heap, limit in budgets.items()}
        self.profile = self.planner.profile = self._device_profile.with_budgets(
            {**self._device_profile.budgets, **limits}
        )
        self.memory.limit(self.profile)

    def replan(self) -> bool:
        """Bring plan and schedule up to date with the scene, without drawing; say if they had to change."""
        self.tableau.update_world()
        return self._replan()

    def compaction(self, max_bytes: int = 1 << 62, max_moves: int = 1 << 30) -> Compaction:
        """Tell what compacting would gain now, with at most so many bytes and moves; nothing is moved yet.

        Raises PlanError `plan.stale` while a schedule is under way.
        """
        return compact(self.resident.snapshot(), max_bytes, max_moves)

    def compact(self, max_bytes: int = 1 << 62, max_moves: int = 1 << 30) -> Compaction:
        """Begin what `compaction` tells of and return it; the frames that follow carry it out."""
        found = self.compaction(max_bytes, max_moves)
        if found.moves:
            assert self._needs is not None
            self._take_up(self._needs, found.plan)
        return found

    def load(self) -> None:
        """Bring everything in that the scene needs, waiting for it, so that the first frame shows it all.

        For pictures and tests; a window draws while its scene arrives. Raises TookTooLong.
        """
        self.replan()
        while not self.memory.settled:
            try:
                self.memory.settle()
            except OutOfDeviceMemory as refused:
                self._retry_with_less(refused)

    def settle(self, max_frames: int = 10_000) -> int:
        """Draw frames until nothing is left to run and return how many. Raises TimeoutError."""
        for count in range(1, max_frames + 1):
            if self.frame().settled:
                return count
        raise TimeoutError(f"not settled after {max_frames} frames: {self.memory.steps_left} steps are left")

    def read_pixels(self) -> npt.NDArray[np.uint8]:
        """Return the last frame's picture, uint8[height, width, 4], sRGB-encoded, waiting for it."""
        self.wait()
        self.device.doing = f"reading the picture of frame {self._number}"
        picture = self.renderer.image(SCENE_COLOR.name)
        shape = ImageShape(SCENE_COLOR.format, *picture.extent)
        return read_image(self.device, self.profile, picture.image, shape, int(Layout.TRANSFER_SRC))

    def wait(self) -> None:
        """Wait until every submitted frame is finished: for figures and screenshots. Raises TookTooLong."""
        self.timeline.reach(self.timeline.submitted)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that was reported: by the scene, its assets, features and materials, and its caches."""
        found = [*self.scene.warnings, *self.tableau.warnings, *self.library.problems]
        found += [*self.registry.problems, *self.planner.problems]
        help_text = "what was lost draws its fallback; open the scene again, and it is cooked anew"
        for db, why in self.memory.cache_problems:
            text = f"the cache of {self.library.dbs[db].name} cannot be read: {why}; cook it again"
            found.append(Problem("memory.cache", text, help=help_text, severity=Severity.WARNING))
        return tuple(dict.fromkeys(found))

    def close(self) -> None:
        """Wait for the frames in flight and release everything, in order; once."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _code(self, shader: int) -> bytes:
        return bytes(self.library.view(AssetRef.from_key(shader)))

    def _replan(self) -> bool:
        """Make a new plan and schedule if what informs them has changed; say whether it had."""
        if self.plan is not None and not self.planner.stale():
            return False
        self._refusals = self._rollbacks = 0
        self._observed_limits.clear()
        self._stated = self.planner.needs()
        self._take_up(self._stated, self.planner.plan(self._stated, self.resident.snapshot()))
        return True

    def _retry_with_less(self, refused: OutOfDeviceMemory) -> None:
        """Go on with less, after the device has refused what its budget had room for.

        First what nothing uses goes, and assets may lie in other memory; where that is not enough, the same
        is tried once more; and then what is used draws its fallback. Raises `refused` where that is not
        enough either, or memory is not what was refused, and goes back to the plan that was carried out last;
        if that is refused as well, to what is still there of it.
        """
        self._refusals += 1
        if self._rollbacks == 1 and self._settled is not None:
            return self._roll_back()
        if isinstance(refused, HeapFull) and self._refusals <= MOST_REFUSALS and not self._rollbacks:
            try:
                self._plan_less(refused)
            except PlanError as short:
                refused.detail += f"; {short.problem}"
            else:
                return None
        if self._refusals == 1:
            return None
        if not self._rollbacks:
            self._roll_back()
        raise refused

    def _roll_back(self) -> None:
        """Return to what was carried out last: all of it, or the second time what is still there."""
        self._rollbacks += 1
        if self._settled is not None:
            needs, before = self._settled
            there = self.resident.snapshot()
            assert there is not None, "a plan was carried out"
            self._take_up(needs, plan_again(before, there, fetch=self._rollbacks == 1))

    def _plan_less(self, refused: HeapFull) -> None:
        """Take up a plan for a heap that holds what lives there now, and not what was refused beside it.

        Nobody knows how much of that it would hold: half is tried, and where nothing can be planned within
        that, all but one byte. What was found out is forgotten when the scene changes. Raises PlanError.
        """
        assert self._stated is not None
        live, before = self.memory.heap_bytes[refused.heap], self.resident.snapshot()
        for more in (refused.size // 2, refused.size - 1):
            self._observed_limits[refused.heap] = live + more
            observed = self.profile.with_budgets({**self.profile.budgets, **self._observed_limits})
            placeholders = self._refusals > 1
            try:
                plan = self.planner.plan(
                    self._stated, before, profile=observed, placeholders=placeholders, keep=Keep.PLACES
                )
            except PlanError:
                if more == refused.size - 1:
                    raise
            else:
                self._take_up(self._stated, plan)
                break

    def _take_up(self, needs: FrameNeeds, plan: Plan) -> None:
        """Have a plan carried out from wherever things stand, and drawn with as it comes."""
        self._needs, self.plan = needs, plan
        self._send_for(plan, self.planner.visibility(needs))
        self.renderer.restructure(needs, plan.memory, self.timeline.submitted)
        self._published = -1

    def _send_for(self, plan: Plan, visibility: FrustumQuery | None) -> None:
        """Carry out what leads to `plan` from here on, first what is seen."""
        self._visibility, self._cycles = visibility, self.memory.statistics.cycles
        self.schedule = make_schedule(self.resident, plan, self._sources, visibility)
        self.memory.submit(self.schedule)

    def _order_again(self) -> None:
        """Let what the camera has turned to come first, if it is still to come.

        What threads have begun is lost by that, so something must have come since the last time.
        """
        if self._number % CHECK_INTERVAL or not self.memory.steps_left:
            return
        if self._needs is not None and self.plan is not None and self.memory.statistics.cycles > self._cycles:
            visibility = self.planner.visibility(self._needs)
            if needs_reordering(self._visibility, visibility, self.memory.open_steps):
                self._send_for(self.plan, visibility)

    def _redraw(self) -> None:
        """Bind and list draws again if something was published, planned or switched."""
        assert self._needs is not None
        if self._published != self.memory.published.version:
            self.renderer.retire_sets(self.timeline.submitted)
            if self.renderer.rebind():
                self._published = self.memory.published.version
            self._drawn_of = self._values_of = None
        if self.renderer.ready and self._drawn_of != (drawn_of := (self.tableau.structure_version,)):
            self.renderer.redraw({name: drawn_rows(table) for name, table in self._needs.tables.items()})
            self._drawn_of = drawn_of

    def _write_values(self, moved: npt.NDArray[np.int64]) -> None:
        """Write moved matrices and, if any value changed, the Frame block into their rings."""
        needs = self._needs
        if needs is None or not needs.tables or not self.renderer.ready:
            return
        instances = self.renderer.ring("instances")
        world = self.tableau.world
        if instances.holds(world):
            instances.changed(moved)
        else:
            instances.replace(world)
        values_of = (
            self.tableau.structure_version,
            self.tableau.values_version,
            self.tableau.world_version,
            self.size,
        )
        if self._values_of == values_of:
            return
        self._values_of = values_of
        block = frame_block(self.registry, self.tableau, needs.tables, self.size, self.planner.guard)
        if block is not None:
            self.renderer.ring("frame").replace(block)

    def _submit(self, slot: int, presenter: Presenter | None) -> bool:
        """Submit the frame, and present it; False where there is nothing to draw with, or on."""
        if not self.renderer.ready:
            return False
        if presenter is None:
            self._send(slot, [], [], [])
            return True
        target = presenter.acquire()
        if target is None:
            return False
        try:
            shown = presenter.record(slot, target, self.renderer.image(SCENE_COLOR.name))
            rendered = (target.rendered, 0, Stage.ALL_COMMANDS)
            ticket = self._send(slot, [shown], [(target.acquired, 0, _WRITES_TARGET)], [rendered])
        except BaseException:
            presenter.give_up(target)
            raise
        presenter.present(target, ticket)
        return True

    def _send(self, slot: int, buffers: list[Any], waits: list[Semaphore], signals: list[Semaphore]) -> int:
        """Submit the scene's commands, and then `buffers`; return the frame's ticket."""
        commands = self.renderer.commands(slot)
        ticket = self.timeline.submitted + 1
        signals = [self.timeline.signal(ticket, Stage.ALL_COMMANDS), *signals]
        self.device.doing = f"frame {self._number + 1}"
        self.device.submit(self.device.graphics, [commands, *buffers], waits=waits, signals=signals)
        self._tickets[slot] = self.timeline.next()  # only now: nobody waits for what was never submitted
        return ticket
