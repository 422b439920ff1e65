"""Write the Vulkan enums and flags that we use as typed enums, with the numbers of the installed binding.

    .venv/bin/python tools/make_vulkan_enums.py

`FILES` lists the modules to write, their enums, and the members that we use. A member has Vulkan's name
without the prefix of its enum (`VK_BUFFER_USAGE_`), without `_BIT`, and without the suffix of a vendor
(`_KHR`). To use another member, add it to its list and run the script.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vulkan import _vulkan

from engine.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
ENDINGS = ("", "_BIT", "_KHR", "_BIT_KHR", "_EXT", "_BIT_EXT", "_NV")


@dataclass(frozen=True)
class Enum:
    """One enum to write: its name, its C type, and its members, separated by white space.

    `text` is for its docstring, after the C type. `base` is its base class; empty means IntFlag for flag
    bits, and IntEnum for all others. `renamed` maps a member to Vulkan's name for it, after the prefix.
    `prefixes` replace the one that follows from the C type.
    """

    name: str
    c_type: str
    members: str
    text: str = ""
    base: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()

    def source(self) -> str:
        """Return the enum as Python source."""
        numbers, is_flags = _numbers(self.c_type), "FlagBits" in self.c_type
        base = self.base or ("IntFlag" if is_flags else "IntEnum")
        lines = [f"class {self.name}({base}):", f'    """{self.c_type}{self.text}."""', ""]
        for member in self.members.split():
            number = self._number(member, numbers)
            lines.append(f"    {member} = {f'{number:#_x}' if is_flags else number}")
        return "\n".join(lines) + "\n"

    def _number(self, member: str, numbers: Mapping[str, int]) -> int:
        """Return a member's number. Raises LookupError where no constant, or several that differ, fit."""
        stem = self.renamed.get(member, member)
        prefixes = self.prefixes or (_prefix(self.c_type),)
        names = [prefix + stem + ending for prefix in prefixes for ending in ENDINGS]
        found = {numbers[name] for name in names if name in numbers}
        if len(found) != 1:
            raise LookupError(f"{self.c_type} has {len(found)} numbers for {self.name}.{member}")
        return found.pop()


@dataclass(frozen=True)
class File:
    """One module to write: its first sentence, its enums, and the import of their base classes."""

    text: str
    enums: tuple[Enum, ...]
    imports: str = "from enum import IntEnum, IntFlag"

    def source(self) -> str:
        """Return the module as Python source, formatted as ruff does."""
        enums = sorted(self.enums, key=lambda enum: enum.name)
        classes = "\n\n".join(enum.source() for enum in enums)
        return f'"""{self.text}\n\n{MADE}\n"""\n\n{FUTURE}\n\n{self.imports}\n\n\n{classes}'


MADE = "Written by tools/make_vulkan_enums.py from the constants of the `vulkan` binding; change its lists."
FUTURE = "from __future__ import annotations"

