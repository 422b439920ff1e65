"""Updators: scoped writers straight into mapped staging (seed 000).

    with image.updator() as view:      # numpy, the bytes of staging themselves
        decode_into(view)              # no copy in between
    # the copy to the device is scheduled; the staging returns when it is over

Open and close them on any thread. An exception inside the scope schedules nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import lcm
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.memory.device.problems import UseAfterClose
from engine.memory.texels import texel_dtype
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.vulkan_enums import Aspect
from engine.storage.staging_area import Span
from engine.storage.uploads import (
    BufferTarget,
    BufferUpload,
    ImageTarget,
    ImageUpload,
    Staging,
    Upload,
)
from engine.vk.errors import FormatNotSupported


class Updator(ABC):
    """A range of staging that is copied to its target when the scope is left; used once.

    Without `with`: `open` gives the view, `close` schedules the copy, `cancel` does not. One that is
    dropped with its views frees its staging and schedules nothing.
    """

    def __init__(self, staging: Staging, size: int, name: str, timeout_s: float) -> None:
        self.name = name
        self.size = size
        self._staging = staging
        self._timeout_s = timeout_s
        self._span: Span | None = None
        self._view: NDArray[Any] | None = None
        self._is_over = False

    @property
    @abstractmethod
    def alignment(self) -> int:
        """Alignment of the staging offset in bytes."""

    @abstractmethod
    def _shaped(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        """View the bytes as what the target holds."""

    @abstractmethod
    def _copy(self, span: Span) -> Upload:
        """Make the copy that leaving schedules; raises UseAfterClose where the target is closed."""

    @property
    def data(self) -> NDArray[np.uint8]:
        """All bytes of the staging range, padding of rows included, for libraries that take a pitch."""
        if self._span is None:
            raise UseAfterClose(self.name, "the bytes of an updator are asked for that is not open")
        return self._span.view()

    def open(self) -> NDArray[Any]:
        """Allocate staging and return the view. Raises StagingFull on timeout."""
        if self._span is not None or self._is_over:
            raise UseAfterClose(self.name, "an updator is opened a second time")
        staging = self._staging
        self._span = staging.take(staging.uploads, self.size, self.alignment, self.name, self._timeout_s)
        self._view = self._shaped(self._span.view())
        return self._view

    def close(self) -> None:
        """Schedule the copy, once. Raises UseAfterClose, and nothing is scheduled."""
        span = self._leave()
        try:
            copy = self._copy(span)
            self._staging.check_open(f"the updator of {self.name} is closed")
            span.flush()
            span.is_handed_over = True
            self._staging.schedule(copy)
        except BaseException:
            if not self._staging.is_closed:
                self._staging.give(span)
            raise

    def cancel(self) -> None:
        """Free the staging and schedule nothing."""
        self._staging.give(self._leave())

    def __enter__(self) -> NDArray[Any]:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.cancel()

    def _leave(self) -> Span:
        span, view = self._span, self._view
        if span is None or view is None or self._is_over:
            raise UseAfterClose(self.name, "an updator is closed that is not open")
        self._is_over, self._span, self._view = True, None, None
        # A late write through the view would race with the copy: it raises instead.
        view.flags.writeable = False
        return span


class BufferUpdator(Updator):
    """Writes `size` bytes at `offset` of a buffer; the view is [size / itemsize] of `dtype`."""

    def __init__(
        self,
        target: BufferTarget,
        staging: Staging,
        offset: int,
        size: int,
        dtype: DTypeLike = np.uint8,
        timeout_s: float = 10.0,
    ) -> None:
        super().__init__(staging, size, target.name, timeout_s)
        self._target = target
        self._offset = offset
        self._dtype = np.dtype(dtype)

    @property
    def alignment(self) -> int:
        """16 bytes: whole words, and enough for every dtype."""
        return 16

    def _shaped(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        return data if self._dtype == np.uint8 else data.view(self._dtype)

    def _copy(self, span: Span) -> Upload:
        self._target.check_open("its updator is closed")
        return BufferUpload(self._target, span, self._offset)


class ImageUpdator(Updator):
    """Writes a region (x, y, width, height) of one layer's mip.

    The view is [height, width, channels] of the texel's dtype (no channels where there is one), and
    [rows of blocks, blocks, bytes of a block] for packed and compressed formats. Its rows lie
    `staging_row_pitch` bytes apart: pass that to a decoder that writes into it.
    """

    def __init__(
        self,
        target: ImageTarget,
        staging: Staging,
        layer: int,
        mip: int,
        region: tuple[int, int, int, int],
        timeout_s: float = 10.0,
    ) -> None:
        limits = staging.profile.limits
        info = target.shape.format.info
        self.staging_row_pitch = row_pitch(
            target.shape, region[2], limits.optimal_buffer_copy_row_pitch_alignment
        )
        self._rows = -(-region[3] // info.block_height)
        self._optimal = limits.optimal_buffer_copy_offset_alignment
        super().__init__(staging, self.staging_row_pitch * self._rows, target.name, timeout_s)
        self._target = target
        self._place = (layer, mip)
        self._region = region

    @property
    def alignment(self) -> int:
        """A texel block, words for depth and transfer queues, and the device's preferred offset alignment."""
        return lcm(self._target.shape.format.info.block_bytes, 4, self._optimal)

    @property
    def row_length(self) -> int:
        """The length of a staging row in texels (VkBufferImageCopy2::bufferRowLength)."""
        info = self._target.shape.format.info
        return self.staging_row_pitch // info.block_bytes * info.block_width

    def _shaped(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        table = data.reshape(self._rows, self.staging_row_pitch)
        shape, width = self._target.shape, self._region[2]
        dtype, tail = texel_view(shape)
        if dtype is None:
            info = shape.format.info
            blocks = -(-width // info.block_width)
            return table[:, : blocks * info.block_bytes].reshape(self._rows, blocks, info.block_bytes)
        texels = table[:, : width * shape.format.info.block_bytes].view(dtype)
        return texels.reshape(self._rows, width, *tail)

    def _copy(self, span: Span) -> Upload:
        self._target.check_open("its updator is closed")
        return ImageUpload(self._target, span, *self._place, self._region, self.row_length)


def row_pitch(shape: ImageShape, width: int, preferred: int) -> int:
    """Bytes from row to row in staging: whole texel blocks, a multiple of `preferred`.

    A depth aspect is copied as such: D24 and stencil formats are not staged.
    """
    info = shape.format.info
    tight = -(-width // info.block_width) * info.block_bytes
    step = lcm(info.block_bytes, max(preferred, 1))
    return -(-tight // step) * step


def texel_view(shape: ImageShape) -> tuple[np.dtype[Any] | None, tuple[int, ...]]:
    """(dtype of a channel, trailing axes) of an image's views; None for packed and compressed formats."""
    if shape.format.info.aspect & Aspect.STENCIL:
        return None, ()
    try:
        dtype, channels = texel_dtype(shape.format)
    except FormatNotSupported:
        return None, ()
    return dtype, (channels,) if channels > 1 else ()
