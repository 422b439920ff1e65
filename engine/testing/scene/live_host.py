"""A scene under test on a live device, drawn into an image or by the viewer in a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from engine.testing.scene.latest import Latest
from engine.testing.scene.memory_facts import HeapMemory, MemoryFacts
from engine.testing.scene.schedule_facts import Done, ScheduleFacts, UploadLogger
from engine.testing.scene.shared_devices import Lease, lease_device

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.assets import AssetLibrary
    from engine.humon import Problem
    from engine.plan.model.plan import Plan
    from engine.plan.placement.compaction import Compaction
    from engine.plan.profile.device_profile import DeviceProfile
    from engine.planning.picking import PickHit
    from engine.runtime.frame_facts import FrameFacts
    from engine.runtime.runtime import Runtime
    from engine.scene import Scene


class LiveHost:
    """Draws with a runtime, or through `show` and `read`, as the viewer does for its window.

    `show` draws a frame and `read` returns its picture. Both may reopen the scene after a device loss; the
    steps that restore it are not counted in the schedule's facts.
    """

    has_pixels = True

    def __init__(
        self,
        runtime: Runtime,
        *,
        show: Callable[[], FrameFacts | None] | None = None,
        read: Callable[[], NDArray[np.uint8]] | None = None,
        close: Callable[[], None] | None = None,
        first_message: int = 0,
    ) -> None:
        self.runtime = runtime
        self.frames: list[FrameFacts] = Latest()
        self.log: list[dict[str, int]] = Latest()
        self._follow()
        self._show = show
        self._read = read or runtime.read_pixels
        self._close = close
        self._first_message = first_message

    @property
    def profile(self) -> DeviceProfile:
        """The profile of the device, with its current budgets."""
        return self.runtime.profile

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of frames in pixels."""
        return self.runtime.size

    @property
    def driver(self) -> str:
        """The device's name, as reported by its driver."""
        return self.runtime.device.adapter.name

    def replan(self) -> tuple[Plan, bool]:
        """Bring plan and schedule up to date."""
        is_new = self.runtime.replan()
        assert self.runtime.plan is not None
        return self.runtime.plan, is_new

    def draw(self) -> bool:
        """Draw one frame, none while there is nothing to draw on; return whether the scene is settled."""
        facts = self.runtime.frame() if self._show is None else self._show()
        self._follow_on()
        if facts is None:
            return False
        if facts.drawn:
            self.frames.append(facts)
        return facts.settled

    def settle(self, max_frames: int) -> int | None:
        """Carry out steps until none are left; frames are drawn only where they are shown."""
        for count in range(1, max_frames + 1):
            drawn = len(self.frames)
            if self._show is not None:
                settled = self.draw()
            else:
                self.runtime.replan()
                settled = self.runtime.advance(1e9)
            if settled and not self.runtime.planner.stale() and not self.runtime.trials.pending:
                return count
            self.runtime.trials.wait()
            if len(self.frames) == drawn:  # no frame was waited for
                self.runtime.memory.wait()
        return None

    def pixels(self) -> NDArray[np.uint8]:
        """Read the last frame back."""
        picture = self._read()
        self._follow_on()
        return picture

    def pick(self, x: int, y: int) -> PickHit | None:
        """Pick in the last frame."""
        return self.runtime.pick(x, y).result()

    def resize(self, width: int, height: int) -> None:
        """Draw frames of this size from now on."""
        self.runtime.resize(width, height)

    def limit_budget(self, budgets: dict[int, int]) -> None:
        """Plan within these budgets from now on."""
        self.runtime.limit_budget(budgets)

    def compaction(self, max_bytes: int, max_moves: int) -> Compaction:
        """Estimate a compaction."""
        return self.runtime.compaction(max_bytes, max_moves)

    def compact(self, max_bytes: int, max_moves: int) -> Compaction:
        """Start the compaction that `compaction` estimated."""
        return self.runtime.compact(max_bytes, max_moves)

    @property
    def memory(self) -> MemoryFacts:
        """The memory that is live and planned now."""
        manager, plan = self.runtime.memory, self.runtime.plan
        assert plan is not None
        rows = zip(plan.heap_bytes().tolist(), manager.heap_bytes, manager.peak_heap_bytes, strict=True)
        heaps = tuple(
            HeapMemory(i, live, planned, peak, self.profile.budget(i), heap.size, heap.device_local)
            for i, ((planned, live, peak), heap) in enumerate(zip(rows, self.profile.heaps, strict=True))
        )
        return MemoryFacts(manager.live_bytes, plan.planned_bytes, manager.peak_bytes, heaps, plan)

    @property
    def schedule(self) -> ScheduleFacts:
        """The current schedule, or the last one once settled."""
        manager, schedule = self.runtime.memory, self.runtime.schedule
        assert schedule is not None
        return ScheduleFacts(schedule, tuple(manager.open_steps), Done(**self._done()))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems that the runtime has reported."""
        return self.runtime.problems

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages of the validation layers since this scene was opened."""
        messages = [message for instance in self.runtime.instances for message in instance.messages.all]
        return tuple(str(message) for message in messages[self._first_message :])

    @property
    def live_bytes(self) -> int:
        """Bytes of live device memory, also after closing."""
        return self.runtime.memory.live_bytes

    def objects(self) -> dict[str, int]:
        """Return how many Vulkan objects of each type are live."""
        return self.runtime.instance.handles.counts()

    def _follow(self) -> None:
        self._manager = self.runtime.memory
        self._manager.state = UploadLogger(self._manager.state, self.log)
        self._uncounted: Counter[str] = Counter()

    def _follow_on(self) -> None:
        """Follow the new memory manager after a device loss; its counts continue those of the old one."""
        if self._manager is not self.runtime.memory:
            before = self._done()
            self._follow()
            self._uncounted = self._done()
            self._uncounted.subtract(before)

    def _done(self) -> Counter[str]:
        done = Counter(asdict(Done.of(self._manager.statistics)))
        done.subtract(self._uncounted)
        return done

    @property
    def is_open(self) -> bool:
        """Whether it owns a runtime that is not closed; never in a forked child."""
        return self._close is not None and not self.runtime.device.is_disowned

    def close(self) -> None:
        """Release everything this host owns, once."""
        close, self._close = self._close, None
        if close is not None:
            close()