PLAN = File(
    "Vulkan's enums and flags in plans, passes and schedules, with Vulkan's numbers.",
    (
        Enum(
            "Access",
            "VkAccessFlagBits2",
            """
                INDIRECT_COMMAND_READ INDEX_READ VERTEX_ATTRIBUTE_READ UNIFORM_READ INPUT_ATTACHMENT_READ
                SHADER_READ SHADER_WRITE COLOR_ATTACHMENT_READ COLOR_ATTACHMENT_WRITE
                DEPTH_STENCIL_ATTACHMENT_READ DEPTH_STENCIL_ATTACHMENT_WRITE TRANSFER_READ TRANSFER_WRITE
                HOST_READ HOST_WRITE MEMORY_READ MEMORY_WRITE SHADER_SAMPLED_READ SHADER_STORAGE_READ
                SHADER_STORAGE_WRITE
            """,
        ),
        Enum("Aspect", "VkImageAspectFlagBits", "COLOR DEPTH STENCIL"),
        Enum(
            "BufferUsage",
            "VkBufferUsageFlagBits",
            """
                TRANSFER_SRC TRANSFER_DST UNIFORM_TEXEL_BUFFER STORAGE_TEXEL_BUFFER UNIFORM_BUFFER
                STORAGE_BUFFER INDEX_BUFFER VERTEX_BUFFER INDIRECT_BUFFER SHADER_DEVICE_ADDRESS
            """,
        ),
        Enum(
            "CompareOp",
            "VkCompareOp",
            "NEVER LESS EQUAL LESS_OR_EQUAL GREATER NOT_EQUAL GREATER_OR_EQUAL ALWAYS",
        ),
        Enum("CullMode", "VkCullModeFlagBits", "NONE FRONT BACK", text=": which faces are not drawn"),
        Enum(
            "DescriptorType",
            "VkDescriptorType",
            """
                SAMPLER COMBINED_IMAGE_SAMPLER SAMPLED_IMAGE STORAGE_IMAGE UNIFORM_TEXEL_BUFFER
                STORAGE_TEXEL_BUFFER UNIFORM_BUFFER STORAGE_BUFFER UNIFORM_BUFFER_DYNAMIC
                STORAGE_BUFFER_DYNAMIC INPUT_ATTACHMENT
            """,
        ),
        Enum(
            "FormatFeature",
            "VkFormatFeatureFlagBits",
            """
                SAMPLED_IMAGE STORAGE_IMAGE COLOR_ATTACHMENT COLOR_ATTACHMENT_BLEND DEPTH_STENCIL_ATTACHMENT
                SAMPLED_IMAGE_FILTER_LINEAR TRANSFER_SRC TRANSFER_DST
            """,
            text=": what a device does with texels of a format",
        ),
        Enum("FrontFace", "VkFrontFace", "COUNTER_CLOCKWISE CLOCKWISE"),
        Enum(
            "ImageUsage",
            "VkImageUsageFlagBits",
            """
                TRANSFER_SRC TRANSFER_DST SAMPLED STORAGE COLOR_ATTACHMENT DEPTH_STENCIL_ATTACHMENT
                TRANSIENT_ATTACHMENT INPUT_ATTACHMENT
            """,
        ),
        Enum(
            "Layout",
            "VkImageLayout",
            """
                UNDEFINED GENERAL COLOR_ATTACHMENT DEPTH_ATTACHMENT SHADER_READ TRANSFER_SRC TRANSFER_DST
                PRESENT_SRC
            """,
            text=": how the texels of an image lie while a pass or a copy uses it",
            renamed={
                "COLOR_ATTACHMENT": "COLOR_ATTACHMENT_OPTIMAL",
                "DEPTH_ATTACHMENT": "DEPTH_STENCIL_ATTACHMENT_OPTIMAL",
                "SHADER_READ": "SHADER_READ_ONLY_OPTIMAL",
                "TRANSFER_SRC": "TRANSFER_SRC_OPTIMAL",
                "TRANSFER_DST": "TRANSFER_DST_OPTIMAL",
            },
        ),
        Enum(
            "MemoryProperty",
            "VkMemoryPropertyFlagBits",
            "DEVICE_LOCAL HOST_VISIBLE HOST_COHERENT HOST_CACHED LAZILY_ALLOCATED PROTECTED",
        ),
        Enum("ShaderStage", "VkShaderStageFlagBits", "VERTEX GEOMETRY FRAGMENT COMPUTE"),
        Enum(
            "Stage",
            "VkPipelineStageFlagBits2",
            """
                TOP_OF_PIPE DRAW_INDIRECT VERTEX_INPUT VERTEX_SHADER GEOMETRY_SHADER FRAGMENT_SHADER
                EARLY_FRAGMENT_TESTS LATE_FRAGMENT_TESTS COLOR_ATTACHMENT_OUTPUT COMPUTE_SHADER TRANSFER
                BOTTOM_OF_PIPE HOST ALL_GRAPHICS ALL_COMMANDS COPY RESOLVE BLIT CLEAR INDEX_INPUT
                VERTEX_ATTRIBUTE_INPUT
            """,
        ),
        Enum(
            "Topology",
            "VkPrimitiveTopology",
            "POINT_LIST LINE_LIST LINE_STRIP TRIANGLE_LIST TRIANGLE_STRIP",
        ),
    ),
)

