"""Records a compiled frame: barriers, dynamic rendering, and the indirect draws of each pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.graph import Attachment, Barrier, BufferBarrier, CompiledGraph, CompiledPass, Layout
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Access, Stage
from engine.plan.terms.vulkan_enums import Aspect
from engine.planning.draw.draw_list import COMMAND
from engine.vk.binding import constants, ffi
from engine.vk.device import Device
from engine.vk.enums import BindPoint, IndexType, LoadOp, ResolveMode, StoreOp
from engine.vk.structs import new

_IGNORED_FAMILY = 0xFFFF_FFFF
_REMAINING = 0xFFFF_FFFF
MAX_KEPT = 4
"""Structures of each pass that are kept, with the images that they name."""


@dataclass(frozen=True)
class FrameImage:
    """A resident image of the frame: VkImage, VkImageViews, format, (width, height), id in the plan.

    `views` are those of its layers and mip levels. `aliased` images share memory with others of the frame:
    their first use in a frame waits for all earlier commands, and their old contents are undefined.
    """

    image: Any
    views: Mapping[tuple[int, int], Any]
    format: Format
    extent: tuple[int, int]
    aliased: bool = False
    resource: int = field(default=-1, compare=False)  # recordings name the VkImage


class NotDrawn(LookupError):
    """The last frame has no image of this name, or the one that it has drawn is gone."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no frame has been drawn into '{name}' since images have changed: draw one first")


Push = tuple[int, bytes]
"""Push constants from byte 0: the VkShaderStageFlags of their range, and all its bytes."""


@dataclass(frozen=True)
class BoundGroup:
    """A group of indirect draws with everything it binds.

    `commands` is (VkBuffer, byte offset) of the first of `count` draw commands; `rows` are the same commands
    on the CPU (dtype COMMAND). `cull` is a VkCullModeFlags where the pipeline leaves it open, else 0.
    """

    pipeline: Any
    front_face: int
    layout: Any
    sets: tuple[Any, ...]
    vertex_buffer: Any
    index_buffer: Any
    index_type: int
    commands: tuple[Any, int]
    count: int
    rows: Any
    push: Push | None = None
    cull: int = 0


@dataclass(frozen=True)
class BoundArguments:
    """Commands that a shader has written: `most`, `stride` bytes apart, in a VkBuffer from `offset` on.

    `count` is the byte offset of their number in the same buffer, None where all are drawn.
    """

    buffer: Any
    offset: int
    most: int
    stride: int
    count: int | None


@dataclass(frozen=True)
class BoundShader:
    """A draw of so many vertices and instances without a mesh, with everything it binds.

    `arguments` say how much is drawn in their place. `indices` are (VkBuffer, byte offset), of uint32.
    Without arguments instances are counted from `first_instance` on.
    """

    pipeline: Any
    front_face: int
    layout: Any
    sets: tuple[Any, ...]
    vertices: int
    instances: int
    arguments: BoundArguments | None = None
    indices: tuple[Any, int] | None = None
    push: Push | None = None
    first_instance: int = 0


@dataclass(frozen=True)
class BoundDispatch:
    """A dispatch of so many work groups, with everything it binds."""

    pipeline: Any
    layout: Any
    sets: tuple[Any, ...]
    groups: tuple[int, int, int]
    push: Push | None = None


Kept = TypeVar("Kept")
_Targets = tuple[tuple[Any, ...], Any, Any]
"""The VkRenderingInfo of each view, and viewport and scissor of all."""

AnyBound = BoundGroup | BoundShader | BoundDispatch


