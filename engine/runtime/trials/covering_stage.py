"""A vertex stage that covers the whole target, as SPIR-V: with it a fragment stage runs, whatever feeds it.

The fragment stage reads zero from every input. (SPIR-V specification 1.6, chapters 2.3 and 3.52)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from engine.runtime.trials.trial import Input

_VERSION, _GENERATOR = 0x0001_0000, 0
_VERTEX, _INPUT, _OUTPUT = 0, 1, 3
_BUILT_IN, _LOCATION, _COMPONENT = 11, 30, 31
_POSITION, _VERTEX_INDEX = 0, 42


class _Module:
    """Instructions by section, with one id for each result; equal types and constants are one."""

    def __init__(self) -> None:
        self.decorations: list[int] = []
        self.globals: list[int] = []
        self.body: list[int] = []
        self._known: dict[tuple[int, ...], int] = {}
        self.bound = 1

    def new_id(self) -> int:
        """Return an id that nothing has."""
        self.bound += 1
        return self.bound - 1

    def type(self, op: int, *operands: int) -> int:
        """Return a type."""
        if (op, *operands) not in self._known:
            found = self._known[(op, *operands)] = self.new_id()
            self.globals += _instruction(op, found, *operands)
        return self._known[(op, *operands)]

    def constant(self, op: int, kind: int, *operands: int) -> int:
        """Return a constant of a type."""
        if (op, kind, *operands) not in self._known:
            found = self._known[(op, kind, *operands)] = self.new_id()
            self.globals += _instruction(op, kind, found, *operands)
        return self._known[(op, kind, *operands)]

    def variable(self, kind: int, storage: int, *decorations: tuple[int, int]) -> int:
        """Return a global variable."""
        found = self.new_id()
        self.globals += _instruction(59, self.type(32, storage, kind), found, storage)
        for decoration in decorations:
            self.decorations += _instruction(71, found, *decoration)
        return found

    def value(self, op: int, kind: int, *operands: int) -> int:
        """Return the result of an instruction of the body."""
        found = self.new_id()
        self.body += _instruction(op, kind, found, *operands)
        return found


def covering_stage(inputs: Iterable[Input]) -> bytes:
    """Return a module with the entry point `main`, whose three vertices cover the target at depth 0.5."""
    module = _Module()
    void, boolean, floating = module.type(19), module.type(20), module.type(22, 32)
    signed = module.type(21, 32, 1)
    vector = module.type(23, floating, 4)
    position = module.variable(vector, _OUTPUT, (_BUILT_IN, _POSITION))
    index = module.variable(signed, _INPUT, (_BUILT_IN, _VERTEX_INDEX))
    outputs = []
    for location, component, kind, components in inputs:
        scalar = {"float": floating, "int": signed}.get(kind) or module.type(21, 32, 0)
        wide = module.type(23, scalar, components) if components > 1 else scalar
        placed = [(_LOCATION, location), (_COMPONENT, component)][: 2 if component else 1]
        outputs.append((module.variable(wide, _OUTPUT, *placed), module.constant(46, wide)))
    near, far, middle, one = (
        module.constant(43, floating, *_words(value)) for value in (-1.0, 3.0, 0.5, 1.0)
    )
    first, second = (module.constant(43, signed, number) for number in (1, 2))
    main, function = module.new_id(), module.type(33, void)
    number = module.value(61, signed, index)
    x, y = (
        module.value(169, floating, module.value(170, boolean, number, which), far, near)
        for which in (first, second)
    )
    module.body += _instruction(62, position, module.value(80, vector, x, y, middle, one))
    for variable, zero in outputs:
        module.body += _instruction(62, variable, zero)
    interface = (position, index, *(variable for variable, _ in outputs))
    words = [
        *_instruction(17, 1),  # Shader
        *_instruction(14, 0, 1),  # Logical, GLSL450
        *_instruction(15, _VERTEX, main, *_name("main"), *interface),
        *module.decorations,
        *module.globals,
        *_instruction(54, void, main, 0, function),
        *_instruction(248, module.new_id()),
        *module.body,
        *_instruction(253),
        *_instruction(56),
    ]
    header = (0x07230203, _VERSION, _GENERATOR, module.bound, 0)
    return struct.pack(f"<{len(header) + len(words)}I", *header, *words)


def _instruction(op: int, *operands: int) -> Iterator[int]:
    yield (1 + len(operands)) << 16 | op
    yield from operands


def _words(value: float) -> tuple[int, ...]:
    return struct.unpack("<I", struct.pack("<f", value))


def _name(text: str) -> tuple[int, ...]:
    data = text.encode() + b"\0"
    data += bytes(-len(data) % 4)
    return struct.unpack(f"<{len(data) // 4}I", data)
