"""The types of a SPIR-V module: their GLSL names, sizes in bytes and members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from engine.assets.spirv.reflection import Member


class SpirvError(ValueError):
    """A SPIR-V module is invalid, or lacks the requested entry point; the text says which."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a module must not ask for: what it is, and a hint.

    `names` are words of its source that are about it: the first that is there gives the place.
    """

    message: str
    help: str
    names: tuple[str, ...] = ()


class ShaderFaultError(SpirvError):
    """A valid module asks for what no device is opened with; `faults` say for what."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


class Op(IntEnum):
    """The instructions that describe an interface and what a module asks for (SPIR-V specification, 3.52)."""

    UNDEF = 1
    NAME = 5
    MEMBER_NAME = 6
    EXTENSION = 10
    ENTRY_POINT = 15
    EXECUTION_MODE = 16
    EXECUTION_MODE_ID = 331
    CAPABILITY = 17
    TYPE_VOID = 19
    TYPE_BOOL = 20
    TYPE_INT = 21
    TYPE_FLOAT = 22
    TYPE_VECTOR = 23
    TYPE_MATRIX = 24
    TYPE_IMAGE = 25
    TYPE_SAMPLER = 26
    TYPE_SAMPLED_IMAGE = 27
    TYPE_ARRAY = 28
    TYPE_RUNTIME_ARRAY = 29
    TYPE_STRUCT = 30
    TYPE_POINTER = 32
    TYPE_FORWARD_POINTER = 39
    CONSTANT_TRUE = 41
    CONSTANT = 43
    CONSTANT_COMPOSITE = 44
    SPEC_CONSTANT_TRUE = 48
    SPEC_CONSTANT_FALSE = 49
    SPEC_CONSTANT = 50
    SPEC_CONSTANT_COMPOSITE = 51
    SPEC_CONSTANT_OP = 52
    FUNCTION = 54
    FUNCTION_END = 56
    FUNCTION_CALL = 57
    VARIABLE = 59
    STORE = 62
    COPY_MEMORY = 63
    ACCESS_CHAIN = 65
    IN_BOUNDS_ACCESS_CHAIN = 66
    DECORATE = 71
    MEMBER_DECORATE = 72
    TYPE_ACCELERATION_STRUCTURE = 5341


class Decoration(IntEnum):
    """The decorations that reflection reads (SPIR-V specification, 3.20)."""

    SPEC_ID = 1
    BUFFER_BLOCK = 3
    ROW_MAJOR = 4
    ARRAY_STRIDE = 6
    MATRIX_STRIDE = 7
    BUILT_IN = 11
    NON_WRITABLE = 24
    LOCATION = 30
    COMPONENT = 31
    INDEX = 32
    BINDING = 33
    DESCRIPTOR_SET = 34
    OFFSET = 35


class StorageClass(IntEnum):
    """The storage class of a variable (SPIR-V specification, 3.7)."""

    INPUT = 1
    OUTPUT = 3
    WORKGROUP = 4
    PRIVATE = 6
    FUNCTION = 7
    PUSH_CONSTANT = 9
    STORAGE_BUFFER = 12


@dataclass(slots=True)
class Body:
    """One function: the functions that it calls, and the pointers that it writes to, by id."""

    calls: set[int] = field(default_factory=set)
    stores: set[int] = field(default_factory=set)


