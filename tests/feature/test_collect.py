"""Claims about collected requirements: one call per asset, every requester kept, active rows only."""

import numpy as np
import pytest

from engine.assets import AssetRef
from engine.feature import Feature, Registry, collect
from engine.feature.collect import RequirementCollector
from engine.plan.requirements import request_table
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.terms.vocabulary import BufferUsage, Kind
from engine.tableau import Tableau
from engine.tableau.schema import asset_field, float_field

LIBRARY = object()


def ref(index):
    return AssetRef(1, index)


class Seen(Feature):
    """Draws a model: two buffers that belong to the asset."""

    type_name = "seen"
    fields = (asset_field("asset", types=("model",)),)

    def __init__(self):
        self.calls = []

    def requirements(self, asset, library):
        assert library is LIBRARY
        self.calls.append(asset)
        yield Requirement(ref(100 + asset.index).key, Kind.BUFFER, 64, usage=BufferUsage.VERTEX_BUFFER)
        yield Requirement(ref(200 + asset.index).key, Kind.BUFFER, 16, usage=BufferUsage.INDEX_BUFFER)


class Cast(Feature):
    """Uses the same vertices in another way; its code raises for asset 13."""

    type_name = "cast"
    fields = (asset_field("asset", types=("model",)),)

    def requirements(self, asset, library):
        if asset.index == 13:
            raise ValueError("unlucky")
        yield Requirement(ref(100 + asset.index).key, Kind.BUFFER, 64, usage=BufferUsage.STORAGE_BUFFER)


class Lamp(Feature):
    """Names no asset."""

    type_name = "lamp"
    fields = (float_field("power", 1.0),)


@pytest.fixture
def registry():
    return Registry([Seen(), Cast(), Lamp()])


@pytest.fixture
def tableau(registry):
    made = Tableau(registry.schemas)
    file = made.file_number("a.hu")
    rows = made.add_objects(names=["a", "b", "c"])
    keys = np.array([ref(1).key, ref(1).key, ref(2).key])
    made.tables["seen"].add(rows, {"asset": keys}, positions=(file, np.array([3, 4, 5]), 9))
    made.add_feature("cast", rows[:1], {"asset": ref(1)})
    made.add_feature("lamp", rows)
    return made


def collected(collector, table=None):
    """{key: sorted requesters as text} and the usages of each key."""
    table = RequirementTable() if table is None else table
    collector.collect(table)
    merged = coalesce(table)
    keys = merged.needs.array["key"].tolist()
    why = {
        key & 0xFFFFFFFF: sorted(str(merged.requesters[a]) for a in merged.requesters_of(key)) for key in keys
    }
    terms = merged.needs.array["terms"].tolist()
    usage = {key & 0xFFFFFFFF: merged.terms[term].usage_flags for key, term in zip(keys, terms, strict=True)}
    return why, usage


def test_every_active_row_is_a_requester_of_its_asset_with_its_line(tableau, registry):
    why, usage = collected(RequirementCollector(tableau, registry, LIBRARY))
    assert why == {
        101: ["cast on 'a'", "seen on 'a' at a.hu:3:9", "seen on 'b' at a.hu:4:9"],
        201: ["seen on 'a' at a.hu:3:9", "seen on 'b' at a.hu:4:9"],
        102: ["seen on 'c' at a.hu:5:9"],
        202: ["seen on 'c' at a.hu:5:9"],
    }
    assert usage[101] == BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER


def test_a_feature_is_called_once_per_asset_for_any_number_of_collections(tableau, registry):
    collector = RequirementCollector(tableau, registry, LIBRARY)
    collected(collector)
    tableau["a"].seen.active = False
    collected(collector)
    assert registry["seen"].calls == [ref(1), ref(2)]
    collector.invalidate({ref(2)})
    collected(collector)
    assert registry["seen"].calls == [ref(1), ref(2), ref(2)]


def test_disabled_rows_are_requesters_and_inactive_ones_are_not(tableau, registry):
    collector = RequirementCollector(tableau, registry, LIBRARY)
    tableau["b"].seen.enabled = False
    assert len(collected(collector)[0][201]) == 2
    tableau["b"].seen.active = False
    assert collected(collector)[0][201] == ["seen on 'a' at a.hu:3:9"]
    tableau["a"].active = False
    why, _ = collected(collector)
    assert sorted(why) == [102, 202]
    tableau["a"].active = True
    assert len(collected(collector)[0][101]) == 2


def test_a_feature_that_raises_for_one_asset_is_switched_off_there_and_reported_once(tableau, registry):
    collector = RequirementCollector(tableau, registry, LIBRARY)
    tableau.add_feature("cast", tableau["b"], {"asset": ref(13)})
    tableau.add_feature("cast", tableau["c"], {"asset": ref(13)})
    for _ in range(2):
        why, _ = collected(collector)
        assert why[101][0] == "cast on 'a'"
    assert tableau["b"].cast.failed
    assert not tableau["a"].cast.failed
    (problem,) = tableau.warnings
    assert problem.code == "feature.failed"
    assert "cast on 'b' and 1 more" in problem.message
    assert "ValueError: unlucky" in problem.message
    assert "test_collect.py" in problem.help


def test_a_feature_can_be_switched_off_as_a_whole_and_activated_again(tableau, registry):
    collector = RequirementCollector(tableau, registry, LIBRARY)
    for _ in range(2):
        collector.switch_off(registry["seen"], RuntimeError("no"))
    assert len(tableau.tables["seen"].rows_active()) == 0
    (problem,) = tableau.warnings
    assert str(problem.position) == "a.hu:3:9"
    tableau["c"].seen.active = True
    assert sorted(collected(collector)[0]) == [101, 102, 202]


