"""Claims about one planning round: which keys keep their places, and what is staged for the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.placed_needs import DEPTH, SHAPE, attachment, buffer, needs, texture
from support.random_scenes import profile

from engine.plan.model.memory_plan import Sharing
from engine.plan.model.packing import Packing
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.placement.planning_round import SLACK, Keep, PlanningRound
from engine.plan.placement.staging_bounds import RUN_ALIGNMENT, min_buffer_staging
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requirements import QueueUse, Requirement, RequirementTable
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    MemoryProperty,
    QueueKind,
    Stage,
)
from engine.plan.text.validate import validate

UNIFIED, COARSE, DISCRETE = map(profile, ("unified", "coarse", "discrete-window"))
VERTEX, ADDRESS = BufferUsage.VERTEX_BUFFER, BufferUsage.VERTEX_BUFFER | BufferUsage.SHADER_DEVICE_ADDRESS
READ = QueueUse(QueueKind.GRAPHICS, Access.SHADER_SAMPLED_READ, Stage.COMPUTE_SHADER)
MAPPED = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT


def stays(
    row: Requirement, device=UNIFIED, *, beside: tuple[Requirement, ...] = (), **change: object
) -> bool:
    """Whether a key keeps its place, and those beside it theirs, where its requirement changes so."""
    keys = Keys()
    plan = make_plan(needs(*beside, row, keys=keys), device)
    after = make_plan(needs(*beside, replace(row, **change), keys=keys), device, plan)
    assert [after.address(each.key) for each in beside] == [plan.address(each.key) for each in beside]
    assert validate(after) == []
    return after.address(row.key) == plan.address(row.key)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"uses": (READ,)}, True),
        ({"priority": 7}, True),
        ({"size": 999}, True),
        ({"size": 1001}, False),
        ({"content": 1}, False),
        ({"alignment": 8}, True),
        ({"alignment": 16}, False),
        ({"usage": VERTEX | BufferUsage.INDEX_BUFFER}, False),
        ({"usage": ADDRESS}, False),
        ({"contents": Contents.UNDEFINED}, False),
        ({"persistent_map": True, "properties": MAPPED}, False),
        ({"dedicated": Dedicated.YES}, False),
    ],
)
def test_a_buffer_in_a_page_stays_where_its_place_still_serves(change: dict[str, object], expected: bool):
    """It lies at byte 1000, behind another, in a page of vertex buffers."""
    assert stays(buffer(1, alignment=4), beside=(buffer(0, alignment=4),), **change) is expected


def test_a_buffer_stays_in_a_page_that_has_more_usages_than_it_needs():
    both = VERTEX | BufferUsage.INDEX_BUFFER
    assert stays(buffer(1, usage=both), beside=(buffer(0),), usage=BufferUsage.INDEX_BUFFER)
    assert stays(buffer(1, usage=both), beside=(buffer(0, usage=both),), usage=VERTEX)


def test_a_buffer_with_a_device_address_stays_without_needing_one():
    assert stays(buffer(1, usage=ADDRESS), usage=VERTEX)
    own = buffer(1, 1 << 20, usage=ADDRESS, contents=Contents.UNDEFINED)
    assert stays(own, usage=VERTEX)
    assert not stays(replace(own, usage=VERTEX), usage=ADDRESS)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"uses": (READ,)}, True),
        ({"shape": replace(SHAPE, width=32)}, False),
        ({"shape": replace(SHAPE, mip_levels=6)}, False),
        ({"content": 1}, False),
    ],
)
def test_a_texture_stays_while_its_shape_and_content_do(change: dict[str, object], expected: bool):
    assert stays(texture(1), beside=(texture(0), texture(2)), **change) is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"copies": 2}, False),
        ({"copies": 3}, True),
        ({"copies": 4}, False),
        ({"shape": replace(DEPTH, width=512)}, False),
        ({"uses": (READ,)}, True),
    ],
)
def test_an_image_of_its_own_stays_while_it_has_as_many_layers(change: dict[str, object], expected: bool):
    assert stays(attachment(1, copies=3), **change) is expected


def test_a_key_stays_only_in_memory_with_the_properties_that_it_requires():
    ring = {"contents": Contents.UNDEFINED, "properties": MAPPED, "dedicated": Dedicated.YES}
    here = MAPPED | MemoryProperty.DEVICE_LOCAL
    assert not stays(buffer(1, **ring), DISCRETE, properties=here)
    assert stays(buffer(1, **{**ring, "properties": here}), DISCRETE, properties=MAPPED)


def test_keys_are_placed_again_where_the_policy_or_the_device_has_changed():
    table = RequirementTable()
    who = table.requesters.add("visibleModel", "cube")
    for row in (
        buffer(0, 1000, usage=BufferUsage.UNIFORM_BUFFER),
        buffer(1, 1000, usage=BufferUsage.UNIFORM_BUFFER),
    ):
        table.add(replace(row, alignment=4), who)
    wanted = coalesce(table)
    limits = replace(UNIFIED.limits, min_uniform_buffer_offset_alignment=16)
    fine = replace(UNIFIED, limits=limits, _cache={})
    plan = make_plan(wanted, fine, None, Policy(movable=False))
    assert plan.address(1).offset == 1008
    rough = replace(fine, limits=replace(limits, min_uniform_buffer_offset_alignment=256), _cache={})
    assert make_plan(wanted, rough, plan, Policy(movable=False)).address(1).offset % 256 == 0
    moved = make_plan(wanted, fine, plan, Policy(movable=True))
    usage = int(moved.memory.resource(moved.address(0).resource)["usage"])
    assert usage & BufferUsage.TRANSFER_SRC
    assert moved.address(0).resource != plan.address(0).resource


def test_a_plan_of_the_same_requests_that_have_changed_a_little_equals_one_made_of_all():
    table = RequirementTable()
    who = [table.requesters.add("visibleModel", f"object{i}") for i in range(40)]
    for i, requester in enumerate(who):
        table.add(buffer(i, 1000 + i % 3), requester)
    first = coalesce(table)
    plan = make_plan(first, UNIFIED)
    table.remove(who[3:6])
    table.add(buffer(100, 900), table.requesters.add("visibleModel", "new"))
    table.add(buffer(7, 1000 + 7 % 3, usage=BufferUsage.INDEX_BUFFER), who[7])
    by_difference = make_plan(coalesce(table, first), UNIFIED, plan)
    at_once = make_plan(coalesce(table), UNIFIED, replace(plan, requirements=replaced(first)))
    assert np.array_equal(by_difference.memory.subresources, at_once.memory.subresources)
    assert np.array_equal(by_difference.memory.resources, at_once.memory.resources)
    assert {3, 4, 5}.isdisjoint(by_difference.memory.subresources["key"].tolist())


def replaced(wanted: Coalesced) -> Coalesced:
    """The same needs with terms of their own, so that they are compared one by one."""
    return replace(wanted, terms=type(wanted.terms)())


def staged(*rows: Requirement, resident: Plan | None = None) -> int:
    """The bytes that one round wants to stage."""
    keep = Keep.OLD_RANGES if resident is not None else Keep.NOTHING
    wanted, terms = needs(*rows), resident.terms if resident is not None else None
    terms = terms if terms is not None else type(wanted.terms)()
    return PlanningRound(wanted, UNIFIED, resident, Policy(), terms, keep).run().to_stage


def test_cached_bytes_are_staged_with_their_padding_and_the_ends_of_a_run():
    assert staged(buffer(0, 1000)) == 1000 + SLACK
    assert staged(buffer(0, 1000), buffer(1, 24)) == 1024 + 2 * SLACK
    assert staged(buffer(0, 1000, alignment=300)) == 1200 + SLACK
    assert staged(buffer(0, 1000, contents=Contents.ZERO), attachment(1)) == 0


def test_the_least_staging_is_that_of_the_most_padded_buffer():
    for rows, padding in (
        ([buffer(0), buffer(1)], 0),
        ([buffer(0), buffer(1, alignment=300)], 200),
        ([buffer(0, alignment=300), buffer(1, alignment=1001)], 200),
        ([buffer(0, alignment=300, contents=Contents.ZERO), buffer(1)], 0),
    ):
        wanted = needs(*rows)
        found = PlanningRound(wanted, UNIFIED, None, Policy(), type(wanted.terms)(), Keep.NOTHING).run()
        assert found.min_staging == min_buffer_staging(padding)


def test_what_stays_is_not_staged_again():
    plan = make_plan(needs(buffer(0, 1000), buffer(1, 500)), UNIFIED)
    assert staged(buffer(0, 1000), buffer(1, 500), resident=plan) == 0
    assert staged(buffer(0, 1000), buffer(1, 500, content=1), resident=plan) == 500 + SLACK
    assert staged(buffer(0, 1000), buffer(1, 500), buffer(2, 70), resident=plan) == 70 + SLACK


@pytest.mark.parametrize("leaving", [[], [0], [0, 2], [0, 1, 2]])
def test_keys_that_leave_are_placed_again_and_others_stay_even_if_their_needs_have_changed(
    leaving: list[int],
):
    keys = Keys()
    plan = make_plan(needs(*map(buffer, range(3)), keys=keys), UNIFIED)
    wanted = needs(buffer(0), buffer(1, uses=(READ,)), buffer(2, 999), keys=keys)
    terms, gone = plan.terms, np.array(leaving, np.int64)
    (page,) = plan.memory.resources["id"].tolist()
    closed = [page] if leaving else []
    found = PlanningRound(wanted, UNIFIED, plan, Policy(), terms, Keep.OLD_RANGES, gone, closed).run().memory
    moved = [key for key in range(3) if found.subresource_table.row(key)["resource"] != page]
    assert moved == leaving
    here = [key for key in range(3) if key not in leaving]
    offsets = [int(found.subresource_table.row(key)["offset"]) for key in here]
    assert offsets == [plan.address(key).offset for key in here]


def test_slack_is_what_the_start_and_the_end_of_a_run_may_take():
    assert SLACK == 2 * RUN_ALIGNMENT


def test_everything_is_placed_again_without_the_holes_of_before_where_a_budget_is_short():
    """Of a page of three buffers the middle one stays, and another of the size of both holes comes."""
    keys = Keys()
    plan = make_plan(needs(*(buffer(i, 10_000) for i in range(3)), keys=keys), UNIFIED)
    tight = UNIFIED.with_budgets({0: 30_000 + 12_288})
    after = make_plan(needs(buffer(1, 10_000), buffer(7, 20_000), keys=keys), tight, plan)
    assert validate(after) == []
    assert after.planned_bytes == 30_000
    assert len(after.memory.allocations) == 1


def test_everything_is_placed_again_where_requests_have_changed_a_little_and_a_budget_is_short():
    table, tight = RequirementTable(), UNIFIED.with_budgets({0: 30_000 + 12_288})
    who = [table.requesters.add("visibleModel", f"object{i}") for i in range(4)]
    for i in range(3):
        table.add(buffer(i, 10_000), who[i])
    first = coalesce(table)
    plan = make_plan(first, tight)
    table.remove([who[0], who[2]])
    table.add(buffer(7, 20_000), who[3])
    after = make_plan(coalesce(table, first), tight, plan)
    assert validate(after) == []
    assert after.memory.subresources["key"].tolist() == [1, 7]
    assert after.planned_bytes == 30_000


def test_no_key_is_placed_in_a_free_range_of_a_closed_page():
    keys = Keys()
    full = make_plan(needs(*map(buffer, range(4)), keys=keys), UNIFIED)
    plan = make_plan(needs(*map(buffer, range(3)), keys=keys), UNIFIED, full)
    (page,) = plan.memory.resources["id"].tolist()
    wanted, leaving = needs(*map(buffer, range(3)), keys=keys), np.array([0], np.int64)
    for closed in ([], [page]):
        resident = replace(plan, _packing=[])
        found = PlanningRound(
            wanted, UNIFIED, resident, Policy(), plan.terms, Keep.OLD_RANGES, leaving, closed
        ).run()
        moved = found.memory.subresource_table.row(0)
        assert (moved["resource"] == page) is np.bool_(not closed)
        if closed:
            assert (
                found.packing.pages.largest((int(Sharing.STATIC), plan.address(1).memory_type, False, False))
                > 0
            )


def facts(packing: Packing) -> tuple[object, ...]:
    """All that a packing knows, without pools in which nothing is left."""
    free = [
        {pool: ranges for pool, ranges in each._pools.items() if ranges}
        for each in (packing.pages, packing.blocks)
    ]
    sizes = +packing.in_pages, +packing.in_blocks
    counts = packing.keys_in, packing.resources_in, packing.heap_used, packing.page_usage
    return (*counts, *sizes, *free, packing.pages._closed)


SMALL = [texture(20 + i, replace(SHAPE, width=8 << i, height=8, mip_levels=1)) for i in range(3)]
LARGE = buffer(30, 200_000, contents=Contents.UNDEFINED)
STEPS = {
    "removed": [buffer(1), SMALL[1]],
    "smaller": [buffer(0, 500), buffer(1), buffer(2, 64), *SMALL, LARGE],
    "replaced": [buffer(0, content=1), buffer(1), buffer(2), *SMALL[:2], LARGE],
    "more": [*map(buffer, range(5)), *SMALL, LARGE, replace(LARGE, key=31)],
    "other usage": [buffer(0, usage=ADDRESS), buffer(1), buffer(2), *SMALL, replace(LARGE, usage=ADDRESS)],
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("keep", [Keep.DENSE_PAGES, Keep.PLACES, Keep.OLD_RANGES])
def test_free_places_after_a_round_are_those_of_its_plan(name: str, keep: Keep):
    keys = Keys()
    plan = make_plan(needs(*map(buffer, range(3)), *SMALL, LARGE, keys=keys), UNIFIED)
    wanted = needs(*STEPS[name], keys=keys)
    found = PlanningRound(wanted, UNIFIED, plan, Policy(), plan.terms, keep).run()
    assert facts(found.packing) == facts(Packing.of(found.memory, UNIFIED))


def test_free_places_after_keys_have_left_a_closed_page_are_those_of_the_plan():
    keys = Keys()
    plan = make_plan(needs(*map(buffer, range(4)), keys=keys), UNIFIED)
    (page,) = plan.memory.resources["id"].tolist()
    wanted = needs(*map(buffer, range(3)), keys=keys)
    for leaving in ([0], [0, 1], [0, 1, 2]):
        resident, gone = replace(plan, _packing=[]), np.array(leaving, np.int64)
        found = PlanningRound(
            wanted, UNIFIED, resident, Policy(), plan.terms, Keep.OLD_RANGES, gone, [page]
        ).run()
        assert facts(found.packing) == facts(Packing.of(found.memory, UNIFIED))


def test_a_large_page_is_placed_again_before_what_was_written_to_its_own_memory_is_lost():
    keys, written = Keys(), buffer(9, 1000, contents=Contents.UNDEFINED, dedicated=Dedicated.YES)
    rows = [buffer(i, 100_000) for i in range(3)]
    plan = make_plan(needs(written, *rows, keys=keys), UNIFIED)
    assert plan.memory.allocations["own"].all()
    tight = UNIFIED.with_budgets({0: plan.planned_bytes + 12_288})
    after = make_plan(needs(written, rows[1], buffer(7, 200_000), keys=keys), tight, plan)
    assert validate(after) == []
    assert after.address(9) == plan.address(9)
    assert after.address(1).resource != plan.address(1).resource
