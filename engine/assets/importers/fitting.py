"""Texels of a picture as those of a format: which channels, how wide, in which light."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.assets.formats import ColorSpace, TextureFormat
from engine.assets.importers.mips import Texels

if TYPE_CHECKING:
    from engine.assets.importers.texture import TextureSettings

LARGEST = {2: 65504.0, 4: 1e36}
"""The largest number of a float texel by its bytes; sums of 32-bit ones stay finite, too."""


def fit_texels(
    texels: Texels, out: Texels, form: TextureFormat, settings: TextureSettings, has_grey_alpha: bool
) -> None:
    """Write RGBA texels, uint8, uint16 or float32, into those of a format that has no blocks.

    One channel is red, or the one that the settings name; two are red and green, or the grey and the alpha of
    a picture that has no more. Where the format has more than 8 bits, or floats, colours that are sRGB become
    linear light. No number becomes 0, and what is larger than LARGEST that.
    """
    channels = form.channels
    if channels == 1:
        texels = texels[..., settings.channel : settings.channel + 1]
    elif channels == 2:
        texels = texels[..., 0::3] if has_grey_alpha else texels[..., :2]
    alpha = 3 if channels == 4 else 1 if channels == 2 and has_grey_alpha else channels
    kind = texels.dtype
    if kind.kind == "f":
        most = LARGEST[form.dtype.itemsize]
        finite = np.nan_to_num(texels, nan=0.0, posinf=most, neginf=-most)
        np.copyto(out, np.clip(finite, -most, most), "same_kind")
        return
    is_colour = settings.color_space is ColorSpace.SRGB
    if form.dtype.itemsize == 1:  # sRGB stays as it is
        out[...] = texels if kind.itemsize == 1 else (texels.astype(np.uint32) + 128) // 257
        return
    if form.is_float:
        steps = np.float32(np.iinfo(kind).max)
        if is_colour:
            out[..., :alpha] = linear_light(kind.itemsize)[texels[..., :alpha]]
            out[..., alpha:] = texels[..., alpha:] / steps
        else:
            out[...] = texels / steps
        return
    if is_colour:
        light = linear_light(kind.itemsize)[texels[..., :alpha]]
        out[..., :alpha] = np.rint(light * np.float32(0xFFFF)).astype(np.uint16)
        texels, out = texels[..., alpha:], out[..., alpha:]
    out[...] = texels if kind.itemsize == 2 else texels.astype(np.uint16) * 257


@cache
def linear_light(size: int) -> npt.NDArray[np.float32]:
    """Return the linear light of each sRGB colour of so many bytes (IEC 61966-2-1)."""
    steps = np.arange(1 << 8 * size) / ((1 << 8 * size) - 1)
    light = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)
