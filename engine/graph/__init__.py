"""The frame graph: from the reads and writes that passes declare to order, barriers and lifetimes.

All of it is plain data: a graph is compiled, printed and tested with no GPU and no driver. The
renderer turns a `CompiledGraph` into commands, the planner turns its images into requirements.
"""

from engine.graph.arguments import limited
from engine.graph.barriers import Barrier, BufferBarrier
from engine.graph.buffers import BufferDecl, BufferRole, BufferUse, DrawArguments
from engine.graph.compile import (
    Attachment,
    CompiledGraph,
    CompiledPass,
    Targets,
    compile_graph,
    pass_samples,
    pipeline_stages,
    stand_in_name,
)
from engine.graph.declarations import (
    DeclarationError,
    check,
    check_yielded,
    checked_on_error,
    mapping,
    yielded,
)
from engine.graph.images import (
    BACKGROUND,
    PICTURE,
    SCENE_COLOR,
    SCENE_DEPTH,
    SHADOW,
    Extent,
    ImageDecl,
    Part,
    Sampler,
    Samples,
)
from engine.graph.lifetimes import BufferLifetime, ImageLifetime, previous_name
from engine.graph.order import GraphError, ordered
from engine.graph.passes import (
    PICTURE_VIEW,
    ClearPass,
    ColorTarget,
    ComputePass,
    CubeRead,
    DepthTarget,
    DrawOrder,
    DrawPass,
    FullscreenPass,
    ImageRead,
    Layout,
    MaterialParameter,
    Pass,
    PrimitivePass,
    PushValue,
    RasterState,
    RepeatedPass,
    StorageWrite,
)
from engine.graph.repeated import repeated, with_repeated
from engine.graph.reuse import reusable, without

__all__ = [
    "BACKGROUND",
    "PICTURE",
    "PICTURE_VIEW",
    "SCENE_COLOR",
    "SCENE_DEPTH",
    "SHADOW",
    "Attachment",
    "Barrier",
    "BufferBarrier",
    "BufferDecl",
    "BufferLifetime",
    "BufferRole",
    "BufferUse",
    "ClearPass",
    "ColorTarget",
    "CompiledGraph",
    "CompiledPass",
    "ComputePass",
    "CubeRead",
    "DeclarationError",
    "DepthTarget",
    "DrawArguments",
    "DrawOrder",
    "DrawPass",
    "Extent",
    "FullscreenPass",
    "GraphError",
    "ImageDecl",
    "ImageLifetime",
    "ImageRead",
    "Layout",
    "MaterialParameter",
    "Part",
    "Pass",
    "PrimitivePass",
    "PushValue",
    "RasterState",
    "RepeatedPass",
    "Sampler",
    "Samples",
    "StorageWrite",
    "Targets",
    "check",
    "check_yielded",
    "checked_on_error",
    "compile_graph",
    "limited",
    "mapping",
    "ordered",
    "pass_samples",
    "pipeline_stages",
    "previous_name",
    "repeated",
    "reusable",
    "stand_in_name",
    "with_repeated",
    "without",
    "yielded",
]
