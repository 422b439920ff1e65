"""TIFF files: the tags of the first picture are checked before its strips or tiles are decoded.

Grey, RGB and palettes of whole numbers of up to 16 bits, and 16- or 32-bit floats, with and without alpha.
Other tags are not looked at: orientation, colour profiles, previews and further pictures. A header may claim
any size: it is believed if the parts can hold so much. (Adobe, "TIFF", revision 6.0, with its notes.)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.assets.importers.pictures.picture import Picture, decode_error, format_error
from engine.assets.importers.pictures.tiff_parts import (
    COMPRESSIONS,
    GREY,
    PALETTE,
    RGB,
    WHITE_IS_ZERO,
    TiffLayout,
    tiff_rows,
)
from engine.assets.limits import MAX_TIFF_PARTS, MAX_TIFF_TAGS

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BIG = (b"II+\0", b"MM\0+")
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANES, _PREDICTOR = 273, 277, 278, 279, 284, 317
_COLOURS, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 320, 322, 323, 324, 325
_EXTRA, _SAMPLE_FORMAT = 338, 339
_WHOLE, _FLOAT = 1, 3
_HINT = "save it without compression or with deflate, as grey or RGB, or as PNG"
_TYPES = {1: "B", 3: "H", 4: "I"}
"""The types of whole numbers: BYTE, SHORT and LONG."""


@dataclass(frozen=True, slots=True)
class _Tag:
    """One tag: type, number of values, and where they are."""

    kind: int
    count: int
    at: int


class _Tags:
    """The tags of the first picture."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self._name = data, name
        self.order = "<" if data[:1] == b"I" else ">"
        if data[:4] in _BIG:
            raise format_error("the file is BigTIFF", name, "save it as TIFF, which holds 4 GiB, or as PNG")
        at = self._unpack("I", 4)[0]
        count = self._unpack("H", at)[0]
        if not 0 < count <= MAX_TIFF_TAGS or at + 2 + 12 * count > len(data):
            raise decode_error(f"the TIFF file has {count} tags at byte {at}, which do not fit", name)
        self._tags: dict[int, _Tag] = {}
        for number in range(count):
            place = at + 2 + 12 * number
            tag, kind, values = self._unpack("HHI", place)
            if tag in self._tags:
                raise decode_error(f"the TIFF file has tag {tag} twice, again at byte {place}", name)
            self._tags[tag] = _Tag(kind, values, place + 8)

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        if at + struct.calcsize(f"={form}") > len(self._data):
            message = f"the TIFF file ends after {len(self._data)} bytes, before what lies at byte {at}"
            raise decode_error(message, self._name)
        return struct.unpack_from(self.order + form, self._data, at)

    def all(self, tag: int, most: int) -> tuple[int, ...]:
        """Return the values of a tag, none without it. Raises InputError `texture.decode`."""
        found = self._tags.get(tag)
        if found is None:
            return ()
        letter = _TYPES.get(found.kind)
        if letter is None or not 0 < found.count <= most:
            message = f"tag {tag} of the TIFF file has {found.count} values of type {found.kind}"
            raise decode_error(f"{message}, at byte {found.at}", self._name)
        size = struct.calcsize(f"={letter}") * found.count
        at = found.at if size <= 4 else self._unpack("I", found.at)[0]
        return self._unpack(f"{found.count}{letter}", at)

    def one(self, tag: int, default: int | None = None) -> int:
        """Return the value of a tag that has one. Raises InputError `texture.decode`."""
        values = self.all(tag, 1) or (() if default is None else (default,))
        if not values:
            raise decode_error(f"the TIFF file lacks tag {tag}", self._name)
        return values[0]

    def same(self, tag: int, default: int, samples: int) -> int:
        """Return the value that a tag has for all samples. Raises InputError `texture.format`."""
        values = self.all(tag, 1 << 10) or (default,)
        if len(set(values[:samples])) != 1:
            message = f"the samples of the TIFF file differ in tag {tag}: {values[:samples]}"
            raise format_error(message, self._name, _HINT)
        return values[0]

    def has(self, tag: int) -> bool:
        """Whether there is a tag."""
        return tag in self._tags


