"""Every VkResult becomes an exception that names the failing call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.vk.binding import constants, ffi
from engine.vk.errors import (
    DeviceLost,
    OutOfDeviceMemory,
    OutOfHostMemory,
    OutOfPoolMemory,
    Result,
    SurfaceLost,
    VulkanError,
    as_result,
    error_for,
)


def test_every_result_of_the_header_becomes_an_exception() -> None:
    header = {
        name: value for name, value in ffi.typeof("VkResult").relements.items() if "MAX_ENUM" not in name
    }
    assert len(header) > 40
    for value in header.values():
        if value != 0:
            problem = error_for("vkFoo", value)
            assert isinstance(problem, VulkanError)
            assert "vkFoo" in str(problem)
            assert problem.result == value


def test_named_results_have_the_values_of_the_header() -> None:
    header = set(ffi.typeof("VkResult").relements.values())
    assert {int(result) for result in Result} <= header


@pytest.mark.parametrize(
    ("result", "family"),
    [
        (Result.OUT_OF_DEVICE_MEMORY, OutOfDeviceMemory),
        (Result.OUT_OF_HOST_MEMORY, OutOfHostMemory),
        (Result.OUT_OF_POOL_MEMORY, OutOfPoolMemory),
        (Result.DEVICE_LOST, DeviceLost),
        (Result.SURFACE_LOST, SurfaceLost),
    ],
)
def test_results_that_callers_handle_have_their_own_type(result: Result, family: type[VulkanError]) -> None:
    assert type(error_for("vkFoo", int(result))) is family


def test_running_out_of_memory_is_a_memory_error() -> None:
    for result in (Result.OUT_OF_DEVICE_MEMORY, Result.OUT_OF_HOST_MEMORY, Result.OUT_OF_POOL_MEMORY):
        assert isinstance(error_for("vkAllocateMemory", result), MemoryError)


def test_an_unknown_result_stays_a_number() -> None:
    assert as_result(-123456) == -123456
    assert str(error_for("vkFoo", -123456)) == "vkFoo: -123456"


def test_a_misspelt_constant_is_an_attribute_error() -> None:
    assert constants.VK_FORMAT_D32_SFLOAT == 126
    with pytest.raises(AttributeError):
        _ = constants.VK_FORMAT_D31_SFLOAT


_WITHOUT_LOADER = """
import sys, types
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "vulkan._vulkan":
            raise OSError("Cannot find Vulkan SDK version.")
sys.meta_path.insert(0, Finder())
from engine.vk.errors import NoLoader
try:
    import engine.vk.device
except NoLoader as problem:
    print(problem.packages[0], "|", problem.reasons[0])
"""


def test_a_missing_loader_names_the_package_to_install(root: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _WITHOUT_LOADER], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("apt: libvulkan1 | the Vulkan loader (libvulkan.so.1")
