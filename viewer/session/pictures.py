"""Pictures that panels show: thumbnails of assets and images of the frame, drawn from the atlas of the UI."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
KEPT_BYTES = 64 << 20
FIRST_NUMBER = 1 << 30
"""Numbers of pictures are far from those that ImGui's own textures get."""
UNUSED_FRAMES = 20
"""For so many frames a picture that is drawn no more keeps its place on the GPU: it may be scrolled back."""


@dataclass(slots=True, eq=False)
class Picture:
    """A picture: its number as a texture, and its pixels.

    They are uint8[height, width, 4], sRGB with straight alpha; `version` grows when they are others.
    """

    number: int
    pixels: Pixels
    used: int = 0
    version: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.pixels.shape[:2]
        return width, height


class Pictures:
    """Makes pictures on a thread of its own, keeps KEPT_BYTES of them, and knows which are in use.

    One that could not be made is None for good; its reason is in `failed`, by key. Close it.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Picture] = OrderedDict()
        self._coming: dict[Hashable, Future[Pixels]] = {}
        self.failed: dict[Hashable, str] = {}
        self._next = FIRST_NUMBER
        self._frame = 0
        self._pool: ThreadPoolExecutor | None = None

    @property
    def pending(self) -> bool:
        """Whether pictures are being made."""
        return bool(self._coming)

    @property
    def leaving(self) -> bool:
        """Whether pictures that were not drawn in the last frame have a place on the GPU still."""
        ages = (self._frame - one.used for one in self._kept.values())
        return any(1 < age <= UNUSED_FRAMES + 1 for age in ages)

    def find(self, key: Hashable, make: Callable[[], Pixels]) -> Picture | None:
        """Return a picture for this frame; None while it is made. `make` is called once, on the thread."""
        picture = self._kept.get(key)
        if picture is not None:
            self._kept.move_to_end(key)
            picture.used = self._frame
            return picture
        if key not in self._coming and key not in self.failed:
            self._coming[key] = self._threads().submit(make)
        return None

    def renew(self, key: Hashable, make: Callable[[], Pixels]) -> bool:
        """Make a picture again, which is shown as it was until then; return whether that has begun.

        It has not while one of this key is being made.
        """
        if key in self._coming:
            return False
        self.failed.pop(key, None)
        self._coming[key] = self._threads().submit(make)
        return True

    def put(self, key: Hashable, pixels: Pixels) -> Picture:
        """Keep a picture that is there already, in place of an earlier one with this key."""
        pixels = np.ascontiguousarray(pixels)
        picture = self._kept.get(key)
        if picture is not None and picture.pixels.shape == pixels.shape:
            picture.pixels, picture.version = pixels, picture.version + 1
        else:
            number, self._next = self._next, self._next + 1
            picture = self._kept[key] = Picture(number, pixels, self._frame)
        self._kept.move_to_end(key)
        return picture

    def forget(self, key: Hashable) -> None:
        """Drop a picture, or the reason why there is none: it is made again when it is asked for."""
        self._kept.pop(key, None)
        self.failed.pop(key, None)

    def next_frame(self) -> None:
        """Take what was made, and drop what is over the bound, the longest unused first."""
        self._frame += 1
        for key, future in list(self._coming.items()):
            if not future.done():
                continue
            del self._coming[key]
            error = future.exception()
            if error is not None:
                self.failed[key] = f"{type(error).__name__}: {error}"
            else:
                self.put(key, future.result())
        total = sum(picture.pixels.nbytes for picture in self._kept.values())
        while total > KEPT_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            total -= dropped.pixels.nbytes

    def in_use(self) -> Iterator[Picture]:
        """The pictures that were drawn in the last frames: those that need a place on the GPU."""
        return (one for one in self._kept.values() if self._frame - one.used <= UNUSED_FRAMES)

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "pictures")
        return self._pool

    def close(self) -> None:
        """Wait for the thread."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
