"""Atlas: many small pictures in few array images, growing page by page, with eviction (seed 000).

Each picture has a gutter of repeated edge texels around it, so that filtering at its edges sees its own
colours and never a neighbour's.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.problems import AtlasFull, DoubleFree, OutOfBounds, UseAfterClose, WrongArray
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import ImageUsage
from engine.storage.resources.image import Image
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.shelves import Shelves, Slot
from engine.storage.updators import ImageUpdator, texel_view

_NO_SHELF = -1
"""The shelf of a picture that has a page of its own."""


class AtlasRegion:
    """A picture's place: `width` x `height` texels of `layer` of `image`, from (`x`, `y`).

    An evicted region is not `is_live`: allocate and update it again.
    """

    __slots__ = ("_atlas", "_slot", "height", "is_live", "name", "pinned", "stamp", "width", "x", "y")

    def __init__(self, atlas: Atlas, slot: Slot, gutter: int, name: str, pinned: bool) -> None:
        self._atlas = atlas
        self._slot = slot
        self.name = name
        self.pinned = pinned
        self.is_live = True
        self.stamp = 0
        self.x, self.y = slot.x + gutter, slot.y + gutter
        self.width, self.height = slot.width - 2 * gutter, slot.height - 2 * gutter

    @property
    def image(self) -> Image:
        """The page that it lies in."""
        self._check("its page is asked for")
        return self._atlas.pages[self.page]

    @property
    def page(self) -> int:
        """Number of the page."""
        return self._slot.layer // self._atlas.layers

    @property
    def layer(self) -> int:
        """Layer of the page's image."""
        return self._slot.layer % self._atlas.layers

    @property
    def uv(self) -> tuple[float, float, float, float]:
        """(u, v, width, height) in texture coordinates of the page."""
        shape = self._atlas.pages[self.page].shape
        wide, high = shape.width, shape.height
        return self.x / wide, self.y / high, self.width / wide, self.height / high

    def updator(self, *, timeout_s: float = 10.0) -> RegionUpdator:
        """Open a scoped writer on all of it. Raises UseAfterClose where it was freed or evicted."""
        self._check("an updator is opened")
        return RegionUpdator(self, self._atlas, self._slot, timeout_s)

    def update(self, data: NDArray[Any], *, at: tuple[int, int] = (0, 0), timeout_s: float = 10.0) -> None:
        """Write an array [height, width, channels] of the texel's dtype at (x, y), its gutter with it.

        Raises WrongArray for another dtype or another number of channels, OutOfBounds for texels outside.
        """
        self._check("it is updated")
        dtype, tail = texel_view(self._atlas.shape)
        if getattr(data, "dtype", None) != dtype or data.ndim < 2 or data.shape[2:] != tail:
            given = f"{getattr(data, 'dtype', type(data).__name__)}{list(getattr(data, 'shape', ()))}"
            axes = ", ".join(["height", "width", *map(str, tail)])
            raise WrongArray(self.name, f"it takes {dtype}[{axes}], not {given}")
        (x, y), (height, width) = at, data.shape[:2]
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > self.width or y + height > self.height:
            size = f"{self.width} x {self.height}"
            raise OutOfBounds(self.name, f"{width} x {height} texels at ({x}, {y}), and it is {size}")
        gutter = self._atlas.gutter
        left, top = gutter * (x == 0), gutter * (y == 0)
        right, bottom = gutter * (x + width == self.width), gutter * (y + height == self.height)
        box = (self.x + x - left, self.y + y - top, width + left + right, height + top + bottom)
        with self.image.updator(self.layer, region=box, timeout_s=timeout_s) as view:
            view[top : top + height, left : left + width] = data
            _repeat_edges(view, left, top, right, bottom)

    def touch(self) -> None:
        """Mark it as used now; the least recently used region is evicted first."""
        self._check("it is used")
        self._atlas.touch(self)

    def free(self) -> None:
        """Free its place after its last use. Raises DoubleFree, also where it was evicted."""
        if not self.is_live:
            raise DoubleFree(self.name, "it was freed or evicted before")
        self._atlas.free(self)

    def _check(self, doing: str) -> None:
        if not self.is_live:
            raise UseAfterClose(self.name, f"{doing}, and it was freed or evicted")


