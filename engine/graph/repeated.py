"""Repeated passes: what another feature's pass draws, with all that is drawn among it, in other views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.graph.passes import DrawPass, Pass, PrimitivePass, RepeatedPass


def repeated(p: RepeatedPass, of: DrawPass) -> DrawPass:
    """Return the draw pass that a repeated one stands for: `of` in other views and into other targets."""
    return replace(
        of,
        name=p.name,
        color=p.color,
        depth=p.depth,
        reads=of.reads + p.reads,
        cubes=of.cubes + p.cubes,
        buffers=of.buffers + p.buffers,
        after=p.after,
        before=p.before,
        views=p.views,
        pushes=of.pushes + p.pushes,
        state=replace(of.state, front_face=p.front_face),
    )


def _drawn_among(p: PrimitivePass, by: RepeatedPass) -> PrimitivePass:
    """Return what is drawn among the pass `by`, as `p` is among the one that this repeats."""
    return replace(
        p,
        name=f"{by.name} {p.name}",
        color=tuple(replace(of, blend=own.blend) for of, own in zip(by.color, p.color, strict=False)),
        depth=p.depth and by.depth and replace(by.depth, compare=p.depth.compare),
        after=by.after,
        before=by.before,
        views=by.views,
        state=replace(p.state, front_face=by.front_face),
        among=by.name,
    )


def with_repeated(declared: Mapping[str, Sequence[Pass]]) -> dict[str, list[Pass]]:
    """Put draw passes in place of those that repeat one; without one to repeat a pass is left out.

    What is drawn among a pass is drawn among those that repeat it by passes of the same feature.
    """
    passes = [p for own in declared.values() for p in own]
    draws = {p.name: p for p in passes if isinstance(p, DrawPass)}
    repeating: dict[str, list[RepeatedPass]] = {}
    for p in passes:
        if isinstance(p, RepeatedPass) and p.repeats in draws:
            repeating.setdefault(p.repeats, []).append(p)
    found: dict[str, list[Pass]] = {}
    for name, own in declared.items():
        found[name] = [
            repeated(p, draws[p.repeats]) if isinstance(p, RepeatedPass) else p
            for p in own
            if not isinstance(p, RepeatedPass) or p.repeats in draws
        ]
        among = [p for p in own if isinstance(p, PrimitivePass) and p.among]
        found[name] += [_drawn_among(p, by) for p in among for by in repeating.get(p.among, ())]
    return found
