"""The table of memory: filters by name, address, usage and size; order; totals; what is written to files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from support.memory_maps import aliased_plan, random_plan
from support.plans import cube_plan

from engine.plan.model.plan import Plan
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.request_columns import RequestColumns
from viewer.panels.memory.table.empty_reason import empty_reason
from viewer.panels.memory.table.export import csv_text, export_rows
from viewer.panels.memory.table.memory_table import COLUMNS, TITLES, Column, Level, MemoryTable
from viewer.panels.memory.table.table_filter import parse_filter, usage_bits_of


def table_of(plan: Plan, level: Level = Level.SUBRESOURCE) -> MemoryTable:
    table = MemoryTable(plan, Places.of(plan), RequestColumns(plan.requirements), level)
    while not table.names.prepare(1000.0):
        pass
    return table


@pytest.fixture(scope="module")
def cube() -> MemoryTable:
    return table_of(cube_plan())


def names(table: MemoryTable, text: str) -> list[str]:
    parsed = parse_filter(text)
    assert parsed.problem == ""
    return [table.name(row) for row in np.flatnonzero(table.rows(parsed)).tolist()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["assetDb: 0 asset: 2", "assetDb: 0 asset: 3", "shadowMap"]),
        ("SHADOW", ["shadowMap"]),
        ('"db: 0" asset', ["assetDb: 0 asset: 2", "assetDb: 0 asset: 3"]),
        ("+sampled", ["shadowMap"]),
        ("+sampled_bit", ["shadowMap"]),
        ("-sampled +vertex", ["assetDb: 0 asset: 2"]),
        ("+depth", ["shadowMap"]),
        ("a4", ["assetDb: 0 asset: 2", "assetDb: 0 asset: 3"]),
        ("a4:0x65f-0x660", ["assetDb: 0 asset: 2"]),
        ("a4:0x660-0x661", ["assetDb: 0 asset: 3"]),
        ("a4:1632", ["assetDb: 0 asset: 3"]),
        ("a4:0x6a8-0x1000", []),
        ("a0:0xfff-0x1000", ["shadowMap"]),
        ("r7 <1KiB", ["assetDb: 0 asset: 3"]),
        (">1.5k", ["assetDb: 0 asset: 2", "shadowMap"]),
        (">1632b", ["shadowMap"]),
        ("a4 a0", ["assetDb: 0 asset: 2", "assetDb: 0 asset: 3", "shadowMap"]),
        ("nothing", []),
    ],
)
def test_a_filter_leaves_what_it_says(cube: MemoryTable, text: str, expected: list[str]) -> None:
    assert names(cube, text) == expected


def test_an_unknown_usage_is_named_and_filters_nothing(cube: MemoryTable) -> None:
    parsed = parse_filter("+vertx cube")
    assert parsed.problem == "no usage is called 'vertx'"
    assert parsed.words == ("cube",)
    assert cube.rows(parse_filter("+vertx")).all()


@pytest.mark.parametrize(
    ("text", "level", "reason"),
    [
        ("+indirect", Level.SUBRESOURCE, "no block has the usage indirect; there are "),
        ("+indirect", Level.RESOURCE, "no resource has the usage indirect; there are "),
        ("+sampled", Level.ALLOCATION, "allocations have no usage of their own"),
        ("shadowMapp", Level.SUBRESOURCE, "no block has 'shadowMapp' in its name"),
        ("a99", Level.ALLOCATION, "nothing is there: a99"),
        ("r99", Level.RESOURCE, "nothing is of r99"),
        (">1GiB", Level.RESOURCE, "no resource has such a size: they have "),
        ("shadow +vertex", Level.SUBRESOURCE, "no block has all parts of the filter"),
        ("", Level.SUBRESOURCE, "every block"),
    ],
)
def test_where_no_row_is_left_the_reason_is_said(text: str, level: Level, reason: str) -> None:
    table = table_of(cube_plan(), level)
    if not text:
        text = " ".join(f"-{usage}" for usage in table.usages())
        reason = "no block has all parts of the filter"
    parsed = parse_filter(text)
    assert parsed.problem == ""
    assert not table.rows(parsed).any()
    assert empty_reason(table, parsed).startswith(reason)


def test_the_usages_that_there_are_can_each_be_searched() -> None:
    for level in (Level.SUBRESOURCE, Level.RESOURCE):
        table = table_of(cube_plan(), level)
        assert {"sampled", "vertex_buffer"} <= set(table.usages())
        for usage in table.usages():
            assert table.rows(parse_filter(f"+{usage}")).any()
            assert usage in empty_reason(table, parse_filter("+indirect"))
    assert table_of(cube_plan(), Level.ALLOCATION).usages() == ()


def test_usage_words_mean_buffers_and_images() -> None:
    storage = usage_bits_of("storage")
    assert storage is not None
    assert storage.buffer == BufferUsage.STORAGE_BUFFER
    assert storage.image == ImageUsage.STORAGE
    assert usage_bits_of("") is None


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("seed", range(2))
def test_every_column_sorts_both_ways_and_keeps_all_rows(level: Level, seed: int) -> None:
    table = table_of(random_plan(seed), level)
    for column in COLUMNS[level]:
        up, down = table.order(column), table.order(column, descending=True)
        assert sorted(up.tolist()) == sorted(down.tolist()) == list(range(table.count))
        texts = [table.text(row, column) for row in up.tolist()]
        assert texts[0] in (table.text(int(down[-1]), column), "")
        if column in (Column.SIZE, Column.RESERVED, Column.FREE, Column.REQUESTERS):
            values = [int(text) for text in texts]
            assert values == sorted(values)
    by_name = [table.name(row).casefold() for row in table.order(Column.NAME).tolist()]
    assert by_name == sorted(by_name)


@pytest.mark.parametrize("seed", range(3))
def test_totals_are_those_of_the_plan(seed: int) -> None:
    plan = random_plan(seed)
    everything = plan.planned_bytes + plan.staging.planned_bytes
    allocations = table_of(plan, Level.ALLOCATION)
    assert allocations.totals(allocations.rows(parse_filter(""))).size == everything
    table = table_of(plan)
    one, other = (table.totals(table.rows(parse_filter(text))) for text in ("+vertex", "-vertex"))
    whole = table.totals(np.ones(table.count, bool))
    assert (
        one.rows + other.rows == whole.rows == len(plan.memory.subresources) + len(plan.staging.subresources)
    )
    assert one.size + other.size == whole.size <= whole.reserved <= everything


def test_rows_are_found_by_their_identity(cube: MemoryTable) -> None:
    for row in range(cube.count):
        assert cube.row_of(cube.identity(row)) == row
    assert cube.row_of((Level.RESOURCE, 7)) is None
    assert cube.row_of((Level.SUBRESOURCE, 99)) is None
    resources = table_of(random_plan(1), Level.RESOURCE)
    assert all(resources.row_of(resources.identity(row)) == row for row in range(resources.count))


def test_an_address_is_a_filter_for_its_row() -> None:
    table = table_of(random_plan(2))
    for row in range(0, table.count, 7):
        assert table.name(row) in names(table, table.address(row))


def test_requesters_features_and_objects_are_those_of_the_plan(cube: MemoryTable) -> None:
    assert cube.text(0, Column.FEATURE) == "several features"
    assert cube.text(2, Column.FEATURE) == "shadowCaster"
    assert {cube.text(row, Column.OBJECT) for row in range(3)} == {"cube"}
    assert [cube.text(row, Column.REQUESTERS) for row in range(3)] == ["2", "2", "1"]


def test_aliased_transients_lie_at_one_address() -> None:
    table = table_of(aliased_plan())
    address = {table.name(row): table.address(row) for row in range(table.count)}
    assert address["first"] == address["second"] != address["always"]


def test_exports_hold_what_the_table_shows(tmp_path: Path) -> None:
    table = table_of(random_plan(1))
    rows, columns = table.order(Column.SIZE, descending=True)[:9], COLUMNS[Level.SUBRESOURCE]
    for suffix in (".csv", ".json"):
        export_rows(tmp_path / f"memory{suffix}", table, rows, columns)
    read = list(csv.DictReader(io.StringIO((tmp_path / "memory.csv").read_text())))
    loaded = json.loads((tmp_path / "memory.json").read_text())
    assert len(read) == len(loaded) == 9
    for row, line, value in zip(rows.tolist(), read, loaded, strict=True):
        for column in columns:
            shown = table.text(row, column)
            assert line[TITLES[column]] == shown
            assert str(value[TITLES[column]] if value[TITLES[column]] is not None else "") == shown
    assert [int(line["size"]) for line in read] == sorted((int(line["size"]) for line in read), reverse=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["memory.csv", "memory.json"]


@pytest.mark.parametrize("suffix", [".csv", ".JSON"])
def test_an_export_replaces_no_file(tmp_path: Path, cube: MemoryTable, suffix: str) -> None:
    path = tmp_path / f"memory.old{suffix}"
    path.write_text("kept")
    (tmp_path / f"memory.old-002{suffix}").symlink_to("nowhere")
    written = [export_rows(path, cube, np.arange(3), (Column.NAME,)).name for _ in range(2)]
    assert written == [f"memory.old-001{suffix}", f"memory.old-003{suffix}"]
    assert path.read_text() == "kept"
    assert all("shadowMap" in (tmp_path / name).read_text() for name in written)


def test_an_export_with_another_suffix_writes_nothing(tmp_path: Path, cube: MemoryTable) -> None:
    with pytest.raises(ValueError, match=r"'memory.txt' ends with neither of .csv and .json"):
        export_rows(tmp_path / "memory.txt", cube, np.arange(3), (Column.NAME,))
    assert not list(tmp_path.iterdir())


def test_names_with_commas_quotes_and_formulas_survive(monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(cube_plan())
    odd = ['a,"b"', "=1+1", "שלום ##%s"]
    monkeypatch.setattr(table, "_texts", {**table._texts, Column.NAME: odd.__getitem__})
    read = list(csv.reader(io.StringIO(csv_text(table, np.arange(3), (Column.NAME, Column.SIZE)))))
    assert [line[0] for line in read] == ["name", 'a,"b"', "'=1+1", "שלום ##%s"]


@pytest.mark.parametrize("digits", ["9" * 30, "9" * 400, "9" * 5000, "9" * 100_000])
def test_numbers_of_very_many_digits_are_the_largest_in_a_filter(digits: str) -> None:
    most = 1 << 62
    assert parse_filter(f">{digits}g").least == most + 1
    assert parse_filter(f"r{digits}").resources == (most,)
    (at,) = parse_filter(f"a{digits}:{digits}-0x{digits}").ranges
    assert (at.allocation, at.begin, at.end) == (most, most, most)


def test_an_address_may_begin_with_zeros() -> None:
    (at,) = parse_filter("a007:0010-0x0020").ranges
    assert (at.allocation, at.begin, at.end) == (7, 10, 32)
