"""The shaders, pipelines and descriptor sets of a frame's passes, as rows of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from engine.assets.spirv.reflection import FRAME_SET, MATERIAL_SET
from engine.graph import SCENE_COLOR, Pass, Samples
from engine.plan.model.drawing_plan import DrawingPlan, DrawingRows
from engine.plan.terms.drawing import CompareOp, Topology
from engine.plan.terms.drawing_rows import DescriptorSetRow, PipelineRow, PipelineState, ShaderRow
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.planning.draw.recipes import MaterialUse, Recipes
from engine.planning.draw.shading import ShaderSet
from engine.planning.draw.tables import DrawTable, InUse


@dataclass(frozen=True, eq=False)
class PassDrawing:
    """What one pass draws with at one time: its rows are the same whenever they are made.

    `reads` are (binding, name of the image) of the images that it reads, `samples` the number for
    Samples.DEVICE.
    """

    declaration: Pass
    recipes: Recipes
    in_use: InUse
    reads: tuple[tuple[str, str], ...]
    samples: int
    keys: Keys
    requesters: tuple[int, ...]
    _pipelines: dict[int, PipelineRow] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(
        table: DrawTable,
        reads: Sequence[tuple[str, str]],
        samples: int,
        keys: Keys,
        requesters: tuple[int, ...] = (),
    ) -> PassDrawing:
        """What a table draws with now."""
        return PassDrawing(
            table.declaration, table.recipes, table.in_use, tuple(reads), samples, keys, requesters
        )

    def shaders(self) -> Iterator[ShaderRow]:
        """The shader modules."""
        for number in self.in_use.shadings.tolist():
            shading = self.recipes.shadings[number]
            for ref, (stage, entry_point) in zip(shading.shaders, shading.stages, strict=True):
                yield ShaderRow(ref.key, stage, entry_point, requesters=self.requesters)

    def pipelines(self) -> Iterator[PipelineRow]:
        """The pipelines."""
        for number in self.in_use.pipelines.tolist():
            yield self.pipeline(number)

    def descriptor_sets(self) -> Iterator[DescriptorSetRow]:
        """The descriptor sets: one for each shader set, and one for each of its materials."""
        for number in self.in_use.shadings.tolist():
            shading = self.recipes.shadings[number]
            if shading.sets:
                yield self.frame_set(number)
            if len(shading.sets) > MATERIAL_SET:
                for material in self.in_use.materials[number].tolist():
                    yield self._material_set(shading, self.recipes.materials[number][material])

    def pipeline(self, number: int) -> PipelineRow:
        """The pipeline with this number."""
        found = self._pipelines.get(number)
        if found is None:
            found = self._pipelines[number] = self._pipeline(number)
        return found

    def _pipeline(self, number: int) -> PipelineRow:
        p, key = self.declaration, self.recipes.pipelines[number]
        return PipelineRow(
            name=f"{p.name}/{number}",
            shaders=tuple(ref.key for ref in self.recipes.shadings[key.shading].shaders),
            vertex_format=tuple((name, Format[form.upper()]) for name, form in key.vertex_format),
            vertex_stride=key.stride,
            topology=Topology[key.topology],
            pass_name=p.name,
            state=self._state(),
            requesters=self.requesters,
        )

    def frame_set(self, number: int) -> DescriptorSetRow:
        """The descriptor set that the pass binds once for one of its shader sets.

        Bindings are identified by name: frame, instances, draws, materials, and the names of what it reads.
        """
        name = self.declaration.name
        layout = self.recipes.shadings[number].sets[FRAME_SET]
        known = {
            "frame": "frame",
            "instances": "instances",
            "draws": f"{name}.draws",
            "materials": material_table_name(name, number),
            **dict(self.reads),
        }
        contents = tuple((row.binding, self.keys.transient(known[row.name])) for row in layout)
        return DescriptorSetRow(f"{name}/{number}/frame", layout, contents, self.requesters)

    def _material_set(self, shading: ShaderSet, use: MaterialUse) -> DescriptorSetRow:
        contents = tuple((texture.binding, texture.key) for texture in use.textures)
        name = f"{self.declaration.name}/{use.label}"
        return DescriptorSetRow(name, shading.sets[MATERIAL_SET], contents, self.requesters)

    def _state(self) -> PipelineState:
        p = self.declaration
        biased = p.state.depth_bias or p.state.depth_bias_slope
        sampled = any(image.samples is Samples.DEVICE for image in p.written() if image != SCENE_COLOR)
        return PipelineState(
            cull=p.state.cull,
            depth_compare=CompareOp.GREATER,
            depth_test=p.depth is not None,
            depth_write=p.depth is not None,
            depth_bias=(p.state.depth_bias, p.state.depth_bias_slope) if biased else None,
            samples=self.samples if sampled else 1,
            colour_formats=tuple(target.image.format for target in p.color),
            depth_format=p.depth.image.format if p.depth is not None else Format.UNDEFINED,
        )


def drawing_plan(passes: Mapping[str, PassDrawing]) -> DrawingPlan:
    """The drawing of several passes as a part of a plan."""
    drawings = tuple(passes.values())
    return DrawingPlan(
        lambda: DrawingRows(
            chain.from_iterable(drawing.shaders() for drawing in drawings),
            chain.from_iterable(drawing.pipelines() for drawing in drawings),
            chain.from_iterable(drawing.descriptor_sets() for drawing in drawings),
        )
    )


def material_table_name(pass_name: str, shading: int) -> str:
    """Return the name of the transient with the material rows of one shader set of a pass."""
    return f"{pass_name}.materials.{shading}"
