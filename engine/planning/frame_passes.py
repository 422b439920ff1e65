"""The passes of a frame: declared by the features that are active, compiled, and what each draws."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from engine.assets import AssetLibrary, AssetRef
from engine.assets.reported_problems import Report
from engine.feature import Feature, FeatureRows, Registry
from engine.feature.collect import RequirementCollector
from engine.feature.fault import RAISED, Raised
from engine.feature.morphs import Morphs
from engine.feature.row_assets import ChosenObjects
from engine.feature.skins import Skins
from engine.graph import (
    PICTURE,
    CompiledGraph,
    ComputePass,
    DrawPass,
    FullscreenPass,
    ImageDecl,
    Pass,
    PrimitivePass,
    compile_graph,
    limited,
    pass_samples,
    with_repeated,
    with_rests,
)
from engine.graph.view_mode import Viewed, ViewMode, shown, without_empty_contour
from engine.humon import Problem
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.drawing import AlphaMode
from engine.plan.terms.drawing_rows import PipelineState
from engine.planning.draw.boxes import BoneBoxes
from engine.planning.draw.drawing import PipelineTrials, mesh_pipeline, pipeline_state
from engine.planning.draw.frame_layout import frame_members
from engine.planning.draw.interfaces import PassInterface
from engine.planning.draw.recipes import Usable
from engine.planning.draw.shading import ShaderSet, check_own_shaders, find_shader, shader_set
from engine.planning.draw.tables import DrawTable
from engine.planning.problems import pass_names
from engine.planning.problems.agreeing_passes import KnownPasses, agreeing, lacks_hosts, one_of_each
from engine.planning.problems.declared import checked_passes, checked_rows, checked_samples
from engine.planning.problems.pass_names import FeaturesOf
from engine.planning.problems.room import Room, names_of
from engine.planning.renewed_tables import RenewedTables
from engine.tableau import FeatureTable, Tableau

SCREEN_SHADER = "screen.vs"
"""The vertex stage of fullscreen passes, in the builtin assetDb."""

ShaderPass = FullscreenPass | PrimitivePass | ComputePass
"""A pass without meshes."""

MAX_SAMPLES = 4
"""Samples of a frame in which no feature says how many."""
MAX_GRAPHS = 8
"""Compiled graphs that are kept."""


_Asking = tuple[DrawPass, int, frozenset[str] | None]
"""A pass, the samples of the frame, and the device's features."""


@dataclass(frozen=True)
class _Asked:
    """What a feature declares for its rows at one version of its table; None for no passes or samples."""

    version: tuple[int, object, object]
    passes: list[Pass] | None
    samples: int | None
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Compiled:
    """The passes of each feature, their graph, and the features of each pass, by its name.

    `unwritten` is what passes read that nobody writes: (feature, pass, image or buffer). `watched` images are
    outputs, too.
    """

    watched: frozenset[str]
    passes: dict[str, list[Pass]]
    room: Room
    graph: CompiledGraph
    features_of: FeaturesOf
    unwritten: tuple[tuple[str, str, str], ...]


