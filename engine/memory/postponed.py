"""Staging that is planned but perhaps never used: its memory is made by the first transfer that needs it.

Which transfers can do without is known only where their targets live. A driver may hold everybody up while it
pins host memory: 256 MiB took an NVIDIA H200 50 to 120 ms, during which no frame could be submitted.
"""

from __future__ import annotations

from engine.memory.objects import Objects
from engine.plan.steps import Allocate, Bind
from engine.plan.vocabulary import BufferUsage, Kind


class Postponed:
    """Allocate and Bind steps of staging buffers that have been accepted and not been carried out."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._allocations: dict[int, Allocate] = {}
        self._binds: dict[int, Bind] = {}

    def takes_allocate(self, step: Allocate) -> bool:
        """Whether this is memory of a staging buffer alone; then it is kept for later."""
        owner = self._objects.resources.get(step.dedicated_to)
        if not step.mapped or owner is None or owner.kind is not Kind.BUFFER:
            return False
        if owner.usage != BufferUsage.TRANSFER_SRC:
            return False
        self._allocations[step.allocation] = step
        return True

    def takes_bind(self, step: Bind) -> bool:
        """Whether the memory to be bound is for later; then so is this."""
        if step.allocation not in self._allocations:
            return False
        self._binds[step.resource] = step
        return True

    def needed(self, staging: int) -> tuple[Allocate, Bind] | None:
        """Return what is still to be done before this staging buffer can be written to."""
        bind = self._binds.get(staging)
        return None if bind is None else (self._allocations[bind.allocation], bind)

    def done(self, staging: int) -> None:
        """The steps of this staging buffer have been carried out."""
        bind = self._binds.pop(staging)
        del self._allocations[bind.allocation]

    def forget_resource(self, resource: int) -> None:
        """A resource is destroyed: it needs no memory."""
        self._binds.pop(resource, None)

    def takes_free(self, allocation: int) -> bool:
        """Whether this memory was never made; then there is nothing to free."""
        return self._allocations.pop(allocation, None) is not None
