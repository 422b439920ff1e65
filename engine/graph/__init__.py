"""The frame graph: from the reads and writes that passes declare to order, barriers and lifetimes.

All of it is plain data: a graph is compiled, printed and tested with no GPU and no driver. The
renderer turns a `CompiledGraph` into commands, the planner turns its images into requirements.
"""

from engine.graph.compile import (
    Barrier,
    CompiledGraph,
    CompiledPass,
    GraphError,
    ImageLifetime,
    compile_graph,
    stand_in_name,
)
from engine.graph.passes import (
    BACKGROUND,
    SCENE_COLOR,
    ColorTarget,
    DepthTarget,
    Extent,
    ImageDecl,
    ImageRead,
    Layout,
    Pass,
    RasterState,
    Samples,
)

__all__ = [
    "BACKGROUND",
    "SCENE_COLOR",
    "Barrier",
    "ColorTarget",
    "CompiledGraph",
    "CompiledPass",
    "DepthTarget",
    "Extent",
    "GraphError",
    "ImageDecl",
    "ImageLifetime",
    "ImageRead",
    "Layout",
    "Pass",
    "RasterState",
    "Samples",
    "compile_graph",
    "stand_in_name",
]
