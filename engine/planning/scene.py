"""Plans one scene: the needs of its frame and the plan for them, made again as the scene changes."""

from __future__ import annotations

import gc
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetLibrary, AssetRef
from engine.assets.records import origin
from engine.assets.reported_problems import ReportedProblems
from engine.feature import Feature, FrameView, Raised, Registry
from engine.feature.collect import RequirementCollector
from engine.feature.morphs import Morphs
from engine.feature.pass_requesters import PassRequesters
from engine.feature.recency import Recency
from engine.feature.skins import Skins
from engine.graph import PICTURE, CompiledPass, ImageDecl
from engine.graph.view_mode import Viewed, ViewMode
from engine.humon import Problem, joined
from engine.plan.model.plan import Plan
from engine.plan.placement.budget_fallback import is_shortage, plan_within_budget
from engine.plan.placement.planner import make_plan
from engine.plan.placement.planning_round import Keep
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced, coalesce
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.terms.errors import PlanError
from engine.plan.terms.in_steps import Steps, finished
from engine.plan.terms.keys import Keys
from engine.plan.terms.policy import Policy
from engine.planning.active_rows import ActiveRows
from engine.planning.ahead.foresight import Foresight, Learnt
from engine.planning.ahead.new_assets import NewAssets
from engine.planning.asset_cubes import AssetCubes
from engine.planning.contradictions import Contradictions, Requested
from engine.planning.draw.drawing import PipelineTrials, ShaderDrawing, drawing_plan, shader_state, there_in
from engine.planning.draw.frame_layout import FrameLayout
from engine.planning.draw.instance_blocks import capacity
from engine.planning.draw.ring_names import RingNames
from engine.planning.draw.shading import ShaderSet, shader_set
from engine.planning.frame_passes import FramePasses
from engine.planning.frame_requests import FrameParts, FrameRequests, KeptFrames, TableDraws
from engine.planning.memory_user import MemoryUser
from engine.planning.needs import FrameNeeds, PassNeeds, ShaderValues
from engine.planning.problems.absent_features import AbsentFeatures
from engine.planning.problems.room import RequestLimits
from engine.planning.problems.row_faults import RowFaults
from engine.planning.shortage import Shortage, eviction_candidates
from engine.planning.values import scene_view
from engine.planning.visibility import FrustumQuery
from engine.tableau import Tableau

MAX_REMOVED_REQUESTERS = 4096
"""Removed requesters that are kept, beyond twice the number of rows, before all requirements are rebuilt."""
USUAL_SHADERS = ("default.vs", "default.fs")
"""The builtin shaders whose blocks have plain names in plans."""


