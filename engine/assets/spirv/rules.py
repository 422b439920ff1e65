"""What a SPIR-V module may ask of a device: only what devices are opened for, and in proportion.

Drivers take a valid module at its word: a capability that was not enabled, or a variable of gigabytes, ends
the process. What depends on other stages, on the vertex format or on the pass is checked when they are known
(`engine.planning.draw.interfaces`).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.assets.formats import ShaderStage
from engine.assets.limits import (
    MAX_BINDING,
    MAX_GROUP_INVOCATIONS,
    MAX_GROUP_SIZE,
    MAX_LOCATIONS,
    MAX_PUSH_BYTES,
    MAX_SETS,
    MAX_SHADER_TABLE_BYTES,
    MAX_SHADER_VALUE_BYTES,
    MAX_SHARED_BYTES,
    MAX_UNIFORM_BYTES,
)
from engine.assets.spirv.capabilities import capability_faults, extension_faults
from engine.assets.spirv.reflection import DescriptorType, Reflection
from engine.assets.spirv.types import Decoration, Fault, ModuleTables, Op, StorageClass

_LOCAL_SIZE, _LOCAL_SIZE_ID = 17, 38
_INT64 = 11
_MODES = {
    ShaderStage.VERTEX: frozenset[int](),
    # OriginUpperLeft, EarlyFragmentTests, DepthReplacing, DepthGreater, DepthLess, DepthUnchanged
    ShaderStage.FRAGMENT: frozenset({7, 9, 12, 14, 15, 16}),
    ShaderStage.COMPUTE: frozenset({_LOCAL_SIZE, _LOCAL_SIZE_ID}),
}
_NEWEST = 0x0001_0600  # of SPIR-V, in Vulkan 1.3
_WRITABLE = (
    DescriptorType.STORAGE_BUFFER,
    DescriptorType.STORAGE_IMAGE,
    DescriptorType.STORAGE_TEXEL_BUFFER,
)


def faults(tables: ModuleTables, stage: ShaderStage, entry: int, reflection: Reflection) -> Iterator[Fault]:
    """Yield what the entry point `entry` of a module must not ask of a device."""
    if tables.version > _NEWEST:
        yield Fault("the module is of a SPIR-V newer than 1.6", "compile it for Vulkan 1.3")
    yield from capability_faults(tables.capabilities)
    yield from extension_faults(tables.extensions)
    yield from _widths(tables)
    if stage not in _MODES:
        yield Fault(
            f"it is for {stage.value}, and no pipeline has that stage",
            "pipelines have a vertex and a fragment stage, or a compute stage",
        )
        return
    for mode in tables.execution_modes.get(entry, ()):
        if mode not in _MODES[stage]:
            yield Fault(
                f"it has the execution mode {mode}, which no device is opened for",
                "leave out layout qualifiers of extensions",
            )
    yield from _sizes(tables, stage)
    yield from _variables(tables, stage, reflection)
    if stage is ShaderStage.COMPUTE:
        yield from _group(reflection.local_size)


def _widths(tables: ModuleTables) -> Iterator[Fault]:
    for kind, (op, *operands) in tables.types.items():
        wide = op == Op.TYPE_INT and operands[0] == 64 and _INT64 in tables.capabilities
        if op in (Op.TYPE_INT, Op.TYPE_FLOAT) and operands[0] != 32 and not wide:
            yield Fault(f"type {kind} has {operands[0]} bits", "use types of 32 bits")


def _sizes(tables: ModuleTables, stage: ShaderStage) -> Iterator[Fault]:
    """Refuse shared variables beyond what every device has, and of compute shaders what is huge.

    No limit of a device says how much an invocation may hold, and drivers crash or take minutes. Pipelines of
    passes are tried in another process for that reason; compute pipelines are not.
    """
    sizes = {name: tables.sizes[tables.types[pointer][2]] for name, (pointer, _) in tables.variables.items()}
    of_groups = [name for name, (_, kind) in tables.variables.items() if kind == StorageClass.WORKGROUP]
    own = [
        name
        for name, (_, kind) in tables.variables.items()
        if kind in (StorageClass.FUNCTION, StorageClass.PRIVATE)
    ]
    shared = sum(sizes[name] for name in of_groups)
    if shared > MAX_SHARED_BYTES:
        yield Fault(
            f"its shared variables take {shared} bytes; a work group has {MAX_SHARED_BYTES}",
            "make arrays smaller, or put them into a buffer",
        )
    if stage is not ShaderStage.COMPUTE:
        return
    held = sum(sizes[name] for name in own)
    largest = max(own, key=sizes.__getitem__, default=0)
    if held > MAX_SHADER_VALUE_BYTES:
        named = tables.names.get(largest, "")
        yield Fault(
            f"its variables take {held} bytes, '{named}' {sizes[largest]}; an invocation has "
            f"{MAX_SHADER_VALUE_BYTES}",
            "make arrays smaller, or put them into a buffer",
            (named,),
        )
    given = sum(sizes[name] for name in own if name in tables.initialized)
    if given > MAX_SHADER_TABLE_BYTES:
        yield Fault(
            f"its constant tables take {given} bytes; a shader has {MAX_SHADER_TABLE_BYTES}",
            "make the tables smaller, or compute what they hold",
        )
    value = max((tables.sizes[kind] for kind in tables.value_types), default=0)
    if value > MAX_SHADER_VALUE_BYTES:
        yield Fault(
            f"it handles values of {value} bytes; an invocation has {MAX_SHADER_VALUE_BYTES}",
            "read members of a large block one at a time",
        )


def _variables(tables: ModuleTables, stage: ShaderStage, reflection: Reflection) -> Iterator[Fault]:
    for row in (*reflection.inputs, *reflection.outputs):
        if row.location >= MAX_LOCATIONS:
            yield Fault(
                f"'{row.name}' has the location {row.location}; every device has {MAX_LOCATIONS}",
                "use fewer inputs and outputs",
                (row.name,),
            )
    for variable, decorations in tables.decorations.items():
        if decorations.get(Decoration.INDEX, 0):
            name = tables.names.get(variable, "")
            yield Fault(f"'{name}' has an index, for blending that is not used", "leave out `index`", (name,))
    for binding in reflection.bindings:
        if binding.set >= MAX_SETS or binding.binding > MAX_BINDING:
            yield Fault(
                f"'{binding.name}' has set {binding.set} and binding {binding.binding}",
                f"there are {MAX_SETS} sets, with bindings up to {MAX_BINDING}",
                (binding.name,),
            )
        is_uniform = binding.descriptor_type is DescriptorType.UNIFORM_BUFFER
        if is_uniform and binding.block_size > MAX_UNIFORM_BYTES:
            yield Fault(
                f"the uniform block '{binding.name}' has {binding.block_size} bytes",
                f"every device has {MAX_UNIFORM_BYTES}; use a storage buffer for more",
                (binding.name,),
            )
        is_graphics = stage is not ShaderStage.COMPUTE
        if is_graphics and binding.descriptor_type in _WRITABLE and not binding.readonly:
            yield Fault(
                f"'{binding.name}' may be written to, which only compute shaders do",
                "declare it readonly",
                (binding.name,),
            )
    for block in reflection.push_constants:
        if block.offset + block.size > MAX_PUSH_BYTES:
            yield Fault(
                f"the push constants '{block.name}' end at byte {block.offset + block.size}",
                f"every device has {MAX_PUSH_BYTES} bytes of them",
                (block.name,),
            )


def _group(size: tuple[int, int, int] | None) -> Iterator[Fault]:
    if size is None:
        yield Fault("it has no local size", "write layout(local_size_x = 64) in;")
        return
    count = size[0] * size[1] * size[2]
    fits = all(1 <= side <= most for side, most in zip(size, MAX_GROUP_SIZE, strict=True))
    if not fits or count > MAX_GROUP_INVOCATIONS:
        most = " x ".join(map(str, MAX_GROUP_SIZE))
        yield Fault(
            f"its work groups have {' x '.join(map(str, size))} invocations",
            f"there are at most {MAX_GROUP_INVOCATIONS}, and {most}",
        )
