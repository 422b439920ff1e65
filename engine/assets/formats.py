"""Formats of vertices, indices and textures, with Vulkan's names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np

_KINDS = {
    "sfloat": "f",
    "uint": "u",
    "sint": "i",
    "unorm": "u",
    "snorm": "i",
}


class VertexFormat(StrEnum):
    """The format of one vertex attribute: width and number of channels, numeric kind."""

    R32_SFLOAT = "r32_sfloat"
    R32G32_SFLOAT = "r32g32_sfloat"
    R32G32B32_SFLOAT = "r32g32b32_sfloat"
    R32G32B32A32_SFLOAT = "r32g32b32a32_sfloat"
    R16G16_SFLOAT = "r16g16_sfloat"
    R16G16B16A16_SFLOAT = "r16g16b16a16_sfloat"
    R8_UNORM = "r8_unorm"
    R8G8_UNORM = "r8g8_unorm"
    R8G8B8A8_UNORM = "r8g8b8a8_unorm"
    R8G8_SNORM = "r8g8_snorm"
    R8G8B8A8_SNORM = "r8g8b8a8_snorm"
    R16G16_UNORM = "r16g16_unorm"
    R16G16B16A16_UNORM = "r16g16b16a16_unorm"
    R16G16_SNORM = "r16g16_snorm"
    R16G16B16A16_SNORM = "r16g16b16a16_snorm"
    R8_UINT = "r8_uint"
    R8G8_UINT = "r8g8_uint"
    R8G8B8A8_UINT = "r8g8b8a8_uint"
    R16_UINT = "r16_uint"
    R16G16_UINT = "r16g16_uint"
    R16G16B16A16_UINT = "r16g16b16a16_uint"
    R32_UINT = "r32_uint"
    R32G32_UINT = "r32g32_uint"
    R32G32B32_UINT = "r32g32b32_uint"
    R32G32B32A32_UINT = "r32g32b32a32_uint"
    R32_SINT = "r32_sint"
    R32G32_SINT = "r32g32_sint"
    R32G32B32_SINT = "r32g32b32_sint"
    R32G32B32A32_SINT = "r32g32b32a32_sint"

    @property
    @cache
    def kind(self) -> str:
        """Numeric kind: sfloat, unorm, snorm, uint or sint."""
        return self.value.rpartition("_")[2]

    @property
    @cache
    def components(self) -> int:
        """Number of channels of an element."""
        return sum(self.value.partition("_")[0].count(channel) for channel in "rgba")

    @property
    @cache
    def bits(self) -> int:
        """Width of one channel, in bits."""
        digits = self.value[1:].split("g")[0].split("_")[0]
        return int(digits)

    @property
    @cache
    def size(self) -> int:
        """Size of one element, in bytes."""
        return self.components * self.bits // 8

    @property
    @cache
    def dtype(self) -> np.dtype[Any]:
        """The numpy type of one channel, little-endian."""
        return np.dtype(f"<{_KINDS[self.kind]}{self.bits // 8}")

    @property
    @cache
    def shader_kind(self) -> str:
        """The scalar type in a shader: float, uint or int."""
        return {"uint": "uint", "sint": "int"}.get(self.kind, "float")


class IndexFormat(StrEnum):
    """The format of one index."""

    UINT16 = "uint16"
    UINT32 = "uint32"

    @property
    @cache
    def dtype(self) -> np.dtype[Any]:
        """The numpy type of one index."""
        return np.dtype("<u2" if self is IndexFormat.UINT16 else "<u4")


class TextureFormat(StrEnum):
    """The format of one texel. Both are four bytes; srgb is decoded to linear when sampled."""

    R8G8B8A8_UNORM = "r8g8b8a8_unorm"
    R8G8B8A8_SRGB = "r8g8b8a8_srgb"


class Wrap(StrEnum):
    """What a texture shows beyond its edges: itself again, its outermost texels, or itself mirrored."""

    REPEAT = "repeat"
    CLAMP = "clamp"
    MIRROR = "mirror"


class TextureFilter(StrEnum):
    """How texels that are larger than pixels are shown: mixed, or as they are."""

    LINEAR = "linear"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a texture is sampled: wrapping along u and v, and filter."""

    wrap: tuple[Wrap, Wrap] = (Wrap.REPEAT, Wrap.REPEAT)
    filter: TextureFilter = TextureFilter.LINEAR

    @property
    def number(self) -> int:
        """The place of this among all ways to sample; 0 is the usual one."""
        return _SAMPLINGS.index(self)

    @staticmethod
    def numbered(number: int) -> Sampling:
        """Return the way to sample with this number."""
        return _SAMPLINGS[number]

    @property
    def words(self) -> tuple[str, ...]:
        """What differs from the usual way, as plans say it."""
        usual = Sampling()
        across, along = self.wrap
        wraps = () if self.wrap == usual.wrap else (across,) if across is along else self.wrap
        return (*wraps, *([self.filter] if self.filter is not usual.filter else []))


