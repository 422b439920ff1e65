"""Which pipelines a frame may have: of our own shaders all, of others those that another process has tried.

A shader is ours if its SPIR-V is that of one in the builtin database, wherever it comes from. With others,
`spirv-val` passes the module, and the driver compiles the pipeline in a process of its own, then here on
another thread, with what it has compiled there; meanwhile, and where that fails, the placeholder is drawn.
What was tried is remembered for the driver (`record`), so that the next run only makes the pipeline.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets import AssetRef, AssetType, ShaderFacts
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.drawing_rows import PipelineRow
from engine.planning.draw.shading import ShaderSet
from engine.render.pipelines.pipeline_description import describe_pipeline
from engine.runtime.trials.trial import Done, Input, Module, Outcome, Prepare, Trial, Verdict
from engine.vk.facts import driver_identity

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.runtime.trials.trial_runner import TrialRunner
    from engine.vk.device import Device

_VERSION = 2
"""Changes with what a trial does, so that everything is tried again."""
_USABLE = Outcome(Verdict.USABLE)
_WINDOWS = "VK_KHR_swapchain"
_MOMENT_S = 0.25
_BATCH_FRAMES = 30
"""Frames until outcomes are used while more trials run: each use plans again."""
_PATIENCE_S = 0.03
"""How long one plan waits for pipelines that an earlier run has tried, so that it need not be made again."""


class ShaderTrials:
    """The trials of one device. One thread calls; trials run one after the other on another.

    `version` changes whenever `usable` has other answers than before, which happens in `poll` and `wait`.
    The other process is kept for `keep_s` seconds after its last trial, where more may soon follow.
    """

    def __init__(
        self,
        device: Device,
        library: AssetLibrary,
        folder: Path | None,
        prepare: Prepare,
        *,
        enabled: bool = True,
    ) -> None:
        """`folder` is for the record, `prepare` makes a pipeline. Unless `enabled` all are usable at once."""
        self._is_enabled = enabled
        self.version = 0
        self.keep_s = 0.0
        self._library = library
        self._folder = folder
        self._prepare = prepare
        self._device = (driver_identity(device.instance, device.adapter), *sorted(device.features))
        extensions = sorted(name for name in device.extensions if name != _WINDOWS)
        self._request = {"identity": self._device[0], "extensions": extensions}
        self._modules: dict[int, Module] = {}
        self._keys: dict[tuple[tuple[int, ...], *tuple[object, ...]], str] = {}
        self._shaders: dict[str, tuple[int, ...]] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._running: dict[str, Future[Done]] = {}
        self._arrived: list[Done] = []
        self._frames = 0
        self._patience = _PATIENCE_S
        self._runner: TrialRunner | None = None

    @property
    def pending(self) -> bool:
        """Whether a trial runs, or its outcome is not in use yet."""
        return bool(self._running or self._arrived)

    @property
    def failed(self) -> dict[tuple[int, ...], Outcome]:
        """Why sets of shaders, by their keys, those of others first, are not drawn with."""
        found: dict[tuple[int, ...], Outcome] = {}
        for key, shaders in self._shaders.items():
            if not all(map(self._library.has_version, shaders)):
                continue  # they were saved again, and nothing is drawn with them
            outcome = self._outcomes.get(key, _USABLE)
            if outcome.verdict is Verdict.INVALID:
                shaders = self._invalid(shaders, outcome)
            if outcome.verdict is not Verdict.USABLE:
                found.setdefault(shaders, outcome)
        return found

    def code(self, shader: int) -> bytes:
        """Return the SPIR-V of a shader by its key."""
        return self._module(shader).code

    def usable(
        self, row: PipelineRow, offsets: Sequence[int], shading: ShaderSet, drawn: PipelineRow
    ) -> bool:
        """Whether a frame may have this pipeline now; one that is unknown is tried from now on."""
        known = row.shaders, row.vertex_format, offsets, row.vertex_stride, row.topology, row.state
        name = self._keys.get(known) if self._is_enabled else ""
        if name is None:
            name = self._keys[known] = self._begin(row, offsets, shading, drawn)
        return not name or self._outcomes.get(name) == _USABLE

    def poll(self) -> None:
        """Use the outcomes that have come in: the last one at once, those before it after several frames."""
        done = [key for key, future in self._running.items() if future.done()]
        self._arrived += [self._running.pop(key).result() for key in done]
        if not self._arrived:
            return
        self._frames += 1
        if self._running and self._frames < _BATCH_FRAMES:
            return
        self._outcomes.update((one.key, one.outcome) for one in self._arrived)
        self._discard_caches()
        self._forget_gone()
        self._arrived, self._frames, self._patience = [], 0, _PATIENCE_S
        self.version += 1
        if not self._running and self._runner is not None:
            self._runner.rest(self.keep_s)

    def wait(self) -> None:
        """Wait for a moment, or until all trials are over, and use what has come in."""
        wait(self._running.values(), _MOMENT_S)
        self.poll()

    def close(self) -> None:
        """End everything that runs."""
        if self._runner is not None:
            self._runner.close()

    @property
    def started(self) -> int:
        """How many processes were started."""
        return 0 if self._runner is None else self._runner.started

    @cached_property
    def _ours(self) -> frozenset[str]:
        """The digests of the builtin shaders, which were cooked from the assets of this installation."""
        builtin = self._library.dbs[0].assets
        shaders = [asset.ref.key for asset in builtin if asset.type is AssetType.SHADER]
        return frozenset(self._module(shader).digest for shader in shaders)

    def _module(self, shader: int) -> Module:
        module = self._modules.get(shader)
        if module is None:
            code = self._library.read(AssetRef.from_key(shader))
            module = self._modules[shader] = Module(code, hashlib.sha256(code).hexdigest())
        return module

    def _begin(self, row: PipelineRow, offsets: Sequence[int], shading: ShaderSet, drawn: PipelineRow) -> str:
        """Return the key of a pipeline in the record, after beginning its trial if it has none yet.

        "" where all its shaders are ours.
        """
        modules = [self._module(shader) for shader in row.shaders]
        foreign = [module for module in modules if module.digest not in self._ours]
        if not foreign:
            return ""
        described = describe_pipeline(row, offsets, shading)
        known = [_VERSION, self._device, described.to_json(), [module.digest for module in modules]]
        name = hashlib.sha256(json.dumps(known).encode()).hexdigest()
        theirs = [module in foreign for module in modules]
        by_owner = sorted(zip(row.shaders, theirs, strict=True), key=lambda pair: not pair[1])
        self._shaders.setdefault(name, tuple(shader for shader, _ in by_owner))
        if name in self._outcomes or name in self._running:
            return name
        if self._runner is None:
            self._runner = self._make_runner()
        code = tuple(module.code for module in modules)
        described = describe_pipeline(drawn, offsets, shading)
        trial = Trial(name, described, code, *self._interface(shading), tuple(foreign))
        earlier = self._runner.earlier(name)
        if earlier is None:
            self._running[name] = self._runner.submit(trial)
        elif earlier == _USABLE:
            self._await(name, self._runner.prepare(trial))
        else:
            self._outcomes[name] = earlier
        return name

    def _invalid(self, shaders: tuple[int, ...], outcome: Outcome) -> tuple[int, ...]:
        """Return those of the shaders whose module is the one that is no valid SPIR-V."""
        return tuple(shader for shader in shaders if self._module(shader).digest == outcome.invalid)

    def _discard_caches(self) -> None:
        """Delete caches with modules that no compiler made: they are cooked again by who opens them next."""
        for one in self._arrived:
            if one.outcome.verdict is Verdict.INVALID:
                for shader in self._invalid(self._shaders[one.key], one.outcome):
                    self._library.cache(AssetRef.from_key(shader).db).discard()

    def _forget_gone(self) -> None:
        """Forget what is known of shaders that were saved again since, and that nothing is drawn with."""
        gone = {shader for shader in self._modules if not self._library.has_version(shader)}
        if not gone:
            return
        self._modules = {shader: one for shader, one in self._modules.items() if shader not in gone}
        self._keys = {known: name for known, name in self._keys.items() if gone.isdisjoint(known[0])}
        names = {*self._keys.values(), *self._running}
        self._shaders = {name: shaders for name, shaders in self._shaders.items() if name in names}
        self._outcomes = {name: outcome for name, outcome in self._outcomes.items() if name in names}

    def _await(self, name: str, made: Future[Done]) -> None:
        """Wait a little for a pipeline that another run has tried; later it is as if it were new."""
        before = time.perf_counter()
        wait([made], max(0.0, self._patience))
        self._patience -= time.perf_counter() - before
        if made.done():
            self._outcomes[name] = made.result().outcome
        else:
            self._running[name] = made

    def _make_runner(self) -> TrialRunner:
        from engine.runtime.trials.trial_runner import TrialRunner  # most runs have no other shaders

        return TrialRunner(self._request, self._folder, self._prepare)

    def _interface(self, shading: ShaderSet) -> tuple[tuple[tuple[int, int, str], ...], tuple[Input, ...]]:
        """Return set, binding and GLSL type of what shaders bind, and the inputs of the fragment stage."""
        images: list[tuple[int, int, str]] = []
        inputs: list[Input] = []
        for ref, (stage, _) in zip(shading.shaders, shading.stages, strict=True):
            facts = self._library.facts(ref)
            assert isinstance(facts, ShaderFacts)
            bindings = facts.reflection.bindings
            images += [(row.set, row.binding, f"{row.texel} {row.type}".strip()) for row in bindings]
            if stage is ShaderStage.FRAGMENT:
                inputs += [
                    (row.location, row.component, row.kind, row.components) for row in facts.reflection.inputs
                ]
        return tuple(images), tuple(inputs)
