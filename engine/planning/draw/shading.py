"""Shader sets: the shader stages of a pipeline, and the interface merged from their reflections."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import or_
from typing import NamedTuple

from engine.assets import (
    AssetLibrary,
    AssetRef,
    Binding,
    Member,
    ShaderFacts,
    SpecConstant,
    Variable,
    VertexFormat,
)
from engine.assets.importers.blend_weights import INDICES, MORE_WEIGHTS, WEIGHTS
from engine.assets.importers.morph.source import MORPH
from engine.assets.spirv.reflection import FRAME_SET, MATERIAL_SET, MATERIALS_BLOCK
from engine.graph import DeclarationError
from engine.humon import InputError, Problem, Severity, shared
from engine.plan.terms.drawing import AlphaMode, CullMode, DescriptorType, ShaderStage, Topology
from engine.plan.terms.drawing_rows import BindingRow, PushRow
from engine.planning.draw.blocks import Block, row_of, united
from engine.planning.draw.interfaces import PassInterface, Stage, interface_faults


class RowBlock(NamedTuple):
    """A storage buffer of rows: its name in the shaders, the layout of a row, the stages that read it."""

    buffer: str
    block: Block
    stages: ShaderStage


class PushBlock(NamedTuple):
    """The push constants of all stages of a shader set: where they lie, and the stages that read them."""

    block: Block
    stages: ShaderStage

    @property
    def row(self) -> PushRow:
        """What a plan says of it."""
        members = ((name, member.offset) for name, member in self.block.fields.items())
        return PushRow(self.stages, self.block.size, tuple(sorted(members, key=lambda row: row[1])))


@dataclass(frozen=True, eq=False)
class ShaderSet:
    """The shaders of one material or pass with their merged interface; its identity is quick to compare.

    `stages` has the stage and the entry point of each shader, `sets` the bindings of each descriptor set, in
    order. `frame` is the layout of the uniform block named Frame, `material` that of one row of the storage
    block named Materials; None without such a block. `draws_points` says that it writes the size of points,
    `constants` has the specialization constants of each stage, `local_size` is that of
    a compute shader. `rows` are the storage buffers of set 0 that hold rows, `push` are the push constants.
    """

    name: str
    shaders: tuple[AssetRef, ...]
    stages: tuple[tuple[ShaderStage, str], ...]
    sets: tuple[tuple[BindingRow, ...], ...]
    inputs: tuple[Variable, ...]
    frame: Block | None
    material: Block | None
    draws_points: bool = False
    constants: tuple[tuple[SpecConstant, ...], ...] = ()
    local_size: tuple[int, int, int] = (1, 1, 1)
    rows: tuple[RowBlock, ...] = ()
    push: PushBlock | None = None

    @property
    def reads_material(self) -> bool:
        """Whether the shaders read textures or parameters of a material."""
        return self.material is not None or len(self.sets) > MATERIAL_SET

    @cached_property
    def constant_names(self) -> frozenset[str]:
        """The names of the specialization constants of all stages."""
        return frozenset(one.name for of_stage in self.constants for one in of_stage)

    @property
    def frame_stages(self) -> ShaderStage:
        """The stages that read the Frame block."""
        stages = (row.stages for row in self.sets[FRAME_SET] if row.name == "frame")
        return reduce(or_, stages, ShaderStage(0))

    @property
    def slots(self) -> tuple[tuple[str, int], ...]:
        """(texture slot, binding) of the material set."""
        if len(self.sets) <= MATERIAL_SET:
            return ()
        return tuple((row.name, row.binding) for row in self.sets[MATERIAL_SET])


@dataclass(frozen=True)
class PipelineKey:
    """The key of a pipeline within a pass: shader set, vertex format and stride, topology, how it covers.

    `traits` are the constants of its shaders that the material sets.
    """

    shading: int
    vertex_format: tuple[tuple[str, str], ...]
    offsets: tuple[int, ...]
    stride: int
    topology: str
    alpha: AlphaMode = AlphaMode.OPAQUE
    double_sided: bool = False
    traits: tuple[str, ...] = ()

    def shows_both_sides(self, cull: CullMode) -> bool:
        """Whether a pass that culls so draws both sides of faces; lines and points have none."""
        return (self.double_sided or cull is CullMode.NONE) and self.topology.startswith("TRIANGLE")


NORMAL = "normal"
STAND_IN_ATTRIBUTES = {
    **dict.fromkeys(("uv_normal", "uv_tangent", "uv_roughness", "uv_emissive", "uv_occlusion"), "uv_albedo"),
    **dict.fromkeys(("uv_clearcoat", "uv_clearcoatNormal", "uv_specular"), "uv_albedo"),
    **dict.fromkeys((NORMAL, "tangent", "color", INDICES, WEIGHTS, MORE_WEIGHTS, MORPH), "pos"),
}
"""What a vertex shader reads of a mesh without an attribute; the constants `hasTangents`, `hasColors`,
`hasMorph` and `blendWeights` are zero then, and `lacksNormals` is one. A shader that reads whole numbers gets
the bits of the other attribute."""

LACKS_NORMALS = "lacksNormals"
_WITHOUT_FACES = (Topology.POINT_LIST.name, Topology.LINE_LIST.name, Topology.LINE_STRIP.name)


def attribute_for(name: str, offered: Container[str]) -> str:
    """Return the attribute of a mesh that a shader's input `name` reads; it may not be among the offered."""
    return name if name in offered else STAND_IN_ATTRIBUTES.get(name, name)


