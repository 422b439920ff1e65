"""Resolves keys to published addresses: the buffers, descriptor sets and pipelines that draws bind."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.assets.spirv.reflection import FRAME_SET, MATERIAL_SET
from engine.graph import Layout
from engine.memory.device.addresses import Location
from engine.memory.device.samplers import SamplerConfig, SamplerPool
from engine.memory.streaming.manager import MemoryManager
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.terms.drawing import CompareOp, DescriptorType
from engine.plan.terms.drawing_rows import BindingRow
from engine.planning.draw.draw_list import COMMAND, DrawList
from engine.planning.draw.drawing import PassDrawing
from engine.planning.draw.shading import ShaderSet
from engine.planning.draw.tables import DrawTable
from engine.planning.needs import FrameNeeds
from engine.render.descriptors import Bound, BoundBuffer, BoundImage, DescriptorSets
from engine.render.frame_recorder import BoundGroup
from engine.render.pass_binding import PassBinding, TextureSamplers
from engine.render.pipelines import Pipelines, set_layouts
from engine.vk.enums import AddressMode, MipmapMode

ANISOTROPY = 8.0
_MIPPED_SAMPLER = SamplerConfig(anisotropy=ANISOTROPY)
_SINGLE_SAMPLER = SamplerConfig()
_SHADOW_SAMPLER = SamplerConfig(
    mip_filter=MipmapMode.NEAREST,
    address_u=AddressMode.CLAMP_TO_EDGE,
    address_v=AddressMode.CLAMP_TO_EDGE,
    compare=CompareOp.GREATER_OR_EQUAL,
)
"""For shadow maps: a surface is lit if it is at least as near to the light as the caster (reversed depth)."""


class NotResident(LookupError):
    """A transient that every frame needs (an attachment, a ring) is not resident where the plan has it."""


class Binder:
    """Looks up published addresses and creates descriptor sets from them."""

    def __init__(
        self,
        memory: MemoryManager,
        samplers: SamplerPool,
        frame_sets: DescriptorSets,
        material_sets: DescriptorSets,
        pipelines: Pipelines,
    ) -> None:
        self._memory = memory
        self._frame_sets = frame_sets
        self._material_sets = material_sets
        self._pipelines = pipelines
        self._plan: MemoryPlan | None = None
        # By pass, shader set and slot; as long as the addresses of what passes bind are the same.
        self._frame_set_of: dict[tuple[str, int, int], Any] = {}
        self._texture_samplers = TextureSamplers(
            samplers.acquire(_MIPPED_SAMPLER, why="materials"),
            samplers.acquire(_SINGLE_SAMPLER, why="materials whose textures have no mip levels"),
        )
        self._shadow_sampler = samplers.acquire(_SHADOW_SAMPLER, why="images that passes read")

    def set_plan(self, plan: MemoryPlan) -> None:
        """Set the plan that `require_location` compares addresses with."""
        self._plan = plan

    def require_location(self, key: int) -> Location:
        """Return the address of `key`. Raises NotResident, also while it is in an earlier plan's resource."""
        found = self._memory.location(key)
        if found is None or self._plan is None:
            raise NotResident(key)
        if self._plan.subresource_table.row(key)["resource"] != found.resource:
            raise NotResident(key)
        return found

    def addresses(self, needs: FrameNeeds, plan: MemoryPlan) -> tuple[bytes, ...] | None:
        """Return the addresses of all images and rings of a frame, to be compared with those of another time.

        None while one of them is not resident where the plan has it. A ring of another size may lie at the
        same place, so the distances of its copies belong to them.
        """
        transient = needs.requirements.keys.transient
        reads = [name for p in needs.graph.passes for _, name in p.reads]
        names = [*(life.image.name for life in needs.graph.images), *reads, *needs.rings]
        keys = np.array([transient(name) for name in names], np.int64)
        resources, offsets = self._memory.published.addresses(keys)
        planned = plan.subresource_table.rows(keys)["resource"]
        if (resources != planned).any():
            return None
        aliased = plan.resource_table.rows(planned.astype(np.int64))["aliased"]
        strides = self._memory.published.strides(keys)
        return tuple(column.tobytes() for column in (keys, resources, offsets, strides, aliased))

    def binding(self, table: DrawTable) -> PassBinding:
        """Return what a table is drawn with; nothing is looked up yet."""
        return PassBinding(table, self._memory, self._material_sets, self._texture_samplers)

    def retire_frame_sets(self, ticket: int) -> None:
        """Retire the sets that passes bind once; they are freed once the timeline reaches `ticket`."""
        self._frame_sets.retire_all(ticket)
        self._frame_set_of.clear()

    def groups(
        self, drawing: PassDrawing, binding: PassBinding, draws: DrawList, slot: int
    ) -> list[BoundGroup]:
        """Resolve every group of a draw list for one frame slot's copies of the rings.

        A group whose pipeline the driver refuses is left out. Raises NotResident.
        """
        table = binding.table
        commands = self.require_location(drawing.keys.transient(f"{table.declaration.name}.commands"))
        start = commands.offset + slot * commands.stride
        found = []
        for group in draws.groups:
            key = table.recipes.pipelines[group.pipeline]
            shading = table.recipes.shadings[key.shading]
            row = drawing.pipeline(group.pipeline)
            pipeline = self._pipelines.get(row, key, shading)
            if pipeline is None:
                continue
            sets = []
            if shading.sets:
                bound = table.declaration.name, key.shading, slot
                if bound not in self._frame_set_of:
                    self._frame_set_of[bound] = self._frame_set(drawing, shading, key.shading, slot)
                sets.append(self._frame_set_of[bound])
            if group.descriptors >= 0 and len(shading.sets) > MATERIAL_SET:
                sets.append(binding.set_handle(group.descriptors))
            found.append(
                BoundGroup(
                    pipeline,
                    int(row.state.front_face) ^ group.mirrored,  # of the two faces the other one
                    self._pipelines.layout(shading),
                    tuple(sets),
                    self._memory.published.handle(group.vertex_buffer),
                    self._memory.published.handle(group.index_buffer),
                    group.index_type,
                    (commands.handle, start + group.first * COMMAND.itemsize),
                    group.count,
                    draws.commands[group.first : group.first + group.count],
                )
            )
        return found

    def _frame_set(self, drawing: PassDrawing, shading: ShaderSet, number: int, slot: int) -> Any:
        """Return descriptor set 0 of a pass: this slot's copies of the rings, and the images it reads."""
        row = drawing.frame_set(number)
        contents = dict(row.contents)
        bound = tuple(self._frame_binding(binding, contents[binding.binding], slot) for binding in row.layout)
        return self._frame_sets.get(set_layouts(shading)[FRAME_SET], bound)

    def _frame_binding(self, binding: BindingRow, key: int, slot: int) -> Bound:
        place = self.require_location(key)
        kind = int(binding.type)
        if binding.type is DescriptorType.COMBINED_IMAGE_SAMPLER:
            layout = int(Layout.SHADER_READ)
            view = self._memory.layer_view(key)
            return BoundImage(binding.binding, kind, view, self._shadow_sampler, layout)
        return BoundBuffer(
            binding.binding, kind, place.handle, place.offset + slot * place.stride, place.stride
        )
