"""The frame graph: from the reads and writes that passes declare to order, barriers and lifetimes.

All of it is plain data: a graph is compiled, printed and tested with no GPU and no driver. The
renderer turns a `CompiledGraph` into commands, the planner turns its images into requirements.
"""

from engine.graph.compile import (
    Attachment,
    Barrier,
    CompiledGraph,
    CompiledPass,
    ImageLifetime,
    compile_graph,
    stand_in_name,
)
from engine.graph.images import (
    BACKGROUND,
    PICTURE,
    SCENE_COLOR,
    SCENE_DEPTH,
    SHADOW,
    Extent,
    ImageDecl,
    Sampler,
    Samples,
)
from engine.graph.order import GraphError
from engine.graph.passes import (
    ClearPass,
    ColorTarget,
    DepthTarget,
    DrawPass,
    FullscreenPass,
    ImageRead,
    Layout,
    Pass,
    RasterState,
)

__all__ = [
    "BACKGROUND",
    "PICTURE",
    "SCENE_COLOR",
    "SCENE_DEPTH",
    "SHADOW",
    "Attachment",
    "Barrier",
    "ClearPass",
    "ColorTarget",
    "CompiledGraph",
    "CompiledPass",
    "DepthTarget",
    "DrawPass",
    "Extent",
    "FullscreenPass",
    "GraphError",
    "ImageDecl",
    "ImageLifetime",
    "ImageRead",
    "Layout",
    "Pass",
    "RasterState",
    "Sampler",
    "Samples",
    "compile_graph",
    "stand_in_name",
]
