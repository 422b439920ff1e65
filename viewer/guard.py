"""Keeps exceptions in callbacks and panels from ending the frame loop."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Guard:
    """Calls named functions; one that raises is switched off and reported once."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        """`report` is called once per failing name with the name and the error with its place."""
        self._report = report
        self._off: dict[str, str] = {}

    @property
    def switched_off(self) -> tuple[str, ...]:
        """The names of the functions that have raised."""
        return tuple(self._off)

    def call(
        self, name: str, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result | None:
        """Call `function` unless it has raised before; returns None if it raises or has raised."""
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
        """Wrap `function` as a callback for a C library, which exceptions must not pass through."""

        def callback(*arguments: *Arguments) -> None:
            self.call(name, function, *arguments)

        return callback