class FrameRecorder:
    """Records frames into command buffers of one device.

    `max_draw_count` is the device's maxDrawIndirectCount. Without multiDrawIndirect and
    drawIndirectFirstInstance the frame is not `indirect`: each draw command is recorded as a direct draw, and
    a frame must be recorded again whenever one changes.
    """

    def __init__(self, device: Device, max_draw_count: int) -> None:
        self._vk = device.vk
        self.indirect = {"multiDrawIndirect", "drawIndirectFirstInstance"} <= device.features
        self._counts = "drawIndirectCount" in device.features
        self._limit = max_draw_count
        self._targets: dict[str, deque[tuple[CompiledPass, list[FrameImage], _Targets]]] = {}
        self._barriers: dict[str, deque[tuple[CompiledPass, list[FrameImage], Any]]] = {}
        self._finals: deque[tuple[Sequence[Barrier], list[FrameImage], Any]] = deque(maxlen=MAX_KEPT)
        self._known: list[_FrameInfo] = []  # one for each slot at most, the last one used behind the others

    def frame(
        self,
        commands: Any,
        graph: CompiledGraph,
        images: Mapping[str, FrameImage],
        groups: Mapping[str, Sequence[Sequence[AnyBound]]],
        passed: Callable[[int], None] | None = None,
    ) -> int:
        """Record all passes in order and the final barriers; return the number of draw calls.

        `groups` has what each pass draws in each of its views. `passed` is called with the number of passes
        recorded so far, after each.
        Structures that follow from `graph` and `images` are kept for as long as these are the same objects.
        """
        frame = self._info(graph, images)
        vk, calls = self._vk, 0
        for number, known in enumerate(frame.passes, 1):
            if known.barriers is not None:
                vk.vkCmdPipelineBarrier2(commands, known.barriers)
            drawn = groups.get(known.name)
            if not known.rendering:
                for bound in drawn or ():
                    calls += sum(self._draw(commands, group) for group in bound)
            for view, rendering in enumerate(known.rendering):
                vk.vkCmdBeginRendering(commands, rendering)
                vk.vkCmdSetViewport(commands, 0, 1, known.viewport)
                vk.vkCmdSetScissor(commands, 0, 1, known.scissor)
                if drawn is not None:
                    calls += sum(self._draw(commands, group) for group in drawn[view])
                vk.vkCmdEndRendering(commands)
            if passed is not None:
                passed(number)
        if frame.final is not None:
            vk.vkCmdPipelineBarrier2(commands, frame.final)
        return calls

    def _info(self, graph: CompiledGraph, images: Mapping[str, FrameImage]) -> _FrameInfo:
        """Return the structures of a frame, which are kept for two pairs of graph and images."""
        for known in self._known:
            if known.graph is graph and known.images is images:
                return known
        passes = [self._pass(compiled, images) for compiled in graph.passes]
        made = _FrameInfo(graph, images, passes, self._final(graph.final, images))
        self._known = [*self._known[-1:], made]
        return made

    def _final(self, barriers: Sequence[Barrier], images: Mapping[str, FrameImage]) -> Any:
        """Return the structure of the final barriers: that of the last frames with the same images."""
        used = [images[barrier.image] for barrier in barriers]
        for known, with_images, made in self._finals:
            if with_images == used and known == barriers:
                return made
        made = _dependency(barriers, images)
        self._finals.append((barriers, used, made))
        return made

    def _pass(self, compiled: CompiledPass, images: Mapping[str, FrameImage]) -> _PassInfo:
        """Return the structures of a pass: those of the last frames that had it with the same images."""
        targets = _kept(self._targets, compiled, images, _attached, _targets)
        barriers = _kept(self._barriers, compiled, images, _guarded, _barriers)
        return _PassInfo(compiled.declaration.name, barriers, *targets)

    def _draw(self, commands: Any, group: AnyBound) -> int:
        """Record a group, a draw or a dispatch; return the number of draw calls."""
        vk = self._vk
        point = BindPoint.COMPUTE if isinstance(group, BoundDispatch) else BindPoint.GRAPHICS
        vk.vkCmdBindPipeline(commands, point, group.pipeline)
        if group.sets:
            vk.vkCmdBindDescriptorSets(
                commands,
                point,
                group.layout,
                0,
                len(group.sets),
                ffi.new("VkDescriptorSet[]", group.sets),
                0,
                ffi.NULL,
            )
        if group.push is not None:
            stages, values = group.push
            vk.vkCmdPushConstants(commands, group.layout, stages, 0, len(values), ffi.from_buffer(values))
        if isinstance(group, BoundDispatch):
            vk.vkCmdDispatch(commands, *group.groups)
            return 0
        if isinstance(group, BoundShader):
            return self._draw_shader(commands, group)
        vk.vkCmdSetFrontFace(commands, group.front_face)
        if group.cull:
            vk.vkCmdSetCullMode(commands, group.cull)
        offsets = ffi.new("VkDeviceSize[]", (0,))
        vk.vkCmdBindVertexBuffers(commands, 0, 1, ffi.new("VkBuffer[]", (group.vertex_buffer,)), offsets)
        vk.vkCmdBindIndexBuffer(commands, group.index_buffer, 0, group.index_type)
        if not self.indirect:
            drawn = group.rows[group.rows["instance_count"] > 0]
            for row in drawn.tolist():
                index_count, instances, first_index, vertex_offset, first_instance = row
                vk.vkCmdDrawIndexed(
                    commands, index_count, instances, first_index, vertex_offset, first_instance
                )
            return len(drawn)
        buffer, offset = group.commands
        calls = 0
        for first in range(0, group.count, self._limit):
            count = min(self._limit, group.count - first)
            start = offset + first * COMMAND.itemsize
            vk.vkCmdDrawIndexedIndirect(commands, buffer, start, count, COMMAND.itemsize)
            calls += 1
        return calls

    def _draw_shader(self, commands: Any, group: BoundShader) -> int:
        """Record a draw without a mesh; return the number of draw calls."""
        vk, of = self._vk, group.arguments
        vk.vkCmdSetFrontFace(commands, group.front_face)
        if group.indices is not None:
            vk.vkCmdBindIndexBuffer(commands, *group.indices, IndexType.UINT32)
        if of is None:
            if group.indices is not None:
                vk.vkCmdDrawIndexed(commands, group.vertices, group.instances, 0, 0, group.first_instance)
            else:
                vk.vkCmdDraw(commands, group.vertices, group.instances, 0, group.first_instance)
            return 1
        indexed = group.indices is not None
        if of.count is not None and self._counts and of.most <= self._limit:
            draw = vk.vkCmdDrawIndexedIndirectCount if indexed else vk.vkCmdDrawIndirectCount
            draw(commands, of.buffer, of.offset, of.buffer, of.count, of.most, of.stride)
            return 1
        draw = vk.vkCmdDrawIndexedIndirect if indexed else vk.vkCmdDrawIndirect
        firsts = range(0, of.most, self._limit)
        for first in firsts:
            count = min(self._limit, of.most - first)
            draw(commands, of.buffer, of.offset + first * of.stride, count, of.stride)
        return len(firsts)


