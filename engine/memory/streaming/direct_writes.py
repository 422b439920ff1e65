"""Splits a transfer into direct host writes and copies through staging.

Where host and device share memory (a software driver, an integrated GPU), one copy from the cache into the
buffer replaces two. Images of optimal tiling always go through staging.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.plan.resident.steps import READ, Transfer
from engine.plan.terms.table import distinct, is_in

AFFECTED_RANGE = np.dtype([("resource", np.int32), ("begin", np.int64), ("end", np.int64)])


@dataclass(frozen=True, eq=False)
class SplitTransfer:
    """A transfer in two parts: direct writes and staged copies.

    `direct` are (resource, rows of READ whose staging_offset is an offset in that buffer); `staged` is the
    transfer with the remaining copies and the reads that they need.
    """

    direct: tuple[tuple[int, NDArray[np.void]], ...]
    staged: Transfer


def split_transfer(step: Transfer, direct: Collection[int]) -> SplitTransfer:
    """Split a transfer; `direct` are the resources that the host can write to.

    Reads of neighbours are merged across the padding between them, which belongs to no key.
    """
    if not direct:
        return SplitTransfer((), step)
    copies = step.buffer_copies[np.argsort(step.buffer_copies["staging_offset"], kind="stable")]
    reads, copy = _split_at_copies(step.reads, copies)
    reads, copy = _merged(reads, copy)
    goes_direct = is_in(copies["resource"], list(direct))
    inside = np.append(goes_direct, False)[copy]  # the last is for reads of images
    written = []
    for resource in distinct(copies["resource"][goes_direct]).tolist():
        mine = inside & (np.append(copies["resource"], -1)[copy] == resource)
        spots = reads[mine]
        spots["staging_offset"] += (copies["offset"] - copies["staging_offset"])[copy[mine]]
        written.append((resource, spots))
    return SplitTransfer(
        tuple(written),
        replace(step, reads=reads[~inside], buffer_copies=copies[~goes_direct]),
    )


def _split_at_copies(
    reads: NDArray[np.void], copies: NDArray[np.void]
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Split reads where copies begin; return them with the index of the copy that takes each, or -1."""
    reads = reads[np.argsort(reads["staging_offset"], kind="stable")]
    starts = copies["staging_offset"]
    if not len(starts):
        return reads, np.full(len(reads), -1, np.int64)
    first = np.searchsorted(starts, reads["staging_offset"], side="right")
    last = np.searchsorted(starts, reads["staging_offset"] + reads["size"], side="left")
    count = np.maximum(last - first, 0) + 1
    cut = np.repeat(reads, count).astype(READ, copy=False)
    turn = np.arange(len(cut)) - np.repeat(np.cumsum(count) - count, count)
    copy = np.repeat(first, count) - 1 + turn
    ends = np.append(starts, np.iinfo(np.int64).max)[copy + 1]
    begin = np.where(turn > 0, starts[np.maximum(copy, 0)], cut["staging_offset"])
    end = np.minimum(cut["staging_offset"] + cut["size"], ends)
    cut["cache_offset"] += begin - cut["staging_offset"]
    cut["staging_offset"], cut["size"] = begin, end - begin
    beyond = (copy < 0) | (begin >= (starts + copies["size"])[np.maximum(copy, 0)])
    return cut, np.where(beyond, -1, copy)


def _merged(reads: NDArray[np.void], copy: NDArray[np.int64]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Merge reads of one copy that are as far apart in the cache as in their target."""
    if not len(reads):
        return reads, copy
    far = reads["staging_offset"] - reads["cache_offset"]
    new = np.ones(len(reads), bool)
    new[1:] = (copy[1:] != copy[:-1]) | (far[1:] != far[:-1]) | (copy[1:] < 0)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(reads)) - 1
    merged = reads[first]
    merged["size"] = reads["cache_offset"][last] + reads["size"][last] - merged["cache_offset"]
    return merged, copy[first]


def affected_ranges(split: SplitTransfer, begin: int, end: int) -> NDArray[np.void]:
    """Return where bytes `begin` to `end` of the cache go: rows of AFFECTED_RANGE, in bytes or layers."""
    found = []
    for resource, reads in split.direct:
        hit = _overlapping(reads, begin, end)
        found += [(resource, place, place + size) for _cache, place, size in hit.tolist()]
    staged = split.staged
    for _cache, spot, size in _overlapping(staged.reads, begin, end).tolist():
        for copy in staged.buffer_copies:
            low = max(spot, int(copy["staging_offset"]))
            high = min(spot + size, int(copy["staging_offset"] + copy["size"]))
            if low < high:
                shift = int(copy["offset"] - copy["staging_offset"])
                found.append((int(copy["resource"]), low + shift, high + shift))
        images = staged.image_copies
        mine = (images["staging_offset"] < spot + size) & (images["staging_offset"] + images["size"] > spot)
        found += [(int(i["resource"]), int(i["layer"]), int(i["layer"]) + 1) for i in images[mine]]
    return np.array(found, AFFECTED_RANGE)


def _overlapping(reads: NDArray[np.void], begin: int, end: int) -> NDArray[np.void]:
    hit: NDArray[np.void] = reads[
        (reads["cache_offset"] < end) & (reads["cache_offset"] + reads["size"] > begin)
    ]
    return hit


def split_copies(step: Transfer, limit: int | None) -> list[Transfer]:
    """Split the copies of a transfer into transfers of about `limit` bytes, which are recorded separately."""
    if limit is None:
        return [step]
    buffers = _cut(step.buffer_copies, limit)
    sizes = np.concatenate([buffers["size"], step.image_copies["size"]])
    turn = (np.cumsum(sizes) - 1) // max(limit, 1)
    edges = [0, *(np.flatnonzero(np.diff(turn)) + 1).tolist(), len(sizes)]
    found = []
    for begin, end in pairwise(edges):
        mine = buffers[begin:end]
        images = step.image_copies[max(begin - len(buffers), 0) : max(end - len(buffers), 0)]
        found.append(replace(step, buffer_copies=mine, image_copies=images))
    return found


def _cut(copies: NDArray[np.void], limit: int) -> NDArray[np.void]:
    """Split buffer copies that are larger than `limit` bytes, at multiples of 4."""
    limit = max(limit // 4 * 4, 4)
    count = -(-copies["size"] // limit)
    cut = np.repeat(copies, count)
    within = (np.arange(len(cut)) - np.repeat(np.cumsum(count) - count, count)) * limit
    cut["staging_offset"] += within
    cut["offset"] += within
    cut["size"] = np.minimum(cut["size"] - within, limit)
    return cut
