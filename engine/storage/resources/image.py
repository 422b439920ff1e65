"""Image: a VkImage with its memory and default view."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

from numpy.typing import NDArray

from engine.memory.device.objects import LiveResource, aspect
from engine.memory.device.problems import OutOfBounds, WrongArray
from engine.memory.readback import picture, picture_bytes
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.vocabulary import ImageUsage, Kind
from engine.storage.allocators.interface import MemoryAllocation
from engine.storage.downloads import Download
from engine.storage.resources.resource import Owner, Resource
from engine.storage.updators import ImageUpdator, texel_view
from engine.storage.uploads import ImageDownload
from engine.vk.binding import constants
from engine.vk.structs import new

_numbers = count(-2, -1)  # barriers identify images by them; the ids of plans are not negative


class Image(Resource):
    """An optimal 2D image (or array of layers).

    Attributes
    ----------
    layout : int
        VkImageLayout that all of it is in: UNDEFINED at first, `rest_layout` after every update. Code
        that leaves it in another one sets this.
    rest_layout : int
        SHADER_READ_ONLY_OPTIMAL for sampled images, GENERAL for storage images, TRANSFER_SRC for others.
    generation : int
        Counts the VkImages that it has had: a new plan may replace the VkImage and lose its contents.
        Read `handle` first.
    """

    def __init__(
        self,
        owner: Owner,
        memory: MemoryAllocation,
        shape: ImageShape,
        layers: int,
        usage: int,
        name: str,
        why: str,
    ) -> None:
        self._views: list[Any] = []
        views, device = self._views, owner.device

        def destroy_views() -> None:
            while views:
                device.destroy("ImageView", views.pop())

        super().__init__(owner, name, why, [destroy_views, memory.free])
        self.memory = memory
        self.shape = shape
        self.layers = layers
        self.usage = usage
        self.rest_layout = _rest_layout(usage)
        self.layout = constants.VK_IMAGE_LAYOUT_UNDEFINED
        self.generation = 0
        self._handle: Any = None
        self._live: LiveResource | None = None

    @property
    def handle(self) -> Any:
        """The VkImage. Raises UseAfterClose, and NotReady where a plan is still to bring it."""
        self.check_open("its handle is asked for")
        handle = self.memory.handle
        if handle != self._handle:
            self._adopt(handle)
        return handle

    @property
    def live(self) -> LiveResource:
        """The description that barriers take."""
        handle = self.handle
        if self._live is None:
            self._live = LiveResource(
                next(_numbers), Kind.IMAGE, handle, self.usage, 0, self.shape, self.layers
            )
        return self._live

    @property
    def view(self) -> Any:
        """The default VkImageView: all layers and mips, 2D_ARRAY for several layers; made on first use."""
        handle = self.handle
        if not self._views:
            kind = constants.VK_IMAGE_VIEW_TYPE_2D
            kind = constants.VK_IMAGE_VIEW_TYPE_2D_ARRAY if self.layers > 1 else kind
            info = new(
                "VkImageViewCreateInfo",
                image=handle,
                viewType=kind,
                format=int(self.shape.format),
                subresourceRange=(aspect(self.shape), 0, self.shape.mip_levels, 0, self.layers),
            )
            self._views.append(
                self.owner.device.create("ImageView", info, name=f"view of {self.name}", why=self.why)
            )
        return self._views[0]

    def _adopt(self, handle: Any) -> None:
        """Switch to a new VkImage: the first, or a plan's replacement, whose contents are undefined."""
        self._handle, self._live = handle, None
        self.generation += 1
        self.layout = constants.VK_IMAGE_LAYOUT_UNDEFINED
        if self.memory.is_initialised:
            self.layout = constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL
        device = self.owner.device
        for view in self._views:
            self.owner.retire([partial(device.destroy, "ImageView", view)])
        self._views.clear()

    def updator(
        self,
        layer: int = 0,
        mip: int = 0,
        *,
        region: tuple[int, int, int, int] | None = None,
        timeout_s: float = 10.0,
    ) -> ImageUpdator:
        """Open a scoped writer on a region (x, y, width, height in texels) of a layer's mip; None is all.

        Raises OutOfBounds; regions of compressed formats begin at blocks and end at blocks or the edge.
        """
        return ImageUpdator(self, self.owner.staging, layer, mip, self._region(layer, mip, region), timeout_s)

    def update(
        self,
        data: NDArray[Any],
        layer: int = 0,
        mip: int = 0,
        *,
        at: tuple[int, int] = (0, 0),
        timeout_s: float = 10.0,
    ) -> None:
        """Write an array [height, width, channels] of the texel's dtype at (x, y): one more copy.

        Goes in bands where it is larger than half the staging. Raises WrongArray, OutOfBounds.
        """
        dtype, tail = texel_view(self.shape)
        if dtype is None:
            raise WrongArray(self.name, f"{self.shape.format.name} takes blocks: write them with an updator")
        if getattr(data, "dtype", None) != dtype or data.ndim < 2 or data.shape[2:] != tail:
            given = f"{getattr(data, 'dtype', type(data).__name__)}{list(getattr(data, 'shape', ()))}"
            axes = ", ".join(["height", "width", *map(str, tail)])
            raise WrongArray(self.name, f"{self.shape.format.name} takes {dtype}[{axes}], not {given}")
        height, width = data.shape[:2]
        self._region(layer, mip, (*at, width, height))
        row = self.updator(layer, mip, region=(*at, width, 1)).size
        band = max(self.owner.staging.uploads.capacity // 2 // row, 1)
        for top in range(0, height, band):
            part = data[top : top + band]
            region = (at[0], at[1] + top, width, len(part))
            with self.updator(layer, mip, region=region, timeout_s=timeout_s) as view:
                view[...] = part

    def download(self, layer: int = 0, mip: int = 0, *, timeout_s: float = 10.0) -> Download:
        """Schedule reading one layer's mip back as [height, width, channels] (usage TRANSFER_SRC)."""
        self._region(layer, mip, None)
        size = picture_bytes(self.shape, mip)
        staging = self.owner.staging
        span = staging.take(staging.downloads, size, self.shape.format.info.block_bytes, self.name, timeout_s)
        copy = ImageDownload(self, span, layer, mip)
        return Download(staging, copy, lambda data: picture(data, self.shape, mip))

    def read(self, layer: int = 0, mip: int = 0) -> NDArray[Any]:
        """Read one layer's mip back, waiting for all that is scheduled; for tools and tests."""
        with self.download(layer, mip) as download:
            return download.wait()

    def _region(
        self, layer: int, mip: int, region: tuple[int, int, int, int] | None
    ) -> tuple[int, int, int, int]:
        self.check_open("it is updated or read")
        shape, info = self.shape, self.shape.format.info
        if not (0 <= layer < self.layers and 0 <= mip < shape.mip_levels):
            raise OutOfBounds(
                self.name, f"layer {layer}, mip {mip}, and it has {self.layers} and {shape.mip_levels}"
            )
        wide, high = max(shape.width >> mip, 1), max(shape.height >> mip, 1)
        x, y, width, height = region if region is not None else (0, 0, wide, high)
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > wide or y + height > high:
            raise OutOfBounds(
                self.name, f"region {width} x {height} at ({x}, {y}), and mip {mip} is {wide} x {high}"
            )
        ends = ((x + width, wide, info.block_width), (y + height, high, info.block_height))
        if x % info.block_width or y % info.block_height or any(e % b and e != m for e, m, b in ends):
            raise OutOfBounds(self.name, f"region {width} x {height} at ({x}, {y}) cuts through texel blocks")
        return x, y, width, height


def _rest_layout(usage: int) -> int:
    if usage & ImageUsage.STORAGE:
        return constants.VK_IMAGE_LAYOUT_GENERAL
    if usage & ImageUsage.SAMPLED:
        return constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL
    if usage & ImageUsage.TRANSFER_SRC:
        return constants.VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL
    return constants.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL
