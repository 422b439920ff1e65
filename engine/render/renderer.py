"""The renderer: turns frame needs and published addresses into command buffers, again only when they change.

Three things can change, at rising cost. *Values* (transforms, camera, light) go into mapped rings and
nothing is recorded. *Draws* (enabled rows) rebuild draw lists and record again. *Places* (a new plan,
newly arrived assets) also look every address up again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.graph import ImageDecl
from engine.memory.device.samplers import SamplerPool
from engine.memory.streaming.manager import MemoryManager
from engine.plan.model.memory_plan import MemoryPlan
from engine.planning.draws import DrawList, build_draws
from engine.planning.needs import FRAMES_IN_FLIGHT, FrameNeeds
from engine.planning.tables import DrawTable
from engine.render.binder import Binder, NotResident, PassBinding
from engine.render.descriptors import DescriptorSets
from engine.render.layouts import Layouts
from engine.render.pipeline_cache import PipelineCache
from engine.render.pipelines import Pipelines
from engine.render.recorder import Attachment, Recorder
from engine.render.rings import RingWriter
from engine.vk.device import Device
from engine.vk.pool import CommandPool


@dataclass(frozen=True)
class DrawFacts:
    """What one frame draws: draw calls, instances, triangles."""

    calls: int = 0
    instances: int = 0
    triangles: int = 0


class Renderer:
    """Owns pipelines, descriptor sets and the command buffers of the frames in flight."""

    def __init__(
        self,
        device: Device,
        memory: MemoryManager,
        samplers: SamplerPool,
        code: Callable[[int], bytes],
        cache_folder: Path,
        max_draw_count: int,
    ) -> None:
        """`code` gives the SPIR-V of a shader by its key; the pipeline cache is kept in `cache_folder`."""
        self._memory = memory
        with ExitStack() as undo:
            self._layouts = Layouts(device)
            undo.callback(self._layouts.close)
            self._cache = PipelineCache(device, cache_folder)
            undo.callback(self._cache.close)
            self._pipelines = Pipelines(device, self._layouts, self._cache, code)
            undo.callback(self._pipelines.close)
            self._sets = DescriptorSets(device, self._layouts)
            undo.callback(self._sets.close)
            self._binder = Binder(memory, samplers, self._sets, self._pipelines)
            self._recorder = Recorder(device, max_draw_count)
            self._pool = CommandPool(device, device.graphics, "frames")
            undo.callback(self._pool.close)
            self._commands = [self._pool.allocate(f"frame {slot}") for slot in range(FRAMES_IN_FLIGHT)]
            self._undo = undo.pop_all()
        self._stale = [True] * FRAMES_IN_FLIGHT
        self._rings: dict[str, RingWriter] = {}
        self._needs: FrameNeeds | None = None
        self._plan: MemoryPlan | None = None
        self._bindings: dict[str, PassBinding] = {}
        self._lists: dict[str, DrawList] = {}
        self._images: dict[str, Attachment] = {}
        self.draws = DrawFacts()

    def ring(self, name: str) -> RingWriter:
        """Return the writer of the ring of that name."""
        writer = self._rings.get(name)
        if writer is None:
            writer = self._rings[name] = RingWriter(FRAMES_IN_FLIGHT)
        return writer

    def restructure(self, needs: FrameNeeds, plan: MemoryPlan, ticket: int) -> None:
        """Take the needs of a new plan; pipelines it does not name are retired when `ticket` is over."""
        self._needs = needs
        self._images = {}
        self._plan = plan
        self._binder.follow(plan)
        self._pipelines.keep_only(needs.pipelines, ticket)
        transient = needs.requirements.keys.transients
        self._rings = {name: writer for name, writer in self._rings.items() if name in transient}

    def rebind(self) -> bool:
        """Look every address up again, after a new plan or when something was published.

        Returns False, and draws nothing, while what the frame itself lives on is not resident.
        """
        needs = self._needs
        assert needs is not None
        try:
            images = {life.image.name: self._attachment(life.image) for life in needs.graph.images}
            for ring in needs.rings:
                self._binder.place(needs.requirements.keys.transient(ring))
            self._bindings = {name: self._binder.bind(table) for name, table in needs.tables.items()}
            for table in needs.tables.values():
                for ring, rows in self._binder.materials(needs, table).items():
                    self.ring(ring).replace(rows)
        except NotResident:
            self._images = {}
            return False
        self._images = images
        for writer in self._rings.values():
            writer.invalidate()
        return True

    def redraw(self, enabled: Mapping[str, npt.NDArray[np.bool_]]) -> None:
        """Build draw lists again; `enabled` says for each pass which rows of its table are drawn."""
        needs = self._needs
        assert needs is not None
        self._lists = {}
        for name, table in needs.tables.items():
            drawn = enabled[name]
            batch = self._arrived(name, table, table.batch[drawn])
            objects = table.objects[drawn]
            materials = table.batches["material"][batch]
            self._lists[name] = build_draws(objects, materials, batch, self._bindings[name].batches)
            self.ring(f"{name}.draws").replace(self._lists[name].instances)
            self.ring(f"{name}.commands").replace(self._lists[name].commands)
        self._stale = [True] * FRAMES_IN_FLIGHT

    def commands(self, slot: int) -> Any:
        """Return the command buffer of a slot that is not in flight, recorded again if it is stale."""
        needs = self._needs
        assert needs is not None
        self._flush(needs, slot)
        if self._stale[slot]:
            groups = {
                name: self._binder.groups(needs, table, self._bindings[name], self._lists[name], slot)
                for name, table in needs.tables.items()
            }
            self._pool.begin(self._commands[slot], once=False)
            calls = self._recorder.frame(self._commands[slot], needs.graph, self._images, groups)
            self._pool.end(self._commands[slot])
            self._stale[slot] = False
            instances = sum(len(drawn.instances) for drawn in self._lists.values())
            self.draws = DrawFacts(calls, instances, sum(d.triangles for d in self._lists.values()))
        return self._commands[slot]

    @property
    def ready(self) -> bool:
        """Whether the frame's own images are resident, so that it can be drawn."""
        return bool(self._images)

    def image(self, name: str) -> Attachment:
        """Return a resident image of the frame by name. Raises KeyError."""
        return self._images[name]

    def retire_sets(self, ticket: int) -> None:
        """Give up the descriptor sets of what was bound before; call it before `rebind`."""
        self._sets.retire_all(ticket)

    def collect(self, completed: int) -> None:
        """Free what was retired by tickets up to `completed`."""
        self._sets.collect(completed)
        self._pipelines.collect(completed)

    def close(self) -> None:
        """Release everything, in order; nothing may be in flight."""
        self._undo.close()

    def _arrived(self, name: str, table: DrawTable, batch: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the batch to draw for each row: its own, or its fallback while its mesh is on the way."""
        ready, fallback = self._bindings[name].batches["ready"], table.batches["fallback"]
        return np.where(ready[batch] | (fallback[batch] < 0), batch, fallback[batch])

    def _attachment(self, image: ImageDecl) -> Attachment:
        needs = self._needs
        assert needs is not None
        assert self._plan is not None
        place = self._binder.place(needs.requirements.keys.transient(image.name))
        aliased = bool(self._plan.resource(place.resource)["aliased"])
        extent = image.extent.resolve(needs.size)
        return Attachment(place.handle, place.view, image.format.info.aspect, extent, aliased)

    def _flush(self, needs: FrameNeeds, slot: int) -> None:
        """Write what this slot's copies of the rings lack."""
        transient = needs.requirements.keys.transient
        for name, writer in self._rings.items():
            place = self._memory.location(transient(name))
            if place is not None and place.mapped is not None:
                writer.flush(slot, place.mapped, place.stride)
