"""Totals, heaps and overlays of a scene that is loaded: consistent in every frame, and equal at the end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from support.scenes import CUBE

from engine.assets import open_library
from engine.memory.streaming.manager import Pace
from engine.runtime import runtime as runtime_module
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from viewer.panels.memory.heaps import HeapModel
from viewer.panels.memory.map.places import Places, leaving_allocations
from viewer.panels.memory.map.tile_colors import Presence
from viewer.panels.memory.map.tiles import STATE_NAMES, Tiles, TileState
from viewer.panels.memory.map_header import other_texts, resident_text
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.panels.number_format import bytes_text
from viewer.session.memory_totals import MemoryTotals

pytestmark = pytest.mark.gpu


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A scene before its first frame, whose bytes all go through staging."""
    monkeypatch.setattr(runtime_module, "Pace", partial(Pace, direct=False))
    scene = load_scene(CUBE)
    with open_library(scene.dbs) as library:
        made = Runtime(scene, library, RuntimeOptions(size=(64, 48), paging_cycles=1))
        with made:
            yield made


def test_resident_bytes_never_exceed_planned_ones_while_staging_is_shown_apart(runtime: Runtime) -> None:
    seen: list[MemoryTotals] = []
    while not (runtime.frame().settled and runtime.memory.settled):
        totals = MemoryTotals.of(runtime.plan, runtime.memory)
        assert totals.live == runtime.memory.live_bytes
        assert totals.resident <= totals.planned
        assert min(totals.staging, totals.leaving) >= 0
        seen.append(totals)
        assert len(seen) < 500
    assert max(totals.staging for totals in seen) > 0
    assert any(totals.live > totals.planned for totals in seen)  # which is why they are not compared
    end = MemoryTotals.of(runtime.plan, runtime.memory)
    assert (end.resident, end.staging, end.leaving) == (end.planned, 0, 0)


def test_the_header_counts_what_is_wanted_and_not_there_yet(runtime: Runtime) -> None:
    seen = 0
    for _ in range(500):
        settled = runtime.frame().settled
        plan = runtime.plan
        assert plan is not None
        totals = MemoryTotals.of(plan, runtime.memory)
        places = Places.of(plan, staging=False)
        overlay = ResidentOverlay.of(plan, places, runtime.resident)
        is_there = totals.resident - overlay.unfilled == totals.planned
        assert is_there == (not overlay.bytes[Presence.MISSING] and not overlay.bytes[Presence.IN_FLIGHT])
        assert 0 <= overlay.unfilled <= totals.resident
        seen += totals.resident == totals.planned and not is_there
        text = resident_text(totals, overlay, None)
        assert text.endswith(f" of {bytes_text(totals.planned)} resident")
        if settled:
            break
    assert seen, "all was allocated and not all resident"
    assert text == f"{bytes_text(totals.planned)} of {bytes_text(totals.planned)} resident"


def test_the_header_counts_what_a_plan_that_waits_wants(runtime: Runtime) -> None:
    runtime.scene.apply_setting("cube.shadowCaster.active=false")
    runtime.settle()
    runtime.hold.set(True)
    runtime.scene.apply_setting("cube.shadowCaster.active=true")
    runtime.frame()
    plan, waiting = runtime.plan, runtime.hold.waiting
    assert plan is not None
    assert waiting is not None
    totals = MemoryTotals.of(plan, runtime.memory)
    overlay = ResidentOverlay.of(plan, Places.of(plan, staging=False), runtime.resident)
    now, then = bytes_text(plan.planned_bytes), bytes_text(waiting.plan.planned_bytes)
    assert resident_text(totals, overlay, waiting.plan) == f"{now} resident, a plan for {then} waits"
    assert now != then
    runtime.hold.set(False)
    runtime.settle()


def test_the_header_has_the_words_and_sums_of_the_legend(runtime: Runtime) -> None:
    runtime.settle()
    plan = runtime.plan
    assert plan is not None
    tiles = Tiles.of(Places.of(plan, staging=False), plan.waiting)
    sizes = {STATE_NAMES[state]: int(tiles.state_bytes[state]) for state in TileState}
    texts = other_texts(MemoryTotals.of(plan, runtime.memory), tiles)
    free = sizes["free"] + sizes["free in a page"]
    expected = [(sizes["waste (alignment)"], "waste"), (free, "free")]
    assert list(texts) == [f"{bytes_text(size)} {name}" for size, name in expected if size]
    assert texts
    assert sizes["waste (alignment)"] + free + sizes["waits to be returned"] == plan.waste_bytes


