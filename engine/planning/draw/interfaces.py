"""Whether shaders fit each other and their pass: stages, colour targets, bindings, push constants, features.

What a module alone may ask of a device has been checked when it was imported (`engine.assets.spirv.rules`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from engine.assets import Binding, Member, Reflection, Variable
from engine.assets.limits import MAX_UNIFORM_BYTES
from engine.assets.spirv.capabilities import CAPABILITIES
from engine.assets.spirv.reflection import BLOCKS, FRAME_SET, MATERIAL_SET, DescriptorType
from engine.graph import ComputePass, DrawPass, ImageDecl, ImageRead, Pass, PushValue, StorageWrite
from engine.plan.terms.drawing import ShaderStage
from engine.plan.terms.formats import Format
from engine.planning.draw.blocks import Block, Fault, are_over, overlap_faults, place_faults

TEXTURE_TYPE = "sampler2DArray"
CUBE_TYPE = "samplerCube"

CONSTANTS = {
    **dict.fromkeys(("alphaMode", "samples", "blendWeights", "bonesInChannel", "boneBits"), "uint"),
    **dict.fromkeys(("alphaToCoverage", "hasTangents", "hasMorph"), "bool"),
    **dict.fromkeys(("lacksFaces", "lacksNormals", "hasColors", "readsColors"), "bool"),
    **dict.fromkeys(("hasClearcoatPair", "hasSpecularPair"), "bool"),
    **dict.fromkeys(("isUnlit", "hasClearcoat", "hasSpecular"), "bool"),
    **dict.fromkeys(("hasShadowMap", "hasShadowMapLayers", "hasLocalShadows"), "bool"),
    **dict.fromkeys(("hasClusters", "hasEnvironment"), "bool"),
}
"""The specialization constants that are set by name, with their types."""

_NUMBERS = re.compile(r"float|int|uint|bool|[iub]?vec[234]|mat[234](x[234])?")
_COMPONENTS = "xyzw"
_FIRST_BITS = re.compile(r"[RGBA]\d+")


@dataclass(frozen=True)
class PassInterface:
    """What a pass gives its shaders, and what it takes from them.

    `buffers`, `images` and `shared` are the names that the frame set may bind. `images` have their GLSL type
    and the stages that may use them, `shared`, the buffers that shaders write, those stages and whether this
    pass may write. `colors` are the formats of its colour targets; `features` are those that the device was
    opened with, None where that is not known. `frame` are the members of frame.glsl: a shader may declare
    them anywhere in its own block Frame, beside others, with their types. `stages` are those of its
    pipelines; with `meshes` the vertex stage has attributes. `pushes` are the push constants of the pass.
    """

    buffers: frozenset[str]
    images: Mapping[str, tuple[str, ShaderStage]]
    shared: Mapping[str, tuple[ShaderStage, bool]] = field(default_factory=dict)
    colors: tuple[Format, ...] = ()
    features: frozenset[str] | None = None
    frame: tuple[Member, ...] = ()
    stages: tuple[ShaderStage, ...] = (ShaderStage.VERTEX, ShaderStage.FRAGMENT)
    meshes: bool = True
    columns: frozenset[str] = frozenset()
    pushes: tuple[PushValue, ...] = ()

    @staticmethod
    def of(
        declaration: Pass,
        features: frozenset[str] | None,
        frame: tuple[Member, ...] = (),
        columns: frozenset[str] = frozenset(),
    ) -> PassInterface:
        """The interface of a pass."""
        of_draws = ("instances", "draws", "materials") if isinstance(declaration, DrawPass) else ()
        buffers = frozenset({"frame", *of_draws})
        images = {read.binding: (sampler_type(read), read.stages) for read in declaration.reads}
        images |= {cube.binding: (CUBE_TYPE, cube.stages) for cube in declaration.cubes}
        is_compute = isinstance(declaration, ComputePass)
        for write in declaration.writes if isinstance(declaration, ComputePass) else ():
            images[write.binding] = storage_type(write), ShaderStage.COMPUTE
        return PassInterface(
            buffers,
            images,
            {use.binding: (use.stages, use.writes) for use in declaration.buffers},
            tuple(target.image.format for target in declaration.color),
            features,
            frame,
            (ShaderStage.COMPUTE,) if is_compute else (ShaderStage.VERTEX, ShaderStage.FRAGMENT),
            isinstance(declaration, DrawPass),
            columns,
            declaration.pushes,
        )

    @property
    def names(self) -> list[str]:
        """The names that the frame set may bind, sorted."""
        return sorted({*self.buffers, *self.images, *self.shared, *self.columns})


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a pipeline: the label of its shader, and its interface."""

    label: str
    reflection: Reflection


