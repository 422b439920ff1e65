"""The instance lists adapters with reasons, collects messages and cleans up after every failing call."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.limits import limit

from engine.vk.adapter import Adapter, choose
from engine.vk.binding import NULL, ffi
from engine.vk.commands import Commands
from engine.vk.device import Device
from engine.vk.errors import NoDevice, NotPresent, Result, VulkanError
from engine.vk.faults import faults
from engine.vk.instance import Instance
from engine.vk.messages import Severity
from engine.vk.structs import new

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def adapters() -> tuple[Adapter, ...]:
    with Instance() as instance:
        return instance.adapters()


def test_what_is_enumerated_outlives_the_array_that_it_was_in() -> None:
    """An element of a cffi array does not keep the array."""
    count = 7

    def fill(number: Any, rows: Any) -> int:
        number[0] = count
        for index in range(count if rows != NULL else 0):
            rows[index].extensionName = f"VK_TEST_{index}".encode()
        return 0

    commands = Commands(lambda *_: NULL)
    vars(commands)["vkEnumerateTest"] = fill
    found = commands.enumerate("vkEnumerateTest", "VkExtensionProperties")
    later = [ffi.new("VkExtensionProperties[]", count) for _ in range(100)]
    for rows in later:
        ffi.memmove(rows, b"\xff" * ffi.sizeof(rows), ffi.sizeof(rows))
    assert [ffi.string(row.extensionName) for row in found] == [b"VK_TEST_%d" % n for n in range(count)]


def test_an_adapter_is_chosen_by_part_of_its_name(adapters: tuple[Adapter, ...]) -> None:
    usable = [adapter for adapter in adapters if adapter.usable]
    assert usable
    assert usable[0].name in [choose(adapters, usable[0].name[1:5].upper()).name]
    assert usable[0].api.startswith("1.")


def test_adapters_are_preferred_by_type(adapters: tuple[Adapter, ...]) -> None:
    software = dataclasses.replace(adapters[0], type=type(adapters[0].type).CPU, name="software")
    card = dataclasses.replace(adapters[0], type=type(adapters[0].type).DISCRETE, name="card")
    assert choose((software, card)).name == "card"
    assert choose((software, card), "soft").name == "software"


def test_no_usable_adapter_gives_a_reason_for_each(adapters: tuple[Adapter, ...]) -> None:
    old = dataclasses.replace(adapters[0], name="old card", reasons=("it supports Vulkan 1.1.0",))
    with pytest.raises(NoDevice) as caught:
        choose((old, adapters[0]), "nosuchdevice")
    assert len(caught.value.reasons) == 2
    assert "old card" in caught.value.reasons[0]
    assert "it supports Vulkan 1.1.0" in caught.value.reasons[0]
    assert "does not contain 'nosuchdevice'" in caught.value.reasons[1]


def test_without_a_driver_the_package_is_named() -> None:
    with (
        faults.injected(1, Result.INCOMPATIBLE_DRIVER, function="vkCreateInstance"),
        pytest.raises(NoDevice, match="no Vulkan driver is installed") as caught,
    ):
        Instance()
    assert caught.value.packages == ("apt: mesa-vulkan-drivers",)


def test_validation_reports_misuse() -> None:
    with Instance(validate=True) as instance, Device(instance, instance.choose()) as device:
        made = ffi.new("VkBuffer *")
        device.vk.vkCreateBuffer(device.handle, new("VkBufferCreateInfo", size=0, usage=1), NULL, made)
        assert [m.id for m in instance.messages.all] == ["VUID-VkBufferCreateInfo-size-00912"]
        assert instance.messages.all[0].severity is Severity.ERROR
        if made[0] != NULL:
            device.vk.vkDestroyBuffer(device.handle, made[0], NULL)


def test_each_instance_has_its_own_messages() -> None:
    with Instance(validate=True) as one, Instance(validate=True) as other:
        with Device(one, one.choose()) as device:
            made = ffi.new("VkBuffer *")
            device.vk.vkCreateBuffer(device.handle, new("VkBufferCreateInfo", size=0, usage=1), NULL, made)
            device.vk.vkDestroyBuffer(device.handle, made[0], NULL)
        assert len(one.messages) > 0
        assert len(other.messages) == 0


def test_a_missing_validation_layer_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vk.instance.VALIDATION_LAYER", "VK_LAYER_nobody_has")
    with Instance(validate=True) as instance:
        assert not instance.validation.supported
        assert "VK_LAYER_nobody_has is not installed" in instance.validation.reason
        assert instance.adapters()


def test_a_missing_extension_is_named() -> None:
    with Instance() as instance, pytest.raises(NotPresent, match="VK_KHR_nobody_has"):
        Device(instance, instance.choose(), extensions=["VK_KHR_nobody_has"])
    with pytest.raises(VulkanError):
        Instance(extensions=["VK_KHR_nobody_has"])


def open_and_close() -> Iterator[Instance]:
    """Open and close everything; yields the instance if it was created, whatever failed afterwards."""
    with suppress(VulkanError), Instance(validate=True) as instance:
        try:
            with Device(instance, instance.choose()):
                pass
        finally:
            yield instance


@pytest.mark.parametrize("result", [Result.OUT_OF_HOST_MEMORY, Result.INITIALIZATION_FAILED])
def test_every_call_that_fails_on_opening_leaves_no_object_behind(result: Result) -> None:
    nth, failed = 0, True
    while failed:
        nth += 1
        with faults.injected(nth, result) as injected:
            instances = list(open_and_close())
            failed = injected.hits > 0
        for instance in instances:
            assert instance.handles.left_behind == 0
            assert [str(message) for message in instance.messages.all] == []
        assert nth < 60
    assert nth > 8


def test_closing_twice_has_no_further_effect() -> None:
    instance = Instance()
    device = Device(instance, instance.choose())
    device.close()
    device.close()
    instance.close()
    instance.close()
    assert instance.handles.left_behind == 0


_TWO_INSTANCES = """
from pathlib import Path
from engine.vk.instance import Instance

def loaded():
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split()[-1] for line in lines if ".so" in line}

for _ in range(2):
    with Instance():
        with_drivers = loaded()
print(sorted(with_drivers - loaded()))
"""


def test_drivers_stay_loaded_once_a_second_instance_was_made(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TWO_INSTANCES], cwd=root, capture_output=True, text=True, timeout=limit(60)
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
