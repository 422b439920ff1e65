"""Learns what frames will draw with while they still draw what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.assets import AssetRef, Material, VerticesFacts
from engine.assets.codes import AssetCode
from engine.assets.reported_problems import Report
from engine.feature import Drawable
from engine.feature.collect import RequirementCollector
from engine.graph import CompiledGraph, CompiledPass, DeclarationError, Pass
from engine.humon import InputError, Problem, Severity
from engine.plan.terms.drawing import AlphaMode
from engine.planning.draw.drawing import PipelineTrials, ShaderDrawing
from engine.planning.draw.material_use import default_parameters, own_parameters
from engine.planning.draw.recipes import Recipes
from engine.planning.draw.shading import (
    ShaderSet,
    check_inputs,
    check_parameters,
    check_shaders,
    fits,
    shader_set,
    stage_of,
)
from engine.planning.draw.tables import DrawTable
from engine.planning.frame_passes import FramePasses

Shaders = tuple[AssetRef, ...]


class Learnt(NamedTuple):
    """An asset by feature type and key: whether it `fits` its shaders, and all its pipelines are `usable`."""

    type_name: str
    key: int
    fits: bool
    usable: bool


@dataclass(frozen=True)
class _Next:
    """The shaders that a pass will run, and what is made of them; None where they do not fit: `problems`."""

    owner: Pass
    shaders: Shaders
    made: ShaderSet | DrawTable | None
    problems: tuple[Problem, ...] = ()


class Foresight:
    """Learns assets and shaders that have changed, for pictures of so many samples and a device's features.

    `trials` say which pipelines may be drawn with, None: all; `drawing` describes a pass with its shaders.
    `report` takes the problems of shaders.
    """

    def __init__(
        self,
        collector: RequirementCollector,
        passes: FramePasses,
        trials: PipelineTrials | None,
        drawing: Callable[[CompiledPass, ShaderSet], ShaderDrawing],
        report: Report,
    ) -> None:
        self._collector = collector
        self._passes = passes
        self._trials = trials
        self._drawing = drawing
        self._report = report
        self._next: dict[str, _Next] = {}
        self._gone: list[Problem] = []
        self._sets: dict[
            tuple[Recipes, Shaders], ShaderSet | tuple[Problem, ...]
        ] = {}  # or why there is none

    def assets(
        self, assets: Iterable[tuple[str, int]], samples: int, features: frozenset[str] | None
    ) -> Iterator[Learnt]:
        """Learn what assets draw with, by feature type and key, before a row has them.

        Pipelines that cannot be drawn with are made from now on.
        """
        tables = list(self._recipes(samples, features))
        for type_name, key in assets:
            self._collector.learn(type_name, key)
            fits = usable = True
            for draws, recipes in tables:
                if draws == type_name:
                    recipes.learn(key, again=recipes.is_outdated(key), assumes=True)
                    usable &= not recipes.is_replaced(key)
                    fits &= not recipes.faults(key)
            yield Learnt(type_name, key, fits, usable)

    def is_drawn(self, type_name: str, key: int, samples: int, features: frozenset[str] | None) -> bool:
        """Whether an asset is drawn as it is, and nothing in its place."""
        found = [one for draws, one in self._recipes(samples, features) if draws == type_name]
        for one in found:
            one.learn(key)  # a table that was made again knows none of what was drawn before
        return not any(one.is_replaced(key) or one.faults(key) for one in found)

    def faults_with(
        self,
        asset: tuple[str, int],
        earlier: Mapping[AssetRef, AssetRef],
        samples: int,
        features: frozenset[str] | None,
    ) -> Iterator[Problem]:
        """Yield why an asset, by feature type and key, would not fit with earlier versions of these parts."""
        type_name, key = asset
        for draws, recipes in self._recipes(samples, features):
            if draws == type_name:
                for drawable in recipes.feature.drawables(AssetRef.from_key(key), recipes.library):
                    yield from self._faults_with(recipes, drawable, earlier)

    def faults(
        self, type_name: str, key: int, samples: int, features: frozenset[str] | None
    ) -> tuple[Problem, ...]:
        """Return why an asset that was learnt does not fit what it is drawn with."""
        found = (one.faults(key) for draws, one in self._recipes(samples, features) if draws == type_name)
        return tuple(dict.fromkeys(problem for of_pass in found for problem in of_pass))

    def shaders(
        self, graph: CompiledGraph, samples: int, features: frozenset[str] | None
    ) -> dict[Shaders, tuple[Problem, ...]]:
        """Prepare passes for shaders of theirs that have changed.

        Returns those that they cannot run, with the reasons, none where it may be that they can later. Passes
        keep those that they have, which is reported.
        """
        unusable: dict[Shaders, tuple[Problem, ...]] = {}
        self._gone.clear()
        for compiled in graph.passes:
            p = compiled.declaration
            try:
                found = self._passes.changed_shaders(p)
            except DeclarationError as error:
                message = f"the pass {p.name} keeps the shaders that it has: {error}"
                self._gone.append(self._where_gone(self._passes.shaders_of(p), message, error.help))
                continue
            if found is None:
                continue
            known = self._next.get(p.name)
            if known is None or known.shaders != found:
                known = self._next[p.name] = self._made(p, found, samples, features)
            if not self._is_usable(compiled, known):
                unusable[found] = known.problems
        return unusable

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why passes keep shaders that are no longer there, since `shaders` looked last."""
        return tuple(self._gone)

    def take_shaders(self) -> bool:
        """Let passes run the shaders that were foreseen, if they are the newest; return whether any do."""
        taken = [one for one in self._next.values() if self._is_newest(one)]
        for one in taken:
            if one.made is not None:
                self._passes.run(one.owner, one.made)
        self._next.clear()
        self._sets.clear()
        return any(one.made is not None for one in taken)

    def _where_gone(self, shaders: Shaders, message: str, advice: str) -> Problem:
        """Return a problem of shaders that are no longer there, at what stands in the place of the first.

        That is the record in the newest text with the number of one that is not there, else that text.
        """
        library, code = self._passes.library, AssetCode.SHADER_INTERFACE
        for ref in shaders:
            name, before = library.dbs[ref.db].name, library.record(ref)
            db = next(one.db for one in library.current if one.db.name == name)
            if any((one.type, one.name) == (before.type, before.name) for one in db.assets):
                continue
            rows = db.document.root["assetDb"]["assets"]
            place = rows[ref.index] if ref.index < len(rows) else rows
            return db.document.problem(code, message, place, advice, Severity.WARNING)
        return Problem(code, message, help=advice, severity=Severity.WARNING)

    def _is_newest(self, known: _Next) -> bool:
        with suppress(DeclarationError):  # one of them is gone, which is reported
            return known.shaders == self._passes.changed_shaders(known.owner)
        return False

    def _made(self, p: Pass, found: Shaders, samples: int, features: frozenset[str] | None) -> _Next:
        try:
            return _Next(p, found, self._passes.with_changed_shaders(p, samples, features))
        except InputError as error:
            for problem in error.problems:
                self._report(problem, *found)
            return _Next(p, found, None, tuple(error.problems))

    def _is_usable(self, compiled: CompiledPass, known: _Next) -> bool:
        """Whether a pass can be drawn with what was made for it; what a draw table has is learnt."""
        if known.made is None:
            return False
        if isinstance(known.made, ShaderSet):
            row = self._drawing(compiled, known.made).pipeline() if self._trials is not None else None
            return row is None or self._trials is None or self._trials.usable(row, (), known.made, row)
        known.made.update()
        return not any(map(known.made.recipes.is_replaced, np.unique(known.made.assets).tolist()))

    def _faults_with(
        self, recipes: Recipes, drawable: Drawable, earlier: Mapping[AssetRef, AssetRef]
    ) -> Iterator[Problem]:
        """Yield why a drawable does not fit a pass, with earlier versions in place of these parts of it."""
        library = recipes.library

        def version(ref: AssetRef) -> AssetRef:
            return library.usable(earlier.get(ref, ref))

        shaders, parameters = recipes.own_shaders, None
        owner = shaders[0] if shaders else AssetRef(0, 0)
        if not shaders:
            assert drawable.material is not None
            material = library.record(version(drawable.material))
            assert isinstance(material, Material)
            if AlphaMode[material.alpha_mode.name] not in recipes.declaration.materials:
                return
            shaders, owner = tuple(version(ref) for ref in material.shaders), material.ref
            if recipes.fragment is not None:
                stage = stage_of(recipes.fragment, library)
                shaders = tuple(
                    recipes.fragment if stage_of(one, library) is stage else one for one in shaders
                )
            parameters = own_parameters(material, recipes.parameters)
        known = recipes, shaders
        if known not in self._sets:
            faults = check_shaders(shaders, recipes.given, library, owner)
            self._sets[known] = faults or shader_set(shaders, library)
        shading = self._sets[known]
        if not isinstance(shading, ShaderSet):
            yield from shading
            return
        if parameters is not None:
            parameters = {**default_parameters(recipes.parameters), **parameters}
            yield from check_parameters(shading, parameters, library, owner)
        vertices = version(drawable.vertices)
        facts = library.facts(vertices)
        assert isinstance(facts, VerticesFacts)
        if not fits(shading, facts.vertex_format, drawable.topology):
            mesh = library.record(vertices).label
            yield from check_inputs(shading, facts.vertex_format, drawable.topology, mesh, library, owner)

    def _recipes(self, samples: int, features: frozenset[str] | None) -> Iterator[tuple[str, Recipes]]:
        for p in self._passes.draw_passes():
            yield p.draws, self._passes.table(p, samples, features).recipes
