"""Descriptor sets that frames in flight still use are freed once those are over, and no earlier."""

from __future__ import annotations

from typing import Any

import pytest

from engine.render.descriptor_pools import DescriptorPools
from engine.render.descriptors import Bound, DescriptorSets
from engine.render.pipelines.layouts import SetLayout
from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu


def test_sets_are_retired_by_the_last_frame_that_was_submitted(monkeypatch: pytest.MonkeyPatch) -> None:
    release, tickets = DescriptorSets.release, list[tuple[int, int]]()
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        scene.step(count=3)

        def noted(sets: DescriptorSets, layout: SetLayout, contents: tuple[Bound, ...], ticket: int) -> None:
            tickets.append((ticket, scene.host.runtime.timeline.submitted))
            release(sets, layout, contents, ticket)

        monkeypatch.setattr(DescriptorSets, "release", noted)
        scene["cube"].shadowCaster.active = False
        scene.settle()
        scene.step()
    assert tickets
    assert all(ticket == submitted > 0 for ticket, submitted in tickets)


def test_no_set_is_freed_while_its_frame_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    free, freed = DescriptorPools.free, list[Any]()

    def noted(pools: DescriptorPools, handle: Any, pool: Any) -> None:
        freed.append(handle)
        free(pools, handle, pool)

    monkeypatch.setattr(DescriptorPools, "free", noted)
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        scene.step()
        runtime = scene.host.runtime
        runtime.wait()
        ticket = runtime.timeline.submitted
        freed.clear()
        for sets in runtime.renderer._sets:
            for (layout, contents), users in list(sets._users.items()):
                for _ in range(users):
                    sets.release(layout, contents, ticket)
        runtime.renderer.collect(ticket - 1)
        assert freed == []
        runtime.renderer.collect(ticket)
        assert len(freed) > 1


def test_sets_go_with_the_last_object_that_uses_their_material_and_enabled_changes_none() -> None:
    with open_scene("scenes/cube.hu", size=(64, 48)) as scene:
        frames, materials = scene.host.runtime.renderer._sets
        scene.settle()
        _draw_all_passes(scene)
        settled = dict(materials._sets), dict(frames._sets)
        assert len(materials._sets) == 2
        scene["cube"].visibleModel.enabled = False
        scene.settle()
        _draw_all_passes(scene)
        assert (materials._sets, frames._sets) == settled
        scene["cube"].active = False
        scene.settle()
        scene.step(count=3)
        assert len(materials._sets) == 1
        scene["cube"].active = True
        scene.settle()
        scene.step(count=3)
        assert len(materials._sets) == 2


def _draw_all_passes(scene: OpenedScene) -> None:
    """Draw frames in which something moves, so that each slot draws every pass."""
    for height in (1.0, 2.0, 1.0):
        scene["cube"].translation = (0, height, 0)
        scene.step()
