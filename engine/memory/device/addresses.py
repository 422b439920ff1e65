"""Addresses of keys on the device, and the memory manager's statistics, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.vocabulary import Kind


@dataclass(frozen=True, slots=True, eq=False)
class Location:
    """The published address of a key.

    Attributes
    ----------
    handle : VkBuffer or VkImage
    offset, size, stride : int
        In bytes: begin of the range (0 for images), length with all copies, distance between copies.
    layer : int
        First layer in the image; 0 for buffers.
    view : VkImageView
        Default view: 2D array of all layers for sampled images, cube for cubes, 2D for attachments; NULL for
        buffers.
    mapped : uint8[size] or None
        The bytes, if the memory is mapped. Copies that no frame in flight reads may be written.
    """

    key: int
    kind: Kind
    resource: int
    handle: Any
    offset: int
    size: int
    stride: int
    layer: int
    view: Any
    mapped: NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of a memory manager's work since it was created; `bytes_…` are bytes."""

    steps: int = 0
    cycles: int = 0
    transfers: int = 0
    bytes_uploaded: int = 0
    bytes_direct: int = 0  # of these, written without staging, padding included
    moves: int = 0
    bytes_moved: int = 0
    published: int = 0
    held_back: int = 0  # calls of `advance` that ended early because the device or a thread was not ready


LIVE_ALLOCATION = np.dtype(
    [
        ("id", np.int32),
        ("memory_type", np.int32),
        ("size", np.int64),
        ("dedicated", np.bool_),
        ("mapped", np.bool_),
    ]
)
LIVE_RESOURCE = np.dtype(
    [
        ("id", np.int32),
        ("allocation", np.int32),
        ("kind", np.int8),
        ("offset", np.int64),
        ("size", np.int64),  # bytes of the allocation that it occupies
        ("usage", np.uint32),
        ("layers", np.int32),
    ]
)
LIVE_SUBRESOURCE = np.dtype(
    [
        ("key", np.int64),
        ("resource", np.int32),
        ("offset", np.int64),  # bytes, or the layer
        ("size", np.int64),
        ("stride", np.int64),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class LiveTable:
    """All live objects as sorted columns: dtypes LIVE_ALLOCATION, LIVE_RESOURCE, LIVE_SUBRESOURCE."""

    allocations: NDArray[np.void]
    resources: NDArray[np.void]
    subresources: NDArray[np.void]
