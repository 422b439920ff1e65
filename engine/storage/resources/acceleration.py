"""AccelerationStructure: bottom and top level, built on the device and compacted.

VK_KHR_acceleration_structure; building follows the specification's chapter "Acceleration Structures":
ask for sizes, build into a buffer, query the compacted size, copy into a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.memory.commands.recorder import Recorder
from engine.memory.device.problems import NotReady, Unsupported, WrongArray
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import Access, BufferUsage, Stage
from engine.storage.resources.buffer import Buffer
from engine.storage.resources.resource import Resource
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.vk.binding import constants, ffi
from engine.vk.device import Device
from engine.vk.enums import AccelerationStructureType, BuildFlag, GeometryFlag, GeometryType, IndexType
from engine.vk.instance import Support
from engine.vk.structs import new

EXTENSION = "VK_KHR_acceleration_structure"
RAY_USES = ("VK_KHR_ray_tracing_pipeline", "VK_KHR_ray_query")
_INPUT = (
    constants.VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_BUILD_INPUT_READ_ONLY_BIT_KHR
    | BufferUsage.SHADER_DEVICE_ADDRESS
)
_STORAGE = (
    constants.VK_BUFFER_USAGE_ACCELERATION_STRUCTURE_STORAGE_BIT_KHR | BufferUsage.SHADER_DEVICE_ADDRESS
)
_SCRATCH = BufferUsage.STORAGE_BUFFER | BufferUsage.SHADER_DEVICE_ADDRESS
_FLAGS = BuildFlag.ALLOW_COMPACTION | BuildFlag.PREFER_FAST_TRACE

INSTANCE = np.dtype(
    [
        ("transform", np.float32, (3, 4)),  # rows of a 3 x 4 matrix: object to world
        ("custom_index_and_mask", np.uint32),  # 24 bits, 8 bits
        ("offset_and_flags", np.uint32),  # 24 bits, 8 bits
        ("reference", np.uint64),  # `AccelerationStructure.address` of a bottom level
    ]
)
"""VkAccelerationStructureInstanceKHR."""


@dataclass(frozen=True, slots=True)
class _Geometry:
    """The input of a build: a list of VkAccelerationStructureGeometryKHR with primitive counts."""

    type: AccelerationStructureType
    geometries: list[Any]
    counts: list[int]


class AccelerationStructure(Resource):
    """A VkAccelerationStructureKHR in a buffer of its own, compacted; `built_size` is what it took before."""

    def __init__(
        self, owner: ResourceAllocator, handle: Any, storage: Buffer, built_size: int, name: str, why: str
    ) -> None:
        device = owner.device
        super().__init__(owner, name, why, [lambda: device.destroy("AccelerationStructureKHR", handle)])
        self._handle = handle
        self.storage = storage
        self.built_size = built_size

    @property
    def handle(self) -> Any:
        """The VkAccelerationStructureKHR."""
        self.check_open("its handle is asked for")
        return self._handle

    @property
    def size(self) -> int:
        """Bytes of its buffer."""
        return self.storage.size

    @property
    def address(self) -> int:
        """Its device address, which instances of a top level refer to."""
        device = self.owner.device
        info = new("VkAccelerationStructureDeviceAddressInfoKHR", accelerationStructure=self.handle)
        return int(device.vk.vkGetAccelerationStructureDeviceAddressKHR(device.handle, info))

    def close(self) -> None:
        """Release structure and buffer after their last use. Raises DoubleFree the second time."""
        super().close()
        self.storage.close()


def acceleration_support(device: Device) -> Support:
    """Whether acceleration structures can be built on a device as it was opened, with the reason if not."""
    if EXTENSION not in device.adapter.extensions:
        return Support(False, f"{device.adapter.name} has no {EXTENSION}")
    if EXTENSION not in device.extensions:
        return Support(False, f"the device was opened without {EXTENSION}")
    if not any(way in device.extensions for way in RAY_USES):
        return Support(False, f"the device was opened without {' or '.join(RAY_USES)}")
    if "bufferDeviceAddress" not in device.features:
        return Support(False, f"{device.adapter.name} has no bufferDeviceAddress")
    return Support(True)


def build_bottom(
    owner: ResourceAllocator,
    vertices: NDArray[np.float32],
    indices: NDArray[np.uint32],
    *,
    opaque: bool = True,
    name: str = "bottom level",
    why: str = "",
) -> AccelerationStructure:
    """Build a bottom level of triangles: float32[n, 3] positions, uint32[m, 3] indices. Waits for it.

    Raises Unsupported with the reason, WrongArray, OutOfDeviceMemory; nothing is left behind then.
    """
    _check(owner.device, name)
    if vertices.dtype != np.float32 or vertices.ndim != 2 or vertices.shape[1] != 3 or not len(vertices):
        raise WrongArray(name, f"positions are float32[n, 3], not {vertices.dtype}{list(vertices.shape)}")
    if indices.dtype != np.uint32 or indices.ndim != 2 or indices.shape[1] != 3 or not len(indices):
        raise WrongArray(name, f"indices are uint32[m, 3], not {indices.dtype}{list(indices.shape)}")
    if int(indices.max()) >= len(vertices):
        raise WrongArray(name, f"index {int(indices.max())} of {len(vertices)} positions")

    def describe(addresses: list[int]) -> _Geometry:
        flags = GeometryFlag.OPAQUE if opaque else GeometryFlag(0)
        geometry = new("VkAccelerationStructureGeometryKHR", geometryType=GeometryType.TRIANGLES, flags=flags)
        triangles = geometry.geometry.triangles
        triangles.sType = new("VkAccelerationStructureGeometryTrianglesDataKHR").sType
        triangles.vertexFormat = Format.R32G32B32_SFLOAT
        triangles.vertexData.deviceAddress, triangles.indexData.deviceAddress = addresses
        triangles.vertexStride, triangles.maxVertex = 12, len(vertices) - 1
        triangles.indexType = IndexType.UINT32
        return _Geometry(AccelerationStructureType.BOTTOM_LEVEL, [geometry], [len(indices)])

    return _build(owner, [vertices, indices], describe, name, why)


def build_top(
    owner: ResourceAllocator, instances: NDArray[np.void], *, name: str = "top level", why: str = ""
) -> AccelerationStructure:
    """Build a top level over rows of dtype INSTANCE. Waits for it.

    The bottom levels that it refers to must live as long as it is used. Raises as `build_bottom` does.
    """
    _check(owner.device, name)
    if instances.dtype != INSTANCE or instances.ndim != 1 or not len(instances):
        given = f"{instances.dtype}{list(instances.shape)}"
        raise WrongArray(name, f"instances are rows of dtype INSTANCE, not {given}")

    def describe(addresses: list[int]) -> _Geometry:
        geometry = new("VkAccelerationStructureGeometryKHR", geometryType=GeometryType.INSTANCES)
        rows = geometry.geometry.instances
        rows.sType = new("VkAccelerationStructureGeometryInstancesDataKHR").sType
        rows.data.deviceAddress = addresses[0]
        return _Geometry(AccelerationStructureType.TOP_LEVEL, [geometry], [len(instances)])

    return _build(owner, [instances], describe, name, why)


def _check(device: Device, name: str) -> None:
    support = acceleration_support(device)
    if not support.supported:
        raise Unsupported(name, support.reason)


def _build(
    owner: ResourceAllocator,
    inputs: list[NDArray[Any]],
    describe: Callable[[list[int]], _Geometry],
    name: str,
    why: str,
) -> AccelerationStructure:
    device = owner.device
    with ExitStack() as temporary:
        buffers = []
        for data in inputs:
            buffer = owner.create_buffer(data.nbytes, _INPUT, name=f"input of {name}", why=why)
            temporary.enter_context(buffer)
            buffer.update(data.view(np.uint8) if data.dtype == INSTANCE else data)
            buffers.append(buffer)
        owner.staging.submit()
        geometry = describe([buffer.device_address for buffer in buffers])
        info = new(
            "VkAccelerationStructureBuildGeometryInfoKHR",
            type=geometry.type,
            flags=_FLAGS,
            pGeometries=geometry.geometries,
        )
        sizes = _sizes(device, info, geometry.counts)
        large = _storage(owner, sizes.accelerationStructureSize, name, why)
        temporary.callback(lambda: large[1].close())
        temporary.callback(device.destroy, "AccelerationStructureKHR", large[0])
        step = _scratch_alignment(device)
        scratch = owner.create_buffer(
            sizes.buildScratchSize + step, _SCRATCH, name=f"scratch of {name}", why=why
        )
        temporary.enter_context(scratch)
        info.dstAccelerationStructure = large[0]
        info.scratchData.deviceAddress = -(-scratch.device_address // step) * step
        queries = device.create(
            "QueryPool",
            new("VkQueryPoolCreateInfo", queryType=_COMPACTED_SIZE, queryCount=1),
            name=f"compacted size of {name}",
        )
        temporary.callback(device.destroy, "QueryPool", queries)
        recorder = Recorder(device, device.graphics, "acceleration structures")
        temporary.callback(recorder.close)
        temporary.callback(recorder.drain)
        recorder.wait_for(owner.staging.timeline, owner.staging.timeline.submitted)
        _record_build(device, recorder.commands(), info, geometry.counts, queries)
        _wait(recorder, name)
        compacted = ffi.new("uint64_t *")
        device.call("vkGetQueryPoolResults", device.handle, queries, 0, 1, 8, compacted, 8, _WAIT_64)
        handle, storage = _storage(owner, compacted[0], name, why, geometry.type)
        made = AccelerationStructure(owner, handle, storage, sizes.accelerationStructureSize, name, why)
        try:
            copy = new("VkCopyAccelerationStructureInfoKHR", src=large[0], dst=handle, mode=_COMPACT)
            device.vk.vkCmdCopyAccelerationStructureKHR(recorder.commands(), copy)
            _barrier(device, recorder.commands())
            _wait(recorder, name)
        except BaseException:
            made.close()
            raise
        return made


_COMPACTED_SIZE = constants.VK_QUERY_TYPE_ACCELERATION_STRUCTURE_COMPACTED_SIZE_KHR
_COMPACT = constants.VK_COPY_ACCELERATION_STRUCTURE_MODE_COMPACT_KHR
_WAIT_64 = constants.VK_QUERY_RESULT_64_BIT | constants.VK_QUERY_RESULT_WAIT_BIT


def _sizes(device: Device, info: Any, counts: list[int]) -> Any:
    sizes = new("VkAccelerationStructureBuildSizesInfoKHR")
    most = ffi.new("uint32_t[]", counts)
    device.vk.vkGetAccelerationStructureBuildSizesKHR(device.handle, 1, info, most, sizes)
    return sizes


def _storage(
    owner: ResourceAllocator,
    size: int,
    name: str,
    why: str,
    kind: AccelerationStructureType = AccelerationStructureType.GENERIC,
) -> tuple[Any, Buffer]:
    """Make a structure (of generic type by default) in a buffer of its own."""
    storage = owner.create_buffer(size, _STORAGE, name=f"storage of {name}", why=why)
    try:
        info = new("VkAccelerationStructureCreateInfoKHR", buffer=storage.handle, size=size, type=kind)
        return owner.device.create("AccelerationStructureKHR", info, name=name, why=why), storage
    except BaseException:
        storage.close()
        raise


def _record_build(device: Device, commands: Any, info: Any, counts: list[int], queries: Any) -> None:
    vk = device.vk
    _barrier(device, commands)
    rows = ffi.new("VkAccelerationStructureBuildRangeInfoKHR[]", len(counts))
    for row, count in zip(rows, counts, strict=True):
        row.primitiveCount = count
    ranges = ffi.new("VkAccelerationStructureBuildRangeInfoKHR *[]", [rows])
    vk.vkCmdBuildAccelerationStructuresKHR(commands, 1, info, ranges)
    _barrier(device, commands)
    vk.vkCmdResetQueryPool(commands, queries, 0, 1)
    structures = ffi.new("VkAccelerationStructureKHR[]", [info.dstAccelerationStructure])
    vk.vkCmdWriteAccelerationStructuresPropertiesKHR(commands, 1, structures, _COMPACTED_SIZE, queries, 0)


def _barrier(device: Device, commands: Any) -> None:
    """Order everything before with everything after: builds come rarely and alone."""
    everything = Stage.ALL_COMMANDS
    access = Access.MEMORY_READ | Access.MEMORY_WRITE
    row = new(
        "VkMemoryBarrier2",
        srcStageMask=everything,
        srcAccessMask=access,
        dstStageMask=everything,
        dstAccessMask=access,
    )
    device.vk.vkCmdPipelineBarrier2(commands, new("VkDependencyInfo", pMemoryBarriers=[row]))


def _wait(recorder: Recorder, name: str) -> None:
    if not recorder.timeline.wait(recorder.submit(), 30.0):
        raise NotReady(name, "it was not built within 30 s")


def _scratch_alignment(device: Device) -> int:
    limits = new("VkPhysicalDeviceAccelerationStructurePropertiesKHR")
    properties = new("VkPhysicalDeviceProperties2", pNext=limits)
    device.instance.vk.vkGetPhysicalDeviceProperties2(device.adapter.handle, properties)
    return max(int(limits.minAccelerationStructureScratchOffsetAlignment), 1)
