"""TIFF files made byte by byte: any order of samples, parts and bytes, and tags that lie."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

GREY, RGB, PALETTE = 1, 2, 3
TAGS = {
    "width": 256,
    "height": 257,
    "bits": 258,
    "compression": 259,
    "colours": 262,
    "fill": 266,
    "offsets": 273,
    "orientation": 274,
    "samples": 277,
    "rows": 278,
    "sizes": 279,
    "planes": 284,
    "predictor": 317,
    "palette": 320,
    "tile_width": 322,
    "tile_height": 323,
    "tile_offsets": 324,
    "tile_sizes": 325,
    "extra": 338,
    "kind": 339,
}


def tiff_of(
    samples: npt.NDArray[np.generic],
    *,
    order: str = "<",
    rows: int = 0,
    tile: tuple[int, int] | None = None,
    planar: bool = False,
    deflate: bool = False,
    predictor: int = 1,
    tags: Mapping[str, int | tuple[int, ...]] | None = None,
    damage: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """Return samples [height, width, channels] as a TIFF file; `tags` replace those that follow from them.

    Parts are strips of `rows`, or tiles of a width and height. `damage` changes each of them once it is
    compressed.
    """
    height, width, channels = samples.shape
    is_float = samples.dtype.kind == "f"
    wide, high = tile or (width, rows or height)
    planes = [samples[..., at : at + 1] for at in range(channels)] if planar else [samples]
    parts = []
    for plane in planes:
        for top in range(0, height, high):
            for left in range(0, width, wide):
                part = plane[top : top + high, left : left + wide]
                if tile is not None:
                    missing = (0, high - part.shape[0]), (0, wide - part.shape[1]), (0, 0)
                    part = np.pad(part, missing)
                content = _bytes(part, order, predictor)
                parts.append(damage(zlib.compress(content) if deflate else content))
    found: dict[str, int | tuple[int, ...]] = {
        "width": width,
        "height": height,
        "bits": (samples.dtype.itemsize * 8,) * channels,
        "compression": 8 if deflate else 1,
        "colours": RGB if channels >= 3 else GREY,
        "samples": channels,
        "planes": 2 if planar else 1,
        "predictor": predictor,
        "kind": (3 if is_float else 1,) * channels,
    }
    if channels in (2, 4):
        found["extra"] = 2
    starts = [8 + sum(map(len, parts[:number])) for number in range(len(parts))]
    kinds = ("tile_offsets", "tile_sizes") if tile else ("offsets", "sizes")
    found |= zip(kinds, (tuple(starts), tuple(map(len, parts))), strict=True)
    found |= {"tile_width": wide, "tile_height": high} if tile else {"rows": high}
    found |= tags or {}
    return _file(order, b"".join(parts), found)


def _bytes(part: npt.NDArray[np.generic], order: str, predictor: int) -> bytes:
    if predictor == 2:
        part = np.diff(part, axis=1, prepend=np.zeros_like(part[:, :1]))
    if predictor == 3:  # of each row all highest bytes first, then differences
        height, _, channels = part.shape
        size = part.dtype.itemsize
        split = np.ascontiguousarray(part.astype(f">f{size}")).view(np.uint8).reshape(height, -1, size)
        flat = split.transpose(0, 2, 1).reshape(height, -1, channels)
        return np.diff(flat, axis=1, prepend=np.zeros_like(flat[:, :1])).tobytes()
    return part.astype(part.dtype.newbyteorder(order)).tobytes()


def _file(order: str, content: bytes, tags: Mapping[str, int | tuple[int, ...]]) -> bytes:
    content += bytes(len(content) % 2)
    start = 8 + len(content)
    rows, more = [], b""
    behind = start + 2 + 12 * len(tags) + 4
    for name, values in sorted(tags.items(), key=lambda item: TAGS[item[0]]):
        listed = values if isinstance(values, tuple) else (values,)
        packed = struct.pack(f"{order}{len(listed)}I", *listed)
        if len(packed) > 4:
            place = behind + len(more)
            more += packed
            packed = struct.pack(f"{order}I", place)
        rows.append(struct.pack(f"{order}HHI", TAGS[name], 4, len(listed)) + packed)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    return b"".join((head, content, struct.pack(f"{order}H", len(rows)), *rows, bytes(4), more))
