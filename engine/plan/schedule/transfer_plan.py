"""Paging cycles: which bytes pass through staging together, and the copies to their places.

Staging mirrors the destination: neighbours in a buffer are neighbours in staging, so that one copy region
serves a whole run, padding included. Reads from the cache are merged where both sides are adjacent.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import lcm

import numpy as np
from numpy.typing import NDArray

from engine.plan.placement.staging_bounds import RUN_ALIGNMENT, image_alignment, min_buffer_staging
from engine.plan.requirements.requirements import ImageShape
from engine.plan.requirements.shapes import mip_levels
from engine.plan.resident.steps import BUFFER_COPY, IMAGE_COPY, READ, Transfer, Window
from engine.plan.terms.errors import PlanError
from engine.plan.terms.table import Int64s, Rows, chosen, distinct, stack

PIECE = np.dtype(
    [
        ("row", np.int64),  # row in the plan's subresources
        ("key", np.int64),
        ("db", np.int64),
        ("priority", np.int64),
        ("source", np.int64),  # byte offset in the cache
        ("size", np.int64),
        ("resource", np.int32),
        ("place", np.int64),  # byte offset in the buffer, or layer of the image
        ("room", np.int64),  # bytes from `place` on that are reserved for this piece, padding included
        ("shape", np.int32),  # index of the image's shape, -1 for buffers
        ("start", np.int64),  # offset in the asset's bytes
        ("cost", np.int64),  # upper bound of its bytes in staging
    ]
)


@dataclass(frozen=True, eq=False)
class Cycle:
    """One paging cycle through one staging buffer: `windows` that change, to be mapped first, and pieces."""

    window: int
    pieces: Rows
    windows: tuple[Window, ...]


def split(pieces: Rows, shapes: list[ImageShape], limit: int, rows: int = 1) -> Rows:
    """Split pieces that cost more than `limit` (buffers anywhere, images by rows), and unfinished images.

    `rows` is the `copy_row_granularity`. PlanError `plan.staging` where the smallest copy exceeds `limit`.
    """
    large = pieces["cost"] > limit
    large |= (pieces["start"] > 0) & (pieces["shape"] >= 0)
    if not large.any():
        return pieces
    out = [chosen(pieces, ~large)]
    for piece in chosen(pieces, large):
        shape = int(piece["shape"])
        cuts = _buffer_cuts(piece, limit) if shape < 0 else _image_cuts(piece, shapes[shape], limit, rows)
        parts = np.repeat(piece[None], len(cuts))
        starts = np.array([c[0] for c in cuts], np.int64)
        sizes = np.array([c[1] for c in cuts], np.int64)
        parts["source"] += starts - piece["start"]
        if shape < 0:
            parts["place"] += starts - piece["start"]
            parts["room"] = sizes
            parts["room"][-1] = piece["room"] - (starts[-1] - piece["start"])
        parts["start"], parts["size"] = starts, sizes
        slack = int(piece["cost"] - max(piece["size"], piece["room"]))  # an image's room is in layers
        parts["cost"] = (np.maximum(sizes, parts["room"]) if shape < 0 else sizes) + slack
        out.append(parts)
        if parts["cost"].max() > limit:
            raise PlanError(
                "plan.staging",
                f"a staging buffer of {limit} bytes cannot hold the {parts['cost'].max()} bytes that must be"
                " copied at once",
                "raise the budget of the host-visible heap",
            )
    return stack(out)


def _buffer_cuts(piece: np.void, limit: int) -> list[tuple[int, int]]:
    """(start, size) of the parts of a buffer's piece."""
    step = max(limit - min_buffer_staging(int(piece["room"] - piece["size"])) + 4, 1)
    step = step // 4 * 4 or step
    start, end = int(piece["start"]), int(piece["start"] + piece["size"])
    return [(at, min(step, end - at)) for at in range(start, end, step)]