def sampler_type(read: ImageRead) -> str:
    """Return the GLSL type of an image that a pass reads."""
    compared = "Shadow" * read.sampler.compare
    return f"sampler{_dimensions(read.image)}{compared}"


TEXELS = {
    Format.R8G8B8A8_UNORM: "rgba8",
    Format.R16G16B16A16_SFLOAT: "rgba16f",
    Format.R32_SFLOAT: "r32f",
    Format.R32_UINT: "r32ui",
    Format.R32G32B32A32_SFLOAT: "rgba32f",
}
"""The formats of images that compute shaders write, as GLSL names them."""


def storage_type(write: StorageWrite) -> str:
    """Return the GLSL type, with its format, of an image that a compute pass writes."""
    texel = TEXELS[write.image.format]
    prefix = "u" * texel.endswith("ui")
    return f"{texel} {prefix}image{_dimensions(write.image)}"


def _dimensions(image: ImageDecl) -> str:
    """Return what the names of GLSL types say of the dimensions of an image."""
    return "Cube" if image.cube else "2D" + "Array" * image.is_array


def interface_faults(stages: Mapping[ShaderStage, Stage], given: PassInterface) -> Iterator[Fault]:
    """Yield why these stages are no pipeline for a pass."""
    differing = set()
    declared: dict[tuple[int, int], Binding] = {}
    filled: dict[str, Binding] = {}
    for stage in stages.values():
        for binding in stage.reflection.bindings:
            place = binding.set, binding.binding
            for fault in _alike_faults(declared.setdefault(place, binding), binding):
                differing.add(place)
                yield fault
            if binding.set == FRAME_SET and binding.name in {"frame", "materials"} | given.columns:
                before = filled.setdefault(binding.name, binding)
                if place not in differing:
                    yield from overlap_faults(before, binding)
    for kind, stage in stages.items():
        yield from _feature_faults(stage, given)
        yield from _constant_faults(stage)
        for binding in stage.reflection.bindings:
            if (binding.set, binding.binding) not in differing:
                yield from _binding_faults(binding, kind, stage.label, given)
        yield from _push_faults(stage, given)
    yield from _shared_push_faults(stages)
    yield from _layer_faults(stages)
    vertex, fragment = stages.get(ShaderStage.VERTEX), stages.get(ShaderStage.FRAGMENT)
    if vertex is not None and given.meshes:
        yield from _attribute_faults(vertex)
    elif vertex is not None and vertex.reflection.inputs:
        names = ", ".join(f"'{row.name}'" for row in vertex.reflection.inputs)
        yield Fault(
            f"{vertex.label} reads the vertex attributes {names}, and this pass draws no mesh",
            "find what is drawn from gl_VertexIndex and gl_InstanceIndex",
            tuple(row.name for row in vertex.reflection.inputs),
        )
    if vertex is not None and fragment is not None:
        yield from _varying_faults(vertex, fragment)
    yield from _color_faults(fragment, given)


def _push_faults(stage: Stage, given: PassInterface) -> Iterator[Fault]:
    """Say which push constants nobody gives, are no numbers, or do not fit what is given."""
    values = {value.name: value for value in given.pushes}
    for block in stage.reflection.push_constants:
        odd = list(_member_faults(block.members, block.offset + block.size, block.name, stage.label))
        yield from odd
        for member in () if odd else block.members:
            value = values.get(member.name)
            if value is None:
                names = ", ".join(values) or "none"
                yield Fault(
                    f"{stage.label} reads the push constant '{member.name}', which this pass does not give",
                    f"it gives {names}: add a PushValue to its `pushes`, or read it from the block Frame",
                    (member.name,),
                )
                continue
            layout = Block(block.members, block.offset + block.size)
            misfits = (
                layout.misfit(member.name, numbers) for numbers in (value.numbers, *value.views) if numbers
            )
            for misfit in islice(filter(None, misfits), 1):
                yield Fault(
                    f"the push constant '{member.name}' does not fit {stage.label}: {misfit}",
                    "give it as the shader declares it, in finite numbers",
                    (member.name,),
                )


