"""Copies images and buffers from the device to numpy.

For a readback in every frame, plan a host-visible buffer: `record_image` and `record_buffer` copy into it,
and `picture` views its bytes. For a single one (a screenshot, a test), `read_image` and `read_buffer`
allocate memory and free it before they return, so that planned and live bytes stay equal.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.commands.barriers import AFTER, BEFORE, SOURCE, after, barrier, before, image_barriers
from engine.memory.commands.recorder import Recorder
from engine.memory.device.live_profile import DeviceMeasure, buffer_info
from engine.memory.device.objects import LiveResource, aspect
from engine.memory.texels import copied_bytes, texel_dtype, unpacked
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.vocabulary import BufferUsage, Kind, MemoryProperty
from engine.vk.commands import Commands
from engine.vk.device import Device
from engine.vk.errors import DioramaInternalError
from engine.vk.structs import new

_VISIBLE = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT


def picture_bytes(shape: ImageShape, mip: int = 0) -> int:
    """Return the bytes of one mip of one layer, tightly packed."""
    dtype, channels = texel_dtype(shape.format)
    height, width = _extent(shape, mip)
    return height * width * channels * dtype.itemsize


def picture(data: NDArray[np.uint8], shape: ImageShape, mip: int = 0) -> NDArray[Any]:
    """View bytes as [height, width, channels] ([height, width] for one channel), top row first."""
    dtype, channels = texel_dtype(shape.format)
    tail = (channels,) if channels > 1 else ()
    return data[: picture_bytes(shape, mip)].view(dtype).reshape(*_extent(shape, mip), *tail)


def record_image(
    vk: Commands,
    commands: Any,
    image: Any,
    shape: ImageShape,
    layout: int,
    target: tuple[Any, int],
    *,
    layer: int = 0,
    mip: int = 0,
) -> None:
    """Record a copy from an image to (buffer, offset); the image is in `layout` before and after.

    The image needs TRANSFER_SRC, the buffer TRANSFER_DST, the offset must be a multiple of the texel size.
    """
    layers = [(LiveResource(-1, Kind.IMAGE, image, 0, 0, shape, layer + 1), layer)]
    barrier(vk, commands, before, image_barriers(layers, layout, SOURCE, BEFORE))
    height, width = _extent(shape, mip)
    region = new(
        "VkBufferImageCopy2",
        bufferOffset=target[1],
        imageSubresource=(aspect(shape), mip, layer, 1),
        imageExtent=(width, height, 1),
    )
    info = new(
        "VkCopyImageToBufferInfo2",
        srcImage=image,
        srcImageLayout=SOURCE,
        dstBuffer=target[0],
        pRegions=[region],
    )
    vk.vkCmdCopyImageToBuffer2(commands, info)
    barrier(vk, commands, after, image_barriers(layers, SOURCE, layout, AFTER))


def record_buffer(
    vk: Commands, commands: Any, source: tuple[Any, int], target: tuple[Any, int], size: int
) -> None:
    """Record a copy of `size` bytes from (buffer, offset) to (buffer, offset)."""
    barrier(vk, commands, before)
    region = new("VkBufferCopy2", srcOffset=source[1], dstOffset=target[1], size=size)
    info = new("VkCopyBufferInfo2", srcBuffer=source[0], dstBuffer=target[0], pRegions=[region])
    vk.vkCmdCopyBuffer2(commands, info)
    barrier(vk, commands, after)


def read_image(
    device: Device,
    profile: DeviceProfile,
    image: Any,
    shape: ImageShape,
    layout: int,
    *,
    layer: int = 0,
    mip: int = 0,
) -> NDArray[Any]:
    """Copy one mip of one layer to a new array, see `unpacked`; waits for everything submitted before."""

    def record(vk: Commands, commands: Any, buffer: Any) -> None:
        record_image(vk, commands, image, shape, layout, (buffer, 0), layer=layer, mip=mip)

    height, width = _extent(shape, mip)
    size = height * width * copied_bytes(shape.format)
    return unpacked(read_back(device, profile, size, record), shape.format, height, width)


def read_buffer(
    device: Device, profile: DeviceProfile, buffer: Any, offset: int, size: int
) -> NDArray[np.uint8]:
    """Copy a range of a buffer to a new array; waits for everything submitted before."""

    def record(vk: Commands, commands: Any, target: Any) -> None:
        record_buffer(vk, commands, (buffer, offset), (target, 0), size)

    return read_back(device, profile, size, record)


def read_back(
    device: Device,
    profile: DeviceProfile,
    size: int,
    record: Callable[[Commands, Any, Any], None],
    usage: BufferUsage = BufferUsage.TRANSFER_DST,
) -> NDArray[np.uint8]:
    """Return what the commands that `record` records write into a buffer of `size` bytes."""
    with ExitStack() as stack:
        recorder = Recorder(device, device.graphics, "readback")
        stack.callback(recorder.close)
        needs = DeviceMeasure(device).buffer(size, usage)
        chosen = _memory_type(profile, needs.type_bits)
        info = new("VkMemoryAllocateInfo", allocationSize=needs.size, memoryTypeIndex=chosen)
        memory = device.create("DeviceMemory", info, name="readback", why="readback")
        stack.callback(device.destroy, "DeviceMemory", memory)
        info = buffer_info(size, usage)
        buffer = device.create("Buffer", info, name="readback", why="readback")
        stack.callback(device.destroy, "Buffer", buffer)
        place = new("VkBindBufferMemoryInfo", buffer=buffer, memory=memory)
        device.call("vkBindBufferMemory2", device.handle, 1, place)
        mapped = device.map(memory, needs.size)
        stack.callback(recorder.drain)
        record(device.vk, recorder.commands(), buffer)
        if not recorder.timeline.wait(recorder.submit()):
            raise DioramaInternalError("a readback did not complete in time")
        return np.frombuffer(mapped, np.uint8)[:size].copy()


def _memory_type(profile: DeviceProfile, type_bits: int) -> int:
    fitting = [
        index
        for index, row in enumerate(profile.memory_types)
        if type_bits >> index & 1 and row.properties & _VISIBLE == _VISIBLE
    ]
    # Reading uncached memory is many times slower.
    cached = [i for i in fitting if profile.memory_types[i].properties & MemoryProperty.HOST_CACHED]
    return (cached or fitting)[0]


def _extent(shape: ImageShape, mip: int) -> tuple[int, int]:
    return max(shape.height >> mip, 1), max(shape.width >> mip, 1)
