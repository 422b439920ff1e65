"""The one graphics pipeline of the UI: ImGui's vertices, one texture, blended onto the window's image."""

from __future__ import annotations

from typing import Any

from engine.vk.binding import constants as c
from engine.vk.device import Device
from engine.vk.structs import new
from viewer.ui.draw_lists import VERTEX_BYTES

PUSH_BYTES = 32  # scale and offset of positions, then of texture coordinates, two floats each
_WHY = "viewer/inspector"


class UiPipeline:
    """Owns pipeline, layouts and sampler of the UI's renderer."""

    def __init__(self, device: Device, color_format: int, vertex_code: bytes, fragment_code: bytes) -> None:
        """Build for targets of `color_format` (VkFormat, sRGB-encoding) from two SPIR-V modules."""
        self._device = device
        self._made: list[tuple[str, Any]] = []
        try:
            self.sampler = self._create("Sampler", _sampler(), "ui")
            self.set_layout = self._create("DescriptorSetLayout", _set_layout(self.sampler), "ui")
            push = new("VkPushConstantRange", stageFlags=c.VK_SHADER_STAGE_VERTEX_BIT, size=PUSH_BYTES)
            layout = new(
                "VkPipelineLayoutCreateInfo", pSetLayouts=[self.set_layout], pPushConstantRanges=[push]
            )
            self.layout = self._create("PipelineLayout", layout, "ui")
            self.pipeline = self._pipeline(color_format, vertex_code, fragment_code)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Destroy everything, in reverse order, once."""
        while self._made:
            type_name, handle = self._made.pop()
            self._device.destroy(type_name, handle)

    def _create(self, type_name: str, info: Any, name: str) -> Any:
        handle = self._device.create(type_name, info, name=name, why=_WHY)
        self._made.append((type_name, handle))
        return handle

    def _pipeline(self, color_format: int, vertex_code: bytes, fragment_code: bytes) -> Any:
        modules = []
        try:
            for code in (vertex_code, fragment_code):
                info = new("VkShaderModuleCreateInfo", codeSize=len(code), pCode=code)
                modules.append(self._device.create("ShaderModule", info, name="ui", why=_WHY))
            info = _pipeline_info(self.layout, color_format, modules)
            return self._create("Pipeline", info, "ui")
        finally:
            for module in modules:
                self._device.destroy("ShaderModule", module)


def _sampler() -> Any:
    edge = c.VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE
    return new(
        "VkSamplerCreateInfo",
        magFilter=c.VK_FILTER_LINEAR,
        minFilter=c.VK_FILTER_LINEAR,
        addressModeU=edge,
        addressModeV=edge,
        addressModeW=edge,
        maxLod=0.0,
    )


def _set_layout(sampler: Any) -> Any:
    binding = new(
        "VkDescriptorSetLayoutBinding",
        descriptorType=c.VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
        descriptorCount=1,
        stageFlags=c.VK_SHADER_STAGE_FRAGMENT_BIT,
        pImmutableSamplers=[sampler],
    )
    return new("VkDescriptorSetLayoutCreateInfo", pBindings=[binding])


def _pipeline_info(layout: Any, color_format: int, modules: list[Any]) -> Any:
    stages = (c.VK_SHADER_STAGE_VERTEX_BIT, c.VK_SHADER_STAGE_FRAGMENT_BIT)
    attributes = (
        (c.VK_FORMAT_R32G32_SFLOAT, 0),
        (c.VK_FORMAT_R32G32_SFLOAT, 8),
        (c.VK_FORMAT_R8G8B8A8_UNORM, 16),
    )
    blend = new(
        "VkPipelineColorBlendAttachmentState",
        blendEnable=1,
        srcColorBlendFactor=c.VK_BLEND_FACTOR_SRC_ALPHA,
        dstColorBlendFactor=c.VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
        srcAlphaBlendFactor=c.VK_BLEND_FACTOR_ONE,
        dstAlphaBlendFactor=c.VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA,
        colorWriteMask=0xF,
    )
    return new(
        "VkGraphicsPipelineCreateInfo",
        pNext=new("VkPipelineRenderingCreateInfo", pColorAttachmentFormats=[color_format]),
        pStages=[
            new("VkPipelineShaderStageCreateInfo", stage=stage, module=module, pName="main")
            for stage, module in zip(stages, modules, strict=True)
        ],
        pVertexInputState=new(
            "VkPipelineVertexInputStateCreateInfo",
            pVertexBindingDescriptions=[new("VkVertexInputBindingDescription", stride=VERTEX_BYTES)],
            pVertexAttributeDescriptions=[
                new("VkVertexInputAttributeDescription", location=location, format=vk_format, offset=offset)
                for location, (vk_format, offset) in enumerate(attributes)
            ],
        ),
        pInputAssemblyState=new(
            "VkPipelineInputAssemblyStateCreateInfo", topology=c.VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST
        ),
        pViewportState=new("VkPipelineViewportStateCreateInfo", viewportCount=1, scissorCount=1),
        pRasterizationState=new("VkPipelineRasterizationStateCreateInfo", lineWidth=1.0),
        pMultisampleState=new(
            "VkPipelineMultisampleStateCreateInfo", rasterizationSamples=c.VK_SAMPLE_COUNT_1_BIT
        ),
        pColorBlendState=new("VkPipelineColorBlendStateCreateInfo", pAttachments=[blend]),
        pDynamicState=new(
            "VkPipelineDynamicStateCreateInfo",
            pDynamicStates=[c.VK_DYNAMIC_STATE_VIEWPORT, c.VK_DYNAMIC_STATE_SCISSOR],
        ),
        layout=layout,
    )
