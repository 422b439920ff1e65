"""What the tool tip of a block says of it."""

from __future__ import annotations

import pytest
from support.mouse import Mouse, drawn, mouse, session_of, workspace_of
from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import ImageUsage, Kind
from engine.tableau.tableau import Tableau
from viewer.panels.memory.map.tiles import TileState
from viewer.panels.memory.plan_models import PlanModels, SharedModels
from viewer.panels.memory.table.memory_table import Level, MemoryTable
from viewer.panels.memory.tile_texts import name_of, owner_of, selected_by, sharing_lines, tile_lines
from viewer.panels.memory.why_panel import WhyPanel
from viewer.panels.panel import Dock, Placed

__all__ = ["mouse"]

SIDES = {"large": 512, "small": 256, "other": 256}


def unequal_plan() -> Plan:
    """An image of 1 MiB, and two of 256 KiB that share its bytes, as no two of them are live at once."""
    table = RequirementTable()
    requester = table.requesters.add("frame", "camera")
    usage = ImageUsage.COLOR_ATTACHMENT | ImageUsage.SAMPLED
    for number, (name, side) in enumerate(SIDES.items()):
        key, shape = table.keys.transient(name), ImageShape(Format.R8G8B8A8_UNORM, side, side)
        lifetime = (2 * number, 2 * number + 1)
        table.add(Requirement(key, Kind.IMAGE, shape=shape, usage=usage, lifetime=lifetime), requester)
    return make_plan(coalesce(table), profile("nvidia-h200"))


@pytest.fixture
def shared() -> SharedModels:
    return SharedModels(session_of(Tableau(), unequal_plan()))


def lines_of(shared: SharedModels, tile: int, lane: float = 0.0) -> tuple[str, ...]:
    models, overlay = shared.models(), shared.overlay()
    assert models is not None
    assert overlay is not None
    return tile_lines(models, overlay, tile, lane=lane)


def models_of(shared: SharedModels) -> PlanModels:
    models = shared.models()
    assert models is not None
    return models


def test_every_block_of_an_image_that_shares_bytes_says_all_of_its_address_and_size(
    shared: SharedModels,
) -> None:
    models = models_of(shared)
    table = MemoryTable(models.plan, models.places, models.requests, Level.SUBRESOURCE)
    found = set()
    for tile in range(len(models.tiles)):
        for lane in (0.1, 0.5, 0.9):
            place = owner_of(models, tile, lane)
            if place < 0 or models.tiles.states[tile] == TileState.PADDING:
                continue
            name, where, *_ = lines_of(shared, tile, lane)
            assert name == name_of(models, place)
            size = SIDES[name] ** 2 * 4
            assert f"({size:,} bytes)" in where
            row = table.row_of((Level.SUBRESOURCE, selected_by(models, tile, lane=lane)[1]))
            assert row is not None
            allocation, span = table.address(row).removeprefix("a").split(":")
            assert f"allocation {allocation}: {span.replace('-', ' to ')}," in where, "as 'why' says"
            found.add((name, bool(models.tiles.states[tile] == TileState.ALIASED)))
    assert {("large", True), ("large", False), ("small", True), ("other", True)} <= found


def test_a_block_says_which_of_its_bytes_who_shares(shared: SharedModels) -> None:
    models = models_of(shared)
    texts = {}
    for tile in range(len(models.tiles)):
        for lane in (0.1, 0.5, 0.9):
            if owner_of(models, tile, lane) >= 0:
                name, *rest = lines_of(shared, tile, lane)
                texts[name] = [line for line in rest if line.startswith("shares ")]
    for name, others in (("large", ("small", "other")), ("small", ("large",)), ("other", ("large",))):
        for other in others:
            part = "256 KiB of it" if name == "large" else "all of it"
            assert any(line.startswith(f"shares {part}, 0x") and line.endswith(other) for line in texts[name])


def test_why_says_the_same_of_shared_bytes(mouse: Mouse, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_of(Tableau(), unequal_plan())
    shared = SharedModels(session)
    written: list[str] = []
    monkeypatch.setattr("viewer.panels.memory.why_panel._wrapped", written.append)
    draw = drawn(workspace_of(session, [Placed(WhyPanel(session, shared), Dock.RIGHT)]), session)
    models = models_of(shared)
    for place in range(models.places.planned_count):
        session.selection.select_memory(
            (int(Level.SUBRESOURCE), int(models.places.subresources["key"][place]))
        )
        for _ in range(3):
            written.clear()
            mouse.frame(draw)
        lines = sharing_lines(models, place)
        assert len(lines) >= 2
        assert set(lines) <= set(written)
