"""The device creates, counts, names and destroys objects, and reports leaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from support.gpu import checked_device

from engine.vk.adapter import REQUIRED_FEATURES
from engine.vk.binding import NULL, constants, ffi
from engine.vk.device import Device
from engine.vk.errors import DeviceLost, DioramaInternalError, OutOfDeviceMemory, Result, TookTooLong
from engine.vk.facts import facts, format_features
from engine.vk.faults import faults
from engine.vk.instance import Instance
from engine.vk.pool import CommandPool
from engine.vk.structs import new
from engine.vk.timeline import Timeline

pytestmark = pytest.mark.gpu


def buffer_info() -> Any:
    return new("VkBufferCreateInfo", size=256, usage=constants.VK_BUFFER_USAGE_TRANSFER_DST_BIT)


def image_info() -> Any:
    return new(
        "VkImageCreateInfo",
        imageType=constants.VK_IMAGE_TYPE_2D,
        format=constants.VK_FORMAT_R8G8B8A8_UNORM,
        extent=(4, 4, 1),
        mipLevels=1,
        arrayLayers=1,
        samples=1,
        usage=constants.VK_IMAGE_USAGE_SAMPLED_BIT,
    )


INFOS: dict[str, Callable[[], Any]] = {
    "Buffer": buffer_info,
    "Image": image_info,
    "DeviceMemory": lambda: new("VkMemoryAllocateInfo", allocationSize=4096),
    "Sampler": lambda: new("VkSamplerCreateInfo", maxLod=1.0),
    "Semaphore": lambda: new("VkSemaphoreCreateInfo"),
    "Fence": lambda: new("VkFenceCreateInfo"),
    "CommandPool": lambda: new("VkCommandPoolCreateInfo"),
    "DescriptorSetLayout": lambda: new("VkDescriptorSetLayoutCreateInfo"),
    "DescriptorPool": lambda: new("VkDescriptorPoolCreateInfo", maxSets=1, pPoolSizes=[(6, 1)]),
    "PipelineLayout": lambda: new("VkPipelineLayoutCreateInfo"),
    "PipelineCache": lambda: new("VkPipelineCacheCreateInfo"),
    "QueryPool": lambda: new("VkQueryPoolCreateInfo", queryType=2, queryCount=2),
}


def test_live_counts_return_to_their_start_for_every_type(device: Device) -> None:
    base = device.handles.counts()
    for type_name, info in INFOS.items():
        for number in (32, 17):
            made = [device.create(type_name, info(), name=f"{type_name} {n}") for n in range(number)]
            assert device.handles.counts()[type_name] == number
            for handle in made:
                device.destroy(type_name, handle)
    assert device.handles.counts() == base


def test_destroying_twice_is_an_internal_error(device: Device) -> None:
    handle = device.create("Buffer", buffer_info(), name="once")
    device.destroy("Buffer", handle)
    with pytest.raises(DioramaInternalError, match=r"Buffer 0x.* is not live"):
        device.destroy("Buffer", handle)
    device.destroy("Buffer", NULL)


def test_leaked_objects_are_named_and_destroyed() -> None:
    with Instance(validate=True) as instance:
        device = Device(instance, instance.choose())
        device.create("Buffer", buffer_info(), name="orphan", why="nobody's")
        leaked = device.close()
        assert [str(entry) for entry in leaked] == ["Buffer 'orphan' (nobody's)"]
        assert instance.handles.counts() == {"DebugUtilsMessengerEXT": 1, "Instance": 1}
    assert instance.handles.left_behind == 1
    assert len(instance.messages) == 0


def test_a_failing_create_leaves_no_object(device: Device) -> None:
    before = device.handles.total
    with (
        faults.injected(1, Result.OUT_OF_DEVICE_MEMORY, function="vkAllocateMemory"),
        pytest.raises(OutOfDeviceMemory) as caught,
    ):
        device.create("DeviceMemory", new("VkMemoryAllocateInfo", allocationSize=64))
    assert caught.value.call == "vkAllocateMemory"
    assert device.handles.total == before


def test_validation_messages_contain_object_names() -> None:
    with Instance(validate=True) as instance, Device(instance, instance.choose()) as device:
        handle = device.create("Buffer", buffer_info(), name="the brick's vertices")
        view = new("VkBufferViewCreateInfo", buffer=handle, format=constants.VK_FORMAT_R8_UNORM, range=4)
        device.vk.vkCreateBufferView(device.handle, view, NULL, made := ffi.new("VkBufferView *"))
        named = {name for message in instance.messages.all for name in message.objects}
        device.vk.vkDestroyBufferView(device.handle, made[0], NULL)
        device.destroy("Buffer", handle)
    assert "the brick's vertices" in named


def test_an_allowed_status_is_returned(device: Device) -> None:
    with faults.injected(1, Result.TIMEOUT, function="vkDeviceWaitIdle"):
        answer = device.call("vkDeviceWaitIdle", device.handle, allow=(Result.TIMEOUT,))
    assert answer is Result.TIMEOUT


def test_a_lost_device_reports_what_was_begun_last_and_closes() -> None:
    with Instance(validate=True) as instance:
        device = Device(instance, instance.choose())
        with faults.injected(1, Result.DEVICE_LOST, onwards=True):
            device.doing = "frame 12"
            with pytest.raises(DeviceLost, match="last begun: frame 12"):
                device.wait_idle()
            assert device.lost
        calls = faults.calls
        with pytest.raises(DeviceLost, match=r"vkQueueSubmit2: DEVICE_LOST \(last begun: frame 12\)"):
            device.submit(device.graphics, [])
        assert faults.calls == calls  # nothing is called any more
        device.close()
        assert instance.handles.counts() == {"DebugUtilsMessengerEXT": 1, "Instance": 1}


def test_a_timeline_reports_completed_work(device: Device) -> None:
    timeline, pool = Timeline(device, "work"), CommandPool(device, device.graphics, "pool")
    buffer = pool.allocate("empty")
    for expected in (1, 2, 3):
        pool.end(pool.begin(buffer))
        ticket = timeline.next()
        all_stages = constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT
        device.submit(device.graphics, [buffer], signals=[timeline.signal(ticket, all_stages)])
        assert timeline.wait(ticket)
        assert timeline.completed() == ticket == expected
    assert not timeline.wait(99, timeout_s=0.001)
    timeline.reach(3)
    pool.close()
    timeline.close()


def test_work_that_never_completes_is_reported(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    timeline = Timeline(device, "work")
    monkeypatch.setattr("engine.vk.timeline.PATIENCE_S", 0.0)
    with pytest.raises(TookTooLong, match=r"vkWaitSemaphores: TIMEOUT \(work: 1 is not reached after 0 s\)"):
        timeline.reach(1)
    timeline.close()


def test_a_wait_goes_on_after_the_process_was_stopped_for_long(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by Ctrl-Z: the time is over when it continues, and a driver in software was stopped with it."""
    timeline = Timeline(device, "work")
    clock, whole = [0.0], time.monotonic

    def wait(value: int, timeout_s: float) -> bool:
        clock[0] += 3600.0
        return clock[0] > 3600.0

    monkeypatch.setattr("time.monotonic", lambda: whole() + clock[0])
    monkeypatch.setattr(timeline, "wait", wait)
    timeline.reach(1)
    assert clock == [7200.0]
    timeline.close()


