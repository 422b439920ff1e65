"""Run one compute shader over buffers and textures, and wait for it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.shaders import compiled

from engine.memory.commands.recorder import Recorder
from engine.storage.resources.buffer import Buffer
from engine.storage.resources.image import Image
from engine.vk.binding import NULL, WHOLE_SIZE, constants, ffi
from engine.vk.device import Device
from engine.vk.structs import new, pointer

Bound = Buffer | tuple[Image, Any]


def run_compute(
    device: Device,
    text: str,
    bound: list[Bound],
    groups: tuple[int, int, int],
    *,
    push: NDArray[Any] | None = None,
) -> None:
    """Dispatch GLSL `text` with `bound` at bindings 0, 1, ...: storage buffers, or (image, sampler) pairs.

    Images are read in SHADER_READ_ONLY_OPTIMAL. What the shader writes is visible to the host after it.
    """
    c = constants
    with ExitStack() as stack:

        def make(type_name: str, struct: str, **fields: Any) -> Any:
            handle = device.create(type_name, new(struct, **fields), name="test")
            stack.callback(device.destroy, type_name, handle)
            return handle

        kinds = [
            c.VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
            if isinstance(row, Buffer)
            else c.VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER
            for row in bound
        ]
        stage = c.VK_SHADER_STAGE_COMPUTE_BIT
        bindings = [
            new(
                "VkDescriptorSetLayoutBinding",
                binding=i,
                descriptorType=kind,
                descriptorCount=1,
                stageFlags=stage,
            )
            for i, kind in enumerate(kinds)
        ]
        set_layout = make("DescriptorSetLayout", "VkDescriptorSetLayoutCreateInfo", pBindings=bindings)
        ranges = [] if push is None else [new("VkPushConstantRange", stageFlags=stage, size=push.nbytes)]
        layout = make(
            "PipelineLayout",
            "VkPipelineLayoutCreateInfo",
            pSetLayouts=[set_layout],
            pPushConstantRanges=ranges,
        )
        sizes = [new("VkDescriptorPoolSize", type=kind, descriptorCount=1) for kind in kinds]
        pool = make("DescriptorPool", "VkDescriptorPoolCreateInfo", maxSets=1, pPoolSizes=sizes)
        made = ffi.new("VkDescriptorSet *")
        info = new("VkDescriptorSetAllocateInfo", descriptorPool=pool, pSetLayouts=[set_layout])
        device.call("vkAllocateDescriptorSets", device.handle, info, made)
        for i, (row, kind) in enumerate(zip(bound, kinds, strict=True)):
            target = {"dstSet": made[0], "dstBinding": i, "descriptorCount": 1, "descriptorType": kind}
            if isinstance(row, Buffer):
                buffer = new("VkDescriptorBufferInfo", buffer=row.handle, range=WHOLE_SIZE)
                write = new("VkWriteDescriptorSet", **target, pBufferInfo=buffer)
            else:
                image = new(
                    "VkDescriptorImageInfo",
                    sampler=row[1],
                    imageView=row[0].view,
                    imageLayout=c.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL,
                )
                write = new("VkWriteDescriptorSet", **target, pImageInfo=image)
            device.vk.vkUpdateDescriptorSets(device.handle, 1, write, 0, NULL)
        code = np.frombuffer(compiled(text, "comp"), np.uint32)
        module = make(
            "ShaderModule",
            "VkShaderModuleCreateInfo",
            codeSize=code.nbytes,
            pCode=pointer("uint32_t", code),
        )
        entry = new("VkPipelineShaderStageCreateInfo", stage=stage, module=module, pName="main")
        pipeline = make("Pipeline", "VkComputePipelineCreateInfo", stage=entry, layout=layout)
        recorder = Recorder(device, device.graphics, "test")
        stack.callback(recorder.close)
        commands, vk = recorder.commands(), device.vk
        point = c.VK_PIPELINE_BIND_POINT_COMPUTE
        vk.vkCmdBindPipeline(commands, point, pipeline)
        vk.vkCmdBindDescriptorSets(commands, point, layout, 0, 1, made, 0, NULL)
        if push is not None:
            vk.vkCmdPushConstants(commands, layout, stage, 0, push.nbytes, ffi.from_buffer(push))
        vk.vkCmdDispatch(commands, *groups)
        visible = new(
            "VkMemoryBarrier2",
            srcStageMask=c.VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
            srcAccessMask=c.VK_ACCESS_2_SHADER_WRITE_BIT,
            dstStageMask=c.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT | c.VK_PIPELINE_STAGE_2_HOST_BIT,
            dstAccessMask=c.VK_ACCESS_2_MEMORY_READ_BIT | c.VK_ACCESS_2_HOST_READ_BIT,
        )
        vk.vkCmdPipelineBarrier2(commands, new("VkDependencyInfo", pMemoryBarriers=[visible]))
        assert recorder.timeline.wait(recorder.submit())
