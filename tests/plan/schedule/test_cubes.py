"""Claims about cubes: an image of six layers for each, printed, read, compared, transferred face by face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.cached_needs import DB, DEVICE, fresh, needs, of, packed, texture

from engine.plan.model.memory_plan import Sharing, shape_of
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import ImageFact, MemoryRequirements
from engine.plan.profile.profile_file import profile_from_json, profile_to_json
from engine.plan.requirements.requirements import ImageShape
from engine.plan.requirements.shapes import layer_bytes, mip_levels, tight_bytes
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import CreateImage, Transfer
from engine.plan.schedule.schedule import make_schedule
from engine.plan.schedule.simulation import SimulatedDevice
from engine.plan.schedule.validate_schedule import validate_schedule
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import ImageUsage
from engine.plan.text.plan_reader import read_plan
from engine.plan.text.plan_text import plan_text
from engine.plan.text.schedule_text import read_schedule, write_schedule
from engine.plan.text.validate import validate
from engine.plan.text.why import why

CUBE = ImageShape(Format.R16G16B16A16_SFLOAT, 8, 8, 4, cube=True)
FACE = 8 * (64 + 16 + 4 + 1)


def test_the_chains_of_the_faces_follow_each_other():
    assert (layer_bytes(CUBE), tight_bytes(CUBE)) == (FACE, 6 * FACE)
    levels = mip_levels(CUBE)
    assert [(level.layer, level.mip) for level in levels] == [(f, m) for f in range(6) for m in range(4)]
    ends = [level.offset + level.size for level in levels]
    assert [level.offset for level in levels] == [0, *ends[:-1]]


def test_each_cube_has_an_image_of_six_layers_of_its_own():
    plan = make_plan(needs(texture(0, CUBE), texture(1, CUBE), texture(2, replace(CUBE, cube=False))), DEVICE)
    rows = plan.memory.resources
    assert rows["layers"].tolist() == [6, 6, 1]
    assert rows["cube"].tolist() == [True, True, False]
    assert rows["sharing"].tolist() == [Sharing.OWN, Sharing.OWN, Sharing.LAYERS]
    place = plan.memory.subresource_table.row(DB)
    assert (place["offset"], place["footprint"], place["size"]) == (0, 6, 6 * FACE)
    assert shape_of(rows[0]) == CUBE
    assert not validate(plan)


def test_every_face_is_copied_to_its_layer():
    schedule = fresh([texture(0, CUBE)])
    (step,) = of(schedule, Transfer)
    copied = [tuple(row) for row in step.image_copies[["layer", "mip", "size"]].tolist()]
    assert copied == [(f, m, 8 * (8 >> m) ** 2) for f in range(6) for m in range(4)]
    assert step.reads.tolist() == [(0, 0, 6 * FACE)]
    (made,) = of(schedule, CreateImage)
    assert (made.shape, made.layers) == (CUBE, 6)
    assert not validate_schedule(Resident(), schedule)


@pytest.mark.parametrize("staging", [1 << 18, 1 << 13])
def test_the_bytes_of_a_cube_arrive_through_staging_of_any_size(staging: int):
    shape = replace(CUBE, width=32, height=32, mip_levels=6)
    row = texture(0, shape)
    cache = np.random.default_rng(1).integers(0, 256, tight_bytes(shape), np.uint8)
    device = SimulatedDevice({1: cache})
    plan = make_plan(needs(row), DEVICE, None, Policy(staging=staging))
    schedule = make_schedule(device.resident, plan, packed(row))
    assert (len(of(schedule, Transfer)) > 1) == (staging < tight_bytes(shape))
    device.run(schedule)
    assert np.array_equal(device.read(DB), cache)


def test_a_plan_and_a_schedule_with_a_cube_are_the_same_after_writing_and_reading():
    schedule = fresh([texture(0, CUBE), texture(1)])
    text = plan_text(schedule.plan)
    assert text.count("cube: true") == 1
    again = read_plan(text, DEVICE)
    assert plan_text(again).split("shaderPlan")[0] == text.split("stagingPlan")[0]
    (made, _) = of(read_schedule(write_schedule(schedule), schedule.plan), CreateImage)
    assert made.shape == CUBE


def test_why_counts_the_bytes_of_all_faces():
    plan = make_plan(needs(texture(0, CUBE)), DEVICE)
    (reason,) = why(plan, "1:0")
    assert reason.bytes == plan.memory.resources["size"][0]
    assert reason.bytes >= 6 * FACE


def test_a_cube_that_is_not_square_is_refused():
    with pytest.raises(PlanError, match="faces of a cube that are 8 x 4 texels, by visibleModel on 'cube'"):
        make_plan(needs(texture(0, replace(CUBE, height=4))), DEVICE)


@pytest.mark.parametrize(("column", "value"), [("width", 4), ("layers", 5), ("samples", 4)])
def test_a_cube_without_six_square_faces_is_a_finding(column: str, value: int):
    plan = make_plan(needs(texture(0, CUBE)), DEVICE)
    plan.memory.resources[column][0] = value
    assert "cube" in {finding.rule for finding in validate(plan)}


def test_a_profile_records_cubes_apart_from_arrays():
    sampled = ImageUsage.SAMPLED
    facts = (
        ImageFact(CUBE, 6, sampled, MemoryRequirements(111, 1, 1)),
        ImageFact(replace(CUBE, cube=False), 6, sampled, MemoryRequirements(77, 1, 1)),
    )
    kept = profile_from_json(profile_to_json(replace(DEVICE, facts=facts, _cache={})))
    assert kept.image_requirements(CUBE, 6, sampled).size == 111
    assert kept.image_requirements(replace(CUBE, cube=False), 6, sampled).size == 77
