"""Exceptions for wrong use of memory and resources; each has a stable code and names the resource."""

from __future__ import annotations

from engine.vk.errors import DioramaInternalError, OutOfDeviceMemory


class ResourceError(DioramaInternalError):
    """A resource was used wrongly; `resource` is its name, `problem` the sentence, `code` is stable."""

    code = "memory.use"

    def __init__(self, resource: str, problem: str) -> None:
        super().__init__(f"error[{self.code}]: {resource}: {problem}")
        self.resource = resource
        self.problem = problem


class UseAfterClose(ResourceError):
    """The resource is used after it was closed or freed."""

    code = "memory.closed"


class DoubleFree(ResourceError):
    """The resource is freed a second time."""

    code = "memory.double_free"


class OutOfBounds(ResourceError, IndexError):
    """A range or region exceeds the resource."""

    code = "memory.bounds"


class WrongArray(ResourceError, ValueError):
    """The dtype or shape of an array does not match the resource."""

    code = "memory.array"


class NotMappable(ResourceError):
    """The memory was requested without host access, or is not mapped now."""

    code = "memory.not_mapped"


class NotReady(ResourceError):
    """The plan that allocates the resource has not been carried out yet."""

    code = "memory.not_ready"


class Overrun(ResourceError):
    """The guard bytes beside the resource were overwritten."""

    code = "memory.overrun"


class StagingFull(ResourceError, MemoryError):
    """Staging is full, and none was released within the timeout."""

    code = "memory.staging_full"


class Unsupported(ResourceError):
    """The device does not support this; `problem` says why."""

    code = "memory.unsupported"


class AtlasFull(ResourceError, MemoryError):
    """The atlas has its maximum number of pages, and nothing in them may be evicted."""

    code = "memory.atlas_full"


class HeapFull(OutOfDeviceMemory):
    """The device refused `size` bytes of `heap` although they were within the budget."""

    def __init__(self, refused: OutOfDeviceMemory, heap: int, size: int) -> None:
        super().__init__(refused.call, refused.result, f"{size} bytes of heap {heap}")
        self.heap = heap
        self.size = size
