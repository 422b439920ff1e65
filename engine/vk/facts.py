"""Properties of a device as plain data, for memory plans and reports."""

from __future__ import annotations

from typing import Any

from engine.vk.adapter import Adapter
from engine.vk.device import Device
from engine.vk.instance import Instance
from engine.vk.structs import as_dict, new


def facts(device: Device) -> dict[str, Any]:
    """Return memory types, heaps, limits, queue families, features and names as plain Python.

    Sizes are in bytes, flags are Vulkan's bits; `limits` is VkPhysicalDeviceLimits by field name, with
    maxMemoryAllocationSize and maxBufferSize added.
    """
    adapter = device.adapter
    instance_vk = device.instance.vk
    core13 = new("VkPhysicalDeviceVulkan13Properties")
    core11 = new("VkPhysicalDeviceVulkan11Properties", pNext=core13)
    properties = new("VkPhysicalDeviceProperties2", pNext=core11)
    instance_vk.vkGetPhysicalDeviceProperties2(adapter.handle, properties)
    memory = new("VkPhysicalDeviceMemoryProperties2")
    instance_vk.vkGetPhysicalDeviceMemoryProperties2(adapter.handle, memory)
    rows = memory.memoryProperties
    limits = as_dict(properties.properties.limits)
    limits["maxMemoryAllocationSize"] = core11.maxMemoryAllocationSize
    limits["maxBufferSize"] = core13.maxBufferSize
    return {
        "name": adapter.name,
        "type": adapter.type.name.lower(),
        "vendor_id": adapter.vendor_id,
        "device_id": adapter.device_id,
        "driver": adapter.driver,
        "driver_version": adapter.driver_version,
        "api": adapter.api,
        "pipeline_cache_uuid": bytes(properties.properties.pipelineCacheUUID).hex(),
        "memory_types": tuple(
            {"properties": rows.memoryTypes[index].propertyFlags, "heap": rows.memoryTypes[index].heapIndex}
            for index in range(rows.memoryTypeCount)
        ),
        "heaps": tuple(
            {"size": rows.memoryHeaps[index].size, "flags": rows.memoryHeaps[index].flags}
            for index in range(rows.memoryHeapCount)
        ),
        "limits": limits,
        "queue_families": tuple(
            {
                "flags": family.flags,
                "count": family.count,
                "timestamp_valid_bits": family.timestamp_valid_bits,
                "min_image_transfer_granularity": family.min_image_transfer_granularity,
            }
            for family in adapter.families
        ),
        "graphics_family": device.graphics.family,
        "transfer_family": device.transfer.family if device.transfer else None,
        "features": tuple(sorted(device.features)),
        "extensions": tuple(sorted(device.extensions)),
    }


def driver_identity(instance: Instance, adapter: Adapter) -> str:
    """Return a text that stands for a device with its driver, the same in every process (VkPhysicalDeviceID).

    Another version of the driver, or another device, has another one.
    """
    ids = new("VkPhysicalDeviceIDProperties")
    properties = new("VkPhysicalDeviceProperties2", pNext=ids)
    instance.vk.vkGetPhysicalDeviceProperties2(adapter.handle, properties)
    core = properties.properties
    numbers = (core.vendorID, core.deviceID, core.driverVersion, core.apiVersion)
    uuids = (core.pipelineCacheUUID, ids.driverUUID, ids.deviceUUID)
    return "-".join((*(f"{number:08x}" for number in numbers), *(bytes(uuid).hex() for uuid in uuids)))


def format_features(device: Device, vk_format: int, *, linear: bool = False) -> int:
    """Return the VkFormatFeatureFlags of a format, for optimal tiling unless `linear`."""
    query = new("VkFormatProperties2")
    device.instance.vk.vkGetPhysicalDeviceFormatProperties2(device.adapter.handle, vk_format, query)
    read = query.formatProperties
    return int(read.linearTilingFeatures if linear else read.optimalTilingFeatures)
