"""Compiles passes into an order, barriers and image lifetimes.

The given order is changed only where a pass reads an image that a later pass writes. Barriers are derived by
walking the order twice: the second walk begins with the state in which a frame leaves every image, so the
first write of a frame waits for the last use in the previous one (frames share their attachments).
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
class ImageLifetime:
    """An image of the frame: its declaration, all its usages, and its first and last pass (indices)."""

    image: ImageDecl
    usage: ImageUsage
    first: int
    last: int


@dataclass(frozen=True)
class CompiledPass:
    """A pass with the barriers before it; `reads` are (binding name, image name) pairs."""

    declaration: Pass
    barriers: tuple[Barrier, ...]
    reads: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CompiledGraph:
    """Passes in order, images sorted by name, and the `final` barriers that make the outputs copy sources."""

    passes: tuple[CompiledPass, ...]
    images: tuple[ImageLifetime, ...]
    final: tuple[Barrier, ...]

    def image(self, name: str) -> ImageLifetime:
        """Return the image of that name. Raises KeyError."""
        for lifetime in self.images:
            if lifetime.image.name == name:
                return lifetime
        raise KeyError(name)


@dataclass(frozen=True)
class _Use:
    """How one pass uses one image."""

    stage: Stage
    access: Access
    layout: Layout
    usage: ImageUsage
    discards: bool  # earlier contents are discarded


def compile_graph(passes: Sequence[Pass], outputs: Sequence[ColorTarget]) -> CompiledGraph:
    """Compile a frame. Every image of `outputs` ends in the layout TRANSFER_SRC.

    An output that no pass writes is cleared by an additional pass. A read of an image that no pass writes is
    bound to its stand-in, which is no image of the frame and needs no barrier. Raises GraphError.
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
    return CompiledGraph(compiled, _lifetimes(ordered, uses, finals), tuple(barriers[-1]))


def stand_in_name(image: str) -> str:
    """Return the name of the stand-in for an image that no pass of the frame writes."""
    return f"{image}.absent"


def _with_outputs(passes: Sequence[Pass], outputs: Sequence[ColorTarget]) -> list[Pass]:
    """Add clearing passes for outputs that no pass writes."""
    written = {image.name for p in passes for image in p.written()}
    missing = [target for target in outputs if target.image.name not in written]
    return [*passes, *(Pass(f"clear.{t.image.name}", draws="", color=(t,)) for t in missing)]


def _order(passes: list[Pass]) -> list[Pass]:
    """Order passes so that every read is after its write; otherwise the given order is kept."""
    writer: dict[str, str] = {}
    declared: dict[str, ImageDecl] = {}
    for p in passes:
        for image in p.written():
            if writer.setdefault(image.name, p.name) != p.name:
                raise GraphError(f"{image.name} is written by {writer[image.name]} and by {p.name}")
        for image in [*p.written(), *(read.image for read in p.reads)]:
            if declared.setdefault(image.name, image) != image:
                raise GraphError(
                    f"{image.name} is declared twice with different values, the second time by {p.name}"
                )
    depends = {p.name: {writer[r.image.name] for r in p.reads if r.image.name in writer} for p in passes}
    if len(depends) != len(passes):
        raise GraphError("two passes have the same name: " + ", ".join(sorted(p.name for p in passes)))
    ordered: list[Pass] = []
    done: set[str] = set()
    waiting = list(passes)
    while waiting:
        ready = next((p for p in waiting if depends[p.name] <= done), None)
        if ready is None:
            raise GraphError("passes depend on each other: " + " -> ".join(p.name for p in waiting))
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
    """Return (binding, image) of a pass's reads, with the stand-in's name where no pass writes the image."""
    names = [(read.binding, read.image.name) for read in p.reads]
    return tuple((b, name if name in written else stand_in_name(name)) for b, name in names)


def _transitions(state: dict[str, _Use], step: dict[str, _Use]) -> list[Barrier]:
    """Return the barriers before `step`, and update `state` to its uses."""
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


def _lifetimes(
    ordered: list[Pass], uses: list[dict[str, _Use]], finals: dict[str, _Use]
) -> tuple[ImageLifetime, ...]:
    """Return every image with the OR of its usages and the range of passes that use it."""
    declared = {image.name: image for p in ordered for image in p.written()}
    found: dict[str, ImageLifetime] = {}
    for index, step in enumerate([*uses, finals]):
        for name, use in step.items():
            lifetime = found.get(name)
            if lifetime is None:
                found[name] = ImageLifetime(declared[name], use.usage, index, index)
            else:
                found[name] = replace(lifetime, usage=lifetime.usage | use.usage, last=index)
    return tuple(found[name] for name in sorted(found))
