"""What can be done wrong with memory and resources: typed, with a stable code, and naming the resource."""

from __future__ import annotations

from engine.vk.errors import DioramaInternalError, OutOfDeviceMemory


class ResourceError(DioramaInternalError):
    """A resource was used as it must not be; `resource` is its name and `code` is stable."""

    code = "memory.use"

    def __init__(self, resource: str, problem: str) -> None:
        super().__init__(f"error[{self.code}]: {resource}: {problem}")
        self.resource = resource
        self.problem = problem


class UseAfterClose(ResourceError):
    """It was closed or freed before."""

    code = "memory.closed"


class DoubleFree(ResourceError):
    """It is freed a second time."""

    code = "memory.double_free"


class OutOfBounds(ResourceError, IndexError):
    """A range or region lies outside."""

    code = "memory.bounds"


class WrongArray(ResourceError, ValueError):
    """An array has another dtype or shape than the resource takes."""

    code = "memory.array"


class NotMappable(ResourceError):
    """The memory was asked for without host access, or is not mapped just now."""

    code = "memory.not_mapped"


class NotReady(ResourceError):
    """The plan that gives it memory has not been carried out yet."""

    code = "memory.not_ready"


class Overrun(ResourceError):
    """The guard margin beside it was written over."""

    code = "memory.overrun"


class StagingFull(ResourceError, MemoryError):
    """Staging has no room, and none came free in the time given."""

    code = "memory.staging_full"


class Unsupported(ResourceError):
    """The device cannot do this; the problem says why."""

    code = "memory.unsupported"


class AtlasFull(ResourceError, MemoryError):
    """All pages are there, and what is in them may not be evicted."""

    code = "memory.atlas_full"


class HeapFull(OutOfDeviceMemory):
    """The device refused memory of `heap` although its budget had room for it."""

    def __init__(self, refused: OutOfDeviceMemory, heap: int, size: int) -> None:
        super().__init__(refused.call, refused.result, f"{size} bytes of heap {heap}")
        self.heap = heap
        self.size = size
