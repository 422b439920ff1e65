"""Claims about plan text: requesters of every byte, stable bytes, reading, comparing and `why`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.hostile import hostile_edits
from support.limits import limit
from support.random_scenes import NAMES, SMALL, World, needs, profile
from support.sparse_pages import sparse_page

from engine.humon import InputError, Position, parse
from engine.plan.model.drawing_plan import DrawingPlan, DrawingRows
from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.resident.steps import Allocate
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.drawing_rows import ShaderRow
from engine.plan.terms.errors import PlanError
from engine.plan.terms.keys import Keys, asset_key
from engine.plan.terms.vocabulary import BufferUsage, Contents, Kind
from engine.plan.text.plan_difference import difference, difference_text, row_changes
from engine.plan.text.plan_reader import read_plan
from engine.plan.text.plan_text import plan_text
from engine.plan.text.why import Reason, RowReason, Waits, why, why_text
from engine.planning.offline import plan_scene

PRINT = """
import sys
sys.path[:0] = ["tests", "."]
from support.random_scenes import SMALL, World, needs, profile
from engine.plan.placement.planner import make_plan
from engine.plan.text.plan_text import plan_text
import numpy as np
for name in sys.argv[2:]:
    rng = np.random.default_rng(int(sys.argv[1]))
    print(plan_text(make_plan(needs(rng, World.make(rng, 25), 0.8), profile(name), None, SMALL)), end="\\0")
