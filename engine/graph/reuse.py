"""Which passes may be left out of a frame, as what they drew in an earlier one is still there.

A shadow map is the same as long as nothing that it shows has changed. The graph says which passes can be left
out, and what the frame is without them; the renderer knows whether anything has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace

from engine.graph.barriers import Uses, barriers, last_uses, written
from engine.graph.compile import CompiledGraph, CompiledPass
from engine.graph.images import Part
from engine.graph.lifetimes import other_of
from engine.graph.passes import ComputePass

_NO_USES: Uses = {}


def reusable(graph: CompiledGraph, aliased: Set[str]) -> tuple[frozenset[str], ...]:
    """Return groups of passes by name: each may be left out as a whole while what it draws from is unchanged.

    They draw into images of a fixed size that nobody else draws into and that are not shown. Those that are
    read share no memory with others of the frame, as those that `aliased` names do. They read nothing that
    passes make which are drawn in every frame.
    """
    read = set[str]().union(*(p.read() for p in graph.passes))
    kept = {
        life.image.name
        for life in graph.images
        if life.image.extent.width and not life.kept and life.image.name not in aliased & read
    }
    kept -= {part.image for part in graph.uses[-1] if isinstance(part, Part)}
    found = {p.declaration.name: p for p in graph.passes if _draws_only(p) and p.written() <= kept}
    while found:
        made = _made([p for p in graph.passes if p.declaration.name not in found])
        out = {name for name, p in found.items() if not _touched(p).isdisjoint(made)}
        out = out or _left_otherwise(graph, found.keys())
        if not out:
            break
        found = {name: p for name, p in found.items() if name not in out}
    return tuple(_groups(found))


def with_rests(graph: CompiledGraph) -> CompiledGraph:
    """Return a graph that says which images are read in frames without the passes that draw them."""
    read = set[str]().union(*(p.read() for p in graph.passes))
    passes = set[str]().union(*reusable(graph, frozenset()))
    rests = read & set[str]().union(*(p.written() for p in graph.passes if p.declaration.name in passes))
    images = tuple(replace(life, rests=True) if life.image.name in rests else life for life in graph.images)
    return replace(graph, images=images)


def without(graph: CompiledGraph, passes: Set[str]) -> CompiledGraph:
    """Return a frame without some of its reusable groups of passes: what they drew is read as it is."""
    if not passes:
        return graph
    left_out = [p.declaration.name in passes for p in graph.passes]
    uses = [_NO_USES if out else step for out, step in zip([*left_out, False], graph.uses, strict=True)]
    images = {life.image.name: life.image for life in graph.images}
    *before, (final, _) = barriers(uses, images, lambda thing: other_of(thing, graph.kept))
    drawn = []
    for p, out, (of_images, of_buffers) in zip(graph.passes, left_out, before, strict=True):
        if out:
            continue
        same = (of_images, of_buffers) == (p.barriers, p.buffer_barriers)
        drawn.append(p if same else replace(p, barriers=of_images, buffer_barriers=of_buffers))
    steps = [step for step, out in zip(uses, [*left_out, False], strict=True) if not out]
    return replace(graph, passes=tuple(drawn), final=final, uses=tuple(steps))


def _draws_only(p: CompiledPass) -> bool:
    """Whether all that a pass leaves behind is what it draws in this frame, of what this frame has."""
    declaration = p.declaration
    if isinstance(declaration, ComputePass) or not any(targets.all() for targets in p.targets):
        return False
    has_history = any(read.previous for read in declaration.reads)
    return not has_history and not any(use.writes for use in declaration.used_buffers())


def _made(passes: list[CompiledPass]) -> set[str]:
    """Return the names of all images and buffers that passes write."""
    buffers = {use.buffer.name for p in passes for use in p.declaration.used_buffers() if use.writes}
    return buffers.union(*(p.written() for p in passes))


def _touched(p: CompiledPass) -> set[str]:
    """Return the names of all images and buffers that a pass uses."""
    return p.written() | p.read() | {use.buffer.name for use in p.declaration.used_buffers()}


def _left_otherwise(graph: CompiledGraph, found: Set[str]) -> set[str]:
    """Return the passes without which the frame leaves what it writes in another state than with them."""
    names = [p.declaration.name for p in graph.passes]
    steps = dict(zip(names, graph.uses, strict=False))
    rest = [_NO_USES if name in found else step for name, step in steps.items()]
    with_them, without_them = last_uses(graph.uses), last_uses([*rest, graph.uses[-1]])
    other = {
        thing
        for thing in written(graph.uses)
        if without_them.get(thing, with_them[thing]) != with_them[thing]
    }
    return {name for name in found if not other.isdisjoint(steps[name])}


def _groups(passes: Mapping[str, CompiledPass]) -> Iterator[frozenset[str]]:
    """Yield the passes that draw into the same images, or read what others of them draw, together."""
    drawn = set[str]().union(*(p.written() for p in passes.values()))
    left = {name: _touched(p) & drawn for name, p in passes.items()}
    while left:
        name, images = left.popitem()
        group = {name}
        while more := [other for other, own in left.items() if own & images]:
            group.update(more)
            images = images.union(*map(left.pop, more))
        yield frozenset(group)
