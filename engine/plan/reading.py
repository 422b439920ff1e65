"""Reads a plan back from its text, for `plan --against` and `diff`; checks it as if anyone had edited it.

What is read is memoryPlan with its requirements and askers: enough to plan on from. The profile is given, and
a plan that breaks a rule on it is refused with what is wrong and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from engine.humon import Kind as NodeKind
from engine.humon import Node, integer, parse, required
from engine.humon.values import failure, text
from engine.plan.askers import AskerTable
from engine.plan.coalesce import Coalesced, coalesce
from engine.plan.errors import PlanError
from engine.plan.formats import Format
from engine.plan.keys import Keys, asset_key
from engine.plan.memory_plan import ALLOCATION, RESOURCE, SUBRESOURCE, MemoryPlan, Sharing
from engine.plan.plan import Plan
from engine.plan.policy import Policy
from engine.plan.profile import DeviceProfile
from engine.plan.requirements import ImageShape, QueueUse, Requirement, RequirementTable, TermsTable
from engine.plan.table import Table
from engine.plan.validate import validate
from engine.plan.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
    flags_from_names,
)

_ASKER = re.compile(
    r"(?P<feature>.*?)(?: on '(?P<path>.*)')?(?: at (?P<file>.+):(?P<line>\d+):(?P<column>\d+))?"
)
T = TypeVar("T")


class _Position:
    def __init__(self, file: str, line: int, column: int) -> None:
        self.file, self.line, self.column = file, line, column


class _Reader:
    def __init__(self, keys: Keys | None, names: dict[int, str]) -> None:
        self.names = names
        self.keys = keys if keys is not None else Keys(names.__getitem__)
        self.table = RequirementTable(self.keys, AskerTable())
        self.terms = TermsTable()
        self.allocations: list[tuple[object, ...]] = []
        self.resources: list[tuple[object, ...]] = []
        self.places: list[tuple[object, ...]] = []

    def memory(self, node: Node) -> None:
        for key, blocks in node.items():
            word, _, number = key.partition(" ")
            if word != "memoryType" or not number.isdigit():
                raise failure("plan.text", f"'{key}' is no memory type", blocks, "write `memoryType 0`")
            for block in blocks:
                self.allocation(int(number), block)

    def allocation(self, memory_type: int, node: Node) -> None:
        ident = integer(required(node, "allocation"))
        members = list(required(node, "resources"))
        linear = bool(members) and required(members[0], "kind").text == "buffer"
        flags = [_true(node, name) for name in ("own", "dedicated", "deviceAddress", "mapped")]
        self.allocations.append((ident, memory_type, integer(required(node, "size")), *flags, linear))
        for member in members:
            self.resource(ident, member)

    def resource(self, home: int, node: Node) -> None:
        ident, kind = (
            integer(required(node, "resource")),
            _known(required(node, "kind"), lambda t: Kind[t.upper()]),
        )
        usage = int(_usage(kind, required(node, "usages")))
        sharing = _known(required(node, "sharing"), lambda t: Sharing[t.upper()])
        numbers = [integer(required(node, n)) for n in ("offset", "size")]
        size = integer(required(node, "bytes")) if kind is Kind.BUFFER else 0
        shape = _shape(node) if kind is Kind.IMAGE else None
        extent = (
            (int(shape.format), shape.width, shape.height, shape.mip_levels, shape.samples)
            if shape
            else (0, 0, 0, 0, 0)
        )
        layers = integer(required(node, "layers")) if shape else 0
        tail = (layers, _true(node, "estimated"), _true(node, "aliased"), int(sharing))
        alignment = integer(required(node, "alignment"))
        self.resources.append((ident, home, *numbers, size, alignment, usage, int(kind), *extent, *tail))
        for place in required(node, "subresources"):
            self.place(ident, kind, shape, place)

    def place(self, resource: int, kind: Kind, shape: ImageShape | None, node: Node) -> None:
        name = node.get("transient")
        if name is not None:
            key = self.keys.transient(name.text)
        else:
            address = required(node, "address")
            key = asset_key(integer(address[0]), integer(address[1]))
            self.names[key] = text(required(node, "assetCache"))
        size, footprint = integer(required(node, "size")), integer(required(node, "footprint"))
        stride = _optional(node, "stride", size)
        content = _optional(node, "content", 0)
        requirement = _requirement(node, key, kind, shape, size, content)
        terms = self.terms.id(requirement.terms())
        offset = integer(required(node, "offset" if kind is Kind.BUFFER else "layer"))
        self.places.append((key, resource, terms, offset, size, footprint, stride, content))
        self.table.add(requirement, [self.asker(text(who)) for who in required(node, "why")])

    def asker(self, words: str) -> int:
        found = _ASKER.fullmatch(words)
        assert found is not None
        place = None
        if found["file"]:
            place = _Position(found["file"], int(found["line"]), int(found["column"]))
        return self.table.askers.add(found["feature"], found["path"] or "", place)

    def plan(self) -> MemoryPlan:
        return MemoryPlan(
            Table.of(np.sort(np.array(self.allocations, ALLOCATION), order="id"), "id"),
            Table.of(np.sort(np.array(self.resources, RESOURCE), order="id"), "id"),
            Table.of(np.sort(np.array(self.places, SUBRESOURCE), order="key"), "key"),
            1 + max((int(str(row[0])) for row in self.allocations), default=-1),
            1 + max((int(str(row[0])) for row in self.resources), default=-1),
        )


def read_plan(
    source: str,
    profile: DeviceProfile,
    policy: Policy | None = None,
    name: str = "plan.hu",
    keys: Keys | None = None,
    names: dict[int, str] | None = None,
) -> Plan:
    """The plan in a text that `plan_text` wrote, on `profile`.

    `keys` are those of the plan that this one is to be compared with: transients of one name are the same.
    Names of assets are collected in `names`.

    InputError where the text is no plan, PlanError where the plan breaks a rule (ranges that overlap, say).
    """
    root = required(parse(source, name).root, "featureDb")
    reader = _Reader(keys, {} if names is None else names)
    reader.memory(required(root, "memoryPlan"))
    types = [int(str(row[1])) for row in reader.allocations]
    if types and max(types) >= len(profile.memory_types):
        what = f"{name}: memory type {max(types)}, and the profile has {len(profile.memory_types)}"
        raise PlanError("plan.profile", what, "give the profile that the plan was made for")
    needs: Coalesced = coalesce(reader.table)
    memory = reader.plan()
    for table, by in ((memory.allocations, "id"), (memory.resources, "id"), (memory.subresources, "key")):
        twice = np.flatnonzero(table[by][1:] == table[by][:-1])
        if len(twice):
            raise PlanError("plan.text", f"{name}: {by} {table[by][twice[0]]} is there twice")
    plan = Plan(memory, MemoryPlan.empty(), (), (), (), needs, reader.terms, profile, policy or Policy())
    findings = [f for f in validate(plan) if f.rule not in ("budget", "1 size")]
    if findings:
        raise PlanError("plan.text", f"{name}: " + "; ".join(map(str, findings[:5])), "print the plan again")
    return plan


def profile_name(source: str, name: str = "plan.hu") -> str:
    """The name of the profile that a plan text was made for; InputError where the text is no plan."""
    return text(required(required(parse(source, name).root, "featureDb"), "profile"))


def _requirement(
    node: Node, key: int, kind: Kind, shape: ImageShape | None, size: int, content: int
) -> Requirement:
    life = node.get("lifetime")
    dedicated, contents = node.get("dedicated"), node.get("contents")
    return Requirement(
        key,
        kind,
        0 if shape else size,
        _optional(node, "alignment", 1),
        shape,
        _usage(kind, required(node, "usages")),
        _flags(MemoryProperty, required(node, "memoryProperties")),
        _flags(MemoryProperty, node.get("preferred")),
        tuple(_use(use) for use in required(node, "queues")),
        _known(dedicated, lambda t: Dedicated[t.upper()]) if dedicated else Dedicated.NO,
        _known(contents, lambda t: Contents[t.upper()]) if contents else Contents.UNDEFINED,
        _optional(node, "copies", 1),
        (integer(life[0]), integer(life[1])) if life else None,
        _true(node, "mapped"),
        _optional(node, "priority", 0),
        content,
    )


def _use(node: Node) -> QueueUse:
    queue = _known(node[0], lambda t: QueueKind[t.upper()])
    return QueueUse(queue, _flags(Access, node[1]), _flags(Stage, node[2]))


def _shape(node: Node) -> ImageShape:
    dims = required(node, "dims")
    texel = _known(required(node, "format"), lambda t: Format[t.upper()])
    levels, samples = integer(required(node, "mipLevels")), integer(required(node, "samples"))
    return ImageShape(texel, integer(dims[0]), integer(dims[1]), levels, samples)


_Flags = TypeVar("_Flags", BufferUsage, ImageUsage, MemoryProperty, Access, Stage)


def _flags(kind: type[_Flags], node: Node | None) -> _Flags:
    if node is None:
        return kind(0)
    names = [node.text] if node.kind is NodeKind.VALUE else [text(child) for child in node]
    try:
        return flags_from_names(kind, names)
    except (KeyError, ValueError) as unknown:
        raise failure("plan.text", f"{unknown} is no {kind.__name__}", node) from None


def _usage(kind: Kind, node: Node) -> BufferUsage | ImageUsage:
    return _flags(BufferUsage, node) if kind is Kind.BUFFER else _flags(ImageUsage, node)


def _known(node: Node, read: Callable[[str], T]) -> T:
    try:
        return read(text(node))
    except KeyError:
        raise failure("plan.text", f"'{node.text}' is not known here", node) from None


def _optional(node: Node, name: str, default: int) -> int:
    child = node.get(name)
    return default if child is None else integer(child)


def _true(node: Node, name: str) -> bool:
    child = node.get(name)
    return child is not None and child.text == "true"
