"""Copies between staging and resources that wait to be recorded, and recording them in few commands.

Adjacent ranges become one region, and regions of one target one command. Where two uploads of a batch write
to the same bytes the later one wins, behind a barrier (vkCmdCopyBuffer-12482).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.memory.commands.barriers import AFTER, BEFORE, TARGET, after, barrier, before, image_barriers
from engine.memory.commands.structures import as_pointer, rows
from engine.memory.device.objects import LiveResource, aspect
from engine.memory.readback import record_buffer, record_image
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.storage.staging_area import Span, StagingArea
from engine.vk.binding import REMAINING
from engine.vk.commands import Commands
from engine.vk.structs import new

TARGET_CLOSED = -1
"""The resource set of a copy whose target was closed before it was recorded; 0 while it waits."""


class BufferTarget(Protocol):
    """A buffer that bytes are copied to or from."""

    name: str

    @property
    def handle(self) -> Any:
        """The VkBuffer. Raises UseAfterClose, NotReady."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed: copies that were not recorded yet are dropped."""

    def check_open(self, doing: str) -> None:
        """Raise UseAfterClose where it is closed."""


class ImageTarget(Protocol):
    """An image that texels are copied to or from; `layout` is set to `rest_layout` after uploads."""

    name: str
    shape: ImageShape
    layout: int
    rest_layout: int

    @property
    def handle(self) -> Any:
        """The VkImage. Raises UseAfterClose, NotReady."""

    @property
    def live(self) -> LiveResource:
        """Describe it for barriers."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed: copies that were not recorded yet are dropped."""

    def check_open(self, doing: str) -> None:
        """Raise UseAfterClose where it is closed."""


@dataclass(slots=True, eq=False)
class BufferUpload:
    """Staging -> `span.size` bytes at `offset`."""

    target: BufferTarget
    span: Span
    offset: int
    set_id: int = 0

    @property
    def box(self) -> tuple[int, int, int, int, int]:
        """Written box: (subresource, left, top, right, bottom)."""
        return 0, self.offset, 0, self.offset + self.span.size, 1


@dataclass(slots=True, eq=False)
class ImageUpload:
    """Staging -> a region (x, y, width, height in texels) of a layer's mip.

    `row_length` is the staging row in texels, padding included.
    """

    target: ImageTarget
    span: Span
    layer: int
    mip: int
    region: tuple[int, int, int, int]
    row_length: int
    set_id: int = 0

    @property
    def box(self) -> tuple[int, int, int, int, int]:
        """Written box: (subresource, left, top, right, bottom)."""
        x, y, width, height = self.region
        return self.layer << 6 | self.mip, x, y, x + width, y + height


@dataclass(slots=True, eq=False)
class BufferDownload:
    """`span.size` bytes at `offset` -> staging."""

    target: BufferTarget
    span: Span
    offset: int
    set_id: int = 0


@dataclass(slots=True, eq=False)
class ImageDownload:
    """One layer's mip -> staging, tightly packed."""

    target: ImageTarget
    span: Span
    layer: int
    mip: int
    set_id: int = 0


Upload = BufferUpload | ImageUpload
Download = BufferDownload | ImageDownload
Copy = Upload | Download


