"""The order of passes: from what they read and write, and from what they say of each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.graph.buffers import BufferDecl
from engine.graph.declarations import DeclarationError
from engine.graph.images import ImageDecl
from engine.graph.passes import ComputePass, DrawOrder, DrawPass, Pass, PrimitivePass
from engine.plan.terms.drawing import Blend

Edge = tuple[int, int]
"""A pass, by its number, and one that comes after it."""


class GraphError(DeclarationError):
    """The passes contradict each other: a cycle, two passes or two images of one name."""


def ordered(passes: Sequence[Pass]) -> list[Pass]:
    """Order passes so that each finds what it needs; where that leaves a choice, in the given order.

    What must hold: a read comes after the passes that make the image, and `after` and `before`. What is
    assumed where it does not contradict: passes that draw over an image (they blend, or only test depth)
    come after those that make it, and reads come after both. So a pass may read an image that a later one,
    which depends on it, draws over. What is drawn among others stands right before the pass that draws those.
    Raises GraphError.
    """
    check_names(passes)
    host_of = hosts(passes)
    comes_after: list[set[int]] = [set() for _ in passes]
    for one, other in _required(passes):
        first, second = host_of.get(one, one), host_of.get(other, other)
        if first != second:
            comes_after[first].add(second)
    for one, other in _assumed(passes):
        first, second = host_of.get(one, one), host_of.get(other, other)
        if not _reaches(second, first, comes_after):
            comes_after[first].add(second)
    waiting = [number for number in range(len(passes)) if number not in host_of]
    found: list[Pass] = []
    while waiting:
        held = {second for first in waiting for second in comes_after[first]}
        ready = next((number for number in waiting if number not in held), None)
        if ready is None:
            names = " -> ".join(passes[number].name for number in _cycle(waiting, comes_after))
            raise GraphError(
                f"passes depend on each other: {names}",
                "leave out one `after`, `before` or read, or read what the last frame has left",
            )
        waiting.remove(ready)
        found += [passes[number] for number, host in host_of.items() if host == ready]
        found.append(passes[ready])
    return found


def hosts(passes: Sequence[Pass]) -> dict[int, int]:
    """Return the passes that are drawn among what others draw, with those others, by their numbers."""
    number_of = {p.name: number for number, p in enumerate(passes)}
    return {
        number: number_of[p.among]
        for number, p in enumerate(passes)
        if isinstance(p, PrimitivePass) and p.among in number_of
    }


def _cycle(waiting: Sequence[int], comes_after: Sequence[set[int]]) -> list[int]:
    """Return passes of which each comes before the next one, the first one again at the end."""
    before = {second: first for first in reversed(waiting) for second in comes_after[first]}
    seen = [waiting[0]]
    while (previous := before[seen[-1]]) not in seen:
        seen.append(previous)
    cycle = seen[seen.index(previous) :][::-1]
    start = cycle.index(min(cycle))
    return [*cycle[start:], *cycle[: start + 1]]


def check_names(passes: Sequence[Pass]) -> None:
    """Raise GraphError where two passes or two images have one name, or the targets of a pass are wrong."""
    names: set[str] = set()
    declared: dict[str, ImageDecl | BufferDecl] = {}
    for p in passes:
        if p.name in names:
            raise GraphError(f"two passes have the same name: {p.name}", "give each a name of its own")
        names.add(p.name)
        items: list[ImageDecl | BufferDecl] = [*p.written(), *(use.buffer for use in p.used_buffers())]
        for item in items:
            if declared.setdefault(item.name, item) != item:
                raise _differs(item.name, p)
        _check_targets(p)
    for p in passes:
        for read in p.reads:
            image = read.image
            known = declared.setdefault(image.name, image)
            if not isinstance(known, ImageDecl) or not image.is_like(known):
                raise _differs(image.name, p)
            if read.previous and not image.history:
                raise GraphError(
                    f"{p.name} reads {image.name} of the last frame, and it has no history",
                    "declare the image with history=True",
                )
    for one, host in hosts(passes).items():
        _check_among(passes[one], passes[host])


def _check_among(p: Pass, host: Pass) -> None:
    """Raise GraphError where a pass cannot be drawn among what `host` draws."""
    if not isinstance(host, DrawPass) or host.order is not DrawOrder.BACK_TO_FRONT:
        raise GraphError(
            f"{p.name} is drawn among {host.name}, which does not sort what it draws",
            "name a DrawPass with order=DrawOrder.BACK_TO_FRONT",
        )
    targets, of_host = ([(t.image, t.layer, t.level) for t in each.targets()] for each in (p, host))
    writes = any(each.depth is not None and each.depth.write for each in (p, host))
    if targets != of_host or p.views != host.views or writes:
        raise GraphError(
            f"{p.name} is drawn among {host.name}, which has other targets or views, or one writes depth",
            "give both the same targets and views, and DepthTarget(..., write=False)",
        )


def _differs(name: str, p: Pass) -> GraphError:
    return GraphError(
        f"{name} is declared twice with different values, the second time by {p.name}",
        "declare it alike in all passes that use it, or give it a name of its own",
    )


def _check_targets(p: Pass) -> None:
    """Raise GraphError where what a pass writes is wrong in itself."""
    targets = p.written()
    if len({image.name for image in targets}) < len(targets):
        raise GraphError(f"{p.name} has one image as two targets", "leave one of them out")
    if len({image.samples for image in targets}) > 1:
        raise GraphError(
            f"{p.name} draws into images with different numbers of samples",
            "give all of them Samples.ONE, or all Samples.FRAME",
        )
    for image in p.read_now():
        if image in targets:
            raise GraphError(
                f"{p.name} reads {image.name} while it draws into it",
                "draw into another image, or read what the last frame has left (previous=True)",
            )
    if not p.views:
        raise GraphError(f"{p.name} has no view", "name one; the view of the picture is an empty text")
    pushed: set[str] = set()
    for push in p.pushes:
        if push.name in pushed or (push.numbers and push.views):
            raise GraphError(
                f"{p.name} gives the push constant {push.name} twice",
                "give it once: `numbers` for all views, or `views`",
            )
        if push.views and len(push.views) != len(p.views):
            raise GraphError(
                f"{p.name} gives {push.name} for {len(push.views)} views and has {len(p.views)}",
                "give one tuple of numbers for each view",
            )
        pushed.add(push.name)
    for image in (*targets, *p.read_now()):
        if image.fault:
            raise GraphError(f"{image.name} {image.fault}", "help(engine.graph.ImageDecl) says more")
    parts = [(target.image, target.layer, target.level, len(p.views)) for target in p.targets()]
    parts += [(write.image, 0, write.level, 1) for write in p.writes] if isinstance(p, ComputePass) else []
    for image, layer, level, views in parts:
        if not (0 <= layer < layer + views <= image.layers and 0 <= level < image.mip_levels):
            raise GraphError(
                f"{p.name} draws into layers or levels of {image.name} that it does not have",
                f"it has {_counted(image.layers, 'layer')} and {_counted(image.mip_levels, 'mip level')}, "
                f"counted from 0, and a pass draws each of its views into a layer of its own",
            )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def makes(p: Pass, image: ImageDecl) -> bool:
    """Whether a pass that has `image` as a target needs nothing that is there."""
    if p.depth is not None and p.depth.image == image:
        return p.depth.write
    return all(target.blend is Blend.OPAQUE for target in p.color if target.image == image)


def _required(passes: Sequence[Pass]) -> Iterator[Edge]:
    number_of = {p.name: number for number, p in enumerate(passes)}
    makers: dict[str, list[int]] = {}
    writers: dict[str, list[int]] = {}
    for number, p in enumerate(passes):
        for image in p.written():
            if makes(p, image):
                makers.setdefault(image.name, []).append(number)
        for use in p.used_buffers():
            if use.writes:
                writers.setdefault(use.buffer.name, []).append(number)
    for number, p in enumerate(passes):
        for image in p.read_now():
            yield from ((maker, number) for maker in makers.get(image.name, ()) if maker != number)
        for use in p.used_buffers():
            if not use.writes:
                yield from ((w, number) for w in writers.get(use.buffer.name, ()) if w != number)
        yield from ((number_of[name], number) for name in p.after if name in number_of)
        yield from ((number, number_of[name]) for name in p.before if name in number_of)


def _assumed(passes: Sequence[Pass]) -> Iterator[Edge]:
    """Yield what is true where nothing contradicts: makers of an image, who draws over it, then readers."""
    images = {image.name: image for p in passes for image in p.written()}
    for name, image in images.items():
        targets = [number for number, p in enumerate(passes) if image in p.written()]
        over = [number for number in targets if not makes(passes[number], image)]
        makers = [number for number in targets if number not in over]
        readers = [
            number for number, p in enumerate(passes) if any(read.name == name for read in p.read_now())
        ]
        yield from ((maker, other) for maker in makers for other in over)
        yield from ((other, reader) for other in over for reader in readers if other != reader)


def _reaches(start: int, end: int, comes_after: Sequence[set[int]]) -> bool:
    """Whether `end` is `start`, or comes after it."""
    seen, waiting = {start}, [start]
    while waiting:
        now = waiting.pop()
        if now == end:
            return True
        new = comes_after[now] - seen
        seen |= new
        waiting += new
    return False
