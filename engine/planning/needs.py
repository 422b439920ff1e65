"""The needs of a frame: requirements, shaders, pipelines and descriptor sets of its passes.

Features require assets; passes require attachments, rings of per-frame values, draw lists and material
tables. Both are added to one requirement table, so that every byte of GPU memory has a requester.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from engine.assets import AssetLibrary, AssetRef, ShaderFacts
from engine.feature.requirement_builders import (
    SAMPLED_USE,
    indices_requirement,
    texture_requirement,
    vertices_requirement,
)
from engine.graph import (
    SCENE_COLOR,
    ColorTarget,
    CompiledGraph,
    CompiledPass,
    ImageDecl,
    Pass,
    Samples,
    stand_in_name,
)
from engine.plan.requirements.requirements import ImageShape, QueueUse, Requirement, RequirementTable
from engine.plan.terms.drawing import CompareOp, ShaderStage, Topology
from engine.plan.terms.drawing_rows import DescriptorSetRow, PipelineRow, PipelineState, ShaderRow
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
)
from engine.plan.terms.vulkan_enums import Aspect
from engine.planning.draws import COMMAND
from engine.planning.shading import FRAME_SET, MATERIAL_SET, ShaderSet
from engine.planning.tables import DrawTable, MaterialUse, PipelineKey
from engine.tableau import Tableau

FRAMES_IN_FLIGHT = 2
"""Copies of all data that the CPU writes per frame: one is drawn while the next is written."""

PASS_REQUESTERS = 16
"""How many rows a pass has as requesters; the others form one group."""

BUILTIN_DB = 0
FALLBACK_PRIORITY = 1000
INSTANCE_BYTES = 64
DRAW_BYTES = 8
_MAPPED = MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT


@dataclass
class FrameNeeds:
    """A compiled frame, its draw tables by pass name, the names of its rings, and all its requirements.

    `size` is that of the target in texels, `samples` the number for Samples.DEVICE.
    """

    graph: CompiledGraph
    tables: dict[str, DrawTable]
    requirements: RequirementTable
    size: tuple[int, int]
    samples: int
    rings: list[str] = field(default_factory=list)
    shaders: list[ShaderRow] = field(default_factory=list)
    pipelines: list[PipelineRow] = field(default_factory=list)
    descriptor_sets: list[DescriptorSetRow] = field(default_factory=list)


def for_samples(p: Pass, samples: int) -> Pass:
    """Return a pass for a device with so many samples; with one sample it draws into the resolve targets."""
    if samples > 1:
        return p
    color = tuple(
        ColorTarget(target.resolve, target.clear) if target.resolve is not None else target
        for target in p.color
    )
    return replace(p, color=color)


def pass_requesters(
    p: Pass, features: Iterable[str], tableau: Tableau, requirements: RequirementTable
) -> tuple[int, ...]:
    """Return ids of the requesters of a pass: active rows of the features (by name) that take part in it.

    They differ from the ids of asset requesters, so that either can be removed without the other.
    """
    ids: list[int] = []
    for name in features:
        table = tableau.tables[name]
        rows = table.rows_active()
        for row in rows[:PASS_REQUESTERS].tolist():
            ids.append(requirements.requesters.add(name, table.path(row), table.position(row)))
        if len(rows) > PASS_REQUESTERS:
            ids.append(requirements.requesters.add_group(name, len(rows) - PASS_REQUESTERS))
    return tuple(ids) or (requirements.requesters.add(f"frame {p.name}"),)


class PassNeeds:
    """Adds the needs of the passes of one frame to `needs`; requesters are given by pass name."""

    def __init__(self, needs: FrameNeeds, library: AssetLibrary) -> None:
        self._needs = needs
        self._library = library
        self._keys = needs.requirements.keys

    def add_images(self, requesters: dict[str, tuple[int, ...]]) -> None:
        """Add every image of the graph, requested by the passes that write it."""
        for lifetime in self._needs.graph.images:
            image = lifetime.image
            ids = {
                a
                for p in self._needs.graph.passes
                if _writes(p, image)
                for a in requesters[p.declaration.name]
            }
            width, height = image.extent.resolve(self._needs.size)
            samples = self._needs.samples if image.samples is Samples.DEVICE else 1
            depth = bool(image.format.info.aspect & Aspect.DEPTH)
            stage = Stage.LATE_FRAGMENT_TESTS if depth else Stage.COLOR_ATTACHMENT_OUTPUT
            access = Access.DEPTH_STENCIL_ATTACHMENT_WRITE if depth else Access.COLOR_ATTACHMENT_WRITE
            uses = [QueueUse(QueueKind.GRAPHICS, access, stage)]
            if lifetime.usage & ImageUsage.SAMPLED:
                uses.append(SAMPLED_USE)
            if lifetime.usage & ImageUsage.TRANSFER_SRC:
                uses.append(QueueUse(QueueKind.GRAPHICS, Access.TRANSFER_READ, Stage.COPY))
            requirement = Requirement(
                key=self._keys.transient(image.name),
                kind=Kind.IMAGE,
                shape=ImageShape(image.format, width, height, 1, samples),
                usage=lifetime.usage,
                uses=tuple(uses),
                dedicated=Dedicated.PREFER,
                lifetime=(lifetime.first, lifetime.last),
            )
            self._needs.requirements.add(requirement, sorted(ids))

    def add_stand_ins(self, requesters: dict[str, tuple[int, ...]]) -> None:
        """Add the stand-ins of all images that passes read; always resident, so that switching is free."""
        for p in self._needs.graph.passes:
            for read in p.declaration.reads:
                requirement = Requirement(
                    key=self._keys.transient(stand_in_name(read.image.name)),
                    kind=Kind.IMAGE,
                    shape=ImageShape(read.image.format, 1, 1),
                    usage=ImageUsage.SAMPLED,
                    uses=(SAMPLED_USE,),
                    contents=Contents.ZERO,
                )
                self._needs.requirements.add(requirement, requesters[p.declaration.name])

    def add_frame(self, objects: int, frame_bytes: int, requesters: Iterable[int]) -> None:
        """Add the ring of the Frame block and the ring of world matrices."""
        ids = sorted(set(requesters))
        both = Stage.VERTEX_SHADER | Stage.FRAGMENT_SHADER
        if frame_bytes:
            use = QueueUse(QueueKind.GRAPHICS, Access.UNIFORM_READ, both)
            self._ring("frame", frame_bytes, BufferUsage.UNIFORM_BUFFER, use, ids)
        use = QueueUse(QueueKind.GRAPHICS, Access.SHADER_STORAGE_READ, Stage.VERTEX_SHADER)
        self._ring("instances", capacity(objects) * INSTANCE_BYTES, BufferUsage.STORAGE_BUFFER, use, ids)

    def add_draws(self, table: DrawTable, requesters: tuple[int, ...]) -> None:
        """Add the draw list, commands, material tables, fallbacks, pipelines and sets of one pass."""
        name = table.declaration.name
        storage = QueueUse(QueueKind.GRAPHICS, Access.SHADER_STORAGE_READ, Stage.VERTEX_SHADER)
        size = capacity(len(table.rows)) * DRAW_BYTES
        self._ring(f"{name}.draws", size, BufferUsage.STORAGE_BUFFER, storage, requesters)
        indirect = QueueUse(QueueKind.GRAPHICS, Access.INDIRECT_COMMAND_READ, Stage.DRAW_INDIRECT)
        size = capacity(len(table.batches)) * COMMAND.itemsize
        self._ring(f"{name}.commands", size, BufferUsage.INDIRECT_BUFFER, indirect, requesters)
        shaded = QueueUse(QueueKind.GRAPHICS, Access.SHADER_STORAGE_READ, Stage.FRAGMENT_SHADER)
        for number, shading in enumerate(table.shadings):
            if shading.material is not None:
                size = capacity(len(table.materials[number])) * shading.material.size
                key = material_table_name(name, number)
                self._ring(key, size, BufferUsage.STORAGE_BUFFER, shaded, requesters)
        self._add_fallbacks(table, requesters)
        self._add_rows(table, requesters)

    def _add_fallbacks(self, table: DrawTable, requesters: tuple[int, ...]) -> None:
        """Add the builtin assets that are drawn until the real ones have arrived, before all others."""
        uses = [use for materials in table.materials for material in materials for use in material.textures]
        builtin = {use.fallback for use in uses} | {use.key for use in uses if use.key >> 32 == BUILTIN_DB}
        requirements = [
            texture_requirement(AssetRef.from_key(key), self._library, FALLBACK_PRIORITY)
            for key in sorted(builtin)
        ]
        used = table.batches[np.unique(table.batches["fallback"][table.batches["fallback"] >= 0])]
        for vertices, indices in sorted({(int(row["vertices"]), int(row["indices"])) for row in used}):
            mesh = AssetRef.from_key(vertices), AssetRef.from_key(indices)
            requirements.append(vertices_requirement(mesh[0], self._library, FALLBACK_PRIORITY))
            requirements.append(indices_requirement(mesh[1], self._library, FALLBACK_PRIORITY))
        for requirement in requirements:
            self._needs.requirements.add(requirement, requesters)

    def _ring(
        self, name: str, size: int, usage: BufferUsage, use: QueueUse, requesters: Iterable[int]
    ) -> None:
        requirement = Requirement(
            key=self._keys.transient(name),
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
        self._needs.requirements.add(requirement, requesters)
        self._needs.rings.append(name)

    def _add_rows(self, table: DrawTable, requesters: tuple[int, ...]) -> None:
        """Add the shaders, pipelines and descriptor sets of one pass."""
        p = table.declaration
        for shading in table.shadings:
            for ref in shading.shaders:
                facts = self._library.facts(ref)
                assert isinstance(facts, ShaderFacts)
                stage = ShaderStage[facts.stage.name]
                self._needs.shaders.append(
                    ShaderRow(ref.key, stage, facts.entry_point, requesters=requesters)
                )
        for number, key in enumerate(table.pipelines):
            self._needs.pipelines.append(
                self._pipeline(p, number, key, table.shadings[key.shading], requesters)
            )
        for number, shading in enumerate(table.shadings):
            if shading.sets:
                row = frame_set_row(self._needs, table, number)
                self._needs.descriptor_sets.append(replace(row, requesters=requesters))
            if len(shading.sets) > MATERIAL_SET:
                for use in table.materials[number]:
                    row = material_set_row(p.name, shading, use)
                    self._needs.descriptor_sets.append(replace(row, requesters=requesters))

    def _pipeline(
        self, p: Pass, number: int, key: PipelineKey, shading: ShaderSet, requesters: tuple[int, ...]
    ) -> PipelineRow:
        biased = p.state.depth_bias or p.state.depth_bias_slope
        state = PipelineState(
            cull=p.state.cull,
            depth_compare=CompareOp.GREATER,
            depth_test=p.depth is not None,
            depth_write=p.depth is not None,
            depth_bias=(p.state.depth_bias, p.state.depth_bias_slope) if biased else None,
            samples=self._needs.samples if _sampled(p) else 1,
            colour_formats=tuple(target.image.format for target in p.color),
            depth_format=p.depth.image.format if p.depth is not None else Format.UNDEFINED,
        )
        return PipelineRow(
            name=f"{p.name}/{number}",
            shaders=tuple(ref.key for ref in shading.shaders),
            vertex_format=tuple((name, Format[form.upper()]) for name, form in key.vertex_format),
            vertex_stride=key.stride,
            topology=Topology[key.topology],
            pass_name=p.name,
            state=state,
            requesters=requesters,
        )


def capacity(count: int, least: int = 16) -> int:
    """Return the capacity for `count` rows: a power of two, so that adding one rarely needs a new buffer."""
    return max(least, 1 << max(0, count - 1).bit_length())


def material_table_name(pass_name: str, shading: int) -> str:
    """Return the name of the transient with the material rows of one shader set of a pass."""
    return f"{pass_name}.materials.{shading}"


def frame_set_row(needs: FrameNeeds, table: DrawTable, shading: int) -> DescriptorSetRow:
    """Return the descriptor set that a pass binds once for one of its shader sets.

    Bindings are identified by name: frame, instances, draws, materials, and the names of the pass's reads.
    """
    name = table.declaration.name
    reads = dict(next(p.reads for p in needs.graph.passes if p.declaration.name == name))
    layout = table.shadings[shading].sets[FRAME_SET]
    transient = needs.requirements.keys.transient
    contents = []
    for row in layout:
        known = {
            "frame": "frame",
            "instances": "instances",
            "draws": f"{name}.draws",
            "materials": material_table_name(name, shading),
            **reads,
        }
        contents.append((row.binding, transient(known[row.name])))
    return DescriptorSetRow(f"{name}/{shading}/frame", layout, tuple(contents))


def material_set_row(pass_name: str, shading: ShaderSet, use: MaterialUse) -> DescriptorSetRow:
    """Return the descriptor set of one material: its textures by binding."""
    contents = tuple((texture.binding, texture.key) for texture in use.textures)
    return DescriptorSetRow(f"{pass_name}/{use.label}", shading.sets[MATERIAL_SET], contents)


def _sampled(p: Pass) -> bool:
    return any(image.samples is Samples.DEVICE for image in p.written() if image != SCENE_COLOR)


def _writes(p: CompiledPass, image: ImageDecl) -> bool:
    return image.name in {written.name for written in p.declaration.written()}
