"""Draws whose numbers shaders write: a pass before the one that draws limits them.

What a shader writes may be anything, and a draw of 2^32 vertices stops a device. So a compute pass of our own
copies the commands into a buffer of its own, with the numbers that are within the limits of the pass.
"""

from __future__ import annotations

from dataclasses import replace

from engine.graph.buffers import BufferDecl, BufferUse, DrawArguments
from engine.graph.passes import ComputePass, PrimitivePass
from engine.plan.terms.drawing import ShaderStage

LIMIT_SHADER = "limitArguments"
FIRST_COMMAND = 16
"""Where commands begin in the buffer with those that are within the limits; before them is their number."""


def limited(p: PrimitivePass, features: frozenset[str] | None) -> tuple[ComputePass | PrimitivePass, ...]:
    """Return the pass that limits the arguments of `p`, and `p` with the arguments that it writes.

    Limited are the ends of what a command draws, not its counts alone: shaders see no vertex (without
    indices) and no instance beyond them. Of indices the count is limited, too, and the end is their own.

    On a device without drawIndirectFirstInstance (`features`; None: with everything) the first instance of
    every command is 0. A pass without arguments is returned alone.
    """
    of = p.arguments
    if of is None:
        return (p,)
    written = BufferDecl(f"{p.name}.arguments", FIRST_COMMAND + of.most * p.command_bytes)
    reads = [BufferUse(of.buffer, "arguments", stages=ShaderStage.COMPUTE)]
    reads.append(BufferUse(of.count or of.buffer, "counts", stages=ShaderStage.COMPUTE))
    constants = {
        "words": p.command_bytes // 4,
        "start": of.offset // 4,
        "most": of.most,
        "counted": int(of.count is not None),
        "vertices": p.vertices if p.indices is None else min(p.vertices, p.indices.size // 4),
        "last": p.vertices if p.indices is None else p.indices.size // 4,
        "instances": p.instances,
        "anyInstance": int(features is None or "drawIndirectFirstInstance" in features),
    }
    limit = ComputePass(
        f"{p.name}.limit",
        buffers=(*reads, BufferUse(written, "limited", writes=True, stages=ShaderStage.COMPUTE)),
        shader=LIMIT_SHADER,
        threads=(of.most, 1, 1),
        constants=tuple(constants.items()),
    )
    count = written if of.count is not None else None
    return limit, replace(p, arguments=DrawArguments(written, FIRST_COMMAND, of.most, count))