def _shared_push_faults(stages: Mapping[ShaderStage, Stage]) -> Iterator[Fault]:
    """Say where two stages have different push constants in the same bytes, or one in two places."""
    seen: list[tuple[str, Member]] = []
    for stage in stages.values():
        members = [member for block in stage.reflection.push_constants for member in block.members]
        for member in members:
            for label, other in seen:
                same = (member.name, member.offset, member.type) == (other.name, other.offset, other.type)
                if not same and (are_over(member, other) or member.name == other.name):
                    yield Fault(
                        f"the push constant '{member.name}' of {stage.label}, at byte {member.offset}, and "
                        f"'{other.name}' of {label}, at byte {other.offset}, are not the same",
                        "give both stages the same block, or other offsets and names",
                        (member.name,),
                    )
        seen += [(stage.label, member) for member in members]


def _feature_faults(stage: Stage, given: PassInterface) -> Iterator[Fault]:
    if given.features is not None:
        needed = {CAPABILITIES.get(capability, "") for capability in stage.reflection.capabilities}
        for feature in sorted(needed - {""} - given.features):
            yield Fault(
                f"{stage.label} needs the feature {feature}, which this device lacks",
                "write the shader without it, or use another device",
            )


def _constant_faults(stage: Stage) -> Iterator[Fault]:
    """Say which specialization constants have another type than that in which they are set."""
    for constant in stage.reflection.constants:
        kind = CONSTANTS.get(constant.name, constant.kind)
        if constant.kind != kind:
            yield Fault(
                f"{stage.label} declares the constant '{constant.name}' as {constant.kind}; it is a {kind}",
                f"declare it as {kind}, or give it a name of its own",
                (constant.name,),
            )


def _alike_faults(before: Binding, binding: Binding) -> Iterator[Fault]:
    """Say where two stages declare a binding differently: its kind, its name, or its members' places."""
    advice, names = "give both stages the same declaration", (binding.name, binding.type)
    if (before.descriptor_type, before.type, before.name) == (binding.descriptor_type, *names[::-1]):
        yield from place_faults(before, binding, advice)
        return
    message = (
        f"set {binding.set}, binding {binding.binding} is {before.type} '{before.name}' in one stage "
        f"and {binding.type} '{binding.name}' in another"
    )
    yield Fault(message, advice, names)


def _binding_faults(
    binding: Binding, stage: ShaderStage, shader: str, given: PassInterface
) -> Iterator[Fault]:
    """Say whether something is bound there: by name in the frame set, as a texture in the material set."""
    name, names = binding.name, (binding.name, binding.type)
    if binding.set > MATERIAL_SET:
        yield Fault(
            f"{shader} binds '{name}' in set {binding.set}",
            f"set {FRAME_SET} holds what a pass provides, set {MATERIAL_SET} a material's textures",
            names,
        )
    elif binding.set == MATERIAL_SET and binding.type != TEXTURE_TYPE:
        yield Fault(
            f"{shader} has '{name}' in set {MATERIAL_SET} as {binding.type}",
            f"textures of a material are {TEXTURE_TYPE}: they are layers of array pages",
            names,
        )
    elif binding.set == FRAME_SET and name not in given.names:
        yield Fault(
            f"{shader} binds '{name}' in set {FRAME_SET}, which this pass does not provide",
            "it provides " + ", ".join(given.names),
            names,
        )
    elif binding.count != 1:
        yield Fault(
            f"{shader} binds '{name}' as an array", "bind one of each: nothing else is provided", names
        )
    elif binding.set == FRAME_SET and name in given.images:
        kind, stages = given.images[name]
        declared = f"{binding.texel} {binding.type}".strip()
        if declared != kind:
            yield Fault(f"{shader} binds '{name}' as {declared}", f"it is a {kind}", names)
        elif not stage & stages:
            yield Fault(
                f"{shader} binds '{name}', which this pass does not read in that stage",
                "declare the stage with the pass's ImageRead",
                names,
            )
    elif binding.set == FRAME_SET and name in given.shared:
        yield from _shared_faults(binding, stage, shader, *given.shared[name])
    elif binding.set == FRAME_SET and name in given.columns:
        yield from _column_faults(binding, shader)
    elif binding.set == FRAME_SET:
        yield from _buffer_faults(binding, shader, given.frame)


