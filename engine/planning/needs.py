"""The needs of a frame: requirements, shaders, pipelines and descriptor sets of its passes.

Features require assets; passes require attachments, rings of per-frame values, draw lists and material
tables. Both are added to one requirement table, so that every byte of GPU memory has a requester.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from engine.assets import AssetLibrary, AssetRef
from engine.feature import Feature
from engine.feature.pass_requesters import PassRequesters
from engine.feature.requirement_builders import (
    FALLBACK_PRIORITY,
    SAMPLED_USE,
    buffer_requirement,
    image_requirement,
    indices_requirement,
    texture_requirement,
    vertices_requirement,
)
from engine.graph import (
    BufferRole,
    CompiledGraph,
    DrawOrder,
    pipeline_stages,
    previous_name,
    stand_in_name,
)
from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement, RequirementTable
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
)
from engine.planning.draw.blocks import Block
from engine.planning.draw.draw_list import COMMAND
from engine.planning.draw.drawing import Drawing, material_table_name
from engine.planning.draw.frame_layout import FrameLayout
from engine.planning.draw.instance_blocks import capacity, command_limit, slot_limit
from engine.planning.draw.ring_names import ColumnRing, RingNames
from engine.planning.draw.sorted_draws import Placed, placed_passes
from engine.planning.draw.tables import DrawTable
from engine.planning.frame_requests import TableDraws

FRAMES_IN_FLIGHT = 2
"""Copies of all data that the CPU writes per frame: one is drawn while the next is written."""

INSTANCE_BYTES = 64
DRAW_BYTES = 8
KEPT = "kept for the next frame"
"""The requester of images of which the next frame reads what this one leaves in them."""
STAND_IN_BYTES = 256
"""Of zeros, in place of a buffer that no pass writes."""
_MAPPED = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT


@dataclass
class FrameNeeds:
    """A compiled frame, its draw tables by pass name, the names of its rings, and all its requirements.

    `size` is that of the target in texels, `samples` the number for Samples.FRAME. `drawings` has the
    shaders, pipelines and descriptor sets of the passes, `frame` says where their Frame blocks lie, and
    `columns` has the rings of features' buffers that they read, `placed` the passes whose parts have places.
    The tables change with the scene: `assets` is what each drew when these needs were collected, and
    `restore` returns to it.
    """

    graph: CompiledGraph
    tables: dict[str, DrawTable]
    requirements: RequirementTable
    size: tuple[int, int]
    samples: int
    rings: list[str] = field(default_factory=list)
    frame: FrameLayout = field(default_factory=lambda: FrameLayout(()))
    columns: dict[str, ColumnRing] = field(default_factory=dict)
    drawings: dict[str, Drawing] = field(default_factory=dict)
    assets: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)

    def place(self, features_of: Mapping[str, Sequence[str]]) -> None:
        """Find the passes whose parts have places; `features_of` has the features of each pass."""
        self.placed = placed_passes(self.graph, features_of)

    def restore(self) -> None:
        """Let every table draw what it drew when these needs were collected."""
        for name, assets in self.assets.items():
            self.tables[name].restore(assets)


class PassNeeds:
    """Collects the requirements of the passes of one frame; requesters are given by pass name.

    `requirements` has each with its requesters.
    """

    def __init__(self, needs: FrameNeeds, library: AssetLibrary, fallbacks: dict[int, Requirement]) -> None:
        """`fallbacks` remembers the requirements of builtin assets, by their keys."""
        self.requirements: list[tuple[Requirement, tuple[int, ...]]] = []
        self._needs = needs
        self._library = library
        self._fallbacks = fallbacks
        self._keys = needs.requirements.keys

    def add(self, requirement: Requirement, requesters: Iterable[int]) -> None:
        """Add one requirement of these requesters."""
        self.requirements.append((requirement, tuple(requesters)))

    def add_images(self, requesters: dict[str, tuple[int, ...]]) -> None:
        """Add every image of the graph, requested by the passes that write it.

        What is kept for the next frame is requested by those that read it there, too.
        """
        graph = self._needs.graph
        pairs = [{name, previous_name(name)} for name in graph.kept]
        for lifetime in graph.images:
            image = lifetime.image
            names = next((pair for pair in pairs if image.name in pair), {image.name})
            ids = {
                a
                for p in graph.passes
                if not names.isdisjoint(p.written() | (p.read() if lifetime.kept else set()))
                for a in requesters[p.declaration.name]
            }
            if lifetime.kept:
                ids.add(self._needs.requirements.requesters.add(KEPT))
            key = self._keys.transient(image.name)
            self.add(image_requirement(key, lifetime, self._needs.size, self._needs.samples), sorted(ids))

    def add_buffers(self, requesters: dict[str, tuple[int, ...]]) -> None:
        """Add every buffer that shaders write, requested by the passes that use it."""
        for life in self._needs.graph.buffers:
            name = life.buffer.name
            ids = {
                a
                for p in self._needs.graph.passes
                if any(use.buffer.name == name for use in p.declaration.used_buffers())
                for a in requesters[p.declaration.name]
            }
            self.add(buffer_requirement(self._keys.transient(name), life), sorted(ids))

    def add_stand_ins(self, requesters: dict[str, tuple[int, ...]]) -> None:
        """Add the stand-ins of all that passes read; always resident, so that switching is free."""
        for p in self._needs.graph.passes:
            for read in p.declaration.reads:
                key = self._keys.transient(stand_in_name(read.image.name))
                self.add(_stand_in(key, read.image.format, read.image.cube), requesters[p.declaration.name])
            for use in p.declaration.used_buffers():
                is_there = use.writes or use.buffer.persists or use.role is BufferRole.ARGUMENTS
                if not is_there:
                    key = self._keys.transient(stand_in_name(use.buffer.name))
                    self.add(_buffer_stand_in(key), requesters[p.declaration.name])
            for cube in p.declaration.cubes:
                key = self._keys.transient(stand_in_name(cube.name))
                self.add(_stand_in(key, Format.R16G16B16A16_SFLOAT, True), requesters[p.declaration.name])

    def add_values(
        self, name: str, size: int, usage: BufferUsage, stages: ShaderStage, requesters: Iterable[int]
    ) -> None:
        """Add a ring with values of features that shaders of these stages read."""
        uniform = usage is BufferUsage.UNIFORM_BUFFER
        access = Access.UNIFORM_READ if uniform else Access.SHADER_STORAGE_READ
        use = QueueUse(QueueKind.GRAPHICS, access, pipeline_stages(stages))
        self._ring(name, size, usage, use, sorted(set(requesters)))

    def add_instances(self, objects: int, requesters: Iterable[int]) -> None:
        """Add the ring of world matrices."""
        ids = sorted(set(requesters))
        use = QueueUse(QueueKind.GRAPHICS, Access.SHADER_STORAGE_READ, Stage.VERTEX_SHADER)
        self._ring("instances", capacity(objects) * INSTANCE_BYTES, BufferUsage.STORAGE_BUFFER, use, ids)

    def add_draws(self, table: TableDraws, requesters: tuple[int, ...]) -> None:
        """Add the draw list, commands, material tables and fallbacks of one pass."""
        name, in_use = table.declaration.name, table.in_use
        storage = QueueUse(QueueKind.GRAPHICS, Access.SHADER_STORAGE_READ, Stage.VERTEX_SHADER)
        slots, views = slot_limit(table.instances), len(table.declaration.views)
        is_sorted = table.declaration.order is DrawOrder.BACK_TO_FRONT
        size = slots * (views if is_sorted else table.lists) * DRAW_BYTES
        self._ring(f"{name}.draws", size, BufferUsage.STORAGE_BUFFER, storage, requesters)
        indirect = QueueUse(QueueKind.GRAPHICS, Access.INDIRECT_COMMAND_READ, Stage.DRAW_INDIRECT)
        commands = command_limit(table.weight, len(in_use.batches))
        if is_sorted:
            cull, pipelines = table.declaration.state.cull, table.recipes.pipelines
            both = any(pipelines[number].shows_both_sides(cull) for number in in_use.pipelines.tolist())
            commands = slots << both  # neighbours along the view may differ
        size = commands * views * COMMAND.itemsize  # each view sees others
        self._ring(f"{name}.commands", size, BufferUsage.INDIRECT_BUFFER, indirect, requesters)
        shaded = QueueUse(QueueKind.GRAPHICS, Access.SHADER_STORAGE_READ, Stage.FRAGMENT_SHADER)
        for number in in_use.shadings.tolist():
            block = table.recipes.shadings[number].material
            if block is not None:
                size = capacity(len(in_use.materials[number])) * block.size
                key = material_table_name(name, number)
                self._ring(key, size, BufferUsage.STORAGE_BUFFER, shaded, requesters)
        self._add_fallbacks(table, requesters)

    def _add_fallbacks(self, table: TableDraws, requesters: tuple[int, ...]) -> None:
        """Add the builtin assets that are drawn until the real ones have arrived, before all others."""
        for key in table.recipes.builtin_textures(table.in_use.materials).tolist():
            self.add(self._fallback(key, texture_requirement), requesters)
        mesh = table.recipes.placeholder
        if table.in_use.placeholder:
            self.add(self._fallback(mesh.vertices.key, vertices_requirement), requesters)
            self.add(self._fallback(mesh.indices.key, indices_requirement), requesters)

    def _fallback(self, key: int, make: Callable[[AssetRef, AssetLibrary, int], Requirement]) -> Requirement:
        found = self._fallbacks.get(key)
        if found is None:
            made = make(AssetRef.from_key(key), self._library, FALLBACK_PRIORITY)
            found = self._fallbacks[key] = made
        return found

    def _ring(
        self, name: str, size: int, usage: BufferUsage, use: QueueUse, requesters: Iterable[int]
    ) -> None:
        self.add(_ring(self._keys.transient(name), size, usage, use), requesters)
        self._needs.rings.append(name)


# Remembered, as most are the same from plan to plan, and the same objects are compared at once.


@lru_cache(maxsize=1024)
def _stand_in(key: int, form: Format, cube: bool = False) -> Requirement:
    return Requirement(
        key=key,
        kind=Kind.IMAGE,
        shape=ImageShape(form, 1, 1, cube=cube),
        usage=ImageUsage.SAMPLED,
        uses=(SAMPLED_USE,),
        contents=Contents.ZERO,
    )


@lru_cache(maxsize=1024)
def _buffer_stand_in(key: int) -> Requirement:
    anywhere = Stage.VERTEX_SHADER | Stage.FRAGMENT_SHADER | Stage.COMPUTE_SHADER
    return Requirement(
        key=key,
        kind=Kind.BUFFER,
        size=STAND_IN_BYTES,
        alignment=16,
        usage=BufferUsage.STORAGE_BUFFER,
        uses=(QueueUse(QueueKind.GRAPHICS, Access.SHADER_STORAGE_READ, anywhere),),
        contents=Contents.ZERO,
    )


@lru_cache(maxsize=1024)
def _ring(key: int, size: int, usage: BufferUsage, use: QueueUse) -> Requirement:
    return Requirement(
        key=key,
        kind=Kind.BUFFER,
        size=size,
        alignment=16,
        usage=usage,
        properties=_MAPPED,
        preferred=MemoryProperty.DEVICE_LOCAL,
        uses=(use,),
        copies=FRAMES_IN_FLIGHT,
        persistent_map=True,
    )


@dataclass(frozen=True)
class ShaderValues:
    """Rings with the values of features that shaders read.

    `names` are those of rings, `buffers` the features that fill buffers, `rows` how many rows each buffer
    has; `layout` is that of the last frame, which is kept where the present one equals it.
    """

    names: RingNames
    buffers: Mapping[str, Feature]
    rows: Mapping[str, int]
    layout: FrameLayout

    def add(
        self,
        pass_needs: PassNeeds,
        needs: FrameNeeds,
        requesters: Mapping[str, tuple[int, ...]],
        of_features: PassRequesters,
    ) -> FrameLayout:
        """Add the rings, requested by the passes that read them; return the layout of their Frame blocks.

        Rows of buffers are requested by the feature that fills them, too.
        """
        blocks: list[tuple[str, Block]] = []
        pushed: list[tuple[str, Block]] = []
        found: dict[str, tuple[int, BufferUsage, ShaderStage, list[int]]] = {}

        def add(ring: str, size: int, usage: BufferUsage, stages: ShaderStage, ids: tuple[int, ...]) -> None:
            _, _, known, of = found.get(ring, (size, usage, ShaderStage(0), []))
            found[ring] = size, usage, known | stages, [*of, *ids]

        for name, drawing in needs.drawings.items():
            p = drawing.compiled.declaration
            for shading in drawing.shadings():
                if shading.push is not None and not all(push.is_given for push in p.pushes):
                    pushed += [(view, shading.push.block) for view in p.views]
                if shading.frame is not None:
                    block, stages = shading.frame, shading.frame_stages
                    for view in p.views:
                        blocks.append((view, block))
                        ring = self.names.frame(view, block)
                        add(ring, block.size, BufferUsage.UNIFORM_BUFFER, stages, requesters[name])
                for ring, row in self.names.columns(shading):
                    count = capacity(self.rows.get(row.buffer, 0), 1)
                    needs.columns[ring] = ColumnRing(row.buffer, row.block, count)
                    size, feature = count * row.block.size, self.buffers[row.buffer]
                    ids = (*requesters[name], *of_features.rows(feature.type_name))
                    add(ring, size, BufferUsage.STORAGE_BUFFER, row.stages, ids)
        layout = FrameLayout(blocks, self.names, pushed)
        needs.frame = self.layout if layout == self.layout else layout
        for ring, (size, usage, read_by, of) in found.items():
            pass_needs.add_values(ring, size, usage, read_by, of)
        return needs.frame
