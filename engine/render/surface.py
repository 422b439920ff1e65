"""A window's VkSurfaceKHR: present support, formats, capabilities, recreation after SURFACE_LOST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.vk.binding import NULL, constants, ffi
from engine.vk.device import Device
from engine.vk.errors import NoDevice, Result
from engine.vk.instance import Instance

_UNDEFINED_EXTENT = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class WindowTarget:
    """The functions of a window system that the engine needs to present.

    `extensions` are the instance extensions of its surfaces, `create_surface` returns a VkSurfaceKHR for a
    VkInstance (both as integers), `framebuffer_size` returns width and height in pixels, (0, 0) while the
    window has no area.
    """

    extensions: tuple[str, ...]
    create_surface: Callable[[int], int]
    framebuffer_size: Callable[[], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class SurfaceCapabilities:
    """Swapchain parameters that fit the surface now: extent in pixels, image count, transform, alpha mode."""

    extent: tuple[int, int]
    image_count: int
    transform: int
    composite_alpha: int


class Surface:
    """Owns one VkSurfaceKHR; close it after its swapchain and before the instance."""

    def __init__(self, instance: Instance, target: WindowTarget) -> None:
        self._instance = instance
        self._target = target
        self.handle: Any = NULL
        self.recreate()

    def recreate(self) -> None:
        """Create the surface again after it was lost; destroy its swapchains first."""
        self.close()
        number = self._target.create_surface(int(ffi.cast("uintptr_t", self._instance.handle)))
        handle = ffi.cast("VkSurfaceKHR", number)
        self.handle = self._instance.adopt("SurfaceKHR", handle, "window")

    def check(self, device: Device) -> None:
        """Raise NoDevice if the device's graphics queue cannot present to this surface."""
        supported = ffi.new("VkBool32 *")
        family = device.graphics.family
        vk, adapter = self._instance.vk, device.adapter
        vk.call("vkGetPhysicalDeviceSurfaceSupportKHR", adapter.handle, family, self.handle, supported)
        if not supported[0]:
            reason = f"{adapter.name}: its queue family {family} cannot present to this display"
            raise NoDevice("vkGetPhysicalDeviceSurfaceSupportKHR", Result.INITIALIZATION_FAILED, (reason,))

    def choose_format(self, device: Device) -> tuple[int, int]:
        """Return (VkFormat, VkColorSpaceKHR) of an 8-bit sRGB format. Raises NoDevice if there is none."""
        c = constants
        adapter = device.adapter
        rows = self._instance.vk.enumerate(
            "vkGetPhysicalDeviceSurfaceFormatsKHR", "VkSurfaceFormatKHR", adapter.handle, self.handle
        )
        offered = [(row.format, row.colorSpace) for row in rows]
        for wanted in (
            c.VK_FORMAT_B8G8R8A8_SRGB,
            c.VK_FORMAT_R8G8B8A8_SRGB,
            c.VK_FORMAT_A8B8G8R8_SRGB_PACK32,
        ):
            if (wanted, c.VK_COLOR_SPACE_SRGB_NONLINEAR_KHR) in offered:
                return wanted, c.VK_COLOR_SPACE_SRGB_NONLINEAR_KHR
        reason = f"{adapter.name}: the surface offers no sRGB format (VkFormats {sorted(dict(offered))})"
        raise NoDevice("vkGetPhysicalDeviceSurfaceFormatsKHR", Result.FORMAT_NOT_SUPPORTED, (reason,))

    def capabilities(self, device: Device) -> SurfaceCapabilities:
        """Query what fits the surface now; the extent is (0, 0) while the window has no area."""
        found = ffi.new("VkSurfaceCapabilitiesKHR *")
        self._instance.vk.call(
            "vkGetPhysicalDeviceSurfaceCapabilitiesKHR", device.adapter.handle, self.handle, found
        )
        low, high, current = found.minImageExtent, found.maxImageExtent, found.currentExtent
        extent = (current.width, current.height)
        if current.width == _UNDEFINED_EXTENT:
            width, height = self._target.framebuffer_size()
            extent = (0, 0)
            if width and height:
                extent = (
                    min(max(width, low.width), high.width),
                    min(max(height, low.height), high.height),
                )
        count = max(found.minImageCount + 1, 3)
        if found.maxImageCount:
            count = min(count, found.maxImageCount)
        alphas = found.supportedCompositeAlpha
        opaque = constants.VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR
        return SurfaceCapabilities(
            extent, count, found.currentTransform, opaque if alphas & opaque else alphas & -alphas
        )

    def close(self) -> None:
        """Destroy the surface, once."""
        handle, self.handle = self.handle, NULL
        self._instance.destroy("SurfaceKHR", handle)
