"""Finds missing system packages, with the standard library alone, for the set-up script and `doctor`.

`python -m engine.cli.probe --packages run|test|dev|bench|device` prints the missing Debian packages, one per
line. `--packages device` loads the Vulkan drivers, which may crash: run it in a child process.
"""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

VULKAN_1_3 = (1 << 22) | (3 << 12)
LOADER = {"darwin": "libvulkan.1.dylib", "win32": "vulkan-1.dll"}.get(sys.platform, "libvulkan.so.1")
VALIDATION_LAYER = "VK_LAYER_KHRONOS_validation"


class Part(Enum):
    """What a package is needed for: running a scene, running the tests, or as a Vulkan device."""

    RUN = "run"
    TEST = "test"
    DEVICE = "device"


@dataclass(frozen=True)
class Finding:
    """One requirement: `found` is what is installed ("" if nothing), `package` the Debian package."""

    part: Part
    what: str
    found: str
    package: str


@dataclass(frozen=True)
class Adapter:
    """A device that the loader lists: its name, kind and highest Vulkan version as (major, minor, patch)."""

    name: str
    kind: str
    version: tuple[int, int, int]

    @property
    def usable(self) -> bool:
        """Whether the version is high enough; features and limits are checked when a scene opens."""
        return self.version >= (1, 3, 0)


# GLFW opens these by name at run time; the first is also linked into imgui-bundle.
_WINDOW_LIBRARIES = (
    ("libX11.so.6", "libx11-6"),
    ("libX11-xcb.so.1", "libx11-xcb1"),
    ("libXcursor.so.1", "libxcursor1"),
    ("libXext.so.6", "libxext6"),
    ("libXi.so.6", "libxi6"),
    ("libXinerama.so.1", "libxinerama1"),
    ("libXrandr.so.2", "libxrandr2"),
    ("libXrender.so.1", "libxrender1"),
    ("libXxf86vm.so.1", "libxxf86vm1"),
)
_TEST_PROGRAMS = (("Xvfb", "xvfb"), ("xdotool", "xdotool"), ("twm", "twm"))
_KINDS = ("other", "integrated", "discrete", "virtual", "software")


class _ApplicationInfo(ctypes.Structure):
    _fields_ = (
        ("sType", ctypes.c_uint32),
        ("pNext", ctypes.c_void_p),
        ("pApplicationName", ctypes.c_char_p),
        ("applicationVersion", ctypes.c_uint32),
        ("pEngineName", ctypes.c_char_p),
        ("engineVersion", ctypes.c_uint32),
        ("apiVersion", ctypes.c_uint32),
    )


