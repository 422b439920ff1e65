"""Pictures of light as textures: Radiance HDR and OpenEXR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from engine.assets.codes import AssetCode
from engine.assets.importers.environment.light import PIXEL_BYTES, Light
from engine.assets.importers.environment.openexr import EXR_SIGNATURE, read_exr
from engine.assets.importers.environment.radiance import RADIANCE_SIGNATURES, read_radiance
from engine.assets.importers.pictures.picture import Picture, Rows, as_rgba, bands
from engine.humon import InputError

LIGHT_SIGNATURES = (EXR_SIGNATURE, *RADIANCE_SIGNATURES)


def read_light(data: bytes, name: str, take: Callable[[int], None]) -> Picture:
    """Decode a picture of light. Raises InputError `texture.format`, `texture.decode` and `texture.size`."""
    read = read_exr if data.startswith(EXR_SIGNATURE) else read_radiance
    try:
        pixels = read(data, name, take)
    except InputError as error:
        problems = [
            replace(problem, code=AssetCode.TEXTURE_FORMAT)
            if problem.code == AssetCode.ENVIRONMENT_FORMAT
            else problem
            for problem in error.problems
        ]
        raise InputError(problems) from error
    height, width = pixels.shape[:2]
    return Picture(width, height, partial(_rows, pixels), bits=32, texel_bytes=PIXEL_BYTES)


def _rows(pixels: Light, deep: bool) -> Rows:
    for rows in bands(pixels.shape[1], len(pixels)):
        yield rows, as_rgba(pixels[rows])
