from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.cached_needs import DB, DEVICE, buffer, fresh, kinds, needs, of, packed, settled, texture
from support.hostile import hostile_edits

from engine.humon import InputError
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import QueueFamily
from engine.plan.requirements.requirements import ImageShape
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import (
    Acquire,
    Allocate,
    Bind,
    CreateBuffer,
    CreateImage,
    Destroy,
    Fill,
    Free,
    Move,
    Publish,
    Release,
    SetWindow,
    Transfer,
    Window,
)
from engine.plan.schedule.schedule import make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.terms.errors import PlanError, StepError
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, Dedicated, ImageUsage, QueueKind
from engine.plan.text.schedule_listing import schedule_listing
from engine.plan.text.schedule_text import read_schedule, write_schedule


def test_a_first_schedule_has_the_order_of_the_seed():
    names = kinds(fresh([buffer(0), buffer(1)]))
    assert names == [
        *("CreateBuffer", "CreateBuffer", "Allocate", "Allocate", "Bind", "Bind"),
        *("SetWindow", "Transfer", "ClearStaging", "Publish", "Destroy", "Free"),
    ]


def test_transients_are_published_at_once_and_zeros_are_filled():
    rows = [buffer(0, contents=Contents.UNDEFINED), buffer(1, contents=Contents.ZERO)]
    schedule = fresh(rows)
    assert kinds(schedule)[-2:] == ["Fill", "Publish"]
    assert of(schedule, Fill)[0].keys.tolist() == [DB + 1]
    assert not of(schedule, Transfer)


def test_arrived_keys_are_transferred_from_the_transfer_to_the_graphics_queue():
    device = replace(
        DEVICE, queue_families=(*DEVICE.queue_families, QueueFamily(frozenset({QueueKind.TRANSFER})))
    )
    schedule = fresh([buffer(0)], device=replace(device, _cache={}))
    names = kinds(schedule)
    assert names[names.index("Transfer") :][:5] == [
        "Transfer",
        "Release",
        "ClearStaging",
        "Acquire",
        "Publish",
    ]
    (release,), (acquire,) = of(schedule, Release), of(schedule, Acquire)
    assert (release.source, release.target) == (acquire.source, acquire.target)


def test_compatible_plans_need_no_schedule():
    rows = [buffer(i, 100 + i) for i in range(20)]
    plan, resident, keys = settled(rows)
    again = make_plan(needs(*rows[::-1], keys=keys), DEVICE, plan)
    assert len(make_schedule(resident, again, packed(*rows))) == 0


def test_replaced_resources_are_freed_after_the_new_ones_are_published():
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    plan, resident, keys = settled([buffer(0)])
    new = make_plan(needs(buffer(0, usage=both), keys=keys), DEVICE, plan)
    names = kinds(make_schedule(resident, new, packed(buffer(0))))
    assert names == ["CreateBuffer", "Allocate", "Bind", "Move", "Publish", "Destroy", "Free"]


@pytest.mark.parametrize("size", [1, 64])
def test_resident_bytes_are_moved_and_not_transferred(size: int):
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    plan, resident, keys = settled([buffer(0, size)])
    new = make_plan(needs(buffer(0, size, usage=both), keys=keys), DEVICE, plan)
    schedule = make_schedule(resident, new, packed(buffer(0, size)))
    (move,) = of(schedule, Move)
    assert (move.keys.tolist(), move.sizes.tolist()) == ([DB], [size])
    assert (schedule.staged, schedule.moved) == (0, size)


def test_there_is_one_move_for_each_pair_of_resources():
    old = [buffer(0), buffer(1), texture(2), texture(3), texture(4, ImageShape(Format.R8_UNORM, 4, 4))]
    usages = [BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER] * 2
    usages += [ImageUsage.SAMPLED | ImageUsage.STORAGE] * 3
    rows = [replace(row, usage=usage) for row, usage in zip(old, usages, strict=True)]
    plan, resident, keys = settled(old)
    schedule = make_schedule(resident, make_plan(needs(*rows, keys=keys), DEVICE, plan), packed(*rows))
    moves = of(schedule, Move)
    assert sorted(move.keys.tolist() for move in moves) == [[DB, DB + 1], [DB + 2, DB + 3], [DB + 4]]
    assert len({(move.from_resource, move.to_resource) for move in moves}) == 3
    assert schedule.staged == 0