@dataclass(frozen=True)
class _PassInfo:
    """The structures that a pass is recorded with, whatever it draws; `barriers` is None without any.

    `rendering` has one for each view, none where the pass computes.
    """

    name: str
    barriers: Any
    rendering: tuple[Any, ...] = ()
    viewport: Any = None
    scissor: Any = None


@dataclass(frozen=True, eq=False)
class _FrameInfo:
    """The structures of all passes of a graph with these images, and of the final barriers."""

    graph: CompiledGraph
    images: Mapping[str, FrameImage]
    passes: Sequence[_PassInfo]
    final: Any


def _kept(
    passes: dict[str, deque[tuple[CompiledPass, list[FrameImage], Kept]]],
    compiled: CompiledPass,
    images: Mapping[str, FrameImage],
    names: Callable[[CompiledPass], Iterable[str]],
    make: Callable[[CompiledPass, Mapping[str, FrameImage]], Kept],
) -> Kept:
    """Return what is made of a pass and of the images of these names: what is kept, if they are the same."""
    kept = passes.setdefault(compiled.declaration.name, deque(maxlen=MAX_KEPT))
    used = [images[name] for name in names(compiled)]
    for known, with_images, made in kept:
        if known is compiled and with_images == used:
            return made
    made = make(compiled, images)
    kept.append((compiled, used, made))
    return made


def _barriers(compiled: CompiledPass, images: Mapping[str, FrameImage]) -> Any:
    return _dependency(compiled.barriers, images, compiled.buffer_barriers)


def _targets(compiled: CompiledPass, images: Mapping[str, FrameImage]) -> _Targets:
    first = compiled.color[0] if compiled.color else compiled.depth
    if first is None or compiled.is_among:
        return (), None, None
    width, height = (max(1, side >> first.level) for side in images[first.image].extent)
    rendering = tuple(
        new(
            "VkRenderingInfo",
            renderArea={"offset": (0, 0), "extent": (width, height)},
            layerCount=1,
            pColorAttachments=[_attachment(each, images) for each in targets.color],
            pDepthAttachment=_attachment(targets.depth, images) if targets.depth is not None else None,
        )
        for targets in compiled.targets
    )
    viewport = new("VkViewport", width=width, height=height, minDepth=0.0, maxDepth=1.0)
    return rendering, viewport, new("VkRect2D", extent=(width, height))


