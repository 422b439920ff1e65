"""Claims about the text of requirements: coalesced needs and single requests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.random_scenes import profile

from engine.humon import Position
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement, RequirementTable
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys, asset_key
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    QueueKind,
    Stage,
)
from engine.plan.text.requirement_text import requirement_text, requirement_values

DRAWN = QueueUse(QueueKind.GRAPHICS, Access.VERTEX_ATTRIBUTE_READ, Stage.VERTEX_ATTRIBUTE_INPUT)
VERTICES = Requirement(
    asset_key(1, 2),
    Kind.BUFFER,
    1632,
    usage=BufferUsage.VERTEX_BUFFER,
    uses=(DRAWN,),
    contents=Contents.CACHE,
)
READ = replace(VERTICES, usage=BufferUsage.UNIFORM_BUFFER, dedicated=Dedicated.PREFER)
LINE = Position("scenes/cube.hu", 12, 9)


def planned(transients: tuple[str, ...] = ("map", "atlas")) -> Plan:
    table = RequirementTable(Keys(lambda key: f"assetDb0 vertices #{key & 0xFF}", lambda _db: "assetDb0"))
    model, caster = (table.requesters.add(name, "cube", LINE) for name in ("visibleModel", "shadowCaster"))
    table.add(VERTICES, [model, caster])
    table.add(READ, caster)
    shape = ImageShape(Format.R8G8B8A8_UNORM, 4, 4, 3)
    for name in transients:
        image = Requirement(table.keys.transient(name), Kind.IMAGE, shape=shape, usage=ImageUsage.SAMPLED)
        table.add(image, model)
    return make_plan(coalesce(table), profile("unified"))


def test_there_is_one_entry_per_need_and_one_per_request() -> None:
    values = requirement_values(planned())
    vertices = values["featureDb"][0]
    model, caster = (f"{name} on 'cube' at {LINE}" for name in ("visibleModel", "shadowCaster"))
    assert vertices["assetDbAddress"] == ["assetDb0", 2]
    assert vertices["usages"] == [
        "transfer_src_bit",
        "transfer_dst_bit",
        "uniform_buffer_bit",
        "vertex_buffer_bit",
    ]
    assert (vertices["size"], vertices["dedicated"], vertices["why"]) == (1632, "prefer", [caster, model])
    asked = [entry for entry in values["featureReqs"] if "assetCache" in entry]
    assert [(entry["usage"], entry["dedicated"], entry["why"]) for entry in asked] == [
        (["uniform_buffer_bit"], "prefer", [caster]),
        (["vertex_buffer_bit"], "no", [caster, model]),
    ]
    assert {entry["assetCache"] for entry in asked} == {"assetDb0 vertices #2"}
    assert all(entry["address"] == vertices["address"] for entry in asked)
    assert vertices["address"]["bufImg"] == "buf"


def test_the_text_does_not_depend_on_the_order_of_names() -> None:
    entries = requirement_values(planned())["featureDb"]
    assert [entry["transient"] for entry in entries[1:]] == ["atlas", "map"]
    assert entries[1]["size"] == (16 + 4 + 1) * 4
    one, other = (requirement_values(planned(names)) for names in (("map", "atlas"), ("atlas", "map")))
    for values in (one, other):  # where each lies depends on the order in which they were interned
        for entry in (*values["featureDb"], *values["featureReqs"]):
            del entry["address"]
    assert one == other
    assert requirement_text(planned()) == requirement_text(planned())


def test_a_key_without_memory_is_marked_left_out() -> None:
    plan = planned()
    key = VERTICES.key
    without = plan.memory.subresource_table.changed(
        plan.memory.subresources[:0], plan.memory.subresources["key"][:1]
    )
    short = replace(plan, memory=replace(plan.memory, subresource_table=without), _packing=[])
    assert key not in short.memory
    values = requirement_values(short)
    for entry in (values["featureDb"][0], values["featureReqs"][0]):
        assert entry["leftOut"] is True
        assert "address" not in entry
    with pytest.raises(KeyError):
        short.address(key)
