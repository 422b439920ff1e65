"""Formats of vertices, indices and textures, with Vulkan's names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any

import numpy as np

from engine.assets.codes import AssetCode
from engine.humon import Code, Kind, Node, choice, failure, text

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
    """The format of a texel, or of a block of 4 x 4 texels; srgb is decoded to linear when sampled."""

    R8_UNORM = "r8_unorm"
    R8G8_UNORM = "r8g8_unorm"
    R8G8B8A8_UNORM = "r8g8b8a8_unorm"
    R8G8B8A8_SRGB = "r8g8b8a8_srgb"
    R16_UNORM = "r16_unorm"
    R16G16_UNORM = "r16g16_unorm"
    R16G16B16A16_UNORM = "r16g16b16a16_unorm"
    R16_SFLOAT = "r16_sfloat"
    R16G16_SFLOAT = "r16g16_sfloat"
    R16G16B16A16_SFLOAT = "r16g16b16a16_sfloat"
    R32_SFLOAT = "r32_sfloat"
    R32G32_SFLOAT = "r32g32_sfloat"
    R32G32B32A32_SFLOAT = "r32g32b32a32_sfloat"
    BC1_RGB_UNORM_BLOCK = "bc1_rgb_unorm_block"
    BC1_RGB_SRGB_BLOCK = "bc1_rgb_srgb_block"
    BC1_RGBA_UNORM_BLOCK = "bc1_rgba_unorm_block"
    BC1_RGBA_SRGB_BLOCK = "bc1_rgba_srgb_block"
    BC2_UNORM_BLOCK = "bc2_unorm_block"
    BC2_SRGB_BLOCK = "bc2_srgb_block"
    BC3_UNORM_BLOCK = "bc3_unorm_block"
    BC3_SRGB_BLOCK = "bc3_srgb_block"
    BC4_UNORM_BLOCK = "bc4_unorm_block"
    BC5_UNORM_BLOCK = "bc5_unorm_block"
    BC7_UNORM_BLOCK = "bc7_unorm_block"
    BC7_SRGB_BLOCK = "bc7_srgb_block"

    @property
    def block(self) -> str:
        """The kind of its blocks, such as bc7; empty for texels of their own."""
        return self.value[:3] if self.value.startswith("bc") else ""

    @property
    def is_srgb(self) -> bool:
        """Whether its colours are sRGB."""
        return "_srgb" in self.value

    @property
    def plain(self) -> TextureFormat:
        """The format of the texels that blocks are made of; itself for those without blocks."""
        if not self.block:
            return self
        few = {"bc4": TextureFormat.R8_UNORM, "bc5": TextureFormat.R8G8_UNORM}.get(self.block)
        return few or TextureFormat.R8G8B8A8_UNORM.in_space(
            ColorSpace.SRGB if self.is_srgb else ColorSpace.LINEAR
        )

    @property
    def channels(self) -> int:
        """Number of channels of a texel."""
        return sum(self.plain.value.partition("_")[0].count(channel) for channel in "rgba")

    @property
    def has_alpha(self) -> bool:
        """Whether texels have an alpha of their own; that of others is 1."""
        return self.channels == 4 and not self.value.startswith("bc1_rgb_")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type of one channel, little-endian; of blocks, that of the texels they are made of."""
        head, _, kind = self.plain.value.partition("_")
        return np.dtype(f"<{'f' if kind == 'sfloat' else 'u'}{int(head[1:].split('g')[0]) // 8}")

    @property
    def is_float(self) -> bool:
        """Whether its channels are floats."""
        return self.dtype.kind == "f"

    @property
    def stand_in(self) -> TextureFormat | None:
        """The format in place of this one on devices that lack it, None for one that every device has.

        Vulkan promises that 8-bit texels and 16-bit floats can be sampled with a filter.
        """
        if self.block:
            return self.plain
        head, _, kind = self.value.partition("_")
        if head.startswith("r16") and kind == "unorm":
            return TextureFormat(f"{head}_sfloat")
        return TextureFormat(f"{head.replace('32', '16')}_sfloat") if head.startswith("r32") else None

    def in_space(self, space: ColorSpace) -> TextureFormat:
        """Return this format, or its twin, for colours that are sRGB, or for linear numbers."""
        wanted, other = ("SRGB", "UNORM") if space is ColorSpace.SRGB else ("UNORM", "SRGB")
        return TextureFormat.__members__.get(self.name.replace(f"_{other}", f"_{wanted}"), self)

    def level_bytes(self, width: int, height: int) -> int:
        """Return the bytes of a level of `width` x `height` texels; blocks at its edges are whole ones."""
        if self.block:
            return -(-width // 4) * -(-height // 4) * (8 if self.block in ("bc1", "bc4") else 16)
        return width * height * self.channels * self.dtype.itemsize


BLOCK_NAMES = {
    "bc1": TextureFormat.BC1_RGBA_UNORM_BLOCK,
    "bc2": TextureFormat.BC2_UNORM_BLOCK,
    "bc3": TextureFormat.BC3_UNORM_BLOCK,
    "bc4": TextureFormat.BC4_UNORM_BLOCK,
    "bc5": TextureFormat.BC5_UNORM_BLOCK,
    "bc7": TextureFormat.BC7_UNORM_BLOCK,
}
"""The short names of block formats; the colour space of the texture says whether they are sRGB."""


def level_sizes(width: int, height: int, levels: int) -> list[tuple[int, int]]:
    """Return width and height of each mip level, the finest first."""
    return [(max(1, width >> level), max(1, height >> level)) for level in range(levels)]


def level_offsets(form: TextureFormat, width: int, height: int, levels: int) -> list[int]:
    """Return the byte offset of each mip level, one behind the other, and the end of the last."""
    return list(_level_offsets(form, width, height, levels))


@lru_cache(1024)
def _level_offsets(form: TextureFormat, width: int, height: int, levels: int) -> tuple[int, ...]:
    sizes = level_sizes(width, height, levels)
    return tuple(accumulate((form.level_bytes(*size) for size in sizes), initial=0))


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


def read_vertex_format(rows: Node) -> tuple[tuple[str, VertexFormat], ...]:
    """Return the attributes that a list of [name, format] names. Raises InputError."""
    attributes: dict[str, VertexFormat] = {}
    for row in rows:
        if row.kind is not Kind.LIST or len(row) != 2:
            hint = "write a name and a format, such as `[pos r32g32b32_sfloat]`"
            raise failure(Code.COUNT, "an attribute is written [ name, format ]", row, hint)
        attribute = text(row[0])
        if attribute in attributes:
            hint = "leave one of them out"
            raise failure(AssetCode.ATTRIBUTE, f"'{attribute}' is in the vertex format twice", row, hint)
        attributes[attribute] = choice(row[1], VertexFormat)
    if not attributes:
        hint = "name what each vertex has: `[ [pos r32g32b32_sfloat] ]`"
        raise failure(AssetCode.ATTRIBUTE, "the vertex format is empty", rows, hint)
    return tuple(attributes.items())


def read_texture_format(node: Node) -> TextureFormat:
    """Return the format that a node names, `bc7` and the like included."""
    short = BLOCK_NAMES.get(text(node))
    return choice(node, TextureFormat) if short is None else short
