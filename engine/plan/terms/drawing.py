"""Enums of shaderPlan, pipelinePlan and descriptorSetPlan, with the values of the Vulkan headers."""

from __future__ import annotations

from enum import IntEnum

from engine.plan.terms.vulkan_enums import (
    CompareOp,
    CullMode,
    DescriptorType,
    FrontFace,
    ShaderStage,
    Topology,
)

__all__ = [
    "AlphaMode",
    "Blend",
    "CompareOp",
    "CullMode",
    "DescriptorType",
    "FrontFace",
    "ShaderStage",
    "Topology",
]


class AlphaMode(IntEnum):
    """How a material covers what is behind it: all of it, where its alpha reaches a cutoff, or in part."""

    OPAQUE = 0
    MASK = 1
    BLEND = 2


class Blend(IntEnum):
    """Colour blending: replace, straight alpha, premultiplied alpha, additive."""

    OPAQUE = 0
    ALPHA = 1
    PREMULTIPLIED = 2
    ADD = 3
