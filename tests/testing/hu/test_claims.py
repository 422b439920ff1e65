"""Claims about the claims of test files: each kind fails where it must, with its message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.humon import InputError
from engine.testing.hu.actions import SeveralFailures
from engine.testing.hu.test_files import read_tests
from engine.testing.hu.values import SceneTestFailure

HEAD = """version: 1
scene: {scene}
size: [64 48]
{profile}
tests: {{
    claim: [
"""


def play(root: Path, folder: Path, steps: str, profile: str = "", goldens=None) -> str:
    """Run the steps (from line 7 on) as a test file and return what it fails with; empty if it passes."""
    path = folder / "claim.test.hu"
    scene = (root / "scenes" / "cube.hu").as_posix()
    path.write_text(HEAD.format(scene=scene, profile=profile) + steps + "\n    ]\n}\n", encoding="utf-8")
    (test,) = read_tests(path, "claim.test.hu")
    try:
        test.run(goldens)
    except (SceneTestFailure, SeveralFailures, InputError) as error:
        return str(error)
    return ""


MEMORY = {
    "{ memory: { planned: { atMost: 4MiB } } }": (
        r"claim\.test\.hu:7:40: error\[test\.memory\]: planned memory is \d+\.\d\d MiB \(\d+ bytes\), "
        r"expected at most 4\.00 MiB \(4194304 bytes\)\n    .*\n +\^\nhelp: largest: shadowMap 16\.00 MiB"
    ),
    "{ memory: { live: { atLeast: 1GiB } } }": r"live memory is .*, expected at least 1024\.00 MiB",
    "{ memory: { peak: 12 } }": r"7:37: error\[test\.memory\]: peak memory is .*, expected 12 bytes",
    "{ memory: { heaps: { 0: { live: 1 } } } }": r"live memory in heap 0 is .*, expected 1 bytes",
    "{ memory: { heaps: { 7: { live: 1 } } } }": r"there is no heap '7'\n.*\n.*\nhelp: known: 0",
    "{ memory: { assets: { shadowMap: { bytes: 5 } } } }": r"shadowMap has 16\.00 MiB .*, expected 5 bytes",
    "{ memory: { assets: { shadowMap: { usage: [storage_bit] } } } }": (
        r"shadowMap has the usages depth_stencil_attachment_bit, sampled_bit, expected storage_bit"
    ),
    "{ memory: { assets: { shadowMap: { why: [teapot] } } } }": (
        r"no requester of shadowMap contains 'teapot'\n.*\n.*\nhelp: requested by: .*shadowCaster on"
    ),
    "{ memory: { assets: { shadwMap: { bytes: 5 } } } }": (
        r"'shadwMap'\n.*\n.*\nhelp: did you mean "
        r"'shadowMap'"
    ),
    "{ memory: { freed: { since: opened  atLeast: 16MiB } } }": (
        r"memory has shrunk by 0 bytes since 'opened', expected at "
        r"least 16\.00 MiB .*\n.*\n.*\nhelp: planned: "
    ),
    "{ memory: { grown: { since: opened  exactly: 16 } } }": (
        r"memory has grown by 0 bytes since 'opened', expected 16 "
        r"bytes"
    ),
    "{ memory: { sameAs: lunch } }": (
        r"7:39: error\[test\.moment\]: no moment 'lunch' was remembered before\n.*\n.*\nhelp: .*opened"
    ),
    "{ plan: { has: [teapot] } }": r"7:35: error\[test\.plan\]: nothing in the plan is called 'teapot'",
    "{ plan: { lacks: [shadowMap] } }": (
        r"the plan holds shadowMap\n.*\n.*\nhelp: requested by: "
        r"light on 'sun' at .*cube\.hu:32:19; shadowCaster on 'cube' at .*cube\.hu:13:19"
    ),
    "{ plan: { allocations: 99 } }": r"the plan has \d+ allocations, expected 99",
    "{ schedule: { steps: { atLeast: 5 } } }": (
        r"\[test\.schedule\]: steps since 'opened': 0, expected at "
        r"least 5"
    ),
    "{ problems: [asset.broken] }": (
        r"7:32: error\[test\.problems\]: 'asset\.broken' was not reported\n.*\n.*\nhelp: reported: nothing"
    ),
}
PIXELS = {
    "{ pixels: { sameAs: before } }": r"error\[test\.pixels\]: the frame differs from 'before': \d+ of 3072",
    "{ pixels: { differsFrom: now } }": (
        r"the frame does not differ from 'now': 0 of 3072 pixels \(0\.000%\) "
        r"differ, by up to 0 of 255, expected more than"
    ),
    "{ pixels: { differsFrom: before  onlyInside: [0 0 4 4] } }": (
        r"differs from 'before' outside x 0 y 0 width 4 height 4 too: \d+ of 3056 pixels"
    ),
    "{ pixels: { contains: { color: [0 255 0] } } }": (
        r"0\.000% of the pixels are within 16 of \[0 255 0\], expected at least 0\.100%\n.*\n.*\n"
        r"help: the median colour is \[\d+ \d+ \d+\]"
    ),
    "{ pixels: { lacks: { color: [128 128 128]  within: 255 } } }": (
        r"100\.000% of .*, expected at most "
        r"0\.000%"
    ),
    "{ pixels: { box: [900 900 4 4]  sameAs: now } }": r"the box holds no pixel of 64x48",
    "{ pixels: { mask: nowhere.png  sameAs: now } }": r"there is no mask nowhere\.png in",
    "{ pixels: { sameAs: large } }": r"the frame at 'large' was 80x60, it is 64x48 now",
}


@pytest.mark.parametrize("claim", MEMORY)
def test_a_false_claim_about_memory_or_plan_is_reported_with_its_place_and_the_figures(root, tmp_path, claim):
    said = play(root, tmp_path, f"        {{ expect: {claim} }}", "profile: lavapipe")
    assert re.search(MEMORY[claim], said), said
    assert said.startswith("claim.test.hu:7:")


@pytest.mark.gpu
@pytest.mark.parametrize("claim", PIXELS)
def test_a_false_claim_about_pixels_is_reported_with_its_place_and_the_figures(root, tmp_path, claim):
    steps = "{ resize: [80 60] } settle { remember: large } { resize: [64 48] } settle { remember: before } "
    steps += "{ move: cube  by: [0.4 0 0] } { remember: now }"
    said = play(root, tmp_path, f"{steps} {{ expect: {claim} }}")
    assert re.search(PIXELS[claim], said), said
    assert said.startswith("claim.test.hu:7:")


def test_all_claims_of_a_moment_that_do_not_hold_are_reported_together(root, tmp_path):
    steps = "{ expect: { memory: { planned: 1 }  problems: [a.b]  plan: { has: [teapot] } } }"
    said = play(root, tmp_path, steps, "profile: lavapipe")
    assert re.findall(r"error\[(.*?)\]", said) == ["test.memory", "test.problems", "test.plan"]


def test_a_plan_that_differs_is_reported_with_each_difference_and_its_place(root, tmp_path):
    steps = "{ set: { cube.shadowCaster.active: false } } settle { expect: { plan: { sameAs: opened } } }"
    said = play(root, tmp_path, steps, "profile: lavapipe")
    assert "the plan differs from 'opened'" in said
    assert "@ memoryPlan > memoryType 0 > " in said
    assert said.count("@ memoryPlan > memoryType 0 > ") > 1
    assert " lines more" in said


def test_memory_that_differs_names_new_and_freed_assets(root, tmp_path):
    steps = "{ set: { cube.shadowCaster.active: false } } settle { expect: { memory: { sameAs: opened } } }"
    said = play(root, tmp_path, steps, "profile: lavapipe")
    assert "memory differs from 'opened': live" in said
    assert "gone: frame.cascade.0, shadow.commands, shadow.draws, shadowMap; new: nothing" in said


def test_problems_that_are_not_expected_are_shown_whole(root, tmp_path):
    scene = (root / "tests" / "scenes" / "broken" / "nothing-there.hu").as_posix()
    path = tmp_path / "a.test.hu"
    path.write_text(
        f"scene: {scene}\nprofile: lavapipe\ntests: {{ a: [{{ expect: {{ problems: [] }} }}] }}\n"
    )
    (test,) = read_tests(path, "a.test.hu")
    with pytest.raises(SceneTestFailure) as failed:
        test.run()
    said = str(failed.value)
    assert said.startswith("a.test.hu:3:36: error[test.problems]: reported, but not expected:\n")
    assert said.count("warning[asset.broken]") == 4  # one for each file that is not there
    assert "nothing-there.hu:17:49" in said


@pytest.mark.gpu
def test_a_scene_that_does_not_settle_fails_with_the_steps_still_open(root, tmp_path):
    steps = "{ set: { cube.active: false } } settle { set: { cube.active: true } } { settle: 1 }"
    said = play(root, tmp_path, steps)
    assert re.match(
        r"claim\.test\.hu:7:\d+: error\[test\.settle\]: the scene has not settled after 1 frames: ", said
    )
    assert "steps are open" in said


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (
            "{ set: { cube.shadowCaster.activ: false } }",
            "error[field.unknown]: 'cube.shadowCaster.activ' names no field",
        ),
        ("{ set: { cub.enabled: false } }", "error[object.unknown]: 'cub.enabled' names no object"),
        ("{ set: { sun.light.intensity: much } }", "error[value.number]: 'sun.light.intensity': "),
        ("{ set: { sun.light.color: [1 2] } }", "error[value.count]: 'sun.light.color': "),
        ("{ set: { sun.light.color: [-1 0 0] } }", "write `sun.light.color: [0 0 0]`"),
        ("{ set: { cube.visibleModel.asset: cbue } }", "did you mean `[assetDb0 cube]`?"),
        ("{ move: camra  by: [1 0 0] }", "error[test.step]: there is no object 'camra'"),
    ],
)
def test_a_step_that_cannot_be_done_names_its_place(root, tmp_path, step, said):
    found = play(root, tmp_path, f"        {step}", "profile: lavapipe")
    assert re.match(r"claim\.test\.hu:7:\d+: ", found), found
    assert said in found
    assert step in found
