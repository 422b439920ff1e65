"""The scene clock: the time that features see, in seconds, moved by a frame loop, a script or a test."""

from __future__ import annotations

import math

FRAME_TIME = 1.0 / 60.0
"""Seconds from one frame to the next, where nobody says otherwise."""

LATEST = 1e9
"""The latest time in seconds, about 30 years: beyond it, steps of 1/60 s lose precision in float64."""


MAX_SPEED = 100.0
"""The greatest speed of a clock, either way."""


class Clock:
    """The time of a scene. It reads no other clock: it moves only where it is moved.

    `advance` is for frame loops and does nothing while the clock is `paused`; `step` and `set` are for those
    who want a certain time, paused or not. `frame_time` is how far both go by default, in seconds; `speed`
    is how much faster `advance` goes, backwards below 0. `version` rises whenever the time changes.
    """

    def __init__(self) -> None:
        self.paused = False
        self.version = 0
        self._time = 0.0
        self._frame_time = FRAME_TIME
        self._speed = 1.0

    @property
    def time(self) -> float:
        """The present time in seconds; 0 where the scene begins."""
        return self._time

    @property
    def frame_time(self) -> float:
        """Seconds from one frame to the next."""
        return self._frame_time

    @frame_time.setter
    def frame_time(self, seconds: float) -> None:
        if not 0.0 < seconds <= LATEST:
            raise ValueError(f"the time of a frame must be above 0 and at most {LATEST:g} s, not {seconds!r}")
        self._frame_time = float(seconds)

    @property
    def speed(self) -> float:
        """How much faster than asked for the time advances."""
        return self._speed

    @speed.setter
    def speed(self, factor: float) -> None:
        if not -MAX_SPEED <= factor <= MAX_SPEED:
            raise ValueError(f"a speed must be from {-MAX_SPEED:g} to {MAX_SPEED:g}, not {factor!r}")
        self._speed = float(factor)

    def set(self, seconds: float) -> None:
        """Go to a time. Raises ValueError for one before 0, after LATEST, or that is no number."""
        if not 0.0 <= seconds <= LATEST:
            raise ValueError(f"a time must be from 0 to {LATEST:g} s, not {seconds!r}")
        if seconds != self._time:
            self._time = float(seconds)
            self.version += 1

    def step(self, seconds: float | None = None) -> None:
        """Go on by so many seconds (None: `frame_time`), back if they are negative; also while paused.

        The time stays from 0 to LATEST. Raises ValueError for seconds that are not finite.
        """
        by = self._frame_time if seconds is None else seconds
        if not math.isfinite(by):
            raise ValueError(f"a clock goes on by a number of seconds, not {seconds!r}")
        self.set(min(max(self._time + by, 0.0), LATEST))

    def advance(self, seconds: float | None = None) -> None:
        """Go on as `step` does, times the speed, unless the clock is paused."""
        if not self.paused:
            self.step((self._frame_time if seconds is None else seconds) * self._speed)

    def __repr__(self) -> str:
        return f"<clock at {self._time:g} s{', paused' if self.paused else ''}>"
