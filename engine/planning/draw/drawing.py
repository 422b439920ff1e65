"""The shaders, pipelines and descriptor sets of a frame's passes, as rows of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Protocol

from engine.assets import Sampling, VertexFormat
from engine.assets.importers.blend_weights import BlendLayout
from engine.assets.importers.morph.source import MORPH
from engine.assets.spirv.reflection import FRAME_SET, MATERIAL_SET
from engine.graph import (
    PICTURE_VIEW,
    CompiledPass,
    ComputePass,
    DrawOrder,
    DrawPass,
    ImageDecl,
    Pass,
    PrimitivePass,
    RasterState,
    stand_in_name,
)
from engine.plan.model.drawing_plan import DrawingPlan, DrawingRows
from engine.plan.terms.drawing import AlphaMode, CompareOp, CullMode, Topology
from engine.plan.terms.drawing_rows import (
    BindingRow,
    DescriptorSetRow,
    PipelineRow,
    PipelineState,
    ShaderRow,
)
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.planning.draw.material_use import MaterialUse
from engine.planning.draw.recipes import Recipes
from engine.planning.draw.ring_names import FRAME, RingNames
from engine.planning.draw.shading import LACKS_NORMALS, PipelineKey, ShaderSet, lacks_faces, lacks_normals
from engine.planning.draw.tables import InUse


class PipelineTrials(Protocol):
    """Says which pipelines a frame may have; `version` changes with its answers."""

    @property
    def version(self) -> int:
        """Another number whenever a pipeline has become usable."""

    def usable(
        self, row: PipelineRow, offsets: Sequence[int], shading: ShaderSet, drawn: PipelineRow
    ) -> bool:
        """Whether a frame may have this pipeline now; finding out begins with the first question.

        `offsets` are those of the vertex attributes, in bytes. `drawn` is the same with the constants that
        say what is there in the frame, as far as that is known: it is tried, and made for the frame to come.
        """


@dataclass(frozen=True, eq=False)
class PassDrawing:
    """What a draw pass draws with at one time: its rows are the same whenever they are made.

    `cubes` are the keys of the environments that active rows give, by name.
    """

    compiled: CompiledPass
    state: PipelineState
    recipes: Recipes
    in_use: InUse
    keys: Keys
    requesters: tuple[int, ...] = ()
    names: RingNames = field(default_factory=RingNames)
    cubes: Mapping[str, int] = field(default_factory=dict)
    _pipelines: dict[int, PipelineRow] = field(default_factory=dict, repr=False)
    _sets: dict[tuple[int, str], DescriptorSetRow] = field(default_factory=dict, repr=False)

    @cached_property
    def identity(self) -> tuple[object, ...]:
        """What its pipelines follow from."""
        return self.compiled.declaration.name, self.state, self.bound, self.in_use.pipelines.tolist()

    @cached_property
    def bound(self) -> frozenset[str]:
        """The images, environments and buffers that the pass reads and that are there, by their bindings.

        One with "Layers" behind it says that the image has several.
        """
        return there_in(self.compiled, self.cubes)

    def shadings(self) -> Iterator[ShaderSet]:
        """The shader sets in use."""
        for number in self.in_use.shadings.tolist():
            yield self.recipes.shadings[number]

    def shaders(self) -> Iterator[ShaderRow]:
        """The shader modules."""
        for shading in self.shadings():
            yield from shader_rows(shading, self.requesters)

    def pipelines(self) -> Iterator[PipelineRow]:
        """The pipelines."""
        for number in self.in_use.pipelines.tolist():
            yield self.pipeline(number)

    def descriptor_sets(self) -> Iterator[DescriptorSetRow]:
        """The descriptor sets: one for each shader set, and one for each of its materials."""
        for number in self.in_use.shadings.tolist():
            shading = self.recipes.shadings[number]
            if shading.sets:
                for view in self.compiled.declaration.views:
                    yield self.frame_set(number, view)
            if len(shading.sets) > MATERIAL_SET:
                for material in self.in_use.materials[number].tolist():
                    yield self._material_set(shading, self.recipes.materials[number][material])

    def with_shaders(self) -> Iterator[tuple[PipelineRow, Sequence[int], ShaderSet]]:
        """The pipelines, each with the offsets of its vertex attributes in bytes, and its shader set."""
        for number in self.in_use.pipelines.tolist():
            key = self.recipes.pipelines[number]
            yield self.pipeline(number), key.offsets, self.recipes.shadings[key.shading]

    def pipeline(self, number: int) -> PipelineRow:
        """The pipeline with this number."""
        found = self._pipelines.get(number)
        if found is None:
            found = self._pipelines[number] = self._pipeline(number)
        return found

    def _pipeline(self, number: int) -> PipelineRow:
        name, key = self.compiled.declaration.name, self.recipes.pipelines[number]
        row = mesh_pipeline(name, self.state, key, self.recipes.shadings[key.shading], self.bound)
        return replace(row, name=f"{name}/{number}", requesters=self.requesters)

    def frame_set(self, number: int, view: str = PICTURE_VIEW) -> DescriptorSetRow:
        """The descriptor set that the pass binds once in a view for one of its shader sets."""
        found = self._sets.get((number, view))
        if found is None:
            found = self._sets[number, view] = self._frame_set(number, view)
        return found

    def _frame_set(self, number: int, view: str) -> DescriptorSetRow:
        name = self.compiled.declaration.name
        shading = self.recipes.shadings[number]
        provided = {
            "instances": "instances",
            "draws": f"{name}.draws",
            "materials": material_table_name(name, number),
            **_rings(self.names, shading, view),
        }
        row_name, layout = f"{name}/{number}{_suffix(view)}", shading.sets[FRAME_SET]
        return frame_set_row(
            row_name, self.compiled, layout, provided, self.keys, self.cubes, self.requesters
        )

    def _material_set(self, shading: ShaderSet, use: MaterialUse) -> DescriptorSetRow:
        contents = tuple((texture.binding, texture.key) for texture in use.textures)
        name = f"{self.compiled.declaration.name}/{use.label}"
        samplers = tuple(
            (texture.binding, Sampling.numbered(texture.sampler).words)
            for texture in use.textures
            if texture.sampler
        )
        return DescriptorSetRow(name, shading.sets[MATERIAL_SET], contents, self.requesters, samplers)


@dataclass(frozen=True, eq=False)
class ShaderDrawing:
    """What a pass without meshes runs: a fullscreen, primitive or compute pass; the last has no `state`."""

    compiled: CompiledPass
    state: PipelineState | None
    shading: ShaderSet
    keys: Keys
    requesters: tuple[int, ...] = ()
    names: RingNames = field(default_factory=RingNames)
    cubes: Mapping[str, int] = field(default_factory=dict)
    _sets: dict[str, DescriptorSetRow] = field(default_factory=dict, repr=False)

    @cached_property
    def identity(self) -> tuple[object, ...]:
        """What its pipeline follows from."""
        return self.compiled.declaration.name, self.state, self.shading.shaders, self.constants

    @cached_property
    def constants(self) -> tuple[tuple[str, int], ...]:
        """The constants of a compute pass, and those that say what of all that it reads is there."""
        p = self.compiled.declaration
        there = _declared(self.shading, _is_there(there_in(self.compiled, self.cubes)))
        return tuple(sorted(p.constants + there if isinstance(p, ComputePass) else there))

    def shadings(self) -> Iterator[ShaderSet]:
        """The only shader set."""
        yield self.shading

    def shaders(self) -> Iterator[ShaderRow]:
        """The shader modules."""
        return shader_rows(self.shading, self.requesters)

    def pipelines(self) -> Iterator[PipelineRow]:
        """The pipeline."""
        yield self.pipeline()

    def descriptor_sets(self) -> Iterator[DescriptorSetRow]:
        """The descriptor set of each view, where the shader binds anything."""
        if self.shading.sets:
            for view in self.compiled.declaration.views:
                yield self.frame_set(view)

    def with_shaders(self) -> Iterator[tuple[PipelineRow, Sequence[int], ShaderSet]]:
        """The pipeline, without offsets, as it has no vertices, and with its shader set."""
        yield self.pipeline(), (), self.shading

    def pipeline(self) -> PipelineRow:
        """The pipeline: it has no vertices."""
        return self._pipeline

    @cached_property
    def _pipeline(self) -> PipelineRow:
        name = self.compiled.declaration.name
        return PipelineRow(
            name=name,
            shaders=tuple(ref.key for ref in self.shading.shaders),
            vertex_format=(),
            vertex_stride=0,
            topology=Topology.TRIANGLE_LIST,
            pass_name=name,
            state=self.state,
            requesters=self.requesters,
            constants=self.constants,
            push=self.shading.push.row if self.shading.push is not None else None,
        )

    def groups(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """Return how many work groups a compute pass runs, for a picture of this size in texels."""
        p = self.compiled.declaration
        assert isinstance(p, ComputePass)
        threads = p.threads
        if isinstance(threads, ImageDecl):
            threads = (*threads.extent.resolve(size), threads.layers)
        x, y, z = (-(-count // local) for count, local in zip(threads, self.shading.local_size, strict=True))
        return x, y, z

    def frame_set(self, view: str = PICTURE_VIEW) -> DescriptorSetRow:
        """The descriptor set that the pass binds in a view."""
        found = self._sets.get(view)
        if found is None:
            found = self._sets[view] = self._frame_set(view)
        return found

    def _frame_set(self, view: str) -> DescriptorSetRow:
        layout, name = self.shading.sets[FRAME_SET], f"{self.compiled.declaration.name}{_suffix(view)}"
        provided = _rings(self.names, self.shading, view)
        return frame_set_row(name, self.compiled, layout, provided, self.keys, self.cubes, self.requesters)


def _rings(names: RingNames, shading: ShaderSet, view: str) -> dict[str, str]:
    """Return the rings with the values of features that shaders read in a view, by their names."""
    found = {row.buffer: ring for ring, row in names.columns(shading)}
    if shading.frame is not None:
        found[FRAME] = names.frame(view, shading.frame)
    return found


def _suffix(view: str) -> str:
    """Return what the name of a view adds to that of a descriptor set."""
    return "" if view == PICTURE_VIEW else f"/{view}"


Drawing = PassDrawing | ShaderDrawing


def pipeline_state(
    p: Pass, samples: int, state: RasterState, features: frozenset[str] | None
) -> PipelineState:
    """Return the fixed-function state of a pass's pipelines on a device with these features (None: all).

    `samples` are those of the pass's attachments.
    `alpha_to_coverage` says whether masked materials can be drawn so, `sides_apart` whether those are that
    have both sides.
    """
    biased = state.depth_bias or state.depth_bias_slope
    sampled = isinstance(p, DrawPass) and bool(p.color) and samples > 1
    return PipelineState(
        cull=state.cull,
        front_face=state.front_face,
        depth_compare=p.depth.compare if p.depth is not None else CompareOp.GREATER,
        depth_test=p.depth is not None,
        depth_write=p.depth is not None and p.depth.write,
        depth_bias=(state.depth_bias, state.depth_bias_slope) if biased else None,
        depth_clamp=state.depth_clamp and (features is None or "depthClamp" in features),
        wireframe=state.wireframe and (features is None or "fillModeNonSolid" in features),
        alpha_to_coverage=sampled and (features is None or "alphaToOne" in features),
        sides_apart=isinstance(p, DrawPass) and p.order is DrawOrder.BACK_TO_FRONT,
        blends=tuple(target.blend for target in p.color),
        samples=samples,
        colour_formats=tuple(target.image.format for target in p.color),
        depth_format=p.depth.image.format if p.depth is not None else Format.UNDEFINED,
    )


def shader_state(compiled: CompiledPass, features: frozenset[str] | None) -> PipelineState | None:
    """Return the fixed-function state of a pass without meshes; None for a compute pass."""
    p = compiled.declaration
    if isinstance(p, ComputePass):
        return None
    state = p.state if isinstance(p, PrimitivePass) else RasterState(cull=CullMode.NONE)
    return pipeline_state(p, compiled.samples, state, features)


def mesh_pipeline(
    name: str,
    state: PipelineState,
    key: PipelineKey,
    shading: ShaderSet,
    bound: frozenset[str] = frozenset(),
) -> PipelineRow:
    """Return a pipeline of the draw pass `name`, without name and requesters of its own.

    `bound` are the bindings of the pass whose images, environments and buffers are there: shaders that have
    a constant for one of them leave out what is not.
    """
    state = replace(
        state,
        cull=CullMode.NONE if key.double_sided else state.cull,
        alpha_to_coverage=state.alpha_to_coverage and key.alpha is AlphaMode.MASK,
        sides_apart=state.sides_apart and key.shows_both_sides(state.cull),
    )
    attributes = {name: VertexFormat(form) for name, form in key.vertex_format}
    values = {
        "alphaMode": int(key.alpha),
        "alphaToCoverage": int(state.alpha_to_coverage),
        "samples": state.samples if state.samples > 1 else 0,
        "hasTangents": int("tangent" in attributes),
        "lacksFaces": int(lacks_faces(key.topology)),
        LACKS_NORMALS: int(lacks_normals(attributes, key.topology)),
        "hasMorph": int(MORPH in attributes),
        "hasColors": int("color" in attributes),
        "hasClearcoatPair": int(_is_pair(attributes.get("uv_clearcoat"))),
        "hasSpecularPair": int(_is_pair(attributes.get("uv_specular"))),
        **dict.fromkeys(key.traits, 1),
        **_is_there(bound),
    }
    blend = BlendLayout.of(list(attributes.items()))
    if blend is not None:
        values |= {"blendWeights": blend.weights, "bonesInChannel": blend.per_channel, "boneBits": blend.bits}
    return PipelineRow(
        name="",
        shaders=tuple(ref.key for ref in shading.shaders),
        vertex_format=tuple((attribute, Format[form.upper()]) for attribute, form in key.vertex_format),
        vertex_stride=key.stride,
        topology=Topology[key.topology],
        pass_name=name,
        state=state,
        constants=_declared(shading, values),
        push=shading.push.row if shading.push is not None else None,
    )


def there_in(compiled: CompiledPass, cubes: Mapping[str, int]) -> frozenset[str]:
    """Return the bindings of what a pass reads that is there; with "Layers" behind it, that has several."""
    p = compiled.declaration
    read = [(one.binding, one.image.name) for one in p.reads]
    read += [(one.binding, one.buffer.name) for one in p.buffers]
    names = dict([*compiled.reads, *compiled.buffers])
    there = {binding for binding, name in read if names[binding] != stand_in_name(name)}
    there |= {f"{binding}Layers" for binding in compiled.layered}
    return frozenset(there | {one.binding for one in p.cubes if one.name in cubes})


def _is_there(bound: frozenset[str]) -> dict[str, int]:
    """Return the constants that say which bindings are there."""
    return {f"has{binding[:1].upper()}{binding[1:]}": 1 for binding in sorted(bound)}


def _declared(shading: ShaderSet, values: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return those of the values of constants that are not 0 and that shaders declare."""
    declared = {one.name for of_stage in shading.constants for one in of_stage}
    return tuple((one, value) for one, value in values.items() if value and one in declared)


