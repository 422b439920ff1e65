"""MemoryAllocator and MemoryAllocation: one interface over planned and over free-standing memory.

An allocation is a VkBuffer or VkImage together with its memory: in a running scene the steps of a
schedule make and bind both, so memory never exists without its resource. Seed 001
(Merian) names the interfaces and the mapping kinds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.vocabulary import Kind, MemoryProperty
from engine.storage.allocators.statistics import AllocatorStatistics


class MemoryMapping(Enum):
    """How the host reaches memory; the value is (required, preferred) properties.

    RANDOM reads and writes (cached where the device has that), SEQUENTIAL_WRITE writes in order and never
    reads (reading such memory may be a hundred times slower).
    """

    NONE = (MemoryProperty(0), MemoryProperty.DEVICE_LOCAL)
    HOST_ACCESS_RANDOM = (
        MemoryProperty.HOST_VISIBLE,
        MemoryProperty.HOST_CACHED | MemoryProperty.HOST_COHERENT,
    )
    HOST_ACCESS_SEQUENTIAL_WRITE = (MemoryProperty.HOST_VISIBLE, MemoryProperty.HOST_COHERENT)

    @property
    def required(self) -> MemoryProperty:
        """Properties that the memory type must have."""
        return self.value[0]

    @property
    def preferred(self) -> MemoryProperty:
        """Properties that it should have."""
        return self.value[1]


class MemoryAllocation(ABC):
    """Memory with the resource bound to it; its requester owns it and frees it once.

    Attributes
    ----------
    name : str
        What debuggers and errors call it.
    kind : Kind
        Whether a buffer or an image is bound to it.
    size : int
        Bytes that the resource may use.
    mapping : MemoryMapping
        How the host may reach it.
    """

    name: str
    kind: Kind
    size: int
    mapping: MemoryMapping

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether the memory exists: at once, or once its plan has been carried out."""

    @property
    @abstractmethod
    def handle(self) -> Any:
        """The VkBuffer or VkImage; raises NotReady or UseAfterClose."""

    @property
    @abstractmethod
    def is_initialised(self) -> bool:
        """Whether an image is already in SHADER_READ_ONLY_OPTIMAL, by the plan's executor."""

    @abstractmethod
    def map(self) -> NDArray[np.uint8]:
        """View the `size` bytes; every call needs an `unmap`. Raises NotMappable."""

    @abstractmethod
    def unmap(self) -> None:
        """End one `map`; views of it must not be used any more."""

    @abstractmethod
    def flush(self, offset: int = 0, size: int | None = None) -> None:
        """Make host writes to these bytes visible to later submits, where the memory is not coherent."""

    @abstractmethod
    def invalidate(self, offset: int = 0, size: int | None = None) -> None:
        """Make finished device writes to these bytes visible to the host, likewise."""

    @abstractmethod
    def free(self) -> None:
        """Destroy the resource and free its memory; no device work may use it."""


class MemoryAllocator(ABC):
    """Gives buffers and images their memory; close it after everything that was allocated."""

    @abstractmethod
    def allocate_buffer(
        self,
        size: int,
        usage: int,
        mapping: MemoryMapping = MemoryMapping.NONE,
        *,
        name: str = "buffer",
        why: str = "",
        dedicated: bool = False,
    ) -> MemoryAllocation:
        """Make a VkBuffer of `size` bytes with its memory. Raises OutOfDeviceMemory, nothing left behind."""

    @abstractmethod
    def allocate_image(
        self,
        shape: ImageShape,
        layers: int,
        usage: int,
        *,
        name: str = "image",
        why: str = "",
        dedicated: bool = False,
    ) -> MemoryAllocation:
        """Make an optimal 2D VkImage with its memory, as `allocate_buffer` does."""

    @abstractmethod
    def statistics(self) -> AllocatorStatistics:
        """Account for every byte, as of now."""

    @abstractmethod
    def close(self) -> None:
        """Free everything, once; `leaks` names the allocations that were still live."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
