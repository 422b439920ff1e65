"""Paging: setWindow, transfers, clearStaging and publish for all cached assets.

With two staging buffers paging cycles overlap: the next buffer is filled before the previous transfers are
waited for. A window moves only when no transfer from it is in flight.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import shape_of
from engine.plan.model.plan import Plan
from engine.plan.placement.staging_bounds import RUN_ALIGNMENT, copy_row_granularity, image_slack
from engine.plan.requirements.requirements import ImageShape
from engine.plan.requirements.sources import Sources
from engine.plan.resident.steps import Acquire, AnyStep, ClearStaging, Publish, Release, SetWindow, Transfer
from engine.plan.schedule.transfer_plan import PIECE, Cycle, cycles, split, transfer
from engine.plan.terms.errors import PlanError
from engine.plan.terms.in_steps import Steps
from engine.plan.terms.table import Int64s, Rows, distinct
from engine.plan.terms.vocabulary import Kind, QueueKind

VisibilityQuery = Callable[[Int64s], NDArray[np.bool_]]
"""Which of the keys (sorted, distinct) the camera sees, as a mask."""

VISIBLE_PRIORITY = 500
"""Added to the priority of visible keys; requirements that come before them have a higher priority."""


KEYS_AT_ONCE = 4096
"""Keys of which visibility is asked for between two parts of the schedule."""
PUBLISHED_AT_ONCE = 2048
"""Keys of one Publish step: what draws with them is bound again in the frame that publishes them."""


def paging(
    plan: Plan,
    places: Rows,
    fetch: Int64s,
    sources: Sources,
    buffers: list[int],
    visible: VisibilityQuery | None = None,
) -> Steps[list[AnyStep]]:
    """Steps that transfer the missing bytes of `places[fetch]` through the staging `buffers` (resource ids).

    A generator whose result they are, as it takes longest of all planning: it may be left between its parts.

    Visible keys come first, after those with a priority above VISIBLE_PRIORITY. PlanError `plan.stale` where
    the plan has no staging buffers.
    """
    if not len(fetch):
        return []
    if not buffers:
        problem = f"{len(fetch)} keys must be fetched, but the plan was made for a state that needs none"
        raise PlanError("plan.stale", problem, "make the plan from resident.snapshot()")
    limits = plan.profile.limits
    optimal = limits.optimal_buffer_copy_offset_alignment
    use_queue = plan.policy.transfer_queue and plan.profile.has_transfer_queue()
    pieces, shapes = _pieces(plan, places, fetch, sources, optimal)
    yield
    if visible is not None:
        keys = distinct(pieces["key"])
        seen = np.zeros(len(keys), bool)
        for start in range(0, len(keys), KEYS_AT_ONCE):
            some = slice(start, start + KEYS_AT_ONCE)
            seen[some] = visible(keys[some])
            yield
        pieces["priority"] += VISIBLE_PRIORITY * seen[np.searchsorted(keys, pieces["key"])]
    capacity = int(plan.staging.subresources["size"].min())
    granularity = copy_row_granularity(plan.profile, plan.policy)
    pieces = split(pieces, shapes, min(capacity, plan.policy.window), granularity)
    missing = places["needs"].copy()
    missing -= places["arrived"]
    steps: list[AnyStep] = []
    pending: list[tuple[int, Int64s, Int64s]] = []

    def finish() -> None:
        staging, rows, keys = pending.pop(0)
        steps.append(ClearStaging(staging))
        if len(rows):
            done = places.take(rows)
            if use_queue:
                steps.append(Acquire(keys, QueueKind.TRANSFER, QueueKind.GRAPHICS))
            columns = keys, done["resource"].astype(np.int32), done["offset"].astype(np.int64)
            if len(keys) <= PUBLISHED_AT_ONCE:
                steps.append(Publish(*columns))  # with the array of keys of the steps before it
            else:
                parts = range(PUBLISHED_AT_ONCE, len(keys), PUBLISHED_AT_ONCE)
                in_parts = (np.split(column, parts) for column in columns)
                steps.extend(Publish(*part) for part in zip(*in_parts, strict=True))

    in_order = cycles(pieces, plan.policy.window, capacity)
    yield
    for turn, cycle in enumerate(in_order):
        staging = buffers[turn % len(buffers)]
        while cycle.windows and pending:
            finish()
        while any(staging == busy for busy, _, _ in pending):
            finish()
        if cycle.windows:
            steps.append(SetWindow(cycle.window, cycle.windows))
        rows = _transfers(steps, cycle, staging, shapes, optimal, missing)
        keys = places["key"][rows].astype(np.int64)
        last = steps[-1]
        if isinstance(last, Transfer) and np.array_equal(last.keys, keys):
            keys = last.keys  # one shared array: `Resident` looks it up only once
        if use_queue and len(rows):
            steps.append(Release(keys, QueueKind.TRANSFER, QueueKind.GRAPHICS))
        pending.append((staging, rows, keys))
    while pending:
        finish()
    return steps


def _pieces(
    plan: Plan, places: Rows, fetch: Int64s, sources: Sources, optimal: int
) -> tuple[Rows, list[ImageShape]]:
    """The missing bytes of each place as one piece (dtype PIECE), and the image shapes that pieces index."""
    rows = places.take(fetch)
    at = sources.find(rows["key"].astype(np.int64), rows["size"], plan.requirements)
    resources = plan.memory.resource_table.rows(rows["resource"].astype(np.int64))
    pieces = np.zeros(len(rows), PIECE)
    pieces["row"], pieces["key"] = fetch, rows["key"]
    pieces["db"], pieces["source"] = sources.db[at], sources.offset[at] + rows["arrived"]
    pieces["priority"] = plan.requirements.needs.rows(rows["key"].astype(np.int64))["priority"]
    pieces["size"], pieces["start"] = rows["size"] - rows["arrived"], rows["arrived"]
    pieces["resource"], pieces["place"] = rows["resource"], rows["offset"]
    pieces["room"] = rows["footprint"] - rows["arrived"]
    pieces["cost"] = np.maximum(pieces["size"], pieces["room"]) + 2 * RUN_ALIGNMENT
    pieces["shape"] = -1
    buffers = resources["kind"] == Kind.BUFFER
    pieces["place"][buffers] += rows["arrived"][buffers]
    shapes: list[ImageShape] = []
    known: dict[ImageShape, int] = {}
    images = np.flatnonzero(~buffers)
    ids, inverse = np.unique(rows["resource"][images], return_inverse=True)
    for i, ident in enumerate(ids.tolist()):
        shape = shape_of(plan.memory.resource(ident))
        if shape not in known:
            known[shape] = len(shapes)
            shapes.append(shape)
        mine = images[inverse == i]
        pieces["shape"][mine] = known[shape]
        pieces["cost"][mine] = pieces["size"][mine] + image_slack(shape, optimal)
    return pieces, shapes


def _transfers(
    steps: list[AnyStep],
    cycle: Cycle,
    staging: int,
    shapes: list[ImageShape],
    optimal: int,
    missing: Int64s,
) -> Int64s:
    """Append the cycle's transfers, one per assetDb; returns the rows of places that they complete."""
    base = 0
    for db in distinct(cycle.pieces["db"]).tolist():
        mine = cycle.pieces.take(np.flatnonzero(cycle.pieces["db"] == db))
        step, base = transfer(db, staging, mine, shapes, optimal, base)
        steps.append(step)
    rows = cycle.pieces["row"]
    np.subtract.at(missing, rows, cycle.pieces["size"])
    touched = distinct(rows)
    complete: Int64s = touched[missing[touched] == 0]
    return complete