def lacks_normals(offered: Container[str], topology: str) -> bool:
    """Whether a mesh has points or lines without normals, which no light falls on."""
    return lacks_faces(topology) and NORMAL not in offered


def lacks_faces(topology: str) -> bool:
    """Whether a mesh has points or lines."""
    return topology in _WITHOUT_FACES


def reads_bits(variable: Variable, offered: Container[str]) -> bool:
    """Whether an input of whole numbers, which the mesh lacks, gets the bits of what stands in for it."""
    return variable.kind == "uint" and variable.name not in offered


def check_shaders(
    shaders: Sequence[AssetRef], given: PassInterface, library: AssetLibrary, owner: AssetRef
) -> tuple[Problem, ...]:
    """Return why `shaders` make no pipeline of a pass together (shader.interface), nothing where they do.

    `owner`, the asset that names the shaders, gives the place. A pipeline has one vertex stage and at most
    one fragment stage, or one compute stage; no two stages may declare a binding differently, each reads
    what the one before writes, and all that they bind is provided.
    """
    found = _Findings(library, owner)
    _check_stages(shaders, given, library, found)
    if not found.problems:
        stages = {}
        for ref in shaders:
            facts = _facts(ref, library)
            stages[ShaderStage[facts.stage.name]] = Stage(library.record(ref).label, facts.reflection)
        for fault in interface_faults(stages, given):
            found.add(fault.message, fault.help, names=fault.names)
    return tuple(found.problems)


def shader_set(shaders: Sequence[AssetRef], library: AssetLibrary) -> ShaderSet:
    """Merge the reflections of `shaders` (one per stage), in which `check_shaders` has found nothing."""
    merged: dict[tuple[int, int], tuple[Binding, ShaderStage]] = {}
    inputs: tuple[Variable, ...] = ()
    draws_points = False
    local_size = (1, 1, 1)
    stages = []
    for ref in shaders:
        facts = _facts(ref, library)
        stage = ShaderStage[facts.stage.name]
        stages.append((stage, facts.entry_point))
        local_size = facts.reflection.local_size or local_size
        if stage is ShaderStage.VERTEX:
            inputs = facts.reflection.inputs
            draws_points = facts.reflection.writes_point_size
        for binding in facts.reflection.bindings:
            where = (binding.set, binding.binding)
            before, earlier = merged.get(where, (binding, ShaderStage(0)))
            merged[where] = (united(before, binding), earlier | stage)
    _unite_blocks(merged)
    count = max((where[0] + 1 for where in merged), default=0)
    return ShaderSet(
        ", ".join(library.record(ref).label for ref in shaders),
        tuple(shaders),
        tuple(stages),
        tuple(_rows(merged, index) for index in range(count)),
        inputs,
        _frame_block(merged),
        _material_block(merged),
        draws_points,
        tuple(_facts(ref, library).reflection.constants for ref in shaders),
        local_size,
        tuple(_row_blocks(merged)),
        _push_block([_facts(ref, library) for ref in shaders]),
    )


