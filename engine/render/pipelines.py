"""Graphics pipelines from plan rows: one per shaders, vertex format, topology, pass and state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from engine.plan.terms.drawing import Blend
from engine.plan.terms.drawing_rows import PipelineRow
from engine.plan.terms.formats import Format
from engine.planning.draw.shading import ShaderSet
from engine.render.layouts import BindingSlot, Layouts, SetLayout
from engine.render.pipeline_cache import PipelineCache
from engine.vk.binding import constants
from engine.vk.device import Device
from engine.vk.enums import ColorComponent
from engine.vk.errors import DeviceLost, VulkanError
from engine.vk.structs import new

_RGBA = ColorComponent.R | ColorComponent.G | ColorComponent.B | ColorComponent.A


@lru_cache(maxsize=1024)
def set_layouts(shading: ShaderSet) -> tuple[SetLayout, ...]:
    """Return the descriptor set layouts of a shader set, from its reflection."""
    return tuple(
        tuple(BindingSlot(row.binding, int(row.type), row.count, int(row.stages)) for row in rows)
        for rows in shading.sets
    )


class Pipelines:
    """Owns the VkPipelines of the current plan; the others are destroyed after their last frame.

    `code` returns the SPIR-V of a shader by its key. A pipeline that the driver refuses is in `refused`, by
    its shaders, with what the driver returned; it is tried again once no plan has had it.
    """

    def __init__(
        self,
        device: Device,
        layouts: Layouts,
        cache: PipelineCache,
        code: Callable[[int], bytes],
    ) -> None:
        self._device = device
        self._layouts = layouts
        self._cache = cache
        self._code = code
        self.refused: dict[tuple[int, ...], str] = {}
        self._live: dict[tuple[Any, ...], Any] = {}
        self._retired: list[tuple[int, Any]] = []

    def get(
        self,
        row: PipelineRow,
        offsets: Sequence[int],
        shading: ShaderSet,
    ) -> Any:
        """Return the VkPipeline of a plan row, None where the driver refuses it.

        `offsets` are those of the vertex attributes, in bytes.
        Raises VulkanError where that is no fault of its shaders: without memory, or a device.
        """
        identity = _identity(row)
        if identity not in self._live:
            try:
                self._live[identity] = self._create(row, offsets, shading)
            except VulkanError as error:
                if isinstance(error, MemoryError | DeviceLost):
                    raise
                self._live[identity] = None
                self.refused[row.shaders] = str(error)
        return self._live[identity]

    def layout(self, shading: ShaderSet) -> Any:
        """Return the VkPipelineLayout of a shader set."""
        return self._layouts.pipeline_layout(set_layouts(shading))

    def keep_only(self, rows: Iterable[PipelineRow], ticket: int) -> None:
        """Retire every pipeline that is not in `rows`; it is destroyed once the timeline reaches `ticket`."""
        wanted = {_identity(row) for row in rows}
        for identity in [identity for identity in self._live if identity not in wanted]:
            handle = self._live.pop(identity)
            if handle is not None:
                self._retired.append((ticket, handle))

    def collect(self, completed: int) -> None:
        """Destroy retired pipelines whose ticket is at most `completed`."""
        for _, handle in [entry for entry in self._retired if entry[0] <= completed]:
            self._device.destroy("Pipeline", handle)
        self._retired = [entry for entry in self._retired if entry[0] > completed]

    def close(self) -> None:
        """Destroy all pipelines; none may be in use."""
        for handle in [*self._live.values(), *(handle for _, handle in self._retired)]:
            if handle is not None:
                self._device.destroy("Pipeline", handle)
        self._live.clear()
        self._retired.clear()

    def _create(
        self,
        row: PipelineRow,
        offsets: Sequence[int],
        shading: ShaderSet,
    ) -> Any:
        modules: list[Any] = []
        try:
            infos = []
            for shader, (stage, entry) in zip(row.shaders, shading.stages, strict=True):
                code = self._code(shader)
                info = new("VkShaderModuleCreateInfo", codeSize=len(code), pCode=code)
                modules.append(self._device.create("ShaderModule", info, name=row.name))
                infos.append(
                    new(
                        "VkPipelineShaderStageCreateInfo",
                        stage=int(stage),
                        module=modules[-1],
                        pName=entry,
                    )
                )
            info = self._info(row, offsets, shading, infos)
            return self._device.create("Pipeline", info, name=row.name, cache=self._cache.handle)
        finally:
            for module in modules:
                self._device.destroy("ShaderModule", module)

    def _info(self, row: PipelineRow, offsets: Sequence[int], shading: ShaderSet, stages: list[Any]) -> Any:
        state = row.state
        bias = state.depth_bias or (0.0, 0.0)
        dynamic = [
            constants.VK_DYNAMIC_STATE_VIEWPORT,
            constants.VK_DYNAMIC_STATE_SCISSOR,
            constants.VK_DYNAMIC_STATE_FRONT_FACE,
        ]
        rendering = new(
            "VkPipelineRenderingCreateInfo",
            pColorAttachmentFormats=[int(form) for form in state.colour_formats],
            depthAttachmentFormat=int(state.depth_format),
        )
        return new(
            "VkGraphicsPipelineCreateInfo",
            pNext=rendering,
            pStages=stages,
            pVertexInputState=_vertex_input(row, offsets, shading),
            pInputAssemblyState=new("VkPipelineInputAssemblyStateCreateInfo", topology=int(row.topology)),
            pViewportState=new("VkPipelineViewportStateCreateInfo", viewportCount=1, scissorCount=1),
            pRasterizationState=new(
                "VkPipelineRasterizationStateCreateInfo",
                depthClampEnable=state.depth_clamp,
                polygonMode=_POLYGON_MODES[state.wireframe],
                cullMode=int(state.cull),
                depthBiasEnable=state.depth_bias is not None,
                depthBiasConstantFactor=bias[0],
                depthBiasSlopeFactor=bias[1],
                lineWidth=1.0,
            ),
            pMultisampleState=new("VkPipelineMultisampleStateCreateInfo", rasterizationSamples=state.samples),
            pDepthStencilState=new(
                "VkPipelineDepthStencilStateCreateInfo",
                depthTestEnable=state.depth_test,
                depthWriteEnable=state.depth_write,
                depthCompareOp=int(state.depth_compare),
            ),
            pColorBlendState=new(
                "VkPipelineColorBlendStateCreateInfo", pAttachments=[_blend(blend) for blend in state.blends]
            ),
            pDynamicState=new("VkPipelineDynamicStateCreateInfo", pDynamicStates=dynamic),
            layout=self.layout(shading),
        )


_POLYGON_MODES = (constants.VK_POLYGON_MODE_FILL, constants.VK_POLYGON_MODE_LINE)
_FACTORS = {
    Blend.ALPHA: (constants.VK_BLEND_FACTOR_SRC_ALPHA, constants.VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA),
    Blend.PREMULTIPLIED: (constants.VK_BLEND_FACTOR_ONE, constants.VK_BLEND_FACTOR_ONE_MINUS_SRC_ALPHA),
    Blend.ADD: (constants.VK_BLEND_FACTOR_ONE, constants.VK_BLEND_FACTOR_ONE),
}
"""The factors of a blended colour: of the shader's, and of what is there."""


