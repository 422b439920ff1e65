"""Claims about the validator of schedules, copy by copy: what just fits, and what is wrong by one."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.cached_needs import DB, DEVICE, buffer, fresh, settled
from support.plans import filled

from engine.plan.model.memory_plan import RESOURCE
from engine.plan.profile.device_profile import QueueFamily
from engine.plan.requirements.requirements import ImageShape
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import IMAGE_COPY, Bind, Fill, Move, SetWindow, Transfer, Window
from engine.plan.schedule.validate_schedule import RANGE, _disjoint, _image, _outside, validate_schedule
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Kind, QueueKind

BYTES = ImageShape(Format.R8_UNORM, 8, 8, 2)
BLOCKS = ImageShape(Format.BC1_RGB_UNORM_BLOCK, 8, 8, 1)


def rules(shape: ImageShape, *copies: dict[str, int], granularity: int | None = None) -> list[str]:
    """The rules that copies to a two-layer image break; `granularity` is that of a transfer queue's rows."""
    size = {"width": shape.width, "height": shape.height, "mip_levels": shape.mip_levels, "samples": 1}
    row = {"kind": int(Kind.IMAGE), "format": int(shape.format), "layers": 2, **size}
    (image,) = filled(RESOURCE, [row])
    families = DEVICE.queue_families
    if granularity is not None:
        queue = QueueFamily(frozenset({QueueKind.TRANSFER}), 1, (1, granularity, 1))
        families = (*families, queue, replace(queue, image_granularity=(9, 9, 9)))
    device = replace(DEVICE, queue_families=families, _cache={})
    plan: Any = SimpleNamespace(policy=Policy(transfer_queue=granularity is not None), profile=device)
    rows = filled(IMAGE_COPY, [{"width": shape.width, "height": shape.height, **copy} for copy in copies])
    return [finding.rule for finding in _image(plan, image, rows, "here")]


LEVEL = {"mip": 1, "width": 4, "height": 4}


@pytest.mark.parametrize(
    ("shape", "copy", "broken"),
    [
        (BYTES, {}, []),
        (BYTES, {"layer": 1}, []),
        (BYTES, LEVEL, []),
        (BYTES, {"layer": 2}, ["12 range"]),
        (BYTES, {"layer": -1}, ["12 range"]),
        (BYTES, {**LEVEL, "mip": 2}, ["12 range"]),
        (BYTES, {"mip": -1}, ["12 range"]),
        (BYTES, {"width": 7}, ["10 rows"]),
        (BYTES, {"width": 9}, ["10 rows"]),
        (BYTES, {**LEVEL, "width": 8}, ["10 rows"]),
        (BYTES, {"y": 1, "height": 7}, []),
        (BYTES, {"height": 1}, []),
        (BYTES, {"y": -1}, ["10 rows"]),
        (BYTES, {"height": 0}, ["10 rows"]),
        (BYTES, {"height": 9}, ["10 rows"]),
        (BYTES, {**LEVEL, "height": 5}, ["10 rows"]),
        (BYTES, {"staging_offset": 1}, []),
        (BLOCKS, {"y": 4, "height": 4}, []),
        (BLOCKS, {"height": 4}, []),
        (BLOCKS, {"y": 2, "height": 6}, ["10 rows", "11 granularity"]),
        (BLOCKS, {"y": 2, "height": 2}, ["10 rows", "11 granularity"]),
        (BLOCKS, {"height": 6}, ["10 rows", "11 granularity"]),
        (replace(BLOCKS, height=6), {"y": 4, "height": 2}, []),
        (BLOCKS, {"staging_offset": 8}, []),
        (BLOCKS, {"staging_offset": 4}, ["10 bufferOffset"]),
        (replace(BYTES, format=Format.R8G8_UNORM), {"staging_offset": 2}, []),
        (replace(BYTES, format=Format.R8G8_UNORM), {"staging_offset": 1}, ["10 bufferOffset"]),
        (replace(BYTES, format=Format.D16_UNORM), {"staging_offset": 2}, ["10 bufferOffset"]),
        (replace(BYTES, format=Format.D16_UNORM), {"staging_offset": 4}, []),
    ],
)
def test_a_copy_to_an_image_is_in_whole_rows_of_its_level_at_an_aligned_offset(shape, copy, broken):
    assert rules(shape, copy) == broken


@pytest.mark.parametrize(
    ("granularity", "shape", "copy", "broken"),
    [
        (1, BYTES, {"y": 1, "height": 1}, []),
        (1, BYTES, {"staging_offset": 2}, ["10 bufferOffset"]),
        (1, BYTES, {"staging_offset": 4}, []),
        (2, BYTES, {"y": 2, "height": 2}, []),
        (2, BYTES, {"y": 1, "height": 3}, ["11 granularity"]),
        (2, BYTES, {"y": 2, "height": 1}, ["11 granularity"]),
        (2, replace(BYTES, height=7), {"y": 6, "height": 1}, []),
        (2, BLOCKS, {"height": 4}, ["11 granularity"]),
        (2, BLOCKS, {"y": 4, "height": 4}, ["11 granularity"]),
        (2, BLOCKS, {}, []),
        (0, BYTES, {}, []),
        (0, BYTES, {"height": 7}, ["11 granularity"]),
        (0, BYTES, {"y": 1, "height": 7}, ["11 granularity"]),
    ],
)
def test_a_transfer_queue_copies_multiples_of_its_rows_or_whole_levels(granularity, shape, copy, broken):
    assert rules(shape, copy, granularity=granularity) == broken


