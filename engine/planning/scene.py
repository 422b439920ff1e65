"""Plans one scene: the needs of its frame and the plan for them, made again as the scene changes."""

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
from engine.planning.visibility import FrustumQuery, scene_view_projection
from engine.tableau import Tableau

BACKGROUND = (0.0, 0.0, 0.0, 1.0)
MAX_REMOVED_REQUESTERS = 4096
"""Removed requesters that are kept, beyond twice the number of rows, before all requirements are rebuilt."""
MAX_SAMPLES = 4


class ScenePlanner:
    """Makes needs and plans of one scene for one device profile; pure, with no GPU.

    `shortage` describes what the last plan leaves out, None where it holds everything.
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
        self._frame_requesters: set[int] = set()
        self._tableau = tableau
        self._registry = registry
        self._library = library
        self._policy = policy or Policy()
        self._collector = RequirementCollector(tableau, registry, library)
        self.shortage: Shortage | None = None
        self._recency = Recency(tableau)
        self._reported: list[Problem] = []
        self._last_signature: tuple[object, ...] | None = None
        self._rows: dict[str, tuple[npt.NDArray[np.int32], list[npt.NDArray[np.int64]]]] = {}

    @property
    def samples(self) -> int:
        """The number of samples of attachments with Samples.DEVICE."""
        counts = self.profile.limits.framebuffer_sample_counts
        return max(n for n in (1, 2, MAX_SAMPLES) if counts & n)

    def stale(self) -> bool:
        """Whether the input of the plan has changed since the last call of `needs`.

        Compares versions when nothing happened, and the active rows of all features when something was
        switched. While something is left out, any switch makes the plan stale.
        """
        now = self._signature()
        if self._last_signature == now:
            return False
        self._recency.update()
        same = self._last_signature is not None and self._last_signature[2:] == now[2:]
        if same and self.shortage is None and not self._rows_changed():
            self._last_signature = now
            return False
        return True

    def needs(self) -> FrameNeeds:
        """Collect the present needs of the frame: of active features, their passes, and `others`.

        Requirements of features for assets are updated; those of passes and others are removed and added
        again.
        """
        self._rows_changed()
        self._last_signature = self._signature()
        rows = sum(map(len, self._tableau.tables.values()))
        if len(self._requirements.requesters) > MAX_REMOVED_REQUESTERS + 2 * rows:
            self._requirements, self._frame_requesters = RequirementTable(self.keys), set()
        requirements = self._requirements
        requirements.remove(self._frame_requesters)
        self._collector.collect(requirements)
        graph, features_of = self._graph(self._passes())
        needs = FrameNeeds(graph, {}, requirements, self.size, self.samples)
        requesters: dict[str, tuple[int, ...]] = {}
        for compiled in graph.passes:
            p = compiled.declaration
            requesters[p.name] = pass_requesters(p, features_of.get(p.name, ()), self._tableau, requirements)
            table = self._draw_table(p)
            if table is not None:
                needs.tables[p.name] = table
        pass_needs = PassNeeds(needs, self._library)
        pass_needs.add_images(requesters)
        pass_needs.add_stand_ins(requesters)
        if needs.tables:
            blocks = [s.frame.size for t in needs.tables.values() for s in t.shadings if s.frame]
            everyone = [requester for name in needs.tables for requester in requesters[name]]
            pass_needs.add_frame(len(self._tableau.world), max(blocks, default=0), everyone)
        for name, table in needs.tables.items():
            pass_needs.add_draws(table, requesters[name])
        self._frame_requesters = {requester for ids in requesters.values() for requester in ids}
        for other in self.others:
            requester = requirements.requesters.add(other.requester)
            self._frame_requesters.add(requester)
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
        """Plan these needs, keeping resident keys at their places where they fit, at least as `keep` says.

        Where the budgets (of `profile`, if given) cannot hold everything, a reduced plan is made, which
        `shortage` describes; without `placeholders` everything that is drawn must fit. Raises PlanError
        where no reduced plan fits either.
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
            times = self._collector.last_enabled(needs.requirements.requesters, self._recency)
            visible = self.visibility(needs)
            candidates = eviction_candidates(coalesced, times, visible, profile, self._policy)
            several = len(profile.heaps) > 1
            found = plan_within_budget(
                make, coalesced, self._policy, candidates, elsewhere=several, placeholders=placeholders
            )
            if found is None:
                raise
            plan, self.shortage = found.plan, Shortage(found, error)
        return plan

    def visibility(self, needs: FrameNeeds) -> FrustumQuery | None:
        """A query for which keys the camera sees; None where no feature gives a view.

        Uses the present world matrices without updating them.
        """
        matrix = scene_view_projection(self._registry, self._tableau, self.size, self.guard)
        return None if matrix is None else FrustumQuery(needs.tables.values(), self._tableau.world, matrix)

    def _signature(self) -> tuple[object, ...]:
        """Return the versions of structure and values, then everything else that a plan depends on."""
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
        """Problems of features and materials, each once, and the shortage of the last plan."""
        short = () if self.shortage is None else (self.shortage.problem(self.keys.name),)
        return (*self._reported, *short)

    def _describe(self, key: int) -> str:
        """Return the name of an asset in plans: its database and its label."""
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
        """Compile the passes of the features; also returns the features of each pass, by its name.

        A feature whose passes contradict those of earlier features is switched off.
        """
        try:
            graph = _compiled(passes)
        except Exception:  # noqa: BLE001 (authors may declare anything; the feature at fault is found below)
            kept: dict[str, list[Pass]] = {}
            for name, own in passes.items():
                try:
                    _compiled({**kept, name: own})
                    kept[name] = own
                except Exception as error:  # noqa: BLE001 (it is reported)
                    self.guard(self._registry[name], error)
            passes, graph = kept, _compiled(kept)
        features_of: dict[str, list[str]] = {}
        for name, own in passes.items():
            for p in own:
                features_of.setdefault(p.name, []).append(name)
        return graph, features_of

    def _draw_table(self, p: Pass) -> DrawTable | None:
        """Return the draw table of a pass; None where its feature is unknown or its code raised."""
        if p.draws not in self._registry:
            return None
        feature, table = self._registry[p.draws], self._tableau.tables[p.draws]
        try:
            return draw_table(p, feature, table, self._library, self._report)
        except Exception as error:  # noqa: BLE001 (a feature's author may raise anything; it is reported)
            self.guard(feature, error)
            return None

    def _rows_changed(self) -> bool:
        """Whether any feature's active rows, or the assets they name, have changed since the last call."""
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
    """Compile the passes of features; of several with one name the last is used."""
    by_name = {p.name: p for own in passes.values() for p in own}
    return compile_graph(list(by_name.values()), [ColorTarget(SCENE_COLOR, BACKGROUND)])