FORMATS = File(
    "Image and vertex formats, with VkFormat's numbers; `info` describes the texel block of each.",
    (
        Enum(
            "Format",
            "VkFormat",
            """
                UNDEFINED R8_UNORM R8_SNORM R8_UINT R8_SINT R8G8_UNORM R8G8_SNORM R8G8_UINT R8G8_SINT
                R8G8B8A8_UNORM R8G8B8A8_SNORM R8G8B8A8_UINT R8G8B8A8_SINT R8G8B8A8_SRGB B8G8R8A8_UNORM
                B8G8R8A8_SRGB A2B10G10R10_UNORM_PACK32 R16_UNORM R16_SNORM R16_UINT R16_SINT R16_SFLOAT
                R16G16_UNORM R16G16_SNORM R16G16_UINT R16G16_SINT R16G16_SFLOAT R16G16B16A16_UNORM
                R16G16B16A16_SNORM R16G16B16A16_UINT R16G16B16A16_SINT R16G16B16A16_SFLOAT R32_UINT R32_SINT
                R32_SFLOAT R32G32_UINT R32G32_SINT R32G32_SFLOAT R32G32B32_UINT R32G32B32_SINT
                R32G32B32_SFLOAT R32G32B32A32_UINT R32G32B32A32_SINT R32G32B32A32_SFLOAT
                B10G11R11_UFLOAT_PACK32 E5B9G9R9_UFLOAT_PACK32 D16_UNORM X8_D24_UNORM_PACK32 D32_SFLOAT
                S8_UINT D24_UNORM_S8_UINT D32_SFLOAT_S8_UINT BC1_RGB_UNORM_BLOCK BC1_RGB_SRGB_BLOCK
                BC1_RGBA_UNORM_BLOCK BC1_RGBA_SRGB_BLOCK BC2_UNORM_BLOCK BC2_SRGB_BLOCK BC3_UNORM_BLOCK
                BC3_SRGB_BLOCK BC4_UNORM_BLOCK BC5_UNORM_BLOCK BC7_UNORM_BLOCK BC7_SRGB_BLOCK
            """,
            base="TexelFormat",
        ),
    ),
    imports="from engine.plan.terms.format_info import TexelFormat",
)

BOUNDARY = File(
    "Vulkan's enums and flags in calls to the device that no plan holds, with Vulkan's numbers.",
    (
        Enum(
            "AdapterType",
            "VkPhysicalDeviceType",
            "OTHER INTEGRATED DISCRETE VIRTUAL CPU",
            renamed={kind: f"{kind}_GPU" for kind in ("INTEGRATED", "DISCRETE", "VIRTUAL")},
        ),
        Enum("AddressMode", "VkSamplerAddressMode", "REPEAT MIRRORED_REPEAT CLAMP_TO_EDGE CLAMP_TO_BORDER"),
        Enum("BindPoint", "VkPipelineBindPoint", "GRAPHICS COMPUTE"),
        Enum("BorderColor", "VkBorderColor", "FLOAT_TRANSPARENT_BLACK FLOAT_OPAQUE_BLACK FLOAT_OPAQUE_WHITE"),
        Enum("BuildFlag", "VkBuildAccelerationStructureFlagBitsKHR", "ALLOW_COMPACTION PREFER_FAST_TRACE"),
        Enum("ColorComponent", "VkColorComponentFlagBits", "R G B A"),
        Enum("Filter", "VkFilter", "NEAREST LINEAR"),
        Enum("GeometryFlag", "VkGeometryFlagBitsKHR", "OPAQUE"),
        Enum("GeometryType", "VkGeometryTypeKHR", "TRIANGLES INSTANCES"),
        Enum("IndexType", "VkIndexType", "UINT16 UINT32"),
        Enum("LoadOp", "VkAttachmentLoadOp", "LOAD CLEAR DONT_CARE"),
        Enum("MessageType", "VkDebugUtilsMessageTypeFlagBitsEXT", "GENERAL VALIDATION PERFORMANCE"),
        Enum("MipmapMode", "VkSamplerMipmapMode", "NEAREST LINEAR"),
        Enum("QueueFlag", "VkQueueFlagBits", "GRAPHICS COMPUTE TRANSFER", text=": what a queue family does"),
        Enum("ResolveMode", "VkResolveModeFlagBits", "NONE SAMPLE_ZERO AVERAGE MIN MAX"),
        Enum(
            "Result",
            "VkResult",
            """
                SUCCESS NOT_READY TIMEOUT EVENT_SET EVENT_RESET INCOMPLETE SUBOPTIMAL THREAD_IDLE THREAD_DONE
                OPERATION_DEFERRED OPERATION_NOT_DEFERRED PIPELINE_COMPILE_REQUIRED INCOMPATIBLE_SHADER_BINARY
                OUT_OF_HOST_MEMORY OUT_OF_DEVICE_MEMORY INITIALIZATION_FAILED DEVICE_LOST MEMORY_MAP_FAILED
                LAYER_NOT_PRESENT EXTENSION_NOT_PRESENT FEATURE_NOT_PRESENT INCOMPATIBLE_DRIVER
                TOO_MANY_OBJECTS FORMAT_NOT_SUPPORTED FRAGMENTED_POOL UNKNOWN VALIDATION_FAILED SURFACE_LOST
                NATIVE_WINDOW_IN_USE OUT_OF_DATE INCOMPATIBLE_DISPLAY INVALID_SHADER OUT_OF_POOL_MEMORY
                INVALID_EXTERNAL_HANDLE FRAGMENTATION INVALID_OPAQUE_CAPTURE_ADDRESS NOT_PERMITTED
                FULL_SCREEN_EXCLUSIVE_MODE_LOST COMPRESSION_EXHAUSTED
            """,
            text=": zero is success, positive values are statuses, negative values are failures",
            prefixes=("VK_", "VK_ERROR_"),
        ),
        Enum(
            "Severity",
            "VkDebugUtilsMessageSeverityFlagBitsEXT",
            "VERBOSE INFO WARNING ERROR",
            base="IntEnum",
        ),
        Enum("StoreOp", "VkAttachmentStoreOp", "STORE DONT_CARE"),
        Enum("AccelerationStructureType", "VkAccelerationStructureTypeKHR", "TOP_LEVEL BOTTOM_LEVEL GENERIC"),
    ),
)


