"""Claims about Vulkan calls that fail while `cube.hu` is opened, drawn, closed: an error, nothing left."""

from itertools import count

import pytest
from support.scenes import CUBE

import engine.runtime.runtime as module
from engine.assets import open_library
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene
from engine.vk.errors import Result, VulkanError
from engine.vk.faults import faults

pytestmark = pytest.mark.gpu

FAILURES = (Result.OUT_OF_HOST_MEMORY, Result.OUT_OF_DEVICE_MEMORY, Result.DEVICE_LOST)


@pytest.fixture(scope="module")
def library():
    scene = load_scene(CUBE)
    with open_library(scene.dbs) as opened:
        yield opened


def draw(library) -> None:
    """Open, draw two frames, switch the shadow off, draw and close."""
    scene = load_scene(CUBE)
    runtime = module.Runtime(scene, library, RuntimeOptions(size=(16, 16), validate=False))
    try:
        runtime.load()
        runtime.frame()
        scene.tableau["cube"].shadowCaster.active = False
        runtime.frame()
        runtime.read_pixels()
    finally:
        runtime.close()


@pytest.mark.parametrize("result", FAILURES, ids=lambda result: result.name)
def test_whichever_call_fails_the_error_is_ours_and_nothing_is_left(library, result, monkeypatch):
    made = []
    real = module.Instance
    monkeypatch.setattr(module, "Instance", lambda *a, **k: made.append(real(*a, **k)) or made[-1])
    reached = 0
    for nth in count(1):
        made.clear()
        with faults.injected(nth, result, onwards=result is Result.DEVICE_LOST) as told:
            said = "nothing"
            try:
                draw(library)
            except VulkanError as error:
                said = str(error)
            if not told.hits:
                break
        assert said, f"call {nth}"
        reached = nth
        for instance in made:
            left = [str(entry) for entry in (*instance.handles.live(), *instance.handles.leaks)]
            assert not left, f"call {nth}: {left[:5]}"
    assert reached > 80  # a run makes about 125 calls
