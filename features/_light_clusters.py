"""Clusters: parts of the view, cut along width, height and depth, each with the local lights that reach it.

A compute shader writes a bit for each local light and cluster; whoever shades a point goes through the set
bits of its cluster. After O. Olsson, M. Billeter and U. Assarsson, "Clustered Deferred and Forward
Shading", 2012.
"""

from __future__ import annotations

from engine.graph import BufferDecl, BufferUse, ComputePass
from engine.plan.terms.drawing import ShaderStage

CLUSTERS = 16 * 8 * 24
"""How many parts the view has, as in lights.glsl."""

MAX_LOCAL_LIGHTS = 1024
WORDS = MAX_LOCAL_LIGHTS // 32
"""Words of 32 bits of each cluster."""

LIGHT_CLUSTERS = BufferDecl("lightClusters", CLUSTERS * WORDS * 4)

READ = BufferUse(LIGHT_CLUSTERS, "clusters", optional=True)
"""How a pass reads the clusters whose shaders are lit."""


def cluster_pass(local_lights: int) -> ComputePass:
    """The pass that finds the clusters of so many local lights, a thread for 32 lights and a cluster."""
    written = BufferUse(LIGHT_CLUSTERS, "clusters", writes=True, stages=ShaderStage.COMPUTE)
    return ComputePass(
        "lightClusters",
        buffers=(written,),
        shader="lightClusters",
        threads=(CLUSTERS, words(local_lights), 1),
    )


def words(local_lights: int) -> int:
    """Return how many words of a cluster so many local lights take."""
    return -(-local_lights // 32)
