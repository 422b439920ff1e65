"""Resolves keys to published addresses: the buffers, descriptor sets and pipelines that draws bind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.graph import Layout
from engine.memory.device.addresses import Location
from engine.memory.device.samplers import SamplerConfig, SamplerPool
from engine.memory.streaming.manager import MemoryManager
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.terms.drawing import CompareOp, DescriptorType, ShaderStage
from engine.plan.terms.drawing_rows import BindingRow
from engine.planning.draws import BATCH, COMMAND, DrawGroup, DrawList
from engine.planning.needs import FrameNeeds, frame_set_row, material_table_name
from engine.planning.shading import FRAME_SET, MATERIAL_SET
from engine.planning.tables import DrawTable, MaterialUse, TextureUse
from engine.render.descriptors import Bound, BoundBuffer, BoundImage, DescriptorSets
from engine.render.frame_recorder import BoundGroup
from engine.render.pipelines import Pipelines, set_layouts
from engine.vk.binding import ffi
from engine.vk.enums import AddressMode, IndexType, MipmapMode

ANISOTROPY = 8.0
_TEXTURE_SAMPLER = SamplerConfig(anisotropy=ANISOTROPY)
_SHADOW_SAMPLER = SamplerConfig(
    mip_filter=MipmapMode.NEAREST,
    address_u=AddressMode.CLAMP_TO_EDGE,
    address_v=AddressMode.CLAMP_TO_EDGE,
    compare=CompareOp.GREATER_OR_EQUAL,
)
"""For shadow maps: a surface is lit if it is at least as near to the light as the caster (reversed depth)."""
_INDEX_TYPES = {2: IndexType.UINT16, 4: IndexType.UINT32}  # by bytes per index


class NotResident(LookupError):
    """A transient that every frame needs (an attachment, a ring) is not resident where the plan has it."""


class PassBinding:
    """The batches of one pass with their published addresses, and the handles that BATCH rows refer to.

    `descriptors` holds the material sets by index, `buffers` the VkBuffers by handle value.
    """

    def __init__(
        self, batches: npt.NDArray[np.void], descriptors: list[Any], buffers: dict[int, Any]
    ) -> None:
        self.batches = batches
        self.descriptors = descriptors
        self.buffers = buffers


class Binder:
    """Looks up published addresses and creates descriptor sets from them."""

    def __init__(
        self, memory: MemoryManager, samplers: SamplerPool, sets: DescriptorSets, pipelines: Pipelines
    ) -> None:
        self._memory = memory
        self._sets = sets
        self._pipelines = pipelines
        self._plan: MemoryPlan | None = None
        self._texture_sampler = samplers.acquire(_TEXTURE_SAMPLER, why="materials")
        self._shadow_sampler = samplers.acquire(_SHADOW_SAMPLER, why="images that passes read")

    def set_plan(self, plan: MemoryPlan) -> None:
        """Set the plan that `require_location` compares addresses with."""
        self._plan = plan

    def require_location(self, key: int) -> Location:
        """Return the address of `key`. Raises NotResident, also while it is in an earlier plan's resource."""
        found = self._memory.location(key)
        if found is None or self._plan is None or self._plan.address(key).resource != found.resource:
            raise NotResident(key)
        return found

    def bind(self, table: DrawTable) -> PassBinding:
        """Look up all addresses for the batches of a pass; a batch that lacks one keeps `ready` False."""
        handles: dict[int, Any] = {}
        descriptors: list[Any] = []
        numbers: dict[Any, int] = {}
        materials = [
            [self._material_set(table, shading, use, descriptors, numbers) for use in uses]
            for shading, uses in enumerate(table.materials)
        ]
        batches = np.zeros(len(table.batches), BATCH)
        for name in ("pipeline", "index_count"):
            batches[name] = table.batches[name]
        for index, row in enumerate(table.batches):
            vertices = self._memory.location(int(row["vertices"]))
            indices = self._memory.location(int(row["indices"]))
            number = materials[row["shading"]][row["material"]] if row["material"] >= 0 else -1
            if vertices is None or indices is None or number is None:
                continue
            batch = batches[index]
            batch["descriptors"] = number
            batch["vertex_buffer"] = _add_handle(handles, vertices.handle)
            batch["index_buffer"] = _add_handle(handles, indices.handle)
            batch["index_type"] = _INDEX_TYPES[int(row["index_bytes"])]
            batch["first_index"] = indices.offset // int(row["index_bytes"])
            batch["vertex_offset"] = vertices.offset // int(row["stride"])
            batch["ready"] = True
        return PassBinding(batches, descriptors, handles)

    def materials(self, needs: FrameNeeds, table: DrawTable) -> dict[str, npt.NDArray[np.uint8]]:
        """Return material rows, uint8[materials, bytes], by ring name; they hold the layers of textures."""
        found = {}
        for number, shading in enumerate(table.shadings):
            if shading.material is None:
                continue
            rows = np.zeros((len(table.materials[number]), shading.material.size), np.uint8)
            for row, use in zip(rows, table.materials[number], strict=True):
                shading.material.pack_into(row, dict(use.parameters))
                shading.material.pack_into(row, {"layers": self._layers(use)})
            found[material_table_name(table.declaration.name, number)] = rows
        return found

    def groups(
        self, needs: FrameNeeds, table: DrawTable, binding: PassBinding, drawn: DrawList, slot: int
    ) -> list[BoundGroup]:
        """Resolve every group of a draw list for one frame slot's copies of the rings. Raises NotResident."""
        return [self._group(needs, table, binding, drawn, group, slot) for group in drawn.groups]

    def _group(
        self,
        needs: FrameNeeds,
        table: DrawTable,
        binding: PassBinding,
        drawn: DrawList,
        group: DrawGroup,
        slot: int,
    ) -> BoundGroup:
        key = table.pipelines[group.pipeline]
        shading = table.shadings[key.shading]
        name = table.declaration.name
        row = next(r for r in needs.pipelines if r.name == f"{name}/{group.pipeline}")
        stages = {shader.key: (ShaderStage(shader.stage), shader.entry_point) for shader in needs.shaders}
        sets = []
        if shading.sets:
            sets.append(self._frame_set(needs, table, key.shading, slot))
        if group.descriptors >= 0 and len(shading.sets) > MATERIAL_SET:
            sets.append(binding.descriptors[group.descriptors])
        commands = self.require_location(needs.requirements.keys.transient(f"{name}.commands"))
        start = commands.offset + slot * commands.stride + group.first * COMMAND.itemsize
        return BoundGroup(
            self._pipelines.get(row, key, shading, stages),
            self._pipelines.layout(shading),
            tuple(sets),
            binding.buffers[group.vertex_buffer],
            binding.buffers[group.index_buffer],
            group.index_type,
            (commands.handle, start),
            group.count,
            drawn.commands[group.first : group.first + group.count],
        )

    def _frame_set(self, needs: FrameNeeds, table: DrawTable, shading: int, slot: int) -> Any:
        """Return descriptor set 0 of a pass: this slot's copies of the rings, and the images it reads."""
        row = frame_set_row(needs, table, shading)
        contents = dict(row.contents)
        bound = tuple(self._frame_binding(binding, contents[binding.binding], slot) for binding in row.layout)
        return self._sets.get(set_layouts(table.shadings[shading])[FRAME_SET], bound)

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

    def _material_set(
        self,
        table: DrawTable,
        shading: int,
        use: MaterialUse,
        descriptors: list[Any],
        numbers: dict[Any, int],
    ) -> int | None:
        """Return the index of the descriptor set of a material (-1 for none); None if a texture is missing.

        Materials whose textures are in the same pages share a set; their material rows hold the layers.
        """
        layouts = set_layouts(table.shadings[shading])
        if len(layouts) <= MATERIAL_SET:
            return -1
        bound = []
        for texture in use.textures:
            place = self._texture(texture)
            if place is None:
                return None
            kind = int(DescriptorType.COMBINED_IMAGE_SAMPLER)
            layout = int(Layout.SHADER_READ)
            bound.append(BoundImage(texture.binding, kind, place.view, self._texture_sampler, layout))
        handle = self._sets.get(layouts[MATERIAL_SET], tuple(bound))
        number = numbers.setdefault(handle, len(descriptors))
        if number == len(descriptors):
            descriptors.append(handle)
        return number

    def _layers(self, use: MaterialUse) -> list[int]:
        """Return the array layer of each texture, indexed by its binding."""
        layers = [0] * (1 + max((texture.binding for texture in use.textures), default=0))
        for texture in use.textures:
            place = self._texture(texture)
            layers[texture.binding] = place.layer if place is not None else 0
        return layers

    def _texture(self, use: TextureUse) -> Location | None:
        """Return the address of a texture, or that of its fallback until it is published."""
        return self._memory.location(use.key) or self._memory.location(use.fallback)


def _add_handle(handles: dict[int, Any], handle: Any) -> int:
    number = int(ffi.cast("uintptr_t", handle))
    handles[number] = handle
    return number
