"""Storage in a running scene: an atlas whose pages and staging are lines of the scene's own plan."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from support.scenes import CUBE

from engine.assets import open_library
from engine.feature import discover
from engine.memory.device.problems import StagingFull
from engine.plan.requirements.requirements import ImageShape
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import ImageUsage
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.storage.allocators.planned import PlannedAllocator
from engine.storage.atlas import Atlas
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.staging_memory import StagingMemoryManager

pytestmark = pytest.mark.gpu
SHAPE = ImageShape(Format.R8G8B8A8_UNORM, 128, 128)


def test_an_atlas_lives_in_the_plan_of_the_scene_that_is_drawn() -> None:
    scene = load_scene(CUBE, discover())
    picture = np.random.default_rng(1).integers(0, 256, (40, 50, 4), np.uint8)
    with open_library(scene.dbs) as library, ExitStack() as stack:
        runtime = stack.enter_context(Runtime(scene, library, RuntimeOptions(size=(64, 64), validate=True)))
        runtime.settle()
        before, pixels = runtime.memory.live_bytes, runtime.read_pixels()
        memory = PlannedAllocator(runtime.memory, runtime.planner.keys, "glyphs")
        runtime.add_overlay(memory)
        staging = StagingMemoryManager(runtime.device, runtime.profile, memory, upload_bytes=1 << 18)
        stack.callback(staging.close)
        allocator = stack.enter_context(ResourceAllocator(runtime.device, memory, staging, runtime.samplers))
        allocator.follow(runtime.timeline)
        usage = ImageUsage.SAMPLED | ImageUsage.TRANSFER_SRC
        atlas = stack.enter_context(Atlas(allocator, SHAPE, layers=1, max_pages=2, usage=usage))
        region = atlas.allocate(50, 40)
        with pytest.raises(StagingFull):
            region.updator(timeout_s=0).__enter__()
        runtime.settle()
        region.update(picture)
        staging.downloads.take(1, 1)
        runtime.settle()
        page = region.image.read()
        assert (page[region.y : region.y + 40, region.x : region.x + 50] == picture).all()
        other = atlas.allocate(100, 100)  # another page: the plan grows
        assert not other.image.memory.ready
        runtime.settle()
        assert other.image.memory.ready
        assert runtime.plan is not None
        assert runtime.memory.live_bytes == runtime.plan.planned_bytes
        assert runtime.memory.live_bytes - before >= 2 * 128 * 128 * 4 + (1 << 18)
        assert (runtime.read_pixels() == pixels).all()
        atlas.close()
        staging.settle()
        allocator.collect()
        runtime.settle()
        assert [need for need in memory.requirements() if need.shape is not None] == []
        allocator.close()
        staging.close()
        runtime.settle()
        assert runtime.memory.live_bytes == before
        messages = runtime.instance.messages.all
    assert [str(message) for message in messages] == []
    assert runtime.instance.handles.left_behind == 0
