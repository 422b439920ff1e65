from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.plans import group_of

from engine.plan.requirements import request_table, requirements
from engine.plan.requirements.coalesce import Coalesced, coalesce, merge
from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement, RequirementTable
from engine.plan.terms import row_index
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
)

VERTEX = QueueUse(QueueKind.GRAPHICS, Access.VERTEX_ATTRIBUTE_READ, Stage.VERTEX_ATTRIBUTE_INPUT)
COMPUTE = QueueUse(QueueKind.COMPUTE, Access.SHADER_READ, Stage.COMPUTE_SHADER)
ONE = Requirement(7, Kind.BUFFER, 100, alignment=4, usage=BufferUsage.VERTEX_BUFFER, uses=(VERTEX,))
OTHER = Requirement(
    7,
    Kind.BUFFER,
    120,
    alignment=6,
    usage=BufferUsage.STORAGE_BUFFER,
    properties=MemoryProperty.HOST_VISIBLE,
    uses=(COMPUTE,),
    dedicated=Dedicated.PREFER,
    contents=Contents.CACHE,
    persistent_map=True,
    priority=3,
)


def table_of(*rows: tuple[Requirement, str]) -> RequirementTable:
    table = RequirementTable()
    for requirement, who in rows:
        table.add(requirement, table.requesters.add(who))
    return table


def values(coalesced: Coalesced) -> list[tuple[object, ...]]:
    return [
        (
            n["key"],
            n["size"],
            n["content"],
            coalesced.terms[n["terms"]],
            n["priority"],
            coalesced.why(n["key"]),
        )
        for n in coalesced.needs.array
    ]


def test_the_strictest_terms_win_and_all_requesters_are_kept():
    found = coalesce(table_of((ONE, "a"), (OTHER, "b"), (ONE, "c"), (ONE, "a")))
    need = found.needs.row(7)
    terms = found.terms[need["terms"]]
    assert (need["size"], need["priority"], terms.alignment) == (120, 3, 12)
    assert terms.usage_flags == BufferUsage.VERTEX_BUFFER | BufferUsage.STORAGE_BUFFER
    assert terms.properties == MemoryProperty.DEVICE_LOCAL | MemoryProperty.HOST_VISIBLE
    assert (terms.uses, terms.dedicated) == ((VERTEX, COMPUTE), Dedicated.PREFER)
    assert terms.contents is Contents.CACHE
    assert terms.persistent_map
    assert found.why(7) == "a, b, c"


def test_the_order_of_rows_does_not_matter():
    rows = [(ONE, "a"), (OTHER, "b"), (replace(ONE, alignment=10), "c"), (replace(ONE, key=3), "d")]
    assert values(coalesce(table_of(*rows))) == values(coalesce(table_of(*reversed(rows))))


def test_lifetimes_are_united_and_an_unlimited_one_wins():
    a, b, c = (replace(ONE, lifetime=life).terms() for life in ((2, 3), (0, 1), None))
    assert merge(a, b).lifetime == (0, 3)
    assert merge(a, c).lifetime is None


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (Requirement(7, Kind.IMAGE, shape=ImageShape(Format.R8_UNORM, 1, 1)), "two kinds, buffer and image"),
        (replace(ONE, copies=2), "two numbers of copies, 1 and 2"),
    ],
)
def test_contradictions_name_both_requesters(other, what):
    with pytest.raises(PlanError, match=what) as caught:
        coalesce(table_of((ONE, "visibleModel"), (other, "shadowCaster")))
    assert caught.value.code == "plan.conflict"
    assert "shadowCaster" in str(caught.value)
    assert "visibleModel" in str(caught.value)


def test_two_shapes_of_one_image_contradict():
    image = Requirement(7, Kind.IMAGE, shape=ImageShape(Format.R8_UNORM, 1, 1), usage=ImageUsage.SAMPLED)
    other = replace(image, shape=ImageShape(Format.R8_UNORM, 2, 1))
    with pytest.raises(PlanError, match="two shapes"):
        coalesce(table_of((image, "a"), (other, "b")))


def test_two_versions_of_one_asset_contradict():
    with pytest.raises(PlanError, match="two versions"):
        coalesce(table_of((ONE, "a"), (replace(ONE, content=1), "b")))


def test_an_empty_table_coalesces_to_no_needs():
    assert len(coalesce(RequirementTable()).needs) == 0


def test_coalescing_touched_keys_equals_coalescing_all():
    rng = np.random.default_rng(5)
    table = RequirementTable()
    requesters = [table.requesters.add(f"requester {i}") for i in range(200)]
    usages = [BufferUsage.VERTEX_BUFFER, BufferUsage.INDEX_BUFFER, BufferUsage.STORAGE_BUFFER]

    def add(requester: int) -> None:
        for key in rng.integers(0, 300, int(rng.integers(1, 5))).tolist():
            usage = usages[int(rng.integers(3))]
            table.add(Requirement(key, Kind.BUFFER, 10 + key, usage=usage, priority=requester % 4), requester)

    for requester in requesters:
        add(requester)
    known = coalesce(table)
    for turn in range(60):
        gone = rng.choice(requesters, 3).tolist()
        table.remove(gone)
        for requester in gone[: turn % 4]:
            add(requester)
        again = coalesce(table, known)
        assert values(again) == values(coalesce(table))
        known = again


def test_adding_and_removing_one_of_many_requesters_changes_no_need():
    table = RequirementTable()
    table.add_rows(ONE.terms(), key=7, size=100, requester=np.arange(1000))
    table.add_rows(OTHER.terms(), key=8, size=100, requester=5)
    first = coalesce(table)
    table.remove(5)
    without = coalesce(table, first)
    assert table.touched(first.requested.version).tolist() == [8]
    table.add(replace(ONE, key=7), 5)
    again = coalesce(table, without)
    assert again.needs is without.needs
    assert [5 in found.requesters_of(7) for found in (first, without, again)] == [True, False, True]