def _blend(blend: Blend) -> Any:
    """Return how a colour attachment is blended. Its alpha is what both cover; added light covers nothing."""
    if blend is Blend.OPAQUE:
        return new("VkPipelineColorBlendAttachmentState", colorWriteMask=_RGBA)
    source, there = _FACTORS[blend]
    covers = blend is not Blend.ADD
    return new(
        "VkPipelineColorBlendAttachmentState",
        blendEnable=True,
        srcColorBlendFactor=source,
        dstColorBlendFactor=there,
        colorBlendOp=constants.VK_BLEND_OP_ADD,
        srcAlphaBlendFactor=constants.VK_BLEND_FACTOR_ONE if covers else constants.VK_BLEND_FACTOR_ZERO,
        dstAlphaBlendFactor=there if covers else constants.VK_BLEND_FACTOR_ONE,
        alphaBlendOp=constants.VK_BLEND_OP_ADD,
        colorWriteMask=_RGBA,
    )


def _vertex_input(row: PipelineRow, offsets: Sequence[int], shading: ShaderSet) -> Any:
    """Match the vertex shader's inputs to the vertex format by name; other attributes are not fetched."""
    offered = {name: (form, offset) for (name, form), offset in zip(row.vertex_format, offsets, strict=True)}
    attributes = []
    for variable in shading.inputs:
        form, offset = offered.get(variable.name, (Format.UNDEFINED, 0))
        attributes.append(
            new(
                "VkVertexInputAttributeDescription",
                location=variable.location,
                binding=0,
                format=int(form),
                offset=offset,
            )
        )
    binding = new("VkVertexInputBindingDescription", binding=0, stride=row.vertex_stride)
    return new(
        "VkPipelineVertexInputStateCreateInfo",
        pVertexBindingDescriptions=[binding] if attributes else [],
        pVertexAttributeDescriptions=attributes,
    )


def _identity(row: PipelineRow) -> tuple[Any, ...]:
    """Return the key of a plan row's pipeline: everything but its name and its requesters."""
    return row.shaders, row.vertex_format, row.vertex_stride, row.topology, row.pass_name, row.state
