"""Compiles passes into an order, attachments, barriers and image lifetimes.

Barriers are derived from the uses of each image in the order of the passes. Frames share their attachments,
so the first use of a frame waits for the last one of the frame before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.graph.images import ImageDecl, Samples
from engine.graph.order import ordered
from engine.graph.passes import ClearPass, ColorTarget, Layout, Pass
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.vocabulary import Access, ImageUsage, Stage

_WRITES = (
    Access.COLOR_ATTACHMENT_WRITE
    | Access.DEPTH_STENCIL_ATTACHMENT_WRITE
    | Access.TRANSFER_WRITE
    | Access.SHADER_WRITE
)
_STAGES = {ShaderStage.VERTEX: Stage.VERTEX_SHADER, ShaderStage.FRAGMENT: Stage.FRAGMENT_SHADER}


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
class Attachment:
    """An attachment of a compiled pass.

    It is cleared to `clear`, or its contents are kept if that is None; they are stored if `stores`. Its
    samples are resolved into the image `resolve` at the end of the pass, if that is not empty.
    """

    image: str
    clear: tuple[float, float, float, float] | None
    stores: bool
    resolve: str = ""


@dataclass(frozen=True)
class CompiledPass:
    """A pass with the barriers before it and its attachments; `reads` are (binding, image name) pairs.

    `samples` are those of its attachments.
    """

    declaration: Pass
    barriers: tuple[Barrier, ...]
    reads: tuple[tuple[str, str], ...]
    color: tuple[Attachment, ...] = ()
    depth: Attachment | None = None
    samples: int = 1

    def written(self) -> set[str]:
        """Return the names of the images that it draws or resolves into."""
        attachments = [*self.color, *([self.depth] if self.depth is not None else [])]
        return {name for each in attachments for name in (each.image, each.resolve) if name}


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
    discards: bool = False  # earlier contents are discarded


def compile_graph(passes: Sequence[Pass], outputs: Sequence[ImageDecl], samples: int = 1) -> CompiledGraph:
    """Compile a frame with so many samples. Every image of `outputs` ends in the layout TRANSFER_SRC.

    An output that no pass writes is cleared by an additional pass. A read of an image that no earlier pass
    writes is bound to its stand-in, which is no image of the frame and needs no barrier. Raises GraphError.
    """
    written = {image.name for p in passes for image in p.written()}
    clears = [
        ClearPass(f"clear.{image.name}", color=(ColorTarget(image),))
        for image in outputs
        if image.name not in written
    ]
    in_order = ordered([*passes, *clears])
    frame = _Frame(in_order, {image.name for image in outputs}, samples)
    uses = [frame.uses(number) for number in range(len(in_order))]
    copied = _Use(Stage.COPY | Stage.BLIT, Access.TRANSFER_READ, Layout.TRANSFER_SRC, ImageUsage.TRANSFER_SRC)
    uses.append({image.name: copied for image in outputs})
    *barriers, final = _barriers(uses)
    compiled = tuple(
        CompiledPass(p, own, frame.reads(number), *frame.attachments(number), frame.samples(p))
        for number, (p, own) in enumerate(zip(in_order, barriers, strict=True))
    )
    return CompiledGraph(compiled, _lifetimes(frame.images, uses), final)


def stand_in_name(image: str) -> str:
    """Return the name of the stand-in for an image that no pass of the frame writes."""
    return f"{image}.absent"


class _Frame:
    """Ordered passes, with the images behind their declarations.

    An image with several samples has two: the attachment, and what passes read, which is its resolved
    content. `images` are those of the frame, by name.
    """

    def __init__(self, passes: Sequence[Pass], outputs: set[str], samples: int) -> None:
        self._passes = passes
        self._outputs = outputs
        self._samples = samples
        self._targets: dict[str, list[int]] = {}
        self._readers: dict[str, list[int]] = {}
        self.images: dict[str, ImageDecl] = {}
        for number, p in enumerate(passes):
            for image in p.written():
                self._targets.setdefault(image.name, []).append(number)
                drawn = self._drawn(image)
                self.images[drawn.name] = drawn
            for read in p.reads:
                self._readers.setdefault(read.image.name, []).append(number)
        for p in passes:
            for image in p.written():
                if self._is_sampled(image) and self._is_read(image.name):
                    self.images[image.name] = replace(image, samples=Samples.ONE)

    def _is_sampled(self, image: ImageDecl) -> bool:
        """Whether an image has several samples in this frame."""
        return image.samples is Samples.FRAME and self._samples > 1

    def samples(self, p: Pass) -> int:
        """Return the number of samples of a pass's attachments."""
        return self._samples if any(image.samples is Samples.FRAME for image in p.written()) else 1

    def _is_read(self, name: str) -> bool:
        return name in self._outputs or name in self._readers

    def _drawn(self, image: ImageDecl) -> ImageDecl:
        """Return the image that is drawn into."""
        if not self._is_sampled(image):
            return replace(image, samples=Samples.ONE)
        return replace(image, name=f"{image.name}Samples")

    def reads(self, number: int) -> tuple[tuple[str, str], ...]:
        """Return (binding, image) of a pass's reads, with the stand-in where nothing is to be read."""
        names = [(read.binding, read.image.name) for read in self._passes[number].reads]
        return tuple((b, n if self._is_there(n, number) else stand_in_name(n)) for b, n in names)

    def _is_there(self, image: str, number: int) -> bool:
        """Whether a pass before this one has written an image."""
        return image in self._targets and self._targets[image][0] < number

    def attachments(self, number: int) -> tuple[tuple[Attachment, ...], Attachment | None]:
        """Return the colour attachments of a pass, and its depth attachment."""
        p = self._passes[number]
        color = tuple(self._attachment(number, target.image) for target in p.color)
        return color, self._attachment(number, p.depth.image) if p.depth is not None else None

    def _attachment(self, number: int, image: ImageDecl) -> Attachment:
        targets = self._targets[image.name]
        is_first, is_last = number == targets[0], number == targets[-1]
        until = len(self._passes) if is_last else targets[targets.index(number) + 1]
        readers = [r for r in self._readers.get(image.name, ()) if number < r < until]
        is_read = bool(readers) or (is_last and image.name in self._outputs)
        return Attachment(
            self._drawn(image).name,
            image.clear if is_first else None,
            stores=not is_last or (is_read and not self._is_sampled(image)),
            resolve=image.name if is_read and self._is_sampled(image) else "",
        )

    def uses(self, number: int) -> dict[str, _Use]:
        """Return how a pass uses each image of the frame, by name."""
        p = self._passes[number]
        color, depth = self.attachments(number)
        uses: dict[str, _Use] = {}
        for attachment in color:
            uses[attachment.image] = _attachment_use(attachment, _COLOR)
            if attachment.resolve:
                uses[attachment.resolve] = _COLOR
        if depth is not None:
            uses[depth.image] = _attachment_use(depth, _DEPTH)
            if depth.resolve:
                uses[depth.resolve] = _RESOLVED_DEPTH
        for read in p.reads:
            if self._is_there(read.image.name, number):
                stages = Stage(0)
                for stage, of_pipeline in _STAGES.items():
                    stages |= of_pipeline if stage & read.stages else Stage(0)
                uses[read.image.name] = _Use(
                    stages, Access.SHADER_SAMPLED_READ, Layout.SHADER_READ, ImageUsage.SAMPLED
                )
        return uses


