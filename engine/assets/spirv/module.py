"""Reads the interface of a shader from its SPIR-V (SPIR-V specification 1.6, chapters 2.3 and 3).

One pass over the instructions fills tables of names, decorations, types, constants, variables and stores;
`engine.assets.spirv.types` turns types into names, sizes and members, `engine.assets.spirv.rules` says what a
module may not ask for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from engine.assets.formats import ShaderStage, VertexFormat
from engine.assets.limits import MAX_LOCATIONS, MAX_SHADER_BYTES
from engine.assets.spirv.capabilities import capability_faults
from engine.assets.spirv.reflection import (
    Binding,
    DescriptorType,
    PushConstants,
    Reflection,
    SpecConstant,
    Variable,
)
from engine.assets.spirv.rules import faults
from engine.assets.spirv.types import (
    Body,
    Decoration,
    ModuleTables,
    Op,
    ShaderFaultError,
    SpirvError,
    StorageClass,
    array_count,
    block_size,
    members_of,
    texel_format,
    type_name,
)

MAGIC = 0x07230203
"""First word of every SPIR-V module."""

_SWAPPED = 0x03022307
_MIN_MODULE_BYTES = 20
_MOST_IDS = 0x3F_FFFF
"""SPIR-V specification 1.6, 2.17, universal limits."""
_HEADER_WORDS = 5
_GLOBALS_LISTED = 0x0001_0400  # from SPIR-V 1.4 on, an entry point lists all global variables that it uses


_MAX_FAULTS = 20


def check_module(code: bytes) -> None:
    """Raise SpirvError for a wrong size, byte order, magic number or number of ids."""
    if len(code) < _MIN_MODULE_BYTES:
        raise SpirvError(
            f"{len(code)} bytes are too few for a SPIR-V module: its header takes {_MIN_MODULE_BYTES}"
        )
    if len(code) % 4:
        raise SpirvError(f"{len(code)} bytes: a SPIR-V module consists of 4-byte words")
    if len(code) > MAX_SHADER_BYTES:
        raise SpirvError(f"{len(code)} bytes are more than the limit of {MAX_SHADER_BYTES}")
    magic = int.from_bytes(code[:4], "little")
    if magic == _SWAPPED:
        raise SpirvError("the module is big-endian; Vulkan devices take little-endian words")
    if magic != MAGIC:
        raise SpirvError(f"the first word is 0x{magic:08x}, not SPIR-V's magic 0x{MAGIC:08x}")
    bound = int.from_bytes(code[12:16], "little")
    if not 1 <= bound <= _MOST_IDS:
        raise SpirvError(f"the bound of its ids is {bound}; SPIR-V allows 1 to {_MOST_IDS}")


def reflect(code: bytes, stage: ShaderStage, entry_point: str = "main") -> Reflection:
    """Return the interface of `entry_point` for `stage`.

    Raises SpirvError if the module has no such entry point or is invalid, ShaderFaultError if it asks for
    what devices are not opened with.
    """
    check_module(code)
    try:
        return _reflect(code, stage, entry_point)
    except (LookupError, TypeError, ValueError, struct.error) as error:
        if isinstance(error, SpirvError):
            raise
        raise SpirvError(f"the module is inconsistent ({type(error).__name__}: {error})") from error


def _reflect(code: bytes, stage: ShaderStage, entry_point: str) -> Reflection:
    words = _words(code)
    if refused := list(islice(capability_faults(_capabilities(words)), _MAX_FAULTS)):
        raise ShaderFaultError(refused)
    tables = _read_tables(words)
    entry = tables.entry_points.get((stage.execution_model, entry_point))
    if entry is None:
        known = ", ".join(sorted(name for _, name in tables.entry_points)) or "none"
        raise SpirvError(f"no entry point '{entry_point}' for {stage.value}; the module has: {known}")
    entry_id, interface = entry
    listed = set(interface) if tables.version >= _GLOBALS_LISTED else None
    inputs: list[Variable] = []
    outputs: list[Variable] = []
    bindings: list[Binding] = []
    push_constants: list[PushConstants] = []
    for variable, (pointer, storage) in tables.variables.items():
        if listed is not None and variable not in listed:
            continue
        pointee = tables.types[pointer][2]
        if storage in (StorageClass.INPUT, StorageClass.OUTPUT):
            if variable in interface:
                rows = inputs if storage == StorageClass.INPUT else outputs
                rows.extend(_stage_variables(tables, variable, pointee))
        elif storage == StorageClass.PUSH_CONSTANT:
            push_constants.append(_push_constants(tables, variable, pointee))
        elif Decoration.BINDING in tables.decorations.get(variable, {}):
            bindings.append(_binding(tables, variable, pointee, storage))
    reflection = Reflection(
        entry_point=entry_point,
        execution_model=stage.execution_model,
        inputs=tuple(sorted(inputs, key=lambda row: row.location)),
        outputs=tuple(sorted(outputs, key=lambda row: row.location)),
        bindings=tuple(sorted(bindings, key=lambda row: (row.set, row.binding))),
        push_constants=tuple(push_constants),
        local_size=_local_size(tables, entry_id) if stage is ShaderStage.COMPUTE else None,
        capabilities=tuple(sorted(tables.capabilities)),
        writes_point_size=stage is ShaderStage.VERTEX and _writes_point_size(tables, entry_id),
        constants=tuple(sorted(_constants(tables), key=lambda row: row.id)),
    )
    found = list(islice(faults(tables, stage, entry_id, reflection), _MAX_FAULTS))
    if found:
        raise ShaderFaultError(found)
    return reflection


def _string(words: tuple[int, ...]) -> tuple[str, int]:
    """Return a literal string and its number of words."""
    data = struct.pack(f"<{len(words)}I", *words)
    end = data.find(b"\0")
    if end < 0:
        raise SpirvError("a string of the module does not end")
    return data[:end].decode("utf-8", errors="replace"), end // 4 + 1


def last_instruction(code: bytes) -> int:
    """Return the opcode of the last instruction of a module, 0 if it has none. Raises SpirvError."""
    words = _words(code)
    at, end, last = _HEADER_WORDS, len(words), 0
    while at < end:
        last = at
        at += words[at] >> 16
        if at == last or at > end:
            raise _wrong_length(words, last)
    return words[last] & 0xFFFF if last else 0


def _words(code: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(code) // 4}I", code)


def _wrong_length(words: tuple[int, ...], at: int) -> SpirvError:
    return SpirvError(f"the instruction at word {at} claims {words[at] >> 16} words of {len(words) - at}")


def _capabilities(words: tuple[int, ...]) -> Iterator[int]:
    """Yield the capabilities of a module, which stand before all else, and before types unknown here."""
    at = _HEADER_WORDS
    while at + 1 < len(words) and words[at] == 2 << 16 | Op.CAPABILITY:
        yield words[at + 1]
        at += 2


def _read_tables(words: tuple[int, ...]) -> ModuleTables:
    tables = ModuleTables(version=words[1])
    _read_functions(tables, words, _read_globals(tables, words))
    return tables


def _read_globals(tables: ModuleTables, words: tuple[int, ...]) -> int:
    """Read what stands before the first function; return the place of that."""
    at, end = _HEADER_WORDS, len(words)
    while at < end:
        head = words[at]
        op, behind = head & 0xFFFF, at + (head >> 16)
        if op == _FUNCTION:
            break
        if behind == at or behind > end:
            raise _wrong_length(words, at)
        reader = _READERS.get(op)
        if reader is not None:
            reader(tables, words[at + 1 : behind])
        elif op in _TYPE_OPS:
            tables.add_type(op, words[at + 1 : behind])
        if op in _OPS_OF_VALUES and behind > at + 1:
            kind = words[at + 1]
            if tables.types.get(kind, (0,))[0] in _AGGREGATES:
                tables.value_types.add(kind)
        at = behind
    return at


def _read_functions(tables: ModuleTables, words: tuple[int, ...], at: int) -> None:
    """Read the functions from a place on: most of a module, of which few instructions count."""
    aggregates = {kind for kind, (op, *_) in tables.types.items() if op in _AGGREGATES}
    body, end = Body(), len(words)
    while at < end:
        head = words[at]
        behind = at + (head >> 16)
        if behind == at or behind > end:
            raise _wrong_length(words, at)
        # an instruction with a result begins with its type, and no other one with the id of a type
        if behind > at + 1 and words[at + 1] in aggregates:
            tables.value_types.add(words[at + 1])
        op = head & 0xFFFF
        if op in _OPS_OF_FUNCTIONS:
            operands = words[at + 1 : behind]
            if op == _FUNCTION:
                body = tables.bodies[operands[1]] = Body()
            elif op == _VARIABLE:
                _read_variable(tables, operands)
            elif op == _FUNCTION_CALL:
                body.calls.add(operands[2])
            elif op in _STORES:
                body.stores.add(operands[0])
            else:
                tables.chains[operands[1]] = operands[2:]
        at = behind


def _read_name(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.names[operands[0]] = _string(operands[1:])[0]


def _read_member_name(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.member_names[operands[0], operands[1]] = _string(operands[2:])[0]


def _read_entry_point(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    name, length = _string(operands[2:])
    tables.entry_points[operands[0], name] = (operands[1], operands[2 + length :])


def _read_execution_mode(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.execution_modes.setdefault(operands[0], {})[operands[1]] = operands[2:]


def _read_extension(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.extensions.append(_string(operands)[0])


def _read_decoration(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    value = operands[2] if len(operands) > 2 else 1
    tables.decorations.setdefault(operands[0], {})[operands[1]] = value


def _read_member_decoration(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    value = operands[3] if len(operands) > 3 else 1
    tables.member_decorations.setdefault((operands[0], operands[1]), {})[operands[2]] = value


def _read_constant(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.constants[operands[1]] = sum(word << 32 * place for place, word in enumerate(operands[2:]))


def _read_spec_constant(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.specialized[operands[1]] = operands[0]
    if len(operands) > 2:
        _read_constant(tables, operands)


def _read_composite(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.composites[operands[1]] = operands[2:]


def _read_forward_pointer(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.pointers.add(operands[0])


def _read_variable(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.variables[operands[1]] = (operands[0], operands[2])
    if len(operands) > 3:
        tables.initialized.add(operands[1])


def _read_capability(tables: ModuleTables, operands: tuple[int, ...]) -> None:
    tables.capabilities.append(operands[0])


_READERS_BY_OP: dict[Op, Callable[[ModuleTables, tuple[int, ...]], None]] = {
    Op.NAME: _read_name,
    Op.MEMBER_NAME: _read_member_name,
    Op.ENTRY_POINT: _read_entry_point,
    Op.EXECUTION_MODE: _read_execution_mode,
    Op.EXECUTION_MODE_ID: _read_execution_mode,
    Op.EXTENSION: _read_extension,
    Op.TYPE_FORWARD_POINTER: _read_forward_pointer,
    Op.CAPABILITY: _read_capability,
    Op.DECORATE: _read_decoration,
    Op.MEMBER_DECORATE: _read_member_decoration,
    Op.CONSTANT: _read_constant,
    Op.SPEC_CONSTANT_TRUE: _read_spec_constant,
    Op.SPEC_CONSTANT_FALSE: _read_spec_constant,
    Op.SPEC_CONSTANT: _read_spec_constant,
    Op.CONSTANT_COMPOSITE: _read_composite,
    Op.SPEC_CONSTANT_COMPOSITE: _read_composite,
    Op.VARIABLE: _read_variable,
}
# Plain numbers: they are compared with every instruction, and a member of an enum takes five times as long.
_READERS = {int(op): reader for op, reader in _READERS_BY_OP.items()}
_TYPE_OPS = frozenset({*range(Op.TYPE_VOID, Op.TYPE_POINTER + 1), int(Op.TYPE_ACCELERATION_STRUCTURE)})
_OPS_OF_VALUES = frozenset({*range(Op.CONSTANT_TRUE, Op.SPEC_CONSTANT_OP + 1), int(Op.UNDEF)})
_AGGREGATES = frozenset({int(Op.TYPE_ARRAY), int(Op.TYPE_STRUCT)})
_FUNCTION, _VARIABLE, _FUNCTION_CALL = int(Op.FUNCTION), int(Op.VARIABLE), int(Op.FUNCTION_CALL)
_STORES = frozenset({int(Op.STORE), int(Op.COPY_MEMORY)})
_OPS_OF_FUNCTIONS = frozenset(
    {_FUNCTION, _VARIABLE, _FUNCTION_CALL, *_STORES, int(Op.ACCESS_CHAIN), int(Op.IN_BOUNDS_ACCESS_CHAIN)}
)

_LOCAL_SIZE, _LOCAL_SIZE_ID = 17, 38
_WORKGROUP_SIZE, _POINT_SIZE = 25, 1


def _local_size(tables: ModuleTables, entry: int) -> tuple[int, int, int] | None:
    """Return the size of a compute shader's groups: a WorkgroupSize constant goes before execution modes."""
    modes = tables.execution_modes.get(entry, {})
    for constant, decorations in tables.decorations.items():
        if decorations.get(Decoration.BUILT_IN) == _WORKGROUP_SIZE:
            ids: tuple[int, ...] = tables.composites[constant]
            break
    else:
        if _LOCAL_SIZE_ID not in modes:
            size = modes.get(_LOCAL_SIZE)
            return (size[0], size[1], size[2]) if size else None
        ids = modes[_LOCAL_SIZE_ID]
    x, y, z = (tables.constants[one] for one in ids)
    return x, y, z


