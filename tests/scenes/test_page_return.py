"""Claims about a scene whose textures are mostly switched off: their memory comes back while it is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.refusals import device_that_holds

from engine.plan.model.plan import Plan
from engine.plan.model.waiting import WaitingPage
from engine.plan.terms.policy import Policy
from engine.testing import (
    MIB,
    Faults,
    OpenedScene,
    assert_changed,
    assert_problems,
    assert_same_pixels,
    open_scene,
)

pytestmark = pytest.mark.gpu

SIZE = (96, 72)
COUNT = 100
SIDE = 128
REST = Policy().rest


@pytest.fixture
def scene_path(faults: Faults) -> Path:
    """A hundred cubes, each with a texture of its own colour; the textures fill one page."""
    copy = faults.copy("scenes/cube.hu")
    assets, rng = copy.with_name("cube.assets.hu"), np.random.default_rng(1)
    rows, objects = [], []
    for index in range(COUNT):
        texels = np.full((SIDE, SIDE, 4), 255, np.uint8)
        texels[..., :3] = rng.integers(40, 256, 3)
        Image.fromarray(texels).save(copy.with_name(f"texture{index}.png"))
        rows.append(
            f"{{ @type: texture2d  name: texture{index}  source: texture{index}.png }}\n"
            f"{{ @type: material  name: material{index}  shader_adbis: [6, 7]"
            f"  textures: {{ albedo: texture{index} }} }}\n"
            f"{{ @type: model  name: model{index}  mesh: cube  material: material{index} }}\n"
        )
        place = f"[{index % 10 * 0.5 - 2.3} {index // 10 * 0.3} -2]"
        objects.append(
            f"one{index}: {{ translation: {place}  scale: [0.2 0.2 0.2]"
            f"  features: [ {{ @type: visibleModel  asset: [assetDb0 model{index}] }} ] }}\n"
        )
    text = assets.read_text()
    end = text.rindex("]")
    assets.write_text(text[:end] + "".join(rows) + text[end:])
    text = copy.read_text()
    start = text.index("        camera: {")
    copy.write_text(text[:start] + "".join(objects) + text[start:])
    return copy


def switch(scene: OpenedScene, active: bool, but: int = 55) -> None:
    for index in range(COUNT):
        if index != but:
            scene[f"one{index}"].visibleModel.active = active


def page(plan: Plan) -> WaitingPage:
    (found,) = plan.waiting
    return found


def test_the_memory_of_switched_off_textures_comes_back_while_the_scene_is_drawn(scene_path: Path):
    with open_scene(scene_path, size=SIZE) as scene:
        full, before = scene.frame(), scene.memory
        assert before.plan.waiting == ()
        switch(scene, False)
        scene.settle()
        few, sparse = scene.frame(), scene.memory
        assert_changed(few, full)
        assert (page(sparse.plan).used, page(sparse.plan).capacity) == (1, COUNT)
        assert sparse.plan.waiting_bytes > 0.9 * COUNT * SIDE * SIDE * 4
        drawn = [scene.frame() for _ in range(REST + 30)]
        after = scene.memory
        assert after.live == after.planned == sparse.planned - page(sparse.plan).bytes
        assert after.plan.waiting == ()
        assert scene.schedule.done.bytes_moved == page(sparse.plan).moved
        for frame in drawn:
            assert_same_pixels(frame, few, levels=0, share=0)
        switch(scene, True)
        scene.settle()
        assert_same_pixels(scene.frame(), full, levels=0, share=0)
        assert scene.memory.live <= 1.05 * before.live
        assert_problems(scene)
        assert scene.messages == ()
    few_active = [f"one{index}.visibleModel.active=false" for index in range(COUNT) if index != 55]
    with open_scene(scene_path, size=SIZE, settings=few_active) as fresh:
        assert after.planned <= 1.2 * fresh.memory.planned


@pytest.mark.proof(short=True)
def test_what_is_switched_off_and_on_again_soon_is_not_moved(scene_path: Path):
    with open_scene(scene_path, size=SIZE) as scene:
        shown = scene.frame()
        for _ in range(3):
            switch(scene, False)
            scene.settle()
            scene.step(count=REST // 2)
            assert page(scene.plan).capacity == COUNT
            switch(scene, True)
            scene.settle()
        assert scene.host.runtime.memory.statistics.moves == 0
        assert_same_pixels(scene.frame(), shown, levels=0, share=0)


def test_within_a_smaller_budget_the_memory_comes_back_at_once(scene_path: Path):
    with open_scene(scene_path, size=SIZE) as scene:
        switch(scene, False)
        scene.settle()
        few, sparse = scene.frame(), scene.memory
        scene.limit_budget(sparse.planned - 1)
        assert scene.memory.planned <= sparse.planned - page(sparse.plan).bytes
        scene.settle()
        assert scene.memory.live == scene.memory.planned
        assert_problems(scene)
        assert_same_pixels(scene.frame(), few, levels=0, share=0)


@pytest.mark.proof(short=True)
def test_the_next_change_may_come_in_the_middle_of_a_return(scene_path: Path):
    with open_scene(scene_path, size=SIZE, paging_cycles=1) as scene:
        full = scene.frame()
        switch(scene, False)
        scene.settle()
        while scene.memory.plan.waiting:
            scene.step()
        switch(scene, True)
        scene.settle()
        assert_same_pixels(scene.frame(), full, levels=0, share=0)
        assert scene.memory.live == scene.memory.planned
        assert scene.messages == ()


def test_a_device_that_refuses_memory_gets_waiting_pages_first(scene_path: Path):
    with open_scene(scene_path, size=SIZE, settings=["cube.shadowCaster.active=false"]) as scene:
        switch(scene, False)
        scene.settle()
        sparse = scene.memory
        with device_that_holds(sparse.live + 12 * MIB) as refused:
            scene["cube"].shadowCaster.active = True  # its shadow map takes 16 MiB
            scene.settle()
        assert len(refused) > 0
        assert scene.memory.plan.waiting == ()
        assert scene.memory.live == scene.memory.planned < sparse.live + 12 * MIB
        assert_problems(scene)
        shown = scene.frame()
        assert scene.messages == ()
    few_active = [f"one{index}.visibleModel.active=false" for index in range(COUNT) if index != 55]
    with open_scene(scene_path, size=SIZE, settings=few_active) as fresh:
        assert_same_pixels(shown, fresh.frame(), levels=0, share=0)
