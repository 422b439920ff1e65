"""The seed's own examples: from its lists of needs to coalesced usages, queues and addresses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.random_scenes import profile

from engine.plan.model.memory_plan import Address
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.profile.device_profile import DeviceProfile, QueueFamily
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement, RequirementTable
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    QueueKind,
    Stage,
    flag_names,
)
from engine.plan.text.plan_text import plan_values

VERTICES, INDICES, ALBEDO, NORMAL = (asset_key(0, i) for i in range(4))
DRAW = QueueUse(QueueKind.GRAPHICS, Access.SHADER_READ, Stage.VERTEX_SHADER)
COMPUTE = QueueUse(QueueKind.COMPUTE, Access.SHADER_READ, Stage.COMPUTE_SHADER)
TRANSFER = QueueUse(QueueKind.TRANSFER, Access.TRANSFER_WRITE, Stage.TRANSFER)
BRICK = ImageShape(Format.R8G8B8A8_UNORM, 256, 256)
STAYS = Policy(movable=False)  # the seed moves nothing, so nothing is TRANSFER_SRC


def seed_device() -> DeviceProfile:
    """One memory type, uniform buffers aligned to 16 bytes, and a transfer-only queue."""
    device = profile("lavapipe")
    limits = replace(device.limits, min_uniform_buffer_offset_alignment=16)
    copier = QueueFamily(frozenset({QueueKind.TRANSFER}))
    return replace(device, limits=limits, queue_families=(*device.queue_families, copier), _cache={})


def seed_plan() -> Plan:
    table = RequirementTable()
    model, caster = table.requesters.add("visibleModel", "cube"), table.requesters.add("shadowCaster", "cube")
    buffers = ((VERTICES, 2000, BufferUsage.VERTEX_BUFFER), (INDICES, 1200, BufferUsage.INDEX_BUFFER))
    for key, size, usage in buffers:
        first = Requirement(
            key,
            Kind.BUFFER,
            size,
            usage=usage,
            uses=(DRAW,),
            dedicated=Dedicated.PREFER,
            contents=Contents.CACHE,
        )
        table.add(first, model)
        table.add(replace(first, usage=BufferUsage.UNIFORM_BUFFER, uses=(COMPUTE,)), caster)
    for key in (ALBEDO, NORMAL):
        image = Requirement(
            key, Kind.IMAGE, shape=BRICK, usage=ImageUsage.SAMPLED, uses=(DRAW,), contents=Contents.CACHE
        )
        table.add(image, model)
    return make_plan(coalesce(table), seed_device(), None, STAYS)


def test_the_list_of_features_is_that_of_the_seed():
    # `featureDb: [...]`: dedicated entries share one buffer there, so it means PREFER; index_shader_bit is no
    # stage of Vulkan, and VERTEX_INPUT stands for it.
    vertices, indices = asset_key(0, 2), asset_key(0, 1)
    read = QueueUse(QueueKind.GRAPHICS, Access.SHADER_READ, Stage.VERTEX_INPUT)
    table = RequirementTable()
    model = table.requesters.add("visibleModel", "cube")
    for key, size, usage, use in (
        (vertices, 1632, BufferUsage.VERTEX_BUFFER, DRAW),
        (indices, 1200, BufferUsage.INDEX_BUFFER, read),
    ):
        row = Requirement(key, Kind.BUFFER, size, usage=usage, uses=(use,), dedicated=Dedicated.PREFER)
        table.add(replace(row, contents=Contents.CACHE), model)
    plan = make_plan(coalesce(table), seed_device(), None, STAYS)
    (resource,) = plan_values(plan)["featureDb"]["memoryPlan"]["memoryType 0"][0]["resources"]
    assert (resource["kind"], resource["bytes"]) == ("buffer", 1632 + 1200)
    second, first = resource["subresources"]
    assert (first["address"], second["address"]) == ([0, 2], [0, 1])
    assert first["usages"] == ["transfer_dst_bit", "vertex_buffer_bit"]
    assert second["usages"] == ["transfer_dst_bit", "index_buffer_bit"]
    assert first["queues"] == [
        ["graphics", "shader_read_bit", "vertex_shader_bit"],
        ["transfer", "transfer_write_bit", "transfer_bit"],
    ]
    assert first["memoryProperties"] == second["memoryProperties"] == ["deviceLocal"]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return seed_plan()


def test_usages_of_features_are_merged_with_those_of_the_engine(plan):
    terms = plan.terms[int(plan.memory.subresource_table.row(VERTICES)["terms"])]
    assert flag_names(terms.usage_flags) == ("transfer_dst_bit", "uniform_buffer_bit", "vertex_buffer_bit")
    terms = plan.terms[int(plan.memory.subresource_table.row(INDICES)["terms"])]
    assert flag_names(terms.usage_flags) == ("transfer_dst_bit", "uniform_buffer_bit", "index_buffer_bit")


def test_queue_uses_are_united_and_a_transfer_only_queue_is_added(plan):
    terms = plan.terms[int(plan.memory.subresource_table.row(VERTICES)["terms"])]
    assert set(terms.uses) == {DRAW, COMPUTE, TRANSFER}


def test_vertices_and_indices_share_one_buffer_at_the_seeds_addresses(plan):
    assert plan.address(VERTICES) == Address(0, 0, 0, Kind.BUFFER, 0)
    assert plan.address(INDICES) == Address(0, 0, 0, Kind.BUFFER, 2000)


def test_textures_of_one_shape_are_layers_of_one_image(plan):
    albedo, normal = plan.address(ALBEDO), plan.address(NORMAL)
    assert albedo.kind is normal.kind is Kind.IMAGE
    assert (albedo.memory_type, albedo.resource) == (normal.memory_type, normal.resource) == (0, 1)
    assert (albedo.offset, normal.offset) == (0, 1)  # layers; linear and optimal lie in separate allocations
    assert albedo.allocation != plan.address(VERTICES).allocation


def test_the_shared_buffer_has_all_usages_and_every_subresource_its_own(plan):
    block = plan_values(plan)["featureDb"]["memoryPlan"]["memoryType 0"][0]
    resource = next(r for r in block["resources"] if r["kind"] == "buffer")
    assert set(resource["usages"]) == {
        "transfer_dst_bit",
        "uniform_buffer_bit",
        "index_buffer_bit",
        "vertex_buffer_bit",
    }
    assert resource["queues"] == ["graphics", "compute", "transfer"]
    assert [s["size"] for s in resource["subresources"]] == [2000, 1200]


def test_why_names_both_features(plan):
    assert plan.why(VERTICES) == "shadowCaster on 'cube', visibleModel on 'cube'"
