"""VkResult, and the exceptions for Vulkan calls that fail."""

from __future__ import annotations

from engine.vk.enums import Result as Result


class DioramaInternalError(RuntimeError):
    """A bug in this project (a double destroy, a use after close), never the fault of an input."""


class VulkanError(Exception):
    """A Vulkan call failed; `call` is the function's name, `result` what it returned."""

    def __init__(self, call: str, result: Result | int, detail: str = "") -> None:
        super().__init__(call, result, detail)
        self.call = call
        self.result = as_result(result)
        self.detail = detail

    def __str__(self) -> str:
        text = f"{self.call}: {getattr(self.result, 'name', self.result)}"
        return f"{text} ({self.detail})" if self.detail else text


class OutOfDeviceMemory(VulkanError, MemoryError):
    """The device, or one of its heaps, is out of memory."""


class OutOfHostMemory(VulkanError, MemoryError):
    """The driver could not allocate host memory."""


class OutOfPoolMemory(VulkanError, MemoryError):
    """A descriptor pool is full or fragmented; create another."""


class DeviceLost(VulkanError):
    """The device is lost; only destroy functions may be called from now on."""


class TookTooLong(VulkanError, TimeoutError):
    """Submitted work or a schedule has not completed within a generous timeout."""


class SurfaceLost(VulkanError):
    """The window's surface is lost; create a new surface, then a new swapchain."""


class OutOfDate(VulkanError):
    """The swapchain no longer matches its surface, where the caller does not allow this result."""


class FormatNotSupported(VulkanError):
    """The format is not supported for this use."""


class NotPresent(VulkanError):
    """A layer, an extension, a feature or a function is not present."""


class UsedAfterFork(VulkanError):
    """A forked child uses an instance or device of its parent, of which it has none.

    With a `driver`, it opens its own, and this driver works in no child of a process that has used it.
    """

    def __init__(self, call: str, driver: str = "") -> None:
        detail = "it was opened by the parent of this process, before a fork"
        if driver:
            detail = f"the driver ({driver}) was used by the parent of this process, before a fork"
        super().__init__(call, Result.UNKNOWN, detail)
        self.driver = driver

    def __str__(self) -> str:
        own = "" if self.driver else "open the device in the child, or "
        help_text = f"{own}start the child with multiprocessing's method 'spawn'"
        return f"{self.call}: {self.detail}\nhelp: {help_text}"


class NoVulkan(VulkanError):
    """Vulkan cannot be used here; `reasons` has one line per cause, `packages` what to install."""

    def __init__(
        self, call: str, result: Result | int, reasons: tuple[str, ...], packages: tuple[str, ...] = ()
    ) -> None:
        super().__init__(call, result, "; ".join(reasons))
        self.reasons = reasons
        self.packages = packages


class NoLoader(NoVulkan):
    """The Vulkan loader library is not installed."""


class NoDevice(NoVulkan):
    """No adapter can be used; one reason per adapter, or why there is none."""


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
    """Return the Result of a VkResult; an unknown value stays an int."""
    try:
        return Result(value)
    except ValueError:
        return value


def error_for(call: str, result: int, detail: str = "") -> VulkanError:
    """Return the exception for `result`: a failure, or a status that the caller does not allow."""
    named = as_result(result)
    family = _FAMILY.get(named, VulkanError) if isinstance(named, Result) else VulkanError
    return family(call, named, detail)
