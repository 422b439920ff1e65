"""Assertions on frame times: no frame takes much longer than the median."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from engine.testing.assertions.failure_messages import fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runtime.frame_facts import FrameFacts

MIN_FRAMES = 5


def assert_no_hitch(
    frames: Sequence[FrameFacts], factor: float = 1.5, *, slack_ms: float = 1.0, of: str = "cpu"
) -> None:
    """Assert that no frame takes more than `factor` times the median, plus `slack_ms`.

    `frames` are `scene.frames` or a slice of them. `of` selects the clock: "cpu" is the CPU time of the
    render thread, which other processes do not lengthen, "wall" the elapsed time. Raises ValueError for fewer
    than 5 frames.
    """
    __tracebackhide__ = True
    if len(frames) < MIN_FRAMES:
        raise ValueError(f"{len(frames)} frames are too few for a median; draw {MIN_FRAMES} or more")
    times = [getattr(frame, f"{of}_ms") for frame in frames]
    median = statistics.median(times)
    limit = median * factor + slack_ms
    over = [(frame.number, ms) for frame, ms in zip(frames, times, strict=True) if ms > limit]
    if over:
        lines = [f"frame {number}: {ms:.2f} ms, {ms / median:.1f} x the median" for number, ms in over]
        allowed = f"{limit:.2f} ms ({factor} x the median of {median:.2f} ms, and {slack_ms} ms)"
        fail(f"{len(over)} of {len(frames)} frames took longer than {allowed}, {of} time:", lines)
