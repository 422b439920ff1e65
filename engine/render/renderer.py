"""The renderer: records command buffers from frame needs and published addresses, and only after changes.

There are three kinds of change, at rising cost. *Values* (transforms, camera, light) are written to mapped
rings; nothing is recorded. *Draws* (enabled rows) rebuild draw lists and record again. *Addresses* (a new
plan, newly published assets) also look up every address again.
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
from engine.render.frame_recorder import Attachment, FrameRecorder
from engine.render.layouts import Layouts
from engine.render.pipeline_cache import PipelineCache
from engine.render.pipelines import Pipelines
from engine.render.rings import RingWriter
from engine.vk.device import Device
from engine.vk.pool import CommandPool


@dataclass(frozen=True)
class DrawCounts:
    """Counts of one frame: draw calls, instances, triangles."""

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
        """`code` returns the SPIR-V of a shader by its key; `cache_folder` holds the pipeline cache."""
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
            self._recorder = FrameRecorder(device, max_draw_count)
            self._pool = CommandPool(device, device.graphics, "frames")
            undo.callback(self._pool.close)
            self._command_buffers = [self._pool.allocate(f"frame {slot}") for slot in range(FRAMES_IN_FLIGHT)]
            self._undo = undo.pop_all()
        self._stale = [True] * FRAMES_IN_FLIGHT
        self._rings: dict[str, RingWriter] = {}
        self._needs: FrameNeeds | None = None
        self._plan: MemoryPlan | None = None
        self._bindings: dict[str, PassBinding] = {}
        self._lists: dict[str, DrawList] = {}
        self._images: dict[str, Attachment] = {}
        self.draws = DrawCounts()

    def ring(self, name: str) -> RingWriter:
        """Return the writer of the ring with this name."""
        writer = self._rings.get(name)
        if writer is None:
            writer = self._rings[name] = RingWriter(FRAMES_IN_FLIGHT)
        return writer

    def apply_plan(self, needs: FrameNeeds, plan: MemoryPlan, ticket: int) -> None:
        """Use a new plan and its needs; other pipelines are destroyed once the timeline reaches `ticket`."""
        self._needs = needs
        self._images = {}
        self._plan = plan
        self._binder.set_plan(plan)
        self._pipelines.keep_only(needs.pipelines, ticket)
        transient = needs.requirements.keys.transients
        self._rings = {name: writer for name, writer in self._rings.items() if name in transient}

    def rebind(self) -> bool:
        """Look up every address again, after a new plan or a publish.

        Returns False, and nothing can be drawn, while attachments or rings are not resident.
        """
        needs = self._needs
        assert needs is not None
        try:
            images = {life.image.name: self._attachment(life.image) for life in needs.graph.images}
            for ring in needs.rings:
                self._binder.require_location(needs.requirements.keys.transient(ring))
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

    def rebuild_draw_lists(self, enabled: Mapping[str, npt.NDArray[np.bool_]]) -> None:
        """Rebuild the draw lists; `enabled` masks the rows of each pass's table that are drawn."""
        needs = self._needs
        assert needs is not None
        self._lists = {}
        for name, table in needs.tables.items():
            drawn = enabled[name]
            batch = self._resident_batches(name, table, table.batch[drawn])
            objects = table.objects[drawn]
            materials = table.batches["material"][batch]
            self._lists[name] = build_draws(objects, materials, batch, self._bindings[name].batches)
            self.ring(f"{name}.draws").replace(self._lists[name].instances)
            self.ring(f"{name}.commands").replace(self._lists[name].commands)
        self._stale = [True] * FRAMES_IN_FLIGHT

    def command_buffer(self, slot: int) -> Any:
        """Return the command buffer of a slot that is not in flight; records it again if it is stale."""
        needs = self._needs
        assert needs is not None
        self._flush(needs, slot)
        if self._stale[slot]:
            groups = {
                name: self._binder.groups(needs, table, self._bindings[name], self._lists[name], slot)
                for name, table in needs.tables.items()
            }
            self._pool.begin(self._command_buffers[slot], once=False)
            calls = self._recorder.frame(self._command_buffers[slot], needs.graph, self._images, groups)
            self._pool.end(self._command_buffers[slot])
            self._stale[slot] = False
            instances = sum(len(drawn.instances) for drawn in self._lists.values())
            self.draws = DrawCounts(calls, instances, sum(d.triangles for d in self._lists.values()))
        return self._command_buffers[slot]

    @property
    def ready(self) -> bool:
        """Whether the attachments are resident, so that a frame can be drawn."""
        return bool(self._images)

    def image(self, name: str) -> Attachment:
        """Return a resident image of the frame by name. Raises KeyError."""
        return self._images[name]

    def retire_sets(self, ticket: int) -> None:
        """Retire all descriptor sets, before `rebind`; they are freed once the timeline reaches `ticket`."""
        self._sets.retire_all(ticket)

    def collect(self, completed: int) -> None:
        """Destroy retired sets and pipelines with tickets up to `completed`."""
        self._sets.collect(completed)
        self._pipelines.collect(completed)

    def close(self) -> None:
        """Release everything, in order; no frame may be in flight."""
        self._undo.close()

    def _resident_batches(
        self, name: str, table: DrawTable, batch: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return the batch to draw for each row: its own, or its fallback until its mesh is published."""
        ready, fallback = self._bindings[name].batches["ready"], table.batches["fallback"]
        return np.where(ready[batch] | (fallback[batch] < 0), batch, fallback[batch])

    def _attachment(self, image: ImageDecl) -> Attachment:
        needs = self._needs
        assert needs is not None
        assert self._plan is not None
        place = self._binder.require_location(needs.requirements.keys.transient(image.name))
        aliased = bool(self._plan.resource(place.resource)["aliased"])
        extent = image.extent.resolve(needs.size)
        return Attachment(place.handle, place.view, image.format.info.aspect, extent, aliased)

    def _flush(self, needs: FrameNeeds, slot: int) -> None:
        """Write pending rows to this slot's copies of the rings."""
        transient = needs.requirements.keys.transient
        for name, writer in self._rings.items():
            place = self._memory.location(transient(name))
            if place is not None and place.mapped is not None:
                writer.flush(slot, place.mapped, place.stride)
