"""Work that is done in steps of similar cost, so that a frame does not wait for all of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]
"""Yields after each step but the last, and returns what was made."""


def finished(steps: Steps[Result]) -> Result:
    """Do all steps at once and return what was made."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made: Result = end.value
            return made
