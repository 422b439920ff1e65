"""Exceptions for invalid requirements, profiles, plans and schedules, each with a stable code."""

from __future__ import annotations


class PlanError(Exception):
    """The input has no valid plan; the resident plan stays as it was.

    `code` is stable (`plan.budget`), `problem` names the fault and its requesters, `help` says what to
    change. `key` is the requirement that could not be placed, where a single one is the cause.
    """

    def __init__(self, code: str, problem: str, help: str = "", key: int | None = None) -> None:
        super().__init__(f"error[{code}]: {problem}" + (f"\nhelp: {help}" if help else ""))
        self.code = code
        self.problem = problem
        self.help = help
        self.key = key


class ProfileError(PlanError):
    """A device profile has a missing or invalid field; the problem names the field."""


class StepError(Exception):
    """A schedule step ran although its preconditions do not hold: an engine bug, never a user error."""
