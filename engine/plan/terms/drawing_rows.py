"""Rows of shaderPlan, pipelinePlan and descriptorSetPlan: frozen values, compared field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from engine.plan.terms.drawing import (
    Blend,
    CompareOp,
    CullMode,
    DescriptorType,
    FrontFace,
    ShaderStage,
    Topology,
)
from engine.plan.terms.formats import Format


@dataclass(frozen=True, slots=True)
class ShaderRow:
    """One shader module: asset key, content version, stage, entry point, ids of its requesters."""

    key: int
    stage: ShaderStage
    entry_point: str = "main"
    content: int = 0
    requesters: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PipelineState:
    """Fixed-function state of a graphics pipeline; formats are those of the pass's attachments.

    `depth_bias` is (constant factor, slope factor), None where depth bias is off. `blends` are those of the
    colour attachments, in order. `wireframe` draws the edges of faces (VK_POLYGON_MODE_LINE). With
    `alpha_to_coverage` alpha says how many samples a fragment covers, and is 1 then (alphaToOne). With
    `sides_apart` each call says what it culls: back faces are drawn by one, and front faces by the next.
    """

    cull: CullMode = CullMode.BACK
    front_face: FrontFace = FrontFace.COUNTER_CLOCKWISE
    depth_compare: CompareOp = CompareOp.GREATER
    depth_test: bool = True
    depth_write: bool = True
    depth_bias: tuple[float, float] | None = None
    depth_clamp: bool = False
    wireframe: bool = False
    alpha_to_coverage: bool = False
    sides_apart: bool = False
    blends: tuple[Blend, ...] = ()
    samples: int = 1
    colour_formats: tuple[Format, ...] = ()
    depth_format: Format = Format.UNDEFINED


@dataclass(frozen=True, slots=True)
class PushRow:
    """The push constants of a pipeline: the stages that read them, their bytes, (name, offset) of each."""

    stages: ShaderStage
    bytes: int
    members: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """One pipeline, keyed by shaders, vertex format, topology, pass and state.

    `vertex_format` is ((attribute name, format), ...) in buffer order, `vertex_stride` in bytes, `shaders`
    are asset keys, `constants` the specialization constants by name, without those that are 0. A
    compute pipeline has no `state`. `push` are the push constants of its layout.
    """

    name: str
    shaders: tuple[int, ...]
    vertex_format: tuple[tuple[str, Format], ...]
    vertex_stride: int
    topology: Topology
    pass_name: str
    state: PipelineState | None = PipelineState()
    requesters: tuple[int, ...] = ()
    constants: tuple[tuple[str, int], ...] = ()
    push: PushRow | None = None


@dataclass(frozen=True, slots=True)
class BindingRow:
    """One binding of a descriptor set layout."""

    binding: int
    name: str
    type: DescriptorType
    count: int
    stages: ShaderStage


@dataclass(frozen=True, slots=True)
class DescriptorSetRow:
    """One descriptor set: its layout, and `contents` as (binding, key of the bound resource) pairs.

    `samplers` says in words how textures are sampled that are not repeated or not filtered, by binding.
    """

    name: str
    layout: tuple[BindingRow, ...]
    contents: tuple[tuple[int, int], ...]
    requesters: tuple[int, ...] = ()
    samplers: tuple[tuple[int, tuple[str, ...]], ...] = ()


AnyRow: TypeAlias = ShaderRow | PipelineRow | DescriptorSetRow