USUAL_SAMPLING = Sampling()
_SAMPLINGS = tuple(Sampling((u, v), each) for each in TextureFilter for v in Wrap for u in Wrap)


class AlphaMode(StrEnum):
    """How a material covers what is behind it: all of it, where its alpha reaches a cutoff, or in part."""

    OPAQUE = "opaque"
    MASK = "mask"
    BLEND = "blend"


class AnimatedProperty(StrEnum):
    """What a channel of an animation moves: a local transform of its target, or the weights of its morph."""

    TRANSLATION = "translation"
    ROTATION = "rotation"
    SCALE = "scale"
    WEIGHTS = "weights"

    @property
    def width(self) -> int:
        """Numbers of one value; 0 for weights, of which there are as many as the mesh has targets."""
        return {AnimatedProperty.ROTATION: 4, AnimatedProperty.WEIGHTS: 0}.get(self, 3)


class Interpolation(StrEnum):
    """What is between two keys: the first, the straight way, or a cubic Hermite curve by their tangents."""

    STEP = "step"
    LINEAR = "linear"
    CUBIC = "cubic"


class ColorSpace(StrEnum):
    """The encoding of a texture's numbers: sRGB colours, or linear values."""

    SRGB = "srgb"
    LINEAR = "linear"


class Topology(StrEnum):
    """The primitive topology of indices."""

    TRIANGLE_LIST = "triangle_list"
    TRIANGLE_STRIP = "triangle_strip"
    LINE_LIST = "line_list"
    LINE_STRIP = "line_strip"
    POINT_LIST = "point_list"

    @property
    def group(self) -> int:
        """The number of indices must be a multiple of this."""
        return {Topology.TRIANGLE_LIST: 3, Topology.LINE_LIST: 2}.get(self, 1)

    @property
    def min_indices(self) -> int:
        """The smallest number of indices that draws a primitive."""
        return {"t": 3, "l": 2}.get(self.value[0], 1)


class ShaderStage(StrEnum):
    """The stage of a shader, with the names of `.hu` files."""

    VERTEX = "vertex_shader_bit"
    FRAGMENT = "fragment_shader_bit"
    COMPUTE = "compute_shader_bit"
    GEOMETRY = "geometry_shader_bit"
    TESSELLATION_CONTROL = "tessellation_control_shader_bit"
    TESSELLATION_EVALUATION = "tessellation_evaluation_shader_bit"

    @property
    def short(self) -> str:
        """The name of the stage on glslang's command line."""
        return _STAGE_NAMES[self]

    @property
    def execution_model(self) -> int:
        """The stage as a SPIR-V execution model (SPIR-V specification, 3.3)."""
        return _EXECUTION_MODELS[self]


_STAGE_NAMES = {
    ShaderStage.VERTEX: "vert",
    ShaderStage.FRAGMENT: "frag",
    ShaderStage.COMPUTE: "comp",
    ShaderStage.GEOMETRY: "geom",
    ShaderStage.TESSELLATION_CONTROL: "tesc",
    ShaderStage.TESSELLATION_EVALUATION: "tese",
}
_EXECUTION_MODELS = {
    ShaderStage.VERTEX: 0,
    ShaderStage.TESSELLATION_CONTROL: 1,
    ShaderStage.TESSELLATION_EVALUATION: 2,
    ShaderStage.GEOMETRY: 3,
    ShaderStage.FRAGMENT: 4,
    ShaderStage.COMPUTE: 5,
}