@dataclass(frozen=True)
class Names:
    """A module with the names of all formats, for messages about those that we do not use."""

    def source(self) -> str:
        """Return the module as Python source."""
        names: dict[int, str] = {}
        for name, number in _numbers("VkFormat").items():
            stem = name.removeprefix("VK_FORMAT_")
            is_shorter = number not in names or len(stem) < len(names[number])  # without a vendor's suffix
            if is_shorter and not stem.startswith("_") and not stem.endswith("MAX_ENUM"):
                names[number] = stem
        listed = [f"{number}:{name}" for number, name in sorted(names.items())]
        lines = textwrap.wrap(" ".join(listed), 100, break_long_words=False, break_on_hyphens=False)
        return _NAMES_HEAD + "".join(f"    {line}\n" for line in lines) + _NAMES_END


_NAMES_HEAD = '''"""Names of Vulkan's formats by their numbers, for messages about formats that are not read.

Written by tools/make_vulkan_enums.py from the constants of the `vulkan` binding; change its lists.
"""

from __future__ import annotations

from functools import cache

_NAMES = """
'''
_NAMES_END = '''"""


def format_name(number: int) -> str:
    """Return name and number of a VkFormat, such as `VK_FORMAT_R8_UNORM (9)`."""
    stem = _by_number().get(number)
    return f"VK_FORMAT_{stem} ({number})" if stem else f"VkFormat {number}, which Vulkan does not have"


@cache
def _by_number() -> dict[int, str]:
    pairs = (entry.split(":") for entry in _NAMES.split())
    return {int(number): name for number, name in pairs}
'''

FILES: Mapping[str, File | Names] = {
    "engine/plan/terms/vulkan_enums.py": PLAN,
    "engine/plan/terms/formats.py": FORMATS,
    "engine/vk/enums.py": BOUNDARY,
    "engine/assets/importers/pictures/format_names.py": Names(),
}


def sources() -> dict[str, str]:
    """Return the source of every module by its path. Raises LookupError for an unknown member."""
    return {path: file.source() for path, file in FILES.items()}


def main() -> None:
    """Write the modules."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    for path, source in sources().items():
        write_whole(ROOT / path, source.encode())


def _prefix(c_type: str) -> str:
    """Return what names of a type's members begin with: VkPipelineStageFlagBits2 -> VK_PIPELINE_STAGE_2_."""
    return "_".join(re.findall("[A-Z][a-z]+|[0-9]+", c_type.replace("FlagBits", ""))).upper() + "_"


def _numbers(c_type: str) -> Mapping[str, int]:
    """Return the constants of a C enum; for 64-bit flags, which C has no enum for, all constants."""
    kind = _vulkan.ffi.typeof(c_type)
    if kind.kind == "enum":
        return dict(kind.relements)
    return {name: value for name, value in vars(_vulkan).items() if isinstance(value, int)}


if __name__ == "__main__":
    main()
