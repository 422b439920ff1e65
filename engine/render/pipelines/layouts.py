"""Descriptor set layouts and pipeline layouts; equal contents share one."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from engine.vk.device import Device
from engine.vk.structs import new


class BindingSlot(NamedTuple):
    """One binding of a set: VkDescriptorType, array length, and the VkShaderStageFlags that use it."""

    binding: int
    descriptor_type: int
    length: int
    stages: int


SetLayout = tuple[BindingSlot, ...]
"""The bindings of one set, in order."""


class PushRange(NamedTuple):
    """The push constants of a pipeline, from byte 0: VkShaderStageFlags and how many bytes."""

    stages: int
    bytes: int


class Layouts:
    """Owns every VkDescriptorSetLayout and VkPipelineLayout of a renderer. Any thread may ask for one."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._lock = threading.RLock()
        self._sets: dict[SetLayout, Any] = {}
        self._pipelines: dict[tuple[tuple[SetLayout, ...], PushRange | None], Any] = {}

    def set_layout(self, slots: SetLayout) -> Any:
        """Return the VkDescriptorSetLayout of these bindings."""
        with self._lock:
            handle = self._sets.get(slots)
            if handle is None:
                handle = self._sets[slots] = self._make_set_layout(slots)
            return handle

    def pipeline_layout(self, sets: tuple[SetLayout, ...], push: PushRange | None = None) -> Any:
        """Return the VkPipelineLayout of these sets, in order, and of push constants."""
        with self._lock:
            handle = self._pipelines.get((sets, push))
            if handle is None:
                handle = self._pipelines[sets, push] = self._make_pipeline_layout(sets, push)
            return handle

    def _make_pipeline_layout(self, sets: tuple[SetLayout, ...], push: PushRange | None) -> Any:
        pushes = [] if push is None else [push]
        info = new(
            "VkPipelineLayoutCreateInfo",
            pSetLayouts=[self.set_layout(s) for s in sets],
            pPushConstantRanges=[
                new("VkPushConstantRange", stageFlags=one.stages, size=one.bytes) for one in pushes
            ],
        )
        name = f"pipeline layout of {len(sets)} sets"
        return self._device.create("PipelineLayout", info, name=name)

    def _make_set_layout(self, slots: SetLayout) -> Any:
        bindings = [
            new(
                "VkDescriptorSetLayoutBinding",
                binding=slot.binding,
                descriptorType=slot.descriptor_type,
                descriptorCount=slot.length,
                stageFlags=slot.stages,
            )
            for slot in slots
        ]
        info = new("VkDescriptorSetLayoutCreateInfo", pBindings=bindings)
        name = "set of " + (", ".join(str(slot.binding) for slot in slots) or "nothing")
        return self._device.create("DescriptorSetLayout", info, name=name)

    def close(self) -> None:
        """Destroy all layouts; no pipeline that uses one may be in use."""
        for handle in self._pipelines.values():
            self._device.destroy("PipelineLayout", handle)
        for handle in self._sets.values():
            self._device.destroy("DescriptorSetLayout", handle)
        self._pipelines.clear()
        self._sets.clear()
