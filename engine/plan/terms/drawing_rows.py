"""Rows of shaderPlan, pipelinePlan and descriptorSetPlan: plain values, equal when they mean the same."""

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
    """One shader module: its asset key, the version of its bytes, stage and entry point."""

    key: int
    stage: ShaderStage
    entry_point: str = "main"
    content: int = 0
    requesters: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PipelineState:
    """Fixed state of a graphics pipeline; formats are those of the pass's attachments."""

    cull: CullMode = CullMode.BACK
    front_face: FrontFace = FrontFace.COUNTER_CLOCKWISE
    depth_compare: CompareOp = CompareOp.GREATER
    depth_test: bool = True
    depth_write: bool = True
    depth_bias: tuple[float, float] | None = None
    blend: Blend = Blend.OPAQUE
    samples: int = 1
    colour_formats: tuple[Format, ...] = ()
    depth_format: Format = Format.UNDEFINED


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """One pipeline, keyed by shaders, vertex format, topology, pass and state.

    `vertex_format` is ((attribute name, format), ...) in the order of the buffer, `vertex_stride` in bytes.
    """

    name: str
    shaders: tuple[int, ...]
    vertex_format: tuple[tuple[str, Format], ...]
    vertex_stride: int
    topology: Topology
    pass_name: str
    state: PipelineState = PipelineState()
    requesters: tuple[int, ...] = ()


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
    """One descriptor set: its layout, and the key of what each binding shows."""

    name: str
    layout: tuple[BindingRow, ...]
    contents: tuple[tuple[int, int], ...]
    requesters: tuple[int, ...] = ()


AnyRow: TypeAlias = ShaderRow | PipelineRow | DescriptorSetRow
