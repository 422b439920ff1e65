"""Resources: released once, after their last use, whoever lets go of them and wherever."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress

import numpy as np
import pytest
from support.resources import resources_on

from engine.memory.commands.recorder import Recorder
from engine.memory.device.problems import DoubleFree, UseAfterClose, WrongArray
from engine.memory.device.samplers import SamplerConfig
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.vk.device import Device
from engine.vk.errors import Result, VulkanError
from engine.vk.faults import faults
from engine.vk.timeline import Timeline

pytestmark = pytest.mark.gpu
VERTEX = BufferUsage.VERTEX_BUFFER
SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 16, 16)


def test_a_resource_lives_until_the_work_that_uses_it_is_over(
    device: Device, resources: ResourceAllocator
) -> None:
    frames = Timeline(device, "frames")
    resources.follow(frames)
    buffer = resources.create_buffer(4096, VERTEX)
    before = device.handles.counts()["Buffer"]
    pending = frames.next()  # a frame that the device has not finished
    buffer.close()
    resources.collect()
    assert device.handles.counts()["Buffer"] == before
    recorder = Recorder(device, device.graphics, "a frame")
    recorder.commands()
    device.submit(device.graphics, [], signals=[frames.signal(pending, 1)])
    assert frames.wait(pending)
    assert resources.collect() > 0
    assert device.handles.counts().get("Buffer", 0) == before - 1
    recorder.close()
    resources._timelines.remove(frames)
    frames.close()


def test_closing_twice_is_reported_by_name(resources: ResourceAllocator) -> None:
    for made in (
        resources.create_buffer(64, VERTEX, name="twice"),
        resources.create_image(SHAPE, ImageUsage.SAMPLED, name="twice"),
        resources.create_texture(SHAPE, name="twice"),
    ):
        with made:
            made.close()
        with pytest.raises(DoubleFree, match=r"memory\.double_free.*twice"):
            made.close()


def test_a_closed_resource_gives_no_handle(resources: ResourceAllocator) -> None:
    buffer = resources.create_buffer(64, VERTEX, name="vertices")
    texture = resources.create_texture(SHAPE, name="albedo")
    buffer.close()
    texture.close()
    for ask in (
        lambda: buffer.handle,
        lambda: texture.view,
        lambda: texture.sampler,
        lambda: texture.image.handle,
        buffer.download,
        buffer.updator,
    ):
        with pytest.raises(UseAfterClose, match=r"vertices|albedo"):
            ask()


def test_what_is_dropped_on_any_thread_is_freed_by_collect(
    device: Device, resources: ResourceAllocator
) -> None:
    resources.create_buffer(64, VERTEX).close()
    resources.collect()
    base = device.handles.counts()

    def drops() -> None:
        texture = resources.create_texture(SHAPE)
        assert texture.view
        resources.create_buffer(100, VERTEX)

    thread = threading.Thread(target=drops)
    thread.start()
    thread.join()
    gc.collect()
    assert device.handles.counts() != base  # a finalizer only enqueues
    resources.collect()
    assert {k: v for k, v in device.handles.counts().items() if k != "DeviceMemory"} == {
        k: v for k, v in base.items() if k != "DeviceMemory"
    }
    assert resources.accounts().resources == {}


def test_textures_of_one_configuration_share_a_sampler(device: Device, resources: ResourceAllocator) -> None:
    one, two = (resources.create_texture(SHAPE, SamplerConfig()) for _ in range(2))
    other = resources.create_texture(SHAPE, SamplerConfig(mag_filter=0))
    assert one.sampler == two.sampler != other.sampler
    assert device.handles.counts()["Sampler"] == 2
    for made in (one, two, other):
        made.close()
    resources.collect()
    assert "Sampler" not in device.handles.counts()


def test_accounts_name_everything(device: Device, resources: ResourceAllocator) -> None:
    buffer = resources.create_buffer(1000, VERTEX, name="one")
    texture = resources.create_texture(SHAPE, name="two")
    reported = resources.accounts()
    assert reported.resources == {"Buffer": 1, "Image": 1, "Texture": 1}
    names = {row.name for block in reported.memory.blocks for row in block.allocations}
    assert names == {"one", "two"}
    assert reported.handles == device.handles.counts()
    assert reported.handles["DeviceMemory"] == len(reported.memory.blocks)
    buffer.close()
    texture.close()


def test_closing_releases_what_was_left_and_names_it(device: Device, profile: DeviceProfile) -> None:
    with resources_on(device, profile) as resources:
        kept = resources.create_buffer(64, VERTEX, name="forgotten")
        kept.update(np.zeros(64, np.uint8))
    assert resources.leaks == ["Buffer 'forgotten'"]
    assert kept.is_closed
    with pytest.raises(UseAfterClose, match="late"):
        resources.create_buffer(1, VERTEX, name="late")


@pytest.mark.parametrize("size", [0, -5])
def test_what_cannot_be_is_refused_before_vulkan_is_asked(resources: ResourceAllocator, size: int) -> None:
    calls = faults.calls
    with pytest.raises(WrongArray, match="nothing may be smaller"):
        resources.create_buffer(size, VERTEX)
    with pytest.raises(WrongArray, match="nothing may be smaller"):
        resources.create_image(ImageShape(Format.R8_UNORM, 4, size), ImageUsage.SAMPLED)
    assert faults.calls == calls


def test_every_failing_call_leaves_nothing_behind(device: Device, profile: DeviceProfile) -> None:
    base = device.handles.counts()
    nth = 1
    while True:
        with (
            faults.injected(nth, Result.OUT_OF_HOST_MEMORY) as injected,
            suppress(VulkanError),
            resources_on(device, profile) as resources,
            resources.create_buffer(64, VERTEX) as buffer,
            resources.create_texture(SHAPE) as seen,
        ):
            buffer.update(np.zeros(64, np.uint8))
            seen.image.update(np.zeros((16, 16, 4), np.uint8))
            assert seen.view
            buffer.read()
        assert device.handles.counts() == base, nth
        if not injected.hits:
            break
        nth += 1
    assert nth > 20
