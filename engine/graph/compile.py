"""Compiles passes into an order, attachments, barriers and image lifetimes.

Barriers are derived from the uses of each image and buffer in the order of the passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from engine.graph.barriers import Barrier, BufferBarrier, Use, Uses, barriers
from engine.graph.buffers import BufferRole, BufferUse
from engine.graph.images import ImageDecl, Part, Samples
from engine.graph.lifetimes import (
    BufferLifetime,
    ImageLifetime,
    buffer_lifetimes,
    lifetimes,
    other_of,
    previous_name,
)
from engine.graph.order import GraphError, hosts, ordered
from engine.graph.passes import (
    ClearPass,
    ColorTarget,
    ComputePass,
    DepthTarget,
    ImageRead,
    Layout,
    Pass,
)
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.vocabulary import Access, ImageUsage, Stage

_STAGES = {
    ShaderStage.VERTEX: Stage.VERTEX_SHADER,
    ShaderStage.FRAGMENT: Stage.FRAGMENT_SHADER,
    ShaderStage.COMPUTE: Stage.COMPUTE_SHADER,
}


@dataclass(frozen=True)
class Attachment:
    """An attachment of a compiled pass.

    It is cleared to `clear`, or its contents are kept if that is None; they are stored if `stores`. Its
    samples are resolved into the image `resolve` at the end of the pass, if that is not empty. `layer` and
    `level` are those of the image that are drawn into.
    """

    image: str
    clear: tuple[float, float, float, float] | None
    stores: bool
    resolve: str = ""
    layer: int = 0
    level: int = 0

    @property
    def part(self) -> Part:
        """What is drawn into."""
        return Part(self.image, self.layer, self.level)


@dataclass(frozen=True)
class Targets:
    """The attachments of a pass in one of its views."""

    color: tuple[Attachment, ...] = ()
    depth: Attachment | None = None

    def all(self) -> tuple[Attachment, ...]:
        """Return every attachment."""
        return (*self.color, *([self.depth] if self.depth is not None else []))


@dataclass(frozen=True)
class CompiledPass:
    """A pass with the barriers before it and its attachments in each view, which have so many samples.

    `reads` are (binding, image name) pairs, `buffers` (binding, buffer name), `layered` the bindings of
    images with several layers. What `is_among` others is drawn by the pass that draws those, a later one.
    """

    declaration: Pass
    barriers: tuple[Barrier, ...]
    buffer_barriers: tuple[BufferBarrier, ...]
    reads: tuple[tuple[str, str], ...]
    buffers: tuple[tuple[str, str], ...]
    targets: tuple[Targets, ...] = (Targets(),)
    samples: int = 1
    layered: frozenset[str] = frozenset()
    is_among: bool = False

    @property
    def color(self) -> tuple[Attachment, ...]:
        """The colour attachments in the first view."""
        return self.targets[0].color

    @property
    def depth(self) -> Attachment | None:
        """The depth attachment in the first view."""
        return self.targets[0].depth

    def read(self) -> set[str]:
        """Return the names of the images that it samples."""
        return {name for _, name in self.reads}

    def written(self) -> set[str]:
        """Return the names of the images that it writes, draws or resolves into."""
        attached = {
            name for of in self.targets for each in of.all() for name in (each.image, each.resolve) if name
        }
        return attached or {image.name for image in self.declaration.written()}


@dataclass(frozen=True)
class CompiledGraph:
    """Passes in order, images and buffers sorted by name, and the `final` barriers.

    These make the outputs copy sources, and let the next frame read what it reads of this one. `kept` are the
    names of the images that are there twice, as passes read what the last frame has left in them: they change
    places with those of the names that `previous_name` returns, after each frame. `uses` says how each pass,
    and what comes after the last one, uses images and buffers: all of this follows from it.
    """

    passes: tuple[CompiledPass, ...]
    images: tuple[ImageLifetime, ...]
    buffers: tuple[BufferLifetime, ...]
    final: tuple[Barrier, ...]
    kept: tuple[str, ...] = ()
    uses: tuple[Uses, ...] = field(default=(), repr=False, compare=False)

    def image(self, name: str) -> ImageLifetime:
        """Return the image of that name. Raises KeyError."""
        for lifetime in self.images:
            if lifetime.image.name == name:
                return lifetime
        raise KeyError(name)

    def readable(self, name: str) -> Layout | None:
        """Return the layout in which an image can be read after the frame, None where it cannot be.

        What is left of an image with several samples is sampled; all others are copied.
        """
        found = next((life for life in self.images if life.image.name == name), None)
        if found is None:
            return None
        has_samples = found.image.samples is Samples.FRAME
        if not found.usage & (ImageUsage.SAMPLED if has_samples else ImageUsage.TRANSFER_SRC):
            return None
        return Layout.SHADER_READ if has_samples or found.kept else Layout.TRANSFER_SRC


def compile_graph(
    passes: Sequence[Pass],
    outputs: Sequence[ImageDecl],
    samples: int = 1,
    built_in: Collection[str] = (),
    watched: Collection[str] = (),
) -> CompiledGraph:
    """Compile a frame with so many samples. Every image of `outputs` ends in the layout TRANSFER_SRC.

    Outputs can be sampled in any case, so that they are the same images once passes come that read them.
    An output that no pass writes is cleared by an additional pass. A read of an image that no earlier pass
    writes is bound to its stand-in, which is no image of the frame and needs no barrier. Passes with names in
    `built_in` keep their order, whatever others wish. `watched` names images of the frame that can be read
    after it, too (`CompiledGraph.readable`); other names have no effect. Raises GraphError.
    """
    written = {image.name for p in passes for image in p.written()}
    clears = [
        ClearPass(f"clear.{image.name}", color=(ColorTarget(image),))
        for image in outputs
        if image.name not in written
    ]
    in_order = ordered([*passes, *clears], built_in)
    frame = _Frame(in_order, {image.name for image in outputs}, samples, frozenset(watched))
    uses = [frame.uses(number) for number in range(len(in_order))]
    uses.append(frame.last_uses())
    *before, (final, _) = barriers(uses, frame.images, frame.other_of)
    compiled = tuple(
        CompiledPass(
            p,
            *own,
            frame.reads(number),
            frame.buffers(number),
            frame.targets(number),
            frame.samples(p),
            frame.layered(number),
            number in frame.hosts,
        )
        for number, (p, own) in enumerate(zip(in_order, before, strict=True))
    )
    images = lifetimes(frame.images, uses, frame.kept)
    buffers = buffer_lifetimes(in_order, uses)
    return CompiledGraph(compiled, images, buffers, final, tuple(frame.kept), tuple(uses))


def stand_in_name(image: str) -> str:
    """Return the name of the stand-in for an image or a buffer that no pass of the frame writes."""
    return f"{image}.absent"


def pass_samples(p: Pass, samples: int) -> int:
    """Return the number of samples of a pass's attachments in a frame of so many."""
    return samples if any(image.samples is Samples.FRAME for image in p.written()) else 1


