"""The scene under test: the interface through which scripts and tests change and inspect a scene."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from engine.testing.scene.structure import Structure

if TYPE_CHECKING:
    from engine.humon import Problem
    from engine.plan.model.plan import Plan
    from engine.plan.placement.compaction import Compaction
    from engine.plan.profile.device_profile import DeviceProfile
    from engine.planning.picking import PickHit
    from engine.runtime.frame_facts import FrameFacts
    from engine.scene import Scene
    from engine.tableau import Clock, ObjectHandle, Tableau
    from engine.testing.scene.frame import Frame
    from engine.testing.scene.memory_facts import MemoryFacts
    from engine.testing.scene.schedule_facts import ScheduleFacts

MAX_FRAMES = 600
"""How many frames `settle` allows by default."""


SHOWN_STEPS = 20


class NotSettled(AssertionError):
    """A scene has not settled within the allowed frames; the message lists the remaining steps."""


class Host(Protocol):
    """The back end of a scene under test: a live device, a device with a window, or a simulated device."""

    has_pixels: bool
    frames: list[FrameFacts]
    log: list[dict[str, int]]

    @property
    def profile(self) -> DeviceProfile:
        """The device profile that plans are made for."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of frames in pixels."""

    @property
    def driver(self) -> str:
        """The name of the device, or of the profile where nothing draws."""

    def replan(self) -> tuple[Plan, bool]:
        """Bring the plan up to date with the tableau; return it, and whether it is new."""

    def draw(self) -> bool:
        """Draw one frame and carry out its share of the schedule; return whether the scene is settled."""

    def settle(self, max_frames: int) -> int | None:
        """Run until settled and return the number of frames; None if that takes more than `max_frames`."""

    def pixels(self) -> NDArray[np.uint8]:
        """Return the last frame's picture, uint8[height, width, 4]."""

    def pick(self, x: int, y: int) -> PickHit | None:
        """Return what the last frame shows at a pixel; waits for it."""

    def resize(self, width: int, height: int) -> None:
        """Draw frames of this size from now on."""

    def limit_budget(self, budgets: dict[int, int]) -> None:
        """Limit these heaps to so many bytes in all later plans."""

    def compaction(self, max_bytes: int, max_moves: int) -> Compaction:
        """Estimate a compaction; raises PlanError while a schedule runs."""

    def compact(self, max_bytes: int, max_moves: int) -> Compaction:
        """Start the compaction that `compaction` estimated."""

    @property
    def memory(self) -> MemoryFacts:
        """The memory that is live and planned now."""

    @property
    def schedule(self) -> ScheduleFacts:
        """The schedule to the current plan."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems reported for the scene."""

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages of the validation layers since the scene was opened."""

    @property
    def live_bytes(self) -> int:
        """Bytes of live device memory, also after closing."""

    def objects(self) -> dict[str, int]:
        """Return how many objects of each type are live on the device."""

    @property
    def is_open(self) -> bool:
        """Whether `close` still has something to release."""

    def close(self) -> None:
        """Release everything, once. Raises AssertionError if objects are left behind."""


class OpenedScene(Structure):
    """An open scene, settled unless opened with `settle=False`. Close it, or use it in a `with`.

    It is deterministic: only `step` and `clock` move time, `random` starts from `seed`, and no other clock is
    read.
    """

    def __init__(self, document: Scene, host: Host, seed: int = 0) -> None:
        self.document = document
        self.tableau: Tableau = document.tableau
        self.host = host
        self.seed = seed
        self.random = np.random.default_rng(seed)

    def __getitem__(self, path: str) -> ObjectHandle:
        """Return an object by its path: `scene["camera/reticle"].visibleModel.enabled = False`."""
        return self.tableau[path]

    def __contains__(self, path: object) -> bool:
        return path in self.tableau

    def set(self, *settings: str) -> None:
        """Change values as `--set` does: `PATH.FEATURE.FIELD=VALUE`. Raises InputError."""
        for setting in settings:
            self.document.apply_setting(setting)

    @property
    def clock(self) -> Clock:
        """The clock of the scene, for scripts to pause, step and set."""
        return self.tableau.clock

    @property
    def time(self) -> float:
        """The time of the clock in seconds."""
        return self.clock.time

    def step(self, dt: float | None = None, count: int = 1) -> None:
        """Advance the clock by `dt` seconds and draw a frame, `count` times (a simulated device draws none).

        Without `dt`, by `clock.frame_time`. While the clock is paused, frames are drawn and the time stays.
        Raises ValueError for seconds that are not finite.
        """
        for _ in range(count):
            self.clock.advance(dt)
            self.host.draw()

    def settle(self, max_frames: int = MAX_FRAMES) -> int:
        """Run until the schedule is empty, and return how many frames that took. Raises NotSettled."""
        __tracebackhide__ = True
        taken = self.host.settle(max_frames)
        if taken is None:
            is_new = self.host.replan()[1]
            raise NotSettled(_open_steps(self.schedule, max_frames, is_new))
        return taken

    def frame(self) -> Frame:
        """Draw a frame of the current state, without advancing time, and return its picture.

        Raises NoPixels if the scene was opened for a profile: no device draws it.
        """
        from engine.testing.scene.frame import Frame

        if self.has_pixels:
            self.host.draw()
        return Frame.of(self.host.pixels())

    def pick(self, x: int, y: int) -> PickHit | None:
        """Draw a frame of the current state and return what it shows at a pixel, row 0 at the top.

        None where nothing is seen. Raises NoPixels if the scene was opened for a profile, ValueError for a
        pixel outside of the frame.
        """
        if self.has_pixels:
            self.host.draw()
        return self.host.pick(x, y)

    def resize(self, width: int, height: int) -> None:
        """Draw frames of `width` x `height` pixels from now on."""
        self.host.resize(width, height)

    def limit_budget(self, budget: int | dict[int, int]) -> None:
        """Limit every heap, or the given heaps, to so many bytes in all later plans.

        The next plan raises PlanError if the scene does not fit.
        """
        heaps = range(len(self.host.profile.heaps))
        self.host.limit_budget(dict.fromkeys(heaps, budget) if isinstance(budget, int) else budget)

    def compaction(self, max_bytes: int = 1 << 62, max_moves: int = 1 << 30) -> Compaction:
        """Estimate what a compaction would gain, in bytes and moves, without moving anything.

        Raises PlanError `plan.stale` if the scene is not settled.
        """
        self.host.replan()
        return self.host.compaction(max_bytes, max_moves)

    def compact(self, max_bytes: int = 1 << 62, max_moves: int = 1 << 30) -> Compaction:
        """Start the compaction that `compaction` estimated; the next `settle` carries it out."""
        self.host.replan()
        return self.host.compact(max_bytes, max_moves)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of frames in pixels."""
        return self.host.size

    @property
    def has_pixels(self) -> bool:
        """Whether frames are drawn; False on a simulated device."""
        return self.host.has_pixels

    @property
    def driver(self) -> str:
        """The name of the device, as reported by its driver; the profile's name on a simulated device."""
        return self.host.driver

    @property
    def profile(self) -> DeviceProfile:
        """The device profile that plans are made for."""
        return self.host.profile

    @property
    def plan(self) -> Plan:
        """The plan for the features that are active now."""
        return self.host.replan()[0]

    @property
    def plan_text(self) -> str:
        """The plan in Humon: the same scene and device profile give the same text on every machine."""
        from engine.plan.text.plan_text import plan_text

        return plan_text(self.plan)

    @property
    def memory(self) -> MemoryFacts:
        """The GPU memory at this moment; keep it to compare with a later one."""
        self.host.replan()
        return self.host.memory

    @property
    def schedule(self) -> ScheduleFacts:
        """The steps to the current plan, and how many of them are left."""
        self.host.replan()
        return self.host.schedule

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems reported so far: by the scene, its assets and its features."""
        self.host.replan()
        return self.host.problems

    @property
    def messages(self) -> tuple[str, ...]:
        """The messages of the validation layers since the scene was opened."""
        return self.host.messages

    @property
    def frames(self) -> Sequence[FrameFacts]:
        """Facts of the latest frames, 2,000 at least: number and times in milliseconds."""
        return self.host.frames

    def close(self) -> None:
        """Release everything, once. Raises AssertionError if objects are left behind on the device."""
        self.host.close()

    def __repr__(self) -> str:
        state = "" if self.host.is_open else ", closed"
        width, height = self.size
        return f"<scene {self.document.path.name} on {self.driver}, {width}x{height}{state}>"

    def __del__(self) -> None:
        """Close a scene that was not closed, with a warning: its device was not checked for leaks."""
        host = self.__dict__.get("host")
        if host is not None and host.is_open:
            text = repr(self)
            self.close()
            warnings.warn(f"{text} was not closed", ResourceWarning, stacklevel=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        try:
            self.close()
        except AssertionError:
            if kind is None:  # the exception raised inside the block takes precedence
                raise


def _open_steps(schedule: ScheduleFacts, max_frames: int, is_new: bool) -> str:
    """Describe the remaining steps after so many frames; `is_new`: the plan has just changed again."""
    from engine.testing.scene.schedule_facts import step_line

    lines = [f"    {step_line(schedule.schedule.plan, step)}" for step in schedule.left]
    if len(lines) > SHOWN_STEPS:
        lines[SHOWN_STEPS:] = [f"    and {len(lines) - SHOWN_STEPS} more"]
    if is_new:
        lines.append("its plan changes in every frame: one of its inputs never stays the same")
    head = f"the scene has not settled after {max_frames} frames"
    return "\n".join([f"{head}: {len(schedule.left)} of {len(schedule.steps)} steps are open", *lines])
