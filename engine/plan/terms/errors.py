"""What can be wrong with requirements, profiles, plans and schedules, each with a stable code."""

from __future__ import annotations


class PlanError(Exception):
    """No plan can be made of this input; the resident plan stays as it was.

    `code` is stable (`plan.budget`), `problem` says what and who, `help` what to change; `key` is what
    could be placed nowhere, where it is one that is in the way.
    """

    def __init__(self, code: str, problem: str, help: str = "", key: int | None = None) -> None:
        super().__init__(f"error[{code}]: {problem}" + (f"\nhelp: {help}" if help else ""))
        self.code = code
        self.problem = problem
        self.help = help
        self.key = key


class ProfileError(PlanError):
    """A device profile lacks a field or has one of the wrong kind; the problem names the field."""


class StepError(Exception):
    """A step of a schedule was run where its preconditions do not hold: our bug, never the user's."""
