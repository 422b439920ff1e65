"""`plan` prints the same text for the same input, without a GPU, for any profile."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import Run
from support.limits import limit

from engine.humon import parse

SCENE = "scenes/cube.hu"


def test_two_runs_print_the_same_bytes(engine: Run, engine_process: Run) -> None:
    first, second = engine_process("plan", SCENE), engine("plan", SCENE)  # of two processes, hashes differ
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    root = parse(first.stdout, "plan").root["featureDb"]
    for plan in ("memoryPlan", "shaderPlan", "pipelinePlan", "descriptorSetPlan"):
        assert len(root[plan]) > 0


def test_every_subresource_says_why(engine: Run) -> None:
    text = engine("plan", SCENE).stdout
    memory = parse(text, "plan").root["featureDb"]["memoryPlan"]
    reasons = [
        [why.text for why in subresource["why"]]
        for _, allocations in memory.items()
        for allocation in allocations
        for resource in allocation["resources"]
        for subresource in resource["subresources"]
    ]
    assert len(reasons) > 10
    assert all(reasons)
    assert any(
        why.startswith("shadowCaster on 'cube' at scenes/cube.hu:") for whys in reasons for why in whys
    )


def test_requirements_are_printed_with_their_addresses_and_requesters(
    engine: Run, engine_process: Run
) -> None:
    done = engine_process("plan", SCENE, "--requirements")
    assert done.returncode == 0, done.stderr
    assert done.stdout == engine("plan", SCENE, "--requirements").stdout
    root = parse(done.stdout, "requirements").root
    entries = {
        tuple(a.text for a in e["assetDbAddress"]): e for e in root["featureDb"] if "transient" not in e
    }
    vertices = entries["assetDb0", "2"]
    assert vertices["size"].text == "1632"
    assert [usage.text for usage in vertices["usages"]][1:] == ["transfer_dst_bit", "vertex_buffer_bit"]
    for entry in root["featureDb"]:
        for name in ("memoryProperties", "size", "usages", "queues", "dedicated", "address"):
            assert name in entry
        assert entry["why"][0].text
    asked = [e for e in root["featureReqs"] if "assetCache" in e]
    assert "assetDb0 vertices #2" in [entry["assetCache"].text for entry in asked]
    for entry in root["featureReqs"]:
        assert {"memType", "alloc", "resIdx", "bufImg", "offset"} == {
            name for name, _ in entry["address"].items()
        }
        for name in ("usage", "dedicated", "queues", "why"):
            assert name in entry


def test_requirements_and_a_difference_are_not_printed_at_once(engine: Run) -> None:
    done = engine("plan", SCENE, "--requirements", "--against", "old.hu")
    assert done.returncode == 2
    assert "not allowed with argument" in done.stderr


def test_a_larger_picture_needs_larger_images(engine: Run) -> None:
    small, large = (engine("plan", SCENE, "--size", size).stdout for size in ("320x240", "640x480"))
    planned = [int(parse(text, "plan").root["featureDb"]["plannedBytes"].text) for text in (small, large)]
    assert planned[1] - planned[0] > 640 * 480 * 4 - 320 * 240 * 4


def test_a_budget_leaves_out_what_does_not_fit_and_names_it(engine: Run) -> None:
    tight = ("--size", "320x256", "--profile", "unified", "--budget", "22")
    plan, reasons = engine("plan", SCENE, *tight), engine("why", SCENE, "#11", *tight)
    root = parse(plan.stdout, "plan").root["featureDb"]
    assert [entry["asset"].text for entry in root["leftOut"]] == ["assetDb0 texture2d #11"]
    assert int(root["plannedBytes"].text) <= 22 << 20
    assert "warning[plan.short]" in plan.stderr
    assert "leftOut: true" in reasons.stdout
    assert "leftOut" not in engine("plan", SCENE, "--size", "320x240").stdout
    none = engine("plan", SCENE, *tight[:4], "--budget", "18")
    assert none.returncode == 2
    assert "error[plan.budget]" in none.stderr


def test_it_works_where_neither_vulkan_nor_a_window_system_is_installed(root: Path) -> None:
    code = "import sys\nfor name in ('vulkan', 'glfw', 'imgui_bundle'):\n    sys.modules[name] = None\n"
    code += f"from engine.cli.main import main\nsys.exit(main(['plan', {SCENE!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=limit(100),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("featureDb: {")


def test_out_writes_what_would_be_printed(engine: Run, tmp_path: Path) -> None:
    out = tmp_path / "plan.hu"
    done = engine("plan", SCENE, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert out.read_text(encoding="utf-8") == engine("plan", SCENE).stdout


@pytest.mark.parametrize("profile", ["lavapipe", "assets/profiles/unified.json"])
def test_a_profile_is_given_by_name_or_as_a_file(engine: Run, profile: str) -> None:
    done = engine("plan", SCENE, "--profile", profile)
    assert done.returncode == 0, done.stderr
    assert "featureDb: {" in done.stdout


def test_an_unknown_profile_is_an_error_with_the_nearest_name(engine: Run) -> None:
    done = engine("plan", SCENE, "--profile", "lavapip")
    assert done.returncode == 2
    assert "error[profile.unknown]" in done.stderr
    assert "did you mean 'lavapipe'?" in done.stderr


def test_a_profile_without_a_field_is_an_error_that_names_it(engine: Run, root: Path, tmp_path: Path) -> None:
    profile = json.loads((root / "assets/profiles/lavapipe.json").read_text(encoding="utf-8"))
    del profile["memoryTypes"]
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(profile), encoding="utf-8")
    done = engine("plan", SCENE, "--profile", broken)
    assert done.returncode == 2
    assert f"error[profile.field]: {broken}: memoryTypes is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_scene_that_does_not_fit_names_the_largest_requesters(
    engine: Run, root: Path, tmp_path: Path
) -> None:
    profile = json.loads((root / "assets/profiles/lavapipe.json").read_text(encoding="utf-8"))
    for heap in profile["heaps"]:
        heap["size"] = 40 << 20
    tiny = tmp_path / "tiny.json"
    tiny.write_text(json.dumps(profile), encoding="utf-8")
    done = engine("plan", SCENE, "--profile", tiny)
    assert done.returncode == 2
    assert "error[plan.budget]" in done.stderr
    assert "on 'cube'" in done.stderr


@pytest.mark.gpu
def test_a_recorded_device_can_be_planned_for(engine: Run, tmp_path: Path) -> None:
    record = tmp_path / "this-machine.json"
    done = engine("doctor", "--record", record)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"is in {record}" in done.stdout
    planned = engine("plan", SCENE, "--profile", record)
    assert planned.returncode == 0, planned.stderr
    assert f"profile: {json.loads(record.read_text(encoding='utf-8'))['name'][:4]}" in planned.stdout.replace(
        '"', ""
    )


def test_why_leads_from_a_question_to_the_lines_that_request_it(engine: Run) -> None:
    done = engine("why", SCENE, "shadowCaster")
    assert done.returncode == 0, done.stderr
    answers = parse(done.stdout, "why").root["why"]
    assert "shadowMap" in [answer["asset"].text for answer in answers if "asset" in answer]
    assert "shadow/0" in [answer["name"].text for answer in answers if "name" in answer]
    assert all(any("shadowCaster on" in why.text for why in answer["why"]) for answer in answers)


def test_a_question_about_nothing_is_an_error(engine: Run) -> None:
    done = engine("why", SCENE, "teapot")
    assert done.returncode == 2
    assert "error[why.unknown]" in done.stderr
