"""Needs as columns for placement: planned terms, sizes, footprints, strides and groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.groups import Group, group_of, planned_terms
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import Terms, TermsTable
from engine.plan.requirements.shapes import tight_bytes
from engine.plan.terms.errors import PlanError
from engine.plan.terms.keys import TRANSIENT_DB
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Int64s, Rows, distinct
from engine.plan.terms.vocabulary import Contents, ImageUsage, Kind


@dataclass(frozen=True, eq=False)
class NeedColumns:
    """Needs with the values that placement uses, one row each; sizes in bytes.

    `footprint` is in bytes of a buffer or layers of an image, `bytes` is the size that is transferred from a
    cache (0 for other contents). `groups[group]` is a row's group. Rows of one `run` share group and
    alignment, and are placed in the order of runs. Runs are numbered by these values alone, so that the same
    needs are placed the same whatever the order of their rows.
    """

    needs: Rows
    terms: NDArray[np.int32]
    size: Int64s
    footprint: Int64s
    stride: Int64s
    alignment: Int64s
    usage: Int64s
    bytes: Int64s
    cached: NDArray[np.bool_]
    group: NDArray[np.int32]
    run: NDArray[np.int32]
    groups: tuple[Group, ...]

    def device_bytes(self, profile: DeviceProfile) -> Int64s:
        """Estimated bytes of each need on the device, without the free space of pages."""
        found = self.footprint.copy()
        images = np.flatnonzero([group.kind is Kind.IMAGE for group in self.groups])
        for number in images.tolist():
            group = self.groups[number]
            assert group.shape is not None
            mine = np.flatnonzero(self.group == number)
            for layers in distinct(self.footprint[mine]).tolist():
                size = profile.image_requirements(group.shape, layers, ImageUsage(group.usage)).size
                found[mine[self.footprint[mine] == layers]] = size
        return found

    def placing_order(self, coalesced: Coalesced) -> Int64s:
        """Row numbers by run, then by key; transients by name, as their keys depend on history."""
        order = np.arange(len(self.needs))
        transient = self.needs["key"] >> 32 == TRANSIENT_DB
        if transient.any():
            rows = np.flatnonzero(transient)
            names = [coalesced.keys.name(int(key)) for key in self.needs["key"][rows]]
            order[rows] = rows[sorted(range(len(rows)), key=names.__getitem__)]
        runs = self.run[order].astype(np.int16 if len(self.groups) < 1 << 14 else np.int32)
        return order[np.argsort(runs, kind="stable")]


def need_columns(
    coalesced: Coalesced, needs: Rows, profile: DeviceProfile, policy: Policy, table: TermsTable
) -> NeedColumns:
    """Columns for `needs` (dtype NEED, sorted by key); planned terms are interned in `table`.

    PlanError `plan.requirement` where a need has no valid size, alignment, shape or number of copies.
    """
    used, index = _compact(needs["terms"], len(coalesced.terms))
    planned = [planned_terms(coalesced.terms[t], profile, policy) for t in used.tolist()]
    for source, terms in zip(used.tolist(), planned, strict=True):
        _check(coalesced, needs, source, terms)
    image = np.array([t.kind is Kind.IMAGE for t in planned], bool)[index]
    alignment = np.array([1 if t.kind is Kind.IMAGE else t.alignment for t in planned], np.int64)[index]
    copies = np.array([t.copies for t in planned], np.int64)[index]
    cached = np.array([t.contents is Contents.CACHE for t in planned], bool)[index]
    tight = np.array([tight_bytes(t.shape) if t.shape else 0 for t in planned], np.int64)[index]
    size = np.where(image, tight * copies, needs["size"])
    _check_sizes(coalesced, needs, size)
    stride = np.where(image, tight, -(-size // alignment) * alignment)
    footprint = np.where(image, copies, stride * copies)
    is_large = (footprint >= policy.own) & ~image
    group, run, groups = _groups(planned, index, is_large, policy)
    return NeedColumns(
        needs,
        np.array([table.id(t) for t in planned], np.int32)[index],
        size,
        footprint,
        stride,
        alignment,
        np.array([t.usage for t in planned], np.int64)[index],
        np.where(cached, size, 0),
        cached,
        group,
        run,
        groups,
    )


def _compact(ids: NDArray[np.int32], count: int) -> tuple[Int64s, Int64s]:
    """The distinct ids, and each row's index among them; by counting, as ids are small."""
    used = np.flatnonzero(np.bincount(ids, minlength=count))
    lookup = np.zeros(count, np.int64)
    lookup[used] = np.arange(len(used))
    return used, lookup[ids]


def _groups(
    planned: list[Terms], index: Int64s, is_large: NDArray[np.bool_], policy: Policy
) -> tuple[NDArray[np.int32], NDArray[np.int32], tuple[Group, ...]]:
    """Group and run of each row, and the groups; both depend only on terms and on whether a row is large."""
    both = [group_of(t, size, policy) for t in planned for size in (0, policy.own)]
    runs = [(g, -t.alignment) for t, g in zip([t for t in planned for _ in range(2)], both, strict=True)]
    present = np.bincount(index * 2 + is_large, minlength=len(both)) > 0
    groups = sorted({g for g, p in zip(both, present, strict=True) if p}, key=lambda g: g.order)
    rank = {group: i for i, group in enumerate(groups)}
    order = sorted(
        {(rank[g], a) for (g, a), p in zip(runs, present, strict=True) if p},
    )
    run_rank = {run: i for i, run in enumerate(order)}
    group_ids = np.array([rank.get(g, -1) for g in both], np.int32)
    run_ids = np.array([run_rank.get((rank.get(g, -1), a), -1) for g, a in runs], np.int32)
    return group_ids[index * 2 + is_large], run_ids[index * 2 + is_large], tuple(groups)


def _check(coalesced: Coalesced, needs: Rows, source: int, terms: Terms) -> None:
    if terms.fault:
        key = int(needs["key"][needs["terms"] == source][0])
        raise PlanError(
            "plan.requirement",
            f"{coalesced.keys.name(key)} is requested with {terms.fault}, by {coalesced.why(key)}",
        )


def _check_sizes(coalesced: Coalesced, needs: Rows, size: Int64s) -> None:
    wrong = np.flatnonzero(size <= 0)
    if len(wrong):
        key = int(needs["key"][wrong[0]])
        raise PlanError(
            "plan.requirement",
            f"{coalesced.keys.name(key)} is requested with {size[wrong[0]]} bytes, by {coalesced.why(key)}",
            "give its size in bytes; an asset without data needs no requirement",
        )
