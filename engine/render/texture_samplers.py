"""The samplers of textures: one VkSampler for each way to sample that a scene has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.assets import Sampling, TextureFilter, Wrap
from engine.memory.device.samplers import SamplerConfig, SamplerPool
from engine.vk.enums import AddressMode, Filter

ANISOTROPY = 8.0
_ADDRESS_MODES = {
    Wrap.REPEAT: AddressMode.REPEAT,
    Wrap.CLAMP: AddressMode.CLAMP_TO_EDGE,
    Wrap.MIRROR: AddressMode.MIRRORED_REPEAT,
}


def texture_sampler(sampling: Sampling, *, mipped: bool) -> SamplerConfig:
    """Return the configuration of a sampler of textures.

    Texels that are smaller than pixels are mixed even where larger ones are not, if there are mip levels.
    """
    is_nearest = sampling.filter is TextureFilter.NEAREST
    across, along = (_ADDRESS_MODES[wrap] for wrap in sampling.wrap)
    return SamplerConfig(
        mag_filter=Filter.NEAREST if is_nearest else Filter.LINEAR,
        min_filter=Filter.NEAREST if is_nearest and not mipped else Filter.LINEAR,
        address_u=across,
        address_v=along,
        anisotropy=ANISOTROPY if mipped and not is_nearest else 0.0,
    )


@dataclass(frozen=True, slots=True)
class TextureSamplers:
    """The VkSamplers of textures, by how they are sampled; each is made when it is first asked for.

    They have anisotropy for images with mip levels, unless texels are shown as they are, and none for all
    others. Along the line of anisotropy a texel of a finer level is taken. Where there is none, every sample
    would read far apart texels of a large image. Devices in software have none of it (`SamplerPool`).
    """

    pool: SamplerPool
    _made: dict[tuple[int, bool], Any] = field(default_factory=dict)

    def of(self, number: int, *, mipped: bool) -> Any:
        """Return the VkSampler of a `Sampling`, for images with mip levels or with one level."""
        known = number, mipped
        if known not in self._made:
            why = "materials" if mipped else "materials whose textures have no mip levels"
            self._made[known] = self.pool.acquire(
                texture_sampler(Sampling.numbered(number), mipped=mipped), why=why
            )
        return self._made[known]