def test_collecting_again_into_the_same_table_touches_only_changed_keys(registry):
    tableau = Tableau(registry.schemas)
    rows = tableau.add_objects(2000)
    tableau.tables["seen"].add(rows, {"asset": (1 << 32) + np.arange(2000) % 50})
    collector = RequirementCollector(tableau, registry, LIBRARY)
    table = RequirementTable()
    collector.collect(table)
    version = table.version
    collector.collect(table)
    assert table.touched(version).tolist() == []
    tableau.handle(int(rows[7])).seen.active = False
    collector.collect(table)
    assert table.touched(version).tolist() == []  # 39 others make the same request
    for row in rows[57::50]:
        tableau.handle(int(row)).seen.active = False
    collector.collect(table)
    assert table.touched(version).tolist() == [ref(107).key, ref(207).key]


def test_collecting_in_parts_equals_collecting_at_once(registry, monkeypatch):
    monkeypatch.setattr(collect, "ROWS_AT_ONCE", 2)
    tableau = Tableau(registry.schemas)
    rows = tableau.add_objects(9)
    tableau.tables["seen"].add(rows, {"asset": np.array([ref(i % 4).key for i in range(9)])})
    collector, table = RequirementCollector(tableau, registry, LIBRARY), RequirementTable()
    parts = 1
    while not collector.collect(table, until=0.0):
        parts += 1
    assert parts == 5
    assert collected(collector, table) == collected(RequirementCollector(tableau, registry, LIBRARY))


def test_incremental_collecting_equals_collecting_at_once(registry, monkeypatch):
    monkeypatch.setattr(collect, "ROWS_AT_ONCE", 1)
    rng = np.random.default_rng(11)
    tableau = Tableau(registry.schemas)
    collector = RequirementCollector(tableau, registry, LIBRARY)
    table = RequirementTable()
    for step in range(120):
        rows = tableau.rows()
        what = rng.integers(7) if len(rows) > 4 else 0
        handle = tableau.handle(int(rng.choice(rows))) if len(rows) else None
        if what == 0:
            parent = handle if rng.random() < 0.3 else None
            features = {"seen": {"asset": ref(int(rng.integers(5)))}, "cast": {"asset": ref(1)}}
            tableau.add_object(f"o{step}", parent, features=features)
        elif what == 1:
            tableau.remove(handle)
        elif what == 2:
            handle.active = not handle.active
        elif what == 3:
            handle.seen.active = not handle.seen.active
        elif what == 4:
            handle.seen.asset = ref(int(rng.integers(5)))
        elif what == 5:
            handle.cast.asset = ref(int(rng.choice((2, 13))))
        else:
            collector.invalidate({ref(int(rng.integers(5)))})
        if rng.random() < 0.5:
            collector.collect(table, until=0.0)  # a part of what has changed
        elif rng.random() < 0.6:
            again = RequirementCollector(tableau, registry, LIBRARY)
            assert collected(collector, table) == collected(again)


def test_a_reused_row_is_another_requester(tableau, registry):
    collector = RequirementCollector(tableau, registry, LIBRARY)
    table = RequirementTable()
    collector.collect(table)
    before = [int(a) for a in table.requested.rows["requester"] if "'c'" in str(table.requesters[int(a)])]
    assert before
    tableau.remove("c")
    tableau.add_object("d", features={"seen": {"asset": ref(2)}})
    collector.collect(table)
    who = {str(table.requesters[int(a)]) for a in table.requested.rows["requester"]}
    assert "seen on 'd'" in who
    assert {str(table.requesters[a]) for a in before} == {"seen on '(removed)'"}
    assert "seen on '(removed)'" not in who


def test_a_row_without_an_asset_has_no_requirements(registry):
    tableau = Tableau(registry.schemas)
    tableau.add_object("a", features={"seen": {}})
    assert collected(RequirementCollector(tableau, registry, LIBRARY)) == ({}, {})


def test_the_requesters_of_a_pass_are_those_of_its_assets(tableau, registry):
    collector = RequirementCollector(tableau, registry, LIBRARY)
    table = RequirementTable()
    collector.collect(table)
    ids = collector.requesters("seen", table.requesters)
    assert set(ids.tolist()) <= set(table.requested.rows["requester"].tolist())
    assert len(collector.requesters("seen", table.requesters, limit=2)) == 2


def test_requests_of_an_asset_are_numbered_once_also_where_entries_are_dropped(
    tableau, registry, monkeypatch
):
    numbered, real = [], RequirementTable.numbers

    def noted(table, terms, **columns):
        numbered.append(terms)
        return real(table, terms, **columns)

    monkeypatch.setattr(RequirementTable, "numbers", noted)
    collector, table = RequirementCollector(tableau, registry, LIBRARY), RequirementTable()
    expected, first, numbering = collected(collector, table), table._requests, table.numbering
    assert len(numbered) == 3  # vertices and indices of both that are seen, and what casts
    while table._requests is first:
        for is_active in (False, True):
            tableau["c"].seen.active = is_active
            found = collected(collector, table)
    assert table.numbering is numbering
    assert len(numbered) == 3
    assert found == expected


def test_requests_are_numbered_again_once_most_have_no_requester(tableau, registry, monkeypatch):
    monkeypatch.setattr(request_table, "SCAN_LIMIT", 0)
    collector, table = RequirementCollector(tableau, registry, LIBRARY), RequirementTable()
    expected, numbering = collected(collector, table), table.numbering
    tableau.active = False
    assert collected(collector, table) == ({}, {})
    assert not len(table._requests.requests)
    assert table.numbering is not numbering
    tableau.active = True
    assert collected(collector, table) == expected