def _shared_faults(
    binding: Binding, stage: ShaderStage, shader: str, stages: ShaderStage, writes: bool
) -> Iterator[Fault]:
    """Say where a buffer that shaders write is used in another way than the pass says."""
    name = binding.name
    if binding.descriptor_type is not DescriptorType.STORAGE_BUFFER:
        yield Fault(
            f"{shader} binds '{name}' as {binding.descriptor_type}",
            "it is a storage_buffer",
            (name, binding.type),
        )
    elif not stage & stages:
        yield Fault(
            f"{shader} binds '{name}', which this pass does not use in that stage",
            "declare the stage with the pass's BufferUse",
            (name, binding.type),
        )
    elif not (writes or binding.readonly):
        yield Fault(
            f"{shader} may write '{name}', which this pass only reads",
            "declare the block readonly, or the pass's BufferUse with writes=True",
            (name, binding.type),
        )


def _buffer_faults(binding: Binding, shader: str, frame: tuple[Member, ...]) -> Iterator[Fault]:
    name = binding.name
    wanted = DescriptorType.UNIFORM_BUFFER if name == "frame" else DescriptorType.STORAGE_BUFFER
    if binding.descriptor_type is not wanted:
        yield Fault(
            f"{shader} binds '{name}' as {binding.descriptor_type}", f"it is a {wanted}", (name, binding.type)
        )
        return
    if (binding.type in BLOCKS.values() or name in BLOCKS) and binding.type != BLOCKS.get(name):
        wanted_type = BLOCKS.get(name, "another name")
        yield Fault(
            f"{shader} declares '{name}' as the block {binding.type}",
            f"call the block {wanted_type}",
            (name, binding.type),
        )
    elif name == "frame":
        odd = list(_member_faults(binding.members, binding.block_size, name, shader))
        yield from odd or islice(_frame_faults(binding.members, frame, shader), 1)
    elif name == "materials":
        yield from _row_faults(binding, shader)


def _column_faults(binding: Binding, shader: str) -> Iterator[Fault]:
    """Say where a buffer of rows that a feature fills is declared as something else."""
    if binding.descriptor_type is not DescriptorType.STORAGE_BUFFER or not binding.readonly:
        yield Fault(
            f"{shader} binds '{binding.name}' as {binding.descriptor_type}",
            "it is a readonly storage_buffer",
            (binding.name, binding.type),
        )
    else:
        yield from _row_faults(binding, shader)


def _row_faults(binding: Binding, shader: str) -> Iterator[Fault]:
    """Say where a block is not one array of a struct of numbers."""
    row = binding.members[0] if len(binding.members) == 1 else None
    if row is None or not row.members or not 0 < row.stride <= MAX_UNIFORM_BYTES or row.offset or row.count:
        yield Fault(
            f"{shader} declares the block {binding.type} not as rows",
            f"declare it as one array of structs, without a length, of up to {MAX_UNIFORM_BYTES} bytes each",
            (binding.type, binding.name),
        )
    else:
        yield from _member_faults(row.members, row.stride, binding.name, shader)


def _member_faults(members: tuple[Member, ...], size: int, name: str, shader: str) -> Iterator[Fault]:
    for member in members:
        end = member.offset + max(member.size, (max(member.count, 1) - 1) * member.stride)
        if not _NUMBERS.fullmatch(member.type) or end > size or (member.count != 1 and not member.stride):
            yield Fault(
                f"{shader} has '{member.name}' in the block '{name}' as {member.type or 'a struct'}",
                "use numbers of 32 bits, vectors, matrices, and arrays of them",
                (member.name, name),
            )


def _frame_faults(members: tuple[Member, ...], frame: tuple[Member, ...], shader: str) -> Iterator[Fault]:
    """Say which members of frame.glsl are declared as another type."""
    known = {member.name: _described(member) for member in frame}
    for member in members:
        if known.get(member.name, _described(member)) != _described(member):
            yield Fault(
                f"{shader} has '{member.name}' in the block 'frame' as {_described(member)}; "
                f"it is {known[member.name]}",
                "declare the member as frame.glsl does, or give it a name of its own",
                (member.name,),
            )