def _writes_point_size(tables: ModuleTables, entry: int) -> bool:
    """Whether a function that the entry point reaches stores to gl_PointSize."""
    reached, left = {entry}, [entry]
    while left:
        for called in tables.bodies[left.pop()].calls - reached:
            reached.add(called)
            left.append(called)
    return any(_is_point_size(tables, to) for one in reached for to in tables.bodies[one].stores)


def _is_point_size(tables: ModuleTables, pointer: int) -> bool:
    base, *indices = tables.chains.get(pointer, (pointer,))
    if tables.decorations.get(base, {}).get(Decoration.BUILT_IN) == _POINT_SIZE:
        return True
    if base not in tables.variables:
        return False
    block = tables.types[tables.variables[base][0]][2]
    members = [tables.constants.get(indices[0])] if indices else range(len(tables.types[block]) - 1)
    return any(
        tables.member_decorations.get((block, member), {}).get(Decoration.BUILT_IN) == _POINT_SIZE
        for member in members
        if member is not None
    )


def _constants(tables: ModuleTables) -> Iterator[SpecConstant]:
    for constant, kind in tables.specialized.items():
        number = tables.decorations.get(constant, {}).get(Decoration.SPEC_ID)
        if number is not None:
            yield SpecConstant(tables.names.get(constant, ""), number, type_name(tables, kind))


