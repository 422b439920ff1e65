"""Texture: an image together with its view and a shared sampler."""

from __future__ import annotations

from typing import Any

from engine.memory.device.samplers import SamplerConfig
from engine.storage.resources.image import Image
from engine.storage.resources.resource import Owner, Resource


class Texture(Resource):
    """Owns `image`, and one use of the VkSampler of `config` in the pool."""

    def __init__(self, owner: Owner, image: Image, config: SamplerConfig, name: str, why: str) -> None:
        samplers = owner.samplers
        sampler = samplers.acquire(config, why=why)
        super().__init__(owner, name, why, [lambda: samplers.release(config)])
        self.image = image
        self.config = config
        self._sampler = sampler

    @property
    def sampler(self) -> Any:
        """The VkSampler."""
        self.check_open("its sampler is asked for")
        return self._sampler

    @property
    def view(self) -> Any:
        """The VkImageView."""
        self.check_open("its view is asked for")
        return self.image.view

    def close(self) -> None:
        """Release image, view and sampler after their last use. Raises DoubleFree the second time."""
        super().close()
        self.image.close()
