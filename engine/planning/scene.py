"""Planning one scene: its frame's needs and the plan that meets them, made again as the scene changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef
from engine.feature import Feature, Registry
from engine.feature.collect import RequirementCollector
from engine.feature.recency import Recency
from engine.graph import SCENE_COLOR, ColorTarget, CompiledGraph, Pass, compile_graph
from engine.humon import Problem
from engine.plan.model.plan import Plan
from engine.plan.placement.budget_fallback import is_shortage, plan_within_budget
from engine.plan.placement.planner import make_plan
from engine.plan.placement.planning_round import Keep
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requirements import RequirementTable
from engine.plan.terms.errors import PlanError
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.planning.memory_user import MemoryUser
from engine.planning.needs import FrameNeeds, PassNeeds, capacity, for_samples, pass_requesters
from engine.planning.shortage import Shortage, eviction_candidates
from engine.planning.tables import DrawTable, draw_table
from engine.planning.visibility import FrustumQuery, shown
from engine.tableau import Tableau

BACKGROUND = (0.0, 0.0, 0.0, 1.0)
FORGOTTEN = 4096
"""Requesters that are gone and still known, beyond as many as there are rows, before all is stated afresh."""
MAX_SAMPLES = 4


class ScenePlanner:
    """Makes needs and plans of one scene for one device profile; pure, with no GPU.

    `shortage` is what the last plan does without, None where it holds everything.
    """

    def __init__(
        self,
        tableau: Tableau,
        registry: Registry,
        library: AssetLibrary,
        profile: DeviceProfile,
        size: tuple[int, int],
        policy: Policy | None = None,
    ) -> None:
        self.profile = profile
        self.size = size
        self.keys = Keys(self._describe, lambda db: library.dbs[db].name)
        self.others: list[MemoryUser] = []
        self._requirements = RequirementTable(self.keys)
        self._coalesced: Coalesced | None = None
        self._whole_requesters: set[int] = set()
        self._tableau = tableau
        self._registry = registry
        self._library = library
        self._policy = policy or Policy()
        self._collector = RequirementCollector(tableau, registry, library)
        self.shortage: Shortage | None = None
        self._recency = Recency(tableau)
        self._reported: list[Problem] = []
        self._made_of: tuple[object, ...] | None = None
        self._rows: dict[str, tuple[npt.NDArray[np.int32], list[npt.NDArray[np.int64]]]] = {}

    @property
    def samples(self) -> int:
        """How many samples attachments of the device's count have."""
        counts = self.profile.limits.framebuffer_sample_counts
        return max(n for n in (1, 2, MAX_SAMPLES) if counts & n)

    def stale(self) -> bool:
        """Whether what informs the plan has changed since `needs` was last made.

        Costs a comparison of versions when nothing happened, and a look at each feature's active rows
        when something was switched. As long as something is left out, any switch may change that.
        """
        now = self._signature()
        if self._made_of == now:
            return False
        self._recency.note()
        same = self._made_of is not None and self._made_of[2:] == now[2:]
        if same and self.shortage is None and not self._rows_changed():
            self._made_of = now
            return False
        return True

    def needs(self) -> FrameNeeds:
        """State what the frame needs now: active features, their passes, and all others who ask.

        What features ask for assets is kept and brought up to date; what is asked for the frame as a
        whole is taken back and stated again.
        """
        self._rows_changed()
        self._made_of = self._signature()
        if len(self._requirements.requesters) > FORGOTTEN + 2 * sum(map(len, self._tableau.tables.values())):
            self._requirements, self._whole_requesters = RequirementTable(self.keys), set()
        requirements = self._requirements
        requirements.remove(self._whole_requesters)
        self._collector.collect(requirements)
        graph, takers = self._graph(self._passes())
        needs = FrameNeeds(graph, {}, requirements, self.size, self.samples)
        requesters: dict[str, tuple[int, ...]] = {}
        for compiled in graph.passes:
            p = compiled.declaration
            requesters[p.name] = pass_requesters(p, takers.get(p.name, ()), self._tableau, requirements)
            table = self._draw_table(p)
            if table is not None:
                needs.tables[p.name] = table
        stated = PassNeeds(needs, self._library)
        stated.images(requesters)
        stated.stand_ins(requesters)
        if needs.tables:
            blocks = [s.frame.size for t in needs.tables.values() for s in t.shadings if s.frame]
            everyone = [requester for name in needs.tables for requester in requesters[name]]
            stated.frame(len(self._tableau.world), max(blocks, default=0), everyone)
        for name, table in needs.tables.items():
            stated.draws(table, requesters[name])
        self._whole_requesters = {requester for ids in requesters.values() for requester in ids}
        for other in self.others:
            requester = requirements.requesters.add(other.requester)
            self._whole_requesters.add(requester)
            for requirement in other.requirements():
                requirements.add(requirement, requester)
        return needs

    def plan(
        self,
        needs: FrameNeeds,
        resident: Plan | None = None,
        *,
        profile: DeviceProfile | None = None,
        placeholders: bool = True,
        keep: Keep = Keep.NOTHING,
    ) -> Plan:
        """Plan what was stated, staying with what is resident where it fits.

        Where the budgets (of `profile`, if given) cannot hold it all, a plan of less is made, and
        `shortage` tells; without `placeholders` everything that is drawn must fit. Raises PlanError
        where that is not enough either. At least `keep` of what is resident is kept.
        """
        coalesced = self._coalesced = coalesce(needs.requirements, self._coalesced)
        profile = profile or self.profile

        def make(part: Coalesced, policy: Policy) -> Plan:
            return make_plan(
                part,
                profile,
                resident,
                policy,
                keep=keep,
                shaders=needs.shaders,
                pipelines=needs.pipelines,
                descriptor_sets=needs.descriptor_sets,
            )

        try:
            plan, self.shortage = make(coalesced, self._policy), None
        except PlanError as error:
            if not is_shortage(error):
                raise
            until = self._collector.until(needs.requirements.requesters, self._recency)
            candidates = eviction_candidates(coalesced, until, self.seen(needs), profile, self._policy)
            several = len(profile.heaps) > 1
            found = plan_within_budget(
                make, coalesced, self._policy, candidates, elsewhere=several, placeholders=placeholders
            )
            if found is None:
                raise
            plan, self.shortage = found.plan, Shortage(found, error)
        return plan

    def seen(self, needs: FrameNeeds) -> FrustumQuery | None:
        """Say of keys whether the camera sees them, for their schedule; None where nothing is shown.

        World matrices are taken as they stand.
        """
        matrix = shown(self._registry, self._tableau, self.size, self.guard)
        return None if matrix is None else FrustumQuery(needs.tables.values(), self._tableau.world, matrix)

    def _signature(self) -> tuple[object, ...]:
        """Return versions, then what a plan depends on as a whole."""
        return (
            self._tableau.structure_version,
            self._tableau.values_version,
            self.size,
            capacity(len(self._tableau.world)),
            tuple(other.version for other in self.others),
            self.profile,
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What features and materials had to be reported for, each once, and what the last plan lacks."""
        short = () if self.shortage is None else (self.shortage.problem(self.keys.name),)
        return (*self._reported, *short)

    def _describe(self, key: int) -> str:
        """Name an asset in plans: its database and its label."""
        ref = AssetRef.from_key(key)
        return f"{self._library.dbs[ref.db].name} {self._library.record(ref).label}"

    def _passes(self) -> dict[str, list[Pass]]:
        """Return the passes of each feature with active rows."""
        passes: dict[str, list[Pass]] = {}
        for name in self._registry:
            table = self._tableau.tables.get(name)
            if table is None or not len(table.rows_active()):
                continue
            try:
                passes[name] = [for_samples(p, self.samples) for p in self._registry[name].passes()]
            except Exception as error:  # noqa: BLE001 (a feature's author may raise anything; it is reported)
                self.guard(self._registry[name], error)
        return passes

    def _graph(self, passes: dict[str, list[Pass]]) -> tuple[CompiledGraph, dict[str, list[str]]]:
        """Compile the passes of the features, each once; return with it who takes part in which pass.

        A feature whose passes contradict those of the features before it is switched off.
        """
        try:
            graph = _compiled(passes)
        except Exception:  # noqa: BLE001 (what an author declares may be anything; whose it is is found now)
            kept: dict[str, list[Pass]] = {}
            for name, own in passes.items():
                try:
                    _compiled({**kept, name: own})
                    kept[name] = own
                except Exception as error:  # noqa: BLE001 (it is reported)
                    self.guard(self._registry[name], error)
            passes, graph = kept, _compiled(kept)
        takers: dict[str, list[str]] = {}
        for name, own in passes.items():
            for p in own:
                takers.setdefault(p.name, []).append(name)
        return graph, takers

    def _draw_table(self, p: Pass) -> DrawTable | None:
        """Return the draw table of a pass; None where there is no such feature, or its code raised."""
        if p.draws not in self._registry:
            return None
        feature, table = self._registry[p.draws], self._tableau.tables[p.draws]
        try:
            return draw_table(p, feature, table, self._library, self._report)
        except Exception as error:  # noqa: BLE001 (a feature's author may raise anything; it is reported)
            self.guard(feature, error)
            return None

    def _rows_changed(self) -> bool:
        """Whether any feature's active rows, or the assets they name, differ from the last time."""
        now = {}
        for name, table in self._tableau.tables.items():
            rows = table.rows_active()
            assets = [table.column(spec.name)[rows] for spec in table.schema.asset_fields]
            now[name] = (rows, assets)
        before, self._rows = self._rows, now
        if before.keys() != now.keys():
            return True
        return any(
            not np.array_equal(before[name][0], rows)
            or any(not np.array_equal(a, b) for a, b in zip(before[name][1], assets, strict=True))
            for name, (rows, assets) in now.items()
        )

    def guard(self, feature: Feature, error: Exception) -> None:
        """Switch off a feature whose code raised and report it, once."""
        self._collector.switch_off(feature, error)

    def _report(self, problem: Problem) -> None:
        if problem not in self._reported:
            self._reported.append(problem)


def _compiled(passes: Mapping[str, Sequence[Pass]]) -> CompiledGraph:
    """Compile the passes of features, of those with one name the last."""
    by_name = {p.name: p for own in passes.values() for p in own}
    return compile_graph(list(by_name.values()), [ColorTarget(SCENE_COLOR, BACKGROUND)])
