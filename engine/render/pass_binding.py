"""What the batches of one pass are drawn with now: published addresses, descriptor sets, material rows.

Kept by difference: only batches and materials whose assets were published or withdrawn are looked up again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.assets.spirv.reflection import MATERIAL_SET
from engine.graph import Layout
from engine.memory.streaming.manager import MemoryManager
from engine.plan.requirements.request_table import GrowingArray
from engine.plan.terms.drawing import DescriptorType
from engine.plan.terms.table import distinct, distinct_rows, is_in, put
from engine.planning.draw.blocks import Block
from engine.planning.draw.draw_list import BATCH
from engine.planning.draw.instance_blocks import capacity
from engine.planning.draw.tables import DrawTable
from engine.render.descriptors import BoundImage, DescriptorSets
from engine.render.pipelines.layouts import SetLayout
from engine.render.pipelines.pipeline_description import set_layouts
from engine.render.texture_samplers import TextureSamplers
from engine.vk.enums import IndexType

Ints = npt.NDArray[np.int64]

NO_SET = -1
"""The descriptor set of a material that needs none."""
MISSING = -2
"""The descriptor set of a material of which a texture and its fallback are not resident."""


class PassBinding:
    """The batches of one draw table with their addresses, and its material tables.

    Attributes
    ----------
    late : bool[n], late_version : int
        Which batches draw the placeholder mesh, as their own is not there yet; the number changes with them.
    material_tables : dict of int to uint8[rows, bytes]
        The material table of each shader set that has one, by its number.
    """

    def __init__(
        self, table: DrawTable, memory: MemoryManager, sets: DescriptorSets, samplers: TextureSamplers
    ) -> None:
        self.table = table
        self._batches = GrowingArray(BATCH)
        self.late = np.zeros(0, np.bool_)
        self.late_version = 0
        self.material_tables: dict[int, npt.NDArray[np.uint8]] = {}
        self._memory = memory
        self._sets = sets
        self._samplers = samplers
        self._known = False
        self._layouts: list[tuple[SetLayout, ...]] = []
        self._set_of: list[
            npt.NDArray[np.int32]
        ] = []  # by shader set and material: a number, NO_SET or MISSING
        self._layers: list[Ints] = []  # by shader set, material and slot
        self._in_use: list[npt.NDArray[np.bool_]] = []
        self._rebound: list[npt.NDArray[np.bool_]] = []  # whose layers are out of date in their rows
        self._written: list[npt.NDArray[np.int32]] = []  # by shader set and material: its row, -1 for none
        self._contents: list[tuple[SetLayout, tuple[BoundImage, ...]]] = []
        self._numbers: dict[tuple[SetLayout, tuple[BoundImage, ...]], int] = {}
        self._free: list[int] = []

    def update(self, keys: Ints, ticket: int) -> Ints:
        """Look up again what draws with `keys`, published or withdrawn (sorted, distinct), and what is new.

        Returns the numbers of the `batches` that were looked up. Sets without a material are freed once the
        timeline reaches `ticket`.
        """
        table = self.table
        placeholder = table.recipes.placeholder
        of_placeholder = np.array([placeholder.vertices.key, placeholder.indices.key])
        every = not self._known or bool(is_in(of_placeholder, keys).any())
        self._known = True
        known = len(self.batches)
        self._grow()
        switched = self._switched_materials()
        materials = switched
        if len(keys):
            materials = np.concatenate((switched, table.materials_using(keys)))
        if len(materials):
            self._bind_materials(materials, ticket)
        if every:
            stale = np.arange(len(table.batches))
        else:
            stale = np.arange(known, len(table.batches))
            if len(keys):
                stale = distinct(np.concatenate((stale, table.batches_using(keys))))
            if len(switched):
                stale = distinct(np.concatenate((stale, table.batches_of_materials(switched))))
        if len(stale):
            self._bind_batches(stale)
        return stale

    @property
    def batches(self) -> npt.NDArray[np.void]:
        """BATCH[n], what each batch is drawn with; changed in place by `update`, until more are added."""
        return self._batches.rows

    def material_rows(self) -> dict[int, Ints]:
        """Write the material rows that are out of date; return their numbers, by shader set.

        A table of another size is made again: all its rows are written.
        """
        written: dict[int, Ints] = {}
        for shading in self.table.in_use.shadings.tolist():
            block = self.table.recipes.shadings[shading].material
            if block is None:
                continue
            rows = self.table.material_rows[shading]
            size = capacity(len(self.table.in_use.materials[shading]))
            data = self.material_tables.get(shading)
            if data is None or len(data) != size:
                data = self.material_tables[shading] = np.zeros((size, block.size), np.uint8)
                self._written[shading][:] = -1
            stale = ((rows >= 0) & (rows != self._written[shading][: len(rows)])).nonzero()[0]
            if len(stale):
                data[rows[stale]] = self._packed(shading, block, stale)
            moved = (self._rebound[shading][: len(rows)] & (rows >= 0)).nonzero()[0]
            if len(moved):
                packed = data[rows[moved]]
                self._pack_layers(shading, block, moved, packed)
                data[rows[moved]] = packed
            self._rebound[shading][:] = False
            stale = distinct(np.concatenate((stale, moved)))
            self._written[shading][: len(rows)] = rows
            if len(stale):
                written[shading] = rows[stale].astype(np.int64)
        return written

    def set_handle(self, number: int) -> Any:
        """Return the VkDescriptorSet with this number."""
        return self._sets.get(*self._contents[number])

    def close(self, ticket: int) -> None:
        """Retire all sets; they are freed once the timeline reaches `ticket`."""
        for number in list(self._numbers.values()):
            self._retire(number, ticket)

    def _grow(self) -> None:
        """Make room for the materials that are new."""
        recipes = self.table.recipes
        for number, materials in enumerate(recipes.materials):
            if number == len(self._set_of):
                self._layouts.append(set_layouts(recipes.shadings[number]))
                self._set_of.append(np.zeros(0, np.int32))
                self._written.append(np.zeros(0, np.int32))
                self._layers.append(np.zeros((0, len(recipes.shadings[number].slots)), np.int64))
                self._in_use.append(np.zeros(0, np.bool_))
                self._rebound.append(np.zeros(0, np.bool_))
            more = len(materials) - len(self._set_of[number])
            if more:
                self._set_of[number] = np.append(self._set_of[number], np.full(more, MISSING, np.int32))
                self._written[number] = np.append(self._written[number], np.full(more, -1, np.int32))
                for flags in (self._in_use, self._rebound):
                    flags[number] = np.append(flags[number], np.zeros(more, np.bool_))
                unknown = np.zeros((more, self._layers[number].shape[1]), np.int64)
                self._layers[number] = np.concatenate((self._layers[number], unknown))

    def _switched_materials(self) -> Ints:
        """Return the materials that came into use or went out of it: (shader set, material), int64[n, 2]."""
        found = [np.zeros((0, 2), np.int64)]
        for number, rows in enumerate(self.table.material_rows):
            switched = ((rows >= 0) != self._in_use[number][: len(rows)]).nonzero()[0]
            self._in_use[number][switched] ^= True
            found.append(np.stack((np.full(len(switched), number), switched), axis=1))
        return np.concatenate(found)

    def _packed(self, shading: int, block: Block, materials: Ints) -> npt.NDArray[np.uint8]:
        """Return the material rows of these materials of a shader set, uint8[n, bytes]."""
        packed = self.table.recipes.material_rows(shading, materials)
        self._pack_layers(shading, block, materials, packed)
        return packed

    def _pack_layers(
        self, shading: int, block: Block, materials: Ints, packed: npt.NDArray[np.uint8]
    ) -> None:
        """Write the layers of the textures of these materials into their rows, uint8[n, bytes]."""
        bindings = [binding for _, binding in self.table.recipes.shadings[shading].slots]
        if bindings:
            layers = np.zeros((len(materials), 1 + max(bindings)), np.int64)
            layers[:, bindings] = self._layers[shading][materials]
            block.pack_rows(packed, "layers", layers)

    def _bind_materials(self, materials: Ints, ticket: int) -> None:
        """Find the descriptor sets of these materials (shader set, material) for the present addresses."""
        for shading in distinct(materials[:, 0]).tolist():
            numbers = distinct(materials[materials[:, 0] == shading, 1])
            self._rebound[shading][numbers] = True
            if len(self._layouts[shading]) > MATERIAL_SET:
                self._set_of[shading][numbers] = self._find_sets(shading, numbers)
            else:
                self._set_of[shading][numbers] = NO_SET
        if not self._contents:
            return
        used = np.zeros(len(self._contents), np.bool_)
        for of_materials in self._set_of:
            used[of_materials[of_materials >= 0]] = True
        for number in (~used).nonzero()[0].tolist():
            if self._numbers.get(self._contents[number]) == number:
                self._retire(number, ticket)

    def _find_sets(self, shading: int, materials: Ints) -> Ints:
        """Return the numbers of the descriptor sets of these materials of a shader set, or MISSING.

        Materials that are not in use have no set. A texture that is not published is replaced by its
        fallback. Materials whose textures are in the same pages, and sampled alike, share a set; their
        material rows hold the layers.
        """
        textures = self.table.recipes.textures_of(shading, materials)
        resources, layers = self._memory.published.addresses(textures["key"].ravel())
        late = resources < 0
        resources[late], layers[late] = self._memory.published.addresses(textures["fallback"].ravel()[late])
        self._layers[shading][materials] = layers.reshape(textures.shape)
        resources = resources.reshape(textures.shape)
        found = np.full(len(materials), MISSING, np.int64)
        complete = ((resources >= 0).all(axis=1) & self._in_use[shading][materials]).nonzero()[0]
        if len(complete):
            bound = np.concatenate((resources[complete], textures["sampler"][complete]), axis=1)
            pages, inverse = distinct_rows(bound)
            sets = np.array([self._set_number(shading, row) for row in pages.tolist()], np.int64)
            found[complete] = sets[inverse]
        return found

    def _set_number(self, shading: int, bound_to: list[int]) -> int:
        """Return the number of a descriptor set: its resources, slot by slot, then how each is sampled."""
        kind, layout = int(DescriptorType.COMBINED_IMAGE_SAMPLER), int(Layout.SHADER_READ)
        slots = self.table.recipes.shadings[shading].slots
        published = self._memory.published
        resources, samplings = bound_to[: len(slots)], bound_to[len(slots) :]
        bound = tuple(
            BoundImage(
                binding,
                kind,
                published.view(resource),
                self._samplers.of(sampling, mipped=published.mip_levels(resource) > 1),
                layout,
            )
            for (_, binding), resource, sampling in zip(slots, resources, samplings, strict=True)
        )
        contents = (self._layouts[shading][MATERIAL_SET], bound)
        number = self._numbers.get(contents)
        if number is None:
            self._sets.acquire(*contents)
            if not self._free:
                self._free.append(len(self._contents))
                self._contents.append(contents)
            number = self._numbers[contents] = self._free.pop()
            self._contents[number] = contents
        return number

    def _retire(self, number: int, ticket: int) -> None:
        contents = self._contents[number]
        del self._numbers[contents]
        self._free.append(number)
        self._sets.release(*contents, ticket)

    def _bind_batches(self, numbers: Ints) -> None:
        """Find what these batches are drawn with: their meshes, or the placeholder until they arrive."""
        table = self.table
        more = len(table.batches) - len(self._batches)
        if more > 0:
            self._batches.add(np.zeros(more, BATCH))
            self.late = np.append(self.late, np.zeros(more, np.bool_))
        of = table.batches.take(numbers)
        made = self._mesh(of["vertices"], of["indices"], of["stride"], of["index_bytes"])
        made["first_index"] += of["first_index"]
        made["pipeline"], made["index_count"] = of["pipeline"], of["index_count"]
        late = ~made["ready"] & (of["fallback"] >= 0)
        if late.any():
            put(made, late.nonzero()[0], self._placeholder())
            made["pipeline"][late] = of["fallback"][late]
        if (late != self.late[numbers]).any():
            self.late[numbers] = late
            self.late_version += 1
        made["descriptors"] = NO_SET
        for shading, numbers_of in enumerate(self._set_of):
            ours = (of["shading"] == shading) & (of["material"] >= 0)
            made["descriptors"][ours] = numbers_of[of["material"][ours]]
        made["ready"] &= made["descriptors"] != MISSING
        put(self.batches, numbers, made)

    def _placeholder(self) -> npt.NDArray[np.void]:
        """Return BATCH[1] with the addresses of the placeholder mesh."""
        mesh = self.table.recipes.placeholder
        vertices, indices = self.table.recipes.mesh_facts(mesh.vertices, mesh.indices)
        bytes_ = indices.type.dtype.itemsize
        made = self._mesh(
            *(np.array([value]) for value in (mesh.vertices.key, mesh.indices.key, vertices.stride, bytes_))
        )
        made["index_count"] = indices.count
        return made

    def _mesh(
        self,
        vertices: npt.NDArray[np.integer],
        indices: npt.NDArray[np.integer],
        stride: npt.NDArray[np.integer],
        index_bytes: npt.NDArray[np.integer],
    ) -> npt.NDArray[np.void]:
        """Return BATCH[n] with the addresses of meshes; keys of vertices and indices, layout in bytes."""
        made = np.zeros(len(vertices), BATCH)
        published = self._memory.published
        made["vertex_buffer"], at = published.addresses(vertices.astype(np.int64))
        made["vertex_offset"] = at // stride
        made["index_buffer"], at = published.addresses(indices.astype(np.int64))
        made["first_index"] = at // index_bytes
        made["index_type"] = np.where(index_bytes == 2, IndexType.UINT16, IndexType.UINT32)
        made["ready"] = (made["vertex_buffer"] >= 0) & (made["index_buffer"] >= 0)
        return made
