"""The line above the map: what is resident of what is wanted, and what belongs to nothing."""

from __future__ import annotations

from engine.plan.model.plan import Plan
from viewer.panels.memory.map.tiles import STATE_NAMES, Tiles, TileState
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.panels.number_format import bytes_text
from viewer.session.memory_totals import MemoryTotals


def resident_text(totals: MemoryTotals, overlay: ResidentOverlay, waiting: Plan | None) -> str:
    """How many of the wanted bytes are there; `waiting` is a plan that is not carried out yet.

    Memory that is allocated and not filled yet is not resident.
    """
    resident = bytes_text(totals.resident - overlay.unfilled)
    if waiting is not None:
        return f"{resident} resident, a plan for {bytes_text(waiting.planned_bytes)} waits"
    return f"{resident} of {bytes_text(totals.planned)} resident"


def other_texts(totals: MemoryTotals, tiles: Tiles) -> tuple[str, ...]:
    """What is waste or free, staging, or about to go, in the words and sums of the legend."""
    sizes = tiles.state_bytes.tolist()
    parts = (
        (sizes[TileState.PADDING], "waste"),
        (sizes[TileState.FREE] + sizes[TileState.FREE_IN_PAGE], "free"),
        (totals.staging, "staging"),
        (totals.leaving, "being freed"),
        (sizes[TileState.WAITING], "to be returned"),
    )
    return tuple(f"{bytes_text(size)} {name}" for size, name in parts if size)


def more_texts(totals: MemoryTotals, overlay: ResidentOverlay, tiles: Tiles) -> tuple[str, ...]:
    """The same to the byte."""
    sizes = tiles.state_bytes.tolist()
    of_nothing = (TileState.PADDING, TileState.FREE, TileState.FREE_IN_PAGE)
    return (
        f"{totals.live:,} bytes are allocated: {totals.resident:,} of {totals.planned:,} planned,",
        f"{totals.staging:,} of staging, {totals.leaving:,} that are being freed",
        f"{overlay.unfilled:,} of the allocated bytes wait for their contents",
        ", ".join(f"{STATE_NAMES[state]}: {sizes[state]:,} bytes" for state in of_nothing),
    )