def test_what_is_switched_off_leaves(runtime: Runtime) -> None:
    runtime.settle()
    before = MemoryTotals.of(runtime.plan, runtime.memory)
    runtime.scene.apply_setting("cube.shadowCaster.active=false")
    runtime.replan()
    totals = MemoryTotals.of(runtime.plan, runtime.memory)
    assert totals.planned < before.planned
    assert totals.leaving == before.planned - totals.planned > 0
    assert runtime.plan is not None
    leaving = leaving_allocations(runtime.plan, runtime.resident.allocations)
    tiles = Tiles.of(Places.of(runtime.plan, leaving))
    assert tiles.state_bytes[TileState.LEAVING] == totals.leaving
    runtime.settle()
    assert MemoryTotals.of(runtime.plan, runtime.memory).leaving == 0


def test_heaps_agree_with_the_manager_and_name_what_is_beside(runtime: Runtime) -> None:
    model = HeapModel(runtime, {"swapchain": lambda: 1234})
    assert model.figures().heaps == ()
    runtime.frame()
    model = HeapModel(runtime, {"swapchain": lambda: 1234})
    heaps = model.figures().heaps
    assert [row.allocated for row in heaps] == list(runtime.memory.heap_bytes)
    assert all(row.bound <= row.allocated for row in heaps)
    runtime.settle()
    figures = HeapModel(runtime, {"swapchain": lambda: 1234}).figures()
    assert sum(row.allocated for row in figures.heaps) == runtime.memory.live_bytes
    for row in figures.heaps:
        assert row.requested <= row.bound <= row.allocated <= row.size
        assert row.staging == 0
        assert row.budget <= row.size
        if not figures.has_usage:
            assert row.budget == runtime.plan.profile.budget(row.index), "one budget in all places"
        if figures.has_usage:
            assert row.usage is not None
            assert row.beside == max(row.usage - row.allocated, 0)
            assert row.others is not None
    outside = {row.name: row for row in figures.outside}
    assert outside["swapchain"].bytes == 1234
    assert outside["descriptor pools"].count > 0
    assert outside["pipelines"].bytes is None
    assert outside["pipelines"].count > 0
    assert outside["pipeline cache"].bytes == runtime.renderer.pipeline_cache_bytes > 0


def test_the_driver_is_asked_at_most_twice_a_second(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.settle()
    calls = []
    asked = runtime.device.memory_budget
    monkeypatch.setattr(runtime.device, "memory_budget", lambda: calls.append(1) or asked())
    model = HeapModel(runtime, {})
    for _ in range(50):
        model.figures()
    assert len(calls) == 1
    model._due = 0.0
    model.figures()
    assert len(calls) == 2


def test_a_driver_with_budgets_shows_what_others_hold(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.settle()
    live = runtime.memory.heap_bytes
    heaps = [heap.size for heap in runtime.profile.heaps]
    reported = tuple((size - 5000, bytes_ + 300) for size, bytes_ in zip(heaps, live, strict=True))
    monkeypatch.setattr(runtime.device, "memory_budget", lambda: reported)
    runtime.limit_budget({0: heaps[0] // 2})
    figures = HeapModel(runtime, {}).figures()
    assert figures.has_usage
    for row, size, bytes_ in zip(figures.heaps, heaps, live, strict=True):
        assert (row.usage, row.beside) == (bytes_ + 300, 300)
        assert row.budget == min(size - 5000, runtime.profile.budget(row.index))
        assert row.others == 5000  # whatever limit of our own the budget has


def test_the_overlay_shows_what_is_resident_in_flight_and_missing(runtime: Runtime) -> None:
    presences = set()
    frames = 0
    while True:
        settled = runtime.frame().settled
        plan, resident = runtime.plan, runtime.resident
        assert plan is not None
        places = Places.of(plan, staging=not settled)
        overlay = ResidentOverlay.of(plan, places, resident)
        keys = places.subresources["key"][: places.planned_count]
        presence = overlay.presence[: places.planned_count]
        missing = set(keys[presence != Presence.RESIDENT].tolist())
        assert missing == set(resident.waiting_keys().tolist())
        published = [key for key in keys.tolist() if runtime.memory.location(key) is not None]
        assert set(published) == set(keys.tolist()) - missing
        presences |= set(np.unique(presence).tolist())
        frames += 1
        if settled:
            break
        assert frames < 500
    assert overlay.is_settled
    assert overlay.bytes[Presence.RESIDENT] > 0
    assert presences == {Presence.RESIDENT, Presence.IN_FLIGHT, Presence.MISSING}
