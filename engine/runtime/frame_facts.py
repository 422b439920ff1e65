"""What is known of one drawn frame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FrameFacts:
    """One frame: its number, wall and main-thread CPU time in ms, whether memory is settled.

    It is not `drawn` if the presenter has no target or the attachments are not resident yet.
    """

    number: int
    wall_ms: float
    cpu_ms: float
    settled: bool
    drawn: bool
