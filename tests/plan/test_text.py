"""Plan text: why on every byte, the same bytes each time, read back, compared and asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.random_scenes import NAMES, SMALL, World, needs, profile

from engine.humon import InputError, parse
from engine.plan.coalesce import coalesce
from engine.plan.difference import difference, difference_text
from engine.plan.errors import PlanError
from engine.plan.plan import Plan
from engine.plan.planner import make_plan
from engine.plan.reading import read_plan
from engine.plan.requirements import Requirement, RequirementTable
from engine.plan.steps import Allocate
from engine.plan.text import plan_text
from engine.plan.vocabulary import BufferUsage, Kind
from engine.plan.why import why, why_text

PRINT = """
import sys
sys.path[:0] = ["tests", "."]
from support.random_scenes import SMALL, World, needs, profile
from engine.plan.planner import make_plan
from engine.plan.text import plan_text
import numpy as np
rng = np.random.default_rng(int(sys.argv[1]))
print(plan_text(make_plan(needs(rng, World.make(rng, 25), 0.8), profile(sys.argv[2]), None, SMALL)))
"""


def a_plan(name: str, seed: int = 4, share: float = 0.8) -> Plan:
    rng = np.random.default_rng(seed)
    return make_plan(needs(rng, World.make(rng, 25), share), profile(name), None, SMALL)


def memory_part(text: str) -> str:
    ends = [text.find(part) for part in ("    stagingPlan", "    shaderPlan")]
    return text[text.index("    memoryPlan") : min(end for end in ends if end >= 0)]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_input_gives_the_same_bytes_in_another_process(name, root):
    told = [
        subprocess.run(
            [sys.executable, "-c", PRINT, "4", name],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1] == plan_text(a_plan(name)) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_subresource_says_why(name):
    plan = a_plan(name)
    root = parse(plan_text(plan), "plan.hu").root["featureDb"]
    seen = 0
    for blocks in root["memoryPlan"]:
        for block in blocks:
            for resource in block["resources"]:
                for place in resource["subresources"]:
                    assert len(place["why"]) > 0
                    seen += 1
    assert seen == len(plan.memory.subresources)


@pytest.mark.parametrize("name", NAMES)
def test_a_plan_reads_back_as_it_was(name):
    plan = a_plan(name)
    again = read_plan(plan_text(plan), plan.profile, SMALL)
    assert memory_part(plan_text(again)) == memory_part(plan_text(plan))


def test_a_plan_edited_so_that_ranges_overlap_is_refused():
    plan = a_plan("unified")
    text = plan_text(plan)
    place = plan.memory.subresources[plan.memory.subresources["offset"] > 100][0]
    broken = text.replace(f"offset: {place['offset']}\n", f"offset: {place['offset'] - 1}\n")
    assert broken != text
    with pytest.raises(PlanError, match=r"(overlap|alignment|layer)") as caught:
        read_plan(broken, plan.profile, SMALL)
    assert caught.value.code == "plan.text"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: buffer", "kind: bufer", "'bufer' is not known here"),
        ("uniform_buffer_bit", "uniform_bufer_bit", "uniform_bufer_bit"),
        ('"memoryType 0"', '"memory 0"', "'memory 0' is no memory type"),
        ("footprint: ", "footprnt: ", "footprint"),
        ('"memoryType 0"', '"memoryType 9"', "memory type 9, and the profile has 3"),
    ],
)
def test_what_is_wrong_in_a_plan_text_is_named(old, new, words):
    plan = a_plan("unified")
    with pytest.raises((InputError, PlanError), match=words):
        read_plan(plan_text(plan).replace(old, new, 1), plan.profile, SMALL)


def test_a_plan_differs_from_itself_in_nothing():
    plan = a_plan("discrete-window")
    old = read_plan(plan_text(plan), plan.profile, SMALL, keys=plan.requirements.keys)
    found = difference(old, plan.requirements)
    assert len(found.schedule) == 0
    assert "compatible: true" in difference_text(found)


def test_a_difference_counts_what_it_takes():
    old, new = a_plan("unified", share=0.5), a_plan("unified", share=1.0)
    found = difference(
        read_plan(plan_text(old), old.profile, SMALL, keys=new.requirements.keys), new.requirements
    )
    before, after = (set(p.memory.subresources["key"].tolist()) for p in (old, new))
    assert set(found.added.tolist()) >= {k for k in after - before if k < 1 << 60}
    assert found.plan.planned_bytes == old.planned_bytes + found.allocated - found.freed
    staging = set(found.plan.staging.allocations["id"].tolist())
    made = [s for s in found.schedule.steps if isinstance(s, Allocate) and s.allocation not in staging]
    assert found.allocated == sum(s.size for s in made) > 0
    assert found.transferred > 0
    assert "compatible: false" in difference_text(found)


def test_why_answers_for_asset_object_usage_and_address():
    plan = a_plan("unified")
    key = int(plan.memory.subresources["key"][0])
    db, index = key >> 32, key & 0xFFFFFFFF
    (by_key,) = why(plan, f"{db}:{index}")
    assert by_key.key == key
    at = by_key.address
    (by_address,) = why(plan, f"{at.memory_type}/{at.allocation}/{at.resource}/{at.offset}")
    assert by_address == by_key
    assert by_key in why(plan, f"{at.memory_type}/{at.allocation}")
    who = by_key.askers[0].split("'")[1]
    assert by_key in why(plan, who)
    assert all("sampled_bit" in reason.usages for reason in why(plan, "sampled_bit"))
    assert who in why_text(plan, f"{db}:{index}")


def test_why_of_a_feature_is_all_that_it_asks_for_and_an_older_plan_tells_who_asked_then():
    table = RequirementTable()
    seen, cast = table.askers.add("visibleModel", "a"), table.askers.add("shadowCaster", "a")
    for key, askers in ((1, [seen, cast]), (2, [seen]), (3, [cast])):
        vertices = Requirement(key, Kind.BUFFER, 64, usage=BufferUsage.VERTEX_BUFFER)
        table.add(vertices, askers)
    older = make_plan(known := coalesce(table), profile("unified"))
    text = plan_text(older)
    table.remove(cast)
    newer = make_plan(coalesce(table, known), profile("unified"), older)
    assert [reason.key for reason in why(older, "shadowCaster")] == [1, 3]
    assert [reason.key for reason in why(newer, "a")] == [1, 2]
    with pytest.raises(PlanError):
        why(newer, "shadowCaster")
    assert plan_text(older) == text


def test_why_says_when_nothing_fits():
    with pytest.raises(PlanError, match="'nobody'") as caught:
        why(a_plan("unified"), "nobody")
    assert caught.value.code == "why.unknown"


def test_bytes_of_why_add_up_to_the_plan():
    plan = a_plan("unified")
    total = sum(
        reason.bytes
        for part in range(len(plan.profile.memory_types))
        for a in plan.memory.allocations["id"][plan.memory.allocations["memory_type"] == part].tolist()
        for reason in why(plan, f"{part}/{a}")
    )
    assert total + plan.waste_bytes == plan.planned_bytes


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", NAMES)
def test_a_random_scene_has_its_golden_plan(name):
    assert plan_text(a_plan(name, seed=11, share=0.4)) == (GOLDEN / f"random-{name}.hu").read_text()
