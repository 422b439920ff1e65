"""Claims about reading test files: all errors are reported at once, with file, line and column."""

from __future__ import annotations

import pytest

from engine.humon import InputError
from engine.testing.hu.test_files import read_tests


def problems(folder, text: str) -> list[str]:
    path = folder / "a.test.hu"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_tests(path, "a.test.hu")
    return [problem.render().splitlines()[0] for problem in raised.value.problems]


def test_everything_that_is_wrong_in_a_file_is_reported_at_once(tmp_path):
    text = """scene: x.hu
tests: {
    one: [
        settel
        { stp: 0.1 }
        { step: fast }
        { resize: [10] }
        { expect: { memory: { planned: 12MB  heeps: 1 }  pixls: {} } }
    ]
    two: { stepps: [] }
    three: [ { expect: { } } { move: camera } { step: 1  cont: 2 } {} ]
}
"""
    assert problems(tmp_path, text) == [
        "a.test.hu:4:9: error[test.step]: 'settel' is not a step",
        "a.test.hu:5:9: error[test.step]: 'stp' is not a step",
        "a.test.hu:6:17: error[value.number]: 'step' must be a number, not 'fast'",
        "a.test.hu:7:19: error[value.count]: 'resize' must have 2 numbers, not 1",
        "a.test.hu:8:58: error[test.field]: 'expect' has no field 'pixls'",
        "a.test.hu:10:12: error[test.field]: a test has no field 'stepps'",
        "a.test.hu:11:24: error[test.step]: 'expect' has no claim",
        "a.test.hu:11:38: error[test.step]: the move has no target",
        "a.test.hu:11:58: error[test.field]: the step 'step' has no field 'cont'",
        "a.test.hu:11:68: error[test.step]: the step is empty",
    ]


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("memory: { planned: 12MB }", "error[test.amount]: '12MB' is not an amount of memory"),
        ("memory: { planned: { } }", "error[test.amount]: no bound is given"),
        ("memory: { planned: { atmost: 1 } }", "error[test.field]: a figure has no field 'atmost'"),
        ("memory: { freed: { atLeast: 1 } }", "error[value.missing]: 'freed' has no 'since'"),
        ("memory: 12", "error[value.kind]: 'memory' must be a dict { }, not a value"),
        ("plan: { has: shadowMap }", "error[value.kind]: 'has' must be a list [ ], not a value"),
        ("pixels: { box: [1 2 3] }", "error[value.count]: 'box' must have 4 numbers, not 3"),
        ("pixels: { levels: 400 }", "error[value.range]: 'levels' must be from 0 to 255, not 400"),
        ("pixels: { onlyInside: [0 0 1 1] }", "error[test.field]: 'onlyInside' needs 'differsFrom'"),
        ("pixels: { contains: { within: 3 } }", "error[value.missing]: 'contains' has no 'color'"),
        ("problems: none", "error[value.kind]: 'problems' must be a list [ ], not a value"),
        ("schedule: { uploads: 3 }", "error[test.field]: schedule has no field 'uploads'"),
    ],
)
def test_a_claim_that_cannot_be_read_is_reported_with_its_place(tmp_path, claim, said):
    (found,) = problems(tmp_path, f"scene: x.hu\ntests: {{ a: [\n{{ expect: {{ {claim} }} }}\n] }}\n")
    assert found.startswith("a.test.hu:3:")
    assert found.endswith(said.partition("] ")[2] or said)
    assert said in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests: { a: [settle] }", "1:13: error[value.missing]: the test 'a' has no scene"),
        ("scene: x.hu", "error[value.missing]: this entry has no 'tests'"),
        ("scene: x.hu tests: [ ]", "error[value.kind]: 'tests' must be a dict { }"),
        ("version: 9 scene: x.hu tests: { }", "1:10: error[test.version]: the file has version 9"),
        ("sceen: x.hu tests: { }", "1:1: error[test.field]: a test file has no field 'sceen'"),
        ("scene: x.hu size: [0 4] tests: { a: [] }", "error[value.range]: this entry must be"),
        ("scene: x.hu size: 4 tests: { a: [] }", "error[value.count]: 'size' must be [WIDTH HEIGHT]"),
        (
            "scene: x.hu profile: unifed tests: { a: [] }",
            "error[test.profile]: there is no recorded profile 'unifed'",
        ),
        (
            "scene: x.hu profile: unified tests: { a: [{ expect: { pixels: { golden: a } } }] }",
            "error[test.profile]: nothing is drawn for a profile, so there are no pixels to check",
        ),
        ("scene: x.hu tests: { a: [ }", "error[humon."),
        ("", "error[humon.empty]"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported_with_its_place(tmp_path, text, said):
    found = problems(tmp_path, text)
    assert said in found[0]
    assert found[0].startswith("a.test.hu")


def test_a_test_counts_once_for_each_of_its_profiles(tmp_path):
    path = tmp_path / "a.test.hu"
    path.write_text(
        "scene: x.hu profiles: [coarse uni*] tests: { a: [settle]  b: { profile: lavapipe steps: [] } }"
    )
    found = read_tests(path)
    assert [(test.name, test.profile) for test in found] == [
        ("a[coarse]", "coarse"),
        ("a[unified]", "unified"),
        ("b", "lavapipe"),
    ]


def test_a_scene_that_is_not_there_is_reported_at_its_name(tmp_path):
    path = tmp_path / "a.test.hu"
    path.write_text("scene: x.hu\ntests: { a: [] }")
    (test,) = read_tests(path, "a.test.hu")
    with pytest.raises(InputError) as raised:
        test.run()
    assert str(raised.value).startswith("a.test.hu:1:8: error[file.missing]: there is no scene ")


def test_a_size_of_a_test_comes_before_that_of_the_file(tmp_path):
    path = tmp_path / "a.test.hu"
    path.write_text("scene: x.hu size: [10 20] tests: { a: [settle]  b: { size: [30 40]  steps: [settle] } }")
    assert [test.size for test in read_tests(path)] == [(10, 20), (30, 40)]


def test_a_profile_may_be_a_file_beside_the_test(tmp_path):
    path = tmp_path / "a.test.hu"
    path.write_text("scene: x.hu profile: mine.json tests: { a: [settle] }")
    (test,) = read_tests(path, "elsewhere/a.test.hu")
    assert test.profile == str(tmp_path / "mine.json")