class RegionUpdator:
    """Writes a region straight into staging; the gutter is repeated from its edges on leaving."""

    def __init__(self, region: AtlasRegion, atlas: Atlas, slot: Slot, timeout_s: float) -> None:
        box = (slot.x, slot.y, slot.width, slot.height)
        self._inner: ImageUpdator = region.image.updator(region.layer, region=box, timeout_s=timeout_s)
        self._region = region
        self._gutter = atlas.gutter
        self._whole: NDArray[Any] | None = None
        self._view: NDArray[Any] | None = None

    @property
    def staging_row_pitch(self) -> int:
        """Bytes from row to row of the view."""
        return self._inner.staging_row_pitch

    def __enter__(self) -> NDArray[Any]:
        self._whole = self._inner.open()
        gutter, region = self._gutter, self._region
        self._view = self._whole[gutter : gutter + region.height, gutter : gutter + region.width]
        return self._view

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole, view = self._whole, self._view
        assert whole is not None
        assert view is not None
        self._whole = self._view = None
        if kind is not None or not self._region.is_live:
            self._inner.cancel()
            if kind is None:
                self._region._check("its updator is closed")
            return
        _repeat_edges(whole, *[self._gutter] * 4)
        view.flags.writeable = False
        self._inner.close()


class Atlas:
    """Sub-allocatable image pages: arrays of `layers` layers with shelves of pictures.

    Usable from any thread except `touch`. Without room a page is added, up to `max_pages`; then the
    least recently touched pictures are evicted, except those used in the last `keep` frames
    (`next_frame` counts them). A picture larger than a page gets a page of its own, of one layer.

    Parameters
    ----------
    shape : ImageShape
        Of a page's layer: format (not compressed), width and height; one mip.
    gutter : int
        Texels around each picture that repeat its edge: 1 for linear filtering.
    """

    def __init__(
        self,
        allocator: ResourceAllocator,
        shape: ImageShape | None = None,
        *,
        layers: int = 4,
        max_pages: int = 4,
        gutter: int = 1,
        keep: int = 2,
        usage: int = ImageUsage.SAMPLED,
        name: str = "atlas",
        why: str = "",
    ) -> None:
        self.shape = shape or ImageShape(Format.R8G8B8A8_UNORM, 1024, 1024)
        if texel_view(self.shape)[0] is None or self.shape.mip_levels != 1:
            raise WrongArray(name, f"pages are of plain texels with one mip, not {self.shape}")
        self.layers = layers
        self.gutter = gutter
        self.name = name
        self.why = why
        self.evicted = 0
        self.pages: dict[int, Image] = {}
        self._allocator = allocator
        self._max_pages = max_pages
        self._keep = keep
        self._usage = usage | ImageUsage.SAMPLED | ImageUsage.TRANSFER_DST
        self._shelves = Shelves(self.shape.width, self.shape.height)
        self._own: set[int] = set()
        self._live: dict[int, AtlasRegion] = {}
        self._frame = 0
        self._next = 0
        self._lock = threading.RLock()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._live)

    @property
    def filled(self) -> float:
        """Share of all pages' texels that pictures and their gutters take."""
        own = sum(page.shape.width * page.shape.height for n, page in self.pages.items() if n in self._own)
        shared = (len(self.pages) - len(self._own)) * self.layers * self.shape.width * self.shape.height
        return (self._shelves.used_texels + own) / (shared + own) if self.pages else 0.0

    def next_frame(self) -> None:
        """Begin a frame: later touches count as more recent."""
        self._frame += 1

    def touch(self, region: AtlasRegion) -> None:
        """Note a use in this frame."""
        region.stamp = self._frame
        with self._lock:  # the order of the dict is the order of uses
            self._live[id(region)] = self._live.pop(id(region))

    def allocate(self, width: int, height: int, *, name: str = "", pinned: bool = False) -> AtlasRegion:
        """Find a place for a picture; a `pinned` one is never evicted. Raises AtlasFull, OutOfBounds."""
        name = name or self.name
        wide, high = width + 2 * self.gutter, height + 2 * self.gutter
        limit = self._allocator.staging.profile.limits.max_image_dimension_2d
        if width < 1 or height < 1 or max(wide, high) > limit:
            most = limit - 2 * self.gutter
            raise OutOfBounds(name, f"a picture of {width} x {height} in pages that take {most} x {most}")
        with self._lock:
            if self._is_closed:
                raise UseAfterClose(self.name, f"{name} is allocated, and it is closed")
            is_large = wide > self.shape.width or high > self.shape.height
            slot = self._own_page(wide, high, name) if is_large else self._shared_page(wide, high, name)
            region = AtlasRegion(self, slot, self.gutter, name, pinned)
            region.stamp = self._frame
            self._live[id(region)] = region
            return region

    def free(self, region: AtlasRegion) -> None:
        """Free a region after its last use; called by `AtlasRegion.free`."""
        with self._lock:
            region.is_live = False
            del self._live[id(region)]
        if not self._is_closed:
            self._allocator.retire([lambda: self._give(region._slot)])

    def trim(self) -> int:
        """Close empty pages and return how many."""
        with self._lock:
            shared = [n for n in self.pages if n not in self._own]
            empty = [n for n in shared if all(self._shelves.is_empty(layer) for layer in self._span(n))]
            for number in empty:
                for layer in self._span(number):
                    self._shelves.drop_layer(layer)
                self._close(number)
            return len(empty)

    def close(self) -> None:
        """Close all pages, once; their memory returns after its last use."""
        with self._lock:
            self._is_closed = True
            for region in self._live.values():
                region.is_live = False
            self._live.clear()
            for number in list(self.pages):
                self._close(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shared_page(self, wide: int, high: int, name: str) -> Slot:
        """Take a place in a page of the usual size."""
        slot = self._shelves.take(wide, high)
        if slot is None and len(self.pages) < self._max_pages:
            number = self._add_page(self.shape, self.layers)
            for layer in self._span(number):
                self._shelves.add_layer(layer)
            slot = self._shelves.take(wide, high)
        while slot is None:
            self._evict(name)
            slot = self._shelves.take(wide, high)
        return slot

    def _own_page(self, wide: int, high: int, name: str) -> Slot:
        """Make a page for one large picture."""
        while len(self.pages) >= self._max_pages:
            self._evict(name)
            self.trim()
        number = self._add_page(replace(self.shape, width=wide, height=high), 1)
        self._own.add(number)
        return Slot(number * self.layers, 0, 0, wide, high, _NO_SHELF)

    def _add_page(self, shape: ImageShape, layers: int) -> int:
        number, self._next = self._next, self._next + 1
        self.pages[number] = self._allocator.create_image(
            shape,
            self._usage,
            layers=layers,
            name=f"{self.name} page {number}",
            why=self.why or self.name,
            dedicated=True,
        )
        return number

    def _evict(self, name: str) -> None:
        """Evict the least recently used region.

        Its place may be written again at once: copies come after the frames submitted before them, and
        those of the last `keep` frames, which may not be submitted yet, are left alone.
        """
        oldest = self._frame - self._keep
        for key, region in self._live.items():
            if not region.pinned and region.stamp <= oldest:
                region.is_live = False
                del self._live[key]
                self.evicted += 1
                self._give(region._slot)
                return
        raise AtlasFull(name, f"all {len(self.pages)} pages of {self.name} are in use")

    def _give(self, slot: Slot) -> None:
        with self._lock:
            number = slot.layer // self.layers
            if number in self._own:
                self._close(number)
            elif number in self.pages:
                self._shelves.give(slot)

    def _span(self, number: int) -> range:
        return range(number * self.layers, (number + 1) * self.layers)

    def _close(self, number: int) -> None:
        page = self.pages.pop(number)
        self._own.discard(number)
        if not page.is_closed:
            page.close()


def _repeat_edges(whole: NDArray[np.generic], left: int, top: int, right: int, bottom: int) -> None:
    """Fill the gutter on each side from the outermost texels within it, corners with those of the corners."""
    height, width = whole.shape[:2]
    rows = slice(top, height - bottom)
    whole[rows, :left] = whole[rows, left : left + 1]
    whole[rows, width - right :] = whole[rows, width - right - 1 : width - right]
    whole[:top] = whole[top]
    whole[height - bottom :] = whole[height - bottom - 1]
