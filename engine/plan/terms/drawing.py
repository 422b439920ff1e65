"""The words of shaderPlan, pipelinePlan and descriptorSetPlan, with Vulkan's own numbers."""

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

__all__ = ["Blend", "CompareOp", "CullMode", "DescriptorType", "FrontFace", "ShaderStage", "Topology"]


class Blend(IntEnum):
    """How a fragment meets the attachment: replace it, source alpha over it, or add to it."""

    OPAQUE = 0
    ALPHA = 1
    PREMULTIPLIED = 2
    ADD = 3
