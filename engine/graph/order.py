"""The order of passes: from what they read and write, and from what they say of each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from engine.graph.buffers import BufferDecl
from engine.graph.declarations import DeclarationError
from engine.graph.images import ImageDecl
from engine.graph.passes import ComputePass, DrawOrder, DrawPass, Pass, PrimitivePass
from engine.plan.terms.drawing import Blend

Edge = tuple[int, int]
"""A pass, by its number, and one that comes after it."""


class GraphError(DeclarationError):
    """The passes contradict each other: a cycle, two passes or two images of one name.

    `at_fault` are the names of passes drawn among others that are in a cycle by what they say themselves.
    """

    def __init__(self, problem: str, help: str, at_fault: tuple[str, ...] = ()) -> None:
        super().__init__(problem, help)
        self.at_fault = at_fault


class _Cause(NamedTuple):
    """Two passes, of which one comes after the other, and the pass that says so; -1 where it is assumed."""

    one: int
    other: int
    by: int = -1


def ordered(passes: Sequence[Pass], built_in: Collection[str] = ()) -> list[Pass]:
    """Order passes so that each finds what it needs; where that leaves a choice, in the given order.

    What must hold: a read comes after the passes that make the image, and `after` and `before`. What is
    assumed where it does not contradict: passes that draw over an image (they blend, or only test depth)
    come after those that make it, and reads come after both. So a pass may read an image that a later one,
    which depends on it, draws over. Between passes with names in `built_in` what is assumed must hold, too,
    whatever others wish: these move none of them past what it draws over or what reads it. What is drawn
    among others stands right before the pass that draws those. Raises GraphError.
    """
    check_names(passes)
    own = {number for number, p in enumerate(passes) if p.name in built_in}
    order = _Order(passes)
    required, assumed = list(_required(passes)), [_Cause(*edge) for edge in _assumed(passes)]
    for cause in required:
        if own.issuperset(cause):
            order.add(cause)
    for cause in assumed:
        if own.issuperset(cause[:2]):
            order.add_if_possible(cause)
    for cause in required:
        order.add(cause)
    for cause in assumed:
        order.add_if_possible(cause)
    return order.found()


class _Order:
    """Which passes come after which; those that are drawn among others stand with their hosts."""

    def __init__(self, passes: Sequence[Pass]) -> None:
        self._passes = passes
        self._host_of = hosts(passes)
        self._after: list[set[int]] = [set() for _ in passes]
        self._causes: dict[Edge, _Cause] = {}

    def add(self, cause: _Cause) -> None:
        """Let one come after the other."""
        first, second = edge = self._edge(cause)
        if first != second:
            self._after[first].add(second)
            known = self._causes.setdefault(edge, cause)
            if not self._host_of.keys().isdisjoint(known[:2]) and cause[:2] == edge:
                self._causes[edge] = cause  # hosts have to anyway, whatever is drawn among them

    def add_if_possible(self, cause: _Cause) -> None:
        """Let one come after the other, where that does not contradict what was added before."""
        first, second = self._edge(cause)
        if not _reaches(second, first, self._after):
            self.add(cause)

    def found(self) -> list[Pass]:
        """Return the passes in order. Raises GraphError where they depend on each other."""
        waiting = [number for number in range(len(self._passes)) if number not in self._host_of]
        found: list[Pass] = []
        while waiting:
            held = {second for first in waiting for second in self._after[first]}
            ready = next((number for number in waiting if number not in held), None)
            if ready is None:
                raise self._contradiction(_cycle(waiting, self._after))
            waiting.remove(ready)
            found += [self._passes[number] for number, host in self._host_of.items() if host == ready]
            found.append(self._passes[ready])
        return found

    def _edge(self, cause: _Cause) -> Edge:
        return self._host_of.get(cause.one, cause.one), self._host_of.get(cause.other, cause.other)

    def _contradiction(self, cycle: Sequence[int]) -> GraphError:
        """Return what is wrong with passes of which each comes before the next one, the first one last again.

        A host that is there because of what is drawn among it has the names of that.
        """
        causes = [self._causes[edge] for edge in pairwise(cycle)]
        guests = dict.fromkeys(n for cause in causes for n in cause[:2] if n in self._host_of)
        labels = []
        for number in cycle:
            label, names = self._passes[number].name, [n for n in guests if self._host_of[n] == number]
            among = " and ".join(self._passes[n].name for n in names)
            labels.append(f"{among} (among {label})" if among else label)
        return GraphError(
            f"passes depend on each other: {' -> '.join(labels)}",
            "leave out one `after`, `before` or read, or read what the last frame has left",
            tuple(self._passes[n].name for n in guests if any(cause.by == n for cause in causes)),
        )


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


def _required(passes: Sequence[Pass]) -> Iterator[_Cause]:
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
            made_by = makers.get(image.name, ())
            yield from (_Cause(maker, number, number) for maker in made_by if maker != number)
        for use in p.used_buffers():
            if not use.writes:
                written_by = writers.get(use.buffer.name, ())
                yield from (_Cause(writer, number, number) for writer in written_by if writer != number)
        yield from (_Cause(number_of[name], number, number) for name in p.after if name in number_of)
        yield from (_Cause(number, number_of[name], number) for name in p.before if name in number_of)


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
