"""Physical devices: properties, features, and the reasons why one cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.vk.binding import NULL, ffi, make_version, version
from engine.vk.commands import Commands
from engine.vk.enums import AdapterType, QueueFlag
from engine.vk.errors import NoDevice, Result
from engine.vk.structs import as_dict, chain, new

REQUIRED_API = make_version(1, 3)

# Vulkan 1.3 demands all of them of every driver. robustBufferAccess: no index of a shader leaves its buffer.
REQUIRED_FEATURES = {
    "VkPhysicalDeviceFeatures": ("robustBufferAccess",),
    "VkPhysicalDeviceVulkan12Features": ("timelineSemaphore",),
    "VkPhysicalDeviceVulkan13Features": (
        "dynamicRendering",
        "synchronization2",
        "maintenance4",
        "shaderTerminateInvocation",
    ),
}

# Enabled if supported; check `Device.features` before using one.
OPTIONAL_FEATURES = {
    "VkPhysicalDeviceFeatures": (
        "samplerAnisotropy",
        "multiDrawIndirect",
        "drawIndirectFirstInstance",
        "depthClamp",
        "depthBiasClamp",
        "fillModeNonSolid",
        "alphaToOne",
        "independentBlend",
        "imageCubeArray",
        "textureCompressionBC",
        "shaderInt64",
    ),
    "VkPhysicalDeviceVulkan11Features": ("shaderDrawParameters",),
    "VkPhysicalDeviceVulkan12Features": (
        "drawIndirectCount",
        "bufferDeviceAddress",
        "scalarBlockLayout",
        "hostQueryReset",
    ),
    "VkPhysicalDeviceVulkan13Features": (),
}


_RANK = {AdapterType.DISCRETE: 0, AdapterType.INTEGRATED: 1, AdapterType.VIRTUAL: 2, AdapterType.CPU: 3}


@dataclass(frozen=True, slots=True)
class QueueFamily:
    """One queue family; the granularity is that of image copies in texels."""

    index: int
    flags: QueueFlag
    count: int
    timestamp_valid_bits: int
    min_image_transfer_granularity: tuple[int, int, int]

    def has(self, flags: QueueFlag) -> bool:
        """Whether all of these flags are there."""
        return self.flags & flags == flags


@dataclass(frozen=True)
class Adapter:
    """A physical device as data; `reasons` are why it cannot be used, empty if it can."""

    handle: Any = field(repr=False)
    name: str
    type: AdapterType
    vendor_id: int
    device_id: int
    api: str
    driver: str
    driver_version: int
    families: tuple[QueueFamily, ...]
    extensions: frozenset[str] = field(repr=False)
    features: dict[str, dict[str, bool]] = field(repr=False)
    reasons: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether a Device can be created from it."""
        return not self.reasons

    @property
    def rank(self) -> int:
        """Order of preference, 0 first: discrete, integrated, virtual, CPU, other."""
        return _RANK.get(self.type, 4)

    @property
    def works_after_fork(self) -> bool:
        """Whether a forked child may open a device of its own with this driver."""
        return not self.driver.startswith("NVIDIA ")

    def __str__(self) -> str:
        kind = self.type.name.lower()
        state = "usable" if self.usable else "not usable: " + "; ".join(self.reasons)
        return f"{self.name} ({kind}, Vulkan {self.api}, {self.driver}): {state}"


def list_adapters(vk: Commands, instance: Any) -> tuple[Adapter, ...]:
    """Describe every physical device, in the loader's order.

    Raises NoDevice if the loader finds no driver.
    """
    try:
        handles = vk.enumerate("vkEnumeratePhysicalDevices", "VkPhysicalDevice", instance)
    except Exception as problem:
        if getattr(problem, "result", None) is not Result.INITIALIZATION_FAILED:
            raise
        handles = []
    if not handles:
        raise NoDevice(
            "vkEnumeratePhysicalDevices",
            Result.INITIALIZATION_FAILED,
            ("no Vulkan driver is installed, or none finds a device",),
            ("apt: mesa-vulkan-drivers",),
        )
    return tuple(_describe(vk, handle) for handle in handles)