class FramePasses:
    """Compiles the passes of a scene, and keeps what they draw: draw tables and shaders.

    A feature whose passes contradict those of earlier features, or whose shaders do not fit its pass, is
    switched off and reported.
    """

    def __init__(
        self,
        tableau: Tableau,
        registry: Registry,
        library: AssetLibrary,
        collector: RequirementCollector,
        report: Report,
        skins: Skins,
        morphs: Morphs,
        trials: PipelineTrials | None = None,
        outputs: Sequence[ImageDecl] = (PICTURE,),
    ) -> None:
        """`trials` say which pipelines may be drawn with; None: all may. `outputs` can be read back."""
        self._tableau = tableau
        self._registry = registry
        self.library = library
        self._collector = collector
        self._report = report
        self._skins = skins
        self._morphs = morphs
        self._bone_boxes = BoneBoxes(library, tableau, skins, morphs)
        self._trials = trials
        self.bound: dict[str, frozenset[str]] = {}  # of passes: what `there_in` finds for shaders now
        self._outputs = outputs
        self.watched: frozenset[str] = frozenset()
        self.view_mode, self.has_grid = ViewMode.LIT, False
        self.chosen = ChosenObjects()
        self._tables: dict[str, DrawTable] = {}
        self._renewed = RenewedTables()
        self._states: dict[str, PipelineState] = {}
        self._current: dict[str, _Asking] = {}  # what each table was last found current for
        self._screens: dict[ShaderPass, ShaderSet] = {}
        self._last_screens: dict[str, tuple[ShaderPass, ShaderSet]] = {}  # by name, known by its identity
        self._asked: dict[str, _Asked] = {}
        self._known: tuple[tuple[object, ...], dict[str, list[Pass]], dict[str, int]] | None = None
        self._all: dict[str, list[Pass]] = {}  # of all features, where what is drawn among them may need it
        self._known_passes = KnownPasses()
        self._unwritten: tuple[tuple[str, str, str], ...] = ()
        self._unknown: tuple[pass_names.Unknown, ...] = ()
        self._last: tuple[dict[str, list[Pass]], int, dict[str, int]] = {}, 0, {}
        self._compiled: deque[_Compiled] = deque(maxlen=MAX_GRAPHS)

    def graph(
        self, samples: int, size: tuple[int, int], profile: DeviceProfile
    ) -> tuple[CompiledGraph, FeaturesOf]:
        """Compile the passes of the active features, for a picture of this size with so many samples.

        Passes that need rows and have none are left out. A feature whose images the device has no
        room for is switched off.
        The same passes have the same graph as before: the last few are kept, as a switch is often switched
        back.
        """
        declared, room, features = self._shown(), Room(size, samples, profile), profile.features
        self._last = declared, self._wanted(), self.buffer_rows()
        self._known_passes = KnownPasses.of(shown(self._all, self.view_mode) | declared, self._is_usual)
        passes = {
            name: [one for p in own if self._has_rows(p, samples, features) for one in _limited(p, features)]
            for name, own in declared.items()
        }
        passes = requested = without_empty_contour(passes)
        for known in self._compiled:
            asked = known.watched, known.room.samples, known.passes
            if asked == (self.watched, samples, passes) and (
                known.room == room or room.fits(known.graph, self._usual(passes))
            ):
                self._unwritten = known.unwritten
                return known.graph, known.features_of
        try:
            graph = self._compile(passes, room)
        except RAISED:  # the feature at fault is found below
            kept = agreeing(
                passes,
                lambda name: self._registry.age(name) if name in self._registry else -1,
                lambda own: self._compile(own, room),
                lambda name, error: self.guard(self._registry[name], error),
            )
            passes = {name: own for name, own in passes.items() if name in kept}
            graph = self._compile(passes, room)
        features_of = pass_names.features_of(passes)
        self._unwritten = tuple(pass_names.unwritten(graph, features_of))
        if passes is requested:
            self._compiled.append(_Compiled(self.watched, passes, room, graph, features_of, self._unwritten))
        return graph, features_of

    def prepare(self, samples: int, size: tuple[int, int], profile: DeviceProfile) -> Iterator[None]:
        """Let draw tables follow the active rows, compile the passes and find their shaders, in steps."""
        for p in self.draw_passes():
            self.update_table(p, samples, profile.features)
            yield
        graph, features_of = self.graph(samples, size, profile)
        yield
        for compiled in graph.passes:
            name = compiled.declaration.name
            self.screen(compiled.declaration, features_of.get(name, ()), profile.features)
        yield

    def _has_rows(self, p: Pass, samples: int, features: frozenset[str] | None) -> bool:
        """Whether a pass draws an active row, or needs none. Without a material for it there is no table."""
        if not isinstance(p, DrawPass) or not p.needs_rows:
            return True
        table = self.update_table(p, samples, features) if self._may_draw(p) else None
        return table is not None and table.instances > 0

    def _may_draw(self, p: DrawPass) -> bool:
        """Whether the scene has a material that a pass draws."""
        there = (AlphaMode[mode.name] for mode in self.library.alpha_modes)
        return not p.needs_rows or any(mode in p.materials for mode in there)

    def draw_passes(self) -> list[DrawPass]:
        """Return the declared passes that may draw rows, those that have none now included."""
        declared = {p.name: p for own in self._shown().values() for p in own}
        draws = [p for p in declared.values() if isinstance(p, DrawPass) and p.draws in self._registry]
        return [p for p in draws if self._may_draw(p)]

    def update_table(self, p: Pass, samples: int, features: frozenset[str] | None) -> DrawTable | None:
        """Update and return the draw table of a pass; None where it draws no rows, or its feature cannot.

        The feature is switched off on objects whose assets it cannot draw. `samples` are those of the frame,
        `features` the device's.
        """
        if not isinstance(p, DrawPass) or p.draws not in self._registry:
            return None
        try:
            table = self.table(p, samples, features)
        except RAISED as error:
            self._tables.pop(p.name, None)
            self.guard(self._registry[self._declarer(p) or p.draws], error)
            return None
        errors = table.update()
        if errors:
            self._collector.switch_off_assets(self._registry[p.draws], errors)
        return table

    def _declarer(self, p: Pass) -> str:
        """Return the feature that declares a pass, of several that which came last; empty for none."""
        found = [name for name, own in self._shown().items() if name in self._registry and p in own]
        return max(found, key=self._registry.age, default="")

    def table(self, p: DrawPass, samples: int, features: frozenset[str] | None) -> DrawTable:
        """Return the draw table of a pass, an empty one where it is new, or its pipelines must be tried."""
        table = self._tables.get(p.name)
        now = p, samples, features
        if table is not None and self._current.get(p.name) == now:
            renewed = self._renewed.take(p.name, table)
            if renewed is not None:
                self._tables[p.name] = renewed
            return renewed or table
        state = self._state(p, samples, features)
        if table is None or table.declaration != p or self._states.get(p.name) != state:
            table = self._tables[p.name] = self._new_table(p, state, features)
            if state is not None:
                self._states[p.name] = state
        self._current[p.name] = now
        return table

    def _state(self, p: DrawPass, samples: int, features: frozenset[str] | None) -> PipelineState | None:
        if self._trials is None:
            return None
        return pipeline_state(p, pass_samples(p, samples), p.state, features)

    def _new_table(
        self, p: DrawPass, state: PipelineState | None, features: frozenset[str] | None
    ) -> DrawTable:
        return DrawTable(
            p,
            self._registry[p.draws],
            self._tableau,
            self.library,
            self._report,
            features,
            None if state is None else self._usable(p.name, state),
            frozenset(self._registry.buffers),
            self._bone_boxes,
            self.chosen if p.chosen_only else None,
        )

    def shaders_of(self, p: Pass) -> tuple[AssetRef, ...]:
        """Return the shaders of its own that a pass runs."""
        if isinstance(p, FullscreenPass | PrimitivePass | ComputePass):
            return self._screens[p].shaders if p in self._screens else ()
        return self._tables[p.name].recipes.own_shaders if p.name in self._tables else ()

    def changed_shaders(self, p: Pass) -> tuple[AssetRef, ...] | None:
        """Return the newest of a pass's own shaders, where it runs others; None where it does not."""
        known, table = self.shaders_of(p), self._tables.get(p.name)
        found = known and self._found(_shader_names(p) if table is None else table.declaration.shaders)
        return found if known != found else None

    def with_changed_shaders(
        self, p: Pass, samples: int, features: frozenset[str] | None
    ) -> ShaderSet | DrawTable:
        """Make what a pass will draw with once it runs its newest shaders: those, or a draw table of them.

        Raises InputError where they do not fit it.
        """
        if isinstance(p, FullscreenPass | PrimitivePass | ComputePass):
            return self._screen(p, features)
        declaration = self._tables[p.name].declaration
        return self._new_table(declaration, self._state(declaration, samples, features), features)

    def run(self, p: Pass, made: ShaderSet | DrawTable) -> None:
        """Let a pass draw with what `with_changed_shaders` has made, from now on."""
        if isinstance(made, DrawTable):
            self._tables[p.name] = made
        else:
            self._screens[cast("ShaderPass", p)] = made
            self._last_screens.clear()

    def _found(self, names: Sequence[str]) -> tuple[AssetRef, ...]:
        """Return the newest shaders of these names."""
        return tuple(find_shader(self.library, name) for name in names)

    def shader_dbs(self) -> set[int]:
        """Return the numbers of the databases that the shaders of passes are of."""
        sets = [shaders.shaders for shaders in self._screens.values()]
        sets += [table.recipes.own_shaders for table in self._tables.values()]
        return {shader.db for shaders in sets for shader in shaders}

    def forget(self, dbs: Collection[int]) -> None:
        """Forget assets of databases that are gone; tables with mostly batches of these are made again."""
        for name, table in self._tables.items():
            table.recipes.forget(dbs)
            if self._renewed.is_due(table) and name in self._current:
                p, samples, features = self._current[name]
                new = self._new_table(p, self._state(p, samples, features), features)
                self._renewed.begin(name, table, new)
        self._renewed.forget(dbs)

    def renew(self, until: float) -> None:
        """Go on with the tables that are made again, until this CPU time."""
        self._renewed.learn(until)

    def _usable(self, name: str, state: PipelineState) -> Usable | None:
        """Return what says which pipelines of a pass may be drawn with."""
        trials, row = self._trials, partial(mesh_pipeline, name, state)
        assert trials is not None
        return lambda key, shading: trials.usable(
            row(key, shading), key.offsets, shading, row(key, shading, self.bound.get(name, frozenset()))
        )

    def screen(self, p: Pass, of: Sequence[str], features: frozenset[str] | None) -> ShaderSet | None:
        """Return the shaders of a pass without meshes, in which features `of` take part; None for others.

        Where they do not fit the pass the features are switched off.
        """
        if not isinstance(p, FullscreenPass | PrimitivePass | ComputePass):
            return None
        last = self._last_screens.get(p.name)
        if last is not None and last[0] is p:
            return last[1]
        found = self._screens.get(p)
        if found is None:
            try:
                found = self._screens[p] = self._screen(p, features)
            except RAISED as error:
                for name in of:
                    self.guard(self._registry[name], error)
                return None
        self._last_screens[p.name] = p, found
        return found

    def _screen(self, p: ShaderPass, features: frozenset[str] | None) -> ShaderSet:
        """Return the shaders of a pass. Raises InputError where they do not fit it."""
        shaders = self._found(_shader_names(p))
        buffers = frozenset(self._registry.buffers)
        given = PassInterface.of(p, features, frame_members(self.library), buffers)
        check_own_shaders(shaders, shaders[-1], p.name, given, self.library)
        return shader_set(shaders, self.library)

    def guard(self, feature: Feature, error: Raised) -> None:
        """Switch off a feature whose code raised and report it, once."""
        self._collector.switch_off(feature, error)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What passes of the last graph name that is not there: warnings (pass.unwritten, pass.unknown)."""
        reads = (pass_names.unwritten_problem(self._tableau, *row) for row in self._unwritten)
        return (*reads, *(pass_names.unknown_problem(self._tableau, *row) for row in self._unknown))

    def changed(self) -> bool:
        """Whether active rows declare other passes or samples than those of the last graph."""
        return (self._shown(), self._wanted(), self.buffer_rows()) != self._last

    def buffer_rows(self) -> dict[str, int]:
        """Return how many rows each buffer holds at most, those without any left out."""
        return self._known[2] if self._known is not None else {}

    def samples(self, counts: int) -> int:
        """Return the number of samples of images with Samples.FRAME, of the `counts` that a device allows."""
        self._declared()
        wanted = self._wanted()
        possible = [n for n in (1, 2, 4) if n == 1 or counts & n]
        return wanted if wanted == 1 else min((n for n in possible if n >= wanted), default=possible[-1])

    def _wanted(self) -> int:
        """Return how many samples the features want."""
        return next((asked.samples for asked in self._asked.values() if asked.samples), MAX_SAMPLES)

    @property
    def viewed(self) -> Viewed:
        """What the viewer wants of the picture."""
        return Viewed(self.view_mode, self.has_grid, self.watched, self.chosen.rows)

    def _shown(self) -> dict[str, list[Pass]]:
        """Return the passes of each feature of which the picture of the view mode is made."""
        outline = len(self.chosen.rows) > 0
        return shown(self._declared(), self.view_mode, grid=self.has_grid, outline=outline)

    def _declared(self) -> dict[str, list[Pass]]:
        """Return the passes of each feature with active rows, or in every frame.

        A feature is asked again only after a row of it has changed.
        """
        now = (*self._tableau.features_version, self._skins.bones, self._morphs.shapes)
        if self._known is not None and self._known[0] == now:
            return self._known[1]
        self._tableau.flush()
        made = self._known[1:] if self._known is not None else None
        for name, feature in self._registry.items():
            table = self._tableau.tables.get(name)
            bones = now[2] if feature.bends else None
            shapes = now[3] if feature.morphs else None
            version = (table.changes.version if table is not None else -1), bones, shapes
            if name not in self._asked or self._asked[name].version != version:
                self._asked[name] = self._ask(feature, table, version)
                made = None
        if made is None:
            asked = self._asked.items()
            passes = {name: one.passes for name, one in asked if one.passes is not None}
            rows = {buffer: count for _, one in asked for buffer, count in one.rows.items() if count}
            self._unknown = pass_names.unknown(passes, self._registry.is_built_in, self._unasked)
            made = with_repeated(passes), rows
            self._all = with_repeated(self._unasked() | passes) if lacks_hosts(made[0]) else {}
        self._known = now, *made
        return made[0]

    def _ask(
        self, feature: Feature, table: FeatureTable | None, version: tuple[int, object, object]
    ) -> _Asked:
        """Ask a feature for its passes and samples; it has none where its code raises."""
        is_active = table is not None and bool(table.flags("effective_active").any())
        if is_active or feature.in_every_frame:
            active = FeatureRows(None)
            if table is not None:
                active = FeatureRows(table, table.rows_active, self._skins, self._morphs)
            last = self._asked.get(feature.type_name)
            known = last.passes or () if last is not None else ()
            try:
                return _Asked(
                    version,
                    checked_passes(feature.passes(active), known, feature, self._registry),
                    checked_samples(feature.samples(active)),
                    checked_rows(feature.buffer_rows(active), feature.buffers),
                )
            except RAISED as error:
                self.guard(feature, error)
        return _Asked(version, None, None)

    def _unasked(self) -> dict[str, list[Pass]]:
        """Return the passes that features without active rows would declare, as far as these say so."""
        found = {}
        for name, asked in self._asked.items():
            if asked.passes is None:
                feature = self._registry[name]
                with suppress(*RAISED):  # passes may follow from rows, which there are none of
                    own = feature.passes(FeatureRows(None))
                    found[name] = checked_passes(own, (), feature, self._registry)
        return found

    def _compile(self, passes: Mapping[str, Sequence[Pass]], room: Room) -> CompiledGraph:
        """Compile the passes of features: one of each name, as features may take part in one pass."""
        own = one_of_each(passes)
        self._known_passes.check_absent_hosts(own)
        known = self._known_passes.built_in
        graph = with_rests(compile_graph(own, self._outputs, room.samples, known, self.watched))
        room.check(graph, self._usual(passes))
        return graph

    def _usual(self, passes: Mapping[str, Sequence[Pass]]) -> frozenset[str]:
        """Return the names of the images and buffers that passes of built-in features write or use."""
        own = (of for name, of in passes.items() if self._is_usual(name))
        return frozenset(image for of in own for p in of for image in names_of(p))

    def _is_usual(self, name: str) -> bool:
        """Whether the passes of this name are of no package."""
        return name not in self._registry or self._registry.is_built_in(name)


def _limited(p: Pass, features: frozenset[str] | None) -> Sequence[Pass]:
    return limited(p, features) if isinstance(p, PrimitivePass) else (p,)


def _shader_names(p: Pass) -> tuple[str, ...]:
    """Return the names of the shaders of a pass without meshes."""
    if isinstance(p, FullscreenPass):
        return SCREEN_SHADER, p.shader
    return (p.shader,) if isinstance(p, ComputePass) else tuple(cast("PrimitivePass", p).shaders)
