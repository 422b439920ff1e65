"""How large the cube of an environment is: levels and bytes that follow from the pixels of a face."""

from __future__ import annotations

FACES = 6

LEAST_SIDE = 64
"""Pixels of a face of the smallest cube."""

LAST_SIDE = 16
"""Pixels of a face of the coarsest level, which shows what the roughest surface reflects."""

TEXEL_BYTES = 8


def cube_levels(side: int) -> int:
    """Return the number of levels of a cube with faces of `side` pixels, a power of two."""
    return side.bit_length() - LAST_SIDE.bit_length() + 1


def cube_bytes(side: int) -> int:
    """Return the bytes of a cube with all its levels."""
    return sum(FACES * TEXEL_BYTES * (side >> level) ** 2 for level in range(cube_levels(side)))