def open_live(
    document: Scene,
    library: AssetLibrary,
    *,
    size: tuple[int, int],
    device: str,
    own_device: bool,
    validate: bool | None,
    budget: int | None,
    paging_cycles: int | None,
    trials: bool,
) -> LiveHost:
    """Open a scene on a shared device or on its own; the host then owns the library."""
    from engine.runtime.options import RuntimeOptions
    from engine.runtime.runtime import Runtime

    lease = lease_device(device, validate is not False, own=own_device)
    try:
        options = RuntimeOptions(size=size, paging_cycles=paging_cycles, shared=lease.device, trials=trials)
        runtime = Runtime(document, library, options)
    except BaseException as error:
        left = lease.release()
        if left:
            raise AssertionError(f"opening the scene failed and left behind: {', '.join(left)}") from error
        raise
    host = LiveHost(runtime, close=lambda: _end(host, library, lease), first_message=lease.first_message)
    if budget is not None:
        host.limit_budget(dict.fromkeys(range(len(host.profile.heaps)), budget))
    return host


def _end(host: LiveHost, library: AssetLibrary, lease: Lease) -> None:
    """Close in order, and assert that no object is left and the validation layers reported nothing."""
    __tracebackhide__ = True
    try:
        host.runtime.close()
        library.close()
    finally:
        left, messages = lease.release(), lease.messages
    if left:
        raise AssertionError("closing the scene left Vulkan objects behind:\n    " + "\n    ".join(left))
    if messages:
        raise AssertionError("the validation layers reported:\n    " + "\n    ".join(messages))