def test_only_a_dedicated_allocation_names_its_resource():
    schedule = fresh([buffer(0), buffer(1, 1 << 20, dedicated=Dedicated.YES, contents=Contents.ZERO)])
    plan = schedule.plan
    named = {step.allocation: step.dedicated_to for step in of(schedule, Allocate)}
    alone, shared = plan.address(DB + 1), plan.address(DB)
    assert (named[alone.allocation], named[shared.allocation]) == (alone.resource, -1)


def test_unplanned_resources_are_freed_first():
    plan, resident, keys = settled([buffer(0), texture(1)])
    new = make_plan(needs(buffer(0), buffer(2), keys=keys), DEVICE, plan)
    names = kinds(make_schedule(resident, new, packed(buffer(0), texture(1), buffer(2))))
    assert names[:3] == ["Withdraw", "Destroy", "Free"]


def test_old_resources_are_freed_first_where_the_budget_holds_only_one():
    tight = DEVICE.with_budgets({0: 300_000})
    keys = Keys()
    plan = make_plan(needs(buffer(0, 200_000), keys=keys), tight)
    resident = Resident.settled_at(plan)
    again = buffer(0, 200_000, content=1)
    new = make_plan(needs(again, keys=keys), tight, plan)
    schedule = make_schedule(resident, new, packed(again))
    names = kinds(schedule)
    assert names.index("Withdraw") < names.index("Free") < names.index("Allocate")
    device = SimulatedDevice({1: np.arange(200_000, dtype=np.uint8)})
    device.run(make_schedule(device.resident, plan, packed(again)))
    device.run(schedule)
    assert max(device.peak) <= 300_000


def test_an_asset_without_a_source_is_named():
    plan = make_plan(needs(buffer(0), buffer(1)), DEVICE)
    with pytest.raises(PlanError, match=r"asset: 1 \(requested by visibleModel on 'cube'\) has no range"):
        make_schedule(Resident(), plan, packed(buffer(0)))


def test_a_source_of_another_size_is_named():
    plan = make_plan(needs(buffer(0)), DEVICE)
    with pytest.raises(PlanError, match=r"on 'cube'\) takes 64 bytes, its cache range has 65"):
        make_schedule(Resident(), plan, packed(buffer(0, 65)))


def test_a_source_before_its_cache_is_named():
    plan = make_plan(needs(buffer(0)), DEVICE)
    with pytest.raises(PlanError, match=r"asset: 0 \(requested by .*\) begins before its cache"):
        make_schedule(Resident(), plan, Sources.of([DB], 1, [-64], 64))


def test_cache_ranges_that_overlap_are_named():
    plan = make_plan(needs(buffer(0), buffer(1)), DEVICE)
    with pytest.raises(PlanError, match="overlap") as caught:
        make_schedule(Resident(), plan, Sources.of([DB, DB + 1], 1, [0, 60], 64))
    assert caught.value.problem == (
        "cache ranges overlap: those of assetDb: 1 asset: 0 (requested by visibleModel on 'cube') and "
        "assetDb: 1 asset: 1 (requested by visibleModel on 'cube')"
    )


def test_repr_of_a_schedule_is_one_line():
    schedule = fresh([buffer(0)])
    assert repr(schedule) == f"<schedule: {len(schedule)} steps, 64 bytes staged, 0 moved>"


def test_the_listing_is_like_that_of_the_seed():
    rows = [buffer(i) for i in (0, 3, 4, 5)] + [texture(i) for i in (6, 7)]
    text = schedule_listing(fresh(rows))
    assert "[assetDb1 schedule buffers 0 3-5 images 6-7 bytes 936]" in text
    assert "setWindow" in text
    assert "[clearStaging 2]" in text


