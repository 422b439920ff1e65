"""What to do without where the device cannot hold all that is asked for.

First goes what nothing uses, by when it was used last; then what comes from caches may lie in memory that is
not the device's own; at last goes what is used, and whoever draws it draws its fallback. What no cache has
(attachments, rings, zeros) stays, and so do fallbacks: a plan without them would draw nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.plan.coalesce import Coalesced
from engine.plan.errors import PlanError
from engine.plan.plan import Plan
from engine.plan.policy import Policy
from engine.plan.table import Int64s

_SHORT = ("plan.budget", "plan.allocations")
_FINE = 64  # what is left out beyond need is at most one in so many of all that may be


@dataclass(frozen=True, eq=False)
class Spare:
    """Keys that may be left out, in this order, and their bytes; nothing uses the first `unused` of them."""

    keys: Int64s
    sizes: Int64s
    unused: int


@dataclass(frozen=True, eq=False)
class Within:
    """A plan of what fits, its policy perhaps Policy.elsewhere; `unused` and `used` keys were left out."""

    plan: Plan
    unused: Int64s
    used: Int64s


def is_short(error: PlanError) -> bool:
    """Whether a plan for less might be made where this one could not."""
    return error.code in _SHORT or error.key is not None


def plan_within(
    make: Callable[[Coalesced, Policy], Plan],
    coalesced: Coalesced,
    policy: Policy,
    spare: Spare,
    *,
    elsewhere: bool = True,
    placeholders: bool = True,
) -> Within | None:
    """The plan that leaves out least, where `make` has found that everything does not fit.

    Without `elsewhere` there is no other memory; without `placeholders` nothing that is used is left out.
    None where all of that is not enough. Raises PlanError where something is in the way that may not go.
    """
    less = _Less(make, coalesced, spare)
    stages = [(policy, spare.unused)]
    if elsewhere:
        policy = replace(policy, elsewhere=True)
        stages.append((policy, spare.unused))
    if placeholders:
        stages.append((policy, len(spare.keys)))
    for choice, most in stages:
        found = less.fewest(choice, most)
        if found is not None:
            return found
    return None


class _Less:
    """Makes plans of less and less, and keeps the order in which things may go."""

    def __init__(self, make: Callable[[Coalesced, Policy], Plan], coalesced: Coalesced, spare: Spare) -> None:
        self._make = make
        self._coalesced = coalesced
        self._spare = spare
        self._rank = {key: rank for rank, key in enumerate(spare.keys.tolist())}

    def fewest(self, policy: Policy, most: int) -> Within | None:
        """The plan with about the fewest left out, none but of the first `most`."""
        best = self._without(most, most, policy)
        if best is None:
            return None
        total = np.concatenate(([0], np.cumsum(self._spare.sizes)))
        fine = int(total[-1]) // _FINE
        too_few, enough = -1, most
        while enough - too_few > 1 and total[enough] - total[max(too_few, 0)] > fine:
            middle = (too_few + enough) // 2
            found = self._without(middle, most, policy)
            if found is None:
                too_few = middle
            else:
                best, enough = found, middle
        return best

    def _without(self, count: int, most: int, policy: Policy) -> Within | None:
        """The plan without the first `count`, and without those of the first `most` that fit nowhere."""
        left_out = self._spare.keys[:count].tolist()
        while True:
            part = self._coalesced.without(np.array(left_out, np.int64))
            try:
                plan = self._make(part, policy)
            except PlanError as error:
                rank = None if error.key is None else self._rank.get(error.key)
                if not is_short(error) or (rank is None and error.key is not None):
                    raise
                if rank is None or rank >= most:
                    return None
                left_out.append(self._spare.keys[rank])
            else:
                ranks = np.array(sorted(self._rank[key] for key in left_out), np.int64)
                unused, used = np.split(self._spare.keys[ranks], [np.searchsorted(ranks, self._spare.unused)])
                return Within(plan, unused, used)
