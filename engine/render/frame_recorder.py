"""Records a compiled frame: barriers, dynamic rendering, and the indirect draws of each pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.graph import Barrier, ColorTarget, CompiledGraph, CompiledPass, DepthTarget, Layout
from engine.plan.terms.vocabulary import Access, Stage
from engine.plan.terms.vulkan_enums import Aspect
from engine.planning.draw.draw_list import COMMAND
from engine.vk.binding import ffi
from engine.vk.device import Device
from engine.vk.enums import BindPoint, LoadOp, ResolveMode, StoreOp
from engine.vk.structs import array, new

_IGNORED_FAMILY = 0xFFFF_FFFF


@dataclass(frozen=True)
class Attachment:
    """A resident image of the frame: VkImage, VkImageView, aspects, (width, height).

    `aliased` images share memory with others of the frame: their first use in a frame waits for all earlier
    commands, and their old contents are undefined.
    """

    image: Any
    view: Any
    aspect: Aspect
    extent: tuple[int, int]
    aliased: bool = False


@dataclass(frozen=True)
class BoundGroup:
    """A group of indirect draws with everything it binds.

    `commands` is (VkBuffer, byte offset) of the first of `count` draw commands; `rows` are the same commands
    on the CPU (dtype COMMAND).
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


class FrameRecorder:
    """Records frames into command buffers of one device.

    `max_draw_count` is the device's maxDrawIndirectCount. Without multiDrawIndirect and
    drawIndirectFirstInstance the frame is not `indirect`: each draw command is recorded as a direct draw, and
    a frame must be recorded again whenever one changes.
    """

    def __init__(self, device: Device, max_draw_count: int) -> None:
        self._vk = device.vk
        self.indirect = {"multiDrawIndirect", "drawIndirectFirstInstance"} <= device.features
        self._limit = max_draw_count
        self._graph: CompiledGraph | None = None
        self._images: Mapping[str, Attachment] = {}
        self._passes: list[_PassInfo] = []
        self._final: Any = None

    def frame(
        self,
        commands: Any,
        graph: CompiledGraph,
        images: Mapping[str, Attachment],
        groups: Mapping[str, Sequence[BoundGroup]],
    ) -> int:
        """Record all passes in order and the final barriers; return the number of draw calls.

        Structures that follow from `graph` and `images` are kept for as long as these are the same objects.
        """
        if graph is not self._graph or images is not self._images:
            self._passes = [_pass_info(compiled, images) for compiled in graph.passes]
            self._final = _dependency(graph.final, images)
            self._graph, self._images = graph, images
        vk, calls = self._vk, 0
        for known in self._passes:
            if known.barriers is not None:
                vk.vkCmdPipelineBarrier2(commands, known.barriers)
            vk.vkCmdBeginRendering(commands, known.rendering)
            vk.vkCmdSetViewport(commands, 0, 1, known.viewport)
            vk.vkCmdSetScissor(commands, 0, 1, known.scissor)
            calls += sum(self._draw(commands, group) for group in groups.get(known.name, ()))
            vk.vkCmdEndRendering(commands)
        if self._final is not None:
            vk.vkCmdPipelineBarrier2(commands, self._final)
        return calls

    def _draw(self, commands: Any, group: BoundGroup) -> int:
        vk = self._vk
        vk.vkCmdBindPipeline(commands, BindPoint.GRAPHICS, group.pipeline)
        vk.vkCmdSetFrontFace(commands, group.front_face)
        if group.sets:
            vk.vkCmdBindDescriptorSets(
                commands,
                BindPoint.GRAPHICS,
                group.layout,
                0,
                len(group.sets),
                array("VkDescriptorSet", group.sets),
                0,
                ffi.NULL,
            )
        offsets = ffi.new("VkDeviceSize[]", [0])
        vk.vkCmdBindVertexBuffers(commands, 0, 1, array("VkBuffer", [group.vertex_buffer]), offsets)
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


@dataclass(frozen=True)
class _PassInfo:
    """The structures that a pass is recorded with, whatever it draws; `barriers` is None without any."""

    name: str
    barriers: Any
    rendering: Any
    viewport: Any
    scissor: Any


def _pass_info(compiled: CompiledPass, images: Mapping[str, Attachment]) -> _PassInfo:
    p = compiled.declaration
    width, height = images[p.written()[0].name].extent
    rendering = new(
        "VkRenderingInfo",
        renderArea={"offset": (0, 0), "extent": (width, height)},
        layerCount=1,
        pColorAttachments=[_color(target, images) for target in p.color],
        pDepthAttachment=_depth(p.depth, images) if p.depth is not None else None,
    )
    return _PassInfo(
        p.name,
        _dependency(compiled.barriers, images),
        rendering,
        new("VkViewport", width=width, height=height, minDepth=0.0, maxDepth=1.0),
        new("VkRect2D", extent=(width, height)),
    )


def _dependency(barriers: Sequence[Barrier], images: Mapping[str, Attachment]) -> Any:
    """Return the VkDependencyInfo of some barriers, None where there is none."""
    if not barriers:
        return None
    rows = [image_barrier(barrier, images[barrier.image]) for barrier in barriers]
    return new("VkDependencyInfo", pImageMemoryBarriers=rows)


def image_barrier(barrier: Barrier, attachment: Attachment) -> Any:
    """Return the VkImageMemoryBarrier2 of a barrier; a discarded aliased image waits for all commands."""
    stage, access = barrier.source_stage, barrier.source_access
    if attachment.aliased and barrier.old_layout is Layout.UNDEFINED:
        stage, access = Stage.ALL_COMMANDS, Access.MEMORY_WRITE
    return new(
        "VkImageMemoryBarrier2",
        srcStageMask=int(stage),
        srcAccessMask=int(access),
        dstStageMask=int(barrier.stage),
        dstAccessMask=int(barrier.access),
        oldLayout=int(barrier.old_layout),
        newLayout=int(barrier.layout),
        srcQueueFamilyIndex=_IGNORED_FAMILY,
        dstQueueFamilyIndex=_IGNORED_FAMILY,
        image=attachment.image,
        subresourceRange=(int(attachment.aspect), 0, 1, 0, 1),
    )


def _color(target: ColorTarget, images: Mapping[str, Attachment]) -> Any:
    fields: dict[str, Any] = {}
    store = StoreOp.STORE
    if target.resolve is not None:
        store = StoreOp.DONT_CARE
        fields = {
            "resolveMode": ResolveMode.AVERAGE,
            "resolveImageView": images[target.resolve.name].view,
            "resolveImageLayout": int(Layout.COLOR_ATTACHMENT),
        }
    return new(
        "VkRenderingAttachmentInfo",
        imageView=images[target.image.name].view,
        imageLayout=int(Layout.COLOR_ATTACHMENT),
        loadOp=LoadOp.CLEAR,
        storeOp=store,
        clearValue={"color": {"float32": target.clear}},
        **fields,
    )


def _depth(target: DepthTarget, images: Mapping[str, Attachment]) -> Any:
    return new(
        "VkRenderingAttachmentInfo",
        imageView=images[target.image.name].view,
        imageLayout=int(Layout.DEPTH_ATTACHMENT),
        loadOp=LoadOp.CLEAR,
        storeOp=StoreOp.STORE if target.store else StoreOp.DONT_CARE,
        clearValue={"depthStencil": (target.clear, 0)},
    )