def choose(adapters: tuple[Adapter, ...], text: str = "") -> Adapter:
    """Return the best usable adapter whose name contains `text`, case-insensitive.

    Raises NoDevice with one reason per adapter.
    """
    fitting = [a for a in adapters if a.usable and text.casefold() in a.name.casefold()]
    if fitting:
        return min(fitting, key=lambda adapter: adapter.rank)
    reasons = [str(a) if not a.usable else f"{a.name}: its name does not contain '{text}'" for a in adapters]
    packages = () if any(a.usable for a in adapters) else ("apt: mesa-vulkan-drivers",)
    raise NoDevice("choosing a device", Result.INITIALIZATION_FAILED, tuple(reasons), packages)


def _describe(vk: Commands, handle: Any) -> Adapter:
    driver = new("VkPhysicalDeviceDriverProperties")
    properties = new("VkPhysicalDeviceProperties2", pNext=driver)
    vk.vkGetPhysicalDeviceProperties(handle, ffi.addressof(properties.properties))
    core = properties.properties
    api, kind = core.apiVersion, AdapterType(core.deviceType)
    if api >= make_version(1, 2):
        vk.vkGetPhysicalDeviceProperties2(handle, properties)
    families = _families(vk, handle)
    extensions = frozenset(
        ffi.string(entry.extensionName).decode()
        for entry in vk.enumerate(
            "vkEnumerateDeviceExtensionProperties", "VkExtensionProperties", handle, NULL
        )
    )
    features = _features(vk, handle) if api >= REQUIRED_API else {}
    driver_name = ffi.string(driver.driverName).decode(errors="replace")
    driver_info = ffi.string(driver.driverInfo).decode(errors="replace")
    return Adapter(
        handle=handle,
        name=ffi.string(core.deviceName).decode(errors="replace"),
        type=kind,
        vendor_id=core.vendorID,
        device_id=core.deviceID,
        api=version(api),
        driver=f"{driver_name} {driver_info}".strip() or f"driver {core.driverVersion:#x}",
        driver_version=core.driverVersion,
        families=families,
        extensions=extensions,
        features=features,
        reasons=tuple(_reasons(api, families, features)),
    )


def _families(vk: Commands, handle: Any) -> tuple[QueueFamily, ...]:
    count = ffi.new("uint32_t *")
    vk.vkGetPhysicalDeviceQueueFamilyProperties(handle, count, NULL)
    rows = ffi.new("VkQueueFamilyProperties[]", max(1, count[0]))
    vk.vkGetPhysicalDeviceQueueFamilyProperties(handle, count, rows)
    families = []
    for index in range(count[0]):
        row = rows[index]
        grain = row.minImageTransferGranularity
        texels = (grain.width, grain.height, grain.depth)
        families.append(
            QueueFamily(index, QueueFlag(row.queueFlags), row.queueCount, row.timestampValidBits, texels)
        )
    return tuple(families)


def _features(vk: Commands, handle: Any) -> dict[str, dict[str, bool]]:
    links = {name: new(name) for name in OPTIONAL_FEATURES if name != "VkPhysicalDeviceFeatures"}
    query = new("VkPhysicalDeviceFeatures2", pNext=chain(*links.values()))
    vk.vkGetPhysicalDeviceFeatures2(handle, query)
    read = {name: as_dict(link) for name, link in links.items()}
    read["VkPhysicalDeviceFeatures"] = as_dict(query.features)
    return {name: {key: bool(value) for key, value in row.items()} for name, row in read.items()}


def _reasons(api: int, families: tuple[QueueFamily, ...], features: dict[str, dict[str, bool]]) -> list[str]:
    reasons = []
    if api < REQUIRED_API:
        reasons.append(f"it supports Vulkan {version(api)}, {version(REQUIRED_API)} is required")
    else:
        missing = [
            name
            for struct, names in REQUIRED_FEATURES.items()
            for name in names
            if not features[struct][name]
        ]
        if missing:
            reasons.append(f"it does not support {', '.join(missing)}")
    if not any(f.has(QueueFlag.GRAPHICS | QueueFlag.COMPUTE) for f in families):
        reasons.append("it has no queue family for graphics and compute")
    return reasons
