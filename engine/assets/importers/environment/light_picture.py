"""Pictures of light: Radiance HDR, OpenEXR, KTX 2 and PNG files as 32-bit floats in linear light.

A picture takes 12 bytes for each pixel. Reading one takes no more than four times that beside the file, and
mostly little more than the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.assets.cache.facts import TextureFacts
from engine.assets.codes import AssetCode
from engine.assets.formats import ColorSpace
from engine.assets.importers.environment.light import (
    LARGEST,
    PIXEL_BYTES,
    ROWS_AT_ONCE,
    Light,
    check_light_size,
    light_error,
)
from engine.assets.importers.environment.openexr import EXR_SIGNATURE, read_exr
from engine.assets.importers.environment.radiance import RADIANCE_SIGNATURES, read_radiance
from engine.assets.importers.fitting import linear_light
from engine.assets.importers.pictures.ktx2 import KTX2_SIGNATURE, read_ktx2_faces
from engine.assets.importers.pictures.picture import Picture
from engine.assets.importers.pictures.png import PNG_SIGNATURE
from engine.assets.importers.texture import TextureSettings, import_texture
from engine.humon import Position, Problem, Severity


@dataclass(frozen=True, slots=True)
class LightPicture:
    """A picture whose pixels are finite and not negative, and the warning about those that were not."""

    pixels: Light
    warnings: tuple[Problem, ...] = ()


def read_light_pictures(
    data: bytes, name: str, take: Callable[[int], None] = lambda size: None
) -> list[LightPicture]:
    """Decode a picture, or the six faces of a KTX 2 file; its first bytes say which format a file has.

    The size in its header is checked before anything is decoded, and `take` is called with the most bytes of
    memory that it needs. Raises InputError: `environment.format`, `texture.format`, `texture.decode`,
    `texture.size`, `texture.memory`, `texture.package`, `texture.time`.
    """
    warnings: tuple[Problem, ...] = ()
    try:
        if data.startswith(RADIANCE_SIGNATURES):
            lights = [read_radiance(data, name, take)]
        elif data.startswith(EXR_SIGNATURE):
            lights = [read_exr(data, name, take)]
        elif data.startswith(KTX2_SIGNATURE):
            pictures = read_ktx2_faces(data, name)
            warnings = pictures[0].warnings
            lights = [_light_of(picture, name, take) for picture in pictures]
        elif data.startswith(PNG_SIGNATURE):
            lights = [_read_png(data, name, take)]
        else:
            message = "the file is neither Radiance HDR, OpenEXR, KTX 2 nor PNG"
            hint = "save it as .hdr, .exr, .ktx2 or .png"
            raise light_error(AssetCode.ENVIRONMENT_FORMAT, message, name, hint)
    except MemoryError as error:
        message = "there is no memory left for the picture"
        hint = "scale the picture down, or cook with fewer workers: `cook SCENE --jobs 1`"
        raise light_error(AssetCode.TEXTURE_MEMORY, message, name, hint) from error
    found = [LightPicture(light, _clean(light, name)) for light in lights]
    return [replace(found[0], warnings=(*warnings, *found[0].warnings)), *found[1:]]


def _light_of(picture: Picture, name: str, take: Callable[[int], None]) -> Light:
    """Decode a picture, whose colours are sRGB where they are no floats; its alpha is ignored."""
    check_light_size(picture.width, picture.height, name)
    take((PIXEL_BYTES + 4 * picture.texel_bytes) * picture.width * picture.height)
    pixels = np.empty((picture.height, picture.width, 3), np.float32)
    for rows, texels in picture.rows(True):
        colours = texels[..., :3]
        pixels[rows] = colours if picture.bits == 32 else linear_light(colours.dtype.itemsize)[colours]
    return pixels


def _read_png(data: bytes, name: str, take: Callable[[int], None]) -> Light:
    """Decode a PNG file; its colours are sRGB (IEC 61966-2-1), its alpha is ignored."""
    imported = import_texture(data, name, TextureSettings(ColorSpace.SRGB, mip_levels=1), take)
    assert isinstance(imported.facts, TextureFacts)
    width, height = imported.facts.width, imported.facts.height
    check_light_size(width, height, name)
    take(PIXEL_BYTES * width * height)
    texels = np.frombuffer(imported.data, np.uint8).reshape(height, width, 4)
    linear = linear_light(1)
    pixels = np.empty((height, width, 3), np.float32)
    for at in range(0, height, ROWS_AT_ONCE):
        pixels[at : at + ROWS_AT_ONCE] = linear[texels[at : at + ROWS_AT_ONCE, :, :3]]
    return pixels


def _clean(pixels: Light, name: str) -> tuple[Problem, ...]:
    """Replace what no light can be: no numbers and negative ones by 0, what is too large by LARGEST."""
    count, first = 0, (0, 0)
    for at in range(0, len(pixels), ROWS_AT_ONCE):
        rows = pixels[at : at + ROWS_AT_ONCE]
        wrong = ~((rows >= 0) & (rows < np.inf))
        if wrong.any():
            found = np.argwhere(wrong.any(axis=2))
            if not count:
                first = (int(found[0, 1]), at + int(found[0, 0]))
            count += len(found)
            rows[np.isnan(rows) | (rows < 0)] = 0.0
        np.minimum(rows, LARGEST, out=rows)
    if not count:
        return ()
    some = f"{count} pixels are" if count > 1 else "a pixel is"
    message = (
        f"{some} no light: negative, infinite or no number, the first at column {first[0]}, row {first[1]}"
    )
    hint = "they are drawn as 0 or as the largest 16-bit float; repair the picture"
    return (
        Problem(AssetCode.ENVIRONMENT_VALUES, message, Position(name), severity=Severity.WARNING, help=hint),
    )
