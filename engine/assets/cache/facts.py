"""Facts that cooking derives from a source: sizes, counts, bounds, reflection; stored as JSON in caches."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

from engine.assets.cache.stored_values import StoredValueError, reader_of
from engine.assets.formats import (
    AnimatedProperty,
    IndexFormat,
    Interpolation,
    ShaderStage,
    TextureFormat,
    Topology,
    VertexFormat,
    level_offsets,
)
from engine.assets.records import AssetType
from engine.assets.spirv.reflection import Reflection

_MOST_KEPT = 1024
_KEPT_CHARACTERS = 16 << 10


@dataclass(frozen=True, slots=True)
class VerticesFacts:
    """Vertices of level of detail `lod`: count, stride in bytes, offset and format of each attribute, bounds.

    `minimum` and `maximum` are the corners of the bounding box of all positions, in metres.
    """

    count: int
    stride: int
    offsets: tuple[int, ...]
    vertex_format: tuple[tuple[str, VertexFormat], ...]
    minimum: tuple[float, float, float]
    maximum: tuple[float, float, float]
    lod: int = 0


@dataclass(frozen=True, slots=True)
class IndexLevel:
    """Indices of a level of detail that was made: the first, how many, and the error of the level in
    metres.
    """

    first: int
    count: int
    error: float


@dataclass(frozen=True, slots=True)
class IndicesFacts:
    """Indices of level of detail `lod`: count, format, topology, and the highest of them.

    Where coarser levels were made of it, `levels` are all of them, from the finest on, one after the other.
    """

    count: int
    type: IndexFormat
    topology: Topology
    highest: int
    lod: int = 0
    levels: tuple[IndexLevel, ...] = ()

    @property
    def finest(self) -> int:
        """How many indices the finest level has; they are the first."""
        return self.levels[0].count if self.levels else self.count


@dataclass(frozen=True, slots=True)
class SkeletonFacts:
    """A skeleton: number and names of its bones, in order.

    Its bytes are bones of 34 bytes; if it is `bound`, the first three rows of each matrix from mesh to bone.
    """

    count: int
    names: tuple[str, ...]
    bound: bool = False


@dataclass(frozen=True, slots=True)
class TextureFacts:
    """A texture: width and height in pixels, format, byte offset of each mip level from the finest, bytes.

    The stand-in of its format, if it has one, follows in the cache and ends with the asset's bytes.
    """

    width: int
    height: int
    format: TextureFormat
    mip_levels: int
    mip_offsets: tuple[int, ...]
    size: int


def stand_in_facts(facts: TextureFacts) -> TextureFacts:
    """Return the facts of a texture in the format that stands in for its own. Raises ValueError for none."""
    form = facts.format.stand_in
    if form is None:
        raise ValueError(f"nothing stands in for {facts.format}")
    *offsets, end = level_offsets(form, facts.width, facts.height, facts.mip_levels)
    return replace(facts, format=form, mip_offsets=tuple(offsets), size=end)


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """An environment: pixels of a face of its cube, levels, bytes, and irradiance.

    A texel is four 16-bit floats. Irradiance over pi has nine factors of red, green and blue:
    of 1, y, z, x, xy, yz, 3z^2 - 1, xz and x^2 - y^2 of the normal in the world.
    """

    side: int
    mip_levels: int
    size: int
    irradiance: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A channel of an animation: path of its target below the animated object, what it moves, keys.

    `width` is how many numbers a value has.
    """

    target: str
    moves: AnimatedProperty
    interpolation: Interpolation
    count: int
    width: int

    @property
    def values(self) -> int:
        """How many numbers its values have."""
        return self.count * self.width * (3 if self.interpolation is Interpolation.CUBIC else 1)


@dataclass(frozen=True, slots=True)
class AnimationFacts:
    """An animation: the time of its last key in seconds, and its channels in the order of their numbers."""

    duration: float
    channels: tuple[ChannelFacts, ...]


@dataclass(frozen=True, slots=True)
class MorphTargetsFacts:
    """Morph targets: how many deltas they have; by target name, default weight, and how far positions move.

    `minimum` and `maximum` are the least and the most that a target of weight 1 adds, in metres, 0 included.
    """

    count: int
    names: tuple[str, ...]
    weights: tuple[float, ...]
    minimum: tuple[tuple[float, float, float], ...]
    maximum: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class ShaderFacts:
    """A shader: stage, entry point and the reflection of its SPIR-V."""

    stage: ShaderStage
    entry_point: str
    reflection: Reflection


Facts: TypeAlias = (
    VerticesFacts
    | IndicesFacts
    | SkeletonFacts
    | TextureFacts
    | EnvironmentFacts
    | AnimationFacts
    | MorphTargetsFacts
    | ShaderFacts
)


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Return the facts as plain values for `json`."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(facts)))  # as it is read back: no tuples, no enums
    return plain


_TYPES: Mapping[AssetType, Hashable] = {
    AssetType.VERTICES: VerticesFacts,
    AssetType.INDICES: IndicesFacts,
    AssetType.SKELETON: SkeletonFacts,
    AssetType.SHADER: ShaderFacts,
    AssetType.TEXTURE2D: TextureFacts,
    AssetType.ENVIRONMENT: EnvironmentFacts,
    AssetType.ANIMATION: AnimationFacts,
    AssetType.MORPH_TARGETS: MorphTargetsFacts,
}


def facts_from_json(kind: AssetType, data: Mapping[str, Any]) -> Facts:
    """Return the facts of an asset of type `kind` from plain values.

    Raises StoredValueError if a member is missing, unknown, or not of its type.
    """
    if kind not in _TYPES:
        raise StoredValueError(f"assets of type {kind} have no facts")
    if kind is AssetType.SHADER:
        try:
            written = json.dumps(data)
        except RecursionError as error:
            raise StoredValueError("types of a shader within each other without end") from error
        if len(written) <= _KEPT_CHARACTERS:
            return _shader_facts(written)
    facts: Facts = reader_of(_TYPES[kind])(data)
    return facts


@lru_cache(_MOST_KEPT)
def _shader_facts(written: str) -> ShaderFacts:
    """Return the facts in a JSON text: those of shaders take longest, and scenes share the builtin ones."""
    facts: ShaderFacts = reader_of(ShaderFacts)(json.loads(written))
    return facts