class _Frame:
    """Ordered passes, with the images behind their declarations.

    An image with several samples has two: the attachment, and what passes read, which is its resolved
    content. `images` are those of the frame, by name, `kept` has the stages that read what the last frame has
    left in an image. Raises GraphError where a pass reads an image of which nobody has written a part.
    """

    def __init__(
        self, passes: Sequence[Pass], outputs: set[str], samples: int, watched: frozenset[str]
    ) -> None:
        self._passes = passes
        self._outputs = outputs
        self._samples = samples
        self._watched = watched
        self._writers: dict[Part, list[int]] = {}  # by the declared image
        self._readers: dict[str, list[int]] = {}
        self._declared: dict[str, ImageDecl] = {}
        self.images: dict[str, ImageDecl] = {}
        self.hosts = hosts(passes)
        for number, p in enumerate(passes):
            for part in _written_parts(p) if number not in self.hosts else ():
                self._writers.setdefault(part, []).append(number)
            for image in p.written():
                self._declared[image.name] = image
                drawn = self._drawn(image)
                self.images[drawn.name] = drawn
            for of in p.read_now():
                self._readers.setdefault(of.name, []).append(number)
        self.kept = self._find_kept()
        self._outputs |= watched & self._declared.keys() - self.kept.keys()
        for p in passes:
            for image in p.written():
                if self._is_sampled(image) and self._is_read(image.name):
                    self.images[image.name] = replace(image, samples=Samples.ONE)
        for name in self.kept:
            previous = previous_name(name)
            self.images[previous] = replace(self._declared[name], name=previous, samples=Samples.ONE)
        self._check_reads()

    def _find_kept(self) -> dict[str, Stage]:
        """Return the stages that read what the last frame has left in an image that this one writes."""
        found: dict[str, Stage] = {}
        for read in (read for p in self._passes for read in p.reads if read.previous):
            name = read.image.name
            if name in self._declared:
                found[name] = found.get(name, Stage(0)) | pipeline_stages(read.stages)
        for name in found.keys() & self._outputs:
            raise GraphError(f"{name} is shown, and has a history", "draw a copy of it, and keep that")
        return dict(sorted(found.items()))

    def last_uses(self) -> dict[Part | str, Use]:
        """Return how images are used after the frame: read back, or by the next frame."""
        shown = (self._declared[name] for name in sorted(self._outputs))
        found: dict[Part | str, Use] = {part: _SHOWN for image in shown for part in image.parts()}
        for name in self._watched & self.images.keys() - self._declared.keys():
            if self.images[name].samples is Samples.FRAME:
                found[Part(name)] = _FETCHED
        for name, stages in self.kept.items():
            is_watched = not self._watched.isdisjoint({name, previous_name(name)})
            usage = ImageUsage.SAMPLED | (ImageUsage.TRANSFER_SRC if is_watched else ImageUsage(0))
            use = Use(stages, Access.SHADER_SAMPLED_READ, Layout.SHADER_READ, usage)
            found |= dict.fromkeys(self._declared[name].parts(), use)
        return found

    def other_of(self, thing: Part | str) -> Part | str:
        """Return the part that this one was in the last frame: another one where two change places."""
        return other_of(thing, self.kept)

    def _check_reads(self) -> None:
        for number, p in enumerate(self._passes):
            for read in p.reads:
                until = len(self._passes) if read.previous else number
                there = [self._is_written(part, until) for part in self._parts(read)]
                if any(there) and not all(there):
                    raise GraphError(
                        f"{p.name} reads {read.image.name}, of which parts are not written",
                        "let passes before it draw into every layer and mip level",
                    )

    def _is_sampled(self, image: ImageDecl) -> bool:
        """Whether an image has several samples in this frame."""
        return image.samples is Samples.FRAME and self._samples > 1

    def samples(self, p: Pass) -> int:
        """Return the number of samples of a pass's attachments."""
        return pass_samples(p, self._samples)

    def _is_read(self, name: str) -> bool:
        return name in self._outputs or name in self._readers or name in self.kept

    def _drawn(self, image: ImageDecl) -> ImageDecl:
        """Return the image that is drawn into."""
        if not self._is_sampled(image):
            return replace(image, samples=Samples.ONE)
        return replace(image, name=f"{image.name}Samples")

    def reads(self, number: int) -> tuple[tuple[str, str], ...]:
        """Return (binding, image) of a pass's reads, with the stand-in where nothing is to be read."""
        found = []
        for read in self._passes[number].reads:
            name = read.image.name
            if not self._is_there(read, number):
                name = stand_in_name(name)
            found.append((read.binding, previous_name(name) if name in self.kept and read.previous else name))
        return tuple(found)

    def layered(self, number: int) -> frozenset[str]:
        """Return the bindings of a pass's images with several layers."""
        reads = self._passes[number].reads
        return frozenset(
            read.binding
            for read in reads
            if self._is_there(read, number) and self._declared[read.image.name].layers > 1
        )

    def buffers(self, number: int) -> tuple[tuple[str, str], ...]:
        """Return (binding, buffer) of a pass, with the stand-in where nothing is to be read."""
        found = []
        for use in self._passes[number].used_buffers():
            name, is_there = use.buffer.name, self._has_buffer(use, number)
            found.append((use.binding, name if is_there else stand_in_name(name)))
        return tuple(found)

    def _has_buffer(self, use: BufferUse, number: int) -> bool:
        """Whether a pass up to this one writes a buffer, or it persists."""
        if use.buffer.persists:
            return True
        writers = (of for p in self._passes[: number + 1] for of in p.buffers if of.writes)
        return any(of.buffer.name == use.buffer.name for of in writers)

    def _is_there(self, read: ImageRead, number: int) -> bool:
        """Whether passes before this one, or in the last frame, have written what it reads."""
        until = len(self._passes) if read.previous else number
        return all(self._is_written(part, until) for part in self._parts(read))

    def _parts(self, read: ImageRead) -> Iterator[Part]:
        """Yield the parts of what a pass reads, as many as passes write it with."""
        return self._declared.get(read.image.name, read.image).parts()

    def _is_written(self, part: Part, number: int) -> bool:
        return part in self._writers and self._writers[part][0] < number

    def targets(self, number: int) -> tuple[Targets, ...]:
        """Return the attachments of a pass in each of its views, or of the one that it is drawn among."""
        number = self.hosts.get(number, number)
        p = self._passes[number]
        return tuple(
            Targets(
                tuple(self._attachment(number, target, view) for target in p.color),
                self._attachment(number, p.depth, view) if p.depth is not None else None,
            )
            for view in range(len(p.views))
        )

    def _attachment(self, number: int, target: ColorTarget | DepthTarget, view: int) -> Attachment:
        image, layer = target.image, target.layer + view
        writers = self._writers[Part(image.name, layer, target.level)]
        is_first, is_last = number == writers[0], number == writers[-1]
        until = len(self._passes) if is_last else writers[writers.index(number) + 1]
        readers = [r for r in self._readers.get(image.name, ()) if number < r < until]
        is_read = bool(readers) or (is_last and (image.name in self._outputs or image.name in self.kept))
        drawn = self._drawn(image).name
        return Attachment(
            drawn,
            image.clear if is_first else None,
            stores=not is_last or (is_read and not self._is_sampled(image)) or drawn in self._watched,
            resolve=image.name if is_read and self._is_sampled(image) else "",
            layer=layer,
            level=target.level,
        )

    def uses(self, number: int) -> Uses:
        """Return how a pass uses the images and buffers of the frame, and what is drawn together with it."""
        host = self.hosts.get(number, number)
        found = self._own_uses(host)
        for one in (one for one, other in self.hosts.items() if other == host):
            for thing, use in self._own_uses(one).items():
                known = found.get(thing, use)
                found[thing] = replace(use, stage=known.stage | use.stage, access=known.access | use.access)
        return found

    def _own_uses(self, number: int) -> dict[Part | str, Use]:
        p = self._passes[number]
        uses: dict[Part | str, Use] = {}
        for targets in self.targets(number):
            for attachment in targets.color:
                uses[attachment.part] = _attachment_use(attachment, _COLOR)
                if attachment.resolve:
                    uses[Part(attachment.resolve)] = _COLOR
            if targets.depth is not None:
                uses[targets.depth.part] = _attachment_use(targets.depth, _DEPTH)
                if targets.depth.resolve:
                    uses[Part(targets.depth.resolve)] = _RESOLVED_DEPTH
        for part in _written_parts(p) if isinstance(p, ComputePass) else ():
            uses[part] = replace(_STORED, discards=number == self._writers[part][0])
        for read in p.reads:
            if self._is_there(read, number):
                use = Use(
                    pipeline_stages(read.stages),
                    Access.SHADER_SAMPLED_READ,
                    Layout.SHADER_READ,
                    ImageUsage.SAMPLED,
                )
                for part in self._parts(read):
                    uses[self.other_of(part) if read.previous else part] = use
        for of in p.used_buffers():
            if not self._has_buffer(of, number):
                continue
            name, known = of.buffer.name, uses.get(of.buffer.name, Use(Stage(0), Access(0)))
            stage, access = _buffer_use(of)
            uses[name] = Use(known.stage | stage, known.access | access)
        return uses


