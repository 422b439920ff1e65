"""Claims about compaction in a running scene: started on request, estimated first, no texel changes."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenes import CUBE
from support.texture_requests import NORMAL, ROUGHNESS, TANGENT, TextureRequests

from engine.assets import AssetRef, open_library
from engine.feature.requirement_builders import texture_requirement
from engine.memory.readback import read_image
from engine.memory.streaming.caches import END, CacheUnreadable, FileCache
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.terms.errors import PlanError
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.vk.binding import constants

pytestmark = pytest.mark.gpu

READ = constants.VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL


def texels(runtime: Runtime, texture: AssetRef) -> np.ndarray:
    runtime.wait()
    place = runtime.memory.location(texture.key)
    shape = texture_requirement(texture, runtime.library).shape
    return read_image(runtime.device, runtime.profile, place.handle, shape, READ, layer=place.layer, mip=0)


def test_compaction_frees_a_page_and_keeps_every_texel():
    scene = load_scene(CUBE)
    for feature in ("visibleModel", "shadowCaster"):
        scene.apply_setting(f"cube.{feature}.active=false")
    with open_library(scene.dbs) as library:
        runtime = Runtime(scene, library, RuntimeOptions(size=(64, 64), validate=True))
        with runtime:
            with pytest.raises(PlanError, match="nothing has been planned"):
                runtime.compaction()
            texture_requests = TextureRequests(runtime.planner, library)

            def settle_with(*textures: AssetRef) -> None:
                texture_requests.request(*textures)
                runtime.settle()

            whole = tight_bytes(texture_requirement(ROUGHNESS, library).shape)
            settle_with(NORMAL, TANGENT)
            settle_with(NORMAL, TANGENT, ROUGHNESS)
            assert runtime.compact().gain == 0
            settle_with(NORMAL, ROUGHNESS)
            before, was = runtime.memory.live_bytes, texels(runtime, ROUGHNESS)
            found = runtime.compaction()
            assert (found.moves, found.moved) == (1, whole)
            assert found.gain >= whole
            runtime.settle()
            assert runtime.memory.live_bytes == before  # estimated, and nothing done
            assert runtime.compaction(max_bytes=whole - 1).gain == 0
            assert runtime.compact().gain == found.gain
            runtime.settle()
            assert runtime.memory.live_bytes == before - found.gain == runtime.plan.planned_bytes
            assert np.array_equal(texels(runtime, ROUGHNESS), was)
            assert was.std() > 0
            for feature in ("visibleModel", "shadowCaster"):
                scene.apply_setting(f"cube.{feature}.active=true")
            runtime.settle()
            runtime.frame()
            pixels = runtime.read_pixels()
        assert [str(message) for message in runtime.instance.messages.all] == []
    assert np.array_equal(pixels, picture())


def test_unreadable_assets_stay_unreadable_after_a_move(monkeypatch: pytest.MonkeyPatch):
    scene = load_scene(CUBE)
    for feature in ("visibleModel", "shadowCaster"):
        scene.apply_setting(f"cube.{feature}.active=false")
    with (
        open_library(scene.dbs) as library,
        Runtime(scene, library, RuntimeOptions(size=(64, 64), validate=True)) as runtime,
    ):
        texture_requests = TextureRequests(runtime.planner, library)
        texture_requests.request(NORMAL, TANGENT)
        runtime.settle()
        with monkeypatch.context() as patch:
            patch.setattr(FileCache, "_copy", _cannot_be_read)
            texture_requests.request(NORMAL, TANGENT, ROUGHNESS)
            runtime.settle()
        texture_requests.request(NORMAL, ROUGHNESS)
        runtime.settle()
        assert runtime.compact().moves == 1
        runtime.settle()
        assert runtime.memory.unreadable_keys == {ROUGHNESS.key}
        assert runtime.memory.location(ROUGHNESS.key) is None
        assert runtime.memory.location(NORMAL.key) is not None


def _cannot_be_read(*_: object) -> None:
    raise CacheUnreadable(1, 0, END, "it ends too early")


def picture() -> np.ndarray:
    """The cube drawn without any compaction."""
    scene = load_scene(CUBE)
    with (
        open_library(scene.dbs) as library,
        Runtime(scene, library, RuntimeOptions(size=(64, 64))) as runtime,
    ):
        runtime.settle()
        runtime.frame()
        return runtime.read_pixels()
