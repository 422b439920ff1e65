"""Images of a frame: their declarations, and how shaders sample them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from engine.graph.declarations import is_name
from engine.plan.terms.formats import Format


class Samples(Enum):
    """Samples of an image: one, or as many as the frame has (at most what the device profile allows)."""

    ONE = 1
    FRAME = 4


MAX_SCALE = 1 << 14


@dataclass(frozen=True)
class Extent:
    """The size of an image: `scale` times the target's size, or fixed `width` and `height` in texels."""

    scale: float = 1.0
    width: int = 0
    height: int = 0

    @property
    def fault(self) -> str:
        """Why there is no such size; empty where there may be one."""
        if self.scale <= 0 or self.scale > MAX_SCALE:
            return f"has a scale of {self.scale:g}: more than 0, up to {MAX_SCALE} is possible"
        if min(self.width, self.height) < 0 or (self.width == 0) != (self.height == 0):
            size = f"{self.width} x {self.height} texels"
            return f"is {size}: both are at least 1, or 0 for a part of the picture's size"
        return ""

    def resolve(self, target: tuple[int, int]) -> tuple[int, int]:
        """Return (width, height) in texels for a target of that size; a scaled size is at least 1."""
        if self.width:
            return self.width, self.height
        return max(1, round(target[0] * self.scale)), max(1, round(target[1] * self.scale))


def _can_be_written(form: Format) -> bool:
    """Whether some device draws or writes texels of a format."""
    if form is Format.UNDEFINED or form.info.block_width > 1:
        return False
    return form is not Format.E5B9G9R9_UFLOAT_PACK32 and not form.name.startswith("R32G32B32_")


@dataclass(frozen=True)
class ImageDecl:
    """An image of a frame. All declarations of one name must be equal.

    Several passes may draw into it. The first of them in a frame clears it to `clear` (for depth the first
    number; depth is reversed: 0 is far), the later ones draw over what is there. Of an image with several
    samples, passes that read it read the average of them (for depth the first sample).

    Passes draw into one layer and mip level at a time. An image with several layers or levels is read as a
    whole, so that passes must write all of them; it has one sample. Of an `array` only those who write it
    declare how many layers it has, which may be one. A `cube` has six layers, its faces towards +x, -x, +y,
    -y, +z and -z (`engine.math.cube_views`), each as wide as high in texels; shaders read it as samplerCube.

    Of an image with `history` passes may also read what the last frame has drawn (ImageRead.previous): it is
    there twice then, and the two change places from frame to frame. Where the image is new, in the first
    frame or one of another size, that is zeros.
    """

    name: str
    format: Format
    extent: Extent = Extent()
    samples: Samples = Samples.ONE
    clear: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    layers: int = 1
    mip_levels: int = 1
    array: bool = False
    cube: bool = False
    history: bool = False

    @property
    def is_array(self) -> bool:
        """Whether shaders read it as an array: with several layers, or where `array` says so of one."""
        return self.array or self.layers > 1

    def is_like(self, other: ImageDecl) -> bool:
        """Whether it may be read as `other` is written: they are equal, but for the layers of an array."""
        return self == (replace(other, layers=self.layers) if other.array else other)

    @property
    def fault(self) -> str:
        """Why there is no such image; empty where there may be one."""
        if not is_name(self.name):
            return f"has the name {self.name!r}, which cannot be printed"
        if not _can_be_written(self.format):
            return f"has the format {self.format.name}, which no pass can write"
        if self.layers < 1 or self.mip_levels < 1:
            return f"has {self.layers} layers and {self.mip_levels} mip levels: both are at least 1"
        if self.samples is Samples.FRAME and (self.layers > 1 or self.mip_levels > 1):
            return "has several samples, and layers or mip levels"
        if self.cube and (self.layers != 6 or self.array):
            return "is a cube without six layers"
        if self.cube and not 0 < self.extent.width == self.extent.height:
            return "is a cube, and its extent is no fixed square"
        return ""

    def parts(self) -> Iterator[Part]:
        """Yield every layer of every mip level."""
        for layer in range(self.layers):
            for level in range(self.mip_levels):
                yield Part(self.name, layer, level)


class Part(NamedTuple):
    """One layer of one mip level of an image."""

    image: str
    layer: int = 0
    level: int = 0


BACKGROUND = (0.105, 0.125, 0.15, 1.0)
"""The colour, in linear light, of the final picture where nothing is drawn."""

PICTURE = ImageDecl("picture", Format.R8G8B8A8_SRGB, clear=BACKGROUND)
"""The final picture of a frame, which the window shows and screenshots save."""

SCENE_COLOR = ImageDecl(
    "sceneColor", Format.R16G16B16A16_SFLOAT, samples=Samples.FRAME, clear=(0.0, 0.0, 0.0, 0.0)
)
"""What is seen of the scene: linear light, multiplied by its coverage (alpha), before exposure."""

SCENE_DEPTH = ImageDecl("sceneDepth", Format.D32_SFLOAT, samples=Samples.FRAME, clear=(0.0, 0.0, 0.0, 0.0))
"""The depth of what is seen of the scene."""


@dataclass(frozen=True)
class Sampler:
    """How a shader samples an image that its pass reads: linear and clamped to the edge, unless said here.

    With `compare` it is compared with a depth of the shader (sampler2DShadow): 1 where that is at least as
    near, as depth is reversed.
    """

    nearest: bool = False
    repeat: bool = False
    compare: bool = False


LINEAR = Sampler()
SHADOW = Sampler(compare=True)
"""For shadow maps."""
