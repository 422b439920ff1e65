"""BC1, BC2 and BC3 blocks where they differ from what the packages make of them.

The packages do not know BC2, whose colours are those of BC3 and whose alpha has 4 bits. The one that decodes
takes the order of two colours for a sign in BC3, too, which it is in BC1 alone, and there gives no alpha.
(Khronos Data Format Specification 1.3, "S3TC Compressed Texture Image Formats".)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.assets.formats import TextureFormat

Bytes = npt.NDArray[np.uint8]
_SIDE = 4
_ALPHA_BYTES = 8
_EXCHANGED = np.uint32(0x55555555)
"""Of 16 indices of two bits each, what differs once the two colours of a block are exchanged."""


def packaged_kind(form: TextureFormat) -> str:
    """Return the kind of blocks that the packages are asked for."""
    return "bc3" if form.block == "bc2" else form.block


def packaged(blocks: bytes | memoryview, form: TextureFormat) -> bytes | memoryview:
    """Return blocks that the package decodes to the colours of these."""
    if form.block not in ("bc2", "bc3"):
        return blocks
    found = np.frombuffer(blocks, np.uint8).reshape(-1, 16).copy()
    if form.block == "bc2":
        found[:, :_ALPHA_BYTES] = 0
    ends, indices = _colours(found[:, _ALPHA_BYTES:])
    wrong = ends[:, 0] < ends[:, 1]
    ends[wrong] = ends[wrong, ::-1]
    indices[wrong] ^= _EXCHANGED
    indices[ends[:, 0] == ends[:, 1]] = 0
    found[:, _ALPHA_BYTES : _ALPHA_BYTES + 4] = ends.view(np.uint8)
    found[:, _ALPHA_BYTES + 4 :] = indices[:, None].view(np.uint8)
    return found.tobytes()


def set_alpha(texels: Bytes, blocks: bytes | memoryview, form: TextureFormat) -> None:
    """Write the alpha of blocks that the package does not decode; sides are multiples of 4."""
    if form.block == "bc2":
        stored = np.frombuffer(blocks, np.uint8).reshape(-1, 16)[:, :_ALPHA_BYTES]
        fours = np.stack((stored & 15, stored >> 4), axis=-1)
        texels[..., 3] = _as_rows(fours * np.uint8(17), texels)
    elif form.block == "bc1" and form.has_alpha:
        ends, indices = _colours(np.frombuffer(blocks, np.uint8).reshape(-1, 8))
        are_clear = (indices[:, None] >> (2 * np.arange(16, dtype=np.uint32)) & 3) == 3
        are_clear &= (ends[:, 0] <= ends[:, 1])[:, None]
        texels[..., 3] = np.where(_as_rows(are_clear, texels), 0, 255)


def with_alpha(bc3: bytes, texels: Bytes) -> bytes:
    """Return BC2 blocks of the colours of BC3 blocks and of the alpha of RGBA texels [height, width, 4]."""
    height, width = texels.shape[:2]
    steps = ((texels[..., 3].astype(np.uint16) + 8) // 17).astype(np.uint8)
    of_blocks = steps.reshape(height // _SIDE, _SIDE, width // _SIDE, _SIDE).transpose(0, 2, 1, 3)
    fours = of_blocks.reshape(-1, _ALPHA_BYTES, 2)
    found = np.frombuffer(bc3, np.uint8).reshape(-1, 16).copy()
    found[:, :_ALPHA_BYTES] = fours[..., 0] | fours[..., 1] << 4
    return found.tobytes()


def _colours(blocks: Bytes) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint32]]:
    """Return the two colours of blocks of 8 bytes, [n, 2], and their 16 indices, [n]."""
    whole = np.ascontiguousarray(blocks)
    return whole[:, :4].copy().view("<u2"), whole[:, 4:].copy().view("<u4")[:, 0]


def _as_rows(values: npt.NDArray[np.generic], texels: Bytes) -> npt.NDArray[np.generic]:
    """Return 16 values of each block as those of texels [height, width]."""
    height, width = texels.shape[:2]
    of_blocks = values.reshape(height // _SIDE, width // _SIDE, _SIDE, _SIDE)
    return of_blocks.transpose(0, 2, 1, 3).reshape(height, width)