def test_mapped_memory_keeps_written_bytes(device: Device) -> None:
    visible = constants.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
    types = facts(device)["memory_types"]
    chosen = next(index for index, row in enumerate(types) if row["properties"] & visible)
    info = new("VkMemoryAllocateInfo", allocationSize=4096, memoryTypeIndex=chosen)
    memory = device.create("DeviceMemory", info)
    view = device.map(memory, 4096)
    view[0:5] = b"brick"
    assert view[0:5] == b"brick"
    assert len(view) == 4096
    device.destroy("DeviceMemory", memory)


def test_facts_are_plain_data(device: Device) -> None:
    import json

    reported = facts(device)
    assert json.loads(json.dumps(reported))["name"] == device.adapter.name
    assert reported["limits"]["maxMemoryAllocationCount"] >= 4096
    assert 0 < reported["limits"]["maxMemoryAllocationSize"] <= 1 << 64
    assert reported["memory_types"][0]["heap"] < len(reported["heaps"])
    required = {name for names in REQUIRED_FEATURES.values() for name in names}
    assert {"robustBufferAccess", "shaderTerminateInvocation", "timelineSemaphore"} <= required
    assert required <= set(reported["features"])
    budgets = device.memory_budget()
    assert (budgets is not None) == ("VK_EXT_memory_budget" in device.extensions)
    assert budgets is None or len(budgets) == len(reported["heaps"])


def test_every_device_can_sample_a_colour_texture(device: Device) -> None:
    sampled = constants.VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT
    assert format_features(device, constants.VK_FORMAT_R8G8B8A8_SRGB) & sampled
    assert not format_features(device, constants.VK_FORMAT_R8G8B8A8_SRGB, linear=True) & 1 << 30


def test_the_fixture_fails_on_a_leak() -> None:
    with pytest.raises(AssertionError), checked_device() as made:
        made.create("Buffer", buffer_info(), name="orphan")
