"""From keys to what draws bind: buffers, descriptor sets and pipelines over published addresses."""

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
from engine.render.pipelines import Pipelines, set_layouts
from engine.render.recorder import BoundGroup
from engine.vk.binding import ffi
from engine.vk.enums import AddressMode, IndexType, MipmapMode

ANISOTROPY = 8.0
_TEXTURES = SamplerConfig(anisotropy=ANISOTROPY)
_COMPARED = SamplerConfig(
    mip_filter=MipmapMode.NEAREST,
    address_u=AddressMode.CLAMP_TO_EDGE,
    address_v=AddressMode.CLAMP_TO_EDGE,
    compare=CompareOp.GREATER_OR_EQUAL,
)
"""Lit where the surface is at least as near to the light as what casts: depth is reversed."""
_INDEX_TYPES = {2: IndexType.UINT16, 4: IndexType.UINT32}  # by bytes per index


class NotResident(LookupError):
    """Something that the frame itself lives on has no address yet."""


class PassBinding:
    """One pass over published addresses: BATCH rows, and the handles their numbers stand for.

    `descriptors` holds the material sets, `buffers` VkBuffers by address.
    """

    def __init__(
        self, batches: npt.NDArray[np.void], descriptors: list[Any], buffers: dict[int, Any]
    ) -> None:
        self.batches = batches
        self.descriptors = descriptors
        self.buffers = buffers


class Binder:
    """Looks published addresses up and makes descriptor sets of them; keeps nothing of a plan."""

    def __init__(
        self, memory: MemoryManager, samplers: SamplerPool, sets: DescriptorSets, pipelines: Pipelines
    ) -> None:
        self._memory = memory
        self._sets = sets
        self._pipelines = pipelines
        self._plan: MemoryPlan | None = None
        self._texture_sampler = samplers.acquire(_TEXTURES, why="materials")
        self._shadow_sampler = samplers.acquire(_COMPARED, why="images that passes read")

    def follow(self, plan: MemoryPlan) -> None:
        """Take up a new plan: the frame's own things are resident once they are where it has them."""
        self._plan = plan

    def place(self, key: int) -> Location:
        """Return where `key` is. Raises NotResident, also while an earlier plan's place still serves."""
        found = self._memory.location(key)
        if found is None or self._plan is None or self._plan.address(key).resource != found.resource:
            raise NotResident(key)
        return found

    def bind(self, table: DrawTable) -> PassBinding:
        """Look up everything the batches of a pass draw with; what has not arrived is marked not ready."""
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
            batch["vertex_buffer"] = _remember(handles, vertices.handle)
            batch["index_buffer"] = _remember(handles, indices.handle)
            batch["index_type"] = _INDEX_TYPES[int(row["index_bytes"])]
            batch["first_index"] = indices.offset // int(row["index_bytes"])
            batch["vertex_offset"] = vertices.offset // int(row["stride"])
            batch["ready"] = True
        return PassBinding(batches, descriptors, handles)

    def materials(self, needs: FrameNeeds, table: DrawTable) -> dict[str, npt.NDArray[np.uint8]]:
        """Return the material rows of each shader set by ring name, with the layers of their textures."""
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
        """Bind every group of a draw list for one slot's copies of the rings. Raises NotResident."""
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
        commands = self.place(needs.requirements.keys.transient(f"{name}.commands"))
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
        """Return the set that a pass binds once: this slot's copies of the rings, and the images it reads."""
        row = frame_set_row(needs, table, shading)
        contents = dict(row.contents)
        bound = tuple(self._bound(binding, contents[binding.binding], slot) for binding in row.layout)
        return self._sets.get(set_layouts(table.shadings[shading])[FRAME_SET], bound)

    def _bound(self, binding: BindingRow, key: int, slot: int) -> Bound:
        place = self.place(key)
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
        """Return the number of the descriptor set with a material's pages; None before they have arrived.

        Materials whose textures lie in the same pages share a set: their layers tell them apart.
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
        """Return where a texture is, or its fallback while it has not arrived."""
        return self._memory.location(use.key) or self._memory.location(use.fallback)


def _remember(handles: dict[int, Any], handle: Any) -> int:
    number = int(ffi.cast("uintptr_t", handle))
    handles[number] = handle
    return number