def _stage_variables(tables: ModuleTables, variable: int, pointee: int) -> Iterator[Variable]:
    """Yield a variable for each location of an input or output; builtins have none."""
    decorations = tables.decorations.get(variable, {})
    if Decoration.LOCATION in decorations:
        yield from _located(tables, tables.names.get(variable, ""), decorations, pointee)
    elif tables.types[pointee][0] == Op.TYPE_STRUCT:
        for index, member in enumerate(tables.types[pointee][1:]):
            inner = tables.member_decorations.get((pointee, index), {})
            if Decoration.LOCATION in inner:
                yield from _located(tables, tables.member_names.get((pointee, index), ""), inner, member)


def _located(
    tables: ModuleTables, name: str, decorations: Mapping[int, int], kind: int
) -> Iterator[Variable]:
    """Yield a variable for each location from the first one on, up to one more than a device has."""
    location = decorations[Decoration.LOCATION]
    component = decorations.get(Decoration.COMPONENT, 0)
    for label, element in islice(_elements(tables, name, kind), MAX_LOCATIONS + 1):
        yield _variable(tables, label, location, component, element)
        location += 1


def _elements(tables: ModuleTables, name: str, kind: int) -> Iterator[tuple[str, int]]:
    """Yield name and type of what takes one location each: elements of arrays, members, columns."""
    op, *operands = tables.types[kind]
    if op == Op.TYPE_ARRAY:
        for element in range(array_count(tables, kind)):
            yield from _elements(tables, f"{name}[{element}]", operands[0])
    elif op == Op.TYPE_MATRIX:
        yield from ((f"{name}[{column}]", operands[0]) for column in range(operands[1]))
    elif op == Op.TYPE_STRUCT:
        for index, member in enumerate(operands):
            yield from _elements(tables, f"{name}.{tables.member_names.get((kind, index), '')}", member)
    else:
        yield name, kind


