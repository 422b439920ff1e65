"""Claims about images that join and leave the memory of others while frames are drawn with these."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from support.scenes import ROOT

from engine.assets import open_library
from engine.graph.view_mode import CHOSEN_MASK, COVER, GRID_PICTURE, OUTLINED_PICTURE, ViewMode
from engine.plan.model.plan import Plan
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

SIZE = (192, 128)
"""Large enough that the images of the frame share memory."""


@contextmanager
def opened(path: str = "scenes/tableau.hu") -> Iterator[Runtime]:
    scene = load_scene(ROOT / path)
    options = RuntimeOptions(size=SIZE, validate=True)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        runtime.load()
        runtime.settle()
        yield runtime
        runtime.wait()
        assert [str(message) for message in runtime.instance.messages.all] == []


def choose(runtime: Runtime, *names: str) -> None:
    rows = sorted(runtime.tableau[name].row for name in names)
    runtime.planner.choose(np.array(rows, np.int32))
    runtime.planner.watch(frozenset({OUTLINED_PICTURE.name} if names else ()))


def named_addresses(runtime: Runtime) -> dict[str, tuple[int, int]]:
    """The resource and allocation of every image of the frame, by name."""
    plan = plan_of(runtime)
    keys = {life.image.name: plan.requirements.keys.transient(life.image.name) for life in graph(runtime)}
    found = {name: plan.address(key) for name, key in keys.items()}
    return {name: (address.resource, address.allocation) for name, address in found.items()}


def graph(runtime: Runtime) -> Any:
    assert runtime.needs is not None
    return runtime.needs.graph.images


def plan_of(runtime: Runtime) -> Plan:
    assert runtime.plan is not None
    return runtime.plan


def test_choosing_an_object_creates_the_images_of_its_contour_and_no_others() -> None:
    with opened() as runtime:
        runtime.tableau["camera/areaMap"].enabled = False  # it lies over all of so small a picture
        runtime.settle()
        before, live = named_addresses(runtime), runtime.memory.live_bytes
        picture = runtime.read_pixels()
        for _ in range(2):
            choose(runtime, "cube")
            runtime.settle()
            after = named_addresses(runtime)
            own = {CHOSEN_MASK.name, COVER.name, OUTLINED_PICTURE.name}
            assert after.keys() - before.keys() == own
            assert {name: after[name] for name in before} == before
            there = {allocation for _, allocation in before.values()}
            assert {after[CHOSEN_MASK.name][1], after[COVER.name][1]} <= there
            assert np.array_equal(runtime.read_pixels(), picture)
            assert (runtime.read_pixels(OUTLINED_PICTURE) != picture).any()
            choose(runtime)
            runtime.settle()
            assert named_addresses(runtime) == before
            assert runtime.memory.live_bytes == live
            assert np.array_equal(runtime.read_pixels(), picture)


def test_the_first_frame_with_other_images_waits_on_the_device_for_those_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with opened() as runtime:
        waited: list[int] = []
        submit = runtime.device.submit

        def noted(queue: Any, buffers: Any, *, waits: Any = (), signals: Any = ()) -> None:
            if any(handle == runtime.timeline.handle for handle, _, _ in signals):
                mine = [value for handle, value, _ in waits if handle == runtime.timeline.handle]
                waited.append(*mine or [-1])
            submit(queue, buffers, waits=waits, signals=signals)

        monkeypatch.setattr(runtime.device, "submit", noted)
        runtime.frame()
        assert waited == [-1]
        for names in (("cube",), ()):
            waited.clear()
            last = runtime.timeline.submitted
            choose(runtime, *names)
            runtime.frame()
            assert waited == [last], "it does not begin before they end"
            runtime.settle()
            runtime.frame()
            assert set(waited[1:]) == {-1}


def test_a_frame_is_drawn_at_once_whatever_joins_or_leaves() -> None:
    with opened() as runtime:
        planner = runtime.planner
        for names in (("cube",), (), ("groundPlane",), (), ("cube", "groundPlane"), ("cube",), ()):
            choose(runtime, *names)
            assert runtime.frame().drawn, names
        for grid in (True, False, True):
            planner.show(ViewMode.LIT, grid=grid)
            planner.watch(frozenset({GRID_PICTURE.name} if grid else ()))
            assert runtime.frame().drawn, grid
        runtime.settle()


def test_a_shadow_map_rests_while_images_share_memory_come_and_leave() -> None:
    with opened() as runtime:
        for _ in range(3):
            runtime.frame()
        before, picture = named_addresses(runtime), runtime.read_pixels()
        assert "shadow" in runtime.renderer.reused
        for names in (("cube",), ()):
            choose(runtime, *names)
            for _ in range(3):
                runtime.frame()
            now = named_addresses(runtime)
            assert {name: now[name] for name in before} == before
            assert "shadow" in runtime.renderer.reused
            assert np.array_equal(runtime.read_pixels(), picture)
        shared = {name for name in before if runtime.renderer._is_aliased(name)}
        assert "shadowMap" not in shared
        caster = runtime.tableau["cube"].shadowCaster
        caster.enabled = False
        runtime.frame()
        without = runtime.read_pixels()
        assert "shadow" not in runtime.renderer.reused
        assert not np.array_equal(without, picture)
        caster.enabled = True
        runtime.frame()
        assert np.array_equal(runtime.read_pixels(), picture)
