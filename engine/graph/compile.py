"""Compiling passes into an order, barriers and image lifetimes.

The order is the given one, moved only where a pass reads what a later one writes. Barriers are
derived by walking the order twice: the second walk sees how the frame before left every image, so a
frame's first write waits for the last use in the frame before (frames share their attachments).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.graph.passes import ColorTarget, ImageDecl, Layout, Pass
from engine.plan.terms.vocabulary import Access, ImageUsage, Stage

_DEPTH_STAGES = Stage.EARLY_FRAGMENT_TESTS | Stage.LATE_FRAGMENT_TESTS
_DEPTH_ACCESS = Access.DEPTH_STENCIL_ATTACHMENT_READ | Access.DEPTH_STENCIL_ATTACHMENT_WRITE
_COLOR_ACCESS = Access.COLOR_ATTACHMENT_READ | Access.COLOR_ATTACHMENT_WRITE
_WRITES = (
    Access.COLOR_ATTACHMENT_WRITE
    | Access.DEPTH_STENCIL_ATTACHMENT_WRITE
    | Access.TRANSFER_WRITE
    | Access.SHADER_WRITE
)


class GraphError(ValueError):
    """The passes contradict each other: a cycle, two images of one name, two writers of one image."""


@dataclass(frozen=True)
class Barrier:
    """One image barrier (VkImageMemoryBarrier2) before a pass."""

    image: str
    source_stage: Stage
    source_access: Access
    stage: Stage
    access: Access
    old_layout: Layout
    layout: Layout


@dataclass(frozen=True)
class ImageLife:
    """An image of the frame: its declaration, all its usages, and the passes between which it lives."""

    image: ImageDecl
    usage: ImageUsage
    first: int
    last: int


@dataclass(frozen=True)
class CompiledPass:
    """A pass with the barriers that go before it; `reads` maps binding names to image names."""

    declaration: Pass
    barriers: tuple[Barrier, ...]
    reads: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CompiledGraph:
    """Passes in order, images by name, and the barriers that hand the outputs to their consumers."""

    passes: tuple[CompiledPass, ...]
    images: tuple[ImageLife, ...]
    final: tuple[Barrier, ...]

    def image(self, name: str) -> ImageLife:
        """Return the image of that name. Raises KeyError."""
        for life in self.images:
            if life.image.name == name:
                return life
        raise KeyError(name)


@dataclass(frozen=True)
class _Use:
    """How one pass uses one image."""

    stage: Stage
    access: Access
    layout: Layout
    usage: ImageUsage
    discards: bool  # the contents before do not matter


def compile_graph(passes: Sequence[Pass], outputs: Sequence[ColorTarget]) -> CompiledGraph:
    """Compile a frame. Every image of `outputs` is left ready to be copied from (TRANSFER_SRC).

    An output that no pass writes gets a pass of its own that clears it; a read that no pass writes
    leads to its stand-in, which is no image of the frame and needs no barrier. Raises GraphError.
    """
    passes = _with_outputs(passes, outputs)
    ordered = _order(passes)
    written = {image.name for p in ordered for image in p.written()}
    uses = [_uses(p, written) for p in ordered]
    finals = {
        target.image.name: _Use(
            Stage.COPY | Stage.BLIT,
            Access.TRANSFER_READ,
            Layout.TRANSFER_SRC,
            ImageUsage.TRANSFER_SRC,
            False,
        )
        for target in outputs
    }
    rounds: list[list[list[Barrier]]] = []
    state: dict[str, _Use] = {}
    for _ in range(2):
        rounds.append([_transitions(state, step) for step in [*uses, finals]])
    barriers = rounds[1]
    compiled = tuple(
        CompiledPass(p, tuple(barriers[i]), _read_names(p, written)) for i, p in enumerate(ordered)
    )
    return CompiledGraph(compiled, _lives(ordered, uses, finals), tuple(barriers[-1]))


def stand_in_name(image: str) -> str:
    """Return the name of what stands in for an image that no pass of the frame writes."""
    return f"{image}.absent"


def _with_outputs(passes: Sequence[Pass], outputs: Sequence[ColorTarget]) -> list[Pass]:
    """Add clearing passes for outputs that no pass writes."""
    written = {image.name for p in passes for image in p.written()}
    missing = [target for target in outputs if target.image.name not in written]
    return [*passes, *(Pass(f"clear.{t.image.name}", draws="", color=(t,)) for t in missing)]


def _order(passes: list[Pass]) -> list[Pass]:
    """Order passes so that every read comes after its write; ties keep the given order."""
    writer: dict[str, str] = {}
    declared: dict[str, ImageDecl] = {}
    for p in passes:
        for image in p.written():
            if writer.setdefault(image.name, p.name) != p.name:
                raise GraphError(f"{image.name} is written by {writer[image.name]} and by {p.name}")
        for image in [*p.written(), *(read.image for read in p.reads)]:
            if declared.setdefault(image.name, image) != image:
                raise GraphError(f"{image.name} is declared twice, differently, the second time by {p.name}")
    needs = {p.name: {writer[r.image.name] for r in p.reads if r.image.name in writer} for p in passes}
    if len(needs) != len(passes):
        raise GraphError("two passes share a name: " + ", ".join(sorted(p.name for p in passes)))
    ordered: list[Pass] = []
    done: set[str] = set()
    waiting = list(passes)
    while waiting:
        ready = next((p for p in waiting if needs[p.name] <= done), None)
        if ready is None:
            raise GraphError("passes wait for each other: " + " -> ".join(p.name for p in waiting))
        waiting.remove(ready)
        ordered.append(ready)
        done.add(ready.name)
    return ordered


def _uses(p: Pass, written: set[str]) -> dict[str, _Use]:
    """Return how `p` uses each image of the frame."""
    uses: dict[str, _Use] = {}
    color = _Use(
        Stage.COLOR_ATTACHMENT_OUTPUT,
        _COLOR_ACCESS,
        Layout.COLOR_ATTACHMENT,
        ImageUsage.COLOR_ATTACHMENT,
        True,
    )
    for target in p.color:
        uses[target.image.name] = color
        if target.resolve is not None:
            uses[target.resolve.name] = color
    if p.depth is not None:
        uses[p.depth.image.name] = _Use(
            _DEPTH_STAGES,
            _DEPTH_ACCESS,
            Layout.DEPTH_ATTACHMENT,
            ImageUsage.DEPTH_STENCIL_ATTACHMENT,
            True,
        )
    for read in (read for read in p.reads if read.image.name in written):
        uses[read.image.name] = _Use(
            Stage.FRAGMENT_SHADER,
            Access.SHADER_SAMPLED_READ,
            Layout.SHADER_READ,
            ImageUsage.SAMPLED,
            False,
        )
    return uses


def _read_names(p: Pass, written: set[str]) -> tuple[tuple[str, str], ...]:
    """Return (binding, image) of a pass's reads, the stand-in's name where no pass writes the image."""
    names = [(read.binding, read.image.name) for read in p.reads]
    return tuple((b, name if name in written else stand_in_name(name)) for b, name in names)


def _transitions(state: dict[str, _Use], step: dict[str, _Use]) -> list[Barrier]:
    """Return the barriers before `step` and move `state` past it."""
    barriers = []
    for name, use in step.items():
        before = state.get(name)
        if before is None:
            before = _Use(Stage(0), Access(0), Layout.UNDEFINED, ImageUsage(0), True)
        barriers.append(
            Barrier(
                name,
                before.stage,
                before.access & _WRITES,
                use.stage,
                use.access,
                Layout.UNDEFINED if use.discards else before.layout,
                use.layout,
            )
        )
        state[name] = use
    return barriers


def _lives(
    ordered: list[Pass], uses: list[dict[str, _Use]], finals: dict[str, _Use]
) -> tuple[ImageLife, ...]:
    """Return every image with the OR of its usages and the range of passes that touch it."""
    declared = {image.name: image for p in ordered for image in p.written()}
    lives: dict[str, ImageLife] = {}
    for index, step in enumerate([*uses, finals]):
        for name, use in step.items():
            life = lives.get(name)
            if life is None:
                lives[name] = ImageLife(declared[name], use.usage, index, index)
            else:
                lives[name] = replace(life, usage=life.usage | use.usage, last=index)
    return tuple(lives[name] for name in sorted(lives))
