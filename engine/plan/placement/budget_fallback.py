"""What to do without where the device cannot hold all that is asked for.

First goes what nothing uses, by when it was used last; then what comes from caches may lie in memory that is
not the device's own; at last goes what is used, and whoever draws it draws its fallback. What no cache has
(attachments, rings, zeros) stays, and so do fallbacks: a plan without them would draw nothing.
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

_SHORT = ("plan.budget", "plan.allocations")
_FINE = 64  # what is left out beyond need is at most one in so many of all that may be


@dataclass(frozen=True, eq=False)
class EvictionCandidates:
    """Keys that may be left out, in this order, and their bytes; nothing uses the first `unused` of them.

    So many bytes at least must go: `over` of what the device's own memory holds, `over_all` of all memory.
    """

    keys: Int64s
    sizes: Int64s
    unused: int
    over: int = 0
    over_all: int = 0


@dataclass(frozen=True, eq=False)
class ReducedPlan:
    """A plan of what fits, its policy perhaps Policy.elsewhere; `unused` and `used` keys were left out."""

    plan: Plan
    unused: Int64s
    used: Int64s


def is_short(error: PlanError) -> bool:
    """Whether a plan for less might be made where this one could not."""
    return error.code in _SHORT or error.key is not None


def plan_within_budget(
    make: Callable[[Coalesced, Policy], Plan],
    coalesced: Coalesced,
    policy: Policy,
    candidates: EvictionCandidates,
    *,
    elsewhere: bool = True,
    placeholders: bool = True,
) -> ReducedPlan | None:
    """The plan that leaves out least, where `make` has found that everything does not fit.

    Without `elsewhere` there is no other memory; without `placeholders` nothing that is used is left out.
    None where all of that is not enough. Raises PlanError where something is in the way that may not go.
    """
    less = _Less(make, coalesced, candidates)
    stages = [(policy, candidates.unused)] if candidates.unused else []
    if elsewhere:
        policy = replace(policy, elsewhere=True)
        stages.append((policy, candidates.unused))
    if placeholders:
        stages.append((policy, len(candidates.keys)))
    for choice, most in stages:
        found = less.fewest(choice, most)
        if found is not None:
            return found
    return None


class _Less:
    """Makes plans of less and less, and keeps the order in which things may go."""

    def __init__(
        self, make: Callable[[Coalesced, Policy], Plan], coalesced: Coalesced, candidates: EvictionCandidates
    ) -> None:
        self._make = make
        self._coalesced = coalesced
        self._candidates = candidates
        self._freed = np.concatenate(([0], np.cumsum(candidates.sizes)))
        """Bytes that return if so many are left out."""

    def fewest(self, policy: Policy, most: int) -> ReducedPlan | None:
        """The plan with about the fewest left out, none but of the first `most`.

        From the least that must go in any case it goes in growing steps to where a plan can be made, and
        halves the last step until it is fine.
        """
        over = self._candidates.over_all if policy.elsewhere else self._candidates.over
        fine = step = int(self._freed[-1]) // _FINE
        too_few = int(np.searchsorted(self._freed, over)) - 1
        enough, best = too_few, None
        while best is None:
            if enough >= most:
                return None
            enough = int(np.searchsorted(self._freed, over + step))
            enough = min(max(enough, too_few + 1), most)
            best = self._without(enough, most, policy)
            if best is None:
                too_few, step = enough, 2 * step + 1
        while enough - too_few > 1 and self._freed[enough] - self._freed[max(too_few, 0)] > fine:
            middle = (too_few + enough) // 2
            found = self._without(middle, most, policy)
            if found is None:
                too_few = middle
            else:
                best, enough = found, middle
        return best

    def _without(self, count: int, most: int, policy: Policy) -> ReducedPlan | None:
        """The plan without the first `count`, and without those of the first `most` that fit nowhere."""
        keys, ranks = self._candidates.keys, list(range(count))
        while True:
            try:
                plan = self._make(self._coalesced.without(keys[ranks]), policy)
            except PlanError as error:
                if not is_short(error):
                    raise
                if error.key is None:
                    return None
                (rank,) = np.flatnonzero(keys == error.key).tolist() or (None,)
                if rank is None:
                    raise
                if rank >= most:
                    return None
                ranks.append(rank)
            else:
                ranks.sort()
                unused, used = np.split(keys[ranks], [np.searchsorted(ranks, self._candidates.unused)])
                return ReducedPlan(plan, unused, used)
