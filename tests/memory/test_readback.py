"""A readback leaves no object behind; formats become numpy arrays."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from support.schedules import SHAPE, Written, buffer, image, publish

from engine.memory.readback import picture, picture_bytes, read_buffer, read_image
from engine.memory.streaming.manager import MemoryManager
from engine.memory.texels import texel_dtype
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.vk.binding import constants
from engine.vk.device import Device
from engine.vk.errors import FormatNotSupported, Result, VulkanError
from engine.vk.faults import faults

READ = constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL


@pytest.mark.parametrize(
    ("format", "dtype", "channels"),
    [
        (Format.R8G8B8A8_SRGB, "u1", 4),
        (Format.B8G8R8A8_UNORM, "u1", 4),
        (Format.R16G16B16A16_SFLOAT, "f2", 4),
        (Format.R32_SFLOAT, "f4", 1),
        (Format.D32_SFLOAT, "f4", 1),
        (Format.D16_UNORM, "u2", 1),
        (Format.R16_SINT, "i2", 1),
    ],
)
def test_formats_of_equal_channels_have_a_dtype(format: Format, dtype: str, channels: int) -> None:
    assert texel_dtype(format) == (np.dtype(dtype), channels)


@pytest.mark.parametrize(
    "format", [Format.BC7_SRGB_BLOCK, Format.A2B10G10R10_UNORM_PACK32, Format.D32_SFLOAT_S8_UINT]
)
def test_packed_formats_are_rejected_by_name(format: Format) -> None:
    with pytest.raises(FormatNotSupported, match=format.name):
        texel_dtype(format)


def test_a_picture_is_rows_of_texels() -> None:
    shape = ImageShape(Format.R8G8B8A8_UNORM, 5, 3, 2)
    assert picture_bytes(shape) == 60
    assert picture_bytes(shape, 1) == 2 * 1 * 4
    seen = picture(np.arange(80, dtype=np.uint8), shape)
    assert seen.shape == (3, 5, 4)
    assert seen[2, 1].tolist() == [44, 45, 46, 47]
    assert picture(np.zeros(64, np.uint8), ImageShape(Format.D32_SFLOAT, 4, 4)).shape == (4, 4)


@pytest.mark.gpu
def test_a_readback_leaves_no_object_behind_even_when_a_call_fails(
    device: Device, profile: DeviceProfile
) -> None:
    written = Written().place(1, 2, 0, 256).place(2, 3, 0, 1)
    written.add(*buffer(profile, 2, 256), *image(profile, 3, SHAPE, 1), publish((1, 2, 0), (2, 3, 0)))
    with MemoryManager(device, profile) as manager:
        manager.submit(written)
        manager.settle()
        base = device.handles.counts()
        made, drawn = manager.location(1), manager.location(2)
        assert made is not None
        assert drawn is not None
        nth = 1
        while True:
            with faults.injected(nth, Result.OUT_OF_DEVICE_MEMORY) as injected, suppress(VulkanError):
                read_buffer(device, profile, made.handle, 0, 256)
                read_image(device, profile, drawn.handle, SHAPE, READ)
            assert device.handles.counts() == base
            if not injected.hits:
                break
            nth += 1
        assert nth > 10
