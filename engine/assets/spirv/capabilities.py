"""The capabilities and extensions of SPIR-V that devices are opened with, and what to do without the others.

Names and numbers are those of the SPIR-V specification 1.6, 3.31 'Capability', and of its extensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.assets.spirv.types import Fault

CAPABILITIES = {
    0: "",  # Matrix
    1: "",  # Shader
    11: "shaderInt64",  # Int64
    34: "imageCubeArray",  # ImageCubeArray
    40: "",  # InputAttachment
    43: "",  # Sampled1D
    44: "",  # Image1D
    45: "imageCubeArray",  # SampledCubeArray
    46: "",  # SampledBuffer
    47: "",  # ImageBuffer
    50: "",  # ImageQuery
    51: "",  # DerivativeControl
    4427: "shaderDrawParameters",  # DrawParameters
}
"""The feature that a device is opened with for a capability; empty where Vulkan has it without one."""

_EXTENSIONS = frozenset(
    {
        "SPV_GOOGLE_decorate_string",
        "SPV_GOOGLE_hlsl_functionality1",
        "SPV_GOOGLE_user_type",
        "SPV_KHR_no_integer_wrap_decoration",
        "SPV_KHR_non_semantic_info",
        "SPV_KHR_shader_draw_parameters",
        "SPV_KHR_storage_buffer_storage_class",
        "SPV_KHR_terminate_invocation",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """Capabilities for one kind of thing in GLSL: what to do without, and words of GLSL that need them."""

    help: str
    names: dict[int, str]
    words: tuple[str, ...] = ()


_KINDS = (
    _Kind(
        "multiply with vectors, mat4 and loops over 32-bit floats, and leave out the extension",
        {
            5357: "CooperativeMatrixNV",
            5394: "CooperativeVectorNV",
            5430: "CooperativeMatrixReductionsNV",
            5431: "CooperativeMatrixConversionsNV",
            5432: "CooperativeMatrixPerElementOperationsNV",
            5433: "CooperativeMatrixTensorAddressingNV",
            5434: "CooperativeMatrixBlockLoadsNV",
            5435: "CooperativeVectorTrainingNV",
            5439: "TensorAddressingNV",
            6022: "CooperativeMatrixKHR",
        },
        ("GL_KHR_cooperative_matrix", "GL_NV_cooperative_matrix", "GL_NV_cooperative_vector"),
    ),
    _Kind(
        "use float, int and uint, which have 32 bits",
        {
            9: "Float16",
            10: "Float64",
            12: "Int64Atomics",
            22: "Int16",
            39: "Int8",
            4429: "WorkgroupMemoryExplicitLayout8BitAccessKHR",
            4430: "WorkgroupMemoryExplicitLayout16BitAccessKHR",
            4433: "StorageBuffer16BitAccess",
            4434: "UniformAndStorageBuffer16BitAccess",
            4435: "StoragePushConstant16",
            4436: "StorageInputOutput16",
            4448: "StorageBuffer8BitAccess",
            4449: "UniformAndStorageBuffer8BitAccess",
            4450: "StoragePushConstant8",
            5016: "Int64ImageEXT",
        },
        (
            "double",
            *("GL_EXT_shader_explicit_arithmetic_types", "GL_EXT_shader_explicit_arithmetic_types_float16"),
            *("GL_EXT_shader_16bit_storage", "GL_EXT_shader_8bit_storage", "GL_EXT_shader_atomic_int64"),
        ),
    ),
    _Kind(
        "exchange values through shared variables and barrier(), not within subgroups",
        {
            61: "GroupNonUniform",
            62: "GroupNonUniformVote",
            63: "GroupNonUniformArithmetic",
            64: "GroupNonUniformBallot",
            65: "GroupNonUniformShuffle",
            66: "GroupNonUniformShuffleRelative",
            67: "GroupNonUniformClustered",
            68: "GroupNonUniformQuad",
            4423: "SubgroupBallotKHR",
            4431: "SubgroupVoteKHR",
            5297: "GroupNonUniformPartitionedNV",
            6026: "GroupNonUniformRotateKHR",
        },
        tuple(
            f"GL_KHR_shader_subgroup_{kind}"
            for kind in ("arithmetic", "ballot", "basic", "clustered", "quad", "rotate", "shuffle", "vote")
        ),
    ),
    _Kind(
        "add and compare with atomics of int and uint",
        {
            5404: "AtomicFloat16VectorNV",
            5612: "AtomicFloat32MinMaxEXT",
            5613: "AtomicFloat64MinMaxEXT",
            5616: "AtomicFloat16MinMaxEXT",
            6033: "AtomicFloat32AddEXT",
            6034: "AtomicFloat64AddEXT",
            6095: "AtomicFloat16AddEXT",
        },
        ("GL_EXT_shader_atomic_float", "GL_EXT_shader_atomic_float2"),
    ),
    _Kind(
        "choose among textures and buffers with constants, or put them into one array texture or buffer",
        {
            25: "ImageGatherExtended",
            28: "UniformBufferArrayDynamicIndexing",
            29: "SampledImageArrayDynamicIndexing",
            30: "StorageBufferArrayDynamicIndexing",
            31: "StorageImageArrayDynamicIndexing",
            5301: "ShaderNonUniform",
            5302: "RuntimeDescriptorArray",
            5306: "UniformBufferArrayNonUniformIndexing",
            5307: "SampledImageArrayNonUniformIndexing",
            5308: "StorageBufferArrayNonUniformIndexing",
            5309: "StorageImageArrayNonUniformIndexing",
        },
        ("GL_EXT_nonuniform_qualifier",),
    ),
    _Kind(
        "give each storage image one sample and one of the formats rgba32f, rgba16f, r32f, rgba8 and r32ui",
        {
            27: "StorageImageMultisample",
            41: "SparseResidency",
            42: "MinLod",
            48: "ImageMSArray",
            49: "StorageImageExtendedFormats",
            55: "StorageImageReadWithoutFormat",
            56: "StorageImageWriteWithoutFormat",
        },
        ("GL_EXT_shader_image_load_formatted", "GL_ARB_sparse_texture2", "GL_ARB_sparse_texture_clamp"),
    ),
    _Kind(
        "leave out what belongs to other stages: primitives, layers, viewports, clip and cull distances",
        {
            2: "Geometry",
            3: "Tessellation",
            23: "TessellationPointSize",
            24: "GeometryPointSize",
            32: "ClipDistance",
            33: "CullDistance",
            53: "TransformFeedback",
            54: "GeometryStreams",
            57: "MultiViewport",
            69: "ShaderLayer",
            70: "ShaderViewportIndex",
            4437: "DeviceGroup",
            4439: "MultiView",
            5254: "ShaderViewportIndexLayerEXT",
            5266: "MeshShadingNV",
            5283: "MeshShadingEXT",
        },
        (
            *("gl_PrimitiveID", "gl_Layer", "gl_ViewportIndex", "gl_ClipDistance", "gl_CullDistance"),
            *("GL_EXT_multiview", "GL_EXT_mesh_shader", "GL_ARB_shader_viewport_layer_array"),
        ),
    ),
    _Kind(
        "a fragment has its own inputs and outputs alone, once for each texel",
        {
            35: "SampleRateShading",
            52: "InterpolationFunction",
            4422: "FragmentShadingRateKHR",
            4447: "SampleMaskPostDepthCoverage",
            5013: "StencilExportEXT",
            5265: "FragmentFullyCoveredEXT",
            5284: "FragmentBarycentricKHR",
            5291: "FragmentDensityEXT",
            5363: "FragmentShaderSampleInterlockEXT",
            5372: "FragmentShaderShadingRateInterlockEXT",
            5378: "FragmentShaderPixelInterlockEXT",
            5379: "DemoteToHelperInvocation",
        },
        (
            *("gl_SampleID", "gl_SamplePosition", "sample", "interpolateAtOffset", "interpolateAtSample"),
            *(
                "interpolateAtCentroid",
                "GL_ARB_fragment_shader_interlock",
                "GL_EXT_fragment_shader_barycentric",
            ),
            *(
                "GL_ARB_shader_stencil_export",
                "GL_EXT_demote_to_helper_invocation",
                "GL_ARB_post_depth_coverage",
            ),
        ),
    ),
    _Kind(
        "leave out rays: no device is opened with structures to trace them in",
        {
            4472: "RayQueryKHR",
            4478: "RayTraversalPrimitiveCullingKHR",
            4479: "RayTracingKHR",
            5336: "RayTracingPositionFetchKHR",
            5340: "RayTracingNV",
            5391: "RayQueryPositionFetchKHR",
        },
        ("GL_EXT_ray_query", "GL_EXT_ray_tracing", "GL_NV_ray_tracing"),
    ),
    _Kind(
        "read buffers through their bindings, without pointers, scopes or layouts of shared variables",
        {
            4428: "WorkgroupMemoryExplicitLayoutKHR",
            4441: "VariablePointersStorageBuffer",
            4442: "VariablePointers",
            5055: "ShaderClockKHR",
            5345: "VulkanMemoryModel",
            5346: "VulkanMemoryModelDeviceScope",
            5347: "PhysicalStorageBufferAddresses",
        },
        (
            *("GL_EXT_buffer_reference", "GL_KHR_memory_scope_semantics", "GL_EXT_shader_realtime_clock"),
            *("GL_ARB_shader_clock", "GL_EXT_shared_memory_block"),
        ),
    ),
    _Kind(
        "multiply the components of vectors with dot() of floats",
        {
            6016: "DotProductInputAll",
            6017: "DotProductInput4x8Bit",
            6018: "DotProductInput4x8BitPacked",
            6019: "DotProduct",
        },
        ("GL_EXT_integer_dot_product",),
    ),
)
_OTHERS = _Kind("write the shader without the type, builtin or extension that needs it", {})
_KIND_OF = {number: kind for kind in _KINDS for number in kind.names}


def capability_faults(capabilities: Iterable[int]) -> Iterator[Fault]:
    """Yield the capabilities that no device is opened with; those of one kind are one fault."""
    refused = [number for number in dict.fromkeys(capabilities) if number not in CAPABILITIES]
    for kind in dict.fromkeys(_KIND_OF.get(number, _OTHERS) for number in refused):
        names = [
            kind.names.get(number, str(number)) for number in refused if _KIND_OF.get(number, _OTHERS) is kind
        ]
        noun = "capability" if len(names) == 1 else "capabilities"
        message = f"it needs the {noun} {', '.join(names)}, which no device is opened with"
        yield Fault(message, kind.help, kind.words)


def extension_faults(extensions: Sequence[str]) -> Iterator[Fault]:
    """Yield the extensions that no device is opened with."""
    for extension in extensions:
        if extension not in _EXTENSIONS:
            message = f"it needs the SPIR-V extension {extension}, which no device is opened with"
            yield Fault(message, "leave out what needs the extension")
