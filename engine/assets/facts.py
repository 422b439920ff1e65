"""Facts that cooking derives from a source: sizes, counts, bounds, reflection; stored as JSON in caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from engine.assets.formats import IndexFormat, ShaderStage, TextureFormat, Topology, VertexFormat
from engine.assets.records import AssetType
from engine.assets.reflection import Reflection


@dataclass(frozen=True, slots=True)
class VerticesFacts:
    """Vertices: count, stride in bytes, byte offset and format of each attribute, bounds.

    `minimum` and `maximum` are the corners of the bounding box of all positions, in metres.
    """

    count: int
    stride: int
    offsets: tuple[int, ...]
    vertex_format: tuple[tuple[str, VertexFormat], ...]
    minimum: tuple[float, float, float]
    maximum: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class IndicesFacts:
    """Indices: count, format and topology."""

    count: int
    type: IndexFormat
    topology: Topology


@dataclass(frozen=True, slots=True)
class SkeletonFacts:
    """A skeleton: number and names of its bones, in order."""

    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextureFacts:
    """A texture: width and height in pixels, format, byte offset of each mip level from the finest, bytes."""

    width: int
    height: int
    format: TextureFormat
    mip_levels: int
    mip_offsets: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True)
class ShaderFacts:
    """A shader: stage, entry point and the reflection of its SPIR-V."""

    stage: ShaderStage
    entry_point: str
    reflection: Reflection


Facts: TypeAlias = VerticesFacts | IndicesFacts | SkeletonFacts | TextureFacts | ShaderFacts


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Return the facts as plain values for `json`."""
    return asdict(facts)


def facts_from_json(kind: AssetType, data: Mapping[str, Any]) -> Facts:
    """Return the facts of an asset of type `kind` from plain values.

    Raises KeyError, TypeError or ValueError if `data` is not from `facts_to_json`.
    """
    if kind is AssetType.VERTICES:
        return VerticesFacts(
            count=int(data["count"]),
            stride=int(data["stride"]),
            offsets=tuple(data["offsets"]),
            vertex_format=tuple((name, VertexFormat(form)) for name, form in data["vertex_format"]),
            minimum=tuple(data["minimum"]),
            maximum=tuple(data["maximum"]),
        )
    if kind is AssetType.INDICES:
        return IndicesFacts(int(data["count"]), IndexFormat(data["type"]), Topology(data["topology"]))
    if kind is AssetType.SKELETON:
        return SkeletonFacts(int(data["count"]), tuple(data["names"]))
    if kind is AssetType.TEXTURE2D:
        return TextureFacts(
            width=int(data["width"]),
            height=int(data["height"]),
            format=TextureFormat(data["format"]),
            mip_levels=int(data["mip_levels"]),
            mip_offsets=tuple(data["mip_offsets"]),
            size=int(data["size"]),
        )
    if kind is AssetType.SHADER:
        reflection = Reflection.from_json(data["reflection"])
        return ShaderFacts(ShaderStage(data["stage"]), data["entry_point"], reflection)
    raise ValueError(f"assets of type {kind} have no facts")


def facts_fit(kind: AssetType, data: Mapping[str, Any], size: int) -> bool:
    """Whether plain values are facts of an asset of type `kind` with `size` bytes."""
    try:
        facts = facts_from_json(kind, data)
    except (KeyError, TypeError, ValueError):
        return False
    if isinstance(facts, VerticesFacts):
        return facts.count * facts.stride == size
    if isinstance(facts, IndicesFacts):
        return facts.count * facts.type.dtype.itemsize == size
    if isinstance(facts, TextureFacts):
        return facts.size == size
    return size > 0
