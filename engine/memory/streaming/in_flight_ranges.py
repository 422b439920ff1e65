"""Ranges of buffers that the host must not write yet, because submitted work still uses them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.memory.commands.deletion_queue import Ticket
from engine.plan.terms.table import is_in


class InFlightRanges:
    """Protects ranges, and whole resources, from host writes until a ticket is past."""

    def __init__(self) -> None:
        self._ranges: list[tuple[Ticket, NDArray[np.void]]] = []
        self._resources: dict[int, Ticket] = {}

    def protect(self, places: NDArray[np.void], ticket: Ticket) -> None:
        """Protect these ranges (dtype LIVE_SUBRESOURCE) until `ticket` is past."""
        if len(places) and ticket.values:
            self._collect()  # they are few, and nobody else may ask for long
            self._ranges.append((ticket, places))

    def mark_used(self, resource: int, ticket: Ticket) -> None:
        """Protect a whole resource, which recorded work reads or writes, until `ticket` is past."""
        self._resources[resource] = ticket

    def forget(self, resource: int) -> None:
        """Drop the protection of a whole resource that is about to be destroyed."""
        self._resources.pop(resource, None)

    def is_free(self, resource: int, begin: NDArray[np.int64], end: NDArray[np.int64]) -> bool:
        """Whether the host may write to these byte ranges of a resource, which are sorted and disjoint."""
        ticket = self._resources.get(resource)
        if ticket is not None:
            if not ticket.past():
                return False
            del self._resources[resource]
        self._collect()
        for _ticket, places in self._ranges:
            mine = places[places["resource"] == resource]
            after = np.searchsorted(end, mine["offset"], side="right")
            low = np.append(begin, np.iinfo(np.int64).max)[after]
            if (low < mine["offset"] + mine["size"]).any():
                return False
        return True

    def covers_any(self, resources: NDArray[np.int32]) -> bool:
        """Whether any of these resources has a protected range."""
        self._collect()
        return any(bool(is_in(places["resource"], resources).any()) for _ticket, places in self._ranges)

    def wait(self) -> None:
        """Wait until nothing is protected; for loading and tests."""
        for ticket in [ticket for ticket, _places in self._ranges] + list(self._resources.values()):
            ticket.wait()

    def _collect(self) -> None:
        if self._ranges:
            self._ranges = [row for row in self._ranges if not row[0].past()]
