"""The renderer: records command buffers from frame needs and published addresses, and only after changes.

There are three kinds of change, at rising cost. *Values* (transforms, camera, light) are written to mapped
rings; nothing is recorded. *Draws* (enabled rows) are written to rings, too, and recorded again only where
another group is drawn. *Addresses* (a new plan, newly published assets) are looked up again for what changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.graph import CompiledGraph, DrawOrder, ImageDecl, previous_name
from engine.memory.device.samplers import SamplerPool
from engine.memory.streaming.manager import MemoryManager
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.terms.keys import TRANSIENT_DB
from engine.planning.asset_cubes import Cubes
from engine.planning.culling import Culling
from engine.planning.draw.blocks import Block
from engine.planning.draw.draw_list import MAX_RANGES, DrawList, Draws, Written
from engine.planning.draw.drawing import Drawing, ShaderDrawing, material_table_name
from engine.planning.draw.eyes import Eye
from engine.planning.draw.sorted_draws import SortedDraws
from engine.planning.needs import FRAMES_IN_FLIGHT, FrameNeeds
from engine.render.binder import Binder
from engine.render.command_buffers import CommandBuffers
from engine.render.descriptors import DescriptorSets
from engine.render.frame_recorder import AnyBound, FrameImage, FrameRecorder
from engine.render.pass_binding import PassBinding
from engine.render.pass_parts import PassParts
from engine.render.pass_reuse import WHOLE, PassReuse
from engine.render.pass_state import DrawCounts, PassState
from engine.render.pass_timer import PassTimer
from engine.render.pipelines.layouts import Layouts
from engine.render.pipelines.pipeline_cache import PipelineCache
from engine.render.pipelines.pipeline_description import PipelineDescription
from engine.render.pipelines.pipelines import Pipelines
from engine.render.pipelines.prepared_pipelines import PreparedPipelines
from engine.render.rings import RingWriter
from engine.vk.device import Device
from engine.vk.facts import facts
from engine.vk.pool import CommandPool

_NO_KEYS = np.zeros(0, np.int64)


class Renderer:
    """Owns pipelines, descriptor sets and the command buffers of the frames in flight.

    What another thread makes for it goes into `prepared`; that thread must have ended when it is closed.
    A frame that `has_new_images` must wait on the device for those before it, which use the same memory.
    """

    def __init__(
        self,
        device: Device,
        memory: MemoryManager,
        samplers: SamplerPool,
        code: Callable[[int], bytes],
        is_there: Callable[[int], bool],
        cache_folder: Path | None,
        cull_from: int | None = 0,
    ) -> None:
        """`code` and `is_there` as those of Pipelines; `cache_folder` is for the pipeline cache.

        Passes of at least `cull_from` triangles draw only what their views see; None: none do.
        """
        self._memory = memory
        self._cull_from = cull_from
        with ExitStack() as undo:
            self._layouts = Layouts(device)
            undo.callback(self._layouts.close)
            self._cache = PipelineCache(device, cache_folder)
            undo.callback(self._cache.close)
            self.prepared = PreparedPipelines(device, self._layouts, self._cache)
            undo.callback(self.prepared.close)
            self._pipelines = Pipelines(device, self._layouts, self._cache, self.prepared, code, is_there)
            undo.callback(self._pipelines.close)
            frame_sets, material_sets = (DescriptorSets(device, self._layouts) for _ in range(2))
            self._sets = (frame_sets, material_sets)
            for sets in self._sets:
                undo.callback(sets.close)
            self._binder = Binder(memory, samplers, frame_sets, material_sets, self._pipelines)
            self._recorder = FrameRecorder(device, facts(device)["limits"]["maxDrawIndirectCount"])
            self._pool = CommandPool(device, device.graphics, "frames")
            undo.callback(self._pool.close)
            self._commands = CommandBuffers(self._pool, FRAMES_IN_FLIGHT)
            self._timer = PassTimer(device, FRAMES_IN_FLIGHT)
            undo.callback(self._timer.close)
            self._undo = undo.pop_all()
        self._times_passes = False
        self._reuse = PassReuse(code)
        self._parts = PassParts()
        self._rings: dict[str, RingWriter] = {}
        self._needs: FrameNeeds | None = None
        self._plan: MemoryPlan | None = None
        self._passes: dict[str, PassState] = {}
        self._images: list[dict[str, FrameImage]] = []
        self._drawn: dict[str, FrameImage] = {}
        self.drawn_graph: CompiledGraph | None = None  # that of the last frame
        self._image_of: dict[int, tuple[ImageDecl, FrameImage]] = {}  # by key
        self._moved: set[int] | None = None  # keys since what passes bind was looked up; None: any
        self._pipelines_of: list[tuple[object, ...]] = []
        self._unchecked = True
        self.has_new_images = False
        self._followed = -1
        self._bound_graph: CompiledGraph | None = None
        self._bound: tuple[object, ...] = ()
        self._calls = 0
        self._unmade_views: frozenset[str] = frozenset()

    @property
    def pipeline_cache_bytes(self) -> int:
        """Bytes of the driver's pipeline cache, which are in host memory. Raises VulkanError."""
        return self._cache.size

    def ring(self, name: str) -> RingWriter:
        """Return the writer of the ring with this name."""
        writer = self._rings.get(name)
        if writer is None:
            writer = self._rings[name] = RingWriter(FRAMES_IN_FLIGHT)
        return writer

    def unmade(self, needs: FrameNeeds) -> Iterator[tuple[PipelineDescription, list[bytes]]]:
        """Yield what the missing pipelines of these needs are made from, with the SPIR-V of shaders."""
        for drawing in needs.drawings.values():
            for row, offsets, shading in drawing.with_shaders():
                found = self._pipelines.unmade(row, offsets, shading)
                if found is not None:
                    yield found

    def apply_plan(self, needs: FrameNeeds, plan: MemoryPlan, ticket: int) -> None:
        """Use a new plan and its needs; other pipelines are destroyed once the timeline reaches `ticket`."""
        self._needs = needs
        self._unchecked = True
        self._plan = plan
        self._binder.set_plan(needs, plan)
        drawn = [drawing.identity for drawing in needs.drawings.values()]
        if drawn != self._pipelines_of:
            self._pipelines_of = drawn
            rows = chain.from_iterable(drawing.pipelines() for drawing in needs.drawings.values())
            self._pipelines.keep_only(rows, ticket)
            self._record_again()
        transient = needs.requirements.keys.transients
        self._rings = {name: writer for name, writer in self._rings.items() if name in transient}
        before, self._passes = self._passes, {}
        for name, table in needs.tables.items():
            known = before.pop(name, None)
            if known is None or known.binding.table is not table:
                if known is not None:
                    known.binding.close(ticket)
                is_sorted = table.declaration.order is DrawOrder.BACK_TO_FRONT
                views = len(table.declaration.views)
                draws = SortedDraws(table) if is_sorted else DrawList(table, views)
                known = PassState(self._binder.binding(table), draws, Culling(table))
            self._passes[name] = known
        for known in before.values():
            known.binding.close(ticket)

    def update(self, ticket: int, cubes: Cubes) -> None:
        """Follow what was planned, published, withdrawn and switched since the last call.

        Passes sample the environments `cubes`. Descriptor sets that nothing binds any more are freed once the
        timeline reaches `ticket`.
        """
        needs, version = self._needs, self._memory.published.version
        assert needs is not None
        if cubes != self._binder.cubes:
            self._binder.cubes, self._unchecked, self._moved = cubes, True, None
        assets = _NO_KEYS
        if version != self._followed:
            keys, self._followed = self._memory.published.changed(), version
            self._follow_addresses(keys)
            assets = keys[keys >> 32 != TRANSIENT_DB]
            if cubes and len(assets) and not set(cubes.values()).isdisjoint(assets.tolist()):
                self._unchecked = True
                self._note_moved(cubes.values())
        for name, known in self._passes.items():
            table, rebound = known.binding.table, _NO_KEYS
            if len(assets) or not known.is_bound:
                rebound = known.binding.update(assets, ticket)
                self._write_materials(name, known.binding)
                known.in_use = table.in_use
            if len(rebound) or not known.is_current:
                table.refresh()
                self._write_draws(name, known.draws, known.draws.update(known.binding.batches, rebound))
                known.versions, known.culled_for = table.version, None
        self._check_transients(needs, ticket)

    def _follow_addresses(self, keys: npt.NDArray[np.int64]) -> None:
        """Look up transients among `keys` again, and write their rings again."""
        needs = self._needs
        assert needs is not None
        names = needs.requirements.keys.name
        moved = keys[keys >> 32 == TRANSIENT_DB].tolist()
        self._unchecked = self._unchecked or bool(moved)
        self._note_moved(moved)
        for name in self._rings.keys() & map(names, moved):
            self._rings[name].invalidate()

    def _note_moved(self, keys: Iterable[int]) -> None:
        """Note that keys may have other addresses."""
        if self._moved is not None:
            self._moved.update(keys)

    def _check_transients(self, needs: FrameNeeds, ticket: int) -> None:
        """Look up the attachments and what passes bind where the plan or one of the addresses is new.

        Nothing can be drawn while one of them is not resident where the plan has it.
        """
        if not self._unchecked:
            return
        assert self._plan is not None
        addresses = self._binder.addresses(needs, self._plan)
        if addresses is None:
            self._images = []
            return
        self._unchecked = False
        bound = (needs.size, addresses, needs.frame)
        if self._images and self._bound_graph is needs.graph and self._bound == bound:
            return
        moved = (
            self._moved
            if self._bound_graph is not None and self._bound_graph.kept == needs.graph.kept
            else None
        )
        if moved is None or self._bound[:1] != bound[:1]:
            self._image_of = {}
        for key in self._image_of.keys() & moved if moved else ():
            del self._image_of[key]
        self._bound_graph, self._bound, self._moved = needs.graph, bound, set()
        images = {life.image.name: self._frame_image(life.image) for life in needs.graph.images}
        pairs = [(name, previous_name(name)) for name in needs.graph.kept]
        other = {one: images[two] for pair in pairs for one, two in (pair, pair[::-1])}
        self._images = [images, {**images, **other}] if pairs else [images, images]
        self.has_new_images = True
        self._binder.frame_sets.retire(moved, needs.drawings, ticket)
        self._record_again()

    def _write_materials(self, name: str, binding: PassBinding) -> None:
        for shading, rows in binding.material_rows().items():
            ring = self.ring(material_table_name(name, shading))
            data = binding.material_tables[shading]
            if not ring.holds(data):
                ring.replace(data)
            elif len(rows) > MAX_RANGES:
                ring.invalidate()
            else:
                ring.changed([(row, row + 1) for row in rows.tolist()])

    def _write_draws(self, name: str, draws: Draws, written: Written | None) -> None:
        if written is None:
            return
        for kind, rows, ranges in (
            ("draws", draws.instances, written.instances),
            ("commands", draws.commands, written.commands),
        ):
            ring = self.ring(f"{name}.{kind}")
            if ranges is None or not ring.holds(rows):
                ring.replace(rows)
            else:
                ring.changed(ranges)
        if written.regrouped or not self._recorder.indirect:
            self._record_again()

    def command_buffer(self, slot: int) -> Any:
        """Return the command buffer of a slot that is not in flight; records it again if it is stale.

        Images with a history have changed places in every other slot: frames that are drawn alternate.
        """
        needs = self._needs
        assert needs is not None
        self._flush(needs, slot)
        left_out = self._reuse.begin(needs, self._rings, self._is_aliased)
        frame = self._reuse.frame(left_out)
        commands = self._commands.get(slot, left_out)
        if commands is None:
            commands = self._record(slot, needs, left_out, frame)
        if self._times_passes:
            self._timer.submitted(slot, [one.declaration.name for one in frame.passes])
        return commands

    def _record(self, slot: int, needs: FrameNeeds, left_out: frozenset[str], frame: CompiledGraph) -> Any:
        groups = {
            name: [
                self._groups(name, drawing, slot, number)
                for number in range(len(drawing.compiled.declaration.views))
            ]
            for name, drawing in needs.drawings.items()
            if name not in left_out and not drawing.compiled.is_among
        }
        for name, views in self._parts.alone():
            if name not in left_out:
                between = [self._parts.bound(name, None, self._binder, needs, slot, n) for n in range(views)]
                groups[name] = [each.get(0, []) for each in between]
        commands, mark = self._commands.begin(slot, left_out), None
        if self._times_passes and self._timer.begin(
            commands, slot, len(frame.passes), len(needs.graph.passes)
        ):
            mark = partial(self._timer.mark, commands, slot)
        calls = self._recorder.frame(commands, frame, self._images[slot], groups, mark)
        if left_out == WHOLE:
            self._calls = calls
        return self._commands.end(slot, left_out)

    def _record_again(self) -> None:
        """What is recorded does not hold any more."""
        self._commands.forget()
        self._reuse.forget()

    def prepare_reuse(self, needs: FrameNeeds) -> None:
        """Read what the shaders of a frame use, which takes long the first time."""
        self._reuse.prepare(needs)

    def submitted(self, slot: int) -> None:
        """The command buffer that was returned last has been submitted."""
        self.has_new_images, self._drawn, self.drawn_graph = False, self._images[slot], self.graph
        self._reuse.submitted()

    def _is_aliased(self, image: str) -> bool:
        assert self._needs is not None
        return self._binder.is_aliased(self._needs.requirements.keys.transient(image))

    def time_passes(self, *, timed: bool) -> None:
        """Take the times of passes on the device, or do not; all is recorded again for that."""
        if timed != self._times_passes:
            self._times_passes = timed
            self._record_again()

    @property
    def pass_times(self) -> Mapping[str, float]:
        """Milliseconds on the device by pass, of the last finished frame; empty unless they are taken."""
        return self._timer.times if self._times_passes else {}

    @property
    def reused(self) -> frozenset[str]:
        """The passes that the last frame left out, as what they drew before is still there."""
        return self._reuse.left_out

    def finished(self, slot: int) -> None:
        """The frame that used a slot before is finished."""
        self._timer.read(slot)

    def _groups(self, name: str, drawing: Drawing, slot: int, number: int) -> Sequence[AnyBound]:
        """Return what a pass draws in one of its views, with everything it binds; nothing without an eye."""
        if drawing.compiled.declaration.views[number] in self._unmade_views:
            return ()
        needs = self._needs
        assert needs is not None
        if isinstance(drawing, ShaderDrawing):
            return self._binder.shader(drawing, needs, slot, number)
        known = self._passes[name]
        between = self._parts.bound(name, known.draws, self._binder, needs, slot, number)
        return self._binder.groups(drawing, known.binding, known.draws, slot, number, between)

    @property
    def graph(self) -> CompiledGraph | None:
        """The passes and images of the frame; None before the first plan."""
        return None if self._needs is None else self._needs.graph

    @property
    def ready(self) -> bool:
        """Whether the attachments are resident, so that a frame can be drawn."""
        return bool(self._images)

    def has_image(self, name: str) -> bool:
        """Whether the frame has a resident image of this name."""
        return bool(self._images) and name in self._images[0]

    def image(self, name: str) -> FrameImage:
        """Return a resident image of the frame that has no history, by name. Raises KeyError."""
        return self._images[0][name]

    def drawn_image(self, name: str) -> FrameImage | None:
        """Return an image of the last frame, also where the next one has others; None if it is not there."""
        image, keys = self._drawn.get(name), self._needs and self._needs.requirements.keys
        either = name, previous_name(name), name.removesuffix(previous_name(""))  # a pair changes places
        known = [each for each in either if image and keys and each in keys.transients]
        places = [self._memory.location(keys.transient(each)) for each in known if keys]
        return image if any(each and image and each.resource == image.resource for each in places) else None

    def write_values(
        self,
        placements: npt.NDArray[np.float32],
        moved: npt.NDArray[np.int64],
        values: Mapping[str, npt.NDArray[np.uint8]],
        eyes: Mapping[str, Eye | None],
        pushed: Mapping[tuple[str, Block], bytes],
        places: Mapping[str, npt.NDArray[np.float64]],
    ) -> None:
        """Write moved placements, where anything is drawn, and what has changed of the values of features.

        These are Frame blocks and rows of buffers, by the names of their rings. Levels of detail are chosen
        for the `eyes` of the views, and what is drawn along the view is sorted. In a view without an eye
        nothing is drawn. `pushed` are blocks of push constants: with other bytes all is recorded again.
        `places` are those of parts that are drawn among others, by feature.
        """
        if pushed != self._binder.pushed:
            self._binder.pushed = pushed
            self._record_again()
        unmade = frozenset(name for name, eye in eyes.items() if eye is None)
        if unmade != self._unmade_views:
            self._unmade_views = unmade
            self._record_again()
        if self._needs is not None and self._parts.update(self._needs, places, eyes, self._passes):
            self._record_again()
        cull_from = self._cull_from if self._recorder.indirect else None
        for name, known in self._passes.items():
            table = known.binding.table
            if table.choose_levels(eyes):
                self._write_draws(name, known.draws, known.draws.update(known.binding.batches, _NO_KEYS))
                known.versions, known.culled_for = table.version, None
            self._write_draws(name, known.draws, known.cull(eyes, cull_from, self._parts.of(name)))
        if self._passes:
            self._write_places(placements, moved)
        for name, rows in values.items():
            ring = self.ring(name)
            if ring.source is not rows and not ring.has(rows):
                ring.replace(rows)

    def _write_places(self, placements: npt.NDArray[np.float32], moved: npt.NDArray[np.int64]) -> None:
        instances = self.ring("instances")
        if not instances.holds(placements):
            instances.replace(placements)
            self._reuse.note_moved(lambda name: True)
        elif len(moved):
            instances.changed(moved)
            self._reuse.note_moved(partial(self._draws_any, moved))

    def _draws_any(self, moved: npt.NDArray[np.int64], name: str) -> bool:
        """Whether a pass draws one of the objects in these ranges, as far as is known."""
        known = self._passes.get(name)
        if known is None or len(moved) > MAX_RANGES:
            return known is not None
        return known.culling.follows(
            np.concatenate([np.arange(*each, dtype=np.int32) for each in moved.tolist()])
        )

    def rows_in_views(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield for each view of each pass that draws rows how many it draws, of how many."""
        for name, known in self._passes.items():
            for number, view in enumerate(known.binding.table.declaration.views):
                if view not in self._unmade_views:
                    yield name, view, *known.draws.rows_in(number)

    @property
    def refused(self) -> Mapping[tuple[int, ...], str]:
        """What the driver returned instead of pipelines, by the keys of their shaders."""
        return self._pipelines.refused

    @property
    def draws(self) -> DrawCounts:
        """What the frame draws now."""
        lists = [known.draws for known in self._passes.values()]
        instances = sum(drawn.instance_count for drawn in lists)
        return DrawCounts(self._calls, instances, sum(drawn.triangles for drawn in lists))

    def collect(self, completed: int) -> None:
        """Destroy retired sets and pipelines with tickets up to `completed`."""
        for sets in self._sets:
            sets.collect(completed)
        self._pipelines.collect(completed)

    def close(self) -> None:
        """Release everything, in order; no frame may be in flight."""
        self._undo.close()

    def _frame_image(self, image: ImageDecl) -> FrameImage:
        needs = self._needs
        assert needs is not None
        key = needs.requirements.keys.transient(image.name)
        aliased = self._binder.is_aliased(key)
        known = self._image_of.get(key)
        if known is not None and known[0] == image and known[1].aliased == aliased:
            return known[1]
        place = self._binder.require_location(key)
        views = {
            (layer, level): self._memory.part_view(key, layer, level=level)
            for _, layer, level in image.parts()
        }
        extent = image.extent.resolve(needs.size)
        made = FrameImage(place.handle, views, image.format, extent, aliased, place.resource)
        self._image_of[key] = image, made
        return made

    def _flush(self, needs: FrameNeeds, slot: int) -> None:
        """Write pending rows to this slot's copies of the rings."""
        transient = needs.requirements.keys.transient
        for name in [name for name, writer in self._rings.items() if writer.pending[slot]]:
            place, writer = self._memory.location(transient(name)), self._rings[name]
            if place is not None and place.mapped is not None:
                writer.flush(slot, place.mapped, place.stride)