def test_a_schedule_is_the_same_after_writing_and_reading():
    rows = [buffer(i, 3000) for i in range(10)] + [texture(20)]
    schedule = fresh(rows, Policy(staging=8192, window=9000))
    again = read_schedule(write_schedule(schedule), schedule.plan)
    assert again.steps == schedule.steps
    assert (again.staged, again.moved) == (schedule.staged, schedule.moved)
    assert read_schedule(write_schedule(schedule, done=9), schedule.plan).steps == schedule.steps[9:]


def test_a_schedule_read_from_text_can_be_continued_at_any_step():
    device = replace(
        DEVICE,
        queue_families=(*DEVICE.queue_families, QueueFamily(frozenset({QueueKind.TRANSFER}))),
        _cache={},
    )
    rows = [buffer(i, 3000, contents=Contents.ZERO if i == 4 else Contents.CACHE) for i in range(6)]
    rows.append(texture(20))
    cached = [row for row in rows if row.contents is Contents.CACHE]
    sources = packed(*cached)
    cache = np.random.default_rng(1).integers(0, 256, int(sources.size.sum()), dtype=np.uint8)
    plan = make_plan(needs(*rows), device, None, Policy(staging=8192, window=9000))
    whole = make_schedule(Resident(), plan, sources)
    assert {Release, Acquire, Fill, CreateImage, SetWindow} <= {type(step) for step in whole.steps}
    for stop in range(len(whole) + 1):
        simulated = SimulatedDevice({1: cache})
        simulated.run(whole, stop)
        for step in read_schedule(write_schedule(whole, done=stop), plan).steps:
            simulated.step(step)
        assert simulated.resident.settled()
        for key, offset, size in zip(sources.key, sources.offset, sources.size, strict=True):
            assert np.array_equal(simulated.read(int(key)), cache[offset : offset + size])


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("{ @type: Explode }", r"error\[schedule.step\]: schedule.hu:1:\d+: unknown step Explode"),
        ("{ @type: Free }", r"error\[schedule.field\]: schedule.hu:1:\d+: Free has no allocation"),
        ("{ @type: Free allocation: x }", "must be a number"),
        ("{ @type: Free allocation: 99999999999999999999 }", "must be from"),
        ("{ @type: Fill keys: 5 }", "must be a list"),
        ("{ @type: Publish keys: [1] resources: [4294967296] offsets: [0] }", "must be from"),
        ("{ @type: Publish keys: [1 2] resources: [0] offsets: [0] }", "columns of several lengths"),
        ("{ @type: Acquire keys: [1] source: transfer target: grafics }", "did you mean 'graphics'"),
        ("{ @type: SetWindow index: 0 windows: [[1 0]] }", "expected a list of 3 items, not of 2"),
        ("{ @type: CreateImage resource: 0 shape: [r8_unorm 1 1] layers: 1 usage: 4 }", "a list of 5"),
        ("5", "unknown step None"),
    ],
)
def test_an_edited_schedule_is_refused(steps, words):
    plan = make_plan(needs(), DEVICE)
    with pytest.raises((InputError, PlanError), match=words):
        read_schedule(f"staged: 0 moved: 0 steps: [ {steps} ]", plan)


@pytest.mark.parametrize("seed", range(30))
def test_any_edit_of_a_schedule_is_accepted_or_refused(seed):
    schedule = fresh([buffer(i, 3000) for i in range(4)] + [texture(20)], Policy(staging=8192))
    text = write_schedule(schedule)
    for start, end, new in hostile_edits(np.random.default_rng(seed), text, 10):
        try:
            edited = read_schedule(text[:start] + new + text[end:], schedule.plan)
        except (InputError, PlanError):
            continue
        assert len(edited) <= len(schedule) + 1
        written = write_schedule(edited)
        assert write_schedule(read_schedule(written, schedule.plan)) == written