def _variable(tables: ModuleTables, name: str, location: int, component: int, kind: int) -> Variable:
    op, *operands = tables.types[kind]
    components = operands[1] if op == Op.TYPE_VECTOR else 1
    scalar_op, *scalar = tables.types[operands[0]] if op == Op.TYPE_VECTOR else (op, *operands)
    if scalar_op not in (Op.TYPE_FLOAT, Op.TYPE_INT) or scalar[0] > 32:
        raise SpirvError(
            f"'{name}' at location {location} is {type_name(tables, kind)}: only 32-bit types work"
        )
    kinds = ("float", "sfloat") if scalar_op == Op.TYPE_FLOAT else _INTEGER_KINDS[scalar[1]]
    channels = "".join(f"{channel}32" for channel in "rgba"[:components])
    form = VertexFormat(f"{channels}_{kinds[1]}")
    return Variable(name, location, form, components, kinds[0], component)


_INTEGER_KINDS = {0: ("uint", "uint"), 1: ("int", "sint")}


def _push_constants(tables: ModuleTables, variable: int, pointee: int) -> PushConstants:
    members = members_of(tables, pointee)
    offset = min((member.offset for member in members), default=0)
    end = max((member.offset + member.size for member in members), default=0)
    name = tables.names.get(variable) or tables.names.get(pointee, "")
    return PushConstants(name, offset, end - offset, members)


