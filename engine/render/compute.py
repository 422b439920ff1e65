"""ComputePipeline: a compute shader from an asset's bytecode, its descriptors bound by name, its dispatches.

    pipeline = ComputePipeline(device, bytecode, facts.reflection, name="gradient")
    with pipeline.bind({"Result": StorageRange(buffer.handle)}) as bound:
        pipeline.dispatch(commands, bound, (10, 8, 1), push=sizes, after=TO_HOST)
        # submit, and wait for it before leaving
    pipeline.close()

Layouts come from reflection, so names and kinds are those of the shader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.assets import Binding, Reflection
from engine.assets.spirv.capabilities import CAPABILITIES
from engine.plan.terms.drawing import DescriptorType
from engine.render.descriptor_pools import DescriptorPools
from engine.vk.binding import NULL, WHOLE_SIZE, constants, ffi
from engine.vk.device import Device
from engine.vk.structs import array, new

_STAGE = constants.VK_SHADER_STAGE_COMPUTE_BIT
_POINT = constants.VK_PIPELINE_BIND_POINT_COMPUTE
_IMAGES = {
    DescriptorType.COMBINED_IMAGE_SAMPLER,
    DescriptorType.SAMPLED_IMAGE,
    DescriptorType.STORAGE_IMAGE,
}
_BUFFERS = {DescriptorType.UNIFORM_BUFFER, DescriptorType.STORAGE_BUFFER}
_KNOWN = {kind.name for kind in _IMAGES | _BUFFERS}


@dataclass(frozen=True, slots=True)
class StorageRange:
    """Bytes of a VkBuffer for a uniform or storage block; all of it unless said otherwise."""

    buffer: Any
    offset: int = 0
    size: int = WHOLE_SIZE


@dataclass(frozen=True, slots=True)
class BoundView:
    """A VkImageView with the VkImageLayout it is in, and a VkSampler where the shader samples it."""

    view: Any
    sampler: Any = NULL
    layout: int = constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL


@dataclass(frozen=True, slots=True)
class Barrier:
    """Stages and accesses (VkPipelineStageFlagBits2, VkAccessFlagBits2) on the other side of a dispatch."""

    stages: int
    access: int


TO_ALL = Barrier(constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, constants.VK_ACCESS_2_MEMORY_READ_BIT)
"""Everything that is recorded later reads what the shader wrote."""
TO_HOST = Barrier(
    constants.VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT | constants.VK_PIPELINE_STAGE_2_HOST_BIT,
    constants.VK_ACCESS_2_MEMORY_READ_BIT | constants.VK_ACCESS_2_HOST_READ_BIT,
)
"""As `TO_ALL`, and the host reads it after the submit is over."""


class ComputeBinding:
    """The descriptor sets of one combination of resources; close it after the last use on the device."""

    def __init__(self, pools: DescriptorPools, made: list[tuple[Any, Any]]) -> None:
        self._pools = pools
        self._made = made
        self.sets = array("VkDescriptorSet", [handle for handle, _ in made]) if made else NULL
        self.count = len(made)

    def close(self) -> None:
        """Return the sets to their pools, once."""
        while self._made:
            self._pools.free(*self._made.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ComputePipeline:
    """Owns pipeline, layouts and descriptor pools of one compute shader; one thread calls.

    Parameters
    ----------
    code : bytes
        SPIR-V, as `AssetLibrary.view` gives the bytecode of a shader asset.
    reflection : Reflection
        Of the same asset (`ShaderFacts.reflection`).
    """

    def __init__(
        self, device: Device, code: bytes, reflection: Reflection, *, name: str = "compute", why: str = ""
    ) -> None:
        """Create everything. Raises ValueError for other stages, kinds and features, VulkanError."""
        self.name = name
        self._device = device
        self._why = why
        self._push = reflection.push_constants[0] if reflection.push_constants else None
        self._bindings = {row.name: row for row in reflection.bindings}
        if reflection.local_size is None:
            raise ValueError(f"{name}: the shader is not a compute shader")
        needed = {CAPABILITIES.get(number, "") for number in reflection.capabilities}
        missing = sorted(needed - {""} - device.features)
        if missing:
            raise ValueError(f"{name}: the device lacks {', '.join(missing)}")
        if len(self._bindings) != len(reflection.bindings) or "" in self._bindings:
            raise ValueError(f"{name}: every binding needs a name of its own")
        for row in reflection.bindings:
            if row.descriptor_type.name not in _KNOWN or row.count != 1:
                raise ValueError(f"{name}: {row.name} is {row.count} x {row.descriptor_type}")
        kinds = tuple(sorted({int(_kind(row)) for row in reflection.bindings}))
        self._pools = DescriptorPools(device, kinds, name, why)
        self._made: list[tuple[str, Any]] = []
        try:
            count = max((row.set + 1 for row in reflection.bindings), default=0)
            self._layouts = [self._set_layout(number) for number in range(count)]
            ranges = []
            if self._push is not None:
                ranges = [
                    new(
                        "VkPushConstantRange",
                        stageFlags=_STAGE,
                        offset=self._push.offset,
                        size=self._push.size,
                    )
                ]
            layout = new("VkPipelineLayoutCreateInfo", pSetLayouts=self._layouts, pPushConstantRanges=ranges)
            self._layout = self._create("PipelineLayout", layout)
            self._pipeline = self._create_pipeline(code, reflection.entry_point)
        except BaseException:
            self.close()
            raise

    def bind(self, resources: Mapping[str, StorageRange | BoundView]) -> ComputeBinding:
        """Make descriptor sets that hold a resource for each binding, by its name in the shader.

        Raises ValueError where a name is missing, unknown, or given another kind of resource.
        """
        if resources.keys() != self._bindings.keys():
            names = ", ".join(sorted(self._bindings))
            raise ValueError(f"{self.name} binds {names}, not {', '.join(sorted(resources))}")
        for name, resource in resources.items():
            kind = _kind(self._bindings[name])
            if isinstance(resource, StorageRange) != (kind in _BUFFERS):
                raise ValueError(f"{self.name}: {name} is a {kind.name.lower()}")
        made: list[tuple[Any, Any]] = []
        try:
            for number, layout in enumerate(self._layouts):
                count = sum(row.set == number for row in self._bindings.values())
                made.append(self._pools.allocate(layout, count))
        except BaseException:
            ComputeBinding(self._pools, made).close()
            raise
        writes = [
            _write(self._bindings[name], made[self._bindings[name].set][0], resource)
            for name, resource in resources.items()
        ]
        if writes:
            rows = array("VkWriteDescriptorSet", writes)
            self._device.vk.vkUpdateDescriptorSets(self._device.handle, len(writes), rows, 0, NULL)
        return ComputeBinding(self._pools, made)

    def dispatch(
        self,
        commands: Any,
        bound: ComputeBinding,
        groups: tuple[int, int, int],
        *,
        push: NDArray[Any] | None = None,
        before: Barrier | None = None,
        after: Barrier | None = TO_ALL,
    ) -> None:
        """Record a dispatch of `groups` work groups, outside of rendering.

        `before` names what wrote the shader's input, `after` what reads its output; None records no barrier.
        Layouts of images are the caller's. Raises ValueError where `push` has not the size of the block.
        """
        size = 0 if push is None else push.nbytes
        wanted = 0 if self._push is None else self._push.size
        if size != wanted:
            raise ValueError(f"{self.name} takes {wanted} bytes of push constants, not {size}")
        vk = self._device.vk
        if before is not None:
            read = constants.VK_ACCESS_2_SHADER_READ_BIT | constants.VK_ACCESS_2_SHADER_WRITE_BIT
            self._barrier(commands, before, _shader(read))
        vk.vkCmdBindPipeline(commands, _POINT, self._pipeline)
        if bound.count:
            vk.vkCmdBindDescriptorSets(commands, _POINT, self._layout, 0, bound.count, bound.sets, 0, NULL)
        if push is not None and self._push is not None:
            data = ffi.from_buffer(np.ascontiguousarray(push))
            vk.vkCmdPushConstants(commands, self._layout, _STAGE, self._push.offset, size, data)
        vk.vkCmdDispatch(commands, *groups)
        if after is not None:
            self._barrier(commands, _shader(constants.VK_ACCESS_2_SHADER_WRITE_BIT), after)

    def close(self) -> None:
        """Destroy everything, in reverse order, once; no work may use it any more."""
        self._pools.close()
        while self._made:
            type_name, handle = self._made.pop()
            self._device.destroy(type_name, handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _create(self, type_name: str, info: Any) -> Any:
        handle = self._device.create(type_name, info, name=self.name, why=self._why)
        self._made.append((type_name, handle))
        return handle

    def _set_layout(self, number: int) -> Any:
        bindings = [
            new(
                "VkDescriptorSetLayoutBinding",
                binding=row.binding,
                descriptorType=int(_kind(row)),
                descriptorCount=1,
                stageFlags=_STAGE,
            )
            for row in self._bindings.values()
            if row.set == number
        ]
        return self._create("DescriptorSetLayout", new("VkDescriptorSetLayoutCreateInfo", pBindings=bindings))

    def _create_pipeline(self, code: bytes, entry_point: str) -> Any:
        info = new("VkShaderModuleCreateInfo", codeSize=len(code), pCode=code)
        module = self._device.create("ShaderModule", info, name=self.name, why=self._why)
        try:
            entry = new("VkPipelineShaderStageCreateInfo", stage=_STAGE, module=module, pName=entry_point)
            return self._create(
                "Pipeline", new("VkComputePipelineCreateInfo", stage=entry, layout=self._layout)
            )
        finally:
            self._device.destroy("ShaderModule", module)

    def _barrier(self, commands: Any, source: Barrier, target: Barrier) -> None:
        row = new(
            "VkMemoryBarrier2",
            srcStageMask=source.stages,
            srcAccessMask=source.access,
            dstStageMask=target.stages,
            dstAccessMask=target.access,
        )
        self._device.vk.vkCmdPipelineBarrier2(commands, new("VkDependencyInfo", pMemoryBarriers=[row]))


def _shader(access: int) -> Barrier:
    return Barrier(constants.VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT, access)


def _kind(row: Binding) -> DescriptorType:
    return DescriptorType[row.descriptor_type.name]


def _write(row: Binding, target: Any, resource: StorageRange | BoundView) -> Any:
    fields: dict[str, Any] = {
        "dstSet": target,
        "dstBinding": row.binding,
        "descriptorCount": 1,
        "descriptorType": int(_kind(row)),
    }
    if isinstance(resource, StorageRange):
        fields["pBufferInfo"] = new(
            "VkDescriptorBufferInfo",
            buffer=resource.buffer,
            offset=resource.offset,
            range=resource.size,
        )
    else:
        fields["pImageInfo"] = new(
            "VkDescriptorImageInfo",
            sampler=resource.sampler,
            imageView=resource.view,
            imageLayout=resource.layout,
        )
    return new("VkWriteDescriptorSet", **fields)