def _dependency(
    barriers: Sequence[Barrier], images: Mapping[str, FrameImage], buffers: Sequence[BufferBarrier] = ()
) -> Any:
    """Return the VkDependencyInfo of some barriers, None where there is none."""
    if not barriers and not buffers:
        return None
    rows = [image_barrier(barrier, images[barrier.image]) for barrier in barriers]
    of_buffers = [
        {
            "sType": constants.VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
            "srcStageMask": int(barrier.source_stage),
            "srcAccessMask": int(barrier.source_access),
            "dstStageMask": int(barrier.stage),
            "dstAccessMask": int(barrier.access),
        }
        for barrier in buffers
    ]
    return new("VkDependencyInfo", pImageMemoryBarriers=rows, pMemoryBarriers=of_buffers)


def _guarded(compiled: CompiledPass) -> Iterable[str]:
    """Return the images that the barriers of a pass name."""
    return [barrier.image for barrier in compiled.barriers]


def _attached(compiled: CompiledPass) -> Iterator[str]:
    """Yield the images that the attachments of a pass name."""
    for targets in compiled.targets:
        for attachment in targets.all():
            yield attachment.image
            if attachment.resolve:
                yield attachment.resolve


def image_barrier(barrier: Barrier, image: FrameImage) -> dict[str, Any]:
    """Return the VkImageMemoryBarrier2 of a barrier; a discarded aliased image waits for all commands."""
    stage, access, part = barrier.source_stage, barrier.source_access, barrier.part
    levels, layers = (0, _REMAINING), (0, _REMAINING)
    if part is not None:
        levels, layers = (part.level, 1), (part.layer, 1)
    if image.aliased and barrier.old_layout is Layout.UNDEFINED:
        stage, access = Stage.ALL_COMMANDS, Access.MEMORY_WRITE
    return {
        "sType": constants.VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2,
        "srcStageMask": int(stage),
        "srcAccessMask": int(access),
        "dstStageMask": int(barrier.stage),
        "dstAccessMask": int(barrier.access),
        "oldLayout": int(barrier.old_layout),
        "newLayout": int(barrier.layout),
        "srcQueueFamilyIndex": _IGNORED_FAMILY,
        "dstQueueFamilyIndex": _IGNORED_FAMILY,
        "image": image.image,
        "subresourceRange": (int(image.format.info.aspect), *levels, *layers),
    }


def _attachment(attachment: Attachment, images: Mapping[str, FrameImage]) -> Any:
    """Return the VkRenderingAttachmentInfo of an attachment."""
    image = images[attachment.image]
    is_depth, is_integer = bool(image.format.info.aspect & Aspect.DEPTH), "INT" in image.format.name
    layout = int(Layout.DEPTH_ATTACHMENT if is_depth else Layout.COLOR_ATTACHMENT)
    fields: dict[str, Any] = {}
    if attachment.clear is not None:
        fields["clearValue"] = _clear_value(attachment.clear, image.format)
    if attachment.resolve:
        fields["resolveMode"] = ResolveMode.SAMPLE_ZERO if is_depth or is_integer else ResolveMode.AVERAGE
        fields["resolveImageView"] = images[attachment.resolve].views[0, 0]
        fields["resolveImageLayout"] = layout
    return new(
        "VkRenderingAttachmentInfo",
        imageView=image.views[attachment.layer, attachment.level],
        imageLayout=layout,
        loadOp=LoadOp.CLEAR if attachment.clear is not None else LoadOp.LOAD,
        storeOp=StoreOp.STORE if attachment.stores else StoreOp.DONT_CARE,
        **fields,
    )


def _clear_value(clear: tuple[float, float, float, float], form: Format) -> dict[str, Any]:
    """Return the VkClearValue of an image of this format."""
    if form.info.aspect & Aspect.DEPTH:
        return {"depthStencil": (clear[0], 0)}
    kind = "uint32" if "UINT" in form.name else "int32" if "SINT" in form.name else "float32"
    return {"color": {kind: clear if kind == "float32" else [int(number) for number in clear]}}