@pytest.mark.parametrize(
    ("other", "broken"),
    [
        ({"y": 4, "height": 4}, []),
        ({"y": 3, "height": 5}, ["12 disjoint"]),
        ({"y": 0, "height": 4}, ["12 disjoint"]),
        ({"y": 3, "height": 5, "layer": 1}, []),
        ({**LEVEL, "y": 3, "height": 1}, []),
    ],
)
def test_rows_of_one_level_are_copied_once(other, broken):
    assert rules(BYTES, {"height": 4}, other) == broken
    assert rules(BYTES, other, {"height": 4}) == broken


def test_a_range_is_not_empty_and_ends_within_its_buffer():
    cases = [(0, 10), (0, 11), (9, 1), (10, 1), (-1, 5), (0, 0), (5, -1), (1, 9), (1, 10)]
    offset, size = np.array(cases).T
    found = _outside(offset, size, np.full(1, 10), "range")
    assert [f.where for f in found] == [
        f"range {i} of {size[i]} bytes at {offset[i]}" for i in (1, 3, 4, 5, 6, 8)
    ]


def test_ranges_of_one_resource_do_not_overlap():
    def found(*ranges: tuple[int, int, int]) -> list[str]:
        return [f.where for f in _disjoint(np.array(list(ranges), RANGE), "copies", "here")]

    assert found((1, 0, 10), (1, 10, 5), (1, 20, 5)) == []
    assert found((1, 0, 11), (1, 10, 5)) == ["here: copies 1 at 0 and at 10"]
    assert found((1, 0, 10), (2, 5, 10)) == []
    assert found((1, 0, 10)) == found() == []


def broken(step: object, resident: Resident | None = None) -> list[str]:
    """The rules that a schedule of one step more breaks."""
    made = fresh([buffer(0), buffer(1)])
    return [
        f.rule for f in validate_schedule(resident or Resident(), replace(made, steps=(*made.steps, step)))
    ]


def test_a_window_is_no_larger_than_the_policy_allows():
    limit = Policy().window
    assert broken(SetWindow(0, (Window(1, 0, limit),))) == []
    assert broken(SetWindow(0, (Window(1, 0, limit + 1), Window(2, 0, 5)))) == ["window"]


def test_a_resource_is_bound_once():
    plan, resident, _ = settled([buffer(0)])
    (ident,) = plan.memory.resources["id"].tolist()
    assert broken(Bind(ident, 0, 0)) == ["3 bound once"]
    assert broken(Bind(99, 0, 0)) == []
    assert (
        validate_schedule(resident, replace(fresh([]), steps=(Bind(ident, 0, 0),)))[0].rule == "3 bound once"
    )


def move(sources: list[int], targets: list[int], sizes: list[int], to: int = 0) -> Move:
    columns = (np.array(each, np.int64) for each in (sources, targets, sizes))
    return Move(np.arange(len(sizes), dtype=np.int64) + DB, 0, to, *columns)


@pytest.mark.parametrize(
    ("step", "found"),
    [
        (move([0], [64], [64]), []),
        (move([0], [63], [64]), ["12 disjoint"]),
        (move([64], [0], [64]), []),
        (move([0], [65], [64]), ["12 range"]),
        (move([65], [0], [64]), ["12 range"]),
        (move([0, 32], [64, 96], [32, 32]), []),
        (move([0, 32], [64, 95], [32, 32]), ["12 disjoint"]),
    ],
)
def test_a_move_within_a_buffer_keeps_sources_and_targets_apart(step: Move, found: list[str]):
    assert broken(step) == found


def test_what_is_copied_needs_the_transfer_usages():
    made = fresh([buffer(0)])
    resources = made.plan.memory.resources.copy()
    for usage, steps in (
        (BufferUsage.TRANSFER_DST, ["Transfer"]),
        (BufferUsage.TRANSFER_SRC, []),
        (BufferUsage.TRANSFER_DST | BufferUsage.TRANSFER_SRC, ["Transfer"]),
    ):
        changed = resources.copy()
        changed["usage"] = int(BufferUsage.VERTEX_BUFFER) | (3 & ~int(usage))
        memory = replace(
            made.plan.memory, resource_table=type(made.plan.memory.resource_table).of(changed, "id")
        )
        plan = replace(made.plan, memory=memory)
        found = validate_schedule(Resident(), replace(made, plan=plan))
        assert [f.rule for f in found] == ["13 transfer"] * len(steps)
        fill = replace(made, plan=plan, steps=(Fill(np.array([DB], np.int64)),))
        lacks = bool(usage & BufferUsage.TRANSFER_DST)
        assert [f.rule for f in validate_schedule(Resident(), fill)] == ["13 transfer"] * lacks


def test_staging_is_mapped_and_coherent():
    made = fresh([buffer(0)])
    (at,) = (i for i, step in enumerate(made.steps) if isinstance(step, Transfer))
    table = made.plan.staging.allocation_table
    local = next(i for i, t in enumerate(DEVICE.memory_types) if not int(t.properties) & 4)
    for change in ({"mapped": False}, {"memory_type": local}):
        rows = table.array.copy()
        for name, value in change.items():
            rows[name] = value
        staging = replace(made.plan.staging, allocation_table=type(table).of(rows, "id"))
        found = validate_schedule(Resident(), replace(made, plan=replace(made.plan, staging=staging)))
        assert [f.rule for f in found] == ["9 atom"]
        assert f"step {at} (Transfer)" in found[0].where
