"""Equal sampler configurations share one VkSampler."""

from __future__ import annotations

import pytest

from engine.memory.device.samplers import SamplerConfig, SamplerPool
from engine.vk.binding import constants
from engine.vk.device import Device
from engine.vk.errors import DioramaInternalError

pytestmark = pytest.mark.gpu


def test_equal_configurations_share_one_sampler(device: Device) -> None:
    pool = SamplerPool(device)
    base = device.handles.counts().get("Sampler", 0)
    first = pool.acquire(SamplerConfig(anisotropy=8.0))
    assert pool.acquire(SamplerConfig(anisotropy=8.0)) == first
    shadow = pool.acquire(SamplerConfig(compare=constants.VK_COMPARE_OP_GREATER_OR_EQUAL))
    assert shadow != first
    assert len(pool) == 2
    assert pool.users(SamplerConfig(anisotropy=8.0)) == 2
    assert device.handles.counts()["Sampler"] == base + 2
    pool.close()
    assert device.handles.counts().get("Sampler", 0) == base


def test_the_last_release_destroys_the_sampler(device: Device) -> None:
    pool = SamplerPool(device)
    config = SamplerConfig(mag_filter=constants.VK_FILTER_NEAREST)
    for number in (32, 17):
        for _ in range(number):
            pool.acquire(config)
        for left in range(number, 0, -1):
            assert device.handles.counts()["Sampler"] == 1
            assert pool.users(config) == left
            pool.release(config)
        assert "Sampler" not in device.handles.counts()
    with pytest.raises(DioramaInternalError, match="not acquired"):
        pool.release(config)
    pool.close()
