"""Keep code that the viewer calls, but does not own, from ending the frame loop."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Guard:
    """Calls functions by name; one that raises is switched off and reported once."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        """`report` is told (name, the last line of the traceback with its place) once per failing name."""
        self._report = report
        self._off: dict[str, str] = {}

    @property
    def switched_off(self) -> tuple[str, ...]:
        """The names of the functions that have raised."""
        return tuple(self._off)

    def call(
        self, name: str, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result | None:
        """Call `function` unless it has raised before; returns None in its place."""
        if name in self._off:
            return None
        try:
            return function(*arguments)
        except Exception as raised:  # noqa: BLE001 - it is reported, and the frame has to go on
            last = traceback.extract_tb(raised.__traceback__)[-1]
            message = f"{type(raised).__name__}: {raised} ({last.filename}:{last.lineno})"
            self._off[name] = message
            self._report(name, message)
            return None

    def wrapped(self, name: str, function: Callable[[*Arguments], object]) -> Callable[[*Arguments], None]:
        """Make a callback of `function` for a C library, through which no exception may pass."""

        def callback(*arguments: *Arguments) -> None:
            self.call(name, function, *arguments)

        return callback
