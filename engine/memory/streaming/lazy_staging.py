"""Allocates staging memory with the first transfer that needs it, since direct writes may need none.

Whether a transfer can write directly depends on the memory of its targets. A driver may block every submit
while it pins host memory: 256 MiB took 50 to 120 ms on an NVIDIA H200.
"""

from __future__ import annotations

from engine.plan.resident.steps import Allocate, Bind


class LazyStaging:
    """Keeps the Allocate and Bind steps of staging buffers until the memory is needed.

    `staging` are the ids of the plans' staging buffers; these ids are never reused.
    """

    def __init__(self) -> None:
        self.staging: frozenset[int] = frozenset()
        self._allocations: dict[int, Allocate] = {}
        self._binds: dict[int, Bind] = {}

    def defer_allocate(self, step: Allocate) -> bool:
        """Keep the step for later if it allocates the memory of a staging buffer; return whether it does."""
        if step.dedicated_to not in self.staging:
            return False
        self._allocations[step.allocation] = step
        return True

    def defer_bind(self, step: Bind) -> bool:
        """Keep the step for later if its Allocate is kept; return whether it is."""
        if step.allocation not in self._allocations:
            return False
        self._binds[step.resource] = step
        return True

    def deferred_steps(self) -> list[tuple[Allocate, Bind]]:
        """Return the steps that staging buffers still need before they can be written, by resource id."""
        return [(self._allocations[bind.allocation], bind) for _, bind in sorted(self._binds.items())]

    def done(self, staging: int) -> None:
        """Drop the steps of this staging buffer: they have been carried out."""
        bind = self._binds.pop(staging)
        del self._allocations[bind.allocation]

    def forget_resource(self, resource: int) -> None:
        """Drop the Bind of a resource that is destroyed."""
        self._binds.pop(resource, None)
        self.staging -= {resource}

    def cancel_allocate(self, allocation: int) -> bool:
        """Drop a kept Allocate; return whether there was one, so that there is no memory to free."""
        return self._allocations.pop(allocation, None) is not None
