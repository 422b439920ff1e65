"""Runs a pipeline for a picture, all that it reads being zero, so that every stage runs.

Drivers in software compile a shader when something is drawn with it, not when the pipeline is made, and fail
when it runs, as for want of stack. The vertex stage runs for three vertices, which may cover nothing, and
the fragment stage again behind a vertex stage of ours, which covers everything. Images that are read have one
texel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from engine.memory.commands.recorder import Recorder
from engine.planning.draw.interfaces import TEXELS
from engine.render.pipelines.layouts import BindingSlot, Layouts
from engine.render.pipelines.pipeline_description import PipelineDescription, create_pipeline
from engine.runtime.trials.covering_stage import covering_stage
from engine.runtime.trials.trial import Input
from engine.vk.binding import NULL, REMAINING, constants, ffi
from engine.vk.device import Device
from engine.vk.structs import array, new

SIDE = 1024
"""Texels along the sides of what is drawn into: as many fragments as in a window, so that what is too slow
for one is found. A driver in software ends loops after 65,535 turns, which take no time for one fragment."""
_BUFFER_BYTES = 1 << 16
_UNIFORM_BYTES = 1 << 14  # the least maxUniformBufferRange
_COLOUR = constants.VK_FORMAT_R8G8B8A8_UNORM
_DEPTH = constants.VK_FORMAT_D16_UNORM
_READ = constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL
_IMAGE_TYPE = constants.VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER
_STORED_TYPE = constants.VK_DESCRIPTOR_TYPE_STORAGE_IMAGE
_UNIFORM_TYPE = constants.VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
_TO_COLOUR = constants.VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL
_TO_DEPTH = constants.VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL
_IS_COLOUR = constants.VK_IMAGE_ASPECT_COLOR_BIT
_IS_DEPTH = constants.VK_IMAGE_ASPECT_DEPTH_BIT
_VERTEX = constants.VK_SHADER_STAGE_VERTEX_BIT
_FRAGMENT = constants.VK_SHADER_STAGE_FRAGMENT_BIT
_TEXELS = {texel: int(form) for form, texel in TEXELS.items()}
_NO_FAMILY = 0xFFFF_FFFF

Kinds = Mapping[tuple[int, int], str]
"""The GLSL type of each image, by set and binding."""


@dataclass(frozen=True, slots=True)
class _Image:
    """An image: VkImage, VkImageView, its aspect, and the layout that it is used in."""

    image: Any
    view: Any
    aspect: int
    layout: int


def try_pipeline(
    device: Device,
    described: PipelineDescription,
    code: Sequence[bytes],
    kinds: Kinds,
    inputs: Sequence[Input],
    cache: Any,
) -> None:
    """Make the pipeline with the SPIR-V of its stages, and draw or compute with it. Raises VulkanError.

    `inputs` are those of its fragment stage.
    """
    with ExitStack() as undo:
        layouts = Layouts(device)
        undo.callback(layouts.close)
        wanted = [(described, code, "trial", cache)]
        fragments = [
            (stage, one) for stage, one in zip(described.stages, code, strict=True) if stage[0] == _FRAGMENT
        ]
        if fragments:
            specialized = zip(described.stages, described.constants, strict=True)
            covering = replace(
                described,
                stages=((_VERTEX, "main"), *(stage for stage, _ in fragments)),
                constants=((), *(own for (stage, _), own in specialized if stage == _FRAGMENT)),
                attributes=(),
                topology=constants.VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
                cull=constants.VK_CULL_MODE_NONE,
                sides_apart=False,
                depth_test=False,
                wireframe=False,
            )
            with_ours = [covering_stage(inputs), *(one for _, one in fragments)]
            wanted.append((covering, with_ours, "fragments", NULL))
        pipelines = _make_at_once(device, undo, layouts, wanted)
        _Trial(device, undo, layouts, described, kinds).run(pipelines)


def _make_at_once(
    device: Device,
    undo: ExitStack,
    layouts: Layouts,
    wanted: Sequence[tuple[PipelineDescription, Sequence[bytes], str, Any]],
) -> list[Any]:
    """Make pipelines, each on a thread of its own, from description, code, name and cache.

    `undo` destroys them, also where one cannot be made. Raises VulkanError.
    """
    with ThreadPoolExecutor(len(wanted)) as pool:
        futures = [
            pool.submit(create_pipeline, device, layouts, of, code, name=name, cache=cache)
            for of, code, name, cache in wanted
        ]
    for future in futures:
        if future.exception() is None:
            undo.callback(device.destroy, "Pipeline", future.result())
    return [future.result() for future in futures]


class _Trial:
    """What one draw or dispatch binds; everything is destroyed by `undo`."""

    def __init__(
        self,
        device: Device,
        undo: ExitStack,
        layouts: Layouts,
        described: PipelineDescription,
        kinds: Kinds,
    ) -> None:
        self._device = device
        self._undo = undo
        self._layouts = layouts
        self._described = described
        self._buffer = self._make_buffer()
        samples = described.samples
        usage = constants.VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT
        self._colours = [
            self._make_image(form, usage, _IS_COLOUR, _TO_COLOUR, samples, side=SIDE)
            for form in described.colour_formats
        ]
        self._depths: list[_Image] = []
        if described.depth_format:
            usage = constants.VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT
            form = described.depth_format
            self._depths = [self._make_image(form, usage, _IS_DEPTH, _TO_DEPTH, samples, side=SIDE)]
        self._bound: list[_Image] = []
        self._sets = self._make_sets(kinds)

    def run(self, pipelines: Sequence[Any]) -> None:
        """Record a triangle, or one work group, with each pipeline, submit it and wait."""
        recorder = Recorder(self._device, self._device.graphics, "trial")
        try:
            self._record(recorder.commands(), pipelines)
            recorder.timeline.reach(recorder.submit())
        finally:
            recorder.drain()
            recorder.close()

    def _record(self, commands: Any, pipelines: Sequence[Any]) -> None:
        vk = self._device.vk
        images = [*self._colours, *self._depths, *self._bound]
        barriers = [_barrier(one) for one in images]
        vk.vkCmdPipelineBarrier2(commands, new("VkDependencyInfo", pImageMemoryBarriers=barriers))
        point = constants.VK_PIPELINE_BIND_POINT_GRAPHICS
        if self._described.is_compute:
            point = constants.VK_PIPELINE_BIND_POINT_COMPUTE
        push, layout = self._described.push, self._layouts.pipeline_layout(*self._described.layout)
        if push is not None:
            nothing = ffi.from_buffer(bytes(push.bytes))
            vk.vkCmdPushConstants(commands, layout, push.stages, 0, push.bytes, nothing)
        if self._sets:
            sets = array("VkDescriptorSet", self._sets)
            vk.vkCmdBindDescriptorSets(commands, point, layout, 0, len(self._sets), sets, 0, NULL)
        if self._described.is_compute:
            for pipeline in pipelines:
                vk.vkCmdBindPipeline(commands, point, pipeline)
                vk.vkCmdDispatch(commands, 1, 1, 1)
            return
        vk.vkCmdBeginRendering(
            commands,
            new(
                "VkRenderingInfo",
                renderArea={"offset": (0, 0), "extent": (SIDE, SIDE)},
                layerCount=1,
                pColorAttachments=[_attachment(one) for one in self._colours],
                pDepthAttachment=_attachment(self._depths[0]) if self._depths else None,
            ),
        )
        vk.vkCmdSetViewport(commands, 0, 1, new("VkViewport", width=SIDE, height=SIDE, maxDepth=1.0))
        vk.vkCmdSetScissor(commands, 0, 1, new("VkRect2D", extent=(SIDE, SIDE)))
        vk.vkCmdSetFrontFace(commands, constants.VK_FRONT_FACE_COUNTER_CLOCKWISE)
        if self._described.sides_apart:
            vk.vkCmdSetCullMode(commands, constants.VK_CULL_MODE_BACK_BIT)
        start = ffi.new("VkDeviceSize[]", [0])
        vk.vkCmdBindVertexBuffers(commands, 0, 1, array("VkBuffer", [self._buffer]), start)
        for pipeline in pipelines:
            vk.vkCmdBindPipeline(commands, point, pipeline)
            vk.vkCmdDraw(commands, 3, 1, 0, 0)
        vk.vkCmdEndRendering(commands)

    def _create(self, type_name: str, info: Any) -> Any:
        handle = self._device.create(type_name, info, name="trial")
        self._undo.callback(self._device.destroy, type_name, handle)
        return handle

    def _allocate(self, requirements: Any, wanted: int) -> Any:
        """Allocate memory of a type that is allowed and has these properties."""
        properties = new("VkPhysicalDeviceMemoryProperties2")
        device = self._device
        device.instance.vk.vkGetPhysicalDeviceMemoryProperties2(device.adapter.handle, properties)
        types = properties.memoryProperties
        number = next(
            n
            for n in range(types.memoryTypeCount)
            if requirements.memoryTypeBits >> n & 1 and types.memoryTypes[n].propertyFlags & wanted == wanted
        )
        info = new("VkMemoryAllocateInfo", allocationSize=requirements.size, memoryTypeIndex=number)
        return self._create("DeviceMemory", info)

    def _make_buffer(self) -> Any:
        """Make a buffer of zeros that serves as every block and as the vertices."""
        device, usage = self._device, constants
        buffer = self._create(
            "Buffer",
            new(
                "VkBufferCreateInfo",
                size=_BUFFER_BYTES,
                usage=usage.VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT
                | usage.VK_BUFFER_USAGE_STORAGE_BUFFER_BIT
                | usage.VK_BUFFER_USAGE_VERTEX_BUFFER_BIT,
            ),
        )
        needed = ffi.new("VkMemoryRequirements *")
        device.vk.vkGetBufferMemoryRequirements(device.handle, buffer, needed)
        memory = self._allocate(
            needed,
            constants.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | constants.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
        )
        device.call("vkBindBufferMemory", device.handle, buffer, memory, 0)
        device.map(memory, _BUFFER_BYTES)[:] = bytes(_BUFFER_BYTES)
        return buffer

    def _make_image(
        self,
        form: int,
        usage: int,
        aspect: int,
        layout: int,
        samples: int = 1,
        *,
        layered: bool = False,
        cube: bool = False,
        side: int = 1,
    ) -> _Image:
        device, layers = self._device, 6 if cube else 1
        image = self._create(
            "Image",
            new(
                "VkImageCreateInfo",
                flags=constants.VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT if cube else 0,
                imageType=constants.VK_IMAGE_TYPE_2D,
                format=form,
                extent=(side, side, 1),
                mipLevels=1,
                arrayLayers=layers,
                samples=samples,
                tiling=constants.VK_IMAGE_TILING_OPTIMAL,
                usage=usage,
            ),
        )
        needed = ffi.new("VkMemoryRequirements *")
        device.vk.vkGetImageMemoryRequirements(device.handle, image, needed)
        device.call("vkBindImageMemory", device.handle, image, self._allocate(needed, 0), 0)
        kind = constants.VK_IMAGE_VIEW_TYPE_2D_ARRAY if layered else constants.VK_IMAGE_VIEW_TYPE_2D
        kind = constants.VK_IMAGE_VIEW_TYPE_CUBE if cube else kind
        view = new(
            "VkImageViewCreateInfo",
            image=image,
            viewType=kind,
            format=form,
            subresourceRange=(aspect, 0, 1, 0, layers),
        )
        return _Image(image, self._create("ImageView", view), aspect, layout)

    def _make_sets(self, kinds: Kinds) -> list[Any]:
        """Make the descriptor sets, each binding with the buffer or with an image of its kind."""
        slots = [slot for one in self._described.sets for slot in one]
        if not slots:
            return []
        sizes = [
            new("VkDescriptorPoolSize", type=slot.descriptor_type, descriptorCount=slot.length)
            for slot in slots
        ]
        count = len(self._described.sets)
        pool = self._create(
            "DescriptorPool", new("VkDescriptorPoolCreateInfo", maxSets=count, pPoolSizes=sizes)
        )
        layouts = [self._layouts.set_layout(one) for one in self._described.sets]
        info = new("VkDescriptorSetAllocateInfo", descriptorPool=pool, pSetLayouts=layouts)
        made = ffi.new("VkDescriptorSet[]", count)
        self._device.call("vkAllocateDescriptorSets", self._device.handle, info, made)
        writes = [
            self._write(made[number], slot, kinds.get((number, slot.binding), ""))
            for number, one in enumerate(self._described.sets)
            for slot in one
        ]
        self._device.vk.vkUpdateDescriptorSets(
            self._device.handle, len(writes), array("VkWriteDescriptorSet", writes), 0, NULL
        )
        return list(made)

    def _write(self, target: Any, slot: BindingSlot, kind: str) -> Any:
        fields: dict[str, Any] = {"dstSet": target, "dstBinding": slot.binding}
        fields |= {"descriptorCount": slot.length, "descriptorType": slot.descriptor_type}
        if slot.descriptor_type in (_IMAGE_TYPE, _STORED_TYPE):
            info = self._image_info(kind) if slot.descriptor_type == _IMAGE_TYPE else self._stored_info(kind)
            return new("VkWriteDescriptorSet", pImageInfo=[info] * slot.length, **fields)
        size = _UNIFORM_BYTES if slot.descriptor_type == _UNIFORM_TYPE else _BUFFER_BYTES
        info = new("VkDescriptorBufferInfo", buffer=self._buffer, range=size)
        return new("VkWriteDescriptorSet", pBufferInfo=[info] * slot.length, **fields)

    def _image_info(self, kind: str) -> Any:
        """Make an image and a sampler for a GLSL type: an array, a cube, depth that is compared, or none."""
        compared = kind.endswith("Shadow")
        form, aspect = (_DEPTH, _IS_DEPTH) if compared else (_COLOUR, _IS_COLOUR)
        usage = constants.VK_IMAGE_USAGE_SAMPLED_BIT
        cube = "Cube" in kind
        image = self._make_image(form, usage, aspect, _READ, layered="Array" in kind, cube=cube)
        self._bound.append(image)
        sampler = new(
            "VkSamplerCreateInfo",
            compareEnable=compared,
            compareOp=constants.VK_COMPARE_OP_GREATER_OR_EQUAL,
        )
        made = self._create("Sampler", sampler)
        return new("VkDescriptorImageInfo", sampler=made, imageView=image.view, imageLayout=_READ)

    def _stored_info(self, kind: str) -> Any:
        """Make an image for the type of one that a shader writes, with its format in GLSL."""
        texel, _, of = kind.rpartition(" ")
        usage, layered = constants.VK_IMAGE_USAGE_STORAGE_BIT, "Array" in of
        general = constants.VK_IMAGE_LAYOUT_GENERAL
        image = self._make_image(_TEXELS[texel], usage, _IS_COLOUR, general, layered=layered)
        self._bound.append(image)
        return new("VkDescriptorImageInfo", imageView=image.view, imageLayout=general)


def _barrier(image: _Image) -> Any:
    """Take an image from nothing into its layout, before anything uses it."""
    everything = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
    return new(
        "VkImageMemoryBarrier2",
        srcStageMask=everything,
        dstStageMask=everything,
        dstAccessMask=constants.VK_ACCESS_2_MEMORY_READ_BIT | constants.VK_ACCESS_2_MEMORY_WRITE_BIT,
        oldLayout=constants.VK_IMAGE_LAYOUT_UNDEFINED,
        newLayout=image.layout,
        srcQueueFamilyIndex=_NO_FAMILY,
        dstQueueFamilyIndex=_NO_FAMILY,
        image=image.image,
        subresourceRange=(image.aspect, 0, 1, 0, REMAINING),
    )


def _attachment(image: _Image) -> Any:
    return new(
        "VkRenderingAttachmentInfo",
        imageView=image.view,
        imageLayout=image.layout,
        loadOp=constants.VK_ATTACHMENT_LOAD_OP_CLEAR,
        storeOp=constants.VK_ATTACHMENT_STORE_OP_DONT_CARE,
    )
