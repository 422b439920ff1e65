"""Shader sets: the shader stages of a pipeline, and the interface merged from their reflections."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NoReturn

from engine.assets import AssetLibrary, AssetRef, Binding, ShaderFacts, Variable, VertexFormat
from engine.humon import InputError, Severity
from engine.plan.terms.drawing import DescriptorType, ShaderStage
from engine.plan.terms.drawing_rows import BindingRow
from engine.planning.draw.blocks import Block

TEXTURE_TYPE = "sampler2DArray"
FRAME_SET, MATERIAL_SET = 0, 1
"""Descriptor set numbers: bound once per pass, and bound per material."""


@dataclass(frozen=True)
class ShaderSet:
    """The shaders of one material or pass with their merged interface.

    `stages` has the stage and the entry point of each shader, `sets` the bindings of each descriptor set, in
    order. `frame` is the layout of the uniform block named Frame, `material` that of one row of the storage
    block named Materials; None without such a block.
    """

    name: str
    shaders: tuple[AssetRef, ...]
    stages: tuple[tuple[ShaderStage, str], ...]
    sets: tuple[tuple[BindingRow, ...], ...]
    inputs: tuple[Variable, ...]
    frame: Block | None
    material: Block | None

    @property
    def slots(self) -> tuple[tuple[str, int], ...]:
        """(texture slot, binding) of the material set."""
        if len(self.sets) <= MATERIAL_SET:
            return ()
        return tuple((row.name, row.binding) for row in self.sets[MATERIAL_SET])


def shader_set(
    shaders: Sequence[AssetRef],
    provided: Collection[str],
    library: AssetLibrary,
    owner: AssetRef,
) -> ShaderSet:
    """Merge the reflections of `shaders` (one per stage).

    `provided` are the names that the frame set may bind, `owner` is the asset that names the shaders.
    Raises InputError (shader.interface) where two stages declare a binding differently, or a binding is not
    provided by the pass.
    """
    refuse = _Refusal(library, owner)
    merged: dict[tuple[int, int], tuple[Binding, ShaderStage]] = {}
    inputs: tuple[Variable, ...] = ()
    stages = []
    for ref in shaders:
        facts = library.facts(ref)
        assert isinstance(facts, ShaderFacts)
        stage = ShaderStage[facts.stage.name]
        stages.append((stage, facts.entry_point))
        if stage is ShaderStage.VERTEX:
            inputs = facts.reflection.inputs
        for binding in facts.reflection.bindings:
            _check_provided(binding, provided, library.record(ref).label, refuse)
            where = (binding.set, binding.binding)
            before = merged.get(where)
            if before is None:
                merged[where] = (binding, stage)
                continue
            if (before[0].descriptor_type, before[0].type) != (binding.descriptor_type, binding.type):
                refuse(
                    f"set {where[0]}, binding {where[1]} is {before[0].type} '{before[0].name}' in one stage "
                    f"and {binding.type} '{binding.name}' in another",
                    "give both stages the same declaration",
                )
            widest = max(before[0], binding, key=lambda b: b.block_size)
            merged[where] = (widest, before[1] | stage)
    count = max((where[0] + 1 for where in merged), default=0)
    return ShaderSet(
        ", ".join(library.record(ref).label for ref in shaders),
        tuple(shaders),
        tuple(stages),
        tuple(_rows(merged, index) for index in range(count)),
        inputs,
        _frame_block(merged),
        _material_block(merged),
    )


def check_inputs(
    shaders: ShaderSet,
    vertex_format: Sequence[tuple[str, VertexFormat]],
    mesh: str,
    library: AssetLibrary,
    owner: AssetRef,
) -> None:
    """Check that the vertex format has every input of the vertex stage, by name and numeric kind.

    Raises InputError (shader.interface) that names the input, at the asset `owner`.
    """
    refuse = _Refusal(library, owner)
    offered = dict(vertex_format)
    for variable in shaders.inputs:
        form = offered.get(variable.name)
        if form is None:
            refuse(
                f"{shaders.name} reads the vertex attribute '{variable.name}', which {mesh} does not have",
                "its attributes are " + ", ".join(offered),
            )
        if form.shader_kind != variable.kind:
            refuse(
                f"{shaders.name} reads '{variable.name}' as {variable.kind}; {mesh} has it as {form.value}",
                f"declare the input as {form.shader_kind}, or change the vertex format",
            )


@dataclass(frozen=True)
class _Refusal:
    """Raises InputError for an invalid interface, at the position of the asset that names the shaders."""

    library: AssetLibrary
    owner: AssetRef

    def __call__(self, message: str, help_text: str) -> NoReturn:
        document = self.library.dbs[self.owner.db].document
        node = document.root["assetDb"]["assets"][self.owner.index]
        problem = document.problem(
            "shader.interface", message, node, help=help_text, severity=Severity.WARNING
        )
        raise InputError(problem)


def fits(shaders: ShaderSet, vertex_format: Sequence[tuple[str, VertexFormat]]) -> bool:
    """Whether a vertex format has every input of the vertex stage, by name and numeric kind."""
    offered = {name: form.shader_kind for name, form in vertex_format}
    return all(offered.get(variable.name) == variable.kind for variable in shaders.inputs)


def _check_provided(binding: Binding, provided: Collection[str], shader: str, refuse: _Refusal) -> None:
    """Check that a binding is provided: by name in the frame set, as a texture in the material set."""
    if binding.set == FRAME_SET and binding.name not in provided:
        refuse(
            f"{shader} binds '{binding.name}' in set {FRAME_SET}, which this pass does not provide",
            "it provides " + ", ".join(sorted(provided)),
        )
    if binding.set == MATERIAL_SET and binding.type != TEXTURE_TYPE:
        refuse(
            f"{shader} has '{binding.name}' in set {MATERIAL_SET} as {binding.type}",
            f"textures of a material are {TEXTURE_TYPE}: they are layers of array pages",
        )
    if binding.set > MATERIAL_SET:
        refuse(
            f"{shader} binds '{binding.name}' in set {binding.set}",
            f"set {FRAME_SET} holds what a pass provides, set {MATERIAL_SET} a material's textures",
        )


def _rows(merged: dict[tuple[int, int], tuple[Binding, ShaderStage]], index: int) -> tuple[BindingRow, ...]:
    return tuple(
        BindingRow(
            where[1], binding.name, DescriptorType[binding.descriptor_type.name], binding.count, stages
        )
        for where, (binding, stages) in sorted(merged.items())
        if where[0] == index
    )


def _frame_block(merged: dict[tuple[int, int], tuple[Binding, ShaderStage]]) -> Block | None:
    for binding, _ in merged.values():
        if binding.type == "Frame":
            return Block(binding.members, binding.block_size)
    return None


def _material_block(merged: dict[tuple[int, int], tuple[Binding, ShaderStage]]) -> Block | None:
    for binding, _ in merged.values():
        if binding.type == "Materials":
            row = binding.members[0]
            return Block(row.members, row.stride)
    return None
