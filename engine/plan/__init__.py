"""The planner: from the requirements of features to a plan of GPU memory, and the schedule that leads to it.

A feature or pass returns `Requirement`s: which asset or transient it needs in GPU memory, for which uses. The
planner merges them, decides memory types, places everything in few allocations, and compares the result with
what is resident. All of it is pure and needs no GPU.

Exported here is the vocabulary of requirements; enums and flags have the values of Vulkan. The planner itself
is in the folders, lowest first, and each imports only those before it: `terms`, `requirements`,
`profile`, `model`, `resident`, `placement`, `schedule`, `text`.
"""

from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement
from engine.plan.terms.drawing import AlphaMode, Blend
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Contents, Dedicated, Kind, QueueKind
from engine.plan.terms.vulkan_enums import (
    Access,
    Aspect,
    BufferUsage,
    CompareOp,
    CullMode,
    FrontFace,
    ImageUsage,
    MemoryProperty,
    ShaderStage,
    Stage,
    Topology,
)

__all__ = [
    "Access",
    "AlphaMode",
    "Aspect",
    "Blend",
    "BufferUsage",
    "CompareOp",
    "Contents",
    "CullMode",
    "Dedicated",
    "Format",
    "FrontFace",
    "ImageShape",
    "ImageUsage",
    "Kind",
    "MemoryProperty",
    "PlanError",
    "QueueKind",
    "QueueUse",
    "Requirement",
    "ShaderStage",
    "Stage",
    "Topology",
]