ONE = np.array([DB], np.int64)
HERE = (np.array([0], np.int32), np.array([0], np.int64))
HANDED = (ONE, QueueKind.TRANSFER, QueueKind.GRAPHICS)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Allocate(0, 0, 64), "exists already"),
        (Allocate(77, 0, 64), "no plan has this"),
        (CreateBuffer(0, 64, 0), "exists already"),
        (Bind(0, 0, 0), "bound already"),
        (Free(0), "is bound to it"),
        (Free(99), "does not exist"),
        (Destroy(0), "the plan has keys in it"),
        (Destroy(9), "does not exist"),
        (Publish(ONE + 5, *HERE), "not in the plan"),
        (Publish(ONE, *HERE), "published already"),
        (Fill(ONE), "published already"),
        (Move(ONE, 0, 0, ONE * 0, ONE * 0, ONE * 0 + 64), "published already"),
        ("x", "not a step"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_step_that_contradicts_the_resident_state_is_refused(step, words):
    _, resident, _ = settled([buffer(0)])
    with pytest.raises(StepError, match=words):
        resident.apply(step)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Publish(ONE, *HERE), "bytes are missing"),
        (Publish(ONE, HERE[0], HERE[1] + 4), "elsewhere"),
        (Release(*HANDED), "not the owner"),
        (Acquire(*HANDED), "not released"),
        (Move(ONE, 0, 0, ONE * 0, ONE * 0, ONE * 0 + 64), "no such source"),
        (SetWindow(0, (Window(1, 0, 64),)), "transfers from assetDb 1 are in flight"),
        (Destroy(1), "in flight"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_step_that_is_too_early_is_refused(step, words):
    resident, schedule = Resident(), fresh([buffer(0)])
    resident.begin(schedule.plan)
    for done in schedule.steps[: kinds(schedule).index("ClearStaging")]:
        resident.apply(done)
    with pytest.raises(StepError, match=words):
        resident.apply(step)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"staging": 7}, "not bound"),
        ({"db": 4}, "no window"),
        ({"keys": ONE + 1}, "not in the plan"),
        ({"sizes": ONE * 0 + 65}, "more bytes than the key needs"),
    ],
)
def test_an_invalid_transfer_is_refused(change, words):
    resident, schedule = Resident(), fresh([buffer(0)])
    resident.begin(schedule.plan)
    at = kinds(schedule).index("Transfer")
    for done in schedule.steps[:at]:
        resident.apply(done)
    with pytest.raises(StepError, match=words):
        resident.apply(replace(schedule.steps[at], **change))


def test_a_small_change_makes_few_places_pending_or_old():
    rows = [buffer(i) for i in range(3000)]
    plan, resident, keys = settled(rows)
    new = make_plan(needs(*rows[:-1], buffer(5000), keys=keys), DEVICE, plan)
    resident.begin(new)
    assert len(resident.pending) == 1
    assert len(resident.old) <= 1


def test_arrived_bytes_are_not_transferred_again_after_a_stop():
    rows = [buffer(i, 3000) for i in range(10)]
    cache = np.random.default_rng(1).integers(0, 256, 30_000, dtype=np.uint8)
    whole = make_schedule(
        Resident(), make_plan(needs(*rows), DEVICE, None, Policy(staging=8192)), packed(*rows)
    )
    for stop in range(len(whole)):
        device = SimulatedDevice({1: cache})
        device.run(whole, stop)
        again = make_plan(needs(*rows), DEVICE, device.resident.snapshot(), Policy(staging=8192))
        device.run(make_schedule(device.resident, again, packed(*rows)))
        assert device.resident.settled()
        assert device.staged_bytes == 30_000


