"""Claims about transfers from caches: windows, paging cycles, copies and their order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.cached_needs import DB, DEVICE, MIPS, buffer, fresh, kinds, needs, of, packed, texture

from engine.plan.placement.planner import make_plan
from engine.plan.requirements.requirements import ImageShape
from engine.plan.requirements.shapes import mip_levels, tight_bytes
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import (
    ClearStaging,
    Publish,
    SetWindow,
    Transfer,
)
from engine.plan.schedule import paging
from engine.plan.schedule.schedule import make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import asset_key
from engine.plan.terms.policy import Policy


def test_adjacent_assets_are_one_read_and_one_copy():
    (step,) = of(fresh([buffer(i) for i in range(100)]), Transfer)
    assert step.reads.tolist() == [(0, 0, 6400)]
    assert step.buffer_copies[["offset", "size"]].tolist() == [(0, 6400)]


def test_gaps_of_inactive_assets_are_skipped():
    rows = [buffer(i) for i in range(10)]
    active = [row for i, row in enumerate(rows) if i not in (3, 4)]
    plan = make_plan(needs(*active), DEVICE)
    (step,) = of(make_schedule(Resident(), plan, packed(*rows)), Transfer)
    assert step.reads[["cache_offset", "size"]].tolist() == [(0, 192), (320, 320)]
    assert step.buffer_copies["size"].tolist() == [512]  # the gap is in the cache only


def test_each_mip_level_is_copied_from_its_own_offset():
    (step,) = of(fresh([texture(0), texture(1)]), Transfer)
    levels = mip_levels(MIPS)
    assert [c["mip"] for c in step.image_copies] == [0, 1, 2, 3] * 2
    assert [c["layer"] for c in step.image_copies] == [0] * 4 + [1] * 4
    first = step.image_copies[:4]
    assert [(c["staging_offset"], c["width"], c["height"], c["size"]) for c in first] == [
        (level.offset, level.width, level.height, level.size) for level in levels
    ]


def test_mip_levels_are_staged_at_valid_buffer_offsets():
    shape = ImageShape(Format.R8_UNORM, 5, 7, 3)
    (step,) = of(fresh([texture(0, shape)]), Transfer)
    assert [int(c["staging_offset"]) for c in step.image_copies] == [0, 36, 44]
    assert step.reads[["cache_offset", "staging_offset", "size"]].tolist() == [
        (0, 0, 35),
        (35, 36, 6),
        (41, 44, 1),
    ]


def test_windows_are_limited_and_move_only_when_no_transfer_is_in_flight():
    policy = Policy(window=1000, staging=500)
    schedule = fresh([buffer(i, 100) for i in range(40)], policy)
    windows = of(schedule, SetWindow)
    assert [step.index for step in windows] == list(range(len(windows)))
    assert all(w.size <= 1000 for step in windows for w in step.windows)
    assert len(windows) == 4
    busy = 0
    for step in schedule.steps:
        if isinstance(step, SetWindow):
            assert busy == 0
        busy += isinstance(step, Transfer) - isinstance(step, ClearStaging)


def test_one_window_step_maps_any_number_of_databases():
    rows = [buffer(0), replace(buffer(0), key=asset_key(2, 0)), replace(buffer(0), key=asset_key(9, 0))]
    plan = make_plan(needs(*rows), DEVICE)
    sources = Sources.of([r.key for r in rows], [1, 2, 9], [0, 0, 0], [64] * 3)
    schedule = make_schedule(Resident(), plan, sources)
    (window,) = of(schedule, SetWindow)
    assert [w.db for w in window.windows] == [1, 2, 9]
    assert [step.db for step in of(schedule, Transfer)] == [1, 2, 9]
    assert len(of(schedule, ClearStaging)) == 1
    assert [step.keys.tolist() for step in of(schedule, Publish)] == [[r.key for r in rows]]


def test_with_two_staging_buffers_filling_and_copying_overlap():
    names = kinds(fresh([buffer(i, 1000) for i in range(40)], Policy(staging=8000)))
    first = names.index("Transfer")
    assert names[first : first + 6] == [
        "Transfer",
        "Transfer",
        "ClearStaging",
        "Publish",
        "Transfer",
        "ClearStaging",
    ]


def test_higher_priorities_are_transferred_first():
    rows = [buffer(i, 1000, priority=int(i == 17)) for i in range(20)]
    (first, *_) = of(fresh(rows, Policy(staging=4000)), Publish)
    assert first.keys.tolist() == [DB + 17]


def test_visible_assets_are_transferred_after_fallbacks_and_before_all_others():
    rows = [buffer(0), buffer(1, priority=1), buffer(2, priority=1000), buffer(3), buffer(4, priority=1)]
    plan = make_plan(needs(*rows), DEVICE)

    def visible(keys):
        assert keys.tolist() == [DB, DB + 1, DB + 2, DB + 3, DB + 4]
        return np.isin(keys, [DB + 3, DB + 4])

    sent = of(make_schedule(Resident(), plan, packed(*rows), visible), Transfer)
    assert [step.keys.tolist() for step in sent] == [[DB + 2], [DB + 4], [DB + 3], [DB + 1], [DB]]


def test_visibility_is_queried_for_a_few_keys_at_a_time(monkeypatch):
    rows = [buffer(i) for i in range(5)]
    plan, asked = make_plan(needs(*rows), DEVICE), []

    def visible(keys):
        asked.append((keys - DB).tolist())
        return keys == DB + 4

    monkeypatch.setattr(paging, "KEYS_AT_ONCE", 2)
    first, *_ = of(make_schedule(Resident(), plan, packed(*rows), visible), Transfer)
    assert asked == [[0, 1], [2, 3], [4]]
    assert first.keys.tolist() == [DB + 4]


def test_many_keys_of_a_cycle_are_published_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(paging, "PUBLISHED_AT_ONCE", 3)
    rows = [buffer(i) for i in range(7)]
    plan, device = make_plan(needs(*rows), DEVICE), SimulatedDevice({1: np.arange(7 * 64, dtype=np.uint8)})
    schedule = make_schedule(device.resident, plan, packed(*rows))
    assert len(of(schedule, ClearStaging)) == 1
    assert [(step.keys - DB).tolist() for step in of(schedule, Publish)] == [[0, 1, 2], [3, 4, 5], [6]]
    device.run(schedule)
    assert device.resident.settled()


def test_visibility_is_queried_only_for_keys_to_fetch():
    rows = [buffer(0), buffer(1)]
    device = SimulatedDevice({1: np.arange(128, dtype=np.uint8)})
    plan = make_plan(needs(rows[0]), DEVICE)
    device.run(make_schedule(device.resident, plan, packed(*rows)))
    both = make_plan(needs(*rows), DEVICE, device.resident.snapshot())
    asked = []

    def visible(keys):
        asked.append(keys.tolist())
        return np.ones(len(keys), bool)

    device.run(make_schedule(device.resident, both, packed(*rows), visible))
    assert not make_schedule(device.resident, both, packed(*rows), visible).steps
    assert asked == [[DB + 1]]


def test_an_asset_larger_than_staging_is_transferred_in_parts_and_published_once():
    schedule = fresh(
        [buffer(0, 50_000), texture(1, ImageShape(Format.R8G8B8A8_UNORM, 64, 64))], Policy(staging=8192)
    )
    received = [
        (int(k), int(s))
        for step in of(schedule, Transfer)
        for k, s in zip(step.keys, step.sizes, strict=True)
    ]
    assert sum(size for key, size in received if key == DB) == 50_000
    assert sum(size for key, size in received if key == DB + 1) == 64 * 64 * 4
    assert len([1 for key, _ in received if key == DB]) > 5
    assert sorted(k for step in of(schedule, Publish) for k in step.keys.tolist()) == [DB, DB + 1]


@pytest.mark.parametrize("staging", [(90, 300), (300, 90), (64, 100), (100, 120)], ids=str)
@pytest.mark.parametrize("transfers", [1, 2, 3])
def test_a_partly_transferred_image_is_completed_through_staging_of_another_size(
    staging: tuple[int, int], transfers: int
):
    """Its rows are split for the next plan's staging size, starting where the transfer stopped."""
    row = texture(0, ImageShape(Format.R8G8B8A8_UNORM, 256, 256, 9))
    first, second = (Policy(staging=kib << 10) for kib in staging)
    cache = np.random.default_rng(0).integers(0, 256, 1 << 19, np.uint8)
    device = SimulatedDevice({1: cache})
    begun = make_schedule(device.resident, make_plan(needs(row), DEVICE, None, first), packed(row))
    sent = [i for i, step in enumerate(begun.steps) if isinstance(step, Transfer)]
    device.begin(begun.plan)
    for step in begun.steps[: 1 + sent[min(transfers, len(sent)) - 1]]:
        device.step(step)
    later = make_plan(needs(row), DEVICE, device.resident.snapshot(), second)
    device.run(make_schedule(device.resident, later, packed(row)))
    assert device.resident.settled()
    assert np.array_equal(device.read(row.key), cache[: tight_bytes(row.shape)])


def test_the_rest_of_a_buffer_and_its_neighbour_are_one_copy():
    rows = [buffer(0, 50_000), buffer(1, 1000)]
    cache = np.random.default_rng(0).integers(0, 256, 51_000, np.uint8)
    device = SimulatedDevice({1: cache})
    begun = make_schedule(
        device.resident, make_plan(needs(*rows), DEVICE, None, Policy(staging=8192)), packed(*rows)
    )
    first = next(i for i, step in enumerate(begun.steps) if isinstance(step, Transfer))
    arrived = int(begun.steps[first].sizes.sum())
    device.run(begun, first + 1)
    later = make_schedule(
        device.resident, make_plan(needs(*rows), DEVICE, device.resident.snapshot()), packed(*rows)
    )
    (step,) = of(later, Transfer)
    assert step.buffer_copies[["offset", "size"]].tolist() == [(arrived, 51_000 - arrived)]
    assert step.reads[["cache_offset", "size"]].tolist() == [(arrived, 51_000 - arrived)]
    device.run(later)
    assert all(np.array_equal(device.read(DB + i), part) for i, part in enumerate(np.split(cache, [50_000])))
