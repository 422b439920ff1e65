"""What the metadata of a KTX 2 file say of its texels: which way they lie, and which channel is which.

Khronos, "KTX File Format Specification", version 2, "KTXorientation" and "KTXswizzle".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from engine.assets.codes import AssetCode
from engine.assets.importers.pictures.picture import Texels, decode_error
from engine.humon import Position, Problem, Severity

_INDEX = struct.Struct("<2I")
_INDEX_AT = 56
"""Where the file says at which byte its metadata begin, and how many bytes they are."""

_SHOWN = 40
_ORIENTATION, _SWIZZLE = "KTXorientation", "KTXswizzle"
_FORMS = {_ORIENTATION: "[rl][du]", _SWIZZLE: "[rgba01]{4}"}
_MEANINGS = {
    _ORIENTATION: "the way of columns, r or l, and that of rows, d or u, such as 'rd'",
    _SWIZZLE: "four of r g b a 0 1, such as 'rrr1'",
}

Channel: TypeAlias = int | str
"""A channel of the file by its place, or the constant "0" or "1"."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the texels of a file become those of the picture.

    `channels` are those of the picture: each a place in a texel of the file, of `stored` ones, or a constant.
    `flips` say of rows and of columns whether they lie the other way.
    """

    channels: tuple[Channel, ...]
    stored: int
    flips: tuple[bool, bool]

    @property
    def is_as_stored(self) -> bool:
        """Whether the texels of the picture are those of the file."""
        return self.channels == tuple(range(self.stored)) and not any(self.flips)

    @property
    def has_grey_alpha(self) -> bool:
        """Whether red, green and blue are one channel of the file, and alpha is another."""
        *colours, alpha = self.channels
        return len(colours) == 3 and len(set(colours)) == 1 and alpha not in (*colours, "0", "1")

    def applied(self, texels: Texels) -> Texels:
        """Return texels [rows, columns, channels of the file] as those of the picture."""
        one = 1 if texels.dtype.kind == "f" else np.iinfo(texels.dtype).max
        constants: Mapping[Channel, Any] = {"0": 0, "1": one}
        found = np.empty((*texels.shape[:2], len(self.channels)), texels.dtype)
        rows, columns = (slice(None, None, -1) if flip else slice(None) for flip in self.flips)
        turned = texels[rows, columns]
        for place, channel in enumerate(self.channels):
            found[..., place] = constants[channel] if isinstance(channel, str) else turned[..., channel]
        return found


@dataclass(frozen=True, slots=True)
class Metadata:
    """What metadata say of texels: flips of rows and columns, channels, and warnings of what is unknown."""

    flips: tuple[bool, bool]
    swizzle: str
    warnings: tuple[Problem, ...]

    def arrangement(self, order: tuple[int, ...], *, is_native: bool) -> Arrangement:
        """Return how texels are arranged in which red, green, blue and alpha have the places of `order`.

        One channel without a swizzle is grey. `is_native` says that devices take the texels as they are, and
        read one channel as grey; others become four channels.
        """
        sampled: tuple[Channel, ...] = (*order, *("0", "0", "0", "1")[len(order) :])
        read = sampled if len(order) > 1 else (0, 0, 0, "1")
        shown = read
        if self.swizzle != "rgba":
            by_letter = dict(zip("rgba", sampled, strict=True))
            shown = tuple(by_letter.get(letter, letter) for letter in self.swizzle)
        return Arrangement(order if is_native and shown == read else shown, len(order), self.flips)


def read_metadata(data: bytes, name: str) -> Metadata:
    """Return the metadata of a file. Raises InputError `texture.decode` where they are damaged."""
    values = _values(data, name)
    warnings = []
    for key, value in list(values.items()):
        if not re.fullmatch(_FORMS[key], value):
            message = f"the KTX 2 file has {key} '{value[:_SHOWN]}', which is left out"
            hint, place = f"write {_MEANINGS[key]}", Position(name)
            warnings.append(
                Problem(AssetCode.TEXTURE_METADATA, message, place, severity=Severity.WARNING, help=hint)
            )
            del values[key]
    ways = values.get(_ORIENTATION, "rd")
    return Metadata((ways[1] == "u", ways[0] == "l"), values.get(_SWIZZLE, "rgba"), tuple(warnings))


def _values(data: bytes, name: str) -> dict[str, str]:
    """Return the values that are read, by their keys."""
    at, size = _INDEX.unpack_from(data, _INDEX_AT)
    end = at + size
    if end > len(data):
        raise decode_error(f"the metadata of the KTX 2 file, {size} bytes at byte {at}, do not fit", name)
    values = {}
    while at < end:
        (length,) = struct.unpack_from("<I", data, at) if at + 4 <= end else (0,)
        if not length or at + 4 + length > end:
            raise decode_error(f"the metadata of the KTX 2 file are damaged at byte {at}", name)
        key, _, value = data[at + 4 : at + 4 + length].partition(b"\0")
        word = key.decode("utf-8", "replace")
        if word in _FORMS:
            values[word] = value.rstrip(b"\0").decode("utf-8", "replace")
        at += 4 + length + -length % 4
    return values