_COLOR = _Use(
    Stage.COLOR_ATTACHMENT_OUTPUT,
    Access.COLOR_ATTACHMENT_READ | Access.COLOR_ATTACHMENT_WRITE,
    Layout.COLOR_ATTACHMENT,
    ImageUsage.COLOR_ATTACHMENT,
    discards=True,
)
_DEPTH = _Use(
    Stage.EARLY_FRAGMENT_TESTS | Stage.LATE_FRAGMENT_TESTS,
    Access.DEPTH_STENCIL_ATTACHMENT_READ | Access.DEPTH_STENCIL_ATTACHMENT_WRITE,  # storing writes, too
    Layout.DEPTH_ATTACHMENT,
    ImageUsage.DEPTH_STENCIL_ATTACHMENT,
    discards=True,
)
_RESOLVED_DEPTH = replace(_DEPTH, stage=_COLOR.stage, access=_COLOR.access)
"""Resolving counts as writing a colour attachment, for depth too (Vulkan 1.3, 8.5)."""


def _attachment_use(attachment: Attachment, of_kind: _Use) -> _Use:
    return replace(of_kind, discards=attachment.clear is not None)


def _barriers(uses: Sequence[Mapping[str, _Use]]) -> Iterator[tuple[Barrier, ...]]:
    """Yield the barriers before each step. Reads that follow each other in one layout have one barrier."""
    names = dict.fromkeys(name for step in uses for name in step)
    before: list[dict[str, Barrier]] = [{} for _ in uses]
    for name in names:
        groups: list[tuple[int, _Use]] = []
        for number, step in enumerate(uses):
            use = step.get(name)
            if use is None:
                continue
            if groups and not (use.access | groups[-1][1].access) & _WRITES:
                first, known = groups[-1]
                if known.layout is use.layout:
                    groups[-1] = (
                        first,
                        replace(known, stage=known.stage | use.stage, access=known.access | use.access),
                    )
                    continue
            groups.append((number, use))
        last = groups[-1][1]
        for number, use in groups:
            before[number][name] = Barrier(
                name,
                last.stage,
                last.access & _WRITES,
                use.stage,
                use.access,
                Layout.UNDEFINED if use.discards else last.layout,
                use.layout,
            )
            last = use
    for step, found in zip(uses, before, strict=True):
        yield tuple(found[name] for name in step if name in found)


def _lifetimes(
    images: Mapping[str, ImageDecl], uses: Sequence[Mapping[str, _Use]]
) -> tuple[ImageLifetime, ...]:
    """Return every image with the OR of its usages and the range of passes that use it.

    Outputs live as long as the frame: they are read after it.
    """
    found: dict[str, ImageLifetime] = {}
    for index, step in enumerate(uses):
        for name, use in step.items():
            lifetime = found.get(name)
            if lifetime is None:
                found[name] = ImageLifetime(images[name], use.usage, index, index)
            else:
                found[name] = replace(lifetime, usage=lifetime.usage | use.usage, last=index)
    for name in uses[-1]:
        found[name] = replace(found[name], first=0)
    return tuple(found[name] for name in sorted(found))
