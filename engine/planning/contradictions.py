"""Charges requirements that contradict each other to the feature that came last, so that the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from engine.feature import Feature, Registry
from engine.feature.collect import RequirementCollector
from engine.feature.fault import Raised
from engine.humon import InputError, Problem
from engine.plan.requirements.coalesce import merge
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.requirements.requirements import Requirement, Terms
from engine.plan.terms.errors import PlanError

Requested = Iterable[tuple[Requirement, Sequence[int]]]
"""Requirements of passes and other users of memory, with the ids of their requesters."""


@dataclass(frozen=True)
class _Request:
    """One request for a key: how late its requester came, terms, version of content, what switches it off."""

    rank: int
    terms: Terms
    version: int
    switch_off: Callable[[Exception], None] | None


class Contradictions:
    """Finds who requests a key in another way than those before; features count in the order they came in."""

    def __init__(self, registry: Registry, collector: RequirementCollector) -> None:
        self._registry = registry
        self._collector = collector

    def charge(self, error: PlanError, name: str, requested: Requested, requesters: RequesterTable) -> bool:
        """Switch off what contradicts earlier requests for `error.key`, called `name`; whether there is any.

        Of a feature that requests it for assets, that is what names such an asset.
        """
        if error.key is None:
            return False
        found = [*self._of_frame(error.key, requested, requesters), *self._of_assets(error.key)]
        found.sort(key=lambda request: request.rank)
        accepted, is_charged = found[0].terms, False
        for request in found[1:]:
            try:
                accepted = merge(accepted, request.terms)
                if request.version != found[0].version:
                    raise ValueError("two versions of its content")
            except ValueError as contradiction:
                if request.switch_off is not None:
                    request.switch_off(_fault(name, str(contradiction)))
                    is_charged = True
        return is_charged

    def _of_frame(self, key: int, requested: Requested, requesters: RequesterTable) -> Iterator[_Request]:
        """Yield the requests of passes, without versions; the last feature that takes part is charged."""
        for requirement, ids in requested:
            if requirement.key != key:
                continue
            names = {requesters[one].feature for one in ids} & self._registry.keys()
            last = max(names, key=self._registry.age, default=None)
            rank = min(map(self._registry.age, names), default=-1)
            yield _Request(rank, requirement.terms(), 0, self._switch(last))

    def _switch(self, name: str | None) -> Callable[[Exception], None] | None:
        """Return what switches a feature off."""
        if name is None:
            return None
        return partial(self._collector.switch_off, self._registry[name])

    def _of_assets(self, key: int) -> Iterator[_Request]:
        """Yield the requests of features for assets that active rows name."""
        for type_name, asset, terms, version in self._collector.requests_for(key):
            feature = self._registry[type_name]
            switch_off = partial(self._switch_off_asset, feature, asset)
            yield _Request(self._registry.age(type_name), terms, version, switch_off)

    def _switch_off_asset(self, feature: Feature, asset: int, error: Raised) -> None:
        self._collector.switch_off_assets(feature, {asset: error})


def _fault(name: str, contradiction: str) -> InputError:
    return InputError(
        [
            Problem(
                "plan.conflict",
                f"it requests {name} in another way than features before it: {contradiction}",
                None,
                help="request the same as they do, or something with a name of its own",
            )
        ]
    )
