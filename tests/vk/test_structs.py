"""Structs keep what they point at alive, and set their sType and list counts."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from engine.vk.binding import NULL, constants, ffi
from engine.vk.structs import array, as_dict, chain, new, pointer, text


def churn() -> None:
    """Overwrite freed memory."""
    gc.collect()
    for _ in range(200):
        ffi.new("char[]", b"\xee" * 64)


def test_structure_type_is_set() -> None:
    assert new("VkBufferCreateInfo").sType == constants.VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO
    vulkan13 = new("VkPhysicalDeviceVulkan13Features")
    assert vulkan13.sType == constants.VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES
    messenger = new("VkDebugUtilsMessengerCreateInfoEXT")
    assert messenger.sType == constants.VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT


def test_nested_structs_built_inline_stay_alive() -> None:
    for _ in range(200):
        info = new(
            "VkDeviceCreateInfo",
            pQueueCreateInfos=[
                new("VkDeviceQueueCreateInfo", queueFamilyIndex=7, pQueuePriorities=[0.25, 0.75])
            ],
            ppEnabledExtensionNames=["VK_KHR_swapchain", "VK_EXT_memory_budget"],
            pNext=new("VkPhysicalDeviceFeatures2", features={"samplerAnisotropy": 1}),
        )
        churn() if _ % 50 == 0 else None
        queue = info.pQueueCreateInfos[0]
        assert (queue.queueFamilyIndex, queue.queueCount) == (7, 2)
        assert [queue.pQueuePriorities[0], queue.pQueuePriorities[1]] == [0.25, 0.75]
        assert text(info.ppEnabledExtensionNames[1]) == "VK_EXT_memory_budget"
        assert ffi.cast("VkPhysicalDeviceFeatures2 *", info.pNext).features.samplerAnisotropy == 1


def test_a_list_sets_the_count_field_before_it() -> None:
    info = new("VkDeviceCreateInfo", ppEnabledExtensionNames=["a", "b", "c"])
    assert info.enabledExtensionCount == 3
    assert info.enabledLayerCount == 0
    write = new("VkWriteDescriptorSet", pBufferInfo=[(NULL, 0, 4), (NULL, 4, 4)])
    assert write.descriptorCount == 2
    given = new("VkDeviceCreateInfo", ppEnabledExtensionNames=["a", "b"], enabledExtensionCount=1)
    assert given.enabledExtensionCount == 1


def test_an_empty_list_is_null_and_zero() -> None:
    info = new("VkInstanceCreateInfo", ppEnabledLayerNames=[])
    assert info.ppEnabledLayerNames == NULL
    assert info.enabledLayerCount == 0


def test_structs_by_value_take_pointers_tuples_and_dicts() -> None:
    view = new("VkImageViewCreateInfo", subresourceRange={"aspectMask": 1, "levelCount": 3, "layerCount": 2})
    assert view.subresourceRange.levelCount == 3
    image = new("VkImageCreateInfo", extent=(64, 32, 1))
    assert (image.extent.width, image.extent.height) == (64, 32)
    requirements = new("VkMemoryRequirements", size=5)
    outer = new("VkMemoryRequirements2", memoryRequirements=requirements)
    assert outer.memoryRequirements.size == 5


def test_buffers_are_viewed_not_copied() -> None:
    words = np.array([1, 2, 3], np.uint32)
    info = new("VkShaderModuleCreateInfo", codeSize=words.nbytes, pCode=words)
    words[1] = 77
    assert info.pCode[1] == 77
    regions = np.zeros((4, 3), np.uint64)
    seen = pointer("VkBufferCopy", regions)
    regions[2] = (10, 20, 30)
    del regions
    churn()
    assert (seen[2].srcOffset, seen[2].dstOffset, seen[2].size) == (10, 20, 30)


def test_an_array_keeps_what_its_structs_point_at_alive() -> None:
    inner = [new("VkDescriptorSetLayoutBinding", binding=n, pImmutableSamplers=[NULL] * n) for n in range(3)]
    bindings = array("VkDescriptorSetLayoutBinding", inner)
    del inner
    churn()
    assert [bindings[n].descriptorCount for n in range(3)] == [0, 1, 2]


def test_chain_joins_in_order_and_skips_none() -> None:
    first = chain(
        new("VkPhysicalDeviceFeatures2"),
        None,
        new("VkPhysicalDeviceVulkan12Features", timelineSemaphore=1),
        new("VkPhysicalDeviceVulkan13Features", dynamicRendering=1),
    )
    churn()
    second = ffi.cast("VkPhysicalDeviceVulkan12Features *", first.pNext)
    third = ffi.cast("VkPhysicalDeviceVulkan13Features *", second.pNext)
    assert (second.timelineSemaphore, third.dynamicRendering) == (1, 1)
    assert third.pNext == NULL
    assert chain(None) is None


def test_an_unknown_field_is_an_error() -> None:
    with pytest.raises(AttributeError, match="VkBufferCreateInfo has no field 'sice'"):
        new("VkBufferCreateInfo", sice=4)


def test_structs_read_back_as_plain_python() -> None:
    grain = new("VkQueueFamilyProperties", queueCount=2, minImageTransferGranularity=(1, 2, 3))
    read = as_dict(grain)
    assert read["queueCount"] == 2
    assert read["minImageTransferGranularity"] == {"width": 1, "height": 2, "depth": 3}


def test_constants_have_their_current_names() -> None:
    assert constants.VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT == 2
    with pytest.raises(AttributeError, match="VK_NO_SUCH_THING"):
        _ = constants.VK_NO_SUCH_THING
