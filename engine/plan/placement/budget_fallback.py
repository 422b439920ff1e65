"""Reduced plans for a device that cannot hold everything that is requested.

Unused assets are left out first, the least recently used before others; then cached assets may be placed in
memory that is not device-local; last, used assets are left out and drawn as their fallbacks. Resources that
are in no cache (attachments, rings, zeros) are never left out, nor are fallbacks: without them nothing could
be drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.plan.model.plan import Plan
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.terms.errors import PlanError
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Int64s

_SHORTAGE_CODES = ("plan.budget", "plan.allocations")
_RESOLUTION = 64  # the search stops within 1/64 of the bytes of all candidates


@dataclass(frozen=True, eq=False)
class EvictionCandidates:
    """Keys that may be left out, in this order, and their bytes; the first `unused` of them are not in use.

    `over` and `over_all` are lower bounds of the bytes to leave out, if only device-local memory may be used
    and if all memory may.
    """

    keys: Int64s
    sizes: Int64s
    unused: int
    over: int = 0
    over_all: int = 0


@dataclass(frozen=True, eq=False)
class ReducedPlan:
    """A plan without the keys `unused` and `used`; its policy may allow Policy.elsewhere."""

    plan: Plan
    unused: Int64s
    used: Int64s


def is_shortage(error: PlanError) -> bool:
    """Whether a plan for fewer requirements might succeed where this error was raised."""
    return error.code in _SHORTAGE_CODES or error.key is not None


def plan_within_budget(
    make: Callable[[Coalesced, Policy], Plan],
    coalesced: Coalesced,
    policy: Policy,
    candidates: EvictionCandidates,
    *,
    elsewhere: bool = True,
    placeholders: bool = True,
) -> ReducedPlan | None:
    """The plan that leaves out the least, called after `make` has failed for all requirements.

    Without `elsewhere` only device-local memory is used; without `placeholders` no used key is left out.
    None where no reduced plan fits. Raises PlanError where a key that is no candidate cannot be placed.
    """
    search = _ReductionSearch(make, coalesced, candidates)
    stages = [(policy, candidates.unused)] if candidates.unused else []
    if elsewhere:
        policy = replace(policy, elsewhere=True)
        stages.append((policy, candidates.unused))
    if placeholders:
        stages.append((policy, len(candidates.keys)))
    for choice, max_count in stages:
        found = search.run(choice, max_count)
        if found is not None:
            return found
    return None


class _ReductionSearch:
    """Searches for the smallest number of candidates, in their order, without which a plan fits."""

    def __init__(
        self, make: Callable[[Coalesced, Policy], Plan], coalesced: Coalesced, candidates: EvictionCandidates
    ) -> None:
        self._make = make
        self._coalesced = coalesced
        self._candidates = candidates
        self._freed = np.concatenate(([0], np.cumsum(candidates.sizes)))
        """Bytes that are saved by leaving out the first n candidates, for n from 0."""

    def run(self, policy: Policy, max_count: int) -> ReducedPlan | None:
        """The plan that leaves out nearly the fewest of the first `max_count` candidates; None if none fits.

        An exponential search from the lower bound finds a count with a plan; bisection then reduces it down
        to the resolution.
        """
        over = self._candidates.over_all if policy.elsewhere else self._candidates.over
        resolution = step = int(self._freed[-1]) // _RESOLUTION
        too_few = int(np.searchsorted(self._freed, over)) - 1
        enough, best = too_few, None
        while best is None:
            if enough >= max_count:
                return None
            enough = int(np.searchsorted(self._freed, over + step))
            enough = min(max(enough, too_few + 1), max_count)
            best = self._without(enough, max_count, policy)
            if best is None:
                too_few, step = enough, 2 * step + 1
        while enough - too_few > 1 and self._freed[enough] - self._freed[max(too_few, 0)] > resolution:
            middle = (too_few + enough) // 2
            found = self._without(middle, max_count, policy)
            if found is None:
                too_few = middle
            else:
                best, enough = found, middle
        return best

    def _without(self, count: int, max_count: int, policy: Policy) -> ReducedPlan | None:
        """The plan without the first `count` candidates, and without unplaceable ones of `max_count`.

        None where it does not fit, PlanError where the cause is no candidate.
        """
        keys, ranks = self._candidates.keys, list(range(count))
        while True:
            try:
                plan = self._make(self._coalesced.without(keys[ranks]), policy)
            except PlanError as error:
                if not is_shortage(error):
                    raise
                if error.key is None:
                    return None
                (rank,) = np.flatnonzero(keys == error.key).tolist() or (None,)
                if rank is None:
                    raise
                if rank >= max_count:
                    return None
                ranks.append(rank)
            else:
                ranks.sort()
                unused, used = np.split(keys[ranks], [np.searchsorted(ranks, self._candidates.unused)])
                return ReducedPlan(plan, unused, used)
