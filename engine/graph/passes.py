"""Declarations of passes: the images that a pass writes and reads, its raster state, and the rows it draws.

A pass declares no memory, handles or commands. Its images become requirements, with the active rows of the
features that take part in the pass as requesters; its reads and writes become barriers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.plan.terms.drawing import CullMode
from engine.plan.terms.formats import Format
from engine.plan.terms.vulkan_enums import Layout as Layout


class Samples(Enum):
    """Samples of an image: one, or as many as the device profile allows, up to four."""

    ONE = 1
    DEVICE = 4


@dataclass(frozen=True)
class Extent:
    """The size of an image: `scale` times the target's size, or fixed `width` and `height` in texels."""

    scale: float = 1.0
    width: int = 0
    height: int = 0

    def resolve(self, target: tuple[int, int]) -> tuple[int, int]:
        """Return (width, height) in texels for a target of that size; a scaled size is at least 1."""
        if self.width:
            return self.width, self.height
        return max(1, round(target[0] * self.scale)), max(1, round(target[1] * self.scale))


@dataclass(frozen=True)
class ImageDecl:
    """An image of a frame. All declarations of one name must be equal."""

    name: str
    format: Format
    extent: Extent = Extent()
    samples: Samples = Samples.ONE


SCENE_COLOR = ImageDecl("sceneColor", Format.R8G8B8A8_SRGB)
"""The final picture of a frame, which the window shows and screenshots save."""

BACKGROUND = (0.105, 0.125, 0.15, 1.0)
"""The colour, in linear light, of the final picture where nothing is drawn."""


@dataclass(frozen=True)
class ColorTarget:
    """A colour attachment, cleared first; with `resolve`, its samples are averaged into that image."""

    image: ImageDecl
    clear: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    resolve: ImageDecl | None = None


@dataclass(frozen=True)
class DepthTarget:
    """A depth attachment for test and write, cleared first. Depth is reversed: 0 is far.

    `store` keeps its contents after the pass.
    """

    image: ImageDecl
    clear: float = 0.0
    store: bool = False


@dataclass(frozen=True)
class ImageRead:
    """An image that a pass samples in its fragment shaders, at the shader's binding of that name.

    When no pass of the frame writes it, a 1 x 1 image of zeros is bound instead, so that the shader
    needs no variant and the memory of the real image can be freed.
    """

    image: ImageDecl
    binding: str


@dataclass(frozen=True)
class RasterState:
    """Fixed-function state of a pass's pipelines. Front faces are counter-clockwise, seen from outside.

    `depth_clamp` is planned and not yet used by any pipeline.
    """

    cull: CullMode = CullMode.BACK
    depth_bias: float = 0.0
    depth_bias_slope: float = 0.0
    depth_clamp: bool = False


@dataclass(frozen=True)
class Pass:
    """One pass of a frame: draws the enabled rows of the feature type `draws`.

    `shaders` are names of shader assets in the builtin assetDb; if empty, the material of each drawn model
    names its shaders, with `material_defaults` for parameters that the material does not set.
    """

    name: str
    draws: str
    color: tuple[ColorTarget, ...] = ()
    depth: DepthTarget | None = None
    reads: tuple[ImageRead, ...] = ()
    shaders: tuple[str, ...] = ()
    state: RasterState = RasterState()
    material_defaults: tuple[tuple[str, tuple[float, ...]], ...] = ()

    def written(self) -> tuple[ImageDecl, ...]:
        """Return every image that the pass writes, including resolve targets."""
        images = [target.image for target in self.color]
        images += [target.resolve for target in self.color if target.resolve is not None]
        if self.depth is not None:
            images.append(self.depth.image)
        return tuple(images)
