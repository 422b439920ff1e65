"""Charges what contradicts earlier requests, or the device, to the feature that came last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.feature import Feature, Registry
from engine.feature.collect import RequirementCollector
from engine.feature.fault import Raised
from engine.graph import DeclarationError
from engine.humon import InputError, Problem
from engine.plan.model.refusals import Refusal, refusal
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced, coalesce, merge
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.requirements.requirements import Requirement, RequirementTable, Terms
from engine.plan.terms.errors import PlanError
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import distinct_ids
from engine.plan.terms.vocabulary import Kind
from engine.planning.draw.ring_names import ColumnRing

Requested = Iterable[tuple[Requirement, Sequence[int]]]
"""Requirements of passes and other users of memory, with the ids of their requesters."""

MAX_ROOMY = 256
"""How many requirements are remembered that a device can hold."""


@dataclass(frozen=True)
class _Request:
    """One request for a key: how late its requester came, terms, version of content, what switches it off."""

    rank: int
    terms: Terms
    version: int
    switch_off: Callable[[Exception], None] | None


class Contradictions:
    """Finds who requests a key in another way than those before; features count in the order they came in.

    Whatever the device cannot give to all of them contradicts, too.
    """

    def __init__(self, registry: Registry, collector: RequirementCollector) -> None:
        self._registry = registry
        self._collector = collector
        self._held: tuple[object, set[int]] = None, set()
        """For a device and a table of terms, the numbers of terms that it can give."""
        self._roomy: tuple[DeviceProfile | None, dict[int, Requirement]] = None, {}
        """For a device, requirements of buffers that it can hold, by their identity."""

    def coalesced(
        self,
        table: RequirementTable,
        columns: Mapping[str, ColumnRing],
        requested: Requested,
        before: Coalesced | None,
        profile: DeviceProfile,
    ) -> Coalesced | None:
        """Merge what a frame requires; None where features were switched off that contradict others.

        `columns` are the rings of features' buffers, by name. Raises PlanError where none is at fault.
        """
        rings = {table.keys.transient(name): ring for name, ring in columns.items()}
        if self._charge_rows(rings, requested, profile):
            return None
        try:
            found = coalesce(table, before)
            if found is not before:
                self._check_held(found, profile)
        except PlanError as error:
            if not self._charge(error, requested, table, profile):
                raise
            return None
        return found

    def _charge_rows(
        self, rings: Mapping[int, ColumnRing], requested: Requested, profile: DeviceProfile
    ) -> bool:
        """Switch off features with more rows in a buffer than the device can hold; whether there are any."""
        if self._roomy[0] is not profile or len(self._roomy[1]) >= MAX_ROOMY:
            self._roomy = profile, {}
        is_charged, known = False, self._roomy[1]
        for requirement, _ in requested:
            ring = rings.get(requirement.key)
            if ring is None or id(requirement) in known:
                continue
            refused = refusal(requirement.terms(), requirement.size, profile, Policy())
            if refused is not None:
                fault = f"the buffer {ring.buffer}, with room for {ring.count} rows, {refused.problem}"
                error = DeclarationError(fault, refused.help)
                self._collector.switch_off(self._registry.buffers[ring.buffer], error)
                is_charged = True
            else:
                known[id(requirement)] = requirement
        return is_charged

    def _check_held(self, coalesced: Coalesced, profile: DeviceProfile) -> None:
        """Raise PlanError where the device has no memory or format for what is requested in several ways."""
        known = self._held[1] if self._held[0] == (profile.memory_types, coalesced.terms) else set()
        self._held = (profile.memory_types, coalesced.terms), known
        needs = coalesced.needs.array
        for number in distinct_ids(needs["terms"]).tolist():
            if number in known:
                continue
            refused = _refused(coalesced.terms[number], profile)
            if refused is not None:
                key = int(needs["key"][np.argmax(needs["terms"] == number)])
                name, who = coalesced.keys.name(key), coalesced.why(key)
                raise PlanError(
                    refused.code, f"{name} {refused.problem}; requested by {who}", refused.help, key
                )
            known.add(number)

    def _charge(
        self, error: PlanError, requested: Requested, table: RequirementTable, profile: DeviceProfile
    ) -> bool:
        """Switch off what contradicts earlier requests for `error.key`; whether there is any.

        Of a feature that requests it for assets, that is what names such an asset.
        """
        if error.key is None:
            return False
        name = table.keys.name(error.key)
        found = [*self._of_frame(error.key, requested, table.requesters), *self._of_assets(error.key)]
        found.sort(key=lambda request: request.rank)
        accepted, is_charged = found[0].terms, False
        for request in found[1:]:
            try:
                both = merge(accepted, request.terms)
                if request.version != found[0].version:
                    raise ValueError("two versions of its content")
                refused = _refused(both, profile)
                if refused is not None:
                    raise ValueError(f"with both it {refused.problem}")
            except ValueError as contradiction:
                if request.switch_off is not None:
                    request.switch_off(_fault(name, str(contradiction)))
                    is_charged = True
            else:
                accepted = both
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


def _refused(terms: Terms, profile: DeviceProfile) -> Refusal | None:
    """Why the device gives nothing of any size with these terms."""
    found = refusal(terms, 1, profile, Policy())
    return found if terms.kind is Kind.BUFFER or (found is not None and found.code != "plan.size") else None


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


def clashing_values(
    given: Mapping[str, Iterable[str]], of_frame: Iterable[str], is_built_in: Callable[[str], bool]
) -> Mapping[str, DeclarationError]:
    """Return why features of packages cannot give their values: a built-in one, or the frame, gives one so.

    `given` has the names of values by feature, `of_frame` are those that the frame itself gives.
    """
    owners = {name: owner for owner, names in given.items() if is_built_in(owner) for name in names}
    owners |= dict.fromkeys(of_frame, "the frame itself")
    found = {}
    for feature, names in given.items():
        taken = None if is_built_in(feature) else next((name for name in names if name in owners), None)
        if taken is not None:
            fault = f"`frame_values` returns '{taken}', which {owners[taken]} gives"
            found[feature] = DeclarationError(fault, "give it a name of its own")
    return found
