"""Allocates and frees large memory on a thread: each call may take as long as several frames.

The driver pins or clears memory that it allocates and unmaps memory that it frees: 256 MiB cost 4 to 120 ms
on an NVIDIA H200, and 26 ms to free on a software driver. Small allocations are made and freed at once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from engine.memory.device.objects import LiveAllocation, Objects
from engine.plan.resident.steps import Allocate

LARGE = {False: 64 << 20, True: 4 << 20}
"""Smallest size in bytes for the thread, by whether the memory is mapped: host memory is pinned by pages."""


class BackgroundAllocator:
    """Allocates and frees memory on one thread, in order, while frames are drawn."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._pool: ThreadPoolExecutor | None = None
        self._making: dict[int, Future[LiveAllocation]] = {}
        self._unwanted: list[Future[LiveAllocation]] = []
        self._freeing: list[Future[LiveAllocation]] = []

    @property
    def busy(self) -> bool:
        """Whether anything is being allocated or freed."""
        return bool(self._making or self._unwanted or self._freeing)

    @property
    def freeing(self) -> bool:
        """Whether memory is being freed."""
        return bool(self._unwanted or self._freeing)

    def allocate(self, step: Allocate, *, while_drawing: bool) -> bool:
        """Carry out an Allocate, at once or over several calls; True when it is done. See `allocate_memory`.

        Raises the exception of the allocation; the same step may then be tried again.
        """
        if step.size < LARGE[step.mapped]:
            self._objects.register(self._objects.allocate_memory(step, while_drawing=while_drawing))
            return True
        made = self._making.get(step.allocation)
        if made is None:
            made = self._making[step.allocation] = self._start(
                lambda: self._objects.allocate_memory(step, while_drawing=while_drawing)
            )
        if not made.done():
            return False
        del self._making[step.allocation]
        self._objects.register(made.result())
        return True

    def free(self, allocation: LiveAllocation) -> None:
        """Free memory that is no longer in use; its bytes count as live until it is freed."""
        if allocation.size < LARGE[allocation.mapped is not None]:
            self._objects.free(allocation)
            return

        def free() -> LiveAllocation:
            self._objects.free_memory(allocation)
            return allocation

        self._freeing.append(self._start(free))

    def cancel(self, allocation: int) -> None:
        """Cancel an allocation that may be under way: it is freed as soon as it exists."""
        made = self._making.pop(allocation, None)
        if made is not None:
            self._unwanted.append(made)

    def abandon(self) -> None:
        """Cancel all allocations under way."""
        for allocation in list(self._making):
            self.cancel(allocation)

    def collect(self) -> None:
        """Unregister memory that has been freed, and free cancelled allocations; never waits."""
        for future in [future for future in self._freeing if future.done()]:
            self._freeing.remove(future)
            self._objects.unregister(future.result())
        for future in [future for future in self._unwanted if future.done()]:
            self._unwanted.remove(future)
            if future.exception() is None:
                self._objects.free_memory(future.result())

    def wait(self) -> None:
        """Wait for the thread; for loading, closing and tests."""
        wait([*self._freeing, *self._unwanted, *self._making.values()])

    def close(self) -> None:
        """Cancel what is under way, wait for the thread and end it."""
        self.abandon()
        self.wait()
        self.collect()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _start(self, work: Callable[[], LiveAllocation]) -> Future[LiveAllocation]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="diorama memory")
        return self._pool.submit(work)
