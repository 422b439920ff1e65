"""A compute pipeline binds by name, pushes constants, orders dispatches, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from support.gpu import checked_device
from support.resources import resources_on
from support.shaders import compiled, facts

from engine.memory.commands.recorder import Recorder
from engine.memory.device.live_profile import live_profile
from engine.plan.terms.vocabulary import BufferUsage
from engine.render.compute import TO_HOST, Barrier, BoundView, ComputePipeline, StorageRange
from engine.storage.allocators.interface import MemoryMapping
from engine.vk.binding import NULL, constants
from engine.vk.device import Device
from engine.vk.errors import Result, VulkanError
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu

ADD = """#version 450
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 3) readonly buffer Terms { uint terms[]; };
layout(std430, set = 1, binding = 0) buffer Sums { uint sums[]; };
layout(push_constant) uniform Step { uint count; uint factor; };
void main() {
    uint at = gl_GlobalInvocationID.x;
    if (at < count) sums[at] += terms[at] * factor;
}
"""
WRITTEN = Barrier(constants.VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT, constants.VK_ACCESS_2_SHADER_WRITE_BIT)


@pytest.fixture
def device() -> Iterator[Device]:
    with checked_device() as made:
        yield made


def pipeline_on(device: Device) -> ComputePipeline:
    return ComputePipeline(device, compiled(ADD, "comp"), facts(ADD, "comp").reflection, name="add")


def test_two_dispatches_in_one_command_buffer_see_what_the_other_wrote(device: Device) -> None:
    terms = np.arange(100, dtype=np.uint32)
    with resources_on(device, live_profile(device)) as resources, pipeline_on(device) as pipeline:
        mapping = MemoryMapping.HOST_ACCESS_RANDOM
        usage = BufferUsage.STORAGE_BUFFER
        with (
            resources.create_buffer(400, usage, mapping) as inputs,
            resources.create_buffer(400, usage, mapping) as sums,
        ):
            inputs.update(terms)
            sums.update(np.zeros(100, np.uint32))
            resources.staging.settle()
            resource = {"Terms": StorageRange(inputs.handle), "Sums": StorageRange(sums.handle)}
            recorder = Recorder(device, device.graphics, "test")
            with pipeline.bind(resource) as bound:
                commands = recorder.commands()
                for factor in (3, 4):
                    push = np.array([100, factor], np.uint32)
                    pipeline.dispatch(commands, bound, (2, 1, 1), push=push, before=WRITTEN, after=TO_HOST)
                assert recorder.timeline.wait(recorder.submit())
            recorder.close()
            np.testing.assert_array_equal(sums.read(dtype=np.uint32), terms * 7)


def test_wrong_names_kinds_and_constants_are_refused_by_name(device: Device) -> None:
    with pipeline_on(device) as pipeline:
        some = StorageRange(NULL)
        with pytest.raises(ValueError, match="add binds Sums, Terms, not Terms"):
            pipeline.bind({"Terms": some})
        with pytest.raises(ValueError, match="add binds Sums, Terms, not Sums, Term"):
            pipeline.bind({"Term": some, "Sums": some})
        with pytest.raises(ValueError, match="Sums is a storage_buffer"):
            pipeline.bind({"Terms": some, "Sums": BoundView(NULL)})
        with pytest.raises(ValueError, match="takes 8 bytes of push constants, not 0"):
            pipeline.dispatch(NULL, None, (1, 1, 1))  # type: ignore[arg-type]


def test_a_shader_of_another_stage_is_refused(device: Device) -> None:
    text = "#version 450\nvoid main() { gl_Position = vec4(0); }"
    with pytest.raises(ValueError, match="not a compute shader"):
        ComputePipeline(device, compiled(text, "vert"), facts(text, "vert").reflection)


def test_a_feature_that_the_device_was_not_opened_with_is_named(device: Device) -> None:
    wide = replace(facts(ADD, "comp").reflection, capabilities=(1, 11))
    device.features -= {"shaderInt64"}
    with pytest.raises(ValueError, match="add: the device lacks shaderInt64"):
        ComputePipeline(device, compiled(ADD, "comp"), wide, name="add")


def test_a_pipeline_that_fails_at_any_call_leaves_nothing_behind(device: Device) -> None:
    before = device.handles.counts()
    nth, hits = 0, 1
    while hits:
        nth += 1
        with faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as reported:
            try:
                pipeline_on(device).close()
            except VulkanError:
                assert reported.hits
        hits = reported.hits
        assert device.handles.counts() == before, f"call {nth}"
    assert nth > 4
