"""Recovery from a lost device: the scene is opened again on a new one.

Tableau and assets are in host memory, so nothing of the scene is lost with the device. The frame during which
it was lost is drawn again and counted once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from engine.cli.stop_signals import stop_signals
from engine.graph import PICTURE, ImageDecl
from engine.humon import Problem, Severity
from engine.vk.errors import DeviceLost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.runtime.frame_facts import FrameFacts
    from engine.runtime.report import RunLog
    from engine.runtime.runtime import Runtime
    from viewer.run.frames import Frames

    Answer = TypeVar("Answer")

MAX_RECOVERIES = 3


class RecoveringFrames:
    """The frames of one run, noted in its log; recovers from up to three device losses, at any call."""

    def __init__(self, make: Callable[[], Frames], log: RunLog) -> None:
        """Make the frames. Raises as `make` does; DeviceLost, here and later, only after MAX_RECOVERIES."""
        self._log = log
        self._is_closed = False
        self._frames = self._recovering(make, lambda _reported: make())

    @property
    def runtime(self) -> Runtime:
        """The runtime that draws the scene; it stays the same over recoveries."""
        return self._frames.runtime

    @property
    def over(self) -> bool:
        """Whether the run is over."""
        return self._frames.over

    @property
    def closed(self) -> bool:
        """Whether the window was closed."""
        return self._frames.closed

    def step(self) -> FrameFacts | None:
        """Draw one frame and note it in the log; None if there was nothing to draw on."""

        def again(reported: str) -> FrameFacts | None:
            self._frames.rebuild(reported)
            return self._step()

        return self._recovering(self._step, again)

    def load(self) -> None:
        """Upload everything that the scene needs, and wait for it, but for a stop signal."""

        def load() -> None:
            self.runtime.load(until=lambda: stop_signals.number != 0)

        def again(reported: str) -> None:
            self._frames.rebuild(reported)
            load()

        self._recovering(load, again)

    def picture(self) -> NDArray[np.uint8]:
        """Wait for the last frame and return its picture, uint8[height, width, 4], sRGB-encoded."""
        return self.output(PICTURE)

    def output(self, image: ImageDecl) -> NDArray[Any]:
        """Wait for the last frame and return one of its outputs, see `RuntimeOptions.outputs`."""

        def read() -> NDArray[Any]:
            return self.runtime.read_pixels(image)

        def again(reported: str) -> NDArray[Any]:
            self._frames.rebuild(reported)
            self.runtime.frame()
            return read()

        return self._recovering(read, again)

    def close(self) -> None:
        """Release everything, in order, once; a device lost while closing is only reported."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._frames.close()
        except DeviceLost as loss:
            self._report(f"the device was lost while it was closed: {loss}")

    def _step(self) -> FrameFacts | None:
        facts = self._frames.step()
        if facts is not None:
            self._log.note(facts, self.runtime)
        return facts

    def _recovering(self, call: Callable[[], Answer], again: Callable[[str], Answer]) -> Answer:
        """Call, and after each loss call `again` with the warning; raises the loss after MAX_RECOVERIES."""
        while True:
            try:
                return call()
            except DeviceLost as loss:
                times = len(self._log.losses) + 1
                if times > MAX_RECOVERIES:
                    detail = f"{loss.detail}; the scene had been restored {MAX_RECOVERIES} times"
                    raise DeviceLost(loss.call, loss.result, detail) from loss
                done = f"the scene is restored ({times} of at most {MAX_RECOVERIES} times)"
                call = partial(again, self._report(f"the device was lost, and {done}: {loss}"))

    def _report(self, text: str) -> str:
        problem = Problem("device.lost", text, severity=Severity.WARNING)
        self._log.losses.append(problem)
        print(problem.render(), file=sys.stderr)
        return problem.render()
