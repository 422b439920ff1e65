"""Vulkan's enums and flags in calls to the device that no plan holds, with Vulkan's numbers.

Written by tools/make_vulkan_enums.py from the constants of the `vulkan` binding; change its lists.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag


class AccelerationStructureType(IntEnum):
    """VkAccelerationStructureTypeKHR."""

    TOP_LEVEL = 0
    BOTTOM_LEVEL = 1
    GENERIC = 2


class AdapterType(IntEnum):
    """VkPhysicalDeviceType."""

    OTHER = 0
    INTEGRATED = 1
    DISCRETE = 2
    VIRTUAL = 3
    CPU = 4


class AddressMode(IntEnum):
    """VkSamplerAddressMode."""

    REPEAT = 0
    MIRRORED_REPEAT = 1
    CLAMP_TO_EDGE = 2
    CLAMP_TO_BORDER = 3


class BindPoint(IntEnum):
    """VkPipelineBindPoint."""

    GRAPHICS = 0
    COMPUTE = 1


class BorderColor(IntEnum):
    """VkBorderColor."""

    FLOAT_TRANSPARENT_BLACK = 0
    FLOAT_OPAQUE_BLACK = 2
    FLOAT_OPAQUE_WHITE = 4


class BuildFlag(IntFlag):
    """VkBuildAccelerationStructureFlagBitsKHR."""

    ALLOW_COMPACTION = 0x2
    PREFER_FAST_TRACE = 0x4


class ColorComponent(IntFlag):
    """VkColorComponentFlagBits."""

    R = 0x1
    G = 0x2
    B = 0x4
    A = 0x8


class Filter(IntEnum):
    """VkFilter."""

    NEAREST = 0
    LINEAR = 1


class GeometryFlag(IntFlag):
    """VkGeometryFlagBitsKHR."""

    OPAQUE = 0x1


class GeometryType(IntEnum):
    """VkGeometryTypeKHR."""

    TRIANGLES = 0
    INSTANCES = 2


class IndexType(IntEnum):
    """VkIndexType."""

    UINT16 = 0
    UINT32 = 1


class LoadOp(IntEnum):
    """VkAttachmentLoadOp."""

    LOAD = 0
    CLEAR = 1
    DONT_CARE = 2


class MessageType(IntFlag):
    """VkDebugUtilsMessageTypeFlagBitsEXT."""

    GENERAL = 0x1
    VALIDATION = 0x2
    PERFORMANCE = 0x4


class MipmapMode(IntEnum):
    """VkSamplerMipmapMode."""

    NEAREST = 0
    LINEAR = 1


class QueueFlag(IntFlag):
    """VkQueueFlagBits: what a queue family does."""

    GRAPHICS = 0x1
    COMPUTE = 0x2
    TRANSFER = 0x4


class ResolveMode(IntFlag):
    """VkResolveModeFlagBits."""

    NONE = 0x0
    SAMPLE_ZERO = 0x1
    AVERAGE = 0x2
    MIN = 0x4
    MAX = 0x8


class Result(IntEnum):
    """VkResult: zero is success, positive values are statuses, negative values are failures."""

    SUCCESS = 0
    NOT_READY = 1
    TIMEOUT = 2
    EVENT_SET = 3
    EVENT_RESET = 4
    INCOMPLETE = 5
    SUBOPTIMAL = 1000001003
    THREAD_IDLE = 1000268000
    THREAD_DONE = 1000268001
    OPERATION_DEFERRED = 1000268002
    OPERATION_NOT_DEFERRED = 1000268003
    PIPELINE_COMPILE_REQUIRED = 1000297000
    INCOMPATIBLE_SHADER_BINARY = 1000482000
    OUT_OF_HOST_MEMORY = -1
    OUT_OF_DEVICE_MEMORY = -2
    INITIALIZATION_FAILED = -3
    DEVICE_LOST = -4
    MEMORY_MAP_FAILED = -5
    LAYER_NOT_PRESENT = -6
    EXTENSION_NOT_PRESENT = -7
    FEATURE_NOT_PRESENT = -8
    INCOMPATIBLE_DRIVER = -9
    TOO_MANY_OBJECTS = -10
    FORMAT_NOT_SUPPORTED = -11
    FRAGMENTED_POOL = -12
    UNKNOWN = -13
    VALIDATION_FAILED = -1000011001
    SURFACE_LOST = -1000000000
    NATIVE_WINDOW_IN_USE = -1000000001
    OUT_OF_DATE = -1000001004
    INCOMPATIBLE_DISPLAY = -1000003001
    INVALID_SHADER = -1000012000
    OUT_OF_POOL_MEMORY = -1000069000
    INVALID_EXTERNAL_HANDLE = -1000072003
    FRAGMENTATION = -1000161000
    INVALID_OPAQUE_CAPTURE_ADDRESS = -1000257000
    NOT_PERMITTED = -1000174001
    FULL_SCREEN_EXCLUSIVE_MODE_LOST = -1000255000
    COMPRESSION_EXHAUSTED = -1000338000


class Severity(IntEnum):
    """VkDebugUtilsMessageSeverityFlagBitsEXT."""

    VERBOSE = 0x1
    INFO = 0x10
    WARNING = 0x100
    ERROR = 0x1000


class StoreOp(IntEnum):
    """VkAttachmentStoreOp."""

    STORE = 0
    DONT_CARE = 1