class _InstanceCreateInfo(ctypes.Structure):
    _fields_ = (
        ("sType", ctypes.c_uint32),
        ("pNext", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("pApplicationInfo", ctypes.POINTER(_ApplicationInfo)),
        ("enabledLayerCount", ctypes.c_uint32),
        ("ppEnabledLayerNames", ctypes.c_void_p),
        ("enabledExtensionCount", ctypes.c_uint32),
        ("ppEnabledExtensionNames", ctypes.c_void_p),
    )


class _LayerProperties(ctypes.Structure):
    _fields_ = (
        ("layerName", ctypes.c_char * 256),
        ("specVersion", ctypes.c_uint32),
        ("implementationVersion", ctypes.c_uint32),
        ("description", ctypes.c_char * 256),
    )


class _DeviceProperties(ctypes.Structure):
    """The head of VkPhysicalDeviceProperties; `rest` has room for the limits, which are not read here."""

    _fields_ = (
        ("apiVersion", ctypes.c_uint32),
        ("driverVersion", ctypes.c_uint32),
        ("vendorID", ctypes.c_uint32),
        ("deviceID", ctypes.c_uint32),
        ("deviceType", ctypes.c_uint32),
        ("deviceName", ctypes.c_char * 256),
        ("rest", ctypes.c_char * 4096),
    )


def library(name: str) -> ctypes.CDLL | None:
    """Open a shared library by name; None if it is not installed."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def layers(loader: ctypes.CDLL) -> dict[str, str]:
    """Return the installed Vulkan layers by name, each with the Vulkan version it was built for."""
    count = ctypes.c_uint32()
    loader.vkEnumerateInstanceLayerProperties(ctypes.byref(count), None)
    rows = (_LayerProperties * count.value)()
    loader.vkEnumerateInstanceLayerProperties(ctypes.byref(count), rows)
    return {row.layerName.decode(): _version_text(row.specVersion) for row in rows}


def adapters(loader: ctypes.CDLL) -> list[Adapter]:
    """Return every physical device that the loader lists; empty if no driver is installed or works."""
    application = _ApplicationInfo(sType=0, apiVersion=VULKAN_1_3)
    info = _InstanceCreateInfo(sType=1, pApplicationInfo=ctypes.pointer(application))
    instance = ctypes.c_void_p()
    if loader.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance)) != 0:
        return []
    try:
        count = ctypes.c_uint32()
        loader.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
        devices = (ctypes.c_void_p * count.value)()
        loader.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
        return [_adapter(loader, device) for device in devices]
    finally:
        loader.vkDestroyInstance(instance, None)


def _adapter(loader: ctypes.CDLL, device: int | None) -> Adapter:
    properties = _DeviceProperties()
    loader.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), ctypes.byref(properties))
    kind = _KINDS[properties.deviceType] if properties.deviceType < len(_KINDS) else _KINDS[0]
    return Adapter(properties.deviceName.decode(errors="replace"), kind, _version(properties.apiVersion))


def _version(packed: int) -> tuple[int, int, int]:
    return (packed >> 22) & 0x7F, (packed >> 12) & 0x3FF, packed & 0xFFF


def _version_text(packed: int) -> str:
    return ".".join(map(str, _version(packed)))


def find_run() -> list[Finding]:
    """Check what a scene needs besides a device: the Vulkan loader and, on Linux, the X11 libraries."""
    wanted = [(LOADER, "libvulkan1")]
    if sys.platform == "linux":
        wanted += _WINDOW_LIBRARIES
    return [Finding(Part.RUN, name, name if library(name) else "", package) for name, package in wanted]


def find_test() -> list[Finding]:
    """Check what the tests also need: the validation layer, Xvfb, xdotool for its mouse, a window manager."""
    loader = library(LOADER)
    version = layers(loader).get(VALIDATION_LAYER, "") if loader else ""
    findings = [Finding(Part.TEST, VALIDATION_LAYER, version, "vulkan-validationlayers")]
    for program, package in _TEST_PROGRAMS:
        findings.append(Finding(Part.TEST, program, shutil.which(program) or "", package))
    return findings


def find_device() -> list[Finding]:
    """Check for a Vulkan 1.3 device; Mesa has a software driver for machines without a GPU."""
    loader = library(LOADER)
    usable = [adapter for adapter in adapters(loader) if adapter.usable] if loader else []
    found = ", ".join(f"{adapter.name} ({adapter.kind})" for adapter in usable)
    return [Finding(Part.DEVICE, "Vulkan 1.3 device", found, "mesa-vulkan-drivers")]


def missing_packages(findings: Iterable[Finding]) -> list[str]:
    """Return the packages of what was not found, each once, in the order of the findings."""
    return list(dict.fromkeys(finding.package for finding in findings if not finding.found))


def main(arguments: list[str]) -> int:
    """Print the missing packages of one part; `dev` needs what `test` needs, and `test` what `run` needs."""
    find = {
        "run": find_run,
        "test": lambda: find_run() + find_test(),
        "dev": lambda: find_run() + find_test(),
        "bench": lambda: find_run() + find_test(),
        "device": find_device,
    }
    if len(arguments) != 2 or arguments[0] != "--packages" or arguments[1] not in find:
        print(f"usage: python -m engine.cli.probe --packages {'|'.join(find)}", file=sys.stderr)
        return 2
    for package in missing_packages(find[arguments[1]]()):
        print(package)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