def _image_cuts(piece: np.void, shape: ImageShape, limit: int, multiple: int) -> list[tuple[int, int]]:
    """(start, size) of the parts of an image's piece: whole rows, from where an earlier schedule stopped."""
    slack = int(piece["cost"] - piece["size"])
    begun, cuts = int(piece["start"]), []
    for level in mip_levels(shape):
        rows = (limit - slack) // level.row
        rows = max(rows // multiple * multiple, multiple) if multiple else level.size // level.row
        for at in range(max(0, begun - level.offset), level.size, rows * level.row):
            cuts.append((level.offset + at, min(rows * level.row, level.size - at)))
    return cuts


def cycles(pieces: Rows, window_bytes: int, capacity: int) -> list[Cycle]:
    """Group pieces into cycles by priority, window and the capacity of a staging buffer, in bytes."""
    order = np.lexsort((pieces["start"], pieces["source"], pieces["db"], -pieces["priority"]))
    pieces = pieces.take(order)
    mapped: dict[int, Window] = {}
    spans = _spans(pieces, window_bytes)
    found: list[Cycle] = []
    index = -1
    for level in np.split(pieces, np.flatnonzero(np.diff(pieces["priority"])) + 1):
        for wave in _waves(level, spans, mapped, window_bytes, capacity):
            changed = tuple(w for w in wave[1] if mapped.get(w.db) != w)
            mapped.update({w.db: w for w in changed})
            index += bool(changed)
            edges = _buffer_edges(wave[0]["cost"], capacity)
            for at, stop in pairwise(edges):
                found.append(Cycle(index, wave[0][at:stop], changed if at == 0 else ()))
    return found


def _buffer_edges(cost: Int64s, capacity: int) -> list[int]:
    """Indices at which a new staging buffer begins, with 0 and `len(cost)` at the ends."""
    total, edges = np.cumsum(cost), [0]
    while edges[-1] < len(total):
        done = total[edges[-1] - 1] if edges[-1] else 0
        edges.append(max(int(np.searchsorted(total, done + capacity, side="right")), edges[-1] + 1))
    return edges


def _spans(pieces: Rows, window_bytes: int) -> dict[int, Window]:
    """Windows of the databases whose required ranges all fit into one window."""
    spans = {}
    for db in distinct(pieces["db"]).tolist():
        mine = chosen(pieces, pieces["db"] == db)
        start = int(mine["source"].min())
        size = int((mine["source"] + mine["size"]).max()) - start
        if size <= window_bytes:
            spans[db] = Window(db, start, size)
    return spans


def _waves(
    level: Rows, spans: dict[int, Window], mapped: dict[int, Window], window_bytes: int, capacity: int
) -> list[tuple[Rows, list[Window]]]:
    """Split one priority level into waves, in each of which a database has one window.

    Pieces that would fill the last staging buffer of a window by less than a quarter go to the next window.
    """
    waves: list[tuple[list[Rows], list[Window]]] = []
    for mine in np.split(level, np.flatnonzero(np.diff(level["db"])) + 1):
        db = int(mine["db"][0])
        ends = mine["source"] + mine["size"]
        at, turn = 0, 0
        while at < len(mine):
            start = int(mine["source"][at])
            window = spans.get(db)
            if window is None:
                stop = int(np.searchsorted(ends, start + window_bytes, side="right"))
                last = at + _buffer_edges(mine["cost"][at:stop], capacity)[-2]
                if at < last and stop < len(mine) and 4 * mine["cost"][last:stop].sum() < capacity:
                    stop = last
                window = Window(db, start, int(ends[stop - 1]) - start)
                present = mapped.get(db)
                if present and present.offset <= start and present.offset + present.size >= ends[stop - 1]:
                    window = present
            else:
                stop = len(mine)
            if turn == len(waves):
                waves.append(([], []))
            waves[turn][0].append(mine[at:stop])
            waves[turn][1].append(window)
            at, turn = stop, turn + 1
    return [(stack(parts), windows) for parts, windows in waves]


def transfer(
    db: int, staging: int, pieces: Rows, shapes: list[ImageShape], optimal: int, base: int
) -> tuple[Transfer, int]:
    """The Transfer of one database's pieces through staging from byte `base` on, and the end of its bytes."""
    buffers = pieces.take(np.flatnonzero(pieces["shape"] < 0))
    buffers = buffers.take(np.lexsort((buffers["place"], buffers["resource"])))
    copies, targets, base = _buffer_layout(buffers, base)
    reads = [_reads(buffers["source"], targets, buffers["size"])]
    image_copies: list[NDArray[np.void]] = []
    images = chosen(pieces, pieces["shape"] >= 0)
    for shape in distinct(images["shape"]).tolist():
        mine = chosen(images, images["shape"] == shape)
        read, copy, base = _image_layout(mine, shapes[shape], optimal, base)
        reads.append(read)
        image_copies.append(copy)
    order = np.argsort(pieces["key"], kind="stable")
    keys = distinct(pieces["key"])
    first = np.searchsorted(pieces["key"][order], keys)
    sizes = np.add.reduceat(pieces["size"][order], first)
    made = stack(image_copies) if image_copies else np.zeros(0, IMAGE_COPY)
    return Transfer(db, staging, keys, sizes, stack(reads), copies, made), base


def _buffer_layout(pieces: Rows, base: int) -> tuple[NDArray[np.void], Int64s, int]:
    """The copies, the staging offset of each piece, and the end of the bytes in staging."""
    if not len(pieces):
        return np.zeros(0, BUFFER_COPY), np.zeros(0, np.int64), base
    end = pieces["place"] + pieces["room"]
    new = np.ones(len(pieces), bool)
    new[1:] = (pieces["resource"][1:] != pieces["resource"][:-1]) | (pieces["place"][1:] != end[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(pieces)) - 1
    length = pieces["place"][last] + pieces["size"][last] - pieces["place"][first]
    taken = -(-length // RUN_ALIGNMENT) * RUN_ALIGNMENT
    base = -(-base // RUN_ALIGNMENT) * RUN_ALIGNMENT
    starts = base + np.cumsum(taken) - taken
    copies = np.zeros(len(first), BUFFER_COPY)
    copies["staging_offset"], copies["size"] = starts, length
    copies["resource"], copies["offset"] = pieces["resource"][first], pieces["place"][first]
    run = np.cumsum(new) - 1
    return copies, starts[run] + pieces["place"] - pieces["place"][first][run], int(base + taken.sum())


def _image_layout(
    pieces: Rows, shape: ImageShape, optimal: int, base: int
) -> tuple[NDArray[np.void], NDArray[np.void], int]:
    """Reads, copies (each mip level at a valid bufferOffset) and end in staging of images of one shape."""
    step = lcm(shape.format.info.block_bytes, 4)
    whole = image_alignment(shape, optimal)
    levels = mip_levels(shape)
    begin = np.array([m.offset for m in levels], np.int64)
    stop = begin + np.array([m.size for m in levels], np.int64)
    row_bytes = np.array([m.row for m in levels], np.int64)
    width, height, mip, layer = (
        np.array([getattr(m, f) for m in levels], np.int64) for f in ("width", "height", "mip", "layer")
    )
    piece, level = np.nonzero(
        (pieces["start"][:, None] < stop) & (pieces["start"] + pieces["size"])[:, None].__gt__(begin)
    )
    start = np.maximum(pieces["start"][piece], begin[level])
    size = np.minimum((pieces["start"] + pieces["size"])[piece], stop[level]) - start
    first = np.concatenate([[True], piece[1:] != piece[:-1]])
    taken = -(-size // step) * step
    totals = np.add.reduceat(taken, np.flatnonzero(first))
    totals = -(-totals // whole) * whole
    base = -(-base // whole) * whole
    origin = base + np.cumsum(totals) - totals
    before = np.cumsum(taken) - taken
    target = origin[piece] + before - before[first][piece]
    copies = np.zeros(len(piece), IMAGE_COPY)
    copies["staging_offset"], copies["resource"] = target, pieces["resource"][piece]
    copies["layer"], copies["mip"] = pieces["place"][piece] + layer[level], mip[level]
    copies["size"] = size
    block = shape.format.info.block_height
    copies["y"] = (start - begin[level]) // row_bytes[level] * block
    copies["width"] = width[level]
    copies["height"] = np.minimum(size // row_bytes[level] * block, height[level] - copies["y"])
    source = pieces["source"][piece] + start - pieces["start"][piece]
    return _reads(source, target, size), copies, int(base + totals.sum())


def _reads(source: Int64s, target: Int64s, size: Int64s) -> NDArray[np.void]:
    """Reads (dtype READ); those that are adjacent in both cache and staging are merged."""
    if not len(source):
        return np.zeros(0, READ)
    new = np.ones(len(source), bool)
    new[1:] = (source[1:] != source[:-1] + size[:-1]) | (target[1:] != target[:-1] + size[:-1])
    first = np.flatnonzero(new)
    reads = np.zeros(len(first), READ)
    reads["cache_offset"], reads["staging_offset"] = source[first], target[first]
    reads["size"] = np.add.reduceat(size, first)
    return reads