def _binding(tables: ModuleTables, variable: int, pointee: int, storage: int) -> Binding:
    decorations = tables.decorations[variable]
    count = 1
    while tables.types[pointee][0] in (Op.TYPE_ARRAY, Op.TYPE_RUNTIME_ARRAY):
        count *= array_count(tables, pointee)
        pointee = tables.types[pointee][1]
    is_block = tables.types[pointee][0] == Op.TYPE_STRUCT
    members = members_of(tables, pointee) if is_block else ()
    readonly = Decoration.NON_WRITABLE in decorations or (
        is_block
        and all(
            Decoration.NON_WRITABLE in tables.member_decorations.get((pointee, index), {})
            for index in range(len(members))
        )
    )
    return Binding(
        set=decorations.get(Decoration.DESCRIPTOR_SET, 0),
        binding=decorations[Decoration.BINDING],
        name=tables.names.get(variable) or tables.names.get(pointee, ""),
        descriptor_type=_descriptor_type(tables, pointee, storage),
        count=count,
        type=type_name(tables, pointee),
        block_size=block_size(members),
        members=members,
        readonly=readonly,
        texel=texel_format(tables, pointee),
    )


def _descriptor_type(tables: ModuleTables, kind: int, storage: int) -> DescriptorType:
    """Return the descriptor type (Vulkan specification, 15.5.2, table 'Descriptor Type and Store Type')."""
    op, *operands = tables.types[kind]
    if op == Op.TYPE_STRUCT:
        old_storage = Decoration.BUFFER_BLOCK in tables.decorations.get(kind, {})
        is_storage = storage == StorageClass.STORAGE_BUFFER or old_storage
        return DescriptorType.STORAGE_BUFFER if is_storage else DescriptorType.UNIFORM_BUFFER
    if op == Op.TYPE_SAMPLER:
        return DescriptorType.SAMPLER
    if op == Op.TYPE_ACCELERATION_STRUCTURE:
        return DescriptorType.ACCELERATION_STRUCTURE
    image = tables.types[operands[0]][1:] if op == Op.TYPE_SAMPLED_IMAGE else operands
    if op not in (Op.TYPE_SAMPLED_IMAGE, Op.TYPE_IMAGE):
        raise SpirvError(f"no descriptor holds {type_name(tables, kind)}")
    dimension, sampled = image[1], image[5]
    if dimension == 5:  # Buffer
        return DescriptorType.STORAGE_TEXEL_BUFFER if sampled == 2 else DescriptorType.UNIFORM_TEXEL_BUFFER
    if dimension == 6:  # SubpassData
        return DescriptorType.INPUT_ATTACHMENT
    if op == Op.TYPE_SAMPLED_IMAGE:
        return DescriptorType.COMBINED_IMAGE_SAMPLER
    return DescriptorType.STORAGE_IMAGE if sampled == 2 else DescriptorType.SAMPLED_IMAGE
