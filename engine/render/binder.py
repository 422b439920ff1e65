"""Resolves keys to published addresses: the buffers, descriptor sets and pipelines that draws bind."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.spirv.reflection import FRAME_SET, MATERIAL_SET
from engine.graph import (
    CompiledGraph,
    ComputePass,
    CubeRead,
    ImageRead,
    Layout,
    PrimitivePass,
    Sampler,
    StorageWrite,
    previous_name,
    stand_in_name,
)
from engine.memory.device.addresses import Location
from engine.memory.device.samplers import SamplerConfig, SamplerPool
from engine.memory.streaming.manager import MemoryManager
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.terms.drawing import CompareOp
from engine.plan.terms.drawing_rows import BindingRow, DescriptorSetRow
from engine.plan.terms.keys import Keys
from engine.plan.terms.table import every
from engine.planning.asset_cubes import Cubes
from engine.planning.draw.blocks import Block
from engine.planning.draw.draw_list import COMMAND, DrawList
from engine.planning.draw.drawing import Drawing, PassDrawing, ShaderDrawing, cube_key
from engine.planning.draw.ring_names import FRAME
from engine.planning.draw.shading import ShaderSet
from engine.planning.draw.sorted_draws import SortedDraws
from engine.planning.draw.tables import DrawTable
from engine.planning.needs import FrameNeeds
from engine.render.descriptors import Bound, BoundBuffer, BoundImage, DescriptorSets, FrameSets, Place
from engine.render.frame_recorder import BoundArguments, BoundDispatch, BoundGroup, BoundShader, Push
from engine.render.pass_binding import PassBinding
from engine.render.pipelines.pipeline_description import set_layouts
from engine.render.pipelines.pipelines import Pipelines
from engine.render.texture_samplers import TextureSamplers
from engine.vk.binding import NULL
from engine.vk.enums import AddressMode, Filter, MipmapMode

MAX_KEPT = 4
"""Frames whose transients are kept."""


class NotResident(LookupError):
    """A transient that every frame needs (an attachment, a ring) is not resident where the plan has it."""


class Binder:
    """Looks up published addresses and creates descriptor sets from them.

    `cubes` are the environments that passes sample in this frame, by name, `pushed` the blocks of push
    constants in each view with the values of features.
    """

    def __init__(
        self,
        memory: MemoryManager,
        samplers: SamplerPool,
        frame_sets: DescriptorSets,
        material_sets: DescriptorSets,
        pipelines: Pipelines,
    ) -> None:
        self._memory = memory
        self._locate = memory.published.location
        self.frame_sets = FrameSets(frame_sets)
        self._material_sets = material_sets
        self._pipelines = pipelines
        self._plan: MemoryPlan | None = None
        self._planned: Mapping[int, bool] = {}  # what `addresses` has found where the plan has it
        self._keys_of: deque[tuple[CompiledGraph, list[str], Keys, npt.NDArray[np.int64]]] = deque(
            maxlen=MAX_KEPT
        )
        self._other_of: dict[int, int] = {}  # the keys of images that change places in every other slot
        self._texture_samplers = TextureSamplers(samplers)
        self._samplers = samplers
        self._read_samplers: dict[SamplerConfig, Any] = {}
        self.cubes: Cubes = {}
        self.pushed: Mapping[tuple[str, Block], bytes] = {}

    def set_plan(self, needs: FrameNeeds, plan: MemoryPlan) -> None:
        """Set the plan that `require_location` compares addresses with, and the needs behind it."""
        self._plan, self._planned = plan, {}
        transient = needs.requirements.keys.transient
        pairs = [(transient(name), transient(previous_name(name))) for name in needs.graph.kept]
        self._other_of = {one: two for pair in pairs for one, two in (pair, pair[::-1])}

    def is_aliased(self, key: int) -> bool:
        """Whether an image or ring shares memory with others of the frame, after `addresses` has found it."""
        return self._planned[key]

    def require_location(self, key: int) -> Location:
        """Return the address of `key`. Raises NotResident, also while it is in an earlier plan's resource."""
        found = self._locate(key)
        if found is None or self._plan is None:
            raise NotResident(key)
        if key in self._planned:
            return found
        if self._plan.subresource_table.row(key)["resource"] != found.resource:
            raise NotResident(key)
        return found

    def addresses(self, needs: FrameNeeds, plan: MemoryPlan) -> tuple[bytes, ...] | None:
        """Return the addresses of all images and rings of a frame, to be compared with those of another time.

        None while one of them is not resident where the plan has it, or is a ring that grows at its place and
        is still too small. A ring of another size may lie at the same place, so the distances of its copies
        belong to the addresses.
        """
        keys = self._transients(needs)
        self._planned = {}
        found, live = self._memory.published.find(keys)
        rows = plan.subresource_table.rows(keys)
        planned, strides = rows["resource"], live["stride"]
        if not every(found & (live["resource"] == planned) & (strides >= rows["stride"])):
            return None
        aliased = plan.resource_table.rows(planned.astype(np.int64))["aliased"]
        cubes = np.array([*self.cubes.values()], np.int64)
        sampled = self._memory.published.addresses(cubes)[0] if len(cubes) else cubes
        self._planned = dict(zip(keys.tolist(), aliased.tolist(), strict=True))
        columns = (keys, planned, live["offset"], strides, aliased, cubes, sampled)
        return (*[column.tobytes() for column in columns], " ".join(self.cubes).encode())

    def _transients(self, needs: FrameNeeds) -> npt.NDArray[np.int64]:
        """Return the keys of all images, buffers and rings of a frame; frames of one graph may share them."""
        graph, rings, all_keys = needs.graph, needs.rings, needs.requirements.keys
        for *of, keys in self._keys_of:
            if of[0] is graph and of[1] is rings and of[2] is all_keys:
                return keys
        reads = [name for p in graph.passes for _, name in p.reads]
        buffers = [name for p in graph.passes for _, name in p.buffers]
        reads += [stand_in_name(read.name) for p in graph.passes for read in p.declaration.cubes]
        names = [*(life.image.name for life in graph.images), *buffers, *reads, *rings]
        found = np.array([all_keys.transient(name) for name in names], np.int64)
        self._keys_of.append((graph, rings, all_keys, found))
        return found

    def binding(self, table: DrawTable) -> PassBinding:
        """Return what a table is drawn with; nothing is looked up yet."""
        return PassBinding(table, self._memory, self._material_sets, self._texture_samplers)

    def groups(
        self,
        drawing: PassDrawing,
        binding: PassBinding,
        draws: DrawList | SortedDraws,
        slot: int,
        number: int,
        between: Mapping[int, Sequence[BoundGroup | BoundShader]],
    ) -> list[BoundGroup | BoundShader]:
        """Resolve every group of a draw list for one view, by its number, and one slot's copies of the rings.

        A group whose pipeline the driver refuses is left out. What others draw before a group, or behind the
        last one, is `between`. Raises NotResident.
        """
        table, view = binding.table, drawing.compiled.declaration.views[number]
        commands = self.require_location(drawing.keys.transient(f"{table.declaration.name}.commands"))
        of_view = draws.of_view(number)
        start = commands.offset + slot * commands.stride + of_view.start * COMMAND.itemsize
        found: list[BoundGroup | BoundShader] = []
        groups = draws.groups_in(number)
        for index, group in enumerate(groups):
            found += between.get(index, ())
            key = table.recipes.pipelines[group.pipeline]
            shading = table.recipes.shadings[key.shading]
            row = drawing.pipeline(group.pipeline)
            pipeline = self._pipelines.get(row, key.offsets, shading)
            if pipeline is None:
                continue
            sets = []
            if shading.sets:
                place = table.declaration.name, key.shading, slot, view
                sets.append(self._frame_set(place, drawing.frame_set(key.shading, view), drawing, shading))
            if group.descriptors >= 0 and len(shading.sets) > MATERIAL_SET:
                sets.append(binding.set_handle(group.descriptors))
            found.append(
                BoundGroup(
                    pipeline,
                    int(drawing.state.front_face) ^ group.mirrored,  # of the two faces the other one
                    self._pipelines.layout(shading),
                    tuple(sets),
                    self._memory.published.handle(group.vertex_buffer),
                    self._memory.published.handle(group.index_buffer),
                    group.index_type,
                    (commands.handle, start + group.first * COMMAND.itemsize),
                    group.count,
                    draws.commands[of_view][group.first : group.first + group.count],
                    self._push(drawing, shading, number),
                    group.culled,
                )
            )
        found += between.get(len(groups), ())
        return found

    def shader(
        self, drawing: ShaderDrawing, needs: FrameNeeds, slot: int, number: int
    ) -> list[BoundShader | BoundDispatch]:
        """Resolve a pass without meshes, as `groups` does; nothing if its pipeline is refused.

        Raises NotResident.
        """
        shading, view = drawing.shading, drawing.compiled.declaration.views[number]
        pipeline = self._pipelines.get(drawing.pipeline(), (), shading)
        if pipeline is None:
            return []
        sets = []
        if shading.sets:
            at = drawing.compiled.declaration.name, 0, slot, view
            sets.append(self._frame_set(at, drawing.frame_set(view), drawing, shading))
        p, layout = drawing.compiled.declaration, self._pipelines.layout(shading)
        push = self._push(drawing, shading, number)
        if isinstance(p, ComputePass):
            return [BoundDispatch(pipeline, layout, tuple(sets), drawing.groups(needs.size), push)]
        vertices, instances = (p.vertices, p.instances) if isinstance(p, PrimitivePass) else (3, 1)
        assert drawing.state is not None
        front = int(drawing.state.front_face)
        indices, arguments = None, None
        if isinstance(p, PrimitivePass):
            arguments = self._arguments(p, drawing.keys)
            if p.indices is not None:
                if stand_in_name(p.indices.name) in dict(drawing.compiled.buffers).values():
                    return []  # nobody writes them
                place = self.require_location(drawing.keys.transient(p.indices.name))
                indices = place.handle, place.offset
        sizes = vertices, instances, arguments, indices
        return [BoundShader(pipeline, front, layout, tuple(sets), *sizes, push)]

    def _arguments(self, p: PrimitivePass, keys: Keys) -> BoundArguments | None:
        """Return where the commands of a pass are that shaders write, None for a pass without."""
        of = p.arguments
        if of is None:
            return None
        place = self.require_location(keys.transient(of.buffer.name))
        count = place.offset if of.count is not None else None
        return BoundArguments(place.handle, place.offset + of.offset, of.most, p.command_bytes, count)

    def _push(self, drawing: Drawing, shading: ShaderSet, number: int) -> Push | None:
        """Return the push constants of a shader set in a view: values of features, then those of the pass."""
        if shading.push is None:
            return None
        p, block = drawing.compiled.declaration, shading.push.block
        data = np.zeros(block.size, np.uint8)
        pushed = self.pushed.get((p.views[number], block))
        if pushed is not None:
            data[:] = np.frombuffer(pushed, np.uint8)
        block.pack_into(data, {value.name: value.of(number) for value in p.pushes if value.is_given})
        return int(shading.push.stages), data.tobytes()

    def _frame_set(self, place: Place, row: DescriptorSetRow, drawing: Drawing, shading: ShaderSet) -> Any:
        """Return descriptor set 0 of a pass in a view."""
        found = self.frame_sets.get(place, row)
        if found is None:
            bound, keys = self.frame_set_contents(row, drawing, shading, place[2])
            layout = set_layouts(shading)[FRAME_SET]
            found = self.frame_sets.make(place, row, layout, bound, keys)
        return found

    def frame_set_contents(
        self,
        row: DescriptorSetRow,
        drawing: Drawing,
        shading: ShaderSet,
        slot: int,
    ) -> tuple[tuple[Bound, ...], frozenset[int]]:
        """Return what a pass binds once, with this slot's copies of the rings, and the keys of all of it."""
        contents = dict(row.contents)
        if slot % 2 and self._other_of:
            contents = {binding: self._other_of.get(key, key) for binding, key in contents.items()}
        keys = set(contents.values())
        p = drawing.compiled.declaration
        reads = {read.binding: read for read in p.reads}
        cubes = {read.binding: read for read in p.cubes}
        writes = {write.binding: write for write in p.writes} if isinstance(p, ComputePass) else {}
        shared = {use.binding for use in p.buffers}
        bound: list[BoundImage | BoundBuffer] = []
        for binding in row.layout:
            key = contents[binding.binding]
            if binding.name in reads:
                bound.append(self._read_image(binding, key, reads[binding.name]))
            elif binding.name in cubes:
                read = cubes[binding.name]
                keys |= {cube_key(read.name, of, drawing.keys) for of in (self.cubes, {})}
                bound.append(self._read_cube(binding, read, drawing.keys))
            elif binding.name in writes:
                bound.append(self._stored_image(binding, key, writes[binding.name]))
            elif binding.name in shared:
                place = self.require_location(key)
                kind = int(binding.type)
                bound.append(BoundBuffer(binding.binding, kind, place.handle, place.offset, place.size))
            else:
                bound.append(self._ring_copy(binding, key, shading, slot))
        return tuple(bound), frozenset(keys)

    def _stored_image(self, binding: BindingRow, key: int, write: StorageWrite) -> BoundImage:
        self.require_location(key)
        view = self._memory.part_view(key, level=write.level, array=write.image.is_array)
        return BoundImage(binding.binding, int(binding.type), view, NULL, int(Layout.GENERAL))

    def _read_image(self, binding: BindingRow, key: int, read: ImageRead) -> BoundImage:
        self.require_location(key)
        view = self._memory.part_view(key, array=read.image.is_array)
        config, layout = _config(read.sampler), int(Layout.SHADER_READ)
        if read.image.mip_levels > 1 and not read.sampler.nearest:
            config = replace(config, mip_filter=MipmapMode.LINEAR)
        return BoundImage(binding.binding, int(binding.type), view, self._sampler(config), layout)

    def _read_cube(self, binding: BindingRow, read: CubeRead, keys: Keys) -> BoundImage:
        """Bind the environment of this frame, or its stand-in until it has arrived."""
        place = self._memory.location(cube_key(read.name, self.cubes, keys))
        if place is None:
            place = self.require_location(cube_key(read.name, {}, keys))
        sampler = self._sampler(replace(_config(read.sampler), mip_filter=MipmapMode.LINEAR))
        layout = int(Layout.SHADER_READ)
        return BoundImage(binding.binding, int(binding.type), place.view, sampler, layout)

    def _sampler(self, config: SamplerConfig) -> Any:
        """Return the VkSampler of images that passes read, which is kept."""
        found = self._read_samplers.get(config)
        if found is None:
            found = self._samplers.acquire(config, why="images that passes read")
            self._read_samplers[config] = found
        return found

    def _ring_copy(self, binding: BindingRow, key: int, shading: ShaderSet, slot: int) -> BoundBuffer:
        place = self._locate(key) if key in self._planned else None
        if place is None:
            place = self.require_location(key)
        start, size = place.offset + slot * place.stride, place.stride
        if binding.name == FRAME and shading.frame is not None:
            size = shading.frame.size
        return BoundBuffer(binding.binding, int(binding.type), place.handle, start, size)


def _config(sampler: Sampler) -> SamplerConfig:
    """Return the configuration of a sampler of images that passes read.

    A comparison is true where the shader's depth is at least as near as the image's, as depth is reversed.
    """
    texel = Filter.NEAREST if sampler.nearest else Filter.LINEAR
    address = AddressMode.REPEAT if sampler.repeat else AddressMode.CLAMP_TO_EDGE
    return SamplerConfig(
        mag_filter=texel,
        min_filter=texel,
        mip_filter=MipmapMode.NEAREST,
        address_u=address,
        address_v=address,
        compare=CompareOp.GREATER_OR_EQUAL if sampler.compare else None,
    )
