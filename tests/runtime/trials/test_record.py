"""Claims about the record of trials: remembered on this machine, and nothing in the file is believed."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from engine.runtime.trials.limits import MAX_REASON, MAX_RECORD_BYTES, MAX_RECORDS
from engine.runtime.trials.record import TrialRecord
from engine.runtime.trials.trial import Outcome, Verdict

USABLE = Outcome(Verdict.USABLE)
CRASHED = Outcome(Verdict.FAILED, "crashed with SIGSEGV")


def key(number: int) -> str:
    return f"{number:064x}"


def made_up(folder: Path, rows: Any) -> None:
    """Write a file with a correct checksum."""
    body = json.dumps(rows).encode()
    content = b"DIOTRY01" + zlib.crc32(body).to_bytes(4, "little") + body
    (folder / "shader-trials.bin").write_bytes(content)


def test_an_outcome_is_found_by_the_next_process(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "diorama"
    TrialRecord(folder).add(key(1), CRASHED)
    TrialRecord(folder).add(key(2), USABLE)
    found = TrialRecord(folder)
    assert (found.find(key(1)), found.find(key(2)), found.find(key(3))) == (CRASHED, USABLE, None)
    assert {entry.name.removesuffix(".lock") for entry in folder.iterdir()} == {"shader-trials.bin"}


def test_two_processes_keep_what_both_have_tried(tmp_path: Path) -> None:
    one, other = TrialRecord(tmp_path), TrialRecord(tmp_path)
    one.add(key(1), USABLE)
    other.add(key(2), CRASHED)
    one.add(key(3), USABLE)
    assert len(TrialRecord(tmp_path)) == 3


def test_a_damaged_record_holds_nothing(tmp_path: Path) -> None:
    record = TrialRecord(tmp_path)
    record.add(key(1), CRASHED)
    assert record.path is not None
    whole = record.path.read_bytes()
    damaged = [whole[:size] for size in range(0, len(whole), 7)]
    damaged += [whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :] for at in range(0, len(whole), 5)]
    for content in damaged:
        record.path.write_bytes(content)
        assert len(TrialRecord(tmp_path)) == 0
    TrialRecord(tmp_path).add(key(2), USABLE)
    assert TrialRecord(tmp_path).find(key(2)) == USABLE


@pytest.mark.parametrize(
    "rows",
    [
        {},
        7,
        [[key(1), "usable"]],
        [[key(1), "usable", "", ""]],
        [[key(1), "splendid", ""]],
        [[key(1), "untried", ""]],
        [[key(1).upper().replace("0", "A"), "usable", ""]],
        [[key(1)[1:], "usable", ""]],
        [[key(1), "failed", "a\nb"]],
        [[key(1), "failed", "a" * (MAX_REASON + 1)]],
        [[key(1), "failed", 7]],
        [[[], "usable", ""]],
        [[key(number), "usable", ""] for number in range(MAX_RECORDS + 1)],
    ],
    ids=lambda rows: json.dumps(rows)[:60],
)
def test_made_up_rows_with_a_correct_checksum_hold_nothing(rows: Any, tmp_path: Path) -> None:
    made_up(tmp_path, rows)
    assert len(TrialRecord(tmp_path)) == 0


def test_the_record_is_bounded_and_forgets_the_oldest(tmp_path: Path) -> None:
    made_up(tmp_path, [[key(number), "failed", "x" * 150] for number in range(MAX_RECORDS)])
    record = TrialRecord(tmp_path)
    assert len(record) == MAX_RECORDS
    record.add(key(MAX_RECORDS), Outcome(Verdict.REFUSED, "line\nbreak " + "y" * 1000))
    assert record.path is not None
    assert record.path.stat().st_size <= MAX_RECORD_BYTES
    kept = TrialRecord(tmp_path)
    assert 0 < len(kept) <= MAX_RECORDS
    assert kept.find(key(0)) is None
    newest = kept.find(key(MAX_RECORDS))
    assert newest is not None
    assert newest.reason.startswith("line break y")


def test_a_place_that_is_no_file_is_never_read_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "shader-trials.bin"
    os.mkfifo(path)
    record = TrialRecord(tmp_path)
    record.add(key(1), USABLE)
    assert record.find(key(1)) == USABLE
    assert path.is_fifo()
    path.unlink()
    outside = tmp_path / "outside"
    outside.write_text("mine")
    path.symlink_to(outside)
    TrialRecord(tmp_path).add(key(1), USABLE)
    assert outside.read_text() == "mine"


def test_without_a_folder_outcomes_last_as_long_as_the_process() -> None:
    record = TrialRecord(None)
    record.add(key(1), CRASHED)
    assert record.find(key(1)) == CRASHED
    assert TrialRecord(None).find(key(1)) is None
