"""The cost of the memory panels with 100,000 blocks: models, a frame, a view that moves, a keystroke."""

import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from harness import Row

from engine.plan.model.plan import Plan
from viewer.panels.memory.map.color_modes import ColorMode
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.map.tiles import Tiles
from viewer.panels.memory.map_palette import map_palette
from viewer.panels.memory.map_panel import MapPanel
from viewer.panels.memory.map_state import MapState
from viewer.panels.memory.plan_models import PlanModels, SharedModels
from viewer.panels.memory.request_columns import RequestColumns
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.panels.memory.table.memory_table import Column, Level, MemoryTable
from viewer.panels.memory.table.table_filter import parse_filter
from viewer.panels.memory.table.table_panel import TablePanel
from viewer.panels.panel import Dock, Placed

BLOCKS = 100_000
FEW = 10
FRAMES = 200
TYPED = "asset: 99 +vertex >1b"


def rows() -> Iterable[Row]:
    """Everything beside the same with ten blocks."""
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from support.plans import large_plan

    few, many = large_plan(FEW), large_plan(BLOCKS)
    build = _cpu(lambda: Tiles.of(Places.of(many)), 15)
    yield Row("memory.map_model", build, "ms", aim="<= 30 ms for each plan", holds=build <= 30)
    colors, columns = _bytes_a_block(many)
    yield Row("memory.model_bytes", columns, "bytes/block", aim="<= 200 bytes a block", holds=columns <= 200)
    yield Row("memory.map_colors", colors, "ms", aim="<= 30 ms for each plan", holds=colors <= 30)
    for name, treemap in (("map", False), ("treemap", True)):
        base, moving = _panel_frame(few, is_treemap=treemap)
        value, moved = _panel_frame(many, is_treemap=treemap)
        yield Row(
            f"memory.{name}_frame",
            value,
            "ms",
            f"the same with {FEW} blocks",
            base,
            aim="<= 1 ms a frame",
            holds=value <= 1.0,
        )
        if not treemap:
            yield Row(
                "memory.map_zoom",
                moved,
                "ms",
                f"the same with {FEW} blocks",
                moving,
                aim="<= 5 ms a frame",
                holds=moved <= 5,
            )
    value, base = _table_frame(many), _table_frame(few)
    yield Row(
        "memory.table_frame",
        value,
        "ms",
        "a screenful of rows",
        base,
        aim="<= 2 ms a frame",
        holds=value <= 2,
    )
    worst = max(_keystrokes(many))
    yield Row("memory.keystroke", worst, "ms", aim="<= 8 ms, the slowest key", holds=worst <= 8)


def _cpu(run: Callable[[], object], times: int) -> float:
    """The median of milliseconds of CPU that a call takes."""
    taken = []
    for _ in range(times):
        start = time.thread_time()
        run()
        taken.append((time.thread_time() - start) * 1e3)
    return statistics.median(taken)


def _models(plan: Plan) -> tuple[PlanModels, ResidentOverlay]:
    from engine.plan.resident.resident import Resident

    places = Places.of(plan)
    overlay = ResidentOverlay.of(plan, places, Resident.settled_at(plan))
    return PlanModels(plan, places, Tiles.of(places), RequestColumns(plan.requirements)), overlay


def _bytes_a_block(plan: Plan) -> tuple[float, float]:
    """Milliseconds to colour the map, and bytes of tiles, colours, places and names for each block."""
    models, overlay = _models(plan)
    palette, made = map_palette(), []

    def color() -> None:
        state = MapState()
        state.choices.mode = ColorMode.USAGE
        made[:] = [state.coloring(models, palette), state.colors(models, overlay, palette)]

    taken = _cpu(color, 9)
    table = MemoryTable(plan, models.places, models.requests, Level.SUBRESOURCE)
    while not table.names.prepare(1000.0):
        pass
    table.rows(parse_filter("a"))
    coloring, colors = made
    places = sum(column.nbytes for column in (*models.places.ranges, models.places.resource_of))
    parts = (models.tiles.nbytes, colors.nbytes, coloring.codes.nbytes, places, table.names.nbytes)
    return taken, (sum(parts) + overlay.presence.nbytes) / BLOCKS


def _panel_frame(plan: Plan, *, is_treemap: bool) -> tuple[float, float]:
    """Milliseconds of a frame with the map: at rest, and while its view moves."""
    from support.mouse import Mouse, drawn, session_of, workspace_of

    mouse = Mouse()
    session = session_of(_tableau(), plan)
    panel = MapPanel(session, SharedModels(session))
    panel.state.choices.is_treemap = is_treemap
    draw = drawn(workspace_of(session, [Placed(panel, Dock.BOTTOM)]), session)
    for _ in range(5):
        mouse.frame(draw)
    still = _cpu(lambda: mouse.frame(draw), FRAMES)
    largest = int(plan.memory.allocations["size"].max())

    def move() -> None:
        panel.state.viewport.zoom(300.0, 1.01, largest, 1000.0)
        mouse.frame(draw)

    moving = 0.0 if is_treemap else _cpu(move, FRAMES // 4)
    _close(mouse)
    return still, moving


def _table_frame(plan: Plan) -> float:
    from support.mouse import Mouse, drawn, session_of, workspace_of

    mouse = Mouse()
    session = session_of(_tableau(), plan)
    panel = TablePanel(session, SharedModels(session))
    draw = drawn(workspace_of(session, [Placed(panel, Dock.BOTTOM)]), session)
    for _ in range(5):
        mouse.frame(draw)
    taken = _cpu(lambda: mouse.frame(draw), FRAMES)
    _close(mouse)
    return taken


def _keystrokes(plan: Plan) -> list[float]:
    """Milliseconds from each key to the rows and totals that it leaves, sorted by size, typed afresh."""
    models, _ = _models(plan)
    table = MemoryTable(plan, models.places, models.requests, Level.SUBRESOURCE)
    while not table.names.prepare(1000.0):
        pass
    table.rows(parse_filter("warm +vertex a1"))
    order = table.order(Column.SIZE, descending=True)
    taken = np.zeros((7, len(TYPED)))
    for again in taken:
        table.names._known.clear()
        for length in range(len(TYPED)):
            start = time.thread_time()
            keep = table.rows(parse_filter(TYPED[: length + 1]))
            order[keep[order]]
            table.totals(keep)
            again[length] = (time.thread_time() - start) * 1e3
    return np.median(taken, axis=0).tolist()


def _tableau() -> object:
    from engine.tableau.tableau import Tableau

    return Tableau()


def _close(mouse: object) -> None:
    from imgui_bundle import imgui

    imgui.destroy_context(mouse.context)  # type: ignore[attr-defined]