def read_tiff(data: bytes, name: str) -> Picture:
    """Return the first picture of a TIFF file.

    Raises InputError: `texture.decode` for damage, `texture.format` for what is not read. So do its `rows`.
    """
    tags = _Tags(data, name)
    width, height = tags.one(_WIDTH), tags.one(_HEIGHT)
    samples = tags.one(_SAMPLES, 1)
    if not 0 < samples <= 16:
        raise decode_error(f"the pixels of the TIFF file have {samples} samples", name)
    layout = _layout(tags, data, name, width, height, samples)
    alpha = layout.colour_samples + 1 <= samples and layout.alpha != 0
    return Picture(
        width,
        height,
        partial(tiff_rows, data, layout, name),
        bits=32 if layout.dtype.kind == "f" else 16 if layout.bits == 16 else 8,
        has_grey_alpha=alpha and layout.photometric in (GREY, WHITE_IS_ZERO),
        texel_bytes=max(4, samples * layout.bits // 8, 16 if layout.dtype.kind == "f" else 0),
    )


def _layout(tags: _Tags, data: bytes, name: str, width: int, height: int, samples: int) -> TiffLayout:
    bits = tags.same(_BITS, 1, samples)
    kind, photometric = tags.same(_SAMPLE_FORMAT, _WHOLE, samples), tags.one(_PHOTOMETRIC, GREY)
    colour_samples = 3 if photometric == RGB else 1
    if photometric not in (WHITE_IS_ZERO, GREY, RGB, PALETTE) or samples < colour_samples:
        message = f"the TIFF file has colours of kind {photometric} in {samples} samples"
        raise format_error(message, name, _HINT)
    known = {_WHOLE: (1, 2, 4, 8, 16), _FLOAT: (16, 32)}.get(kind, ())
    few = bits < 8 and samples > 1
    if bits not in known or few or (photometric == PALETTE and (kind == _FLOAT or bits > 8 or samples > 1)):
        message = f"the TIFF file has {samples} samples of {bits} bits, of kind {kind}"
        raise format_error(message, name, _HINT)
    compression = tags.one(_COMPRESSION, 1)
    if compression not in COMPRESSIONS:
        raise format_error(f"the TIFF file has compression {compression}", name, _HINT)
    fill_order = tags.one(_FILL_ORDER, 1)
    if fill_order not in (1, 2):
        raise decode_error(f"the TIFF file has fill order {fill_order}, which is neither 1 nor 2", name)
    predictor, planes = tags.one(_PREDICTOR, 1), tags.one(_PLANES, 1)
    fits = {1: True, 2: kind == _WHOLE and bits >= 8, 3: kind == _FLOAT}.get(predictor, False)
    if planes not in (1, 2) or not fits:
        message = f"the TIFF file has predictor {predictor}, and its samples lie in order {planes}"
        raise format_error(message, name, _HINT)
    colours = tags.all(_COLOURS, 3 << 8)
    if photometric == PALETTE and len(colours) != 3 << bits:
        raise decode_error(f"the palette of the TIFF file has {len(colours)} numbers", name)
    extra = tags.all(_EXTRA, 1 << 10)
    dtype = np.dtype(f"{tags.order}{'f' if kind == _FLOAT else 'u'}{max(1, bits // 8)}")
    is_tiled = tags.has(_TILE_OFFSETS)
    if is_tiled:
        part = tags.one(_TILE_WIDTH), tags.one(_TILE_HEIGHT)
    else:
        part = width, min(tags.one(_STRIP_ROWS, 0xFFFF_FFFF), height)
    layout = TiffLayout(
        width=width,
        height=height,
        samples=samples,
        bits=bits,
        dtype=dtype,
        photometric=photometric,
        colour_samples=colour_samples,
        alpha=extra[0] if extra else 0,
        compression=compression,
        is_reversed=fill_order == 2,
        predictor=predictor,
        is_planar=planes == 2 and samples > 1,
        part=part,
        is_tiled=is_tiled,
        colours=colours,
        offsets=tags.all(_TILE_OFFSETS if is_tiled else _STRIP_OFFSETS, MAX_TIFF_PARTS),
        sizes=tags.all(_TILE_BYTES if is_tiled else _STRIP_BYTES, MAX_TIFF_PARTS),
    )
    _check_parts(layout, len(data), name)
    return layout


def _check_parts(layout: TiffLayout, size: int, name: str) -> None:
    """Check that the parts are as many as the size needs, lie in the file, and can hold what they should."""
    if not layout.width or not layout.height:
        return  # the importer refuses it
    wide, high = layout.part
    if not 0 < wide <= 1 << 16 or not 0 < high <= 1 << 16:
        raise decode_error(f"the TIFF file has parts of {wide} x {high} pixels", name)
    across, down = -(-layout.width // wide), -(-layout.height // high)
    count = across * down * (layout.samples if layout.is_planar else 1)
    if len(layout.offsets) != count or len(layout.sizes) != count:
        have = f"{len(layout.offsets)} offsets and {len(layout.sizes)} sizes"
        raise decode_error(f"the TIFF file has {have} of {count} parts", name)
    ratio = COMPRESSIONS[layout.compression]
    for number, (offset, length) in enumerate(zip(layout.offsets, layout.sizes, strict=True)):
        if offset + length > size:
            message = f"part {number} of the TIFF file has {length} bytes at byte {offset}"
            raise decode_error(f"{message}, and the file {size}", name)
        if length * ratio < layout.part_bytes(number):
            message = f"part {number} of the TIFF file has {length} bytes, which cannot hold its"
            raise decode_error(f"{message} {layout.part_bytes(number)}", name)