def _buffer_use(use: BufferUse) -> tuple[Stage, Access]:
    """Return the stages in which a pass uses a buffer, and how."""
    if use.role is BufferRole.ARGUMENTS:
        return Stage.DRAW_INDIRECT, Access.INDIRECT_COMMAND_READ
    if use.role is BufferRole.INDICES:
        return Stage.INDEX_INPUT, Access.INDEX_READ
    access = Access.SHADER_STORAGE_READ
    if use.writes:
        access |= Access.SHADER_STORAGE_WRITE
    return pipeline_stages(use.stages), access


def _written_parts(p: Pass) -> Iterator[Part]:
    """Yield the parts of images that a pass writes, by the names that it declares."""
    for target in p.targets():
        for view in range(len(p.views)):
            yield Part(target.image.name, target.layer + view, target.level)
    if isinstance(p, ComputePass):
        for write in p.writes:
            for layer in range(write.image.layers):
                yield Part(write.image.name, layer, write.level)


@lru_cache
def pipeline_stages(stages: ShaderStage) -> Stage:
    """Return the stages of the pipeline in which shaders of these stages run."""
    found = Stage(0)
    for stage, of_pipeline in _STAGES.items():
        found |= of_pipeline if stage & stages else Stage(0)
    return found


_COLOR = Use(
    Stage.COLOR_ATTACHMENT_OUTPUT,
    Access.COLOR_ATTACHMENT_READ | Access.COLOR_ATTACHMENT_WRITE,
    Layout.COLOR_ATTACHMENT,
    ImageUsage.COLOR_ATTACHMENT,
    discards=True,
)
_DEPTH = Use(
    Stage.EARLY_FRAGMENT_TESTS | Stage.LATE_FRAGMENT_TESTS,
    Access.DEPTH_STENCIL_ATTACHMENT_READ | Access.DEPTH_STENCIL_ATTACHMENT_WRITE,  # storing writes, too
    Layout.DEPTH_ATTACHMENT,
    ImageUsage.DEPTH_STENCIL_ATTACHMENT,
    discards=True,
)
_STORED = Use(
    Stage.COMPUTE_SHADER,
    Access.SHADER_STORAGE_READ | Access.SHADER_STORAGE_WRITE,
    Layout.GENERAL,
    ImageUsage.STORAGE,
)
_SHOWN = Use(
    Stage.COPY | Stage.BLIT,
    Access.TRANSFER_READ,
    Layout.TRANSFER_SRC,
    ImageUsage.TRANSFER_SRC | ImageUsage.SAMPLED,
)
_FETCHED = Use(Stage.COMPUTE_SHADER, Access.SHADER_SAMPLED_READ, Layout.SHADER_READ, ImageUsage.SAMPLED)
"""Samples are no copy source: a shader fetches them."""
_RESOLVED_DEPTH = replace(_DEPTH, stage=_COLOR.stage, access=_COLOR.access)
"""Resolving counts as writing a colour attachment, for depth too (Vulkan 1.3, 8.5)."""


def _attachment_use(attachment: Attachment, of_kind: Use) -> Use:
    return replace(of_kind, discards=attachment.clear is not None)
