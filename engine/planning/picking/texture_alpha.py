"""The alpha of a texture as a sampler reads it, in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef, Sampling, TextureFilter, Wrap
from engine.assets.cache.facts import TextureFacts
from engine.assets.formats import level_sizes

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TextureAlpha:
    """The alpha of each level of a texture, [height, width] as stored, and what of it is 1."""

    levels: tuple[npt.NDArray[Any], ...]
    one: float

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return sum(level.nbytes for level in self.levels)

    def sampled(self, places: Doubles, right: Doubles, down: Doubles, sampling: Sampling) -> Doubles:
        """Return alpha [n] at these coordinates [n, 2], with those of the pixels beside them.

        It is mixed of four texels in each of the two levels between which a pixel is a texel wide, as by a
        sampler without anisotropy.
        """
        height, width = self.levels[0].shape
        steps = np.stack((right - places, down - places)) * (width, height)
        widest = np.sqrt((steps**2).sum(axis=2).max(axis=0))
        level = np.clip(np.log2(np.maximum(widest, 1e-9)), 0.0, len(self.levels) - 1.0)
        is_nearest = sampling.filter is TextureFilter.NEAREST
        alpha = np.empty(len(places))
        for i, (place, at) in enumerate(zip(places, level.tolist(), strict=True)):
            finer, part = int(at), at % 1.0
            if is_nearest and (at == 0.0 or len(self.levels) == 1):
                alpha[i] = _nearest(self.levels[0], place, sampling)
                continue
            alpha[i] = _mixed(self.levels[finer], place, sampling)
            if part > 0.0:
                alpha[i] += part * (_mixed(self.levels[finer + 1], place, sampling) - alpha[i])
        return alpha / self.one


def read_alpha(library: AssetLibrary, texture: AssetRef) -> TextureAlpha | None:
    """Read the alpha of a texture from its cache; None where it is 1 everywhere. Raises CacheMissError."""
    stored = library.facts(texture)
    assert isinstance(stored, TextureFacts)
    if not stored.format.has_alpha:
        return None
    facts, content = library.read_texels(texture)
    levels = []
    for (width, height), offset in zip(
        level_sizes(facts.width, facts.height, facts.mip_levels), facts.mip_offsets, strict=True
    ):
        texels = np.frombuffer(content, facts.format.dtype, width * height * 4, offset)
        levels.append(texels.reshape(height, width, 4)[..., 3].copy())
    one = 1.0 if facts.format.is_float else float(np.iinfo(facts.format.dtype).max)
    return TextureAlpha(tuple(levels), one)


def _nearest(level: npt.NDArray[Any], place: Doubles, sampling: Sampling) -> float:
    height, width = level.shape
    x = _wrapped(float(place[0]), width, sampling.wrap[0])
    y = _wrapped(float(place[1]), height, sampling.wrap[1])
    return float(level[_texel(y, 0, height, sampling.wrap[1]), _texel(x, 0, width, sampling.wrap[0])])


def _mixed(level: npt.NDArray[Any], place: Doubles, sampling: Sampling) -> float:
    """Return alpha mixed of the four texels around a place."""
    height, width = level.shape
    x = _wrapped(float(place[0]), width, sampling.wrap[0]) - 0.5
    y = _wrapped(float(place[1]), height, sampling.wrap[1]) - 0.5
    columns = [_texel(x, side, width, sampling.wrap[0]) for side in (0, 1)]
    rows = [_texel(y, side, height, sampling.wrap[1]) for side in (0, 1)]
    texels = level[np.ix_(rows, columns)].astype(np.float64)
    right, down = x % 1.0, y % 1.0
    return float(np.array((1.0 - down, down)) @ texels @ np.array((1.0 - right, right)))


def _wrapped(coordinate: float, count: int, wrap: Wrap) -> float:
    """Return a coordinate in texels, near the picture, where the texture is the same."""
    if wrap is Wrap.CLAMP:
        return min(max(coordinate, -1.0), 2.0) * count
    return coordinate % (1.0 if wrap is Wrap.REPEAT else 2.0) * count


def _texel(at: float, beside: int, count: int, wrap: Wrap) -> int:
    """Return the number of the texel at a place, or of the one beside it."""
    number = int(np.floor(at)) + beside
    if wrap is Wrap.CLAMP:
        return min(max(number, 0), count - 1)
    if wrap is Wrap.REPEAT:
        return number % count
    number %= 2 * count
    return min(number, 2 * count - 1 - number)