class ScenePlanner:
    """Makes needs and plans of one scene for one device profile; pure, with no GPU.

    `trials` say which pipelines may be drawn with; without them, as for an offline plan, all may. `outputs`
    are the images of a frame that can be read back.
    `cubes` says which environments passes sample. `last_needs` are what `needs` has returned last,
    None while they are collected in steps.
    `shortage` describes what the last plan leaves out, None where it holds everything. With `freezes`, what
    `prepare` learns is kept out of Python's cycle collections (`gc.freeze`).
    """

    def __init__(
        self,
        tableau: Tableau,
        registry: Registry,
        library: AssetLibrary,
        profile: DeviceProfile,
        size: tuple[int, int],
        policy: Policy | None = None,
        trials: PipelineTrials | None = None,
        outputs: Sequence[ImageDecl] = (PICTURE,),
        keys: Keys | None = None,
    ) -> None:
        self.freezes = False
        self.profile = profile
        self.size = size
        self.keys = keys or Keys(self._describe, lambda db: library.dbs[db].name, self._origin)
        self.others: list[MemoryUser] = []
        self._coalesced: Coalesced | None = None
        self._tableau = tableau
        self._registry = registry
        self._library = library
        library.use_formats([form.name for form in profile.lacks])
        self._policy = policy or Policy()
        self._trials = trials
        self._outputs = outputs
        limits = RequestLimits(library, profile)
        self._collector = RequirementCollector(tableau, registry, library, limits.check)
        self._contradictions = Contradictions(registry, self._collector)
        self.shortage: Shortage | None = None
        self._recency = Recency(tableau)
        self._reported = ReportedProblems(library)
        self.cubes = AssetCubes(tableau, registry, library, self.guard)
        self._absent = AbsentFeatures(tableau, registry)
        bending = next((feature for feature in registry.values() if feature.bends), Feature())
        self.skins = Skins(tableau, library, bending.type_name, bending.bends)
        morphing = next((feature for feature in registry.values() if feature.morphs), Feature())
        self.morphs = Morphs(tableau, library, morphing.type_name, morphing.morphs)
        self._faults = RowFaults(tableau, registry, self.guard, self.skins, self.morphs)
        self._last_signature: tuple[object, ...] | None = None
        self.last_needs: FrameNeeds | None = None
        self._active = ActiveRows(tableau)
        self._shader_version = 0
        self._passes = FramePasses(
            tableau,
            registry,
            library,
            self._collector,
            self._reported.add,
            self.skins,
            self.morphs,
            trials,
            outputs,
        )
        self._new = NewAssets(self._collector, self._passes)
        self._fallbacks: dict[int, Requirement] = {}
        self._frame = FrameLayout(())
        usual = [library.find("builtin", name, ("shader",)) for name in USUAL_SHADERS]
        self._names = RingNames(registry.buffers, shader_set(usual, library))
        self.foresight = Foresight(self._collector, self._passes, trials, self._drawing, self._reported.add)
        self._start_requests()

    def _start_requests(self) -> None:
        """Begin with a table without requirements or requesters."""
        self._requests = FrameRequests(RequirementTable(self.keys))
        self._pass_requesters = PassRequesters(self._tableau, self._requests.table.requesters)
        self._kept = KeptFrames(self.keys, self._names)

    def twin(self, tableau: Tableau, profile: DeviceProfile | None = None) -> ScenePlanner:
        """A planner of another tableau for the same picture, with the same keys, so that plans compare.

        It plans for this planner's device, or for `profile`, with the same other users of memory, and has
        what this one knows of when rows were drawn. Every pipeline may be used in its plans.
        """
        made = ScenePlanner(
            tableau,
            self._registry,
            self._library,
            profile or self.profile,
            self.size,
            self._policy,
            outputs=self._outputs,
            keys=self.keys,
        )
        made.others = self.others
        made.follow(self)
        made._recency = self._recency.twin(tableau)
        return made

    def follow(self, other: ScenePlanner) -> None:
        """Plan for the picture that another planner plans for: size, mode, images and outlined objects."""
        self.size = other.size
        self.show(other._passes.view_mode, grid=other._passes.has_grid)
        self.watch(other._passes.watched)
        self.choose(other._passes.chosen.rows)

    @property
    def samples(self) -> int:
        """The number of samples of images with Samples.FRAME."""
        return self._passes.samples(self.profile.limits.framebuffer_sample_counts)

    def owners(self, requesters: RequesterTable) -> NDArray[np.int32]:
        """Return for each requester of a plan the row of its object, -1 for one that is no object's."""
        return self._pass_requesters.with_owners(self._collector.owners(requesters), requesters)

    def stale(self) -> bool:
        """Whether the input of the plan has changed since the last call of `needs`.

        Compares versions when nothing happened, else active rows and what features declare. While something
        is left out, any switch makes the plan stale.
        """
        now = self.input_versions()
        if self._last_signature == now:
            return False
        self._recency.update()
        same = self._last_signature is not None and self._last_signature[2:] == now[2:]
        if same and self.shortage is None and not (self._active.changed() or self._passes.changed()):
            self._last_signature = now
            return False
        return True

    def mark_stale(self) -> None:
        """Let the input of the plan count as changed: what `needs` has found last is not used."""
        self._last_signature = None

    def prepare(self, milliseconds: float) -> bool:
        """Learn what new assets require and draw with, ahead of `needs`; return whether that may be called.

        Few assets are left to `needs`. Of many, as many are learnt as `milliseconds` suffice for, and the
        next call goes on; then their requirements are collected: so that no frame waits for thousands.
        """
        if self._new.are_few():
            return True
        self._new.look(self.input_versions())
        if not self.has_many:
            return True
        until = time.thread_time() + milliseconds / 1e3
        if self._new.learn(self.samples, self.profile.features, until):
            if self.freezes:
                gc.freeze()
            return False
        return self._collector.collect(self._requests.table, until)

    @property
    def has_many(self) -> bool:
        """Whether so many assets are new that `prepare` learns them over several frames."""
        return self._new.are_many

    def knows_assets(self) -> bool:
        """Whether `needs` has few new assets to learn, or none, however many rows have changed."""
        return self._new.are_few() or not (self.has_many or self._collector.unknown())

    def collect(self) -> None:
        """Collect what changed rows require, ahead of `needs`."""
        self._collector.collect(self._requests.table)

    def forget(self, dbs: Collection[int]) -> None:
        """Forget what is known of assets of databases that are gone, by the numbers of these.

        Draw tables in which most of what was ever drawn is not drawn any more are made again: see `renew`.
        """
        self._collector.forget(dbs)
        self._passes.forget(dbs)

    def renew(self, until: float) -> None:
        """Go on with draw tables that are made again, beside those that are drawn, until this CPU time."""
        self._passes.renew(until)

    def foresee(self, assets: Iterable[tuple[str, int]]) -> Iterator[Learnt]:
        """Learn what assets draw with, by feature type and key, before a row has them."""
        return self.foresight.assets(assets, self.samples, self.profile.features)

    def new_keys(self, type_name: str, now: int, before: int) -> set[int]:
        """Return the keys of what an asset that was foreseen requires, and the one that is drawn does not."""
        return self._collector.new_keys(type_name, now, before)

    def is_drawn(self, type_name: str, key: int) -> bool:
        """Whether an asset is drawn as it is for a feature type, and nothing in its place."""
        return self.foresight.is_drawn(type_name, key, self.samples, self.profile.features)

    def unfit(self, type_name: str, key: int) -> tuple[Problem, ...]:
        """Return why an asset that was learnt does not fit what it is drawn with."""
        return self.foresight.faults(type_name, key, self.samples, self.profile.features)

    def faults_with(
        self, type_name: str, key: int, earlier: Mapping[AssetRef, AssetRef]
    ) -> Iterator[Problem]:
        """Yield why an asset would not fit what it is drawn with, with earlier versions of parts of it."""
        asset, features = (type_name, key), self.profile.features
        return self.foresight.faults_with(asset, earlier, self.samples, features)

    def foresee_shaders(self) -> Mapping[tuple[AssetRef, ...], tuple[Problem, ...]]:
        """Prepare passes for shaders of theirs that have changed; return those that they cannot run."""
        graph, _ = self._passes.graph(self.samples, self.size, self.profile)
        return self.foresight.shaders(graph, self.samples, self.profile.features)

    def _drawing(self, compiled: CompiledPass, shaders: ShaderSet) -> ShaderDrawing:
        state, cubes = shader_state(compiled, self.profile.features), self.cubes.active()
        return ShaderDrawing(compiled, state, shaders, self.keys, (), self._names, cubes)

    def take_shaders(self) -> None:
        """Let passes run the shaders that were foreseen from the next plan on."""
        self._shader_version += self.foresight.take_shaders()

    def shader_dbs(self) -> set[int]:
        """Return the numbers of the databases that the shaders of passes are of."""
        return self._passes.shader_dbs()

    def ask(self) -> None:
        """Ask features for their passes before the first frame: checking what they declare takes long."""
        self._passes.changed()

    def prepare_needs(self) -> Iterator[None]:
        """Do in steps what the first call of `needs` would do at once: it finds most of it known."""
        yield from self._passes.prepare(self.samples, self.size, self.profile)
        yield from self._needs()
        yield

    def needs(self) -> FrameNeeds:
        """Collect the present needs of the frame: of active features, their passes, and `others`.

        Only what has changed since the last call is requested or no longer requested. What contradicts the
        requirements of features that came before, or the device, is switched off and reported. Raises
        PlanError where none is at fault.
        """
        return finished(self.needs_in_steps())

    def needs_in_steps(self) -> Steps[FrameNeeds]:
        """Do what `needs` does in steps; after each, draw tables may draw again what they drew before."""
        while True:
            needs, requested = yield from self._needs()
            requirements, before = needs.requirements, self._coalesced
            found = self._contradictions.coalesced(
                requirements, needs.columns, requested, before, self.profile
            )
            if found is not None:
                self._coalesced, self.last_needs = found, needs
                return needs

    def _needs(self) -> Steps[tuple[FrameNeeds, Requested]]:
        """Return the present needs of the frame, and what passes and others request."""
        self._new.are_many = False
        left = len(self._requests.table.requesters) - MAX_REMOVED_REQUESTERS
        if left > 0 and left > 2 * sum(map(len, self._tableau.tables.values())):
            self._start_requests()
        requirements, features = self._requests.table, self.profile.features
        while True:
            self._active.take()
            self._collector.collect(requirements)
            samples = self.samples
            graph, features_of = self._passes.graph(samples, self.size, self.profile)
            declared = [compiled.declaration for compiled in graph.passes]
            cubes = self.cubes.active()
            self._passes.bound = {one.declaration.name: there_in(one, cubes) for one in graph.passes}
            tables = [self._passes.update_table(p, samples, features) for p in declared]
            screens = [self._passes.screen(p, features_of.get(p.name, ()), features) for p in declared]
            if not self._active.changed():
                break  # else code of a feature raised, and rows of it were switched off
        self._last_signature, self.last_needs = self.input_versions(), None
        needs = FrameNeeds(graph, {}, requirements, self.size, samples)
        needs.place(features_of)
        draws = [None if table is None else TableDraws.of(table) for table in tables]
        yield
        requesters: dict[str, tuple[int, ...]] = {}
        for compiled, table, screen in zip(graph.passes, draws, screens, strict=True):
            p = compiled.declaration
            features_in, chosen = features_of.get(p.name, ()), self._passes.chosen.rows
            own = requesters[p.name] = self._pass_requesters.of(p, features_in, chosen)
            if table is not None:
                needs.tables[p.name] = table.table
                needs.assets[p.name] = table.assets
                needs.drawings[p.name] = self._kept.of_rows(compiled, table, own, cubes, features)
            elif screen is not None:
                drawing = self._kept.of_shaders(compiled, screen, own, cubes, features)
                row = drawing.pipeline()
                if self._trials is None or self._trials.usable(row, (), screen, row):
                    needs.drawings[p.name] = drawing
        parts = self._parts(needs, requesters, [table for table in draws if table is not None])
        needs.rings, needs.columns, needs.frame = parts.rings, parts.columns, parts.frame
        yield
        of_others = [
            (requirement, (requirements.requesters.add(other.requester),))
            for other in self.others
            for requirement in other.requirements()
        ]
        self._requests.update(parts.requirements, of_others)
        return needs, [*parts.requirements, *of_others]

    def _parts(
        self, needs: FrameNeeds, requesters: dict[str, tuple[int, ...]], tables: Sequence[TableDraws]
    ) -> FrameParts:
        """Return what a frame needs for its passes, worked out once for frames that follow from the same."""
        fillers = {feature.type_name for feature in self._registry.buffers.values()}
        about = (
            needs.size,
            needs.samples,
            capacity(len(self._tableau.parent)),
            requesters,
            self._passes.buffer_rows(),
            {name: tuple(self._pass_requesters.rows(name)) for name in fillers},
            [(one.instances, len(one.in_use.batches), one.in_use.placeholder) for one in tables],
        )
        parts = self._kept.parts(needs.graph, needs.drawings, about)
        if parts is not None:
            return parts
        pass_needs = PassNeeds(needs, self._library, self._fallbacks)
        pass_needs.add_images(requesters)
        pass_needs.add_buffers(requesters)
        pass_needs.add_stand_ins(requesters)
        values = ShaderValues(self._names, self._registry.buffers, self._passes.buffer_rows(), self._frame)
        self._frame = values.add(pass_needs, needs, requesters, self._pass_requesters)
        if tables:
            everyone = [requester for one in tables for requester in requesters[one.name]]
            pass_needs.add_instances(len(self._tableau.parent), everyone)
        for one in tables:
            pass_needs.add_draws(one, requesters[one.name])
        drawn = needs.rings, needs.columns, needs.frame
        parts = FrameParts(needs.graph, needs.drawings, about, *drawn, pass_needs.requirements)
        self._kept.keep(parts)
        return parts

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
        drawing = drawing_plan(needs.drawings)

        def make(part: Coalesced, policy: Policy) -> Plan:
            return make_plan(part, profile, resident, policy, keep=keep, drawing=drawing)

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

    @np.errstate(over="ignore", invalid="ignore")
    def visibility(self, needs: FrameNeeds) -> FrustumQuery | None:
        """A query for which keys the camera sees; None where no feature gives a view.

        Uses the present places of objects without updating them.
        """
        view = scene_view(self._registry, FrameView(self._tableau, self.size, lambda _: None), self.guard)
        if view is None:
            return None
        return FrustumQuery(tuple(needs.tables.values()), view.origin, view.view_projection)

    def input_versions(self) -> tuple[object, ...]:
        """Return what differs where the input of a plan may have: structure and values, then the rest."""
        return (
            self._tableau.structure_version,
            self._tableau.values_version,
            self.size,
            capacity(len(self._tableau.parent)),
            tuple(other.version for other in self.others),
            self.profile,
            self._trials.version if self._trials is not None else 0,
            self._passes.watched,
            self._passes.view_mode,
            self._passes.has_grid,
            self._passes.chosen.changes.version,
            self._shader_version,
        )

    def show(self, mode: ViewMode, *, grid: bool = False) -> None:
        """Make the picture of this mode from the next plan on, and one with a grid on the ground."""
        self._passes.view_mode, self._passes.has_grid = mode, grid

    def choose(self, objects: NDArray[np.int32]) -> None:
        """Outline these objects (rows, ascending) from the next plan on, if OUTLINED_PICTURE is watched."""
        self._passes.chosen.choose(objects)

    def watch(self, images: frozenset[str]) -> None:
        """Keep these images of the frame until its end from the next plan on, so that they can be read."""
        self._passes.watched = images

    @property
    def viewed(self) -> Viewed:
        """What `show`, `choose` and `watch` were called with."""
        return self._passes.viewed

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems of materials, each once; what frames lack, faults of rows, the last plan's shortage."""
        short = () if self.shortage is None else (self.shortage.problem(self.keys.name),)
        found = (*self._absent.problems, *self._passes.problems, *self._faults.problems(self.size))
        return (*joined(self._reported.problems), *self.foresight.problems, *found, *short)

    def _describe(self, key: int) -> str:
        """Return the name of an asset in plans: its database and its label."""
        ref = AssetRef.from_key(key)
        return f"{self._library.dbs[ref.db].name} {self._library.record(ref).label}"

    def _origin(self, key: int) -> str:
        return origin(self._library.record(AssetRef.from_key(key)), self._library.record)

    def guard(self, feature: Feature, error: Raised) -> None:
        """Switch off a feature whose code raised and report it, once."""
        self._collector.switch_off(feature, error)
