"""A plan becomes rows: allocations, resources, subresources, with size, usage and requesters."""

from __future__ import annotations

import pytest
from support.plans import MIB, cube_plan, large_plan
from support.sparse_pages import sparse_page

from viewer.panels.expanded_nodes import ExpandedNodes
from viewer.panels.memory_model import Level, MemoryModel


@pytest.fixture
def model() -> MemoryModel:
    return MemoryModel(cube_plan(), ExpandedNodes())


def names(model: MemoryModel) -> list[tuple[int, str, int]]:
    return [
        (int(depth), model.row(int(node)).name, model.row(int(node)).size)
        for node, depth in zip(model.tree_rows.nodes, model.tree_rows.depths, strict=True)
    ]


def test_rows_nest_as_memory_does(model: MemoryModel) -> None:
    assert names(model) == [
        (0, "allocation 0", 16 * MIB),
        (1, "image 2048x2048 d32_sfloat #1", 16 * MIB),
        (2, "shadowMap", 16 * MIB),
        (0, "allocation 4", 4096),
        (1, "buffer #7", 2048),
        (2, "assetDb: 0 asset: 2", 1632),
        (2, "assetDb: 0 asset: 3", 72),
    ]


def test_every_subresource_names_its_requester_and_line(model: MemoryModel) -> None:
    node = model.node_of((Level.SUBRESOURCE, 2))
    assert node is not None
    row = model.row(node)
    assert row.why == (
        "shadowCaster on 'cube' at scenes/cube.hu:15:9",
        "visibleModel on 'cube' at scenes/cube.hu:14:9",
    )
    assert row.usage == ("vertex_buffer_bit",)
    assert row.place == "offset 0 in #7"


def test_an_allocation_reports_its_type_and_what_is_free(model: MemoryModel) -> None:
    node = model.node_of((Level.ALLOCATION, 4))
    assert node is not None
    assert model.row(node).place == "memory type 1, 1 resource, mapped, 2.00 KiB free"


def test_a_page_that_waits_to_be_returned_names_bytes_and_reason() -> None:
    model = MemoryModel(sparse_page(), ExpandedNodes())
    node = model.node_of((Level.RESOURCE, 0))
    assert node is not None
    waits = "33.2 MiB waits to be returned: 1 of 100 layers in use"
    assert model.row(node).place == f"offset 0 in allocation 0, 1 subresource, {waits}"


def test_collapsing_hides_the_rows_below_and_survives_a_new_plan(model: MemoryModel) -> None:
    expanded = ExpandedNodes()
    first = MemoryModel(cube_plan(), expanded)
    place = first.node_of((Level.ALLOCATION, 4))
    assert place is not None
    first.set_expanded(place, False)
    for made in (first, MemoryModel(cube_plan(), expanded)):
        assert [name for _, name, _ in names(made)][-1] == "allocation 4"
        assert not made.is_open(place)
        assert len(made.tree_rows.nodes) == 4


def test_an_identity_that_the_plan_does_not_have_has_no_node(model: MemoryModel) -> None:
    assert model.node_of((Level.ALLOCATION, 3)) is None
    assert model.node_of((Level.SUBRESOURCE, 1 << 40)) is None


def test_a_large_plan_starts_collapsed() -> None:
    assert len(MemoryModel(large_plan(1000), ExpandedNodes()).tree_rows.nodes) == 1
