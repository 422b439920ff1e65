"""Imports picture files as texels of one, two or four channels, or as blocks, with a mip chain.

The peak of memory beside the file is at most _PEAK times the finest level, as it is decoded or as it is
stored: the decoder holds one picture, and all else is done in place, a few rows at a time. Texels are as
stored in the file: its colour profile, gamma and orientation are not applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt

from engine.assets.cache.facts import TextureFacts
from engine.assets.codes import AssetCode
from engine.assets.formats import ColorSpace, TextureFormat, level_offsets
from engine.assets.importers import Imported
from engine.assets.importers.blocks.levels import compress_levels, decode_level
from engine.assets.importers.fitting import fit_texels
from engine.assets.importers.mips import (
    Texels,
    fill_mips,
    full_chain,
    level_views,
    texel_parts,
)
from engine.assets.importers.pictures.float_picture import LIGHT_SIGNATURES, read_light
from engine.assets.importers.pictures.jpeg import JPEG_SIGNATURE, read_jpeg
from engine.assets.importers.pictures.ktx2 import KTX2_SIGNATURE, read_ktx2
from engine.assets.importers.pictures.picture import Picture, Rows, decode_error, format_error
from engine.assets.importers.pictures.pillow import pillow_picture
from engine.assets.importers.pictures.png import PNG_SIGNATURE, read_png
from engine.assets.importers.pictures.tiff import TIFF_SIGNATURES, read_tiff
from engine.assets.importers.pictures.webp import is_webp, read_webp
from engine.assets.limits import MAX_TEXTURE_PIXELS, MAX_TEXTURE_SIDE
from engine.humon import InputError, Position, Problem

_PEAK = 4
"""Bytes of memory at most for each byte of the finest level."""
_BAND = 1 << 15
"""Texels that become those of the stand-in at once."""


@dataclass(frozen=True, slots=True)
class TextureSettings:
    """How to import a texture: its colour space and number of mip levels (None: the full chain).

    `format` is that of the result, None that of the source. Then `blocks` is what whole numbers are
    compressed to, None for nothing. `channel` is the one that a result of one channel has of several. Two
    channels of `directions` are x and y of unit vectors.
    """

    color_space: ColorSpace
    mip_levels: int | None = None
    format: TextureFormat | None = None
    blocks: TextureFormat | None = None
    channel: int = 0
    directions: bool = False


def import_texture(
    data: bytes, name: str, settings: TextureSettings, take: Callable[[int], None] = lambda size: None
) -> Imported:
    """Decode a picture file and compute its mip levels; the result has the finest first, then its stand-in.

    The structure of the file and the size in its header are checked before anything is decoded, and `take` is
    called with the most bytes of memory that it needs. Raises InputError: `texture.format`, `texture.size`,
    `texture.decode`, `texture.memory`, `texture.mips`, `texture.package` or `texture.blocks`.
    """
    try:
        picture = _read(data, name, take)
        form = _chosen(picture, settings, name)
        made = _Import(picture, form, settings, name)
        take(_PEAK * picture.width * picture.height * made.texel_bytes)
        return made.run()
    except MemoryError as error:
        message = "there is no memory left for the picture"
        hint = "scale the picture down, or cook with fewer workers: `cook SCENE --jobs 1`"
        raise _error(AssetCode.TEXTURE_MEMORY, message, name, hint) from error


class _Import:
    """The import of one picture to one format."""

    def __init__(self, picture: Picture, form: TextureFormat, settings: TextureSettings, name: str) -> None:
        self._picture, self._form, self._settings, self._name = picture, form, settings, name
        self._size = width, height = picture.width, picture.height
        self._is_own = _is_own(picture, form, settings.color_space)
        most = full_chain(width, height)
        has_mips = self._is_own and picture.level_count > 1
        self._levels = settings.mip_levels or (picture.level_count if has_mips else most)
        if self._levels > most:
            message = (
                f"{width} x {height} pixels have at most {most} mip levels, {self._levels} are requested"
            )
            raise _error(AssetCode.TEXTURE_MIPS, message, name)
        self._keeps = self._is_own and self._levels <= picture.level_count
        self._offsets = level_offsets(form, width, height, self._levels)
        is_deep = form.dtype.itemsize > 1 and picture.bits == 16
        stored = form.channels * form.dtype.itemsize
        self.texel_bytes = max(picture.texel_bytes, stored, 8 if is_deep else 0)

    def run(self) -> Imported:
        """Return bytes and facts. Raises InputError."""
        form, levels, (width, height) = self._form, self._levels, self._size
        end, begin, stop = texel_parts(form, width, height, levels)
        decoded: Rows = iter(())
        if not self._keeps:
            rows = self._picture.rows(form.dtype.itemsize > 1)
            decoded = chain([next(rows)], rows)  # decoders take most before they yield anything
        stored = np.empty(stop, np.uint8)
        stored[end:begin] = 0
        if form.block:
            self._fill_blocks(
                stored[:end], level_views(stored[begin:], form.plain, *self._size, levels), decoded
            )
        else:
            texels = level_views(stored[:end], form, width, height, levels)
            self._fill(texels, stored[:end], decoded)
            if form.stand_in is not None:
                _narrow(texels, level_views(stored[begin:], form.stand_in, width, height, levels))
        facts = TextureFacts(
            width=width,
            height=height,
            format=form,
            mip_levels=levels,
            mip_offsets=tuple(self._offsets[:-1]),
            size=end,
        )
        stored.flags.writeable = False
        return Imported(stored.data, facts, self._picture.warnings)

    def _fill(self, levels: list[Texels], stored: npt.NDArray[np.uint8], decoded: Rows) -> None:
        """Fill levels that have no blocks: from those of the file, or from its finest."""
        if self._keeps:
            self._copy_levels(stored)
        else:
            self._make_levels(levels, decoded)

    def _make_levels(self, levels: list[Texels], decoded: Rows) -> None:
        """Fill levels that have no blocks from the finest."""
        form = self._form.plain
        for rows, texels in decoded:
            fit_texels(texels, levels[0][rows], form, self._settings, self._picture.has_grey_alpha)
            del texels  # a view of all that was decoded
        space = self._settings.color_space if form.is_srgb else ColorSpace.LINEAR
        fill_mips(levels, space, directions=self._settings.directions and form.channels == 2)

    def _fill_blocks(self, blocks: npt.NDArray[np.uint8], levels: list[Texels], decoded: Rows) -> None:
        """Fill blocks, and the texels that they are made of or stand for."""
        parts = [blocks[start:end] for start, end in pairwise(self._offsets)]
        if self._keeps:
            self._copy_levels(blocks)
            for part, level in zip(parts, levels, strict=True):
                decode_level(part.data, self._form, level.shape[1], level.shape[0], level, self._name)
            return
        self._make_levels(levels, decoded)
        kept = 0
        if self._is_own:  # its finest blocks are not compressed a second time
            assert self._picture.levels is not None
            parts[0][:] = np.frombuffer(self._picture.levels(0), np.uint8)
            kept = 1
        compress_levels(levels[kept:], self._form, parts[kept:], self._name)

    def _copy_levels(self, stored: npt.NDArray[np.uint8]) -> None:
        """Copy the levels of the file as they are."""
        read = self._picture.levels
        assert read is not None
        for number, (start, end) in enumerate(pairwise(self._offsets)):
            stored[start:end] = np.frombuffer(read(number), np.uint8)


def _read(data: bytes, name: str, take: Callable[[int], None]) -> Picture:
    """Return a picture whose size was checked. Raises InputError."""
    if data.startswith(LIGHT_SIGNATURES):
        picture = read_light(data, name, take)
        _check_size(picture.width, picture.height, name)
        return picture
    if data.startswith(KTX2_SIGNATURE):
        picture = read_ktx2(data, name)
    elif data.startswith(TIFF_SIGNATURES):
        picture = read_tiff(data, name)
    else:
        if data.startswith(PNG_SIGNATURE):
            file = read_png(data, name)
        elif data.startswith(JPEG_SIGNATURE):
            file = read_jpeg(data, name)
        elif is_webp(data):
            file = read_webp(data, name)
        else:
            message = "the file is neither PNG, JPEG, WebP, TIFF, KTX 2, OpenEXR nor Radiance HDR"
            raise format_error(message, name, "save it as PNG or JPEG")
        _check_size(file.width, file.height, name)
        if file.width * file.height > file.most_pixels:
            message = f"the header claims {file.width} x {file.height} pixels, and the file can hold"
            raise decode_error(f"{message} {file.most_pixels}", name)
        return pillow_picture(file, name)
    _check_size(picture.width, picture.height, name)
    return picture


def _check_size(width: int, height: int, name: str) -> None:
    if width == 0 or height == 0:
        message, hint = f"the picture has {width} x {height} pixels", "save the picture again"
        raise _error(AssetCode.TEXTURE_SIZE, message, name, hint)
    if max(width, height) > MAX_TEXTURE_SIDE or width * height > MAX_TEXTURE_PIXELS:
        message = (
            f"{width} x {height} pixels are too many: at most {MAX_TEXTURE_SIDE} per side "
            f"and {MAX_TEXTURE_PIXELS} in all"
        )
        raise _error(AssetCode.TEXTURE_SIZE, message, name, "scale the picture down")


def _is_own(picture: Picture, form: TextureFormat, space: ColorSpace) -> bool:
    """Whether the file has texels as they are stored: of the same format, and not to become linear light."""
    if picture.format is None or picture.format.in_space(space) is not form:
        return False
    return space is ColorSpace.LINEAR or form.is_srgb or form.is_float


def _chosen(picture: Picture, settings: TextureSettings, name: str) -> TextureFormat:
    """Return the format of the result. Raises InputError `texture.format` where the picture does not fit."""
    is_float, space = picture.bits == 32, settings.color_space
    if settings.format is None:
        if settings.blocks is not None and not is_float:
            return settings.blocks
        own = picture.format
        if own is not None and (space is ColorSpace.LINEAR or own.is_float or own.in_space(space).is_srgb):
            return own.in_space(space)
        return TextureFormat.R16G16B16A16_SFLOAT if is_float else TextureFormat.R8G8B8A8_UNORM.in_space(space)
    form = settings.format
    if is_float and not form.is_float:
        message = f"the picture has floats, which {form} cannot hold"
        raise format_error(message, name, "use r16g16b16a16_sfloat, or leave 'format' out")
    is_narrow = form.dtype.itemsize == 1 and not form.is_srgb
    if space is ColorSpace.SRGB and is_narrow:
        message = f"the texture has colours, and {form} has no sRGB"
        hint = "use r8g8b8a8_srgb, bc7 or r16_unorm, or write `colorSpace: linear` for numbers"
        raise format_error(message, name, hint)
    return form


def _narrow(levels: list[Texels], stand_ins: list[Texels]) -> None:
    """Write texels as the 16-bit floats that stand in for them."""
    for level, stand_in in zip(levels, stand_ins, strict=True):
        step = max(1, _BAND // level.shape[1])
        for at in range(0, len(level), step):
            rows = level[at : at + step]
            wide = rows.astype(np.float32)
            if rows.dtype.kind == "u":
                wide /= np.float32(np.iinfo(rows.dtype).max)
            limit = np.float32(np.finfo(np.float16).max)
            stand_in[at : at + step] = np.clip(wide, -limit, limit, out=wide)


def _error(code: str, message: str, name: str, help: str = "") -> InputError:
    return InputError(Problem(code, message, Position(name), help=help))