"""


def a_plan(name: str, seed: int = 4, share: float = 0.8) -> Plan:
    rng = np.random.default_rng(seed)
    return make_plan(needs(rng, World.make(rng, 25), share), profile(name), None, SMALL)


def memory_part(text: str) -> str:
    ends = [text.find(part) for part in ("    stagingPlan", "    shaderPlan")]
    return text[text.index("    memoryPlan") : min(end for end in ends if end >= 0)]


@pytest.fixture(scope="module")
def printed(root) -> list[dict[str, str]]:
    """The plan for each profile as two other processes print it, each with a seed of hashes of its own."""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PRINT, "4", *NAMES],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=limit(60),
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    return [dict(zip(NAMES, output.split("\0"), strict=False)) for output in outputs]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_input_gives_the_same_bytes_in_another_process(name, printed):
    assert [texts[name] for texts in printed] == [plan_text(a_plan(name))] * 2


@pytest.mark.parametrize("name", NAMES)
def test_every_subresource_names_its_requesters(name):
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
def test_a_plan_is_the_same_after_writing_and_reading(name):
    plan = a_plan(name)
    again = read_plan(plan_text(plan), plan.profile, SMALL)
    assert memory_part(plan_text(again)) == memory_part(plan_text(plan))


def test_any_text_in_why_is_a_requester():
    plan = two_vertices()
    words = "a\nb at c:99999999999999999999:1"
    text = plan_text(plan).replace("why: [", f'why: ["{words}" ', 1)
    assert words in read_plan(text, plan.profile).why(asset_key(1, 0))


def two_vertices() -> Plan:
    """Two adjacent assets, each requested by one line of a file."""
    table = RequirementTable(Keys(lambda key: f"mesh {key & 0xFF}"))
    for index in range(2):
        row = Requirement(
            asset_key(1, index), Kind.BUFFER, 64, usage=BufferUsage.VERTEX_BUFFER, contents=Contents.CACHE
        )
        place = Position("scenes/test.hu", 7 + index, 5)
        table.add(row, table.requesters.add("visibleModel", f"object{index}", place))
    return make_plan(coalesce(table), profile("unified"))


def test_an_error_for_overlapping_ranges_names_position_assets_and_requesters():
    plan = two_vertices()
    text = plan_text(plan).replace("offset: 64\n", "offset: 60\n")
    with pytest.raises(InputError) as caught:
        read_plan(text, plan.profile, name="old.hu")
    (problem,) = caught.value.problems
    assert problem.code == "plan.text"
    assert problem.message == (
        "overlap: mesh 0 at 0 of resource 0 and mesh 1 at 60 of resource 0; requested by "
        "visibleModel on 'object0' at scenes/test.hu:7:5, visibleModel on 'object1' at scenes/test.hu:8:5"
    )
    lines = text.splitlines()
    assert problem.position is not None
    assert problem.position.file == "old.hu"
    assert any('assetCache: "mesh 1"' in line for line in lines[problem.position.line :][:2])


def test_an_error_for_a_resource_names_the_assets_in_it():
    plan = two_vertices()
    text = plan_text(plan).replace("size: 128\n", "size: 100\n", 1)
    with pytest.raises(InputError, match=r"1 range: resource 0 .*; in it mesh 0, mesh 1; requested by v"):
        read_plan(text, plan.profile)


def test_any_edit_of_a_plan_is_accepted_or_refused(sample):
    plan = a_plan("coarse")
    text = plan_text(plan)
    for seed in sample.seeds(40, 400):
        for start, end, new in hostile_edits(np.random.default_rng(seed), text, 1):
            try:
                old = read_plan(text[:start] + new + text[end:], plan.profile, SMALL)
            except (InputError, PlanError):
                continue
            assert difference(old, plan).schedule.plan.planned_bytes == plan.planned_bytes


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("alignment: 16", "alignment: 0", "'alignment' must be from 1"),
        ("bytes: ", "bytes: 99999999999999999999", "'bytes' must be from 0"),
        ("allocation: 0", "allocation: -1", "'allocation' must be from 0"),
        ("allocation: 1\n", "allocation: 0\n", "allocation 0 exists twice, first at plan.hu:"),
        ("resource: 1\n", "resource: 0\n", "resource 0 exists twice"),
        ("mipLevels: 4", "mipLevels: 999999999", "'mipLevels' must be from 1 to 4"),
        ("dims: [8 8]", "dims: [8]", "expected a list of 2 items, not of 1"),
        ("dims: [8 8]", "dims: [0 8]", "must be from 1 to 65536, not 0"),
        ("layers: ", "layers: -", "'layers' must be from 1"),
        ("address: [1 ", "address: [-1 ", "must be from 0"),
        ("lifetime: [1 2]", "lifetime: [4 2]", "must be from 4"),
        ("own: true", "own: yes", "'own' must be true or false"),
        ("profile: unified", "profile: coarse", "plan.hu: made for 'coarse', but the profile is 'unified'"),
        ("kind: buffer", "kind: bufer", "'bufer' is not known here"),
        ("uniform_buffer_bit", "uniform_bufer_bit", "uniform_bufer_bit"),
        ('"memoryType 0"', '"memory 0"', "'memory 0' is not a memory type"),
        ("footprint: ", "footprnt: ", "has no 'footprint'"),
        ('"memoryType 0"', '"memoryType 9"', "memory type 9, but the profile has 3"),
    ],
)
def test_an_invalid_value_in_a_plan_text_is_named(old, new, words):
    plan = a_plan("unified")
    with pytest.raises((InputError, PlanError), match=words):
        read_plan(plan_text(plan).replace(old, new, 1), plan.profile, SMALL)


def test_str_of_a_plan_is_its_text_and_repr_is_one_line():
    plan = a_plan("unified")
    assert str(plan) == f"{plan}" == plan_text(plan)
    counts = (len(plan.memory.allocations), len(plan.memory.resources), len(plan.memory.subresources))
    size = f"{plan.planned_bytes:,} bytes in {{}} allocations, {{}} resources, {{}} subresources"
    assert repr(plan) == f"<plan for unified: {size.format(*counts)}>"


def test_a_plan_has_no_difference_to_itself():
    plan = a_plan("discrete-window")
    old = read_plan(plan_text(plan), plan.profile, SMALL, keys=plan.requirements.keys)
    found = difference(old, plan)
    assert len(found.schedule) == 0
    assert "compatible: true" in difference_text(found)


def test_rows_of_the_other_plans_are_compared_without_requesters():
    plan = two_vertices()
    one = ShaderRow(asset_key(1, 0), ShaderStage.VERTEX, requesters=(0,))
    old = replace(plan, drawing=DrawingPlan(lambda: DrawingRows([one])))
    others = [replace(one, requesters=(1,)), replace(one, content=1)]
    new = replace(plan, drawing=DrawingPlan(lambda: DrawingRows(others)))
    there = row_changes(plan_text(old), plan_text(new))
    assert there["shaderPlan"] == {"created": 1, "removed": 0, "kept": 1}
    back = row_changes(plan_text(new), plan_text(old))
    assert back["shaderPlan"] == {"created": 0, "removed": 1, "kept": 1}
    assert there["pipelinePlan"] == {"created": 0, "removed": 0, "kept": 0}


def test_a_difference_counts_allocated_freed_moved_and_transferred_bytes():
    old, new = a_plan("unified", share=0.5), a_plan("unified", share=1.0)
    found = difference(read_plan(plan_text(old), old.profile, SMALL, keys=new.requirements.keys), new)
    before, after = (set(p.memory.subresources["key"].tolist()) for p in (old, new))
    assert set(found.added.tolist()) >= {k for k in after - before if k < 1 << 60}
    assert found.plan.planned_bytes == new.planned_bytes == old.planned_bytes + found.allocated - found.freed
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
    who = by_key.requesters[0].split("'")[1]
    assert by_key in why(plan, who)
    assert all("sampled_bit" in reason.usages for reason in why(plan, "sampled_bit"))
    assert who in why_text(plan, f"{db}:{index}")


def test_why_of_a_feature_lists_its_requirements_as_of_the_plan():
    table = RequirementTable()
    seen, cast = table.requesters.add("visibleModel", "a"), table.requesters.add("shadowCaster", "a")
    for key, requesters in ((1, [seen, cast]), (2, [seen]), (3, [cast])):
        vertices = Requirement(key, Kind.BUFFER, 64, usage=BufferUsage.VERTEX_BUFFER)
        table.add(vertices, requesters)
    older = make_plan(known := coalesce(table), profile("unified"))
    text = plan_text(older)
    table.remove(cast)
    newer = make_plan(coalesce(table, known), profile("unified"), older)
    assert [reason.key for reason in why(older, "shadowCaster")] == [1, 3]
    assert [reason.key for reason in why(newer, "a")] == [1, 2]
    with pytest.raises(PlanError):
        why(newer, "shadowCaster")
    assert plan_text(older) == text


@pytest.mark.parametrize("digits", ["9" * 30, "9" * 5000])
def test_why_finds_nothing_at_numbers_that_are_no_address(digits):
    table = RequirementTable()
    vertices = Requirement(1, Kind.BUFFER, 64, usage=BufferUsage.VERTEX_BUFFER)
    table.add(vertices, [table.requesters.add("visibleModel", "a")])
    plan = make_plan(coalesce(table), profile("unified"))
    for question in (f"{digits}/0", f"0/{digits}", f"0/0/{digits}", f"0/0/0/{digits}", f"db:{digits}"):
        with pytest.raises(PlanError) as caught:
            why(plan, question)
        assert caught.value.code == "why.unknown"


def test_why_finds_shaders_pipelines_and_descriptor_sets(root):
    plan = plan_scene(root / "scenes/cube.hu", profile("lavapipe")).plan
    rows = [(r.plan, r.name) for r in why(plan, "assetDb0:6")]
    assert rows == [("shaderPlan", "assetDb0 shader #6"), ("pipelinePlan", "forward/0")]
    assert why(plan, "1:6") == why(plan, "assetDb0:6")
    assert all(reason.requesters for reason in why(plan, "1:6"))
    caster = why(plan, "shadowCaster")
    assert ("pipelinePlan", "shadow/0") in [(r.plan, r.name) for r in caster if isinstance(r, RowReason)]
    (albedo,) = (r for r in why(plan, "assetDb0:8") if isinstance(r, Reason))
    sets = [r.plan for r in why(plan, "assetDb0:8") if isinstance(r, RowReason)]
    assert (albedo.name, set(sets)) == ("assetDb0 texture2d #8", {"descriptorSetPlan"})
    assert "plan: descriptorSetPlan" in why_text(plan, "assetDb0:8")


def test_why_answers_for_staging():
    plan = a_plan("unified")
    row = plan.staging.resources[0]
    at = f"{plan.staging.allocation(int(row['allocation']))['memory_type']}/{row['allocation']}"
    (reason,) = why(plan, at)
    assert (reason.name, reason.requesters) == ("staging 0", ("engine/memory staging",))
    assert reason.bytes == row["bytes"]
    assert reason.usages == ("transfer_src_bit",)


def test_why_without_a_match_is_an_error():
    with pytest.raises(PlanError, match="'nobody'") as caught:
        why(a_plan("unified"), "nobody")
    assert caught.value.code == "why.unknown"


def test_the_bytes_of_all_reasons_add_up_to_the_plan():
    plan = a_plan("unified")
    total = sum(
        reason.bytes
        for part in range(len(plan.profile.memory_types))
        for a in plan.memory.allocations["id"][plan.memory.allocations["memory_type"] == part].tolist()
        for reason in why(plan, f"{part}/{a}")
    )
    assert total + plan.waste_bytes == plan.planned_bytes


def test_the_plan_lists_pages_that_wait_to_be_returned():
    plan = sparse_page()
    assert (plan.planned_bytes, plan.waiting_bytes) == (35_123_200, 34_771_968)
    text = plan_text(plan)
    assert "waitingBytes: 34771968" in text
    (entry,) = parse(text, "plan").root["featureDb"]["waits"]
    values = {key: child.text for key, child in entry.items()}
    assert values == {
        "allocation": "0",
        "resource": "0",
        "bytes": "34771968",
        "why": "1 of 100 layers in use",
    }
    again = read_plan(text, plan.profile)
    assert plan_text(again).split("shaderPlan")[0] == text.split("shaderPlan")[0]


def test_a_plan_in_which_nothing_waits_says_nothing_about_it():
    assert "wait" not in plan_text(sparse_page(range(50)))
    assert not [reason for reason in why(sparse_page(range(50)), "1:7") if isinstance(reason, Waits)]


def test_why_names_the_waiting_page_of_an_asset_an_object_and_an_address():
    plan = sparse_page()
    for question in ("1:7", "object7", "sampled_bit", "1/0", "1/0/0", "1/0/0/7"):
        reason, waits = why(plan, question)
        assert reason.key == asset_key(1, 7)
        assert waits == Waits(
            "memoryType 1, allocation 0, resource 0", plan.waiting_bytes, "1 of 100 layers in use"
        )
    text = why_text(plan, "1:7")
    assert "waits: 34771968" in text
    assert "1 of 100 layers in use" in text


def test_why_answers_for_a_free_place_of_a_waiting_page():
    plan = sparse_page()
    assert [type(reason) for reason in why(plan, "1/0/0/50")] == [Waits]
    for question in ("1/0/1/50", "1/1/0/50", "0/0/0/50"):
        with pytest.raises(PlanError):
            why(plan, question)
    with pytest.raises(PlanError):
        why(sparse_page(range(50)), "1/0/0/50")


GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", NAMES)
def test_a_random_scene_has_its_golden_plan(name):
    assert plan_text(a_plan(name, seed=11, share=0.4)) == (GOLDEN / f"random-{name}.hu").read_text()