def check_inputs(
    shaders: ShaderSet,
    vertex_format: Sequence[tuple[str, VertexFormat]],
    topology: str,
    mesh: str,
    library: AssetLibrary,
    owner: AssetRef,
) -> tuple[Problem, ...]:
    """Return the inputs of the vertex stage that the vertex format lacks, by name and numeric kind.

    Points need a vertex stage that writes their size. The problems (shader.interface) have the place of the
    asset `owner`; `mesh` names the vertices.
    """
    found = _Findings(library, owner)
    offered = dict(vertex_format)
    read = _attributes_read(shaders, offered, topology)
    names = tuple(dict.fromkeys(name for name in read.values() if name not in offered))
    missing = [f"'{name}'" for name in names]
    label = library.record(owner).label
    use = mesh if label == mesh else f"{mesh} with {label}"
    if missing:
        what = (
            f"{shaders.name} reads the vertex attribute{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        )
        found.add(
            f"{what}, which {mesh} does not have",
            "its attributes are " + ", ".join(offered),
            f"{what}, which meshes do not have",
            use,
            names,
        )
    for variable, name in read.items():
        form = offered.get(name)
        if form is not None and form.shader_kind != variable.kind and not reads_bits(variable, offered):
            what = f"{shaders.name} reads '{variable.name}' as {variable.kind}"
            found.add(
                f"{what}; {mesh} has it as {form.value}",
                f"declare the input as {form.shader_kind}, or change the vertex format",
                f"{what}; meshes have it as {form.value}",
                use,
                (variable.name,),
            )
    if topology == Topology.POINT_LIST.name and not shaders.draws_points:
        found.add(
            f"{shaders.name} draws the points of {mesh} and writes no gl_PointSize",
            "write gl_PointSize = 1.0; in the vertex shader",
            f"{shaders.name} draws points and writes no gl_PointSize",
            use,
        )
    return tuple(found.problems)


def check_parameters(
    shaders: ShaderSet, parameters: Mapping[str, Sequence[float]], library: AssetLibrary, owner: AssetRef
) -> tuple[Problem, ...]:
    """Return the parameters that do not fit the row of a material in its shaders (shader.interface)."""
    found = _Findings(library, owner)
    if shaders.material is not None:
        for name, numbers in parameters.items():
            reason = shaders.material.misfit(name, numbers)
            if reason:
                message = f"the parameter '{name}' does not fit {shaders.name}: {reason}"
                found.add_one(message, "give it as the shader declares it, in finite numbers")
    return tuple(found.problems)


@dataclass(frozen=True)
class _Findings:
    """Collects the problems of an interface, at the position of the asset `owner`."""

    library: AssetLibrary
    owner: AssetRef
    problems: list[Problem] = field(default_factory=list)

    def add(
        self, message: str, help_text: str, fault: str = "", use: str = "", names: tuple[str, ...] = ()
    ) -> None:
        """Add a warning of shaders, whose `fault` for all that use them is without more the message.

        `names` are what the shaders declare that it is about.
        """
        self.add_one(message, help_text)
        label = use or self.library.record(self.owner).label
        self.problems[-1] = shared(self.problems[-1], fault or message, label, names)

    def add_one(self, message: str, help_text: str) -> None:
        """Add a warning of what the owner itself has."""
        document = self.library.dbs[self.owner.db].document
        node = document.root["assetDb"]["assets"][self.owner.index]
        self.problems.append(
            document.problem("shader.interface", message, node, help=help_text, severity=Severity.WARNING)
        )


def find_shader(library: AssetLibrary, name: str) -> AssetRef:
    """Return the shader that a pass names: `NAME` in the builtin database, `TYPE/NAME` or `DATABASE/NAME`.

    A feature's own shaders come before those of a database of the same name. Raises DeclarationError.
    """
    database, _, label = name.rpartition("/")
    own = f"feature.{database}"
    if any(db.name == own for db in library.dbs.values()):
        database = own
    try:
        return library.find(database or "builtin", label, ("shader",))
    except LookupError as error:
        problem, _, advice = str(error.args[0]).partition("; ")
        raise DeclarationError(problem, advice or "name one as DATABASE/NAME") from None


def check_own_shaders(
    shaders: Sequence[AssetRef], owner: AssetRef, pass_name: str, given: PassInterface, library: AssetLibrary
) -> None:
    """Raise InputError where the shaders that a pass names are broken, with the cause, or do not fit it.

    Problems are at the record of `owner`. Raises DeclarationError if there are no shaders.
    """
    if not shaders:
        raise DeclarationError(f"the pass {pass_name} has no shaders", "name them as DATABASE/NAME")
    for shader in shaders:
        if library.is_broken(shader):
            failures = library.failures(shader)
            found = (
                failures[0] if failures else Problem("asset.broken", "its record is wrong", help="correct it")
            )
            what = f"the pass {pass_name} needs {library.record(shader).label}, which is broken"
            advice = found.help or "correct it there"
            raise InputError(replace(found, message=f"{what}: {found.message}", help=advice))
    problems = check_shaders(shaders, given, library, owner)
    if problems:
        raise InputError(problems)


def stage_of(shader: AssetRef, library: AssetLibrary) -> ShaderStage:
    """Return the stage of a shader."""
    return ShaderStage[_facts(shader, library).stage.name]


def _facts(ref: AssetRef, library: AssetLibrary) -> ShaderFacts:
    facts = library.facts(ref)
    assert isinstance(facts, ShaderFacts)
    return facts


def _check_stages(
    shaders: Sequence[AssetRef], given: PassInterface, library: AssetLibrary, found: _Findings
) -> None:
    """Check that the first of the pass's stages is there, and no stage twice or that the pass has not."""
    needed = [stage.name.lower() for stage in given.stages if stage.name]
    advice = f"this pass has a {' and a '.join(f'{name} shader' for name in needed)}"
    by_stage: dict[str, list[str]] = {}
    for ref in shaders:
        by_stage.setdefault(_facts(ref, library).stage.name, []).append(library.record(ref).label)
    for stage, labels in by_stage.items():
        if stage.lower() not in needed:
            found.add(f"{labels[0]} is a {stage.lower()} shader, which this pass has no use for", advice)
        elif len(labels) > 1:
            found.add(
                f"{' and '.join(labels)} are {stage.lower()} shaders: there is one of each stage",
                "remove all but one of them",
            )
    if needed[0].upper() not in by_stage:
        labels = [library.record(ref).label for ref in shaders]
        found.add(f"there is no {needed[0]} shader among {', '.join(labels)}", advice)


def fits(shaders: ShaderSet, vertex_format: Sequence[tuple[str, VertexFormat]], topology: str) -> bool:
    """Whether `check_inputs` finds nothing."""
    offered = {name: form.shader_kind for name, form in vertex_format}
    if topology == Topology.POINT_LIST.name and not shaders.draws_points:
        return False
    kinds = {row: offered.get(name) for row, name in _attributes_read(shaders, offered, topology).items()}
    return all(kind == row.kind or (kind and reads_bits(row, offered)) for row, kind in kinds.items())


def _attributes_read(shaders: ShaderSet, offered: Container[str], topology: str) -> dict[Variable, str]:
    """Return the attribute that each input reads.

    Nothing stands in for normals but of points and lines, for shaders that ask what lacks them.
    """
    without = lacks_normals(offered, topology) and LACKS_NORMALS in shaders.constant_names
    return {
        row: attribute_for(row.name, offered) if row.name != NORMAL or without else NORMAL
        for row in shaders.inputs
    }


def _rows(merged: dict[tuple[int, int], tuple[Binding, ShaderStage]], index: int) -> tuple[BindingRow, ...]:
    return tuple(
        BindingRow(
            where[1], binding.name, DescriptorType[binding.descriptor_type.name], binding.count, stages
        )
        for where, (binding, stages) in sorted(merged.items())
        if where[0] == index
    )


def _unite_blocks(merged: dict[tuple[int, int], tuple[Binding, ShaderStage]]) -> None:
    """Let the blocks of one name in the frame set, which are one buffer, have the members of all of them."""
    by_name: dict[str, Binding] = {}
    for (number, _), (binding, _) in merged.items():
        if number == FRAME_SET and binding.members:
            by_name[binding.name] = united(by_name.get(binding.name, binding), binding)
    for where, (binding, stages) in merged.items():
        whole = by_name.get(binding.name) if where[0] == FRAME_SET else None
        if whole is not None and (whole.members, whole.block_size) != (binding.members, binding.block_size):
            binding = replace(binding, members=whole.members, block_size=whole.block_size)
            merged[where] = binding, stages


def _push_block(shaders: Sequence[ShaderFacts]) -> PushBlock | None:
    """Return the push constants of all stages in one range from byte 0, as they lie nowhere twice."""
    members: dict[str, Member] = {}
    size, stages = 0, ShaderStage(0)
    for facts in shaders:
        for block in facts.reflection.push_constants:
            members |= {member.name: member for member in block.members}
            size = max(size, block.offset + block.size)
            stages |= ShaderStage[facts.stage.name]
    return PushBlock(Block(members.values(), -(-size // 4) * 4), stages) if members else None


def _frame_block(merged: dict[tuple[int, int], tuple[Binding, ShaderStage]]) -> Block | None:
    for binding, _ in merged.values():
        if binding.type == "Frame":
            return Block(binding.members, binding.block_size)
    return None


def _row_blocks(merged: dict[tuple[int, int], tuple[Binding, ShaderStage]]) -> Iterator[RowBlock]:
    for (number, _), (binding, stages) in sorted(merged.items(), key=lambda item: item[0]):
        row = row_of(binding) if number == FRAME_SET else None
        if row is not None:
            yield RowBlock(binding.name, Block(row.members, row.stride), stages)


def _material_block(merged: dict[tuple[int, int], tuple[Binding, ShaderStage]]) -> Block | None:
    for binding, _ in merged.values():
        if binding.type == MATERIALS_BLOCK:
            row = binding.members[0]
            return Block(row.members, row.stride)
    return None