def _is_pair(form: VertexFormat | None) -> bool:
    """Whether an attribute holds the coordinates of two textures."""
    return form is not None and form.components == 4


def drawing_plan(passes: Mapping[str, Drawing]) -> DrawingPlan:
    """The drawing of several passes as a part of a plan."""
    drawings = tuple(passes.values())
    return DrawingPlan(
        lambda: DrawingRows(
            chain.from_iterable(drawing.shaders() for drawing in drawings),
            chain.from_iterable(drawing.pipelines() for drawing in drawings),
            chain.from_iterable(drawing.descriptor_sets() for drawing in drawings),
        )
    )


def shader_rows(shading: ShaderSet, requesters: tuple[int, ...]) -> Iterator[ShaderRow]:
    """Yield the shader modules of a shader set."""
    for ref, (stage, entry_point) in zip(shading.shaders, shading.stages, strict=True):
        yield ShaderRow(ref.key, stage, entry_point, requesters=requesters)


def frame_set_row(
    name: str,
    compiled: CompiledPass,
    layout: tuple[BindingRow, ...],
    provided: Mapping[str, str],
    keys: Keys,
    cubes: Mapping[str, int],
    requesters: tuple[int, ...],
) -> DescriptorSetRow:
    """The descriptor set that a pass binds once for a shader set, with bindings identified by name.

    `provided` has the transient of each name, beside the images and buffers that the pass uses.
    """
    p = compiled.declaration
    known = {**provided, **dict(compiled.reads), **dict(compiled.buffers)}
    if isinstance(p, ComputePass):
        known |= {write.binding: write.image.name for write in p.writes}
    sampled = {read.binding: read.name for read in p.cubes}
    contents = tuple(
        (row.binding, cube_key(sampled[row.name], cubes, keys))
        if row.name in sampled
        else (row.binding, keys.transient(known[row.name]))
        for row in layout
    )
    return DescriptorSetRow(f"{name}/frame", layout, contents, requesters)


def cube_key(name: str, cubes: Mapping[str, int], keys: Keys) -> int:
    """Return the key of the environment of that name, or of its stand-in where no row gives one."""
    return cubes[name] if name in cubes else keys.transient(stand_in_name(name))


def material_table_name(pass_name: str, shading: int) -> str:
    """Return the name of the transient with the material rows of one shader set of a pass."""
    return f"{pass_name}.materials.{shading}"