@dataclass(slots=True)
class ModuleTables:
    """Tables of the instructions of a module, by result id.

    `sizes` has the bytes of a value of each type, `chains` base and indices of each access chain,
    `initialized` the variables with an initial value, `specialized` the types of specialization constants,
    `value_types` the arrays and structs that are types of values, `members` those of structs, each with how
    many there are with the members of members.
    """

    version: int
    names: dict[int, str] = field(default_factory=dict)
    member_names: dict[tuple[int, int], str] = field(default_factory=dict)
    decorations: dict[int, dict[int, int]] = field(default_factory=dict)
    member_decorations: dict[tuple[int, int], dict[int, int]] = field(default_factory=dict)
    types: dict[int, tuple[int, ...]] = field(default_factory=dict)
    constants: dict[int, int] = field(default_factory=dict)
    composites: dict[int, tuple[int, ...]] = field(default_factory=dict)
    specialized: dict[int, int] = field(default_factory=dict)
    variables: dict[int, tuple[int, int]] = field(default_factory=dict)
    initialized: set[int] = field(default_factory=set)
    entry_points: dict[tuple[int, str], tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    execution_modes: dict[int, dict[int, tuple[int, ...]]] = field(default_factory=dict)
    capabilities: list[int] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)
    bodies: dict[int, Body] = field(default_factory=dict)
    chains: dict[int, tuple[int, ...]] = field(default_factory=dict)
    value_types: set[int] = field(default_factory=set)
    sizes: dict[int, int] = field(default_factory=dict)
    pointers: set[int] = field(default_factory=set)
    depths: dict[int, int] = field(default_factory=dict)
    members: dict[int, tuple[tuple[Member, ...], int]] = field(default_factory=dict)
    members_left: int = 1 << 16

    def add_type(self, op: int, operands: tuple[int, ...]) -> None:
        """Add a type. Its parts must have been added before, so that no type can contain itself."""
        kind, *parts = operands
        if kind in self.types:
            raise SpirvError(f"type {kind} is defined twice")
        if op in _TYPES_OF_ONE_PART and parts[0] not in self.types:
            raise SpirvError(f"type {kind} uses type {parts[0]} before it is defined")
        if op == Op.TYPE_STRUCT and not all(part in self.types or part in self.pointers for part in parts):
            raise SpirvError(f"type {kind} uses a type before it is defined")
        if op in (Op.TYPE_VECTOR, Op.TYPE_MATRIX) and not 2 <= parts[1] <= _MAX_COMPONENTS:
            raise SpirvError(f"type {kind} has {parts[1]} components")
        self.types[kind] = (op, *parts)
        inner = parts[:1] if op in _TYPES_OF_ONE_PART else parts if op == Op.TYPE_STRUCT else ()
        depth = self.depths[kind] = 1 + max((self.depths.get(part, 0) for part in inner), default=0)
        if depth > _MAX_DEPTH:
            raise SpirvError(f"types nest deeper than {_MAX_DEPTH}")
        self.sizes[kind] = _value_size(self, kind)


_TYPES_OF_ONE_PART = frozenset(
    {
        Op.TYPE_VECTOR,
        Op.TYPE_MATRIX,
        Op.TYPE_IMAGE,
        Op.TYPE_SAMPLED_IMAGE,
        Op.TYPE_ARRAY,
        Op.TYPE_RUNTIME_ARRAY,
    }
)
_MAX_DEPTH = 32
_MAX_COMPONENTS = 4
_DIMENSIONS = ("1D", "2D", "3D", "Cube", "2DRect", "Buffer", "subpassInput")


def array_count(tables: ModuleTables, kind: int) -> int:
    """Return the length of an array type; 0 for an unsized array."""
    op, *operands = tables.types[kind]
    if op != Op.TYPE_ARRAY:
        return 0
    if operands[1] not in tables.constants:
        raise ShaderFaultError([_computed_length(tables.names.get(operands[1], ""))])
    return tables.constants[operands[1]]


def _computed_length(name: str) -> Fault:
    what = f"'{name}'" if name else "a specialization constant"
    return Fault(
        f"the length of an array is computed from {what}, and pipelines are made for arrays of fixed lengths",
        "write the length as a number, and use less of the array",
        (name, "constant_id"),
    )


def type_name(tables: ModuleTables, kind: int) -> str:
    """Return the GLSL name of a type without array lengths: `vec3`, `sampler2DArray`, a struct's name."""
    op, *operands = tables.types[kind]
    if op == Op.TYPE_FLOAT:
        return {16: "float16_t", 32: "float", 64: "double"}[operands[0]]
    if op == Op.TYPE_INT:
        plain = "int" if operands[1] else "uint"
        return plain if operands[0] == 32 else f"{plain}{operands[0]}_t"
    if op == Op.TYPE_VECTOR:
        prefix = {"float": "", "double": "d", "int": "i", "uint": "u", "bool": "b"}
        scalar = type_name(tables, operands[0])
        return f"{prefix.get(scalar, scalar + '_')}vec{operands[1]}"
    if op == Op.TYPE_MATRIX:
        rows = tables.types[operands[0]][2]
        return f"mat{operands[1]}" if rows == operands[1] else f"mat{operands[1]}x{rows}"
    if op in (Op.TYPE_ARRAY, Op.TYPE_RUNTIME_ARRAY):
        return type_name(tables, operands[0])
    if op == Op.TYPE_STRUCT:
        return tables.names.get(kind, "")
    if op == Op.TYPE_SAMPLED_IMAGE:
        return _image_name(tables, tables.types[operands[0]][1:], "sampler")
    if op == Op.TYPE_IMAGE:
        return _image_name(tables, tuple(operands), "image" if operands[5] == 2 else "texture")
    return {
        Op.TYPE_VOID: "void",
        Op.TYPE_BOOL: "bool",
        Op.TYPE_SAMPLER: "sampler",
        Op.TYPE_ACCELERATION_STRUCTURE: "accelerationStructureEXT",
    }.get(Op(op), "opaque")


_TEXELS = {1: "rgba32f", 2: "rgba16f", 3: "r32f", 4: "rgba8", 33: "r32ui"}
"""Image formats (SPIR-V specification, 3.11) that every device can store, as GLSL names them."""