class Staging(Protocol):
    """Space for copies, as updators and downloads use it; StagingMemoryManager is the one there is."""

    profile: DeviceProfile
    uploads: StagingArea
    downloads: StagingArea

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""

    def check_open(self, doing: str) -> None:
        """Raise UseAfterClose where it is closed."""

    def take(self, area: StagingArea, size: int, alignment: int, name: str, timeout_s: float = 10.0) -> Span:
        """Hand out a range. Raises StagingFull where none comes free in time."""

    def schedule(self, copy: Copy) -> None:
        """Have a copy sent with the next submit."""

    def is_released(self, set_id: int) -> bool:
        """Whether the copies of a resource set are over."""

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Send everything scheduled and wait for it; False where it takes longer."""

    def give(self, span: Span) -> None:
        """Return a range that no copy uses."""

    def give_after(self, span: Span, copy: Copy) -> None:
        """Return a range once `copy` does not use it any more."""


def record_copies(vk: Commands, commands: Any, copies: list[Copy]) -> None:
    """Record copies; their order is kept wherever it changes the result."""
    for _, run in groupby(copies, lambda copy: isinstance(copy, Upload)):
        uploads: list[Upload] = []
        for copy in run:
            if isinstance(copy, Upload):
                uploads.append(copy)
            else:
                _record_download(vk, commands, copy)
        for batch in _rounds(uploads):
            _record_uploads(vk, commands, batch)


def _rounds(copies: list[Upload]) -> list[list[Upload]]:
    """Split into batches in which no two write to the same place; a later write lies in a later one."""
    if not copies:
        return []
    groups: dict[tuple[int, int], list[int]] = {}
    boxes = np.array([copy.box for copy in copies], np.int64)
    for index, copy in enumerate(copies):
        groups.setdefault((id(copy.target), int(boxes[index, 0])), []).append(index)
    level = np.zeros(len(copies), np.int64)
    for members in groups.values():
        if len(members) > 1 and not (_apart(boxes[members], 1) or _apart(boxes[members], 2)):
            _order(boxes, level, np.array(members))
    return [
        [copies[index] for index in np.flatnonzero(level == number)] for number in range(int(level.max()) + 1)
    ]


def _apart(boxes: NDArray[np.int64], axis: int) -> bool:
    """Whether no two boxes overlap along an axis."""
    order = boxes[np.argsort(boxes[:, axis], kind="stable")]
    return bool((order[1:, axis] >= order[:-1, axis + 2]).all())


def _order(boxes: NDArray[np.int64], level: NDArray[np.int64], members: NDArray[np.int64]) -> None:
    """Raise the level of each box above those of earlier boxes that it overlaps."""
    _sub, left, top, right, bottom = boxes[members].T
    for at in range(1, len(members)):
        meets = (left[:at] < right[at]) & (left[at] < right[:at])
        meets &= (top[:at] < bottom[at]) & (top[at] < bottom[:at])
        if meets.any():
            level[members[at]] = level[members[:at]][meets].max() + 1


def _record_uploads(vk: Commands, commands: Any, copies: list[Upload]) -> None:
    by_target: dict[int, list[Upload]] = {}
    for copy in copies:
        by_target.setdefault(id(copy.target), []).append(copy)
    images = [copies_of[0] for copies_of in by_target.values() if isinstance(copies_of[0], ImageUpload)]
    barrier(vk, commands, before, _whole(images, to_target=True))
    for copies_of in by_target.values():
        if isinstance(copies_of[0], BufferUpload):
            _copy_to_buffer(vk, commands, [copy for copy in copies_of if isinstance(copy, BufferUpload)])
        else:
            _copy_to_image(vk, commands, [copy for copy in copies_of if isinstance(copy, ImageUpload)])
    barrier(vk, commands, after, _whole(images, to_target=False))
    for copy in images:
        copy.target.layout = copy.target.rest_layout


def _whole(images: list[ImageUpload], *, to_target: bool) -> NDArray[np.void]:
    """Make a barrier for all of each image: to TRANSFER_DST, or to its rest layout."""
    made = image_barriers([(row.target.live, 0) for row in images], 0, 0, BEFORE if to_target else AFTER)
    for row, upload in zip(made, images, strict=True):
        image = upload.target
        row["oldLayout"] = image.layout if to_target else TARGET
        row["newLayout"] = TARGET if to_target else image.rest_layout
        row["subresourceRange"]["layerCount"] = REMAINING
    return made


def _copy_to_buffer(vk: Commands, commands: Any, copies: list[BufferUpload]) -> None:
    spans = sorted((copy.span.offset, copy.offset, copy.span.size) for copy in copies)
    source, target, size = np.array(spans, np.int64).T
    joins = (source[1:] == source[:-1] + size[:-1]) & (target[1:] == target[:-1] + size[:-1])
    first = np.flatnonzero(np.concatenate([[True], ~joins]))
    regions = rows("VkBufferCopy2", len(first))
    regions["srcOffset"], regions["dstOffset"] = source[first], target[first]
    regions["size"] = np.add.reduceat(size, first)
    info = new(
        "VkCopyBufferInfo2",
        srcBuffer=copies[0].span.buffer,
        dstBuffer=copies[0].target.handle,
        regionCount=len(regions),
        pRegions=as_pointer("VkBufferCopy2", regions),
    )
    vk.vkCmdCopyBuffer2(commands, info)


def _copy_to_image(vk: Commands, commands: Any, copies: list[ImageUpload]) -> None:
    image = copies[0].target
    regions = rows("VkBufferImageCopy2", len(copies))
    for row, copy in zip(regions, copies, strict=True):
        x, y, width, height = copy.region
        row["bufferOffset"], row["bufferRowLength"] = copy.span.offset, copy.row_length
        place, offset, extent = row["imageSubresource"], row["imageOffset"], row["imageExtent"]
        place["aspectMask"], place["mipLevel"] = aspect(image.shape), copy.mip
        place["baseArrayLayer"], place["layerCount"] = copy.layer, 1
        offset["x"], offset["y"] = x, y
        extent["width"], extent["height"], extent["depth"] = width, height, 1
    info = new(
        "VkCopyBufferToImageInfo2",
        srcBuffer=copies[0].span.buffer,
        dstImage=image.handle,
        dstImageLayout=TARGET,
        regionCount=len(copies),
        pRegions=as_pointer("VkBufferImageCopy2", regions),
    )
    vk.vkCmdCopyBufferToImage2(commands, info)


def _record_download(vk: Commands, commands: Any, copy: Download) -> None:
    target = (copy.span.buffer, copy.span.offset)
    if isinstance(copy, BufferDownload):
        record_buffer(vk, commands, (copy.target.handle, copy.offset), target, copy.span.size)
    else:
        image = copy.target
        record_image(
            vk, commands, image.handle, image.shape, image.layout, target, layer=copy.layer, mip=copy.mip
        )
