"""What a Vulkan call can answer, and the exceptions that failures become."""

from __future__ import annotations

from engine.vk.enums import Result as Result


class DioramaInternalError(RuntimeError):
    """A mistake of ours (a double destroy, a use after close): never the fault of any input."""


class VulkanError(Exception):
    """A Vulkan call failed; `call` is its name and `result` what it answered."""

    def __init__(self, call: str, result: Result | int, detail: str = "") -> None:
        super().__init__(call, result, detail)
        self.call = call
        self.result = as_result(result)
        self.detail = detail

    def __str__(self) -> str:
        text = f"{self.call}: {getattr(self.result, 'name', self.result)}"
        return f"{text} ({self.detail})" if self.detail else text


class OutOfDeviceMemory(VulkanError, MemoryError):
    """The device, or its heap, has no room left."""


class OutOfHostMemory(VulkanError, MemoryError):
    """The driver could not allocate in the process."""


class OutOfPoolMemory(VulkanError, MemoryError):
    """A descriptor pool is full or fragmented: make a new pool."""


class DeviceLost(VulkanError):
    """The device is gone; only destroying is allowed from here on."""


class TookTooLong(VulkanError, TimeoutError):
    """Work that was begun is not finished after a time in which anything should be."""


class SurfaceLost(VulkanError):
    """The window's surface is gone: make a new surface, then a new swapchain."""


class OutOfDate(VulkanError):
    """The swapchain no longer fits its surface (only where a caller did not ask for the status)."""


class FormatNotSupported(VulkanError):
    """The device has no such format for such a use."""


class NotPresent(VulkanError):
    """A layer, an extension, a feature or a function is not there."""


class NoVulkan(VulkanError):
    """Nothing can be drawn here; `reasons` has one line per cause, `packages` what to install."""

    def __init__(
        self, call: str, result: Result | int, reasons: tuple[str, ...], packages: tuple[str, ...] = ()
    ) -> None:
        super().__init__(call, result, "; ".join(reasons))
        self.reasons = reasons
        self.packages = packages


class NoLoader(NoVulkan):
    """The Vulkan loader library is not installed."""


class NoDevice(NoVulkan):
    """No adapter can be used; one reason per adapter, or why there is none at all."""


_FAMILY: dict[Result, type[VulkanError]] = {
    Result.OUT_OF_HOST_MEMORY: OutOfHostMemory,
    Result.OUT_OF_DEVICE_MEMORY: OutOfDeviceMemory,
    Result.TOO_MANY_OBJECTS: OutOfDeviceMemory,
    Result.OUT_OF_POOL_MEMORY: OutOfPoolMemory,
    Result.FRAGMENTED_POOL: OutOfPoolMemory,
    Result.DEVICE_LOST: DeviceLost,
    Result.SURFACE_LOST: SurfaceLost,
    Result.OUT_OF_DATE: OutOfDate,
    Result.FORMAT_NOT_SUPPORTED: FormatNotSupported,
    Result.LAYER_NOT_PRESENT: NotPresent,
    Result.EXTENSION_NOT_PRESENT: NotPresent,
    Result.FEATURE_NOT_PRESENT: NotPresent,
}


def as_result(value: int) -> Result | int:
    """Name a VkResult; a value that this list does not know stays a plain int."""
    try:
        return Result(value)
    except ValueError:
        return value


def error_for(call: str, result: int, detail: str = "") -> VulkanError:
    """Make the exception that stands for `result` (a failure, or a status nobody asked for)."""
    named = as_result(result)
    family = _FAMILY.get(named, VulkanError) if isinstance(named, Result) else VulkanError
    return family(call, named, detail)
