"""Acceleration structures: built and compacted where the device can, refused with its reason elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from engine.memory.device.problems import DoubleFree, Unsupported, UseAfterClose, WrongArray
from engine.storage.context import Context
from engine.storage.extensions import RayTracing, Resources
from engine.storage.resources.acceleration import INSTANCE, build_bottom, build_top
from engine.vk.binding import ffi
from engine.vk.errors import Result, VulkanError
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu
TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
FACE = np.array([[0, 1, 2]], np.uint32)


@pytest.fixture
def context() -> Iterator[Context]:
    with Context([RayTracing(), Resources()], validate=True) as made:
        yield made
    assert not made.leaks, "\n".join(map(str, made.leaks))
    assert not made.instance.messages.all, "\n".join(map(str, made.instance.messages.all))


def grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A wavy sheet of 2 * size * size triangles."""
    y, x = np.mgrid[0 : size + 1, 0 : size + 1].astype(np.float32)
    vertices = np.stack([x, y, np.sin(x) * np.cos(y)], axis=-1).reshape(-1, 3)
    at = (np.arange(size)[:, None] * (size + 1) + np.arange(size)).reshape(-1)
    corners = [at, at + 1, at + size + 1, at + 1, at + size + 2, at + size + 1]
    return vertices, np.stack(corners, axis=-1).reshape(-1, 3).astype(np.uint32)


def test_the_layout_of_instances_is_vulkans() -> None:
    assert ffi.sizeof("VkAccelerationStructureInstanceKHR") == INSTANCE.itemsize == 64


def test_without_the_extension_the_reason_is_given(context: Context) -> None:
    with Context([Resources()]) as plain:
        allocator = plain[Resources].allocator
        with pytest.raises(Unsupported, match=r"memory\.unsupported.*mesh: .*VK_KHR_acceleration_structure"):
            build_bottom(allocator, TRIANGLE, FACE, name="mesh")
        with pytest.raises(Unsupported, match="scene"):
            build_top(allocator, np.zeros(1, INSTANCE), name="scene")
        assert allocator.accounts().resources == {}


def test_bottom_and_top_are_built_and_compacted(context: Context) -> None:
    support = context[RayTracing].support
    if not support.supported:
        pytest.skip(support.reason)
    allocator = context[Resources].allocator
    mesh = build_bottom(allocator, *grid(100), name="sheet")
    small = build_bottom(allocator, TRIANGLE, FACE, name="triangle")
    assert mesh.address != small.address != 0
    assert mesh.size < mesh.built_size
    instances = np.zeros(3, INSTANCE)
    instances["transform"][:, [0, 1, 2], [0, 1, 2]] = 1
    instances["custom_index_and_mask"] = 0xFF << 24
    instances["reference"] = [mesh.address, small.address, small.address]
    top = build_top(allocator, instances, name="scene")
    assert 0 < top.size <= top.built_size
    allocator.collect()
    reported = allocator.accounts()
    assert reported.resources == {"AccelerationStructure": 3, "Buffer": 3}
    assert reported.handles["AccelerationStructureKHR"] == 3
    print(f"20,000 triangles: {mesh.built_size} bytes, compacted {mesh.size}")
    for made in (top, mesh, small):
        made.close()
        with pytest.raises(DoubleFree, match=made.name):
            made.close()
        with pytest.raises(UseAfterClose, match=made.name):
            assert made.handle
    left = build_bottom(allocator, TRIANGLE, FACE, name="left open")
    context.close()
    assert left.is_closed
    assert "AccelerationStructure 'left open'" in allocator.leaks


def test_wrong_geometry_is_refused_by_name(context: Context) -> None:
    support = context[RayTracing].support
    if not support.supported:
        pytest.skip(support.reason)
    allocator = context[Resources].allocator
    wrong = [
        (TRIANGLE.astype(np.float64), FACE),
        (TRIANGLE[:, :2], FACE),
        (TRIANGLE, FACE.astype(np.int64)),
        (TRIANGLE, FACE + 1),
        (TRIANGLE[:0], FACE[:0]),
    ]
    for vertices, indices in wrong:
        with pytest.raises(WrongArray, match="mesh"):
            build_bottom(allocator, vertices, indices, name="mesh")
    with pytest.raises(WrongArray, match="scene"):
        build_top(allocator, np.zeros(1), name="scene")


@pytest.mark.parametrize("result", [Result.OUT_OF_HOST_MEMORY, Result.OUT_OF_DEVICE_MEMORY])
def test_whichever_call_fails_while_one_is_built_nothing_is_left_behind(
    context: Context, result: Result
) -> None:
    support = context[RayTracing].support
    if not support.supported:
        pytest.skip(support.reason)
    allocator = context[Resources].allocator

    def build() -> None:
        with build_bottom(allocator, TRIANGLE, FACE, name="mesh") as mesh:
            instances = np.zeros(1, INSTANCE)
            instances["reference"] = mesh.address
            build_top(allocator, instances, name="scene").close()

    build()
    allocator.collect()
    base, nth, hits = context.device.handles.counts(), 0, 1
    while hits:
        nth += 1
        with faults.injected(nth, result) as injected, suppress(VulkanError):
            build()
        hits = injected.hits
        uploads = allocator.staging.timeline
        assert uploads.wait(uploads.submitted), (
            "what was submitted before the failure keeps its buffers until then"
        )
        allocator.collect()
        assert context.device.handles.counts() == base, f"call {nth}"
        assert allocator.accounts().resources == {}, f"call {nth}"
    assert nth > 20
