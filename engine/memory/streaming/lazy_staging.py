"""Staging that is planned but perhaps never used: its memory is made by the first transfer that needs it.

Which transfers can do without is known only where their targets live. A driver may hold everybody up while it
pins host memory: 256 MiB took an NVIDIA H200 50 to 120 ms, during which no frame could be submitted.
"""

from __future__ import annotations

from engine.plan.resident.steps import Allocate, Bind


class LazyStaging:
    """Allocate and Bind steps of staging buffers that have been accepted and not been carried out.

    `staging` are the ids of the plans' staging buffers, of which none is ever given to anything else.
    """

    def __init__(self) -> None:
        self.staging: frozenset[int] = frozenset()
        self._allocations: dict[int, Allocate] = {}
        self._binds: dict[int, Bind] = {}

    def takes_allocate(self, step: Allocate) -> bool:
        """Whether this is memory of a staging buffer alone; then it is kept for later."""
        if step.dedicated_to not in self.staging:
            return False
        self._allocations[step.allocation] = step
        return True

    def takes_bind(self, step: Bind) -> bool:
        """Whether the memory to be bound is for later; then so is this."""
        if step.allocation not in self._allocations:
            return False
        self._binds[step.resource] = step
        return True

    def waiting(self) -> list[tuple[Allocate, Bind]]:
        """Return what is still to be done before the staging buffers can be written to, in their order."""
        return [(self._allocations[bind.allocation], bind) for _, bind in sorted(self._binds.items())]

    def done(self, staging: int) -> None:
        """The steps of this staging buffer have been carried out."""
        bind = self._binds.pop(staging)
        del self._allocations[bind.allocation]

    def forget_resource(self, resource: int) -> None:
        """A resource is destroyed: it needs no memory."""
        self._binds.pop(resource, None)
        self.staging -= {resource}

    def takes_free(self, allocation: int) -> bool:
        """Whether this memory was never made; then there is nothing to free."""
        return self._allocations.pop(allocation, None) is not None