def texel_format(tables: ModuleTables, kind: int) -> str:
    """Return the format of a storage image, empty for other types and other formats."""
    op, *operands = tables.types[kind]
    is_storage = op == Op.TYPE_IMAGE and operands[5] == 2
    return _TEXELS.get(operands[6], "") if is_storage else ""


def _image_name(tables: ModuleTables, image: tuple[int, ...], what: str) -> str:
    sampled_type, dimension, depth, arrayed, multisampled = image[:5]
    scalar = type_name(tables, sampled_type)
    prefix = {"int": "i", "uint": "u"}.get(scalar, "")
    shadow = "Shadow" if depth == 1 and what == "sampler" else ""
    samples = "MS" if multisampled else ""
    return f"{prefix}{what}{_DIMENSIONS[dimension]}{samples}{'Array' if arrayed else ''}{shadow}"


def members_of(tables: ModuleTables, kind: int, depth: int = 0) -> tuple[Member, ...]:
    """Return the members of a struct type with their offsets, in order of declaration."""
    if depth > _MAX_DEPTH:
        raise SpirvError(f"structs nest deeper than {_MAX_DEPTH}")
    known = tables.members.get(kind)
    if known is not None:
        _take_members(tables, known[1])
        return known[0]
    before, rows = tables.members_left, []
    for index, member in enumerate(tables.types[kind][1:]):
        _take_members(tables, 1)
        decorations = tables.member_decorations.get((kind, index), {})
        count, stride, element = 1, 0, member
        while tables.types[element][0] in (Op.TYPE_ARRAY, Op.TYPE_RUNTIME_ARRAY):
            stride = stride or tables.decorations.get(element, {}).get(Decoration.ARRAY_STRIDE, 0)
            count *= array_count(tables, element)
            element = tables.types[element][1]
        inner = members_of(tables, element, depth + 1) if tables.types[element][0] == Op.TYPE_STRUCT else ()
        is_struct = member == element and tables.types[element][0] == Op.TYPE_STRUCT
        rows.append(
            Member(
                name=tables.member_names.get((kind, index), ""),
                offset=decorations.get(Decoration.OFFSET, 0),
                size=block_size(inner) if is_struct else _size(tables, member, decorations, depth),
                type=type_name(tables, element),
                count=count,
                stride=stride,
                members=inner,
            )
        )
    found = tuple(rows)
    tables.members[kind] = found, before - tables.members_left
    return found


def _take_members(tables: ModuleTables, count: int) -> None:
    """Count members that a block has: one that is used twice counts twice, as it would fill the memory."""
    tables.members_left -= count
    if tables.members_left < 0:
        raise SpirvError("the module's blocks have too many members")


def _value_size(tables: ModuleTables, kind: int) -> int:
    """Return the bytes of a value of a type without padding: 8 for what is opaque, 0 for a runtime array."""
    op, *parts = tables.types[kind]
    if op in (Op.TYPE_INT, Op.TYPE_FLOAT):
        return parts[0] // 8
    if op == Op.TYPE_BOOL:
        return 4
    if op in (Op.TYPE_VECTOR, Op.TYPE_MATRIX):
        return parts[1] * tables.sizes[parts[0]]
    if op in (Op.TYPE_ARRAY, Op.TYPE_RUNTIME_ARRAY):
        return array_count(tables, kind) * tables.sizes[parts[0]]
    if op == Op.TYPE_STRUCT:
        return sum(tables.sizes.get(part, 8) for part in parts)
    return 8


def block_size(members: tuple[Member, ...]) -> int:
    """Return the bytes from the start of a block to the end of its last sized member."""
    return max((member.offset + member.size for member in members), default=0)


def _size(tables: ModuleTables, kind: int, member: dict[int, int], depth: int) -> int:
    if depth > _MAX_DEPTH:
        raise SpirvError(f"types nest deeper than {_MAX_DEPTH}")
    op, *operands = tables.types[kind]
    if op in (Op.TYPE_FLOAT, Op.TYPE_INT):
        return operands[0] // 8
    if op == Op.TYPE_VECTOR:
        return operands[1] * _size(tables, operands[0], {}, depth + 1)
    if op == Op.TYPE_MATRIX:
        rows = tables.types[operands[0]][2]
        scalar = _size(tables, tables.types[operands[0]][1], {}, depth + 1)
        lines, across = (rows, operands[1]) if Decoration.ROW_MAJOR in member else (operands[1], rows)
        stride = member.get(Decoration.MATRIX_STRIDE, across * scalar)
        return stride * (lines - 1) + max(stride, across * scalar)
    if op == Op.TYPE_ARRAY:
        stride = tables.decorations.get(kind, {}).get(Decoration.ARRAY_STRIDE, 0)
        return array_count(tables, kind) * stride
    return 0
