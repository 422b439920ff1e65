"""Samplers: equal configurations share one VkSampler, which the last release destroys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.plan.terms.drawing import CompareOp
from engine.vk.device import Device
from engine.vk.enums import AdapterType, AddressMode, BorderColor, Filter, MipmapMode
from engine.vk.errors import DioramaInternalError
from engine.vk.structs import new


@dataclass(frozen=True, slots=True)
class SamplerConfig:
    """The configuration of a sampler.

    `anisotropy` 0 is off; it is clamped to the device's limit. `compare` is the operator of a depth
    comparison, None for none.
    """

    mag_filter: Filter = Filter.LINEAR
    min_filter: Filter = Filter.LINEAR
    mip_filter: MipmapMode = MipmapMode.LINEAR
    address_u: AddressMode = AddressMode.REPEAT
    address_v: AddressMode = AddressMode.REPEAT
    address_w: AddressMode = AddressMode.REPEAT
    anisotropy: float = 0.0
    compare: CompareOp | None = None
    border: BorderColor = BorderColor.FLOAT_OPAQUE_BLACK
    min_lod: float = 0.0
    max_lod: float = 1000.0  # VK_LOD_CLAMP_NONE


class SamplerPool:
    """Owns all samplers and counts their users.

    A device in software gets none with anisotropy: it takes five times as long for a frame of scenes/lod.hu.
    """

    def __init__(self, device: Device, max_anisotropy: float = 16.0) -> None:
        self._device = device
        is_software = device.adapter.type is AdapterType.CPU
        has_anisotropy = "samplerAnisotropy" in device.features and not is_software
        self._max_anisotropy = max_anisotropy if has_anisotropy else 0.0
        self._samplers: dict[SamplerConfig, tuple[Any, int]] = {}

    def __len__(self) -> int:
        return len(self._samplers)

    def users(self, config: SamplerConfig) -> int:
        """How many users have acquired this configuration and not released it."""
        return self._samplers.get(config, (None, 0))[1]

    def acquire(self, config: SamplerConfig, *, why: str = "") -> Any:
        """Return the VkSampler of this configuration; every call needs a `release`."""
        handle, users = self._samplers.get(config) or (self._create(config, why), 0)
        self._samplers[config] = (handle, users + 1)
        return handle

    def release(self, config: SamplerConfig) -> None:
        """Release one use; the last one destroys the sampler, so no frame in flight may use it.

        Raises DioramaInternalError where nobody holds this configuration.
        """
        if config not in self._samplers:
            raise DioramaInternalError(f"a sampler is released that was not acquired: {config}")
        handle, users = self._samplers[config]
        if users > 1:
            self._samplers[config] = (handle, users - 1)
        else:
            del self._samplers[config]
            self._device.destroy("Sampler", handle)

    def close(self) -> None:
        """Destroy all samplers, once."""
        while self._samplers:
            self._device.destroy("Sampler", self._samplers.popitem()[1][0])

    def _create(self, config: SamplerConfig, why: str) -> Any:
        anisotropy = min(config.anisotropy, self._max_anisotropy)
        info = new(
            "VkSamplerCreateInfo",
            magFilter=config.mag_filter,
            minFilter=config.min_filter,
            mipmapMode=config.mip_filter,
            addressModeU=config.address_u,
            addressModeV=config.address_v,
            addressModeW=config.address_w,
            anisotropyEnable=anisotropy > 1.0,
            maxAnisotropy=max(anisotropy, 1.0),
            compareEnable=config.compare is not None,
            compareOp=config.compare or CompareOp.NEVER,
            minLod=config.min_lod,
            maxLod=config.max_lod,
            borderColor=config.border,
        )
        return self._device.create("Sampler", info, name="sampler", why=why)