def test_a_new_version_replaces_the_old_in_place_where_memory_holds_only_one():
    shape = ImageShape(Format.R8G8B8A8_UNORM, 128, 128)
    rows = [texture(0, shape), texture(1, shape)]
    size = tight_bytes(shape)
    page = DEVICE.image_requirements(shape, 2, ImageUsage(7)).size
    tight = DEVICE.with_budgets({0: page + 64 * 1024})
    keys = Keys()
    plan = make_plan(needs(*rows, keys=keys), tight)
    device = SimulatedDevice({1: np.zeros(2 * size, np.uint8)})
    device.run(make_schedule(device.resident, plan, packed(*rows)))
    again = make_plan(
        needs(replace(rows[0], content=1), rows[1], keys=keys), tight, device.resident.snapshot()
    )
    assert again.address(DB) == plan.address(DB)
    device.caches = {1: np.full(2 * size, 7, np.uint8)}
    schedule = make_schedule(device.resident, again, packed(*rows))
    assert kinds(schedule)[0] == "Withdraw"
    device.run(schedule)
    assert (device.read(DB) == 7).all()
    assert (device.read(DB + 1) == 0).all()


def test_moved_resources_are_freed_before_anything_is_transferred():
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    old = buffer(0, 1 << 20, dedicated=Dedicated.YES)
    plan, resident, keys = settled([old])
    rows = [replace(old, usage=both), texture(1)]
    new = make_plan(needs(*rows, keys=keys), DEVICE, plan)
    names = kinds(make_schedule(resident, new, packed(*rows)))
    assert names.index("Move") < names.index("Free") < names.index("Transfer")


@pytest.mark.parametrize(("beyond", "early"), [(0, False), (-1, True)])
def test_old_places_are_withdrawn_early_only_where_both_exceed_the_budget(beyond: int, early: bool):
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    old = buffer(0, 1 << 20, dedicated=Dedicated.YES, contents=Contents.UNDEFINED)
    plan, resident, keys = settled([old])
    wanted = needs(replace(old, usage=both), keys=keys)
    (heap,) = {DEVICE.memory_types[int(a["memory_type"])].heap for a in plan.memory.allocations}
    total = 2 * int(plan.memory.allocations["size"].sum())
    device = DEVICE.with_budgets({heap: total + beyond})
    schedule = make_schedule(resident, make_plan(wanted, device, plan), packed())
    assert ("Withdraw" in kinds(schedule)) == early


def test_bytes_that_were_moved_before_a_stop_are_not_moved_again():
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    device, keys = SimulatedDevice({1: np.arange(64, dtype=np.uint8)}), Keys()
    plan = make_plan(needs(buffer(0), keys=keys), DEVICE)
    device.run(make_schedule(device.resident, plan, packed(buffer(0))))
    new = make_plan(needs(buffer(0, usage=both), keys=keys), DEVICE, plan)
    schedule = make_schedule(device.resident, new, packed(buffer(0)))
    device.run(schedule, kinds(schedule).index("Move") + 1)
    again = make_plan(needs(buffer(0, usage=both), keys=keys), DEVICE, device.resident.snapshot())
    assert kinds(make_schedule(device.resident, again, packed(buffer(0)))) == ["Publish", "Destroy", "Free"]


@pytest.mark.parametrize("replaced", [0, 1])
def test_an_image_beside_another_in_its_block_stays_until_its_bytes_are_moved(replaced: int):
    rows = [texture(i, ImageShape(Format.R8_UNORM, 64, 64 + i)) for i in range(2)]
    plan, resident, keys = settled(rows)
    assert len(plan.memory.allocations) == 1
    rows[replaced] = replace(rows[replaced], usage=ImageUsage.SAMPLED | ImageUsage.STORAGE)
    new = make_plan(needs(*rows, keys=keys), DEVICE, plan)
    names = kinds(make_schedule(resident, new, packed(*rows)))
    assert names == ["CreateImage", "Allocate", "Bind", "Move", "Publish", "Destroy"]


def test_a_key_that_stays_with_other_terms_costs_no_step():
    both = BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    device, keys = SimulatedDevice({1: np.arange(64, dtype=np.uint8)}), Keys()
    plan = make_plan(needs(buffer(0, usage=both), keys=keys), DEVICE)
    device.run(make_schedule(device.resident, plan, packed(buffer(0))))
    new = make_plan(needs(buffer(0), keys=keys), DEVICE, plan)
    assert new.memory.subresources["terms"] != plan.memory.subresources["terms"]
    assert not make_schedule(device.resident, new, packed(buffer(0))).steps
