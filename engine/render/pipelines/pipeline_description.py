"""What a pipeline is made from, as plain data, and making it: equal data makes equal pipelines.

The data travels to the process that tries unknown shaders (`engine.runtime.trials`), so that the driver there
compiles what the frame needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from engine.plan.terms.drawing import Blend
from engine.plan.terms.formats import Format
from engine.planning.draw.shading import attribute_for, reads_bits
from engine.render.pipelines.layouts import BindingSlot, Layouts, PushRange, SetLayout
from engine.vk.binding import NULL, constants
from engine.vk.device import Device
from engine.vk.enums import ColorComponent
from engine.vk.structs import new

if TYPE_CHECKING:
    from engine.plan.terms.drawing_rows import PipelineRow
    from engine.planning.draw.shading import ShaderSet

_RGBA = ColorComponent.R | ColorComponent.G | ColorComponent.B | ColorComponent.A


@dataclass(frozen=True, slots=True)
class PipelineDescription:
    """Everything that a pipeline is made from but the code of its shaders; numbers are Vulkan's.

    `stages` are (stage, entry point), `constants` the specialization constants of each, (id, value) of 4
    bytes, `attributes` (location, format, offset in bytes) of the only vertex buffer, whose vertices are
    `stride` bytes apart. A compute pipeline has stages, sets, constants and `push` constants alone.
    """

    stages: tuple[tuple[int, str], ...]
    sets: tuple[SetLayout, ...]
    attributes: tuple[tuple[int, int, int], ...] = ()
    stride: int = 0
    topology: int = 0
    cull: int = 0
    depth_compare: int = 0
    depth_test: bool = False
    depth_write: bool = False
    depth_bias: tuple[float, float] | None = None
    depth_clamp: bool = False
    wireframe: bool = False
    alpha_to_coverage: bool = False
    sides_apart: bool = False
    constants: tuple[tuple[tuple[int, int], ...], ...] = ()
    blends: tuple[int, ...] = ()
    samples: int = 1
    colour_formats: tuple[int, ...] = ()
    depth_format: int = 0
    push: PushRange | None = None

    @property
    def is_compute(self) -> bool:
        """Whether it is a compute pipeline."""
        return self.stages[0][0] == constants.VK_SHADER_STAGE_COMPUTE_BIT

    @property
    def layout(self) -> tuple[tuple[SetLayout, ...], PushRange | None]:
        """What its layout is made from."""
        return self.sets, self.push

    def to_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> PipelineDescription:
        """Return what `to_json` was called on."""
        bias = value["depth_bias"]
        changed = {
            "stages": tuple((stage, entry) for stage, entry in value["stages"]),
            "sets": tuple(tuple(BindingSlot(*slot) for slot in slots) for slots in value["sets"]),
            "attributes": tuple((place, form, offset) for place, form, offset in value["attributes"]),
            "depth_bias": None if bias is None else (bias[0], bias[1]),
            "push": None if value["push"] is None else PushRange(*value["push"]),
            "constants": tuple(tuple(map(tuple, of_stage)) for of_stage in value["constants"]),
            "blends": tuple(value["blends"]),
            "colour_formats": tuple(value["colour_formats"]),
        }
        return PipelineDescription(**{**value, **changed})


_known_layouts: WeakKeyDictionary[ShaderSet, tuple[SetLayout, ...]] = WeakKeyDictionary()


def set_layouts(shading: ShaderSet) -> tuple[SetLayout, ...]:
    """Return the descriptor set layouts of a shader set, from its reflection; kept as long as the set is."""
    found = _known_layouts.get(shading)
    if found is None:
        found = _known_layouts[shading] = _set_layouts(shading)
    return found


def _set_layouts(shading: ShaderSet) -> tuple[SetLayout, ...]:
    return tuple(
        tuple(BindingSlot(row.binding, int(row.type), row.count, int(row.stages)) for row in rows)
        for rows in shading.sets
    )


def push_range(shading: ShaderSet) -> PushRange | None:
    """Return the push constants of a shader set, None where it has none."""
    return None if shading.push is None else PushRange(int(shading.push.stages), shading.push.block.size)


def describe_pipeline(row: PipelineRow, offsets: Sequence[int], shading: ShaderSet) -> PipelineDescription:
    """Describe the pipeline of a plan row; `offsets` are those of the vertex attributes, in bytes.

    The vertex shader's inputs are matched to the vertex format by name; other attributes are not fetched.
    """
    offered = {
        name: (int(form), offset) for (name, form), offset in zip(row.vertex_format, offsets, strict=True)
    }
    attributes = []
    for variable in shading.inputs:
        form, offset = offered.get(attribute_for(variable.name, offered), (0, 0))
        form = int(Format.R32_UINT) if reads_bits(variable, offered) else form
        attributes.append((variable.location, form, offset))
    stages = tuple((int(stage), entry) for stage, entry in shading.stages)
    state, values = row.state, dict(row.constants)
    constants = tuple(
        tuple((one.id, values[one.name]) for one in of_stage if one.name in values)
        for of_stage in shading.constants
    )
    if state is None:
        made = PipelineDescription(stages, set_layouts(shading), constants=constants)
        return dataclasses.replace(made, push=push_range(shading))
    return PipelineDescription(
        stages=stages,
        sets=set_layouts(shading),
        attributes=tuple(attributes),
        stride=row.vertex_stride,
        topology=int(row.topology),
        cull=int(state.cull),
        depth_compare=int(state.depth_compare),
        depth_test=state.depth_test,
        depth_write=state.depth_write,
        depth_bias=state.depth_bias,
        depth_clamp=state.depth_clamp,
        wireframe=state.wireframe,
        alpha_to_coverage=state.alpha_to_coverage,
        sides_apart=state.sides_apart,
        constants=constants,
        blends=tuple(int(blend) for blend in state.blends),
        samples=state.samples,
        colour_formats=tuple(int(form) for form in state.colour_formats),
        depth_format=int(state.depth_format),
        push=push_range(shading),
    )


def create_pipeline(
    device: Device,
    layouts: Layouts,
    described: PipelineDescription,
    code: Sequence[bytes],
    *,
    name: str,
    cache: Any = NULL,
) -> Any:
    """Create the VkPipeline with the SPIR-V of each stage, in order. Raises VulkanError."""
    modules: list[Any] = []
    try:
        stages = []
        constants = described.constants or ((),) * len(code)
        for (stage, entry), one, values in zip(described.stages, code, constants, strict=True):
            info = new("VkShaderModuleCreateInfo", codeSize=len(one), pCode=one)
            modules.append(device.create("ShaderModule", info, name=name))
            stages.append(
                new(
                    "VkPipelineShaderStageCreateInfo",
                    stage=stage,
                    module=modules[-1],
                    pName=entry,
                    pSpecializationInfo=_specialization(values),
                )
            )
        make = _compute_info if described.is_compute else _info
        info = make(layouts, described, stages)
        return device.create("Pipeline", info, name=name, cache=cache)
    finally:
        for module in modules:
            device.destroy("ShaderModule", module)


def _specialization(values: Sequence[tuple[int, int]]) -> Any:
    """Return the VkSpecializationInfo of constants (id, value), None without any."""
    if not values:
        return None
    entries = [
        new("VkSpecializationMapEntry", constantID=number, offset=4 * place, size=4)
        for place, (number, _) in enumerate(values)
    ]
    data = b"".join(value.to_bytes(4, "little") for _, value in values)
    return new("VkSpecializationInfo", pMapEntries=entries, dataSize=len(data), pData=data)


def _compute_info(layouts: Layouts, described: PipelineDescription, stages: list[Any]) -> Any:
    layout = layouts.pipeline_layout(*described.layout)
    return new("VkComputePipelineCreateInfo", stage=stages[0], layout=layout)


def _info(layouts: Layouts, described: PipelineDescription, stages: list[Any]) -> Any:
    bias = described.depth_bias or (0.0, 0.0)
    blends = [_blend(Blend(blend)) for blend in described.blends]
    dynamic = [
        constants.VK_DYNAMIC_STATE_VIEWPORT,
        constants.VK_DYNAMIC_STATE_SCISSOR,
        constants.VK_DYNAMIC_STATE_FRONT_FACE,
    ]
    if described.sides_apart:
        dynamic.append(constants.VK_DYNAMIC_STATE_CULL_MODE)
    rendering = new(
        "VkPipelineRenderingCreateInfo",
        pColorAttachmentFormats=list(described.colour_formats),
        depthAttachmentFormat=described.depth_format,
    )
    return new(
        "VkGraphicsPipelineCreateInfo",
        pNext=rendering,
        pStages=stages,
        pVertexInputState=_vertex_input(described),
        pInputAssemblyState=new("VkPipelineInputAssemblyStateCreateInfo", topology=described.topology),
        pViewportState=new("VkPipelineViewportStateCreateInfo", viewportCount=1, scissorCount=1),
        pRasterizationState=new(
            "VkPipelineRasterizationStateCreateInfo",
            depthClampEnable=described.depth_clamp,
            polygonMode=_POLYGON_MODES[described.wireframe],
            cullMode=described.cull,
            depthBiasEnable=described.depth_bias is not None,
            depthBiasConstantFactor=bias[0],
            depthBiasSlopeFactor=bias[1],
            lineWidth=1.0,
        ),
        pMultisampleState=new(
            "VkPipelineMultisampleStateCreateInfo",
            rasterizationSamples=described.samples,
            alphaToCoverageEnable=described.alpha_to_coverage,
            alphaToOneEnable=described.alpha_to_coverage,
        ),
        pDepthStencilState=new(
            "VkPipelineDepthStencilStateCreateInfo",
            depthTestEnable=described.depth_test,
            depthWriteEnable=described.depth_write,
            depthCompareOp=described.depth_compare,
        ),
        pColorBlendState=new("VkPipelineColorBlendStateCreateInfo", pAttachments=blends),
        pDynamicState=new("VkPipelineDynamicStateCreateInfo", pDynamicStates=dynamic),
        layout=layouts.pipeline_layout(*described.layout),
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


def _vertex_input(described: PipelineDescription) -> Any:
    attributes = [
        new("VkVertexInputAttributeDescription", location=location, binding=0, format=form, offset=offset)
        for location, form, offset in described.attributes
    ]
    binding = new("VkVertexInputBindingDescription", binding=0, stride=described.stride)
    return new(
        "VkPipelineVertexInputStateCreateInfo",
        pVertexBindingDescriptions=[binding] if attributes else [],
        pVertexAttributeDescriptions=attributes,
    )