def test_an_earlier_result_keeps_naming_its_requesters():
    table = table_of((ONE, "a"), (OTHER, "b"))
    first = coalesce(table)
    table.remove(0)
    second = coalesce(table, first)
    table.add(ONE, table.requesters.add("c"))
    third = coalesce(table, second)
    assert [found.why(7) for found in (first, second, third)] == ["a, b", "b", "b, c"]
    with pytest.raises(KeyError):
        second.requesters_of(8)


def test_a_text_names_16_requesters_and_counts_the_others():
    table = table_of(*((ONE, f"requester {i:02}") for i in range(20)))
    assert coalesce(table).why(7).endswith("requester 14, requester 15, 4 more")


def test_objects_of_a_group_are_all_counted_and_a_name_may_hold_a_comma():
    table = RequirementTable()
    named = [table.requesters.add("visibleModel", f"row, {i:02}") for i in range(16)]
    few, many = (table.requesters.add_group(group_of("visibleModel", count)) for count in (3, 984))
    table.add(ONE, [*named, many])
    table.add(replace(ONE, key=8), [named[0], few])
    found = coalesce(table)
    assert found.named_requesters(7) == (*(f"visibleModel on 'row, {i:02}'" for i in range(16)), "984 more")
    assert found.named_requesters(8) == ("visibleModel on 'row, 00'", "visibleModel on 3 more objects")
    table.add(ONE, [table.requesters.add("camera", "eye"), few])
    assert coalesce(table).why(7).endswith("'row, 15', 988 more")


def test_removed_requirements_are_dropped_from_memory():
    table = RequirementTable()
    table.add_rows(ONE.terms(), key=np.arange(100), size=100, requester=np.arange(100))
    known = first = coalesce(table)
    for turn in range(5000):
        table.remove(turn % 100)
        table.add(replace(ONE, key=turn % 100, size=101 + turn), turn % 100)
        known = coalesce(table, known)
    assert max(len(table._requests.requester), len(table._requests.requests)) < 2200
    assert len(table._log) <= 1024
    assert known.needs.array["size"].tolist() == [5001 + i for i in range(100)]
    assert first.requested.rows["size"].tolist() == [100] * 100
    assert table.touched(first.requested.version) is None


VARIANTS = (
    ONE,
    replace(ONE, size=300),
    replace(ONE, usage=BufferUsage.INDEX_BUFFER, priority=4),
    replace(ONE, alignment=6),
    OTHER,
    replace(ONE, copies=2),
    replace(ONE, content=1),
    Requirement(0, Kind.IMAGE, shape=ImageShape(Format.R8_UNORM, 1, 1), usage=ImageUsage.SAMPLED),
)
ADD = st.tuples(
    st.integers(0, 3),
    st.sampled_from([*VARIANTS[:5] * 4, *VARIANTS[5:]]),
    st.lists(st.integers(0, 5), min_size=1, max_size=3),
)
REMOVE = st.sets(st.integers(0, 5), max_size=3)


@contextmanager
def limited_scans(count: int) -> Iterator[None]:
    """Set SCAN_LIMIT to `count`, so that small tables take the paths of large ones."""
    with ExitStack() as stack:
        for module in (request_table, requirements, row_index):
            stack.enter_context(mock.patch.object(module, "SCAN_LIMIT", count))
        yield


def outcome(work: Callable[[], Coalesced]) -> tuple[Coalesced | None, object]:
    """The result or None, and its value to compare by: needs with all requesters, or the error's text."""
    try:
        found = work()
    except PlanError as error:
        return None, str(error)
    requesters = {key: found.requesters_of(key) for key in found.needs.array["key"].tolist()}
    pairs = set(zip(*(found.requested.rows[name].tolist() for name in ("key", "requester")), strict=True))
    assert pairs == {(key, requester) for key, who in requesters.items() for requester in who}
    return found, (values(found), requesters)


@given(
    st.lists(st.tuples(st.lists(ADD, max_size=4), REMOVE, st.booleans()), max_size=12),
    st.sampled_from([1, 4, 1024]),
    st.randoms(use_true_random=False),
)
def test_incremental_coalescing_equals_coalescing_at_once_in_any_order(steps, scan_limit, random):
    table = RequirementTable()
    for i in range(6):
        table.requesters.add(f"requester {i}")
    added_so_far: list[tuple[Requirement, int]] = []
    known: Coalesced | None = None
    made = []
    with limited_scans(scan_limit):
        for added, removed, bulk in steps:
            table.remove(removed)
            added_so_far = [each for each in added_so_far if each[1] not in removed]
            for key, variant, requesters in added:
                if bulk:
                    columns = {"size": variant.size, "content": variant.content, "priority": variant.priority}
                    table.add_rows(
                        variant.terms(), key=[key] * len(requesters), requester=requesters, **columns
                    )
                else:
                    table.add(replace(variant, key=key), requesters)
                added_so_far += [(replace(variant, key=key), requester) for requester in requesters]
            random.shuffle(added_so_far)
            fresh = RequirementTable(table.keys, table.requesters)
            for requirement, requester in added_so_far:
                fresh.add(requirement, requester)
            stored = table._requests.requests.rows.tolist()
            assert len(set(stored)) == len(stored)
            found, got = outcome(lambda known=known: coalesce(table, known))
            assert got == outcome(lambda fresh=fresh: coalesce(fresh))[1]
            assert got == outcome(lambda: coalesce(table))[1]
            if found is not None:
                known = found
                made.append((found, got))
        for result, value in made:
            assert outcome(lambda result=result: replace(result, _requesters_of={}))[1] == value
