"""Needs as columns for placement: planned terms, sizes, footprints, strides and groups."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

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
from engine.plan.terms.table import Int64s, Rows, distinct, distinct_ids, some
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
            mine = (self.group == number).nonzero()[0]
            for layers in distinct(self.footprint[mine]).tolist():
                size = profile.image_requirements(group.shape, layers, ImageUsage(group.usage)).size
                found[mine[self.footprint[mine] == layers]] = size
        return found

    def placing_order(self, coalesced: Coalesced, chosen: NDArray[np.bool_]) -> Int64s:
        """Numbers of chosen rows by run, then by key; transients by name, as their keys follow history."""
        order = chosen.nonzero()[0]
        transient = self.needs["key"][order] >> 32 == TRANSIENT_DB
        if some(transient):
            at = transient.nonzero()[0]
            rows = order[at]
            names = [coalesced.keys.name(key) for key in self.needs["key"][rows].tolist()]
            order[at] = rows[sorted(range(len(rows)), key=names.__getitem__)]
        runs = self.run[order].astype(np.int16 if len(self.groups) < 1 << 14 else np.int32)
        return order[runs.argsort(kind="stable")]


def need_columns(
    coalesced: Coalesced, needs: Rows, profile: DeviceProfile, policy: Policy, table: TermsTable
) -> NeedColumns:
    """Columns for `needs` (dtype REQUEST, sorted by key); planned terms are interned in `table`.

    PlanError `plan.requirement` where a need has no valid size, alignment, shape or number of copies.
    """
    known = _known_terms(coalesced, profile, policy, table)
    known.learn(coalesced, needs)
    of = known.rows.take(needs["terms"])
    image, alignment, copies, cached, tight, layers = (of[name] for name in _FACTS)
    size = np.where(image, tight * copies, needs["size"])
    _check_sizes(coalesced, needs, size)
    stride = np.where(image, tight, -(-size // alignment) * alignment)
    footprint = np.where(image, layers * copies, stride * copies)
    is_large = (footprint >= policy.own) & ~image
    return NeedColumns(
        needs,
        of["planned"],
        size,
        footprint,
        stride,
        alignment,
        of["usage"],
        np.where(cached, size, 0),
        cached,
        np.where(is_large, of["group_if_large"], of["group"]),
        np.where(is_large, of["run_if_large"], of["run"]),
        known.groups,
    )


_TERMS = np.dtype(
    [
        ("planned", np.int32),  # their number in the table of planned terms, -1 before they are learnt
        ("image", np.bool_),
        ("alignment", np.int64),
        ("copies", np.int64),
        ("cached", np.bool_),
        ("tight", np.int64),  # bytes of one copy of an image
        ("layers", np.int64),  # of one copy of an image
        ("usage", np.int64),
        ("group", np.int32),  # of a need that is small, or an image
        ("group_if_large", np.int32),
        ("run", np.int32),
        ("run_if_large", np.int32),
    ]
)
_FACTS = ("image", "alignment", "copies", "cached", "tight", "layers")


class _KnownTerms:
    """What is planned for terms, by their numbers in one table, for one profile and policy.

    Scenes have dozens of terms, and most plans no new ones. `groups` are those of all terms so far, in order.
    """

    def __init__(self, profile: DeviceProfile, policy: Policy, table: TermsTable) -> None:
        self.profile = profile
        self.policy = policy
        self.rows = np.zeros(0, _TERMS)
        self.groups: tuple[Group, ...] = ()
        self._table = table
        self._runs: dict[int, tuple[tuple[Group, int], tuple[Group, int]]] = {}

    def is_for(self, profile: DeviceProfile, policy: Policy, table: TermsTable) -> bool:
        """Whether this is about plans with the same profile, policy and table of planned terms."""
        return self.profile is profile and self.policy == policy and self._table is table

    def learn(self, coalesced: Coalesced, needs: Rows) -> None:
        """Work out what is planned for those terms of these needs that are new."""
        if len(self.rows) < len(coalesced.terms):
            grown = np.zeros(len(coalesced.terms), _TERMS)
            grown["planned"] = -1
            grown[: len(self.rows)] = self.rows
            self.rows = grown
        new = distinct_ids(needs["terms"][self.rows["planned"][needs["terms"]] < 0]).tolist()
        if not new:
            return
        for number in new:
            terms = planned_terms(coalesced.terms[number], self.profile, self.policy)
            _check(coalesced, needs, number, terms)
            image = terms.kind is Kind.IMAGE
            self.rows[number] = (
                self._table.id(terms),
                image,
                1 if image else terms.alignment,
                terms.copies,
                terms.contents is Contents.CACHE,
                tight_bytes(terms.shape) if terms.shape else 0,
                terms.shape.layers if terms.shape else 0,
                terms.usage,
                *(0, 0, 0, 0),
            )
            small, large = (group_of(terms, size, self.policy) for size in (0, self.policy.own))
            self._runs[number] = ((small, -terms.alignment), (large, -terms.alignment))
        self._rank()

    def _rank(self) -> None:
        """Number groups and runs in the order of their values."""
        every = {run for runs in self._runs.values() for run in runs}
        self.groups = tuple(sorted({group for group, _ in every}, key=lambda group: group.order))
        ranks = {group: rank for rank, group in enumerate(self.groups)}
        order = sorted((ranks[group], alignment) for group, alignment in every)
        run_ranks = {run: rank for rank, run in enumerate(order)}
        for number, runs in self._runs.items():
            of = self.rows[number]
            for name, (group, alignment) in zip(("", "_if_large"), runs, strict=True):
                of[f"group{name}"] = ranks[group]
                of[f"run{name}"] = run_ranks[ranks[group], alignment]


_known: WeakKeyDictionary[TermsTable, _KnownTerms] = WeakKeyDictionary()
"""By the table whose numbers they are about."""


def _known_terms(
    coalesced: Coalesced, profile: DeviceProfile, policy: Policy, table: TermsTable
) -> _KnownTerms:
    """What is known of the terms of these needs, as long as profile, policy and planned terms stay."""
    known = _known.get(coalesced.terms)
    if known is None or not known.is_for(profile, policy, table):
        known = _known[coalesced.terms] = _KnownTerms(profile, policy, table)
    return known


def _check(coalesced: Coalesced, needs: Rows, source: int, terms: Terms) -> None:
    if terms.fault:
        key = int(needs["key"][needs["terms"] == source][0])
        raise PlanError(
            "plan.requirement",
            f"{coalesced.keys.name(key)} is requested with {terms.fault}, by {coalesced.why(key)}",
        )


def _check_sizes(coalesced: Coalesced, needs: Rows, size: Int64s) -> None:
    wrong = (size <= 0).nonzero()[0]
    if len(wrong):
        key = int(needs["key"][wrong[0]])
        raise PlanError(
            "plan.requirement",
            f"{coalesced.keys.name(key)} is requested with {size[wrong[0]]} bytes, by {coalesced.why(key)}",
            "give its size in bytes; an asset without data needs no requirement",
        )
