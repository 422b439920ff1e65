"""The steps of a schedule: plain data that a device, or its simulation, carries out in order.

Ids are those of the MemoryPlan. `resident.py` checks the preconditions of each step and applies it to pure
state; `engine/memory` carries it out on a device.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import QueueKind

READ = np.dtype([("cache_offset", np.int64), ("staging_offset", np.int64), ("size", np.int64)])
BUFFER_COPY = np.dtype(
    [("staging_offset", np.int64), ("resource", np.int32), ("offset", np.int64), ("size", np.int64)]
)
IMAGE_COPY = np.dtype(
    [
        ("staging_offset", np.int64),
        ("resource", np.int32),
        ("layer", np.int32),
        ("mip", np.int32),
        ("y", np.int32),
        ("width", np.int32),
        ("height", np.int32),
        ("size", np.int64),
    ]
)


@dataclass(frozen=True, eq=False)
class Step:
    """Base of all steps: equal when all fields are equal, arrays by value."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)


@dataclass(frozen=True, eq=False)
class Allocate(Step):
    """vkAllocateMemory. `dedicated_to` is the resource of VkMemoryDedicatedAllocateInfo, or -1.

    A dedicated resource is created before its allocation; all others may come in either order.
    """

    allocation: int
    memory_type: int
    size: int
    dedicated_to: int = -1
    device_address: bool = False
    mapped: bool = False


@dataclass(frozen=True, eq=False)
class CreateBuffer(Step):
    """vkCreateBuffer of `size` bytes, exclusive sharing."""

    resource: int
    size: int
    usage: int


@dataclass(frozen=True, eq=False)
class CreateImage(Step):
    """vkCreateImage, 2D, optimal tiling, initialLayout UNDEFINED."""

    resource: int
    shape: ImageShape
    layers: int
    usage: int


@dataclass(frozen=True, eq=False)
class Bind(Step):
    """vkBindBufferMemory or vkBindImageMemory, once per resource."""

    resource: int
    allocation: int
    offset: int


@dataclass(frozen=True, slots=True)
class Window:
    """A range of a cache file that is mapped while transfers read from it; `offset` and `size` in bytes."""

    db: int
    offset: int
    size: int


@dataclass(frozen=True, eq=False)
class SetWindow(Step):
    """Map paging window `index`: one range per assetDb. No transfer from these may be in flight."""

    index: int
    windows: tuple[Window, ...]


@dataclass(frozen=True, eq=False)
class Transfer(Step):
    """Copy assets of one assetDb: cache -> staging (`reads`), then staging -> device (`*_copies`).

    `staging` is the resource id of the staging buffer. `reads` has dtype READ, the copies BUFFER_COPY and
    IMAGE_COPY (tightly packed rows, bufferRowLength 0; `y`, `width`, `height` in texels of that mip).
    `keys` are the assets that are written, `sizes` the bytes that each receives in this step.
    Layers go from UNDEFINED (at the first write) to TRANSFER_DST and, once complete, to the layout of use.
    """

    db: int
    staging: int
    keys: Int64s
    sizes: Int64s
    reads: NDArray[np.void]
    buffer_copies: NDArray[np.void]
    image_copies: NDArray[np.void]


@dataclass(frozen=True, eq=False)
class Fill(Step):
    """Zero the ranges (or layers) of these keys: vkCmdFillBuffer, vkCmdClearColorImage."""

    keys: Int64s


@dataclass(frozen=True, eq=False)
class ClearStaging(Step):
    """Wait until every transfer out of this staging buffer is complete; then its space is free again."""

    staging: int


@dataclass(frozen=True, eq=False)
class Move(Step):
    """Copy keys on the device from one resource to another; both stay until Publish and Destroy.

    `sources` and `targets` are offsets in bytes for buffers, layers for images; `sizes` in bytes.
    """

    keys: Int64s
    from_resource: int
    to_resource: int
    sources: Int64s
    targets: Int64s
    sizes: Int64s


@dataclass(frozen=True, eq=False)
class Release(Step):
    """Queue family ownership release of the new places of `keys`, from `source` to `target`."""

    keys: Int64s
    source: QueueKind
    target: QueueKind


@dataclass(frozen=True, eq=False)
class Acquire(Step):
    """The matching queue family ownership acquire, on the `target` queue."""

    keys: Int64s
    source: QueueKind
    target: QueueKind


@dataclass(frozen=True, eq=False)
class Publish(Step):
    """From now on users of `keys` use `resources` at `offsets` (bytes, or the layer of an image)."""

    keys: Int64s
    resources: NDArray[np.int32]
    offsets: Int64s


@dataclass(frozen=True, eq=False)
class Withdraw(Step):
    """From now on the places of `keys` in earlier plans are unpublished: users draw with their fallback.

    Those ranges may be overwritten once the frames in flight are complete.
    """

    keys: Int64s


@dataclass(frozen=True, eq=False)
class Destroy(Step):
    """vkDestroyBuffer or vkDestroyImage, once the last use is complete. No key is published in it."""

    resource: int


@dataclass(frozen=True, eq=False)
class Free(Step):
    """vkFreeMemory. No resource is bound to it any more."""

    allocation: int


AnyStep: TypeAlias = (
    Allocate
    | CreateBuffer
    | CreateImage
    | Bind
    | SetWindow
    | Transfer
    | Fill
    | ClearStaging
    | Move
    | Release
    | Acquire
    | Publish
    | Withdraw
    | Destroy
    | Free
)
