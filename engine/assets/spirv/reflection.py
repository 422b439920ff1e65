"""The interface of a shader: inputs, outputs, descriptor bindings and push constants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.assets.formats import VertexFormat

FRAME_SET, MATERIAL_SET = 0, 1
"""Descriptor set numbers: bound once per pass, and bound per material."""

FRAME_BLOCK, MATERIALS_BLOCK = "Frame", "Materials"
"""The uniform block with the values of the frame, the storage block with a row for each material."""

BLOCKS = {"frame": FRAME_BLOCK, "materials": MATERIALS_BLOCK}
"""The names of blocks, by those of what passes provide."""


class DescriptorType(StrEnum):
    """The type of a descriptor, with Vulkan's names."""

    SAMPLER = "sampler"
    COMBINED_IMAGE_SAMPLER = "combined_image_sampler"
    SAMPLED_IMAGE = "sampled_image"
    STORAGE_IMAGE = "storage_image"
    UNIFORM_TEXEL_BUFFER = "uniform_texel_buffer"
    STORAGE_TEXEL_BUFFER = "storage_texel_buffer"
    UNIFORM_BUFFER = "uniform_buffer"
    STORAGE_BUFFER = "storage_buffer"
    INPUT_ATTACHMENT = "input_attachment"
    ACCELERATION_STRUCTURE = "acceleration_structure_khr"


@dataclass(frozen=True, slots=True)
class Variable:
    """An input or output of a stage: its name, location and format. A matrix takes one row per column.

    `component` is the first of the location's four components that it takes.
    """

    name: str
    location: int
    format: VertexFormat
    components: int
    kind: str
    component: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a block: byte offset, size in bytes, GLSL type, array count (0: unsized) and stride.

    `size` is 0 for an unsized array; `stride` is 0 if it is no array. `members` are those of a struct.
    """

    name: str
    offset: int
    size: int
    type: str
    count: int = 1
    stride: int = 0
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """A descriptor binding. `count` is its array length: 1 for no array, 0 for an unsized array.

    `block_size` is the size of a block in bytes, without an unsized array at its end.
    `type` is the GLSL type (`sampler2DArray`) or the name of the block, `texel` the format of a storage image
    in GLSL (`rgba16f`), empty where it has none, or one that not every device can store.
    """

    set: int
    binding: int
    name: str
    descriptor_type: DescriptorType
    count: int
    type: str
    block_size: int = 0
    members: tuple[Member, ...] = ()
    readonly: bool = False
    texel: str = ""


@dataclass(frozen=True, slots=True)
class SpecConstant:
    """A specialization constant: its name, its `constant_id`, and its kind (float, uint, int or bool)."""

    name: str
    id: int
    kind: str


@dataclass(frozen=True, slots=True)
class PushConstants:
    """A push constant block: the byte range it reads and its members."""

    name: str
    offset: int
    size: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Reflection:
    """The interface of one entry point of a SPIR-V module, sorted by location and by set and binding.

    `constants` are the specialization constants of the module, by their ids.
    """

    entry_point: str
    execution_model: int
    inputs: tuple[Variable, ...] = ()
    outputs: tuple[Variable, ...] = ()
    bindings: tuple[Binding, ...] = ()
    push_constants: tuple[PushConstants, ...] = ()
    local_size: tuple[int, int, int] | None = None
    capabilities: tuple[int, ...] = ()
    writes_point_size: bool = False
    constants: tuple[SpecConstant, ...] = ()