def _described(member: Member) -> str:
    return f"{member.type}{f'[{member.count}]' if member.count != 1 else ''}"


def _layer_faults(stages: Mapping[ShaderStage, Stage]) -> Iterator[Fault]:
    """Say whether the rows of materials hold a layer for each binding of a texture."""
    bindings = [binding for stage in stages.values() for binding in stage.reflection.bindings]
    needed = max((row.binding + 1 for row in bindings if row.set == MATERIAL_SET), default=0)
    for row in bindings:
        for member in (inner for outer in row.members for inner in outer.members):
            if row.name != "materials" or member.name != "layers":
                continue
            room = member.count if member.count > 1 else _width(member.type)
            if room < needed:
                yield Fault(
                    f"the block 'materials' has room for {room} layers; "
                    f"textures have bindings up to {needed - 1}",
                    f"declare uint layers[{needed}] in its rows",
                    (member.name,),
                )


def _width(kind: str) -> int:
    """The numbers of a vector."""
    return int(kind[-1]) if "vec" in kind else 1


def _attribute_faults(vertex: Stage) -> Iterator[Fault]:
    seen: dict[int, str] = {}
    for row in vertex.reflection.inputs:
        if row.component or row.location in seen:
            other = seen.get(row.location, "another one")
            yield Fault(
                f"{vertex.label} reads '{row.name}' at location {row.location}, beside {other}",
                "give each vertex attribute a location of its own",
                (row.name,),
            )
        seen[row.location] = f"'{row.name}'"


def _varying_faults(vertex: Stage, fragment: Stage) -> Iterator[Fault]:
    written: dict[tuple[int, int], Variable] = {}
    for row in vertex.reflection.outputs:
        for place in _places(row):
            if place in written:
                yield Fault(
                    f"{vertex.label} writes '{row.name}' at location {row.location}, "
                    f"beside '{written[place].name}'",
                    "give each output a location of its own",
                    (row.name,),
                )
            written[place] = row
    for row in fragment.reflection.inputs:
        found = [written.get(place) for place in _places(row)]
        missing = [number for number, one in enumerate(found) if one is None]
        if missing:
            part = "" if len(missing) == len(found) else f".{_COMPONENTS[row.component + missing[0]]}"
            yield Fault(
                f"{fragment.label} reads '{row.name}{part}' at location {row.location}, "
                f"which {vertex.label} does not write",
                "write it in the vertex stage, at the same location",
                (row.name,),
            )
            continue
        other = next((one for one in found if one is not None and one.kind != row.kind), None)
        if other is not None:
            yield Fault(
                f"{fragment.label} reads '{row.name}' as {row.kind}; "
                f"{vertex.label} writes it as {other.kind}",
                "declare it alike in both stages",
                (row.name,),
            )


def _color_faults(fragment: Stage | None, given: PassInterface) -> Iterator[Fault]:
    if fragment is None:
        if given.colors:
            yield Fault(
                "there is no fragment shader, and the pass draws colours", "add one to the material's shaders"
            )
        return
    written = {place: row for row in fragment.reflection.outputs for place in _places(row)}
    for location, form in enumerate(given.colors):
        channels = len(_FIRST_BITS.findall(form.name.split("_")[0]))
        kind = "uint" if "UINT" in form.name else "int" if "SINT" in form.name else "float"
        rows = [written.get((location, component)) for component in range(channels)]
        vector = f"{kind if channels == 1 else ('' if kind == 'float' else kind[0]) + f'vec{channels}'}"
        advice = f"declare layout(location = {location}) out {vector}"
        if any(row is None for row in rows):
            yield Fault(f"{fragment.label} does not write all of colour {location} ({form.name})", advice)
        elif any(row is not None and row.kind != kind for row in rows):
            yield Fault(f"{fragment.label} does not write colour {location} ({form.name}) as {kind}", advice)
    for row in fragment.reflection.outputs:
        if row.location >= len(given.colors):
            yield Fault(
                f"{fragment.label} writes '{row.name}' at location {row.location}; "
                f"the pass has {len(given.colors)} colours",
                "leave it out",
                (row.name,),
            )


def _places(row: Variable) -> Iterator[tuple[int, int]]:
    """Yield (location, component) for each number of a variable."""
    return ((row.location, row.component + part) for part in range(row.components))
