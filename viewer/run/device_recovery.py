"""Frames that outlast their device: where it is lost, the scene is brought back on a new one.

Tableau and assets live on the CPU, so nothing of the scene is lost with a device. The frame that it was lost
in is drawn again, and counts once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from engine.humon import Problem, Severity
from engine.vk.errors import DeviceLost

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.runtime.report import RunLog
    from engine.runtime.runtime import FrameFacts, Runtime
    from viewer.run.frames import Frames

    Answer = TypeVar("Answer")

MOST_TIMES = 3


class RecoveringFrames:
    """The frames of one run, noted in its log; a device may be lost at any call, three times in all."""

    def __init__(self, make: Callable[[], Frames], log: RunLog) -> None:
        """Make the frames. Raises what `make` does; a DeviceLost, here and later, says that it was enough."""
        self._log = log
        self._frames = self._outlast(make, lambda _reported: make())

    @property
    def runtime(self) -> Runtime:
        """What draws the scene; the same one all the time."""
        return self._frames.runtime

    @property
    def over(self) -> bool:
        """Whether no more frames are wanted."""
        return self._frames.over

    @property
    def closed(self) -> bool:
        """Whether somebody has closed what they are shown in."""
        return self._frames.closed

    def step(self) -> FrameFacts | None:
        """Draw one frame and note it; None where there was nothing to draw on."""

        def again(reported: str) -> FrameFacts | None:
            self._frames.rebuild(reported)
            return self._step()

        return self._outlast(self._step, again)

    def picture(self) -> NDArray[np.uint8]:
        """Return the last frame's picture, uint8[height, width, 4], sRGB-encoded, waiting for it."""

        def again(reported: str) -> NDArray[np.uint8]:
            self._frames.rebuild(reported)
            self.runtime.frame()
            return self.runtime.read_pixels()

        return self._outlast(self.runtime.read_pixels, again)

    def close(self) -> None:
        """Release everything, in order; a device that is lost only now is not missed."""
        try:
            self._frames.close()
        except DeviceLost as loss:
            self._report(f"the device was lost while it was closed: {loss}")

    def _step(self) -> FrameFacts | None:
        facts = self._frames.step()
        if facts is not None:
            self._log.note(facts, self.runtime)
        return facts

    def _outlast(self, call: Callable[[], Answer], again: Callable[[str], Answer]) -> Answer:
        """Call, and after each loss call `again` with what was said of it; raises the loss after the last."""
        while True:
            try:
                return call()
            except DeviceLost as loss:
                times = len(self._log.losses) + 1
                if times > MOST_TIMES:
                    detail = f"{loss.detail}; the scene had been brought back {MOST_TIMES} times"
                    raise DeviceLost(loss.call, loss.result, detail) from loss
                done = f"the scene is brought back ({times} of at most {MOST_TIMES} times)"
                call = partial(again, self._report(f"the device was lost, and {done}: {loss}"))

    def _report(self, text: str) -> str:
        problem = Problem("device.lost", text, severity=Severity.WARNING)
        self._log.losses.append(problem)
        print(problem.render(), file=sys.stderr)
        return problem.render()
