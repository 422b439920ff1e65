"""The only import of the `vulkan` package: its cffi interface, its library and its constants."""

from __future__ import annotations

from typing import Any

from engine.vk.errors import NoLoader, Result

try:
    from vulkan import _vulkan
except ImportError as problem:
    raise NoLoader(
        "import vulkan",
        Result.INITIALIZATION_FAILED,
        (f"the Python package 'vulkan' cannot be imported: {problem}",),
        ("pip: vulkan",),
    ) from problem
except OSError as problem:  # the package raises it if there is no loader library
    raise NoLoader(
        "import vulkan",
        Result.INITIALIZATION_FAILED,
        ("the Vulkan loader (libvulkan.so.1, vulkan-1.dll or libvulkan.dylib) is not installed",),
        ("apt: libvulkan1", "apt: mesa-vulkan-drivers"),
    ) from problem

ffi: Any = _vulkan.ffi
lib: Any = _vulkan.lib
NULL: Any = ffi.NULL

# The package has -1 for the header's ~0, which is wrong for unsigned 64-bit arguments.
WHOLE_SIZE = 0xFFFF_FFFF_FFFF_FFFF
REMAINING = 0xFFFF_FFFF
QUEUE_FAMILY_IGNORED = 0xFFFF_FFFF


class _Constants:
    """Vulkan's constants by their full names (`constants.VK_FORMAT_D32_SFLOAT`)."""

    def __getattr__(self, name: str) -> int:
        known = getattr(_vulkan, name, None)
        # The package lacks some constants of its header, and has None for others.
        value: int = getattr(lib, name) if known is None else known
        setattr(self, name, value)
        return value


constants = _Constants()


def version(encoded: int) -> str:
    """Format a packed Vulkan version: 4206822 -> '1.3.230'."""
    return f"{encoded >> 22 & 0x7F}.{encoded >> 12 & 0x3FF}.{encoded & 0xFFF}"


def make_version(major: int, minor: int, patch: int = 0) -> int:
    """Pack a Vulkan version."""
    return major << 22 | minor << 12 | patch
