"""Fixtures: a device with all validation, its profile, caches, memory managers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from support.gpu import checked_device
from support.resources import resources_on

from engine.memory.device.live_profile import live_profile
from engine.memory.streaming.manager import Pace
from engine.plan.profile.device_profile import DeviceProfile
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.vk.device import Device


@pytest.fixture
def device() -> Iterator[Device]:
    with checked_device() as made:
        yield made


@pytest.fixture
def profile(device: Device) -> DeviceProfile:
    return live_profile(device)


@pytest.fixture
def cache() -> NDArray[np.uint8]:
    """The content of a cache file: 4 MiB of noise, the same every time."""
    return np.random.default_rng(7).integers(0, 256, 4 << 20, np.uint8)


@pytest.fixture(params=[False, True], ids=["staged", "direct"])
def pace(request: pytest.FixtureRequest) -> Pace:
    """Whether buffers are uploaded through staging, or written directly."""
    return Pace(direct=request.param, milliseconds=1e3)


@pytest.fixture
def resources(device: Device, profile: DeviceProfile) -> Iterator[ResourceAllocator]:
    """Make resources over guarded memory, with one MiB of staging each way."""
    with resources_on(device, profile, upload_bytes=1 << 20, download_bytes=1 << 20) as allocator:
        yield allocator
