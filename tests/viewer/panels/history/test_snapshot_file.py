"""Snapshots are written and read back the same; a bad file is an input error with its place."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.hostile import hostile_edits
from support.random_scenes import profile
from support.sampling import Sample, amount
from support.scenes import CUBE

from engine.humon import InputError
from engine.planning.offline import plan_scene
from viewer.panels.history.files import snapshot_file, snapshot_reader
from viewer.panels.history.files.snapshot_file import snapshot_text, write_snapshot
from viewer.panels.history.files.snapshot_reader import parse_snapshot, read_snapshot
from viewer.panels.history.files.snapshot_summary import snapshot_summary
from viewer.panels.history.memory_delta import Change, delta
from viewer.panels.history.memory_image import MemoryImage, WrittenNames
from viewer.panels.history.row_changes import row_texts
from viewer.panels.history.snapshots import RowTexts, Snapshot

NASTY = "a ##b %s, \u05d0\u05d1 \u65e5\u672c \U0001f600 ^x^ \" ' ` \n // { ] @"


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    plan = plan_scene(CUBE, profile("discrete-window"), (64, 64)).plan
    return Snapshot("before", "cube.hu", 12, MemoryImage.of(plan), plan.planned_bytes, {"VkImage": 9})


def rows_of(one: Snapshot) -> RowTexts | None:
    """The rows of its other plans."""
    return one.rows if one.plan is None else row_texts(one.plan)


def assert_same(one: Snapshot, two: Snapshot) -> None:
    assert (one.name, one.scene, one.frame) == (two.name, two.scene, two.frame)
    assert (one.live_bytes, one.objects) == (two.live_bytes, two.objects)
    assert one.image.device == two.image.device
    assert rows_of(one) == rows_of(two)
    for table in ("allocations", "resources", "places"):
        assert np.array_equal(getattr(one.image, table), getattr(two.image, table)), table
    for key in one.image.places["key"].tolist():
        assert one.image.names.name(key) == two.image.names.name(key)
        assert one.image.names.why(key) == two.image.names.why(key)


def test_a_snapshot_is_read_back_as_it_was_written(snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "a.snapshot.hu"
    write_snapshot(path, snapshot)
    again = read_snapshot(path)
    assert_same(snapshot, again)
    assert snapshot_text(again) == path.read_text(), "the same bytes again"
    found = delta(snapshot.image, again.image)
    assert (found.change == Change.SAME).all()


def test_a_file_without_rows_of_other_plans_is_read(snapshot: Snapshot) -> None:
    text = snapshot_text(snapshot)
    at = text.index("    rows: {")
    again = parse_snapshot(text[:at] + text[text.index("\n    }", at) + 6 :], "s.hu")
    assert again.rows is None
    assert again.image.allocated == snapshot.image.allocated
    assert parse_snapshot(snapshot_text(again), "s.hu").rows is None


def test_a_summary_does_not_control_a_terminal(snapshot: Snapshot) -> None:
    made = replace(snapshot, name="a\x1b[2J", scene="b\x07\x9bc")
    assert snapshot_summary(made).splitlines()[0].startswith("snapshot 'a\ufffd[2J' of b\ufffd\ufffdc, ")


def test_requesters_of_many_keys_are_those_of_each(snapshot: Snapshot) -> None:
    names, keys = snapshot.image.names, snapshot.image.places["key"].astype(np.int64)
    assert list(names.every_why(keys)) == [names.why(key) for key in keys.tolist()]
    assert list(names.every_why(keys[3:5])) == [names.why(key) for key in keys[3:5].tolist()]
    assert list(names.every_why(keys[:0])) == []


def test_names_may_hold_anything(snapshot: Snapshot) -> None:
    keys = snapshot.image.places["key"].tolist()
    names = WrittenNames(dict.fromkeys(keys, NASTY), dict.fromkeys(keys, (NASTY, "x")))
    image = replace(snapshot.image, names=names)
    nasty = replace(snapshot, name=NASTY.replace("\n", " "), scene=NASTY, image=image)
    assert_same(nasty, parse_snapshot(snapshot_text(nasty), "x"))


def test_tables_of_several_texts_are_read_whole(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_file, "LINES", 3)
    text = snapshot_text(snapshot)
    assert_same(snapshot, parse_snapshot(text, "x"))
    last = text.splitlines().index(next(line for line in text.splitlines() if "shadowMap" in line))
    lines = text.splitlines()
    lines[last] = lines[last].replace(" ", " x", 1)
    with pytest.raises(InputError) as error:
        parse_snapshot("\n".join(lines), "x")
    assert error.value.problems[0].position.line == last + 1


BAD = {
    "snapshot.version": (r"version: 1\b", "version: 2"),
    "value.missing": (r"liveBytes: \d+", ""),
    "value.kind": (r"heaps: \[", "heaps: x  other: ["),
    "value.integer": (r"frame: 12", "frame: 1.5"),
}


@pytest.mark.parametrize("code", BAD)
def test_a_wrong_shape_is_reported_with_its_place(snapshot: Snapshot, code: str) -> None:
    pattern, put = BAD[code]
    text, count = re.subn(pattern, put, snapshot_text(snapshot), count=1)
    assert count == 1
    with pytest.raises(InputError) as error:
        parse_snapshot(text, "s.hu")
    problem = error.value.problems[0]
    assert problem.code.startswith(code.split(".")[0])
    assert problem.position.file == "s.hu"
    assert problem.position.line >= 1


ROWS = {
    "a number is missing": ("resources", lambda row: row.rpartition(" ")[0], "has 18 numbers"),
    "no number": ("resources", lambda row: re.sub(r"^\d+", "1.5", row), "'1.5' in a row of resources"),
    "too large": ("allocations", lambda row: re.sub(r"^\d+", "9" * 30, row), "whole number of 64 bits"),
    "negative": ("allocations", lambda row: "-" + row, "id of a row of allocations is"),
    "flag": ("allocations", lambda row: re.sub(r"\d+$", "7", row), "linear of a row of allocations is 7"),
    "no home": ("resources", lambda row: re.sub(r"^(\d+) \d+", r"\1 9999", row), "no allocation 9999"),
    "outside": (
        "resources",
        lambda row: re.sub(r"^(\d+ \d+) \d+", rf"\1 {1 << 43}", row),
        "beyond its allocation",
    ),
    "no resource": ("places", lambda row: re.sub(r"^(\d+) \d+", r"\1 9999", row), "no resource 9999"),
    "beyond": ("places", lambda row: re.sub(r"^(\d+ \d+) \d+", rf"\1 {1 << 43}", row), "beyond its resource"),
    "unquoted": ("places", lambda row: row.rstrip('"'), "not a row of places"),
    "requester": ("places", lambda row: re.sub(r' [\d,]+ "', ' 99999 "', row), "requesters are at most"),
    "name": ("places", lambda row: re.sub(r'"(.*)"$', r'"\\x"', row), "not a name in quotes"),
    "digest": ("pipelines", lambda row: "g" + row[1:], "not a row of pipelines"),
    "name of a row": ("shaders", lambda row: re.sub(r'"(.*)"$', r'"\\x"', row), "not a name in quotes"),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_wrong_row_is_reported_with_its_line(snapshot: Snapshot, what: str) -> None:
    table, change, says = ROWS[what]
    lines = snapshot_text(snapshot).splitlines()
    at = next(n for n, line in enumerate(lines) if line.strip().startswith(f"{table}:")) + 2
    lines[at] = change(lines[at])
    with pytest.raises(InputError) as error:
        parse_snapshot("\n".join(lines), "s.hu")
    problem = error.value.problems[0]
    assert says in problem.message
    assert problem.code in ("snapshot.row", "snapshot.table")
    assert problem.position.line == at + 1
    assert problem.help


def test_a_row_that_is_there_twice_is_reported(snapshot: Snapshot) -> None:
    lines = snapshot_text(snapshot).splitlines()
    for table in ("allocations", "places"):
        at = next(n for n, line in enumerate(lines) if line.strip().startswith(f"{table}:")) + 2
        twice = [*lines[: at + 1], *lines[at:]]
        with pytest.raises(InputError) as error:
            parse_snapshot("\n".join(twice), "s.hu")
        assert "is there twice" in error.value.problems[0].message
        assert error.value.problems[0].position.line == at + 2


def test_truncated_and_crafted_files_are_input_errors(snapshot: Snapshot, sample: Sample) -> None:
    text = snapshot_text(snapshot)
    rng = np.random.default_rng(amount(11, 12))
    content = text.encode()
    for end in rng.integers(0, len(content), amount(24, 400)).tolist():
        with pytest.raises(InputError):
            parse_snapshot(content[:end], "s.hu")
    read, unplaced = 0, []
    for start, end, put in hostile_edits(rng, text, amount(150, 4000)):
        try:
            found = parse_snapshot(text[:start] + put + text[end:], "s.hu")
        except InputError as error:
            unplaced += [problem for problem in error.problems if problem.position is None]
        else:
            read += 1
            assert found.image.used >= 0
            assert delta(snapshot.image, found.image).sizes.min() >= 0
    assert not unplaced
    assert read, "some edits leave a snapshot"


def test_a_huge_file_is_refused_before_it_is_read(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.snapshot.hu"
    with path.open("wb") as file:
        file.truncate(snapshot_reader.LARGEST_FILE + 1)
    with pytest.raises(InputError) as error:
        read_snapshot(path)
    assert error.value.problems[0].code == "humon.size"
    monkeypatch.setattr(snapshot_reader, "MAX_ROWS", 5)
    with pytest.raises(InputError) as error:
        parse_snapshot(snapshot_text(snapshot), "s.hu")
    assert "more than 5 rows" in error.value.problems[0].message
    with pytest.raises(InputError) as error:
        read_snapshot(tmp_path / "none.snapshot.hu")
    assert error.value.problems[0].code == "file.missing"
