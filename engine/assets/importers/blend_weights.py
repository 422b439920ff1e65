"""Where vertices hold their blend weights: `frameIdxs`, `frameWeights`, and `frameWeights2` of the fifth on.

With fewer channels than weights each channel of `frameIdxs` holds several numbers of bones, the first in its
lowest bits: two weights and one 8-bit channel are two numbers of 4 bits, as in the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.assets.cache.facts import VerticesFacts
from engine.assets.formats import VertexFormat

INDICES, WEIGHTS, MORE_WEIGHTS = "frameIdxs", "frameWeights", "frameWeights2"

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BlendLayout:
    """How many weights a vertex has, how many numbers of bones a channel holds, and the bits of each."""

    weights: int
    per_channel: int
    bits: int

    @staticmethod
    def of(vertex_format: Sequence[tuple[str, VertexFormat]]) -> BlendLayout | None:
        """The layout of vertices of this format; None where they follow no bones."""
        formats = dict(vertex_format)
        indices, weights = formats.get(INDICES), formats.get(WEIGHTS)
        if indices is None or indices.kind != "uint" or weights is None or weights.shader_kind != "float":
            return None
        count = weights.components
        if count == 4 and MORE_WEIGHTS in formats:
            count += formats[MORE_WEIGHTS].components
        shared = -(-count // indices.components)
        return BlendLayout(count, shared, indices.bits // shared)

    def pack(self, indices: Ints) -> Ints:
        """Return channels [n, channels] of numbers of bones [n, weights]."""
        channels = np.zeros((len(indices), -(-self.weights // self.per_channel)), np.int64)
        for number in range(self.weights):
            channel, place = divmod(number, self.per_channel)
            channels[:, channel] |= indices[:, number] << (self.bits * place)
        return channels

    def unpack(self, channels: Ints) -> Ints:
        """Return the numbers of bones [n, weights] of channels [n, channels]."""
        numbers = [divmod(number, self.per_channel) for number in range(self.weights)]
        mask = (1 << self.bits) - 1
        return np.stack([(channels[:, at] >> (self.bits * place)) & mask for at, place in numbers], axis=1)


def with_room(
    vertex_format: Sequence[tuple[str, VertexFormat]], highest: int
) -> tuple[tuple[str, VertexFormat], ...]:
    """Return a format whose `frameIdxs` hold bones up to this number: as given, or with wider channels."""
    layout, found = BlendLayout.of(vertex_format), []
    for name, form in vertex_format:
        if layout is not None and name == INDICES and highest >> layout.bits:
            wanted = layout.per_channel * highest.bit_length()
            form = next((one for one in _wider(form) if one.bits >= wanted), form)
        found.append((name, form))
    return tuple(found)


def is_with_room(
    given: Sequence[tuple[str, VertexFormat]], found: Sequence[tuple[str, VertexFormat]]
) -> bool:
    """Whether `with_room` may have made a format of the given one."""
    return len(given) == len(found) and all(
        one == other or (one[0] == other[0] == INDICES and other[1] in _wider(one[1]))
        for one, other in zip(given, found, strict=True)
    )


def _wider(form: VertexFormat) -> list[VertexFormat]:
    """Return the formats of the same kind and channels with more bits, the narrowest first."""
    alike = (one for one in VertexFormat if (one.kind, one.components) == (form.kind, form.components))
    return sorted((one for one in alike if one.bits > form.bits), key=lambda one: one.bits)


def read_blend_weights(facts: VerticesFacts, content: bytes) -> tuple[Ints, Doubles] | None:
    """Return the bones [n, weights] of vertices, and their weights of sum 1; None where they have none."""
    layout = BlendLayout.of(facts.vertex_format)
    if layout is None:
        return None
    names = [name for name, _ in facts.vertex_format]
    weights = [
        _channels(facts, content, name).astype(np.float64)
        for name in (WEIGHTS, MORE_WEIGHTS)
        if name in names
    ]
    blend = np.concatenate(weights, axis=1)[:, : layout.weights]
    blend /= np.maximum(blend.sum(axis=1, keepdims=True), 1e-20)
    return layout.unpack(_channels(facts, content, INDICES).astype(np.int64)), blend


def _channels(facts: VerticesFacts, content: bytes, name: str) -> npt.NDArray[np.generic]:
    """Return the numbers of one attribute as they are stored, [n, channels]."""
    at = [one for one, _ in facts.vertex_format].index(name)
    form = facts.vertex_format[at][1]
    shape, strides = (facts.count, form.components), (facts.stride, form.dtype.itemsize)
    return np.ndarray(shape, form.dtype, content, facts.offsets[at], strides)
