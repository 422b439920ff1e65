from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.plan.coalesce import Coalesced, coalesce, merge
from engine.plan.errors import PlanError
from engine.plan.formats import Format
from engine.plan.requirements import ImageShape, QueueUse, Requirement, RequirementTable
from engine.plan.vocabulary import (
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
        table.add(requirement, table.askers.add(who))
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


def test_the_strictest_of_everything_wins_and_all_askers_stay():
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


def test_lifetimes_span_all_and_one_without_end_makes_it_endless():
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
def test_contradictions_name_both_askers(other, what):
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


def test_nothing_coalesces_to_nothing():
    assert len(coalesce(RequirementTable()).needs) == 0


def test_coalescing_what_was_touched_equals_coalescing_all():
    rng = np.random.default_rng(5)
    table = RequirementTable()
    askers = [table.askers.add(f"asker {i}") for i in range(200)]
    usages = [BufferUsage.VERTEX_BUFFER, BufferUsage.INDEX_BUFFER, BufferUsage.STORAGE_BUFFER]

    def add(asker: int) -> None:
        for key in rng.integers(0, 300, int(rng.integers(1, 5))).tolist():
            usage = usages[int(rng.integers(3))]
            table.add(Requirement(key, Kind.BUFFER, 10 + key, usage=usage, priority=asker % 4), asker)

    for asker in askers:
        add(asker)
    known = coalesce(table)
    for turn in range(60):
        gone = rng.choice(askers, 3).tolist()
        table.remove(gone)
        for asker in gone[: turn % 4]:
            add(asker)
        again = coalesce(table, known)
        assert again.needs is not known.needs
        assert values(again) == values(coalesce(table))
        known = again
