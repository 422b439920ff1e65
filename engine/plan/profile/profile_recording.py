"""Records a device: its memory requirements for the images that scenes use become facts of its profile.

A plan made from a recorded profile is exact for images with a fact, and estimated for others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.plan.profile.device_profile import DeviceProfile, ImageFact
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import ImageUsage

_TEXTURE = ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST | ImageUsage.TRANSFER_SRC
_SIZES = ((640, 480), (1280, 720), (1920, 1080))
_SHADOWS = (512, 1024, 2048, 4096)
_COLOURS = (
    Format.R8G8B8A8_SRGB,
    Format.R8G8B8A8_UNORM,
    Format.B8G8R8A8_SRGB,
    Format.B8G8R8A8_UNORM,
    Format.R16G16B16A16_SFLOAT,
)


def recorded(profile: DeviceProfile) -> DeviceProfile:
    """The profile with a fact for each common texture page and attachment, and without `measure`.

    `profile` should be that of a live device; from any other only exact requirements are recorded.
    """
    facts = []
    for shape, layers, usage in _common_images():
        requirements = profile.image_requirements(shape, layers, usage)
        if not requirements.estimated:
            facts.append(ImageFact(shape, layers, usage, requirements))
    return replace(profile, facts=tuple(facts), measure=None, budgets={}, _cache={})


def _common_images() -> Iterator[tuple[ImageShape, int, ImageUsage]]:
    for power in range(13):
        size = 1 << power
        for texel in (Format.R8G8B8A8_UNORM, Format.R8G8B8A8_SRGB):
            for mips in sorted({1, power + 1}):
                for layers in (1, 2, 3, 4):
                    yield ImageShape(texel, size, size, mips), layers, _TEXTURE
    for width, height in _SIZES:
        for samples in (1, 4):
            for texel in _COLOURS:
                shape = ImageShape(texel, width, height, 1, samples)
                for more in (ImageUsage(0), ImageUsage.SAMPLED, ImageUsage.TRANSFER_SRC):
                    yield shape, 1, ImageUsage.COLOR_ATTACHMENT | more
            shape = ImageShape(Format.D32_SFLOAT, width, height, 1, samples)
            yield shape, 1, ImageUsage.DEPTH_STENCIL_ATTACHMENT
    for size in _SHADOWS:
        shape = ImageShape(Format.D32_SFLOAT, size, size)
        yield shape, 1, ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
